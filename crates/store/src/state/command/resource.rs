//! `resource detach` and `attach`: the events, after the second lock has been taken off or put back.

use super::super::authority::{Act, Actor};
use super::super::denied::Denied;
use super::super::event::Event;
use super::super::model::State;

/// Whether the actor may. Detaching twice is allowed: the first time, the database may not have answered.
pub fn check(state: &State, actor: &Actor, resource: &str, detach: bool) -> Result<(), Denied> {
    actor.may(if detach {
        Act::ResourceDetach
    } else {
        Act::ResourceAttach
    })?;
    let Some(entry) = state.resources.get(resource) else {
        return Err(Denied::invalid(
            "resource.unknown",
            format!("no resource `{resource}`"),
        ));
    };
    if !detach && !entry.detached {
        return Err(Denied::invalid(
            "resource.attached",
            format!("resource `{resource}` is not detached"),
        ));
    }
    Ok(())
}

/// Before anything is taken off: sessions end by this event.
pub fn detached(state: &State, actor: &Actor, resource: &str) -> Result<Vec<Event>, Denied> {
    check(state, actor, resource, true)?;
    if state
        .resources
        .get(resource)
        .is_some_and(|entry| entry.detached)
    {
        return Ok(Vec::new());
    }
    Ok(vec![Event::ResourceDetached {
        resource: resource.to_owned(),
    }])
}

/// After all is put back.
pub fn attached(state: &State, actor: &Actor, resource: &str) -> Result<Vec<Event>, Denied> {
    check(state, actor, resource, false)?;
    Ok(vec![Event::ResourceAttached {
        resource: resource.to_owned(),
    }])
}
