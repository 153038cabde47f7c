//! The one writer: takes what many sessions queued, writes it in one piece, syncs once, answers all.

use super::LogError;
use super::body;
use super::disk::is_full;
use super::entry::Recorded;
use super::limits::{LOOK_AGAIN, MAX_BATCH_BYTES, MUCH_WAL_BYTES, PUBLISHER_HEAD_START};
use super::queue::{LogDown, Queued, Taken, Trouble};
use super::segment::{Segment, write_zeros};
use super::shared::Shared;
use super::tail::Spot;
use super::wal::{encode_frame, frame_len};
use portcullis_tlog::tile::TILE_WIDTH;
use std::ops::Range;
use std::time::Instant;

/// Times the writer looks again for work, giving the processor away between, before it sleeps.
const LOOKS_BEFORE_SLEEP: usize = 2;

/// Where the log's end is.
#[derive(Debug)]
pub(super) struct Writer {
    pub segment: Segment,
    /// Offset of the next frame.
    pub end: u64,
    /// The next entry's seq.
    pub size: u64,
    /// What a failed write may have left behind `end`: zeroed before anything else is written.
    pub unclean: Option<Range<u64>>,
    pub buffer: Vec<u8>,
    pub spots: Vec<Spot>,
}

/// The writer thread: until the queue has ended and is empty.
pub(super) fn run(shared: &Shared) {
    let mut queued = Vec::new();
    loop {
        for _ in 0..LOOKS_BEFORE_SLEEP {
            shared.queue.take_now(&mut queued);
            if !queued.is_empty() {
                break;
            }
            std::thread::yield_now();
        }
        if queued.is_empty() && shared.queue.take(&mut queued) == Taken::Ended {
            return;
        }
        commit_all(shared, &mut queued);
    }
}

/// Records everything in `queued`, in order, in as few group commits as fit, and answers.
pub(super) fn commit_all(shared: &Shared, queued: &mut Vec<Queued>) {
    let mut rest = queued.drain(..).peekable();
    let mut group = Vec::new();
    while rest.peek().is_some() {
        let outcome = match shared.queue.down() {
            // Queued before the log went down; what can't be trusted is not written to.
            Some(LogDown::Failed) => Err(LogDown::Failed),
            _ => commit_group(shared, &mut rest, &mut group),
        };
        if let Err(down) = outcome {
            for waiting in group.drain(..).chain(rest) {
                waiting.answer(Err(down));
            }
            return;
        }
    }
}

/// Takes from `rest` what fits one group commit, records and answers it. On failure the entries
/// taken are left in `group`.
fn commit_group(
    shared: &Shared,
    rest: &mut std::iter::Peekable<std::vec::Drain<'_, Queued>>,
    group: &mut Vec<Queued>,
) -> Result<(), LogDown> {
    let mut writer = shared.writer.lock();
    let writer = &mut *writer;
    let written = writer.make_room(shared, rest.peek()).and_then(|()| {
        writer.encode_group(rest, group);
        writer.write_group()
    });
    if let Err(error) = written {
        shared.fail(Trouble::FullForRecords, &error);
        shared.keeper_bell.ring();
        return Err(match error {
            LogError::Io { source, .. } if is_full(&source) => LogDown::Full,
            _ => LogDown::Failed,
        });
    }
    let first = writer.size;
    writer.size += group.len() as u64;
    writer.end += writer.buffer.len() as u64;
    {
        let mut tail = shared.tail.lock();
        tail.spots.extend(writer.spots.drain(..));
        tail.unhashed
            .extend(group.iter_mut().map(|q| std::mem::take(&mut q.entry.leaf)));
    }
    shared.durable.send_replace(writer.size);
    // INVARIANT: the only place where a `Recorded` is made, after the sync in `write_group`.
    for (seq, waiting) in (first..).zip(group.drain(..)) {
        waiting.answer(Ok(Recorded::after_sync(seq)));
    }
    shared.keeper_bell.ring();
    if first / TILE_WIDTH != writer.size / TILE_WIDTH {
        shared.publisher_bell.ring();
    }
    Ok(())
}

