//! The durable log: entries of many sessions in one group commit, as a Merkle log in C2SP formats.
//!
//! Invariant: a [`Recorded`] exists only for an entry whose bytes a returned sync covers, and no
//! checkpoint is signed over anything else.
//!
//! Start with [`Log::open`], [`Log::append`] and [`Log::read`]; then the writer (`writer.rs`), what
//! comes after it in the background (`publisher.rs`, `keeper.rs`) and what comes after a crash
//! (`recover.rs`). How the files look: `docs/formats/log.md`.

pub mod disk;
pub mod limits;

mod body;
mod entry;
mod forget;
mod keeper;
mod leaf;
mod publisher;
mod queue;
mod read;
mod recover;
mod segment;
mod shared;
mod tail;
mod verify;
mod wal;
mod writer;

pub use entry::{BodyPart, Entry, EntryError, Recorded, StoredEntry, Withheld, commitment};
pub use queue::{LogDown, Pending};
pub use read::Entries;
pub use verify::{FirstBad, Progress, Report, VerifyOptions, verify, verify_on};

use disk::{Disk, OsDisk};
use ed25519_dalek::SigningKey;
use keeper::Keeper;
use parking_lot::Mutex;
use portcullis_tlog::{Hash, VerifierKey, proof};
use publisher::{Pass, Publisher};
use queue::{Queue, Trouble};
use shared::{Bell, Shared, prove_error};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;
use writer::Writer;

/// How a log is run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Size of a write-ahead segment; small ones are for tests.
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
    #[error("`{}`: {source}", path.display())]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("another process has the log open")]
    Locked,
    /// Serving on would hide it.
    #[error("the log is damaged at `{place}`: {why}")]
    Damaged { place: String, why: String },
    #[error("the log has {size} entries, none numbered {seq}")]
    NoSuchEntry { seq: u64, size: u64 },
    #[error("entry {seq} has no part `{label}`")]
    NoSuchPart { seq: u64, label: String },
    #[error("entry {by_seq} does not record that the part of entry {seq} is removed")]
    RemovalNotRecorded { seq: u64, by_seq: u64 },
    #[error(transparent)]
    Down(#[from] LogDown),
    #[error("the origin cannot name a log: {0}")]
    Origin(String),
}

impl LogError {
    fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io {
            path: path.to_path_buf(),
            source,
        }
    }

    fn damaged(place: String, why: String) -> Self {
        Self::Damaged { place, why }
    }
}

/// The log. Share it in an `Arc`.
#[derive(Debug)]
pub struct Log {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What a log without threads can be made to do next; for tests that choose the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Record everything that is queued.
    Write,
    /// Make one pass of static files.
    Publish,
    /// Prepare a segment, sign a checkpoint, try again what a full disk stopped.
    Keep,
}

impl Log {
    /// Opens the log in `dir`, or makes one. `origin` names it, in checkpoints and in its key.
    ///
    /// # Errors
    /// Damage, with the place; another process at it; a disk that fails.
    pub fn open(
        dir: &Path,
        signer: SigningKey,
        origin: &str,
        options: Options,
    ) -> Result<(Self, Recovered), LogError> {
        let (log, recovered) =
            Self::open_unthreaded(Arc::new(OsDisk), dir, signer, origin, options)?;
        log.start()?;
        Ok((log, recovered))
    }

