//! What is raised.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Numbers of records that a suspicion carries at most; a leaf is small.
pub const EVIDENCE_AT_MOST: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Detector {
    BudgetNear,
    CoverageGrowth,
    KeyEnumeration,
    OddHours,
    NewNetwork,
    NewProgram,
    NewTables,
    DormantBusy,
    RefusalBurst,
    TwoNetworks,
}

impl Detector {
    pub const ALL: [Self; 10] = [
        Self::BudgetNear,
        Self::CoverageGrowth,
        Self::KeyEnumeration,
        Self::OddHours,
        Self::NewNetwork,
        Self::NewProgram,
        Self::NewTables,
        Self::DormantBusy,
        Self::RefusalBurst,
        Self::TwoNetworks,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::BudgetNear => "budget-near",
            Self::CoverageGrowth => "coverage-growth",
            Self::KeyEnumeration => "key-enumeration",
            Self::OddHours => "odd-hours",
            Self::NewNetwork => "new-network",
            Self::NewProgram => "new-program",
            Self::NewTables => "new-tables",
            Self::DormantBusy => "dormant-busy",
            Self::RefusalBurst => "refusal-burst",
            Self::TwoNetworks => "two-networks",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Low,
    Medium,
    High,
}

impl Severity {
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Low, Self::Medium, Self::High]
            .into_iter()
            .find(|one| one.name() == name)
    }
}

/// Something that an officer should ask about. Never a verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspicion {
    pub detector: Detector,
    /// What tells it from another one of the same detector: a ceiling's key.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// Of a ceiling that starts anew each day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<jiff::civil::Date>,
    pub person: String,
    pub vendor: String,
    pub contract: String,
    pub resource: String,
    pub severity: Severity,
    /// In plain words, with figures; never a key or a literal.
    pub reason: String,
    /// Numbers of records in the log, latest last.
    pub evidence: Vec<u64>,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    /// How often it was raised.
    pub count: u64,
}

/// What a detector says; who and where is known to the engine.
#[derive(Clone, Debug)]
pub struct Raised {
    pub detector: Detector,
    pub severity: Severity,
    pub reason: String,
    pub trail: Trail,
}

/// The records that led to something: the latest ones, and since when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trail {
    seqs: Vec<u64>,
    since: Option<Timestamp>,
}

impl Trail {
    pub fn note(&mut self, seq: u64, at: Timestamp) {
        if self.seqs.len() == EVIDENCE_AT_MOST {
            self.seqs.remove(0);
        }
        self.seqs.push(seq);
        self.since.get_or_insert(at);
    }

    pub fn of(seq: u64, at: Timestamp) -> Self {
        let mut trail = Self::default();
        trail.note(seq, at);
        trail
    }

    pub fn seqs(&self) -> &[u64] {
        &self.seqs
    }

    pub fn since(&self) -> Option<Timestamp> {
        self.since
    }
}
