//! `portcullis session list|end`.

use clap::Subcommand;
use serde_json::json;

use super::answer::{rows, show, text};
use super::client::Client;
use super::{Exit, Global, table};

/// Live sessions
#[derive(Debug, Subcommand)]
pub enum Session {
    /// Who is connected, with counts so far
    List,
    /// Cut a session off
    End {
        id: String,
        #[arg(long)]
        why: String,
    },
}

pub async fn run(global: &Global, command: &Session) -> Result<(), Exit> {
    let client = Client::new(global)?;
    match command {
        Session::List => {
            let answer = client.get("/v1/sessions", &[]).await?;
            let columns = [
                ("SESSION", "session"),
                ("PERSON", "person"),
                ("CONTRACT", "contract"),
                ("RESOURCE", "resource"),
                ("FROM", "client_addr"),
                ("APPLICATION", "application"),
                ("SINCE", "since"),
                ("STATEMENTS", "statements"),
                ("ROWS", "rows"),
                ("BYTES", "bytes"),
                ("SUBJECTS", "subjects"),
            ];
            show(global, &answer, |answer| {
                table::print(rows(answer, "sessions"), &columns)
            });
        }
        Session::End { id, why } => {
            let answer = client
                .post(
                    &format!("/v1/sessions/{}/end", super::segment(id)),
                    &json!({ "why": why }),
                )
                .await?;
            show(global, &answer, |a| {
                say!(
                    "session {} is {}",
                    text(a, "/session/id"),
                    text(a, "/session/state")
                )
            });
        }
    }
    Ok(())
}
