//! A hospital in figures: who was given whom, with shared work and popular patients; and leaks of known
//! origin. All from a seed. Shared by the evaluation and the tests.

use std::collections::BTreeSet;

use portcullis_ledger::set::OrdinalSet;
use portcullis_trace::matching::{Suspect, judge};
use portcullis_trace::{Leak, LeakBuilder, Tally, Verdict};

/// SplitMix64.
#[derive(Clone)]
pub struct Seeded(pub u64);

impl Seeded {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    pub fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[derive(Clone, Copy)]
pub struct Size {
    pub subjects: u32,
    pub persons: usize,
    pub wards: u32,
    /// Subjects that a usual person is given in a year, about.
    pub given: usize,
}

pub struct World {
    pub people: Vec<Person>,
}

pub struct Person {
    pub name: String,
    pub ward: u32,
    pub given: BTreeSet<u32>,
}

impl World {
    /// Persons work for a ward (seven of ten look-ups), for the neighbouring one (two of ten) and for the
    /// whole house. Within a ward some patients are looked up far more often than others (the chance
    /// falls with the square root of the rank). One person in fifty has seen two fifths of everything.
    pub fn new(seed: u64, size: Size) -> Self {
        let mut seeded = Seeded(seed);
        let people = (0..size.persons)
            .map(|at| {
                let ward = at as u32 % size.wards;
                let mut given = BTreeSet::new();
                let many = size.given / 2 + seeded.below(size.given as u64) as usize;
                let sees_all = at % 50 == 49;
                let target = if sees_all {
                    size.subjects as usize * 2 / 5
                } else {
                    many
                };
                // Popular patients come again and again, so it takes more look-ups than subjects.
                for _ in 0..target * 3 {
                    if given.len() >= target {
                        break;
                    }
                    given.insert(match (sees_all, seeded.below(10)) {
                        (true, _) | (_, 9) => seeded.below(u64::from(size.subjects)) as u32,
                        (_, 7 | 8) => of_ward(&mut seeded, (ward + 1) % size.wards, size),
                        _ => of_ward(&mut seeded, ward, size),
                    });
                }
                Person {
                    name: format!("person-{at:04}"),
                    ward,
                    given,
                }
            })
            .collect();
        Self { people }
    }

    pub fn judge(&self, file: &File) -> Verdict {
        let sets: Vec<OrdinalSet> = self
            .people
            .iter()
            .map(|person| person.given.iter().copied().collect())
            .collect();
        self.judge_with(&sets, file)
    }

