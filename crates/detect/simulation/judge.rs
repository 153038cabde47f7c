//! What is found, what it cost until then, and who is asked for nothing: our detectors, and beside
//! them a plain ceiling of rows a day.

use std::collections::{BTreeMap, HashSet};

use portcullis_detect::{Detector, Engine, Event, Meter, Recorded, Thresholds};

use super::{Style, TURNS_ON, Truth, Watch, Year};

const QUIET_DAYS: i32 = 14;

pub struct Judge {
    pub engine: Engine,
    collectors: Vec<String>,
    day: i32,
    begins: i32,
    /// Findings about honest work, by detector.
    pub false_alarms: BTreeMap<Detector, u64>,
    /// Subjects taken until the first finding about each collector, or none yet.
    lost: Vec<u64>,
    pub found_by: Vec<Option<(Detector, u64, i32)>>,
    /// Rows by person and day, with what had been taken before that day's end.
    pub rows: BTreeMap<(usize, i32), u64>,
    taken_by_day: BTreeMap<(usize, i32), u64>,
    index: BTreeMap<usize, usize>,
    /// Statements that took what was not needed.
    collected: HashSet<u64>,
    /// Everything told, for comparison.
    pub told: Vec<String>,
}

pub struct Verdict {
    /// Days after it began, and subjects lost by then.
    pub found: Option<(i32, u64)>,
    pub by: Option<Detector>,
    pub lost_in_all: u64,
}

impl Judge {
    pub fn of(year: &Year, engine: Engine) -> Self {
        let collectors: Vec<_> = year
            .people
            .iter()
            .enumerate()
            .filter(|(_, p)| p.collects)
            .collect();
        let count = collectors.len();
        Self {
            engine,
            collectors: collectors.iter().map(|(_, p)| p.name.clone()).collect(),
            index: collectors
                .iter()
                .enumerate()
                .map(|(n, (at, _))| (*at, n))
                .collect(),
            day: 0,
            begins: year.style.map_or(TURNS_ON, Style::begins),
            collected: HashSet::new(),
            false_alarms: BTreeMap::new(),
            lost: vec![0; count],
            found_by: vec![None; count],
            rows: BTreeMap::new(),
            taken_by_day: BTreeMap::new(),
            told: Vec::new(),
        }
    }

    fn settle(&mut self) {
        for owed in self.engine.owed() {
            let s = &owed.suspicion;
            self.told
                .push(format!("{} {} {}", owed.finding, s.count, s.reason));
            let collector = self.collectors.iter().position(|name| *name == s.person);
            match collector {
                // By what he took, not by chance.
                Some(at) if s.evidence.iter().any(|seq| self.collected.contains(seq)) => {
                    self.found_by[at].get_or_insert((s.detector, self.lost[at], self.day));
                }
                _ if owed.opens => *self.false_alarms.entry(s.detector).or_default() += 1,
                _ => {}
            }
            let recorded = Recorded {
                finding: owed.finding.clone(),
                suspicion: owed.suspicion,
            };
            self.engine.apply(&Event::Recorded(Box::new(recorded)));
        }
    }

    /// Found when the first of those who act together is; lost is what all had by then.
    pub fn verdict(&self) -> Verdict {
        let first = self
            .found_by
            .iter()
            .flatten()
            .min_by_key(|(_, _, day)| *day);
        let lost_at = |until: i32| {
            self.taken_by_day
                .iter()
                .filter(|((_, day), _)| *day < until)
                .map(|(_, n)| n)
                .sum::<u64>()
        };
        Verdict {
            found: first.map(|(_, lost, day)| {
                let lost = if self.collectors.len() == 1 {
                    *lost
                } else {
                    lost_at(*day + 1)
                };
                (day - self.begins, lost)
            }),
            by: first.map(|(by, ..)| *by),
            lost_in_all: lost_at(i32::MAX),
        }
    }

    /// What a ceiling of rows a day would have found, at the end of the day.
    pub fn plain(&self, ceiling: u64) -> (u64, Option<(i32, u64)>) {
        let mut alarms = 0;
        let mut found: Option<i32> = None;
        let mut last: BTreeMap<usize, i32> = BTreeMap::new();
        for ((person, day), rows) in &self.rows {
            if *rows <= ceiling {
                continue;
            }
            let taken = self
                .taken_by_day
                .get(&(*person, *day))
                .copied()
                .unwrap_or(0);
            if taken > 0 {
                found = Some(found.map_or(*day, |first| first.min(*day)));
            } else if last
                .get(person)
                .is_none_or(|before| day - before >= QUIET_DAYS)
            {
                alarms += 1;
            }
            last.insert(*person, *day);
        }
        let lost = |until: i32| {
            let upto = self
                .taken_by_day
                .iter()
                .filter(|((_, day), _)| *day <= until);
            upto.map(|(_, n)| n).sum()
        };
        (alarms, found.map(|day| (day - self.begins, lost(day))))
    }
}

impl Watch for Judge {
    fn see(&mut self, event: &Event<'_>, truth: Truth) {
        self.day = truth.day;
        *self.rows.entry((truth.person, truth.day)).or_default() += truth.rows;
        if let Some(at) = self.index.get(&truth.person) {
            self.lost[*at] += truth.collected;
            *self
                .taken_by_day
                .entry((truth.person, truth.day))
                .or_default() += truth.collected;
        }
        if let Event::Statement(statement) = event
            && truth.collected > 0
        {
            self.collected.insert(statement.seq);
        }
        self.engine.apply(event);
        self.settle();
    }

    fn meter(&mut self, meter: &Meter<'_>) {
        self.engine.meter(meter);
        self.settle();
    }
}

pub fn judge(seed: u64, days: i32, style: Option<Style>, thresholds: &Thresholds) -> Judge {
    let mut year = Year::new(seed, days, style);
    let mut judge = Judge::of(&year, Engine::new(thresholds.clone(), [3; 32]));
    year.run(&mut judge);
    judge
}

/// The least ceiling of rows a day that asks honest people at most `alarms` times.
pub fn tuned(honest: &[Judge], alarms: u64) -> u64 {
    let (mut low, mut high) = (0, 1_000_000);
    while low + 1 < high {
        let middle = (low + high) / 2;
        let sum: u64 = honest.iter().map(|judge| judge.plain(middle).0).sum();
        if sum <= alarms {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}
