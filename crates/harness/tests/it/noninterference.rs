//! Two worlds that differ in what the contracts hide are one world through the gate: the corpora and a
//! fixed set of seeds. The long run is `scripts/noninterference`.

use std::time::{Duration, Instant};

use portcullis_harness::conformance::generator::Generator;
use portcullis_harness::conformance::{
    Case, GENERATOR, Road, Run, Step, Twins, TwinsOptions, compare, disclosure,
};

/// The fixed set of seeds.
const FIRST_SEED: u64 = 1;
const SEEDS: u64 = 12;
const SEEDS_OF_OTHER_PLANS: u64 = 3;
const CASES_A_SEED: usize = 100;
const CASES_FOR_A_LEAK: usize = 100;
const LEAST_CASES: usize = 200;
const SEEDS_LIMIT: Duration = Duration::from_secs(12);
const BARE_LIMIT: Duration = Duration::from_secs(3);

/// A contract with nearly all methods, one with figures alone, one with maintenance alone.
const CONTRACTS: [&str; 3] = ["ops", "figures", "upkeep"];

/// Made for another world: some name what isn't here. Refusals and errors must be alike too.
const HONEST: [&str; 3] = [
    include_str!("../../../sql/tests/corpus/honest/work.sql"),
    include_str!("../../../sql/tests/corpus/honest/psql.sql"),
    include_str!("../../../sql/tests/corpus/honest/drivers.sql"),
];
const HOSTILE: &str = include_str!("../../../sql/tests/corpus/hostile/statements.txt");

/// What answers depend on the order of rows, or on the plan.
const ORDERS: &str = include_str!("../../conformance/orders.sql");

fn statements<'t>(files: &'t [&'t str]) -> impl Iterator<Item = &'t str> {
    let lines = files.iter().flat_map(|text| text.lines());
    lines.filter(|line| !line.is_empty() && !line.starts_with('#') && !line.starts_with("--"))
}

fn assert_none_failed(run: &Run<'_>) {
    println!("{run}");
    for failure in &run.failures {
        println!("{failure}");
    }
    assert_eq!(run.failures.len(), 0, "told apart");
}

/// As many of the seeds as the time allows, in their sequence; the least is less than what a busy
/// machine does.
fn take_seeds(run: &mut Run<'_>, seeds: u64) {
    let until = Instant::now() + SEEDS_LIMIT;
    for seed in FIRST_SEED..FIRST_SEED + seeds {
        if !run.take_seed(seed, CASES_A_SEED, until).unwrap() {
            break;
        }
    }
    let made = run.tally(GENERATOR);
    let enough = made.cases >= LEAST_CASES && made.with_rows * 5 > made.cases;
    assert!(run.is_enough() || enough, "{run}");
}

#[test]
fn through_the_gate_the_twins_are_one() {
    let twins = Twins::start().unwrap();
    let mut run = Run::new(&twins, Road::Gate);
    for contract in CONTRACTS {
        let [one, two] = twins.greetings(contract).unwrap();
        assert_eq!(one, two, "{contract}: at login");
        for sql in statements(&HONEST) {
            run.take("honest, sql", &Case::query(contract, sql))
                .unwrap();
        }
        for sql in statements(&[HOSTILE]) {
            run.take("hostile, sql", &Case::query(contract, sql))
                .unwrap();
        }
    }
    assert!(run.tally("honest, sql").with_rows > 200, "{run}");
    take_seeds(&mut run, SEEDS);
    assert_none_failed(&run);
}

/// The view of `ops` over `table`, with `from` in its text made `to`, on both sides.
struct Leak<'a> {
    what: &'a str,
    table: &'a str,
    options: &'a str,
    from: &'a str,
    to: &'a str,
}

const LEAKS: [Leak<'_>; 5] = [
    Leak {
        what: "a mask that shows three letters more",
        table: "clinic.patients",
        options: "with (security_barrier)",
        from: "\"left\"(patients.name, 1)",
        to: "\"left\"(patients.name, 4)",
    },
    Leak {
        what: "a mask that forgets what is NULL",
        table: "clinic.patients",
        options: "with (security_barrier)",
        from: "NULL::text",
        to: "case when patients.email is not null then 'e'::text end",
    },
    Leak {
        what: "a bucket that is no bucket",
        table: "clinic.patients",
        options: "with (security_barrier)",
        from: "(1000)::numeric",
        to: "(10)::numeric",
    },
    Leak {
        what: "a row filter that lets one ward more through",
        table: "clinic.patients",
        options: "with (security_barrier)",
        from: "'VIP'::text",
        to: "'D'::text",
    },
    Leak {
        what: "a cost that depends on a hidden table",
        table: "clinic.visits",
        options: "with (security_barrier)",
        from: "(visits.visit_id < 100000)",
        to: "(visits.visit_id < 100000) and (select case when count(*) > 5 then pg_sleep(2.3) is not null else true end from clinic.audit_trail)",
    },
];

