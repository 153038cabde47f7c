//! State as JSON for the outside: stable shapes, no verifier, no token hash.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use portcullis_store::state::{
    Change, ChangeItem, ContractEntry, Denied, GrantEntry, ItemState, PersonEntry, ResourceEntry,
    State,
};
use serde_json::{Value, json};

use crate::datadir::random;

/// `g-7f3a19c2d4`: short enough to read aloud, too long to meet twice.
pub fn new_id(prefix: &str) -> Result<String, Denied> {
    let bytes: [u8; 5] =
        random().map_err(|error| Denied::unreachable("random", error.to_string()))?;
    Ok(format!("{prefix}-{}", hex::encode(bytes)))
}

/// A line of `apply`'s answer.
pub fn applied_item(change: &str, item: &ChangeItem) -> Value {
    json!({
        "id": change, "kind": item.kind(), "name": item.name(), "effect": item.effect,
        "state": item.state, "notes": item.notes,
    })
}

pub fn change(change: &Change) -> Value {
    let in_state = |wanted| change.items.iter().any(|item| item.state == wanted);
    let state = match () {
        () if change.pending() => ItemState::Pending,
        () if in_state(ItemState::Denied) => ItemState::Denied,
        () if in_state(ItemState::Applied) => ItemState::Applied,
        () => ItemState::Superseded,
    };
    json!({
        "id": change.id, "state": state, "requested_by": change.requested_by, "at": change.at,
        "decided_by": change.decided_by, "why": change.why,
        "items": change.items.iter().map(|item| applied_item(&change.id, item)).collect::<Vec<_>>(),
    })
}

pub fn grant(entry: &GrantEntry) -> Value {
    let grant = &entry.grant;
    json!({
        "id": grant.id, "state": grant.state, "person": grant.person, "contract": grant.contract,
        "resource": grant.resource, "purpose": grant.purpose, "ticket": grant.ticket,
        "for_seconds": grant.for_seconds, "requested_by": grant.requested_by, "requested_at": entry.requested_at,
        "decided_by": grant.decided_by, "user": grant.user, "expires_at": grant.expires_at,
        "closed_at": entry.closed_at, "why": entry.why,
    })
}

pub fn person(entry: &PersonEntry) -> Value {
    json!({ "person": entry.person, "suspended": entry.suspended, "has_token": entry.token.is_some() })
}

pub fn resource(entry: &ResourceEntry) -> Value {
    let state = if entry.detached {
        "detached"
    } else {
        "attached"
    };
    json!({ "id": entry.resource.id, "kind": entry.resource.kind, "url": entry.resource.url, "state": state })
}

pub fn contract(entry: &ContractEntry) -> Value {
    json!({
        "contract": entry.contract, "revision": entry.revision,
        "suspended": entry.suspended, "ended": entry.ended,
    })
}

/// The vettings that the grant's person lacks today, in words.
pub fn vetting_gaps(state: &State, entry: &GrantEntry, now: Timestamp) -> Vec<String> {
    let person = state.persons.get(&entry.grant.person);
    let contract = state.contracts.get(&entry.grant.contract);
    let (Some(person), Some(contract)) = (person, contract) else {
        return Vec::new();
    };
    let zone = TimeZone::get(&contract.contract.access.timezone).unwrap_or(TimeZone::UTC);
    let gaps = portcullis_contract::vetting_gaps(
        &contract.contract,
        &person.person,
        now.to_zoned(zone).date(),
    );
    gaps.into_iter()
        .map(|refusal| refusal.to_string())
        .collect()
}
