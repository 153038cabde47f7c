//! What the gate would say of a statement, and why, without running anything: for
//! `EXPLAIN (PORTCULLIS)` in a session and for `portcullis explain`.
//!
//! INVARIANT: an explanation is made from the contract, the surface and the names that a client may
//! know; nothing here can reach a database or charge an account. What is hidden and what does not
//! exist are answered alike, because `sql::understand` answers both here.

mod draw;
mod piece;

use std::collections::HashMap;

use portcullis_contract::{
    Budget, Contract, Footprint, Measure, Method, Mode, Permit, Refusal, Shape, SqlState, decide,
};
use portcullis_sql::surface::Table;
use portcullis_sql::{ClearedStatement, Kind, SessionNames, Statement, Surface};
use serde::{Deserialize, Serialize};

pub use draw::draw;
pub use piece::Place;

/// The answer; its JSON is documented in `docs/formats/cli.md`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    pub contract: String,
    pub resource: String,
    pub mode: Mode,
    pub person: Option<String>,
    pub purpose: Option<String>,
    /// Every statement is.
    pub allowed: bool,
    pub statements: Vec<Explained>,
    /// The contract's ceilings.
    pub budgets: Vec<Ceiling>,
    /// What holds now, whatever is asked.
    pub notes: Vec<String>,
}

/// One statement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explained {
    pub sql: String,
    /// `SELECT`, `COPY`, …; empty where the statement could not be read.
    pub verb: String,
    pub decision: Verdict,
    pub refusal: Option<Told>,
    /// What is known of it; a refusal while it is read leaves this open.
    pub footprint: Option<Touched>,
    /// What would travel to the database in the statement's place.
    pub cleared: Option<String>,
    pub notes: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Allowed,
    Refused,
    /// `observe` mode: passed, and recorded as what `enforce` would refuse.
    Observed,
}

/// A refusal, and where in the statement its reason stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    pub reason: String,
    pub sqlstate: String,
    pub message: String,
    pub detail: Option<String>,
    pub hint: Option<String>,
    pub place: Option<Place>,
}

