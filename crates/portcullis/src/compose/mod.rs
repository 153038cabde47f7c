//! Puts the parts together: data directory, log, state, second lock, gate, admin API, upkeep.
//! Start at [`serve`].

pub mod config;
pub mod detect;
pub mod gate;
pub mod journal;
pub mod ledger;
pub mod metrics;
pub mod population;
pub mod second_lock;
mod serve;
pub mod server;
pub mod tls;
pub mod upkeep;
mod webhook;

pub use serve::{Listen, serve};
