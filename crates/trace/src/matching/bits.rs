//! A plain bitmap: quick to fill, to ask and to intersect.

#[derive(Clone, Debug, Default)]
pub struct Bits {
    words: Vec<u64>,
    count: u64,
}

impl Bits {
    pub fn set(&mut self, at: u32) {
        let word = (at / 64) as usize;
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        if let Some(word) = self.words.get_mut(word) {
            let bit = 1 << (at % 64);
            self.count += u64::from(*word & bit == 0);
            *word |= bit;
        }
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    pub fn contains(&self, at: u32) -> bool {
        let word = self.words.get((at / 64) as usize).copied().unwrap_or(0);
        word >> (at % 64) & 1 == 1
    }

    pub fn each(&self, mut with: impl FnMut(u32)) {
        for (at, word) in (0u32..).zip(&self.words) {
            let mut rest = *word;
            while rest != 0 {
                with(at * 64 + rest.trailing_zeros());
                rest &= rest - 1;
            }
        }
    }

    pub fn shared_with(&self, other: &Self) -> u64 {
        let pairs = self.words.iter().zip(&other.words);
        pairs.map(|(a, b)| u64::from((a & b).count_ones())).sum()
    }
}
