//! The connection to the protected database.
//!
//! One invariant: **the secret goes only to who proves to know it.** The gate answers SCRAM requests and
//! no others, checks the server's signature before anything else is believed, and reads a bounded
//! number of bytes within one deadline until then. What a vendor sends or learns plays no part here.
//!
//! Start at [`connect`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use portcullis_wire::scram::client::{Challenged, Keys};

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
/// Parameters that a server may report at login.
pub const MAX_PARAMETERS: usize = 256;

/// A password that does not print itself.
///
/// Its clones share the keys that were derived from it, so that the logins of one grant pay for
/// PBKDF2 once: keep one `Secret` for a role, not one for a connection.
#[derive(Clone)]
pub struct Secret {
    password: Arc<[u8]>,
    keys: Arc<Mutex<Option<Keys>>>,
}

impl Secret {
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            password: bytes.into().into(),
            keys: Arc::default(),
        }
    }

    /// The keys that answer a challenge: those at hand, or new ones, off the threads that serve others.
    async fn keys_for(&self, challenge: &Challenged) -> Result<Keys, UpstreamError> {
        if let Some(keys) = self
            .keys
            .lock()
            .as_ref()
            .and_then(|keys| keys.answer_to(challenge))
        {
            return Ok(keys.clone());
        }
        let (password, salt) = (Arc::clone(&self.password), challenge.salt().to_vec());
        let iterations = challenge.iterations();
        let deriving =
            tokio::task::spawn_blocking(move || Keys::derive(&password, &salt, iterations));
        let derived = deriving
            .await
            .map_err(|error| UpstreamError::Io(std::io::Error::other(error)))?;
        let keys = derived.map_err(|_| UpstreamError::Scram { what: "costs" })?;
        *self.keys.lock() = Some(keys.clone());
        Ok(keys)
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
