//! The extended protocol: Parse, Bind, Describe, Execute, Close, Flush, Sync. Messages are collected
//! and sent with the Flush or Sync that asks for their answers; each message leaves an [`Expect`].

use std::sync::Arc;

use portcullis_contract::{Refusal, SqlState};
use portcullis_sql::Kind;
use portcullis_wire::build::client as ask;
use portcullis_wire::frontend::{Bind, Format, Frame, Parse, Target};

use super::desk::{Cleared, Refused};
use super::names::{Meaning, Portal, Prepared, unknown_cursor, unknown_statement};
use super::param_types::passable;
use super::running::{Attempt, Params, hashed_params, param_text};
use super::{End, Expect, Session};
use crate::errors::{Severity, write_refusal};
use crate::limits::{MAX_PARAMS_RECORD_BYTES, MAX_PORTALS, MAX_PREPARED};

/// Closing it closes nothing.
pub(super) const NOBODYS_NAME: &str = "portcullis_nobody";

/// Running it changes what later messages mean, or takes effect though an earlier one was cut.
fn has_effect(kind: &Kind) -> bool {
    !matches!(
        kind,
        Kind::Query
            | Kind::Empty
            | Kind::Fetch { .. }
            | Kind::Execute { .. }
            | Kind::CopyOut(_)
            | Kind::Explain(_)
    )
}

fn unsendable(error: impl std::fmt::Display) -> End {
    End::DatabaseBroke(error.to_string())
}

impl Session {
    pub(super) async fn serve_parse(&mut self, parse: &Parse<'_>) -> Result<(), End> {
        // SET search_path and PREPARE that are still on their way decide how this text reads.
        if self.names_are_moving() && !self.take_in().await? {
            return Ok(());
        }
        let cleared = match self.clear_single(parse.sql) {
            Ok(cleared) => cleared,
            Err(refused) => {
                let cleared = Cleared::refused(parse.sql, refused.method, refused.tables);
                return self
                    .refuse_in_pipeline(&cleared, &refused.refusal, None, Some(parse.sql))
                    .await;
            }
        };
        if self.prepared.len() + self.moving_prepared.len() >= MAX_PREPARED {
            let refusal = Refusal::new(
                SqlState::LimitExceeded,
                "limit.prepared",
                "too many prepared statements",
            );
            return self.tell_in_pipeline(&refusal).await;
        }
        if !parse.name.is_empty() && self.prepared_now(parse.name).is_some() {
            let message = format!("prepared statement `{}` already exists", parse.name);
            let refusal = Refusal::new(SqlState::DuplicateStatement, "prepared.exists", message);
            return self.tell_in_pipeline(&refusal).await;
        }
        let meaning = match self.meaning_of(&cleared) {
            Ok(meaning) => meaning,
            Err(refusal) => {
                return self
                    .refuse_in_pipeline(&cleared, &refusal, None, Some(parse.sql))
                    .await;
            }
        };
        let types = match passable(&parse.param_types, &self.bearing.contract) {
            Ok(types) => types,
            Err(refusal) => {
                return self
                    .refuse_in_pipeline(&cleared, &refusal, None, Some(parse.sql))
                    .await;
            }
        };
        let prepared = self.make_prepared(meaning, parse.name.is_empty(), types);
        ask::parse(
            &mut self.to_database,
            &prepared.server_name,
            &prepared.meaning.text,
            &prepared.param_types,
        )
        .map_err(unsendable)?;
        self.moving_prepared
            .insert(parse.name.to_owned(), prepared.clone());
        self.expects.push_back(Expect::Parse {
            name: parse.name.to_owned(),
            made: prepared,
            hidden: false,
        });
        Ok(())
    }

    fn make_prepared(
        &mut self,
        meaning: Meaning,
        unnamed: bool,
        param_types: Vec<u32>,
    ) -> Prepared {
        let serial = self.next_serial();
        let server_name = if unnamed {
            String::new()
        } else {
            format!("portcullis_s{serial}")
        };
        Prepared {
            meaning,
            param_types,
            server_name,
            serial,
        }
    }

