//! Paying for a batch of rows: all at once where no ceiling is near, row by row where one is.

use portcullis_contract::{Budget, Holder, Measure, Window};

use super::account::Account;
use super::{Charged, Exceeded, RowBatch, SessionMeter, StatementMeter};
use crate::set::OrdinalSet;

/// Everything that a batch is charged to.
pub(super) struct Charges<'a> {
    pub session: &'a mut SessionMeter,
    pub statement: &'a mut StatementMeter,
    pub person: &'a mut Account,
    pub vendor: &'a mut Account,
    /// Some ceiling counts the session's subjects.
    pub session_subjects: bool,
    pub batch: RowBatch<'a>,
    /// Those of the batch's ids, in order.
    pub ordinals: &'a [u32],
}

/// What one row, or a batch at most, would add.
#[derive(Default)]
pub(super) struct RowCost {
    bytes: u64,
    statement_subjects: u64,
    session_subjects: u64,
    person_total: u64,
    person_day: u64,
    vendor_total: u64,
    vendor_day: u64,
}

impl Charges<'_> {
    /// Whether no ceiling can be passed even if every subject of the batch is new to everybody: the
    /// usual case, in which nothing needs to be asked row by row.
    pub fn has_room(&self, budgets: &[Budget]) -> bool {
        let subjects = self.ordinals.len() as u64;
        let most = RowCost {
            bytes: self.bytes(),
            statement_subjects: subjects,
            session_subjects: subjects,
            person_total: subjects,
            person_day: subjects,
            vendor_total: subjects,
            vendor_day: subjects,
        };
        self.first_exceeded(budgets, self.batch.rows.len() as u64, &most)
            .is_none()
    }

    fn bytes(&self) -> u64 {
        self.batch.rows.iter().map(|row| u64::from(row.bytes)).sum()
    }

    /// Pays for the whole batch.
    pub fn pay_all(&mut self, fresh: &mut Vec<u32>) -> Charged {
        let rows = self.batch.rows.len();
        let bytes = self.bytes();
        let subjects = self.note(0, self.ordinals.len(), fresh);
        self.count(rows as u64, bytes);
        Charged {
            rows,
            bytes,
            subjects,
            exceeded: None,
        }
    }

    /// Pays row by row up to the first that a ceiling forbids.
    pub fn pay_row_by_row(&mut self, budgets: &[Budget], fresh: &mut Vec<u32>) -> Charged {
        let mut charged = Charged::default();
        let mut first = 0;
        for row in self.batch.rows {
            let end = (first + row.subjects as usize).min(self.ordinals.len());
            let cost = self.cost(row.bytes, first, end);
            if let Some(exceeded) = self.first_exceeded(budgets, 1, &cost) {
                charged.exceeded = Some(exceeded);
                return charged;
            }
            charged.subjects += self.note(first, end, fresh);
            self.count(1, u64::from(row.bytes));
            charged.rows += 1;
            charged.bytes += u64::from(row.bytes);
            first = end;
        }
        charged
    }

    fn count(&mut self, rows: u64, bytes: u64) {
        self.statement.rows += rows;
        self.statement.bytes += bytes;
        self.session.rows += rows;
        self.session.bytes += bytes;
        self.person.add(rows, bytes);
        self.vendor.add(rows, bytes);
    }

    /// Notes the subjects of the ids `first..end`; how many were new to the statement.
    fn note(&mut self, first: usize, end: usize, fresh: &mut Vec<u32>) -> u64 {
        let before = self.statement.subjects.len();
        if self.batch.tables.len() == 1 {
            self.note_table(0, first, end, fresh);
        } else {
            for table in 0..self.batch.tables.len() {
                self.note_table(table, first, end, fresh);
            }
        }
        self.statement.subjects.len() - before
    }

    /// Notes what one table of the statement shows.
    fn note_table(&mut self, table: usize, first: usize, end: usize, fresh: &mut Vec<u32>) {
        let several = self.batch.tables.len() > 1;
        // (ordinal, index), so that one sort brings equal subjects together.
        let mut shown: Vec<u64> = (first..end)
            .filter(|index| !several || self.batch.taps.get(*index) == Some(&table))
            .filter_map(|index| {
                let ordinal = self.ordinals.get(index)?;
                Some(u64::from(*ordinal) << 32 | index as u64)
            })
            .collect();
        if !shown.is_sorted() {
            shown.sort_unstable();
        }
        shown.dedup_by_key(|pair| *pair >> 32);
        let ordinals: Vec<u32> = shown.iter().map(|pair| (*pair >> 32) as u32).collect();

        let mut new = Vec::new();
        let known = if several {
            let by_table = &mut self.statement.by_table;
            if by_table.len() <= table {
                by_table.resize_with(table + 1, OrdinalSet::default);
            }
            by_table.get_mut(table)
        } else {
            Some(&mut self.statement.subjects)
        };
        if let Some(known) = known {
            known.insert_telling(&ordinals, &mut |ordinal| new.push(ordinal));
        }
        if new.is_empty() {
            return;
        }
        if several {
            self.statement.subjects.insert_sorted(&new);
        }
        let mut news = new.iter().copied().peekable();
        fresh.extend(shown.iter().filter_map(|pair| {
            news.next_if_eq(&((*pair >> 32) as u32))
                .map(|_| *pair as u32)
        }));
        if self.session_subjects {
            self.session.subjects.insert_sorted(&new);
        }
        self.vendor.note(None, &new);
        self.statement.subjects_new += self.person.note(self.batch.tables.get(table), &new);
    }

    /// What a row with the ids `first..end` would add.
    fn cost(&self, bytes: u32, first: usize, end: usize) -> RowCost {
        let mut cost = RowCost {
            bytes: u64::from(bytes),
            ..RowCost::default()
        };
        let mine = self.ordinals.get(first..end).unwrap_or_default();
        for (index, ordinal) in mine.iter().enumerate() {
            // A row may name one subject twice (a join on it): it counts once.
            let repeated = mine
                .get(..index)
                .is_some_and(|before| before.contains(ordinal));
            if repeated || self.statement.subjects.contains(*ordinal) {
                continue;
            }
            cost.statement_subjects += 1;
            let in_session = self.session_subjects && !self.session.subjects.contains(*ordinal);
            cost.session_subjects += u64::from(in_session);
            let (total, day) = self.person.novelty(*ordinal);
            cost.person_total += u64::from(total);
            cost.person_day += u64::from(day);
            let (total, day) = self.vendor.novelty(*ordinal);
            cost.vendor_total += u64::from(total);
            cost.vendor_day += u64::from(day);
        }
        cost
    }

    fn first_exceeded(&self, budgets: &[Budget], rows: u64, cost: &RowCost) -> Option<Exceeded> {
        budgets.iter().find_map(|budget| {
            let (account, day, total) = match budget.holder {
                Holder::Person => (&*self.person, cost.person_day, cost.person_total),
                Holder::Vendor => (&*self.vendor, cost.vendor_day, cost.vendor_total),
            };
            let (used, adds) = match (budget.measure, budget.window) {
                (Measure::Rows, Window::Statement) => (self.statement.rows, rows),
                (Measure::Rows, Window::Session) => (self.session.rows, rows),
                (Measure::Rows, Window::Day) => (account.today.rows, rows),
                (Measure::Rows, Window::Total) => (account.total.rows, rows),
                (Measure::Bytes, Window::Statement) => (self.statement.bytes, cost.bytes),
                (Measure::Bytes, Window::Session) => (self.session.bytes, cost.bytes),
                (Measure::Bytes, Window::Day) => (account.today.bytes, cost.bytes),
                (Measure::Bytes, Window::Total) => (account.total.bytes, cost.bytes),
                (Measure::Subjects, Window::Statement) => {
                    (self.statement.subjects(), cost.statement_subjects)
                }
                (Measure::Subjects, Window::Session) => {
                    (self.session.subjects.len(), cost.session_subjects)
                }
                (Measure::Subjects, Window::Day) => (account.today.subjects, day),
                (Measure::Subjects, Window::Total) => (account.total.subjects, total),
                // Charged once a statement, before it runs.
                (Measure::Aggregates, _) => (0, 0),
            };
            // A row that adds nothing new of a measure passes even where that ceiling is reached.
            let over = adds > 0 && used.saturating_add(adds) > budget.limit;
            over.then(|| Exceeded {
                budget: budget.clone(),
                used,
            })
        })
    }
}
