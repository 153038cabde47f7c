//! Reading entries back, while the log lives: from static files, and what is newer from the
//! write-ahead log.

use super::LogError;
use super::body::{self, BODIES_HEADER_BYTES, Slot, bodies_path};
use super::disk::{DiskFile, read_file};
use super::entry::{BodyPart, StoredEntry, Withheld};
use super::shared::Shared;
use super::tail::FrameBytes;
use portcullis_tlog::tile::{TILE_WIDTH, bundle_entries, bundle_path};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// Entries in order, one at a time.
#[derive(Debug)]
pub struct Entries {
    shared: Arc<Shared>,
    next: u64,
    to: u64,
    bundle: Option<Bundle>,
}

/// A bundle that is being read.
#[derive(Debug)]
struct Bundle {
    index: u64,
    leaves: Vec<Vec<u8>>,
    bodies: Arc<dyn DiskFile>,
    ranges: Vec<Range<u64>>,
    path: PathBuf,
}

impl Entries {
    pub(super) fn new(shared: Arc<Shared>, from: u64, to: u64) -> Self {
        Self {
            shared,
            next: from,
            to,
            bundle: None,
        }
    }

    /// Leaves out what stands before `seq`; what was read already does not come again.
    pub fn skip_to(&mut self, seq: u64) {
        self.next = self.next.max(seq);
    }

    fn read(&mut self, seq: u64) -> Result<StoredEntry, LogError> {
        let (base, spot) = {
            let tail = self.shared.tail.lock();
            (tail.base, tail.spot(seq))
        };
        if seq >= base {
            let (spot, segment) = spot.ok_or(LogError::NoSuchEntry {
                seq,
                size: *self.shared.durable.borrow(),
            })?;
            let frame = FrameBytes::read(spot, &segment, seq)?;
            let place = segment.path.display().to_string();
            return stored(seq, frame.leaf().to_vec(), frame.body(), &place);
        }
        let index = seq / TILE_WIDTH;
        let bundle = match self.bundle.take().filter(|b| b.index == index) {
            Some(bundle) => bundle,
            None => self.load(index)?,
        };
        let entry = bundle.entry(seq);
        self.bundle = Some(bundle);
        entry
    }

    fn load(&self, index: u64) -> Result<Bundle, LogError> {
        let name = bundle_path(index, TILE_WIDTH);
        let path = self.shared.dir.join(&name);
        let bytes = read_file(&*self.shared.disk, &path).map_err(|e| LogError::io(&path, e))?;
        let leaves = bundle_entries(&bytes)
            .map(|leaf| leaf.map(<[u8]>::to_vec))
            .collect::<Option<Vec<_>>>()
            .filter(|l| l.len() as u64 == TILE_WIDTH)
            .ok_or_else(|| LogError::damaged(name, "it does not hold 256 entries".to_owned()))?;
        let name = bodies_path(index);
        let path = self.shared.dir.join(&name);
        let bodies = self
            .shared
            .disk
            .open(&path)
            .map_err(|e| LogError::io(&path, e))?;
        let mut header = vec![0; BODIES_HEADER_BYTES];
        bodies
            .read_at(&mut header, 0)
            .map_err(|e| LogError::io(&path, e))?;
        let ranges = body::decode_header(&header).ok_or_else(|| {
            LogError::damaged(name, "its table is not what was written".to_owned())
        })?;
        Ok(Bundle {
            index,
            leaves,
            bodies,
            ranges,
            path,
        })
    }
}

impl Bundle {
    fn entry(&self, seq: u64) -> Result<StoredEntry, LogError> {
        let at = usize::try_from(seq % TILE_WIDTH).unwrap_or_default();
        let (Some(leaf), Some(range)) = (self.leaves.get(at), self.ranges.get(at)) else {
            return Err(LogError::damaged(
                self.path.display().to_string(),
                format!("entry {seq} is not in it"),
            ));
        };
        let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        if length > super::limits::MAX_ENCODED_BODY_BYTES {
            return Err(LogError::damaged(
                self.path.display().to_string(),
                format!("the body of entry {seq} is too long"),
            ));
        }
        let mut bytes = vec![0; length];
        self.bodies
            .read_at(&mut bytes, BODIES_HEADER_BYTES as u64 + range.start)
            .map_err(|e| LogError::io(&self.path, e))?;
        stored(seq, leaf.clone(), &bytes, &self.path.display().to_string())
    }
}

fn stored(seq: u64, leaf: Vec<u8>, body: &[u8], place: &str) -> Result<StoredEntry, LogError> {
    let slots = body::decode(body).ok_or_else(|| {
        LogError::damaged(
            place.to_owned(),
            format!("the body of entry {seq} is not what was written"),
        )
    })?;
    let mut entry = StoredEntry {
        seq,
        leaf,
        parts: Vec::new(),
        withheld: Vec::new(),
    };
    for slot in slots {
        match slot {
            Slot::Present {
                label,
                salt,
                content,
            } => {
                entry
                    .parts
                    .push(BodyPart::new(label.to_owned(), *salt, content.to_vec()));
            }
            Slot::Withheld { label, by_seq, .. } => {
                entry.withheld.push(Withheld {
                    label: label.to_owned(),
                    by_seq,
                });
            }
        }
    }
    Ok(entry)
}

impl Iterator for Entries {
    type Item = Result<StoredEntry, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.to {
            return None;
        }
        let entry = self.read(self.next);
        // After an error nothing that follows could be relied on to be in order.
        self.next = if entry.is_ok() {
            self.next + 1
        } else {
            self.to
        };
        Some(entry)
    }
}
