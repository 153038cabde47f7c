//! Law profiles: which terms a contract must have, and the article that asks for each. The
//! profiles are data (`law/*.toml`), for counsel to confirm; nothing here is legal advice.

use serde::Deserialize;
use thiserror::Error;

use crate::model::{Contract, Grade, Personal};

/// The profiles, as a contract's `law` names them.
pub const CHOICES: [(&str, &str); 4] = [
    ("none", "none"),
    ("cn", "cn"),
    ("eu", "eu"),
    ("us-hipaa", "us-hipaa"),
];

const TEXTS: [(&str, &str); 4] = [
    ("none", include_str!("../law/none.toml")),
    ("cn", include_str!("../law/cn.toml")),
    ("eu", include_str!("../law/eu.toml")),
    ("us-hipaa", include_str!("../law/us-hipaa.toml")),
];

#[derive(Debug, Error)]
pub enum LawError {
    #[error("no law profile `{0}`")]
    Unknown(String),
    #[error("the law profile `{0}` can't be read: {1}")]
    Broken(String, toml::de::Error),
}

/// The terms that one body of law asks for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    pub title: String,
    #[serde(default, rename = "term")]
    pub terms: Vec<Term>,
}

/// One demand on a contract.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// Key in the contract file, dotted within its tables: `subcontracting`, `access.hours`.
    pub term: String,
    /// Where it comes from.
    pub article: String,
    /// What the term is, in a few words.
    pub about: String,
    /// How one writes it.
    pub example: String,
    /// Asked for only of these contracts; absent = of all.
    #[serde(default)]
    pub when: When,
    /// The list must hold this.
    #[serde(default)]
    pub includes: Option<String>,
    /// Durations.
    #[serde(default)]
    pub at_least: Option<String>,
    #[serde(default)]
    pub at_most: Option<String>,
}

/// Any of these makes a term due; all empty = always.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct When {
    #[serde(default)]
    pub grade: Vec<Grade>,
    #[serde(default)]
    pub personal: Vec<Personal>,
    #[serde(default)]
    pub owner_type: Vec<String>,
}

impl When {
    pub fn applies_to(&self, contract: &Contract) -> bool {
        let always =
            self.grade.is_empty() && self.personal.is_empty() && self.owner_type.is_empty();
        let owner_type = contract
            .terms
            .get("owner_type")
            .and_then(|owner| owner.as_str())
            .unwrap_or_default();
        always
            || contract.scope.iter().any(|table| {
                self.grade.contains(&table.grade) || self.personal.contains(&table.personal)
            })
            || self.owner_type.iter().any(|known| known == owner_type)
    }
}

/// The profile of this name.
pub fn profile(name: &str) -> Result<Profile, LawError> {
    let (_, text) = TEXTS
        .iter()
        .find(|(known, _)| *known == name)
        .ok_or_else(|| LawError::Unknown(name.to_owned()))?;
    toml::from_str(text).map_err(|error| LawError::Broken(name.to_owned(), error))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::file::CONTRACT_KEYS;
    use crate::quantity::parse_duration;

    #[test]
    fn every_profile_reads_and_asks_for_known_keys() {
        for (name, _) in CHOICES {
            let profile = profile(name).unwrap();
            for term in profile.terms {
                let key = term.term.split('.').next().unwrap();
                assert!(CONTRACT_KEYS.contains(&key), "{name}: {}", term.term);
                assert!(
                    !term.article.is_empty() && !term.about.is_empty() && !term.example.is_empty()
                );
                for duration in [&term.at_least, &term.at_most].into_iter().flatten() {
                    parse_duration(duration).unwrap();
                }
                // The example, put into a file, is valid TOML.
                let _: toml::Table = toml::from_str(&term.example).unwrap();
            }
        }
    }
}