    /// A prepared FETCH or EXECUTE whose cursor or statement was made anew since: parsed again for the
    /// present one, under a name of its own.
    fn refreshed(
        &mut self,
        name: &str,
        prepared: Prepared,
    ) -> Result<Result<Prepared, Refusal>, End> {
        if self.still_means(&prepared.meaning) {
            return Ok(Ok(prepared));
        }
        let cleared = Arc::clone(&prepared.meaning.cleared);
        let meaning = match self.meaning_of(&cleared) {
            Ok(meaning) => meaning,
            Err(refusal) => return Ok(Err(refusal)),
        };
        // The old one goes, so that a long session does not pile them up at the database.
        ask::close(
            &mut self.to_database,
            Target::Statement,
            &prepared.server_name,
        )
        .map_err(unsendable)?;
        self.expects.push_back(Expect::Close { hidden: true });
        let made = self.make_prepared(meaning, name.is_empty(), prepared.param_types);
        ask::parse(
            &mut self.to_database,
            &made.server_name,
            &made.meaning.text,
            &made.param_types,
        )
        .map_err(unsendable)?;
        self.moving_prepared.insert(name.to_owned(), made.clone());
        self.expects.push_back(Expect::Parse {
            name: name.to_owned(),
            made: made.clone(),
            hidden: true,
        });
        Ok(Ok(made))
    }

    /// Takes in the answers so far without releasing them; `false` where one of them was an error,
    /// so that nothing more is read up to Sync.
    pub(super) async fn take_in(&mut self) -> Result<bool, End> {
        if !self.expects.is_empty() {
            ask::flush(&mut self.to_database);
            self.receive().await?;
        }
        Ok(!self.skipping)
    }

    fn clear_single(&self, text: &str) -> Result<Arc<Cleared>, Box<Refused>> {
        let message = self.terms.clear(text, &self.names)?;
        match message.as_ref() {
            [cleared] => Ok(Arc::clone(cleared)),
            [] => Ok(Cleared::empty()),
            _ => Err(Box::new(Refused {
                refusal: Refusal::new(
                    SqlState::Syntax,
                    "syntax.several",
                    "cannot insert multiple commands into a prepared statement",
                ),
                method: String::new(),
                tables: Vec::new(),
            })),
        }
    }

    /// Something in flight decides what a name means.
    fn names_are_moving(&self) -> bool {
        self.expects.iter().any(|expect| match expect {
            Expect::Execute { running, .. } => has_effect(&running.cleared.kind),
            _ => false,
        })
    }

    /// Something in flight may yet be cut; what would take effect in spite of it must wait.
    fn may_be_cut(&self) -> bool {
        self.expects.iter().any(|expect| match expect {
            Expect::Execute { running, .. } => !running.source.tables.is_empty(),
            _ => false,
        })
    }

    pub(super) async fn serve_bind(&mut self, frame: &Frame, bind: &Bind<'_>) -> Result<(), End> {
        if self.names_are_moving() && !self.take_in().await? {
            return Ok(());
        }
        let Some(prepared) = self.prepared_now(bind.statement).cloned() else {
            return self
                .tell_in_pipeline(&unknown_statement(bind.statement))
                .await;
        };
        if super::ask::question(&prepared.meaning.cleared).is_some() {
            return self.bind_question(bind, prepared).await;
        }
        if self.portals.len() + self.moving_portals.len() >= MAX_PORTALS {
            let refusal = Refusal::new(
                SqlState::LimitExceeded,
                "limit.portals",
                "too many open portals",
            );
            return self.tell_in_pipeline(&refusal).await;
        }
        let params = self.record_params(bind, &prepared.param_types);
        let cleared = Arc::clone(&prepared.meaning.cleared);
        let refused = match self.refused_now(&cleared) {
            Some(refusal) => Err(refusal),
            None => self.refreshed(bind.statement, prepared)?,
        };
        let prepared = match refused {
            Ok(prepared) => prepared,
            Err(refusal) => {
                return self
                    .refuse_in_pipeline(&cleared, &refusal, params.as_ref(), None)
                    .await;
            }
        };
        let serial = self.next_serial();
        let server_name = if bind.portal.is_empty() {
            String::new()
        } else {
            format!("portcullis_p{serial}")
        };
        self.send_bind(frame, bind, &server_name, &prepared)?;
        let portal = Portal {
            meaning: prepared.meaning,
            params,
            running: None,
            server_name,
            serial,
            executed: false,
            answer: None,
        };
        self.moving_portals.insert(bind.portal.to_owned(), portal);
        self.expects.push_back(Expect::Bind {
            portal: bind.portal.to_owned(),
            serial,
        });
        Ok(())
    }

