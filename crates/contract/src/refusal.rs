//! A "no" in plain words: reason code, clause and hint, for the person who must act on it.

use serde::{Deserialize, Serialize};

/// The SQLSTATEs that a refusal carries on the PostgreSQL wire (interface.md, "Connecting as a vendor").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SqlState {
    /// Unknown user, no grant, wrong password: one and the same answer.
    InvalidPassword,
    /// Proof of the password given, but not admitted.
    NotAdmitted,
    /// Out of scope or method.
    OutOfScope,
    /// A budget would be exceeded.
    BudgetExceeded,
    /// Ended by an officer, a suspension or a finding.
    Ended,
    /// A statement or protocol feature that the gate does not pass.
    NotPassed,
    /// The record cannot be written.
    RecordUnwritable,
    /// The statement is not valid SQL.
    Syntax,
    /// The protocol was not kept.
    ProtocolViolation,
    /// The transaction has already failed.
    InFailedTransaction,
    /// The database behind the gate could not be reached.
    CannotConnectNow,
    /// A named limit of the gate was exceeded.
    LimitExceeded,
    /// A cursor or portal that does not exist.
    UnknownCursor,
    /// A prepared statement that does not exist.
    UnknownStatement,
    /// Not inside a transaction block.
    ActiveTransaction,
    /// A prepared statement of that name exists.
    DuplicateStatement,
    /// The statement was cancelled.
    Cancelled,
}

impl SqlState {
    pub const fn code(self) -> &'static str {
        match self {
            Self::InvalidPassword => "28P01",
            Self::NotAdmitted => "28000",
            Self::OutOfScope => "42501",
            Self::BudgetExceeded => "53400",
            Self::Ended => "57P01",
            Self::NotPassed => "0A000",
            Self::RecordUnwritable => "58030",
            Self::Syntax => "42601",
            Self::ProtocolViolation => "08P01",
            Self::InFailedTransaction => "25P02",
            Self::CannotConnectNow => "57P03",
            Self::LimitExceeded => "54000",
            Self::UnknownCursor => "34000",
            Self::UnknownStatement => "26000",
            Self::ActiveTransaction => "25001",
            Self::DuplicateStatement => "42P05",
            Self::Cancelled => "57014",
        }
    }
}

/// Why something is not done. Never quotes a hidden value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    pub sqlstate: SqlState,
    /// Dotted clause path, for instance `scope.column`; listed in `docs/formats/reasons.md`.
    pub reason: String,
    /// Lower case, no full stop, input in backticks.
    pub message: String,
    /// The contract and clause, for instance ``contract `clinic-ops-2026`, clause `scope` ``.
    pub detail: Option<String>,
    /// What the person can do.
    pub hint: Option<String>,
    /// Byte offset in the statement text, if a piece of the statement is at fault.
    pub position: Option<usize>,
}

impl Refusal {
    pub fn new(sqlstate: SqlState, reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            sqlstate,
            reason: reason.into(),
            message: message.into(),
            detail: None,
            hint: None,
            position: None,
        }
    }

    #[must_use]
    pub fn clause(mut self, contract: &str, clause: &str) -> Self {
        self.detail = Some(format!("contract `{contract}`, clause `{clause}`"));
        self
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    #[must_use]
    pub fn at(mut self, byte_offset: usize) -> Self {
        self.position = Some(byte_offset);
        self
    }

    /// What the client reads as MESSAGE: `portcullis[scope.column]: …`.
    pub fn client_message(&self) -> String {
        format!("portcullis[{}]: {}", self.reason, self.message)
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "portcullis[{}]: {}", self.reason, self.message)
    }
}

impl std::error::Error for Refusal {}
