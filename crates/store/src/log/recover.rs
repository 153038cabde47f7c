//! Opening: what the last run left is read, judged, made durable again, and only then served.

use super::LogError;
use super::body::bodies_path;
use super::disk::{Disk, DiskFile};
use super::forget::FORGET_TEMPORARY;
use super::keeper::{CHECKPOINT_NAME, CHECKPOINT_TEMPORARY};
use super::limits::MAX_SEGMENT_BYTES;
use super::segment::{Segment, TEMPORARY, parse_segment_name, segment_path, write_zeros};
use super::tail::{LiveSegment, Spot, Tail, tile_end};
use super::wal::{
    Frame, SEGMENT_HEADER_BYTES, SegmentHeader, Tail as After, decode_frame, is_zero, judge_tail,
};
use portcullis_tlog::tile::{TILE_WIDTH, bundle_path, tile_path};
use portcullis_tlog::{Checkpoint, VerifierKey};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A log as it was found, ready to be gone on with.
#[derive(Debug)]
pub(super) struct Found {
    pub tail: Tail,
    pub segment: Segment,
    pub end: u64,
    pub spare: Option<Segment>,
    /// The last signed checkpoint; `None` for a log made just now.
    pub checkpoint: Option<Checkpoint>,
    pub closed_cleanly: bool,
    pub torn_bytes: u64,
}

/// Finds or makes the log in `dir`.
pub(super) fn find_or_create(
    disk: &dyn Disk,
    dir: &Path,
    key: &VerifierKey,
    segment_bytes: u64,
) -> Result<Found, LogError> {
    for name in [CHECKPOINT_TEMPORARY, FORGET_TEMPORARY] {
        remove_leftover(disk, &dir.join(name))?;
    }
    let checkpoint = read_checkpoint(disk, dir, key)?;
    let wal = dir.join("wal");
    let mut ids = Vec::new();
    for (name, _) in disk.list(&wal).map_err(|e| LogError::io(&wal, e))? {
        if name.ends_with(TEMPORARY) {
            remove_leftover(disk, &wal.join(&name))?;
        } else {
            let id = parse_segment_name(&name).ok_or_else(|| {
                LogError::damaged(
                    format!("wal/{name}"),
                    "no such file belongs here".to_owned(),
                )
            })?;
            ids.push(id);
        }
    }
    ids.sort_unstable();
    match checkpoint {
        Some(checkpoint) => recover(disk, dir, checkpoint, &ids),
        None => create(disk, dir, &ids, segment_bytes),
    }
}

/// Reads the signed checkpoint that the last run left.
fn read_checkpoint(
    disk: &dyn Disk,
    dir: &Path,
    key: &VerifierKey,
) -> Result<Option<Checkpoint>, LogError> {
    let path = dir.join(CHECKPOINT_NAME);
    let bytes = match super::disk::read_file(disk, &path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(LogError::io(&path, error)),
    };
    let damaged = |why: String| LogError::damaged(CHECKPOINT_NAME.to_owned(), why);
    let text = String::from_utf8(bytes).map_err(|_| damaged("it is not text".to_owned()))?;
    let (checkpoint, _) = Checkpoint::open(&text, key).map_err(|e| damaged(e.to_string()))?;
    Ok(Some(checkpoint))
}

