//! What a contract would say of a statement: who may ask that, and on what ground.

use std::sync::Arc;

use portcullis_contract::Contract;

use super::super::authority::{Act, Actor};
use super::super::denied::Denied;
use super::super::model::{ContractEntry, State};

/// What is asked, besides the statements.
#[derive(Clone, Debug, Default)]
pub struct ExplainRequest {
    pub contract: String,
    /// May be left out where the contract has one only.
    pub resource: Option<String>,
    pub person: Option<String>,
    pub purpose: Option<String>,
}

/// A contract in force, and for whom it is read.
#[derive(Clone, Debug)]
pub struct ExplainGround {
    pub contract: Arc<Contract>,
    pub resource: String,
    pub person: Option<String>,
    /// What keeps people out now, in words.
    pub notes: Vec<String>,
}

/// An officer asks about any contract and for anybody of its vendor; a person about his vendor's
/// contracts, for himself, while neither is suspended. What he may not ask about and what does not
/// exist are answered alike.
pub fn explain(
    state: &State,
    actor: &Actor,
    input: &ExplainRequest,
) -> Result<ExplainGround, Denied> {
    actor.may(Act::Explain)?;
    let entry = match actor {
        Actor::Person { id, .. } => own_contract(state, id, input)?,
        _ => known_contract(state, input)?,
    };
    let contract = &entry.contract;
    if entry.ended.is_some() {
        let message = format!("contract `{}` has ended", contract.id);
        return Err(Denied::invalid("contract.ended", message));
    }
    let mut notes = Vec::new();
    if let Some(suspension) = &entry.suspended {
        notes.push(format!("the contract is suspended: {}", suspension.why));
    }
    let person = match actor {
        Actor::Person { id, .. } => Some(id.clone()),
        _ => input.person.clone(),
    };
    if let Some(suspension) = person
        .as_ref()
        .and_then(|id| state.persons.get(id)?.suspended.as_ref())
    {
        notes.push(format!("the person is suspended: {}", suspension.why));
    }
    check_purpose(contract, input.purpose.as_deref())?;
    Ok(ExplainGround {
        resource: resource_of(contract, input.resource.as_deref())?,
        contract: Arc::clone(contract),
        person,
        notes,
    })
}

fn known_contract<'s>(
    state: &'s State,
    input: &ExplainRequest,
) -> Result<&'s ContractEntry, Denied> {
    let entry = state.contracts.get(&input.contract).ok_or_else(|| {
        Denied::invalid(
            "contract.unknown",
            format!("no contract `{}` in force", input.contract),
        )
        .hint("one that is not in force yet is tried with `--contract-file`")
    })?;
    let Some(id) = &input.person else {
        return Ok(entry);
    };
    let person = state
        .persons
        .get(id)
        .ok_or_else(|| Denied::invalid("person.unknown", format!("no person `{id}`")))?;
    if person.person.vendor != entry.contract.vendor {
        let message = format!("`{id}` does not work for the contract's vendor");
        return Err(Denied::invalid("person.vendor", message));
    }
    Ok(entry)
}

fn own_contract<'s>(
    state: &'s State,
    id: &str,
    input: &ExplainRequest,
) -> Result<&'s ContractEntry, Denied> {
    if input.person.as_ref().is_some_and(|asked| asked != id) {
        return Err(Denied::authority(
            "authority.own",
            "a person asks for himself alone",
        ));
    }
    let person = state.persons.get(id);
    let entry = state
        .contracts
        .get(&input.contract)
        .filter(|entry| person.is_some_and(|own| own.person.vendor == entry.contract.vendor))
        .ok_or_else(|| {
            let message = format!("`{}` is no contract of yours", input.contract);
            Denied::authority("authority.own", message)
                .hint("a person asks about contracts in force of his own vendor")
        })?;
    let suspended = entry.suspended.is_some() || person.is_none_or(|own| own.suspended.is_some());
    if suspended {
        return Err(
            Denied::authority("authority.own", "the contract or the person is suspended")
                .hint("ask an officer"),
        );
    }
    Ok(entry)
}

fn check_purpose(contract: &Contract, purpose: Option<&str>) -> Result<(), Denied> {
    let Some(purpose) = purpose.filter(|purpose| !contract.purposes.contains_key(*purpose)) else {
        return Ok(());
    };
    let listed: Vec<_> = contract.purposes.keys().map(String::as_str).collect();
    Err(Denied::invalid(
        "purpose.unlisted",
        format!("`{purpose}` is not a purpose of contract `{}`", contract.id),
    )
    .hint(format!("its purposes: {}", listed.join(", "))))
}

/// The one that is named, or the only one.
pub fn resource_of(contract: &Contract, named: Option<&str>) -> Result<String, Denied> {
    let mut scoped: Vec<&str> = contract
        .scope
        .iter()
        .map(|table| table.resource.as_str())
        .collect();
    scoped.sort_unstable();
    scoped.dedup();
    match (named, scoped.as_slice()) {
        (Some(named), scoped) if scoped.contains(&named) => Ok(named.to_owned()),
        (None, [only]) => Ok((*only).to_owned()),
        (Some(named), _) => Err(Denied::invalid(
            "scope.resource",
            format!("contract `{}` has nothing on `{named}`", contract.id),
        )
        .hint(format!("it has: {}", scoped.join(", ")))),
        (None, _) => Err(Denied::invalid(
            "scope.resource",
            format!("contract `{}` has several resources", contract.id),
        )
        .hint(format!("say which: `--resource {}`", scoped.join("`, `")))),
    }
}
