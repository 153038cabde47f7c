//! understand, decide, rewrite: from a client's text to what may travel, kept by text.

use std::sync::Arc;

use parking_lot::Mutex;
use portcullis_contract::{Contract, Method, Refusal, SqlState, decide};
use portcullis_ledger::subject::SubjectScope;
use portcullis_ledger::{SubjectKey, TableName};
use portcullis_sql::{Kind, SessionNames, Statement, Surface, Tap};

use super::known::Known;
use super::template::{self, Cut, Template};
use crate::limits::{MAX_CACHED_TEXT_BYTES, SHORT_TEXT_BYTES};

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
    /// Reading it looked at what a literal says: it stands for no other text.
    pub literal_read: bool,
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

impl Facts {
    /// Whether two readings found the same, but for literals.
    fn agree(&self, other: &Self) -> bool {
        self.verb == other.verb
            && self.kind == other.kind
            && self.method == other.method
            && self.groups == other.groups
            && self.tables == other.tables
            && self.columns == other.columns
            && self.taps.len() == other.taps.len()
            && self.tapped == other.tapped
            && self.changes == other.changes
            && self.would_refuse.is_some() == other.would_refuse.is_some()
    }

    /// About what its texts take in memory.
    fn bytes(&self) -> usize {
        let names = self.tables.iter().chain(&self.columns);
        self.method.len()
            + names
                .map(|name| name.len() + size_of::<String>())
                .sum::<usize>()
    }
}

impl Cleared {
    /// About what it takes in memory.
    fn bytes(&self) -> usize {
        self.sql.len() + self.text.len() + self.facts.bytes()
    }

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
            literal_read: false,
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

/// The plans, and the tables that they tell of.
type TapPlans = (Arc<[TapPlan]>, Arc<[TableName]>);

/// The cleared statements of one message.
pub type Message = Arc<[Arc<Cleared>]>;

/// What all sessions of one contract on one resource share.
pub struct Terms {
    pub contract: Arc<Contract>,
    pub surface: Arc<Surface>,
    subject_key: SubjectKey,
    known: Mutex<Known<Message, Seen>>,
}

/// What is known of texts that differ in their literals alone.
#[derive(Clone)]
enum Seen {
    /// One was read. The next one shows that more may come, and then a template is tried.
    Once,
    /// They are read one by one.
    Differ,
    Same(Arc<(Template, Arc<Facts>)>),
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
        if text.len() <= MAX_CACHED_TEXT_BYTES
            && let Some(message) = self.known.lock().text(names, text)
        {
            return Ok(message);
        }
        let Some(cut) = template::cut(text) else {
            return self.clear_and_keep(text, names);
        };
        let seen = self.known.lock().template(names, &cut.key);
        match seen {
            Some(Seen::Same(known)) => match filled(&known, text, &cut) {
                Some(message) => Ok(message),
                None => self.clear_and_keep(text, names),
            },
            Some(Seen::Differ) => self.clear_and_keep(text, names),
            // Reading a sample of a long list costs less than reading the list.
            None if !cut.has_long_list() => {
                let message = self.clear_and_keep(text, names)?;
                self.keep_seen(names, &cut, Seen::Once);
                Ok(message)
            }
            None | Some(Seen::Once) => {
                let seen = self
                    .template_of(text, &cut, names)
                    .map_or(Seen::Differ, |made| Seen::Same(Arc::new(made)));
                self.keep_seen(names, &cut, seen.clone());
                match seen {
                    Seen::Same(known) if let Some(message) = filled(&known, text, &cut) => {
                        Ok(message)
                    }
                    _ => self.clear_and_keep(text, names),
                }
            }
        }
    }

