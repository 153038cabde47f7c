//! Live sessions: listed, ended.

use axum::Json;
use axum::extract::{Extension, State};
use portcullis_store::state::{Actor, Decision, Denied, command};
use serde_json::{Value, json};

use super::Shared;
use super::changes::Why;
use super::error::ApiError;
use super::input::{Body, Path};

pub async fn list(State(server): Shared) -> Json<Value> {
    Json(json!({ "sessions": server.registry.sessions().list() }))
}

pub async fn end(
    State(server): Shared,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    Body(body): Body<Why>,
) -> Result<Json<Value>, ApiError> {
    if server.registry.sessions().get(&id).is_none() {
        return Err(
            Denied::invalid("session.unknown", format!("no live session `{id}`"))
                .hint("see `portcullis session list`")
                .into(),
        );
    }
    server
        .registry
        .execute(&actor, |_, _| {
            Ok(Decision::new(
                command::session_end(&actor, &id, &body.why)?,
                (),
            ))
        })
        .await?;
    Ok(Json(json!({ "session": { "id": id, "state": "ended" } })))
}
