//! react: a result that would go beyond a ceiling is cut in mid-stream. The rows up to the ceiling
//! have left; the database is told to cancel, its answers are drained, and client and database end
//! in the same transaction state.

use portcullis_wire::backend::TransactionStatus;
use portcullis_wire::build::client as ask;

use super::running::{Decision, Running};
use super::{End, Expect, Session};
use crate::errors::{Severity, write_refusal};
use crate::session::records::unwritable;

/// Fails in any PostgreSQL, at once and without touching anything: a syntax error.
const FAILING_TEXT: &str = "portcullis_ends_this_transaction";

impl Session {
    /// Asks the database to cancel; its answer comes on the session's own connection.
    pub(super) fn begin_cut(&mut self) {
        if self.cutting.is_some() {
            return;
        }
        let target = std::sync::Arc::clone(&self.cancel.target);
        let (process_id, secret) = (self.upstream.process_id, self.upstream.secret_key.clone());
        self.cutting = Some(tokio::spawn(async move {
            if let Err(error) = crate::upstream::cancel(&target, process_id, &secret).await {
                tracing::warn!(%error, "the database did not take the cancel request");
            }
        }));
    }

    /// The cut statement has come to its end at the database, by itself (`completed`) or by the cancel.
    pub(super) fn finish_cut(
        &mut self,
        mut running: Box<Running>,
        completed: bool,
    ) -> Result<(), End> {
        let refusal = running.cut.clone().unwrap_or_else(unwritable);
        let recorded = self.record_outcome(&mut running, Decision::Stopped, Some(&refusal.reason));
        let told = recorded.err().unwrap_or(refusal);
        write_refusal(self.out.protocol(), Severity::Error, &told, None);
        self.abort_due = completed;
        self.failed_here = true;
        if matches!(self.expects.front(), Some(Expect::Fence)) {
            return Ok(());
        }
        self.skipping = true;
        // Where the database did not fail it goes on with what was sent after: dropped, up to Sync.
        self.discarding = completed;
        self.drop_pipeline();
        Ok(())
    }

    /// After an answer has been taken in: what the gate itself has to do before the next.
    /// `true` where it did something, so that what has already arrived is looked at next.
    pub(super) async fn react(&mut self) -> Result<bool, End> {
        let Some(tuning) = self.tuning_due.take() else {
            return Ok(false);
        };
        self.do_tuning(&tuning).await?;
        Ok(true)
    }

    /// After the database's ReadyForQuery: no cancel of ours may still be on its way, and a
    /// transaction in which a statement was cut or refused has failed at the database too.
    pub(super) async fn settle(&mut self) -> Result<(), End> {
        if let Some(cutting) = self.cutting.take() {
            let _ = cutting.await;
            // A cancel that came late would hit the next statement: an empty one takes it.
            self.fence("").await?;
        }
        if std::mem::take(&mut self.abort_due) && self.status == TransactionStatus::InTransaction {
            self.fence(FAILING_TEXT).await?;
        }
        Ok(())
    }

    async fn fence(&mut self, text: &str) -> Result<(), End> {
        ask::query(&mut self.to_database, text)
            .map_err(|error| End::DatabaseBroke(error.to_string()))?;
        self.expects.push_back(Expect::Fence);
        // Boxed: `receive` may come here again through `react`.
        Box::pin(self.receive()).await
    }

    /// A refusal inside a transaction block of the simple protocol fails the block at the database too.
    pub(super) async fn fail_transaction(&mut self) -> Result<(), End> {
        if self.status == TransactionStatus::InTransaction {
            self.fence(FAILING_TEXT).await?;
        }
        Ok(())
    }

    /// The same inside a pipeline of the extended protocol: the failing Parse takes the refused message's place.
    pub(super) fn fail_pipeline(&mut self) -> Result<(), End> {
        if self.unsynced || self.status == TransactionStatus::InTransaction {
            ask::parse(&mut self.to_database, "", FAILING_TEXT, &[])
                .map_err(|error| End::DatabaseBroke(error.to_string()))?;
            self.expects.push_back(Expect::Abort);
        }
        Ok(())
    }

    async fn do_tuning(&mut self, tuning: &portcullis_sql::Tuning) -> Result<(), End> {
        let Some(mut running) = self.current.take() else {
            return Ok(());
        };
        if matches!(self.expects.front(), Some(Expect::Executing { .. })) {
            self.expects.pop_front();
        }
        let done = self.gate.tune(&self.terms, tuning).await;
        let (decision, reason) = match &done {
            Ok(_) => (Decision::Allowed, None),
            Err(refusal) => (Decision::Refused, Some(refusal.reason.clone())),
        };
        let recorded = self.record_outcome(&mut running, decision, reason.as_deref());
        let out = self.out.protocol();
        match recorded.and(done) {
            Ok(tag) => portcullis_wire::build::server::command_complete(out, &tag)
                .map_err(|error| End::DatabaseBroke(error.to_string())),
            Err(refusal) => {
                write_refusal(out, Severity::Error, &refusal, None);
                self.skip_rest();
                Ok(())
            }
        }
    }
}

impl Session {
    /// The session ends: nothing of it goes on in the database, whoever ended it.
    pub async fn stop_database(&mut self) {
        if self.current.is_some() || !self.expects.is_empty() {
            let cancelled = crate::upstream::cancel(
                &self.cancel.target,
                self.upstream.process_id,
                &self.upstream.secret_key,
            );
            let _ = tokio::time::timeout(crate::limits::FAREWELL_DEADLINE, cancelled).await;
        }
        let mut goodbye = bytes::BytesMut::new();
        ask::terminate(&mut goodbye);
        let said = async {
            use tokio::io::AsyncWriteExt as _;
            self.upstream.stream.write_all(&goodbye).await?;
            self.upstream.stream.shutdown().await
        };
        let _ = tokio::time::timeout(crate::limits::FAREWELL_DEADLINE, said).await;
    }
}
