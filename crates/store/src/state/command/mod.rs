//! The commands: pure decisions on the state. Each takes who asks, what, and when; answers the
//! events that will make it so, or why not. Nothing here has a clock, randomness or IO.
//!
//! Invariant: nobody alone. Every event that loosens control is made by a function that compares
//! the hands behind its two steps ([`super::authority::Hands::differ`]).

mod change;
mod disclosed;
mod explain;
mod grant;
mod officer;
mod person;
mod resource;
mod session;
mod suspension;
mod upkeep;

pub use change::{
    ApplyPlan, Diff, approve as change_approve, check_approval as change_check,
    deny as change_deny, diff, failed as change_failed, request as change_request,
};
pub use disclosed::{DisclosedTo, ListStep, disclosed_list, disclosed_to};
pub use explain::{ExplainGround, ExplainRequest, explain, resource_of as explain_resource};
pub use grant::{
    Approval, GrantRequest, approve as grant_approve, deny as grant_deny, request as grant_request,
    revoke as grant_revoke,
};
pub use officer::{add as officer_add, refused as officer_refused, token as officer_token};
pub use person::token as person_token;
pub use resource::{
    attached as resource_attached, check as resource_check, detached as resource_detached,
};
pub use session::end as session_end;
pub use suspension::{Resumed, resume_contract, resume_person, suspend_contract, suspend_person};
pub use upkeep::{contracts_over, expire, orphaned};

use super::denied::Denied;

/// Longest `--why`, ticket or name: it must fit a leaf.
const MAX_TEXT_BYTES: usize = 400;

/// A reason that an officer gives; needed, and short enough for a leaf.
fn reason(why: &str) -> Result<String, Denied> {
    let why = why.trim();
    if why.is_empty() {
        return Err(Denied::invalid("input.why", "a reason is needed").hint("say it with `--why`"));
    }
    short("why", why)
}

fn short(what: &str, text: &str) -> Result<String, Denied> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(Denied::invalid(
            "input.long",
            format!("`{what}` is longer than {MAX_TEXT_BYTES} bytes"),
        ));
    }
    Ok(text.to_owned())
}
