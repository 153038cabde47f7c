//! Coverage grows out of line. Whoever collects must, sooner or later, be shown more people than his
//! work needs: more than he himself ever needed, or more than those who do the same work.
//!
//! Sums of new subjects over a day, a week, four weeks and a quarter, each against the person's own
//! past sums and against the peers' sums of the same length; medians and MADs of the logarithm.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Seen;
use crate::robust::Usual;
use crate::suspicion::{Detector, Raised, Severity, Trail};
use crate::thresholds::{Growth, Horizon};

/// Days with activity that are remembered of a person: some eight months of work.
const DAYS_KEPT: usize = 180;
/// Past windows overlap by all but a quarter of their length.
const STEPS_A_WINDOW: u32 = 4;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Memory {
    persons: BTreeMap<String, Past>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Past {
    contract: String,
    /// Day and new subjects, oldest first; only days with any.
    days: VecDeque<(i32, u64)>,
    first_day: Option<i32>,
    /// Of today.
    limits: Vec<Option<Limit>>,
    limits_day: Option<i32>,
    spoken_day: Option<i32>,
    trail: Trail,
}

/// From where on a sum is out of line, and what is usual.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Limit {
    above: u64,
    own_usual: Option<u64>,
    peers_usual: Option<u64>,
}

pub fn look(memory: &mut Memory, seen: &Seen<'_>, t: &Growth) -> Option<Raised> {
    let new = seen.statement.subjects_new;
    if new == 0 {
        return None;
    }
    let today = memory.note(seen, new);
    if memory.persons.get(seen.who)?.limits_day != Some(today) {
        let limits = t
            .horizons
            .iter()
            .map(|horizon| memory.limit(seen, today, horizon, t))
            .collect();
        let past = memory.persons.get_mut(seen.who)?;
        past.limits = limits;
        past.limits_day = Some(today);
        past.trail = Trail::default();
    }
    let past = memory.persons.get_mut(seen.who)?;
    past.trail.note(seen.statement.seq, seen.statement.at);
    if past.spoken_day == Some(today) {
        return None;
    }
    let (horizon, limit, sum) = t.horizons.iter().zip(&past.limits).find_map(|(h, limit)| {
        let limit = (*limit)?;
        let sum = past.sum(today, h.days);
        (sum > limit.above.max(h.floor)).then_some((h, limit, sum))
    })?;
    past.spoken_day = Some(today);
    Some(raised(horizon, limit, sum, &past.trail, seen.statement.at))
}

fn raised(horizon: &Horizon, limit: Limit, sum: u64, trail: &Trail, _at: Timestamp) -> Raised {
    let span = match horizon.days {
        1 => "today".to_owned(),
        days => format!("within {days} days"),
    };
    let own = match limit.own_usual {
        Some(usual) => format!("usual for this person are {usual}"),
        None => "this person is too new for a past of his own".to_owned(),
    };
    let peers = match limit.peers_usual {
        Some(usual) => format!(", for the others under this contract {usual}"),
        None => String::new(),
    };
    let out_of_line = limit.above.max(horizon.floor);
    Raised {
        detector: Detector::CoverageGrowth,
        severity: if sum > out_of_line.saturating_mul(2) {
            Severity::High
        } else {
            Severity::Medium
        },
        reason: format!(
            "{sum} subjects {span} that this person was never shown before; {own}{peers}; \
             out of line from {out_of_line} on"
        ),
        trail: trail.clone(),
    }
}

impl Memory {
    /// Counts, and says which day it counted for: days never go back.
    fn note(&mut self, seen: &Seen<'_>, new: u64) -> i32 {
        let past = self.persons.entry(seen.who.to_owned()).or_default();
        if past.contract.is_empty() {
            past.contract = seen.statement.contract.to_owned();
        }
        past.first_day.get_or_insert(seen.day);
        match past.days.back_mut() {
            Some((day, sum)) if *day >= seen.day => {
                *sum = sum.saturating_add(new);
                *day
            }
            _ => {
                if past.days.len() == DAYS_KEPT {
                    past.days.pop_front();
                }
                past.days.push_back((seen.day, new));
                seen.day
            }
        }
    }

