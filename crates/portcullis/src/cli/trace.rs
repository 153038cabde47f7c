//! `portcullis trace`: where a leaked file came from. The file is read here; of it the server learns
//! a hash, counts, samples of its columns, and all values of the one that holds subjects.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;
use jiff::civil::Date;
use portcullis_trace::limits::FILE_BYTES_MAX;
use portcullis_trace::{Column, Leaked, Survey, Values};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::answer::{rows, text};
use super::client::Client;
use super::{Exit, Global, table};

/// Persons shown in the terminal; `--json` has all that were looked at.
const PERSONS_SHOWN: usize = 10;
const SESSIONS_SHOWN: usize = 8;
const STATEMENTS_SHOWN: usize = 5;
const SEQS_SHOWN: usize = 4;

/// Find out which persons, sessions and statements a leaked file came from
#[derive(Debug, Args)]
pub struct Trace {
    /// CSV, TSV, JSON, JSON lines, Parquet, Excel, SQL dump, text; `-` reads standard input
    file: PathBuf,
    /// The column with the subjects: its name, or its number from 1; found by itself unless given
    #[arg(long, value_name = "NAME")]
    column: Option<String>,
    /// The resource that the subjects are of
    #[arg(long, value_name = "ID")]
    resource: Option<String>,
    /// What the column identifies (`subject_kind`, or the table)
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// The file was outside by then: what was disclosed later is left out (a day, UTC, or a time)
    #[arg(long, value_name = "DATE")]
    before: Option<String>,
    /// Ask the database too: where a contract masks or hides the key, only it can tell whose the
    /// ledger's digests are. Reads every key of the tables
    #[arg(long)]
    ask_database: bool,
    /// Show which columns the file has and which could hold subjects, and stop
    #[arg(long)]
    columns: bool,
}

pub async fn run(global: &Global, command: &Trace) -> Result<(), Exit> {
    let client = Client::new(global)?;
    let before = command.before.as_deref().map(moment).transpose()?;
    let bytes = tokio::task::block_in_place(|| read(&command.file))?;
    let (sha256, size) = (hex::encode(Sha256::digest(&bytes)), bytes.len());
    let wrong = |error| Exit::invalid(format!("`{}`: {error}", command.file.display()));
    let leaked = tokio::task::block_in_place(|| Leaked::open(bytes)).map_err(wrong)?;
    let mut survey = Survey::default();
    tokio::task::block_in_place(|| leaked.read(&mut survey)).map_err(wrong)?;
    let rows = survey.rows;
    let columns = survey.columns();
    let file = json!({
        "sha256": sha256, "bytes": size, "format": leaked.format().name(), "rows": rows,
    });
    let column = match &command.column {
        Some(name) if !command.columns => named(&columns, name)?,
        _ => {
            let body = json!({ "file": file, "columns": columns });
            let answer = client.post("/v1/trace/columns", &body).await?;
            if command.columns {
                return list_columns(global, &columns, &answer, &file);
            }
            match answer.pointer("/best/column").and_then(Value::as_str) {
                Some(column) => column.to_owned(),
                None if command.ask_database => {
                    return Err(Exit::invalid(
                        "no column was found by itself; name the one with the subjects with `--column`",
                    ));
                }
                None => return nothing(global, &file, &columns, &answer),
            }
        }
    };
    let mut values = Values::of(&column);
    tokio::task::block_in_place(|| leaked.read(&mut values)).map_err(wrong)?;
    drop(leaked);
    let full = values.full;
    let body = json!({
        "file": file, "column": column, "values": values.into_vec(), "resource": command.resource,
        "kind": command.kind, "before": before,
        "ask_database": command.ask_database,
    });
    let mut answer = client.post("/v1/trace", &body).await?;
    if full && let Some(notes) = answer.get_mut("notes").and_then(Value::as_array_mut) {
        notes.push("the column has more values than are traced at once; some were left out".into());
    }
    if global.json {
        say!("{answer}");
    } else {
        draw(&answer);
    }
    match answer.get("found") {
        Some(Value::Bool(true)) => Ok(()),
        _ => Err(Exit::no()),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Exit> {
    let wrong = |error: std::io::Error| Exit::invalid(format!("`{}`: {error}", path.display()));
    let mut bytes = Vec::new();
    // One byte more than is allowed shows that there is too much.
    let limit = FILE_BYTES_MAX + 1;
    if path == Path::new("-") {
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes)
    } else {
        let file = std::fs::File::open(path).map_err(wrong)?;
        file.take(limit).read_to_end(&mut bytes)
    }
    .map_err(wrong)?;
    Ok(bytes)
}

/// A day begins at midnight, UTC.
fn moment(text: &str) -> Result<Timestamp, Exit> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    text.parse::<Date>()
        .ok()
        .and_then(|day| day.to_zoned(jiff::tz::TimeZone::UTC).ok())
        .map(|zoned| zoned.timestamp())
        .ok_or_else(|| {
            Exit::invalid(format!(
                "`{text}` is neither a day (2026-05-31) nor a time (2026-05-31T10:00:00Z)"
            ))
        })
}

