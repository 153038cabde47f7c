//! Exact sets of ordinals at less than a byte a member: blocks of 65,536, each as small as its
//! density allows.
//!
//! A sparse block is a sorted list, a denser one Elias–Fano coded (P. Elias, "Efficient storage and
//! retrieval by content and address of static files", 1974: n values below u in n·(2 + log2(u/n))
//! bits), a dense one a bitmap. What is new to a coded block waits in a short sorted list.

/// Members of a block are the low 16 bits.
const BLOCK_BITS: u32 = 16;
const BLOCK_SIZE: u32 = 1 << BLOCK_BITS;
/// Up to so many members a block is a plain sorted list.
const LIST_MAX: usize = 48;
/// From so many on a bitmap is no larger than the code.
const BITMAP_MIN: usize = 14_000;
const BITMAP_WORDS: usize = (BLOCK_SIZE / 64) as usize;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrdinalSet {
    /// Sorted by the high bits.
    blocks: Vec<(u16, Block)>,
    len: u64,
}

#[derive(Clone, Debug)]
enum Block {
    List(Vec<u16>),
    Coded { coded: Coded, recent: Vec<u16> },
    Bitmap { words: Box<[u64]>, count: u32 },
}

/// Elias–Fano: the low `low_bits` of each member side by side, then the high parts in unary.
#[derive(Clone, Debug)]
struct Coded {
    words: Box<[u64]>,
    count: u16,
    low_bits: u8,
}

impl PartialEq for Block {
    fn eq(&self, other: &Self) -> bool {
        self.members() == other.members()
    }
}
impl Eq for Block {}

impl OrdinalSet {
    pub fn len(&self) -> u64 {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn contains(&self, ordinal: u32) -> bool {
        let (high, low) = split(ordinal);
        self.blocks
            .binary_search_by_key(&high, |(key, _)| *key)
            .ok()
            .and_then(|at| self.blocks.get(at))
            .is_some_and(|(_, block)| block.contains(low))
    }

    /// Whether it was new.
    pub fn insert(&mut self, ordinal: u32) -> bool {
        let (high, low) = split(ordinal);
        let new = self.block(high).insert(low);
        self.len += u64::from(new);
        new
    }

    /// Takes in ordinals in ascending order; how many were new.
    pub fn insert_sorted(&mut self, ordinals: &[u32]) -> u64 {
        let before = self.len;
        self.insert_telling(ordinals, &mut |_| {});
        self.len - before
    }

    /// Takes in ordinals in ascending order, and tells those that were new.
    pub fn insert_telling(&mut self, ordinals: &[u32], new: &mut impl FnMut(u32)) {
        for run in ordinals.chunk_by(|a, b| split(*a).0 == split(*b).0) {
            let Some(high) = run.first().map(|first| split(*first).0) else {
                continue;
            };
            let mut count = 0;
            self.block(high).insert_run(run, &mut |ordinal| {
                count += 1;
                new(ordinal);
            });
            self.len += count;
        }
    }

    fn block(&mut self, high: u16) -> &mut Block {
        let at = match self.blocks.binary_search_by_key(&high, |(key, _)| *key) {
            Ok(at) => at,
            Err(at) => {
                self.blocks.insert(at, (high, Block::List(Vec::new())));
                at
            }
        };
        #[expect(clippy::indexing_slicing, reason = "found or just put there")]
        &mut self.blocks[at].1
    }

    /// Calls `with` for each member, ascending.
    pub fn each(&self, mut with: impl FnMut(u32)) {
        for (high, block) in &self.blocks {
            let base = u32::from(*high) << BLOCK_BITS;
            block.each(|low| with(base | u32::from(low)));
        }
    }

    pub fn largest(&self) -> Option<u32> {
        let (high, block) = self.blocks.last()?;
        let low = block.members().last().copied()?;
        Some(u32::from(*high) << BLOCK_BITS | u32::from(low))
    }

    pub fn to_vec(&self) -> Vec<u32> {
        let mut members = Vec::with_capacity(usize::try_from(self.len).unwrap_or(0));
        self.each(|ordinal| members.push(ordinal));
        members
    }

    /// Packs what waits; worth it for a set that is not written to for a while.
    pub fn pack(&mut self) {
        for (_, block) in &mut self.blocks {
            block.pack();
        }
        self.blocks.shrink_to_fit();
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        let blocks: usize = self
            .blocks
            .iter()
            .map(|(_, block)| block.heap_bytes())
            .sum();
        blocks + self.blocks.capacity() * size_of::<(u16, Block)>()
    }

    /// As gaps in varints: what a snapshot keeps.
    pub fn write(&self, out: &mut Vec<u8>) {
        put_varint(out, self.len);
        let mut next = 0;
        self.each(|ordinal| {
            put_varint(out, u64::from(ordinal) - next);
            next = u64::from(ordinal) + 1;
        });
    }

    /// Reads what [`OrdinalSet::write`] wrote, and what follows it; `None` where it is cut or wrong.
    pub fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (count, mut rest) = take_varint(bytes)?;
        let mut set = Self::default();
        let mut next = 0u64;
        let mut batch = Vec::with_capacity(4096);
        for _ in 0..count {
            let (gap, after) = take_varint(rest)?;
            let ordinal = u32::try_from(next.checked_add(gap)?).ok()?;
            next = u64::from(ordinal) + 1;
            rest = after;
            batch.push(ordinal);
            if batch.len() == batch.capacity() {
                set.insert_sorted(&batch);
                batch.clear();
            }
        }
        set.insert_sorted(&batch);
        set.pack();
        Some((set, rest))
    }
}

