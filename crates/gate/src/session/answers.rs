//! meter: the database's answers, message by message; rows are charged in batches before anything
//! of them is put where it could leave.

use std::sync::Arc;

use portcullis_contract::{Budget, Mode, Refusal, SqlState};
use portcullis_ledger::{Exceeded, Meters, RowBatch, RowCharge, SubjectId};
use portcullis_sql::{Kind, Transaction};
use portcullis_wire::backend::{self, FrameAt, Report, TransactionStatus};
use portcullis_wire::build::server as build;
use portcullis_wire::row;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::names::{Cursor, Meaning, Portal, Prepared};
use super::outbox::Reserved;
use super::param_types::names_objects;
use super::running::{Decision, Running};
use super::{End, Expect, Session};
use crate::errors::{Severity, in_clients_names, sanitised, write_refusal};
use crate::limits::{
    BEGUN_AFTER, CHUNK_BYTES, CUT_DEADLINE, IDLE_READ_BYTES, MAX_PIPELINED_BYTES,
    MAX_STATEMENT_TIME, READ_BYTES,
};

/// Rows that were read and not yet charged; kept between batches for its memory alone.
#[derive(Default)]
pub struct Batch {
    rows: Vec<(FrameAt, row::Kept)>,
    /// COPY rows as the client gets them, one behind the other; `rows` is empty then.
    pub(super) copied: bytes::BytesMut,
    charges: Vec<RowCharge>,
    ids: Vec<SubjectId>,
    /// Which of the statement's tapped tables each id was read from.
    tables: Vec<usize>,
    fresh: Vec<u32>,
}

impl Batch {
    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.copied.clear();
        self.charges.clear();
        self.ids.clear();
        self.tables.clear();
        self.fresh.clear();
    }

    pub(super) fn push_id(&mut self, id: SubjectId, table: usize) {
        self.ids.push(id);
        self.tables.push(table);
    }

    pub(super) fn len(&self) -> usize {
        self.charges.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.charges.is_empty()
    }

    /// The first COPY rows, this many.
    pub(super) fn copied_prefix(&self, rows: usize) -> &[u8] {
        let bytes = self
            .charges
            .iter()
            .take(rows)
            .map(|row| row.bytes as usize)
            .sum();
        self.copied.get(..bytes).unwrap_or_default()
    }

    pub(super) fn push_charge(&mut self, charge: RowCharge) {
        self.charges.push(charge);
    }
}

fn broke(error: impl std::fmt::Display) -> End {
    End::DatabaseBroke(error.to_string())
}

impl Session {
    /// Sends what was collected and takes in every awaited answer.
    pub(super) async fn receive(&mut self) -> Result<(), End> {
        let sending = self.to_database.split();
        if !sending.is_empty() {
            self.upstream
                .stream
                .write_all(&sending)
                .await
                .map_err(|_| End::DatabaseGone)?;
            self.upstream
                .stream
                .flush()
                .await
                .map_err(|_| End::DatabaseGone)?;
        }
        while !self.expects.is_empty() {
            self.take_frames()?;
            if self.react().await? {
                continue;
            }
            if self.out.len() >= CHUNK_BYTES {
                if let Err(refusal) = self.seal_chunk() {
                    return Err(self.record_down(&refusal));
                }
                self.pump().await?;
            }
            if self.expects.is_empty() {
                break;
            }
            self.begin_waiting()?;
            self.read_database().await?;
        }
        if self.upstream.buffer.is_empty() && self.upstream.buffer.capacity() > 4 * IDLE_READ_BYTES
        {
            self.upstream.buffer = bytes::BytesMut::new();
        }
        Ok(())
    }

    pub(super) fn record_down(&mut self, _refusal: &Refusal) -> End {
        self.out.discard();
        End::RecordDown
    }

    /// Waits for the database; notices meanwhile that the client leaves, that a statement takes long
    /// enough to leave a trace, and that it takes too long.
    async fn read_database(&mut self) -> Result<(), End> {
        let unrecorded = self
            .current
            .as_ref()
            .is_some_and(|running| !running.begun());
        let patience = match &self.current {
            _ if self.cutting.is_some() => CUT_DEADLINE,
            Some(_) if unrecorded => BEGUN_AFTER,
            Some(running) => MAX_STATEMENT_TIME.saturating_sub(running.elapsed()),
            None => MAX_STATEMENT_TIME,
        };
        match tokio::time::timeout(patience, self.read_either_side()).await {
            Ok(read) => read,
            Err(_) if self.cutting.is_some() => Err(End::DatabaseGone),
            Err(_) if unrecorded => {
                self.record_begun();
                Ok(())
            }
            Err(_) => self.cut_for_time(),
        }
    }

