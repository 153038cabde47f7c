//! `EXPLAIN (PORTCULLIS) …`: what the gate would say of a statement, told in the session itself.
//!
//! INVARIANT: nothing of what is asked about is sent. In the simple protocol nothing is sent at all;
//! in the extended protocol the database knows an empty text under the statement's name, and Bind,
//! Describe and Execute are answered here, in their turn, so that also a failed transaction can ask.

use std::sync::Arc;

use portcullis_contract::{Budget, Refusal, SqlState};
use portcullis_ledger::Payer;
use portcullis_sql::{AnswerForm, Kind};
use portcullis_wire::backend::{Column, TransactionStatus};
use portcullis_wire::build::server as build;
use portcullis_wire::frontend::{Bind, Format, Target};

use super::desk::Cleared;
use super::extended::NOBODYS_NAME;
use super::names::{Portal, Prepared, unknown_cursor};
use super::outbox::Reserved;
use super::running::{Decision, Params};
use super::{End, Session};
use crate::errors::{Severity, write_refusal};
use crate::explanation::{self, Ground, Moment};
use crate::limits::{MAX_PORTALS, SHORT_TEXT_BYTES};

/// The answer's one column.
const COLUMN: &str = "portcullis";
/// As PostgreSQL's EXPLAIN is tagged.
const TAG: &str = "EXPLAIN";
const TEXT_OID: u32 = 25;
const JSON_OID: u32 = 114;

/// The rows of an answer that were not fetched yet; a portal may be read in slices.
pub struct Answer {
    /// As Bind asked; the bytes of a text are the same in both.
    format: Format,
    /// `None` until the first Execute.
    lines: Option<std::vec::IntoIter<String>>,
}

/// The text asked about, if the statement is a question.
pub(super) fn question(cleared: &Cleared) -> Option<(&str, AnswerForm)> {
    match &cleared.kind {
        Kind::Ask { about, form } => Some((about, *form)),
        _ => None,
    }
}

/// What the session knows at this moment.
struct Now<'s> {
    session: &'s Session,
    payer: Payer,
}

impl Moment for Now<'_> {
    fn used(&self, budget: &Budget) -> Option<u64> {
        let accounts = self.session.gate.accounts.lock();
        Some(accounts.used(&self.payer, budget, &self.session.meter))
    }

    fn named(&self, kind: &Kind) -> Result<Option<String>, Refusal> {
        let known = match kind {
            Kind::Execute { name } => self
                .session
                .prepared_now(name)
                .map(|prepared| &prepared.meaning.cleared.sql),
            Kind::Fetch { name, .. } => self
                .session
                .cursors
                .get(name)
                .map(|cursor| &cursor.cleared.sql),
            _ => return Ok(None),
        };
        known
            .map(|sql| Some(sql.clone()))
            .ok_or_else(|| explanation::unknown_name(kind))
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.session.status == TransactionStatus::Failed {
            notes.push(
                "the transaction has failed: until it ends, only ROLLBACK or ROLLBACK TO passes"
                    .to_owned(),
            );
        }
        notes
    }
}

impl Session {
    fn answer_lines(&self, about: &str, form: AnswerForm) -> Vec<String> {
        let day = self.gate.now().to_zoned(self.zone.clone()).date();
        let now = Now {
            session: self,
            payer: Payer {
                contract: self.bearing.contract.clone(),
                vendor: self.bearing.vendor.clone(),
                person: self.bearing.person.clone(),
                day,
            },
        };
        let ground = Ground {
            contract: &self.terms.contract,
            surface: &self.terms.surface,
            names: &self.names,
            person: Some(&self.bearing.person),
            purpose: Some(&self.bearing.purpose),
        };
        let read = || explanation::explain(about, &ground, &now);
        let explained = if about.len() <= SHORT_TEXT_BYTES {
            read()
        } else {
            // Reading takes its time: the other sessions of this thread go on elsewhere meanwhile.
            tokio::task::block_in_place(read)
        };
        match form {
            AnswerForm::Text => explanation::draw(&explained),
            AnswerForm::Json => vec![serde_json::to_string(&explained).unwrap_or_default()],
        }
    }

    /// The whole answer to a question of the simple protocol; `false` where it can't be given.
    pub(super) fn answer_question(&mut self, cleared: &Arc<Cleared>) -> Result<bool, End> {
        let Some((about, form)) = question(cleared) else {
            return Ok(true);
        };
        let lines = self.answer_lines(about, form);
        build::row_description(self.out.protocol(), &[column(form, Format::Text)])
            .map_err(unbuildable)?;
        self.put_lines(&lines)?;
        build::command_complete(self.out.protocol(), TAG).map_err(unbuildable)?;
        if let Err(refusal) = self.record_answer(cleared, None, &lines) {
            write_refusal(self.out.protocol(), Severity::Error, &refusal, None);
            return Ok(false);
        }
        Ok(true)
    }

    /// The statement's one event, which seals the answer.
    fn record_answer(
        &mut self,
        cleared: &Arc<Cleared>,
        params: Option<Params>,
        lines: &[String],
    ) -> Result<(), Refusal> {
        let meaning = self.meaning_of(cleared)?;
        let mut running = self.running_for(&meaning);
        running.params = params;
        let bytes = lines.iter().map(|line| line.len() as u64).sum();
        running.note_free(lines.len() as u64, bytes);
        self.record_outcome(&mut running, Decision::Allowed, None)
    }

