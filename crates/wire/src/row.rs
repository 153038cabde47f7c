//! `DataRow`: the path that every row takes, without an allocation.

use bytes::{BufMut, BytesMut};

use crate::backend::FrameAt;
use crate::error::WireError;
use crate::frontend::HEAD_BYTES;
use crate::limits::MAX_COLUMNS;

const COUNT_BYTES: usize = 2;
const LENGTH_BYTES: usize = 4;

/// The fields of a row, `None` for NULL; strict to the last byte, so run it to its end.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    rest: &'a [u8],
    left: usize,
}

/// Opens the body of a `DataRow`.
pub fn fields(body: &[u8]) -> Result<Fields<'_>, WireError> {
    let (count, rest) = body
        .split_first_chunk::<COUNT_BYTES>()
        .ok_or(WireError::Truncated {
            what: "field count",
        })?;
    let left = usize::from(u16::from_be_bytes(*count));
    if left > MAX_COLUMNS {
        return Err(WireError::CountOutOfRange {
            what: "fields",
            count: i64::from(u16::from_be_bytes(*count)),
        });
    }
    Ok(Fields { rest, left })
}

impl<'a> Fields<'a> {
    /// How many fields are still to come.
    pub fn left(&self) -> usize {
        self.left
    }

    #[inline]
    fn take_field(&mut self) -> Result<Option<&'a [u8]>, WireError> {
        let (length, rest) =
            self.rest
                .split_first_chunk::<LENGTH_BYTES>()
                .ok_or(WireError::Truncated {
                    what: "field length",
                })?;
        let length = i32::from_be_bytes(*length);
        if length == -1 {
            self.rest = rest;
            return Ok(None);
        }
        let Ok(count) = usize::try_from(length) else {
            return Err(WireError::NegativeLength {
                what: "field",
                length,
            });
        };
        let (value, rest) = rest
            .split_at_checked(count)
            .ok_or(WireError::Truncated { what: "field" })?;
        self.rest = rest;
        Ok(Some(value))
    }

    /// Walks over `count` fields.
    #[inline]
    fn skip_fields(&mut self, count: usize) -> Result<(), WireError> {
        for _ in 0..count {
            self.take_field()?;
        }
        self.left = self.left.saturating_sub(count);
        Ok(())
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Option<&'a [u8]>, WireError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            let bytes = std::mem::take(&mut self.rest).len();
            return (bytes > 0).then_some(Err(WireError::TrailingBytes { bytes }));
        }
        self.left -= 1;
        let field = self.take_field();
        if field.is_err() {
            // One error ends the walk.
            self.left = 0;
            self.rest = &[];
        }
        Some(field)
    }
}

/// A row cut in two: what the client gets, and the tapped fields at its end.
#[derive(Debug, Clone)]
pub struct Split<'a> {
    kept: Kept,
    kept_fields: &'a [u8],
    tap: Fields<'a>,
}

/// The size of what is kept of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    fields: u16,
    bytes: usize,
}

/// Cuts the last `tapped` fields off the body of a `DataRow`. The whole row is validated.
#[inline]
pub fn split_last(body: &[u8], tapped: usize) -> Result<Split<'_>, WireError> {
    let mut all = fields(body)?;
    let count = all.left;
    let Some(kept) = count.checked_sub(tapped) else {
        return Err(WireError::TooFewFields {
            fields: count,
            needed: tapped,
        });
    };
    let start = all.rest;
    all.skip_fields(kept)?;
    let bytes = start.len() - all.rest.len();
    let tap = all.clone();
    all.skip_fields(tapped)?;
    if !all.rest.is_empty() {
        return Err(WireError::TrailingBytes {
            bytes: all.rest.len(),
        });
    }
    let Ok(fields) = u16::try_from(kept) else {
        return Err(WireError::CountOutOfRange {
            what: "fields",
            count: -1,
        });
    };
    Ok(Split {
        kept: Kept { fields, bytes },
        kept_fields: start.get(..bytes).unwrap_or_default(),
        tap,
    })
}

impl<'a> Split<'a> {
    pub fn kept(&self) -> Kept {
        self.kept
    }

    /// The tapped fields, in order; already known to be well-formed.
    pub fn tap(&self) -> impl Iterator<Item = Option<&'a [u8]>> + use<'a> {
        self.tap.clone().map_while(Result::ok)
    }

    /// The kept fields as they came, without their count.
    pub fn kept_bytes(&self) -> &'a [u8] {
        self.kept_fields
    }

    pub(crate) fn tap_fields(&self) -> Fields<'a> {
        self.tap.clone()
    }

    /// Writes the kept part as a `DataRow` of its own.
    #[inline]
    pub fn write(&self, out: &mut BytesMut) {
        out.reserve(self.kept.frame_bytes());
        out.put_slice(&self.kept.head());
        out.put_slice(self.kept_fields);
    }
}

impl Kept {
    pub fn fields(self) -> u16 {
        self.fields
    }

    /// Bytes of the whole frame that the client gets.
    pub fn frame_bytes(self) -> usize {
        HEAD_BYTES + COUNT_BYTES + self.bytes
    }

    /// Writes the kept part of a row whose body was split before, without walking it again. `body` must
    /// be the one that was split.
    #[inline]
    pub fn write(self, body: &[u8], out: &mut BytesMut) -> Result<(), WireError> {
        let kept = body
            .get(COUNT_BYTES..)
            .and_then(|fields| fields.get(..self.bytes));
        let kept = kept.ok_or(WireError::Truncated {
            what: "kept fields",
        })?;
        out.reserve(self.frame_bytes());
        out.put_slice(&self.head());
        out.put_slice(kept);
        Ok(())
    }

    fn head(self) -> [u8; HEAD_BYTES + COUNT_BYTES] {
        // A part of a frame that was accepted: far below `i32::MAX`.
        let length = u32::try_from(LENGTH_BYTES + COUNT_BYTES + self.bytes).unwrap_or(u32::MAX);
        let [l0, l1, l2, l3] = length.to_be_bytes();
        let [c0, c1] = self.fields.to_be_bytes();
        [b'D', l0, l1, l2, l3, c0, c1]
    }
}

/// Moves the kept part of the row at `frame` to `write_at` in the same buffer and answers where the
/// next frame goes. `write_at` must not be after the frame's start; `None` if it is.
#[inline]
pub fn compact_row(
    buffer: &mut [u8],
    frame: FrameAt,
    kept: Kept,
    write_at: usize,
) -> Option<usize> {
    let from = frame.start.checked_add(HEAD_BYTES + COUNT_BYTES)?;
    let end = write_at.checked_add(kept.frame_bytes())?;
    let to = write_at + HEAD_BYTES + COUNT_BYTES;
    if write_at > frame.start || from + kept.bytes > frame.end || frame.end > buffer.len() {
        return None;
    }
    if to != from {
        buffer.copy_within(from..from + kept.bytes, to);
    }
    buffer.get_mut(write_at..to)?.copy_from_slice(&kept.head());
    Some(end)
}

/// Moves a whole frame to `write_at` in the same buffer and answers where the next one goes.
#[inline]
pub fn compact_frame(buffer: &mut [u8], frame: FrameAt, write_at: usize) -> Option<usize> {
    if write_at > frame.start || frame.start > frame.end || frame.end > buffer.len() {
        return None;
    }
    if write_at != frame.start {
        buffer.copy_within(frame.start..frame.end, write_at);
    }
    Some(write_at + (frame.end - frame.start))
}
