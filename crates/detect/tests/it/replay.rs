//! However often it is restarted, the same log gives the same suspicions, each told once.

use portcullis_detect::{Engine, Event, Meter, Recorded, Thresholds};
use proptest::prelude::*;

use crate::simulation::judge::Judge;
use crate::simulation::{Dice, Style, Truth, Watch, Year};

const DAYS: i32 = 190;

fn fresh() -> Engine {
    Engine::new(Thresholds::default(), [3; 32])
}

/// Stops now and then, and goes on from a snapshot.
struct Restarting {
    judge: Judge,
    dice: Dice,
    restarts: u32,
}

impl Watch for Restarting {
    fn see(&mut self, event: &Event<'_>, truth: Truth) {
        if self.dice.chance(0.0003) {
            let mut again = fresh();
            assert!(again.restore(&self.judge.engine.snapshot()));
            self.judge.engine = again;
            self.restarts += 1;
        }
        self.judge.see(event, truth);
    }

    fn meter(&mut self, meter: &Meter<'_>) {
        self.judge.meter(meter);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_restart_changes_nothing(seed in 0_u64..1000, style in 0_usize..8) {
        let style = Some(Style::ALL[style]);
        let mut year = Year::new(seed, DAYS, style);
        let mut straight = Judge::of(&year, fresh());
        year.run(&mut straight);
        let mut year = Year::new(seed, DAYS, style);
        let judge = Judge::of(&year, fresh());
        let mut restarting = Restarting { judge, dice: Dice::new(seed), restarts: 0 };
        year.run(&mut restarting);
        prop_assert!(restarting.restarts > 3, "{} restarts", restarting.restarts);
        prop_assert_eq!(&straight.told, &restarting.judge.told);
        prop_assert!(!straight.told.is_empty());
    }
}

/// Twenty refusals, one a second.
fn refuse(engine: &mut Engine, from: i64) {
    for n in 0..20 {
        engine.apply(&Event::Refused {
            seq: u64::try_from(from + n).unwrap(),
            at: jiff::Timestamp::from_second(from + n).unwrap(),
            person: "li.wei",
            resource: "hospital",
            reason: "access.hours",
        });
    }
}

#[test]
fn what_is_owed_stays_owed_until_the_log_has_it_and_then_never_again() {
    let mut engine = fresh();
    refuse(&mut engine, 100);
    let owed = engine.owed();
    assert_eq!(owed.len(), 1);
    assert!(owed[0].opens && owed[0].suspicion.count == 1);
    assert_eq!(engine.owed(), owed, "nobody has written it down");

    // The server died before it could: the log read again owes the very same.
    let mut again = fresh();
    refuse(&mut again, 100);
    assert_eq!(again.owed(), owed);
    let recorded = Recorded {
        finding: owed[0].finding.clone(),
        suspicion: owed[0].suspicion.clone(),
    };
    again.apply(&Event::Recorded(Box::new(recorded)));
    assert_eq!(again.owed(), []);

    // The same thing again is the same finding, counted; much later, or after it was closed, another.
    refuse(&mut again, 200);
    let repeated = again.owed();
    assert_eq!(
        (
            repeated.len(),
            repeated[0].opens,
            repeated[0].suspicion.count
        ),
        (1, false, 2)
    );
    assert_eq!(repeated[0].finding, owed[0].finding);
    again.apply(&Event::FindingClosed {
        finding: &owed[0].finding,
    });
    refuse(&mut again, 300);
    let other = again.owed();
    assert!(other[0].opens && other[0].finding != owed[0].finding);
    refuse(&mut again, 100 * 86_400);
    assert!(again.owed()[0].opens);
}

#[test]
fn a_ceiling_is_told_once_a_day() {
    let mut engine = fresh();
    let day = |n: i8| Some(jiff::civil::date(2026, 1, n));
    let mut used = |used: u64, n: i8| {
        engine.meter(&Meter {
            seq: used,
            at: format!("2026-01-{n:02}T10:00:00Z").parse().unwrap(),
            person: "li.wei",
            vendor: "acme",
            contract: "ops",
            resource: "hospital",
            budget: "subjects_per_day",
            day: day(n),
            used,
            limit: 1000,
        });
        engine.owed().first().map(|owed| owed.suspicion.count)
    };
    assert_eq!(used(700, 1), None);
    assert_eq!(used(800, 1), Some(1));
    assert_eq!(used(900, 1), Some(1));
    assert_eq!(used(950, 2), Some(2));
}

#[test]
fn a_restart_knows_from_the_log_that_a_ceiling_was_told() {
    let meter = |engine: &mut Engine| {
        engine.meter(&Meter {
            seq: 5,
            at: "2026-01-01T10:00:00Z".parse().unwrap(),
            person: "li.wei",
            vendor: "acme",
            contract: "ops",
            resource: "hospital",
            budget: "subjects_per_day",
            day: Some(jiff::civil::date(2026, 1, 1)),
            used: 900,
            limit: 1000,
        });
        engine.owed()
    };
    let owed = meter(&mut fresh());
    assert_eq!(owed.len(), 1);
    let mut again = fresh();
    let recorded = Recorded {
        finding: owed[0].finding.clone(),
        suspicion: owed[0].suspicion.clone(),
    };
    again.apply(&Event::Recorded(Box::new(recorded)));
    assert_eq!(meter(&mut again), []);
}
