//! A bounded part of docs/evaluation/detection.md: fails when detection or false alarms get worse
//! than is stated there.

use portcullis_detect::Thresholds;

use crate::simulation::Style;
use crate::simulation::judge::{Judge, judge, tuned};

const SEED: u64 = 11;
/// A quarter of a year after the collectors have turned.
const DAYS: i32 = 275;

fn year(style: Option<Style>) -> Judge {
    judge(SEED, DAYS, style, &Thresholds::default())
}

#[test]
fn honest_people_are_asked_rarely() {
    let honest = year(None);
    let alarms: u64 = honest.false_alarms.values().sum();
    let months = f64::from(DAYS) / 30.4;
    let a_month = alarms as f64 / months;
    assert!(
        a_month <= 2.5,
        "{a_month:.2} a month: {:?}",
        honest.false_alarms
    );
    assert!(honest.rows.len() > 3000, "people worked");

    // The plain ceiling with as many false alarms doesn't see who takes a little at a time.
    let ceiling = tuned(std::slice::from_ref(&honest), alarms);
    for style in [Style::SlowDrip, Style::Enumerator, Style::Widening] {
        let judged = year(Some(style));
        assert_eq!(
            judged.plain(ceiling).1,
            None,
            "{style:?} above {ceiling} rows a day"
        );
    }
}

#[test]
fn collectors_are_found_before_they_have_much() {
    // Subjects lost at most until found; two who share the work may stay unseen (the docs say so).
    let stated = [
        (Style::SlowDrip, 1200),
        (Style::NightCrawler, 160),
        (Style::Enumerator, 80),
        (Style::UnderTheCeiling, 1900),
        (Style::Copycat, 1200),
        (Style::Dormant, 300),
        (Style::Widening, 100),
    ];
    for (style, at_most) in stated {
        let verdict = year(Some(style)).verdict();
        let Some((_, lost)) = verdict.found else {
            panic!("{style:?} is not found; {} are lost", verdict.lost_in_all);
        };
        assert!(
            lost > 0 && lost <= at_most,
            "{style:?}: {lost} by {:?}",
            verdict.by
        );
    }
}