/// By name, by the last part of a path, or by number.
fn named(columns: &[Column], wanted: &str) -> Result<String, Exit> {
    let exact = columns.iter().find(|column| column.name == wanted);
    let lower = wanted.to_lowercase();
    let alike = || {
        let mut alike = columns.iter().filter(|column| {
            let name = column.name.to_lowercase();
            name == lower || name.rsplit('.').next() == Some(&lower)
        });
        alike.next().filter(|_| alike.next().is_none())
    };
    let by_number = || {
        let at: usize = wanted.parse().ok()?;
        columns.get(at.checked_sub(1)?)
    };
    exact
        .or_else(alike)
        .or_else(by_number)
        .map(|column| column.name.clone())
        .ok_or_else(|| {
            let names: Vec<_> = columns.iter().take(30).map(|c| c.name.as_str()).collect();
            Exit::invalid(format!(
                "the file has no column `{wanted}`; it has: {}",
                names.join(", ")
            ))
        })
}

fn list_columns(
    global: &Global,
    columns: &[Column],
    answer: &Value,
    file: &Value,
) -> Result<(), Exit> {
    let told: Vec<Value> = columns
        .iter()
        .map(|c| json!({ "column": c.name, "cells": c.cells, "distinct": c.distinct }))
        .collect();
    if global.json {
        let told = json!({
            "file": file, "columns": told, "candidates": answer.get("candidates"),
            "best": answer.get("best"), "untraceable": answer.get("untraceable"),
        });
        say!("{told}");
        return Ok(());
    }
    say!("{}, {} rows", text(file, "/format"), text(file, "/rows"));
    table::print(
        &told,
        &[
            ("COLUMN", "column"),
            ("CELLS", "cells"),
            ("DISTINCT", "distinct"),
        ],
    );
    say!();
    if rows(answer, "candidates").is_empty() {
        say!("no column holds subjects that the ledger knows");
    } else {
        table::print(
            rows(answer, "candidates"),
            &[
                ("COULD BE", "column"),
                ("RESOURCE", "resource"),
                ("KIND", "kind"),
                ("SAMPLED", "sampled"),
                ("KNOWN", "hits"),
            ],
        );
    }
    Ok(())
}

/// No column has anybody whom the ledger knows.
fn nothing(global: &Global, file: &Value, columns: &[Column], answer: &Value) -> Result<(), Exit> {
    if global.json {
        let names: Vec<_> = columns.iter().map(|c| c.name.as_str()).collect();
        let told = json!({
            "found": false, "file": file, "column": null, "columns": names, "ranked": [],
            "set": { "members": [], "explained": 0, "foreign": 0, "unknown": 0 }, "sessions": [],
            "candidates": answer.get("candidates"), "untraceable": answer.get("untraceable"),
            "notes": ["no column holds subjects that were disclosed to anybody"],
        });
        say!("{told}");
    } else {
        say!("no column holds subjects that were disclosed to anybody through Portcullis");
        untraceable(answer);
    }
    Err(Exit::no())
}

