//! The growing tree, held as the partial tiles of its right edge: 256 hashes a level at most.

use crate::hash::{Hash, empty_root, node_hash, root_over};
use crate::tile::{TILE_WIDTH, TILE_WIDTH_USIZE};

/// A tile that has just become full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FullTile {
    pub level: u8,
    pub index: u64,
    pub hashes: Vec<Hash>,
}

/// The right edge of a tree: what is needed to append leaves and to tell the root.
#[derive(Debug, Clone, Default)]
pub struct TileBuilder {
    size: u64,
    /// `levels[l]` is the partial tile at level `l`, always shorter than a full one.
    levels: Vec<Vec<Hash>>,
}

impl TileBuilder {
    /// A tree without leaves.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The edge of a tree of `size` leaves, from the partial tiles of every level, lowest first.
    /// `None` where the widths don't fit the size.
    #[must_use]
    pub fn from_edge(size: u64, levels: Vec<Vec<Hash>>) -> Option<Self> {
        let mut rest = size;
        for level in &levels {
            if level.len() as u64 != rest % TILE_WIDTH {
                return None;
            }
            rest /= TILE_WIDTH;
        }
        (rest == 0).then_some(Self { size, levels })
    }

    /// Number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The partial tile at `level`; empty where there is none.
    #[must_use]
    pub fn partial(&self, level: u8) -> &[Hash] {
        self.levels
            .get(usize::from(level))
            .map_or(&[], Vec::as_slice)
    }

    /// Appends a leaf's hash; tiles that become full by it are given to `full`, lowest level first.
    pub fn push(&mut self, leaf: Hash, mut full: impl FnMut(FullTile)) {
        self.size += 1;
        let mut carried = leaf;
        let mut level: u8 = 0;
        let mut index = (self.size - 1) / TILE_WIDTH;
        loop {
            let slot = usize::from(level);
            if self.levels.len() <= slot {
                self.levels.push(Vec::with_capacity(TILE_WIDTH_USIZE));
            }
            let Some(tile) = self.levels.get_mut(slot) else {
                return;
            };
            tile.push(carried);
            if tile.len() < TILE_WIDTH_USIZE {
                return;
            }
            let hashes = std::mem::replace(tile, Vec::with_capacity(TILE_WIDTH_USIZE));
            carried = root_over(&hashes);
            full(FullTile {
                level,
                index,
                hashes,
            });
            level += 1;
            index /= TILE_WIDTH;
        }
    }

    /// The tree's root.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut root: Option<Hash> = None;
        for hashes in self.levels.iter().filter(|h| !h.is_empty()) {
            root = Some(match root {
                None => root_over(hashes),
                Some(right) => fold_left(hashes, right),
            });
        }
        root.unwrap_or_else(empty_root)
    }
}

/// The root over perfect subtrees `hashes` followed by a smaller tree with root `right`.
fn fold_left(hashes: &[Hash], right: Hash) -> Hash {
    // RFC 6962 splits at the largest power of two: the perfect blocks, from the right, each take in
    // what stands right of them.
    let mut root = right;
    let mut end = hashes.len();
    while end > 0 {
        let block = 1 << end.trailing_zeros();
        let start = end - block;
        if let Some(part) = hashes.get(start..end) {
            root = node_hash(&root_over(part), &root);
        }
        end = start;
    }
    root
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::leaf_hash;

    #[test]
    fn the_edge_tells_the_same_root_as_the_whole_tree() {
        let mut builder = TileBuilder::new();
        let mut leaves = Vec::new();
        let mut tiles = Vec::new();
        assert_eq!(builder.root(), empty_root());
        for i in 0..(256_u64 * 5 + 77) {
            let leaf = leaf_hash(&i.to_be_bytes());
            leaves.push(leaf);
            builder.push(leaf, |t| tiles.push(t));
            if i < 600 || i % 97 == 0 {
                assert_eq!(builder.root(), root_over(&leaves), "size {}", i + 1);
            }
        }
        assert_eq!(tiles.len(), 5);
        assert_eq!(tiles[3].hashes, leaves[768..1024]);
        let copy = TileBuilder::from_edge(
            builder.size(),
            vec![builder.partial(0).to_vec(), builder.partial(1).to_vec()],
        )
        .unwrap();
        assert_eq!(copy.root(), builder.root());
        assert!(
            TileBuilder::from_edge(builder.size() + 1, vec![builder.partial(0).to_vec()]).is_none()
        );
    }

    #[test]
    fn upper_tiles_come_out_when_they_are_full() {
        let mut builder = TileBuilder::new();
        let mut upper = Vec::new();
        for i in 0..65_536_u64 + 3 {
            builder.push(leaf_hash(&i.to_be_bytes()), |t| {
                if t.level > 0 {
                    upper.push((t.level, t.index, t.hashes.len(), root_over(&t.hashes)));
                }
            });
        }
        assert_eq!(upper.len(), 1);
        assert_eq!((upper[0].0, upper[0].1, upper[0].2), (1, 0, 256));
        assert_eq!(builder.partial(2), &[upper[0].3]);
    }
}
