//! Who could have given the file away: counts, chances, and the smallest set that explains it.

mod bits;
mod chance;
mod explain;
mod leak;
mod mixture;
mod patterns;
mod tally;
mod trail;

pub use chance::tail_ln;
pub use explain::{Explanation, Member, Ranked, Verdict, judge};
pub use leak::{Leak, LeakBuilder};
pub use tally::{Suspect, Tally};
pub use trail::{SessionTrail, StatementTrail, Trail, TrailRecord};

/// So many of the persons with the most of the file are looked at closely.
pub const SUSPECTS_MAX: usize = 24;
/// Whoever he is, a person is taken to have seen any of the file's subjects with at least this chance:
/// allows for shared work that the figures don't show.
pub const CHANCE_FLOOR: f64 = 0.05;
/// Shared work may weigh so much more in the file than the accounts show on the whole.
pub const SHARED_WORK_SLACK: f64 = 1.25;
/// A person stands out whose match an innocent of all persons would have with at most this chance.
pub const CHANCE_ACCEPTED: f64 = 1e-3;
