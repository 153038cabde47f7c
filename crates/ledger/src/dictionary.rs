//! Small numbers for subjects: each id that was ever disclosed has an ordinal, in order of arrival.
//!
//! Sets of ordinals are compact where sets of 128-bit ids are not. Nothing is ever copied when the
//! dictionary grows but one shard's slots, so no look-up waits long.

use crate::subject::SubjectId;

/// Shards by the id's last byte; one grows at a time.
const SHARDS: usize = 256;
/// Ids are kept in pieces of this many, so that growing copies none.
const PIECE: usize = 1 << 14;
/// A shard grows when more than 9 of 10 slots are taken, by a quarter.
const LOAD: (usize, usize) = (9, 10);
const FIRST_SLOTS: usize = 16;
const EMPTY: u8 = 0;
const TOUCHED_AT_ONCE: usize = 64;

/// The part of an id that is kept: 96 bits of the keyed hash, highest first. Among ten billion subjects
/// the odds of one collision are below 1 in 10^9 (the birthday bound, 10^20 / 2 / 2^96).
type Kept = [u32; 3];

fn kept(id: SubjectId) -> Kept {
    [
        (id.0 >> 96) as u32,
        (id.0 >> 64) as u32,
        (id.0 >> 32) as u32,
    ]
}

/// One of open addressing with linear probing: the tag and the ordinal's four bytes, so that a probe
/// touches one cache line.
type Slot = [u8; 5];

#[derive(Clone, Debug, Default)]
struct Shard {
    slots: Vec<Slot>,
    taken: usize,
}

#[derive(Clone, Debug)]
pub struct Dictionary {
    shards: Vec<Shard>,
    pieces: Vec<Vec<Kept>>,
    count: usize,
}

impl Default for Dictionary {
    fn default() -> Self {
        Self {
            shards: vec![Shard::default(); SHARDS],
            pieces: Vec::new(),
            count: 0,
        }
    }
}

/// More subjects than a `u32` numbers: four billion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ledger's dictionary is full")]
pub struct Full;

impl Dictionary {
    pub fn len(&self) -> usize {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub fn find(&self, id: SubjectId) -> Option<u32> {
        self.shard(id)?.find(id, &self.pieces)
    }

    /// The id's ordinal, a new one if it was never seen.
    pub fn number(&mut self, id: SubjectId) -> Result<u32, Full> {
        if let Some(known) = self.find(id) {
            return Ok(known);
        }
        let ordinal = u32::try_from(self.count).map_err(|_| Full)?;
        self.keep(id);
        let Self { shards, pieces, .. } = self;
        if let Some(shard) = shards.get_mut(shard_of(id)) {
            shard.grow_if_full(pieces);
            shard.put(kept(id), ordinal);
        }
        Ok(ordinal)
    }

    /// [`Dictionary::number`] for many, several times as fast: their cache misses overlap.
    pub fn number_all(&mut self, ids: &[SubjectId], ordinals: &mut Vec<u32>) -> Result<(), Full> {
        for group in ids.chunks(TOUCHED_AT_ONCE) {
            self.touch(group);
            for id in group {
                ordinals.push(self.number(*id)?);
            }
        }
        Ok(())
    }

    /// Reads what the look-ups of these ids will read first, without waiting for any of it.
    fn touch(&self, ids: &[SubjectId]) {
        let mut likely = [0u32; TOUCHED_AT_ONCE];
        for (id, likely) in ids.iter().zip(&mut likely) {
            *likely = self.shard(*id).map_or(0, |shard| shard.likely(kept(*id)));
        }
        touch_kept(&self.pieces, likely.into_iter().take(ids.len()));
    }

    fn shard(&self, id: SubjectId) -> Option<&Shard> {
        self.shards.get(shard_of(id))
    }

    fn keep(&mut self, id: SubjectId) {
        if self.count.is_multiple_of(PIECE) {
            self.pieces.push(Vec::with_capacity(PIECE));
        }
        if let Some(piece) = self.pieces.last_mut() {
            piece.push(kept(id));
        }
        self.count += 1;
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        let slots: usize = self.shards.iter().map(|shard| shard.slots.capacity()).sum();
        let ids: usize = self.pieces.iter().map(Vec::capacity).sum();
        slots * size_of::<Slot>() + ids * size_of::<Kept>() + SHARDS * size_of::<Shard>()
    }

    /// Twelve bytes an id, in order; the shards are made anew from them.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&(self.count as u64).to_le_bytes());
        for word in self.pieces.iter().flatten().flatten() {
            out.extend_from_slice(&word.to_be_bytes());
        }
    }

    /// Reads what [`Dictionary::write`] wrote, and what follows it; `None` where it is cut or an id
    /// stands twice.
    pub fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (count, rest) = bytes.split_first_chunk::<8>()?;
        let count = usize::try_from(u64::from_le_bytes(*count)).ok()?;
        let (ids, rest) = rest.split_at_checked(count.checked_mul(12)?)?;
        let mut dictionary = Self::default();
        let (ids, _) = ids.as_chunks::<12>();
        for (index, id) in ids.iter().enumerate() {
            let mut whole = [0u8; 16];
            whole.iter_mut().zip(id).for_each(|(to, from)| *to = *from);
            let id = SubjectId(u128::from_be_bytes(whole));
            if dictionary.number(id).ok()? as usize != index {
                return None;
            }
        }
        Some((dictionary, rest))
    }
}

fn shard_of(id: SubjectId) -> usize {
    // Of the kept part, so that what was written and read again finds its shard.
    ((id.0 >> 32) as u32 & 0xff) as usize
}

