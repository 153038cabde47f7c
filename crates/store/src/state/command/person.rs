//! `person token`: with it a person requests grants for himself.

use super::super::authority::{Act, Actor};
use super::super::denied::Denied;
use super::super::event::Event;
use super::super::model::State;
use super::super::token::TokenHash;

pub fn token(
    state: &State,
    actor: &Actor,
    person: &str,
    token: TokenHash,
) -> Result<Vec<Event>, Denied> {
    actor.may(Act::PersonToken)?;
    if !state.persons.contains_key(person) {
        return Err(
            Denied::invalid("person.unknown", format!("no person `{person}`")).hint(
                "register him with `portcullis apply`; a new person waits for `change approve`",
            ),
        );
    }
    Ok(vec![Event::PersonToken {
        person: person.to_owned(),
        token: Some(token),
    }])
}
