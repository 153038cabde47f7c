//! A small share of docs/evaluation/trace.md, with bounds.

use crate::world::{Size, Style, outcome};

const SIZE: Size = Size {
    subjects: 20_000,
    persons: 60,
    wards: 6,
    given: 1_500,
};

#[track_caller]
fn check(style: Style, sample: f64, noise: f64, exact_least: usize, accused_most: usize) {
    let outcomes: Vec<_> = (0..6)
        .map(|seed| outcome(seed * 31 + 5, SIZE, style, sample, noise))
        .collect();
    let exact = outcomes.iter().filter(|o| o.exact).count();
    let accused = outcomes.iter().filter(|o| o.accused).count();
    let told = format!("{style:?} {sample} {noise}: {outcomes:?}");
    assert!(exact >= exact_least && accused <= accused_most, "{told}");
    let from_here = !matches!(style, Style::Elsewhere | Style::ElsewhereWard);
    // Whoever is named heads the ranking.
    let headed = outcomes.iter().all(|o| o.first || !(o.exact && from_here));
    assert!(headed, "{told}");
    let silent = outcomes.iter().all(|o| o.found || !o.accused);
    assert!(silent && outcomes.iter().all(|o| o.subjects > 0), "{told}");
}

#[test]
fn one_source_is_found() {
    check(Style::OwnWork, 1.0, 0.0, 6, 0);
    check(Style::OwnWork, 0.1, 0.3, 6, 0);
    check(Style::Slow, 1.0, 0.3, 6, 0);
    check(Style::Slow, 0.1, 0.0, 6, 0);
    check(Style::OneWard, 0.5, 0.0, 5, 0);
    check(Style::Shadowed, 1.0, 0.0, 5, 0);
}

#[test]
fn two_are_found_together() {
    check(Style::Pair, 1.0, 0.0, 6, 0);
    check(Style::Pair, 0.1, 0.3, 5, 0);
    check(Style::ClosePair, 1.0, 0.0, 6, 0);
}

#[test]
fn nobody_is_named_for_what_came_from_elsewhere() {
    for sample in [1.0, 0.1] {
        check(Style::Elsewhere, sample, 0.0, 6, 0);
        check(Style::ElsewhereWard, sample, 0.0, 6, 0);
    }
}

#[test]
fn a_handful_names_nobody_wrongly() {
    for style in [Style::OwnWork, Style::Slow, Style::Pair] {
        check(style, 0.002, 0.3, 0, 0);
    }
}
