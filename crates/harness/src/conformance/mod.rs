//! Conformance to the contract, shown by difference: two worlds that are equal in what the contracts
//! show and differ in all that they hide. What answers alike on both discloses nothing.

mod step;

pub use step::Step;

/// The world's tables, functions and traps; `:side` is 1 or 2.
pub const WORLD_SQL: &str = include_str!("../../conformance/world.sql");
/// The contracts `ops`, `figures` and `upkeep` over it.
pub const CONTRACTS_TOML: &str = include_str!("../../conformance/contracts.toml");