    fn clear_and_keep(&self, text: &str, names: &SessionNames) -> Result<Message, Box<Refused>> {
        let message = self.clear_anew(text, names)?;
        if text.len() <= MAX_CACHED_TEXT_BYTES && message.iter().all(|one| keeps(&one.kind)) {
            let bytes = message.iter().map(|one| one.bytes()).sum();
            let mut known = self.known.lock();
            known.keep_text(names, text, Arc::clone(&message), bytes);
        }
        Ok(message)
    }

    fn keep_seen(&self, names: &SessionNames, cut: &Cut, seen: Seen) {
        let bytes = match &seen {
            Seen::Once | Seen::Differ => 0,
            Seen::Same(known) => known.0.bytes() + known.1.bytes(),
        };
        let mut known = self.known.lock();
        known.keep_template(names, &cut.key, seen, bytes);
    }

    /// The template of a text, from two readings: of the text (its sample, where it has long lists)
    /// and of the same with marks for literals. INVARIANT: a template is kept only if every literal
    /// is the operand of a comparison, no rule looked at what a literal says, both readings found the
    /// same facts, and the template gives back, letter by letter, what the first was cleared to.
    fn template_of(
        &self,
        text: &str,
        cut: &Cut,
        names: &SessionNames,
    ) -> Option<(Template, Arc<Facts>)> {
        let sample = template::sample(text, cut)?;
        let sample_cut = template::cut(&sample).filter(|sampled| sampled.key == cut.key)?;
        let marked = template::marked(&sample, &sample_cut)?;
        if portcullis_sql::compared_literals(&marked)? != cut.literals.len() {
            return None;
        }
        let read = self.clear_anew(&sample, names).ok()?;
        let [cleared] = read.as_ref() else {
            return None;
        };
        let read = self.clear_anew(&marked, names).ok()?;
        let [marked] = read.as_ref() else { return None };
        let literals_alike = !cleared.literal_read && !marked.literal_read;
        if !literals_alike
            || !matches!(cleared.kind, Kind::Query)
            || !marked.facts.agree(&cleared.facts)
        {
            return None;
        }
        let template = Template::new(&marked.text, &sample_cut)?;
        let same = template.fill(&sample, &sample_cut)? == cleared.text;
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
            .map_err(|refusal| refused(placed(refusal, text, statement.range.start)))?;
        let rewritten = portcullis_sql::rewrite(statement, &permit, &self.surface, names)
            .map_err(|refusal| refused(moved(refusal, statement.range.start)))?;
        let (taps, tapped) = self
            .plan_taps(rewritten.taps())
            .ok_or_else(|| refused(unplannable()))?;
        let facts = Facts {
            verb: statement.verb,
            kind: statement.kind.clone(),
            method: method_name(statement),
            groups: statement.aggregates,
            literal_read: statement.literal_read,
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

    fn plan_taps(&self, taps: &[Tap]) -> Option<TapPlans> {
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

/// A refusal without a place of its own stands at the statement's first word.
fn placed(refusal: Refusal, text: &str, start: usize) -> Refusal {
    if refusal.position.is_some() {
        return refusal;
    }
    let blank = text.get(start..).unwrap_or_default();
    refusal.at(start + blank.len() - blank.trim_start().len())
}

/// A place within one statement, as a place within its message.
fn moved(mut refusal: Refusal, start: usize) -> Refusal {
    refusal.position = refusal.position.map(|at| start + at);
    refusal
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
            | Kind::Explain(_)
    )
}

fn filled(known: &(Template, Arc<Facts>), text: &str, cut: &Cut) -> Option<Message> {
    let (template, facts) = known;
    let cleared = Cleared {
        sql: recorded_plain(text).to_owned(),
        text: template.fill(text, cut)?,
        facts: Arc::clone(facts),
    };
    Some(Arc::from([Arc::new(cleared)]))
}

/// As [`recorded_text`], for a text that [`template::cut`] takes: one statement, no comments, and
/// nothing behind its semicolon.
fn recorded_plain(text: &str) -> &str {
    let text = text.trim();
    text.strip_suffix(';').unwrap_or(text).trim_end()
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