impl FromIterator<u32> for OrdinalSet {
    fn from_iter<T: IntoIterator<Item = u32>>(ordinals: T) -> Self {
        let mut ordinals: Vec<u32> = ordinals.into_iter().collect();
        ordinals.sort_unstable();
        ordinals.dedup();
        let mut set = Self::default();
        set.insert_sorted(&ordinals);
        set.pack();
        set
    }
}

fn split(ordinal: u32) -> (u16, u16) {
    ((ordinal >> BLOCK_BITS) as u16, ordinal as u16)
}

/// LEB128, as in protocol buffers.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(crate) fn take_varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0u64;
    for (index, byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f).checked_shl(7 * u32::try_from(index).ok()?)?;
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(index + 1..)?));
        }
    }
    None
}

impl Block {
    fn contains(&self, low: u16) -> bool {
        match self {
            Self::List(list) => list.binary_search(&low).is_ok(),
            Self::Coded { coded, recent } => {
                coded.contains(low) || recent.binary_search(&low).is_ok()
            }
            Self::Bitmap { words, .. } => bit(words, low),
        }
    }

    fn insert(&mut self, low: u16) -> bool {
        match self {
            Self::List(list) => {
                let Err(at) = list.binary_search(&low) else {
                    return false;
                };
                list.insert(at, low);
                if list.len() > LIST_MAX {
                    self.pack();
                }
            }
            Self::Coded { coded, recent } => {
                if coded.contains(low) {
                    return false;
                }
                let Err(at) = recent.binary_search(&low) else {
                    return false;
                };
                recent.insert(at, low);
                if recent.len() > LIST_MAX.max(usize::from(coded.count) / 16) {
                    self.pack();
                }
            }
            Self::Bitmap { words, count } => {
                if !set_bit(words, low) {
                    return false;
                }
                *count += 1;
            }
        }
        true
    }

    /// `run` ascending, all of this block.
    fn insert_run(&mut self, run: &[u32], new: &mut impl FnMut(u32)) {
        // A few one by one; many at once by a merge.
        if run.len() < LIST_MAX || matches!(self, Self::Bitmap { .. }) {
            for ordinal in run {
                if self.insert(*ordinal as u16) {
                    new(*ordinal);
                }
            }
            return;
        }
        let before = self.members();
        let mut merged = Vec::with_capacity(before.len() + run.len());
        let mut old = before.into_iter().peekable();
        for ordinal in run {
            let low = *ordinal as u16;
            while let Some(member) = old.next_if(|member| *member <= low) {
                merged.push(member);
            }
            if merged.last() != Some(&low) {
                merged.push(low);
                new(*ordinal);
            }
        }
        merged.extend(old);
        *self = Self::of(merged);
    }

