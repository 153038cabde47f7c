//! An account that slept for weeks and came back hungry: somebody else may have it, or its owner has
//! changed his mind about his work.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::Seen;
use crate::suspicion::{Detector, Raised, Severity};
use crate::thresholds::Dormant;
use crate::window::Window;

/// Days of work before the sleep that say what is usual.
const DAYS_KEPT: usize = 30;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Memory {
    persons: BTreeMap<String, Person>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Person {
    /// New subjects of the last days of work.
    days: VecDeque<u64>,
    last_day: Option<i32>,
    awake: Option<Awake>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Awake {
    since: i32,
    slept: i32,
    usual: u64,
    shown: Window,
}

pub fn look(memory: &mut Memory, seen: &Seen<'_>, t: &Dormant) -> Option<Raised> {
    let person = memory.persons.entry(seen.who.to_owned()).or_default();
    person.begin_day(seen.day, t);
    let new = seen.statement.subjects_new;
    if let Some(today) = person.days.back_mut() {
        *today = today.saturating_add(new);
    }
    let awake = person.awake.as_mut()?;
    let (seq, at) = (seen.statement.seq, seen.statement.at);
    let sum = awake.shown.add(seen.day, new, t.within_days, seq, at);
    let usual = awake.usual.saturating_mul(t.times_own_day);
    if new == 0 || sum < t.subjects.max(usual) {
        return None;
    }
    let mut awake = person.awake.take()?;
    Some(Raised {
        detector: Detector::DormantBusy,
        severity: Severity::Medium,
        reason: format!(
            "this account slept for {} days and was then shown {sum} new subjects within {} days; a \
             usual day before had {}",
            awake.slept, t.within_days, awake.usual
        ),
        trail: awake.shown.take(),
    })
}

impl Person {
    fn begin_day(&mut self, day: i32, t: &Dormant) {
        let Some(last) = self.last_day else {
            self.last_day = Some(day);
            self.days.push_back(0);
            return;
        };
        if day <= last {
            return;
        }
        self.last_day = Some(day);
        let slept = day.saturating_sub(last);
        let within = i32::try_from(t.within_days).unwrap_or(i32::MAX);
        if self
            .awake
            .as_ref()
            .is_some_and(|awake| day - awake.since >= within)
        {
            self.awake = None;
        }
        if slept >= i32::try_from(t.asleep_days).unwrap_or(i32::MAX) {
            self.awake = Some(Awake {
                since: day,
                slept,
                usual: middle(&self.days),
                shown: Window::default(),
            });
        }
        if self.days.len() == DAYS_KEPT {
            self.days.pop_front();
        }
        self.days.push_back(0);
    }
}

fn middle(days: &VecDeque<u64>) -> u64 {
    let mut sorted: Vec<u64> = days.iter().copied().collect();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::super::story::{Told, working_days};
    use super::*;

    fn on(memory: &mut Memory, day: i32, new: u64) -> Option<Raised> {
        let told = Told {
            day,
            new,
            ..Told::default()
        };
        told.look(|seen| look(memory, seen, &crate::Thresholds::default().dormant))
    }

    #[test]
    fn hunger_after_sleep_is_heard_and_a_return_from_leave_is_not() {
        let mut memory = Memory::default();
        for day in working_days(0, 20) {
            assert!(on(&mut memory, day, 20).is_none());
        }
        let mut holiday = memory.clone();
        assert!(
            on(&mut holiday, 45, 300).is_none(),
            "four weeks are a holiday"
        );
        let mut leave = memory.clone();
        for day in working_days(112, 130) {
            assert!(on(&mut leave, day, 25).is_none(), "day {day}");
        }
        assert!(on(&mut memory, 112, 90).is_none());
        assert!(on(&mut memory, 113, 60).is_some());
    }
}
