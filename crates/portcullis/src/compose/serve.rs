//! `serve`: opens everything, says `ready`, runs until it is told to stop, drains.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use portcullis_detect::Thresholds;
use portcullis_store::state::{Recorder, Registry};
use tokio::net::{TcpListener, UnixListener};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Mutex, watch};
use tokio::time::timeout;

use super::config::Config;
use super::gate::{self, GateSetup};
use super::second_lock::SecondLock;
use super::server::Server;
use super::{detect, journal, ledger, metrics, tls, upkeep, webhook};
use crate::admin;
use crate::datadir::DataDir;

/// From the start on, the databases get this long to take their second lock; then `ready` is said
/// without them (a start takes at most two seconds, whatever a database does).
const LOCKS_WITHIN: Duration = Duration::from_millis(1500);

/// For the last snapshot of a server that stops.
const SNAPSHOT_WITHIN: Duration = Duration::from_secs(5);

/// Where to listen, and how.
#[derive(Clone, Debug)]
pub struct Listen {
    pub pg: String,
    pub admin: Option<String>,
    pub metrics: Option<String>,
    pub tls_certificate: Option<PathBuf>,
    pub tls_key: Option<PathBuf>,
    pub allow_plaintext_loopback: bool,
}

/// Runs until SIGTERM or SIGINT. `ready` is called once with the line to print.
pub async fn serve(
    dir: DataDir,
    config: &Config,
    listen: &Listen,
    ready: impl FnOnce(&str),
) -> Result<()> {
    let started = Instant::now();
    let _lock = dir.lock()?;
    let mut stop = Stop::new()?;
    let certificate = listen
        .tls_certificate
        .clone()
        .unwrap_or_else(|| dir.tls_certificate());
    let key = listen.tls_key.clone().unwrap_or_else(|| dir.tls_key());
    let thresholds = detect::thresholds(&dir)?;
    let listener = bind(&listen.pg).await?;
    let pg = listener
        .local_addr()
        .context("the listener has no address")?;

    let (server, ledger, taken_at) = open(dir, config, pg).await?;
    let drain = watch::Sender::new(false);
    let gate = gate::start(GateSetup {
        listener,
        registry: Arc::clone(&server.registry),
        log: Arc::clone(&server.log),
        ledger,
        accounts: Arc::clone(&server.accounts),
        tls: gate_tls(&certificate, &key)?,
        allow_plaintext_loopback: listen.allow_plaintext_loopback,
        server_secret: server.dir.server_secret()?,
        ledger_key: server.dir.ledger_key()?,
        base_dir: std::path::absolute(server.dir.root()).context("the data directory")?,
        drain: drain.subscribe(),
    })
    .await?;
    let upkeep = start_upkeep(&server, config, thresholds, taken_at);
    let mut line = format!("ready pg={pg}");
    if let Some(address) = &listen.metrics {
        line.push_str(&format!(
            " metrics={}",
            metrics::serve(Arc::clone(&server), address).await?
        ));
    }
    if let Some(address) = &listen.admin {
        let tls = tls::server_config(&certificate, &key, &["http/1.1"])?;
        line.push_str(&format!(
            " admin-tls={}",
            admin::serve_tls(Arc::clone(&server), address, tls).await?
        ));
    }
    let socket = server.dir.admin_socket();
    let admin = tokio::spawn(serve_socket(
        Arc::clone(&server),
        bind_socket(&server.dir)?,
        drain.subscribe(),
    ));
    line.push_str(&format!(" admin={}", socket.display()));

    let mut restored = server.lock_restored.subscribe();
    let patience = LOCKS_WITHIN.saturating_sub(started.elapsed());
    let _ = timeout(patience, restored.wait_for(|done| *done)).await;
    ready(&line);
    stop.wait().await;

    tracing::info!(
        within_seconds = gate::DRAIN_WITHIN.as_secs(),
        "stopping: no new sessions, those that live may end"
    );
    drain.send_replace(true);
    if timeout(gate::DRAIN_WITHIN + Duration::from_secs(2), gate)
        .await
        .is_err()
    {
        tracing::warn!("sessions were still alive when the time to drain was over");
    }
    let _ = timeout(Duration::from_secs(2), admin).await;
    for task in upkeep {
        task.abort();
    }
    // A long one is given up: the next start reads more of the log instead.
    let _ = timeout(SNAPSHOT_WITHIN, upkeep::snapshot(&server)).await;
    let _ = std::fs::remove_file(socket);
    server.log.close().context("the log cannot be closed")
}

