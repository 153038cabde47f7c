//! A disk in memory that fails, fills up, tears writes and forgets what was not synced.
//!
//! What survives a power cut: of each unsynced write any of its 512-byte sectors, of each
//! directory's unsynced changes the first few. Everything else the log relies on must come from
//! its syncs.

use crate::log_world::Dice;
use parking_lot::Mutex;
use portcullis_store::log::disk::{Disk, DiskFile};
use std::any::Any;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const SECTOR: usize = 512;

/// What goes wrong at a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The machine stops: this call and all after it do nothing more.
    Crash,
    /// This call fails.
    Eio,
    /// This and some more calls that need space fail.
    Full { calls: u64 },
}

/// What is left of what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The process was killed: the system still has everything.
    Kill,
    /// Nothing unsynced is left.
    Power,
    /// Some of it is left, torn.
    Torn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    Dir,
    File(usize),
}

#[derive(Debug, Clone)]
enum Change {
    Link(PathBuf, Node),
    Unlink(PathBuf),
}

#[derive(Debug, Default, Clone)]
struct Inode {
    now: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<(usize, Vec<u8>)>,
}

#[derive(Debug, Default)]
struct State {
    inodes: Vec<Inode>,
    now: BTreeMap<PathBuf, Node>,
    durable: BTreeMap<PathBuf, Node>,
    /// Unsynced changes, by directory.
    changes: BTreeMap<PathBuf, Vec<Change>>,
    calls: u64,
    fault: Option<(u64, Fault)>,
    dead: bool,
    syncs: bool,
    dice: Option<Dice>,
}

/// The disk. Clones are the same disk.
#[derive(Debug, Clone)]
pub struct SimDisk(Arc<Mutex<State>>);

impl SimDisk {
    pub fn new(seed: u64) -> Self {
        let state = State {
            dice: Some(Dice(seed)),
            syncs: true,
            ..State::default()
        };
        Self(Arc::new(Mutex::new(state)))
    }

    /// From now on syncs say they are done and do nothing: a log on such a disk must be found out.
    pub fn stop_syncing(&self) {
        self.0.lock().syncs = false;
    }

    /// Lets something go wrong `after` so many more calls.
    pub fn arm(&self, after: u64, fault: Fault) {
        let mut state = self.0.lock();
        let at = state.calls + after;
        state.fault = Some((at, fault));
    }

    pub fn disarm(&self) {
        self.0.lock().fault = None;
    }

    pub fn is_dead(&self) -> bool {
        self.0.lock().dead
    }

    /// The machine comes up again, with what the cut has left.
    pub fn restart(&self, cut: Cut) {
        let mut state = self.0.lock();
        let state = &mut *state;
        let mut dice = state.dice.take().unwrap();
        if cut != Cut::Kill {
            for (_, changes) in std::mem::take(&mut state.changes) {
                let kept = if cut == Cut::Power {
                    0
                } else {
                    dice.below(changes.len() as u64 + 1) as usize
                };
                for change in &changes[..kept] {
                    apply(&mut state.durable, change);
                }
            }
            state.now = state.durable.clone();
            for inode in &mut state.inodes {
                for (offset, bytes) in std::mem::take(&mut inode.unsynced) {
                    if cut == Cut::Torn {
                        tear(&mut inode.durable, offset, &bytes, &mut dice);
                    }
                }
                inode.now = inode.durable.clone();
            }
        }
        state.dead = false;
        state.fault = None;
        state.dice = Some(dice);
    }

    pub fn read(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.0.lock();
        match state.now.get(path) {
            Some(Node::File(inode)) => Some(state.inodes[*inode].now.clone()),
            _ => None,
        }
    }
}

/// Any of the write's sectors reach the disk, each whole.
fn tear(durable: &mut Vec<u8>, offset: usize, bytes: &[u8], dice: &mut Dice) {
    let mut at = offset;
    let end = offset + bytes.len();
    while at < end {
        let next = ((at / SECTOR + 1) * SECTOR).min(end);
        if dice.below(2) == 0 {
            put(durable, at, &bytes[at - offset..next - offset]);
        }
        at = next;
    }
}

fn put(file: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    if file.len() < offset + bytes.len() {
        file.resize(offset + bytes.len(), 0);
    }
    file[offset..offset + bytes.len()].copy_from_slice(bytes);
}

fn apply(names: &mut BTreeMap<PathBuf, Node>, change: &Change) {
    match change {
        Change::Link(path, node) => drop(names.insert(path.clone(), *node)),
        Change::Unlink(path) => drop(names.remove(path)),
    }
}

fn dead() -> io::Error {
    io::Error::other("the machine has stopped")
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    Space,
    Nothing,
}