/// The tag, of bits that neither the shard nor the start depend on.
fn tag_of([_, _, low]: Kept) -> u8 {
    let tag = (low >> 8) as u8;
    if tag == EMPTY { 1 } else { tag }
}

impl Shard {
    fn find(&self, id: SubjectId, pieces: &[Vec<Kept>]) -> Option<u32> {
        let kept = kept(id);
        let tag = tag_of(kept);
        let mut at = self.start(kept);
        loop {
            let slot = *self.slots.get(at)?;
            let [here, ..] = slot;
            if here == EMPTY {
                return None;
            }
            if here == tag {
                let ordinal = ordinal_in(slot);
                if kept_at(pieces, ordinal) == Some(kept) {
                    return Some(ordinal);
                }
            }
            at += 1;
            if at == self.slots.len() {
                at = 0;
            }
        }
    }

    /// The ordinal where the probe starts, whatever its tag.
    fn likely(&self, kept: Kept) -> u32 {
        self.slots
            .get(self.start(kept))
            .map_or(0, |slot| ordinal_in(*slot))
    }

    /// Where a probe starts: the id's highest word as a fraction of the table.
    fn start(&self, [high, ..]: Kept) -> usize {
        ((u64::from(high) * self.slots.len() as u64) >> 32) as usize
    }

    fn grow_if_full(&mut self, pieces: &[Vec<Kept>]) {
        if (self.taken + 1) * LOAD.1 <= self.slots.len() * LOAD.0 {
            return;
        }
        let size = (self.slots.len() + self.slots.len() / 4).max(FIRST_SLOTS);
        let mut larger = Self {
            slots: vec![Slot::default(); size],
            taken: 0,
        };
        for group in self.slots.chunks(TOUCHED_AT_ONCE) {
            touch_kept(pieces, group.iter().map(|slot| ordinal_in(*slot)));
            for slot in group.iter().filter(|[tag, ..]| *tag != EMPTY) {
                if let Some(kept) = kept_at(pieces, ordinal_in(*slot)) {
                    larger.put(kept, ordinal_in(*slot));
                }
            }
        }
        *self = larger;
    }

    /// There is room: `grow_if_full` was asked.
    fn put(&mut self, kept: Kept, ordinal: u32) {
        let mut at = self.start(kept);
        while self.slots.get(at).is_some_and(|[tag, ..]| *tag != EMPTY) {
            at += 1;
            if at == self.slots.len() {
                at = 0;
            }
        }
        if let Some(slot) = self.slots.get_mut(at) {
            let [a, b, c, d] = ordinal.to_le_bytes();
            *slot = [tag_of(kept), a, b, c, d];
            self.taken += 1;
        }
    }
}

fn ordinal_in([_, ordinal @ ..]: Slot) -> u32 {
    u32::from_le_bytes(ordinal)
}

/// Loads that don't wait for one another.
fn touch_kept(pieces: &[Vec<Kept>], ordinals: impl Iterator<Item = u32>) {
    let touched = ordinals.fold(0, |sum, ordinal| {
        sum ^ kept_at(pieces, ordinal).map_or(0, |[high, ..]| high)
    });
    std::hint::black_box(touched);
}

fn kept_at(pieces: &[Vec<Kept>], ordinal: u32) -> Option<Kept> {
    pieces
        .get(ordinal as usize / PIECE)?
        .get(ordinal as usize % PIECE)
        .copied()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use crate::subject::SubjectKey;

    fn ids(count: u32) -> Vec<SubjectId> {
        let scope = SubjectKey::new([7; 16]).scope("r", "k");
        (0..count).map(|n| scope.id(&n.to_le_bytes())).collect()
    }

    #[test]
    fn ordinals_are_given_in_order_and_found_again() {
        let mut dictionary = Dictionary::default();
        let ids = ids(100_000);
        for (index, id) in ids.iter().enumerate() {
            assert_eq!(dictionary.find(*id), None);
            assert_eq!(dictionary.number(*id).unwrap() as usize, index);
        }
        for (index, id) in ids.iter().enumerate() {
            assert_eq!(dictionary.find(*id).unwrap() as usize, index);
            assert_eq!(dictionary.number(*id).unwrap() as usize, index);
        }
        let mut all = Vec::new();
        dictionary.number_all(&ids, &mut all).unwrap();
        assert!(all.iter().copied().eq(0..100_000));
        let mut bytes = Vec::new();
        dictionary.write(&mut bytes);
        bytes.push(9);
        let (read, rest) = Dictionary::read(&bytes).unwrap();
        assert_eq!(rest, [9]);
        assert!(
            ids.iter()
                .enumerate()
                .all(|(index, id)| read.find(*id) == Some(index as u32))
        );
        assert!(Dictionary::read(&bytes[..bytes.len() - 2]).is_none());
        assert!(dictionary.heap_bytes() < 100_000 * 24);
    }

    #[test]
    fn ids_that_look_alike_are_told_apart() {
        // Same shard, same tag, same start: only the rest differs.
        let mut dictionary = Dictionary::default();
        let alike: Vec<SubjectId> = (0..50u128)
            .map(|n| SubjectId(n << 72 | 0x0101_u128 << 32))
            .collect();
        for (index, id) in alike.iter().enumerate() {
            assert_eq!(dictionary.number(*id).unwrap() as usize, index);
        }
        for (index, id) in alike.iter().enumerate() {
            assert_eq!(dictionary.find(*id), Some(index as u32));
        }
    }
}
