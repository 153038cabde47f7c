//! Trace: where a leaked file came from. Reads whatever it is, finds the column of subjects, and
//! weighs who could have given it away.
//!
//! Invariant: nobody is named by chance: a person enters the set that explains a file only with
//! subjects that nobody else in it explains, and that an innocent with his amount of shared work would
//! hardly have (docs/formats/trace.md). Pure: bytes and the ledger's sets are arguments, nothing is
//! kept. Start at [`Leaked::open`] for files, at [`Tally::take`] for the matching.

pub mod columns;
pub mod forms;
pub mod limits;
pub mod matching;
pub mod read;

pub use columns::{Column, Survey, Values};
pub use forms::find_form;
pub use matching::{Leak, LeakBuilder, Ranked, Tally, Trail, Verdict};
pub use read::{Format, Leaked, Unreadable};
