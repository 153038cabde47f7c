//! `portcullis contract new|suspend|resume`.

use clap::Subcommand;
use serde_json::json;

use super::answer::{show, text};
use super::client::Client;
use super::person::resumed;
use super::{Exit, Global};

/// Draft a contract from a live database; suspend and resume contracts
#[derive(Debug, Subcommand)]
pub enum Contract {
    /// Print a contract file to fill in: scope from the live catalog, all terms of the law profile
    New {
        /// A registered resource
        #[arg(long, value_name = "RESOURCE")]
        from: String,
        /// The profile of mandatory terms: none, cn, eu, us-hipaa
        #[arg(long, default_value = "none")]
        law: String,
    },
    /// Nobody works under the contract from now on
    Suspend {
        contract: String,
        #[arg(long)]
        why: String,
    },
    /// Lift the suspension; takes two officers
    Resume { contract: String },
}

pub async fn run(global: &Global, command: &Contract) -> Result<(), Exit> {
    let client = Client::new(global)?;
    match command {
        Contract::New { from, law } => {
            let answer = client
                .get("/v1/contracts/draft", &[("resource", from), ("law", law)])
                .await?;
            show(global, &answer, |answer| {
                put!(
                    "{}",
                    answer
                        .pointer("/draft")
                        .and_then(|draft| draft.as_str())
                        .unwrap_or_default()
                );
            });
        }
        Contract::Suspend { contract, why } => {
            let path = format!("/v1/contracts/{}/suspend", super::segment(contract));
            let answer = client.post(&path, &json!({ "why": why })).await?;
            show(global, &answer, |a| {
                say!(
                    "contract {} is {}",
                    text(a, "/contract/id"),
                    text(a, "/contract/state")
                )
            });
        }
        Contract::Resume { contract } => {
            let path = format!("/v1/contracts/{}/resume", super::segment(contract));
            let answer = client.post(&path, &json!({})).await?;
            show(global, &answer, |answer| {
                resumed("contract", contract, answer)
            });
        }
    }
    Ok(())
}
