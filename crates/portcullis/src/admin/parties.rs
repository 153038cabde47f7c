//! Persons, contracts and officers: tokens, suspensions, resumptions.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, State};
use portcullis_store::state::command::{self, Resumed};
use portcullis_store::state::{Actor, Decision, Denied, Token};
use serde_json::{Value, json};

use super::changes::{Why, approve_change};
use super::error::ApiError;
use super::input::{Body, Path};
use super::{Shared, show};
use crate::compose::server::Server;
use crate::datadir::random;

fn new_token() -> Result<Token, Denied> {
    Ok(Token::from_random(random().map_err(|error| {
        Denied::unreachable("random", error.to_string())
    })?))
}

pub async fn person_token(
    State(server): Shared,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let token = new_token()?;
    let hash = token.hash();
    server
        .registry
        .execute(&actor, |state, _| {
            Ok(Decision::new(
                command::person_token(state, &actor, &id, hash)?,
                (),
            ))
        })
        .await?;
    Ok(Json(json!({ "person": id, "token": token.reveal() })))
}

pub async fn officer_token(
    State(server): Shared,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let token = new_token()?;
    let hash = token.hash();
    server
        .registry
        .execute(&actor, |state, _| {
            Ok(Decision::new(
                command::officer_token(state, &actor, &id, hash)?,
                (),
            ))
        })
        .await?;
    Ok(Json(json!({ "officer": id, "token": token.reveal() })))
}

pub async fn suspend_person(
    State(server): Shared,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    Body(body): Body<Why>,
) -> Result<Json<Value>, ApiError> {
    server
        .registry
        .execute(&actor, |state, _| {
            Ok(Decision::new(
                command::suspend_person(state, &actor, &id, &body.why)?,
                (),
            ))
        })
        .await?;
    Ok(Json(
        json!({ "person": { "id": id, "state": "suspended" } }),
    ))
}

pub async fn suspend_contract(
    State(server): Shared,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    Body(body): Body<Why>,
) -> Result<Json<Value>, ApiError> {
    server
        .registry
        .execute(&actor, |state, _| {
            Ok(Decision::new(
                command::suspend_contract(state, &actor, &id, &body.why)?,
                (),
            ))
        })
        .await?;
    Ok(Json(
        json!({ "contract": { "id": id, "state": "suspended" } }),
    ))
}

pub async fn resume_person(
    State(server): Shared,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let change = show::new_id("c")?;
    let resumed = server
        .registry
        .execute(&actor, |state, _| {
            decision(
                command::resume_person(state, &actor, &id, &change)?,
                &change,
            )
        })
        .await?;
    resume(&server, &actor, resumed).await
}

pub async fn resume_contract(
    State(server): Shared,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let change = show::new_id("c")?;
    let resumed = server
        .registry
        .execute(&actor, |state, _| {
            decision(
                command::resume_contract(state, &actor, &id, &change)?,
                &change,
            )
        })
        .await?;
    resume(&server, &actor, resumed).await
}

/// The change, and whether it was there before.
type Asked = (String, bool);

fn decision(resumed: Resumed, new: &str) -> Result<Decision<Asked>, Denied> {
    Ok(match resumed {
        Resumed::Requested(events) => Decision::new(events, (new.to_owned(), false)),
        Resumed::Approve { change } => Decision::new(Vec::new(), (change, true)),
    })
}

/// The second officer's `resume` is his approval.
async fn resume(
    server: &Arc<Server>,
    actor: &Actor,
    (change, waited): Asked,
) -> Result<Json<Value>, ApiError> {
    if waited {
        approve_change(server, actor, &change).await?;
    }
    let shown = server
        .registry
        .read(|state| state.changes.get(&change).map(show::change));
    Ok(Json(json!({ "change": shown })))
}