/// Makes an empty log, over what a crash during an earlier making may have left.
fn create(disk: &dyn Disk, dir: &Path, ids: &[u64], segment_bytes: u64) -> Result<Found, LogError> {
    let lost = |place: &str| {
        Err(LogError::damaged(
            CHECKPOINT_NAME.to_owned(),
            format!("it is missing, but {place} holds entries"),
        ))
    };
    for (name, _) in disk.list(dir).map_err(|e| LogError::io(dir, e))? {
        if name == "tile" || name == "bodies" {
            return lost(&name);
        }
    }
    for id in ids {
        let path = dir.join(segment_path(*id));
        let bytes = super::disk::read_file(disk, &path).map_err(|e| LogError::io(&path, e))?;
        if !is_zero(bytes.get(SEGMENT_HEADER_BYTES..).unwrap_or_default()) {
            return lost(&segment_path(*id));
        }
        disk.remove(&path).map_err(|e| LogError::io(&path, e))?;
    }
    let segment = Segment::prepare(disk, dir, 0, segment_bytes)?;
    segment.write_header()?;
    segment.sync()?;
    let mut tail = Tail::from_tiles(disk, dir, 0)?;
    tail.segments.insert(0, segment.live());
    Ok(Found {
        tail,
        segment,
        end: Segment::first_offset(),
        spare: None,
        checkpoint: None,
        closed_cleanly: true,
        torn_bytes: 0,
    })
}

fn recover(
    disk: &dyn Disk,
    dir: &Path,
    checkpoint: Checkpoint,
    ids: &[u64],
) -> Result<Found, LogError> {
    let mut scan = Scan::new(disk, dir, &checkpoint);
    for (at, id) in ids.iter().enumerate() {
        scan.segment(*id, at + 1 == ids.len())?;
    }
    scan.finish()
}

/// Walks the segments in order.
struct Scan<'a> {
    disk: &'a dyn Disk,
    dir: &'a Path,
    checkpoint: &'a Checkpoint,
    tail: Option<Tail>,
    /// Seq of the next frame.
    next: u64,
    /// The last segment with a header, and where its frames end.
    last: Option<(Segment, u64)>,
    spare: Option<Segment>,
    after: After,
}

impl<'a> Scan<'a> {
    fn new(disk: &'a dyn Disk, dir: &'a Path, checkpoint: &'a Checkpoint) -> Self {
        Self {
            disk,
            dir,
            checkpoint,
            tail: None,
            next: 0,
            last: None,
            spare: None,
            after: After::Clean,
        }
    }

    fn segment(&mut self, id: u64, is_last_file: bool) -> Result<(), LogError> {
        let name = segment_path(id);
        let path = self.dir.join(&name);
        let damaged = |why: String| Err(LogError::damaged(name.clone(), why));
        let expected = self.last.as_ref().map(|(s, _)| s.header.id + 1);
        if let Some(expected) = expected.filter(|e| *e != id) {
            return damaged(format!("segment {expected} before it is missing"));
        }
        let file = self.disk.open(&path).map_err(|e| LogError::io(&path, e))?;
        let length = file.len().map_err(|e| LogError::io(&path, e))?;
        if length > MAX_SEGMENT_BYTES || length < SEGMENT_HEADER_BYTES as u64 {
            return damaged(format!("it is {length} bytes long, which no segment is"));
        }
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        file.read_at(&mut bytes, 0)
            .map_err(|e| LogError::io(&path, e))?;
        if is_zero(&bytes) && is_last_file && self.last.is_some() {
            self.spare = Some(spare(file, path, id, length)?);
            return Ok(());
        }
        let header = bytes
            .first_chunk::<SEGMENT_HEADER_BYTES>()
            .and_then(SegmentHeader::decode);
        let Some(header) = header.filter(|h| h.id == id) else {
            return damaged("its header is not what was written".to_owned());
        };
        if header.length != length {
            return damaged(format!(
                "it is {length} bytes long, but was {} when made",
                header.length
            ));
        }
        self.settle_previous(&header)?;
        let segment = Segment { header, file, path };
        self.frames(segment, &bytes)
    }

