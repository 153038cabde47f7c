//! `portcullis resource detach|attach`.

use clap::Subcommand;
use serde_json::json;

use super::answer::{show, text};
use super::client::Client;
use super::{Exit, Global};

/// Free a resource for the owner's migrations, and take it back under control
#[derive(Debug, Subcommand)]
pub enum Resource {
    /// Remove what Portcullis keeps in the database; sessions on it end
    Detach { resource: String },
    /// Put it back; contracts whose scope no longer fits are named, and nothing opens
    Attach { resource: String },
}

pub async fn run(global: &Global, command: &Resource) -> Result<(), Exit> {
    let client = Client::new(global)?;
    let (resource, verb) = match command {
        Resource::Detach { resource } => (resource, "detach"),
        Resource::Attach { resource } => (resource, "attach"),
    };
    let answer = client
        .post(
            &format!("/v1/resources/{}/{verb}", super::segment(resource)),
            &json!({}),
        )
        .await?;
    show(global, &answer, |a| {
        say!(
            "resource {} is {}",
            text(a, "/resource/id"),
            text(a, "/resource/state")
        )
    });
    Ok(())
}