/// The check checked: what leaks is noticed, by statements that weren't written for it.
#[test]
fn injected_leaks_are_noticed() {
    let twins = Twins::start().unwrap();
    for leak in LEAKS {
        let view = format!("portcullis_ops.\"{}\"", leak.table);
        let text = format!("select pg_get_viewdef('{view}'::regclass)");
        let sound = twins.rows_in(0, &text).unwrap()[0][0].clone().unwrap();
        let leaking = sound.replace(leak.from, leak.to);
        assert!(
            leak.from == leak.to || leaking != sound,
            "{}: {sound}",
            leak.what
        );
        let options = leak.options;
        twins
            .tamper(&format!(
                "create or replace view {view} {options} as {leaking}"
            ))
            .unwrap();
        let found = first_noticed(&twins);
        println!("{}: {found:?}", leak.what);
        assert!(found.is_some(), "not noticed: {}", leak.what);
        let barrier = "with (security_barrier)";
        twins
            .tamper(&format!(
                "create or replace view {view} {barrier} as {sound}"
            ))
            .unwrap();
    }
    assert_eq!(first_noticed(&twins), None, "with everything as it was");
}

/// The first statement of the honest corpus, else of the generator, that tells the sides apart.
fn first_noticed(twins: &Twins) -> Option<String> {
    let cases = statements(&HONEST).map(|sql| Case::query("ops", sql));
    let mut generator = Generator::new(FIRST_SEED);
    let made = std::iter::repeat_with(|| generator.next_case()).take(CASES_FOR_A_LEAK);
    cases.chain(made).find_map(|case| {
        let outcome = twins.case(Road::Gate, &case).unwrap();
        let difference = disclosure(&case, &outcome)?;
        Some(format!("{:?}: {difference}", case.steps))
    })
}

/// Hidden values may choose another plan, and move rows about on disk: neither shows.
#[test]
fn other_plans_tell_nothing() {
    let twins = Twins::start_with(TwinsOptions::other_plans()).unwrap();
    let mut run = Run::new(&twins, Road::Gate);
    for sql in statements(&[ORDERS]) {
        run.take("order and plan", &Case::query("ops", sql))
            .unwrap();
    }
    assert!(run.tally("order and plan").with_rows > 40, "{run}");
    for sql in statements(&HONEST[..1]) {
        run.take("honest, sql", &Case::query("ops", sql)).unwrap();
    }
    take_seeds(&mut run, SEEDS_OF_OTHER_PLANS);
    assert_none_failed(&run);
}

/// The second lock: whatever a grant's role can select from is alike on both sides, and the server's own
/// catalog, which every role may read, holds no data of the hidden rows and columns.
#[test]
fn logged_in_directly_there_is_nothing_else_to_read() {
    const READABLE: &str = "select format('%I.%I', n.nspname, c.relname), n.nspname in ('pg_catalog', 'information_schema') \
        or exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e') \
        from pg_class c join pg_namespace n on n.oid = c.relnamespace \
        where c.relkind in ('r', 'v', 'm', 'p', 'f', 't') and has_schema_privilege(n.oid, 'USAGE') \
        and has_any_column_privilege(c.oid, 'SELECT') order by 1";
    let twins = Twins::start().unwrap();
    // The roles of the three contracts differ in nothing but their schema.
    let contract = "ops";
    let listed = [Step::Query(READABLE.to_owned())];
    let listed = twins.direct(contract, &listed).unwrap();
    assert!(listed.verdict.is_same(), "{:?}", listed.verdict);
    let (mut ours, mut servers) = (0, 0);
    for row in listed.a.data_rows() {
        let [Some(relation), Some(of_server)] = &row[..] else {
            panic!("{row:?}")
        };
        let steps = [Step::Query(format!("select * from {relation}"))];
        if of_server == "t" {
            servers += 1;
            let (one, two) = twins.said(Road::Direct, contract, &steps).unwrap();
            let found = [&one, &two].map(compare::holds_row_data);
            assert_eq!(found, [None, None], "{relation}");
        } else {
            ours += 1;
            let outcome = twins.direct(contract, &steps).unwrap();
            let case = Case::query(contract, relation);
            let difference = disclosure(&case, &outcome);
            assert_eq!(difference, None, "{relation}");
            assert_eq!(outcome.a.errors(), Vec::<String>::new(), "{relation}");
        }
    }
    println!("{ours} views of the contract, {servers} relations of the server");
    assert!(ours > 50 && servers > 100, "{ours} {servers}");
}

/// The generator knows the hidden columns: without the gate it finds them.
#[test]
fn without_the_gate_the_twins_are_two() {
    let twins = Twins::start().unwrap();
    let until = Instant::now() + BARE_LIMIT;
    let (mut cases, mut told) = (0, 0);
    for seed in FIRST_SEED.. {
        let mut generator = Generator::new(seed);
        for _ in 0..CASES_A_SEED {
            let case = generator.next_case();
            let outcome = twins.case(Road::Bare, &case).unwrap();
            cases += 1;
            told += usize::from(disclosure(&case, &outcome).is_some());
        }
        if Instant::now() > until {
            break;
        }
    }
    println!("{told} of {cases} cases tell the bare sides apart");
    assert!(told * 10 > cases, "{told} of {cases}");
}