async fn open(
    dir: DataDir,
    config: &Config,
    pg: SocketAddr,
) -> Result<(Arc<Server>, ledger::Ledger, u64)> {
    let opening = dir.clone();
    let opened = tokio::task::spawn_blocking(move || {
        let (log, recovered) = journal::open(&opening)?;
        let mut more = ledger::fresh();
        let (state, replayed) = journal::fold(&log, &opening, &mut ledger::folds(&mut more))?;
        anyhow::Ok((log, recovered, state, more, replayed))
    });
    let (log, recovered, state, mut more, replayed) =
        opened.await.context("opening the log was cut short")??;
    tracing::info!(
        entries = recovered.size,
        from_snapshot = replayed.from_snapshot,
        cut_bytes = recovered.torn_bytes,
        closed_cleanly = recovered.closed_cleanly,
        "the log is open"
    );
    let log = Arc::new(log);
    let recorder: Arc<dyn Recorder> = Arc::clone(&log) as Arc<dyn Recorder>;
    let (host, port) = gate::shown(pg);
    let server = Server {
        registry: Registry::new(state, recorder),
        log,
        accounts: Arc::new(parking_lot::Mutex::new(std::mem::take(&mut more.accounts))),
        index: Arc::new(parking_lot::Mutex::new(std::mem::take(&mut more.index))),
        locks: Arc::new(SecondLock::new(
            std::path::absolute(dir.root()).context("the data directory")?,
        )),
        populations: Default::default(),
        cache_seal: journal::cache_seal(&dir)?,
        changing: Mutex::default(),
        connect: (
            config.gate.public_host.clone().unwrap_or(host),
            config.gate.public_port.unwrap_or(port),
        ),
        lock_restored: watch::Sender::new(false),
        dir,
    };
    Ok((Arc::new(server), more, replayed.from_snapshot))
}

fn gate_tls(
    certificate: &std::path::Path,
    key: &std::path::Path,
) -> Result<portcullis_gate::tls::ServerTls> {
    let read = |path: &std::path::Path| {
        std::fs::read(path).with_context(|| format!("`{}` cannot be read", path.display()))
    };
    portcullis_gate::tls::ServerTls::from_pem(&read(certificate)?, &read(key)?)
        .context("TLS for the gate")
}

fn start_upkeep(
    server: &Arc<Server>,
    config: &Config,
    thresholds: Thresholds,
    taken_at: u64,
) -> Vec<tokio::task::JoinHandle<()>> {
    let every = Duration::from_secs(config.bypass.check_every_seconds.max(1));
    let restore = {
        let server = Arc::clone(server);
        async move {
            upkeep::restore_locks(Arc::clone(&server)).await;
            server.lock_restored.send_replace(true);
            upkeep::watch_bypass(server, every).await;
        }
    };
    let mut tasks = vec![
        tokio::spawn(restore),
        tokio::spawn(upkeep::expire_grants(Arc::clone(server))),
        tokio::spawn(upkeep::end_contracts(Arc::clone(server))),
        tokio::spawn(upkeep::remove_closed(Arc::clone(server))),
        tokio::spawn(upkeep::take_snapshots(Arc::clone(server), taken_at)),
        tokio::spawn(detect::follow(Arc::clone(server), thresholds)),
    ];
    if let Some(webhook) = config.webhook.clone() {
        tasks.push(tokio::spawn(webhook::notify(
            Arc::clone(&server.registry),
            webhook,
        )));
    }
    tasks
}

async fn bind(address: &str) -> Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("`{address}` cannot be listened on"))
}

/// The socket of a crashed server is taken over: the directory's lock says that nobody lives there.
fn bind_socket(dir: &DataDir) -> Result<UnixListener> {
    let path = dir.admin_socket();
    let _ = std::fs::remove_file(&path);
    // The directory is 0700, so nobody reaches the socket before its own mode is set.
    let socket = UnixListener::bind(&path)
        .with_context(|| format!("`{}` cannot be listened on", path.display()))?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))
        .context("the socket's permissions")?;
    Ok(socket)
}

async fn serve_socket(server: Arc<Server>, socket: UnixListener, mut drain: watch::Receiver<bool>) {
    let stopped = async move {
        let _ = drain.wait_for(|draining| *draining).await;
    };
    if let Err(error) = axum::serve(socket, admin::router(server))
        .with_graceful_shutdown(stopped)
        .await
    {
        tracing::error!(%error, "the admin API has stopped");
    }
}

struct Stop {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Stop {
    fn new() -> Result<Self> {
        let terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be caught")?;
        let interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be caught")?;
        Ok(Self {
            terminate,
            interrupt,
        })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