    fn of(members: Vec<u16>) -> Self {
        if members.len() <= LIST_MAX {
            return Self::List(members);
        }
        if members.len() < BITMAP_MIN {
            return Self::Coded {
                coded: Coded::of(&members),
                recent: Vec::new(),
            };
        }
        let mut words = vec![0u64; BITMAP_WORDS].into_boxed_slice();
        let mut count = 0;
        for member in members {
            count += u32::from(set_bit(&mut words, member));
        }
        Self::Bitmap { words, count }
    }

    fn members(&self) -> Vec<u16> {
        let mut members = Vec::new();
        self.each(|low| members.push(low));
        members
    }

    fn each(&self, mut with: impl FnMut(u16)) {
        match self {
            Self::List(list) => list.iter().for_each(|low| with(*low)),
            Self::Coded { coded, recent } => {
                let mut waiting = recent.iter().copied().peekable();
                coded.each(|low| {
                    while let Some(early) = waiting.next_if(|recent| *recent < low) {
                        with(early);
                    }
                    with(low);
                });
                waiting.for_each(with);
            }
            Self::Bitmap { words, .. } => {
                for (at, word) in (0u16..).zip(words.iter()) {
                    let mut rest = *word;
                    while rest != 0 {
                        with(at * 64 + rest.trailing_zeros() as u16);
                        rest &= rest - 1;
                    }
                }
            }
        }
    }

    fn pack(&mut self) {
        match self {
            Self::List(list) if list.len() <= LIST_MAX => list.shrink_to_fit(),
            Self::Coded { recent, .. } if recent.is_empty() => recent.shrink_to_fit(),
            Self::Bitmap { .. } => {}
            Self::List(_) | Self::Coded { .. } => *self = Self::of(self.members()),
        }
    }

    fn heap_bytes(&self) -> usize {
        match self {
            Self::List(list) => 2 * list.capacity(),
            Self::Coded { coded, recent } => 8 * coded.words.len() + 2 * recent.capacity(),
            Self::Bitmap { words, .. } => 8 * words.len(),
        }
    }
}

impl Coded {
    /// `members` ascending, fewer than 65,536.
    fn of(members: &[u16]) -> Self {
        let count = members.len();
        let low_bits = (BLOCK_SIZE / u32::try_from(count).unwrap_or(1).max(1)).ilog2();
        let high_start = count * low_bits as usize;
        let bits = high_start + count + (BLOCK_SIZE >> low_bits) as usize;
        let mut words = vec![0u64; bits.div_ceil(64)].into_boxed_slice();
        for (index, member) in members.iter().enumerate() {
            let low = u64::from(*member) & ((1 << low_bits) - 1);
            put_bits(&mut words, index * low_bits as usize, low);
            let high = usize::from(*member >> low_bits);
            put_bits(&mut words, high_start + high + index, 1);
        }
        Self {
            words,
            count: count as u16,
            low_bits: low_bits as u8,
        }
    }

    fn high_start(&self) -> usize {
        usize::from(self.count) * usize::from(self.low_bits)
    }

    fn low(&self, index: usize) -> u16 {
        get_bits(
            &self.words,
            index * usize::from(self.low_bits),
            self.low_bits,
        ) as u16
    }

    fn each(&self, mut with: impl FnMut(u16)) {
        let start = self.high_start();
        let mut index = 0;
        let mut at = start / 64;
        let mut word = self.words.get(at).copied().unwrap_or(0) & (u64::MAX << (start % 64));
        while index < usize::from(self.count) {
            while word == 0 {
                at += 1;
                let Some(next) = self.words.get(at) else {
                    return;
                };
                word = *next;
            }
            let place = at * 64 + word.trailing_zeros() as usize;
            word &= word - 1;
            // The unary part's ones stand at high + index.
            let high = place - start - index;
            with(((high << self.low_bits) as u16) | self.low(index));
            index += 1;
        }
    }

    fn contains(&self, member: u16) -> bool {
        let high = usize::from(member >> self.low_bits);
        let start = self.high_start();
        // Skip to the `high`th zero of the unary part: behind it stand the members with this high part.
        let mut zeros = high;
        let mut place = start;
        if zeros > 0 {
            let mut at = start / 64;
            let mut open = !self.words.get(at).copied().unwrap_or(0) & (u64::MAX << (start % 64));
            loop {
                let here = open.count_ones() as usize;
                if here >= zeros {
                    for _ in 1..zeros {
                        open &= open - 1;
                    }
                    place = at * 64 + open.trailing_zeros() as usize + 1;
                    break;
                }
                zeros -= here;
                at += 1;
                let Some(word) = self.words.get(at) else {
                    return false;
                };
                open = !word;
            }
        }
        let wanted = member & ((1u16 << self.low_bits) - 1);
        let mut index = place - start - high;
        while get_bits(&self.words, place, 1) == 1 {
            let low = self.low(index);
            if low >= wanted {
                return low == wanted;
            }
            place += 1;
            index += 1;
        }
        false
    }
}

