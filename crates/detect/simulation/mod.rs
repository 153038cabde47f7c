//! A year of work on a clinic's database: thirty honest engineers, and who is planted among them.
//! Seeded: the same seed is the same year.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    dead_code,
    reason = "a simulation for tests and the evaluation"
)]

pub mod judge;
pub mod people;
mod styles;

use std::collections::HashSet;

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use portcullis_detect::{Decision, Event, Meter, Probe, Session, Statement};

pub use people::Person;
pub use styles::Style;

pub const FIRST_DAY: Date = date(2025, 1, 6);
/// Patients of the clinic, and its ceiling a person and day.
pub const PATIENTS: u32 = 280_000;
pub const SUBJECTS_PER_DAY: u64 = 2000;
/// Planted collectors do honest work until this day.
pub const TURNS_ON: i32 = 180;

/// `splitmix64`.
#[derive(Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_F491_4F6C_DD1D).wrapping_add(7))
    }
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
    pub fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }
    /// From `low` up to and without `high`.
    pub fn range(&mut self, low: i64, high: i64) -> i64 {
        low + (self.next() % (high - low).max(1) as u64) as i64
    }
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
    pub fn lognormal(&mut self, median: f64, spread: f64) -> f64 {
        median * (self.normal() * spread).exp()
    }
    /// At least 1; a tail without a mean worth the name, cut at `most`.
    pub fn pareto(&mut self, alpha: f64, most: f64) -> u64 {
        (self.unit().max(1e-9).powf(-1.0 / alpha)).min(most) as u64
    }
    pub fn poisson(&mut self, mean: f64) -> u64 {
        let mut left = self.unit();
        let mut p = (-mean).exp();
        let mut n = 0;
        while left > p && n < 400 {
            left -= p;
            n += 1;
            p *= mean / n as f64;
        }
        n
    }
}

