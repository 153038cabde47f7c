//! After a crash: what the log saw begin and not end is closed, with the most that can have left.

use jiff::Timestamp;
use portcullis_ledger::open::{OpenSession, OpenStatement};
use portcullis_ledger::{LeafWriter, OpenWork};
use portcullis_store::log::{BodyPart, Entry, Log, LogDown};
use serde_json::Value;

/// Appends the outcome of every open statement and session; they are durable when it returns.
pub async fn close_open_work(log: &Log, open: &OpenWork, now: Timestamp) -> Result<usize, LogDown> {
    let mut entries: Vec<Entry> = Vec::new();
    for (id, statement) in &open.statements {
        entries.extend(interrupted_statement(log, id, statement, now));
    }
    for (id, session) in &open.sessions {
        let cut: Vec<&OpenStatement> = open
            .statements
            .values()
            .filter(|statement| statement.session == *id)
            .collect();
        entries.extend(interrupted_session(id, session, &cut, now));
    }
    let count = entries.len();
    for pending in log.append_all(entries)? {
        let _recorded = pending.await?;
    }
    Ok(count)
}

fn text<'a>(leaf: &'a Value, key: &str) -> &'a str {
    leaf.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn interrupted_statement(
    log: &Log,
    id: &str,
    open: &OpenStatement,
    now: Timestamp,
) -> Option<Entry> {
    let first = &open.first;
    let parts = text_parts(log, open.first_seq);
    let mut leaf = LeafWriter::new("statement", now, "server");
    for key in [
        "session", "person", "vendor", "contract", "resource", "grant", "purpose",
    ] {
        leaf = leaf.str(key, text(first, key));
    }
    let tables: Vec<&str> = first
        .get("tables")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let leaf = leaf
        .str("statement", id)
        .str("method", text(first, "method"))
        .list("tables", tables)
        .str("day", text(first, "day"))
        .num("rows", open.rows)
        .num("bytes", open.bytes)
        .num("subjects", open.subjects)
        .num("subjects_new", open.subjects_new)
        .num("adds_rows", 0)
        .num("adds_bytes", 0)
        .str("decision", "interrupted")
        .str("reason", "gate.crashed")
        .num("ms", elapsed_ms(first, now))
        .num("first_seq", open.first_seq)
        .body(
            parts
                .iter()
                .map(|part| (part.label.as_ref(), part.commitment())),
        )
        .finish();
    Entry::new(leaf, parts).ok()
}

fn interrupted_session(
    id: &str,
    open: &OpenSession,
    cut: &[&OpenStatement],
    now: Timestamp,
) -> Option<Entry> {
    let person = text(&open.opened, "person");
    let sum =
        |of: fn(&OpenStatement) -> u64| cut.iter().map(|statement| of(statement)).sum::<u64>();
    let leaf = LeafWriter::new("session.closed", now, "server")
        .str("session", id)
        .str("person", person)
        .str("contract", text(&open.opened, "contract"))
        .str("resource", text(&open.opened, "resource"))
        .num("statements", open.statements + cut.len() as u64)
        .num("rows", open.rows + sum(|statement| statement.rows))
        .num("bytes", open.bytes + sum(|statement| statement.bytes))
        .num(
            "subjects",
            open.subjects + sum(|statement| statement.subjects),
        )
        .str("reason", "interrupted")
        .finish();
    Entry::new(leaf, Vec::new()).ok()
}

/// Text and values, as its first record has them; none where they were lawfully withheld since.
fn text_parts(log: &Log, seq: u64) -> Vec<BodyPart> {
    let entry = log.read(seq, seq + 1).next().and_then(Result::ok);
    let parts = entry.map(|entry| entry.parts).unwrap_or_default();
    parts
        .into_iter()
        .filter(|part| matches!(part.label.as_ref(), "sql" | "params"))
        .collect()
}

/// The longest that it can have run.
fn elapsed_ms(first: &Value, now: Timestamp) -> u64 {
    let since = text(first, "at").parse::<Timestamp>().unwrap_or(now);
    u64::try_from(now.duration_since(since).as_millis()).unwrap_or(0)
}
