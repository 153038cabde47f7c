//! `portcullis person token|suspend|resume`.

use clap::Subcommand;
use serde_json::{Value, json};

use super::answer::{show, text};
use super::client::Client;
use super::{Exit, Global};

/// Persons' tokens; suspend and resume persons
#[derive(Debug, Subcommand)]
pub enum Person {
    /// A new token, shown once: with it the person requests grants
    Token { person: String },
    /// Out at once: live sessions end within a second
    Suspend {
        person: String,
        #[arg(long)]
        why: String,
    },
    /// Lift the suspension; takes two officers
    Resume { person: String },
}

pub async fn run(global: &Global, command: &Person) -> Result<(), Exit> {
    let client = Client::new(global)?;
    match command {
        Person::Token { person } => {
            let answer = client
                .post(
                    &format!("/v1/persons/{}/token", super::segment(person)),
                    &json!({}),
                )
                .await?;
            show(global, &answer, |answer| say!("{}", text(answer, "/token")));
        }
        Person::Suspend { person, why } => {
            let path = format!("/v1/persons/{}/suspend", super::segment(person));
            let answer = client.post(&path, &json!({ "why": why })).await?;
            show(global, &answer, |a| {
                say!(
                    "person {} is {}",
                    text(a, "/person/id"),
                    text(a, "/person/state")
                )
            });
        }
        Person::Resume { person } => {
            let answer = client
                .post(
                    &format!("/v1/persons/{}/resume", super::segment(person)),
                    &json!({}),
                )
                .await?;
            show(global, &answer, |answer| resumed("person", person, answer));
        }
    }
    Ok(())
}

/// What a `resume` came to.
pub fn resumed(what: &str, name: &str, answer: &Value) {
    let change = text(answer, "/change/id");
    if answer.pointer("/change/state") == Some(&"applied".into()) {
        say!("{what} {name} is resumed");
    } else {
        say!("waits for another officer: portcullis change approve {change}");
    }
}
