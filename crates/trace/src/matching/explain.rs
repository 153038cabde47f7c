//! The verdict: suspects ranked, and the smallest set of persons that explains the file.

use serde::{Deserialize, Serialize};

use super::CHANCE_ACCEPTED;
use super::chance::tail_ln;
use super::mixture::ratio_ln;
use super::patterns::{Pattern, Scene};
use super::tally::{Suspect, Tally, UnderContract};

/// Sets of up to three are tried out of so many; larger ones grow one by one.
const TRIED_TOGETHER: usize = 12;
const MEMBERS_MAX: usize = 8;
/// What a further member must gain, in nats, beside the choice among all persons.
const MEMBER_COSTS: f64 = 7.0;
/// Fewer subjects that only he explains prove nothing.
const GAIN_LEAST: u64 = 3;
/// Chances are told in steps, each rounded up.
const CHANCE_STEPS: usize = 256;

/// One person against the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ranked {
    pub person: String,
    pub contracts: Vec<UnderContract>,
    /// Distinct subjects that he was ever given.
    pub shown: u64,
    /// Of these, the file's.
    pub hits: u64,
    /// Share of the file's subjects.
    pub coverage: f64,
    /// Share of those that were disclosed to anybody at all.
    pub coverage_known: f64,
    /// How many others were given the same, on average.
    pub others: f64,
    /// Hits that nobody else was given.
    pub only: u64,
    /// How much likelier the file is with him as a source, in powers of ten.
    pub ratio_log10: f64,
    /// Chance that one of all persons, innocent, matches as well: a power of ten, at most 0.
    pub chance_log10: f64,
    /// Belongs to the smallest set that explains the file.
    pub in_set: bool,
    /// Hits that the set's (other) members were given too.
    pub explained_by_set: u64,
}

/// A person of the set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Member {
    pub person: String,
    pub hits: u64,
    /// Which no other member was given.
    pub alone: u64,
    /// Chance that an innocent adds as much to the others.
    pub chance_log10: f64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    pub members: Vec<Member>,
    pub explained: u64,
    /// Disclosed to somebody, but to no member.
    pub foreign: u64,
    /// Never disclosed to anybody.
    pub unknown: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The set's members first, then by likelihood.
    pub ranked: Vec<Ranked>,
    pub set: Explanation,
    /// How many persons were weighed.
    pub persons: usize,
    /// Distinct subjects in the file, and of these known to the ledger.
    pub distinct: u64,
    pub known: u64,
}

impl Verdict {
    pub fn found(&self) -> bool {
        !self.set.members.is_empty()
    }
}

/// `suspects`: those of [`Tally::leading`], in its order; `subjects`: all ever disclosed to anybody.
pub fn judge(tally: &Tally<'_>, suspects: &[Suspect], subjects: u64) -> Verdict {
    let scene = Scene::new(tally, suspects, subjects);
    let court = Court {
        persons: tally.persons().len().max(1) as f64,
        scene,
    };
    let singles: Vec<f64> = (0..court.scene.suspects())
        .map(|at| ratio_ln(&court.scene, &court.scene.patterns, &[at]))
        .collect();
    let set = court.smallest_set(&singles);
    let person = |at: usize| {
        let place = suspects.get(at)?.at;
        tally.persons().get(place)
    };
    let mask = mask_of(&set);
    let leak = tally.leak();
    let mut ranked: Vec<(bool, f64, Ranked)> = Vec::new();
    for (at, single) in singles.iter().enumerate() {
        let Some(of) = person(at) else { continue };
        let hits = court.count(|pattern| has(pattern, at));
        let others = court.sum(|pattern| {
            if has(pattern, at) {
                pattern.popularity - 1.0
            } else {
                0.0
            }
        });
        let in_set = has_bit(mask, at);
        let (_, chance) = court.chance_ln(at, 0, u32::MAX);
        ranked.push((
            in_set,
            *single,
            Ranked {
                person: of.person.clone(),
                contracts: of.contracts.clone(),
                shown: court.scene.shown(at) as u64,
                hits,
                coverage: share(hits, leak.distinct()),
                coverage_known: share(hits, u64::from(leak.known())),
                others: others / hits.max(1) as f64,
                only: court.count(|pattern| has(pattern, at) && pattern.popularity < 1.5),
                ratio_log10: single / std::f64::consts::LN_10,
                chance_log10: court.corrected_log10(chance),
                in_set,
                explained_by_set: court
                    .count(|pattern| has(pattern, at) && pattern.who & mask & !(1 << at) != 0),
            },
        ));
    }
    ranked.sort_by(|a, b| (b.0.cmp(&a.0)).then(b.1.total_cmp(&a.1)));
    let explained = court.count(|pattern| pattern.who & mask != 0);
    let mut members: Vec<Member> = set
        .iter()
        .filter_map(|at| {
            let rest = mask & !(1 << at);
            let (alone, chance) = court.chance_ln(*at, rest, !mask);
            Some(Member {
                person: person(*at)?.person.clone(),
                hits: court.count(|pattern| has(pattern, *at)),
                alone,
                chance_log10: court.corrected_log10(chance),
            })
        })
        .collect();
    members.sort_by_key(|member| std::cmp::Reverse(member.hits));
    Verdict {
        ranked: ranked.into_iter().map(|(_, _, ranked)| ranked).collect(),
        set: Explanation {
            members,
            explained,
            foreign: u64::from(leak.known()) - explained.min(u64::from(leak.known())),
            unknown: leak.unknown(),
        },
        persons: tally.persons().len(),
        distinct: leak.distinct(),
        known: u64::from(leak.known()),
    }
}

