//! Moves what is recorded from the write-ahead log into static files: bodies, entry bundles, tiles.
//!
//! A file gets its final name only when its content is durable, so what bears a final name can be
//! believed after a crash. A segment goes only when all it holds bears final names durably.

use super::LogError;
use super::body::{BODIES_HEADER_BYTES, BODIES_MAGIC, bodies_path};
use super::disk::DiskFile;
use super::limits::{
    BUSY_ENTRIES, LAZY_WAL_BYTES, MAX_BUNDLES_PER_PASS, PUBLISH_EVERY, RETRY_EVERY,
};
use super::queue::Trouble;
use super::segment::TEMPORARY;
use super::shared::Shared;
use super::tail::{FrameBytes, LiveSegment, Spot, tile_end};
use portcullis_tlog::Hash;
use portcullis_tlog::tile::{
    TILE_WIDTH, TILE_WIDTH_USIZE, bundle_path, encode_tile, push_bundle_entry, tile_path,
};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

/// Bodies are gathered to pieces of this size before they are written.
const WRITE_AT_ONCE: usize = 1024 * 1024;

/// What the publisher remembers between passes.
#[derive(Debug, Default)]
pub(super) struct Publisher {
    /// Directories that are known to exist durably.
    known_dirs: BTreeSet<PathBuf>,
    /// Where each file of the pass under way will be put.
    made: Vec<(PathBuf, PathBuf)>,
    /// The same files, to be synced together.
    unsynced: Vec<Arc<dyn DiskFile>>,
}

/// What one pass did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    /// Nothing is full.
    Idle,
    Published,
}

/// The publisher thread: until the bell ends. What is left then is done by `close`.
pub(super) fn run(shared: &Shared) {
    while !shared.publisher_bell.is_ending() {
        shared.publisher_bell.wait(None);
        // Bundles that fill up meanwhile share the pass's directory syncs; and while many records come,
        // syncs of other files would hold theirs up, so all but what a restart can't read quickly waits.
        let mut seen = *shared.durable.borrow();
        loop {
            shared.publisher_bell.pause(PUBLISH_EVERY);
            let grown = *shared.durable.borrow();
            let busy = grown - seen > BUSY_ENTRIES && unpublished_bytes(shared) < LAZY_WAL_BYTES;
            seen = grown;
            if !busy || shared.publisher_bell.is_ending() {
                break;
            }
        }
        while !shared.publisher_bell.is_ending() {
            match attempt(shared) {
                Ok(Pass::Idle) => break,
                Ok(Pass::Published) => {}
                Err(_) if shared.queue.has(Trouble::Failed) => return,
                Err(_) => shared.publisher_bell.pause(RETRY_EVERY),
            }
        }
    }
}

/// Write-ahead log that is not in static files yet, in whole segments.
fn unpublished_bytes(shared: &Shared) -> u64 {
    shared.tail.lock().segments.len() as u64 * shared.segment_bytes
}

/// One pass; its failure is noted for the appenders.
pub(super) fn attempt(shared: &Shared) -> Result<Pass, LogError> {
    shared.catch_up();
    let outcome = shared.publisher.lock().pass(shared);
    match &outcome {
        Ok(_) => shared.queue.clear(Trouble::FullForTiles),
        Err(error) => shared.fail(Trouble::FullForTiles, error),
    }
    outcome
}

/// A bundle's worth of entries, as the tail knows them.
struct Batch {
    index: u64,
    spots: Vec<(Spot, LiveSegment)>,
    hashes: Vec<Hash>,
}

impl Publisher {
    fn pass(&mut self, shared: &Shared) -> Result<Pass, LogError> {
        self.discard(shared);
        let mut base = shared.tail.lock().base;
        for _ in 0..MAX_BUNDLES_PER_PASS {
            let Some(batch) = next_batch(shared, base) else {
                break;
            };
            self.make_bundle(shared, &batch)?;
            base += TILE_WIDTH;
        }
        if self.made.is_empty() {
            remove_old_segments(shared)?;
            return Ok(Pass::Idle);
        }
        self.make_upper_tiles(shared, base)?;
        self.put_in_place(shared)?;
        shared.tail.lock().published(base);
        remove_old_segments(shared)?;
        Ok(Pass::Published)
    }

    /// Removes what a failed pass left, as it only takes up space.
    fn discard(&mut self, shared: &Shared) {
        self.unsynced.clear();
        for (temporary, _) in self.made.drain(..) {
            let _ = shared.disk.remove(&temporary);
        }
    }

    fn make_bundle(&mut self, shared: &Shared, batch: &Batch) -> Result<(), LogError> {
        let mut bundle = Vec::new();
        let mut bodies = BodiesWriter::new(&batch.spots);
        let (body_file, body_path) = self.create(shared, &bodies_path(batch.index))?;
        for (seq, (spot, segment)) in (batch.index * TILE_WIDTH..).zip(&batch.spots) {
            let frame = FrameBytes::read(*spot, segment, seq)?;
            push_bundle_entry(&mut bundle, frame.leaf()).map_err(|e| {
                LogError::damaged(segment.path.display().to_string(), e.to_string())
            })?;
            bodies
                .push(&*body_file, frame.body())
                .map_err(|e| LogError::io(&body_path, e))?;
        }
        bodies
            .flush(&*body_file)
            .map_err(|e| LogError::io(&body_path, e))?;
        self.write(
            shared,
            &tile_path(0, batch.index, TILE_WIDTH),
            &encode_tile(&batch.hashes),
        )?;
        self.write(shared, &bundle_path(batch.index, TILE_WIDTH), &bundle)
    }

