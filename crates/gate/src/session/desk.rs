//! understand, decide, rewrite: from a client's text to what may travel, kept by text.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use portcullis_contract::{Contract, Method, Refusal, SqlState, decide};
use portcullis_ledger::SubjectKey;
use portcullis_ledger::subject::SubjectScope;
use portcullis_sql::{Kind, SessionNames, Statement, Surface, Tap};

use crate::limits::{MAX_CACHED_TEXT_BYTES, MAX_CACHED_TEXTS};

/// One statement that was understood, permitted and rewritten.
pub struct Cleared {
    /// The statement as the client wrote it.
    pub sql: String,
    pub verb: &'static str,
    pub kind: Kind,
    /// The methods it needs, for the record: `lookup`, `aggregate`, …; `baseline` where none.
    pub method: String,
    /// The owner's names.
    pub tables: Vec<String>,
    /// What travels.
    pub text: String,
    pub taps: Arc<[TapPlan]>,
    /// Its record must be durable before it is sent.
    pub changes: bool,
    /// `observe` mode: what `enforce` would have said.
    pub would_refuse: Option<Refusal>,
}

impl Cleared {
    /// The empty query, which PostgreSQL lets a client prepare.
    pub fn empty() -> Arc<Self> {
        Arc::new(Self::untouched(String::new(), Kind::Empty))
    }

    /// What is known of a text that was not cleared.
    pub fn refused(sql: &str, method: String, tables: Vec<String>) -> Self {
        Self {
            method,
            tables,
            ..Self::untouched(sql.to_owned(), Kind::Empty)
        }
    }

    fn untouched(sql: String, kind: Kind) -> Self {
        Self {
            sql,
            verb: "",
            kind,
            method: "baseline".to_owned(),
            tables: Vec::new(),
            text: String::new(),
            taps: Arc::default(),
            changes: false,
            would_refuse: None,
        }
    }
}

/// Where the ids of one tapped column come from.
pub struct TapPlan {
    pub table: String,
    pub scope: SubjectScope,
}

/// The cleared statements of one message.
pub type Message = Arc<[Arc<Cleared>]>;

/// What all sessions of one contract on one resource share.
pub struct Terms {
    pub contract: Arc<Contract>,
    pub surface: Arc<Surface>,
    subject_key: SubjectKey,
    /// (user and search path) → text → message. Bounded; emptied when full.
    known: Mutex<HashMap<String, HashMap<Box<str>, Message>>>,
}

impl Terms {
    pub fn new(contract: Arc<Contract>, surface: Arc<Surface>, subject_key: SubjectKey) -> Self {
        Self {
            contract,
            surface,
            subject_key,
            known: Mutex::new(HashMap::new()),
        }
    }

    /// Clears every statement of a message, or none.
    pub fn clear(&self, text: &str, names: &SessionNames) -> Result<Message, Box<Refused>> {
        let group = group_of(names);
        if let Some(message) = self
            .known
            .lock()
            .get(&group)
            .and_then(|texts| texts.get(text))
        {
            return Ok(Arc::clone(message));
        }
        let message = self.clear_anew(text, names)?;
        if text.len() <= MAX_CACHED_TEXT_BYTES && message.iter().all(|cleared| keeps(&cleared.kind))
        {
            let mut known = self.known.lock();
            let texts = known.entry(group).or_default();
            if texts.len() >= MAX_CACHED_TEXTS {
                texts.clear();
            }
            texts.insert(text.into(), Arc::clone(&message));
        }
        Ok(message)
    }

    fn clear_anew(&self, text: &str, names: &SessionNames) -> Result<Message, Box<Refused>> {
        let statements =
            portcullis_sql::understand(text, &self.surface, names).map_err(Refused::unread)?;
        let cleared: Result<Vec<_>, Box<Refused>> = statements
            .iter()
            .map(|statement| self.clear_one(text, statement, names))
            .collect();
        Ok(cleared?.into())
    }

    fn clear_one(
        &self,
        text: &str,
        statement: &Statement,
        names: &SessionNames,
    ) -> Result<Arc<Cleared>, Box<Refused>> {
        let refused = |refusal| {
            Box::new(Refused {
                refusal,
                method: method_name(statement),
                tables: tables_of(statement),
            })
        };
        let permit = decide(&self.contract, &self.surface.resource, &statement.footprint)
            .map_err(|refusal| refused(refusal.at(statement.range.start)))?;
        let rewritten =
            portcullis_sql::rewrite(statement, &permit, &self.surface, names).map_err(refused)?;
        Ok(Arc::new(Cleared {
            sql: text
                .get(statement.range.clone())
                .unwrap_or(text)
                .trim()
                .to_owned(),
            verb: statement.verb,
            kind: statement.kind.clone(),
            method: method_name(statement),
            tables: tables_of(statement),
            text: rewritten.text().to_owned(),
            taps: self
                .plan_taps(rewritten.taps())
                .ok_or_else(|| refused(unplannable()))?,
            changes: statement.changes,
            would_refuse: permit.would_refuse().cloned(),
        }))
    }

    fn plan_taps(&self, taps: &[Tap]) -> Option<Arc<[TapPlan]>> {
        taps.iter()
            .map(|tap| {
                let table = self.surface.tables.get(tap.table)?;
                let subject = table.subject.as_ref()?;
                let scope = self
                    .subject_key
                    .scope(&self.surface.resource, &subject.kind);
                Some(TapPlan {
                    table: table.qualified(),
                    scope,
                })
            })
            .collect()
    }
}

/// A refusal with as much of the footprint as was known.
pub struct Refused {
    pub refusal: Refusal,
    pub method: String,
    pub tables: Vec<String>,
}

impl Refused {
    fn unread(refusal: Refusal) -> Box<Self> {
        Box::new(Self {
            refusal,
            method: String::new(),
            tables: Vec::new(),
        })
    }
}

fn unplannable() -> Refusal {
    Refusal::new(
        SqlState::NotPassed,
        "trace.tap",
        "the rows' subjects cannot be told",
    )
}

/// EXECUTE and FETCH mean what their session says, so their reading is not shared.
fn keeps(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Empty
            | Kind::Query
            | Kind::Setting
            | Kind::Transaction(_)
            | Kind::CopyOut(_)
            | Kind::Explain
    )
}

fn group_of(names: &SessionNames) -> String {
    let mut group = names.user.clone();
    for schema in &names.search_path {
        group.push('\0');
        group.push_str(schema);
    }
    group
}

fn method_name(statement: &Statement) -> String {
    let names: Vec<&str> = statement
        .footprint
        .methods
        .iter()
        .copied()
        .map(Method::name)
        .collect();
    if names.is_empty() {
        "baseline".to_owned()
    } else {
        names.join("+")
    }
}

fn tables_of(statement: &Statement) -> Vec<String> {
    statement
        .footprint
        .tables
        .iter()
        .map(|used| used.table.clone())
        .collect()
}
