//! Trying what is not allowed: many refusals in a few minutes. A client that looks around at its
//! start has a few of them, a script in a loop has the same one; somebody who probes the contract's
//! edges has different ones.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::suspicion::{Detector, Raised, Severity, Trail};
use crate::thresholds::Refusals;

/// Refusals remembered of a person.
const KEPT: usize = 128;
/// Not tried: an earlier statement of the same message or transaction failed.
const SKIPPED: &str = "transaction.skipped";

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Memory {
    persons: BTreeMap<String, VecDeque<Refused>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Refused {
    seq: u64,
    at: Timestamp,
    /// Reason and tables.
    what: String,
}

pub struct Tried<'a> {
    pub seq: u64,
    pub at: Timestamp,
    pub person: &'a str,
    pub reason: &'a str,
    pub tables: &'a [String],
}

pub fn look(memory: &mut Memory, tried: &Tried<'_>, t: &Refusals) -> Option<Raised> {
    if tried.reason == SKIPPED {
        return None;
    }
    let refused = memory.persons.entry(tried.person.to_owned()).or_default();
    let since = SignedDuration::from_mins(t.within_minutes);
    while refused
        .front()
        .is_some_and(|first| tried.at.duration_since(first.at) > since)
        || refused.len() >= KEPT
    {
        refused.pop_front();
    }
    refused.push_back(Refused {
        seq: tried.seq,
        at: tried.at,
        what: format!("{} {}", tried.reason, tried.tables.join(",")),
    });
    let mut different: Vec<&str> = refused.iter().map(|one| one.what.as_str()).collect();
    different.sort_unstable();
    different.dedup();
    let different = different.len();
    if refused.len() < t.total && different < t.different {
        return None;
    }
    let total = refused.len();
    let mut trail = Trail::default();
    for one in refused.drain(..) {
        trail.note(one.seq, one.at);
    }
    Some(Raised {
        detector: Detector::RefusalBurst,
        severity: if different >= t.different {
            Severity::High
        } else {
            Severity::Medium
        },
        reason: format!(
            "{total} refusals within {} minutes, {different} of them different; the last for {}",
            t.within_minutes, tried.reason
        ),
        trail,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refuse(memory: &mut Memory, second: i64, reason: &str, table: &str) -> Option<Raised> {
        let tables = [table.to_owned()];
        let tried = Tried {
            seq: 1,
            at: Timestamp::from_second(second).unwrap_or_default(),
            person: "li",
            reason,
            tables: &tables,
        };
        look(memory, &tried, &crate::Thresholds::default().refusals)
    }

    #[test]
    fn probing_is_heard_and_a_clumsy_morning_is_not() {
        let mut memory = Memory::default();
        for n in 0..7 {
            assert!(refuse(&mut memory, n * 20, "scope.table", &format!("t{n}")).is_none());
        }
        assert!(refuse(&mut memory.clone(), 150, "scope.table", "t3").is_none());
        assert!(refuse(&mut memory.clone(), 900, "scope.table", "t9").is_none());
        assert!(refuse(&mut memory, 150, "scope.column", "t3").is_some());

        let mut memory = Memory::default();
        for n in 0..19 {
            assert!(refuse(&mut memory, n, "scope.column", "t").is_none());
        }
        for n in 0..100 {
            assert!(refuse(&mut memory, 20 + n, SKIPPED, "t").is_none());
        }
        assert!(refuse(&mut memory, 130, "scope.column", "t").is_some());
    }
}
