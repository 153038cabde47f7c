//! What happens by itself: grants and contracts end, roles go, roads past the gate are looked for,
//! snapshots are taken.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use portcullis_contract::{GrantState, Resource};
use portcullis_lock::{BypassKind, KnownSessions, LiveContract, grant_role_name};
use portcullis_store::state::{Actor, Decision, Event, Fact, command};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval};

use super::journal;
use super::second_lock::resources_of;
use super::server::Server;

/// Grants end within this after their time (R: one second).
const EXPIRY_TICK: Duration = Duration::from_millis(250);
const CONTRACT_TICK: Duration = Duration::from_secs(5);
const SNAPSHOT_TICK: Duration = Duration::from_secs(2);
const SNAPSHOT_NICENESS: i32 = 19;
/// Entries after which a snapshot is worth its work; so many are replayed at most, well within the
/// two seconds that a start may take.
const SNAPSHOT_EVERY_ENTRIES: u64 = 100_000;
/// A database that was away is asked again.
const LOCK_RETRY: Duration = Duration::from_secs(5);

/// Ends grants when their time is over. Asks the state alone, so an idle server writes nothing.
pub async fn expire_grants(server: Arc<Server>) {
    let mut tick = interval(EXPIRY_TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let now = server.registry.now();
        if server
            .registry
            .read(|state| state.next_expiry().is_none_or(|end| end > now))
        {
            continue;
        }
        let done = server
            .registry
            .execute(&Actor::Server, |state, now| {
                Ok(Decision::new(command::expire(state, now), ()))
            })
            .await;
        if let Err(denied) = done {
            tracing::error!(error = %denied, "grants cannot be ended on record; the gate refuses them by their time");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

pub async fn end_contracts(server: Arc<Server>) {
    let mut tick = interval(CONTRACT_TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let decide = |state: &_, now| Ok(Decision::new(command::contracts_over(state, now), ()));
        if let Err(denied) = server.registry.execute(&Actor::Server, decide).await {
            tracing::error!(error = %denied, "a contract cannot be ended on record");
        }
    }
}

/// Removes from the databases what closes: the role of a grant, the views of a contract.
pub async fn remove_closed(server: Arc<Server>) {
    let mut facts = server.registry.facts();
    loop {
        match facts.recv().await {
            Ok(fact) => {
                drop_role(&server, &fact).await;
                remove_views(&server, &fact).await;
            }
            // The sweep at the next start removes what was missed.
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

async fn drop_role(server: &Server, fact: &Fact) {
    let (Event::GrantRevoked { grant, .. } | Event::GrantEnded { grant, .. }) = &fact.event else {
        return;
    };
    let Some(resource) = resource_of(server, grant) else {
        return;
    };
    if let Err(denied) = server.locks.drop_grant_role(&resource, grant).await {
        tracing::warn!(grant, error = %denied, "the grant's role cannot be dropped now");
    }
}

async fn remove_views(server: &Server, fact: &Fact) {
    let Event::ContractEnded { contract, .. } = &fact.event else {
        return;
    };
    let entry = server
        .registry
        .read(|state| state.contracts.get(contract).cloned());
    for resource in entry.iter().flat_map(|entry| resources_of(&entry.contract)) {
        server.registry.drop_surface(contract, &resource);
        server.sweep(&resource).await;
    }
}

fn resource_of(server: &Server, grant: &str) -> Option<Arc<Resource>> {
    server.registry.read(|state| {
        let entry = state.grants.get(grant)?;
        // Never approved: it had no role.
        entry.grant.user.as_ref()?;
        state
            .resources
            .get(&entry.grant.resource)
            .map(|resource| Arc::clone(&resource.resource))
    })
}

/// Puts the second lock of every contract in force in its place again, and removes what a crash left.
/// Tries until every database has answered.
pub async fn restore_locks(server: Arc<Server>) {
    let mut waiting: BTreeSet<String> = server.registry.read(|state| {
        state
            .resources
            .iter()
            .filter(|(_, r)| !r.detached)
            .map(|(id, _)| id.clone())
            .collect()
    });
    loop {
        for resource in waiting.clone() {
            match server.restore_lock(&resource).await {
                Ok(()) => {
                    waiting.remove(&resource);
                    server.sweep(&resource).await;
                }
                Err(denied) => {
                    tracing::warn!(resource, error = %denied, "the second lock is not in its place; nobody is let in there");
                }
            }
        }
        if waiting.is_empty() {
            return;
        }
        server.lock_restored.send_replace(true);
        tokio::time::sleep(LOCK_RETRY).await;
    }
}

/// Resource, kind, who, what.
type Road = (String, String, String, String);

/// Records each road past the gate once, until it is gone and comes again.
pub async fn watch_bypass(server: Arc<Server>, every: Duration) {
    let mut tick = interval(every);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut known: BTreeSet<Road> = BTreeSet::new();
    loop {
        tick.tick().await;
        let mut found = BTreeSet::new();
        for (resource, roads) in server.bypass().await {
            let Ok(roads) = roads else {
                // Not looked at is not gone.
                found.extend(known.iter().filter(|(of, ..)| *of == resource).cloned());
                continue;
            };
            for road in roads
                .into_iter()
                .filter(|road| road.kind != BypassKind::Unseen)
            {
                found.insert((
                    resource.clone(),
                    format!("{:?}", road.kind).to_lowercase(),
                    road.who,
                    road.what,
                ));
            }
        }
        for (resource, road, subject, detail) in found.difference(&known) {
            let event = Event::AccessBypass {
                resource: resource.clone(),
                road: road.clone(),
                subject: subject.chars().take(200).collect(),
                detail: detail.chars().take(300).collect(),
            };
            if let Err(denied) = server.registry.record(&Actor::Server, event).await {
                tracing::error!(error = %denied, "a road past the gate cannot be recorded");
            }
        }
        known = found;
    }
}

/// Takes a snapshot when the tail has grown long.
pub async fn take_snapshots(server: Arc<Server>, mut taken_at: u64) {
    let mut tick = interval(SNAPSHOT_TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if server.log.size().saturating_sub(taken_at) >= SNAPSHOT_EVERY_ENTRIES {
            taken_at = snapshot(&server).await.unwrap_or(taken_at);
        }
    }
}

pub async fn snapshot(server: &Arc<Server>) -> Option<u64> {
    let server = Arc::clone(server);
    let (told, taken) = oneshot::channel();
    let work = move || {
        // On Linux this is the calling thread's own: statements go first, the snapshot can wait.
        let _ = rustix::process::setpriority_process(None, SNAPSHOT_NICENESS);
        let mut more = super::ledger::fresh();
        let mut more = super::ledger::folds(&mut more);
        let done = journal::snapshot(
            &server.log,
            &server.dir.cache(),
            &server.cache_seal,
            &mut more,
        );
        let _ = told.send(done);
    };
    std::thread::Builder::new()
        .name("snapshot".to_owned())
        .spawn(work)
        .ok()?;
    match taken.await {
        Ok(Ok(replayed)) => Some(replayed.size),
        Ok(Err(error)) => {
            tracing::warn!(
                error = format!("{error:#}"),
                "no snapshot; a start will read more of the log"
            );
            None
        }
        Err(_) => None,
    }
}

/// What the sweep must leave standing.
pub fn live_contracts(server: &Server, resource: &str) -> Vec<LiveContract> {
    server.registry.read(|state| {
        let in_force = state.contracts.iter().filter(|(_, entry)| {
            entry.ended.is_none()
                && entry
                    .contract
                    .scope
                    .iter()
                    .any(|table| table.resource == resource)
        });
        let roles = |contract: &str| {
            let live = state.grants.values().filter(|entry| {
                entry.grant.state == GrantState::Live
                    && entry.grant.contract == contract
                    && entry.grant.resource == resource
            });
            live.map(|entry| grant_role_name(&entry.grant.id)).collect()
        };
        in_force
            .map(|(id, _)| LiveContract {
                contract: id.clone(),
                roles: roles(id),
            })
            .collect()
    })
}

pub fn known_sessions(server: &Server, resource: &str) -> KnownSessions {
    let roles = live_contracts(server, resource)
        .into_iter()
        .flat_map(|contract| contract.roles)
        .collect();
    KnownSessions { roles }
}
