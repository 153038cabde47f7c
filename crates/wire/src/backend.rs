//! What a server sends. Frames are walked in place; only what is rare is decoded into values.

use crate::cursor::Cursor;
use crate::error::WireError;
use crate::frontend::{Format, HEAD_BYTES, total_of};
use crate::limits::{
    MAX_CANCEL_KEY_BYTES, MAX_COLUMNS, MAX_DESCRIPTION_BYTES, MAX_ROW_BYTES,
    MAX_SERVER_LOGIN_FRAME_BYTES, MAX_SMALL_ANSWER_BYTES, MIN_CANCEL_KEY_BYTES,
};

pub const AUTHENTICATION: u8 = b'R';
pub const BACKEND_KEY_DATA: u8 = b'K';
pub const BIND_COMPLETE: u8 = b'2';
pub const CLOSE_COMPLETE: u8 = b'3';
pub const COMMAND_COMPLETE: u8 = b'C';
pub const COPY_DATA: u8 = b'd';
pub const COPY_DONE: u8 = b'c';
pub const COPY_IN_RESPONSE: u8 = b'G';
pub const COPY_OUT_RESPONSE: u8 = b'H';
pub const COPY_BOTH_RESPONSE: u8 = b'W';
pub const DATA_ROW: u8 = b'D';
pub const EMPTY_QUERY_RESPONSE: u8 = b'I';
pub const ERROR_RESPONSE: u8 = b'E';
pub const FUNCTION_CALL_RESPONSE: u8 = b'V';
pub const NEGOTIATE_PROTOCOL_VERSION: u8 = b'v';
pub const NO_DATA: u8 = b'n';
pub const NOTICE_RESPONSE: u8 = b'N';
pub const NOTIFICATION_RESPONSE: u8 = b'A';
pub const PARAMETER_DESCRIPTION: u8 = b't';
pub const PARAMETER_STATUS: u8 = b'S';
pub const PARSE_COMPLETE: u8 = b'1';
pub const PORTAL_SUSPENDED: u8 = b's';
pub const READY_FOR_QUERY: u8 = b'Z';
pub const ROW_DESCRIPTION: u8 = b'T';

/// Where a whole frame lies in a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameAt {
    pub tag: u8,
    /// Of the tag.
    pub start: usize,
    /// After the last byte.
    pub end: usize,
}

impl FrameAt {
    #[inline]
    pub fn body<'a>(&self, buffer: &'a [u8]) -> &'a [u8] {
        buffer
            .get(self.start + HEAD_BYTES..self.end)
            .unwrap_or_default()
    }

    #[inline]
    pub fn raw<'a>(&self, buffer: &'a [u8]) -> &'a [u8] {
        buffer.get(self.start..self.end).unwrap_or_default()
    }

    pub fn len(&self) -> usize {
        self.end - self.start
    }

    pub fn is_empty(&self) -> bool {
        self.end == self.start
    }
}

/// Finds the frame that starts at `at`; `None` asks for more bytes. Begin the next search at `end`.
#[inline]
pub fn next_frame(buffer: &[u8], at: usize) -> Result<Option<FrameAt>, WireError> {
    next_within(buffer, at, answer_limit)
}

/// The same for a server that has not logged us in yet.
pub fn next_login_frame(buffer: &[u8], at: usize) -> Result<Option<FrameAt>, WireError> {
    next_within(buffer, at, |tag| {
        answer_limit(tag).map(|limit| limit.min(MAX_SERVER_LOGIN_FRAME_BYTES))
    })
}

#[inline]
fn next_within(
    buffer: &[u8],
    at: usize,
    limit_of: impl Fn(u8) -> Result<usize, WireError>,
) -> Result<Option<FrameAt>, WireError> {
    let Some(rest) = buffer.get(at..) else {
        return Ok(None);
    };
    let Some(tag) = rest.first().copied() else {
        return Ok(None);
    };
    let limit = limit_of(tag)?;
    match declared_total(rest, tag, limit)? {
        Some(total) if total <= rest.len() => Ok(Some(FrameAt {
            tag,
            start: at,
            end: at + total,
        })),
        _ => Ok(None),
    }
}

#[inline]
pub(crate) fn declared_total(
    rest: &[u8],
    tag: u8,
    limit: usize,
) -> Result<Option<usize>, WireError> {
    match rest.first_chunk::<HEAD_BYTES>() {
        Some([_, a, b, c, d]) => {
            total_of(tag, u32::from_be_bytes([*a, *b, *c, *d]), limit).map(Some)
        }
        None => Ok(None),
    }
}

