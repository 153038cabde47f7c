//! The contract as data: parties, vetting, the five terms (purpose, duration, methods, scope,
//! protection measures) and what follows from them.
//!
//! Invariant: nothing outside this crate decides. An admission and a [`Permit`] are made here and
//! nowhere else, from values alone: no clock, no IO, no randomness. Start at [`decide`](mod@decide)
//! for what a contract does, at [`file::parse`] for how one is written.

mod admit;
pub mod budget;
pub mod change;
pub mod decide;
pub mod dimension;
pub mod file;
pub mod footprint;
pub mod grant;
pub mod hours;
pub mod law;
pub mod local_time;
mod mask;
pub mod model;
pub mod quantity;
pub mod refusal;
pub mod schema;

pub use admit::vetting_gaps;
pub use budget::{Budget, Holder, Measure, Window};
pub use change::{Change, Difference, Effect};
pub use decide::{Admission, AdmissionRequest, Permit, admit, decide, still_admitted};
pub use dimension::{AggregateRule, Coarse, Dimension};
pub use file::suggest::nearest;
pub use file::{Diagnostic, Document, Known, Options, SourceFile};
pub use footprint::{Footprint, Shape, TableUse};
pub use grant::check_grant_request;
pub use local_time::local_day;
pub use model::*;
pub use refusal::{Refusal, SqlState};
