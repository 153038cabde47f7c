//! Keys looked up one after the other: 1001, 1002, 1003 …, page after page, or guesses that mostly
//! miss. A ticket names a patient; only somebody who wants all of them counts.
//!
//! The last distinct keys of a column are remembered, shifted by a secret (see [`crate::probes`]), and
//! looked at in order: so it doesn't help to ask in another order, or to do honest work in between.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Seen;
use crate::suspicion::{Detector, Raised, Severity, Trail};
use crate::thresholds::Enumeration;

/// Distinct keys remembered of a person and a column.
const KEYS_KEPT: usize = 160;
/// Columns remembered of a person; the least lately used goes.
const COLUMNS_KEPT: usize = 6;
/// What shows more than so many for each key is asked about a category (a ward, a year), not about
/// somebody.
const SUBJECTS_A_KEY: u64 = 5;
/// Keys farther apart than this are no neighbours in any progression.
const GAP_AT_MOST: u64 = 1000;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Memory {
    persons: BTreeMap<String, Person>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Person {
    /// The latest used last.
    columns: Vec<Column>,
    misses: Misses,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Column {
    name: String,
    /// Shifted key and the record that asked for it, in the order of asking.
    asked: VecDeque<Asked>,
    /// The same keys in order.
    sorted: Vec<u64>,
    /// Where the latest range ended, and how many adjoined before it.
    range_end: Option<u64>,
    adjoining: u32,
    trail: Trail,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Asked {
    key: u64,
    seq: u64,
    at: Timestamp,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Misses {
    day: i32,
    looked: u32,
    missed: u32,
    trail: Trail,
}

pub fn look(
    memory: &mut Memory,
    seen: &Seen<'_>,
    t: &Enumeration,
    secret: &[u8; 32],
) -> Option<Raised> {
    let statement = seen.statement;
    // What showed nobody and found something (sums, structure, changes) collects nobody.
    if statement.probes.is_empty() || (statement.subjects == 0 && statement.rows > 0) {
        return None;
    }
    let person = memory.persons.entry(seen.who.to_owned()).or_default();
    let mut raised = person.misses.note(seen, t);
    let names_somebody =
        statement.subjects <= SUBJECTS_A_KEY.saturating_mul(statement.probes.len() as u64);
    for probe in statement.probes {
        let name = format!("{}.{}", statement.tables.join(","), probe.column);
        let shift = shift(secret, seen.who, &name);
        let low = probe.low.wrapping_add(shift);
        let Some(column) = person.column(&name) else {
            continue;
        };
        let found = match probe.high {
            Some(high) => column.range(low, high.wrapping_add(shift), seen, t),
            None if names_somebody => column.key(low, seen, t),
            None => None,
        };
        raised = raised.or(found);
    }
    raised
}

/// Each person's and column's own: what is remembered of two of them cannot be laid side by side.
fn shift(secret: &[u8; 32], who: &str, column: &str) -> u64 {
    let mut hasher = blake3::Hasher::new_keyed(secret);
    hasher.update(b"portcullis key shift\0");
    hasher.update(who.as_bytes());
    hasher.update(b"\0");
    hasher.update(column.as_bytes());
    let mut bytes = [0; 8];
    hasher.finalize_xof().fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

impl Person {
    fn column(&mut self, name: &str) -> Option<&mut Column> {
        let found = self.columns.iter().position(|column| column.name == name);
        let column = match found {
            Some(at) => self.columns.remove(at),
            None => Column {
                name: name.to_owned(),
                ..Column::default()
            },
        };
        if self.columns.len() >= COLUMNS_KEPT {
            self.columns.remove(0);
        }
        self.columns.push(column);
        self.columns.last_mut()
    }
}

impl Column {
    fn key(&mut self, key: u64, seen: &Seen<'_>, t: &Enumeration) -> Option<Raised> {
        let Err(place) = self.sorted.binary_search(&key) else {
            return None;
        };
        self.sorted.insert(place, key);
        let (seq, at) = (seen.statement.seq, seen.statement.at);
        self.asked.push_back(Asked { key, seq, at });
        if self.asked.len() > KEYS_KEPT
            && let Some(oldest) = self.asked.pop_front()
            && let Ok(place) = self.sorted.binary_search(&oldest.key)
        {
            self.sorted.remove(place);
        }
        let Run {
            keys: run,
            gap,
            from,
        } = progression(&self.sorted, key)?;
        if run < t.progression {
            return None;
        }
        let upto = from + gap * (run as u64 - 1);
        let mut trail = Trail::default();
        for asked in &self.asked {
            let of_run = (from..=upto).contains(&asked.key) && (asked.key - from) % gap == 0;
            if of_run {
                trail.note(asked.seq, asked.at);
            }
        }
        // Told once; the next so many keys are told again.
        self.asked.clear();
        self.sorted.clear();
        let steps = if gap == 1 {
            "without a gap".to_owned()
        } else {
            format!("in steps of {gap}")
        };
        Some(Raised {
            detector: Detector::KeyEnumeration,
            severity: Severity::High,
            reason: format!(
                "{run} keys of {} that were looked up follow each other {steps}; tickets don't come in \
                 the order of people's numbers",
                self.name
            ),
            trail,
        })
    }

    fn range(&mut self, low: u64, high: u64, seen: &Seen<'_>, t: &Enumeration) -> Option<Raised> {
        let next = self.range_end.replace(high);
        let adjoins = next.is_some_and(|end| low == end || low == end.wrapping_add(1));
        if !adjoins {
            self.adjoining = 0;
            self.trail = Trail::default();
        }
        self.adjoining += 1;
        self.trail.note(seen.statement.seq, seen.statement.at);
        if self.adjoining < t.adjoining {
            return None;
        }
        let pages = std::mem::take(&mut self.adjoining);
        Some(Raised {
            detector: Detector::KeyEnumeration,
            severity: Severity::High,
            reason: format!(
                "{pages} ranges of {} read one after the other, each beginning where the last ended: \
                 the table is being read through piece by piece",
                self.name
            ),
            trail: std::mem::take(&mut self.trail),
        })
    }
}

struct Run {
    keys: usize,
    gap: u64,
    from: u64,
}

/// The longest run of equal gaps in sorted keys that goes through `key`.
fn progression(sorted: &[u64], key: u64) -> Option<Run> {
    let place = sorted.binary_search(&key).ok()?;
    let gap_at = |at: usize| {
        let (low, high) = (sorted.get(at)?, sorted.get(at + 1)?);
        Some(high - low)
    };
    let around = |start: usize| {
        let gap = gap_at(start).filter(|gap| *gap <= GAP_AT_MOST)?;
        let up = (start..).take_while(|at| gap_at(*at) == Some(gap)).count();
        let down = (0..start)
            .rev()
            .take_while(|at| gap_at(*at) == Some(gap))
            .count();
        Some(Run {
            keys: up + down + 1,
            gap,
            from: *sorted.get(start - down)?,
        })
    };
    let above = around(place);
    let below = place.checked_sub(1).and_then(around);
    above.into_iter().chain(below).max_by_key(|run| run.keys)
}

impl Misses {
    fn note(&mut self, seen: &Seen<'_>, t: &Enumeration) -> Option<Raised> {
        if seen.day > self.day {
            *self = Self {
                day: seen.day,
                ..Self::default()
            };
        }
        let singles = seen.statement.probes.iter().any(|p| p.high.is_none());
        if !singles {
            return None;
        }
        self.looked = self.looked.saturating_add(1);
        if seen.statement.rows > 0 {
            return None;
        }
        self.missed = self.missed.saturating_add(1);
        self.trail.note(seen.statement.seq, seen.statement.at);
        if self.missed < t.misses
            || u64::from(self.missed) * 100 < u64::from(self.looked) * u64::from(t.misses_percent)
        {
            return None;
        }
        let (missed, looked) = (
            std::mem::take(&mut self.missed),
            std::mem::take(&mut self.looked),
        );
        Some(Raised {
            detector: Detector::KeyEnumeration,
            severity: Severity::Medium,
            reason: format!(
                "{missed} of {looked} look-ups by key found nothing: somebody who is given a number \
                 has it from a ticket, somebody who guesses misses"
            ),
            trail: std::mem::take(&mut self.trail),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::story::Told;
    use super::*;
    use crate::keys::Probe;

    fn ask(memory: &mut Memory, low: u64, high: Option<u64>, rows: u64) -> Option<Raised> {
        let probe = Probe {
            column: "patient_id".to_owned(),
            low,
            high,
        };
        let told = Told {
            probes: vec![probe],
            rows,
            new: rows,
            ..Told::default()
        };
        let t = crate::Thresholds::default().enumeration;
        told.look(|seen| look(memory, seen, &t, &[7; 32]))
    }

    /// Far apart and in no order.
    fn ticket(n: u64) -> u64 {
        n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40
    }

    #[test]
    fn counting_is_heard_in_any_order_and_among_tickets_and_tickets_are_not() {
        let mut memory = Memory::default();
        for n in 0..400 {
            assert!(ask(&mut memory, ticket(n), None, 1).is_none());
        }
        // Shuffled, in steps of three, a ticket between any two.
        let mut spoken = None;
        for n in 0..32_u64 {
            assert!(ask(&mut memory, ticket(n + 400), None, 1).is_none());
            let found = ask(&mut memory, 90_000_000 + 3 * (n * 13 % 32), None, 1);
            if let Some(raised) = found {
                spoken.get_or_insert((n, raised.reason));
            }
        }
        let (n, reason) = spoken.unwrap_or_default();
        assert!((23..32).contains(&n), "{n}");
        assert!(
            reason.contains("32 keys") && reason.contains("in steps of 3"),
            "{reason}"
        );
        assert!(!reason.contains("9000"), "a key is told: {reason}");
    }

    #[test]
    fn categories_are_no_keys() {
        let mut memory = Memory::default();
        for ward in 0..60 {
            assert!(ask(&mut memory, ward, None, 40).is_none());
        }
        // Whole: what is shown is one for each.
        let found = (100..160)
            .filter_map(|key| ask(&mut memory, key, None, 1))
            .count();
        assert_eq!(found, 2, "told once for each two dozen");
    }

    #[test]
    fn a_short_list_of_neighbours_is_nothing() {
        let mut memory = Memory::default();
        for n in 0..20 {
            assert!(ask(&mut memory, 5000 + n, None, 1).is_none());
        }
    }

    #[test]
    fn pages_and_guesses() {
        let mut memory = Memory::default();
        let page = |memory: &mut Memory, n: u64| ask(memory, n * 100, Some(n * 100 + 99), 100);
        for n in 0..9 {
            assert!(page(&mut memory, n).is_none());
        }
        assert!(page(&mut memory.clone(), 20).is_none());
        assert!(page(&mut memory, 9).is_some());

        let mut memory = Memory::default();
        for n in 0..24 {
            assert!(ask(&mut memory, ticket(n), None, 0).is_none());
        }
        assert!(ask(&mut memory.clone(), ticket(99), None, 1).is_none());
        assert!(ask(&mut memory, ticket(99), None, 0).is_some());
    }

    #[test]
    fn what_is_remembered_is_no_list_of_keys() {
        let mut memory = Memory::default();
        ask(&mut memory, 4_100_004_242, None, 1);
        let text = serde_json::to_string(&memory).unwrap_or_default();
        assert!(
            text.contains("patient_id") && !text.contains("4100004242"),
            "{text}"
        );
    }
}
