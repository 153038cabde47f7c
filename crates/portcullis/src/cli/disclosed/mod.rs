//! `portcullis disclosed`: how much of whom a vendor or person was shown; who was shown a subject; the
//! list for a notification.

mod chart;
mod counts;
mod list;
mod subject;

use std::io::Read as _;

use clap::{Args, ValueEnum};

use super::client::Client;
use super::{Exit, Global};

/// Who was shown whom: counts and coverage, a subject's question, the list for a notification
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("question").required(true).args(["to", "subject"]))]
pub struct Disclosed {
    /// Whose disclosures: a vendor or a person (`vendor:ID`, `person:ID` where both exist)
    #[arg(long, value_name = "VENDOR|PERSON")]
    to: Option<String>,
    /// Under this contract alone
    #[arg(long, value_name = "ID", requires = "to")]
    contract: Option<String>,
    /// What the figures are broken down by
    #[arg(long, value_enum, default_value = "contract", requires = "to")]
    by: By,
    /// When this share of all subjects would be reached, for instance `10%`
    #[arg(long, value_name = "SHARE", value_parser = percent, requires = "to")]
    until: Option<f64>,
    /// The chart in plain ASCII
    #[arg(long, requires = "to")]
    ascii: bool,
    /// The affected subjects by name, as CSV or with `--json` as JSON lines; takes two officers
    #[arg(long, requires = "to", conflicts_with_all = ["by", "until", "ascii"])]
    list: bool,
    /// What the list is for; shown to the officer who approves it
    #[arg(long, value_name = "REASON", requires = "list")]
    why: Option<String>,
    /// Who was shown this subject: the value of its key column; `-` reads it from standard input
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    subject: Option<String>,
    /// Where the key is one of this resource
    #[arg(long, value_name = "ID", requires = "subject")]
    resource: Option<String>,
    /// What the key identifies
    #[arg(long, value_name = "KIND", requires = "subject")]
    kind: Option<String>,
    /// A table whose subjects the key is one of
    #[arg(long, value_name = "TABLE", requires = "subject")]
    table: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    Person,
    Contract,
    Table,
    Day,
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim().trim_end_matches('%').trim_end();
    match number.parse::<f64>() {
        Ok(share) if share > 0.0 && share <= 100.0 => Ok(share),
        _ => Err("a share is above 0 % and at most 100 %".to_owned()),
    }
}

pub async fn run(global: &Global, command: &Disclosed) -> Result<(), Exit> {
    let client = Client::new(global)?;
    match (&command.to, &command.subject) {
        (Some(to), _) if command.list => list::run(global, &client, command, to).await,
        (Some(to), _) => counts::run(global, &client, command, to).await,
        (None, Some(key)) => subject::run(global, &client, command, &key_of(key)?).await,
        (None, None) => Err(Exit::invalid("say `--to` or `--subject`")),
    }
}

/// Arguments are visible to others on the machine; standard input is not.
fn key_of(key: &str) -> Result<String, Exit> {
    if key != "-" {
        return Ok(key.to_owned());
    }
    let mut text = String::new();
    std::io::stdin()
        .take(64 << 10)
        .read_to_string(&mut text)
        .map_err(|error| Exit::invalid(format!("standard input: {error}")))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
