//! `disclosed --to`: the figures, over time, and at what pace.

use jiff::civil::Date;
use serde_json::Value;

use super::chart::{self, Look, thousands};
use super::{By, Disclosed};
use crate::cli::answer::{rows, show, text};
use crate::cli::client::Client;
use crate::cli::{Exit, Global};

/// Where the terminal doesn't say.
const USUAL_WIDTH: usize = 80;

pub async fn run(
    global: &Global,
    client: &Client,
    command: &Disclosed,
    to: &str,
) -> Result<(), Exit> {
    let mut query = vec![("to", to)];
    query.extend(command.contract.as_deref().map(|id| ("contract", id)));
    let until = command.until.map(|share| share.to_string());
    query.extend(until.as_deref().map(|share| ("until", share)));
    let answer = client.get("/v1/disclosed", &query).await?;
    let look = Look {
        ascii: command.ascii || !utf8(),
        width: width(),
    };
    show(global, &answer, |answer| words(answer, command.by, look));
    Ok(())
}

/// The first of these that is set decides, as for any program.
fn utf8() -> bool {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set);
    let locale = locale.unwrap_or_default().to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

fn width() -> usize {
    let told = std::env::var("COLUMNS")
        .ok()
        .and_then(|text| text.parse().ok());
    let asked = || {
        let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
        Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
    };
    told.or_else(asked).unwrap_or(USUAL_WIDTH)
}

fn words(answer: &Value, by: By, look: Look) {
    let total = answer.get("total").unwrap_or(&Value::Null);
    say!(
        "{} {}: {}",
        text(answer, "/to/kind"),
        text(answer, "/to/id"),
        subjects(total)
    );
    if number(total, "subjects") == 0 && number(total, "rows") == 0 {
        say!("nothing was disclosed");
        return;
    }
    say!(
        "first {}, last {}; {} statements, {} rows, {} bytes",
        text(total, "/first"),
        text(total, "/last"),
        thousands(number(total, "statements")),
        thousands(number(total, "rows")),
        thousands(number(total, "bytes"))
    );
    notes(answer, total);
    say!();
    match by {
        By::Contract => groups(rows(answer, "contracts"), "contract"),
        By::Person => groups(rows(answer, "persons"), "person"),
        By::Table => tables(total),
        By::Day => days(answer),
    }
    for course in rows(answer, "over_time") {
        over_time(course, look);
    }
}

fn number(value: &Value, key: &str) -> u64 {
    value.get(key).and_then(Value::as_u64).unwrap_or(0)
}

/// `12,000 subjects (at least 9,000), 3.1 % of 390,000 (counted …)`.
fn subjects(group: &Value) -> String {
    let mut words = format!("{} subjects", thousands(number(group, "subjects")));
    if group.get("exact") == Some(&Value::Bool(false)) {
        words = format!(
            "{} to {} subjects",
            thousands(number(group, "subjects_at_least")),
            thousands(number(group, "subjects"))
        );
    }
    if let Some(share) = share(group) {
        words.push_str(&format!(", {share}"));
    }
    words
}

fn share(part: &Value) -> Option<String> {
    let of = part.get("of")?.as_u64()?;
    let share = part.get("share")?.as_f64()?;
    Some(format!("{} of {}", percent(share), thousands(of)))
}

/// Small shares keep two figures.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        percent if percent >= 10.0 || percent == 0.0 => format!("{percent:.1} %"),
        percent if percent >= 0.1 => format!("{percent:.2} %"),
        percent => format!("{percent:.4} %"),
    }
}

fn notes(answer: &Value, total: &Value) {
    let counted = rows(total, "kinds").iter().filter_map(|kind| {
        Some((
            kind.get("kind")?.as_str()?,
            kind.get("counted_at")?.as_str()?,
        ))
    });
    for (kind, at) in counted {
        say!("all of {kind} counted at {at}");
    }
    let away = answer.get("not_counted").and_then(Value::as_object);
    for (resource, why) in away.into_iter().flatten() {
        say!(
            "note: not all tables of `{resource}` could be counted: {}",
            crate::cli::table::text(why)
        );
    }
    let keyed: Vec<&str> = rows(answer, "keyed")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    if !keyed.is_empty() && total.get("exact") == Some(&Value::Bool(false)) {
        say!(
            "note: not comparable over contracts: subjects are keyed under {}; whoever was shown under several counts under each",
            keyed.join(", ")
        );
    }
    for guess in rows(answer, "guessed") {
        say!(
            "note: what `{}` shows on `{}` is told without its database: {}",
            text(guess, "/contract"),
            text(guess, "/resource"),
            text(guess, "/why")
        );
    }
}

