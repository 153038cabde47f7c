//! Tells approvers that something waits. Never in anybody's way: a bounded queue, retries, no secrets.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use portcullis_store::state::{Event, Fact, ItemState, Registry};
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;

use super::config::Webhook;

const TIMEOUT: Duration = Duration::from_secs(10);
/// Waits between the tries of one notice; after the last one it is given up, with a warning.
const RETRIES: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(120),
    Duration::from_secs(600),
];

pub async fn notify(registry: Arc<Registry>, webhook: Webhook) {
    let mut facts = registry.facts();
    let http = match reqwest::Client::builder().timeout(TIMEOUT).build() {
        Ok(http) => http,
        Err(error) => {
            tracing::error!(%error, "no HTTP client: approvers are not told what waits");
            return;
        }
    };
    let in_flight = Arc::new(tokio::sync::Semaphore::new(MAX_NOTICES));
    loop {
        let fact = match facts.recv().await {
            Ok(fact) => fact,
            Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return,
        };
        let Some(notice) = notice(&fact) else {
            continue;
        };
        let Ok(permit) = Arc::clone(&in_flight).try_acquire_owned() else {
            tracing::warn!("too many notices wait for the webhook; this one is dropped");
            continue;
        };
        let (http, webhook) = (http.clone(), webhook.clone());
        tokio::spawn(async move {
            deliver(&http, &webhook, &notice).await;
            drop(permit);
        });
    }
}

/// Notices that wait at one time.
const MAX_NOTICES: usize = 256;

fn notice(fact: &Fact) -> Option<Value> {
    let at: Timestamp = fact.at;
    match &fact.event {
        Event::GrantRequested {
            grant,
            person,
            contract,
            resource,
            purpose,
            ticket,
            for_seconds,
            ..
        } => Some(json!({
            "event": "grant.requested", "seq": fact.seq, "at": at, "by": fact.actor, "grant": grant,
            "person": person, "contract": contract, "resource": resource, "purpose": purpose,
            "ticket": ticket, "for_seconds": for_seconds, "approve": format!("portcullis grant approve {grant}"),
        })),
        Event::ChangeRequested {
            change,
            objects,
            items,
            ..
        } if items.iter().any(|item| item.state == ItemState::Pending) => Some(json!({
            "event": "change.requested", "seq": fact.seq, "at": at, "by": fact.actor, "change": change,
            "objects": objects, "approve": format!("portcullis change approve {change}"),
        })),
        Event::FindingOpened(note) => Some(json!({
            "event": "finding.opened", "seq": fact.seq, "at": at, "finding": note.finding,
            "severity": note.severity, "detector": note.detector, "person": note.person,
            "contract": note.contract, "resource": note.resource, "reason": note.reason,
            "show": format!("portcullis finding show {}", note.finding),
        })),
        _ => None,
    }
}

async fn deliver(http: &reqwest::Client, webhook: &Webhook, notice: &Value) {
    for wait in std::iter::once(Duration::ZERO).chain(RETRIES) {
        tokio::time::sleep(wait).await;
        let mut request = http.post(&webhook.url).json(notice);
        if let Some(file) = &webhook.bearer_file
            && let Ok(token) = tokio::fs::read_to_string(file).await
        {
            request = request.bearer_auth(token.trim());
        }
        match request.send().await {
            Ok(answer) if answer.status().is_success() => return,
            Ok(answer) => tracing::warn!(
                status = answer.status().as_u16(),
                "the webhook refused a notice"
            ),
            // The error may quote the URL, and the URL may hold a secret.
            Err(error) => tracing::warn!(
                timeout = error.is_timeout(),
                "the webhook cannot be reached"
            ),
        }
    }
    tracing::error!(
        "a notice was given up; `portcullis change list` and `grant list` have what waits"
    );
}
