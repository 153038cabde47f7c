//! `resource detach` and `attach`: the events, after the second lock has been taken off or put back.

use super::super::authority::{Act, Actor};
use super::super::denied::Denied;
use super::super::event::Event;
use super::super::model::State;

/// Whether the actor may, and the resource is in the other state now.
pub fn check(state: &State, actor: &Actor, resource: &str, detach: bool) -> Result<(), Denied> {
    actor.may(if detach { Act::ResourceDetach } else { Act::ResourceAttach })?;
    let Some(entry) = state.resources.get(resource) else {
        return Err(Denied::invalid("resource.unknown", format!("no resource `{resource}`")));
    };
    match (entry.detached, detach) {
        (true, true) => Err(Denied::invalid("resource.detached", format!("resource `{resource}` is detached already"))),
        (false, false) => Err(Denied::invalid("resource.attached", format!("resource `{resource}` is not detached"))),
        _ => Ok(()),
    }
}

/// Before anything is taken off: sessions end by this event.
pub fn detached(state: &State, actor: &Actor, resource: &str) -> Result<Vec<Event>, Denied> {
    check(state, actor, resource, true)?;
    Ok(vec![Event::ResourceDetached { resource: resource.to_owned() }])
}

/// After all is put back.
pub fn attached(state: &State, actor: &Actor, resource: &str) -> Result<Vec<Event>, Denied> {
    check(state, actor, resource, false)?;
    Ok(vec![Event::ResourceAttached { resource: resource.to_owned() }])
}
