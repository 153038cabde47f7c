//! Grants: requested by the person or an officer for him, approved by somebody else.

use jiff::{SignedDuration, Timestamp};
use portcullis_contract::{GrantState, check_grant_request};

use super::super::authority::{Act, Actor};
use super::super::denied::Denied;
use super::super::event::Event;
use super::super::model::{ContractEntry, GrantEntry, PersonEntry, State};

/// Pending requests of one person: more are refused, so that a token cannot fill the log or an approver's list.
pub const MAX_PENDING_PER_PERSON: usize = 20;

#[derive(Clone, Debug)]
pub struct GrantRequest {
    /// The new grant's id, drawn by the caller.
    pub id: String,
    pub person: String,
    pub contract: String,
    pub resource: String,
    pub purpose: String,
    pub ticket: Option<String>,
    pub for_seconds: u64,
}

pub fn request(
    state: &State,
    actor: &Actor,
    input: &GrantRequest,
    now: Timestamp,
) -> Result<Vec<Event>, Denied> {
    actor.may(Act::GrantRequest)?;
    if let Actor::Person { id, .. } = actor
        && *id != input.person
    {
        return Err(Denied::authority(
            "authority.own",
            "a person requests grants for himself alone",
        ));
    }
    let (person, contract) = parties(state, &input.person, &input.contract)?;
    standing(state, person, contract, &input.resource)?;
    check_grant_request(
        &contract.contract,
        &person.person,
        &input.resource,
        &input.purpose,
        input.for_seconds,
        now,
    )
    .map_err(|refusal| {
        let clause = refusal
            .detail
            .as_deref()
            .map(|d| format!(" ({d})"))
            .unwrap_or_default();
        let denied = Denied::invalid("grant.contract", format!("{refusal}{clause}"));
        Denied {
            hint: refusal.hint,
            ..denied
        }
    })?;
    let pending = |entry: &&GrantEntry| {
        entry.grant.state == GrantState::Pending && entry.grant.person == input.person
    };
    if state.grants.values().filter(pending).count() >= MAX_PENDING_PER_PERSON {
        return Err(Denied::invalid(
            "grant.many",
            format!(
                "`{}` has {MAX_PENDING_PER_PERSON} requests waiting",
                input.person
            ),
        )
        .hint("have some of them decided first"));
    }
    Ok(vec![Event::GrantRequested {
        grant: input.id.clone(),
        person: input.person.clone(),
        contract: input.contract.clone(),
        resource: input.resource.clone(),
        purpose: input.purpose.clone(),
        ticket: input
            .ticket
            .as_deref()
            .map(|ticket| super::short("ticket", ticket))
            .transpose()?,
        for_seconds: input.for_seconds,
        hands: actor.hands(),
    }])
}

/// What an approval comes to, besides its event.
#[derive(Clone, Debug)]
pub struct Approval {
    pub events: Vec<Event>,
    pub user: String,
    pub expires_at: Timestamp,
}

/// Approves a request; its time starts now.
pub fn approve(
    state: &State,
    actor: &Actor,
    id: &str,
    verifier: &str,
    now: Timestamp,
) -> Result<Approval, Denied> {
    actor.may(Act::GrantApprove)?;
    let entry = pending(state, id)?;
    actor.hands().differ(&entry.hands)?;
    let grant = &entry.grant;
    let (person, contract) = parties(state, &grant.person, &grant.contract)?;
    standing(state, person, contract, &grant.resource)?;
    check_grant_request(
        &contract.contract,
        &person.person,
        &grant.resource,
        &grant.purpose,
        grant.for_seconds,
        now,
    )
    .map_err(|refusal| {
        let hint = refusal.hint.clone();
        Denied {
            hint,
            ..Denied::invalid("grant.contract", refusal.to_string())
        }
    })?;
    let length = i64::try_from(grant.for_seconds).unwrap_or(i64::MAX);
    let expires_at = now
        .checked_add(SignedDuration::from_secs(length))
        .map_err(|_| Denied::invalid("grant.length", "the grant's end is beyond the calendar"))?;
    let user = login_name(state, &grant.person, id);
    let event = Event::GrantApproved {
        grant: id.to_owned(),
        person: grant.person.clone(),
        contract: grant.contract.clone(),
        resource: grant.resource.clone(),
        user: user.clone(),
        expires_at,
        verifier: Some(verifier.to_owned()),
    };
    Ok(Approval {
        events: vec![event],
        user,
        expires_at,
    })
}

