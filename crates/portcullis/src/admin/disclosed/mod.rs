//! `disclosed`: how much of whom a vendor or person was shown, who was shown a subject, and the list
//! for a notification.
//!
//! Invariant: the question is durable before its answer leaves, and holds no subject's key.
//! Start at [`counts`]; then [`subject`], [`list`].

mod counts;
mod ground;
mod list;
mod pace;
mod subject;
mod subjects;

pub use counts::to;
pub use list::{produce, request};
pub use subject::who;

use portcullis_ledger::SubjectKey;
use portcullis_store::state::Denied;

use crate::compose::gate::subject_key;
use crate::compose::server::Server;

/// The key that the gate makes ids with.
fn ledger_key(server: &Server) -> Result<SubjectKey, Denied> {
    let key = server
        .dir
        .ledger_key()
        .map_err(|error| Denied::unreachable("ledger.key", format!("{error:#}")))?;
    Ok(SubjectKey::new(subject_key(&key)))
}

/// Brings the index up to the log.
fn follow(server: &Server) -> Result<(), Denied> {
    tokio::task::block_in_place(|| server.follow_index()).map_err(|error| {
        Denied::unreachable("log.unreadable", format!("{error:#}"))
            .hint("run `portcullis log verify`")
    })
}