impl State {
    /// Counts a call; an error if something goes wrong at it.
    fn call(&mut self, needs: Needs) -> io::Result<()> {
        self.calls += 1;
        if self.dead {
            return Err(dead());
        }
        let Some((at, fault)) = self.fault.filter(|(at, _)| self.calls >= *at) else {
            return Ok(());
        };
        match fault {
            Fault::Crash => {
                self.dead = true;
                Err(dead())
            }
            Fault::Eio => {
                self.fault = None;
                Err(io::Error::other("injected input/output error"))
            }
            Fault::Full { calls } if self.calls >= at + calls => {
                self.fault = None;
                Ok(())
            }
            Fault::Full { .. } if needs == Needs::Space => Err(ErrorKind::StorageFull.into()),
            Fault::Full { .. } => Ok(()),
        }
    }

    fn change(&mut self, change: Change) {
        apply(&mut self.now, &change);
        let (Change::Link(path, _) | Change::Unlink(path)) = &change;
        let parent = path.parent().unwrap().to_path_buf();
        self.changes.entry(parent).or_default().push(change);
    }

    fn file(&self, path: &Path) -> io::Result<usize> {
        match self.now.get(path) {
            Some(Node::File(inode)) => Ok(*inode),
            _ => Err(ErrorKind::NotFound.into()),
        }
    }
}

impl Disk for SimDisk {
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.call(Needs::Space)?;
        let mut missing: Vec<_> = path
            .ancestors()
            .take_while(|p| !state.now.contains_key(*p))
            .map(Path::to_path_buf)
            .collect();
        while let Some(dir) = missing.pop() {
            if dir.parent().is_none() {
                state.now.insert(dir.clone(), Node::Dir);
                state.durable.insert(dir, Node::Dir);
            } else {
                state.change(Change::Link(dir, Node::Dir));
            }
        }
        Ok(())
    }

    fn list(&self, path: &Path) -> io::Result<Vec<(String, bool)>> {
        let mut state = self.0.lock();
        state.call(Needs::Nothing)?;
        if state.now.get(path) != Some(&Node::Dir) {
            return Err(ErrorKind::NotFound.into());
        }
        let inside = state.now.iter().filter(|(p, _)| p.parent() == Some(path));
        Ok(inside
            .map(|(p, n)| {
                (
                    p.file_name().unwrap().to_string_lossy().into_owned(),
                    *n == Node::Dir,
                )
            })
            .collect())
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.0.lock();
        state.call(Needs::Space)?;
        if state.now.get(path.parent().unwrap()) != Some(&Node::Dir) {
            return Err(ErrorKind::NotFound.into());
        }
        let inode = state.inodes.len();
        state.inodes.push(Inode::default());
        state.change(Change::Link(path.to_path_buf(), Node::File(inode)));
        Ok(Arc::new(SimFile {
            disk: self.clone(),
            inode,
        }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.0.lock();
        state.call(Needs::Nothing)?;
        let inode = state.file(path)?;
        Ok(Arc::new(SimFile {
            disk: self.clone(),
            inode,
        }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.call(Needs::Space)?;
        let inode = state.file(from)?;
        // One change of the journal: the new name with the file, and the old one gone with it.
        state.change(Change::Link(to.to_path_buf(), Node::File(inode)));
        state.change(Change::Unlink(from.to_path_buf()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.call(Needs::Nothing)?;
        state.file(path)?;
        state.change(Change::Unlink(path.to_path_buf()));
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.call(Needs::Nothing)?;
        if !state.syncs {
            return Ok(());
        }
        for change in state.changes.remove(path).unwrap_or_default() {
            apply(&mut state.durable, &change);
        }
        Ok(())
    }

    fn lock(&self, _path: &Path) -> io::Result<Box<dyn Any + Send + Sync>> {
        Ok(Box::new(()))
    }
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    inode: usize,
}

impl DiskFile for SimFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.0.lock().inodes[self.inode].now.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.0.lock();
        state.call(Needs::Nothing)?;
        let offset = offset as usize;
        let bytes = &state.inodes[self.inode].now;
        let part = bytes
            .get(offset..offset + buffer.len())
            .ok_or(ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(part);
        Ok(())
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.0.lock();
        let outcome = state.call(Needs::Space);
        if state.dead && outcome.is_ok() {
            return Err(dead());
        }
        // A write that fails has often done some of its work.
        let done = match &outcome {
            Ok(()) => bytes.len(),
            Err(_) => {
                let mut dice = state.dice.take().unwrap();
                let end = offset as usize + dice.below(bytes.len() as u64 + 1) as usize;
                state.dice = Some(dice);
                (end / SECTOR * SECTOR).saturating_sub(offset as usize)
            }
        };
        let inode = &mut state.inodes[self.inode];
        put(&mut inode.now, offset as usize, &bytes[..done]);
        inode
            .unsynced
            .push((offset as usize, bytes[..done].to_vec()));
        outcome
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.0.lock();
        state.call(Needs::Nothing)?;
        if !state.syncs {
            return Ok(());
        }
        let inode = &mut state.inodes[self.inode];
        inode.durable = inode.now.clone();
        inode.unsynced.clear();
        Ok(())
    }
}
