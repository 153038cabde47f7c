//! A contract file to fill in, from the live catalog: every table that can be in scope, with a guess
//! at its subject and at what to mask, and all terms of the law profile with the article that asks.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use portcullis_contract::law::{self, Term};

use crate::catalog::{self, LiveCatalog, LiveColumn, LiveTable, TypeShape};
use crate::check::unsupported;
use crate::{LockError, Steward};

/// Beyond this a list of tables is nothing to read; the rest is named in a comment.
const TABLES_MAX: usize = 200;

/// Words in a column's name that ask for a mask, the mask, and why.
const TELLING: [(&str, &str); 16] = [
    ("id_card", "last4"),
    ("idcard", "last4"),
    ("passport", "last4"),
    ("ssn", "last4"),
    ("phone", "last4"),
    ("mobile", "last4"),
    ("iban", "last4"),
    ("card_no", "last4"),
    ("email", "hash"),
    ("first_name", "first"),
    ("last_name", "first"),
    ("full_name", "first"),
    ("name", "first"),
    ("address", "null"),
    ("birth", "year"),
    ("password", "null"),
];

/// The file's text. `law` is a profile's name.
pub async fn draft(steward: &Steward, law: &str) -> Result<String, LockError> {
    let profile = law::profile(law).map_err(|e| LockError::Refused(e.to_string()))?;
    let client = steward.session().await?;
    let live = catalog::read(&client, &steward.resource().id).await?;
    Ok(write(&live, law, &profile.terms))
}

fn write(live: &LiveCatalog, law: &str, terms: &[Term]) -> String {
    let id = format!("{}-contract", live.resource);
    let mut text = String::new();
    head(&mut text, live, &id, law, terms);
    let mut left_out = Vec::new();
    let mut written = 0;
    for ((schema, name), table) in &live.tables {
        if let Some((why, _)) = unsupported(table) {
            left_out.push(format!("# {schema}.{name}: {why}"));
        } else if table.columns.is_empty() {
            left_out.push(format!("# {schema}.{name}: it has no columns"));
        } else if written == TABLES_MAX {
            left_out.push(format!("# {schema}.{name}: more than {TABLES_MAX} tables"));
        } else {
            scope(&mut text, live, &id, schema, name, table);
            written += 1;
        }
    }
    if !left_out.is_empty() {
        let _ = write!(text, "\n# Not offered:\n{}\n", left_out.join("\n"));
    }
    text
}

fn head(text: &mut String, live: &LiveCatalog, id: &str, law: &str, terms: &[Term]) {
    let key = toml_key(id);
    let _ = write!(
        text,
        "# A draft from the catalog of `{}` on resource `{}`. Go through it line by line: what is not needed, take out.\n\
         [contract.{key}]\n\
         title    = \"…\"\n\
         vendor   = \"…\"                              # an applied [vendor.ID]\n\
         law      = {}\n\
         purposes = {{ tickets = \"…\" }}               # what a grant may be asked for\n\
         valid    = {{ from = 2026-01-01, until = 2026-12-31 }}\n",
        live.database,
        live.resource,
        toml_string(law)
    );
    let mut by_key: BTreeMap<&str, Vec<&Term>> = BTreeMap::new();
    for term in terms {
        by_key.entry(&term.term).or_default().push(term);
    }
    let (access, own): (Vec<_>, Vec<_>) = by_key
        .values()
        .partition(|t| t.iter().any(|t| t.term.starts_with("access.")));
    let budget_asked = by_key.contains_key("budget");
    for group in own.iter().filter(|g| g.iter().all(|t| t.term != "budget")) {
        write_terms(text, group, "");
    }
    if !by_key.contains_key("vetting") {
        text.push_str("vetting  = [\"identity\"]                    # what each person needs before he is admitted\n");
    }
    let _ = write!(text, "\n[contract.{key}.access]\n");
    for group in &access {
        write_terms(text, group, "access.");
    }
    for (name, line) in [
        (
            "access.hours",
            "hours    = \"Mon-Fri 08:00-20:00\"      # or \"any\"\n",
        ),
        ("access.timezone", "timezone = \"UTC\"\n"),
        ("access.grant_at_most", "grant_at_most = \"12h\"\n"),
    ] {
        if !by_key.contains_key(name) {
            text.push_str(line);
        }
    }
    let _ = write!(
        text,
        "\n[contract.{key}.methods]                  # absent = forbidden\n\
         lookup    = {{}}                             # row-level reads, traceable to subjects\n\
         aggregate = {{ min_group = 5 }}\n\
         catalog   = {{}}                             # structure of what is in scope\n\
         # plan = {{}}                                # EXPLAIN, without costs\n\
         # tuning = {{}}                              # indexes, vacuum, statistics; the steward must own the tables\n\
         # export = {{}}                              # COPY … TO STDOUT\n"
    );
    let asked = if budget_asked {
        ""
    } else {
        "                      # the law profile asks for none; a ceiling is still wise"
    };
    let _ = write!(
        text,
        "\n[contract.{key}.budget]{asked}\nrows_per_statement = 500\nsubjects_per_day   = 200\nsubjects_total     = 2000\nbytes_per_session  = \"5 MB\"\n"
    );
}

