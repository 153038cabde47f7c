//! What a client sends after an error, up to its Sync: nothing of it runs or is answered, and each of its
//! statements has its one event all the same.

use std::collections::HashMap;
use std::sync::Arc;

use portcullis_wire::frontend::Message;

use super::desk::Cleared;
use super::names::{Portal, Prepared};
use super::{End, Session};
use crate::limits::{MAX_PIPELINED_BYTES, MAX_PORTALS};

/// Events after which their being on disk is waited for, so that a flood of them waits too.
const EVENTS_AHEAD: usize = 256;

/// Statements and portals of the skipped part of a pipeline; `None` for what has its event already.
#[derive(Default)]
pub struct Skipped {
    statements: HashMap<String, Option<Arc<Cleared>>>,
    portals: HashMap<String, Option<Arc<Cleared>>>,
    bytes: usize,
    events: usize,
}

impl Skipped {
    /// Sent before the error and not confirmed by the database.
    pub fn keep(
        &mut self,
        statements: impl Iterator<Item = (String, Prepared)>,
        portals: impl Iterator<Item = (String, Portal)>,
    ) {
        for (name, prepared) in statements {
            self.statements.insert(name, Some(prepared.meaning.cleared));
        }
        for (name, portal) in portals {
            let unrecorded = (!portal.executed).then_some(portal.meaning.cleared);
            self.portals.insert(name, unrecorded);
        }
    }
}

impl Session {
    /// A message that was not served, or only refused: what it would have made is noted, and what it
    /// would have run is recorded, unless its refusal was (`recorded`).
    pub(super) async fn skip(&mut self, message: &Message<'_>, recorded: bool) -> Result<(), End> {
        match message {
            Message::Parse(parse) => self.skip_parse(parse.name, parse.sql, recorded),
            Message::Bind(bind) => self.skip_bind(bind.portal, bind.statement, recorded),
            Message::Execute { portal, .. } => self.skip_execute(portal, recorded),
            Message::Query { sql } if !recorded => self.record_unrun(unread(sql)),
            _ => {}
        }
        if self.skipped.events >= EVENTS_AHEAD {
            self.skipped.events = 0;
            self.flush().await?;
        }
        Ok(())
    }

    fn skip_parse(&mut self, name: &str, sql: &str, recorded: bool) {
        let cleared = (!recorded).then(|| unread(sql));
        self.skipped.bytes += name.len() + sql.len();
        if self.skipped.bytes > MAX_PIPELINED_BYTES {
            // Too much to keep in mind: it has its event now, whether or not it would have been run.
            self.skipped.statements.remove(name);
            cleared
                .into_iter()
                .for_each(|cleared| self.record_unrun(cleared));
            return;
        }
        self.skipped.statements.insert(name.to_owned(), cleared);
    }

    fn skip_bind(&mut self, portal: &str, statement: &str, recorded: bool) {
        let cleared = match self.skipped.statements.get(statement) {
            _ if recorded => None,
            Some(known) => known.clone(),
            None => self
                .prepared_now(statement)
                .map(|prepared| Arc::clone(&prepared.meaning.cleared)),
        };
        if self.skipped.portals.len() < MAX_PORTALS || self.skipped.portals.contains_key(portal) {
            self.skipped.portals.insert(portal.to_owned(), cleared);
        }
    }

    fn skip_execute(&mut self, portal: &str, recorded: bool) {
        let cleared = match self.skipped.portals.get_mut(portal) {
            Some(known) => known.take(),
            // Further slices of a portal are the same statement.
            None => self.portals.get_mut(portal).and_then(|portal| {
                let first = !std::mem::replace(&mut portal.executed, true);
                first.then(|| Arc::clone(&portal.meaning.cleared))
            }),
        };
        if let Some(cleared) = cleared
            && !recorded
        {
            self.record_unrun(cleared);
        }
    }

    fn record_unrun(&mut self, cleared: Arc<Cleared>) {
        self.skipped.events += 1;
        self.record_skipped(&[cleared]);
    }
}

/// Nobody looks into a text that is skipped.
fn unread(sql: &str) -> Arc<Cleared> {
    Arc::new(Cleared::refused(sql, String::new(), Vec::new()))
}
