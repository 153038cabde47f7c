//! Whose disclosures somebody may ask for; and the list of affected subjects, which takes two officers.

use std::sync::Arc;

use jiff::Timestamp;

use super::super::authority::{Act, Actor};
use super::super::denied::Denied;
use super::super::event::Event;
use super::super::model::{ChangeItem, Effect, ItemState, ListRequest, Proposal, State};

/// Whose counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DisclosedTo {
    Vendor(String),
    Person(String),
}

impl DisclosedTo {
    /// `vendor:ID` or `person:ID`.
    pub fn named(&self) -> String {
        match self {
            Self::Vendor(id) => format!("vendor:{id}"),
            Self::Person(id) => format!("person:{id}"),
        }
    }
}

/// An officer asks about anybody, a person about himself.
pub fn disclosed_to(
    state: &State,
    actor: &Actor,
    to: &str,
    contract: Option<&str>,
) -> Result<DisclosedTo, Denied> {
    actor.may(Act::Disclosed)?;
    if let Actor::Person { id, .. } = actor {
        let own = to.strip_prefix("person:").unwrap_or(to) == id;
        return if own {
            Ok(DisclosedTo::Person(id.clone()))
        } else {
            Err(Denied::authority(
                "authority.own",
                "a person asks for his own counts alone",
            ))
        };
    }
    if let Some(contract) = contract {
        known_contract(state, contract)?;
    }
    let vendor = |id: &str| state.vendors.contains_key(id);
    let person = |id: &str| state.persons.contains_key(id);
    if let Some(id) = to.strip_prefix("vendor:").filter(|id| vendor(id)) {
        return Ok(DisclosedTo::Vendor(id.to_owned()));
    }
    if let Some(id) = to.strip_prefix("person:").filter(|id| person(id)) {
        return Ok(DisclosedTo::Person(id.to_owned()));
    }
    match (vendor(to), person(to)) {
        (true, false) => Ok(DisclosedTo::Vendor(to.to_owned())),
        (false, true) => Ok(DisclosedTo::Person(to.to_owned())),
        (true, true) => Err(Denied::invalid(
            "to.ambiguous",
            format!("`{to}` is a vendor and a person"),
        )
        .hint(format!("say `--to vendor:{to}` or `--to person:{to}`"))),
        (false, false) => Err(Denied::invalid(
            "to.unknown",
            format!("no vendor or person `{to}`"),
        )),
    }
}

/// How far a list has come.
#[derive(Debug)]
pub enum ListStep {
    /// The first officer: it waits for another.
    Requested(Vec<Event>),
    Waiting {
        change: String,
    },
    Permitted {
        change: String,
        request: Arc<ListRequest>,
    },
}

/// What the asking officer gets now. INVARIANT: nobody alone; what is permitted went through
/// `change approve`, which compares the hands.
pub fn disclosed_list(
    state: &State,
    actor: &Actor,
    request: ListRequest,
    why: Option<&str>,
    change: &str,
    now: Timestamp,
) -> Result<ListStep, Denied> {
    actor.may(Act::DisclosedList)?;
    if !state.persons.contains_key(&request.person) {
        return Err(
            Denied::invalid("person.unknown", format!("no person `{}`", request.person))
                .hint("a list is of one person's disclosures"),
        );
    }
    if let Some(contract) = &request.contract {
        known_contract(state, contract)?;
    }
    let permitted = state
        .lists
        .iter()
        .find(|(_, list)| *list.request == request && list.holds(now));
    if let Some((change, list)) = permitted {
        return Ok(ListStep::Permitted {
            change: change.clone(),
            request: Arc::clone(&list.request),
        });
    }
    let proposal = Proposal::DisclosureList(Arc::new(request.clone()));
    if let Some((waiting, _)) = state.pending_for(&proposal) {
        return Ok(ListStep::Waiting {
            change: waiting.id.clone(),
        });
    }
    let under = request
        .contract
        .as_ref()
        .map_or_else(String::new, |contract| {
            format!(" under contract `{contract}`")
        });
    let mut notes = vec![format!(
        "names every subject that `{}` was shown{under}",
        request.person
    )];
    if let Some(why) = why {
        notes.push(format!("why: {}", super::reason(why)?));
    }
    let item = ChangeItem {
        effect: Effect::Loosens,
        state: ItemState::Pending,
        notes,
        before: None,
        after: proposal,
        resolved: None,
    };
    Ok(ListStep::Requested(vec![Event::ChangeRequested {
        change: change.to_owned(),
        hands: actor.hands(),
        objects: Event::objects(std::slice::from_ref(&item)),
        items: vec![item],
    }]))
}

fn known_contract(state: &State, contract: &str) -> Result<(), Denied> {
    if state.contracts.contains_key(contract) {
        return Ok(());
    }
    let message = format!("no contract `{contract}` in force");
    Err(Denied::invalid("contract.unknown", message))
}
