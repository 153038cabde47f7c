//! Drips and probing: from what the log says of sessions and statements to suspicions, each with its
//! figures and its evidence. Pure: events go in, suspicions come out; no clock, no I/O.
//!
//! Invariant: everything here is a fold. The same events give the same suspicions, whether they come
//! in one go or over any number of snapshots, so a restart raises nothing twice.
//! Start at [`Engine::apply`], then `detectors`: one file each, its reason at the top.

mod cases;
mod detectors;
mod engine;
mod event;
mod keys;
mod leaf;
mod robust;
mod suspicion;
mod thresholds;
mod window;

pub use cases::Owed;
pub use engine::Engine;
pub use event::{Decision, Event, Meter, Network, Recorded, Session, Statement};
pub use keys::{Probe, probes};
pub use leaf::{Leaf, LeafError};
pub use suspicion::{Detector, Severity, Suspicion};
pub use thresholds::Thresholds;