fn draw(answer: &Value) {
    say!(
        "{}, {} rows; column `{}` holds {} of `{}`: {} distinct, {} of them disclosed to somebody",
        text(answer, "/file/format"),
        text(answer, "/file/rows"),
        text(answer, "/column"),
        text(answer, "/subject_kind"),
        text(answer, "/resource"),
        text(answer, "/distinct"),
        text(answer, "/known"),
    );
    say!();
    let persons: Vec<Value> = rows(answer, "ranked")
        .iter()
        .take(PERSONS_SHOWN)
        .map(line)
        .collect();
    if persons.is_empty() {
        say!("nobody was given any of them");
        untraceable(answer);
        return;
    }
    let columns = [
        ("PERSON", "person"),
        ("VENDOR", "vendor"),
        ("CONTRACTS", "contracts"),
        ("HITS", "hits"),
        ("COVERAGE", "coverage"),
        ("SHOWN IN ALL", "shown"),
        ("OTHERS", "others"),
        ("AN INNOCENT MATCHES AS WELL", "odds"),
        ("", "mark"),
    ];
    table::print(&persons, &columns);
    say!();
    draw_set(answer);
    for person in rows(answer, "sessions") {
        draw_sessions(answer, person);
    }
    for note in rows(answer, "notes") {
        say!("note: {}", table::text(note));
    }
    untraceable(answer);
}

fn line(person: &Value) -> Value {
    let contracts: Vec<String> = rows(person, "contracts")
        .iter()
        .map(|under| text(under, "/contract"))
        .collect();
    let number = |key: &str| person.get(key).and_then(Value::as_f64).unwrap_or(0.0);
    let mark = match (person.get("in_set"), number("explained_by_set")) {
        (Some(Value::Bool(true)), _) => "<- explains the file",
        (_, shared) if shared > 0.0 && shared >= number("hits") => "all explained without",
        _ => "",
    };
    json!({
        "person": person.get("person"), "vendor": person.get("vendor"), "contracts": contracts.join(", "),
        "hits": person.get("hits"), "coverage": percent(number("coverage")), "shown": person.get("shown"),
        "others": format!("{:.1}", number("others")), "odds": odds(number("chance_log10")), "mark": mark,
    })
}

fn draw_set(answer: &Value) {
    let members = rows(answer.get("set").unwrap_or(&Value::Null), "members");
    if members.is_empty() {
        say!("Nobody stands out: what they have of the file can be chance or shared work.");
        return;
    }
    let names: Vec<String> = members
        .iter()
        .map(|member| text(member, "/person"))
        .collect();
    say!(
        "The smallest set that explains the file: {}. It explains {} of the {} known subjects; {} are \
         foreign, {} were never disclosed.",
        names.join(" with "),
        text(answer, "/set/explained"),
        text(answer, "/known"),
        text(answer, "/set/foreign"),
        text(answer, "/set/unknown"),
    );
    if members.len() > 1 {
        for member in members {
            let chance = member.get("chance_log10").and_then(Value::as_f64);
            say!(
                "  {} alone explains {} of them; an innocent adds as much: {}",
                text(member, "/person"),
                text(member, "/alone"),
                odds(chance.unwrap_or(0.0)),
            );
        }
    }
}

