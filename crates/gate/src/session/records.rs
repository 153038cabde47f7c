//! record: what is written down of a statement, and what is sealed by it.

use std::sync::Arc;

use portcullis_contract::{Refusal, SqlState};
use portcullis_store::log::{Entry, EntryError, Log, Pending};

use super::desk::Cleared;
use super::running::{Attempt, Decision, Running, refused_entry};
use super::{End, Session};
use crate::errors::{Severity, write_refusal};

/// Reason code of statements that an earlier one's failure kept from running.
pub(super) const SKIPPED: &str = "transaction.skipped";

impl Session {
    /// Appends a record and lets it cover what is in the outbox. Where the log is down, what was
    /// not covered is dropped and the client is told (58030).
    pub(super) fn append(&mut self, entry: Result<Entry, EntryError>) -> Result<(), Refusal> {
        match append_to(&self.gate.log, entry) {
            Ok(pending) => {
                self.seal(pending);
                Ok(())
            }
            Err(refusal) => {
                self.out.discard();
                Err(refusal)
            }
        }
    }

    /// The one outcome record of a statement.
    pub(super) fn record_outcome(
        &mut self,
        running: &mut Running,
        decision: Decision,
        reason: Option<&str>,
    ) -> Result<(), Refusal> {
        let now = self.gate.now();
        let entry = running.outcome_entry(&self.bearing, now, decision, reason);
        let (rows, bytes, subjects) = running.counts();
        let counts = &self.guard.counts;
        use std::sync::atomic::Ordering::Relaxed;
        counts.statements.fetch_add(1, Relaxed);
        counts.rows.fetch_add(rows, Relaxed);
        counts.bytes.fetch_add(bytes, Relaxed);
        counts.subjects.fetch_add(subjects, Relaxed);
        metrics::counter!("portcullis_statements_total", "decision" => decision.name())
            .increment(1);
        metrics::counter!("portcullis_rows_total").increment(rows);
        self.append(entry)
    }

    /// A statement that is refused before anything of it was sent: its record, then the answer.
    pub(super) fn refuse(
        &mut self,
        attempt: &Attempt<'_>,
        refusal: &Refusal,
        message_text: Option<&str>,
    ) {
        match self.record_refused(attempt, refusal) {
            Ok(()) => write_refusal(self.out.protocol(), Severity::Error, refusal, message_text),
            Err(unwritable) => {
                write_refusal(self.out.protocol(), Severity::Error, &unwritable, None)
            }
        }
    }

    pub(super) fn record_refused(
        &mut self,
        attempt: &Attempt<'_>,
        refusal: &Refusal,
    ) -> Result<(), Refusal> {
        let id = self.next_statement_id();
        let entry = refused_entry(&id, &self.bearing, self.gate.now(), attempt, refusal);
        self.guard
            .counts
            .statements
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        metrics::counter!("portcullis_statements_total", "decision" => "refused").increment(1);
        self.append(entry)
    }

    /// Statements of a message or pipeline that an earlier one's failure kept from running: each has
    /// its one event all the same; the client hears nothing of them.
    pub(super) fn record_skipped(&mut self, statements: &[Arc<Cleared>]) {
        for cleared in statements {
            let id = self.next_statement_id();
            let entry = refused_entry(
                &id,
                &self.bearing,
                self.gate.now(),
                &Attempt::of(cleared, None),
                &skipped(),
            );
            self.guard
                .counts
                .statements
                .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let _ = self.append(entry);
        }
    }

    /// Records what was charged so far, so that it may leave.
    pub(super) fn seal_chunk(&mut self) -> Result<(), Refusal> {
        let Some(mut running) = self.current.take() else {
            return Ok(());
        };
        let sealed = if running.has_unrecorded() {
            let entry = running.released_entry(&self.bearing, self.gate.now());
            self.append(entry)
        } else {
            Ok(())
        };
        self.current = Some(running);
        sealed
    }

    /// Moves what is sealed towards the client: one chunk waits for its record while the next is filled.
    pub(super) async fn pump(&mut self) -> Result<(), End> {
        let next = self.out.take().ok_or(End::RecordDown)?;
        if let Some(sealed) = self.inflight.replace(next) {
            self.release(sealed).await?;
        }
        Ok(())
    }

    /// Lets everything leave, in order. A record that fails leaves nothing of its chunk.
    pub(super) async fn flush(&mut self) -> Result<(), End> {
        self.pump().await?;
        if let Some(sealed) = self.inflight.take() {
            self.release(sealed).await?;
        }
        self.out.shrink();
        Ok(())
    }

    async fn release(&mut self, sealed: super::outbox::Sealed) -> Result<(), End> {
        match sealed.released().await {
            Ok(released) => self
                .client
                .write(&released)
                .await
                .map_err(|_| End::ClientGone),
            Err(down) => {
                tracing::error!(%down, "the record could not be made durable");
                self.out.discard();
                self.inflight = None;
                Err(End::RecordDown)
            }
        }
    }

    /// Every statement that is under way ends here when the session does.
    pub fn close_statements(&mut self, reason: &str) {
        let mut open: Vec<Box<Running>> = self.current.take().into_iter().collect();
        for expect in self.expects.drain(..) {
            if let super::Expect::Simple(running) | super::Expect::Execute { running, .. } = expect
            {
                open.push(running);
            }
        }
        open.extend(
            self.portals
                .drain()
                .filter_map(|(_, portal)| portal.running),
        );
        for mut running in open {
            let decision = if reason == "client" {
                Decision::Interrupted
            } else {
                Decision::Stopped
            };
            // What was charged and never released still counts as spent; the event says the most that can have left.
            let _ = self.record_outcome(&mut running, decision, Some(reason));
        }
    }
}

fn skipped() -> Refusal {
    Refusal::new(
        SqlState::InFailedTransaction,
        SKIPPED,
        "an earlier statement failed",
    )
}

pub fn unwritable() -> Refusal {
    Refusal::new(
        SqlState::RecordUnwritable,
        "record.unwritable",
        "the record of this statement cannot be written, so it is not answered",
    )
    .hint("try again in a few seconds; tell the owner's engineer if it lasts")
}

pub(super) fn append_to(log: &Log, entry: Result<Entry, EntryError>) -> Result<Pending, Refusal> {
    let entry = entry.map_err(|error| {
        tracing::error!(%error, "a record does not fit the log");
        unwritable()
    })?;
    log.append(entry).map_err(|down| {
        tracing::error!(%down, "the record cannot be written");
        unwritable()
    })
}
