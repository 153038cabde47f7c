//! What is recorded but not yet in static files: leaf hashes, places in the write-ahead log, and the
//! tree's right edge.

use super::LogError;
use super::disk::{Disk, DiskFile, read_file};
use super::wal::{FRAME_HEADER_BYTES, Nonce, decode_frame, frame_len};
use portcullis_tlog::hash::root_over;
use portcullis_tlog::tile::{TILE_WIDTH, TILE_WIDTH_USIZE, decode_tile, tile_path};
use portcullis_tlog::tree::{FullTile, TileBuilder};
use portcullis_tlog::{Hash, leaf_hash};
use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Leaves hashed under one hold of the lock, as the writer waits for it.
const HASH_AT_ONCE: usize = 256;

/// Where an entry's frame lies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot {
    pub segment: u64,
    pub offset: u64,
    pub leaf_len: u32,
    pub body_len: u32,
}

impl Spot {
    pub fn frame_len(&self) -> usize {
        frame_len(self.leaf_len as usize, self.body_len as usize)
    }
}

/// A segment that holds entries.
#[derive(Debug, Clone)]
pub(super) struct LiveSegment {
    pub file: Arc<dyn DiskFile>,
    pub path: PathBuf,
    pub nonce: Nonce,
    /// One past its last entry, once the writer has gone on to the next.
    pub end_seq: Option<u64>,
}

/// Held under one lock; the writer adds, the publisher takes away.
#[derive(Debug)]
pub(super) struct Tail {
    /// Everything below lies in full static files. A multiple of 256.
    pub base: u64,
    /// Of the entries from `base` on that are in the tree.
    pub hashes: VecDeque<Hash>,
    /// Leaves after those, not in the tree yet: the writer has better things to do.
    pub unhashed: VecDeque<Vec<u8>>,
    /// Of all entries from `base` on.
    pub spots: VecDeque<Spot>,
    pub builder: TileBuilder,
    /// Full tiles above the lowest level that have no file yet.
    pub upper: Vec<FullTile>,
    pub segments: BTreeMap<u64, LiveSegment>,
}

impl Tail {
    /// The tail of a log whose first `base` entries are in static files.
    pub fn from_tiles(disk: &dyn Disk, dir: &Path, base: u64) -> Result<Self, LogError> {
        Ok(Self {
            base,
            hashes: VecDeque::new(),
            unhashed: VecDeque::new(),
            spots: VecDeque::new(),
            builder: edge_from_tiles(disk, dir, base)?,
            upper: Vec::new(),
            segments: BTreeMap::new(),
        })
    }

    /// Recorded entries.
    pub fn size(&self) -> u64 {
        self.base + self.spots.len() as u64
    }

    /// Entries in the tree.
    pub fn hashed(&self) -> u64 {
        self.builder.size()
    }

    /// Puts waiting leaves into the tree, a bounded number; tells whether more wait.
    pub fn hash_some(&mut self) -> bool {
        let count = self.unhashed.len().min(HASH_AT_ONCE);
        let upper = &mut self.upper;
        for leaf in self.unhashed.drain(..count) {
            let hash = leaf_hash(&leaf);
            self.hashes.push_back(hash);
            self.builder.push(hash, |tile| {
                if tile.level > 0 {
                    upper.push(tile);
                }
            });
        }
        !self.unhashed.is_empty()
    }

    /// Forgets what is in static files below `base`.
    pub fn published(&mut self, base: u64) {
        let count = usize::try_from(base.saturating_sub(self.base)).unwrap_or(usize::MAX);
        self.hashes.drain(..count.min(self.hashes.len()));
        self.spots.drain(..count.min(self.spots.len()));
        self.base = base;
        self.upper
            .retain(|tile| tile_end(tile.level, tile.index) > base);
    }

    /// Where entry `seq` lies, with its segment.
    pub fn spot(&self, seq: u64) -> Option<(Spot, LiveSegment)> {
        let at = usize::try_from(seq.checked_sub(self.base)?).ok()?;
        let spot = *self.spots.get(at)?;
        Some((spot, self.segments.get(&spot.segment)?.clone()))
    }

    /// The stored hashes of a tile that are in memory; `None` where a file has them.
    fn tile_in_memory(&self, level: u8, index: u64) -> Option<Vec<Hash>> {
        if level == 0 {
            let first = (index * TILE_WIDTH).checked_sub(self.base)?;
            let first = usize::try_from(first).ok()?;
            return Some(
                self.hashes
                    .iter()
                    .skip(first)
                    .take(TILE_WIDTH_USIZE)
                    .copied()
                    .collect(),
            );
        }
        if let Some(tile) = self
            .upper
            .iter()
            .find(|t| t.level == level && t.index == index)
        {
            return Some(tile.hashes.clone());
        }
        (tile_end(level, index) > self.hashed()).then(|| self.builder.partial(level).to_vec())
    }
}

