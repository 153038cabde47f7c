//! `apply`, `change approve`, `change deny`: what tightens is in force at once, what loosens waits
//! for another officer.

use portcullis_contract::change::{self, Difference};

use super::super::authority::{Act, Actor};
use super::super::denied::Denied;
use super::super::event::Event;
use super::super::model::{Change, ChangeItem, Effect, ItemState, Proposal, State};

/// What an `apply` would do, before anything is asked of the database.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diff {
    /// What differs from what stands.
    pub items: Vec<ChangeItem>,
    /// What waits already, word for word: `(change, item)`.
    pub waiting: Vec<(String, ChangeItem)>,
}

/// A diff with its contracts checked against the database, ready to be recorded.
#[derive(Clone, Debug)]
pub struct ApplyPlan {
    pub change: String,
    pub items: Vec<ChangeItem>,
}

/// Compares what files say with what stands. What is the same is left out.
pub fn diff(state: &State, proposals: Vec<Proposal>) -> Diff {
    let mut diff = Diff::default();
    for after in proposals {
        let before = state.current(&after);
        if before.as_ref() == Some(&after) {
            continue;
        }
        if let Some((change, item)) = state
            .pending_for(&after)
            .filter(|(_, item)| item.after == after)
        {
            diff.waiting.push((change.id.clone(), item.clone()));
            continue;
        }
        let Classified { effect, notes } = classify(before.as_ref(), &after);
        let state = if effect == Effect::Loosens {
            ItemState::Pending
        } else {
            ItemState::Applied
        };
        diff.items.push(ChangeItem {
            effect,
            state,
            notes,
            before,
            after,
            resolved: None,
        });
    }
    diff
}

struct Classified {
    effect: Effect,
    /// What it does, for who has to approve it.
    notes: Vec<String>,
}

fn classify(before: Option<&Proposal>, after: &Proposal) -> Classified {
    let change = match (before, after) {
        (Some(Proposal::Vendor(old)), Proposal::Vendor(new)) => change::vendor(Some(old), new),
        (_, Proposal::Vendor(new)) => change::vendor(None, new),
        (Some(Proposal::Person(old)), Proposal::Person(new)) => change::person(Some(old), new),
        (_, Proposal::Person(new)) => change::person(None, new),
        (Some(Proposal::Resource(old)), Proposal::Resource(new)) => {
            change::resource(Some(old), new)
        }
        (_, Proposal::Resource(new)) => change::resource(None, new),
        (Some(Proposal::Contract(old)), Proposal::Contract(new)) => {
            change::contract(Some(old), new)
        }
        (_, Proposal::Contract(new)) => change::contract(None, new),
        (
            _,
            Proposal::PersonResume(_) | Proposal::ContractResume(_) | Proposal::DisclosureList(_),
        ) => {
            return Classified {
                effect: Effect::Loosens,
                notes: Vec::new(),
            };
        }
    };
    Classified {
        effect: change.effect,
        notes: change.differences.iter().map(note).collect(),
    }
}

fn note(difference: &Difference) -> String {
    let effect = match difference.effect {
        Effect::None => String::new(),
        effect => format!(" ({})", effect.name()),
    };
    match (&difference.before, &difference.after) {
        (Some(before), Some(after)) => format!("{}: {before} → {after}{effect}", difference.field),
        (None, Some(after)) => format!("{}: + {after}{effect}", difference.field),
        (Some(before), None) => format!("{}: - {before}{effect}", difference.field),
        (None, None) => format!("{}{effect}", difference.field),
    }
}

/// The event of an `apply`; none if nothing differs.
pub fn request(state: &State, actor: &Actor, plan: &ApplyPlan) -> Result<Vec<Event>, Denied> {
    actor.may(Act::Apply)?;
    if plan.items.is_empty() {
        return Ok(Vec::new());
    }
    for item in &plan.items {
        // The database was asked in between; somebody may have been quicker.
        if state.current(&item.after) != item.before {
            return Err(Denied::invalid(
                "change.raced",
                format!("{} `{}` was changed meanwhile", item.kind(), item.name()),
            )
            .hint("apply again"));
        }
        // INVARIANT: what loosens is never in force without a second officer.
        if item.effect == Effect::Loosens && item.state != ItemState::Pending {
            return Err(Denied::authority(
                "authority.same_officer",
                "what loosens waits for another officer",
            ));
        }
    }
    Ok(vec![Event::ChangeRequested {
        change: plan.change.clone(),
        hands: actor.hands(),
        objects: Event::objects(&plan.items),
        items: plan.items.clone(),
    }])
}

