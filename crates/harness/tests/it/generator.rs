//! The generator of statements: what of the grammar it makes, how fast, and that it is the same everywhere.

use std::time::{Duration, Instant};

use portcullis_harness::conformance::generator::Generator;
use portcullis_harness::conformance::generator::coverage::Coverage;
use portcullis_harness::conformance::{Case, Order, Step};

const SEEDS: u64 = 60;
const CASES_A_SEED: usize = 100;
/// Least cases a second, in a build without optimisation.
const LEAST_A_SECOND: f64 = 5_000.0;

fn cases() -> Vec<Case> {
    let drawn = |seed| {
        let mut generator = Generator::new(seed);
        (0..CASES_A_SEED).map(move |_| generator.next_case())
    };
    (1..=SEEDS).flat_map(drawn).collect()
}

#[test]
fn the_grammar_is_covered_but_for_what_has_a_reason() {
    let mut coverage = Coverage::default();
    for case in cases() {
        case.statements().for_each(|sql| coverage.add(sql));
    }
    println!("{}", coverage.report());
    assert_eq!(coverage.problems(), Vec::<String>::new());
    assert!(
        coverage.unparsed * 20 < coverage.statements,
        "most of it is SQL: {}",
        coverage.report()
    );
}

#[test]
fn cases_come_fast() {
    // The best of three: others may be using the machine.
    let mut best = 0.0_f64;
    for round in 0..3 {
        let began = Instant::now();
        let mut generator = Generator::new(round);
        let mut bytes = 0;
        for _ in 0..2_000 {
            bytes += generator
                .next_case()
                .statements()
                .map(str::len)
                .sum::<usize>();
        }
        assert!(bytes > 0);
        best = best.max(2_000.0 / began.elapsed().max(Duration::from_micros(1)).as_secs_f64());
    }
    println!("{best:.0} cases a second");
    assert!(best > LEAST_A_SECOND, "{best:.0} cases a second");
}

#[test]
fn a_limit_stands_on_a_total_order_unless_its_case_says_otherwise() {
    let slices = |case: &Case| {
        case.steps
            .iter()
            .any(|step| matches!(step, Step::Execute { max_rows, .. } if *max_rows > 0))
    };
    let (mut total, mut any, mut sliced) = (0, 0, 0);
    for case in cases() {
        match case.order {
            Order::Total => total += 1,
            Order::Any => any += 1,
        }
        sliced += usize::from(slices(&case));
    }
    println!("{total} cases in total order, {any} not; {sliced} read portals in slices");
    assert!(total > any / 2 && sliced > 20, "{total} {any} {sliced}");
}