/// The footprint, in the contract's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touched {
    /// Empty: the baseline of any session.
    pub methods: Vec<String>,
    pub shape: Shown,
    pub tables: Vec<TableRead>,
    /// Pairs of tables that meet.
    pub joins: Vec<(String, String)>,
    /// Whose rows would be counted.
    pub subjects: Vec<Counted>,
    /// Least number of distinct subjects behind each figure.
    pub min_group: Option<u64>,
    /// What groups may be formed and filtered by; `None` = any column in scope.
    pub dimensions: Option<Vec<String>>,
    /// Keys of the ceilings that the result would be charged to.
    pub budgets: Vec<String>,
    /// The statement whose rows these are: that of the cursor or prepared statement that is named.
    pub of: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shown {
    Rows,
    Groups,
    None,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRead {
    pub table: String,
    /// Only the rows that the contract shows.
    pub rows_filtered: bool,
    /// Those that the statement names.
    pub columns: Vec<ColumnRead>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnRead {
    pub column: String,
    /// What stands in the value's place; `None` = the value itself.
    pub mask: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    pub table: String,
    pub kind: String,
    /// The column that identifies them, if the contract shows it.
    pub column: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ceiling {
    pub key: String,
    pub limit: u64,
    /// `None`: it is not known whose.
    pub used: Option<u64>,
    pub left: Option<u64>,
}

/// Under which terms is asked.
pub struct Ground<'a> {
    pub contract: &'a Contract,
    pub surface: &'a Surface,
    pub names: &'a SessionNames,
    pub person: Option<&'a str>,
    pub purpose: Option<&'a str>,
}

/// What only the one who asks knows.
pub trait Moment {
    /// How much of a ceiling is used up; `None` where that depends on who would ask.
    fn used(&self, budget: &Budget) -> Option<u64>;

    /// The statement that a name stands for; `None` where names are not known.
    fn named(&self, kind: &Kind) -> Result<Option<String>, Refusal>;

    fn notes(&self) -> Vec<String>;
}

/// Explains each statement of a text as if they were sent one after the other.
pub fn explain(text: &str, ground: &Ground<'_>, moment: &dyn Moment) -> Explanation {
    let mut asked = Asked {
        text,
        ground,
        moment,
        names: ground.names.clone(),
        made: HashMap::new(),
    };
    let mut statements = Vec::new();
    for part in portcullis_sql::split(text) {
        asked.read(part, &mut statements);
    }
    Explanation {
        contract: ground.contract.id.clone(),
        resource: ground.surface.resource.clone(),
        mode: ground.contract.mode,
        person: ground.person.map(str::to_owned),
        purpose: ground.purpose.map(str::to_owned),
        allowed: statements
            .iter()
            .all(|statement| statement.decision != Verdict::Refused),
        statements,
        budgets: ground
            .contract
            .budgets
            .iter()
            .map(|budget| ceiling(budget, moment))
            .collect(),
        notes: moment.notes(),
    }
}

fn ceiling(budget: &Budget, moment: &dyn Moment) -> Ceiling {
    let used = moment.used(budget);
    Ceiling {
        key: budget.key(),
        limit: budget.limit,
        used,
        left: used.map(|used| budget.limit.saturating_sub(used)),
    }
}

struct Asked<'a> {
    text: &'a str,
    ground: &'a Ground<'a>,
    moment: &'a dyn Moment,
    /// As the statements before would have left them.
    names: SessionNames,
    /// Prepared statements (`false`) and cursors (`true`) that the text itself makes.
    made: HashMap<(bool, String), (String, Option<Touched>)>,
}

impl Asked<'_> {
    fn read(&mut self, part: &str, out: &mut Vec<Explained>) {
        match portcullis_sql::understand(part, self.ground.surface, &self.names) {
            Ok(statements) => {
                for statement in &statements {
                    let sql = part
                        .get(statement.range.clone())
                        .unwrap_or(part)
                        .trim_start();
                    let explained = self.judge(part, sql.trim_end(), statement);
                    self.note_effect(sql, statement, &explained);
                    out.push(explained);
                }
            }
            Err(refusal) => out.push(self.refused(part, part, "", &placed(part, refusal))),
        }
    }

    /// decide and rewrite, as the desk does.
    fn judge(&self, part: &str, sql: &str, statement: &Statement) -> Explained {
        let ground = self.ground;
        let decided = decide(
            ground.contract,
            &ground.surface.resource,
            &statement.footprint,
        )
        .map_err(|refusal| match refusal.position {
            Some(_) => refusal,
            None => refusal.at(statement.range.start),
        });
        let permit = match decided {
            Ok(permit) => permit,
            Err(refusal) => {
                return Explained {
                    footprint: Some(self.touched(statement, None, None)),
                    ..self.refused(part, sql, statement.verb, &refusal)
                };
            }
        };
        let cleared = match portcullis_sql::rewrite(statement, &permit, ground.surface, &self.names)
        {
            Ok(cleared) => cleared,
            Err(refusal) => {
                return Explained {
                    footprint: Some(self.touched(statement, None, None)),
                    ..self.refused(part, sql, statement.verb, &refusal)
                };
            }
        };
        self.allowed(part, sql, statement, &permit, &cleared)
    }

    fn allowed(
        &self,
        part: &str,
        sql: &str,
        statement: &Statement,
        permit: &Permit,
        cleared: &ClearedStatement,
    ) -> Explained {
        let mut notes = Vec::new();
        let mut footprint = self.touched(statement, Some(permit), Some(cleared));
        match self.source(&statement.kind) {
            Ok(Source::Itself) => {}
            Ok(Source::Unknown(name)) => notes.push(format!(
                "what `{name}` stands for is known in its own session: ask there"
            )),
            Ok(Source::Of(of, known)) => {
                let known = known.or_else(|| self.touched_by(&of)).unwrap_or(footprint);
                footprint = Touched {
                    of: Some(of),
                    ..known
                };
            }
            Err(refusal) => return self.refused(part, sql, statement.verb, &refusal),
        }
        notes.extend(note_of(&statement.kind));
        let would = permit
            .would_refuse()
            .map(|refusal| self.told(part, sql, refusal));
        Explained {
            sql: sql.to_owned(),
            verb: statement.verb.to_owned(),
            decision: match would {
                Some(_) => Verdict::Observed,
                None => Verdict::Allowed,
            },
            refusal: would,
            footprint: Some(footprint),
            cleared: travels(&statement.kind, cleared),
            notes,
        }
    }

    fn refused(&self, part: &str, sql: &str, verb: &str, refusal: &Refusal) -> Explained {
        Explained {
            sql: sql.to_owned(),
            verb: verb.to_owned(),
            decision: Verdict::Refused,
            refusal: Some(self.told(part, sql, refusal)),
            footprint: None,
            cleared: None,
            notes: Vec::new(),
        }
    }

    /// `part` is what the refusal's offset counts in, `sql` what the reader is shown.
    fn told(&self, part: &str, sql: &str, refusal: &Refusal) -> Told {
        let shift = |of: &str, within: &str| {
            (of.as_ptr() as usize).saturating_sub(within.as_ptr() as usize)
        };
        let offset = refusal.position.map(|at| {
            let skipped = part.get(..at).map_or(at, |_| {
                // What stands before the piece in white space belongs to nobody.
                let rest = part.get(at..).unwrap_or_default();
                at + rest.len() - rest.trim_start().len()
            });
            skipped.max(shift(sql, part))
        });
        Told {
            reason: refusal.reason.clone(),
            sqlstate: refusal.sqlstate.code().to_owned(),
            message: refusal.message.clone(),
            detail: refusal.detail.clone(),
            hint: refusal.hint.clone(),
            place: offset.map(|at| Place::of(sql, at - shift(sql, part), self.text)),
        }
    }

    fn touched(
        &self,
        statement: &Statement,
        permit: Option<&Permit>,
        cleared: Option<&ClearedStatement>,
    ) -> Touched {
        let footprint = &statement.footprint;
        let surface = self.ground.surface;
        let subjects: Vec<Counted> = cleared
            .map(ClearedStatement::taps)
            .unwrap_or_default()
            .iter()
            .filter_map(|tap| counted(surface.tables.get(tap.table)?))
            .collect();
        let min_group = permit
            .map(Permit::min_group)
            .filter(|floor| *floor > 1 && footprint.shape == Shape::Aggregate);
        let dimensions = permit
            .filter(|_| footprint.methods.contains(&Method::Aggregate))
            .and_then(|permit| permit.aggregate_rule().dimensions.as_ref())
            .map(|dimensions| dimensions.iter().map(ToString::to_string).collect());
        let budgets = self.ceilings_for(footprint, &subjects);
        Touched {
            methods: footprint
                .methods
                .iter()
                .map(|method| method.name().to_owned())
                .collect(),
            shape: match footprint.shape {
                Shape::RowLevel => Shown::Rows,
                Shape::Aggregate => Shown::Groups,
                Shape::NoData => Shown::None,
            },
            tables: footprint
                .tables
                .iter()
                .map(|used| self.table_read(&used.table, used.columns.iter()))
                .collect(),
            joins: footprint.joins.iter().cloned().collect(),
            subjects,
            min_group,
            dimensions,
            budgets,
            of: None,
        }
    }

    /// The footprint of FETCH and EXECUTE is that of what they name.
    fn touched_by(&self, of: &str) -> Option<Touched> {
        let mut read = Vec::new();
        let mut inner = Asked {
            text: of,
            ground: self.ground,
            moment: self.moment,
            names: self.names.clone(),
            made: HashMap::new(),
        };
        inner.read(of, &mut read);
        read.pop().and_then(|explained| explained.footprint)
    }

    fn table_read<'c>(&self, table: &str, columns: impl Iterator<Item = &'c String>) -> TableRead {
        let shown = self
            .ground
            .surface
            .tables
            .iter()
            .find(|shown| shown.qualified() == table);
        TableRead {
            table: table.to_owned(),
            rows_filtered: shown.is_some_and(|shown| shown.rows_filtered),
            columns: columns
                .map(|column| ColumnRead {
                    column: column.clone(),
                    mask: shown.and_then(|shown| self.mask_of(shown, column)),
                })
                .collect(),
        }
    }

    fn mask_of(&self, table: &Table, column: &str) -> Option<String> {
        let ground = self.ground;
        let scope = ground
            .contract
            .table(&ground.surface.resource, &table.schema, &table.name);
        let mask = scope.and_then(|scope| scope.mask.get(column));
        let masked = table.column(column).is_some_and(|column| column.masked);
        match (mask, masked) {
            (Some(mask), _) => Some(in_words(mask)),
            (None, true) => Some("masked".to_owned()),
            (None, false) => None,
        }
    }

    /// Settings, constants and the catalog cost nothing; figures over groups name no subject.
    fn ceilings_for(&self, footprint: &Footprint, subjects: &[Counted]) -> Vec<String> {
        let charged = |budget: &&Budget| match budget.measure {
            Measure::Rows | Measure::Bytes => !footprint.tables.is_empty(),
            Measure::Subjects => !subjects.is_empty(),
            Measure::Aggregates => footprint.methods.contains(&Method::Aggregate),
        };
        self.ground
            .contract
            .budgets
            .iter()
            .filter(charged)
            .map(Budget::key)
            .collect()
    }

    fn source(&self, kind: &Kind) -> Result<Source, Refusal> {
        let (cursor, name) = match kind {
            Kind::Execute { name } => (false, name),
            Kind::Fetch { name, .. } => (true, name),
            _ => return Ok(Source::Itself),
        };
        if let Some(made) = self.made.get(&(cursor, name.clone())) {
            return Ok(Source::Of(made.0.clone(), made.1.clone()));
        }
        Ok(match self.moment.named(kind)? {
            Some(of) => Source::Of(of, None),
            None => Source::Unknown(name.clone()),
        })
    }

    fn note_effect(&mut self, sql: &str, statement: &Statement, explained: &Explained) {
        let made = || (sql.trim_end().to_owned(), explained.footprint.clone());
        match &statement.kind {
            Kind::SetSearchPath { path, .. } => self.names.search_path.clone_from(path),
            Kind::Prepare { name } => {
                self.made.insert((false, name.clone()), made());
            }
            Kind::DeclareCursor { name, .. } => {
                self.made.insert((true, name.clone()), made());
            }
            _ => {}
        }
    }
}