    /// Sends the Bind on under the gate's names; where result formats are listed one by one, the taps need theirs.
    fn send_bind(
        &mut self,
        frame: &Frame,
        bind: &Bind<'_>,
        portal: &str,
        prepared: &Prepared,
    ) -> Result<(), End> {
        let taps = prepared.meaning.source.taps.len();
        // No code means text and one code means it for all: the taps are `text`, whose binary form is the same bytes.
        let formats_fit = taps == 0 || bind.result_formats.len() < 2;
        if formats_fit && portal == bind.portal && prepared.server_name == bind.statement {
            self.to_database.extend_from_slice(frame.raw());
            return Ok(());
        }
        let mut formats = bind.result_formats.clone();
        if !formats_fit {
            formats.extend(std::iter::repeat_n(Format::Text, taps));
        }
        let params = bind.params.iter().copied();
        ask::bind(
            &mut self.to_database,
            portal,
            &prepared.server_name,
            &bind.param_formats,
            params,
            &formats,
        )
        .map_err(unsendable)
    }

    pub(super) fn record_params(&self, bind: &Bind<'_>, types: &[u32]) -> Option<Params> {
        if bind.params.is_empty() {
            return None;
        }
        let mut left = MAX_PARAMS_RECORD_BYTES;
        let params: Params = bind
            .params
            .iter()
            .enumerate()
            .map(|(index, value)| {
                let value = (*value)?;
                let binary = bind.param_format(index) == Format::Binary;
                let mut text = param_text(value, binary, types.get(index).copied().unwrap_or(0));
                if text.len() > left {
                    text = format!("(cut: {} bytes)", text.len());
                }
                left = left.saturating_sub(text.len());
                Some(text)
            })
            .collect();
        if self.terms.contract.params_hashed {
            Some(hashed_params(&params, &self.gate.hash_key))
        } else {
            Some(params)
        }
    }

    pub(super) async fn serve_describe(&mut self, target: Target, name: &str) -> Result<(), End> {
        if self.names_are_moving() && !self.take_in().await? {
            return Ok(());
        }
        if self.is_question(target, name) {
            return self.describe_question(target, name).await;
        }
        let found = match target {
            Target::Statement => self.prepared_now(name).map(|prepared| {
                let expect = Expect::DescribeStatement {
                    cleared: Arc::clone(&prepared.meaning.cleared),
                    taps: prepared.meaning.source.taps.len(),
                    name: name.to_owned(),
                    serial: prepared.serial,
                };
                (expect, prepared.server_name.clone())
            }),
            Target::Portal => self.described_portal(name),
        };
        let Some((expect, server_name)) = found else {
            let refusal = match target {
                Target::Statement => unknown_statement(name),
                Target::Portal => unknown_cursor("portal", name),
            };
            return self.tell_in_pipeline(&refusal).await;
        };
        ask::describe(&mut self.to_database, target, &server_name).map_err(unsendable)?;
        self.expects.push_back(expect);
        Ok(())
    }

    /// A portal of the protocol, or a SQL cursor: to PostgreSQL both are portals.
    fn described_portal(&self, name: &str) -> Option<(Expect, String)> {
        let describe = |cleared: &Arc<Cleared>, taps: usize| Expect::DescribePortal {
            cleared: Arc::clone(cleared),
            taps,
        };
        if let Some(portal) = self.portal_now(name) {
            let taps = portal.meaning.source.taps.len();
            return Some((
                describe(&portal.meaning.cleared, taps),
                portal.server_name.clone(),
            ));
        }
        let cursor = self.cursors.get(name)?;
        Some((
            describe(&cursor.cleared, cursor.cleared.taps.len()),
            cursor.server_name.clone(),
        ))
    }

    pub(super) async fn serve_execute(&mut self, name: &str, max_rows: u32) -> Result<(), End> {
        if (self.is_executing(name) || self.names_are_moving()) && !self.take_in().await? {
            return Ok(());
        }
        if self.is_question(Target::Portal, name) {
            return self.execute_question(name, max_rows).await;
        }
        let effect = self
            .portal_now(name)
            .is_some_and(|portal| has_effect(&portal.meaning.cleared.kind));
        if effect && self.may_be_cut() && !self.take_in().await? {
            return Ok(());
        }
        let Some(portal) = self.portal_now(name) else {
            return self.tell_in_pipeline(&unknown_cursor("portal", name)).await;
        };
        let (meaning, serial, params) =
            (portal.meaning.clone(), portal.serial, portal.params.clone());
        let server_name = portal.server_name.clone();
        let cleared = Arc::clone(&meaning.cleared);
        // INVARIANT: decided again at Execute: the transaction may have moved.
        if let Some(refusal) = self.refused_now(&cleared) {
            return self
                .refuse_in_pipeline(&cleared, &refusal, params.as_ref(), None)
                .await;
        }
        let suspended = self
            .portals
            .get_mut(name)
            .filter(|portal| portal.serial == serial)
            .and_then(|portal| portal.running.take());
        let mut running = match suspended {
            Some(running) => running,
            None => {
                let mut running = self.running_for(&meaning);
                if let Err(refusal) = self.charge_groups(&mut running) {
                    return self
                        .refuse_in_pipeline(&cleared, &refusal, params.as_ref(), None)
                        .await;
                }
                running
            }
        };
        running.params = params;
        if cleared.changes && !self.record_before(&mut running).await? {
            self.fail_pipeline()?;
            self.skipping = true;
            return self.flush().await;
        }
        ask::execute(&mut self.to_database, &server_name, max_rows).map_err(unsendable)?;
        self.note_executed(name);
        self.expects.push_back(Expect::Execute {
            portal: name.to_owned(),
            serial,
            running,
        });
        self.unsynced = true;
        Ok(())
    }

