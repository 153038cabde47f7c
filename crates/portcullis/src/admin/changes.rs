//! Changes that wait: listed, approved, denied.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, State};
use portcullis_store::state::{Actor, ChangeItem, Decision, Denied, command};
use serde::Deserialize;
use serde_json::{Value, json};

use super::apply::{install_waiting, settle};
use super::error::ApiError;
use super::input::{Body, Path, Query};
use super::{Shared, show};
use crate::compose::server::Server;

#[derive(Deserialize)]
pub struct ListQuery {
    #[serde(default)]
    pub all: bool,
}

#[derive(Deserialize)]
pub struct Why {
    #[serde(default)]
    pub why: String,
}

pub async fn list(State(server): Shared, Query(query): Query<ListQuery>) -> Json<Value> {
    let changes = server.registry.read(|state| {
        let mut changes: Vec<_> = state
            .changes
            .values()
            .filter(|change| query.all || change.pending())
            .collect();
        changes.sort_by_key(|change| change.at);
        changes.into_iter().map(show::change).collect::<Vec<_>>()
    });
    Json(json!({ "changes": changes }))
}

pub async fn approve(
    State(server): Shared,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    approve_change(&server, &actor, &id).await?;
    Ok(answer(&server, &id))
}

/// Resolves and installs before the change counts as in force; where that fails it keeps waiting.
/// On its own task: whoever goes away in the middle leaves nothing half done.
pub async fn approve_change(server: &Arc<Server>, actor: &Actor, id: &str) -> Result<(), Denied> {
    let (server, actor, id) = (Arc::clone(server), actor.clone(), id.to_owned());
    tokio::spawn(async move { install_and_approve(&server, &actor, &id).await })
        .await
        .unwrap_or_else(|_| {
            Err(Denied::unreachable(
                "change.cut",
                "the command was cut short",
            ))
        })
}

async fn install_and_approve(server: &Arc<Server>, actor: &Actor, id: &str) -> Result<(), Denied> {
    let _turn = server.changing.lock().await;
    let items: Vec<ChangeItem> = server.registry.read(|state| {
        command::change_check(state, actor, id)
            .map(|change| change.pending_items().cloned().collect())
    })?;
    let (items, surfaces) = match install_waiting(server, items).await {
        Ok(installed) => installed,
        Err(denied) => {
            let failed = command::change_failed(id, &denied);
            server.registry.record(actor, failed).await?;
            return Err(denied);
        }
    };
    let approved = server
        .registry
        .execute(actor, |state, _| {
            let events = command::change_approve(state, actor, id, &items)?;
            Ok(Decision {
                events,
                surfaces,
                answer: (),
            })
        })
        .await;
    settle(server, &items, approved).await
}

pub async fn deny(
    State(server): Shared,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    Body(body): Body<Why>,
) -> Result<Json<Value>, ApiError> {
    server
        .registry
        .execute(&actor, |state, _| {
            Ok(Decision::new(
                command::change_deny(state, &actor, &id, &body.why)?,
                (),
            ))
        })
        .await?;
    Ok(answer(&server, &id))
}

fn answer(server: &Server, id: &str) -> Json<Value> {
    let change = server
        .registry
        .read(|state| state.changes.get(id).map(show::change));
    Json(json!({ "change": change }))
}
