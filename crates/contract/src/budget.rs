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
    /// Statements that answer with groups: what differences are made of.
    Aggregates,
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

impl Measure {
    pub const ALL: [Self; 4] = [Self::Rows, Self::Bytes, Self::Subjects, Self::Aggregates];
}

impl Window {
    pub const ALL: [Self; 4] = [Self::Statement, Self::Session, Self::Day, Self::Total];
}

impl Holder {
    pub const ALL: [Self; 2] = [Self::Person, Self::Vendor];
}

impl Budget {
    /// Reads a key as the contract file has it; the inverse of [`Budget::key`].
    ///
    /// `vendor_` goes with `_per_day` and `_total` alone: a statement or a session is one person's.
    pub fn parse_key(key: &str) -> Option<(Measure, Window, Holder)> {
        Self::keys()
            .find(|(name, _)| name == key)
            .map(|(_, parts)| parts)
    }

    /// All keys that a contract's `budget` table takes.
    pub fn keys() -> impl Iterator<Item = (String, (Measure, Window, Holder))> {
        let holders = Holder::ALL.into_iter();
        let all = holders.flat_map(|holder| {
            Measure::ALL.into_iter().flat_map(move |measure| {
                Window::ALL
                    .into_iter()
                    .map(move |window| (measure, window, holder))
            })
        });
        all.filter(|(measure, window, holder)| {
            // A statement is one aggregate at most: it needs no ceiling.
            (*measure, *window) != (Measure::Aggregates, Window::Statement)
                && (*holder == Holder::Person || matches!(window, Window::Day | Window::Total))
        })
        .map(|(measure, window, holder)| {
            (
                Self {
                    measure,
                    window,
                    holder,
                    limit: 0,
                }
                .key(),
                (measure, window, holder),
            )
        })
    }

    /// The key as the contract file has it: `rows_per_statement`, `vendor_subjects_total`, …
    pub fn key(&self) -> String {
        let holder = if self.holder == Holder::Vendor {
            "vendor_"
        } else {
            ""
        };
        let measure = match self.measure {
            Measure::Rows => "rows",
            Measure::Bytes => "bytes",
            Measure::Subjects => "subjects",
            Measure::Aggregates => "aggregates",
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