    async fn read_either_side(&mut self) -> Result<(), End> {
        self.upstream.buffer.reserve(READ_BYTES);
        // What a client sends ahead is taken up to a limit; then its leaving is noticed only when written to.
        if self.client.input.len() >= MAX_PIPELINED_BYTES {
            return match self
                .upstream
                .stream
                .read_buf(&mut self.upstream.buffer)
                .await
            {
                Ok(0) | Err(_) => Err(End::DatabaseGone),
                Ok(_) => Ok(()),
            };
        }
        self.client.input.reserve(IDLE_READ_BYTES);
        tokio::select! {
            biased;
            read = self.upstream.stream.read_buf(&mut self.upstream.buffer) => match read {
                Ok(0) | Err(_) => Err(End::DatabaseGone),
                Ok(_) => Ok(()),
            },
            read = self.client.stream.read_buf(&mut self.client.input) => match read {
                Ok(0) | Err(_) => Err(End::ClientGone),
                Ok(_) => Ok(()),
            },
        }
    }

    fn cut_for_time(&mut self) -> Result<(), End> {
        let Some(running) = &mut self.current else {
            return Err(End::DatabaseGone);
        };
        running.cut = Some(
            Refusal::new(
                SqlState::Cancelled,
                "limit.statement_time",
                "the statement ran longer than the gate lets one run",
            )
            .hint("narrow it down; ask the owner's engineer whether an index is missing"),
        );
        self.begin_cut();
        Ok(())
    }

    /// A statement that takes long leaves a trace before its outcome; nothing waits for it.
    fn record_begun(&mut self) {
        if let Some(running) = &mut self.current {
            let entry = running.begun_entry(&self.bearing, self.gate.now());
            // Nobody waits for it; if the log is down, the outcome's record will say so.
            let _ = super::records::append_to(&self.gate.log, entry);
        }
    }

    /// What the database says without being asked, between messages.
    pub(super) fn take_unasked(&mut self) -> Result<(), End> {
        self.take_frames()
    }

    /// Takes every whole message in the buffer.
    fn take_frames(&mut self) -> Result<(), End> {
        let mut buffer = std::mem::take(&mut self.upstream.buffer);
        let result = self.walk(&buffer);
        match result {
            Ok(consumed) => {
                let _ = buffer.split_to(consumed.min(buffer.len()));
                self.upstream.buffer = buffer;
                Ok(())
            }
            Err(end) => Err(end),
        }
    }

    fn walk(&mut self, buffer: &[u8]) -> Result<usize, End> {
        let mut at = 0;
        while let Some(frame) = backend::next_frame(buffer, at).map_err(broke)? {
            if frame.tag == backend::DATA_ROW {
                self.take_row(buffer, frame)?;
            } else if frame.tag == backend::COPY_DATA && !self.discarding {
                self.take_copy_data(frame.body(buffer))?;
            } else {
                self.charge_batch(buffer)?;
                self.take_answer(frame.tag, frame.body(buffer))?;
            }
            at = frame.end;
            // The rest is looked at after the gate has done what this answer asks for.
            if self.tuning_due.is_some() {
                break;
            }
        }
        self.charge_batch(buffer)?;
        Ok(at)
    }

    /// Makes the front of what is awaited the current statement.
    pub(super) fn begin_answer(&mut self) -> Result<(), End> {
        if self.current.is_some() {
            return Ok(());
        }
        match self.expects.pop_front() {
            Some(Expect::Simple(running)) => {
                self.current = Some(running);
                self.expects.push_front(Expect::Fence);
                Ok(())
            }
            Some(Expect::Execute {
                portal,
                serial,
                running,
            }) => {
                self.current = Some(running);
                self.expects
                    .push_front(Expect::Executing { portal, serial });
                Ok(())
            }
            _ => Err(broke("an answer to no statement")),
        }
    }

    /// So that a statement is the current one while its first answer is awaited.
    fn begin_waiting(&mut self) -> Result<(), End> {
        match self.expects.front() {
            Some(Expect::Simple(_) | Expect::Execute { .. }) => self.begin_answer(),
            _ => Ok(()),
        }
    }

    fn take_row(&mut self, buffer: &[u8], frame: FrameAt) -> Result<(), End> {
        if self.discarding {
            return Ok(());
        }
        self.begin_answer()?;
        let Some(mut running) = self.current.take() else {
            return Err(broke("a row outside of a statement"));
        };
        let taken = self.take_row_of(&mut running, buffer, frame);
        self.current = Some(running);
        taken
    }

