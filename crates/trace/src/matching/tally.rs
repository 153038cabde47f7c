//! The first pass, over everybody: how many of the file's subjects each person was given, and how many
//! persons were given each subject. Then the closer look at those who have the most.

use portcullis_ledger::set::OrdinalSet;
use serde::{Deserialize, Serialize};

use super::bits::Bits;
use super::{CHANCE_FLOOR, Leak, SUSPECTS_MAX};

/// What one person was given under one contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnderContract {
    pub contract: String,
    /// Distinct subjects, all in all.
    pub shown: u64,
    /// Of these, the file's.
    pub hits: u64,
}

#[derive(Clone, Debug)]
pub struct PersonTally {
    pub person: String,
    pub contracts: Vec<UnderContract>,
    /// The contracts' figures added up.
    pub shown: u64,
    /// Distinct subjects of the file.
    pub hits: u64,
}

/// Of one place.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Count {
    /// How many persons were given it.
    pub persons: u32,
    /// The last person counted, from 1 on.
    last: u32,
}

/// Sets are taken in one at a time, so that nothing must be held for long while others charge.
pub struct Tally<'a> {
    leak: &'a Leak,
    persons: Vec<PersonTally>,
    counts: Vec<Count>,
}

impl<'a> Tally<'a> {
    pub fn new(leak: &'a Leak) -> Self {
        Self {
            leak,
            persons: Vec::new(),
            counts: vec![Count::default(); leak.known() as usize],
        }
    }

    /// A person's account under a contract. All of a person's must come one after the other.
    pub fn take(&mut self, person: &str, contract: &str, seen: &OrdinalSet) {
        if self.persons.last().is_none_or(|last| last.person != person) {
            self.persons.push(PersonTally {
                person: person.to_owned(),
                contracts: Vec::new(),
                shown: 0,
                hits: 0,
            });
        }
        let stamp = u32::try_from(self.persons.len()).unwrap_or(u32::MAX);
        let (mut hits, mut new) = (0, 0);
        let (leak, counts) = (self.leak, &mut self.counts);
        seen.each(|ordinal| {
            let Some(place) = leak.place(ordinal) else {
                return;
            };
            hits += 1;
            let Some(count) = counts.get_mut(place as usize) else {
                return;
            };
            if count.last != stamp {
                count.last = stamp;
                count.persons += 1;
                new += 1;
            }
        });
        if let Some(tally) = self.persons.last_mut() {
            tally.shown += seen.len();
            tally.hits += new;
            tally.contracts.push(UnderContract {
                contract: contract.to_owned(),
                shown: seen.len(),
                hits,
            });
        }
    }

    pub fn persons(&self) -> &[PersonTally] {
        &self.persons
    }

    pub fn leak(&self) -> &'a Leak {
        self.leak
    }

    /// For each place, how many persons were given it.
    pub(super) fn popularity(&self) -> impl Iterator<Item = u32> {
        self.counts.iter().map(|count| count.persons)
    }

    /// All disclosures, each person's subjects counted once.
    pub(super) fn disclosures(&self) -> u64 {
        self.persons.iter().map(|tally| tally.shown).sum()
    }

    /// Those to look at closely, as places in [`Tally::persons`]: who has the most, what everybody with
    /// as large an account would have discounted. `subjects`: all that were ever disclosed to anybody.
    pub fn leading(&self, subjects: u64) -> Vec<usize> {
        let weight = |tally: &PersonTally| {
            let share = tally.shown as f64 / subjects.max(1) as f64;
            tally.hits as f64 * (1.0 / share.clamp(CHANCE_FLOOR, 0.99)).ln()
        };
        let mut order: Vec<usize> = (0..self.persons.len()).collect();
        order.retain(|at| self.persons.get(*at).is_some_and(|tally| tally.hits > 0));
        order.sort_by(|a, b| {
            let (a, b) = (self.persons.get(*a), self.persons.get(*b));
            let weights = b.map(weight).zip(a.map(weight));
            weights.map_or(std::cmp::Ordering::Equal, |(b, a)| b.total_cmp(&a))
        });
        order.truncate(SUSPECTS_MAX);
        order
    }
}

/// A person looked at closely.
pub struct Suspect {
    /// In [`Tally::persons`].
    pub at: usize,
    pub(super) all: Bits,
    pub(super) places: Bits,
}

impl Suspect {
    /// From all his sets.
    pub fn new<'s>(at: usize, leak: &Leak, sets: impl IntoIterator<Item = &'s OrdinalSet>) -> Self {
        let (mut all, mut places) = (Bits::default(), Bits::default());
        for set in sets {
            set.each(|ordinal| {
                all.set(ordinal);
                if let Some(place) = leak.place(ordinal) {
                    places.set(place);
                }
            });
        }
        Self { at, all, places }
    }
}
