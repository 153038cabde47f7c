//! The whole log verified offline, from its files and a public key alone.
//!
//! Every byte in the log's directory is read and judged: checkpoint, write-ahead segments to the
//! last zero, bundles, bodies, tiles, and that nothing else lies there.

mod bundles;
mod files;
mod segments;

use super::disk::{Disk, OsDisk, read_file};
use super::keeper::CHECKPOINT_NAME;
use super::leaf::{self, LeafView, Misfit};
use super::{LogError, body};
use portcullis_tlog::tree::TileBuilder;
use portcullis_tlog::{Checkpoint, Hash, Note, VerifierKey, cosignature};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What to compare the log with besides its own key.
#[derive(Debug, Clone, Default)]
pub struct VerifyOptions {
    /// A checkpoint that was kept elsewhere: the log must extend it.
    pub kept_checkpoint: Option<String>,
    /// Witnesses that must have cosigned: the kept checkpoint, or else the log's own.
    pub witnesses: Vec<VerifierKey>,
}

/// How far verification has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub entries: u64,
    pub of_entries: u64,
    pub bytes: u64,
}

/// The first thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}{}: {why}", seq.map_or_else(String::new, |s| format!(", entry {s}")))]
pub struct FirstBad {
    /// A file below the log's directory.
    pub place: String,
    /// The entry, where it is one.
    pub seq: Option<u64>,
    pub why: String,
}

/// What was found in a log in which nothing is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Entries that the checkpoint is signed over.
    pub size: u64,
    pub root: Hash,
    /// Recorded after the checkpoint was signed: consistent, but nobody's signature covers them yet.
    pub unsigned_entries: u64,
    /// The rest of an unfinished last write, behind the last record.
    pub torn_bytes: u64,
    pub closed_cleanly: bool,
    /// A server has the log open.
    pub live: bool,
    /// Bytes read.
    pub bytes: u64,
    /// Parts that were removed lawfully: entry, label, and the entry that records the removal.
    pub withheld: Vec<(u64, String, u64)>,
    /// What a crash left unfinished; the next start removes or finishes it.
    pub leftovers: Vec<String>,
    /// Size of the kept checkpoint that the log extends.
    pub kept_size: Option<u64>,
    /// Witnesses, with the time of their signatures in seconds since 1970.
    pub cosigned: Vec<(String, u64)>,
}

