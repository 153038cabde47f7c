//! The contract as data: parties, vetting, the five terms (purpose, duration, methods, scope,
//! protection measures) and what follows from them.
//!
//! Invariant: nothing outside this crate decides. An admission and a [`Permit`] are made here and
//! nowhere else, from values alone: no clock, no IO, no randomness. Start at [`decide`](mod@decide).

pub mod budget;
pub mod decide;
pub mod footprint;
pub mod model;
pub mod refusal;

pub use budget::{Budget, Holder, Measure, Window};
pub use decide::{decide, Admission, Permit};
pub use footprint::{Footprint, Shape, TableUse};
pub use model::*;
pub use refusal::{Refusal, SqlState};