    fn take_row_of(
        &mut self,
        running: &mut Running,
        buffer: &[u8],
        frame: FrameAt,
    ) -> Result<(), End> {
        if running.cut.is_some() {
            return Ok(());
        }
        if let Kind::Explain(form) = running.cleared.kind {
            return self.take_plan(frame.body(buffer), form);
        }
        let split =
            row::split_last(frame.body(buffer), running.source.taps.len()).map_err(broke)?;
        let mut subjects = 0;
        for (tap, field) in split.tap().enumerate() {
            let value = super::tap::tap_value(field).map_err(broke)?;
            if let Some((id, table)) = Self::subject_id(running, tap, value) {
                self.batch.push_id(id, table);
                subjects += 1;
            }
        }
        let kept = split.kept();
        self.batch.rows.push((frame, kept));
        let bytes = u32::try_from(kept.frame_bytes()).unwrap_or(u32::MAX);
        self.batch.charges.push(RowCharge { bytes, subjects });
        Ok(())
    }

    /// Charges the rows read so far and puts those that are paid for into the outbox.
    pub(super) fn charge_batch(&mut self, buffer: &[u8]) -> Result<(), End> {
        if self.batch.charges.is_empty() {
            return Ok(());
        }
        let Some(mut running) = self.current.take() else {
            return Err(broke("rows outside of a statement"));
        };
        let mut batch = std::mem::take(&mut self.batch);
        let (paid, reserved) = self.charge(&mut running, &mut batch);
        if paid > 0 {
            let out = self.out.disclosing(&reserved);
            if batch.rows.is_empty() {
                out.extend_from_slice(batch.copied_prefix(paid));
            }
            for (frame, kept) in batch.rows.iter().take(paid) {
                kept.write(frame.body(buffer), out).map_err(broke)?;
            }
        }
        batch.clear();
        self.batch = batch;
        self.current = Some(running);
        Ok(())
    }

    /// reserve: how many of the batch's rows may leave; a ceiling in the way cuts the statement.
    pub(super) fn charge(&mut self, running: &mut Running, batch: &mut Batch) -> (usize, Reserved) {
        // Constants, settings and the catalog are nobody's data: counted in the event, charged to no budget.
        if running.source.tables.is_empty() {
            let bytes = batch.charges.iter().map(|row| u64::from(row.bytes)).sum();
            running.note_free(batch.charges.len() as u64, bytes);
            return (batch.charges.len(), Reserved(()));
        }
        let budgets: &[Budget] = &self.terms.contract.budgets;
        let (charged, subjects_new) = {
            let mut meter = running.meter.lock();
            let before = meter.subjects_new;
            let mut meters = Meters {
                session: &mut self.meter,
                statement: &mut meter,
            };
            let rows = RowBatch {
                rows: &batch.charges,
                ids: &batch.ids,
                taps: &batch.tables,
                tables: &running.source.tapped,
            };
            let charged = self.gate.accounts.lock().charge(
                &running.payer,
                budgets,
                &mut meters,
                &rows,
                &mut batch.fresh,
            );
            (charged, meter.subjects_new - before)
        };
        let Ok(charged) = charged else {
            running.cut = Some(subjects_full());
            self.begin_cut();
            return (0, Reserved(()));
        };
        let fresh = batch.fresh.iter().filter_map(|index| {
            let index = *index as usize;
            Some((*batch.tables.get(index)?, *batch.ids.get(index)?))
        });
        running.note_charged(&charged, subjects_new, fresh);
        let Some(exceeded) = &charged.exceeded else {
            return (charged.rows, Reserved(()));
        };
        let refusal = self.budget_refusal(exceeded);
        if self.terms.contract.mode == Mode::Observe {
            running.would_cut.get_or_insert(refusal);
            return (
                self.charge_observed(running, batch, charged.rows),
                Reserved(()),
            );
        }
        running.cut = Some(refusal);
        self.begin_cut();
        (charged.rows, Reserved(()))
    }

