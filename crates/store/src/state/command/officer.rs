//! Officers: added by `init` alone; a new token takes another officer.

use super::super::authority::{Act, Actor, Role};
use super::super::denied::Denied;
use super::super::event::Event;
use super::super::model::State;
use super::super::token::TokenHash;

/// Least number of officers with `approver`: with fewer, nothing could ever be approved.
pub const MIN_APPROVERS: usize = 2;

/// The officers of a new data directory.
pub fn add(officers: &[(String, Vec<Role>, TokenHash)]) -> Result<Vec<Event>, Denied> {
    for (index, (name, roles, _)) in officers.iter().enumerate() {
        check_name(name)?;
        if roles.is_empty() {
            return Err(Denied::invalid(
                "officer.roles",
                format!("officer `{name}` has no role"),
            ));
        }
        if officers.iter().take(index).any(|(other, ..)| other == name) {
            return Err(Denied::invalid(
                "officer.twice",
                format!("officer `{name}` is named twice"),
            ));
        }
    }
    let approvers = officers
        .iter()
        .filter(|(_, roles, _)| roles.contains(&Role::Approver))
        .count();
    if approvers < MIN_APPROVERS {
        return Err(Denied::invalid(
            "officer.approvers",
            format!("{approvers} officer(s) with `approver`, at least {MIN_APPROVERS} are needed"),
        )
        .hint("what loosens control takes two different officers: name another with `--officer NAME:approver`"));
    }
    if !officers
        .iter()
        .any(|(_, roles, _)| roles.contains(&Role::Admin))
    {
        return Err(Denied::invalid("officer.admin", "no officer with `admin`")
            .hint("somebody must be able to apply files: `--officer NAME:admin,approver`"));
    }
    let event = |(name, roles, token): &(String, Vec<Role>, TokenHash)| Event::OfficerAdded {
        officer: name.clone(),
        roles: roles.clone(),
        token: Some(*token),
    };
    Ok(officers.iter().map(event).collect())
}

fn check_name(name: &str) -> Result<(), Denied> {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
        return Err(Denied::invalid(
            "officer.name",
            format!("`{name}` is not a name for an officer"),
        )
        .hint("letters, digits, `.`, `-` and `_`, at most 64 bytes"));
    }
    Ok(())
}

/// A new token for an officer, issued by another: the old one ends at once.
pub fn token(
    state: &State,
    actor: &Actor,
    officer: &str,
    token: TokenHash,
) -> Result<Vec<Event>, Denied> {
    actor.may(Act::OfficerToken)?;
    if !state.officers.contains_key(officer) {
        return Err(Denied::invalid(
            "officer.unknown",
            format!("no officer `{officer}`"),
        ));
    }
    if actor.officer() == Some(officer) {
        return Err(
            Denied::authority("authority.same_officer", "nobody issues his own token")
                .hint("ask another officer to run this command"),
        );
    }
    Ok(vec![Event::OfficerToken {
        officer: officer.to_owned(),
        token: Some(token),
    }])
}

/// Somebody tried what he may not.
pub fn refused(attempt: &str, denied: &Denied) -> Event {
    let cut = attempt
        .char_indices()
        .nth(120)
        .map_or(attempt.len(), |(at, _)| at);
    let attempt = attempt.get(..cut).unwrap_or_default().to_owned();
    Event::OfficerRefused {
        attempt,
        code: denied.code.to_owned(),
    }
}