    /// Rows that say nothing of anybody's data; they wait for the statement's event all the same.
    fn put_lines(&mut self, lines: &[String]) -> Result<(), End> {
        for line in lines {
            let out = self.out.disclosing(&Reserved(()));
            build::data_row_texts(out, &[Some(line)]).map_err(unbuildable)?;
        }
        Ok(())
    }

    pub(super) fn is_question(&self, target: Target, name: &str) -> bool {
        let cleared = match target {
            Target::Statement => self.prepared_now(name).map(|known| &known.meaning.cleared),
            Target::Portal => self.portal_now(name).map(|known| &known.meaning.cleared),
        };
        cleared.is_some_and(|cleared| question(cleared).is_some())
    }

    /// Values of parameters mean nothing to it: any number of them is taken, none is needed.
    pub(super) async fn bind_question(
        &mut self,
        bind: &Bind<'_>,
        prepared: Prepared,
    ) -> Result<(), End> {
        if !self.take_in().await? {
            return Ok(());
        }
        if self.portals.len() >= MAX_PORTALS && !self.portals.contains_key(bind.portal) {
            return self.tell_in_pipeline(&too_many_portals()).await;
        }
        let portal = Portal {
            params: self.record_params(bind, &prepared.param_types),
            meaning: prepared.meaning,
            running: None,
            server_name: NOBODYS_NAME.to_owned(),
            serial: self.next_serial(),
            executed: false,
            answer: Some(Box::new(Answer {
                format: bind.result_formats.first().copied().unwrap_or(Format::Text),
                lines: None,
            })),
        };
        if let Some(replaced) = self.portals.insert(bind.portal.to_owned(), portal) {
            self.close_portal(replaced);
        }
        build::bind_complete(self.out.protocol());
        Ok(())
    }

    pub(super) async fn describe_question(
        &mut self,
        target: Target,
        name: &str,
    ) -> Result<(), End> {
        if !self.take_in().await? {
            return Ok(());
        }
        let described = match target {
            Target::Statement => self.prepared_now(name).and_then(|prepared| {
                let (_, form) = question(&prepared.meaning.cleared)?;
                Some((form, Format::Text, Some(told_types(&prepared.param_types))))
            }),
            Target::Portal => self.portals.get(name).and_then(|portal| {
                let (_, form) = question(&portal.meaning.cleared)?;
                let format = portal.answer.as_ref().map(|answer| answer.format);
                Some((form, format.unwrap_or(Format::Text), None))
            }),
        };
        // What was sent before has made the name another one's: then it is described as that.
        let Some((form, format, types)) = described else {
            return self.tell_in_pipeline(&unknown_cursor("portal", name)).await;
        };
        let out = self.out.protocol();
        if let Some(types) = types {
            build::parameter_description(out, &types).map_err(unbuildable)?;
        }
        build::row_description(out, &[column(form, format)]).map_err(unbuildable)
    }

    /// The first Execute makes the answer and its event; it may be fetched in slices.
    pub(super) async fn execute_question(&mut self, name: &str, max_rows: u32) -> Result<(), End> {
        if !self.take_in().await? {
            return Ok(());
        }
        let Some(portal) = self.portals.get_mut(name) else {
            return self.tell_in_pipeline(&unknown_cursor("portal", name)).await;
        };
        let cleared = Arc::clone(&portal.meaning.cleared);
        let params = portal.params.clone();
        let first = !std::mem::replace(&mut portal.executed, true);
        let left = match portal
            .answer
            .as_mut()
            .and_then(|answer| answer.lines.take())
        {
            Some(left) => left,
            None => {
                let lines = match question(&cleared) {
                    Some((about, form)) if first => self.answer_lines(about, form),
                    _ => Vec::new(),
                };
                if first && let Err(refusal) = self.record_answer(&cleared, params, &lines) {
                    return self.tell_in_pipeline(&refusal).await;
                }
                lines.into_iter()
            }
        };
        self.tell_slice(name, left, max_rows)
    }

    fn tell_slice(
        &mut self,
        name: &str,
        mut left: std::vec::IntoIter<String>,
        max_rows: u32,
    ) -> Result<(), End> {
        let most = match max_rows {
            0 => usize::MAX,
            rows => rows as usize,
        };
        for line in left.by_ref().take(most) {
            // Its event is appended: what is written now leaves after it.
            build::data_row_texts(self.out.protocol(), &[Some(&line)]).map_err(unbuildable)?;
        }
        if max_rows > 0 && left.len() > 0 {
            build::portal_suspended(self.out.protocol());
        } else {
            build::command_complete(self.out.protocol(), TAG).map_err(unbuildable)?;
        }
        if let Some(answer) = self.portals.get_mut(name).and_then(|p| p.answer.as_mut()) {
            answer.lines = Some(left);
        }
        Ok(())
    }
}

/// Types that the client left open are told as text.
fn told_types(types: &[u32]) -> Vec<u32> {
    let told = |oid: &u32| if *oid == 0 { TEXT_OID } else { *oid };
    types.iter().map(told).collect()
}

fn too_many_portals() -> Refusal {
    Refusal::new(
        SqlState::LimitExceeded,
        "limit.portals",
        "too many open portals",
    )
}

fn column(form: AnswerForm, format: Format) -> Column {
    Column {
        name: COLUMN.to_owned(),
        table_oid: 0,
        attnum: 0,
        type_oid: match form {
            AnswerForm::Text => TEXT_OID,
            AnswerForm::Json => JSON_OID,
        },
        type_len: -1,
        typmod: -1,
        format,
    }
}

fn unbuildable(error: impl std::fmt::Display) -> End {
    End::DatabaseBroke(error.to_string())
}
