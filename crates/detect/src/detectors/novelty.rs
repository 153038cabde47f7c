//! What a person has used before, what others under the contract have, and how much was shown by way
//! of something new.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde::{Deserialize, Serialize};

use super::Seen;
use crate::suspicion::Trail;
use crate::thresholds::Novel;
use crate::window::Window;

/// Things remembered of a person; the one not used for the longest time goes.
const KNOWN_AT_MOST: usize = 16;
/// So many others make a thing the contract's own.
const PEERS_ENOUGH: usize = 2;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Memory<T> {
    persons: BTreeMap<String, Person<T>>,
}

impl<T> Default for Memory<T> {
    fn default() -> Self {
        Self {
            persons: BTreeMap::new(),
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Person<T> {
    contract: String,
    days: u32,
    last_day: Option<i32>,
    known: Vec<Known<T>>,
    shown: Window,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Known<T> {
    thing: T,
    days: u32,
    last_day: i32,
}

/// So much was shown by way of something new.
pub struct News {
    pub sum: u64,
    pub trail: Trail,
    /// Working days before it.
    pub days: u32,
}

impl<T: Clone + PartialEq + Display> Memory<T> {
    pub fn look(&mut self, thing: &T, seen: &Seen<'_>, t: &Novel) -> Option<News> {
        let contract = seen.statement.contract;
        let person = self
            .persons
            .entry(seen.who.to_owned())
            .or_insert_with(|| Person {
                contract: contract.to_owned(),
                days: 0,
                last_day: None,
                known: Vec::new(),
                shown: Window::default(),
            });
        let young = person.note(thing, seen.day) <= t.young_days;
        let new = seen.statement.subjects_new;
        if !young || new == 0 || person.days < t.known_days {
            return None;
        }
        let elsewhere = self
            .persons
            .iter()
            .filter(|(who, person)| *who != seen.who && person.contract == contract)
            .filter(|(_, person)| person.uses(thing, t.young_days))
            .take(PEERS_ENOUGH)
            .count();
        if elsewhere >= PEERS_ENOUGH {
            return None;
        }
        let person = self.persons.get_mut(seen.who)?;
        let (seq, at) = (seen.statement.seq, seen.statement.at);
        let sum = person.shown.add(seen.day, new, t.within_days, seq, at);
        (sum >= t.subjects).then(|| News {
            sum,
            trail: person.shown.take(),
            days: person.days,
        })
    }
}

impl<T: Clone + PartialEq> Person<T> {
    fn uses(&self, thing: &T, young_days: u32) -> bool {
        self.known
            .iter()
            .any(|known| known.thing == *thing && known.days > young_days)
    }

    /// On how many days the thing was used, this one included.
    fn note(&mut self, thing: &T, day: i32) -> u32 {
        if self.last_day.is_none_or(|last| day > last) {
            self.last_day = Some(day);
            self.days = self.days.saturating_add(1);
        }
        if let Some(known) = self.known.iter_mut().find(|known| known.thing == *thing) {
            if day > known.last_day {
                known.last_day = day;
                known.days = known.days.saturating_add(1);
            }
            return known.days;
        }
        if self.known.len() >= KNOWN_AT_MOST {
            let oldest = self.known.iter().map(|known| known.last_day).min();
            if let Some(at) = self.known.iter().position(|k| Some(k.last_day) == oldest) {
                self.known.remove(at);
            }
        }
        self.known.push(Known {
            thing: thing.clone(),
            days: 1,
            last_day: day,
        });
        1
    }
}