/// One past the last entry under a full tile.
pub(super) fn tile_end(level: u8, index: u64) -> u64 {
    let width = 1_u64
        .checked_shl(8 * (u32::from(level) + 1))
        .unwrap_or(u64::MAX);
    index.saturating_add(1).saturating_mul(width)
}

/// Reads nodes of the tree from tiles in memory and in files; keeps the last tile it read.
pub(super) struct TreeReader<'a> {
    pub disk: &'a dyn Disk,
    pub dir: &'a Path,
    pub tail: &'a parking_lot::Mutex<Tail>,
    last: Option<(u8, u64, Vec<Hash>)>,
}

impl<'a> TreeReader<'a> {
    pub fn new(disk: &'a dyn Disk, dir: &'a Path, tail: &'a parking_lot::Mutex<Tail>) -> Self {
        Self {
            disk,
            dir,
            tail,
            last: None,
        }
    }

    /// Hashes of a tile, as many as there are.
    pub fn tile(&mut self, level: u8, index: u64) -> Result<&[Hash], LogError> {
        let cached = matches!(&self.last, Some((l, i, _)) if *l == level && *i == index);
        if !cached {
            let in_memory = self.tail.lock().tile_in_memory(level, index);
            let hashes = match in_memory {
                Some(hashes) => hashes,
                None => read_tile(self.disk, self.dir, level, index)?,
            };
            self.last = Some((level, index, hashes));
        }
        Ok(self
            .last
            .as_ref()
            .map_or(&[], |(_, _, hashes)| hashes.as_slice()))
    }
}

impl portcullis_tlog::proof::Nodes for TreeReader<'_> {
    type Error = LogError;

    fn node(&mut self, level: u8, index: u64) -> Result<Hash, LogError> {
        let (tile_level, height) = (level / 8, level % 8);
        let first = index << height;
        let tile = first / TILE_WIDTH;
        let start = usize::try_from(first % TILE_WIDTH).unwrap_or_default();
        let hashes = self.tile(tile_level, tile)?;
        match hashes.get(start..start + (1 << height)) {
            Some(part) => Ok(root_over(part)),
            None => Err(LogError::damaged(
                tile_path(tile_level, tile, TILE_WIDTH),
                "it has fewer hashes than the tree".to_owned(),
            )),
        }
    }
}

/// Reads a full tile's file.
pub(super) fn read_tile(
    disk: &dyn Disk,
    dir: &Path,
    level: u8,
    index: u64,
) -> Result<Vec<Hash>, LogError> {
    let name = tile_path(level, index, TILE_WIDTH);
    let path = dir.join(&name);
    let bytes = read_file(disk, &path).map_err(|e| LogError::io(&path, e))?;
    decode_tile(&bytes, TILE_WIDTH_USIZE)
        .ok_or_else(|| LogError::damaged(name, "it is not 256 hashes long".to_owned()))
}

/// The tree's right edge at `size` (a multiple of 256), from full tiles alone.
fn edge_from_tiles(disk: &dyn Disk, dir: &Path, size: u64) -> Result<TileBuilder, LogError> {
    let mut levels = Vec::new();
    let mut count = size;
    let mut below: u8 = 0;
    // Level 0 has no partial tile here; at each level above, a hash is the root of a full tile below.
    if size > 0 {
        levels.push(Vec::new());
        count /= TILE_WIDTH;
    }
    while count > 0 {
        let first = count - count % TILE_WIDTH;
        let mut hashes = Vec::new();
        for index in first..count {
            hashes.push(root_over(&read_tile(disk, dir, below, index)?));
        }
        levels.push(hashes);
        below += 1;
        count /= TILE_WIDTH;
    }
    TileBuilder::from_edge(size, levels)
        .ok_or_else(|| LogError::damaged("tile".to_owned(), "its widths do not fit".to_owned()))
}

/// A frame's bytes, whole and right.
#[derive(Debug)]
pub(super) struct FrameBytes {
    bytes: Vec<u8>,
    spot: Spot,
}

impl FrameBytes {
    /// Reads the frame of entry `seq`.
    pub fn read(spot: Spot, segment: &LiveSegment, seq: u64) -> Result<Self, LogError> {
        let mut bytes = vec![0; spot.frame_len()];
        segment
            .file
            .read_at(&mut bytes, spot.offset)
            .map_err(|e| LogError::io(&segment.path, e))?;
        match decode_frame(&segment.nonce, &bytes) {
            Some(frame) if frame.seq == seq => Ok(Self { bytes, spot }),
            _ => Err(LogError::damaged(
                segment.path.display().to_string(),
                format!("the record of entry {seq} is not what was written"),
            )),
        }
    }

    pub fn leaf(&self) -> &[u8] {
        let start = FRAME_HEADER_BYTES;
        self.bytes
            .get(start..start + self.spot.leaf_len as usize)
            .unwrap_or_default()
    }

    /// The encoded body.
    pub fn body(&self) -> &[u8] {
        let start = FRAME_HEADER_BYTES + self.spot.leaf_len as usize;
        self.bytes
            .get(start..start + self.spot.body_len as usize)
            .unwrap_or_default()
    }
}
