//! The first packet of a connection.

use bytes::{Buf, Bytes, BytesMut};

use crate::cursor::Cursor;
use crate::limits::{MAX_CANCEL_KEY_BYTES, MAX_STARTUP_BYTES, MIN_CANCEL_KEY_BYTES, NEWEST_MINOR};

/// Code of `SSLRequest`, in the place of a protocol version.
pub const SSL_REQUEST: u32 = 80_877_103;
/// Code of `GSSENCRequest`.
pub const GSSENC_REQUEST: u32 = 80_877_104;
/// Code of `CancelRequest`.
pub const CANCEL_REQUEST: u32 = 80_877_102;

const LENGTH_BYTES: usize = 4;
const HEAD_BYTES: usize = 8;
const PROTOCOL_MAJOR: u32 = 3;
const OPTION_PREFIX: &str = "_pq_.";

/// What a client can open a connection with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum First {
    Ssl,
    GssEnc,
    Cancel(Cancel),
    Startup(Startup),
}

/// `CancelRequest`: never answered, whatever the key.
#[derive(Clone, PartialEq, Eq)]
pub struct Cancel {
    pub process_id: u32,
    pub key: Bytes,
}

// The key lets its holder cancel somebody's statement: keep it out of logs.
impl std::fmt::Debug for Cancel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cancel")
            .field("process_id", &self.process_id)
            .finish_non_exhaustive()
    }
}

/// `StartupMessage`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Startup {
    minor: u16,
    user: String,
    params: Vec<(String, String)>,
    protocol_options: Vec<String>,
}

/// Why a first packet is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartupError {
    #[error(
        "startup packet declares {declared} bytes, outside of {HEAD_BYTES} to {MAX_STARTUP_BYTES}"
    )]
    Length { declared: u32 },
    #[error("protocol {major}.{minor} is not spoken here")]
    Protocol { major: u32, minor: u32 },
    #[error("request packet has {bytes} bytes more than its kind has")]
    JunkInRequest { bytes: usize },
    #[error("cancel request has a key of {bytes} bytes")]
    CancelKey { bytes: usize },
    #[error("startup packet ends in the middle of a parameter")]
    Truncated,
    #[error("startup packet has {bytes} bytes after its end")]
    JunkAfterEnd { bytes: usize },
    #[error("startup parameter is not valid UTF-8")]
    NotUtf8,
    #[error("startup parameter `{name}` is given twice")]
    Duplicate { name: String },
    #[error("startup packet names no user")]
    NoUser,
}

/// Takes the first packet off `buffer`; `None` asks for more bytes.
///
/// After [`First::Ssl`] and [`First::GssEnc`] whatever is left in `buffer` was stuffed in before the
/// answer (CVE-2021-3935): the caller must refuse the connection unless it is empty.
pub fn take_first(buffer: &mut BytesMut) -> Result<Option<First>, StartupError> {
    let Some(declared) = declared_length(buffer)? else {
        return Ok(None);
    };
    if buffer.len() < declared {
        return Ok(None);
    }
    let mut packet = buffer.split_to(declared).freeze();
    packet.advance(LENGTH_BYTES);
    let code = packet.get_u32();
    match code {
        SSL_REQUEST => bare(&packet).map(|()| Some(First::Ssl)),
        GSSENC_REQUEST => bare(&packet).map(|()| Some(First::GssEnc)),
        CANCEL_REQUEST => cancel(packet).map(|cancel| Some(First::Cancel(cancel))),
        version => startup(version, &packet).map(|startup| Some(First::Startup(startup))),
    }
}

