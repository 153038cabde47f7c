//! What the client's names of statements, portals and cursors mean, and what they are called at the
//! database. Every Parse, Bind, PREPARE and DECLARE gets a name of its own there, used once.
//!
//! INVARIANT: a name at the database belongs to one cleared text for ever. Whatever the database
//! dropped or kept, a result that comes under that name is metered with the facts of that text.

use std::sync::Arc;

use parking_lot::Mutex;
use portcullis_contract::{Refusal, SqlState};
use portcullis_ledger::StatementMeter;
use portcullis_sql::Kind;
use portcullis_wire::backend::TransactionStatus;

use super::Session;
use super::desk::Cleared;
use super::running::{Params, Running};
use crate::limits::MAX_CURSORS;

/// How the gate's names begin; a letter for the kind and a serial number follow.
const OWN_NAME: &str = "portcullis_";

/// A prepared statement of the client (protocol-level or SQL PREPARE: one namespace, as in PostgreSQL).
#[derive(Clone)]
pub struct Prepared {
    pub meaning: Meaning,
    pub param_types: Vec<u32>,
    /// Its name at the database; empty for the unnamed one.
    pub server_name: String,
    pub serial: u64,
}

/// A bound portal. Its `running` lasts over all its fetches.
pub struct Portal {
    pub meaning: Meaning,
    pub params: Option<Params>,
    pub running: Option<Box<Running>>,
    pub server_name: String,
    /// Tells it from another that had its name before.
    pub serial: u64,
    /// Its statement has its event, or will have it when it ends.
    pub executed: bool,
    /// Of a question to the gate: what of its answer is left to tell.
    pub answer: Option<Box<super::ask::Answer>>,
}

/// A SQL cursor; its fetches share one meter.
#[derive(Clone)]
pub struct Cursor {
    pub cleared: Arc<Cleared>,
    pub meter: Arc<Mutex<StatementMeter>>,
    pub hold: bool,
    pub server_name: String,
}

/// A cleared statement in this session: its text with the gate's names, and whose rows it gives.
#[derive(Clone)]
pub struct Meaning {
    pub cleared: Arc<Cleared>,
    /// Itself, or the cursor's or prepared statement's that it names.
    pub source: Arc<Cleared>,
    /// What travels.
    pub text: Arc<str>,
    /// The name at the database that it makes or uses.
    pub named: Option<String>,
    /// The cursor that FETCH reads.
    pub cursor: Option<Arc<Mutex<StatementMeter>>>,
}

impl Session {
    pub(super) fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// As the messages in flight will have left it.
    pub(super) fn prepared_now(&self, name: &str) -> Option<&Prepared> {
        self.moving_prepared
            .get(name)
            .or_else(|| self.prepared.get(name))
    }

    pub(super) fn portal_now(&self, name: &str) -> Option<&Portal> {
        self.moving_portals
            .get(name)
            .or_else(|| self.portals.get(name))
    }

    /// What a cleared statement means now, or why it can't be.
    pub(super) fn meaning_of(&mut self, cleared: &Arc<Cleared>) -> Result<Meaning, Refusal> {
        let plain = |text: &str| Meaning {
            cleared: Arc::clone(cleared),
            source: Arc::clone(cleared),
            text: Arc::from(text),
            named: None,
            cursor: None,
        };
        let named = |server_name: String| Meaning {
            text: Arc::from(portcullis_sql::with_name(&cleared.text, &server_name)),
            named: Some(server_name),
            ..plain("")
        };
        match &cleared.kind {
            Kind::Prepare { name } => {
                if self.prepared_now(name).is_some() {
                    let message = format!("prepared statement `{name}` already exists");
                    return Err(Refusal::new(
                        SqlState::DuplicateStatement,
                        "prepared.exists",
                        message,
                    ));
                }
                Ok(named(format!("portcullis_s{}", self.next_serial())))
            }
            Kind::DeclareCursor { .. } => {
                if self.cursors.len() >= MAX_CURSORS {
                    return Err(Refusal::new(
                        SqlState::LimitExceeded,
                        "limit.cursors",
                        "too many open cursors",
                    ));
                }
                Ok(named(format!("portcullis_c{}", self.next_serial())))
            }
            Kind::Execute { name } => {
                let prepared = self
                    .prepared_now(name)
                    .ok_or_else(|| unknown_statement(name))?;
                if !matches!(
                    prepared.meaning.cleared.kind,
                    Kind::Query | Kind::Prepare { .. }
                ) {
                    let message = format!("`{name}` is not a query, so EXECUTE does not run it");
                    return Err(Refusal::new(SqlState::NotPassed, "prepared.kind", message));
                }
                let source = Arc::clone(&prepared.meaning.source);
                Ok(Meaning {
                    source,
                    ..named(prepared.query_name().to_owned())
                })
            }
            Kind::Deallocate { name: Some(name) } => {
                let prepared = self
                    .prepared_now(name)
                    .ok_or_else(|| unknown_statement(name))?;
                Ok(named(prepared.query_name().to_owned()))
            }
            Kind::Fetch { name, .. } => {
                let cursor = self
                    .cursors
                    .get(name)
                    .ok_or_else(|| unknown_cursor("cursor", name))?;
                Ok(Meaning {
                    source: Arc::clone(&cursor.cleared),
                    cursor: Some(Arc::clone(&cursor.meter)),
                    ..named(cursor.server_name.clone())
                })
            }
            Kind::CloseCursor { name: Some(name) } => {
                let cursor = self
                    .cursors
                    .get(name)
                    .ok_or_else(|| unknown_cursor("cursor", name))?;
                Ok(named(cursor.server_name.clone()))
            }
            Kind::Tuning(_) if self.status != TransactionStatus::Idle => {
                let message = format!("{} cannot run inside a transaction block", cleared.verb);
                Err(
                    Refusal::new(SqlState::ActiveTransaction, "method.tuning", message)
                        .hint("end the transaction first; it runs on the gate's own connection"),
                )
            }
            _ => Ok(plain(&cleared.text)),
        }
    }

