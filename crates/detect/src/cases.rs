//! The same thing folds into one: a case, counted, until it has been quiet for a while.
//!
//! What the log must still be told is owed; what it was told is ticked off by the log's own records,
//! so a crash between the two neither loses nor doubles a finding.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::event::Recorded;
use crate::suspicion::Suspicion;

/// Cases remembered; the quietest go first.
const CASES_AT_MOST: usize = 10_000;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Case {
    finding: String,
    suspicion: Suspicion,
    /// Count that the log knows of; none before the finding is opened.
    told: u64,
    told_at: Option<Timestamp>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Cases {
    open: BTreeMap<String, Case>,
}

/// What the log is to be told of a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    pub finding: String,
    /// Not told before: opens it.
    pub opens: bool,
    pub suspicion: Suspicion,
}

fn name(s: &Suspicion) -> String {
    [
        s.detector.name(),
        &s.person,
        &s.contract,
        &s.resource,
        &s.about,
    ]
    .join("\u{1f}")
}

impl Cases {
    pub fn raise(&mut self, suspicion: Suspicion, quiet: SignedDuration) {
        let key = name(&suspicion);
        if let Some(case) = self.open.get_mut(&key) {
            // A ceiling is nearly reached once: on its day, or for good.
            if !suspicion.about.is_empty() && case.suspicion.day == suspicion.day {
                return;
            }
            if suspicion.last_at.duration_since(case.suspicion.last_at) < quiet {
                repeat(&mut case.suspicion, suspicion);
                return;
            }
            self.open.remove(&key);
        }
        self.make_room();
        let case = Case {
            finding: finding_id(&key, &suspicion),
            suspicion,
            told: 0,
            told_at: None,
        };
        self.open.insert(key, case);
    }

    fn make_room(&mut self) {
        if self.open.len() < CASES_AT_MOST {
            return;
        }
        let quietest = self
            .open
            .iter()
            .min_by_key(|(_, case)| case.suspicion.last_at);
        if let Some(key) = quietest.map(|(key, _)| key.clone()) {
            self.open.remove(&key);
        }
    }

    /// The log has it.
    pub fn told(&mut self, recorded: &Recorded) {
        let key = name(&recorded.suspicion);
        let of_log = &recorded.suspicion;
        match self.open.get_mut(&key) {
            Some(case) if case.finding == recorded.finding => {
                case.told = case.told.max(of_log.count);
                case.told_at = Some(of_log.last_at);
            }
            // Another one is open by now.
            Some(case) if case.suspicion.last_at > of_log.last_at => {}
            _ => {
                let case = Case {
                    finding: recorded.finding.clone(),
                    suspicion: of_log.clone(),
                    told: of_log.count,
                    told_at: Some(of_log.last_at),
                };
                self.open.insert(key, case);
            }
        }
    }

    pub fn over(&mut self, finding: &str) {
        self.open.retain(|_, case| case.finding != finding);
    }

    pub fn owed(&self) -> Vec<Owed> {
        let due = |case: &&Case| {
            case.told == 0
                || (case.suspicion.count > case.told
                    && (case.suspicion.count >= case.told.saturating_mul(2)
                        || case.told_at.is_none_or(|at| {
                            case.suspicion.last_at.duration_since(at)
                                >= SignedDuration::from_hours(24)
                        })))
        };
        let tell = |case: &Case| Owed {
            finding: case.finding.clone(),
            opens: case.told == 0,
            suspicion: case.suspicion.clone(),
        };
        self.open.values().filter(due).map(tell).collect()
    }
}

fn repeat(old: &mut Suspicion, new: Suspicion) {
    old.count += 1;
    old.last_at = new.last_at;
    old.severity = old.severity.max(new.severity);
    old.day = new.day;
    old.reason = new.reason;
    old.evidence = new.evidence;
}

/// The same log gives the same name, whoever reads it again.
fn finding_id(key: &str, suspicion: &Suspicion) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("portcullis 2026-11 finding id");
    hasher.update(key.as_bytes());
    hasher.update(suspicion.last_at.to_string().as_bytes());
    for seq in &suspicion.evidence {
        hasher.update(&seq.to_be_bytes());
    }
    let hash = hasher.finalize().to_hex();
    format!("f-{}", hash.get(..10).unwrap_or_default())
}