impl Writer {
    /// Sees to it that the next entry has a place.
    fn make_room(&mut self, shared: &Shared, next: Option<&Queued>) -> Result<(), LogError> {
        self.clean()?;
        let Some(next) = next else { return Ok(()) };
        let needed = queued_frame_len(next) as u64;
        if self.end + needed <= self.segment.header.length {
            return Ok(());
        }
        self.next_segment(shared, needed)
    }

    /// Zeroes what a failed write may have left, so that nothing of it comes back after a crash.
    pub fn clean(&mut self) -> Result<(), LogError> {
        if let Some(range) = &self.unclean {
            write_zeros(&*self.segment.file, range.start, range.end)
                .map_err(|e| self.segment.io(e))?;
            self.segment.sync()?;
            self.unclean = None;
        }
        Ok(())
    }

    /// Goes on to the spare segment, or makes one.
    fn next_segment(&mut self, shared: &Shared, needed: u64) -> Result<(), LogError> {
        slow_down(shared);
        let id = self.segment.header.id + 1;
        let length = shared.segment_bytes.max(Segment::first_offset() + needed);
        let mut spare = shared.spare.lock();
        let fits = spare
            .as_ref()
            .is_some_and(|s| s.header.length >= length && s.header.id == id);
        let mut segment = match spare.take() {
            Some(segment) if fits => segment,
            _ => Segment::prepare(&*shared.disk, &shared.dir, id, length)?,
        };
        drop(spare);
        segment.header.first_seq = self.size;
        // Synced by itself: without its nonce no frame in it could be judged after a crash. Where
        // this fails the next attempt makes the segment anew.
        segment.write_header()?;
        segment.sync()?;
        {
            let mut tail = shared.tail.lock();
            if let Some(last) = tail.segments.get_mut(&self.segment.header.id) {
                last.end_seq = Some(self.size);
            }
            tail.segments.insert(id, segment.live());
        }
        self.segment = segment;
        self.end = Segment::first_offset();
        Ok(())
    }

    /// Encodes entries into the buffer: the first whatever its size, more while they fit.
    fn encode_group(
        &mut self,
        rest: &mut std::iter::Peekable<std::vec::Drain<'_, Queued>>,
        group: &mut Vec<Queued>,
    ) {
        self.buffer.clear();
        self.spots.clear();
        let room = usize::try_from(self.segment.header.length - self.end).unwrap_or(usize::MAX);
        while let Some(next) = rest.peek() {
            let after = self.buffer.len() + queued_frame_len(next);
            if after > room || (after > MAX_BATCH_BYTES && !group.is_empty()) {
                break;
            }
            let Some(queued) = rest.next() else { break };
            self.encode_one(&queued);
            group.push(queued);
        }
    }

    fn encode_one(&mut self, queued: &Queued) {
        let entry = &queued.entry;
        let body_len = body::encoded_len(&entry.body);
        self.spots.push(Spot {
            segment: self.segment.header.id,
            offset: self.end + self.buffer.len() as u64,
            leaf_len: u32::try_from(entry.leaf.len()).unwrap_or(u32::MAX),
            body_len: u32::try_from(body_len).unwrap_or(u32::MAX),
        });
        let seq = self.size + self.spots.len() as u64 - 1;
        encode_frame(
            &self.segment.header.nonce,
            seq,
            self.size,
            &entry.leaf,
            |out| body::encode_parts(&entry.body, out),
            &mut self.buffer,
        );
    }

    /// One write, one sync.
    fn write_group(&mut self) -> Result<(), LogError> {
        let place = self.end..self.end + self.buffer.len() as u64;
        self.unclean = Some(place);
        self.segment
            .file
            .write_at(&self.buffer, self.end)
            .map_err(|e| self.segment.io(e))?;
        self.segment.sync()?;
        self.unclean = None;
        Ok(())
    }
}

/// Lets the publisher catch up, a little, when a restart would have too much to read.
fn slow_down(shared: &Shared) {
    let deadline = Instant::now() + PUBLISHER_HEAD_START;
    let much = MUCH_WAL_BYTES / shared.segment_bytes.max(1);
    while shared.tail.lock().segments.len() as u64 > much && Instant::now() < deadline {
        shared.publisher_bell.ring();
        std::thread::sleep(LOOK_AGAIN);
    }
}

fn queued_frame_len(queued: &Queued) -> usize {
    frame_len(
        queued.entry.leaf.len(),
        body::encoded_len(&queued.entry.body),
    )
}
