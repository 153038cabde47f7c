//! understand, decide, rewrite: from a client's text to what may travel, kept by text.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use portcullis_contract::{Contract, Method, Refusal, SqlState, decide};
use portcullis_ledger::{SubjectKey, TableName};
use portcullis_ledger::subject::SubjectScope;
use portcullis_sql::{Kind, SessionNames, Statement, Surface, Tap};

use super::template::{self, Cut, Template};
use crate::limits::{MAX_CACHED_TEXT_BYTES, MAX_CACHED_TEXTS, SHORT_TEXT_BYTES};

/// One statement that was understood, permitted and rewritten.
pub struct Cleared {
    /// The statement as the client wrote it.
    pub sql: String,
    /// What travels.
    pub text: String,
    facts: Arc<Facts>,
}

/// What is the same for all statements that differ in compared literals alone.
pub struct Facts {
    pub verb: &'static str,
    pub kind: Kind,
    /// The methods it needs, for the record: `lookup`, `aggregate`, …; `baseline` where none.
    pub method: String,
    /// How many answers with groups it gives: a budget of their own counts them.
    pub groups: u64,
    /// The owner's names.
    pub tables: Vec<String>,
    /// The owner's columns that it reads, `schema.table.column`; a masked one ends with `*`.
    pub columns: Vec<String>,
    pub taps: Arc<[TapPlan]>,
    /// The tables that the taps tell of, each once.
    pub tapped: Arc<[TableName]>,
    /// Its record must be durable before it is sent.
    pub changes: bool,
    /// `observe` mode: what `enforce` would have said.
    pub would_refuse: Option<Refusal>,
}

impl std::ops::Deref for Cleared {
    type Target = Facts;

    fn deref(&self) -> &Facts {
        &self.facts
    }
}

impl Cleared {
    /// The empty query, which PostgreSQL lets a client prepare.
    pub fn empty() -> Arc<Self> {
        Arc::new(Self::untouched("", "baseline".to_owned(), Vec::new()))
    }

    /// What is known of a text that was not cleared.
    pub fn refused(sql: &str, method: String, tables: Vec<String>) -> Self {
        Self::untouched(sql, method, tables)
    }

    fn untouched(sql: &str, method: String, tables: Vec<String>) -> Self {
        let facts = Facts {
            verb: "",
            kind: Kind::Empty,
            method,
            groups: 0,
            tables,
            columns: Vec::new(),
            taps: Arc::default(),
            tapped: Arc::default(),
            changes: false,
            would_refuse: None,
        };
        Self {
            sql: sql.to_owned(),
            text: String::new(),
            facts: Arc::new(facts),
        }
    }
}

/// Where the ids of one tapped column come from.
pub struct TapPlan {
    /// Index into [`Facts::tapped`].
    pub table: usize,
    pub scope: SubjectScope,
}

/// The cleared statements of one message.
pub type Message = Arc<[Arc<Cleared>]>;

/// What all sessions of one contract on one resource share.
pub struct Terms {
    pub contract: Arc<Contract>,
    pub surface: Arc<Surface>,
    subject_key: SubjectKey,
    /// (user and search path) → what was read under these names. Bounded; emptied when full.
    known: Mutex<HashMap<String, Known>>,
}

/// What statements with the same template share.
type Shared = Arc<(Template, Arc<Facts>)>;

/// What was read under one set of names.
#[derive(Default)]
struct Known {
    texts: HashMap<Box<str>, Message>,
    /// By the text without its literals; `None`: such texts are read one by one.
    templates: HashMap<String, Option<Shared>>,
}

impl Terms {
    pub fn new(contract: Arc<Contract>, surface: Arc<Surface>, subject_key: SubjectKey) -> Self {
        Self {
            contract,
            surface,
            subject_key,
            known: Mutex::default(),
        }
    }

    /// Clears every statement of a message, or none.
    pub fn clear(&self, text: &str, names: &SessionNames) -> Result<Message, Box<Refused>> {
        if text.len() > MAX_CACHED_TEXT_BYTES {
            return self.clear_anew(text, names);
        }
        let group = group_of(names);
        let cut = template::cut(text);
        let untried = {
            let mut known = self.known.lock();
            let known = known.entry(group.clone()).or_default();
            let template = cut.as_ref().and_then(|cut| {
                known
                    .templates
                    .get(&cut.key)
                    .map(|known| (cut, known.clone()))
            });
            if let Some((cut, Some(template))) = &template
                && let Some(filled) = template.0.fill(text, cut)
            {
                let cleared = Cleared {
                    sql: text.to_owned(),
                    text: filled,
                    facts: Arc::clone(&template.1),
                };
                return Ok(Arc::from([Arc::new(cleared)]));
            }
            if let Some(message) = known.texts.get(text) {
                return Ok(Arc::clone(message));
            }
            template.is_none()
        };
        let message = self.clear_anew(text, names)?;
        let template = cut
            .as_ref()
            .filter(|_| untried)
            .map(|cut| (cut, self.template_of(text, cut, &message, names)));
        let mut known = self.known.lock();
        let known = known.entry(group).or_default();
        match template {
            Some((cut, template)) => {
                if known.templates.len() >= MAX_CACHED_TEXTS {
                    known.templates.clear();
                }
                known
                    .templates
                    .insert(cut.key.clone(), template.map(Arc::new));
            }
            None if message.iter().all(|cleared| keeps(&cleared.kind)) => {
                if known.texts.len() >= MAX_CACHED_TEXTS {
                    known.texts.clear();
                }
                known.texts.insert(text.into(), Arc::clone(&message));
            }
            None => {}
        }
        Ok(message)
    }