#[inline]
fn answer_limit(tag: u8) -> Result<usize, WireError> {
    match tag {
        DATA_ROW | COPY_DATA => Ok(MAX_ROW_BYTES),
        ROW_DESCRIPTION | PARAMETER_DESCRIPTION | ERROR_RESPONSE | NOTICE_RESPONSE => {
            Ok(MAX_DESCRIPTION_BYTES)
        }
        AUTHENTICATION
        | BACKEND_KEY_DATA
        | COMMAND_COMPLETE
        | COPY_IN_RESPONSE
        | COPY_OUT_RESPONSE
        | COPY_BOTH_RESPONSE
        | FUNCTION_CALL_RESPONSE
        | NEGOTIATE_PROTOCOL_VERSION
        | NOTIFICATION_RESPONSE
        | PARAMETER_STATUS => Ok(MAX_SMALL_ANSWER_BYTES),
        READY_FOR_QUERY => Ok(1),
        BIND_COMPLETE | CLOSE_COMPLETE | COPY_DONE | EMPTY_QUERY_RESPONSE | NO_DATA
        | PARSE_COMPLETE | PORTAL_SUSPENDED => Ok(0),
        tag => Err(WireError::UnknownTag { tag }),
    }
}

/// One column of a `RowDescription`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    /// 0 for an expression.
    pub table_oid: u32,
    /// 0 for an expression.
    pub attnum: i16,
    pub type_oid: u32,
    pub type_len: i16,
    pub typmod: i32,
    pub format: Format,
}

pub fn row_description(body: &[u8]) -> Result<Vec<Column>, WireError> {
    let mut cursor = Cursor::new(body);
    let count = column_count(&mut cursor)?;
    let mut columns = Vec::with_capacity(count);
    for _ in 0..count {
        columns.push(Column {
            name: cursor.c_str("column name")?.to_owned(),
            table_oid: cursor.u32("table")?,
            attnum: cursor.i16("attribute number")?,
            type_oid: cursor.u32("type")?,
            type_len: cursor.i16("type length")?,
            typmod: cursor.i32("type modifier")?,
            format: Format::from_code(cursor.i16("format")?)?,
        });
    }
    cursor.finish()?;
    Ok(columns)
}

/// Types of a prepared statement's parameters.
pub fn parameter_description(body: &[u8]) -> Result<Vec<u32>, WireError> {
    let mut cursor = Cursor::new(body);
    let count = usize::from(cursor.u16("parameter count")?);
    let listed = cursor.take(count * 4, "parameter types")?;
    cursor.finish()?;
    Ok(listed
        .as_chunks::<4>()
        .0
        .iter()
        .map(|oid| u32::from_be_bytes(*oid))
        .collect())
}

/// The fields of an `ErrorResponse` or `NoticeResponse`.
///
/// A server may answer in another encoding before it knows the client's, so texts are read lossily:
/// what goes to a client is built anew from these fields, never passed through.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    fields: Vec<(u8, String)>,
}

impl Report {
    pub fn parse(body: &[u8]) -> Result<Self, WireError> {
        let mut cursor = Cursor::new(body);
        let mut fields = Vec::new();
        loop {
            let kind = cursor.u8("field type")?;
            if kind == 0 {
                break;
            }
            let text = String::from_utf8_lossy(cursor.c_bytes("report field")?).into_owned();
            fields.push((kind, text));
        }
        cursor.finish()?;
        Ok(Self { fields })
    }

    pub fn get(&self, kind: u8) -> Option<&str> {
        self.fields
            .iter()
            .find(|(known, _)| *known == kind)
            .map(|(_, text)| text.as_str())
    }

    /// Severity, never translated where the server says so.
    pub fn severity(&self) -> &str {
        self.get(b'V').or_else(|| self.get(b'S')).unwrap_or("ERROR")
    }

    pub fn sqlstate(&self) -> &str {
        self.get(b'C').unwrap_or("XX000")
    }

    pub fn message(&self) -> &str {
        self.get(b'M').unwrap_or("")
    }

    pub fn fields(&self) -> &[(u8, String)] {
        &self.fields
    }
}

/// The tag of a `CommandComplete`, such as `SELECT 3`.
pub fn command_complete(body: &[u8]) -> Result<&str, WireError> {
    let mut cursor = Cursor::new(body);
    let tag = cursor.c_str("command tag")?;
    cursor.finish()?;
    Ok(tag)
}

/// Where a session stands between statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransactionStatus {
    Idle,
    InTransaction,
    Failed,
}

impl TransactionStatus {
    pub fn code(self) -> u8 {
        match self {
            Self::Idle => b'I',
            Self::InTransaction => b'T',
            Self::Failed => b'E',
        }
    }
}

pub fn ready_for_query(body: &[u8]) -> Result<TransactionStatus, WireError> {
    match body {
        [b'I'] => Ok(TransactionStatus::Idle),
        [b'T'] => Ok(TransactionStatus::InTransaction),
        [b'E'] => Ok(TransactionStatus::Failed),
        [code] => Err(WireError::UnknownCode {
            what: "transaction status",
            code: i64::from(*code),
        }),
        [] => Err(WireError::Truncated {
            what: "transaction status",
        }),
        [_, rest @ ..] => Err(WireError::TrailingBytes { bytes: rest.len() }),
    }
}

