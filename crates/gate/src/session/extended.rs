//! The extended protocol: Parse, Bind, Describe, Execute, Close, Flush, Sync. Messages are collected
//! and sent with the Flush or Sync that asks for their answers; each message leaves an [`Expect`].

use std::sync::Arc;

use portcullis_contract::{Refusal, SqlState};
use portcullis_wire::build::client as ask;
use portcullis_wire::frontend::{Bind, Format, Frame, Parse, Target};

use super::desk::{Cleared, Refused};
use super::running::{Attempt, Params, hashed_params, param_text};
use super::{End, Expect, Portal, Session};
use crate::errors::{Severity, write_refusal};
use crate::limits::{MAX_PARAMS_RECORD_BYTES, MAX_PORTALS, MAX_PREPARED};

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
        ask::parse(
            &mut self.to_database,
            parse.name,
            &cleared.text,
            &parse.param_types,
        )
        .map_err(unsendable)?;
        let serial = self.next_serial();
        let prepared = super::Prepared {
            cleared,
            param_types: parse.param_types.clone(),
            serial,
        };
        self.moving_prepared
            .insert(parse.name.to_owned(), prepared.clone());
        self.expects.push_back(Expect::Parse {
            name: parse.name.to_owned(),
            made: prepared,
        });
        Ok(())
    }

    /// As the messages in flight will have left it.
    fn prepared_now(&self, name: &str) -> Option<&super::Prepared> {
        self.moving_prepared
            .get(name)
            .or_else(|| self.prepared.get(name))
    }

    fn portal_now(&self, name: &str) -> Option<&Portal> {
        self.moving_portals
            .get(name)
            .or_else(|| self.portals.get(name))
    }

    pub(super) fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// Takes in the answers so far without releasing them; `false` where one of them was an error,
    /// so that nothing more is read up to Sync.
    async fn take_in(&mut self) -> Result<bool, End> {
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

    fn names_are_moving(&self) -> bool {
        use portcullis_sql::Kind;
        self.expects.iter().any(|expect| match expect {
            Expect::Execute { running, .. } => matches!(
                running.cleared.kind,
                Kind::SetSearchPath { .. }
                    | Kind::ResetSession { .. }
                    | Kind::Prepare { .. }
                    | Kind::DeclareCursor { .. }
                    | Kind::CloseCursor { .. }
                    | Kind::Deallocate { .. }
                    | Kind::Transaction(_)
            ),
            _ => false,
        })
    }

    pub(super) async fn serve_bind(&mut self, frame: &Frame, bind: &Bind<'_>) -> Result<(), End> {
        if self.names_are_moving() && !self.take_in().await? {
            return Ok(());
        }
        let Some(prepared) = self.prepared_now(bind.statement).cloned() else {
            let shown = match bind.statement {
                "" => "unnamed prepared statement does not exist".to_owned(),
                name => format!("prepared statement `{name}` does not exist"),
            };
            return self
                .tell_in_pipeline(&Refusal::new(
                    SqlState::UnknownStatement,
                    "prepared.unknown",
                    shown,
                ))
                .await;
        };
        if self.portals.len() + self.moving_portals.len() >= MAX_PORTALS {
            let refusal = Refusal::new(
                SqlState::LimitExceeded,
                "limit.portals",
                "too many open portals",
            );
            return self.tell_in_pipeline(&refusal).await;
        }
        let cleared = prepared.cleared;
        let params = self.record_params(bind, &prepared.param_types);
        if let Some(refusal) = self.refused_now(&cleared) {
            return self
                .refuse_in_pipeline(&cleared, &refusal, params.as_ref(), None)
                .await;
        }
        let taps = self.source_of(&cleared).taps.len();
        self.send_bind(frame, bind, taps)?;
        let serial = self.next_serial();
        let portal = Portal {
            cleared,
            params,
            running: None,
            serial,
        };
        self.moving_portals.insert(bind.portal.to_owned(), portal);
        self.expects.push_back(Expect::Bind {
            portal: bind.portal.to_owned(),
            serial,
        });
        Ok(())
    }

    /// Sends the Bind on; where result formats are listed one by one, the taps need theirs.
    fn send_bind(&mut self, frame: &Frame, bind: &Bind<'_>, taps: usize) -> Result<(), End> {
        // No code means text and one code means it for all: the taps are `text`, whose binary form is the same bytes.
        if taps == 0 || bind.result_formats.len() < 2 {
            self.to_database.extend_from_slice(frame.raw());
            return Ok(());
        }
        let mut formats = bind.result_formats.clone();
        formats.extend(std::iter::repeat_n(Format::Text, taps));
        let params = bind.params.iter().copied();
        ask::bind(
            &mut self.to_database,
            bind.portal,
            bind.statement,
            &bind.param_formats,
            params,
            &formats,
        )
        .map_err(unsendable)
    }

    fn record_params(&self, bind: &Bind<'_>, types: &[u32]) -> Option<Params> {
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
        let expect = match target {
            Target::Statement => self.prepared_now(name).map(|prepared| Expect::DescribeStatement {
                cleared: Arc::clone(&prepared.cleared),
                taps: self.source_of(&prepared.cleared).taps.len(),
                name: name.to_owned(),
                serial: prepared.serial,
            }),
            Target::Portal => self.described_portal(name),
        };
        let Some(expect) = expect else {
            let (sqlstate, what) = match target {
                Target::Statement => (SqlState::UnknownStatement, "prepared statement"),
                Target::Portal => (SqlState::UnknownCursor, "portal"),
            };
            let refusal = Refusal::new(
                sqlstate,
                "describe.unknown",
                format!("{what} `{name}` does not exist"),
            );
            return self.tell_in_pipeline(&refusal).await;
        };
        ask::describe(&mut self.to_database, target, name).map_err(unsendable)?;
        self.expects.push_back(expect);
        Ok(())
    }

    /// A portal of the protocol, or a SQL cursor: to PostgreSQL both are portals.
    fn described_portal(&self, name: &str) -> Option<Expect> {
        let portal = self.portal_now(name).map(|portal| &portal.cleared);
        let cleared = portal.or_else(|| self.cursors.get(name).map(|cursor| &cursor.cleared))?;
        let taps = self.source_of(cleared).taps.len();
        Some(Expect::DescribePortal { cleared: Arc::clone(cleared), taps })
    }

    pub(super) async fn serve_execute(&mut self, name: &str, max_rows: u32) -> Result<(), End> {
        if (self.is_executing(name) || self.names_are_moving()) && !self.take_in().await? {
            return Ok(());
        }
        let Some(portal) = self.portal_now(name) else {
            let shown = format!("portal `{name}` does not exist");
            return self
                .tell_in_pipeline(&Refusal::new(
                    SqlState::UnknownCursor,
                    "portal.unknown",
                    shown,
                ))
                .await;
        };
        let (cleared, serial) = (Arc::clone(&portal.cleared), portal.serial);
        let params = portal.params.clone();
        // INVARIANT: decided again at Execute: the transaction and the session's names may have moved.
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
            None => self.running_for(&cleared),
        };
        running.params = params;
        if cleared.changes && !self.record_before(&mut running).await? {
            self.fail_pipeline()?;
            self.skipping = true;
            return Ok(());
        }
        ask::execute(&mut self.to_database, name, max_rows).map_err(unsendable)?;
        self.expects.push_back(Expect::Execute {
            portal: name.to_owned(),
            serial,
            running,
        });
        self.unsynced = true;
        Ok(())
    }

    fn is_executing(&self, name: &str) -> bool {
        self.expects
            .iter()
            .any(|expect| matches!(expect, Expect::Execute { portal, .. } if portal == name))
            && !self.moving_portals.contains_key(name)
    }

    pub(super) fn serve_close(&mut self, target: Target, name: &str) -> Result<(), End> {
        match target {
            Target::Statement => {
                self.moving_prepared.remove(name);
                self.prepared.remove(name);
            }
            Target::Portal => {
                self.moving_portals.remove(name);
                if let Some(portal) = self.portals.remove(name) {
                    self.close_portal(portal);
                }
            }
        }
        ask::close(&mut self.to_database, target, name).map_err(unsendable)?;
        self.expects.push_back(Expect::Close);
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
    async fn tell_in_pipeline(&mut self, refusal: &Refusal) -> Result<(), End> {
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
        self.fail_pipeline()?;
        self.skipping = true;
        self.flush().await
    }
}