    /// reserve: a statement that answers with groups is charged before it runs. A cursor is charged
    /// when it is declared: its fetches show one answer in slices.
    pub(super) fn charge_groups(&mut self, running: &mut Running) -> Result<(), Refusal> {
        let answers = matches!(
            running.cleared.kind,
            Kind::Query | Kind::CopyOut(_) | Kind::Execute { .. } | Kind::DeclareCursor { .. }
        );
        if !answers || running.source.groups == 0 {
            return Ok(());
        }
        let budgets: &[Budget] = &self.terms.contract.budgets;
        let count = running.source.groups;
        let mut accounts = self.gate.accounts.lock();
        let charged = accounts.charge_aggregate(&running.payer, budgets, &mut self.meter, count);
        let refusal = match charged {
            Ok(()) => None,
            Err(exceeded) => {
                let observed = self.terms.contract.mode == Mode::Observe;
                if observed {
                    let _ = accounts.charge_aggregate(&running.payer, &[], &mut self.meter, count);
                }
                let refusal = self.aggregates_refusal(&exceeded);
                if !observed {
                    return Err(refusal);
                }
                Some(refusal)
            }
        };
        running.note_aggregates(count);
        running.would_cut = refusal;
        Ok(())
    }

    fn aggregates_refusal(&self, exceeded: &Exceeded) -> Refusal {
        let key = exceeded.budget.key();
        Refusal::new(
            SqlState::BudgetExceeded,
            format!("budget.{key}"),
            format!(
                "no more statements with groups: `{key}` = {} is used up",
                exceeded.budget.limit
            ),
        )
        .clause(&self.bearing.contract, &format!("budget.{key}"))
        .hint(budget_hint(&exceeded.budget))
    }

    /// `observe` mode: what would have been cut is charged all the same, and passes.
    fn charge_observed(&mut self, running: &mut Running, batch: &Batch, paid: usize) -> usize {
        let skipped: usize = batch
            .charges
            .iter()
            .take(paid)
            .map(|row| row.subjects as usize)
            .sum();
        let rest = RowBatch {
            rows: batch.charges.get(paid..).unwrap_or_default(),
            ids: batch.ids.get(skipped..).unwrap_or_default(),
            taps: batch.tables.get(skipped..).unwrap_or_default(),
            tables: &running.source.tapped,
        };
        let mut fresh = Vec::new();
        let (charged, subjects_new) = {
            let mut meter = running.meter.lock();
            let before = meter.subjects_new;
            let mut meters = Meters {
                session: &mut self.meter,
                statement: &mut meter,
            };
            let charged = self.gate.accounts.lock().charge(
                &running.payer,
                &[],
                &mut meters,
                &rest,
                &mut fresh,
            );
            (charged, meter.subjects_new - before)
        };
        let Ok(charged) = charged else {
            running.cut = Some(subjects_full());
            self.begin_cut();
            return paid;
        };
        let fresh = fresh.iter().filter_map(|index| {
            let index = skipped + *index as usize;
            Some((*batch.tables.get(index)?, *batch.ids.get(index)?))
        });
        running.note_charged(&charged, subjects_new, fresh);
        paid + charged.rows
    }

    fn budget_refusal(&self, exceeded: &Exceeded) -> Refusal {
        let key = exceeded.budget.key();
        Refusal::new(
            SqlState::BudgetExceeded,
            format!("budget.{key}"),
            format!(
                "the result stops here: `{key}` = {} is used up",
                exceeded.budget.limit
            ),
        )
        .clause(&self.bearing.contract, &format!("budget.{key}"))
        .hint(budget_hint(&exceeded.budget))
    }

    fn take_answer(&mut self, tag: u8, body: &[u8]) -> Result<(), End> {
        match tag {
            backend::NOTICE_RESPONSE => return self.take_notice(body),
            backend::PARAMETER_STATUS => return self.take_parameter(body),
            backend::NOTIFICATION_RESPONSE => return Ok(()),
            backend::READY_FOR_QUERY => return self.take_ready(body),
            backend::ERROR_RESPONSE => return self.take_error(body),
            _ => {}
        }
        if self.discarding {
            return Ok(());
        }
        match tag {
            backend::PARSE_COMPLETE => self.take_parse_complete(),
            backend::BIND_COMPLETE => self.take_bind_complete(),
            backend::CLOSE_COMPLETE => match self.expects.pop_front() {
                Some(Expect::Close { hidden }) => {
                    if !hidden {
                        build::close_complete(self.out.protocol());
                    }
                    Ok(())
                }
                _ => Err(broke("close complete out of turn")),
            },
            backend::PARAMETER_DESCRIPTION => self.take_parameter_description(body),
            backend::ROW_DESCRIPTION => self.take_row_description(body),
            backend::NO_DATA => {
                match self.expects.pop_front() {
                    Some(Expect::DescribeStatement { .. } | Expect::DescribePortal { .. }) => {}
                    _ => return Err(broke("no data out of turn")),
                }
                build::no_data(self.out.protocol());
                Ok(())
            }
            backend::COMMAND_COMPLETE => {
                self.take_complete(backend::command_complete(body).map_err(broke)?)
            }
            backend::EMPTY_QUERY_RESPONSE => self.take_empty(),
            backend::PORTAL_SUSPENDED => self.take_suspended(),
            backend::COPY_OUT_RESPONSE => self.take_copy_out(body),
            backend::COPY_DATA => self.take_copy_data(body),
            backend::COPY_DONE => {
                if self
                    .current
                    .as_ref()
                    .is_some_and(|running| running.cut.is_none())
                {
                    build::copy_done(self.out.protocol());
                }
                Ok(())
            }
            _ => Err(broke("a message that was not asked for")),
        }
    }

