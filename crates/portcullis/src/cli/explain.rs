//! `portcullis explain`: what a contract would say of statements, without running them.

use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use clap::Args;
use portcullis_gate::explanation::{Explanation, draw};
use serde_json::{Value, json};

use super::client::Client;
use super::{Exit, Global};

/// Show what a contract would say of statements: footprint, decision, what would travel; nothing is run
#[derive(Debug, Args)]
pub struct Explain {
    /// A contract in force (or which one of the file)
    #[arg(long, value_name = "ID", required_unless_present = "contract_file")]
    contract: Option<String>,
    /// A contract file that is not in force: tried against the live catalog, nothing is installed
    #[arg(long, value_name = "FILE")]
    contract_file: Option<PathBuf>,
    /// May be left out where the contract has one only
    #[arg(long, value_name = "ID")]
    resource: Option<String>,
    /// For whom: shows what is left of his budgets
    #[arg(long, value_name = "ID")]
    person: Option<String>,
    /// A purpose of the contract
    #[arg(long, value_name = "PURPOSE")]
    purpose: Option<String>,
    /// A file with the statements
    #[arg(long, value_name = "FILE", conflicts_with = "sql")]
    file: Option<PathBuf>,
    /// The statements; without them and without `--file`, standard input is read
    sql: Option<String>,
}

pub async fn run(global: &Global, command: &Explain) -> Result<(), Exit> {
    let client = Client::new(global)?;
    let mut body = json!({
        "contract": command.contract, "resource": command.resource, "person": command.person,
        "purpose": command.purpose, "sql": statements(command)?,
    });
    if let (Some(path), Some(fields)) = (&command.contract_file, body.as_object_mut()) {
        let name = std::path::absolute(path)
            .map_err(|error| Exit::invalid(format!("`{}`: {error}", path.display())))?;
        fields.insert("file".into(), json!({ "name": name, "text": read(path)? }));
        let color = !global.json && std::io::stderr().is_terminal();
        fields.insert("color".into(), color.into());
    }
    let answer = client.post("/v1/explain", &body).await?;
    if global.json {
        say!("{answer}");
    } else {
        for line in draw(&explanation(&answer)?) {
            say!("{line}");
        }
    }
    match answer.get("allowed") {
        Some(Value::Bool(true)) => Ok(()),
        _ => Err(Exit::no()),
    }
}

fn explanation(answer: &Value) -> Result<Explanation, Exit> {
    serde_json::from_value(answer.clone()).map_err(|error| {
        Exit::unreachable(format!("the server's answer could not be read: {error}"))
    })
}

fn statements(command: &Explain) -> Result<String, Exit> {
    let text = match (&command.sql, &command.file) {
        (Some(sql), _) => sql.clone(),
        (None, Some(path)) if path != Path::new("-") => read(path)?,
        _ => {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .map_err(|error| Exit::invalid(format!("standard input: {error}")))?;
            text
        }
    };
    if text.trim().is_empty() {
        return Err(Exit::invalid("there is no statement to explain"));
    }
    Ok(text)
}

fn read(path: &Path) -> Result<String, Exit> {
    std::fs::read_to_string(path)
        .map_err(|error| Exit::invalid(format!("`{}` cannot be read: {error}", path.display())))
}
