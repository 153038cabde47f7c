//! What the detectors are told: the log's leaves, read once.

use std::net::IpAddr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use crate::keys::Probe;
use crate::suspicion::Suspicion;

#[derive(Clone, Debug)]
pub enum Event<'a> {
    Opened(Session<'a>),
    Closed {
        session: &'a str,
    },
    /// Somebody proved his password and was not let in.
    Refused {
        seq: u64,
        at: Timestamp,
        person: &'a str,
        resource: &'a str,
        reason: &'a str,
    },
    Statement(Statement<'a>),
    /// A finding stands in the log.
    Recorded(Box<Recorded>),
    /// A finding is over: the next time is a new one.
    FindingClosed {
        finding: &'a str,
    },
}

#[derive(Clone, Debug)]
pub struct Session<'a> {
    pub seq: u64,
    pub at: Timestamp,
    pub session: &'a str,
    pub person: &'a str,
    pub vendor: &'a str,
    pub contract: &'a str,
    pub resource: &'a str,
    pub client_addr: Option<IpAddr>,
    pub application: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Ran, to its end or not: what it gave was disclosed.
    Answered,
    Refused,
}

#[derive(Clone, Debug)]
pub struct Statement<'a> {
    pub seq: u64,
    pub at: Timestamp,
    /// In the contract's time zone.
    pub local: DateTime,
    pub session: &'a str,
    pub person: &'a str,
    pub vendor: &'a str,
    pub contract: &'a str,
    pub resource: &'a str,
    pub tables: &'a [String],
    pub decision: Decision,
    pub reason: &'a str,
    pub rows: u64,
    pub subjects: u64,
    /// Never disclosed to this person under this contract before.
    pub subjects_new: u64,
    /// Keys that it looked up. Personal data: see [`crate::probes`].
    pub probes: &'a [Probe],
}

/// How much of a ceiling is used up, as the accounts say.
#[derive(Clone, Debug)]
pub struct Meter<'a> {
    /// Of the statement that was looked at.
    pub seq: u64,
    pub at: Timestamp,
    pub person: &'a str,
    pub vendor: &'a str,
    pub contract: &'a str,
    pub resource: &'a str,
    /// `subjects_per_day`, as the contract has it.
    pub budget: &'a str,
    /// Of a ceiling that starts anew each day.
    pub day: Option<jiff::civil::Date>,
    pub used: u64,
    pub limit: u64,
}

/// `finding.opened` or `finding.repeated`, as the log has it.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub finding: String,
    pub suspicion: Suspicion,
}

/// Where a client is, as coarsely as addresses are handed out: /24, or /48 of IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Network(u64, bool);

impl Network {
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self(u64::from(u32::from(v4) >> 8), false),
            IpAddr::V6(v6) => Self(u64::try_from(u128::from(v6) >> 80).unwrap_or(0), true),
        }
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.1 {
            let address = std::net::Ipv6Addr::from(u128::from(self.0) << 80);
            write!(f, "{address}/48")
        } else {
            let number = u32::try_from(self.0 << 8).unwrap_or(0);
            write!(f, "{}/24", std::net::Ipv4Addr::from(number))
        }
    }
}
