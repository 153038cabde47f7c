//! The state's data, as the fold leaves it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
pub use portcullis_contract::Effect;
use portcullis_contract::{Contract, Grant, Person, Resource, Vendor};
use serde::{Deserialize, Serialize};

use super::authority::{Actor, Hands, Role};
use super::finding::Finding;
use super::token::TokenHash;

/// Everything that commands and the gate ask about, as of the last event applied.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub officers: BTreeMap<String, Officer>,
    pub vendors: BTreeMap<String, Arc<Vendor>>,
    pub persons: BTreeMap<String, PersonEntry>,
    pub resources: BTreeMap<String, ResourceEntry>,
    pub contracts: BTreeMap<String, ContractEntry>,
    pub changes: BTreeMap<String, Change>,
    pub grants: BTreeMap<String, GrantEntry>,
    /// Lists of affected subjects that two officers agreed to, by change.
    #[serde(default)]
    pub lists: BTreeMap<String, PermittedList>,
    /// What must be answered, by its id.
    #[serde(default)]
    pub findings: BTreeMap<String, Finding>,
    /// Login name → grants that had it, oldest first. Derived from `grants`.
    pub(super) users: HashMap<String, Vec<String>>,
    /// Live grants by their end. Derived from `grants`.
    pub(super) expiries: BTreeSet<(Timestamp, String)>,
    pub(super) last_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Officer {
    pub roles: Vec<Role>,
    pub token: Option<TokenHash>,
    /// Every officer who may have seen the present token: its issuer, and whoever had seen the token
    /// that issued it; none = `init`.
    pub token_by: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PersonEntry {
    pub person: Arc<Person>,
    pub token: Option<TokenHash>,
    pub token_by: BTreeSet<String>,
    pub suspended: Option<Suspension>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Suspension {
    pub why: String,
    pub by: String,
    pub at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResourceEntry {
    pub resource: Arc<Resource>,
    pub detached: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContractEntry {
    /// As approved, `columns = "*"` resolved.
    pub contract: Arc<Contract>,
    /// As the file had it: what a later `apply` is compared with.
    pub applied: Arc<Contract>,
    /// 1 for the first that came into force.
    pub revision: u32,
    pub suspended: Option<Suspension>,
    pub ended: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GrantEntry {
    pub grant: Grant,
    pub requested_at: Timestamp,
    /// Who may stand behind the request.
    pub hands: Hands,
    pub closed_at: Option<Timestamp>,
    /// Why it was denied, revoked or ended.
    pub why: Option<String>,
}

/// Why a grant ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    Expired,
    ContractEnded,
    ContractChanged,
    PersonChanged,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ItemState {
    Pending,
    Applied,
    Denied,
    /// A later change of the same thing took its place.
    Superseded,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    pub id: String,
    pub requested_by: String,
    pub hands: Hands,
    pub at: Timestamp,
    pub items: Vec<ChangeItem>,
    #[serde(default)]
    pub decided_by: Option<String>,
    /// Why it was denied, or what the database said when it was approved in vain.
    #[serde(default)]
    pub why: Option<String>,
}

impl Change {
    pub fn pending(&self) -> bool {
        self.items
            .iter()
            .any(|item| item.state == ItemState::Pending)
    }

    pub fn pending_items(&self) -> impl Iterator<Item = &ChangeItem> {
        self.items
            .iter()
            .filter(|item| item.state == ItemState::Pending)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChangeItem {
    pub effect: Effect,
    pub state: ItemState,
    /// What the change does, in words, for who has to approve it.
    #[serde(default)]
    pub notes: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Proposal>,
    pub after: Proposal,
    /// The contract with `columns = "*"` resolved; set when it comes into force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<Arc<Contract>>,
}

impl ChangeItem {
    pub fn kind(&self) -> &'static str {
        self.after.kind()
    }

    pub fn name(&self) -> &str {
        self.after.name()
    }
}

/// Which subjects a person was shown, by name: to tell those who are affected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListRequest {
    pub person: String,
    /// Of this contract alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<String>,
}

/// So long after the second officer's word a list may be produced.
pub const LIST_HOLDS: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PermittedList {
    pub request: Arc<ListRequest>,
    /// Of the second officer's word.
    pub at: Timestamp,
}

impl PermittedList {
    pub fn holds(&self, now: Timestamp) -> bool {
        now.duration_since(self.at) < LIST_HOLDS
    }
}

/// What a thing is to become.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proposal {
    Vendor(Arc<Vendor>),
    Person(Arc<Person>),
    Resource(Arc<Resource>),
    Contract(Arc<Contract>),
    PersonResume(String),
    ContractResume(String),
    DisclosureList(Arc<ListRequest>),
}

impl Proposal {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Vendor(_) => "vendor",
            Self::Person(_) => "person",
            Self::Resource(_) => "resource",
            Self::Contract(_) => "contract",
            Self::PersonResume(_) => "person-resume",
            Self::ContractResume(_) => "contract-resume",
            Self::DisclosureList(_) => "disclosure-list",
        }
    }

    pub fn name(&self) -> &str {
        match self {
            Self::Vendor(vendor) => &vendor.id,
            Self::Person(person) => &person.id,
            Self::Resource(resource) => &resource.id,
            Self::Contract(contract) => &contract.id,
            Self::PersonResume(id) | Self::ContractResume(id) => id,
            Self::DisclosureList(request) => &request.person,
        }
    }

    pub fn same_object(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::DisclosureList(one), Self::DisclosureList(other)) => one == other,
            _ => self.kind() == other.kind() && self.name() == other.name(),
        }
    }
}