/// A parser tells the token at which it stopped, not always where that stands.
fn placed(part: &str, refusal: Refusal) -> Refusal {
    if refusal.sqlstate != SqlState::Syntax || refusal.position.is_some() {
        return refusal;
    }
    match portcullis_sql::syntax_error_at(part) {
        Some(at) => refusal.at(at),
        None => refusal,
    }
}

enum Source {
    Itself,
    /// The statement that is named.
    Of(String, Option<Touched>),
    Unknown(String),
}

fn counted(table: &Table) -> Option<Counted> {
    let subject = table.subject.as_ref()?;
    let shown = subject.shown.as_ref().unwrap_or(&subject.column);
    Some(Counted {
        table: table.qualified(),
        kind: subject.kind.clone(),
        column: table.column(shown).map(|column| column.name.clone()),
    })
}

/// As the contract file spells masks, more or less: `hash`, `last 4`, `code shown 3`.
fn in_words(mask: &portcullis_contract::Mask) -> String {
    let mut words = Vec::new();
    if let Ok(value) = serde_json::to_value(mask) {
        spell(&value, &mut words);
    }
    words.join(" ")
}

fn spell(value: &serde_json::Value, words: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(fields) => {
            for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
                words.push(name.clone());
                spell(value, words);
            }
        }
        serde_json::Value::String(text) if words.is_empty() => words.push(text.clone()),
        value => words.push(value.to_string()),
    }
}

