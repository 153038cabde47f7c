//! `portcullis init`: makes the data directory and the first officers.

use clap::Args;
use portcullis_store::state::{Actor, Role, Token, TokenHash, command};
use serde_json::json;

use super::{Exit, Global};
use crate::compose::journal;
use crate::datadir::{DataDir, random};

/// Make a data directory: keys, log, certificate and the officers, with their tokens printed once
#[derive(Debug, Args)]
pub struct Init {
    /// An officer and his roles (admin, approver, auditor); at least two with `approver`
    #[arg(long = "officer", value_name = "NAME:ROLE[,ROLE]", required = true)]
    officers: Vec<String>,
}

pub fn run(global: &Global, command: &Init) -> Result<(), Exit> {
    let mut officers = Vec::new();
    for text in &command.officers {
        let (name, roles) = parse(text)?;
        officers.push((name, roles, Token::from_random(random()?)));
    }
    let hashed: Vec<(String, Vec<Role>, TokenHash)> = officers
        .iter()
        .map(|(name, roles, token)| (name.clone(), roles.clone(), token.hash()))
        .collect();
    let events = command::officer_add(&hashed).map_err(|denied| {
        Exit::invalid(match denied.hint {
            Some(hint) => format!("{}\n  hint: {hint}", denied.message),
            None => denied.message,
        })
    })?;
    DataDir::create(&global.data, |dir| {
        journal::begin(dir, &Actor::Server, events)
    })?;
    if global.json {
        let shown: Vec<_> = officers
            .iter()
            .map(|(name, roles, token)| json!({ "name": name, "roles": roles, "token": token.reveal() }))
            .collect();
        say!("{}", json!({ "officers": shown }));
        return Ok(());
    }
    say!(
        "made `{}`; each token is shown this once, hand it to its officer alone:\n",
        global.data.display()
    );
    for (name, roles, token) in &officers {
        let roles: Vec<_> = roles.iter().map(|role| role.name()).collect();
        say!("  {name} ({})\n    {}", roles.join(", "), token.reveal());
    }
    say!("\nnext: portcullis serve --data {}", global.data.display());
    Ok(())
}

fn parse(text: &str) -> Result<(String, Vec<Role>), Exit> {
    let wrong = || {
        Exit::invalid(format!(
            "`{text}` is not NAME:ROLE[,ROLE], for instance `zhang:admin,approver`"
        ))
    };
    let (name, list) = text.split_once(':').ok_or_else(wrong)?;
    let mut roles = Vec::new();
    for word in list.split(',') {
        let role = Role::parse(word.trim()).ok_or_else(|| {
            Exit::invalid(format!(
                "`{word}` is not a role; roles are `admin`, `approver` and `auditor`"
            ))
        })?;
        if roles.contains(&role) {
            return Err(Exit::invalid(format!(
                "role `{word}` is given twice to `{name}`"
            )));
        }
        roles.push(role);
    }
    Ok((name.to_owned(), roles))
}
