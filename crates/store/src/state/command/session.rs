//! `session end`: an officer cuts a session off.

use super::super::authority::{Act, Actor};
use super::super::denied::Denied;
use super::super::event::Event;

pub fn end(actor: &Actor, session: &str, why: &str) -> Result<Vec<Event>, Denied> {
    actor.may(Act::SessionEnd)?;
    Ok(vec![Event::SessionEnded {
        session: session.to_owned(),
        why: super::reason(why)?,
    }])
}
