//! Why a command is not done: whose fault it is decides the exit code.

use serde::Serialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The input cannot be: unknown name, wrong value, wrong moment.
    Invalid,
    /// Somebody else may do it, this one may not.
    Authority,
    /// What it needs does not answer: the database, the disk.
    Unreachable,
}

impl Fault {
    /// The process's exit code (interface.md).
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Invalid => 2,
            Self::Authority => 3,
            Self::Unreachable => 4,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{message}")]
pub struct Denied {
    pub fault: Fault,
    /// Stable and dotted: `grant.unknown`, `authority.same_officer`, …
    pub code: &'static str,
    /// Lower case, no full stop, input in backticks.
    pub message: String,
    pub hint: Option<String>,
}

impl Denied {
    fn new(fault: Fault, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            fault,
            code,
            message: message.into(),
            hint: None,
        }
    }

    pub fn invalid(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Fault::Invalid, code, message)
    }

    pub fn authority(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Fault::Authority, code, message)
    }

    pub fn unreachable(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Fault::Unreachable, code, message)
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