/// The waiting change, if this actor may approve it.
pub fn check_approval<'s>(state: &'s State, actor: &Actor, id: &str) -> Result<&'s Change, Denied> {
    actor.may(Act::ChangeApprove)?;
    let change = waiting(state, id)?;
    actor.hands().differ(&change.hands)?;
    check_references(state, change)?;
    Ok(change)
}

/// The event that puts a change in force; `resolved` are its waiting items as installed.
pub fn approve(
    state: &State,
    actor: &Actor,
    id: &str,
    resolved: &[ChangeItem],
) -> Result<Vec<Event>, Denied> {
    let change = check_approval(state, actor, id)?;
    let asked: Vec<_> = change.pending_items().map(|item| &item.after).collect();
    if asked != resolved.iter().map(|item| &item.after).collect::<Vec<_>>() {
        return Err(Denied::invalid(
            "change.raced",
            format!("change `{id}` was changed meanwhile"),
        )
        .hint("look at `portcullis change list` and approve again"));
    }
    let items: Vec<_> = resolved
        .iter()
        .map(|item| ChangeItem {
            state: ItemState::Applied,
            ..item.clone()
        })
        .collect();
    Ok(vec![Event::ChangeApproved {
        change: id.to_owned(),
        objects: Event::objects(&items),
        items,
    }])
}

/// Turned down, or withdrawn by whoever asked.
pub fn deny(state: &State, actor: &Actor, id: &str, why: &str) -> Result<Vec<Event>, Denied> {
    actor.may(Act::ChangeDeny)?;
    waiting(state, id)?;
    Ok(vec![Event::ChangeDenied {
        change: id.to_owned(),
        why: super::reason(why)?,
    }])
}

/// The database did not take it; it keeps waiting.
pub fn failed(id: &str, denied: &Denied) -> Event {
    let message: String = denied.message.chars().take(200).collect();
    Event::ChangeFailed {
        change: id.to_owned(),
        code: denied.code.to_owned(),
        message,
    }
}

fn waiting<'s>(state: &'s State, id: &str) -> Result<&'s Change, Denied> {
    match state.changes.get(id) {
        Some(change) if change.pending() => Ok(change),
        Some(_) => Err(Denied::invalid(
            "change.decided",
            format!("change `{id}` is decided already"),
        )),
        None => Err(
            Denied::invalid("change.unknown", format!("no change `{id}`"))
                .hint("see `portcullis change list`"),
        ),
    }
}

/// What a waiting item names must stand, or come with it.
fn check_references(state: &State, change: &Change) -> Result<(), Denied> {
    let comes = |kind: &str, name: &str| {
        change
            .pending_items()
            .any(|item| item.kind() == kind && item.name() == name)
    };
    let missing = |kind: &str, name: &str| {
        Denied::invalid(
            "change.reference",
            format!("{kind} `{name}` is not in force yet"),
        )
        .hint("approve the change that brings it first")
    };
    for item in change.pending_items() {
        let vendor = match &item.after {
            Proposal::Person(person) => Some(&person.vendor),
            Proposal::Contract(contract) => Some(&contract.vendor),
            _ => None,
        };
        if let Some(vendor) =
            vendor.filter(|v| !state.vendors.contains_key(*v) && !comes("vendor", v))
        {
            return Err(missing("vendor", vendor));
        }
        if let Proposal::Contract(contract) = &item.after {
            let absent = |r: &&str| !state.resources.contains_key(*r) && !comes("resource", r);
            if let Some(resource) = contract
                .scope
                .iter()
                .map(|table| table.resource.as_str())
                .find(absent)
            {
                return Err(missing("resource", resource));
            }
        }
    }
    Ok(())
}
