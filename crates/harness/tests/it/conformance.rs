//! The conformance corpus on its three roads: on the bare database it discloses, or it were no test;
//! through the gate and for a grant's role that is logged in directly it does not.
//!
//! `CONFORMANCE_ONLY=class` runs a part, `CONFORMANCE_SHOW=1` prints what each entry came to.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;

use portcullis_harness::conformance::compare::{is_refusal, marked};
use portcullis_harness::conformance::corpus::{self, Entry, Oracle};
use portcullis_harness::conformance::{Outcome, Road, Transcript, Twins};

const AT_LEAST: usize = 300;
const AT_LEAST_A_CLASS: usize = 8;
/// So many entries get rows: through the gate (masked ones, say), and from the views when logged in
/// directly. Refusals alone would show little.
const WITH_ROWS_AT_LEAST: usize = 60;

#[derive(Default)]
struct Figures {
    entries: usize,
    shown_bare: usize,
    refused: usize,
    answered: usize,
    direct: usize,
    excepted: usize,
    with_rows: [usize; 2],
    seconds: [f64; 3],
}

struct Trial {
    twins: Twins,
    extensions: Vec<String>,
    figures: BTreeMap<String, Figures>,
    failures: Vec<String>,
    /// Known and not mended yet.
    open: Vec<String>,
    show: bool,
}

#[test]
fn discloses_bare_and_nowhere_else() {
    let mut entries = corpus::conformance().unwrap();
    let only = env::var("CONFORMANCE_ONLY").ok();
    if let Some(only) = &only {
        entries.retain(|entry| entry.id.starts_with(only.as_str()));
    }
    let mut trial = Trial::start();
    for entry in &entries {
        trial.bare(entry);
    }
    for entry in &entries {
        trial.gate(entry);
    }
    for entry in &entries {
        trial.direct(entry);
    }
    println!("{}", trial.table());
    for open in &trial.open {
        println!("OPEN {open}");
    }
    for failure in &trial.failures {
        println!("{failure}\n");
    }
    assert_eq!(trial.failures.len(), 0, "failures");
    if only.is_none() {
        let shown: usize = trial.figures.values().map(|class| class.shown_bare).sum();
        assert!(shown >= AT_LEAST, "{shown} entries");
        for road in 0..2 {
            let rows = trial.figures.values().map(|class| class.with_rows[road]);
            assert!(rows.sum::<usize>() >= WITH_ROWS_AT_LEAST, "road {road}");
        }
        for (class, figures) in &trial.figures {
            assert!(figures.shown_bare >= AT_LEAST_A_CLASS, "{class}");
        }
    }
}

#[test]
fn every_entry_says_what_it_would_disclose() {
    let entries = corpus::conformance().unwrap();
    let mut texts: BTreeMap<String, &str> = BTreeMap::new();
    for entry in &entries {
        let text = format!("{:?} {:?}", entry.case, entry.around.startup);
        let first = texts.insert(text, &entry.id);
        assert_eq!(first, None, "{} is the same", entry.id);
        if entry.oracle == Oracle::Runs {
            assert!(entry.at_most.is_none(), "{}", entry.id);
        }
    }
}

impl Trial {
    fn start() -> Self {
        let twins = Twins::start().unwrap();
        let extensions = twins
            .rows_in(0, "select name from pg_available_extensions")
            .unwrap();
        Self {
            twins,
            extensions: extensions.into_iter().flatten().flatten().collect(),
            figures: BTreeMap::new(),
            failures: Vec::new(),
            open: Vec::new(),
            show: env::var_os("CONFORMANCE_SHOW").is_some(),
        }
    }

    fn bare(&mut self, entry: &Entry) {
        let figures = self.figures.entry(entry.class.clone()).or_default();
        figures.entries += 1;
        let there = |name: &String| self.extensions.contains(name);
        if !entry.needs.iter().all(there) {
            println!("not shown: {}, {:?} isn't installed", entry.id, entry.needs);
            return;
        }
        let from = std::time::Instant::now();
        let outcome = self
            .twins
            .within(Road::Bare, &entry.case, &entry.bare_around());
        figures.seconds[0] += from.elapsed().as_secs_f64();
        let (outcome, why) = match outcome {
            Err(error) => (None, Some(format!("{error:#}"))),
            Ok(outcome) => (Some(outcome.clone()), entry.not_shown(&outcome)),
        };
        figures.shown_bare += usize::from(why.is_none());
        if let (true, Some(outcome)) = (self.show, &outcome) {
            println!("bare {}\n    {:.600?}", entry.id, outcome.a.shown());
            println!("    {:.600?}", outcome.b.shown());
        }
        if let Some(why) = why {
            self.fails("bare", entry, &why);
        }
    }

