//! Tables that a person never read, after a long time of always the same ones: somebody widens what
//! he takes to everything that the contract happens to allow.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Seen;
use crate::suspicion::{Detector, Raised, Severity};
use crate::thresholds::Tables;
use crate::window::Window;

/// Tables remembered of a person.
const KNOWN_AT_MOST: usize = 400;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Memory {
    persons: BTreeMap<String, Person>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Person {
    known: BTreeMap<String, ()>,
    /// Days of work since the last new table.
    same_days: u32,
    last_day: Option<i32>,
    widening: Option<Widening>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Widening {
    since: i32,
    /// Of sameness before it.
    after_days: u32,
    tables: Vec<String>,
    shown: Window,
}

pub fn look(memory: &mut Memory, seen: &Seen<'_>, t: &Tables) -> Option<Raised> {
    let statement = seen.statement;
    // Structure and sums don't tell of anybody.
    if statement.subjects == 0 {
        return None;
    }
    let person = memory.persons.entry(seen.who.to_owned()).or_default();
    person.begin_day(seen.day, t);
    for table in statement.tables {
        person.meet(table, seen.day, t);
    }
    let widening = person.widening.as_mut()?;
    let of_new = statement
        .tables
        .iter()
        .any(|table| widening.tables.contains(table));
    if !of_new || statement.subjects_new == 0 {
        return None;
    }
    let sum = widening.shown.add(
        seen.day,
        statement.subjects_new,
        t.within_days,
        statement.seq,
        statement.at,
    );
    if widening.tables.len() < t.tables || sum < t.subjects {
        return None;
    }
    let widening = person.widening.take()?;
    let mut shown = widening.shown;
    Some(Raised {
        detector: Detector::NewTables,
        severity: Severity::Medium,
        reason: format!(
            "{} tables that this person had not read before ({}), after {} days of work with always \
             the same ones; {sum} subjects shown from them",
            widening.tables.len(),
            some(&widening.tables),
            widening.after_days
        ),
        trail: shown.take(),
    })
}

/// A leaf is small.
fn some(tables: &[String]) -> String {
    let named: Vec<&str> = tables.iter().take(4).map(String::as_str).collect();
    let more = if tables.len() > named.len() {
        ", …"
    } else {
        ""
    };
    format!("{}{more}", named.join(", "))
}

impl Person {
    fn begin_day(&mut self, day: i32, t: &Tables) {
        if self.last_day.is_none_or(|last| day > last) {
            self.last_day = Some(day);
            self.same_days = self.same_days.saturating_add(1);
        }
        let over = |widening: &Widening| {
            day.saturating_sub(widening.since) >= i32::try_from(t.within_days).unwrap_or(i32::MAX)
        };
        if self.widening.as_ref().is_some_and(over) {
            self.widening = None;
        }
    }

    fn meet(&mut self, table: &str, day: i32, t: &Tables) {
        if self.known.contains_key(table) || self.known.len() >= KNOWN_AT_MOST {
            return;
        }
        self.known.insert(table.to_owned(), ());
        let after_days = std::mem::take(&mut self.same_days);
        match &mut self.widening {
            Some(widening) => widening.tables.push(table.to_owned()),
            None if after_days >= t.same_days => {
                self.widening = Some(Widening {
                    since: day,
                    after_days,
                    tables: vec![table.to_owned()],
                    shown: Window::default(),
                });
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::story::{Told, working_days};
    use super::*;

    fn read(memory: &mut Memory, day: i32, table: &str, new: u64) -> Option<Raised> {
        let tables = vec![table.to_owned()];
        let told = Told {
            day,
            new,
            tables,
            ..Told::default()
        };
        told.look(|seen| look(memory, seen, &crate::Thresholds::default().tables))
    }

    #[test]
    fn widening_after_sameness_is_heard_and_one_more_table_is_not() {
        let mut memory = Memory::default();
        for day in working_days(0, 56) {
            assert!(read(&mut memory, day, ["a", "b"][usize::from(day % 2 == 0)], 30).is_none());
        }
        assert!(read(&mut memory.clone(), 56, "c", 300).is_none());
        assert!(read(&mut memory, 56, "c", 10).is_none());
        let told = read(&mut memory, 57, "d", 35).map(|raised| raised.reason);
        assert!(
            told.is_some_and(|reason| reason.starts_with("2 tables") && reason.contains("(c, d)"))
        );
    }

    #[test]
    fn a_newcomer_meets_tables() {
        let mut memory = Memory::default();
        for day in working_days(0, 30) {
            assert!(read(&mut memory, day, &format!("t{day}"), 50).is_none());
        }
    }
}
