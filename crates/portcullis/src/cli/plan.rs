//! `portcullis plan`: the SQL of the second lock, before it runs.

use clap::Args;
use serde_json::Value;

use super::answer::{rows, show};
use super::client::Client;
use super::{Exit, Global, table};

/// Show the SQL that Portcullis will run on a database for a contract
#[derive(Debug, Args)]
pub struct Plan {
    /// A registered resource
    resource: String,
    /// A contract in force or waiting
    #[arg(long, value_name = "ID")]
    contract: String,
}

pub async fn run(global: &Global, command: &Plan) -> Result<(), Exit> {
    let query = [
        ("resource", command.resource.as_str()),
        ("contract", command.contract.as_str()),
    ];
    let answer = Client::new(global)?.get("/v1/plan", &query).await?;
    show(global, &answer, |answer| {
        for warning in rows(answer, "warnings") {
            say!("-- {}", table::text(warning));
        }
        for statement in rows(answer, "statements").iter().filter_map(Value::as_str) {
            say!("{};", statement.trim_end().trim_end_matches(';'));
        }
    });
    Ok(())
}
