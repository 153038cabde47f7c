//! A stream of cases through the gates: judged, counted by origin, failures made small.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Instant;

use anyhow::{Context as _, Result};

use super::compare::{self, Difference, Verdict};
use super::generator::Generator;
use super::shrink::shrink;
use super::step::{Case, Order};
use super::twins::{Outcome, Road, Twins};

/// The generator's cases among the figures.
pub const GENERATOR: &str = "generator";
/// So many failures are enough to be read; a run ends early with them.
pub const FAILURES_MAX: usize = 8;

/// What one origin's cases came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub cases: usize,
    /// Answered without an error.
    pub allowed: usize,
    /// By the gate.
    pub refused: usize,
    /// By the database.
    pub errored: usize,
    pub with_rows: usize,
    /// Cases in which a value was left out because one side alone doesn't repeat it.
    pub noisy: usize,
    pub failed: usize,
}

/// A case that told the two sides apart.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Where it is from: a corpus' name, a seed.
    pub name: String,
    pub case: Case,
    /// As small as it could be made, with its own difference.
    pub small: Case,
    pub difference: Difference,
}

/// One run.
pub struct Run<'a> {
    twins: &'a Twins,
    road: Road,
    from: Instant,
    tallies: BTreeMap<String, Tally>,
    pub failures: Vec<Failure>,
}

impl<'a> Run<'a> {
    pub fn new(twins: &'a Twins, road: Road) -> Self {
        Self {
            twins,
            road,
            from: Instant::now(),
            tallies: BTreeMap::new(),
            failures: Vec::new(),
        }
    }

    /// A seed's cases; false: the time was up, or there were failures enough, before all were judged.
    pub fn take_seed(&mut self, seed: u64, cases: usize, until: Instant) -> Result<bool> {
        let mut generator = Generator::new(seed);
        for number in 0..cases {
            if Instant::now() > until || self.is_enough() {
                return Ok(false);
            }
            let case = generator.next_case();
            self.take_as(GENERATOR, &format!("seed {seed}, case {number}"), &case)?;
        }
        Ok(true)
    }

    /// Judges one case; a failure is shrunk and kept.
    pub fn take(&mut self, origin: &str, case: &Case) -> Result<()> {
        self.take_as(origin, origin, case)
    }

    /// `name` stands in a failure's report, `origin` in the figures.
    pub fn take_as(&mut self, origin: &str, name: &str, case: &Case) -> Result<()> {
        let outcome = self
            .twins
            .case(self.road, case)
            .with_context(|| format!("{name}: {case:?}"))?;
        let found = disclosure(case, &outcome);
        let tally = self.tallies.entry(origin.to_owned()).or_default();
        count(tally, &outcome);
        if found.is_none() {
            return Ok(());
        }
        tally.failed += 1;
        if let Some(found) = found {
            let (small, difference) = self.shrunk(case).unwrap_or_else(|| (case.clone(), found));
            self.failures.push(Failure {
                name: name.to_owned(),
                case: case.clone(),
                small,
                difference,
            });
        }
        Ok(())
    }

    /// Smaller, and of the same kind. Where only the sequence of rows differs, what sorts them stays.
    fn shrunk(&self, case: &Case) -> Option<(Case, Difference)> {
        let judge = |smaller: &Case| {
            let outcome = self.twins.case(self.road, smaller).ok()?;
            disclosure(smaller, &outcome)
        };
        let unordered = Case {
            order: Order::Any,
            ..case.clone()
        };
        let from = judge(&unordered).map_or(case, |_| &unordered);
        let kind = judge(from)?.what;
        let sorts = sorting_words(from);
        shrink(from, |smaller| {
            let as_sorted = from.order == Order::Any || sorting_words(smaller) == sorts;
            let found = as_sorted.then(|| judge(smaller)).flatten()?;
            (found.what == kind).then_some(found)
        })
    }

    /// Enough failures for one reading.
    pub fn is_enough(&self) -> bool {
        self.failures.len() >= FAILURES_MAX
    }

    pub fn tally(&self, origin: &str) -> Tally {
        self.tallies.get(origin).copied().unwrap_or_default()
    }

    pub fn total(&self) -> Tally {
        self.tallies
            .values()
            .fold(Tally::default(), |sum, one| Tally {
                cases: sum.cases + one.cases,
                allowed: sum.allowed + one.allowed,
                refused: sum.refused + one.refused,
                errored: sum.errored + one.errored,
                with_rows: sum.with_rows + one.with_rows,
                noisy: sum.noisy + one.noisy,
                failed: sum.failed + one.failed,
            })
    }
}

fn sorting_words(case: &Case) -> usize {
    let count = |sql: &str| sql.to_ascii_lowercase().matches("order by").count();
    case.statements().map(count).sum()
}

/// What tells the sides apart: a difference, or hidden text that came at all.
pub fn disclosure(case: &Case, outcome: &Outcome) -> Option<Difference> {
    if let Verdict::Differs(difference) = &outcome.verdict {
        return Some((**difference).clone());
    }
    let [a, b] = [&outcome.a, &outcome.b].map(|side| compare::marked(side, &case.steps));
    if a.is_none() && b.is_none() {
        return None;
    }
    Some(Difference {
        part: 0,
        what: "hidden text",
        a: a.unwrap_or_default(),
        b: b.unwrap_or_default(),
        unsteady: false,
    })
}

fn count(tally: &mut Tally, outcome: &Outcome) {
    tally.cases += 1;
    let refused = outcome.a.messages().any(compare::is_refusal);
    let errored = !outcome.a.sqlstates().is_empty();
    tally.refused += usize::from(refused);
    tally.errored += usize::from(errored && !refused);
    tally.allowed += usize::from(!errored);
    tally.with_rows += usize::from(outcome.a.rows() > 0);
    tally.noisy += usize::from(matches!(outcome.verdict, Verdict::Same { noise } if noise > 0));
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = |count: usize| (count * 100).checked_div(self.cases).unwrap_or(0);
        write!(
            f,
            "{} cases: {} allowed, {} refused, {} errors; {} gave rows ({} %); {} with a clock or the like; {} FAILED",
            self.cases,
            self.allowed,
            self.refused,
            self.errored,
            self.with_rows,
            share(self.with_rows),
            self.noisy,
            self.failed
        )
    }
}

impl fmt::Display for Run<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (origin, tally) in &self.tallies {
            writeln!(f, "{origin:24} {tally}")?;
        }
        let seconds = self.from.elapsed().as_secs_f64();
        let total = self.total();
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = total.cases as f64 / seconds;
        writeln!(
            f,
            "{:24} {total}; {seconds:.1} s, {rate:.0} a second",
            "all"
        )
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} under `{}`", self.name, self.small.contract)?;
        for step in &self.small.steps {
            writeln!(f, "  {step}")?;
        }
        writeln!(f, "{}", self.difference)?;
        if self.small != self.case {
            writeln!(f, "shrunk from")?;
            for step in &self.case.steps {
                writeln!(f, "  {step}")?;
            }
        }
        Ok(())
    }
}
