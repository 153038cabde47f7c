#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::time::Duration;

use super::*;
use crate::tls::SslMode;

mod hostile;
mod real;

fn target(port: u16) -> Target {
    Target {
        host: "127.0.0.1".into(),
        port,
        database: "postgres".into(),
        user: "postgres".into(),
        password: Secret::new("throw-away"),
        tls: ClientTls::new(SslMode::Prefer, None).unwrap(),
        params: vec![("application_name".into(), "portcullis".into())],
        within: Duration::from_secs(10),
    }
}

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(test)
}
