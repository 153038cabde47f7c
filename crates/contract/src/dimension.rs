//! What groups may be formed by: the rule under which `sql` lets aggregates pass.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A column by which aggregate statements may group and filter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Dimension {
    /// `schema.table`, as the scope has it.
    pub table: String,
    pub column: String,
    /// Cut to this before anything else sees it.
    #[serde(default)]
    pub by: Option<Coarse>,
}

/// How much of a value an aggregate statement sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coarse {
    Day,
    Month,
    Year,
    /// A number rounded down to a multiple.
    Bucket(u64),
}

/// What stands under every aggregate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AggregateRule {
    /// Least distinct subjects behind each figure; 1 = none.
    pub min_group: u64,
    /// `None`: any column in scope may form groups; the floor alone holds.
    pub dimensions: Option<Vec<Dimension>>,
}

impl Default for AggregateRule {
    fn default() -> Self {
        Self {
            min_group: 1,
            dimensions: None,
        }
    }
}

impl Dimension {
    /// Reads `schema.table.column`, with ` by year`, ` by month`, ` by day` or ` by 10` after it.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, by) = match text.split_once(" by ") {
            Some((name, by)) => (name, Some(Coarse::parse(by)?)),
            None => (text, None),
        };
        let mut parts = name.split('.');
        let (schema, table, column) = (parts.next()?, parts.next()?, parts.next()?);
        let whole = parts.next().is_none() && ![schema, table, column].contains(&"");
        whole.then(|| Self {
            table: format!("{schema}.{table}"),
            column: column.to_owned(),
            by,
        })
    }
}

impl Coarse {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "day" => Some(Self::Day),
            "month" => Some(Self::Month),
            "year" => Some(Self::Year),
            width => match width.parse() {
                Ok(width) if (1..=MAX_BUCKET).contains(&width) => Some(Self::Bucket(width)),
                _ => None,
            },
        }
    }
}

/// Fits every number type that a bucket is made over.
const MAX_BUCKET: u64 = 1_000_000_000;

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.table, self.column)?;
        match self.by {
            None => Ok(()),
            Some(Coarse::Day) => f.write_str(" by day"),
            Some(Coarse::Month) => f.write_str(" by month"),
            Some(Coarse::Year) => f.write_str(" by year"),
            Some(Coarse::Bucket(width)) => write!(f, " by {width}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dimension_reads_back_as_it_is_written() {
        for text in [
            "clinic.patients.sex",
            "clinic.visits.visit_date by month",
            "clinic.visits.visit_date by day",
            "clinic.patients.birth_date by year",
            "clinic.patients.age by 10",
        ] {
            assert_eq!(
                Dimension::parse(text).map(|d| d.to_string()).as_deref(),
                Some(text)
            );
        }
        for text in [
            "sex",
            "patients.sex",
            "a.b.c.d",
            "a..c",
            "a.b.c by week",
            "a.b.c by 0",
            "a.b.c by -1",
        ] {
            assert_eq!(Dimension::parse(text), None, "{text}");
        }
    }
}
