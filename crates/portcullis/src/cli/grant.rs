//! `portcullis grant request|approve|deny|revoke|list`.

use clap::Subcommand;
use serde_json::json;

use super::answer::{rows, show, text};
use super::client::Client;
use super::{Exit, Global, table};

/// Grants: one person, one contract, one resource, one purpose, for hours
#[derive(Debug, Subcommand)]
pub enum Grant {
    /// Ask for access; by the person, or an officer for him
    Request {
        #[arg(long)]
        person: String,
        #[arg(long)]
        contract: String,
        #[arg(long)]
        resource: String,
        /// One of the contract's purposes
        #[arg(long)]
        purpose: String,
        #[arg(long)]
        ticket: Option<String>,
        /// How long, from the approval on: 30m, 8h, …
        #[arg(long = "for", value_name = "TIME")]
        length: String,
    },
    /// Let him in; not by who requested. The password is shown this once
    Approve { id: String },
    /// Turn a request down
    Deny {
        id: String,
        #[arg(long)]
        why: String,
    },
    /// End a grant now, with its sessions
    Revoke {
        id: String,
        #[arg(long)]
        why: String,
    },
    /// All grants, the latest last
    List {
        /// Only those that wait or live
        #[arg(long)]
        open: bool,
    },
}

pub async fn run(global: &Global, command: &Grant) -> Result<(), Exit> {
    let client = Client::new(global)?;
    match command {
        Grant::Request {
            person,
            contract,
            resource,
            purpose,
            ticket,
            length,
        } => {
            let body = json!({
                "person": person, "contract": contract, "resource": resource,
                "purpose": purpose, "ticket": ticket, "for": length,
            });
            let answer = client.post("/v1/grants", &body).await?;
            show(global, &answer, |a| {
                say!(
                    "grant {} is {}",
                    text(a, "/grant/id"),
                    text(a, "/grant/state")
                );
                warnings(a);
            });
        }
        Grant::Approve { id } => {
            let answer = client
                .post(
                    &format!("/v1/grants/{}/approve", super::segment(id)),
                    &json!({}),
                )
                .await?;
            show(global, &answer, connect);
        }
        Grant::Deny { id, why } => {
            let answer = client
                .post(
                    &format!("/v1/grants/{}/deny", super::segment(id)),
                    &json!({ "why": why }),
                )
                .await?;
            show(global, &answer, |a| {
                say!(
                    "grant {} is {}",
                    text(a, "/grant/id"),
                    text(a, "/grant/state")
                )
            });
        }
        Grant::Revoke { id, why } => {
            let answer = client
                .post(
                    &format!("/v1/grants/{}/revoke", super::segment(id)),
                    &json!({ "why": why }),
                )
                .await?;
            show(global, &answer, |a| {
                say!(
                    "grant {} is {}",
                    text(a, "/grant/id"),
                    text(a, "/grant/state")
                )
            });
        }
        Grant::List { open } => {
            let open = if *open { "true" } else { "false" };
            let answer = client.get("/v1/grants", &[("open", open)]).await?;
            let columns = [
                ("GRANT", "id"),
                ("STATE", "state"),
                ("PERSON", "person"),
                ("CONTRACT", "contract"),
                ("RESOURCE", "resource"),
                ("PURPOSE", "purpose"),
                ("TICKET", "ticket"),
                ("EXPIRES", "expires_at"),
            ];
            show(global, &answer, |answer| {
                table::print(rows(answer, "grants"), &columns)
            });
        }
    }
    Ok(())
}

/// What would still keep the person out.
fn warnings(answer: &serde_json::Value) {
    for warning in rows(answer, "warnings") {
        say!("  note: {}", table::text(warning));
    }
}

fn connect(answer: &serde_json::Value) {
    say!(
        "grant {} is live until {}",
        text(answer, "/grant/id"),
        text(answer, "/connect/expires_at")
    );
    say!("hand this to the person alone; the password is shown this once:\n");
    for key in ["host", "port", "user", "database", "password"] {
        say!("  {key:<9} {}", text(answer, &format!("/connect/{key}")));
    }
    warnings(answer);
}
