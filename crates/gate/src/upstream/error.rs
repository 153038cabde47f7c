//! Why there is no session in the database.

use std::time::Duration;

use portcullis_wire::WireError;
use portcullis_wire::limits::{MAX_SCRAM_ITERATIONS, MIN_SCRAM_ITERATIONS};
use portcullis_wire::scram::client::ServerError;

/// Text that a server may put into our errors.
const MAX_QUOTED_CHARS: usize = 500;

#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    #[error("the database can't be reached: {0}")]
    Unreachable(#[source] std::io::Error),
    #[error("the database did not let us in within {within:?}")]
    Deadline { within: Duration },
    #[error("the database closed the connection during login")]
    Closed,
    #[error("the connection to the database failed: {0}")]
    Io(#[source] std::io::Error),
    #[error(
        "`{host}` is not on this machine: sslmode `{mode}` is too weak for it, `verify-full` is needed"
    )]
    TooWeakForNetwork { host: String, mode: &'static str },
    #[error("`{host}` is no name that a certificate can have")]
    HostName { host: String },
    #[error("the database does not offer TLS, but sslmode `{mode}` demands it")]
    NoTls { mode: &'static str },
    #[error("the database answered the TLS request with byte {byte}")]
    TlsAnswer { byte: u8 },
    #[error("the database sent more than the answer to the TLS request")]
    StuffedBytes,
    #[error("TLS with the database failed: {0}")]
    Tls(#[source] std::io::Error),
    #[error("the database asks for {method}, but only SCRAM-SHA-256 is answered")]
    Method { method: &'static str },
    #[error("the database offers no SCRAM-SHA-256")]
    NoScram,
    #[error("the database let us in without a proof that it knows the password")]
    NotProven,
    #[error(
        "the database asks for {iterations} SCRAM iterations, outside of {MIN_SCRAM_ITERATIONS} to {MAX_SCRAM_ITERATIONS}"
    )]
    Iterations { iterations: u64 },
    #[error("the database's SCRAM message is malformed: {what}")]
    Scram { what: &'static str },
    #[error("the database's SCRAM signature is wrong: it does not know the password")]
    Signature,
    #[error("the database sent `{}` where {expected} was due", tag.escape_ascii())]
    Unexpected { tag: u8, expected: &'static str },
    #[error("the database's message can't be understood: {0}")]
    Wire(#[from] WireError),
    #[error("the database sent more than {limit} {what} during login")]
    TooMuch { what: &'static str, limit: usize },
    #[error("the database refused the login ({sqlstate}): {message}")]
    Refused { sqlstate: String, message: String },
}

impl UpstreamError {
    /// From the server's own `ErrorResponse`: its text is not to be trusted on a terminal or in a log.
    pub(super) fn refused(body: &[u8]) -> Self {
        match portcullis_wire::backend::Report::parse(body) {
            Ok(report) => Self::Refused {
                sqlstate: quoted(report.sqlstate()),
                message: quoted(report.message()),
            },
            Err(error) => Self::Wire(error),
        }
    }
}

impl From<ServerError> for UpstreamError {
    fn from(error: ServerError) -> Self {
        match error {
            ServerError::Malformed { what } => Self::Scram { what },
            ServerError::Iterations { iterations } => Self::Iterations { iterations },
            ServerError::Signature => Self::Signature,
        }
    }
}

fn quoted(text: &str) -> String {
    text.chars()
        .filter(|letter| !letter.is_control())
        .take(MAX_QUOTED_CHARS)
        .collect()
}
