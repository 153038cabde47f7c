#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod backend;
mod copy;
mod frontend;
mod rows;
mod scram;
mod startup;