pub fn deny(state: &State, actor: &Actor, id: &str, why: &str) -> Result<Vec<Event>, Denied> {
    actor.may(Act::GrantDeny)?;
    let entry = pending(state, id)?;
    let person = entry.grant.person.clone();
    Ok(vec![Event::GrantDenied {
        grant: id.to_owned(),
        person,
        why: super::reason(why)?,
    }])
}

pub fn revoke(state: &State, actor: &Actor, id: &str, why: &str) -> Result<Vec<Event>, Denied> {
    actor.may(Act::GrantRevoke)?;
    let entry = known(state, id)?;
    if !matches!(entry.grant.state, GrantState::Live | GrantState::Pending) {
        return Err(closed(entry));
    }
    let person = entry.grant.person.clone();
    Ok(vec![Event::GrantRevoked {
        grant: id.to_owned(),
        person,
        why: super::reason(why)?,
    }])
}

/// `li.wei`, or `li.wei+GRANT` while another live grant of his goes by the plain name.
fn login_name(state: &State, person: &str, grant: &str) -> String {
    let live = |id: &String| {
        state
            .grants
            .get(id)
            .is_some_and(|entry| entry.grant.state == GrantState::Live)
    };
    if state
        .users
        .get(person)
        .is_some_and(|ids| ids.iter().any(live))
    {
        format!("{person}+{grant}")
    } else {
        person.to_owned()
    }
}

fn parties<'s>(
    state: &'s State,
    person: &str,
    contract: &str,
) -> Result<(&'s PersonEntry, &'s ContractEntry), Denied> {
    let person_entry = state
        .persons
        .get(person)
        .ok_or_else(|| Denied::invalid("person.unknown", format!("no person `{person}`")))?;
    let contract_entry = state.contracts.get(contract).ok_or_else(|| {
        Denied::invalid(
            "contract.unknown",
            format!("no contract `{contract}` in force"),
        )
        .hint("a new contract waits for `portcullis change approve`")
    })?;
    Ok((person_entry, contract_entry))
}

/// Nothing is suspended, ended or detached.
fn standing(
    state: &State,
    person: &PersonEntry,
    contract: &ContractEntry,
    resource: &str,
) -> Result<(), Denied> {
    if let Some(suspension) = &person.suspended {
        let message = format!(
            "person `{}` is suspended: {}",
            person.person.id, suspension.why
        );
        return Err(Denied::invalid("person.suspended", message));
    }
    if let Some(suspension) = &contract.suspended {
        let message = format!(
            "contract `{}` is suspended: {}",
            contract.contract.id, suspension.why
        );
        return Err(Denied::invalid("contract.suspended", message));
    }
    if contract.ended.is_some() {
        return Err(Denied::invalid(
            "contract.ended",
            format!("contract `{}` has ended", contract.contract.id),
        ));
    }
    if !state.resources.contains_key(resource) {
        return Err(Denied::invalid(
            "resource.unknown",
            format!("no resource `{resource}`"),
        ));
    }
    Ok(())
}

fn known<'s>(state: &'s State, id: &str) -> Result<&'s GrantEntry, Denied> {
    state.grants.get(id).ok_or_else(|| {
        Denied::invalid("grant.unknown", format!("no grant `{id}`"))
            .hint("see `portcullis grant list`")
    })
}

fn pending<'s>(state: &'s State, id: &str) -> Result<&'s GrantEntry, Denied> {
    let entry = known(state, id)?;
    if entry.grant.state == GrantState::Pending {
        Ok(entry)
    } else {
        Err(closed(entry))
    }
}

fn closed(entry: &GrantEntry) -> Denied {
    let state = match entry.grant.state {
        GrantState::Pending => "pending",
        GrantState::Live => "live",
        GrantState::Denied => "denied",
        GrantState::Revoked => "revoked",
        GrantState::Ended => "ended",
    };
    Denied::invalid(
        "grant.state",
        format!("grant `{}` is {state}", entry.grant.id),
    )
}
