//! The evaluation: prints the tables of docs/evaluation/detection.md, or with `--write` puts them in.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a program for the docs"
)]

#[path = "../simulation/mod.rs"]
mod simulation;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use portcullis_detect::{Detector, Thresholds};
use simulation::Style;
use simulation::judge::{Judge, judge, tuned};

const DAYS: i32 = 365;
const SEEDS: [u64; 5] = [11, 23, 37, 41, 59];
const BEGIN: &str = "<!-- figures: begin (written by the evaluation) -->\n";
const END: &str = "<!-- figures: end -->";

fn main() {
    let seeds: usize = std::env::args()
        .skip_while(|arg| arg != "--seeds")
        .nth(1)
        .and_then(|n| n.parse().ok())
        .unwrap_or(SEEDS.len());
    let text = tables(&SEEDS[..seeds.min(SEEDS.len())]);
    print!("{text}");
    if std::env::args().any(|arg| arg == "--write") {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../docs/evaluation/detection.md"
        );
        let page = std::fs::read_to_string(path).unwrap();
        let (before, rest) = page.split_once(BEGIN).unwrap();
        let (_, after) = rest.split_once(END).unwrap();
        std::fs::write(path, format!("{before}{BEGIN}{text}{END}{after}")).unwrap();
    }
}

fn tables(seeds: &[u64]) -> String {
    let file = std::env::args()
        .skip_while(|arg| arg != "--thresholds")
        .nth(1);
    let thresholds = file.map_or_else(Thresholds::default, |path| {
        Thresholds::parse(&std::fs::read_to_string(path).unwrap()).unwrap()
    });
    let run = |style| -> Vec<Judge> {
        seeds
            .iter()
            .map(|seed| judge(*seed, DAYS, style, &thresholds))
            .collect()
    };
    let honest = run(None);
    let months = seeds.len() as f64 * f64::from(DAYS) / 30.4;
    let mut alarms: BTreeMap<Detector, u64> = BTreeMap::new();
    for judge in &honest {
        for (detector, n) in &judge.false_alarms {
            *alarms.entry(*detector).or_default() += n;
        }
        if std::env::args().any(|arg| arg == "--why") {
            for line in &judge.told {
                println!("{line}");
            }
        }
    }
    let all: u64 = alarms.values().sum();
    let ceiling = tuned(&honest, all);
    let plain: u64 = honest.iter().map(|judge| judge.plain(ceiling).0).sum();
    let mut out = format!(
        "\nFalse alarms about 30 honest people, {} years of {DAYS} days (seeds {seeds:?}):\n\n\
         | detector | a month |\n|---|---|\n",
        seeds.len()
    );
    for detector in Detector::ALL {
        let n = alarms.get(&detector).copied().unwrap_or(0);
        let _ = writeln!(out, "| {} | {:.2} |", detector.name(), n as f64 / months);
    }
    let _ = writeln!(
        out,
        "| **all** | **{:.2}** |\n| more than {ceiling} rows a day, tuned to that | {:.2} |\n",
        all as f64 / months,
        plain as f64 / months
    );
    out.push_str(
        "Found, and subjects lost until then (median of the years in which it was found):\n\n\
         | collector | found | by | days | lost | lost if unseen | rows a day: found | days | lost |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for style in Style::ALL {
        out.push_str(&row(style, &run(Some(style)), ceiling));
    }
    out.push('\n');
    out
}

fn row(style: Style, judged: &[Judge], ceiling: u64) -> String {
    let verdicts: Vec<_> = judged.iter().map(Judge::verdict).collect();
    let found: Vec<_> = verdicts
        .iter()
        .filter_map(|verdict| verdict.found)
        .collect();
    let plain: Vec<_> = judged
        .iter()
        .filter_map(|judge| judge.plain(ceiling).1)
        .collect();
    let mut by: Vec<_> = verdicts
        .iter()
        .filter_map(|v| v.by)
        .map(Detector::name)
        .collect();
    by.sort_unstable();
    by.dedup();
    let unseen = middle(verdicts.iter().map(|verdict| verdict.lost_in_all).collect());
    format!(
        "| {} | {} of {} | {} | {} | {} | {} | {} of {} | {} | {} |\n",
        style.words(),
        found.len(),
        judged.len(),
        by.join(", "),
        middle(found.iter().map(|(days, _)| *days).collect()),
        middle(found.iter().map(|(_, lost)| *lost).collect()),
        unseen,
        plain.len(),
        judged.len(),
        middle(plain.iter().map(|(days, _)| *days).collect()),
        middle(plain.iter().map(|(_, lost)| *lost).collect()),
    )
}

fn middle<T: Ord + Copy + ToString>(mut values: Vec<T>) -> String {
    values.sort_unstable();
    values
        .get(values.len() / 2)
        .map_or("–".to_owned(), ToString::to_string)
}
