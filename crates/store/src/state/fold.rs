//! `State::apply`: what each event does. Total: it never fails and never decides, because what is in
//! the log has happened. An event about something unknown (its content withheld) changes nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use portcullis_contract::{Grant, GrantState};

use super::event::{Event, Fact};
use super::model::{
    Change, ChangeItem, ContractEntry, Ended, GrantEntry, ItemState, Officer, PermittedList,
    PersonEntry, Proposal, ResourceEntry, State, Suspension,
};

/// Decided changes that are kept for `change list`; the log has all of them.
const DECIDED_CHANGES_KEPT: usize = 200;

impl State {
    pub fn apply(&mut self, fact: &Fact) {
        self.last_at = self.last_at.max(Some(fact.at));
        let (at, by) = (fact.at, fact.actor.as_str());
        match &fact.event {
            Event::OfficerAdded {
                officer,
                roles,
                token,
            } => {
                let entry = Officer {
                    roles: roles.clone(),
                    token: *token,
                    token_by: BTreeSet::new(),
                };
                self.officers.insert(officer.clone(), entry);
            }
            Event::OfficerToken { officer, token } => {
                let seen_by = self.hands_behind(by);
                if let Some(entry) = self.officers.get_mut(officer) {
                    entry.token = *token;
                    entry.token_by = seen_by;
                }
            }
            Event::PersonToken { person, token } => {
                let seen_by = self.hands_behind(by);
                if let Some(entry) = self.persons.get_mut(person) {
                    entry.token = *token;
                    entry.token_by = seen_by;
                }
            }
            Event::PersonSuspended { person, why } => {
                if let Some(entry) = self.persons.get_mut(person) {
                    entry.suspended = Some(suspension(why, by, at));
                }
            }
            Event::ContractSuspended { contract, why } => {
                if let Some(entry) = self.contracts.get_mut(contract) {
                    entry.suspended = Some(suspension(why, by, at));
                }
            }
            Event::ContractEnded { contract, .. } => {
                if let Some(entry) = self.contracts.get_mut(contract) {
                    entry.ended = Some(at);
                }
            }
            Event::ResourceDetached { resource } => self.set_detached(resource, true),
            Event::ResourceAttached { resource } => self.set_detached(resource, false),
            Event::ChangeRequested {
                change,
                hands,
                items,
                ..
            } => {
                let change = Change {
                    id: change.clone(),
                    requested_by: by.to_owned(),
                    hands: hands.clone(),
                    at,
                    items: items.clone(),
                    decided_by: None,
                    why: None,
                };
                self.request_change(change);
            }
            Event::ChangeApproved { change, items, .. } => {
                self.approve_change(change, items, by);
                self.permit_lists(change, items, at);
            }
            Event::ChangeDenied { change, why } => {
                self.decide_change(change, by, ItemState::Denied, Some(why));
            }
            Event::ChangeFailed {
                change, message, ..
            } => {
                if let Some(entry) = self.changes.get_mut(change) {
                    entry.why = Some(message.clone());
                }
            }
            Event::GrantRequested {
                grant,
                person,
                contract,
                resource,
                purpose,
                ticket,
                for_seconds,
                hands,
            } => {
                let value = Grant {
                    id: grant.clone(),
                    person: person.clone(),
                    contract: contract.clone(),
                    resource: resource.clone(),
                    purpose: purpose.clone(),
                    ticket: ticket.clone(),
                    state: GrantState::Pending,
                    requested_by: by.to_owned(),
                    decided_by: None,
                    for_seconds: *for_seconds,
                    expires_at: None,
                    user: None,
                    verifier: None,
                };
                let entry = GrantEntry {
                    grant: value,
                    requested_at: at,
                    hands: hands.clone(),
                    closed_at: None,
                    why: None,
                };
                self.grants.insert(grant.clone(), entry);
            }
            Event::GrantApproved {
                grant,
                user,
                expires_at,
                verifier,
                ..
            } => {
                if let Some(entry) = self.grants.get_mut(grant) {
                    entry.grant.state = GrantState::Live;
                    entry.grant.decided_by = Some(by.to_owned());
                    entry.grant.user = Some(user.clone());
                    entry.grant.expires_at = Some(*expires_at);
                    entry.grant.verifier.clone_from(verifier);
                    self.users
                        .entry(user.clone())
                        .or_default()
                        .push(grant.clone());
                    self.expiries.insert((*expires_at, grant.clone()));
                }
            }
            Event::GrantDenied { grant, why, .. } => {
                self.close_grant(grant, GrantState::Denied, at, by, why);
            }
            Event::GrantRevoked { grant, why, .. } => {
                self.close_grant(grant, GrantState::Revoked, at, by, why);
            }
            Event::GrantEnded { grant, reason, .. } => {
                self.close_grant(grant, GrantState::Ended, at, by, ended_words(*reason));
            }
            Event::FindingOpened(note) | Event::FindingRepeated(note) => {
                self.note_finding(note, at);
            }
            Event::OfficerRefused { .. }
            | Event::SessionEnded { .. }
            | Event::AccessBypass { .. }
            | Event::LogExported { .. }
            | Event::ExplainAsked { .. }
            | Event::TraceAsked { .. }
            | Event::DisclosedAsked { .. }
            | Event::DisclosedListed { .. }
            | Event::DisclosedListEnded { .. } => {}
        }
    }

    /// Notes the time of an event that is not the state's.
    pub fn touch(&mut self, at: Timestamp) {
        self.last_at = self.last_at.max(Some(at));
    }

