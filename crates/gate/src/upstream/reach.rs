//! Target → socket, refusing a road that is too weak for the network.

use std::net::SocketAddr;

use tokio::net::{TcpStream, UnixStream};

use super::error::UpstreamError;
use super::{Stream, Target};
use crate::tls::SslMode;

pub(super) async fn reach(target: &Target) -> Result<Stream, UpstreamError> {
    if target.host.starts_with('/') {
        let path = format!(
            "{}/.s.PGSQL.{}",
            target.host.trim_end_matches('/'),
            target.port
        );
        return UnixStream::connect(path)
            .await
            .map(Stream::Unix)
            .map_err(UpstreamError::Unreachable);
    }
    let resolved = tokio::net::lookup_host((target.host.as_str(), target.port));
    let addresses: Vec<SocketAddr> = resolved
        .await
        .map_err(UpstreamError::Unreachable)?
        .collect();
    let mut last = std::io::Error::from(std::io::ErrorKind::NotFound);
    for address in addresses {
        check_strength(target, address)?;
        match TcpStream::connect(address).await {
            Ok(stream) => {
                stream.set_nodelay(true).map_err(UpstreamError::Io)?;
                return Ok(Stream::Tcp(stream));
            }
            Err(error) => last = error,
        }
    }
    Err(UpstreamError::Unreachable(last))
}

/// Judged on the address that is then connected to: a name could resolve differently a second time.
fn check_strength(target: &Target, address: SocketAddr) -> Result<(), UpstreamError> {
    let mode = target.tls.mode();
    if mode == SslMode::VerifyFull || address.ip().to_canonical().is_loopback() {
        return Ok(());
    }
    Err(UpstreamError::TooWeakForNetwork {
        host: target.host.clone(),
        mode: mode.as_str(),
    })
}