struct Court {
    scene: Scene,
    persons: f64,
}

impl Court {
    fn sum(&self, of: impl Fn(&Pattern) -> f64) -> f64 {
        let patterns = self.scene.patterns.iter();
        patterns
            .map(|pattern| pattern.count as f64 * of(pattern))
            .sum()
    }

    fn count(&self, of: impl Fn(&Pattern) -> bool) -> u64 {
        let patterns = self.scene.patterns.iter();
        patterns
            .filter(|pattern| of(pattern))
            .map(|p| p.count)
            .sum()
    }

    /// As one of all persons, in powers of ten.
    fn corrected_log10(&self, chance_ln: f64) -> f64 {
        let corrected = (chance_ln + self.persons.ln()).min(0.0) / std::f64::consts::LN_10;
        // JSON has no infinity.
        corrected.max(-1e9)
    }

    /// The suspect's hits among what `explained` (a set of suspects) leaves open, and the logarithm of
    /// the chance that an innocent has as many. Shared work with those in `of` is allowed for.
    ///
    /// Subjects that others were given are one test; those that nobody else was given, together with
    /// the values that the ledger doesn't know, another: the better of two counts double.
    fn chance_ln(&self, suspect: usize, explained: u32, of: u32) -> (u64, f64) {
        let mut steps = [0u64; CHANCE_STEPS + 1];
        let (mut hits, mut lone) = (0, 0);
        for pattern in &self.scene.patterns {
            if pattern.who & explained != 0 {
                continue;
            }
            let his = has(pattern, suspect);
            if his && pattern.popularity < 1.5 {
                lone += pattern.count;
                continue;
            }
            let chance = self.scene.by_work(suspect, pattern, of);
            let step = (chance * CHANCE_STEPS as f64).ceil() as usize;
            if let Some(count) = steps.get_mut(step.min(CHANCE_STEPS)) {
                *count += pattern.count;
            }
            hits += if his { pattern.count } else { 0 };
        }
        let trials: Vec<(f64, u64)> = steps
            .iter()
            .enumerate()
            .filter(|(_, count)| **count > 0)
            .map(|(step, count)| ((step as f64 / CHANCE_STEPS as f64).min(0.999), *count))
            .collect();
        let shared = tail_ln(&trials, hits);
        let unseen = [(self.scene.unseen(suspect), lone + self.scene.unknown)];
        let alone = tail_ln(&unseen, lone);
        let chance = (shared.min(alone) + std::f64::consts::LN_2).min(0.0);
        (hits + lone, chance)
    }