    fn note_executed(&mut self, name: &str) {
        let portal = match self.moving_portals.get_mut(name) {
            Some(moving) => Some(moving),
            None => self.portals.get_mut(name),
        };
        if let Some(portal) = portal {
            portal.executed = true;
        }
    }

    /// The portal is being fetched from in this very pipeline: its fetches are one statement.
    fn is_executing(&self, name: &str) -> bool {
        let Some(serial) = self.portal_now(name).map(|portal| portal.serial) else {
            return false;
        };
        self.expects.iter().any(|expect| match expect {
            Expect::Execute {
                serial: executing, ..
            }
            | Expect::Executing {
                serial: executing, ..
            } => *executing == serial,
            _ => false,
        })
    }

    pub(super) fn serve_close(&mut self, target: Target, name: &str) -> Result<(), End> {
        // What the gate does not know is closed all the same, as PostgreSQL does: under a name that is nobody's.
        let mut server_name = NOBODYS_NAME.to_owned();
        match target {
            Target::Statement => {
                for known in [
                    self.prepared.remove(name),
                    self.moving_prepared.remove(name),
                ]
                .into_iter()
                .flatten()
                {
                    server_name = known.server_name;
                }
            }
            Target::Portal => {
                let moving = self.moving_portals.remove(name);
                for portal in [self.portals.remove(name), moving].into_iter().flatten() {
                    server_name.clone_from(&portal.server_name);
                    self.close_portal(portal);
                }
            }
        }
        ask::close(&mut self.to_database, target, &server_name).map_err(unsendable)?;
        self.expects.push_back(Expect::Close { hidden: false });
        Ok(())
    }

    /// A portal that goes while its statement was suspended: that statement has its outcome.
    pub(super) fn close_portal(&mut self, portal: Portal) {
        if let Some(mut running) = portal.running
            && let Err(refusal) =
                self.record_outcome(&mut running, super::running::Decision::Allowed, None)
        {
            write_refusal(self.out.protocol(), Severity::Error, &refusal, None);
        }
    }

    pub(super) async fn serve_sync(&mut self) -> Result<(), End> {
        ask::sync(&mut self.to_database);
        self.expects.push_back(Expect::Sync);
        self.skipping = false;
        self.receive().await?;
        self.settle().await?;
        self.skipping = false;
        self.skipped = super::skipped::Skipped::default();
        self.ready_for_query();
        self.flush_answer().await
    }

    /// Fetches the answers so far. The database needs a Flush of its own to give them.
    pub(super) async fn serve_flush(&mut self) -> Result<(), End> {
        if !self.expects.is_empty() {
            ask::flush(&mut self.to_database);
        }
        self.receive().await?;
        self.flush().await
    }

    /// Answers an error that belongs to no statement's text, in its turn.
    pub(super) async fn tell_in_pipeline(&mut self, refusal: &Refusal) -> Result<(), End> {
        if !self.take_in().await? {
            return Ok(());
        }
        write_refusal(self.out.protocol(), Severity::Error, refusal, None);
        self.fail_pipeline()?;
        self.skipping = true;
        // An error leaves at once, as PostgreSQL's does: a client may wait for it before it sends Sync.
        self.flush().await
    }

    /// A statement refused in its turn: recorded, answered, and the database's pipeline fails as the client's does.
    async fn refuse_in_pipeline(
        &mut self,
        cleared: &Cleared,
        refusal: &Refusal,
        params: Option<&Params>,
        text: Option<&str>,
    ) -> Result<(), End> {
        // After an earlier error nothing of the pipeline runs, so there is nothing to refuse.
        if !self.take_in().await? {
            return Ok(());
        }
        self.refuse(&Attempt::of(cleared, params), refusal, text);
        self.refused_here = true;
        self.fail_pipeline()?;
        self.skipping = true;
        self.flush().await
    }
}
