//! Taking the tap off the rows of a `COPY … TO STDOUT`.
//!
//! The gate appends the subject keys as last columns, each in lower-case hex or `-`: nothing there is
//! ever escaped or quoted, so the last delimiters of a line are always those of the tap. A tap in any
//! other form is refused rather than guessed at.

use bytes::{BufMut, BytesMut};

use crate::backend::COPY_DATA;
use crate::error::WireError;
use crate::row::{self, Fields};

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
/// Signature, flags, length of the header's extension.
const BINARY_HEAD_BYTES: usize = SIGNATURE.len() + 8;
const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();

/// How the rows of this COPY are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    Text { delimiter: u8 },
    Csv { delimiter: u8 },
    Binary,
}

/// One COPY stream from its first `CopyData` to its last.
#[derive(Debug)]
pub struct Strip {
    layout: Layout,
    tapped: usize,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// A line of column names is due.
    HeaderLine,
    BinaryHead,
    Rows,
    Ended,
}

/// What one `CopyData` held.
#[derive(Debug, Clone)]
pub enum Piece<'a> {
    /// Column names, or a binary head without a row.
    Header,
    /// One row, with its tap.
    Row { tap: Tap<'a> },
    /// The end mark of a binary stream.
    Trailer,
}

/// The tapped values of one row, in order, `None` for a binary NULL; already validated.
#[derive(Debug, Clone)]
pub struct Tap<'a>(Source<'a>);

#[derive(Debug, Clone)]
enum Source<'a> {
    Delimited {
        rest: Option<&'a [u8]>,
        delimiter: u8,
    },
    Binary(Fields<'a>),
}

impl<'a> Iterator for Tap<'a> {
    type Item = Option<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Source::Binary(fields) => fields.next().and_then(Result::ok),
            Source::Delimited { rest, delimiter } => {
                let text = rest.take()?;
                match text.iter().position(|byte| byte == delimiter) {
                    Some(at) => {
                        *rest = text.get(at + 1..);
                        text.get(..at).map(Some)
                    }
                    None => Some(Some(text)),
                }
            }
        }
    }
}

impl Strip {
    /// `header_line`: the COPY was asked for with HEADER. `tapped`: how many columns to take off.
    pub fn new(layout: Layout, header_line: bool, tapped: usize) -> Result<Self, WireError> {
        if let Layout::Text { delimiter } | Layout::Csv { delimiter } = layout
            && (is_tap(delimiter)
                || is_name(delimiter)
                || matches!(delimiter, b'\n' | b'\r' | b'"' | 0))
        {
            return Err(WireError::TapDelimiter);
        }
        let state = match (layout, header_line) {
            (Layout::Binary, _) => State::BinaryHead,
            (_, true) => State::HeaderLine,
            (_, false) => State::Rows,
        };
        Ok(Self {
            layout,
            tapped,
            state,
        })
    }

