//! accept: from a socket to a start-up packet, in TLS where it must be.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{Buf, BytesMut};
use portcullis_contract::{Refusal, SqlState};
use portcullis_wire::frontend::{Frame, Phase, take_frame};
use portcullis_wire::startup::{Cancel, First, Startup, take_first};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::Gate;
use crate::errors::{Severity, write_refusal};
use crate::stream::ClientStream;
use crate::tls::require_alpn;

/// Parameters of the database that a client is told, as libpq knows them. `search_path`, which
/// PostgreSQL 18 reports too, is the gate's own business.
pub const REPORTED_PARAMETERS: [&str; 13] = [
    "server_version",
    "server_encoding",
    "client_encoding",
    "DateStyle",
    "TimeZone",
    "IntervalStyle",
    "integer_datetimes",
    "standard_conforming_strings",
    "application_name",
    "in_hot_standby",
    "default_transaction_read_only",
    "scram_iterations",
    "is_superuser",
];

/// First byte of a TLS handshake record: direct TLS, without SSLRequest.
const TLS_HANDSHAKE: u8 = 0x16;
const READ_AT_LOGIN_BYTES: usize = 1024;

/// A connection with its start-up packet; nobody is known yet.
pub struct Connection {
    pub stream: ClientStream,
    pub input: BytesMut,
    pub startup: Startup,
    pub peer: SocketAddr,
    pub encrypted: bool,
}

/// What came of a new socket.
pub enum Accepted {
    Connection(Box<Connection>),
    Cancel(Cancel),
    /// Answered and done with.
    Nothing,
}

/// Why a connection did not come to a login; only logged, since nobody is known.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    #[error("the socket failed: {0}")]
    Io(#[from] std::io::Error),
    #[error("bytes were stuffed in before TLS")]
    Stuffed,
    #[error("{0}")]
    Startup(#[from] portcullis_wire::startup::StartupError),
    #[error("TLS: {0}")]
    Tls(#[from] crate::tls::TlsError),
    #[error("the client asked for encryption twice")]
    Twice,
    #[error("the client left")]
    Gone,
}

pub async fn accept(
    gate: &Arc<Gate>,
    socket: TcpStream,
    peer: SocketAddr,
) -> Result<Accepted, AcceptError> {
    socket.set_nodelay(true)?;
    let mut first = [0u8; 1];
    if socket.peek(&mut first).await? == 0 {
        return Err(AcceptError::Gone);
    }
    if first == [TLS_HANDSHAKE] {
        let stream = handshake(gate, socket).await?;
        if let ClientStream::Tls(tls) = &stream {
            require_alpn(tls.get_ref().1)?;
        }
        return negotiated(gate, stream, BytesMut::new(), peer, true).await;
    }
    negotiated(
        gate,
        ClientStream::Plain(socket),
        BytesMut::new(),
        peer,
        false,
    )
    .await
}

async fn negotiated(
    gate: &Arc<Gate>,
    mut stream: ClientStream,
    mut input: BytesMut,
    peer: SocketAddr,
    mut encrypted: bool,
) -> Result<Accepted, AcceptError> {
    let mut asked_gss = false;
    loop {
        match first_packet(&mut stream, &mut input).await? {
            First::GssEnc => {
                // CVE-2021-3935: what was sent before the answer is not the client's.
                if encrypted || asked_gss || input.has_remaining() {
                    return Err(if input.has_remaining() {
                        AcceptError::Stuffed
                    } else {
                        AcceptError::Twice
                    });
                }
                asked_gss = true;
                stream.write_all(b"N").await?;
            }
            First::Ssl => {
                if input.has_remaining() {
                    return Err(AcceptError::Stuffed);
                }
                stream = match stream {
                    ClientStream::Plain(mut socket) if !encrypted => {
                        socket.write_all(b"S").await?;
                        handshake(gate, socket).await?
                    }
                    _ => return Err(AcceptError::Twice),
                };
                encrypted = true;
            }
            First::Cancel(cancel) => return Ok(Accepted::Cancel(cancel)),
            First::Startup(startup) => {
                let mut connection = Connection {
                    stream,
                    input,
                    startup,
                    peer,
                    encrypted,
                };
                if let Some(refusal) = unfit(gate, &connection) {
                    connection.refuse(&refusal).await;
                    return Ok(Accepted::Nothing);
                }
                return Ok(Accepted::Connection(Box::new(connection)));
            }
        }
    }
}

/// What is wrong with a start-up packet, whoever sent it.
fn unfit(gate: &Gate, connection: &Connection) -> Option<Refusal> {
    let plain_allowed =
        gate.plaintext_loopback && connection.peer.ip().to_canonical().is_loopback();
    if !connection.encrypted && !plain_allowed {
        return Some(
            Refusal::new(
                SqlState::NotAdmitted,
                "access.tls",
                "this gate takes encrypted connections only",
            )
            .hint("connect with `sslmode=require`"),
        );
    }
    if connection
        .startup
        .get("replication")
        .is_some_and(|value| !matches!(value, "false" | "off" | "no" | "0" | ""))
    {
        return Some(Refusal::new(
            SqlState::NotPassed,
            "protocol.replication",
            "replication is not passed",
        ));
    }
    if connection
        .startup
        .get("client_encoding")
        .is_some_and(|encoding| !is_utf8(encoding))
    {
        return Some(
            Refusal::new(
                SqlState::NotPassed,
                "setting.client_encoding",
                "this gate speaks UTF8 only",
            )
            .hint("set `client_encoding=UTF8`"),
        );
    }
    None
}

fn is_utf8(encoding: &str) -> bool {
    let plain: String = encoding
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    matches!(
        plain.to_ascii_lowercase().as_str(),
        "utf8" | "unicode" | "auto"
    )
}

async fn handshake(gate: &Gate, socket: TcpStream) -> Result<ClientStream, AcceptError> {
    let acceptor = TlsAcceptor::from(gate.tls.config());
    Ok(ClientStream::Tls(Box::new(acceptor.accept(socket).await?)))
}

async fn first_packet(
    stream: &mut ClientStream,
    input: &mut BytesMut,
) -> Result<First, AcceptError> {
    loop {
        if let Some(first) = take_first(input)? {
            return Ok(first);
        }
        input.reserve(READ_AT_LOGIN_BYTES);
        if stream.read_buf(input).await? == 0 {
            return Err(AcceptError::Gone);
        }
    }
}

impl Connection {
    /// The next message before the password is proved: small, and soon (the caller holds the deadline).
    pub async fn login_message(&mut self) -> Result<Frame, AcceptError> {
        loop {
            match take_frame(&mut self.input, Phase::Login) {
                Ok(Some(frame)) => return Ok(frame),
                Ok(None) => {}
                Err(error) => return Err(std::io::Error::other(error).into()),
            }
            self.input.reserve(READ_AT_LOGIN_BYTES);
            if self.stream.read_buf(&mut self.input).await? == 0 {
                return Err(AcceptError::Gone);
            }
        }
    }

    pub async fn send(&mut self, bytes: &[u8]) -> Result<(), AcceptError> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await?;
        Ok(())
    }

    /// Last words; the connection is of no use after.
    pub async fn refuse(&mut self, refusal: &Refusal) {
        let mut words = BytesMut::new();
        write_refusal(&mut words, Severity::Fatal, refusal, None);
        let _ = self.send(&words).await;
        let _ = self.stream.shutdown().await;
    }
}