/// What somebody does at a minute of a day.
#[derive(Clone, Debug)]
pub enum Deed {
    /// Single look-ups, one statement each.
    Keys(Vec<u32>),
    /// One statement that shows them all.
    List(Vec<u32>),
    /// One statement over a range of keys.
    Range(u32, u32),
    /// A look-up that finds nothing.
    Miss(u32),
    /// Sums, changes, structure: nobody is shown.
    Other,
    Refused(&'static str, u32),
}

#[derive(Clone, Debug)]
pub struct Act {
    pub minute: i32,
    pub person: usize,
    pub network: [u8; 4],
    pub program: &'static str,
    pub table: &'static str,
    pub deed: Deed,
    /// Not for work.
    pub collected: bool,
}

/// One event's truth.
#[derive(Clone, Copy, Debug, Default)]
pub struct Truth {
    pub person: usize,
    pub day: i32,
    pub rows: u64,
    /// New subjects that were taken and not needed.
    pub collected: u64,
}

pub trait Watch {
    fn see(&mut self, event: &Event<'_>, truth: Truth);
    fn meter(&mut self, meter: &Meter<'_>);
}

pub struct Year {
    pub people: Vec<Person>,
    pub style: Option<Style>,
    pub days: i32,
    dice: Dice,
    seq: u64,
    sessions: u64,
}

impl Year {
    pub fn new(seed: u64, days: i32, style: Option<Style>) -> Self {
        let mut dice = Dice::new(seed);
        let mut people = people::thirty(&mut dice, days);
        if let Some(style) = style {
            style.plant(&mut people, &mut dice);
        }
        Self {
            people,
            style,
            days,
            dice,
            seq: 0,
            sessions: 0,
        }
    }

    pub fn run(&mut self, watch: &mut dyn Watch) {
        for day in 0..self.days {
            let mut acts = Vec::new();
            for index in 0..self.people.len() {
                let mut dice = Dice::new(self.dice.next());
                people::work(&self.people[index], index, day, &mut dice, &mut acts);
                if let Some(style) = self.style.filter(|_| self.people[index].collects) {
                    let mut dice = Dice::new(self.dice.next());
                    style.collect(&mut self.people, index, day, &mut dice, &mut acts);
                } else {
                    self.dice.next();
                }
            }
            acts.sort_by_key(|act| act.minute);
            self.live(day, &acts, watch);
        }
    }

    fn live(&mut self, day: i32, acts: &[Act], watch: &mut dyn Watch) {
        let mut sessions: Vec<(usize, [u8; 4], &'static str, String)> = Vec::new();
        let mut today: Vec<HashSet<u32>> = vec![HashSet::new(); self.people.len()];
        for person in &mut self.people {
            person.yesterday = person.today;
            person.today = 0;
        }
        for act in acts {
            let known = sessions.iter().find(|(person, network, program, _)| {
                (*person, *network, *program) == (act.person, act.network, act.program)
            });
            let session = match known {
                Some((.., id)) => id.clone(),
                None => {
                    let id = self.open(day, act, watch);
                    sessions.push((act.person, act.network, act.program, id.clone()));
                    id
                }
            };
            self.act(day, act, &session, &mut today[act.person], watch);
        }
        for (person, .., id) in sessions {
            watch.see(
                &Event::Closed { session: &id },
                Truth {
                    person,
                    day,
                    ..Truth::default()
                },
            );
        }
    }

    fn open(&mut self, day: i32, act: &Act, watch: &mut dyn Watch) -> String {
        self.sessions += 1;
        let id = format!("s-{}", self.sessions);
        let seq = self.next_seq();
        let person = &self.people[act.person];
        let opened = Session {
            seq,
            at: at(day, act.minute, seq).1,
            session: &id,
            person: &person.name,
            vendor: "acme",
            contract: "ops",
            resource: "clinic",
            client_addr: Some(act.network.into()),
            application: act.program,
        };
        let truth = Truth {
            person: act.person,
            day,
            ..Truth::default()
        };
        watch.see(&Event::Opened(opened), truth);
        id
    }

    fn next_seq(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }

    fn act(
        &mut self,
        day: i32,
        act: &Act,
        session: &str,
        today: &mut HashSet<u32>,
        watch: &mut dyn Watch,
    ) {
        let one = |key: u32| (vec![key], vec![probe(key, None)]);
        let statements: Vec<(Vec<u32>, Vec<Probe>)> = match &act.deed {
            Deed::Keys(keys) => keys.iter().map(|key| one(*key)).collect(),
            Deed::List(keys) => vec![(keys.clone(), Vec::new())],
            Deed::Range(low, high) => {
                vec![((*low..=*high).collect(), vec![probe(*low, Some(*high))])]
            }
            Deed::Miss(key) => vec![(Vec::new(), vec![probe(*key, None)])],
            Deed::Other => vec![(Vec::new(), Vec::new())],
            Deed::Refused(..) => vec![(Vec::new(), Vec::new())],
        };
        for (shown, probes) in statements {
            let seq = self.next_seq();
            let (local, at) = at(day, act.minute, seq);
            let person = &mut self.people[act.person];
            let new = shown.iter().filter(|key| person.seen.insert(**key)).count() as u64;
            today.extend(&shown);
            person.today += new;
            let tables = match &act.deed {
                Deed::Refused(_, which) => vec![format!("other.t{which}")],
                _ => vec![act.table.to_owned()],
            };
            let rows = match act.deed {
                Deed::Other => 5,
                _ => shown.len() as u64,
            };
            let statement = Statement {
                seq,
                at,
                local,
                session,
                person: &person.name,
                vendor: "acme",
                contract: "ops",
                resource: "clinic",
                tables: &tables,
                decision: match act.deed {
                    Deed::Refused(..) => Decision::Refused,
                    _ => Decision::Answered,
                },
                reason: match act.deed {
                    Deed::Refused(reason, _) => reason,
                    _ => "",
                },
                rows,
                subjects: shown.len() as u64,
                subjects_new: new,
                probes: &probes,
            };
            let truth = Truth {
                person: act.person,
                day,
                rows,
                collected: if act.collected { new } else { 0 },
            };
            watch.see(&Event::Statement(statement), truth);
            watch.meter(&Meter {
                seq,
                at,
                person: &self.people[act.person].name,
                vendor: "acme",
                contract: "ops",
                resource: "clinic",
                budget: "subjects_per_day",
                day: Some(local.date()),
                used: today.len() as u64,
                limit: SUBJECTS_PER_DAY,
            });
        }
    }
}

/// Numbers of patients are ten digits long.
fn probe(key: u32, high: Option<u32>) -> Probe {
    let number = |key: u32| 4_100_000_000 + u64::from(key);
    Probe {
        column: "patient_id".to_owned(),
        low: number(key),
        high: high.map(number),
    }
}

fn at(day: i32, minute: i32, seq: u64) -> (jiff::civil::DateTime, Timestamp) {
    let date = FIRST_DAY.checked_add(Span::new().days(day)).unwrap();
    let minute = minute.clamp(0, 24 * 60 - 1);
    let local = date.at(
        (minute / 60) as i8,
        (minute % 60) as i8,
        (seq % 60) as i8,
        0,
    );
    (local, local.to_zoned(TimeZone::UTC).unwrap().timestamp())
}
