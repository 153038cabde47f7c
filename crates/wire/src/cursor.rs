//! A strict reader over one message's body.

use crate::error::WireError;

pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(body: &'a [u8]) -> Self {
        Self { rest: body }
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn take(&mut self, count: usize, what: &'static str) -> Result<&'a [u8], WireError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or(WireError::Truncated { what })?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], WireError> {
        let (taken, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or(WireError::Truncated { what })?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self, what: &'static str) -> Result<u8, WireError> {
        Ok(u8::from_be_bytes(self.array(what)?))
    }

    pub(crate) fn u16(&mut self, what: &'static str) -> Result<u16, WireError> {
        Ok(u16::from_be_bytes(self.array(what)?))
    }

    pub(crate) fn i16(&mut self, what: &'static str) -> Result<i16, WireError> {
        Ok(i16::from_be_bytes(self.array(what)?))
    }

    pub(crate) fn u32(&mut self, what: &'static str) -> Result<u32, WireError> {
        Ok(u32::from_be_bytes(self.array(what)?))
    }

    pub(crate) fn i32(&mut self, what: &'static str) -> Result<i32, WireError> {
        Ok(i32::from_be_bytes(self.array(what)?))
    }

    /// Bytes up to the next NUL, which is taken too.
    pub(crate) fn c_bytes(&mut self, what: &'static str) -> Result<&'a [u8], WireError> {
        let end = self
            .rest
            .iter()
            .position(|byte| *byte == 0)
            .ok_or(WireError::Unterminated { what })?;
        let text = self.take(end, what)?;
        self.take(1, what)?;
        Ok(text)
    }

    pub(crate) fn c_str(&mut self, what: &'static str) -> Result<&'a str, WireError> {
        std::str::from_utf8(self.c_bytes(what)?).map_err(|_| WireError::NotUtf8 { what })
    }

    /// A length-prefixed value; length -1 is NULL.
    pub(crate) fn value(&mut self, what: &'static str) -> Result<Option<&'a [u8]>, WireError> {
        match self.i32(what)? {
            -1 => Ok(None),
            length => {
                let count = usize::try_from(length)
                    .map_err(|_| WireError::NegativeLength { what, length })?;
                self.take(count, what).map(Some)
            }
        }
    }

    pub(crate) fn finish(self) -> Result<(), WireError> {
        match self.rest.len() {
            0 => Ok(()),
            bytes => Err(WireError::TrailingBytes { bytes }),
        }
    }
}
