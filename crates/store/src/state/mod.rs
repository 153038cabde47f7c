//! The state: vendors, persons, resources, contracts, changes, grants, officers. Not a database but
//! a fold over the log's events.
//!
//! Invariant: the log is the truth. A command is decided on the state as it is, its event is made
//! durable, and only then does the state take it in; so deleting every cache changes nothing.
//! Start at [`Registry::execute`], then [`command`], then [`State::apply`].

pub mod authority;
pub mod command;
pub mod denied;
pub mod event;
pub mod finding;
mod fold;
pub mod model;
pub mod recorder;
pub mod registry;
pub mod sessions;
pub mod snapshot;
#[cfg(test)]
mod tests;
pub mod token;

pub use authority::{Act, Actor, Role};
pub use denied::{Denied, Fault};
pub use event::{Event, Fact};
pub use finding::{Finding, FindingNote};
pub use model::*;
pub use recorder::{Entry, RecordError, Recorder};
pub use registry::{Admitted, Decision, Principal, Registry};
pub use sessions::{Ending, LiveSession, SessionInfo, SessionTable};
pub use snapshot::{Fold, ReplayError, Replayed, replay, take as take_snapshot};
pub use token::{Token, TokenHash};
