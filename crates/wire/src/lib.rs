//! The PostgreSQL protocol, version 3, without any IO: bytes in, messages out, and back.
//!
//! One invariant: **what is judged is what is sent.** A message is either understood to its last byte
//! (UTF-8 texts, counts that match lengths, nothing left over) or it is a named error; nothing is
//! repaired, guessed or cut on the way in, and no declared length is believed before it is checked
//! against a limit of [`limits`].
//!
//! Start at [`startup::take_first`] (the first packet), then [`frontend::take_frame`] (client to
//! server), [`backend::next_frame`] (server to client; the row path, free of allocation) and
//! [`build`] (messages of our own). [`scram`] proves a password, [`copy`] and [`row`] take the tapped
//! subject keys off a result again.

pub mod error;
pub mod limits;

pub mod startup;

pub mod frontend;

pub mod backend;
pub mod row;

pub mod copy;

pub mod build;

pub mod scram;

mod cursor;

pub use error::WireError;
