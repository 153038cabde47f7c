//! `disclosed --subject`: who was shown it.

use serde_json::{Value, json};

use super::Disclosed;
use crate::cli::answer::{rows, show, text};
use crate::cli::client::Client;
use crate::cli::{Exit, Global, table};

pub async fn run(
    global: &Global,
    client: &Client,
    command: &Disclosed,
    key: &str,
) -> Result<(), Exit> {
    let body = json!({
        "key": key, "resource": command.resource, "kind": command.kind, "table": command.table,
    });
    let answer = client.post("/v1/disclosed/subject", &body).await?;
    show(global, &answer, words);
    // An answer that leaves somebody out must not pass for a whole one.
    if answer.get("complete") == Some(&Value::Bool(true)) {
        Ok(())
    } else {
        Err(Exit::incomplete())
    }
}

fn words(answer: &Value) {
    let persons = rows(answer, "persons");
    if persons.is_empty() {
        say!("nobody was shown this subject");
    }
    for person in persons {
        say!(
            "{} ({}) under {} for {}; first {}, last {}",
            text(person, "/person"),
            text(person, "/vendor"),
            text(person, "/contract"),
            text(person, "/purposes"),
            text(person, "/first"),
            text(person, "/last")
        );
        for statement in rows(person, "statements") {
            say!(
                "  {}  event {}  {}  {}",
                text(statement, "/at"),
                text(statement, "/seq"),
                text(statement, "/purpose"),
                text(statement, "/tables")
            );
            if let Some(columns) = statement.get("columns").and_then(Value::as_array) {
                say!("    {}", told(columns, statement));
            }
        }
    }
    for missing in rows(answer, "not_asked") {
        say!(
            "not answered for contract {} on {}: {}",
            text(missing, "/contract"),
            text(missing, "/resource"),
            text(missing, "/why")
        );
    }
    for former in rows(answer, "former_tables") {
        say!(
            "note: {} has left contract {}; its subjects were looked for under its own name and the kinds of {}",
            text(former, "/table"),
            text(former, "/contract"),
            text(former, "/resource")
        );
    }
    match answer.get("withheld").and_then(Value::as_u64) {
        None | Some(0) => {}
        Some(records) => say!("{records} records no longer tell whom they disclosed (removed)"),
    }
    if !persons.is_empty() {
        say!("`portcullis log prove SEQ` proves an event");
    }
}

fn told(columns: &[Value], statement: &Value) -> String {
    let of = |masked: bool| {
        let names: Vec<String> = columns
            .iter()
            .filter(|column| column.get("masked") == Some(&Value::Bool(masked)))
            .map(|column| table::text(column.get("column").unwrap_or(&Value::Null)))
            .collect();
        names.join(", ")
    };
    let (clear, masked) = (of(false), of(true));
    let mut words = Vec::new();
    if !clear.is_empty() {
        words.push(format!("clear: {clear}"));
    }
    if !masked.is_empty() {
        words.push(format!("masked: {masked}"));
    }
    if statement.get("columns_cut") == Some(&Value::Bool(true)) {
        words.push("and more".to_owned());
    }
    words.join("; ")
}