    /// What the database says, with the client's names in place of the gate's.
    pub(super) fn in_clients_words(&self, message: &str) -> String {
        let mut told = String::with_capacity(message.len());
        let mut rest = message;
        while let Some(at) = rest.find(OWN_NAME) {
            let (before, from) = rest.split_at(at);
            let end = OWN_NAME.len() + 1;
            let digits = from.get(end..).map_or(0, |tail| {
                tail.bytes().take_while(u8::is_ascii_digit).count()
            });
            let (own, after) = from.split_at_checked(end + digits).unwrap_or((from, ""));
            told.push_str(before);
            told.push_str(if digits == 0 {
                own
            } else {
                self.clients_name(own)
            });
            rest = after;
        }
        told.push_str(rest);
        told
    }

    fn clients_name(&self, own: &str) -> &str {
        let statement = self
            .moving_prepared
            .iter()
            .chain(&self.prepared)
            .find(|(_, known)| known.server_name == own || known.query_name() == own)
            .map(|(name, _)| name);
        let portal = || {
            let mut portals = self.moving_portals.iter().chain(&self.portals);
            let found = portals.find(|(_, known)| known.server_name == own);
            found.map(|(name, _)| name)
        };
        let cursor = || {
            let mut cursors = self.cursors.iter();
            let found = cursors.find(|(_, known)| known.server_name == own);
            found.map(|(name, _)| name)
        };
        // One that the client has closed meanwhile has no name any more.
        statement
            .or_else(portal)
            .or_else(cursor)
            .map_or("", String::as_str)
    }

    /// Whether a prepared FETCH, CLOSE or EXECUTE still means the cursor or statement of that name.
    pub(super) fn still_means(&self, meaning: &Meaning) -> bool {
        let now = match &meaning.cleared.kind {
            Kind::Fetch { name, .. } | Kind::CloseCursor { name: Some(name) } => self
                .cursors
                .get(name)
                .map(|cursor| cursor.server_name.as_str()),
            Kind::Execute { name } | Kind::Deallocate { name: Some(name) } => {
                self.prepared_now(name).map(Prepared::query_name)
            }
            _ => return true,
        };
        now == meaning.named.as_deref()
    }
}

impl Prepared {
    /// The name under which EXECUTE finds its query: that of the inner statement for a SQL PREPARE.
    pub fn query_name(&self) -> &str {
        match (&self.meaning.cleared.kind, &self.meaning.named) {
            (Kind::Prepare { .. }, Some(named)) => named,
            _ => &self.server_name,
        }
    }
}

pub(crate) fn unknown_statement(name: &str) -> Refusal {
    let shown = match name {
        "" => "unnamed prepared statement does not exist".to_owned(),
        name => format!("prepared statement `{name}` does not exist"),
    };
    Refusal::new(SqlState::UnknownStatement, "prepared.unknown", shown)
}

pub(crate) fn unknown_cursor(what: &str, name: &str) -> Refusal {
    Refusal::new(
        SqlState::UnknownCursor,
        "portal.unknown",
        format!("{what} `{name}` does not exist"),
    )
}
