//! What outlives the process: the durable log, and the state that is folded from it.
//!
//! Invariant: the log is the only truth. Everything else in the data directory is a cache that may
//! be deleted. Start at [`state::Registry`].

pub mod log;
pub mod state;
