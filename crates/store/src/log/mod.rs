//! The durable log: entries of many sessions in one group commit, as a Merkle log in C2SP formats.
//!
//! Invariant: a [`Recorded`] exists only for an entry whose bytes a returned sync covers, and no
//! checkpoint is signed over anything else.
//!
//! Start with [`Log::open`], [`Log::append`] and [`Log::read`]. How the files look:
//! `docs/formats/log.md`.

mod entry;
mod leaf;
pub mod limits;
mod queue;

pub use entry::{BodyPart, Entry, EntryError, Recorded, StoredEntry, Withheld, commitment};
pub use queue::{LogDown, Pending};

use ed25519_dalek::SigningKey;
use portcullis_tlog::Hash;
use std::path::{Path, PathBuf};

/// How a log is run.
#[derive(Debug, Clone)]
pub struct Options {
    pub segment_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: limits::SEGMENT_BYTES,
        }
    }
}

/// What opening found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// Entries in the log.
    pub size: u64,
    /// The log was made just now.
    pub created: bool,
    /// The last run ended with `close`.
    pub closed_cleanly: bool,
    /// Bytes of an unfinished last write that were cut off.
    pub torn_bytes: u64,
    /// Entries after the last signed checkpoint.
    pub unsigned_entries: u64,
}

/// Why the log can't be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("{} : {source}", path.display())]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("another process has the log open")]
    Locked,
    /// Serving on would hide it.
    #[error("the log is damaged at {place}: {why}")]
    Damaged { place: String, why: String },
    #[error("no entry {seq}; the log has {size}")]
    NoSuchEntry { seq: u64, size: u64 },
    #[error(transparent)]
    Down(#[from] LogDown),
    #[error("the origin `{0}` cannot name a log")]
    Origin(String),
}

/// The log. Cheap to share in an `Arc`.
#[derive(Debug)]
pub struct Log {
    queue: queue::Queue,
    durable: tokio::sync::watch::Sender<u64>,
}

impl Log {
    pub fn open(
        _dir: &Path,
        _signer: SigningKey,
        _origin: &str,
        _options: Options,
    ) -> Result<(Self, Recovered), LogError> {
        Err(LogDown::Closed.into())
    }

    pub fn append(&self, entry: Entry) -> Result<Pending, LogDown> {
        let mut pending = Vec::with_capacity(1);
        self.queue.push(std::iter::once(entry), &mut pending)?;
        pending.pop().ok_or(LogDown::Failed)
    }

    pub fn append_all(&self, entries: Vec<Entry>) -> Result<Vec<Pending>, LogDown> {
        let mut pending = Vec::with_capacity(entries.len());
        self.queue.push(entries.into_iter(), &mut pending)?;
        Ok(pending)
    }

    pub async fn room(&self) {
        self.queue.room().await;
    }

    /// Durable entries.
    pub fn size(&self) -> u64 {
        *self.durable.borrow()
    }

    pub fn subscribe(&self) -> tokio::sync::watch::Receiver<u64> {
        self.durable.subscribe()
    }

    pub fn read(
        &self,
        _from: u64,
        _to: u64,
    ) -> impl Iterator<Item = Result<StoredEntry, LogError>> + '_ {
        std::iter::empty()
    }

    /// A fresh signed checkpoint.
    pub fn checkpoint(&self) -> Result<String, LogError> {
        Err(LogDown::Closed.into())
    }

    pub fn prove_inclusion(&self, _seq: u64, _size: u64) -> Result<Vec<Hash>, LogError> {
        Err(LogDown::Closed.into())
    }

    pub fn prove_consistency(&self, _from: u64, _to: u64) -> Result<Vec<Hash>, LogError> {
        Err(LogDown::Closed.into())
    }

    /// Withholds a part of an entry's body; `by` is the entry that records the removal: its leaf has
    /// `"withholds":[{"seq":…,"label":"…"}]`.
    pub fn forget(&self, _seq: u64, _label: &str, _by: Recorded) -> Result<(), LogError> {
        Err(LogDown::Closed.into())
    }

    /// Flushes, signs, ends the threads. Also done on drop.
    pub fn close(&self) -> Result<(), LogError> {
        Err(LogDown::Closed.into())
    }
}