/// Verifies the log in `dir` (`log` in the data directory) against its public key.
///
/// # Errors
/// The first bad place.
pub fn verify(
    dir: &Path,
    key: &VerifierKey,
    options: &VerifyOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, FirstBad> {
    verify_on(&OsDisk, dir, key, options, progress)
}

/// As [`verify`], on any disk.
///
/// # Errors
/// The first bad place.
pub fn verify_on(
    disk: &dyn Disk,
    dir: &Path,
    key: &VerifierKey,
    options: &VerifyOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, FirstBad> {
    // Only asked for: a server that starts meanwhile must not be kept out.
    let live = matches!(disk.lock(dir), Err(e) if e.kind() == std::io::ErrorKind::WouldBlock);
    let place = Place { disk, dir, live };
    let (checkpoint, note) = place.checkpoint(key)?;
    let mut expected = vec![Expected {
        size: checkpoint.size,
        root: checkpoint.root,
        kept: false,
    }];
    let mut witnessed = note;
    if let Some(kept) = &options.kept_checkpoint {
        let (kept, kept_note) = Checkpoint::open(kept, key).map_err(|e| {
            bad(
                "the kept checkpoint",
                format!("it is not one of this log: {e}"),
            )
        })?;
        expected.push(Expected {
            size: kept.size,
            root: kept.root,
            kept: true,
        });
        witnessed = kept_note;
    }
    let cosigned = cosignatures(&witnessed, &options.witnesses)?;
    let segments = segments::read(&place, checkpoint.size)?;
    let mut tree = GrowingTree::new(expected, segments.end_seq());
    bundles::verify(&place, &segments, checkpoint.size, &mut tree, progress)?;
    tree.add_segments(&segments)?;
    let leftovers = files::account_for_all(&place, &segments, &tree)?;
    let withheld = tree.bodies.settle()?;
    let kept_size = tree.kept_size();
    Ok(Report {
        size: checkpoint.size,
        root: checkpoint.root,
        unsigned_entries: segments.end_seq() - checkpoint.size,
        torn_bytes: segments.torn_bytes,
        closed_cleanly: segments.closed,
        live,
        bytes: tree.bytes + segments.bytes,
        withheld,
        leftovers,
        kept_size,
        cosigned,
    })
}

/// Whose files are read.
struct Place<'a> {
    disk: &'a dyn Disk,
    dir: &'a Path,
    live: bool,
}

impl Place<'_> {
    fn read(&self, name: &str) -> Result<Vec<u8>, FirstBad> {
        read_file(self.disk, &self.dir.join(name)).map_err(|e| unreadable(name, &e))
    }

    fn exists(&self, name: &str) -> bool {
        self.disk.open(&self.dir.join(name)).is_ok()
    }

    fn checkpoint(&self, key: &VerifierKey) -> Result<(Checkpoint, Note), FirstBad> {
        let bytes = self.read(CHECKPOINT_NAME)?;
        let text = String::from_utf8(bytes).map_err(|_| bad(CHECKPOINT_NAME, "it is not text"))?;
        let (checkpoint, note) =
            Checkpoint::open(&text, key).map_err(|e| bad(CHECKPOINT_NAME, e.to_string()))?;
        if note.to_string() != text {
            return Err(bad(
                CHECKPOINT_NAME,
                "it is not written as a server writes it",
            ));
        }
        Ok((checkpoint, note))
    }
}

fn cosignatures(note: &Note, witnesses: &[VerifierKey]) -> Result<Vec<(String, u64)>, FirstBad> {
    witnesses
        .iter()
        .map(|witness| {
            let time = cosignature::verify(note, witness)
                .map_err(|e| bad(CHECKPOINT_NAME, format!("not cosigned: {e}")))?;
            Ok((witness.name().to_owned(), time))
        })
        .collect()
}

/// A root that the tree must have on its way.
#[derive(Debug, Clone, Copy)]
struct Expected {
    size: u64,
    root: Hash,
    /// By a checkpoint kept elsewhere, as opposed to the log's own.
    kept: bool,
}

/// The tree as it is built up again, with what was found about bodies on the way.
struct GrowingTree {
    builder: TileBuilder,
    expected: Vec<Expected>,
    end_seq: u64,
    bodies: Withholdings,
    /// Entries in static files.
    published: u64,
    bytes: u64,
}

impl GrowingTree {
    fn new(expected: Vec<Expected>, end_seq: u64) -> Self {
        let bodies = Withholdings::default();
        Self {
            builder: TileBuilder::new(),
            expected,
            end_seq,
            bodies,
            published: 0,
            bytes: 0,
        }
    }

    /// Adds a leaf, and compares the root where one is known.
    fn push(
        &mut self,
        leaf: Hash,
        full: impl FnMut(portcullis_tlog::tree::FullTile),
    ) -> Result<(), FirstBad> {
        if self.builder.size() == 0 {
            self.compare()?;
        }
        self.builder.push(leaf, full);
        self.compare()
    }

    fn compare(&self) -> Result<(), FirstBad> {
        let size = self.builder.size();
        for expected in self.expected.iter().filter(|e| e.size == size) {
            if self.builder.root() == expected.root {
                continue;
            }
            return Err(if expected.kept {
                bad(
                    "the kept checkpoint",
                    format!(
                        "the log is a fork: its first {size} entries are not the ones that were signed"
                    ),
                )
            } else {
                bad(
                    CHECKPOINT_NAME,
                    format!("the first {size} entries are not the ones that were signed"),
                )
            });
        }
        Ok(())
    }

