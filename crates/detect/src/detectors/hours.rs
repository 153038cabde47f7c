//! Work in hours that are not this person's. Copying is done when nobody looks; a night with an
//! incident has a few look-ups, a night of collecting has many.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Seen;
use crate::suspicion::{Detector, Raised, Severity};
use crate::thresholds::Hours;
use crate::window::Window;

/// Hours of working days, then of weekends.
const SLOTS: usize = 48;
/// An hour with work in it weighs so much, one that was odd when it came a quarter: a habit is made
/// by weeks, not by one busy night.
const WEIGHT: u64 = 400;
const ODD_WEIGHT: u64 = 100;
/// What is left of a week's hours a week later, in percent: a half after some 20 weeks.
const KEPT_PERCENT: u64 = 97;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Memory {
    persons: BTreeMap<String, Habit>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Habit {
    slots: Vec<u64>,
    /// Day and slot that were counted last.
    counted: Option<(i32, usize)>,
    last_day: Option<i32>,
    days: u32,
    week: i32,
    odd: Window,
}

pub fn look(memory: &mut Memory, seen: &Seen<'_>, t: &Hours) -> Option<Raised> {
    let habit = memory.persons.entry(seen.who.to_owned()).or_default();
    habit.slots.resize(SLOTS, 0);
    habit.forget(seen.day);
    let hour = usize::try_from(seen.statement.local.hour()).unwrap_or(0);
    let weekend = seen.statement.local.weekday().to_monday_zero_offset() >= 5;
    let slot = hour + if weekend { SLOTS / 2 } else { 0 };
    let share = habit.share_permille(slot);
    let odd = habit.days >= t.known_days && share < t.share_permille;
    habit.count(seen.day, slot, odd);
    let new = seen.statement.subjects_new;
    if !odd || new == 0 {
        return None;
    }
    let (seq, at) = (seen.statement.seq, seen.statement.at);
    let sum = habit.odd.add(seen.day, new, t.within_days, seq, at);
    if sum < t.subjects {
        return None;
    }
    let kind = if weekend { "weekend" } else { "working-day" };
    Some(Raised {
        detector: Detector::OddHours,
        severity: Severity::Medium,
        reason: format!(
            "{sum} subjects shown within {} days at hours that are not this person's, lately at {hour} \
             o'clock of a {kind}: around that hour lie {}.{} % of this person's working hours so far",
            t.within_days,
            share / 10,
            share % 10
        ),
        trail: habit.odd.take(),
    })
}

impl Habit {
    fn forget(&mut self, day: i32) {
        let week = day.div_euclid(7);
        if self.week == 0 {
            self.week = week;
        }
        // Beyond two years nothing is left to lose.
        for _ in 0..(week - self.week).clamp(0, 104) {
            for slot in &mut self.slots {
                *slot = *slot * KEPT_PERCENT / 100;
            }
        }
        self.week = self.week.max(week);
    }

    /// Of this hour and its neighbours, among all.
    fn share_permille(&self, slot: usize) -> u64 {
        let half = SLOTS / 2;
        let base = slot / half * half;
        let near = [half - 1, 0, 1].map(|step| base + (slot % half + step) % half);
        let sum: u64 = near.iter().filter_map(|at| self.slots.get(*at)).sum();
        let all: u64 = self.slots.iter().sum();
        (sum * 1000).checked_div(all).unwrap_or(1000)
    }

    /// An hour counts once, however much was done in it.
    fn count(&mut self, day: i32, slot: usize, odd: bool) {
        if self.last_day.is_none_or(|last| day > last) {
            self.last_day = Some(day);
            self.days = self.days.saturating_add(1);
        }
        if self.counted != Some((day, slot)) {
            self.counted = Some((day, slot));
            if let Some(weight) = self.slots.get_mut(slot) {
                *weight += if odd { ODD_WEIGHT } else { WEIGHT };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::story::{Told, working_days};
    use super::*;

    fn at(memory: &mut Memory, day: i32, hour: i8, new: u64) -> Option<Raised> {
        let told = Told {
            day,
            hour,
            new,
            ..Told::default()
        };
        told.look(|seen| look(memory, seen, &crate::Thresholds::default().hours))
    }

    #[test]
    fn a_night_of_collecting_is_heard_and_an_incident_is_not() {
        let mut memory = Memory::default();
        for day in working_days(0, 50) {
            for hour in 9..18 {
                assert!(at(&mut memory, day, hour, 20).is_none());
            }
        }
        let mut incident = memory.clone();
        assert!(at(&mut incident, 51, 2, 30).is_none());
        // An hour longer than usual.
        assert!(at(&mut incident, 52, 18, 90).is_none());
        assert!(at(&mut memory, 51, 2, 30).is_none());
        let told = at(&mut memory, 51, 3, 40).map(|raised| raised.reason);
        assert!(told.is_some_and(|reason| reason.contains("70 subjects")));
    }

    #[test]
    fn who_always_works_at_night_works_at_night() {
        let mut memory = Memory::default();
        for day in working_days(0, 100) {
            for hour in 0..5 {
                assert!(at(&mut memory, day, hour, 50).is_none());
            }
        }
    }
}
