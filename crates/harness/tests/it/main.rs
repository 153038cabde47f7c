//! The test world tested, and the product in it from the outside.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod on_record;
mod world;

mod aggregates;
mod budgets;
mod clients;
mod conformance;
mod crash;
mod detect;
mod disclosed;
mod durable;
mod ends;
mod explain;
mod generator;
mod honest;
mod hostile;
mod leaving;
mod names;
mod noninterference;
mod pipelines;
mod postgres;
mod random;
mod silent;
mod starting;
mod tamper;
mod trace;
mod tuning;