    /// As [`Log::open`], on any disk and without threads: nothing happens until [`Log::step`].
    ///
    /// # Errors
    /// As [`Log::open`].
    pub fn open_unthreaded(
        disk: Arc<dyn Disk>,
        dir: &Path,
        signer: SigningKey,
        origin: &str,
        options: Options,
    ) -> Result<(Self, Recovered), LogError> {
        let key = VerifierKey::ed25519(origin, signer.verifying_key())
            .map_err(|e| LogError::Origin(e.to_string()))?;
        let wal = dir.join("wal");
        disk.create_dir_all(&wal)
            .map_err(|e| LogError::io(&wal, e))?;
        let lock = lock(&*disk, dir)?;
        for made in [dir.parent(), Some(dir)]
            .into_iter()
            .flatten()
            .filter(|d| !d.as_os_str().is_empty())
        {
            disk.sync_dir(made).map_err(|e| LogError::io(made, e))?;
        }
        let found = recover::find_or_create(&*disk, dir, &key, options.segment_bytes)?;
        let size = found.tail.size();
        let recovered = Recovered {
            size,
            created: found.checkpoint.is_none(),
            closed_cleanly: found.closed_cleanly,
            torn_bytes: found.torn_bytes,
            unsigned_entries: size - found.checkpoint.as_ref().map_or(size, |c| c.size),
        };
        let signed = found.checkpoint.as_ref().map(|c| c.size);
        let shared = Arc::new(Shared {
            dir: dir.to_path_buf(),
            origin: origin.to_owned(),
            signer,
            segment_bytes: options.segment_bytes,
            queue: Queue::default(),
            durable: tokio::sync::watch::Sender::new(size),
            publisher: Mutex::new(Publisher::default()),
            keeper: Mutex::new(Keeper { signed }),
            writer: Mutex::new(Writer {
                segment: found.segment,
                end: found.end,
                size,
                unclean: None,
                buffer: Vec::new(),
                spots: Vec::new(),
            }),
            spare: Mutex::new(found.spare),
            tail: Mutex::new(found.tail),
            publisher_bell: Bell::default(),
            keeper_bell: Bell::default(),
            lock: Mutex::new(Some(lock)),
            disk,
        });
        if let Some(checkpoint) = found.checkpoint {
            check_against(&shared, &checkpoint)?;
            keeper::attempt(&shared);
        } else {
            keeper::write_checkpoint(&shared)?;
            shared
                .disk
                .sync_dir(dir)
                .map_err(|e| LogError::io(dir, e))?;
        }
        Ok((
            Self {
                shared,
                threads: Mutex::new(Vec::new()),
            },
            recovered,
        ))
    }

