//! The seam to the gate: everything it needs, and a handle to drain it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use portcullis_store::state::Registry;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::journal::SharedLog;
use super::second_lock::SecondLock;

/// What the gate is started with.
pub struct GateSetup {
    pub listener: TcpListener,
    pub registry: Arc<Registry>,
    pub log: SharedLog,
    pub locks: Arc<SecondLock>,
    pub tls: Arc<rustls::ServerConfig>,
    pub allow_plaintext_loopback: bool,
    /// Mocks for unknown users.
    pub server_secret: [u8; 32],
    /// Keys the hashes of subjects.
    pub ledger_key: [u8; 32],
    /// Turns `true` when no new connection is taken and sessions should come to an end.
    pub drain: watch::Receiver<bool>,
}

/// Accepts until told to drain.
pub async fn start(setup: GateSetup) -> Result<tokio::task::JoinHandle<()>> {
    let GateSetup { listener, mut drain, .. } = setup;
    Ok(tokio::spawn(async move {
        loop {
            tokio::select! {
                // Until the gate is built in: nobody is let in.
                accepted = listener.accept() => drop(accepted),
                _ = drain.wait_for(|draining| *draining) => return,
            }
        }
    }))
}

/// Longest that sessions get to end by themselves when the server stops.
pub const DRAIN_WITHIN: Duration = Duration::from_secs(10);

/// What a listener's address is called towards clients.
pub fn shown(address: SocketAddr) -> (String, u16) {
    let host = if address.ip().is_unspecified() { "127.0.0.1".to_owned() } else { address.ip().to_string() };
    (host, address.port())
}
