//! The file's known subjects, grouped by which suspects were given them and by how popular they are:
//! all that the closer look needs of them.

use super::tally::{Suspect, Tally};
use super::{CHANCE_FLOOR, SHARED_WORK_SLACK, SUSPECTS_MAX};

/// Chances are kept away from 1, where a hit would say nothing at all.
const CHANCE_CEILING: f64 = 0.999;

#[derive(Clone, Copy, Debug)]
pub(super) struct Pattern {
    /// Bit i: suspect i was given them.
    pub who: u32,
    pub count: u64,
    /// Persons who were given one, on average.
    pub popularity: f64,
}

/// What is known of the suspects beside the file.
pub(super) struct Scene {
    pub patterns: Vec<Pattern>,
    pub unknown: u64,
    /// Each suspect's account.
    pub shown: Vec<f64>,
    pub disclosures: f64,
    pub subjects: f64,
    /// `shared[i][j]`: the share of j's subjects that i was given too.
    shared: Vec<[f64; SUSPECTS_MAX]>,
    pub hits: Vec<u64>,
}

impl Scene {
    pub fn new(tally: &Tally<'_>, suspects: &[Suspect], subjects: u64) -> Self {
        let suspects = suspects.get(..SUSPECTS_MAX).unwrap_or(suspects);
        Self {
            patterns: patterns(tally, suspects),
            unknown: tally.leak().unknown(),
            shown: suspects.iter().map(|s| s.all.count() as f64).collect(),
            disclosures: tally.disclosures() as f64,
            subjects: subjects.max(1) as f64,
            shared: shared(suspects),
            hits: suspects.iter().map(|s| s.places.count()).collect(),
        }
    }

    pub fn suspects(&self) -> usize {
        self.shown.len()
    }

    pub fn shown(&self, suspect: usize) -> f64 {
        self.shown.get(suspect).copied().unwrap_or(0.0)
    }

    /// How probably an innocent with this suspect's amount of work was given a subject of this
    /// popularity: his share of all that the others' disclosures leave, once for each person who was
    /// given it.
    pub fn by_popularity(&self, suspect: usize, pattern: &Pattern) -> f64 {
        let others = pattern.popularity - f64::from(pattern.who >> suspect & 1);
        let shown = self.shown(suspect);
        let rest = (self.disclosures - shown).max(1.0);
        (shown * others.max(0.0) / rest).clamp(CHANCE_FLOOR, CHANCE_CEILING)
    }

    /// The same, allowing for shared work: at least the share of each other holder's subjects that he
    /// was given too. `of`: whose holding counts.
    pub fn by_work(&self, suspect: usize, pattern: &Pattern, of: u32) -> f64 {
        let mut chance = self.by_popularity(suspect, pattern);
        let Some(shared) = self.shared.get(suspect) else {
            return chance;
        };
        let mut rest = pattern.who & of & !(1 << suspect);
        while rest != 0 {
            let other = rest.trailing_zeros() as usize;
            rest &= rest - 1;
            let share = shared.get(other).copied().unwrap_or(0.0);
            chance = chance.max(share * SHARED_WORK_SLACK);
        }
        chance.min(CHANCE_CEILING)
    }

    /// For subjects that nobody else was given: his share of all subjects, or of what those around the
    /// file were given, whichever is more.
    pub fn unseen(&self, suspect: usize) -> f64 {
        let (mut weight, mut sum) = (0.0, 0.0);
        for (other, hits) in self.hits.iter().enumerate() {
            if other != suspect {
                let shared = self.shared.get(suspect).and_then(|row| row.get(other));
                weight += *hits as f64;
                sum += *hits as f64 * shared.copied().unwrap_or(0.0);
            }
        }
        let around = if weight > 0.0 { sum / weight } else { 0.0 };
        (self.shown(suspect) / self.subjects)
            .max(around * SHARED_WORK_SLACK)
            .clamp(CHANCE_FLOOR, CHANCE_CEILING)
    }
}

fn shared(suspects: &[Suspect]) -> Vec<[f64; SUSPECTS_MAX]> {
    let mut shared = vec![[0.0; SUSPECTS_MAX]; suspects.len()];
    for (i, (of, row)) in suspects.iter().zip(&mut shared).enumerate() {
        for (j, (other, cell)) in suspects.iter().zip(row.iter_mut()).enumerate() {
            if i != j && other.all.count() > 0 {
                *cell = of.all.shared_with(&other.all) as f64 / other.all.count() as f64;
            }
        }
    }
    shared
}

fn patterns(tally: &Tally<'_>, suspects: &[Suspect]) -> Vec<Pattern> {
    let mut each: Vec<(u32, u32)> = tally.popularity().map(|persons| (0, persons)).collect();
    for (at, suspect) in suspects.iter().enumerate() {
        suspect.places.each(|place| {
            if let Some((who, _)) = each.get_mut(place as usize) {
                *who |= 1 << at;
            }
        });
    }
    // An order of its own, so that sums come out the same each time.
    each.sort_unstable();
    each.chunk_by(|a, b| (a.0, bucket(a.1)) == (b.0, bucket(b.1)))
        .filter_map(|alike| {
            let sum: u64 = alike.iter().map(|(_, persons)| u64::from(*persons)).sum();
            Some(Pattern {
                who: alike.first()?.0,
                count: alike.len() as u64,
                popularity: sum as f64 / alike.len() as f64,
            })
        })
        .collect()
}

/// Exact up to 8 persons, then in steps of a quarter.
fn bucket(popularity: u32) -> u8 {
    if popularity <= 8 {
        return popularity as u8;
    }
    let log = popularity.ilog2();
    (4 * log + (popularity >> (log - 2) & 3)) as u8
}
