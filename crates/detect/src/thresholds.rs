//! The detectors' figures, as data: a TOML file of which every key may be left out.

use serde::{Deserialize, Serialize};

const DEFAULTS: &str = include_str!("thresholds.toml");

macro_rules! sections {
    ($($(#[$doc:meta])* $section:ident { $($key:ident: $type:ty),* $(,)? })*) => {
        $($(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $section { $(pub $key: $type),* })*
    };
}

sections! {
    Findings { quiet_days: u32 }
    Budget { percent: u64 }
    Horizon { days: u32, floor: u64 }
    Growth {
        horizons: Vec<Horizon>,
        both: f64,
        alone: f64,
        own_at_least: usize,
        peers_at_least: usize,
        spread_floor: f64,
    }
    Enumeration { progression: usize, adjoining: u32, misses: u32, misses_percent: u32 }
    Hours { known_days: u32, share_permille: u64, subjects: u64, within_days: u32 }
    Novel { known_days: u32, young_days: u32, subjects: u64, within_days: u32 }
    Tables { same_days: u32, tables: usize, subjects: u64, within_days: u32 }
    Dormant { asleep_days: u32, subjects: u64, times_own_day: u64, within_days: u32 }
    Refusals { within_minutes: i64, total: usize, different: usize }
    TwoNetworks { within_minutes: i64 }
    Thresholds {
        findings: Findings,
        budget: Budget,
        growth: Growth,
        enumeration: Enumeration,
        hours: Hours,
        network: Novel,
        program: Novel,
        tables: Tables,
        dormant: Dormant,
        refusals: Refusals,
        two_networks: TwoNetworks,
    }
}

impl Default for Thresholds {
    #[expect(
        clippy::expect_used,
        reason = "the file is part of the program and tested"
    )]
    fn default() -> Self {
        toml::from_str(DEFAULTS).expect("the default thresholds")
    }
}

impl Thresholds {
    /// The defaults, with what the text says instead.
    ///
    /// # Errors
    /// An unknown key, or a value of the wrong type, with its place.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        let mut all: toml::Table = toml::from_str(DEFAULTS)?;
        lay_over(&mut all, toml::from_str(text)?);
        all.try_into()
    }
}

fn lay_over(under: &mut toml::Table, over: toml::Table) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(toml::Value::Table(under)), toml::Value::Table(over)) => lay_over(under, over),
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_defaults_are_readable_and_a_file_changes_what_it_names() {
        let defaults = Thresholds::default();
        assert_eq!(Thresholds::parse("").unwrap(), defaults);
        let other = Thresholds::parse("[budget]\npercent = 60").unwrap();
        assert_eq!(other.budget.percent, 60);
        assert_eq!(other.growth, defaults.growth);
        assert!(Thresholds::parse("[budget]\npercnt = 60").is_err());
    }
}
