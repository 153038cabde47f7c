//! The simple protocol: a message may hold several statements; all are cleared, or none runs.

use std::sync::Arc;

use portcullis_contract::{Refusal, SqlState};
use portcullis_sql::{Kind, Transaction};
use portcullis_wire::backend::TransactionStatus;
use portcullis_wire::build::client as ask;
use portcullis_wire::build::server as build;
use portcullis_wire::frontend::{Frame, Message};

use super::desk::{Cleared, Refused};
use super::running::Attempt;
use super::{End, Expect, Session};
use crate::errors::{Severity, write_refusal};
use crate::session::records::unwritable;

impl Session {
    /// Serves one message; `false` when the client says goodbye.
    pub(super) async fn serve_message(&mut self, frame: &Frame) -> Result<bool, End> {
        let message = frame
            .decode()
            .map_err(|error| End::ClientBroke(error.to_string()))?;
        if self.skipping {
            return match message {
                Message::Sync => self.serve_sync().await.map(|()| true),
                Message::Terminate => Ok(false),
                Message::Flush => self.flush().await.map(|()| true),
                message => self.skip(&message, false).await.map(|()| true),
            };
        }
        self.refused_here = false;
        match &message {
            Message::Query { sql } => self.serve_query(sql).await?,
            Message::Parse(parse) => self.serve_parse(parse).await?,
            Message::Bind(bind) => self.serve_bind(frame, bind).await?,
            Message::Describe { target, name } => self.serve_describe(*target, name).await?,
            Message::Execute { portal, max_rows } => {
                self.serve_execute(portal, *max_rows).await?;
            }
            Message::Close { target, name } => self.serve_close(*target, name)?,
            Message::Sync => self.serve_sync().await?,
            Message::Flush => self.serve_flush().await?,
            Message::Terminate => return Ok(false),
            Message::FunctionCall => self.refuse_function_call().await?,
            // PostgreSQL, too, drops these where no COPY is under way.
            Message::CopyData { .. } | Message::CopyDone | Message::CopyFail { .. } => {}
            Message::Credential { .. } => {
                return Err(End::ClientBroke("a password out of turn".to_owned()));
            }
        }
        if self.skipping {
            return self.skip(&message, self.refused_here).await.map(|()| true);
        }
        if self.expects.len() > crate::limits::MAX_EXPECTED
            || self.to_database.len() > crate::limits::MAX_PIPELINED_BYTES
        {
            self.serve_flush().await?;
        }
        Ok(true)
    }

    async fn serve_query(&mut self, text: &str) -> Result<(), End> {
        // A Query ends what a pipeline without Sync left behind.
        if !self.expects.is_empty() || !self.to_database.is_empty() {
            self.serve_flush().await?;
        }
        // It failed: then a Query, too, is skipped up to Sync.
        if self.skipping {
            return Ok(());
        }
        match self.terms.clear(text, &self.names) {
            Ok(message) => self.run_message(text, &message).await?,
            Err(refused) => {
                self.refuse_message(text, &refused);
                self.fail_transaction().await?;
            }
        }
        self.ready_for_query();
        self.flush_answer().await
    }

    /// A message that is refused whole: each of its statements has its event, its own refusal where it
    /// would be refused by itself; the client is told once.
    fn refuse_message(&mut self, text: &str, refused: &Refused) {
        let parts = portcullis_sql::split(text);
        if parts.len() < 2 {
            self.refuse(
                &Attempt::of_refused(text, refused),
                &refused.refusal,
                Some(text),
            );
            return;
        }
        for part in parts {
            match self.terms.clear(part, &self.names) {
                Ok(cleared) => self.record_skipped(&cleared),
                Err(own) => {
                    let _ = self.record_refused(&Attempt::of_refused(part, &own), &own.refusal);
                }
            }
        }
        write_refusal(
            self.out.protocol(),
            Severity::Error,
            &refused.refusal,
            Some(text),
        );
    }

    async fn run_message(&mut self, text: &str, message: &[Arc<Cleared>]) -> Result<(), End> {
        if message.is_empty() {
            build::empty_query_response(self.out.protocol());
            return Ok(());
        }
        if let Some(refusal) = self.unfit_for_one_message(message) {
            self.refuse(&Attempt::text(text), &refusal, Some(text));
            return self.fail_transaction().await;
        }
        for (index, cleared) in message.iter().enumerate() {
            if !self.run_one(cleared, text).await? {
                self.record_skipped(message.get(index + 1..).unwrap_or_default());
                break;
            }
        }
        Ok(())
    }