    fn make_upper_tiles(&mut self, shared: &Shared, base: u64) -> Result<(), LogError> {
        let tiles: Vec<_> = {
            let tail = shared.tail.lock();
            tail.upper
                .iter()
                .filter(|t| tile_end(t.level, t.index) <= base)
                .cloned()
                .collect()
        };
        for tile in tiles {
            self.write(
                shared,
                &tile_path(tile.level, tile.index, TILE_WIDTH),
                &encode_tile(&tile.hashes),
            )?;
        }
        Ok(())
    }

    /// Writes a file under a temporary name.
    fn write(&mut self, shared: &Shared, name: &str, bytes: &[u8]) -> Result<(), LogError> {
        let (file, path) = self.create(shared, name)?;
        file.write_at(bytes, 0)
            .and_then(|()| file.sync())
            .map_err(|e| LogError::io(&path, e))
    }

    fn create(
        &mut self,
        shared: &Shared,
        name: &str,
    ) -> Result<(Arc<dyn DiskFile>, PathBuf), LogError> {
        let path = shared.dir.join(name);
        let temporary = shared.dir.join(format!("{name}{TEMPORARY}"));
        self.make_dir(shared, &path)?;
        self.made.push((temporary.clone(), path));
        let file = shared
            .disk
            .create(&temporary)
            .map_err(|e| LogError::io(&temporary, e))?;
        self.unsynced.push(Arc::clone(&file));
        Ok((file, temporary))
    }

    /// Makes a file's directory, durably, with those above it.
    fn make_dir(&mut self, shared: &Shared, path: &std::path::Path) -> Result<(), LogError> {
        let Some(parent) = path.parent() else {
            return Ok(());
        };
        if self.known_dirs.contains(parent) {
            return Ok(());
        }
        shared
            .disk
            .create_dir_all(parent)
            .map_err(|e| LogError::io(parent, e))?;
        for above in parent
            .ancestors()
            .skip(1)
            .take_while(|a| a.starts_with(&shared.dir))
        {
            shared
                .disk
                .sync_dir(above)
                .map_err(|e| LogError::io(above, e))?;
        }
        self.known_dirs.insert(parent.to_path_buf());
        Ok(())
    }

    /// Makes the files of this pass durable, then gives them their names, durably.
    fn put_in_place(&mut self, shared: &Shared) -> Result<(), LogError> {
        let unsynced = std::mem::take(&mut self.unsynced);
        // One by one: a sync of the whole file system would be one call, but it also waits for
        // whatever others have written there, and the records' own syncs wait behind it.
        for (file, (temporary, _)) in unsynced.iter().zip(&self.made) {
            file.sync().map_err(|e| LogError::io(temporary, e))?;
        }
        let mut dirs = BTreeSet::new();
        for (temporary, path) in self.made.drain(..) {
            shared
                .disk
                .rename(&temporary, &path)
                .map_err(|e| LogError::io(&path, e))?;
            dirs.extend(path.parent().map(std::path::Path::to_path_buf));
        }
        for dir in dirs {
            shared
                .disk
                .sync_dir(&dir)
                .map_err(|e| LogError::io(&dir, e))?;
        }
        Ok(())
    }
}

/// Removes segments that hold nothing but what lies in static files.
fn remove_old_segments(shared: &Shared) -> Result<(), LogError> {
    loop {
        let oldest = {
            let mut tail = shared.tail.lock();
            let base = tail.base;
            let first = tail.segments.first_entry();
            match first.filter(|s| s.get().end_seq.is_some_and(|end| end <= base)) {
                Some(first) => first.remove().path,
                None => return Ok(()),
            }
        };
        shared
            .disk
            .remove(&oldest)
            .map_err(|e| LogError::io(&oldest, e))?;
        // One by one, oldest first: a crash never leaves a gap between segments.
        let wal = shared.dir.join("wal");
        shared
            .disk
            .sync_dir(&wal)
            .map_err(|e| LogError::io(&wal, e))?;
    }
}

/// The 256 entries from `base` on, once there are as many.
fn next_batch(shared: &Shared, base: u64) -> Option<Batch> {
    let tail = shared.tail.lock();
    if tail.hashed() < base + TILE_WIDTH {
        return None;
    }
    let skip = usize::try_from(base - tail.base).ok()?;
    let spots = (base..base + TILE_WIDTH)
        .map(|seq| tail.spot(seq))
        .collect::<Option<Vec<_>>>()?;
    let hashes = tail
        .hashes
        .iter()
        .skip(skip)
        .take(TILE_WIDTH_USIZE)
        .copied()
        .collect();
    Some(Batch {
        index: base / TILE_WIDTH,
        spots,
        hashes,
    })
}

/// Writes a bodies file piece by piece: 256 bodies may be more than memory should hold.
struct BodiesWriter {
    buffer: Vec<u8>,
    written: u64,
}

impl BodiesWriter {
    fn new(spots: &[(Spot, LiveSegment)]) -> Self {
        let mut buffer = Vec::with_capacity(BODIES_HEADER_BYTES);
        buffer.extend_from_slice(BODIES_MAGIC);
        let mut end = 0_u64;
        for (spot, _) in spots {
            end += u64::from(spot.body_len);
            buffer.extend_from_slice(&end.to_le_bytes());
        }
        Self { buffer, written: 0 }
    }

    fn push(&mut self, file: &dyn DiskFile, body: &[u8]) -> std::io::Result<()> {
        self.buffer.extend_from_slice(body);
        if self.buffer.len() >= WRITE_AT_ONCE {
            self.flush(file)
        } else {
            Ok(())
        }
    }

    fn flush(&mut self, file: &dyn DiskFile) -> std::io::Result<()> {
        file.write_at(&self.buffer, self.written)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}
