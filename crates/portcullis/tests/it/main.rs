//! Drives the real binary: the commands as officers, persons and scripts use them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod authority;
mod clinic;
mod data_directory;
mod endings;
mod explain;
mod files;
mod many_records;
mod operations;
mod solo;
mod story;