    /// A segment with a header follows: the one before must be whole.
    fn settle_previous(&mut self, next: &SegmentHeader) -> Result<(), LogError> {
        let Some((previous, end)) = &self.last else {
            self.next = next.first_seq;
            let base = next.first_seq.next_multiple_of(TILE_WIDTH);
            self.tail = Some(Tail::from_tiles(self.disk, self.dir, base)?);
            return Ok(());
        };
        let place = segment_path(previous.header.id);
        if self.after != After::Clean || previous.header.closed_at.is_some() {
            return Err(LogError::damaged(
                place,
                format!(
                    "the record at byte {end}, of entry {}, is not what was written",
                    self.next
                ),
            ));
        }
        if next.first_seq != self.next {
            return Err(LogError::damaged(
                place,
                format!(
                    "it ends before entry {}, the next begins with {}",
                    self.next, next.first_seq
                ),
            ));
        }
        if let Some(live) = self
            .tail
            .as_mut()
            .and_then(|t| t.segments.get_mut(&previous.header.id))
        {
            live.end_seq = Some(self.next);
        }
        Ok(())
    }

    fn frames(&mut self, segment: Segment, bytes: &[u8]) -> Result<(), LogError> {
        let mut at = SEGMENT_HEADER_BYTES;
        let Some(tail) = &mut self.tail else {
            return Err(LogError::damaged(
                segment_path(segment.header.id),
                "no tree to add to".to_owned(),
            ));
        };
        tail.segments.insert(segment.header.id, segment.live());
        while let Some(frame) = frame_at(&segment, bytes, at, self.next) {
            if self.next >= tail.base {
                tail.spots.push_back(Spot {
                    segment: segment.header.id,
                    offset: at as u64,
                    leaf_len: u32::try_from(frame.leaf.len()).unwrap_or(u32::MAX),
                    body_len: u32::try_from(frame.body.len()).unwrap_or(u32::MAX),
                });
                tail.unhashed.push_back(frame.leaf.to_vec());
                tail.hash_some();
            }
            at += frame.length;
            self.next += 1;
        }
        self.after = judge_tail(&segment.header.nonce, bytes, at, self.next);
        self.last = Some((segment, at as u64));
        Ok(())
    }

    fn finish(mut self) -> Result<Found, LogError> {
        let (Some((mut segment, end)), Some(mut tail)) = (self.last.take(), self.tail.take())
        else {
            return Err(LogError::damaged(
                "wal".to_owned(),
                "no segment is left".to_owned(),
            ));
        };
        self.judge_end(&segment, end, &tail)?;
        let torn_bytes = match self.after {
            After::Torn { bytes } => bytes,
            _ => 0,
        };
        let closed_cleanly = segment.header.closed_at.is_some();
        make_durable_again(&mut segment, end, torn_bytes, &tail, self.checkpoint.size)?;
        skip_published(self.disk, self.dir, &mut tail)?;
        Ok(Found {
            tail,
            segment,
            end,
            spare: self.spare,
            checkpoint: Some(self.checkpoint.clone()),
            closed_cleanly,
            torn_bytes,
        })
    }

    /// Whether what stands at the log's end can be the end of what was signed and synced.
    fn judge_end(&self, segment: &Segment, end: u64, tail: &Tail) -> Result<(), LogError> {
        let place = segment_path(segment.header.id);
        let (next, signed) = (self.next, self.checkpoint.size);
        let unreadable =
            format!("the record at byte {end}, of entry {next}, is not what was written");
        if let After::Damaged { later_seq } = self.after {
            return Err(LogError::damaged(
                place,
                format!("{unreadable}; entry {later_seq} behind it was written later"),
            ));
        }
        let torn = matches!(self.after, After::Torn { .. });
        if segment.header.closed_at.is_some_and(|at| torn || at != end) {
            return Err(LogError::damaged(
                place,
                format!("{unreadable}, though the log was closed"),
            ));
        }
        if next < signed {
            let what = if torn {
                unreadable
            } else {
                format!("it ends before entry {next}")
            };
            return Err(LogError::damaged(
                place,
                format!("{what}, but the checkpoint was signed over {signed} entries"),
            ));
        }
        let bundle = bundle_path(next / TILE_WIDTH, TILE_WIDTH);
        if next < tail.base || exists(self.disk, &self.dir.join(&bundle)) {
            return Err(LogError::damaged(
                place,
                format!("it ends before entry {next}, but static files hold later ones"),
            ));
        }
        Ok(())
    }
}