    fn gate(&mut self, entry: &Entry) {
        let from = std::time::Instant::now();
        let outcome = self.twins.within(Road::Gate, &entry.case, &entry.around);
        let figures = self.figures.entry(entry.class.clone()).or_default();
        figures.seconds[1] += from.elapsed().as_secs_f64();
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(error) => return self.fails("gate", entry, &format!("{error:#}")),
        };
        let code = first_refusal(&outcome.a);
        match &code {
            Some(_) => figures.refused += 1,
            None => figures.answered += 1,
        }
        figures.with_rows[0] += usize::from(outcome.a.rows() > 0);
        if self.show {
            let shown = outcome.a.shown();
            let shown: Vec<&String> = shown.iter().filter(|m| !m.starts_with('Z')).collect();
            let texts: Vec<&str> = entry.case.steps.iter().filter_map(|s| s.sql()).collect();
            println!(
                "{} {:?}\n    {texts:.300?}\n    {shown:.600?}",
                entry.id, code
            );
        }
        match (discloses(entry, &outcome), &entry.open) {
            (Some(why), None) => self.fails("gate", entry, &why),
            (Some(_), Some(open)) => self.open.push(format!("{}: {open}", entry.id)),
            (None, Some(_)) => self.fails("gate", entry, "mended: take its `open` away"),
            (None, None) => {}
        }
        if entry.refused.is_some() && entry.refused != code {
            let why = format!("refused with {code:?}, not {:?}", entry.refused);
            self.fails("gate", entry, &why);
        }
        if entry.oracle == Oracle::Runs && code.is_none() && entry.answered.is_none() {
            self.fails("gate", entry, "it is not refused");
        }
    }

    fn direct(&mut self, entry: &Entry) {
        let from = std::time::Instant::now();
        for case in [entry.case.clone(), entry.at_the_views()] {
            let outcome = self.twins.within(Road::Direct, &case, &entry.around);
            let figures = self.figures.entry(entry.class.clone()).or_default();
            let rows = outcome.as_ref().map_or(0, |outcome| outcome.a.rows());
            figures.with_rows[1] += usize::from(rows > 0 && case != entry.case);
            let why = match &outcome {
                Err(error) => Some(format!("{error:#}")),
                Ok(outcome) => differs(outcome),
            };
            match (&why, &entry.direct) {
                (None, _) => figures.direct += 1,
                (Some(_), Some(_)) if !outcome.as_ref().is_ok_and(holds_rows) => {
                    figures.excepted += 1;
                }
                (Some(why), _) => self.fails("direct", entry, why),
            }
            if case == entry.case && case == entry.at_the_views() {
                break;
            }
        }
        let figures = self.figures.entry(entry.class.clone()).or_default();
        figures.seconds[2] += from.elapsed().as_secs_f64();
        if self.show && from.elapsed().as_secs() > 0 {
            println!("slow: direct {} {:?}", entry.id, from.elapsed());
        }
    }

    fn fails(&mut self, road: &str, entry: &Entry, why: &str) {
        let texts: Vec<&str> = entry.case.steps.iter().filter_map(|s| s.sql()).collect();
        let text: String = texts.join(" ¶ ").chars().take(300).collect();
        self.failures
            .push(format!("{road} {}\n  {text}\n  {why}", entry.id));
    }

    fn table(&self) -> String {
        let mut table = format!(
            "{:20} {:>7} {:>6} {:>7} {:>8} {:>6} {:>8} {:>9}  seconds\n",
            "class", "entries", "shown", "refused", "answered", "direct", "excepted", "with rows"
        );
        let mut all = Figures::default();
        for (class, one) in &self.figures {
            table += &line(class, one);
            all.entries += one.entries;
            all.shown_bare += one.shown_bare;
            all.refused += one.refused;
            all.answered += one.answered;
            all.direct += one.direct;
            all.excepted += one.excepted;
            for (sum, rows) in all.with_rows.iter_mut().zip(one.with_rows) {
                *sum += rows;
            }
            for (sum, seconds) in all.seconds.iter_mut().zip(one.seconds) {
                *sum += seconds;
            }
        }
        table + &line("all", &all)
    }
}

fn line(class: &str, one: &Figures) -> String {
    let mut line = format!(
        "{class:20} {:7} {:6} {:7} {:8} {:6} {:8} {:4} {:4} ",
        one.entries,
        one.shown_bare,
        one.refused,
        one.answered,
        one.direct,
        one.excepted,
        one.with_rows[0],
        one.with_rows[1]
    );
    for seconds in one.seconds {
        let _ = write!(line, " {seconds:.1}");
    }
    line + "\n"
}

fn first_refusal(said: &Transcript) -> Option<String> {
    let refusal = said.messages().find(|message| is_refusal(message))?;
    let text = String::from_utf8_lossy(&refusal.body).into_owned();
    let code = text.split_once("portcullis[")?.1.split_once(']')?.0;
    Some(code.to_owned())
}

/// Every hidden value of a row has one of these: what no exception covers.
const OF_ROWS: [&str; 2] = ["zq1", "zq2"];

fn holds_rows(outcome: &Outcome) -> bool {
    let messages = outcome.a.messages().chain(outcome.b.messages());
    let mut texts = messages.map(|message| String::from_utf8_lossy(&message.body));
    texts.any(|text| OF_ROWS.iter().any(|marker| text.contains(marker)))
}

/// Why what came over a road is not the same on both sides, or holds hidden data.
fn differs(outcome: &Outcome) -> Option<String> {
    if let Some(difference) = outcome.verdict.difference() {
        return Some(difference.to_string());
    }
    let holds = |said: &Transcript| {
        let steps: Vec<_> = said
            .parts
            .iter()
            .flat_map(|part| part.steps.clone())
            .collect();
        marked(said, &steps)
    };
    let marked = holds(&outcome.a).or_else(|| holds(&outcome.b))?;
    Some(format!("hidden data: {marked}"))
}

fn discloses(entry: &Entry, outcome: &Outcome) -> Option<String> {
    differs(outcome)
        .or_else(|| entry.comes_through(&outcome.a))
        .or_else(|| entry.comes_through(&outcome.b))
}
