//! The admin API over TLS, for `--server URL`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use crate::compose::server::Server;

/// Officers are few; more connections than this at once are nobody's work.
const CONNECTIONS_MAX: usize = 128;
/// Also ends a connection that is kept open and says nothing.
const HEADERS_WITHIN: Duration = Duration::from_secs(30);
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);

pub async fn serve(
    server: Arc<Server>,
    address: &str,
    tls: Arc<rustls::ServerConfig>,
) -> Result<SocketAddr> {
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("`{address}` cannot be listened on"))?;
    let bound = listener
        .local_addr()
        .context("the admin listener has no address")?;
    let router = super::router(server);
    let acceptor = TlsAcceptor::from(tls);
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    tokio::spawn(async move {
        loop {
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
                return;
            };
            let Ok((stream, _)) = listener.accept().await else {
                continue;
            };
            let (acceptor, router) = (acceptor.clone(), router.clone());
            tokio::spawn(async move {
                converse(stream, acceptor, router).await;
                drop(slot);
            });
        }
    });
    Ok(bound)
}

async fn converse(stream: TcpStream, acceptor: TlsAcceptor, router: axum::Router) {
    let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE_WITHIN, acceptor.accept(stream)).await
    else {
        return;
    };
    let service = TowerToHyperService::new(router);
    let _ = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