    fn take_parse_complete(&mut self) -> Result<(), End> {
        let Some(Expect::Parse { name, made, hidden }) = self.expects.pop_front() else {
            return Err(broke("parse complete out of turn"));
        };
        // One that was closed or parsed anew since is not entered: its own messages carry what they need.
        if self
            .moving_prepared
            .get(&name)
            .is_some_and(|moving| moving.serial == made.serial)
        {
            self.moving_prepared.remove(&name);
            self.prepared.insert(name, made);
        }
        if !hidden {
            build::parse_complete(self.out.protocol());
        }
        Ok(())
    }

    fn take_bind_complete(&mut self) -> Result<(), End> {
        let Some(Expect::Bind {
            portal: name,
            serial,
        }) = self.expects.pop_front()
        else {
            return Err(broke("bind complete out of turn"));
        };
        // One that was closed or bound anew since is not entered: its own messages carry what they need.
        if self
            .moving_portals
            .get(&name)
            .is_some_and(|moving| moving.serial == serial)
            && let Some(portal) = self.moving_portals.remove(&name)
            && let Some(replaced) = self.portals.insert(name, portal)
        {
            self.close_portal(replaced);
        }
        build::bind_complete(self.out.protocol());
        Ok(())
    }

    fn take_parameter_description(&mut self, body: &[u8]) -> Result<(), End> {
        let types = backend::parameter_description(body).map_err(broke)?;
        // A belt besides the walk: no parameter has a type that looks names up.
        if types.iter().copied().any(names_objects) {
            return Err(broke("a parameter of a type that looks names up"));
        }
        build::parameter_description(self.out.protocol(), &types).map_err(broke)?;
        if let Some(Expect::DescribeStatement { name, serial, .. }) = self.expects.front() {
            let known = [
                self.prepared.get_mut(name),
                self.moving_prepared.get_mut(name),
            ];
            for prepared in known
                .into_iter()
                .flatten()
                .filter(|prepared| prepared.serial == *serial)
            {
                prepared.param_types.clone_from(&types);
            }
        }
        Ok(())
    }

    fn take_row_description(&mut self, body: &[u8]) -> Result<(), End> {
        let (cleared, taps) = match self.expects.front() {
            Some(Expect::DescribeStatement { .. } | Expect::DescribePortal { .. }) => {
                match self.expects.pop_front() {
                    Some(
                        Expect::DescribeStatement { cleared, taps, .. }
                        | Expect::DescribePortal { cleared, taps },
                    ) => (cleared, taps),
                    _ => return Err(broke("row description out of turn")),
                }
            }
            _ => {
                self.begin_answer()?;
                let Some(running) = &self.current else {
                    return Err(broke("row description out of turn"));
                };
                (Arc::clone(&running.cleared), running.source.taps.len())
            }
        };
        let mut columns = backend::row_description(body).map_err(broke)?;
        let kept = columns
            .len()
            .checked_sub(taps)
            .ok_or_else(|| broke("fewer columns than taps"))?;
        // A belt besides the names: what is stripped must be taps, and no tap may be left.
        let tapped = |column: &backend::Column| column.name.starts_with(TAP_COLUMN_PREFIX);
        let (shown, stripped) = columns.split_at_checked(kept).unwrap_or((&columns, &[]));
        if shown.iter().any(tapped) || !stripped.iter().all(tapped) {
            return Err(broke("a result of another shape than was cleared"));
        }
        columns.truncate(kept);
        // Nor does any column have a type that prints the name behind a number.
        if columns.iter().any(|column| names_objects(column.type_oid)) {
            return Err(broke("a column of a type that prints names"));
        }
        for column in &mut columns {
            (column.table_oid, column.attnum) = self.gate_identity(column.table_oid, column.attnum);
            if let Kind::Explain(form) = cleared.kind {
                column.type_oid = super::explain::type_oid(form);
                column.type_len = -1;
            }
        }
        build::row_description(self.out.protocol(), &columns).map_err(broke)
    }