/// One key, with every article that asks for it; what is due only in some cases is a comment.
fn write_terms(text: &mut String, group: &[&Term], prefix: &str) {
    let Some(first) = group.first() else { return };
    for term in group {
        let _ = writeln!(text, "# {}: {}", term.article, term.about);
    }
    let due = group
        .iter()
        .any(|t| t.when == law::When::default() || !t.when.personal.is_empty());
    let example = first.example.strip_prefix(prefix).unwrap_or(&first.example);
    let comment = if due { "" } else { "# " };
    let _ = writeln!(text, "{comment}{example}");
}

fn scope(
    text: &mut String,
    live: &LiveCatalog,
    id: &str,
    schema: &str,
    name: &str,
    table: &LiveTable,
) {
    let subject = subject_of(live, schema, name, table);
    let _ = write!(
        text,
        "\n{}[[contract.{}.scope]]\nresource = {}\ntable    = {}\ngrade    = \"general\"                      # general, important, core\npersonal = {}                     # none, personal, sensitive\n",
        about(table),
        toml_key(id),
        toml_string(&live.resource),
        toml_string(&table_name(schema, name)),
        if subject.is_some() {
            "\"personal\""
        } else {
            "\"none\""
        }
    );
    match &subject {
        Some(subject) => {
            let _ = writeln!(text, "subject  = {}", toml_string(subject));
        }
        None => text.push_str("# subject = \"…\"                           # the column that says whom a row is about\n"),
    }
    let columns: Vec<String> = table.columns.iter().map(|c| toml_string(&c.name)).collect();
    let _ = writeln!(text, "columns  = [{}]", columns.join(", "));
    let masks: Vec<String> = table
        .columns
        .iter()
        .filter(|c| Some(&c.name) != subject.as_ref())
        .filter_map(|c| Some(format!("{} = \"{}\"", toml_key(&c.name), guess_mask(c)?)))
        .collect();
    if !masks.is_empty() {
        let _ = writeln!(text, "mask     = {{ {} }}", masks.join(", "));
    }
    text.push_str(
        "# rows   = \"…\"                            # a condition over this table's own columns\n",
    );
}

fn about(table: &LiveTable) -> String {
    let rows = if table.estimated_rows >= 0.0 {
        format!("# about {:.0} rows\n", table.estimated_rows)
    } else {
        String::new()
    };
    let comment = table
        .comment
        .as_deref()
        .map(|c| format!("# {}\n", c.replace(['\n', '\r'], " ")))
        .unwrap_or_default();
    let owned = if table.steward_may_read {
        ""
    } else {
        "# the steward may not read it yet\n"
    };
    format!("{comment}{rows}{owned}")
}

/// A table that others point to is about its own key; one that points to such a table, about that.
fn subject_of(live: &LiveCatalog, schema: &str, name: &str, table: &LiveTable) -> Option<String> {
    let pointed_at = |s: &str, t: &str| {
        live.tables.values().any(|other| {
            other
                .foreign_keys
                .iter()
                .any(|k| k.target_schema == s && k.target_table == t)
        })
    };
    let own = table
        .unique_keys
        .first()
        .filter(|k| k.len() == 1)
        .and_then(|k| k.first());
    if pointed_at(schema, name) {
        return own.cloned();
    }
    let foreign = table.foreign_keys.iter().find(|k| k.columns.len() == 1);
    foreign.and_then(|k| k.columns.first()).or(own).cloned()
}

fn guess_mask(column: &LiveColumn) -> Option<&'static str> {
    let name = column.name.to_lowercase();
    let (_, mask) = TELLING.iter().find(|(word, _)| name.contains(word))?;
    let text = matches!(column.shape, TypeShape::Text { chars_max } if chars_max.is_none_or(|n| n >= 16) || *mask != "hash");
    let date = matches!(
        column.shape,
        TypeShape::Date | TypeShape::Timestamp | TypeShape::Timestamptz
    );
    match *mask {
        "null" => Some("null"),
        "year" => date.then_some("year"),
        mask => text.then_some(mask),
    }
}

fn table_name(schema: &str, name: &str) -> String {
    let plain = |part: &str| {
        part.chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    let part = |part: &str| {
        if plain(part) {
            part.to_owned()
        } else {
            crate::names::ident(part)
        }
    };
    format!("{}.{}", part(schema), part(name))
}

fn toml_string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn toml_key(key: &str) -> String {
    let bare = !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if bare {
        key.to_owned()
    } else {
        toml_string(key)
    }
}