impl State {
    /// Whose token this is. Compares with all of them: officers and persons are few, and every hash
    /// comparison takes the same time.
    pub fn actor(&self, token: &str) -> Option<Actor> {
        let hash = TokenHash::of(token);
        let mut found = None;
        for (name, officer) in &self.officers {
            if officer.token == Some(hash) {
                found = Some(Actor::Officer {
                    name: name.clone(),
                    roles: officer.roles.clone(),
                    token_by: officer.token_by.clone(),
                });
            }
        }
        for (id, person) in &self.persons {
            if person.token == Some(hash) {
                found = Some(Actor::Person {
                    id: id.clone(),
                    token_by: person.token_by.clone(),
                });
            }
        }
        found
    }

    /// The time of the last event; the server's time never goes behind it.
    pub fn last_at(&self) -> Option<Timestamp> {
        self.last_at
    }

    /// What stands now under the same name as a proposal.
    pub fn current(&self, proposal: &Proposal) -> Option<Proposal> {
        let name = proposal.name();
        match proposal {
            Proposal::Vendor(_) => self.vendors.get(name).cloned().map(Proposal::Vendor),
            Proposal::Person(_) => self
                .persons
                .get(name)
                .map(|p| Proposal::Person(Arc::clone(&p.person))),
            Proposal::Resource(_) => self
                .resources
                .get(name)
                .map(|r| Proposal::Resource(Arc::clone(&r.resource))),
            Proposal::Contract(_) => self
                .contracts
                .get(name)
                .map(|c| Proposal::Contract(Arc::clone(&c.applied))),
            Proposal::PersonResume(_)
            | Proposal::ContractResume(_)
            | Proposal::DisclosureList(_) => None,
        }
    }

    /// The pending item for the same thing, with its change.
    pub fn pending_for(&self, proposal: &Proposal) -> Option<(&Change, &ChangeItem)> {
        self.changes.values().find_map(|change| {
            change
                .pending_items()
                .find(|item| item.after.same_object(proposal))
                .map(|item| (change, item))
        })
    }

    /// Live grants whose end has come.
    pub fn expired(&self, now: Timestamp) -> Vec<String> {
        self.expiries
            .iter()
            .take_while(|(end, _)| *end <= now)
            .map(|(_, id)| id.clone())
            .collect()
    }

    /// The next end of a live grant.
    pub fn next_expiry(&self) -> Option<Timestamp> {
        self.expiries.first().map(|(end, _)| *end)
    }
}
