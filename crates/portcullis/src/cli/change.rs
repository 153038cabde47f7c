//! `portcullis change list|approve|deny`.

use clap::Subcommand;
use serde_json::{Value, json};

use super::answer::{rows, show, text};
use super::client::Client;
use super::{Exit, Global, table};

/// Changes that wait for another officer
#[derive(Debug, Subcommand)]
pub enum Change {
    /// The waiting ones, with what they would do
    List {
        /// Decided ones too
        #[arg(long)]
        all: bool,
    },
    /// Put a change in force; not by who applied it
    Approve { id: String },
    /// Turn a change down, or withdraw one's own
    Deny {
        id: String,
        #[arg(long)]
        why: String,
    },
}

pub async fn run(global: &Global, command: &Change) -> Result<(), Exit> {
    let client = Client::new(global)?;
    match command {
        Change::List { all } => {
            let all = if *all { "true" } else { "false" };
            let answer = client.get("/v1/changes", &[("all", all)]).await?;
            show(global, &answer, list);
        }
        Change::Approve { id } => {
            let answer = client
                .post(
                    &format!("/v1/changes/{}/approve", super::segment(id)),
                    &json!({}),
                )
                .await?;
            show(global, &answer, |a| {
                say!(
                    "change {} is {}",
                    text(a, "/change/id"),
                    text(a, "/change/state")
                )
            });
        }
        Change::Deny { id, why } => {
            let path = format!("/v1/changes/{}/deny", super::segment(id));
            let answer = client.post(&path, &json!({ "why": why })).await?;
            show(global, &answer, |a| {
                say!(
                    "change {} is {}",
                    text(a, "/change/id"),
                    text(a, "/change/state")
                )
            });
        }
    }
    Ok(())
}

fn list(answer: &Value) {
    let changes = rows(answer, "changes");
    if changes.is_empty() {
        say!("no change waits");
    }
    for change in changes {
        say!(
            "{}  {}  by {} at {}",
            text(change, "/id"),
            text(change, "/state"),
            text(change, "/requested_by"),
            text(change, "/at")
        );
        for item in rows(change, "items") {
            say!(
                "  {} {} ({})",
                text(item, "/kind"),
                text(item, "/name"),
                text(item, "/effect")
            );
            for note in rows(item, "notes") {
                say!("    {}", table::text(note));
            }
        }
    }
}
