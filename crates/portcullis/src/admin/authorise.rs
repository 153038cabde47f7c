//! Who asks, and whether he may: before every handler. What is refused for want of authority goes on
//! record, whether here or by the command itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use portcullis_store::state::{Act, Actor, Denied, Fault, command};

use super::error::ApiError;
use crate::compose::server::Server;

/// Attempts without a valid token are recorded at most once in this time: nobody may fill the log with them.
const UNKNOWN_EVERY_MICROSECONDS: i64 = 1_000_000;
static LAST_UNKNOWN: AtomicI64 = AtomicI64::new(0);

pub async fn authorise(
    State((server, act)): State<(Arc<Server>, Act)>,
    mut request: Request,
    next: Next,
) -> Response {
    let attempt = format!("{} {}", request.method(), request.uri().path());
    let Some(actor) =
        bearer(&request).and_then(|token| server.registry.read(|state| state.actor(token)))
    else {
        let denied = Denied::authority("authority.token", "the token is missing, unknown or replaced")
            .hint("an officer issues a new one with `portcullis officer token` or `portcullis person token`");
        record_unknown(&server, &attempt, &denied).await;
        return ApiError::unauthenticated(denied).into_response();
    };
    let response = match actor.may(act) {
        Ok(()) => {
            request.extensions_mut().insert(actor.clone());
            next.run(request).await
        }
        Err(denied) => ApiError::from(denied).into_response(),
    };
    let refused = response
        .extensions()
        .get::<Denied>()
        .filter(|denied| denied.fault == Fault::Authority);
    if let Some(denied) = refused {
        record(&server, &actor, &attempt, denied).await;
    }
    response
}

fn bearer(request: &Request) -> Option<&str> {
    request
        .headers()
        .get(AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")
}

async fn record(server: &Server, actor: &Actor, attempt: &str, denied: &Denied) {
    if let Err(error) = server
        .registry
        .record(actor, command::officer_refused(attempt, denied))
        .await
    {
        tracing::error!(%error, "a refused attempt cannot be recorded");
    }
}

async fn record_unknown(server: &Server, attempt: &str, denied: &Denied) {
    let now = server.registry.now().as_microsecond();
    let last = LAST_UNKNOWN.load(Ordering::Relaxed);
    let due = now.saturating_sub(last) >= UNKNOWN_EVERY_MICROSECONDS;
    if due
        && LAST_UNKNOWN
            .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
    {
        record(server, &Actor::Unknown, attempt, denied).await;
    }
}