/// Process id and cancel key.
pub fn backend_key_data(body: &[u8]) -> Result<(u32, &[u8]), WireError> {
    let mut cursor = Cursor::new(body);
    let process_id = cursor.u32("process id")?;
    let key = cursor.rest();
    if !(MIN_CANCEL_KEY_BYTES..=MAX_CANCEL_KEY_BYTES).contains(&key.len()) {
        let count = i64::try_from(key.len()).unwrap_or(i64::MAX);
        return Err(WireError::CountOutOfRange {
            what: "cancel key bytes",
            count,
        });
    }
    Ok((process_id, key))
}

/// Name and value.
pub fn parameter_status(body: &[u8]) -> Result<(&str, &str), WireError> {
    let mut cursor = Cursor::new(body);
    let name = cursor.c_str("parameter name")?;
    let value = cursor.c_str("parameter value")?;
    cursor.finish()?;
    Ok((name, value))
}

/// `CopyOutResponse` and `CopyInResponse`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyResponse {
    pub format: Format,
    pub columns: Vec<Format>,
}

pub fn copy_response(body: &[u8]) -> Result<CopyResponse, WireError> {
    let mut cursor = Cursor::new(body);
    let format = Format::from_code(i16::from(cursor.u8("copy format")?))?;
    let count = column_count(&mut cursor)?;
    let mut columns = Vec::with_capacity(count);
    for _ in 0..count {
        columns.push(Format::from_code(cursor.i16("column format")?)?);
    }
    cursor.finish()?;
    Ok(CopyResponse { format, columns })
}

/// `NegotiateProtocolVersion`: newest minor version, and the options that the server does not know.
pub fn negotiate_protocol_version(body: &[u8]) -> Result<(u32, Vec<&str>), WireError> {
    let mut cursor = Cursor::new(body);
    let minor = cursor.u32("minor version")?;
    let count = cursor.i32("option count")?;
    let out_of_range = WireError::CountOutOfRange {
        what: "options",
        count: i64::from(count),
    };
    let count = usize::try_from(count).map_err(|_| out_of_range.clone())?;
    // Each takes a byte at least.
    if count > cursor.rest().len() {
        return Err(out_of_range);
    }
    let mut options = Vec::with_capacity(count);
    for _ in 0..count {
        options.push(cursor.c_str("option")?);
    }
    cursor.finish()?;
    Ok((minor, options))
}

/// What a server wants of us at login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authentication<'a> {
    Ok,
    CleartextPassword,
    Md5Password,
    Sasl {
        mechanisms: Vec<&'a str>,
    },
    SaslContinue {
        data: &'a [u8],
    },
    SaslFinal {
        data: &'a [u8],
    },
    /// Kerberos, GSSAPI, SSPI and what may come.
    Other {
        code: u32,
    },
}

/// Mechanisms that a server may list.
const MAX_MECHANISMS: usize = 16;

pub fn authentication(body: &[u8]) -> Result<Authentication<'_>, WireError> {
    let mut cursor = Cursor::new(body);
    match cursor.u32("authentication code")? {
        0 => cursor.finish().map(|()| Authentication::Ok),
        3 => cursor.finish().map(|()| Authentication::CleartextPassword),
        5 => {
            cursor.take(4, "salt")?;
            cursor.finish().map(|()| Authentication::Md5Password)
        }
        10 => mechanisms(cursor).map(|mechanisms| Authentication::Sasl { mechanisms }),
        11 => Ok(Authentication::SaslContinue {
            data: cursor.rest(),
        }),
        12 => Ok(Authentication::SaslFinal {
            data: cursor.rest(),
        }),
        code => Ok(Authentication::Other { code }),
    }
}

fn mechanisms(mut cursor: Cursor<'_>) -> Result<Vec<&str>, WireError> {
    let mut mechanisms = Vec::new();
    loop {
        let name = cursor.c_str("SASL mechanism")?;
        if name.is_empty() {
            cursor.finish()?;
            return Ok(mechanisms);
        }
        if mechanisms.len() == MAX_MECHANISMS {
            return Err(WireError::CountOutOfRange {
                what: "SASL mechanisms",
                count: 17,
            });
        }
        mechanisms.push(name);
    }
}

fn column_count(cursor: &mut Cursor<'_>) -> Result<usize, WireError> {
    let count = usize::from(cursor.u16("column count")?);
    if count > MAX_COLUMNS {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        return Err(WireError::CountOutOfRange {
            what: "columns",
            count,
        });
    }
    Ok(count)
}
