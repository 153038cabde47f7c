//! understand: text → statements with what they touch, or a refusal for the whole message.

use pg_query::NodeEnum;
use pg_query::protobuf as pb;
use pg_query::protobuf::Node;
use portcullis_contract::{Footprint, Refusal, Shape, SqlState};

use crate::limits;
use crate::read::Reader;
use crate::read::scope::Output;
use crate::statement::{Kind, Statement, Tap};
use crate::utility;
use crate::{SessionNames, Surface};

/// Reads every statement of a message: all are understood, or the message is refused.
///
/// Costs what the text is long; a nested text is read on a thread of its own while the caller waits.
pub fn understand(
    text: &str,
    surface: &Surface,
    session: &SessionNames,
) -> Result<Vec<Statement>, Refusal> {
    understand_on(limits::DEFAULT_CALLER_STACK_BYTES, text, surface, session)
}

/// As [`understand`], for a caller who knows the size of his thread's stack: the larger, the more is
/// read without another thread.
pub fn understand_on(
    caller_stack_bytes: usize,
    text: &str,
    surface: &Surface,
    session: &SessionNames,
) -> Result<Vec<Statement>, Refusal> {
    limits::check_size(text)?;
    limits::on_fitting_stack(text, caller_stack_bytes, || {
        read_message(text, surface, session, session.floor)
    })
}

pub(crate) fn read_message(
    text: &str,
    surface: &Surface,
    session: &SessionNames,
    floor: u64,
) -> Result<Vec<Statement>, Refusal> {
    let parsed = pg_query::parse(text, pg_query::ParserOptions::DEFAULT)
        .map_err(|error| unparsable(&error))?;
    let statements = parsed.protobuf.stmts;
    if statements.len() > limits::MAX_STATEMENTS {
        return Err(Refusal::new(
            SqlState::LimitExceeded,
            "limit.statements",
            format!(
                "more than {} statements in one message",
                limits::MAX_STATEMENTS
            ),
        ));
    }
    if statements.is_empty() {
        return Ok(vec![Statement::empty(text.len())]);
    }
    statements
        .into_iter()
        .map(|raw| read_statement(text, raw, surface, session, floor))
        .collect()
}

fn unparsable(error: &pg_query::Error) -> Refusal {
    match error {
        pg_query::Error::Parse(message)
            if message.contains("stack depth") || message.contains("memory exhausted") =>
        {
            crate::read::too_deep()
        }
        pg_query::Error::Parse(message) => {
            Refusal::new(SqlState::Syntax, "syntax", message.clone())
        }
        _ => Refusal::new(SqlState::NotPassed, "form.text", "the text cannot be read"),
    }
}

fn read_statement(
    text: &str,
    raw: pb::RawStmt,
    surface: &Surface,
    session: &SessionNames,
    floor: u64,
) -> Result<Statement, Refusal> {
    let start = usize::try_from(raw.stmt_location)
        .unwrap_or(0)
        .min(text.len());
    let length = usize::try_from(raw.stmt_len).unwrap_or(0);
    let end = if length == 0 {
        text.len()
    } else {
        (start + length).min(text.len())
    };
    let Some(mut tree) = raw.stmt.map(|n| *n) else {
        return Ok(Statement::empty(text.len()));
    };
    let mut reader = Reader::new(surface, session, floor);
    let reading = utility::read(&mut reader, &mut tree)?;
    if reader.catalog_any && !reader.tables.is_empty() {
        return Err(reader
            .unsupported(
                "form.catalog_mix",
                "one statement reads either the catalog or the owner's tables",
            )
            .hint("ask in two statements"));
    }
    crate::names::mark_name(&mut tree);
    let cleared = if reading.travels {
        crate::rewrite::deparse(&mut tree)?
    } else {
        String::new()
    };
    let mut footprint = reader.footprint(reading.output.as_ref());
    reading.adjust(&mut footprint);
    Ok(Statement {
        kind: reading.kind,
        footprint,
        range: start..end,
        verb: reading.verb,
        changes: reading.changes,
        cleared,
        taps: reading.taps,
        floor: reader.floored.then_some(floor),
        source: text.get(start..end).unwrap_or_default().to_owned(),
    })
}

/// What `utility::read` found about one statement.
pub(crate) struct Reading {
    pub kind: Kind,
    pub verb: &'static str,
    pub changes: bool,
    pub taps: Vec<Tap>,
    pub output: Option<Output>,
    /// Whether text goes to the database (else the gate answers by itself or from a template).
    pub travels: bool,
    pub methods: Vec<portcullis_contract::Method>,
    /// Replaces the methods that the query itself would need.
    pub only_these: bool,
}

impl Reading {
    pub fn of(kind: Kind, verb: &'static str) -> Self {
        Self {
            kind,
            verb,
            changes: false,
            taps: Vec::new(),
            output: None,
            travels: true,
            methods: Vec::new(),
            only_these: false,
        }
    }

    fn adjust(&self, footprint: &mut Footprint) {
        if self.only_these {
            footprint.methods.clear();
            footprint.shape = Shape::NoData;
        }
        footprint.methods.extend(self.methods.iter().copied());
    }
}

/// The select inside a node.
pub(crate) fn select_of(node: &mut Node) -> Option<&mut pb::SelectStmt> {
    match node.node.as_mut() {
        Some(NodeEnum::SelectStmt(select)) => Some(select),
        _ => None,
    }
}
