//! From many sessions to one writer: a bounded queue, and the answer that each session waits for.

use super::entry::{Entry, Recorded};
use super::limits::{MAX_QUEUED_BYTES, MAX_QUEUED_ENTRIES};
use parking_lot::{Condvar, Mutex, MutexGuard};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// Why nothing is recorded now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LogDown {
    /// Heals by itself once there is space.
    #[error("the disk that holds the log is full")]
    Full,
    /// What was written may not be what the disk holds: nothing more until a restart.
    #[error("the log could not be written or synced, and stays closed until restarted")]
    Failed,
    /// More is waiting than the queue holds; see `Log::room`.
    #[error("too many records wait for the disk")]
    Busy,
    #[error("the log is closed")]
    Closed,
}

/// What is wrong at the moment, by where it was noticed; several may be at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    FullForRecords = 1,
    FullForCheckpoint = 2,
    FullForTiles = 4,
    Failed = 64,
    Closed = 128,
}

/// An entry on its way; resolves when the sync that covers it has returned.
///
/// Dropping it does not take the entry back.
#[must_use = "an entry that is not waited for may never be recorded"]
#[derive(Debug)]
pub struct Pending {
    slot: Arc<Slot>,
}

impl Pending {
    /// Waits on this thread.
    ///
    /// # Errors
    /// Why the entry was not recorded.
    pub fn wait(mut self) -> Result<Recorded, LogDown> {
        struct Unpark(std::thread::Thread);
        impl Wake for Unpark {
            fn wake(self: Arc<Self>) {
                self.0.unpark();
            }
        }
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        let mut context = Context::from_waker(&waker);
        loop {
            match Pin::new(&mut self).poll(&mut context) {
                Poll::Ready(outcome) => return outcome,
                Poll::Pending => std::thread::park(),
            }
        }
    }

    /// The outcome, if it is known already.
    #[must_use]
    pub fn outcome(&self) -> Option<Result<Recorded, LogDown>> {
        match &*self.slot.state.lock() {
            Waiting::Done(outcome) => Some(*outcome),
            Waiting::Fresh | Waiting::Waker(_) => None,
        }
    }
}

impl Future for Pending {
    type Output = Result<Recorded, LogDown>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.slot.state.lock();
        match &mut *state {
            Waiting::Done(outcome) => return Poll::Ready(*outcome),
            Waiting::Waker(waker) => waker.clone_from(context.waker()),
            fresh @ Waiting::Fresh => *fresh = Waiting::Waker(context.waker().clone()),
        }
        Poll::Pending
    }
}

/// Shared by one `Pending` and the writer, until the writer has answered.
#[derive(Debug)]
struct Slot {
    state: Mutex<Waiting>,
}

#[derive(Debug)]
enum Waiting {
    Fresh,
    Waker(Waker),
    Done(Result<Recorded, LogDown>),
}

/// An entry in the writer's hands, with the duty to answer.
#[derive(Debug)]
pub(super) struct Queued {
    pub entry: Entry,
    slot: Arc<Slot>,
}

impl Queued {
    /// Tells the waiting session.
    pub fn answer(self, outcome: Result<Recorded, LogDown>) {
        let before = std::mem::replace(&mut *self.slot.state.lock(), Waiting::Done(outcome));
        if let Waiting::Waker(waker) = before {
            waker.wake();
        }
    }
}

/// The queue itself.
#[derive(Debug, Default)]
pub(super) struct Queue {
    inner: Mutex<Inner>,
    filled: Condvar,
    /// Bits of [`Trouble`]; read without the lock, so that a refusal waits for nothing.
    troubles: AtomicU8,
    room: tokio::sync::Notify,
}

#[derive(Debug, Default)]
struct Inner {
    entries: Vec<Queued>,
    bytes: usize,
    writer_sleeps: bool,
    /// No more comes; the writer ends when it has emptied the queue.
    ending: bool,
}

impl Inner {
    fn push(&mut self, entry: Entry, slot: Arc<Slot>) {
        self.bytes += weight(&entry);
        self.entries.push(Queued { entry, slot });
    }
}

/// What the writer finds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Entries,
    Ended,
}