fn groups(groups: &[Value], key: &str) {
    let mut lines = vec![line_of(&[
        &key.to_uppercase(),
        "SUBJECTS",
        "SHARE",
        "FIRST",
        "LAST",
        "STATEMENTS",
        "ROWS",
        "BYTES",
    ])];
    for group in groups {
        let count = thousands(number(group, "subjects"));
        let exact = group.get("exact") != Some(&Value::Bool(false));
        lines.push(vec![
            text(group, &format!("/{key}")),
            if exact { count } else { format!("<= {count}") },
            share(group).unwrap_or_else(|| "-".to_owned()),
            text(group, "/first"),
            text(group, "/last"),
            thousands(number(group, "statements")),
            thousands(number(group, "rows")),
            thousands(number(group, "bytes")),
        ]);
    }
    print(&lines);
}

fn tables(total: &Value) {
    let mut lines = vec![line_of(&[
        "RESOURCE",
        "TABLE",
        "KIND",
        "SUBJECTS",
        "SHARE",
        "FIRST",
        "LAST",
        "STATEMENTS",
    ])];
    for part in rows(total, "tables") {
        let count = thousands(number(part, "subjects"));
        let exact = part.get("exact") != Some(&Value::Bool(false));
        lines.push(vec![
            text(part, "/resource"),
            text(part, "/table"),
            text(part, "/kind"),
            if exact { count } else { format!("<= {count}") },
            share(part).unwrap_or_else(|| "-".to_owned()),
            text(part, "/first"),
            text(part, "/last"),
            thousands(number(part, "statements")),
        ]);
    }
    print(&lines);
}

fn days(answer: &Value) {
    let mut lines = vec![line_of(&[
        "CONTRACT", "DAY", "SUBJECTS", "NEW", "TOTAL", "ROWS", "BYTES",
    ])];
    for course in rows(answer, "over_time") {
        for day in rows(course, "days") {
            lines.push(vec![
                text(course, "/contract"),
                text(day, "/day"),
                thousands(number(day, "subjects")),
                thousands(number(day, "subjects_new")),
                thousands(number(day, "total")),
                thousands(number(day, "rows")),
                thousands(number(day, "bytes")),
            ]);
        }
    }
    print(&lines);
}

fn over_time(course: &Value, look: Look) {
    let totals: Vec<(Date, u64)> = rows(course, "days")
        .iter()
        .filter_map(|day| {
            Some((
                day.get("day")?.as_str()?.parse().ok()?,
                number(day, "total"),
            ))
        })
        .collect();
    let lines = chart::draw(&totals, look);
    if !lines.is_empty() {
        say!();
        say!("subjects under {}, day by day", text(course, "/contract"));
        lines.iter().for_each(|line| say!("{line}"));
    }
    for growth in rows(course, "growth") {
        say!(
            "{}: {} new in the last {} days (from {}), {:.1} a working day",
            text(course, "/contract"),
            thousands(number(growth, "subjects_new")),
            number(growth, "over_days"),
            text(growth, "/from"),
            growth
                .get("per_working_day")
                .and_then(Value::as_f64)
                .unwrap_or(0.0)
        );
    }
    for projection in rows(course, "projections") {
        say!("{}: {}", text(course, "/contract"), projected(projection));
    }
}

fn projected(projection: &Value) -> String {
    let mut words = format!(
        "{}: {} of {}",
        text(projection, "/of"),
        thousands(number(projection, "used")),
        thousands(number(projection, "limit"))
    );
    match projection.get("on").and_then(Value::as_str) {
        Some(on) => words.push_str(&format!("; reached on {on} {}", text(projection, "/pace"))),
        None if text(projection, "/why") == "reached" => words.push_str("; reached"),
        None => words.push_str(&format!("; no date: {}", text(projection, "/why"))),
    }
    if projection.get("after_contract_end") == Some(&Value::Bool(true)) {
        words.push_str(" (after the contract's end)");
    }
    words
}

fn line_of(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}

fn print(lines: &[Vec<String>]) {
    let columns = lines.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns)
        .map(|at| {
            let cells = lines.iter().filter_map(|line| line.get(at));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    for line in lines {
        let mut out = String::new();
        for (cell, width) in line.iter().zip(&widths) {
            out.push_str(cell);
            out.push_str(&" ".repeat(width.saturating_sub(cell.chars().count()) + 2));
        }
        say!("{}", out.trim_end());
    }
}
