//! Counting distinct subjects over several accounts.

use std::collections::BTreeMap;

use portcullis_ledger::set::OrdinalSet;

/// Ordinals as bits: a union of many sets costs a nanosecond or two a member.
#[derive(Clone, Default)]
pub struct Bits(Vec<u64>);

impl Bits {
    pub fn add(&mut self, set: &OrdinalSet) {
        set.each(|ordinal| {
            let at = ordinal as usize / 64;
            if at >= self.0.len() {
                self.0.resize(at + 1, 0);
            }
            if let Some(word) = self.0.get_mut(at) {
                *word |= 1 << (ordinal % 64);
            }
        });
    }

    /// Whether it was there.
    pub fn take(&mut self, ordinal: u32) -> bool {
        let Some(word) = self.0.get_mut(ordinal as usize / 64) else {
            return false;
        };
        let bit = 1 << (ordinal % 64);
        let was = *word & bit != 0;
        *word &= !bit;
        was
    }

    pub fn or(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (word, more) in self.0.iter_mut().zip(&other.0) {
            *word |= more;
        }
    }

    pub fn count(&self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }
}

/// Subjects of one kind on one resource. Ids of contracts that show the subject are the same under
/// all of them; a contract that keys its ids has a space of its own.
#[derive(Clone, Default)]
pub struct Spaces(BTreeMap<Option<String>, Bits>);

impl Spaces {
    /// `keyed_under`: the contract, where its ids are keyed.
    pub fn add(&mut self, keyed_under: Option<&str>, set: &OrdinalSet) {
        self.0
            .entry(keyed_under.map(str::to_owned))
            .or_default()
            .add(set);
    }

    /// Exact within one space; over several a person may be counted once in each.
    pub fn count(&self) -> (u64, bool) {
        let counts: Vec<u64> = self
            .0
            .values()
            .map(Bits::count)
            .filter(|count| *count > 0)
            .collect();
        (counts.iter().sum(), counts.len() <= 1)
    }

    /// The fewest and the most that it can be.
    pub fn at_least(&self) -> u64 {
        self.0.values().map(Bits::count).max().unwrap_or(0)
    }

    pub fn keyed_under(&self) -> impl Iterator<Item = &str> {
        self.0.keys().flatten().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_counts_once_in_a_space() {
        let set = |ordinals: &[u32]| ordinals.iter().copied().collect::<OrdinalSet>();
        let mut spaces = Spaces::default();
        spaces.add(None, &set(&[1, 2, 70_000]));
        spaces.add(None, &set(&[2, 3]));
        assert_eq!(spaces.count(), (4, true));
        spaces.add(Some("c"), &set(&[9, 10]));
        assert_eq!(spaces.count(), (6, false));
        assert_eq!(spaces.at_least(), 4);
        let mut bits = Bits::default();
        bits.add(&set(&[5, 64]));
        assert!(bits.take(64) && !bits.take(64) && !bits.take(4_000_000));
        assert_eq!(bits.count(), 1);
    }
}
