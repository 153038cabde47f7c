//! A seeded generator over the grammar: trials that look for what a contract hides.
//!
//! It knows the world's schema, so most of what it writes is well typed and runs; the rest is wrong on
//! purpose. Invariant: the same seed gives the same cases on every machine, and a case whose answers
//! could differ without anything being disclosed (ties under LIMIT, the clock, chance) is not made, or
//! is marked by its [`Order`](super::Order).
//!
//! Start at [`Generator`]; `forms` and `others` are the language as data, [`coverage`] counts what of
//! the grammar was made.

mod catalog;
pub mod coverage;
mod features;
mod forms;
mod from;
mod groups;
mod others;
mod probes;
mod random;
mod schema;
mod select;
mod statements;
mod writer;

use self::random::Random;
use self::statements::{Family, Trial};
use self::writer::Writer;
use super::{Case, Step};

/// How much oftener or seldomer a seed makes a family of statements.
const FACTORS: &[usize] = &[0, 1, 1, 2, 4];

/// How far apart two seeds begin in the list of statements that are not queries.
const TURNS: usize = 4;

/// Draws cases from a seed. Each seed uses a part of the language only.
#[derive(Debug)]
pub struct Generator {
    writer: Writer,
    weights: Vec<(Family, usize)>,
}

impl Generator {
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut weights = Vec::new();
        for family in Family::ALL {
            let factor = random.choose(FACTORS).copied().unwrap_or(1);
            weights.push((*family, family.weight() * factor));
        }
        // Never left out: what else there is would not come, or not in turn.
        weights.push((Family::Rows, 1));
        weights.push((Family::Other, 2));
        weights.push((Family::Probe, 4));
        let mut writer = Writer::new(random);
        let turn = usize::try_from(seed)
            .unwrap_or_default()
            .wrapping_mul(TURNS);
        (writer.turn, writer.query_turn) = (turn, turn);
        Self { writer, weights }
    }

    pub fn next_case(&mut self) -> Case {
        self.writer.restart();
        let family = self.family();
        let contract = self.contract(family);
        self.writer.figures = contract == "figures";
        // Under the contract for figures nothing but groups has rows to show.
        let family = match (contract, family) {
            ("figures", Family::Rows) => Family::Groups,
            _ => family,
        };
        let mut trial = self.writer.trial(family);
        trial.total &= !self.writer.loose;
        case(contract, trial)
    }

    fn family(&mut self) -> Family {
        let sum = self.weights.iter().map(|(_, weight)| weight).sum();
        let mut left = self.writer.random.below(sum);
        for (family, weight) in &self.weights {
            if left < *weight {
                return *family;
            }
            left -= weight;
        }
        Family::Rows
    }

    fn contract(&mut self, family: Family) -> &'static str {
        use Family as Of;
        match (family, self.writer.random.below(40)) {
            (Of::Tuning, 0..35) => "upkeep",
            (Of::Catalog | Of::Explain | Of::Other | Of::Setting, 0..4) => "upkeep",
            (Of::Groups, 0..16) => "figures",
            (_, 0) => "figures",
            _ => "ops",
        }
    }
}

fn case(contract: &str, trial: Trial) -> Case {
    Case {
        contract: contract.to_owned(),
        order: trial.order(),
        steps: trial.steps,
    }
}

impl Case {
    /// The texts that it sends to be parsed.
    pub fn statements(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|step| match step {
            Step::Query(sql) | Step::Parse { sql, .. } => Some(sql.as_str()),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_cases() {
        let cases = |seed| {
            let mut generator = Generator::new(seed);
            (0..50).map(|_| generator.next_case()).collect::<Vec<_>>()
        };
        assert_eq!(cases(7), cases(7));
        assert_ne!(cases(7), cases(8));
    }
}