    /// Statements are sent one by one, so what depends on being one transaction must say so itself.
    fn unfit_for_one_message(&self, message: &[Arc<Cleared>]) -> Option<Refusal> {
        let tuning = message
            .iter()
            .any(|cleared| matches!(cleared.kind, Kind::Tuning(_)));
        (tuning && message.len() > 1).then(|| {
            Refusal::new(
                SqlState::NotPassed,
                "method.tuning",
                "a tuning statement must be the only one of its message",
            )
            .hint("send it by itself")
        })
    }

    /// Runs one statement to its end; `false` where the rest of the message must not run.
    async fn run_one(&mut self, cleared: &Arc<Cleared>, text: &str) -> Result<bool, End> {
        if super::ask::question(cleared).is_some() {
            return self.answer_question(cleared);
        }
        let meaning = match self.refused_now(cleared) {
            Some(refusal) => Err(refusal),
            None => self.meaning_of(cleared),
        };
        let meaning = match meaning {
            Ok(meaning) => meaning,
            Err(refusal) => {
                self.refuse(&Attempt::of(cleared, None), &refusal, Some(text));
                self.fail_transaction().await?;
                return Ok(false);
            }
        };
        let mut running = self.running_for(&meaning);
        if let Err(refusal) = self.charge_groups(&mut running) {
            self.refuse(&Attempt::of(cleared, None), &refusal, Some(text));
            self.fail_transaction().await?;
            return Ok(false);
        }
        if cleared.changes && !self.record_before(&mut running).await? {
            return Ok(false);
        }
        ask::query(&mut self.to_database, &meaning.text)
            .map_err(|error| End::DatabaseBroke(error.to_string()))?;
        self.expects.push_back(Expect::Simple(running));
        self.failed_here = false;
        self.receive().await?;
        self.settle().await?;
        Ok(!self.failed_here)
    }

    /// What can only be said when the statement's turn comes.
    pub(super) fn refused_now(&self, cleared: &Cleared) -> Option<Refusal> {
        let failed = self.status == TransactionStatus::Failed && !ends_transaction(&cleared.kind);
        failed.then(|| {
            Refusal::new(
                SqlState::InFailedTransaction,
                "transaction.failed",
                "current transaction is aborted, commands ignored until end of transaction block",
            )
        })
    }

    /// Whatever changes something waits until its record is on disk.
    pub(super) async fn record_before(
        &mut self,
        running: &mut super::running::Running,
    ) -> Result<bool, End> {
        let entry = running.begun_entry(&self.bearing, self.gate.now());
        let recorded = match super::records::append_to(&self.gate.log, entry) {
            Ok(pending) => pending.await.is_ok(),
            Err(_) => false,
        };
        if !recorded {
            write_refusal(self.out.protocol(), Severity::Error, &unwritable(), None);
        }
        Ok(recorded)
    }

    async fn refuse_function_call(&mut self) -> Result<(), End> {
        let refusal = Refusal::new(
            SqlState::NotPassed,
            "protocol.function_call",
            "the function call message is not passed",
        )
        .hint("call the function in a SELECT");
        self.refuse(&Attempt::text("(function call)"), &refusal, None);
        self.fail_transaction().await?;
        self.ready_for_query();
        self.flush_answer().await
    }

    /// Lets a whole answer leave. Where its record failed, the client gets 58030 in its place and
    /// the session goes on: everything awaited has been taken in.
    pub(super) async fn flush_answer(&mut self) -> Result<(), End> {
        match self.flush().await {
            Err(End::RecordDown) if self.expects.is_empty() => {
                let mut words = bytes::BytesMut::new();
                write_refusal(&mut words, Severity::Error, &unwritable(), None);
                build::ready_for_query(&mut words, self.status);
                self.client
                    .write_own(&words)
                    .await
                    .map_err(|_| End::ClientGone)
            }
            other => other,
        }
    }
}

pub(super) fn ends_transaction(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Transaction(Transaction::Commit | Transaction::Rollback | Transaction::RollbackTo)
            | Kind::Empty
    )
}
