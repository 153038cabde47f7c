//! From the log to the state: the latest snapshot that fits, then the tail.
//!
//! Invariant: a snapshot is a cache. It counts only if sealed with this directory's secret and taken
//! of the very log that is open (size and the hash of all of it); else the log is read from the start.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use portcullis_tlog::{Checkpoint, Hash, Note, proof};

use crate::log::{Log, LogError, StoredEntry};

use super::event::{Fact, Head, LeafError, is_state_kind};
use super::model::State;

const MAGIC: &[u8] = b"portcullis snapshot 1\n";
/// Entries read at once; bounds memory, not the log.
const READ_AT_ONCE: u64 = 4096;
/// Older snapshots kept beside the latest, in case that one cannot be read.
const KEPT: usize = 2;

/// Something that is a fold over the log: the state here, the ledger's accounts elsewhere.
pub trait Fold {
    /// Name and version of the snapshot's form: another one is ignored.
    fn name(&self) -> &'static str;
    fn apply(&mut self, kind: &str, entry: &StoredEntry) -> Result<(), LeafError>;
    /// The time of the last entry, once all are taken in.
    fn reached(&mut self, _at: Timestamp) {}
    fn snapshot(&self) -> Vec<u8>;
    /// Takes over a snapshot; `false` if it cannot be read (then nothing has changed).
    fn restore(&mut self, bytes: &[u8]) -> bool;
}

impl Fold for State {
    fn name(&self) -> &'static str {
        "state.2"
    }

    fn apply(&mut self, kind: &str, entry: &StoredEntry) -> Result<(), LeafError> {
        if is_state_kind(kind) {
            let part = |label: &str| entry.part(label).map(<[u8]>::to_vec);
            let fact = Fact::read(entry.seq, &entry.leaf, part)?;
            Self::apply(self, &fact);
        }
        Ok(())
    }

    fn reached(&mut self, at: Timestamp) {
        self.touch(at);
    }

    fn snapshot(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    fn restore(&mut self, bytes: &[u8]) -> bool {
        match serde_json::from_slice(bytes) {
            Ok(state) => {
                *self = state;
                true
            }
            Err(_) => false,
        }
    }
}

/// What a replay found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// Entries that the folds have taken in.
    pub size: u64,
    /// Of these, how many came out of a snapshot.
    pub from_snapshot: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Leaf(#[from] LeafError),
    #[error("the log's own checkpoint cannot be read: {0}")]
    Checkpoint(String),
    #[error("the snapshot cannot be written to {}: {source}", path.display())]
    Write {
        path: PathBuf,
        source: std::io::Error,
    },
}

/// Brings fresh folds up to the end of the log.
pub fn replay(
    log: &Log,
    cache: &Path,
    seal: &[u8; 32],
    folds: &mut [&mut dyn Fold],
) -> Result<Replayed, ReplayError> {
    replay_to(log, log.size(), cache, seal, folds)
}

/// Makes a new snapshot, from the one before and the log alone: nothing that lives is asked, so what
/// it holds is what a restart would have found.
pub fn take(
    log: &Log,
    cache: &Path,
    seal: &[u8; 32],
    folds: &mut [&mut dyn Fold],
) -> Result<Replayed, ReplayError> {
    let stand = stand_of(log)?;
    let replayed = replay_to(log, stand.size, cache, seal, folds)?;
    let mut body = Vec::new();
    for fold in folds.iter() {
        put(&mut body, fold.name().as_bytes());
        put(&mut body, &fold.snapshot());
    }
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(sealed(seal, &stand, &body).as_bytes());
    bytes.extend_from_slice(&stand.root);
    bytes.extend_from_slice(&body);
    let path = cache.join(file_name(stand.size));
    store(&path, &bytes).map_err(|source| ReplayError::Write {
        path: path.clone(),
        source,
    })?;
    for (_, old) in snapshots(cache).into_iter().rev().skip(KEPT) {
        let _ = fs::remove_file(old);
    }
    Ok(replayed)
}

fn replay_to(
    log: &Log,
    size: u64,
    cache: &Path,
    seal: &[u8; 32],
    folds: &mut [&mut dyn Fold],
) -> Result<Replayed, ReplayError> {
    let from_snapshot = restore(log, cache, seal, size, folds).unwrap_or(0);
    let mut at = from_snapshot;
    // Of one length, so that the texts sort as the times do; only the last one is read as a time.
    let mut latest = String::new();
    while at < size {
        let to = size.min(at + READ_AT_ONCE);
        for entry in log.read(at, to) {
            let entry = entry?;
            let (at_text, kind) = match quick_head(&entry.leaf) {
                Some(head) => head,
                None => slow_head(&entry)?,
            };
            if *at_text > *latest {
                latest.clear();
                latest.push_str(&at_text);
            }
            for fold in folds.iter_mut() {
                fold.apply(&kind, &entry)?;
            }
        }
        at = to;
    }
    if let Ok(at) = latest.parse() {
        for fold in folds.iter_mut() {
            fold.reached(at);
        }
    }
    Ok(Replayed {
        size,
        from_snapshot,
    })
}

type Text<'a> = std::borrow::Cow<'a, str>;

/// Time and kind of a leaf as our writers begin it, without reading the rest: a start reads millions.
fn quick_head(leaf: &[u8]) -> Option<(Text<'_>, Text<'_>)> {
    let (at, rest) = quoted(leaf.strip_prefix(b"{\"v\":1,\"at\":\"")?)?;
    let (kind, _) = quoted(rest.strip_prefix(b",\"kind\":\"")?)?;
    Some((at.into(), kind.into()))
}

