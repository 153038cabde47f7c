//! What comes out of understanding and of rewriting.

use portcullis_contract::{AggregateRule, Footprint};
use serde::{Deserialize, Serialize};

use crate::ask::AnswerForm;
use crate::utility::PlanForm;

/// What the gate does with a statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// The empty query.
    Empty,
    /// Gives rows: SELECT, VALUES, TABLE, SHOW. `for_client` of the cleared text.
    Query,
    /// SET, RESET, DISCARD, … from the allow-list; forwarded.
    Setting,
    /// RESET ALL, or DISCARD ALL (`everything`): forwarded; the gate forgets the client's search path,
    /// and with `everything` its prepared statements and cursors too.
    ResetSession {
        everything: bool,
    },
    /// The client's own search path; the cleared text is empty (the gate answers `SET` by itself) or,
    /// for `set_config`, a SELECT that gives the client its row. The gate keeps it and resolves names by it, the server's stays pinned.
    SetSearchPath {
        path: Vec<String>,
        local: bool,
    },
    Transaction(Transaction),
    /// SQL-level PREPARE name AS query.
    Prepare {
        name: String,
    },
    /// SQL-level EXECUTE name(params); the cleared text is the statement.
    Execute {
        name: String,
    },
    Deallocate {
        name: Option<String>,
    },
    DeclareCursor {
        name: String,
        hold: bool,
    },
    /// FETCH/MOVE; taps are those of the cursor.
    Fetch {
        name: String,
        moves: bool,
    },
    CloseCursor {
        name: Option<String>,
    },
    /// COPY (query) TO STDOUT.
    CopyOut(CopyOut),
    /// EXPLAIN without ANALYZE; the gate runs `EXPLAIN (COSTS OFF, FORMAT JSON)` and renders the plan itself.
    Explain(PlanForm),
    /// `EXPLAIN (PORTCULLIS)`: what would the gate say of this text? Answered by the gate itself; the
    /// cleared text is empty, and the text asked about is never run.
    Ask {
        about: String,
        form: AnswerForm,
    },
    /// Built from fixed templates on the gate's own connection.
    Tuning(Tuning),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transaction {
    Begin,
    Commit,
    Rollback,
    Savepoint,
    Release,
    RollbackTo,
}

/// What the client asked of COPY, as far as the gate must know it to strip its taps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyOut {
    pub format: CopyFormat,
    pub delimiter: u8,
    pub header: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyFormat {
    Text,
    Csv,
    Binary,
}

/// The `tuning` method, parsed; `table` is an index into `Surface::tables`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Tuning {
    CreateIndex {
        name: Option<String>,
        if_not_exists: bool,
        table: usize,
        columns: Vec<IndexColumn>,
        access_method: String,
    },
    DropIndex {
        schema: Option<String>,
        name: String,
        if_exists: bool,
    },
    Vacuum {
        table: usize,
        analyze: bool,
    },
    Analyze {
        table: usize,
    },
    ReindexTable {
        table: usize,
    },
    ReindexIndex {
        schema: Option<String>,
        name: String,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IndexColumn {
    pub column: String,
    pub descending: bool,
    pub nulls_first: Option<bool>,
}

/// A column that the gate added at the end of the select list to learn whom a row is about; stripped
/// before release. It is a text: `s` and the subject's text; `n` for a row whose subject is NULL;
/// NULL where an outer join has no row of the table. [`Tap::read`] decodes it. In COPY it is, beside
/// that, hex of UTF-8, `-` for NULL, so that no format quotes it. In binary results the bytes of a
/// text are the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tap {
    /// Index into `Surface::tables`; its subject's kind is the tap's.
    pub table: usize,
}

/// What a tap says about one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tapped<'a> {
    /// The row is about this subject.
    Subject(&'a [u8]),
    /// The row is about a subject that is not known: it counts as one of its own.
    Unknown,
    /// The row has no part of this table.
    Absent,
}

impl Tap {
    /// Reads a tap's value; `None` = not a value that the gate's own text can give.
    pub fn read(value: Option<&[u8]>) -> Option<Tapped<'_>> {
        match value {
            None => Some(Tapped::Absent),
            Some([b's', subject @ ..]) => Some(Tapped::Subject(subject)),
            Some(b"n") => Some(Tapped::Unknown),
            Some(_) => None,
        }
    }
}

/// What travels to the database; made by [`crate::rewrite`] alone.
#[derive(Clone, Debug)]
pub struct ClearedStatement {
    pub(crate) text: String,
    pub(crate) taps: Vec<Tap>,
}

impl ClearedStatement {
    /// Text that the gate deparsed from its own tree, fully qualified.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Taps, in the order of the last columns of the result.
    pub fn taps(&self) -> &[Tap] {
        &self.taps
    }
}

/// One statement of a message, understood.
#[derive(Clone, Debug)]
pub struct Statement {
    pub kind: Kind,
    pub footprint: Footprint,
    /// Byte range in the message's text.
    pub range: std::ops::Range<usize>,
    /// Command tag's first words, for errors and logs: `SELECT`, `CREATE INDEX`, …
    pub verb: &'static str,
    /// Whether running it changes something (then its record must be durable before it is sent).
    pub changes: bool,
    /// How many answers with groups it gives: each query that forms groups, each way of grouping, each
    /// FILTER. What budgets of aggregates count.
    pub aggregates: u64,
    /// Whether a rule looked at what a literal says, so that the same text with another literal could be
    /// read otherwise: reading it for one does not read it for the other.
    pub literal_read: bool,
    /// Text under the rule below; handed out by `rewrite` alone.
    pub(crate) cleared: String,
    pub(crate) taps: Vec<Tap>,
    /// What stands under the groups of the text, if any are formed.
    pub(crate) rule: Option<AggregateRule>,
    pub(crate) source: String,
}

impl Statement {
    pub(crate) fn empty(length: usize) -> Self {
        let footprint = Footprint {
            methods: Default::default(),
            shape: portcullis_contract::Shape::NoData,
            tables: Vec::new(),
            joins: Default::default(),
        };
        Self {
            kind: Kind::Empty,
            footprint,
            range: 0..length,
            verb: "",
            changes: false,
            cleared: String::new(),
            taps: Vec::new(),
            aggregates: 0,
            literal_read: false,
            rule: None,
            source: String::new(),
        }
    }

    pub(crate) fn question(range: std::ops::Range<usize>, about: &str, form: AnswerForm) -> Self {
        let about = about.trim_end().to_owned();
        Self {
            kind: Kind::Ask { about, form },
            range,
            verb: "EXPLAIN",
            ..Self::empty(0)
        }
    }
}