impl Startup {
    /// The user, never empty.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The database; PostgreSQL takes the user's name where none is given.
    pub fn database(&self) -> &str {
        match self.get("database") {
            Some(name) if !name.is_empty() => name,
            _ => &self.user,
        }
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.params
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// All parameters in their order, `user` and `database` among them, `_pq_.` options not.
    pub fn params(&self) -> &[(String, String)] {
        &self.params
    }

    /// The minor version that is spoken with this client: what it asked for, or our newest.
    pub fn minor(&self) -> u16 {
        self.minor.min(NEWEST_MINOR)
    }

    /// What `NegotiateProtocolVersion` has to say, if it has to be sent.
    pub fn negotiation(&self) -> Option<Negotiation<'_>> {
        let needed = self.minor > NEWEST_MINOR || !self.protocol_options.is_empty();
        needed.then_some(Negotiation {
            minor: self.minor(),
            unsupported: &self.protocol_options,
        })
    }

    /// How long this client's cancel key may be.
    pub fn cancel_key_bytes(&self) -> usize {
        if self.minor() >= 2 {
            32
        } else {
            MIN_CANCEL_KEY_BYTES
        }
    }
}

/// The content of `NegotiateProtocolVersion`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Negotiation<'a> {
    pub minor: u16,
    pub unsupported: &'a [String],
}

fn declared_length(buffer: &BytesMut) -> Result<Option<usize>, StartupError> {
    let Some(head) = buffer.first_chunk::<LENGTH_BYTES>() else {
        return Ok(None);
    };
    let declared = u32::from_be_bytes(*head);
    match usize::try_from(declared) {
        Ok(length) if (HEAD_BYTES..=MAX_STARTUP_BYTES).contains(&length) => Ok(Some(length)),
        _ => Err(StartupError::Length { declared }),
    }
}

fn bare(rest: &Bytes) -> Result<(), StartupError> {
    match rest.len() {
        0 => Ok(()),
        bytes => Err(StartupError::JunkInRequest { bytes }),
    }
}

fn cancel(mut rest: Bytes) -> Result<Cancel, StartupError> {
    if rest.len() < LENGTH_BYTES {
        return Err(StartupError::Truncated);
    }
    let process_id = rest.get_u32();
    if !(MIN_CANCEL_KEY_BYTES..=MAX_CANCEL_KEY_BYTES).contains(&rest.len()) {
        return Err(StartupError::CancelKey { bytes: rest.len() });
    }
    Ok(Cancel {
        process_id,
        key: rest,
    })
}

fn startup(version: u32, rest: &[u8]) -> Result<Startup, StartupError> {
    let (major, minor) = (version >> 16, version & 0xffff);
    let Ok(minor_short) = u16::try_from(minor) else {
        return Err(StartupError::Protocol { major, minor });
    };
    if major != PROTOCOL_MAJOR {
        return Err(StartupError::Protocol { major, minor });
    }
    let mut params: Vec<(String, String)> = Vec::new();
    let mut protocol_options = Vec::new();
    let mut cursor = Cursor::new(rest);
    loop {
        let name = text(&mut cursor)?;
        if name.is_empty() {
            break;
        }
        let value = text(&mut cursor)?;
        let twice = params.iter().any(|(known, _)| known == name)
            || protocol_options.iter().any(|known| known == name);
        if twice {
            return Err(StartupError::Duplicate {
                name: name.to_owned(),
            });
        }
        if name.starts_with(OPTION_PREFIX) {
            protocol_options.push(name.to_owned());
        } else {
            params.push((name.to_owned(), value.to_owned()));
        }
    }
    if !cursor.rest().is_empty() {
        return Err(StartupError::JunkAfterEnd {
            bytes: cursor.rest().len(),
        });
    }
    let user = params
        .iter()
        .find(|(name, _)| name == "user")
        .map(|(_, user)| user.clone());
    match user {
        Some(user) if !user.is_empty() => Ok(Startup {
            minor: minor_short,
            user,
            params,
            protocol_options,
        }),
        _ => Err(StartupError::NoUser),
    }
}

fn text<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str, StartupError> {
    let bytes = cursor
        .c_bytes("startup parameter")
        .map_err(|_| StartupError::Truncated)?;
    std::str::from_utf8(bytes).map_err(|_| StartupError::NotUtf8)
}
