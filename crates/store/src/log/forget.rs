//! Takes a part out of an entry's body for good, where another entry records that it was.
//!
//! The leaf and with it the tree stay as they are; what held the part is written anew with a marker
//! in its place, and put in the old file's place atomically. After a crash between the two places
//! that may hold it, forgetting again finishes it.

use super::LogError;
use super::body::{self, BODIES_HEADER_BYTES, Slot, bodies_path, decode_header};
use super::disk::{DiskFile, read_file};
use super::leaf;
use super::queue::LogDown;
use super::read::Entries;
use super::shared::Shared;
use super::wal::{Frame, Nonce, SEGMENT_HEADER_BYTES, decode_frame, encode_frame};
use portcullis_tlog::tile::TILE_WIDTH;
use std::path::Path;
use std::sync::Arc;

pub(super) const FORGET_TEMPORARY: &str = "forget.tmp";

/// Which part goes, and by which entry's word.
#[derive(Debug, Clone, Copy)]
struct Removal<'a> {
    seq: u64,
    label: &'a str,
    by_seq: u64,
}

/// Takes part `label` out of the body of entry `seq`, as entry `by_seq` records.
pub(super) fn forget(
    shared: &Arc<Shared>,
    seq: u64,
    label: &str,
    by_seq: u64,
) -> Result<(), LogError> {
    if let Some(down @ (LogDown::Failed | LogDown::Closed)) = shared.queue.down() {
        return Err(down.into());
    }
    let removal = Removal { seq, label, by_seq };
    check_recorded(shared, removal)?;
    // While this is held nothing moves from the write-ahead log into static files.
    let _publisher = shared.publisher.lock();
    let in_bodies = seq < shared.tail.lock().base;
    let found_in_bodies = in_bodies && rewrite_bodies(shared, removal)?;
    let found_in_segment = rewrite_segment(shared, removal)?;
    if found_in_bodies || found_in_segment {
        return Ok(());
    }
    Err(LogError::NoSuchPart {
        seq,
        label: label.to_owned(),
    })
}

/// The removal must be on record before anything is removed.
fn check_recorded(shared: &Arc<Shared>, removal: Removal<'_>) -> Result<(), LogError> {
    let Removal { seq, label, by_seq } = removal;
    let size = *shared.durable.borrow();
    for needed in [seq, by_seq] {
        if needed >= size {
            return Err(LogError::NoSuchEntry { seq: needed, size });
        }
    }
    let record = Entries::new(Arc::clone(shared), by_seq, by_seq + 1)
        .next()
        .transpose()?;
    let recorded = record.is_some_and(|record| {
        leaf::view(&record.leaf).is_ok_and(|view| {
            view.withholds
                .iter()
                .any(|w| w.seq == seq && w.label == label)
        })
    });
    if recorded {
        Ok(())
    } else {
        Err(LogError::RemovalNotRecorded { seq, by_seq })
    }
}

/// The body with a marker in the part's place, of the same length if `keep_length`; `None` where
/// there is no such part.
fn without(encoded: &[u8], removal: Removal<'_>, keep_length: bool) -> Option<Vec<u8>> {
    let mut slots = body::decode(encoded)?;
    let slot = slots.iter_mut().find(|s| s.label() == removal.label)?;
    if let Slot::Present { label, content, .. } = *slot {
        // The salt is eight bytes longer than the marker's number.
        let room = u32::try_from(content.len()).ok()?.checked_add(8)?;
        let hole = if keep_length { room } else { 0 };
        *slot = Slot::Withheld {
            label,
            by_seq: removal.by_seq,
            hole,
        };
    }
    let mut out = Vec::with_capacity(encoded.len());
    body::encode_slots(&slots, &mut out);
    Some(out)
}

