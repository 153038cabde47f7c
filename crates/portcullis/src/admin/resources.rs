//! Resources: drafts from the live catalog, the plan of the second lock, detach and attach.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, State};
use portcullis_contract::{Contract, Resource};
use portcullis_store::state::{Actor, Decision, Denied, Proposal, command};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use super::error::ApiError;
use super::input::{Path, Query};
use crate::compose::second_lock::Unprepared;
use crate::compose::server::Server;

#[derive(Deserialize)]
pub struct DraftQuery {
    resource: String,
    law: String,
}

pub async fn draft(
    State(server): Shared,
    Query(query): Query<DraftQuery>,
) -> Result<Json<Value>, ApiError> {
    let resource = known(&server, &query.resource)?;
    let draft = server.locks.draft(&resource, &query.law).await?;
    Ok(Json(json!({ "draft": draft })))
}

#[derive(Deserialize)]
pub struct PlanQuery {
    resource: String,
    contract: String,
}

/// Of the waiting contract where one waits: that is what will run next.
pub async fn plan(
    State(server): Shared,
    Query(query): Query<PlanQuery>,
) -> Result<Json<Value>, ApiError> {
    let (contract, revision, coming) = wanted(&server, &query.contract)?;
    if !contract
        .scope
        .iter()
        .any(|table| table.resource == query.resource)
    {
        let message = format!(
            "contract `{}` has nothing on `{}` in its scope",
            query.contract, query.resource
        );
        return Err(Denied::invalid("plan.scope", message).into());
    }
    let prepared = server
        .prepare(&contract, revision, &coming)
        .await
        .map_err(|why| match why {
            Unprepared::Denied(denied) => denied,
            Unprepared::Problems(problems) => {
                let texts: Vec<_> = problems
                    .iter()
                    .map(|p| format!("{}: {} ({})", p.path, p.message, p.help))
                    .collect();
                Denied::invalid(
                    "plan.scope",
                    format!(
                        "the contract does not fit the database: {}",
                        texts.join("; ")
                    ),
                )
            }
        })?;
    let (statements, warnings) = prepared.shown(&query.resource).unwrap_or((&[], Vec::new()));
    Ok(Json(json!({
        "resource": query.resource, "contract": query.contract, "revision": revision,
        "statements": statements, "warnings": warnings, "blocked": !prepared.blocked().is_empty(),
    })))
}

/// A contract to plan for, its revision, and resources that are not in force yet.
type Wanted = (Arc<Contract>, u32, Vec<Arc<Resource>>);

fn wanted(server: &Server, id: &str) -> Result<Wanted, Denied> {
    server.registry.read(|state| {
        let standing = state.contracts.get(id);
        let mut waiting = None;
        let mut coming = Vec::new();
        for item in state
            .changes
            .values()
            .flat_map(|change| change.pending_items())
        {
            match &item.after {
                Proposal::Contract(contract) if contract.id == id => {
                    waiting = Some(Arc::clone(contract))
                }
                Proposal::Resource(resource) => coming.push(Arc::clone(resource)),
                _ => {}
            }
        }
        match (waiting, standing) {
            (Some(contract), standing) => Ok((
                contract,
                standing.map_or(1, |entry| entry.revision + 1),
                coming,
            )),
            (None, Some(entry)) => Ok((Arc::clone(&entry.contract), entry.revision, coming)),
            (None, None) => Err(Denied::invalid(
                "contract.unknown",
                format!("no contract `{id}`, in force or waiting"),
            )),
        }
    })
}

pub async fn detach(
    State(server): Shared,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let _turn = server.changing.lock().await;
    server
        .registry
        .execute(&actor, |state, _| {
            Ok(Decision::new(
                command::resource_detached(state, &actor, &id)?,
                (),
            ))
        })
        .await?;
    server.registry.drop_surfaces(&id);
    server.locks.detach(&*known(&server, &id)?).await?;
    Ok(Json(
        json!({ "resource": { "id": id, "state": "detached" } }),
    ))
}

pub async fn attach(
    State(server): Shared,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let _turn = server.changing.lock().await;
    server
        .registry
        .read(|state| command::resource_check(state, &actor, &id, false))?;
    server.locks.forget(&id).await;
    server.restore_lock(&id).await?;
    server
        .registry
        .execute(&actor, |state, _| {
            Ok(Decision::new(
                command::resource_attached(state, &actor, &id)?,
                (),
            ))
        })
        .await?;
    Ok(Json(
        json!({ "resource": { "id": id, "state": "attached" } }),
    ))
}

fn known(server: &Server, id: &str) -> Result<Arc<Resource>, Denied> {
    server.resource(id).ok_or_else(|| {
        Denied::invalid("resource.unknown", format!("no resource `{id}`"))
            .hint("register it with `portcullis apply`")
    })
}
