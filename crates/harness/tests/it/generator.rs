//! The generator of statements: what of the grammar it makes, how fast, and that it is the same everywhere.

use std::time::{Duration, Instant};

use pg_query::NodeEnum;
use pg_query::protobuf::SelectStmt;
use portcullis_harness::conformance::generator::Generator;
use portcullis_harness::conformance::generator::coverage::Coverage;
use portcullis_harness::conformance::{Case, Order, Step};

const SEEDS: u64 = 100;
const CASES_A_SEED: usize = 40;
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

/// Whether a query cuts rows off in an order that nobody asked for.
fn cuts_loosely(select: &SelectStmt) -> bool {
    let cut = select.limit_count.is_some() || select.limit_offset.is_some();
    let arms = [&select.larg, &select.rarg];
    (cut && select.sort_clause.is_empty() && !select.from_clause.is_empty())
        || arms.into_iter().flatten().any(|arm| cuts_loosely(arm))
}

fn queries(sql: &str) -> Vec<SelectStmt> {
    let Ok(parsed) = pg_query::parse(sql, pg_query::ParserOptions::default()) else {
        return Vec::new();
    };
    let nodes = parsed.protobuf.stmts.into_iter();
    nodes
        .filter_map(|raw| match raw.stmt?.node? {
            NodeEnum::SelectStmt(select) => Some(*select),
            _ => None,
        })
        .collect()
}

#[test]
fn what_is_said_to_be_in_total_order_is_sorted_where_it_is_cut() {
    let (mut total, mut cut, mut sliced) = (0, 0, 0);
    for case in cases() {
        let slices = case
            .steps
            .iter()
            .any(|step| matches!(step, Step::Execute { max_rows, .. } if *max_rows > 0));
        assert!(!slices || case.order == Order::Total, "{case:?}");
        sliced += usize::from(slices);
        if case.order != Order::Total {
            continue;
        }
        total += 1;
        for query in case.statements().flat_map(queries) {
            cut += usize::from(query.limit_count.is_some());
            assert!(!cuts_loosely(&query), "{case:?}");
        }
    }
    println!("{total} cases in total order; {cut} queries with LIMIT, {sliced} portals in slices");
    assert!(
        total > 1_500 && cut > 150 && sliced > 20,
        "{total} {cut} {sliced}"
    );
}