/// The text that travels, with the client's own name where the gate puts one of its own.
fn travels(kind: &Kind, cleared: &ClearedStatement) -> Option<String> {
    let name = match kind {
        Kind::Prepare { name }
        | Kind::Execute { name }
        | Kind::DeclareCursor { name, .. }
        | Kind::Fetch { name, .. }
        | Kind::Deallocate { name: Some(name) }
        | Kind::CloseCursor { name: Some(name) } => Some(name),
        _ => None,
    };
    let text = match name {
        Some(name) => portcullis_sql::with_name(cleared.text(), name),
        None => cleared.text().to_owned(),
    };
    (!text.is_empty()).then_some(text)
}

fn note_of(kind: &Kind) -> Option<String> {
    let words = match kind {
        Kind::Empty => "there is nothing in it to run",
        Kind::SetSearchPath { .. } => {
            "the gate keeps the search path itself: the database's stays as it is"
        }
        Kind::Ask { .. } => "the gate answers it itself: nothing is run",
        Kind::Explain(_) => "the plan comes without costs, conditions, masks and filters",
        Kind::Tuning(_) => {
            "the gate runs it on a connection of its own, from a fixed form; it must stand alone, outside of a transaction"
        }
        _ => return None,
    };
    Some(words.to_owned())
}

/// A name that the session does not know.
pub(crate) fn unknown_name(kind: &Kind) -> Refusal {
    match kind {
        Kind::Fetch { name, .. } => crate::session::names::unknown_cursor("cursor", name),
        Kind::Execute { name } => crate::session::names::unknown_statement(name),
        _ => Refusal::new(
            SqlState::UnknownStatement,
            "prepared.unknown",
            "no such name",
        ),
    }
}
