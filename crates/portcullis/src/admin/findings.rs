//! Findings: listed, shown.

use axum::Json;
use axum::extract::State;
use portcullis_store::state::Denied;
use serde_json::{Value, json};

use super::Shared;
use super::error::ApiError;
use super::input::Path;

/// The latest first.
pub async fn list(State(server): Shared) -> Json<Value> {
    let mut findings: Vec<_> = server
        .registry
        .read(|state| state.findings.values().cloned().collect());
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.note.last_at));
    Json(json!({ "findings": findings }))
}

pub async fn show(State(server): Shared, Path(id): Path<String>) -> Result<Json<Value>, ApiError> {
    let finding = server
        .registry
        .read(|state| state.findings.get(&id).cloned());
    let finding = finding.ok_or_else(|| {
        Denied::invalid("finding.unknown", format!("no finding `{id}`"))
            .hint("see `portcullis finding list`")
    })?;
    Ok(Json(json!({ "finding": finding })))
}
