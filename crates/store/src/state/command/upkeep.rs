//! What the server does by itself when time passes or something that a grant stood on is gone.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use portcullis_contract::GrantState;

use super::super::event::Event;
use super::super::model::{Ended, GrantEntry, State};

/// Ends of grants whose time is over.
pub fn expire(state: &State, now: Timestamp) -> Vec<Event> {
    let ended = |id: String| {
        let entry = state.grants.get(&id)?;
        Some(Event::GrantEnded {
            grant: id,
            person: entry.grant.person.clone(),
            reason: Ended::Expired,
        })
    };
    state.expired(now).into_iter().filter_map(ended).collect()
}

/// Ends of contracts whose last day is over, in their own time zone, and of the grants under them.
pub fn contracts_over(state: &State, now: Timestamp) -> Vec<Event> {
    let mut events = Vec::new();
    for (id, entry) in state
        .contracts
        .iter()
        .filter(|(_, entry)| entry.ended.is_none())
    {
        // An unknown zone is refused at admission; here it only means "not yet over".
        let Ok(zone) = TimeZone::get(&entry.contract.access.timezone) else {
            continue;
        };
        if now.to_zoned(zone).date() > entry.contract.valid_until {
            events.push(Event::ContractEnded {
                contract: id.clone(),
                reason: "valid.until".to_owned(),
            });
            events.extend(end_grants(state, Ended::ContractEnded, |grant| {
                grant.grant.contract == *id
            }));
        }
    }
    events
}

/// Ends of open grants that a change has left without ground: the person's vendor, the contract's
/// resource or purpose are others now.
pub fn orphaned(state: &State) -> Vec<Event> {
    let mut events = end_grants(state, Ended::PersonChanged, |entry| {
        let vendor = state
            .persons
            .get(&entry.grant.person)
            .map(|person| &person.person.vendor);
        let party = state
            .contracts
            .get(&entry.grant.contract)
            .map(|contract| &contract.contract.vendor);
        vendor != party
    });
    let person_gone = |id: &str, events: &[Event]| {
        events
            .iter()
            .any(|event| matches!(event, Event::GrantEnded { grant, .. } if grant == id))
    };
    let contract_changed = end_grants(state, Ended::ContractChanged, |entry| {
        state
            .contracts
            .get(&entry.grant.contract)
            .is_some_and(|contract| {
                let contract = &contract.contract;
                !contract.purposes.contains_key(&entry.grant.purpose)
                    || !contract
                        .scope
                        .iter()
                        .any(|table| table.resource == entry.grant.resource)
            })
    });
    for event in contract_changed {
        let known =
            matches!(&event, Event::GrantEnded { grant, .. } if person_gone(grant, &events));
        if !known {
            events.push(event);
        }
    }
    events
}

fn end_grants(state: &State, reason: Ended, which: impl Fn(&GrantEntry) -> bool) -> Vec<Event> {
    let open =
        |entry: &&GrantEntry| matches!(entry.grant.state, GrantState::Live | GrantState::Pending);
    let ended = |entry: &GrantEntry| Event::GrantEnded {
        grant: entry.grant.id.clone(),
        person: entry.grant.person.clone(),
        reason,
    };
    state
        .grants
        .values()
        .filter(open)
        .filter(|entry| which(entry))
        .map(ended)
        .collect()
}