    /// Reads the text once more with marks for literals. INVARIANT: a template is kept only if every
    /// literal is the operand of a comparison and the template gives back, letter by letter, what
    /// this very text was cleared to.
    fn template_of(
        &self,
        text: &str,
        cut: &Cut,
        message: &Message,
        names: &SessionNames,
    ) -> Option<(Template, Arc<Facts>)> {
        let [cleared] = message.as_ref() else {
            return None;
        };
        if !matches!(cleared.kind, Kind::Query) {
            return None;
        }
        let marked = template::marked(text, cut)?;
        if portcullis_sql::compared_literals(&marked)? != cut.literals.len() {
            return None;
        }
        let read = self.clear_anew(&marked, names).ok()?;
        let [marked] = read.as_ref() else { return None };
        let template = Template::new(&marked.text, cut)?;
        let same =
            template.fill(text, cut)? == cleared.text && marked.taps.len() == cleared.taps.len();
        same.then(|| (template, Arc::clone(&cleared.facts)))
    }

    fn clear_anew(&self, text: &str, names: &SessionNames) -> Result<Message, Box<Refused>> {
        if text.len() <= SHORT_TEXT_BYTES {
            return self.read(text, names);
        }
        // Reading takes its time: the other sessions of this thread go on elsewhere meanwhile.
        tokio::task::block_in_place(|| self.read(text, names))
    }

    fn read(&self, text: &str, names: &SessionNames) -> Result<Message, Box<Refused>> {
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
        let (taps, tapped) = self
            .plan_taps(rewritten.taps())
            .ok_or_else(|| refused(unplannable()))?;
        let facts = Facts {
            verb: statement.verb,
            kind: statement.kind.clone(),
            method: method_name(statement),
            groups: statement.aggregates,
            tables: tables_of(statement),
            columns: columns_of(statement, &self.surface),
            taps,
            tapped,
            changes: statement.changes,
            would_refuse: permit.would_refuse().cloned(),
        };
        let sql = recorded_text(text, &statement.range);
        Ok(Arc::new(Cleared {
            sql,
            text: rewritten.text().to_owned(),
            facts: Arc::new(facts),
        }))
    }

    fn plan_taps(&self, taps: &[Tap]) -> Option<(Arc<[TapPlan]>, Arc<[TableName]>)> {
        let mut tapped: Vec<TableName> = Vec::new();
        let mut plans = Vec::with_capacity(taps.len());
        for tap in taps {
            let table = self.surface.tables.get(tap.table)?;
            let subject = table.subject.as_ref()?;
            let name = TableName {
                resource: self.surface.resource.clone(),
                table: table.qualified(),
            };
            let known = tapped.iter().position(|known| *known == name);
            let scope = self
                .subject_key
                .scope(&self.surface.resource, &subject.kind);
            plans.push(TapPlan {
                table: known.unwrap_or(tapped.len()),
                scope,
            });
            if known.is_none() {
                tapped.push(name);
            }
        }
        Some((plans.into(), tapped.into()))
    }
}

/// The statement as it was sent. A parser's range leaves a leading comment out; before the first
/// statement of a message it belongs to it.
fn recorded_text(text: &str, range: &std::ops::Range<usize>) -> String {
    let before_is_bare = !text.get(..range.start).unwrap_or_default().contains(';');
    let from = if before_is_bare { 0 } else { range.start };
    text.get(from..range.end).unwrap_or(text).trim().to_owned()
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
    if matches!(statement.kind, Kind::Ask { .. }) {
        return "explain".to_owned();
    }
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

fn columns_of(statement: &Statement, surface: &Surface) -> Vec<String> {
    let mut columns = Vec::new();
    for used in &statement.footprint.tables {
        let table = surface.tables.iter().find(|t| t.qualified() == used.table);
        for column in &used.columns {
            let masked = table
                .and_then(|table| table.column(column))
                .is_some_and(|column| column.masked);
            let mark = if masked { "*" } else { "" };
            columns.push(format!("{}.{column}{mark}", used.table));
        }
    }
    columns
}

fn tables_of(statement: &Statement) -> Vec<String> {
    statement
        .footprint
        .tables
        .iter()
        .map(|used| used.table.clone())
        .collect()
}
