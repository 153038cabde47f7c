//! Keeps a signed checkpoint close behind the log, a spare segment ahead of it, and tries again
//! what a full disk has stopped.

use super::LogError;
use super::limits::{CHECKPOINT_EVERY, RETRY_EVERY};
use super::queue::Trouble;
use super::segment::Segment;
use super::shared::Shared;

pub(super) const CHECKPOINT_NAME: &str = "checkpoint";
pub(super) const CHECKPOINT_TEMPORARY: &str = "checkpoint.tmp";

/// What the keeper remembers.
#[derive(Debug)]
pub(super) struct Keeper {
    /// Size that the checkpoint on disk is signed for; `None` before the first.
    pub signed: Option<u64>,
}

/// The keeper thread, until its bell ends.
pub(super) fn run(shared: &Shared) {
    while !shared.keeper_bell.is_ending() {
        let troubled = shared.queue.down().is_some();
        shared.keeper_bell.wait(troubled.then_some(RETRY_EVERY));
        if shared.queue.has(Trouble::Failed) {
            return;
        }
        if shared.keeper_bell.is_ending() {
            return;
        }
        attempt(shared);
        // Growth within this time shares the next checkpoint.
        shared.keeper_bell.pause(CHECKPOINT_EVERY);
    }
}

/// Does what is due; failures are noted for the appenders.
pub(super) fn attempt(shared: &Shared) {
    match prepare_spare(shared) {
        Ok(()) => shared.queue.clear(Trouble::FullForRecords),
        Err(error) => shared.fail(Trouble::FullForRecords, &error),
    }
    match write_checkpoint(shared) {
        Ok(()) => shared.queue.clear(Trouble::FullForCheckpoint),
        Err(error) => shared.fail(Trouble::FullForCheckpoint, &error),
    }
}

/// Clears up behind a failed write and makes the next segment, where there is none yet.
fn prepare_spare(shared: &Shared) -> Result<(), LogError> {
    let next = {
        let mut writer = shared.writer.lock();
        writer.clean()?;
        writer.segment.header.id + 1
    };
    let mut spare = shared.spare.lock();
    if spare.as_ref().is_some_and(|s| s.header.id >= next) {
        return Ok(());
    }
    // The writer may have gone on while no lock was held; its own making of a segment waits here.
    if shared.tail.lock().segments.contains_key(&next) {
        return Ok(());
    }
    *spare = Some(Segment::prepare(
        &*shared.disk,
        &shared.dir,
        next,
        shared.segment_bytes,
    )?);
    Ok(())
}

/// Signs and writes a checkpoint if the log has grown since the last.
pub(super) fn write_checkpoint(shared: &Shared) -> Result<(), LogError> {
    let mut keeper = shared.keeper.lock();
    let size = *shared.durable.borrow();
    if keeper.signed == Some(size) {
        return Ok(());
    }
    let (size, note) = shared.sign()?;
    let path = shared.dir.join(CHECKPOINT_NAME);
    let temporary = shared.dir.join(CHECKPOINT_TEMPORARY);
    let put = || {
        let file = shared.disk.create(&temporary)?;
        file.write_at(note.as_bytes(), 0)?;
        file.sync()?;
        shared.disk.rename(&temporary, &path)
    };
    if let Err(error) = put() {
        let _ = shared.disk.remove(&temporary);
        return Err(LogError::io(&path, error));
    }
    keeper.signed = Some(size);
    Ok(())
}
