//! The test world: real PostgreSQL clusters and a real gate, each in a temporary folder, on free
//! ports, gone when dropped.
//!
//! Invariant: nothing that this crate starts outlives the process that asked for it, and nothing it
//! didn't start is ever ended. Children are ended by their process id; should the test process die
//! without unwinding, the kernel ends them (parent-death signal).
//!
//! Start at [`PgCluster::start`] for a database alone, at [`Gate`] for the whole product. Everything
//! here blocks: it may be called from plain tests and from inside a runtime alike.
#![allow(
    clippy::missing_errors_doc,
    reason = "a test world's errors are read, not matched"
)]

mod cache;
mod child;
mod gate;
mod port;
mod postgres;
mod scratch;

pub mod conformance;
pub mod raw;
pub mod sample;

pub use cache::cache_dir;
pub use child::{Child, Launch};
pub use gate::{Actor, Answer, Connect, Gate, GateOptions, OFFICERS, binary};
pub use port::free_port;
pub use postgres::{
    PgCluster, PgOptions, PgVersion, PgVersions, SUPERUSER, SUPERUSER_PASSWORD,
    give_to_server_account, query_rows, server_account,
};