    fn limit(&self, seen: &Seen<'_>, today: i32, horizon: &Horizon, t: &Growth) -> Option<Limit> {
        let own = self.persons.get(seen.who).and_then(|past| {
            Usual::of(
                &past.windows(today, horizon.days),
                t.own_at_least,
                t.spread_floor,
            )
        });
        let peers: Vec<u64> = self
            .persons
            .iter()
            .filter(|(who, past)| *who != seen.who && past.contract == seen.statement.contract)
            .map(|(_, past)| past.sum(today - 1, horizon.days))
            .filter(|sum| *sum > 0)
            .collect();
        let peers = Usual::of(&peers, t.peers_at_least, t.spread_floor);
        let above = [
            own.map(|usual| usual.above(t.alone)),
            peers.map(|usual| usual.above(t.alone)),
            own.zip(peers)
                .map(|(own, peers)| own.above(t.both).max(peers.above(t.both))),
        ];
        Some(Limit {
            above: above.into_iter().flatten().min()?,
            own_usual: own.map(|usual| usual.middle()),
            peers_usual: peers.map(|usual| usual.middle()),
        })
    }
}

impl Past {
    /// New subjects in the `days` days that end with `last`.
    fn sum(&self, last: i32, days: u32) -> u64 {
        let first = last.saturating_sub_unsigned(days.saturating_sub(1));
        let latest_first = self.days.iter().rev();
        latest_first
            .take_while(|(day, _)| *day >= first)
            .filter(|(day, _)| *day <= last)
            .fold(0, |sum, (_, new)| sum.saturating_add(*new))
    }

    /// Sums of past windows that end before the one that is looked at begins.
    fn windows(&self, today: i32, days: u32) -> Vec<u64> {
        let Some(first) = self.days.front().map(|(day, _)| *day) else {
            return Vec::new();
        };
        if days == 1 {
            let past = self.days.iter().filter(|(day, _)| *day < today);
            return past.map(|(_, new)| *new).collect();
        }
        let step = (days / STEPS_A_WINDOW).max(1);
        let mut sums = Vec::new();
        let mut last = today.saturating_sub_unsigned(days);
        while last >= first.saturating_add_unsigned(days - 1) {
            let sum = self.sum(last, days);
            if sum > 0 {
                sums.push(sum);
            }
            last = last.saturating_sub_unsigned(step);
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::super::story::{Told, working_days};
    use super::*;

    fn day(memory: &mut Memory, who: &'static str, day: i32, new: u64) -> Option<Raised> {
        let told = Told {
            who,
            day,
            new,
            ..Told::default()
        };
        let t = crate::Thresholds::default().growth;
        told.look(|seen| look(memory, seen, &t))
    }

    #[test]
    fn a_person_who_suddenly_needs_twenty_times_as_much_is_asked_and_one_with_a_busy_day_is_not() {
        let mut memory = Memory::default();
        for n in working_days(0, 60) {
            let usual = 15 + u64::try_from(n * 7 % 20).unwrap_or(0);
            assert!(day(&mut memory, "li", n, usual).is_none(), "day {n}");
        }
        assert!(day(&mut memory.clone(), "li", 60, 120).is_none());
        let told = day(&mut memory, "li", 60, 500).map(|raised| raised.reason);
        assert!(told.is_some_and(|reason| reason.starts_with("500 subjects today")));
    }

    #[test]
    fn a_drip_from_the_first_day_on_stands_out_among_peers() {
        let mut memory = Memory::default();
        let peers = ["a", "b", "c", "d", "e", "f"];
        let mut spoken = None;
        for n in working_days(0, 120) {
            for peer in peers {
                assert!(day(&mut memory, peer, n, 6).is_none());
            }
            if day(&mut memory, "drip", n, 60).is_some() {
                spoken.get_or_insert(n);
            }
        }
        assert!(spoken.is_some_and(|n| n <= 42), "{spoken:?}");
    }

    #[test]
    fn peers_who_all_work_alike_are_left_alone() {
        let mut memory = Memory::default();
        for n in working_days(0, 150) {
            for (index, who) in (0_u64..).zip(["a", "b", "c", "d", "e", "f", "g"]) {
                let new = 10 + 5 * index + u64::try_from(n % 11).unwrap_or(0);
                assert!(day(&mut memory, who, n, new).is_none(), "{who} on {n}");
            }
        }
    }
}
