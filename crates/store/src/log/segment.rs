//! One segment of the write-ahead log on disk.

use super::LogError;
use super::disk::{Disk, DiskFile};
use super::tail::LiveSegment;
use super::wal::{SEGMENT_HEADER_BYTES, SegmentHeader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Zeros are written in pieces of this size.
const ZEROS_AT_ONCE: usize = 1024 * 1024;
pub(super) const TEMPORARY: &str = ".tmp";

/// An open segment, allocated to its whole length.
#[derive(Debug)]
pub(super) struct Segment {
    pub header: SegmentHeader,
    pub file: Arc<dyn DiskFile>,
    pub path: PathBuf,
}

impl Segment {
    /// Makes a segment of zeros, durable under its final name. It has no header until it is begun.
    ///
    /// Zeros are really written: the blocks then exist, and a sync of a frame needs no metadata.
    pub fn prepare(disk: &dyn Disk, dir: &Path, id: u64, length: u64) -> Result<Self, LogError> {
        let path = dir.join(segment_path(id));
        let temporary = path.with_extension(format!("seg{TEMPORARY}"));
        let outcome = zeroed(disk, &temporary, length).and_then(|file| {
            disk.rename(&temporary, &path)?;
            disk.sync_dir(&dir.join("wal"))?;
            Ok(file)
        });
        match outcome {
            Ok(file) => {
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
                Ok(Self { header, file, path })
            }
            Err(error) => {
                // What a full disk left half made only takes up more of it.
                let _ = disk.remove(&temporary);
                Err(LogError::io(&path, error))
            }
        }
    }

    /// Writes the header, which the caller syncs together with the first frames.
    pub fn write_header(&self) -> Result<(), LogError> {
        self.file
            .write_at(&self.header.encode(), 0)
            .map_err(|e| self.io(e))
    }

    pub fn sync(&self) -> Result<(), LogError> {
        self.file.sync().map_err(|e| self.io(e))
    }

    pub fn io(&self, error: std::io::Error) -> LogError {
        LogError::io(&self.path, error)
    }

    pub fn live(&self) -> LiveSegment {
        LiveSegment {
            file: Arc::clone(&self.file),
            path: self.path.clone(),
            nonce: self.header.nonce,
            end_seq: None,
        }
    }

    /// Where the first frame begins.
    pub fn first_offset() -> u64 {
        SEGMENT_HEADER_BYTES as u64
    }
}

fn zeroed(disk: &dyn Disk, path: &Path, length: u64) -> std::io::Result<Arc<dyn DiskFile>> {
    let file = disk.create(path)?;
    write_zeros(&*file, 0, length)?;
    file.sync()?;
    Ok(file)
}

/// Writes zeros over `from..to`.
pub(super) fn write_zeros(file: &dyn DiskFile, from: u64, to: u64) -> std::io::Result<()> {
    let zeros = vec![0; ZEROS_AT_ONCE];
    let mut at = from;
    while at < to {
        let count = usize::try_from(to - at)
            .unwrap_or(usize::MAX)
            .min(ZEROS_AT_ONCE);
        file.write_at(zeros.get(..count).unwrap_or_default(), at)?;
        at += count as u64;
    }
    Ok(())
}

/// Where a segment lies below the log's directory.
pub(super) fn segment_path(id: u64) -> String {
    format!("wal/{id:08}.seg")
}

/// The number of a segment by its file name.
pub(super) fn parse_segment_name(name: &str) -> Option<u64> {
    let id: u64 = name.strip_suffix(".seg")?.parse().ok()?;
    (format!("{id:08}.seg") == name).then_some(id)
}