    /// Reads one `CopyData` body and appends the client's `CopyData` to `out`.
    pub fn strip<'a>(
        &mut self,
        data: &'a [u8],
        out: &mut BytesMut,
    ) -> Result<Piece<'a>, WireError> {
        match self.layout {
            Layout::Text { delimiter } | Layout::Csv { delimiter } => {
                self.strip_line(data, delimiter, out)
            }
            Layout::Binary => self.strip_binary(data, out),
        }
    }

    fn strip_line<'a>(
        &mut self,
        data: &'a [u8],
        delimiter: u8,
        out: &mut BytesMut,
    ) -> Result<Piece<'a>, WireError> {
        let header = self.state == State::HeaderLine;
        let allowed = if header { is_name } else { is_tap };
        let line = split_line(data, self.tapped, delimiter, allowed)?;
        write_copy_data(out, &[line.kept, line.ending])?;
        self.state = State::Rows;
        if header {
            return Ok(Piece::Header);
        }
        Ok(Piece::Row {
            tap: Tap(Source::Delimited {
                rest: line.tap,
                delimiter,
            }),
        })
    }

    fn strip_binary<'a>(
        &mut self,
        data: &'a [u8],
        out: &mut BytesMut,
    ) -> Result<Piece<'a>, WireError> {
        let (head, rest) = match self.state {
            State::BinaryHead => split_head(data)?,
            State::Rows => (&[][..], data),
            State::Ended | State::HeaderLine => return Err(WireError::CopyOutOfOrder),
        };
        if rest.is_empty() {
            if head.is_empty() {
                return Err(WireError::Truncated { what: "copy row" });
            }
            write_copy_data(out, &[head])?;
            self.state = State::Rows;
            return Ok(Piece::Header);
        }
        if rest == TRAILER {
            write_copy_data(out, &[head, rest])?;
            self.state = State::Ended;
            return Ok(Piece::Trailer);
        }
        // A tuple has the shape of a `DataRow`: a count, then length-prefixed values.
        let split = row::split_last(rest, self.tapped)?;
        write_copy_data(
            out,
            &[
                head,
                &split.kept().fields().to_be_bytes(),
                split.kept_bytes(),
            ],
        )?;
        self.state = State::Rows;
        Ok(Piece::Row {
            tap: Tap(Source::Binary(split.tap_fields())),
        })
    }
}

struct Line<'a> {
    kept: &'a [u8],
    /// Without its leading delimiter; `None` where nothing is tapped.
    tap: Option<&'a [u8]>,
    ending: &'a [u8],
}

/// Cuts at the `tapped`-th delimiter from the end.
fn split_line(
    data: &[u8],
    tapped: usize,
    delimiter: u8,
    allowed: fn(u8) -> bool,
) -> Result<Line<'_>, WireError> {
    let text = data
        .strip_suffix(b"\n")
        .ok_or(WireError::Truncated { what: "copy line" })?;
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    let ending = data.get(text.len()..).unwrap_or_default();
    if tapped == 0 {
        return Ok(Line {
            kept: text,
            tap: None,
            ending,
        });
    }
    let mut found = 0;
    let mut cut = text.len();
    while found < tapped {
        let seen = text.get(..cut).unwrap_or_default();
        let at = seen
            .iter()
            .rposition(|byte| !allowed(*byte))
            .ok_or(WireError::TapMalformed)?;
        // Between two delimiters stands a value of the tap, which is never empty.
        if seen.get(at) != Some(&delimiter) || at + 1 == cut {
            return Err(WireError::TapMalformed);
        }
        cut = at;
        found += 1;
    }
    Ok(Line {
        kept: text.get(..cut).unwrap_or_default(),
        tap: text.get(cut + 1..),
        ending,
    })
}

fn split_head(data: &[u8]) -> Result<(&[u8], &[u8]), WireError> {
    let fixed = data
        .get(..BINARY_HEAD_BYTES)
        .ok_or(WireError::Truncated { what: "copy head" })?;
    // No flag and no extension is defined for what a server writes: neither is passed on unknown.
    let plain = fixed
        .strip_prefix(SIGNATURE)
        .is_some_and(|rest| rest.iter().all(|byte| *byte == 0));
    if !plain {
        return Err(WireError::CopyOutOfOrder);
    }
    data.split_at_checked(BINARY_HEAD_BYTES)
        .ok_or(WireError::CopyOutOfOrder)
}

fn write_copy_data(out: &mut BytesMut, parts: &[&[u8]]) -> Result<(), WireError> {
    let bytes: usize = parts.iter().map(|part| part.len()).sum::<usize>() + 4;
    let length = i32::try_from(bytes).map_err(|_| WireError::TooLongToSend { bytes })?;
    out.reserve(bytes + 1);
    out.put_u8(COPY_DATA);
    out.put_i32(length);
    parts.iter().for_each(|part| out.put_slice(part));
    Ok(())
}

fn is_tap(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-')
}

/// The gate's own names for tapped columns.
fn is_name(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'_')
}
