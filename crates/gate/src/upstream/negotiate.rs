//! Socket → stream, with TLS where the mode asks for it.

use bytes::BytesMut;
use portcullis_wire::build::client;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::error::UpstreamError;
use super::{Stream, Target, reach};
use crate::tls::SslMode;

/// Room to notice what was stuffed in behind the one byte that is due.
const ANSWER_BYTES: usize = 16;

pub(super) async fn open(target: &Target) -> Result<Stream, UpstreamError> {
    match reach::reach(target).await? {
        Stream::Tcp(socket) if target.tls.mode() != SslMode::Disable => {
            ask_for_tls(socket, target).await
        }
        // As in libpq, a Unix socket needs none.
        stream => Ok(stream),
    }
}

async fn ask_for_tls(mut socket: TcpStream, target: &Target) -> Result<Stream, UpstreamError> {
    let mut request = BytesMut::new();
    client::ssl_request(&mut request);
    socket
        .write_all(&request)
        .await
        .map_err(UpstreamError::Io)?;
    let mut answer = [0; ANSWER_BYTES];
    let count = socket.read(&mut answer).await.map_err(UpstreamError::Io)?;
    match answer.get(..count).unwrap_or_default() {
        [] => Err(UpstreamError::Closed),
        [b'S'] => start_tls(socket, target).await,
        [b'N'] if target.tls.mode() == SslMode::Prefer => Ok(Stream::Tcp(socket)),
        [b'N'] => Err(UpstreamError::NoTls {
            mode: target.tls.mode().as_str(),
        }),
        [b'S' | b'N', ..] => Err(UpstreamError::StuffedBytes),
        [byte, ..] => Err(UpstreamError::TlsAnswer { byte: *byte }),
    }
}

async fn start_tls(socket: TcpStream, target: &Target) -> Result<Stream, UpstreamError> {
    let name = ServerName::try_from(target.host.clone()).map_err(|_| UpstreamError::HostName {
        host: target.host.clone(),
    })?;
    let stream = TlsConnector::from(target.tls.config())
        .connect(name, socket)
        .await
        .map_err(UpstreamError::Tls)?;
    Ok(Stream::Tls(Box::new(stream)))
}
