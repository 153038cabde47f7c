//! `portcullis doctor`: what is well, what isn't, and what to do.

use clap::Args;
use serde_json::Value;

use super::answer::{rows, show, text};
use super::client::Client;
use super::{Exit, Global};

/// Check installation, keys, disk, clock, databases and roads past the gate
#[derive(Debug, Args)]
pub struct Doctor {}

pub async fn run(global: &Global, _: &Doctor) -> Result<(), Exit> {
    let answer = Client::new(global)?.get("/v1/doctor", &[]).await?;
    show(global, &answer, words);
    let failed = rows(&answer, "checks")
        .iter()
        .any(|check| check.get("state") == Some(&"fail".into()));
    if failed { Err(Exit::no()) } else { Ok(()) }
}

fn words(answer: &Value) {
    for check in rows(answer, "checks") {
        say!(
            "{:<5} {:<28} {}",
            text(check, "/state"),
            text(check, "/check"),
            text(check, "/found")
        );
        if let Some(remedy) = check.get("remedy").and_then(Value::as_str) {
            say!("      {:<28} {remedy}", "");
        }
    }
}
