//! The second lock on a real PostgreSQL.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod bypass;
mod direct;
mod draft;
mod exposure;
mod keeping;
mod lookalikes;
mod masks;
mod scope;
mod tls;
mod tuning;
mod world;
