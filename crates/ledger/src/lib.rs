//! The ledger: what is written down of every statement, and the exact account of who has been
//! shown whom.
//!
//! Invariant: an account counts a subject once per holder and window, and never lets a ceiling be
//! passed; replaying the log gives the same accounts. Pure: `now`, keys and salts are arguments.
//! Start at [`Accounts::charge`](accounts::Accounts::charge).

pub mod accounts;
pub mod dictionary;
pub mod disclosure;
pub mod index;
pub mod leaf;
pub mod open;
pub mod set;
pub mod subject;

pub use accounts::{
    Accounts, Charged, Exceeded, Meters, Payer, RowBatch, RowCharge, StatementMeter, TableName,
};
pub use disclosure::DisclosureSet;
pub use leaf::LeafWriter;
pub use open::OpenWork;
pub use subject::{SubjectId, SubjectKey};
