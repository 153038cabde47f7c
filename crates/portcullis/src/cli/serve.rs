//! `portcullis serve`: runs everything until SIGTERM.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::Args;
use tracing_subscriber::EnvFilter;

use super::{Exit, Global};
use crate::compose::config::Config;
use crate::compose::{Listen, serve, tls};
use crate::datadir::DataDir;

/// Run the gate and the admin API; prints one line `ready …` once it accepts
#[derive(Debug, Args)]
pub struct Serve {
    /// Where PostgreSQL clients connect; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:6432")]
    pg: String,
    /// Not built yet
    #[arg(long, value_name = "ADDR", hide = true)]
    mysql: Option<String>,
    /// Not built yet
    #[arg(long, value_name = "ADDR", hide = true)]
    ssh: Option<String>,
    /// Not built yet
    #[arg(long, value_name = "ADDR", hide = true)]
    console: Option<String>,
    /// Prometheus metrics, at /metrics
    #[arg(long, value_name = "ADDR")]
    metrics: Option<String>,
    /// The admin API over TLS, for `--server https://…` (besides DIR/admin.sock)
    #[arg(long, value_name = "ADDR")]
    admin: Option<String>,
    /// PEM certificate chain, instead of DIR's self-signed one
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Let clients on this machine connect without TLS
    #[arg(long)]
    allow_plaintext_loopback: bool,
}

pub async fn run(global: &Global, command: Serve) -> Result<(), Exit> {
    let unbuilt = [
        ("--mysql", &command.mysql),
        ("--ssh", &command.ssh),
        ("--console", &command.console),
    ];
    if let Some((flag, _)) = unbuilt.iter().find(|(_, value)| value.is_some()) {
        return Err(Exit::invalid(format!(
            "`{flag}`: this listener is not built yet"
        )));
    }
    let filter =
        EnvFilter::try_from_env("PORTCULLIS_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init();
    let listen = Listen {
        pg: command.pg,
        admin: command.admin,
        metrics: command.metrics,
        tls_certificate: command.tls_cert,
        tls_key: command.tls_key,
        allow_plaintext_loopback: command.allow_plaintext_loopback,
    };
    let ready = |line: &str| {
        say!("{line}");
    };
    let dir = DataDir::at(&global.data);
    if !dir.log_key_path().exists() {
        let data = global.data.display();
        return Err(Exit::invalid(format!(
            "`{data}` is not a data directory; make one with `portcullis init`"
        )));
    }
    if let (Some(certificate), Some(key)) = (&listen.tls_certificate, &listen.tls_key) {
        tls::server_config(certificate, key, &[])
            .map_err(|error| Exit::invalid(format!("{error:#}")))?;
    }
    let config = Config::read(&dir).map_err(|error| Exit::invalid(format!("{error:#}")))?;
    serve(dir, &config, &listen, ready)
        .await
        .map_err(|error| Exit::unreachable(format!("{error:#}")))
}