/// The frame at an offset, if it is that of entry `seq`.
fn frame_at<'b>(segment: &Segment, bytes: &'b [u8], at: usize, seq: u64) -> Option<Frame<'b>> {
    decode_frame(&segment.header.nonce, bytes.get(at..)?)
        .filter(|f| f.seq == seq && f.durable <= seq)
}

fn spare(
    file: Arc<dyn DiskFile>,
    path: PathBuf,
    id: u64,
    length: u64,
) -> Result<Segment, LogError> {
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce)
        .map_err(|e| LogError::io(&path, std::io::Error::other(e.to_string())))?;
    let header = SegmentHeader {
        id,
        length,
        first_seq: 0,
        closed_at: None,
        nonce,
    };
    Ok(Segment { header, file, path })
}

/// What the last run wrote without having signed over it is written again and synced: after a sync
/// that failed, reading it back proves nothing about the disk.
fn make_durable_again(
    segment: &mut Segment,
    end: u64,
    torn_bytes: u64,
    tail: &Tail,
    signed: u64,
) -> Result<(), LogError> {
    let mut places: BTreeMap<u64, (LiveSegment, std::ops::Range<u64>)> = BTreeMap::new();
    for seq in signed.max(tail.base)..tail.size() {
        let Some((spot, live)) = tail.spot(seq) else {
            continue;
        };
        let place = places
            .entry(spot.segment)
            .or_insert((live, spot.offset..spot.offset));
        place.1.end = spot.offset + spot.frame_len() as u64;
    }
    for (live, place) in places.into_values() {
        let io = |e| LogError::io(&live.path, e);
        let mut bytes = vec![0; usize::try_from(place.end - place.start).unwrap_or_default()];
        live.file.read_at(&mut bytes, place.start).map_err(io)?;
        live.file.write_at(&bytes, place.start).map_err(io)?;
        live.file.sync().map_err(io)?;
    }
    // The torn rest goes before anything is written over its beginning.
    write_zeros(&*segment.file, end, end + torn_bytes).map_err(|e| segment.io(e))?;
    segment.header.closed_at = None;
    segment.write_header()?;
    segment.sync()
}

/// Goes past bundles that the last run had already put in place.
fn skip_published(disk: &dyn Disk, dir: &Path, tail: &mut Tail) -> Result<(), LogError> {
    let mut base = tail.base;
    while base + TILE_WIDTH <= tail.hashed() {
        let names = files_of_bundle(base / TILE_WIDTH);
        if !names.iter().all(|name| exists(disk, &dir.join(name))) {
            break;
        }
        for name in names {
            // Left where a pass was repeated and then cut short; nobody would come by it again.
            remove_leftover(disk, &dir.join(format!("{name}{TEMPORARY}")))?;
        }
        base += TILE_WIDTH;
    }
    tail.published(base);
    Ok(())
}

/// Everything that is made when a bundle is: an upper tile that it completes belongs to it.
fn files_of_bundle(index: u64) -> Vec<String> {
    let mut names = vec![
        bundle_path(index, TILE_WIDTH),
        bodies_path(index),
        tile_path(0, index, TILE_WIDTH),
    ];
    let end = (index + 1) * TILE_WIDTH;
    let mut level = 1;
    while let Some(width) = 1_u64
        .checked_shl(8 * (u32::from(level) + 1))
        .filter(|w| end.is_multiple_of(*w))
    {
        let upper = end / width - 1;
        debug_assert_eq!(tile_end(level, upper), end);
        names.push(tile_path(level, upper, TILE_WIDTH));
        level += 1;
    }
    names
}

fn exists(disk: &dyn Disk, path: &Path) -> bool {
    disk.open(path).is_ok()
}

fn remove_leftover(disk: &dyn Disk, path: &Path) -> Result<(), LogError> {
    match disk.remove(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(LogError::io(path, error)),
        _ => Ok(()),
    }
}
