//! Inputs near the kept ones, from a seed: the same seed gives the same inputs on any machine.

/// A generator of no cryptographic worth (SplitMix64).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// 0 to `below`, `below` not included; 0 where that is nothing.
    pub fn below(&mut self, below: usize) -> usize {
        usize::try_from(self.next() % (below.max(1) as u64)).unwrap_or(0)
    }
}

const LONGEST_BYTES: usize = 4_096;
const STEPS: usize = 6;
/// Lengths and counts at which parsers break.
const EDGES: [u32; 12] = [
    0,
    1,
    3,
    4,
    5,
    0x7f,
    0xff,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_fffe,
    0xffff_ffff,
];
const BYTES: [u8; 14] = [
    0, 1, 0x7f, 0x80, 0xff, 0xfe, b'\n', b',', b'\t', b'=', b'$', b'"', b'\'', b'-',
];

/// One of `corpus`, changed in a few places, or spliced with another.
pub fn mutant(random: &mut Random, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut input = corpus[random.below(corpus.len())].clone();
    for _ in 0..=random.below(STEPS) {
        step(random, &mut input, corpus);
    }
    input.truncate(LONGEST_BYTES);
    input
}

fn step(random: &mut Random, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
    let at = random.below(input.len() + 1);
    match random.below(9) {
        0 => set(input, at, random.below(256) as u8),
        1 => set(input, at, BYTES[random.below(BYTES.len())]),
        2 => {
            let bit = 1 << random.below(8);
            let flipped = input.get(at).copied().unwrap_or_default() ^ bit;
            set(input, at, flipped);
        }
        3 => input.insert(at, BYTES[random.below(BYTES.len())]),
        4 => drop(input.drain(at..(at + 1 + random.below(8)).min(input.len()).max(at))),
        5 => input.truncate(at),
        6 => overwrite(input, at, &EDGES[random.below(EDGES.len())].to_be_bytes()),
        7 => {
            let edge = EDGES[random.below(EDGES.len())].to_be_bytes();
            overwrite(input, at, &edge[2..]);
        }
        _ => {
            let other = &corpus[random.below(corpus.len())];
            let from = random.below(other.len());
            let part = other[from..(from + random.below(64)).min(other.len())].to_vec();
            input.splice(at..at, part);
        }
    }
}

fn set(input: &mut [u8], at: usize, to: u8) {
    if let Some(byte) = input.get_mut(at) {
        *byte = to;
    }
}

fn overwrite(input: &mut [u8], at: usize, with: &[u8]) {
    for (index, byte) in with.iter().enumerate() {
        set(input, at + index, *byte);
    }
}
