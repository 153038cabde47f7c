//! Files of every format, and leaks of known origin.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

#[path = "../../examples/evaluation/world.rs"]
mod world;

mod evaluation;
mod files;
mod hostile;
mod matching;