impl Queue {
    /// Why appends are refused at the moment.
    pub fn down(&self) -> Option<LogDown> {
        match self.troubles.load(Ordering::Acquire) {
            0 => None,
            bits if bits & Trouble::Failed as u8 != 0 => Some(LogDown::Failed),
            bits if bits & Trouble::Closed as u8 != 0 => Some(LogDown::Closed),
            _ => Some(LogDown::Full),
        }
    }

    /// Refuses appends from now on.
    pub fn raise(&self, trouble: Trouble) {
        self.troubles.fetch_or(trouble as u8, Ordering::AcqRel);
    }

    /// One reason less to refuse.
    pub fn clear(&self, trouble: Trouble) {
        if self.has(trouble) {
            self.troubles.fetch_and(!(trouble as u8), Ordering::AcqRel);
        }
    }

    /// Whether this is among what is wrong.
    pub fn has(&self, trouble: Trouble) -> bool {
        self.troubles.load(Ordering::Acquire) & trouble as u8 != 0
    }

    /// Puts an entry into the queue.
    pub fn push_one(&self, entry: Entry) -> Result<Pending, LogDown> {
        let slot = Arc::new(Slot {
            state: Mutex::new(Waiting::Fresh),
        });
        let mut inner = self.enter(1)?;
        inner.push(entry, Arc::clone(&slot));
        self.leave(inner);
        Ok(Pending { slot })
    }

    /// Puts entries into the queue, in order and with nobody's in between; all or none.
    pub fn push_all(&self, entries: Vec<Entry>) -> Result<Vec<Pending>, LogDown> {
        let mut pending = Vec::with_capacity(entries.len());
        let mut inner = self.enter(entries.len())?;
        for entry in entries {
            let slot = Arc::new(Slot {
                state: Mutex::new(Waiting::Fresh),
            });
            inner.push(entry, Arc::clone(&slot));
            pending.push(Pending { slot });
        }
        self.leave(inner);
        Ok(pending)
    }

    fn enter(&self, count: usize) -> Result<MutexGuard<'_, Inner>, LogDown> {
        if let Some(down) = self.down() {
            return Err(down);
        }
        let inner = self.inner.lock();
        if inner.ending {
            return Err(LogDown::Closed);
        }
        if inner.entries.len() + count > MAX_QUEUED_ENTRIES || inner.bytes > MAX_QUEUED_BYTES {
            return Err(LogDown::Busy);
        }
        Ok(inner)
    }

    /// One wake-up serves everything that arrives until the writer has looked.
    fn leave(&self, mut inner: MutexGuard<'_, Inner>) {
        if std::mem::take(&mut inner.writer_sleeps) {
            drop(inner);
            self.filled.notify_one();
        }
    }

    /// Takes all that waits into `into` (empty before), without waiting for more.
    pub fn take_now(&self, into: &mut Vec<Queued>) {
        let mut inner = self.inner.lock();
        self.swap_out(&mut inner, into);
    }

    /// Takes all that waits into `into` (empty before); sleeps while there is nothing.
    pub fn take(&self, into: &mut Vec<Queued>) -> Taken {
        let mut inner = self.inner.lock();
        while inner.entries.is_empty() {
            if inner.ending {
                return Taken::Ended;
            }
            inner.writer_sleeps = true;
            self.filled.wait(&mut inner);
        }
        self.swap_out(&mut inner, into);
        Taken::Entries
    }

    fn swap_out(&self, inner: &mut Inner, into: &mut Vec<Queued>) {
        std::mem::swap(&mut inner.entries, into);
        let was_full = inner.bytes > MAX_QUEUED_BYTES || into.len() >= MAX_QUEUED_ENTRIES / 2;
        inner.bytes = 0;
        if was_full {
            self.room.notify_waiters();
        }
    }

    /// Resolves when the queue takes entries again.
    pub async fn room(&self) {
        loop {
            let notified = self.room.notified();
            {
                let inner = self.inner.lock();
                if inner.entries.len() < MAX_QUEUED_ENTRIES / 2 && inner.bytes <= MAX_QUEUED_BYTES {
                    return;
                }
            }
            notified.await;
        }
    }

    /// No more comes.
    pub fn end(&self) {
        self.inner.lock().ending = true;
        self.filled.notify_one();
    }
}

fn weight(entry: &Entry) -> usize {
    entry.leaf.len() + entry.body.iter().map(|p| p.content.len()).sum::<usize>()
}
