//! Suspending takes one officer and effect at once; resuming takes two.

use super::super::authority::{Act, Actor};
use super::super::denied::Denied;
use super::super::event::Event;
use super::super::model::{ChangeItem, Effect, ItemState, Proposal, State, Suspension};

pub fn suspend_person(
    state: &State,
    actor: &Actor,
    person: &str,
    why: &str,
) -> Result<Vec<Event>, Denied> {
    actor.may(Act::Suspend)?;
    let entry = state
        .persons
        .get(person)
        .ok_or_else(|| unknown("person", person))?;
    not_yet("person", person, entry.suspended.as_ref())?;
    Ok(vec![Event::PersonSuspended {
        person: person.to_owned(),
        why: super::reason(why)?,
    }])
}

pub fn suspend_contract(
    state: &State,
    actor: &Actor,
    contract: &str,
    why: &str,
) -> Result<Vec<Event>, Denied> {
    actor.may(Act::Suspend)?;
    let entry = state
        .contracts
        .get(contract)
        .ok_or_else(|| unknown("contract", contract))?;
    not_yet("contract", contract, entry.suspended.as_ref())?;
    Ok(vec![Event::ContractSuspended {
        contract: contract.to_owned(),
        why: super::reason(why)?,
    }])
}

/// What a `resume` comes to.
#[derive(Debug)]
pub enum Resumed {
    /// The first officer: it waits for another.
    Requested(Vec<Event>),
    /// Another officer had requested it already: approve that change.
    Approve { change: String },
}

pub fn resume_person(
    state: &State,
    actor: &Actor,
    person: &str,
    change: &str,
) -> Result<Resumed, Denied> {
    let entry = state
        .persons
        .get(person)
        .ok_or_else(|| unknown("person", person))?;
    resume(
        state,
        actor,
        Proposal::PersonResume(person.to_owned()),
        entry.suspended.as_ref(),
        change,
    )
}

pub fn resume_contract(
    state: &State,
    actor: &Actor,
    contract: &str,
    change: &str,
) -> Result<Resumed, Denied> {
    let entry = state
        .contracts
        .get(contract)
        .ok_or_else(|| unknown("contract", contract))?;
    resume(
        state,
        actor,
        Proposal::ContractResume(contract.to_owned()),
        entry.suspended.as_ref(),
        change,
    )
}

fn resume(
    state: &State,
    actor: &Actor,
    proposal: Proposal,
    suspended: Option<&Suspension>,
    change: &str,
) -> Result<Resumed, Denied> {
    actor.may(Act::Resume)?;
    let Some(suspension) = suspended else {
        return Err(Denied::invalid(
            "suspension.none",
            format!("`{}` is not suspended", proposal.name()),
        ));
    };
    if let Some((waiting, _)) = state.pending_for(&proposal) {
        return Ok(Resumed::Approve {
            change: waiting.id.clone(),
        });
    }
    let item = ChangeItem {
        effect: Effect::Loosens,
        state: ItemState::Pending,
        notes: vec![format!(
            "suspended by {}: {}",
            suspension.by, suspension.why
        )],
        before: None,
        after: proposal,
        resolved: None,
    };
    Ok(Resumed::Requested(vec![Event::ChangeRequested {
        change: change.to_owned(),
        hands: actor.hands(),
        objects: Event::objects(std::slice::from_ref(&item)),
        items: vec![item],
    }]))
}

fn unknown(what: &str, name: &str) -> Denied {
    match what {
        "person" => Denied::invalid("person.unknown", format!("no person `{name}`")),
        _ => Denied::invalid("contract.unknown", format!("no contract `{name}` in force")),
    }
}

fn not_yet(what: &str, name: &str, suspended: Option<&Suspension>) -> Result<(), Denied> {
    match suspended {
        Some(suspension) => Err(Denied::invalid(
            "suspension.already",
            format!("{what} `{name}` is suspended already, by {}", suspension.by),
        )),
        None => Ok(()),
    }
}
