//! The file's subjects: those that the ledger knows, by their ordinals.

use std::collections::HashMap;

/// The distinct subjects of a file. Each that was ever disclosed has a place, from 0 on; it may have
/// several ordinals (in the clear under one contract, a digest under another).
#[derive(Clone, Debug, Default)]
pub struct Leak {
    words: Vec<u64>,
    /// Bits set before each word.
    ranks: Vec<u32>,
    /// For each set bit, the place.
    places: Vec<u32>,
    known: u32,
    unknown: u64,
}

#[derive(Clone, Debug, Default)]
pub struct LeakBuilder {
    places: HashMap<u32, u32>,
    known: u32,
    unknown: u64,
}

impl LeakBuilder {
    /// One distinct value of the file, with the ordinals that it may stand for.
    pub fn add(&mut self, ordinals: &[u32]) {
        let same = ordinals
            .iter()
            .find_map(|ordinal| self.places.get(ordinal))
            .copied();
        if ordinals.is_empty() {
            self.unknown += 1;
            return;
        }
        // Two spellings of one subject are one subject.
        let place = same.unwrap_or_else(|| {
            self.known += 1;
            self.known - 1
        });
        for ordinal in ordinals {
            self.places.entry(*ordinal).or_insert(place);
        }
    }

    pub fn finish(self) -> Leak {
        let mut sorted: Vec<(u32, u32)> = self.places.into_iter().collect();
        sorted.sort_unstable();
        let size = sorted
            .last()
            .map_or(0, |(ordinal, _)| *ordinal as usize / 64 + 1);
        let mut words = vec![0u64; size];
        for (ordinal, _) in &sorted {
            if let Some(word) = words.get_mut(*ordinal as usize / 64) {
                *word |= 1 << (ordinal % 64);
            }
        }
        let mut before = 0;
        let ranks = words
            .iter()
            .map(|word| {
                let rank = before;
                before += word.count_ones();
                rank
            })
            .collect();
        Leak {
            words,
            ranks,
            places: in_order(&sorted, self.known),
            known: self.known,
            unknown: self.unknown,
        }
    }
}

/// Places anew, ascending with their first ordinals: a walk over a set then touches neighbours.
fn in_order(sorted: &[(u32, u32)], known: u32) -> Vec<u32> {
    let mut anew = vec![u32::MAX; known as usize];
    let mut next = 0;
    sorted
        .iter()
        .map(|(_, place)| {
            let Some(slot) = anew.get_mut(*place as usize) else {
                return 0;
            };
            if *slot == u32::MAX {
                *slot = next;
                next += 1;
            }
            *slot
        })
        .collect()
}

impl Leak {
    /// The subjects that were disclosed to anybody.
    pub fn known(&self) -> u32 {
        self.known
    }

    /// The values that were not.
    pub fn unknown(&self) -> u64 {
        self.unknown
    }

    pub fn distinct(&self) -> u64 {
        u64::from(self.known) + self.unknown
    }

    #[inline]
    pub fn place(&self, ordinal: u32) -> Option<u32> {
        let at = (ordinal / 64) as usize;
        let word = *self.words.get(at)?;
        let bit = 1u64 << (ordinal % 64);
        if word & bit == 0 {
            return None;
        }
        let rank = self.ranks.get(at)? + (word & (bit - 1)).count_ones();
        self.places.get(rank as usize).copied()
    }
}