    fn start(&self) -> Result<(), LogError> {
        type Role = fn(&Shared);
        let roles: [(&str, Role); 3] = [
            ("log-writer", writer::run),
            ("log-publisher", publisher::run),
            ("log-keeper", keeper::run),
        ];
        for (name, role) in roles {
            let shared = Arc::clone(&self.shared);
            let thread = std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || role(&shared))
                .map_err(|e| LogError::io(&self.shared.dir, e))?;
            self.threads.lock().push(thread);
        }
        // What recovery found may want publishing, and there may be no spare.
        self.shared.publisher_bell.ring();
        self.shared.keeper_bell.ring();
        Ok(())
    }

    /// Does one kind of work now, in a log without threads.
    pub fn step(&self, step: Step) {
        match step {
            Step::Write => {
                let mut queued = Vec::new();
                self.shared.queue.take_now(&mut queued);
                writer::commit_all(&self.shared, &mut queued);
            }
            Step::Publish if self.shared.queue.has(Trouble::Failed) => {}
            // Its failure is in the log's troubles.
            Step::Publish => drop(publisher::attempt(&self.shared)),
            Step::Keep if self.shared.queue.has(Trouble::Failed) => {}
            Step::Keep => keeper::attempt(&self.shared),
        }
    }

    /// Queues an entry; the order of the calls is the order in the log. Does not wait.
    ///
    /// # Errors
    /// The log is down, and nothing is queued.
    pub fn append(&self, entry: Entry) -> Result<Pending, LogDown> {
        self.shared.queue.push_one(entry)
    }

    /// Queues entries, with nobody else's between them; all or none.
    ///
    /// # Errors
    /// The log is down, and nothing is queued.
    pub fn append_all(&self, entries: Vec<Entry>) -> Result<Vec<Pending>, LogDown> {
        self.shared.queue.push_all(entries)
    }

    /// Why appends are refused at the moment, if they are.
    #[must_use]
    pub fn down(&self) -> Option<LogDown> {
        self.shared.queue.down()
    }

    /// Resolves when a queue that was [`LogDown::Busy`] takes entries again.
    pub async fn room(&self) {
        self.shared.queue.room().await;
    }

    /// Durable entries.
    #[must_use]
    pub fn size(&self) -> u64 {
        *self.shared.durable.borrow()
    }

    /// Follows [`Log::size`].
    #[must_use]
    pub fn subscribe(&self) -> tokio::sync::watch::Receiver<u64> {
        self.shared.durable.subscribe()
    }

    /// Entries `from..to`, as far as they are durable now. Holds one bundle's leaves and one body in
    /// memory at a time.
    #[must_use]
    pub fn read(&self, from: u64, to: u64) -> Entries {
        Entries::new(Arc::clone(&self.shared), from, to.min(self.size()))
    }

    /// A checkpoint over everything that is durable now, signed.
    ///
    /// # Errors
    /// None in practice: the origin was checked when the log was opened.
    pub fn checkpoint(&self) -> Result<String, LogError> {
        self.shared.sign().map(|(_, note)| note)
    }

    /// The key that verifies this log's checkpoints, in the form it is passed around in.
    #[must_use]
    pub fn vkey(&self) -> String {
        VerifierKey::ed25519(&self.shared.origin, self.shared.signer.verifying_key())
            .map_or_else(|_| String::new(), |key| key.to_string())
    }

    /// Proves that entry `seq` is in the tree of the first `size` entries.
    ///
    /// # Errors
    /// No such entry or tree; a file that can't be read.
    pub fn prove_inclusion(&self, seq: u64, size: u64) -> Result<Vec<Hash>, LogError> {
        proof::prove_inclusion(&mut self.shared.tree_of(size)?, seq, size).map_err(prove_error)
    }

    /// Proves that the tree of `to` entries begins with the one of `from`.
    ///
    /// # Errors
    /// No such trees; a file that can't be read.
    pub fn prove_consistency(&self, from: u64, to: u64) -> Result<Vec<Hash>, LogError> {
        proof::prove_consistency(&mut self.shared.tree_of(to)?, from, to).map_err(prove_error)
    }

    /// The root of the first `size` entries.
    ///
    /// # Errors
    /// No such tree; a file that can't be read.
    pub fn root(&self, size: u64) -> Result<Hash, LogError> {
        proof::root(&mut self.shared.tree_of(size)?, size)
    }

    /// Takes part `label` out of the body of entry `seq` for good. Entry `by_seq` records that: its
    /// leaf has `"withholds":[{"seq":…,"label":"…"}]`. Repeating it does no harm, and finishes what
    /// a crash has interrupted.
    ///
    /// # Errors
    /// No such entry or part, a removal that is not on record, a disk that fails.
    pub fn forget(&self, seq: u64, label: &str, by_seq: u64) -> Result<(), LogError> {
        forget::forget(&self.shared, seq, label, by_seq)
    }

    /// Records what is queued, makes all static files, signs, and ends. Also done on drop.
    ///
    /// # Errors
    /// What could not be finished; what was recorded stays recorded.
    pub fn close(&self) -> Result<(), LogError> {
        let shared = &self.shared;
        shared.queue.end();
        shared.publisher_bell.end();
        shared.keeper_bell.end();
        let threads = std::mem::take(&mut *self.threads.lock());
        for thread in threads {
            // A thread that panicked has recorded nothing it did not say.
            let _ = thread.join();
        }
        let Some(lock) = shared.lock.lock().take() else {
            return Ok(());
        };
        let outcome = self.finish();
        shared.queue.raise(Trouble::Closed);
        drop(lock);
        outcome
    }

    fn finish(&self) -> Result<(), LogError> {
        let shared = &self.shared;
        self.step(Step::Write);
        if shared.queue.has(Trouble::Failed) {
            return Err(LogDown::Failed.into());
        }
        while publisher::attempt(shared)? == Pass::Published {}
        let mut writer = shared.writer.lock();
        writer.clean()?;
        if let Some(spare) = shared.spare.lock().take() {
            shared.disk.remove(&spare.path).map_err(|e| spare.io(e))?;
            let wal = shared.dir.join("wal");
            shared
                .disk
                .sync_dir(&wal)
                .map_err(|e| LogError::io(&wal, e))?;
        }
        drop(writer);
        keeper::write_checkpoint(shared)?;
        shared
            .disk
            .sync_dir(&shared.dir)
            .map_err(|e| LogError::io(&shared.dir, e))?;
        let mut writer = shared.writer.lock();
        writer.segment.header.closed_at = Some(writer.end);
        writer.segment.write_header()?;
        writer.segment.sync()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::warn!(%error, "the log was not closed in order; opening it will put that right");
        }
    }
}

/// Keeps other processes out; waits a little for one that is just ending, or only looking.
fn lock(disk: &dyn Disk, dir: &Path) -> Result<Box<dyn std::any::Any + Send + Sync>, LogError> {
    let deadline = Instant::now() + limits::LOCK_PATIENCE;
    loop {
        match disk.lock(dir) {
            Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => {
                return Err(LogError::io(dir, error));
            }
            Err(_) if Instant::now() < deadline => std::thread::sleep(limits::LOOK_AGAIN),
            Err(_) => return Err(LogError::Locked),
            Ok(lock) => return Ok(lock),
        }
    }
}

/// Refuses a log whose tree is not the one that was signed: serving on would be a fork.
fn check_against(
    shared: &Shared,
    checkpoint: &portcullis_tlog::Checkpoint,
) -> Result<(), LogError> {
    let root = proof::root(&mut shared.tree_of(checkpoint.size)?, checkpoint.size)?;
    if root == checkpoint.root {
        return Ok(());
    }
    Err(LogError::damaged(
        "tile".to_owned(),
        format!(
            "the tree of the first {} entries is not the one that was signed",
            checkpoint.size
        ),
    ))
}