/// Up to the closing quote; none if anything is escaped.
fn quoted(text: &[u8]) -> Option<(&str, &[u8])> {
    let end = text.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    let (inside, rest) = text.split_at_checked(end)?;
    Some((std::str::from_utf8(inside).ok()?, rest.strip_prefix(b"\"")?))
}

fn slow_head(entry: &StoredEntry) -> Result<(Text<'_>, Text<'_>), LeafError> {
    let head: Head<'_> = serde_json::from_slice(&entry.leaf).map_err(|source| LeafError::Json {
        seq: entry.seq,
        kind: String::new(),
        source,
    })?;
    Ok((head.at, head.kind))
}

/// Which log this is: so many entries, with this root over all of them.
struct Stand {
    size: u64,
    root: Hash,
}

/// Where the log stands now, by its own checkpoint.
fn stand_of(log: &Log) -> Result<Stand, ReplayError> {
    let note = log.checkpoint()?;
    let checkpoint = Note::parse(&note)
        .and_then(|note| Checkpoint::parse(&note.text))
        .map_err(|error| ReplayError::Checkpoint(error.to_string()))?;
    Ok(Stand {
        size: checkpoint.size,
        root: checkpoint.root,
    })
}

fn store(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let partial = path.with_extension("partial");
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&partial)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    fs::rename(&partial, path)
}

/// Restores the latest snapshot that fits; says up to which entry it goes.
fn restore(
    log: &Log,
    cache: &Path,
    seal: &[u8; 32],
    size: u64,
    folds: &mut [&mut dyn Fold],
) -> Option<u64> {
    let candidates: Vec<_> = snapshots(cache)
        .into_iter()
        .rev()
        .filter(|(taken_at, _)| *taken_at <= size)
        .collect();
    if candidates.is_empty() {
        return None;
    }
    let now = stand_of(log).ok()?;
    for (taken_at, path) in candidates {
        let fits = fs::read(&path).ok().and_then(|bytes| {
            let (mac, rest) = bytes.strip_prefix(MAGIC)?.split_first_chunk::<32>()?;
            let (root, body) = rest.split_first_chunk::<32>()?;
            let stand = Stand {
                size: taken_at,
                root: *root,
            };
            // blake3's equality takes constant time.
            (sealed(seal, &stand, body) == *mac && extends(log, &stand, &now)).then_some(())?;
            take_over(body, folds).then_some(())
        });
        if fits.is_some() {
            return Some(taken_at);
        }
        tracing::info!(snapshot = %path.display(), "a snapshot does not fit this log and is left aside");
    }
    None
}

/// Whether the log of now is that of then, grown.
fn extends(log: &Log, then: &Stand, now: &Stand) -> bool {
    log.prove_consistency(then.size, now.size)
        .is_ok_and(|proof| {
            proof::verify_consistency(then.size, &then.root, now.size, &now.root, &proof).is_ok()
        })
}

/// All folds or none.
fn take_over(body: &[u8], folds: &mut [&mut dyn Fold]) -> bool {
    let fresh: Vec<_> = folds.iter().map(|fold| fold.snapshot()).collect();
    let mut rest = body;
    for fold in folds.iter_mut() {
        let taken = get(&mut rest).is_some_and(|name| name == fold.name().as_bytes())
            && get(&mut rest).is_some_and(|bytes| fold.restore(bytes));
        if !taken {
            for (fold, bytes) in folds.iter_mut().zip(&fresh) {
                fold.restore(bytes);
            }
            return false;
        }
    }
    true
}

/// Ties a snapshot to this directory's secret and to everything in the log so far.
fn sealed(seal: &[u8; 32], stand: &Stand, body: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new_keyed(seal);
    hasher.update(MAGIC);
    hasher.update(&stand.size.to_be_bytes());
    hasher.update(&stand.root);
    hasher.update(body);
    hasher.finalize()
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
    out.extend_from_slice(bytes);
}

fn get<'b>(rest: &mut &'b [u8]) -> Option<&'b [u8]> {
    let (length, after) = rest.split_first_chunk::<8>()?;
    let (bytes, after) =
        after.split_at_checked(usize::try_from(u64::from_be_bytes(*length)).ok()?)?;
    *rest = after;
    Some(bytes)
}

fn file_name(size: u64) -> String {
    format!("state-{size:020}.snap")
}

/// Snapshots by the size that they were taken at, smallest first.
fn snapshots(cache: &Path) -> Vec<(u64, PathBuf)> {
    let Ok(entries) = fs::read_dir(cache) else {
        return Vec::new();
    };
    let mut found: Vec<_> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let name = path.file_name()?.to_str()?;
            let size = name
                .strip_prefix("state-")?
                .strip_suffix(".snap")?
                .parse()
                .ok()?;
            Some((size, path))
        })
        .collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn the_quick_reading_of_a_leaf_is_the_slow_one() {
        let leaves = [
            r#"{"v":1,"at":"2026-11-22T23:16:00.123456Z","kind":"statement","actor":"x"}"#,
            r#"{"kind":"statement","at":"2026-11-22T23:16:00.123456Z","v":1}"#,
            r#"{"v":1,"at":"2026-11-22T23:16:00.123456Z","kind":"state\u006dent"}"#,
        ];
        for leaf in leaves {
            let entry = StoredEntry {
                seq: 0,
                leaf: leaf.as_bytes().to_vec(),
                parts: Vec::new(),
                withheld: Vec::new(),
            };
            let slow = slow_head(&entry).unwrap();
            assert_eq!(slow.1, "statement");
            assert_eq!(
                quick_head(&entry.leaf).unwrap_or_else(|| slow.clone()),
                slow
            );
        }
        assert!(quick_head(leaves[0].as_bytes()).is_some());
        assert!(quick_head(b"{\"v\":1,\"at\":\"").is_none());
    }
}
