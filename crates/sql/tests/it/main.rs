//! The corpora and properties of understanding, in one binary.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod check;
mod corpora;
mod corpus;
mod dimensions;
mod hostile_sizes;
mod limits;
mod random;
mod reasons;
mod registry;
mod rules;
mod world;
