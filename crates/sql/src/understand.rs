//! understand: text → statements with what they touch, or a refusal for the whole message.

use pg_query::NodeEnum;
use pg_query::protobuf as pb;
use pg_query::protobuf::Node;
use portcullis_contract::{AggregateRule, Footprint, Refusal, Shape};
use portcullis_grammar::{Fault, Places};

use crate::ask::{Part, Question, first_word};
use crate::limits;
use crate::read::Reader;
use crate::read::place::pointed;
use crate::read::scope::Output;
use crate::rules::{self, Denial};
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
    if let Some(parts) = crate::ask::parts(text) {
        return read_parts(caller_stack_bytes, text, parts?, surface, session);
    }
    limits::on_fitting_stack(text, caller_stack_bytes, || {
        read_message(text, surface, session, &session.rule)
    })
}

/// A message with questions in it: each other statement is read by itself.
fn read_parts(
    caller_stack_bytes: usize,
    text: &str,
    parts: Vec<Part>,
    surface: &Surface,
    session: &SessionNames,
) -> Result<Vec<Statement>, Refusal> {
    if parts.len() > limits::MAX_STATEMENTS {
        too_many().stands()?;
    }
    let mut statements = Vec::new();
    for Part { range, question } in parts {
        let part = text.get(range.clone()).unwrap_or_default();
        if let Some(Question { asked_at, form }) = question {
            let about = part.get(asked_at..).unwrap_or_default();
            statements.push(Statement::question(range, about, form));
            continue;
        }
        let read = limits::on_fitting_stack(part, caller_stack_bytes, || {
            read_message(part, surface, session, &session.rule)
        });
        let read = read.map_err(|refusal| Refusal {
            position: refusal.position.map(|at| at + range.start),
            ..refusal
        })?;
        statements.extend(read.into_iter().map(|statement| Statement {
            range: statement.range.start + range.start..statement.range.end + range.start,
            ..statement
        }));
    }
    Ok(statements)
}

fn too_many() -> Denial {
    let message = format!(
        "more than {} statements in one message",
        limits::MAX_STATEMENTS
    );
    Denial::new(&rules::TEXT_STATEMENTS, None, message).hint("send them in several messages")
}

pub(crate) fn read_message(
    text: &str,
    surface: &Surface,
    session: &SessionNames,
    rule: &AggregateRule,
) -> Result<Vec<Statement>, Refusal> {
    let statements = portcullis_grammar::parse(text, Places::Kept)
        .map(|read| read.statements)
        .or_else(|fault| unparsable(text, &fault).or(Vec::new))?;
    if statements.len() > limits::MAX_STATEMENTS {
        too_many().stands()?;
    }
    if statements.is_empty() {
        return Ok(vec![Statement::empty(text.len())]);
    }
    let mut steps = 0;
    statements
        .into_iter()
        .map(|raw| read_statement(text, raw, surface, session, rule, &mut steps))
        .collect()
}

pub(crate) fn unparsable(text: &str, fault: &Fault) -> Denial {
    match fault {
        Fault::Refused(message)
            if message.contains("stack depth") || message.contains("memory exhausted") =>
        {
            crate::read::too_deep(&rules::DEPTH_PARSER)
        }
        Fault::Refused(message) => {
            let at = place_in_message(text, message);
            Denial::new(&rules::TEXT_GRAMMAR, None, message.clone())
                .hint("statements are read by PostgreSQL's own grammar; psql's commands (`\\d`, `\\copy`) are typed without a statement around them")
                .at(at)
        }
        Fault::ManyStatements => too_many(),
        Fault::TooDeep => crate::read::too_deep(&rules::DEPTH_PARSER),
        Fault::LongList => {
            let most = limits::MAX_LIST_ELEMENTS;
            let message = format!("a list has more than {most} elements");
            Denial::new(&rules::TEXT_LIST, None, message)
                .hint("ask in several statements, or pass the list as one array: `= ANY($1)`")
        }
        Fault::ManyNodes => {
            let most = limits::MAX_NODES;
            let message = format!("the message has more than {most} names, values and operators");
            Denial::new(&rules::TEXT_NODES, None, message)
                .hint("send it in parts; pass long lists as an array: `= ANY($1)`")
        }
        Fault::LongOther => {
            let most = portcullis_grammar::MAX_OTHER_BYTES;
            let message = format!("a text of this form is read up to {most} bytes");
            Denial::new(&rules::TEXT_BYTES, None, message)
                .hint("only what reads may be that long; the forms that pass are in the guide")
        }
        Fault::Unreadable => Denial::new(&rules::TEXT_UNREADABLE, None, "the text cannot be read")
            .hint("write the statement in a simpler form"),
    }
}

/// Where the parser's message says that it stopped, if its words stand in the text once.
fn place_in_message(text: &str, message: &str) -> Option<usize> {
    if message.ends_with("at end of input") {
        return Some(text.trim_end().len());
    }
    let (_, near) = message.split_once(" at or near \"")?;
    let near = near.strip_suffix('"')?;
    let mut places = text.match_indices(near);
    let (at, _) = places.next()?;
    places.next().is_none().then_some(at)
}

fn read_statement(
    text: &str,
    raw: pb::RawStmt,
    surface: &Surface,
    session: &SessionNames,
    rule: &AggregateRule,
    steps: &mut usize,
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
    let mut reader = Reader::new(surface, session, rule);
    reader.steps = *steps;
    // What has no place of its own stands at the statement's first word.
    let begins = start + first_word(text.get(start..end).unwrap_or_default());
    let reading = utility::read(&mut reader, &mut tree).map_err(|r| pointed(r, Some(begins)))?;
    if reader.catalog_any && !reader.tables.is_empty() {
        reader
            .deny(
                &rules::CATALOG_MIX,
                "one statement reads either the catalog or the owner's tables",
            )
            .hint("ask in two statements")
            .at(Some(begins))
            .stands()?;
    }
    *steps = reader.steps;
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
        aggregates: reader.figures,
        literal_read: reader.literal_read,
        rule: reader.floored.then(|| rule.clone()),
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