    /// The base table's identity for a view's column; none for whatever else.
    fn gate_identity(&self, view_oid: u32, view_attnum: i16) -> (u32, i16) {
        self.terms
            .surface
            .tables
            .iter()
            .find(|table| table.view_oid == view_oid && view_oid != 0)
            .and_then(|table| {
                let column = table
                    .columns
                    .iter()
                    .find(|column| column.view_attnum == view_attnum)?;
                Some((table.oid, column.attnum))
            })
            .unwrap_or((0, 0))
    }

    fn take_complete(&mut self, tag: &str) -> Result<(), End> {
        if matches!(self.expects.front(), Some(Expect::Fence)) && self.current.is_none() {
            return Ok(());
        }
        self.begin_answer()?;
        let Some(mut running) = self.current.take() else {
            return Err(broke("command complete out of turn"));
        };
        self.leave_execute();
        if running.cut.is_some() {
            return self.finish_cut(running, true);
        }
        self.note_effect(&running);
        if matches!(tag, "COMMIT" | "ROLLBACK")
            && matches!(
                running.cleared.kind,
                Kind::Transaction(Transaction::Commit | Transaction::Rollback)
            )
        {
            self.rolled_back = tag == "ROLLBACK";
            self.end_transaction_things();
        }
        self.finish_allowed(&mut running, tag)
    }

    fn finish_allowed(&mut self, running: &mut Running, tag: &str) -> Result<(), End> {
        // The server's tag counts what it sent to the gate; nothing was held back here.
        let shown = match &running.cleared.kind {
            Kind::Explain(_) => "EXPLAIN",
            _ => tag,
        };
        build::command_complete(self.out.protocol(), shown).map_err(broke)?;
        self.close_running(running, Decision::Allowed, None);
        Ok(())
    }

    /// Records the outcome; where that cannot be, the answer becomes 58030.
    fn close_running(&mut self, running: &mut Running, decision: Decision, reason: Option<&str>) {
        if let Err(refusal) = self.record_outcome(running, decision, reason) {
            write_refusal(self.out.protocol(), Severity::Error, &refusal, None);
            self.skip_rest();
        }
    }

    /// In the extended protocol what follows an error is dropped up to Sync, on both sides.
    pub(super) fn skip_rest(&mut self) {
        let simple = self
            .expects
            .iter()
            .any(|expect| matches!(expect, Expect::Fence));
        if !simple {
            self.skipping = true;
            self.discarding = !self.expects.is_empty();
            self.drop_pipeline();
        }
        self.failed_here = true;
    }

    fn leave_execute(&mut self) {
        if matches!(self.expects.front(), Some(Expect::Executing { .. })) {
            self.expects.pop_front();
        }
    }

    /// What a completed statement changes in what the gate knows of the session.
    fn note_effect(&mut self, running: &Running) {
        match &running.cleared.kind {
            Kind::SetSearchPath { path, local } => self.set_search_path(path, *local),
            Kind::ResetSession { everything } => {
                let fresh = portcullis_sql::SessionNames::new(
                    &self.names.user,
                    &self.names.database,
                    &self.terms.surface,
                );
                self.set_search_path(&fresh.search_path, false);
                if *everything {
                    self.prepared.clear();
                    self.cursors.clear();
                }
            }
            Kind::Prepare { name } => {
                let serial = self.next_serial();
                let prepared = Prepared {
                    meaning: meaning_again(running),
                    param_types: Vec::new(),
                    server_name: running.named.clone().unwrap_or_default(),
                    serial,
                };
                self.prepared.insert(name.clone(), prepared);
            }
            Kind::Deallocate { name: Some(name) } => {
                self.prepared.remove(name);
            }
            Kind::Deallocate { name: None } => self.prepared.clear(),
            Kind::DeclareCursor { name, hold } => {
                let cursor = Cursor {
                    cleared: Arc::clone(&running.cleared),
                    meter: Arc::default(),
                    hold: *hold,
                    server_name: running.named.clone().unwrap_or_default(),
                };
                self.cursors.insert(name.clone(), cursor);
            }
            Kind::CloseCursor { name: Some(name) } => {
                self.cursors.remove(name);
            }
            Kind::CloseCursor { name: None } => self.cursors.clear(),
            _ => {}
        }
    }

