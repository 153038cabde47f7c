//! Ceilings, as data: which measure, over which window, for whom, how much.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    Rows,
    /// Bytes of DataRow/CopyData as delivered.
    Bytes,
    /// Distinct subjects.
    Subjects,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    Statement,
    Session,
    /// A calendar day in the contract's time zone.
    Day,
    /// The whole contract.
    Total,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holder {
    Person,
    /// All of the vendor's people under the contract together (`vendor_…` keys).
    Vendor,
}

/// One ceiling of a contract, for instance `subjects_per_day = 2000`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    pub measure: Measure,
    pub window: Window,
    pub holder: Holder,
    pub limit: u64,
}

impl Budget {
    /// The key as the contract file has it: `rows_per_statement`, `vendor_subjects_total`, …
    pub fn key(&self) -> String {
        let holder = if self.holder == Holder::Vendor { "vendor_" } else { "" };
        let measure = match self.measure {
            Measure::Rows => "rows",
            Measure::Bytes => "bytes",
            Measure::Subjects => "subjects",
        };
        let window = match self.window {
            Window::Statement => "_per_statement",
            Window::Session => "_per_session",
            Window::Day => "_per_day",
            Window::Total => "_total",
        };
        format!("{holder}{measure}{window}")
    }
}
