//! The seam to the gate: everything it needs, and a handle to drain it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use portcullis_gate::Gate;
use portcullis_gate::tls::ServerTls;
use portcullis_ledger::{Accounts, SubjectKey};
use portcullis_store::state::Registry;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::journal::SharedLog;
use super::ledger::Ledger;

/// What the gate is started with.
pub struct GateSetup {
    pub listener: TcpListener,
    pub registry: Arc<Registry>,
    pub log: SharedLog,
    /// What the last run left open.
    pub ledger: Ledger,
    pub accounts: Arc<parking_lot::Mutex<Accounts>>,
    pub tls: ServerTls,
    pub allow_plaintext_loopback: bool,
    /// Mocks for unknown users.
    pub server_secret: [u8; 32],
    /// Keys the hashes of subjects.
    pub ledger_key: [u8; 32],
    /// What relative files of a resource stand under.
    pub base_dir: PathBuf,
    /// Turns `true` when no new connection is taken and sessions should come to an end.
    pub drain: watch::Receiver<bool>,
}

/// Closes what a crash left open, then accepts until told to drain.
pub async fn start(setup: GateSetup) -> Result<tokio::task::JoinHandle<()>> {
    let Ledger { open, .. } = setup.ledger;
    let closed = portcullis_gate::recover::close_open_work(&setup.log, &open, setup.registry.now())
        .await
        .context("what the last run left open cannot be closed in the log")?;
    if closed > 0 {
        tracing::warn!(
            closed,
            "statements and sessions of the last run were cut short; their outcome is on record now"
        );
    }
    let gate = Gate::new(portcullis_gate::Settings {
        registry: setup.registry,
        log: setup.log,
        accounts: setup.accounts,
        subject_key: SubjectKey::new(subject_key(&setup.ledger_key)),
        server_secret: setup.server_secret,
        tls: setup.tls,
        plaintext_loopback: setup.allow_plaintext_loopback,
        base_dir: setup.base_dir,
    });
    tokio::spawn(portcullis_gate::review::review(
        Arc::clone(&gate),
        setup.drain.clone(),
    ));
    Ok(tokio::spawn(portcullis_gate::listen::listen(
        gate,
        setup.listener,
        setup.drain,
    )))
}

/// SipHash takes 128 bits.
pub fn subject_key(ledger_key: &[u8; 32]) -> [u8; 16] {
    let derived = blake3::derive_key("portcullis 2026-11 subject ids", ledger_key);
    let mut key = [0; 16];
    for (to, from) in key.iter_mut().zip(derived) {
        *to = from;
    }
    key
}

/// Longest that sessions get to end by themselves when the server stops.
pub const DRAIN_WITHIN: Duration = portcullis_gate::limits::DRAIN_DEADLINE;

/// What a listener's address is called towards clients.
pub fn shown(address: SocketAddr) -> (String, u16) {
    let host = if address.ip().is_unspecified() {
        "127.0.0.1".to_owned()
    } else {
        address.ip().to_string()
    };
    (host, address.port())
}