    fn take_empty(&mut self) -> Result<(), End> {
        if matches!(self.expects.front(), Some(Expect::Fence)) && self.current.is_none() {
            return Ok(());
        }
        self.begin_answer()?;
        if let Some(running) = &self.current
            && let Kind::Tuning(tuning) = &running.cleared.kind
        {
            // The database was sent an empty query in its place: now the gate does it itself.
            self.tuning_due = Some(tuning.clone());
            return Ok(());
        }
        let Some(mut running) = self.current.take() else {
            return Err(broke("empty query out of turn"));
        };
        self.leave_execute();
        if let Kind::SetSearchPath { .. } = running.cleared.kind {
            // The gate's own matter: the database was sent an empty query in its place.
            self.note_effect(&running);
            build::command_complete(self.out.protocol(), "SET").map_err(broke)?;
        } else {
            build::empty_query_response(self.out.protocol());
        }
        self.close_running(&mut running, Decision::Allowed, None);
        Ok(())
    }

    fn take_suspended(&mut self) -> Result<(), End> {
        self.begin_answer()?;
        if self
            .current
            .as_ref()
            .is_some_and(|running| running.cut.is_some())
        {
            self.leave_execute();
            let Some(running) = self.current.take() else {
                return Ok(());
            };
            return self.finish_cut(running, true);
        }
        if let Err(refusal) = self.seal_chunk() {
            return Err(self.record_down(&refusal));
        }
        let Some(Expect::Executing { portal, serial }) = self.expects.pop_front() else {
            return Err(broke("portal suspended out of turn"));
        };
        let running = self.current.take();
        match self
            .portals
            .get_mut(&portal)
            .filter(|portal| portal.serial == serial)
        {
            Some(portal) => portal.running = running,
            // Closed or bound anew further down the pipeline: this was its last fetch.
            None => {
                if let Some(mut running) = running {
                    self.close_running(&mut running, Decision::Allowed, None);
                }
            }
        }
        build::portal_suspended(self.out.protocol());
        Ok(())
    }

    fn take_ready(&mut self, body: &[u8]) -> Result<(), End> {
        self.status = backend::ready_for_query(body).map_err(broke)?;
        if self.status == TransactionStatus::Idle {
            self.end_transaction_things();
        }
        match self.expects.pop_front() {
            Some(Expect::Sync) => {
                self.discarding = false;
                self.unsynced = false;
                Ok(())
            }
            Some(Expect::Fence) => Ok(()),
            _ => Err(broke("ready for query out of turn")),
        }
    }

    /// As SET does: for the session, or until the transaction ends; undone if it is rolled back.
    fn set_search_path(&mut self, path: &[String], local: bool) {
        if self.status == TransactionStatus::Idle {
            // SET LOCAL outside of a transaction block does nothing, as in PostgreSQL.
            if !local {
                self.names.search_path = path.to_vec();
            }
            return;
        }
        let now = self.names.search_path.clone();
        let moving = self.moving_path.get_or_insert_with(|| super::MovingPath {
            before: now.clone(),
            kept: now,
        });
        if !local {
            moving.kept = path.to_vec();
        }
        self.names.search_path = path.to_vec();
    }

    /// Portals, and cursors without HOLD, end with their transaction; what ran in them has its outcome now.
    fn end_transaction_things(&mut self) {
        // One WITH HOLD of a transaction that was rolled back is gone too; its name then leads nowhere.
        self.cursors.retain(|_, cursor| cursor.hold);
        if let Some(moving) = self.moving_path.take() {
            self.names.search_path = if self.rolled_back {
                moving.before
            } else {
                moving.kept
            };
        }
        let ended: Vec<Portal> = self.portals.drain().map(|(_, portal)| portal).collect();
        for portal in ended {
            if let Some(mut running) = portal.running {
                self.close_running(&mut running, Decision::Allowed, None);
            }
        }
    }

    fn take_error(&mut self, body: &[u8]) -> Result<(), End> {
        let report = Report::parse(body).map_err(broke)?;
        if matches!(report.severity(), "FATAL" | "PANIC") {
            return Err(End::DatabaseGone);
        }
        if self.discarding {
            return Ok(());
        }
        match self.expects.front() {
            Some(Expect::Abort) => {
                self.expects.pop_front();
                self.after_extended_error();
                return Ok(());
            }
            Some(Expect::Fence) if self.current.is_none() => return Ok(()),
            None => return Ok(()),
            _ => {}
        }
        self.begin_waiting()?;
        let simple = matches!(self.expects.front(), Some(Expect::Fence));
        self.failed_here = true;
        if let Some(mut running) = self.current.take() {
            if running.cut.is_some() {
                self.leave_execute();
                return self.finish_cut(running, false);
            }
            self.write_report(&report, Some(&running));
            let reason = format!("database.{}", report.sqlstate());
            self.close_running(&mut running, Decision::Allowed, Some(&reason));
        } else {
            self.write_report(&report, None);
        }
        if !simple {
            self.after_extended_error();
        }
        Ok(())
    }

