//! What a client sends after its first packet.

use bytes::{Bytes, BytesMut};

use crate::cursor::Cursor;
use crate::error::WireError;
use crate::limits::{
    MAX_BIND_BYTES, MAX_COPY_IN_BYTES, MAX_FUNCTION_CALL_BYTES, MAX_LOGIN_FRAME_BYTES,
    MAX_QUERY_BYTES, MAX_SMALL_FRAME_BYTES,
};

/// Tag and length.
pub const HEAD_BYTES: usize = 5;
/// The length counts itself.
const LENGTH_BYTES: usize = 4;

/// How far the client has come: before its password is proved it may send little.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Login,
    Session,
}

/// One whole message, as it came.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    raw: Bytes,
}

// A frame holds statement texts, values, passwords: only its kind and size are printable.
impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Frame({}, {} bytes)",
            self.tag().escape_ascii(),
            self.raw.len()
        )
    }
}

/// Takes the next message off `buffer`; `None` asks for more bytes.
///
/// Type and declared length are judged as soon as they are there, and nothing is reserved for a
/// declared length: the buffer grows with what has really arrived.
pub fn take_frame(buffer: &mut BytesMut, phase: Phase) -> Result<Option<Frame>, WireError> {
    let Some(tag) = buffer.first().copied() else {
        return Ok(None);
    };
    let limit = frame_limit(tag, phase)?;
    let Some(total) = crate::backend::declared_total(buffer, tag, limit)? else {
        return Ok(None);
    };
    if buffer.len() < total {
        return Ok(None);
    }
    Ok(Some(Frame {
        raw: buffer.split_to(total).freeze(),
    }))
}

impl Frame {
    pub fn tag(&self) -> u8 {
        self.raw.first().copied().unwrap_or_default()
    }

    pub fn body(&self) -> &[u8] {
        self.raw.get(HEAD_BYTES..).unwrap_or_default()
    }

    /// The message with its head, to be sent on.
    pub fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// A part of this frame's body that lives on its own, without a copy.
    pub fn share(&self, part: &[u8]) -> Bytes {
        if part.is_empty() {
            Bytes::new()
        } else {
            self.raw.slice_ref(part)
        }
    }

    pub fn decode(&self) -> Result<Message<'_>, WireError> {
        decode(self.tag(), self.body())
    }
}

/// A message of a client, understood to its last byte.
#[derive(Debug, Clone)]
pub enum Message<'a> {
    Query {
        sql: &'a str,
    },
    Parse(Parse<'a>),
    Bind(Bind<'a>),
    Describe {
        target: Target,
        name: &'a str,
    },
    Execute {
        portal: &'a str,
        max_rows: u32,
    },
    Close {
        target: Target,
        name: &'a str,
    },
    Sync,
    Flush,
    Terminate,
    /// `PasswordMessage`, `SASLInitialResponse` or `SASLResponse`, by what was asked for: see
    /// [`sasl_initial`] and [`sasl_response`].
    Credential {
        body: &'a [u8],
    },
    FunctionCall,
    CopyData {
        data: &'a [u8],
    },
    CopyDone,
    CopyFail {
        reason: &'a str,
    },
}

/// What `Describe` and `Close` point at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Statement,
    Portal,
}

#[derive(Debug, Clone)]
pub struct Parse<'a> {
    pub name: &'a str,
    pub sql: &'a str,
    /// OIDs, 0 where the server shall find out.
    pub param_types: Vec<u32>,
}

#[derive(Debug, Clone)]
pub struct Bind<'a> {
    pub portal: &'a str,
    pub statement: &'a str,
    pub param_formats: Vec<Format>,
    pub params: Vec<Option<&'a [u8]>>,
    pub result_formats: Vec<Format>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Text,
    Binary,
}

impl Format {
    pub fn code(self) -> i16 {
        match self {
            Self::Text => 0,
            Self::Binary => 1,
        }
    }

    pub(crate) fn from_code(code: i16) -> Result<Self, WireError> {
        match code {
            0 => Ok(Self::Text),
            1 => Ok(Self::Binary),
            code => Err(WireError::UnknownCode {
                what: "format",
                code: i64::from(code),
            }),
        }
    }
}

impl Bind<'_> {
    /// The format of parameter `index`: no code means text, one code means it for all.
    pub fn param_format(&self, index: usize) -> Format {
        format_of(&self.param_formats, index)
    }

    /// The format of result column `index`.
    pub fn result_format(&self, index: usize) -> Format {
        format_of(&self.result_formats, index)
    }
}

/// `SASLInitialResponse`.
#[derive(Debug, Clone, Copy)]
pub struct SaslInitial<'a> {
    pub mechanism: &'a str,
    pub data: Option<&'a [u8]>,
}

/// Reads a [`Message::Credential`] as the answer to `AuthenticationSASL`.
pub fn sasl_initial(body: &[u8]) -> Result<SaslInitial<'_>, WireError> {
    let mut cursor = Cursor::new(body);
    let mechanism = cursor.c_str("SASL mechanism")?;
    let data = cursor.value("SASL response")?;
    cursor.finish()?;
    Ok(SaslInitial { mechanism, data })
}

/// Reads a [`Message::Credential`] as the answer to `AuthenticationSASLContinue`: all of it.
pub fn sasl_response(body: &[u8]) -> &[u8] {
    body
}

