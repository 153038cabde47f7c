//! What the log's threads share, and how one wakes another.

use super::LogError;
use super::disk::{Disk, is_full};
use super::keeper::Keeper;
use super::publisher::Publisher;
use super::queue::{Queue, Trouble};
use super::segment::Segment;
use super::tail::{Tail, TreeReader};
use super::writer::Writer;
use ed25519_dalek::SigningKey;
use parking_lot::{Condvar, Mutex};
use portcullis_tlog::{Checkpoint, NoteError, proof};
use std::any::Any;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// One log, for as long as anybody holds it. Locks are taken in the order of the fields.
#[derive(Debug)]
pub(super) struct Shared {
    pub disk: Arc<dyn Disk>,
    pub dir: PathBuf,
    pub origin: String,
    pub signer: SigningKey,
    pub segment_bytes: u64,
    pub queue: Queue,
    pub durable: tokio::sync::watch::Sender<u64>,
    /// Held by whoever makes ready, rewrites or removes static files.
    pub publisher: Mutex<Publisher>,
    pub keeper: Mutex<Keeper>,
    /// Held by the writer thread for one group commit at a time.
    pub writer: Mutex<Writer>,
    /// The next segment, made before it is needed.
    pub spare: Mutex<Option<Segment>>,
    pub tail: Mutex<Tail>,
    pub publisher_bell: Bell,
    pub keeper_bell: Bell,
    /// Keeps other processes out.
    pub lock: Mutex<Option<Box<dyn Any + Send + Sync>>>,
}

impl Shared {
    /// Refuses appends because of a failed write: until there is space, or for good.
    pub fn fail(&self, full: Trouble, error: &LogError) {
        match error {
            LogError::Io { source, .. } if is_full(source) => {
                if !self.queue.has(full) {
                    tracing::warn!(%error, "the disk that holds the log is full; appends are refused until there is space");
                }
                self.queue.raise(full);
            }
            _ => {
                tracing::error!(%error, "the log can't be trusted to the disk any more; appends are refused until a restart");
                self.queue.raise(Trouble::Failed);
            }
        }
    }

    /// Puts every recorded leaf into the tree and tells the tree's size.
    pub fn catch_up(&self) -> u64 {
        loop {
            let mut tail = self.tail.lock();
            if !tail.hash_some() {
                return tail.hashed();
            }
        }
    }

    /// A signed checkpoint over everything that is durable now.
    pub fn sign(&self) -> Result<(u64, String), LogError> {
        self.catch_up();
        let (size, root) = {
            let tail = self.tail.lock();
            (tail.hashed(), tail.builder.root())
        };
        let note = Checkpoint::new(&self.origin, size, root).sign(&self.signer);
        Ok((
            size,
            note.map_err(|e: NoteError| LogError::Origin(e.to_string()))?
                .to_string(),
        ))
    }

    pub fn reader(&self) -> TreeReader<'_> {
        TreeReader::new(&*self.disk, &self.dir, &self.tail)
    }

    /// Checks that a tree of `size` entries is there to be proved about.
    pub fn tree_of(&self, size: u64) -> Result<TreeReader<'_>, LogError> {
        let have = self.catch_up();
        if size > have {
            return Err(LogError::NoSuchEntry {
                seq: size.saturating_sub(1),
                size: have,
            });
        }
        Ok(self.reader())
    }
}

/// A proof's own error, in the log's words.
pub(super) fn prove_error(error: proof::ProveError<LogError>) -> LogError {
    match error {
        proof::ProveError::NotInTree { seq, size } => LogError::NoSuchEntry { seq, size },
        proof::ProveError::Shrinks { from, to } => LogError::NoSuchEntry {
            seq: from,
            size: to,
        },
        proof::ProveError::Read(error) => error,
    }
}

/// Wakes one thread; ringing costs an atomic load while that thread is awake or has been rung.
#[derive(Debug, Default)]
pub(super) struct Bell {
    rung: AtomicBool,
    ending: AtomicBool,
    sleep: Mutex<()>,
    wake: Condvar,
}

impl Bell {
    pub fn ring(&self) {
        if !self.rung.swap(true, Ordering::AcqRel) {
            // The lock orders this against a thread that is about to sleep.
            drop(self.sleep.lock());
            self.wake.notify_one();
        }
    }

    pub fn end(&self) {
        self.ending.store(true, Ordering::Release);
        self.rung.store(true, Ordering::Release);
        // Also where it was rung before and is pausing: a close must not wait for that.
        drop(self.sleep.lock());
        self.wake.notify_all();
    }

    pub fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Acquire)
    }

    /// Sleeps until rung, or at most so long; the ringing is used up.
    pub fn wait(&self, at_most: Option<Duration>) {
        let deadline = at_most.map(|d| Instant::now() + d);
        let mut guard = self.sleep.lock();
        while !self.rung.load(Ordering::Acquire) {
            match deadline {
                None => self.wake.wait(&mut guard),
                Some(deadline) => {
                    if self.wake.wait_until(&mut guard, deadline).timed_out() {
                        break;
                    }
                }
            }
        }
        self.rung.store(false, Ordering::Release);
    }

    /// Sleeps that long, or until the end.
    pub fn pause(&self, time: Duration) {
        let deadline = Instant::now() + time;
        while !self.is_ending() && Instant::now() < deadline {
            let mut guard = self.sleep.lock();
            if self.is_ending() {
                return;
            }
            self.wake.wait_until(&mut guard, deadline);
        }
    }
}