    /// The database skips to Sync by itself; so do we, with what the client still sends.
    fn after_extended_error(&mut self) {
        self.skipping = true;
        self.discarding = false;
        self.drop_pipeline();
    }

    /// What was sent and will not be answered: neither entered nor run.
    pub(super) fn drop_pipeline(&mut self) {
        let (kept, dropped): (Vec<_>, Vec<_>) = self
            .expects
            .drain(..)
            .partition(|expect| matches!(expect, Expect::Sync));
        self.expects.extend(kept);
        for expect in dropped {
            if let Expect::Execute { mut running, .. } = expect {
                // A slice of a portal that gave rows before: that statement ran, and ends here.
                let (decision, reason) = match running.counts() {
                    (0, ..) => (Decision::Refused, Some(super::records::SKIPPED)),
                    _ => (Decision::Allowed, None),
                };
                let _ = self.record_outcome(&mut running, decision, reason);
            }
        }
        self.skipped
            .keep(self.moving_prepared.drain(), self.moving_portals.drain());
        // INVARIANT: the unnamed ones have one name at the database for all texts. Where the database may
        // have gone on without us, the gate no longer says what is there: the next Parse or Bind will.
        self.prepared.remove("");
        if let Some(portal) = self.portals.remove("") {
            self.close_portal(portal);
        }
    }

    fn write_report(&mut self, report: &Report, running: Option<&Running>) {
        let (sqlstate, mut message, hint) = sanitised(report, &self.terms.surface);
        if let Some((named, name)) =
            running.and_then(|running| running.named.as_deref().zip(running.client_name()))
        {
            message = message.replace(named, name);
        }
        message = self.in_clients_words(&message);
        let own = build::Report {
            severity: "ERROR",
            sqlstate: &sqlstate,
            message: &message,
            detail: None,
            hint: hint.as_deref(),
            position: None,
        };
        build::error_response(self.out.protocol(), &own);
    }

    fn take_notice(&mut self, body: &[u8]) -> Result<(), End> {
        let report = Report::parse(body).map_err(broke)?;
        // Warnings about transactions and settings; whatever else may quote data stays here.
        let class = report.sqlstate().get(..2).unwrap_or_default();
        if !matches!(class, "25" | "01" | "42" | "55") || self.discarding || self.expects.is_empty()
        {
            return Ok(());
        }
        let message = in_clients_names(report.message(), &self.terms.surface);
        let message = self.in_clients_words(&message);
        let own = build::Report {
            severity: report.severity(),
            sqlstate: report.sqlstate(),
            message: &message,
            detail: None,
            hint: None,
            position: None,
        };
        build::notice_response(self.out.protocol(), &own);
        Ok(())
    }

    fn take_parameter(&mut self, body: &[u8]) -> Result<(), End> {
        let (name, value) = backend::parameter_status(body).map_err(broke)?;
        if crate::startup::REPORTED_PARAMETERS.contains(&name) {
            build::parameter_status(self.out.protocol(), name, value).map_err(broke)?;
        }
        Ok(())
    }
}

/// How `sql` names the columns that it adds.
const TAP_COLUMN_PREFIX: &str = "portcullis_tap";

/// What a completed PREPARE is known by from now on.
fn meaning_again(running: &Running) -> Meaning {
    Meaning {
        cleared: Arc::clone(&running.cleared),
        source: Arc::clone(&running.source),
        text: Arc::from(running.cleared.text.as_str()),
        named: running.named.clone(),
        cursor: None,
    }
}

fn budget_hint(budget: &Budget) -> &'static str {
    use portcullis_contract::{Measure, Window};
    match (budget.measure, budget.window) {
        (_, Window::Statement) => {
            "narrow the statement down: add conditions, or select fewer columns"
        }
        (Measure::Subjects, Window::Day) => {
            "subjects already seen today stay readable; others tomorrow, or ask the owner to change the contract"
        }
        (Measure::Aggregates, Window::Day) => {
            "ask for more groups and figures in one statement; continue tomorrow, or ask the owner to change the contract"
        }
        (_, Window::Day) => "continue tomorrow, or ask the owner to change the contract",
        (_, Window::Session) => "narrow the work down, or ask the owner to change the contract",
        (_, Window::Total) => "ask the owner to change the contract",
    }
}

/// The ledger numbers four billion subjects; nobody is shown who can't be counted.
fn subjects_full() -> Refusal {
    Refusal::new(
        SqlState::RecordUnwritable,
        "record.full",
        "the ledger can number no more subjects",
    )
    .hint("tell the owner: the ledger's dictionary is full")
}