/// Understands one message.
pub fn decode(tag: u8, body: &[u8]) -> Result<Message<'_>, WireError> {
    let mut cursor = Cursor::new(body);
    let message = match tag {
        b'Q' => Message::Query {
            sql: cursor.c_str("query")?,
        },
        b'P' => Message::Parse(parse(&mut cursor)?),
        b'B' => Message::Bind(bind(&mut cursor)?),
        b'D' => Message::Describe {
            target: target(&mut cursor)?,
            name: cursor.c_str("name")?,
        },
        b'E' => Message::Execute {
            portal: cursor.c_str("portal")?,
            max_rows: max_rows(&mut cursor)?,
        },
        b'C' => Message::Close {
            target: target(&mut cursor)?,
            name: cursor.c_str("name")?,
        },
        b'S' => Message::Sync,
        b'H' => Message::Flush,
        b'X' => Message::Terminate,
        b'c' => Message::CopyDone,
        b'f' => Message::CopyFail {
            reason: cursor.c_str("reason")?,
        },
        b'p' => Message::Credential {
            body: cursor.take(body.len(), "credential")?,
        },
        b'd' => Message::CopyData {
            data: cursor.take(body.len(), "copy data")?,
        },
        b'F' => {
            // Always refused: no need to understand it, and its size is bounded.
            cursor.take(body.len(), "function call")?;
            Message::FunctionCall
        }
        tag => return Err(WireError::UnknownTag { tag }),
    };
    cursor.finish()?;
    Ok(message)
}

fn frame_limit(tag: u8, phase: Phase) -> Result<usize, WireError> {
    let session = match tag {
        b'Q' | b'P' => MAX_QUERY_BYTES,
        b'B' => MAX_BIND_BYTES,
        b'd' => MAX_COPY_IN_BYTES,
        b'F' => MAX_FUNCTION_CALL_BYTES,
        b'D' | b'E' | b'C' | b'S' | b'H' | b'X' | b'c' | b'f' | b'p' => MAX_SMALL_FRAME_BYTES,
        tag => return Err(WireError::UnknownTag { tag }),
    };
    match phase {
        Phase::Session => Ok(session),
        Phase::Login => Ok(session.min(MAX_LOGIN_FRAME_BYTES)),
    }
}

/// Bytes of a frame that declares `declared`, or why that can't be.
pub(crate) fn total_of(tag: u8, declared: u32, limit: usize) -> Result<usize, WireError> {
    let Ok(declared_bytes) = usize::try_from(declared) else {
        return Err(WireError::ImpossibleLength {
            tag,
            declared: i64::from(declared),
        });
    };
    // The wire's length is signed: what is negative there is no length at all.
    if declared_bytes < LENGTH_BYTES || i32::try_from(declared).is_err() {
        return Err(WireError::ImpossibleLength {
            tag,
            declared: i64::from(declared.cast_signed()),
        });
    }
    if declared_bytes - LENGTH_BYTES > limit {
        return Err(WireError::TooLong {
            tag,
            bytes: declared_bytes - LENGTH_BYTES,
            limit,
        });
    }
    Ok(declared_bytes + 1)
}

fn parse<'a>(cursor: &mut Cursor<'a>) -> Result<Parse<'a>, WireError> {
    let name = cursor.c_str("statement name")?;
    let sql = cursor.c_str("query")?;
    let count = usize::from(cursor.u16("parameter type count")?);
    // Asked for before it is reserved: a count alone must not make us allocate.
    let listed = cursor.take(count * 4, "parameter types")?;
    let param_types = listed
        .as_chunks::<4>()
        .0
        .iter()
        .map(|oid| u32::from_be_bytes(*oid))
        .collect();
    Ok(Parse {
        name,
        sql,
        param_types,
    })
}

fn bind<'a>(cursor: &mut Cursor<'a>) -> Result<Bind<'a>, WireError> {
    let portal = cursor.c_str("portal")?;
    let statement = cursor.c_str("statement name")?;
    let param_formats = formats(cursor)?;
    let count = usize::from(cursor.u16("parameter count")?);
    if count * 4 > cursor.rest().len() {
        return Err(WireError::Truncated { what: "parameter" });
    }
    let mut params = Vec::with_capacity(count);
    for _ in 0..count {
        params.push(cursor.value("parameter")?);
    }
    if param_formats.len() > 1 && param_formats.len() != count {
        return Err(WireError::CountOutOfRange {
            what: "parameter formats",
            count: wide(param_formats.len()),
        });
    }
    let result_formats = formats(cursor)?;
    Ok(Bind {
        portal,
        statement,
        param_formats,
        params,
        result_formats,
    })
}

fn formats(cursor: &mut Cursor<'_>) -> Result<Vec<Format>, WireError> {
    let count = usize::from(cursor.u16("format count")?);
    let listed = cursor.take(count * 2, "formats")?;
    listed
        .as_chunks::<2>()
        .0
        .iter()
        .map(|code| Format::from_code(i16::from_be_bytes(*code)))
        .collect()
}

fn format_of(formats: &[Format], index: usize) -> Format {
    match formats {
        [] => Format::Text,
        [all] => *all,
        each => each.get(index).copied().unwrap_or(Format::Text),
    }
}

fn target(cursor: &mut Cursor<'_>) -> Result<Target, WireError> {
    match cursor.u8("target")? {
        b'S' => Ok(Target::Statement),
        b'P' => Ok(Target::Portal),
        code => Err(WireError::UnknownCode {
            what: "target",
            code: i64::from(code),
        }),
    }
}

/// 0 means no limit. PostgreSQL reads a negative number as no limit too; no client sends one.
fn max_rows(cursor: &mut Cursor<'_>) -> Result<u32, WireError> {
    let rows = cursor.i32("row limit")?;
    u32::try_from(rows).map_err(|_| WireError::CountOutOfRange {
        what: "row limit",
        count: i64::from(rows),
    })
}

fn wide(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
