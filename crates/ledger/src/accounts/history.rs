//! Past days of an account: what coverage over time is drawn from. Some ten bytes a day.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::account::Tally;
use crate::set::{put_varint, take_varint};

/// One day of an account, in the contract's time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayTally {
    pub day: Date,
    pub rows: u64,
    pub bytes: u64,
    /// Distinct on that day.
    pub subjects: u64,
    /// Never seen before that day.
    pub subjects_new: u64,
    pub aggregates: u64,
}

impl DayTally {
    pub(super) fn of(day: Date, tally: &Tally) -> Self {
        Self {
            day,
            rows: tally.rows,
            bytes: tally.bytes,
            subjects: tally.subjects,
            subjects_new: tally.subjects_new,
            aggregates: tally.aggregates,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows == 0 && self.bytes == 0 && self.aggregates == 0
    }
}

/// Varints: days since the one before (the first: since [`Date::MIN`]), then the figures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct History {
    pub bytes: Vec<u8>,
    pub last: Option<Date>,
}

impl History {
    pub fn push(&mut self, day: &DayTally) {
        if day.is_empty() {
            return;
        }
        let since = self.last.unwrap_or(Date::MIN);
        let days = u64::try_from(day.day.duration_since(since).as_hours() / 24).unwrap_or(0);
        for figure in [
            days,
            day.rows,
            day.bytes,
            day.subjects,
            day.subjects_new,
            day.aggregates,
        ] {
            put_varint(&mut self.bytes, figure);
        }
        self.last = Some(day.day);
    }

    pub fn days(&self) -> Vec<DayTally> {
        Self::read(&self.bytes).unwrap_or_default()
    }

    /// All days, if the bytes are whole.
    pub fn read(mut bytes: &[u8]) -> Option<Vec<DayTally>> {
        let mut days = Vec::new();
        let mut last = Date::MIN;
        while !bytes.is_empty() {
            let mut figures = [0u64; 6];
            for figure in &mut figures {
                (*figure, bytes) = take_varint(bytes)?;
            }
            let [since, rows, bytes_sent, subjects, subjects_new, aggregates] = figures;
            let span = jiff::Span::new()
                .try_days(i64::try_from(since).ok()?)
                .ok()?;
            last = last.checked_add(span).ok()?;
            days.push(DayTally {
                day: last,
                rows,
                bytes: bytes_sent,
                subjects,
                subjects_new,
                aggregates,
            });
        }
        Some(days)
    }

    pub fn heap_bytes(&self) -> usize {
        self.bytes.capacity()
    }
}
