//! Grants: requested, approved with a password that is shown once, denied, revoked, listed.

use axum::Json;
use axum::extract::{Extension, State};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_contract::GrantState;
use portcullis_contract::quantity::parse_duration;
use portcullis_store::state::{Actor, Decision, Denied, command};
use serde::Deserialize;
use serde_json::{Value, json};

use super::changes::Why;
use super::error::ApiError;
use super::input::{Body, Path, Query};
use super::{Shared, show};
use crate::compose::server::Server;
use crate::datadir::random;

/// PostgreSQL's own; the password is random, iterations only slow its use.
const SCRAM_ITERATIONS: u32 = 4096;
/// 24 bytes make 32 URL-safe characters.
const PASSWORD_BYTES: usize = 24;

#[derive(Deserialize)]
pub struct Request {
    person: String,
    contract: String,
    resource: String,
    purpose: String,
    #[serde(default)]
    ticket: Option<String>,
    #[serde(rename = "for")]
    length: String,
}

pub async fn request(
    State(server): Shared,
    Extension(actor): Extension<Actor>,
    Body(body): Body<Request>,
) -> Result<Json<Value>, ApiError> {
    let for_seconds = parse_duration(&body.length).map_err(|why| {
        Denied::invalid(
            "input.duration",
            format!("`{}` is not a length of time: {why}", body.length),
        )
        .hint("for instance `30m`, `8h` or `1d`")
    })?;
    let input = command::GrantRequest {
        id: show::new_id("g")?,
        person: body.person,
        contract: body.contract,
        resource: body.resource,
        purpose: body.purpose,
        ticket: body.ticket,
        for_seconds,
    };
    server
        .registry
        .execute(&actor, |state, now| {
            Ok(Decision::new(
                command::grant_request(state, &actor, &input, now)?,
                (),
            ))
        })
        .await?;
    Ok(answer(&server, &input.id))
}

pub async fn approve(
    State(server): Shared,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let password =
        URL_SAFE_NO_PAD.encode(random::<PASSWORD_BYTES>().map_err(|e| no_randomness(&e))?);
    let salt: [u8; 16] = random().map_err(|e| no_randomness(&e))?;
    let verifier = portcullis_lock::scram_verifier(&password, &salt, SCRAM_ITERATIONS)
        .map_err(|error| Denied::unreachable("grant.verifier", error.to_string()))?;
    let approval = server
        .registry
        .execute(&actor, |state, now| {
            let approval = command::grant_approve(state, &actor, &id, &verifier, now)?;
            Ok(Decision::new(approval.events.clone(), approval))
        })
        .await?;
    let (host, port) = &server.connect;
    let Json(mut shown) = answer(&server, &id);
    let database = shown.pointer("/grant/resource").cloned();
    if let Some(fields) = shown.as_object_mut() {
        let connect = json!({
            "host": host, "port": port, "user": approval.user, "database": database,
            "password": password, "expires_at": approval.expires_at,
        });
        fields.insert("connect".to_owned(), connect);
    }
    Ok(Json(shown))
}

fn no_randomness(error: &anyhow::Error) -> Denied {
    Denied::unreachable("random", error.to_string())
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
                command::grant_deny(state, &actor, &id, &body.why)?,
                (),
            ))
        })
        .await?;
    Ok(answer(&server, &id))
}

pub async fn revoke(
    State(server): Shared,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    Body(body): Body<Why>,
) -> Result<Json<Value>, ApiError> {
    server
        .registry
        .execute(&actor, |state, _| {
            Ok(Decision::new(
                command::grant_revoke(state, &actor, &id, &body.why)?,
                (),
            ))
        })
        .await?;
    Ok(answer(&server, &id))
}

#[derive(Deserialize)]
pub struct ListQuery {
    /// Only those that wait or live.
    #[serde(default)]
    open: bool,
}

/// Officers see all, a person his own.
pub async fn list(
    State(server): Shared,
    Extension(actor): Extension<Actor>,
    Query(query): Query<ListQuery>,
) -> Json<Value> {
    let grants: Vec<_> = server.registry.read(|state| {
        let mine = |person: &str| !matches!(&actor, Actor::Person { id, .. } if id != person);
        let open = |state: GrantState| matches!(state, GrantState::Pending | GrantState::Live);
        let mut grants: Vec<_> = state
            .grants
            .values()
            .filter(|entry| mine(&entry.grant.person) && (!query.open || open(entry.grant.state)))
            .collect();
        grants.sort_by_key(|entry| entry.requested_at);
        grants.into_iter().map(show::grant).collect()
    });
    Json(json!({ "grants": grants }))
}

/// The grant, and what would still keep its holder out (vetting is asked at each connection).
fn answer(server: &Server, id: &str) -> Json<Value> {
    let (grant, warnings) = server.registry.read(|state| {
        let entry = state.grants.get(id);
        (
            entry.map(show::grant),
            entry.map(|entry| show::vetting_gaps(state, entry, server.registry.now())),
        )
    });
    Json(json!({ "grant": grant, "warnings": warnings.unwrap_or_default() }))
}