    fn smallest_set(&self, singles: &[f64]) -> Vec<usize> {
        let mut order: Vec<usize> = (0..singles.len()).collect();
        let single = |at: &usize| singles.get(*at).copied().unwrap_or(0.0);
        order.sort_by(|a, b| single(b).total_cmp(&single(a)));
        order.truncate(TRIED_TOGETHER);
        let patterns = self.projected(mask_of(&order));
        let mut tried: Vec<(f64, Vec<usize>)> = subsets(&order)
            .into_iter()
            .map(|set| (self.worth(&patterns, &set), set))
            .filter(|(worth, _)| *worth > 0.0)
            .collect();
        tried.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut set = tried
            .into_iter()
            .find(|(_, set)| self.all_needed(set))
            .map(|(_, set)| set)
            .unwrap_or_default();
        while !set.is_empty() && set.len() < MEMBERS_MAX {
            let Some(grown) = self.grown(&set) else { break };
            set = grown;
        }
        set
    }

    /// With the one further member who gains the most and is needed.
    fn grown(&self, set: &[usize]) -> Option<Vec<usize>> {
        let before = self.worth(&self.scene.patterns, set);
        let mask = mask_of(set);
        let mut grown: Vec<(f64, Vec<usize>)> = (0..self.scene.suspects())
            .filter(|at| !has_bit(mask, *at))
            .filter(|at| self.chance_ln(*at, mask, !mask).0 >= GAIN_LEAST)
            .map(|at| {
                let mut more = set.to_vec();
                more.push(at);
                (self.worth(&self.scene.patterns, &more), more)
            })
            .filter(|(worth, _)| *worth > before)
            .collect();
        grown.sort_by(|a, b| b.0.total_cmp(&a.0));
        grown
            .into_iter()
            .find(|(_, set)| self.all_needed(set))
            .map(|(_, set)| set)
    }

    fn worth(&self, patterns: &[Pattern], set: &[usize]) -> f64 {
        let costs = (self.persons.ln() + MEMBER_COSTS) * set.len() as f64;
        ratio_ln(&self.scene, patterns, set) - costs
    }

    // INVARIANT: each member explains what no other does, and more of it than chance would.
    fn all_needed(&self, set: &[usize]) -> bool {
        let mask = mask_of(set);
        set.iter().all(|member| {
            let (alone, chance) = self.chance_ln(*member, mask & !(1 << member), !mask);
            alone >= GAIN_LEAST && self.corrected_log10(chance) <= CHANCE_ACCEPTED.log10()
        })
    }

    /// The patterns as far as some suspects go: far fewer.
    fn projected(&self, mask: u32) -> Vec<Pattern> {
        let mut sorted: Vec<Pattern> = self
            .scene
            .patterns
            .iter()
            .map(|pattern| Pattern {
                who: pattern.who & mask,
                ..*pattern
            })
            .collect();
        let step = |pattern: &Pattern| (2.0 * pattern.popularity.max(1.0).log2()) as u32;
        sorted.sort_by_key(|pattern| (pattern.who, step(pattern)));
        sorted
            .chunk_by(|a, b| a.who == b.who && step(a) == step(b))
            .filter_map(|alike| {
                let count: u64 = alike.iter().map(|pattern| pattern.count).sum();
                let sum: f64 = alike
                    .iter()
                    .map(|pattern| pattern.count as f64 * pattern.popularity)
                    .sum();
                Some(Pattern {
                    who: alike.first()?.who,
                    count,
                    popularity: sum / count as f64,
                })
            })
            .collect()
    }
}

/// All of one, two and three.
fn subsets(of: &[usize]) -> Vec<Vec<usize>> {
    let mut sets = Vec::new();
    for (i, a) in of.iter().enumerate() {
        sets.push(vec![*a]);
        for (j, b) in of.iter().enumerate().skip(i + 1) {
            sets.push(vec![*a, *b]);
            sets.extend(of.iter().skip(j + 1).map(|c| vec![*a, *b, *c]));
        }
    }
    sets
}

fn mask_of(set: &[usize]) -> u32 {
    set.iter().fold(0, |mask, at| mask | 1 << at)
}

fn has_bit(mask: u32, at: usize) -> bool {
    mask >> at & 1 == 1
}

fn has(pattern: &Pattern, suspect: usize) -> bool {
    has_bit(pattern.who, suspect)
}

fn share(part: u64, of: u64) -> f64 {
    part as f64 / of.max(1) as f64
}
