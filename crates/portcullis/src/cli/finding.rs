//! `portcullis finding list|show`.

use clap::Subcommand;
use serde_json::Value;

use super::answer::{rows, show};
use super::client::Client;
use super::{Exit, Global, table};

/// What must be answered: suspicions of the detectors
#[derive(Debug, Subcommand)]
pub enum Finding {
    /// All findings, the latest first
    List,
    /// One finding, with its reason and its evidence
    Show { id: String },
}

pub async fn run(global: &Global, command: &Finding) -> Result<(), Exit> {
    let client = Client::new(global)?;
    match command {
        Finding::List => {
            let answer = client.get("/v1/findings", &[]).await?;
            let columns = [
                ("FINDING", "finding"),
                ("SEVERITY", "severity"),
                ("DETECTOR", "detector"),
                ("PERSON", "person"),
                ("CONTRACT", "contract"),
                ("RESOURCE", "resource"),
                ("TIMES", "count"),
                ("LAST", "last_at"),
                ("REASON", "reason"),
            ];
            show(global, &answer, |answer| {
                table::print(rows(answer, "findings"), &columns);
            });
        }
        Finding::Show { id } => {
            let path = format!("/v1/findings/{}", super::segment(id));
            let answer = client.get(&path, &[]).await?;
            show(global, &answer, print);
        }
    }
    Ok(())
}

fn print(answer: &Value) {
    let lines = [
        ("finding", "finding"),
        ("severity", "severity"),
        ("detector", "detector"),
        ("person", "person"),
        ("vendor", "vendor"),
        ("contract", "contract"),
        ("resource", "resource"),
        ("first", "first_at"),
        ("last", "last_at"),
        ("times", "count"),
        ("reason", "reason"),
        ("records", "evidence"),
    ];
    for (name, key) in lines {
        let value = answer.pointer(&format!("/finding/{key}"));
        say!("{name:<9} {}", table::text(value.unwrap_or(&Value::Null)));
    }
    let first = answer
        .pointer("/finding/evidence/0")
        .and_then(Value::as_u64);
    if let Some(seq) = first {
        say!("\nits records: `portcullis log export --from {seq}`");
    }
}