    pub fn judge_with(&self, sets: &[OrdinalSet], file: &File) -> Verdict {
        let everybody: BTreeSet<u32> = self
            .people
            .iter()
            .flat_map(|p| p.given.iter().copied())
            .collect();
        let leak = file.leak(&everybody);
        let mut tally = Tally::new(&leak);
        for (person, set) in self.people.iter().zip(sets) {
            tally.take(&person.name, "c", set);
        }
        let subjects = everybody.len() as u64;
        let suspects: Vec<Suspect> = tally
            .leading(subjects)
            .into_iter()
            .map(|at| Suspect::new(at, &leak, [&sets[at]]))
            .collect();
        judge(&tally, &suspects, subjects)
    }
}

fn of_ward(seeded: &mut Seeded, ward: u32, size: Size) -> u32 {
    let beds = size.subjects / size.wards;
    // The square of an even draw: density 1 / (2·√rank).
    let rank = seeded.share().powi(2);
    ward * beds + ((rank * f64::from(beds)) as u32).min(beds - 1)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// A usual person gives away what he was given in his work.
    OwnWork,
    /// Beside his work he collects others of the house, a few a day over months, and gives those away.
    Slow,
    /// He gives away only what he has of his own ward: his closest colleagues have much of it too.
    OneWard,
    /// As the first, but a colleague was given nine tenths of the same, and has work of his own besides.
    Shadowed,
    /// Two of different wards put together what each collected.
    Pair,
    /// Two of the same ward do.
    ClosePair,
    /// From elsewhere: any patients of the house.
    Elsewhere,
    /// From elsewhere: a copy of one ward.
    ElsewhereWard,
}

/// A leaked file: subjects of the house, and values that are nobody's.
pub struct File {
    pub sources: Vec<String>,
    pub subjects: BTreeSet<u32>,
    pub nobodys: u64,
}

impl File {
    pub fn leak(&self, known: &BTreeSet<u32>) -> Leak {
        let mut builder = LeakBuilder::default();
        for subject in &self.subjects {
            if known.contains(subject) {
                builder.add(&[*subject]);
            } else {
                builder.add(&[]);
            }
        }
        (0..self.nobodys).for_each(|_| builder.add(&[]));
        builder.finish()
    }
}

/// A world with a leak in it. `sample`: the share of what was collected that is in the file; `noise`:
/// the share of the file that is foreign, half of it patients of the house, half nobody's.
pub fn leak(seed: u64, size: Size, style: Style, sample: f64, noise: f64) -> (World, File) {
    let mut world = World::new(seed, size);
    let mut seeded = Seeded(seed ^ 0x5eed);
    let usual = |seeded: &mut Seeded| loop {
        let at = seeded.below(size.persons as u64) as usize;
        if at % 50 != 49 {
            return at;
        }
    };
    let first = usual(&mut seeded);
    let second = loop {
        let at = usual(&mut seeded);
        let same = world.people[at].ward == world.people[first].ward;
        if at != first && same == matches!(style, Style::ClosePair | Style::Shadowed) {
            break at;
        }
    };
    let sources = match style {
        Style::OwnWork | Style::Slow | Style::OneWard | Style::Shadowed => vec![first],
        Style::Pair | Style::ClosePair => vec![first, second],
        Style::Elsewhere | Style::ElsewhereWard => Vec::new(),
    };
    if style == Style::Shadowed {
        let given = world.people[first].given.clone();
        let shared = given.into_iter().filter(|_| seeded.below(10) < 9);
        world.people[second].given.extend(shared);
    }
    let mut collected = BTreeSet::new();
    for source in &sources {
        let person = &mut world.people[*source];
        match style {
            Style::OwnWork | Style::Shadowed => collected.extend(person.given.iter().copied()),
            Style::OneWard => {
                let beds = size.subjects / size.wards;
                let ward = person.ward * beds..(person.ward + 1) * beds;
                collected.extend(person.given.range(ward));
            }
            _ => {
                for _ in 0..size.given {
                    let subject = seeded.below(u64::from(size.subjects)) as u32;
                    person.given.insert(subject);
                    collected.insert(subject);
                }
            }
        }
    }
    let beds = u64::from(size.subjects / size.wards);
    let start = seeded.below(u64::from(size.wards)) * beds;
    for _ in 0..size.given {
        match style {
            Style::Elsewhere => collected.insert(seeded.below(u64::from(size.subjects)) as u32),
            Style::ElsewhereWard => collected.insert((start + seeded.below(beds)) as u32),
            _ => false,
        };
    }
    let mut subjects: BTreeSet<u32> = collected
        .into_iter()
        .filter(|_| seeded.share() < sample)
        .collect();
    let foreign = (subjects.len() as f64 * noise / (1.0 - noise)) as u64;
    for _ in 0..foreign / 2 {
        subjects.insert(seeded.below(u64::from(size.subjects)) as u32);
    }
    let file = File {
        sources: sources
            .iter()
            .map(|at| world.people[*at].name.clone())
            .collect(),
        subjects,
        nobodys: foreign - foreign / 2,
    };
    (world, file)
}

/// How one trial went.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outcome {
    /// The sources are the first of the ranking, whatever stands out.
    pub first: bool,
    pub found: bool,
    /// Exactly the sources, nobody else.
    pub exact: bool,
    /// An innocent is named.
    pub accused: bool,
    pub subjects: usize,
}

pub fn outcome(seed: u64, size: Size, style: Style, sample: f64, noise: f64) -> Outcome {
    let (world, file) = leak(seed, size, style, sample, noise);
    let verdict = world.judge(&file);
    let mut named: Vec<&str> = verdict
        .set
        .members
        .iter()
        .map(|m| m.person.as_str())
        .collect();
    let mut sources: Vec<&str> = file.sources.iter().map(String::as_str).collect();
    let first: BTreeSet<&str> = verdict
        .ranked
        .iter()
        .take(sources.len())
        .map(|ranked| ranked.person.as_str())
        .collect();
    named.sort_unstable();
    sources.sort_unstable();
    Outcome {
        first: !sources.is_empty() && sources.iter().all(|source| first.contains(source)),
        found: verdict.found(),
        exact: named == sources,
        accused: named.iter().any(|name| !sources.contains(name)),
        subjects: file.subjects.len(),
    }
}
