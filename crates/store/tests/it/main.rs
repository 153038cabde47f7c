//! The store's tests that need a disk.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "tests"
)]

mod log_crash;
mod log_forget;
mod log_kill;
mod log_live;
mod log_mutation;
mod log_python;
mod log_sim_disk;
mod log_world;
