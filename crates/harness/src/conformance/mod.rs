//! Conformance to the contract, shown by difference: two worlds that are equal in what the contracts
//! show and differ in all that they hide. What answers alike on both discloses nothing.
//!
//! Invariant: nothing is explained away. What may differ between two clusters (a process id, the name
//! of a grant) is listed in [`compare`] with its reason; everything else must be equal, byte for byte.
//!
//! Start at [`Twins::start`] and [`Twins::gate`]; [`Run`] takes a stream of cases.

pub mod compare;
pub mod corpus;
pub mod generator;
pub mod honest;
mod order;
mod plan;
mod run;
mod shrink;
mod step;
mod talk;
mod twins;

pub use compare::{Difference, Verdict};
pub use run::{Failure, GENERATOR, Run, Tally, disclosure};
pub use shrink::shrink;
pub use step::{Case, Order, Step};
pub use talk::{Ended, Part, Transcript};
pub use twins::{Around, Outcome, Road, Twins, TwinsOptions};

/// The world's tables, functions and traps; `:side` is 1 or 2.
pub const WORLD_SQL: &str = include_str!("../../conformance/world.sql");
/// The contracts `ops`, `figures` and `upkeep` over it.
pub const CONTRACTS_TOML: &str = include_str!("../../conformance/contracts.toml");
