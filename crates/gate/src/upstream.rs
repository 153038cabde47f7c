//! The connection to the protected database.
//!
//! One invariant: **the secret goes only to who proves to know it.** The gate answers SCRAM requests and
//! no others, checks the server's signature before anything else is believed, and reads a bounded
//! number of bytes within one deadline until then. What a vendor sends or learns plays no part here.
//!
//! Start at [`connect`].

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use crate::tls::ClientTls;

mod cancel;
mod error;
mod login;
mod negotiate;
mod reach;
mod stream;

pub use cancel::cancel;
pub use error::UpstreamError;
pub use stream::Stream;

/// All that a server may send until its `ReadyForQuery`.
pub const MAX_LOGIN_BYTES: usize = 1_048_576;
/// Iterations of PBKDF2 that a server may ask of us.
pub const MAX_SCRAM_ITERATIONS: u32 = portcullis_wire::limits::MAX_SCRAM_ITERATIONS;
/// Fewer make a recorded login worth guessing at offline.
pub const MIN_SCRAM_ITERATIONS: u32 = portcullis_wire::limits::MIN_SCRAM_ITERATIONS;
/// Parameters that a server may report at login.
pub const MAX_PARAMETERS: usize = 256;

/// A password that does not print itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Where and as whom to log in.
#[derive(Debug, Clone)]
pub struct Target {
    /// A name, an address, or the directory of a Unix socket (starts with `/`).
    pub host: String,
    pub port: u16,
    pub database: String,
    pub user: String,
    pub password: Secret,
    pub tls: ClientTls,
    /// Further start-up parameters, such as `application_name`.
    pub params: Vec<(String, String)>,
    /// For all of it: reaching the server, TLS, login.
    pub within: Duration,
}

/// A session in the database, ready for a statement.
pub struct Upstream {
    pub stream: Stream,
    /// What the server sent behind its first `ReadyForQuery`: normally nothing.
    pub buffer: BytesMut,
    pub parameters: BTreeMap<String, String>,
    pub process_id: u32,
    pub secret_key: Bytes,
}

// The key cancels, the buffer holds rows.
impl std::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upstream")
            .field("process_id", &self.process_id)
            .finish_non_exhaustive()
    }
}

/// Logs in.
pub async fn connect(target: &Target) -> Result<Upstream, UpstreamError> {
    let whole = async {
        let stream = negotiate::open(target).await?;
        login::log_in(stream, target).await
    };
    tokio::time::timeout(target.within, whole)
        .await
        .map_err(|_| UpstreamError::Deadline {
            within: target.within,
        })?
}

#[cfg(test)]
mod tests;
