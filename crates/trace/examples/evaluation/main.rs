//! `cargo run -p portcullis-trace --example evaluation`: simulated leaks of known origin, as a table on
//! standard output (docs/evaluation/trace.md; `scripts/evaluate-trace` puts it there).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "an evaluation, not product code"
)]

mod world;

use std::time::Instant;

use world::{Size, Style, outcome};

const SIZE: Size = Size {
    subjects: 100_000,
    persons: 200,
    wards: 20,
    given: 3_000,
};

const ROWS: [(Style, &str); 8] = [
    (Style::OwnWork, "one person, his own work"),
    (Style::OneWard, "one person, his own ward only"),
    (Style::Shadowed, "one person with a shadow"),
    (Style::Slow, "one person, a slow collection"),
    (Style::Pair, "two of different wards"),
    (Style::ClosePair, "two of the same ward"),
    (Style::Elsewhere, "from elsewhere: any patients"),
    (Style::ElsewhereWard, "from elsewhere: a ward"),
];

fn main() {
    let trials: u64 = std::env::args().nth(1).map_or(20, |n| n.parse().unwrap());
    println!(
        "Worlds of {} persons, {} subjects, {} wards, some {} subjects a person; {trials} trials a line.\n",
        SIZE.persons, SIZE.subjects, SIZE.wards, SIZE.given
    );
    println!(
        "| origin | sample | foreign | subjects in file | sources ranked first | set exactly right | somebody found | an innocent named |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let started = Instant::now();
    for (style, name) in ROWS {
        for sample in [1.0, 0.1, 0.01, 0.001] {
            for noise in [0.0, 0.3] {
                line(style, name, sample, noise, trials);
            }
        }
    }
    eprintln!("{:?}", started.elapsed());
}

fn line(style: Style, name: &str, sample: f64, noise: f64, trials: u64) {
    let outcomes: Vec<_> = (0..trials)
        .map(|seed| outcome(seed * 7919 + 17, SIZE, style, sample, noise))
        .collect();
    let count = |of: fn(&world::Outcome) -> bool| outcomes.iter().filter(|o| of(o)).count();
    let size = outcomes.iter().map(|o| o.subjects).sum::<usize>() as u64 / trials.max(1);
    let first = match style {
        Style::Elsewhere | Style::ElsewhereWard => "–".to_owned(),
        _ => format!("{}/{trials}", count(|o| o.first)),
    };
    println!(
        "| {name} | {} % | {:.0} % | {size} | {first} | {}/{trials} | {}/{trials} | {}/{trials} |",
        sample * 100.0,
        noise * 100.0,
        count(|o| o.exact),
        count(|o| o.found),
        count(|o| o.accused),
    );
}
