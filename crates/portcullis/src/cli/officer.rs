//! `portcullis officer token`.

use clap::Subcommand;
use serde_json::json;

use super::answer::{show, text};
use super::client::Client;
use super::{Exit, Global};

/// Officers' tokens
#[derive(Debug, Subcommand)]
pub enum Officer {
    /// A new token for another officer, shown once; the old one ends at once
    Token { name: String },
}

pub async fn run(global: &Global, command: &Officer) -> Result<(), Exit> {
    let Officer::Token { name } = command;
    let answer = Client::new(global)?
        .post(
            &format!("/v1/officers/{}/token", super::segment(name)),
            &json!({}),
        )
        .await?;
    show(global, &answer, |answer| say!("{}", text(answer, "/token")));
    Ok(())
}
