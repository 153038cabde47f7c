//! The contract crate from outside: files in, decisions out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod admission;
mod changes;
mod decisions;
mod diagnostics;
mod published;
mod robustness;
mod sample;