    fn set_detached(&mut self, resource: &str, detached: bool) {
        if let Some(entry) = self.resources.get_mut(resource) {
            entry.detached = detached;
        }
    }

    fn request_change(&mut self, change: Change) {
        for item in change.pending_items() {
            self.supersede(&item.after);
        }
        for item in change
            .items
            .iter()
            .filter(|item| item.state == ItemState::Applied)
        {
            self.supersede(&item.after);
            self.put(item);
        }
        self.changes.insert(change.id.clone(), change);
        self.forget_old_changes();
    }

    /// A later change of the same thing takes a waiting one's place.
    fn supersede(&mut self, proposal: &Proposal) {
        for change in self.changes.values_mut() {
            for item in &mut change.items {
                if item.state == ItemState::Pending && item.after.same_object(proposal) {
                    item.state = ItemState::Superseded;
                }
            }
        }
    }

    fn approve_change(&mut self, id: &str, items: &[ChangeItem], by: &str) {
        for item in items {
            self.put(item);
        }
        self.decide_change(id, by, ItemState::Applied, None);
    }

    fn decide_change(&mut self, id: &str, by: &str, outcome: ItemState, why: Option<&String>) {
        if let Some(change) = self.changes.get_mut(id) {
            for item in change
                .items
                .iter_mut()
                .filter(|item| item.state == ItemState::Pending)
            {
                item.state = outcome;
            }
            change.decided_by = Some(by.to_owned());
            change.why = why.cloned();
        }
    }

    fn put(&mut self, item: &ChangeItem) {
        match &item.after {
            Proposal::Vendor(vendor) => {
                self.vendors.insert(vendor.id.clone(), Arc::clone(vendor));
            }
            Proposal::Person(person) => {
                let new = || PersonEntry {
                    person: Arc::clone(person),
                    token: None,
                    token_by: BTreeSet::new(),
                    suspended: None,
                };
                self.persons
                    .entry(person.id.clone())
                    .or_insert_with(new)
                    .person = Arc::clone(person);
            }
            Proposal::Resource(resource) => {
                let new = || ResourceEntry {
                    resource: Arc::clone(resource),
                    detached: false,
                };
                self.resources
                    .entry(resource.id.clone())
                    .or_insert_with(new)
                    .resource = Arc::clone(resource);
            }
            Proposal::Contract(applied) => {
                let contract = item.resolved.as_ref().unwrap_or(applied);
                let new = || ContractEntry {
                    contract: Arc::clone(contract),
                    applied: Arc::clone(applied),
                    revision: 0,
                    suspended: None,
                    ended: None,
                };
                let entry = self.contracts.entry(applied.id.clone()).or_insert_with(new);
                entry.contract = Arc::clone(contract);
                entry.applied = Arc::clone(applied);
                entry.revision += 1;
                entry.ended = None;
            }
            Proposal::DisclosureList(_) => {}
            Proposal::PersonResume(id) => {
                if let Some(entry) = self.persons.get_mut(id) {
                    entry.suspended = None;
                }
            }
            Proposal::ContractResume(id) => {
                if let Some(entry) = self.contracts.get_mut(id) {
                    entry.suspended = None;
                }
            }
        }
    }

    /// What was agreed to list, for as long as that holds.
    fn permit_lists(&mut self, change: &str, items: &[ChangeItem], at: Timestamp) {
        self.lists.retain(|_, list| list.holds(at));
        for item in items {
            if let Proposal::DisclosureList(request) = &item.after {
                let list = PermittedList {
                    request: Arc::clone(request),
                    at,
                };
                self.lists.insert(change.to_owned(), list);
            }
        }
    }

    fn close_grant(&mut self, id: &str, state: GrantState, at: Timestamp, by: &str, why: &str) {
        let Some(entry) = self.grants.get_mut(id) else {
            return;
        };
        if let Some(end) = entry.grant.expires_at {
            self.expiries.remove(&(end, id.to_owned()));
        }
        entry.grant.state = state;
        entry.closed_at = Some(at);
        entry.why = Some(why.to_owned());
        if entry.grant.decided_by.is_none() {
            entry.grant.decided_by = Some(by.to_owned());
        }
    }

    fn forget_old_changes(&mut self) {
        let decided: Vec<_> = self
            .changes
            .values()
            .filter(|change| !change.pending())
            .map(|c| (c.at, c.id.clone()))
            .collect();
        let surplus = decided.len().saturating_sub(DECIDED_CHANGES_KEPT);
        let mut oldest = decided;
        oldest.sort();
        for (_, id) in oldest.into_iter().take(surplus) {
            self.changes.remove(&id);
        }
    }
}

fn suspension(why: &str, by: &str, at: Timestamp) -> Suspension {
    Suspension {
        why: why.to_owned(),
        by: by.to_owned(),
        at,
    }
}

impl State {
    /// Who may have held the hand of this actor: the officer, and everybody who has seen his token.
    fn hands_behind(&self, actor: &str) -> BTreeSet<String> {
        let Some(name) = actor.strip_prefix("officer:") else {
            return BTreeSet::new();
        };
        let mut hands = self
            .officers
            .get(name)
            .map(|officer| officer.token_by.clone())
            .unwrap_or_default();
        hands.insert(name.to_owned());
        hands
    }
}

const fn ended_words(reason: Ended) -> &'static str {
    match reason {
        Ended::Expired => "its time is over",
        Ended::ContractEnded => "the contract ended",
        Ended::ContractChanged => "the contract no longer has this resource or purpose",
        Ended::PersonChanged => "the person now works for another vendor",
    }
}