fn draw_sessions(answer: &Value, trail: &Value) {
    let person = trail.get("person");
    let members = rows(answer.get("set").unwrap_or(&Value::Null), "members");
    let stands_out = members.iter().any(|member| member.get("person") == person);
    if !stands_out && !members.is_empty() {
        return;
    }
    say!();
    say!("sessions of {}", text(trail, "/person"));
    let sessions = rows(trail, "sessions");
    for session in sessions.iter().take(SESSIONS_SHOWN) {
        say!(
            "  {}  {} to {}  {} of {}  {} hits, {} not in the sessions above",
            text(session, "/session"),
            text(session, "/first"),
            text(session, "/last"),
            text(session, "/resource"),
            text(session, "/contract"),
            text(session, "/hits"),
            text(session, "/adds"),
        );
        for statement in rows(session, "statements").iter().take(STATEMENTS_SHOWN) {
            let seqs = rows(statement, "seqs");
            let shown: Vec<String> = seqs.iter().take(SEQS_SHOWN).map(table::text).collect();
            let more = if seqs.len() > SEQS_SHOWN { ", …" } else { "" };
            say!(
                "    statement {}  {}  {}  {} hits of {} shown  prove: {}{more}",
                text(statement, "/statement"),
                text(statement, "/at"),
                text(statement, "/tables"),
                text(statement, "/hits"),
                text(statement, "/shown"),
                shown.join(", "),
            );
        }
        let rest = rows(session, "statements")
            .len()
            .saturating_sub(STATEMENTS_SHOWN) as u64
            + session
                .get("statements_left_out")
                .and_then(Value::as_u64)
                .unwrap_or(0);
        if rest > 0 {
            say!("    and {rest} statements with fewer");
        }
    }
    let rest = sessions.len().saturating_sub(SESSIONS_SHOWN) as u64
        + trail.get("left_out").and_then(Value::as_u64).unwrap_or(0);
    if rest > 0 {
        say!("  and {rest} sessions more (`--json` has them)");
    }
}

fn untraceable(answer: &Value) {
    for one in rows(answer, "untraceable") {
        say!(
            "note: contract `{}` shows `{}` of `{}` only {}; `--ask-database` matches what it disclosed too",
            text(one, "/contract"),
            text(one, "/column"),
            text(one, "/table"),
            match one.get("mask").and_then(Value::as_str) {
                Some(mask) => format!("masked (`{}`)", table::text(&mask.into())),
                None => "hidden".to_owned(),
            },
        );
    }
}

fn percent(share: f64) -> String {
    match share * 100.0 {
        p if p >= 99.95 => "100 %".to_owned(),
        p if p >= 1.0 => format!("{p:.1} %"),
        p => format!("{p:.3} %"),
    }
}

/// A power of ten in words.
fn odds(log10: f64) -> String {
    match -log10 {
        less if less < 0.05 => "likely".to_owned(),
        less if less < 4.0 => format!("1 time in {:.0}", 10f64.powf(less)),
        less if less > 300.0 => "less than 1 time in 10^300".to_owned(),
        less => format!("1 time in 10^{less:.0}"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn odds_and_moments_in_words() {
        assert_eq!(odds(0.0), "likely");
        assert_eq!(odds(-2.0), "1 time in 100");
        assert_eq!(odds(-42.3), "1 time in 10^42");
        assert_eq!(odds(-1e9), "less than 1 time in 10^300");
        assert_eq!(percent(0.9999), "100 %");
        assert_eq!(percent(0.0003), "0.030 %");
        assert_eq!(
            moment("2026-05-31").unwrap().to_string(),
            "2026-05-31T00:00:00Z"
        );
        assert!(moment("yesterday").is_err());
    }

    #[test]
    fn a_column_is_named_by_name_end_or_number() {
        let column = |name: &str| Column {
            name: name.to_owned(),
            cells: 1,
            distinct: 1,
            sample: Vec::new(),
        };
        let columns = [
            column("a.id"),
            column("b.id"),
            column("clinic.patients.Patient_ID"),
        ];
        assert_eq!(named(&columns, "b.id").unwrap(), "b.id");
        assert_eq!(
            named(&columns, "patient_id").unwrap(),
            "clinic.patients.Patient_ID"
        );
        assert_eq!(named(&columns, "1").unwrap(), "a.id");
        assert!(named(&columns, "id").is_err());
        assert!(named(&columns, "0").is_err());
    }
}