/// Tells whether the part was there, or its marker.
fn rewrite_bodies(shared: &Shared, removal: Removal<'_>) -> Result<bool, LogError> {
    let name = bodies_path(removal.seq / TILE_WIDTH);
    let path = shared.dir.join(&name);
    let io = |e| LogError::io(&path, e);
    let file = shared.disk.open(&path).map_err(io)?;
    let mut header = vec![0; BODIES_HEADER_BYTES];
    file.read_at(&mut header, 0).map_err(io)?;
    let ranges = decode_header(&header).ok_or_else(|| {
        LogError::damaged(name.clone(), "its table is not what was written".to_owned())
    })?;
    let at = usize::try_from(removal.seq % TILE_WIDTH).unwrap_or_default();
    let Some(range) = ranges.get(at) else {
        return Ok(false);
    };
    let mut old = vec![0; usize::try_from(range.end - range.start).unwrap_or_default()];
    file.read_at(&mut old, BODIES_HEADER_BYTES as u64 + range.start)
        .map_err(io)?;
    let Some(new) = without(&old, removal, false) else {
        return Ok(false);
    };
    let shift = old.len() as u64 - new.len() as u64;
    for end in header.as_chunks_mut::<8>().0.iter_mut().skip(1 + at) {
        *end = (u64::from_le_bytes(*end) - shift).to_le_bytes();
    }
    let start = BODIES_HEADER_BYTES as u64;
    let total = start + ranges.last().map_or(0, |r| r.end);
    replace(shared, &path, |to| {
        to.write_at(&header, 0)?;
        copy(&*file, start..start + range.start, to, start)?;
        to.write_at(&new, start + range.start)?;
        copy(
            &*file,
            start + range.end..total,
            to,
            start + range.start + new.len() as u64,
        )
    })?;
    Ok(true)
}

/// Tells whether the part was there, or its marker.
fn rewrite_segment(shared: &Shared, removal: Removal<'_>) -> Result<bool, LogError> {
    // The writer waits: the segment may be the one it writes to.
    let mut writer = shared.writer.lock();
    let segments = shared.tail.lock().segments.clone();
    for (id, segment) in segments {
        let mut bytes =
            read_file(&*shared.disk, &segment.path).map_err(|e| LogError::io(&segment.path, e))?;
        let Some((at, frame)) = find(&segment.nonce, &bytes, removal.seq) else {
            continue;
        };
        let Some(body) = without(frame.body, removal, true) else {
            return Ok(false);
        };
        let mut anew = Vec::with_capacity(frame.length);
        encode_frame(
            &segment.nonce,
            frame.seq,
            frame.durable,
            frame.leaf,
            |out| out.extend_from_slice(&body),
            &mut anew,
        );
        let Some(place) = bytes.get_mut(at..at + anew.len()) else {
            return Ok(false);
        };
        place.copy_from_slice(&anew);
        let file = replace(shared, &segment.path, |to| to.write_at(&bytes, 0))?;
        if let Some(live) = shared.tail.lock().segments.get_mut(&id) {
            live.file = Arc::clone(&file);
        }
        if writer.segment.header.id == id {
            writer.segment.file = file;
        }
        return Ok(true);
    }
    Ok(false)
}

/// The frame of an entry in a segment's bytes, and where it is.
fn find<'a>(nonce: &Nonce, bytes: &'a [u8], seq: u64) -> Option<(usize, Frame<'a>)> {
    let mut at = SEGMENT_HEADER_BYTES;
    loop {
        let frame = decode_frame(nonce, bytes.get(at..)?)?;
        if frame.seq >= seq {
            return (frame.seq == seq).then_some((at, frame));
        }
        at += frame.length;
    }
}

/// Puts a file with other content in a file's place, durably.
fn replace(
    shared: &Shared,
    path: &Path,
    write: impl FnOnce(&dyn DiskFile) -> std::io::Result<()>,
) -> Result<Arc<dyn DiskFile>, LogError> {
    // At one known place, so that opening finds what a crash has left.
    let temporary = &shared.dir.join(FORGET_TEMPORARY);
    let put = || {
        let file = shared.disk.create(temporary)?;
        write(&*file)?;
        file.sync()?;
        shared.disk.rename(temporary, path)?;
        if let Some(dir) = path.parent() {
            shared.disk.sync_dir(dir)?;
        }
        Ok(file)
    };
    put().map_err(|e| {
        let _ = shared.disk.remove(temporary);
        LogError::io(path, e)
    })
}

/// Copies a range of a file.
fn copy(
    from: &dyn DiskFile,
    range: std::ops::Range<u64>,
    to: &dyn DiskFile,
    mut at: u64,
) -> std::io::Result<()> {
    const AT_ONCE: u64 = 1024 * 1024;
    let mut buffer = Vec::new();
    let mut start = range.start;
    while start < range.end {
        let count = (range.end - start).min(AT_ONCE);
        buffer.resize(usize::try_from(count).unwrap_or_default(), 0);
        from.read_at(&mut buffer, start)?;
        to.write_at(&buffer, at)?;
        start += count;
        at += count;
    }
    Ok(())
}
