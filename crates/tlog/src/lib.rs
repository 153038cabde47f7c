//! The transparency log's arithmetic: RFC 6962 hashing, C2SP tiles, proofs, signed notes,
//! checkpoints and cosignatures.
//!
//! Invariant: nothing here reads a clock, a disk or a random source, so an offline verifier that
//! links this crate alone comes to the same answer everywhere.
//!
//! Start with [`tree::TileBuilder`] (how a log grows), then [`proof`] (how one entry or one growth
//! is shown to somebody else), then [`checkpoint`] (what is signed).
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "tests"
    )
)]

pub mod checkpoint;
pub mod cosignature;
pub mod hash;
pub mod note;
pub mod proof;
pub mod tile;
pub mod tree;

pub use checkpoint::Checkpoint;
pub use hash::{Hash, leaf_hash, node_hash};
pub use note::{Note, NoteError, VerifierKey};
