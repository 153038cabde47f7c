//! One holder's account under one contract: totals, the latest day, every day before it, and whom.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::Standing;
use super::history::History;
use crate::set::OrdinalSet;

/// A table of a resource, as the contract names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TableName {
    pub resource: String,
    pub table: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub rows: u64,
    pub bytes: u64,
    /// Distinct within the window.
    pub subjects: u64,
    /// Of these, how many the account had never seen.
    pub subjects_new: u64,
    pub aggregates: u64,
}

/// Days never go back: the gate's clock is monotonic, and an earlier day goes on with the latest.
#[derive(Clone, Debug, Default)]
pub struct Account {
    pub(super) total: Tally,
    pub(super) day: Option<Date>,
    pub(super) today: Tally,
    pub(super) history: History,
    /// Whom it was ever shown, unless one table's set says it.
    pub(super) all: OrdinalSet,
    /// A person's, by table. A vendor's account has none: its people's have.
    pub(super) tables: Vec<(TableName, OrdinalSet)>,
    pub(super) seen_today: OrdinalSet,
}

impl Account {
    /// Everybody who was ever shown to this holder under this contract.
    pub fn seen(&self) -> &OrdinalSet {
        match self.tables.as_slice() {
            [(_, only)] => only,
            _ => &self.all,
        }
    }

    /// By table; a subject that was read from two tables is in both.
    pub fn tables(&self) -> &[(TableName, OrdinalSet)] {
        &self.tables
    }

    /// Every day on which something was charged, the latest last.
    pub fn days(&self) -> Vec<super::DayTally> {
        let mut days = self.history.days();
        days.extend(
            self.day
                .map(|day| super::DayTally::of(day, &self.today))
                .filter(|day| !day.is_empty()),
        );
        days
    }

    /// A new day starts a new tally; an earlier day (a clock set back) goes on with the latest.
    pub(super) fn turn_to(&mut self, day: Date) {
        if self.day.is_some_and(|latest| day <= latest) {
            return;
        }
        if let Some(past) = self.day {
            self.history.push(&super::DayTally::of(past, &self.today));
        }
        self.day = Some(day);
        self.today = Tally::default();
        self.seen_today = OrdinalSet::default();
    }

    pub(super) fn add(&mut self, rows: u64, bytes: u64) {
        for tally in [&mut self.total, &mut self.today] {
            tally.rows = tally.rows.saturating_add(rows);
            tally.bytes = tally.bytes.saturating_add(bytes);
        }
    }

    pub(super) fn add_aggregates(&mut self, count: u64) {
        for tally in [&mut self.total, &mut self.today] {
            tally.aggregates = tally.aggregates.saturating_add(count);
        }
    }

    /// (new to this account, new today).
    pub(super) fn novelty(&self, ordinal: u32) -> (bool, bool) {
        (
            !self.seen().contains(ordinal),
            !self.seen_today.contains(ordinal),
        )
    }

    /// Notes subjects, ascending and distinct, as read from `table`; how many the account had never
    /// seen.
    pub(super) fn note(&mut self, table: Option<&TableName>, ordinals: &[u32]) -> u64 {
        self.today.subjects += self.seen_today.insert_sorted(ordinals);
        let new = match table {
            None => self.all.insert_sorted(ordinals),
            Some(table) => self.note_of(table, ordinals),
        };
        self.total.subjects += new;
        self.total.subjects_new += new;
        self.today.subjects_new += new;
        new
    }

    fn note_of(&mut self, table: &TableName, ordinals: &[u32]) -> u64 {
        let at = self.tables.iter().position(|(known, _)| known == table);
        if at.is_none()
            && let [(_, only)] = self.tables.as_slice()
        {
            // From now on no one table says it all.
            self.all = only.clone();
        }
        let at = at.unwrap_or_else(|| {
            self.tables.push((table.clone(), OrdinalSet::default()));
            self.tables.len() - 1
        });
        let alone = self.tables.len() == 1;
        let of_table = self
            .tables
            .get_mut(at)
            .map_or(0, |(_, set)| set.insert_sorted(ordinals));
        if alone {
            of_table
        } else {
            self.all.insert_sorted(ordinals)
        }
    }

    pub(super) fn pack(&mut self) {
        self.all.pack();
        self.tables.iter_mut().for_each(|(_, set)| set.pack());
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let tables: usize = self
            .tables
            .iter()
            .map(|(name, set)| name.resource.capacity() + name.table.capacity() + set.heap_bytes())
            .sum();
        size_of::<Self>()
            + self.all.heap_bytes()
            + self.seen_today.heap_bytes()
            + self.history.heap_bytes()
            + tables
    }

    pub(super) fn standing(&self) -> Standing {
        Standing {
            rows_today: self.today.rows,
            bytes_today: self.today.bytes,
            subjects_today: self.today.subjects,
            rows_total: self.total.rows,
            bytes_total: self.total.bytes,
            subjects_total: self.total.subjects,
            aggregates_today: self.today.aggregates,
            aggregates_total: self.total.aggregates,
        }
    }
}
