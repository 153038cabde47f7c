//! Every bound of the log, by name.

use std::time::Duration;

/// A leaf is small: what may be withheld one day is not in it (bodies are).
pub const MAX_LEAF_BYTES: usize = 4 * 1024;
/// All parts of one entry's body together.
pub const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;
/// Parts of one entry's body.
pub const MAX_PARTS: usize = 16;
/// A part's label.
pub const MAX_LABEL_BYTES: usize = 32;
/// Entries that wait for the writer; beyond it appends are answered `Busy`.
pub const MAX_QUEUED_ENTRIES: usize = 65_536;
/// Bytes that wait for the writer.
pub const MAX_QUEUED_BYTES: usize = 64 * 1024 * 1024;
/// Bytes that one group commit writes, unless a single entry is larger.
pub const MAX_BATCH_BYTES: usize = 2 * 1024 * 1024;
/// Bundles that are made ready between two directory syncs.
pub const MAX_BUNDLES_PER_PASS: u64 = 32;
/// A write-ahead segment, unless a single entry is larger.
pub const SEGMENT_BYTES: u64 = 8 * 1024 * 1024;
/// A larger segment is taken for damage.
pub const MAX_SEGMENT_BYTES: u64 = 1024 * 1024 * 1024;
/// Checkpoints follow growth after this long at most.
pub const CHECKPOINT_EVERY: Duration = Duration::from_millis(200);
/// How soon a full disk is tried again.
pub const RETRY_EVERY: Duration = Duration::from_millis(500);
/// Bundles wait this long for others before they are made into files.
pub const PUBLISH_EVERY: Duration = Duration::from_secs(2);
/// More entries in that time mean that the log is busy.
pub const BUSY_ENTRIES: u64 = 500;
/// So much write-ahead log may wait for a quieter time; half a second's reading at a restart.
pub const LAZY_WAL_BYTES: u64 = 96 * 1024 * 1024;
/// A body with what its parts' labels, salts and lengths add to it.
pub const MAX_ENCODED_BODY_BYTES: usize = MAX_BODY_BYTES + 1 + MAX_PARTS * (MAX_LABEL_BYTES + 22);
/// How long opening waits for another process to let go of the log.
pub const LOCK_PATIENCE: Duration = Duration::from_millis(500);
/// How often a thread that waits for something looks.
pub const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// Write-ahead log not yet in static files, beyond which the writer gives the publisher time: it is
/// what a restart has to read.
pub const MUCH_WAL_BYTES: u64 = 192 * 1024 * 1024;
/// How much time, at each new segment.
pub const PUBLISHER_HEAD_START: Duration = Duration::from_millis(400);
