//! One file a detector: what it looks for, why that is worth a question, what it remembers.

pub mod budget;
pub mod dormant;
pub mod enumeration;
pub mod growth;
pub mod hours;
pub mod network;
mod novelty;
pub mod program;
pub mod refusals;
pub mod tables;
pub mod two_networks;

use crate::event::{Network, Statement};

/// A statement that ran, and what is known of its session.
pub struct Seen<'a> {
    pub statement: &'a Statement<'a>,
    /// Person and contract, as one name.
    pub who: &'a str,
    /// Days since 1970 in the contract's time zone.
    pub day: i32,
    pub network: Option<Network>,
    pub program: &'a str,
}

/// Tests' statements: each test tells only what matters to it.
#[cfg(test)]
pub mod story {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use jiff::civil::{Date, DateTime, date};
    use jiff::tz::TimeZone;

    use super::Seen;
    use crate::event::{Decision, Network, Statement};
    use crate::keys::Probe;

    pub struct Told {
        pub who: &'static str,
        /// Days after Monday, 2026-01-05.
        pub day: i32,
        pub hour: i8,
        pub minute: i8,
        pub new: u64,
        pub rows: u64,
        pub tables: Vec<String>,
        pub probes: Vec<Probe>,
        pub network: [u8; 3],
        pub program: &'static str,
    }

    impl Default for Told {
        fn default() -> Self {
            Self {
                who: "li",
                day: 0,
                hour: 10,
                minute: 0,
                new: 0,
                rows: 1,
                tables: vec!["clinic.patients".to_owned()],
                probes: Vec::new(),
                network: [10, 8, 0],
                program: "psql",
            }
        }
    }

    pub const MONDAY: Date = date(2026, 1, 5);

    impl Told {
        pub fn local(&self) -> DateTime {
            let date = MONDAY
                .checked_add(jiff::Span::new().days(self.day))
                .unwrap();
            date.at(self.hour, self.minute, 0, 0)
        }

        pub fn look<T>(&self, look: impl FnOnce(&Seen<'_>) -> T) -> T {
            let local = self.local();
            let at = local.to_zoned(TimeZone::UTC).unwrap().timestamp();
            let [a, b, c] = self.network;
            let statement = Statement {
                seq: u64::try_from(at.as_second()).unwrap(),
                at,
                local,
                session: "s",
                person: self.who,
                vendor: "acme",
                contract: "ops",
                resource: "clinic",
                tables: &self.tables,
                decision: Decision::Answered,
                reason: "",
                rows: self.rows,
                subjects: self.new,
                subjects_new: self.new,
                probes: &self.probes,
            };
            look(&Seen {
                statement: &statement,
                who: self.who,
                day: self.day,
                network: Some(Network::of([a, b, c, 7].into())),
                program: self.program,
            })
        }
    }

    /// Working days only.
    pub fn working_days(from: i32, to: i32) -> impl Iterator<Item = i32> {
        (from..to).filter(|day| day.rem_euclid(7) < 5)
    }
}
