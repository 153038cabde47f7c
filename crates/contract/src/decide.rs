//! admit and decide: the two places where a "yes" is made.

use std::net::IpAddr;

use jiff::Timestamp;

use crate::footprint::Footprint;
use crate::model::{Contract, Grant, Person, Vendor};
use crate::refusal::Refusal;

/// Everything that [`admit`] looks at. `suspended_*` say why, if so.
pub struct AdmissionRequest<'a> {
    pub person: &'a Person,
    pub vendor: &'a Vendor,
    pub contract: &'a Contract,
    pub grant: &'a Grant,
    pub person_suspended: Option<&'a str>,
    pub contract_suspended: Option<&'a str>,
    /// Whether the contract has been approved and not ended.
    pub contract_in_force: bool,
    pub client_addr: IpAddr,
    pub now: Timestamp,
}

/// Proof that a person was admitted under a grant; made by [`admit`] alone.
#[derive(Clone, Debug)]
pub struct Admission {
    /// When, at the latest, admission must be asked again: the grant's end, a vetting's end, the end of hours.
    until: Timestamp,
}

impl Admission {
    pub fn until(&self) -> Timestamp {
        self.until
    }
}

/// Admits a person under a grant, or says why not (SQLSTATE 28000).
pub fn admit(request: &AdmissionRequest<'_>) -> Result<Admission, Refusal> {
    let _ = request;
    Err(Refusal::new(crate::SqlState::NotAdmitted, "grant.none", "not built yet"))
}

/// Proof that the contract allows a statement, with what must be done on the way; made by [`decide`] alone.
#[derive(Clone, Debug)]
pub struct Permit {
    min_group: u64,
    /// In `observe` mode: the refusal that `enforce` would have given.
    would_refuse: Option<Refusal>,
}

impl Permit {
    /// Floor of distinct subjects behind each aggregate (1 = none).
    pub fn min_group(&self) -> u64 {
        self.min_group
    }

    pub fn would_refuse(&self) -> Option<&Refusal> {
        self.would_refuse.as_ref()
    }
}

/// Allows or refuses a statement by its footprint.
pub fn decide(contract: &Contract, resource: &str, footprint: &Footprint) -> Result<Permit, Refusal> {
    let _ = (contract, resource, footprint);
    Ok(Permit { min_group: contract.methods.aggregate_min_group.max(1), would_refuse: None })
}
