//! Inputs that nobody should send: one entry for each parser of foreign bytes.
//!
//! Invariant: an entry answers any bytes without a panic, and what it accepts it can say again byte
//! for byte. The same entries are run by `fuzz/` with libFuzzer and, on a stable compiler, by this
//! crate's tests with seeded mutations of a kept corpus. Start at [`ENTRIES`].

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic here is a finding"
)]

mod backend;
mod copy;
mod files;
mod frontend;
mod log;
mod scram;
mod sql;
mod startup;

pub mod mutate;

/// A parser, with inputs to begin at.
pub struct Entry {
    pub name: &'static str,
    /// Panics where the parser is wrong.
    pub run: fn(&[u8]),
    pub seeds: fn() -> Vec<Vec<u8>>,
}

pub const ENTRIES: &[Entry] = &[
    Entry {
        name: "startup",
        run: startup::run,
        seeds: startup::seeds,
    },
    Entry {
        name: "scram",
        run: scram::run,
        seeds: scram::seeds,
    },
    Entry {
        name: "frontend",
        run: frontend::run,
        seeds: frontend::seeds,
    },
    Entry {
        name: "backend",
        run: backend::run,
        seeds: backend::seeds,
    },
    Entry {
        name: "copy",
        run: copy::run,
        seeds: copy::seeds,
    },
    Entry {
        name: "sql",
        run: sql::run,
        seeds: sql::seeds,
    },
    Entry {
        name: "log",
        run: log::run,
        seeds: log::seeds,
    },
    Entry {
        name: "files",
        run: files::run,
        seeds: files::seeds,
    },
];

/// Runs the entry of that name, for a fuzz target.
pub fn run(name: &str, data: &[u8]) {
    let entry = ENTRIES
        .iter()
        .find(|entry| entry.name == name)
        .expect("a known entry");
    (entry.run)(data);
}
