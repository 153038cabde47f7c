//! The detectors as a whole: over a simulated year, over restarts, and with the log's answers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

#[path = "../../simulation/mod.rs"]
mod simulation;

mod evaluation;
mod replay;
