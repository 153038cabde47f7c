//! Prometheus metrics: what the gate counts, and what the server looks up when asked.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use portcullis_contract::GrantState;
use tokio::net::TcpListener;

use super::server::Server;

#[derive(Clone)]
struct Page {
    server: Arc<Server>,
    recorder: PrometheusHandle,
}

/// Serves `/metrics`; answers the address.
pub async fn serve(server: Arc<Server>, address: &str) -> Result<SocketAddr> {
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("`{address}` cannot be listened on"))?;
    let bound = listener
        .local_addr()
        .context("the metrics listener has no address")?;
    let recorder = PrometheusBuilder::new()
        .install_recorder()
        .context("metrics cannot be recorded")?;
    let page = Router::new()
        .route("/metrics", get(render))
        .with_state(Page { server, recorder });
    tokio::spawn(async move { axum::serve(listener, page).await });
    Ok(bound)
}

async fn render(State(page): State<Page>) -> String {
    let server = &page.server;
    #[expect(
        clippy::cast_precision_loss,
        reason = "a gauge is a float; counts here stay far below 2^52"
    )]
    let gauge = |name: &'static str, value: u64| metrics::gauge!(name).set(value as f64);
    gauge("portcullis_log_entries", server.log.size());
    gauge(
        "portcullis_sessions_live",
        server.registry.sessions().len() as u64,
    );
    let (pending, live, changes) = server.registry.read(|state| {
        let in_state = |wanted| {
            state
                .grants
                .values()
                .filter(|entry| entry.grant.state == wanted)
                .count() as u64
        };
        let changes = state
            .changes
            .values()
            .filter(|change| change.pending())
            .count() as u64;
        (
            in_state(GrantState::Pending),
            in_state(GrantState::Live),
            changes,
        )
    });
    gauge("portcullis_grants_pending", pending);
    gauge("portcullis_grants_live", live);
    gauge("portcullis_changes_pending", changes);
    page.recorder.render()
}
