//! Counts by day over the last days: bounded, integers only (a snapshot gives back the very same).

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::suspicion::Trail;

/// Something that adds up over a few days, with the records that it came from.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Window {
    days: VecDeque<(i32, u64)>,
    trail: Trail,
}

impl Window {
    /// Adds to a day and says what the last `keep` days come to. Days never go back; one that does
    /// counts as the latest.
    pub fn add(&mut self, day: i32, amount: u64, keep: u32, seq: u64, at: Timestamp) -> u64 {
        self.drop_before(day.saturating_sub_unsigned(keep.saturating_sub(1)));
        match self.days.back_mut() {
            Some((latest, sum)) if *latest >= day => *sum = sum.saturating_add(amount),
            _ => self.days.push_back((day, amount)),
        }
        self.trail.note(seq, at);
        self.sum()
    }

    fn drop_before(&mut self, first: i32) {
        while self.days.front().is_some_and(|(day, _)| *day < first) {
            self.days.pop_front();
        }
        if self.days.is_empty() {
            self.trail = Trail::default();
        }
    }

    pub fn sum(&self) -> u64 {
        self.days
            .iter()
            .fold(0, |sum, (_, n)| sum.saturating_add(*n))
    }

    /// Gives the trail away; the count starts anew, so that one thing is raised once.
    pub fn take(&mut self) -> Trail {
        self.days.clear();
        std::mem::take(&mut self.trail)
    }
}