    /// Adds what only the write-ahead log has yet, and checks that all expected sizes were met.
    fn add_segments(&mut self, segments: &segments::Segments) -> Result<(), FirstBad> {
        if self.end_seq == 0 {
            self.compare()?;
        }
        let from = self.builder.size();
        for seq in from..self.end_seq {
            let hash = segments.leaf_hash(seq).ok_or_else(|| FirstBad {
                place: "wal".to_owned(),
                seq: Some(seq),
                why: "neither a bundle nor the write-ahead log holds it".to_owned(),
            })?;
            self.push(hash, |_| {})?;
        }
        for (marker, removal) in &segments.bodies.markers {
            self.bodies.markers.insert(marker.clone(), *removal);
        }
        self.bodies
            .removals
            .extend(segments.bodies.removals.iter().cloned());
        let end = self.end_seq;
        match self.expected.iter().find(|e| e.size > end) {
            Some(missing) => Err(bad(
                if missing.kept {
                    "the kept checkpoint"
                } else {
                    CHECKPOINT_NAME
                },
                format!(
                    "the log was rolled back or cut: {} entries were signed, {end} are there",
                    missing.size
                ),
            )),
            None => Ok(()),
        }
    }

    fn kept_size(&self) -> Option<u64> {
        self.expected.iter().find(|e| e.kept).map(|e| e.size)
    }
}

/// Parts that are marked as withheld, and entries that record a removal.
#[derive(Debug, Default)]
struct Withholdings {
    /// Entry and label, with the entry that is said to record the removal.
    markers: BTreeMap<(u64, String), u64>,
    /// Entry and label, with the entry that records the removal.
    removals: BTreeSet<(u64, String, u64)>,
}

impl Withholdings {
    /// Notes an entry's markers and removals, and checks its body against its leaf.
    fn check(&mut self, seq: u64, leaf: &[u8], encoded_body: &[u8]) -> Result<(), String> {
        let view: LeafView<'_> = leaf::view(leaf).map_err(|e| e.to_string())?;
        let slots = body::decode(encoded_body)
            .ok_or_else(|| "its body is not what was written".to_owned())?;
        leaf::check_slots(&view, &slots).map_err(|e: Misfit| e.to_string())?;
        for slot in &slots {
            if let body::Slot::Withheld { label, by_seq, .. } = slot {
                self.markers.insert((seq, (*label).to_owned()), *by_seq);
            }
        }
        for removal in &view.withholds {
            self.removals
                .insert((removal.seq, removal.label.to_string(), seq));
        }
        Ok(())
    }

    fn join(&mut self, other: Self) {
        self.markers.extend(other.markers);
        self.removals.extend(other.removals);
    }

    /// Every removed part must have an entry that records the removal.
    fn settle(&self) -> Result<Vec<(u64, String, u64)>, FirstBad> {
        self.markers
            .iter()
            .map(|((seq, label), by_seq)| {
                let found = (*seq, label.clone(), *by_seq);
                if self.removals.contains(&found) {
                    return Ok(found);
                }
                Err(FirstBad {
                    place: "bodies".to_owned(),
                    seq: Some(*seq),
                    why: format!("its `{label}` is marked as withheld, but entry {by_seq} does not record that"),
                })
            })
            .collect()
    }
}

fn bad(place: &str, why: impl Into<String>) -> FirstBad {
    FirstBad {
        place: place.to_owned(),
        seq: None,
        why: why.into(),
    }
}

fn unreadable(name: &str, error: &std::io::Error) -> FirstBad {
    if error.kind() == std::io::ErrorKind::NotFound {
        bad(name, "it is missing")
    } else {
        bad(name, format!("it can't be read: {error}"))
    }
}

impl From<FirstBad> for LogError {
    fn from(bad: FirstBad) -> Self {
        Self::Damaged {
            place: bad.place,
            why: bad.why,
        }
    }
}