fn bit(words: &[u64], at: u16) -> bool {
    words
        .get(usize::from(at / 64))
        .is_some_and(|word| word >> (at % 64) & 1 == 1)
}

fn set_bit(words: &mut [u64], at: u16) -> bool {
    let Some(word) = words.get_mut(usize::from(at / 64)) else {
        return false;
    };
    let before = *word;
    *word |= 1 << (at % 64);
    before != *word
}

fn put_bits(words: &mut [u64], at: usize, value: u64) {
    let shift = at % 64;
    if let Some(word) = words.get_mut(at / 64) {
        *word |= value << shift;
    }
    if shift > 0
        && value >> (64 - shift) != 0
        && let Some(word) = words.get_mut(at / 64 + 1)
    {
        *word |= value >> (64 - shift);
    }
}

fn get_bits(words: &[u64], at: usize, count: u8) -> u64 {
    if count == 0 {
        return 0;
    }
    let shift = at % 64;
    let first = words.get(at / 64).copied().unwrap_or(0) >> shift;
    let second = if shift + usize::from(count) > 64 {
        words.get(at / 64 + 1).copied().unwrap_or(0) << (64 - shift)
    } else {
        0
    };
    (first | second) & (u64::MAX >> (64 - u32::from(count)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Batches that are sparse, dense, of one block or of many.
    fn batches() -> impl Strategy<Value = Vec<Vec<u32>>> {
        let batch = (0u32..4, any::<u32>(), 1u32..60_000, 0usize..3_000).prop_map(
            |(spread, seed, width, count)| {
                let mut state = u64::from(seed) | 1;
                let mut batch: Vec<u32> = (0..count)
                    .map(|_| {
                        state = state
                            .wrapping_mul(6_364_136_223_846_793_005)
                            .wrapping_add(1);
                        let random = (state >> 33) as u32;
                        match spread {
                            0 => random % width,
                            1 => random % 200_000,
                            2 => u32::MAX - random % 70_000,
                            _ => random,
                        }
                    })
                    .collect();
                batch.sort_unstable();
                batch.dedup();
                batch
            },
        );
        proptest::collection::vec(batch, 0..12)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn a_set_is_what_was_put_in(batches in batches(), singly in any::<bool>()) {
            let (mut set, mut model) = (OrdinalSet::default(), BTreeSet::new());
            for batch in &batches {
                let before = model.len();
                model.extend(batch.iter().copied());
                let new = if singly {
                    batch.iter().filter(|ordinal| set.insert(**ordinal)).count() as u64
                } else {
                    set.insert_sorted(batch)
                };
                prop_assert_eq!(new, (model.len() - before) as u64);
            }
            prop_assert_eq!(set.len(), model.len() as u64);
            prop_assert_eq!(set.to_vec(), model.iter().copied().collect::<Vec<_>>());
            for ordinal in model.iter().flat_map(|o| [o.wrapping_sub(1), *o, o.wrapping_add(1)]) {
                prop_assert_eq!(set.contains(ordinal), model.contains(&ordinal));
            }
            let mut bytes = Vec::new();
            set.write(&mut bytes);
            let (read, rest) = OrdinalSet::read(&bytes).unwrap();
            prop_assert!(rest.is_empty());
            prop_assert_eq!(&read, &set);
            if !bytes.is_empty() && !set.is_empty() {
                prop_assert!(OrdinalSet::read(&bytes[..bytes.len() - 1]).is_none());
            }
        }
    }

    #[test]
    fn a_member_of_fifty_costs_less_than_a_byte() {
        let mut state = 1u64;
        let set: OrdinalSet = (0..5_000_000u32)
            .filter(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                (state >> 33).is_multiple_of(50)
            })
            .collect();
        let per = set.heap_bytes() as f64 / set.len() as f64;
        assert!(per < 1.0, "{per} bytes a member");
    }
}
