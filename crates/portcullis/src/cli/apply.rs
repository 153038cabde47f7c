//! `portcullis apply`: registers or changes vendors, persons, resources, contracts.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::answer::{rows, show};
use super::client::Client;
use super::{Exit, Global, table};

/// Register or change vendors, persons, resources and contracts; what loosens waits for another officer
#[derive(Debug, Args)]
pub struct Apply {
    /// TOML files (docs/formats/contract.md); all or nothing
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub async fn run(global: &Global, command: &Apply) -> Result<(), Exit> {
    let client = Client::new(global)?;
    let mut files = Vec::new();
    for path in &command.files {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Exit::invalid(format!("`{}` cannot be read: {error}", path.display()))
        })?;
        // Absolute: what a file names beside itself (`password_file`) is read by the server.
        let name = std::path::absolute(path)
            .map_err(|error| Exit::invalid(format!("`{}`: {error}", path.display())))?;
        files.push(json!({ "name": name, "text": text }));
    }
    let color = !global.json && std::io::stderr().is_terminal();
    let answer = client
        .post("/v1/apply", &json!({ "files": files, "color": color }))
        .await?;
    show(global, &answer, words);
    Ok(())
}

fn words(answer: &Value) {
    let changes = rows(answer, "changes");
    if changes.is_empty() {
        say!("nothing to change");
        return;
    }
    table::print(
        changes,
        &[
            ("CHANGE", "id"),
            ("KIND", "kind"),
            ("NAME", "name"),
            ("EFFECT", "effect"),
            ("STATE", "state"),
        ],
    );
    for change in changes {
        for note in rows(change, "notes") {
            say!(
                "  {}: {}",
                table::text(change.get("name").unwrap_or(&Value::Null)),
                table::text(note)
            );
        }
    }
    if let Some(waiting) = changes
        .iter()
        .find(|change| change.get("state") == Some(&"pending".into()))
    {
        let id = table::text(waiting.get("id").unwrap_or(&Value::Null));
        say!("\nwhat loosens waits for another officer: portcullis change approve {id}");
    }
}
