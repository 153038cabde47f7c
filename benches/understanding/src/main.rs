//! What understanding a statement costs (goal P6 of performance.md), beside the parser alone, in one run:
//!
//! `cargo run --release -p portcullis-bench-understanding` prints medians and 95th percentiles in
//! microseconds, and ratios to the raw parse; `… -- worst` the costliest texts that we know.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a tool for developers"
)]

#[path = "../../../crates/sql/tests/it/hostile_sizes.rs"]
mod hostile_sizes;
#[path = "../../../crates/sql/tests/it/world.rs"]
#[allow(dead_code, reason = "the sql crate uses more of it")]
mod world;
mod worst;

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pg_query::protobuf::ParseResult;
use portcullis_contract::{Contract, Options, SourceFile, file};
use portcullis_gate::session::desk::Terms;
use portcullis_grammar::{Places, parse, parse_by_protobuf};
use portcullis_ledger::SubjectKey;
use portcullis_sql::{SessionNames, understand_on};

/// As the gate's workers have it.
const STACK_BYTES: usize = 16 << 20;
const ROUNDS: usize = 15;
const ROUND: Duration = Duration::from_millis(12);
/// Calls between two looks at the clock, so that the clock is no part of what is measured.
const CALLS: usize = 8;

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("worst") => worst::run(std::env::args().nth(2).as_deref()),
        Some(other) => panic!("no mode `{other}`"),
        None => {
            for (name, goal, text) in texts() {
                one_text(name, goal, &text);
            }
        }
    }
}

fn texts() -> [(&'static str, &'static str, String); 3] {
    let join = include_str!("join.sql").trim().replace('\n', " ");
    let list: Vec<String> = (0..3_400).map(|n| (10_000 + n).to_string()).collect();
    [
        (
            "small",
            "cold 3, cached 0.2",
            "SELECT name FROM clinic.patients WHERE patient_id = 12345".to_owned(),
        ),
        ("join", "cold 40, cached 0.2", join),
        (
            "list",
            "cold 400, cached 0.2",
            format!(
                "SELECT name FROM clinic.patients WHERE patient_id IN ({})",
                list.join(",")
            ),
        ),
    ]
}

/// One thing that is measured, with the microseconds of its calls.
struct Stage<'a> {
    name: &'static str,
    work: Box<dyn FnMut() + 'a>,
    micros: Vec<f64>,
}

/// Measures all stages in turn, round by round, so that what else the machine does meets all alike.
fn one_text(name: &str, goal: &str, text: &str) {
    let surface = world::surface();
    let names = SessionNames::new("li.wei", "hospital", &surface);
    let tree = ParseResult {
        version: 180_000,
        stmts: parse(text, Places::Dropped).unwrap().statements,
    };
    let warm = terms();
    let varied: Vec<String> = (0..64).map(|i| vary(text, i)).collect();
    for text in varied.iter().chain(varied.iter()) {
        clear(&warm, text, &names);
    }
    let kept = text.replace("SELECT", "SELECT /**/");
    clear(&warm, &kept, &names);
    let (mut turn, mut fresh) = (0, terms());
    let mut stages = Vec::new();
    let mut stage = |name, work| {
        stages.push(Stage {
            name,
            work,
            micros: Vec::new(),
        });
    };
    stage(
        "raw parse alone",
        Box::new(|| {
            black_box(pg_query::split_with_parser(text).unwrap().len());
        }),
    );
    stage(
        "tree, read in place",
        Box::new(|| drop(black_box(parse(text, Places::Kept).unwrap()))),
    );
    stage(
        "tree, by protobuf",
        Box::new(|| drop(black_box(parse_by_protobuf(text).unwrap()))),
    );
    stage(
        "deparse, by protobuf",
        Box::new(|| {
            drop(black_box(
                pg_query::deparse(&tree, pg_query::DeparseOptions::default()).unwrap(),
            ))
        }),
    );
    stage(
        "understand, cold",
        Box::new(|| {
            drop(black_box(
                understand_on(STACK_BYTES, text, &surface, &names).unwrap(),
            ))
        }),
    );
    stage(
        "gate, cold",
        Box::new(|| {
            fresh = terms();
            clear(&fresh, text, &names);
        }),
    );
    stage(
        "gate, other literals",
        Box::new(|| {
            turn = (turn + 1) % varied.len();
            clear(&warm, &varied[turn], &names);
        }),
    );
    stage("gate, same text", Box::new(|| clear(&warm, &kept, &names)));
    for _ in 0..ROUNDS {
        for stage in &mut stages {
            stage.round();
        }
    }
    let medians: Vec<f64> = stages.iter_mut().map(|s| s.percentile(50)).collect();
    println!("{name}: {} bytes; goal in µs: {goal}", text.len());
    println!(
        "  {:<24} {:>10} {:>10} {:>9}",
        "", "median µs", "p95 µs", "/ raw"
    );
    for (stage, median) in stages.iter_mut().zip(&medians) {
        let p95 = stage.percentile(95);
        println!(
            "  {:<24} {median:>10.2} {p95:>10.2} {:>9.2}",
            stage.name,
            median / medians[0]
        );
    }
}

impl Stage<'_> {
    fn round(&mut self) {
        let end = Instant::now() + ROUND;
        while Instant::now() < end {
            let start = Instant::now();
            for _ in 0..CALLS {
                (self.work)();
            }
            self.micros
                .push(start.elapsed().as_secs_f64() * 1e6 / CALLS as f64);
        }
    }

    fn percentile(&mut self, percent: usize) -> f64 {
        self.micros.sort_by(f64::total_cmp);
        self.micros[(self.micros.len() - 1) * percent / 100]
    }
}

fn clear(terms: &Terms, text: &str, names: &SessionNames) {
    let read = terms.clear(text, names);
    drop(black_box(
        read.map_err(|refused| refused.refusal.to_string()).unwrap(),
    ));
}

/// The same statement with other numbers.
fn vary(text: &str, by: usize) -> String {
    let digit = |c: char| char::from(b'1' + ((c as usize + by * 7) % 9) as u8);
    let number = |c: char| if matches!(c, '1'..='9') { digit(c) } else { c };
    let (head, tail) = text.split_once("WHERE").unwrap();
    let (condition, rest) = tail.split_once("ORDER").map_or((tail, ""), |(a, b)| (a, b));
    let condition: String = condition.chars().map(number).collect();
    let order = if rest.is_empty() { "" } else { "ORDER" };
    format!("{head}WHERE{condition}{order}{rest}")
}

fn terms() -> Terms {
    static CONTRACT: std::sync::OnceLock<Arc<Contract>> = std::sync::OnceLock::new();
    static SURFACE: std::sync::OnceLock<Arc<portcullis_sql::Surface>> = std::sync::OnceLock::new();
    let surface = SURFACE.get_or_init(|| Arc::new(world::surface()));
    let contract = CONTRACT.get_or_init(|| Arc::new(contract(surface)));
    Terms::new(
        Arc::clone(contract),
        Arc::clone(surface),
        SubjectKey::new([7; 16]),
    )
}

/// The sample of the interface, with every table of the world in scope.
fn contract(surface: &portcullis_sql::Surface) -> Contract {
    let mut text = include_str!("../../../crates/contract/testdata/sample.toml").to_owned();
    for table in ["clinic.doctors", "clinic.wards", "lab.samples"] {
        text.push_str(&format!(
            "\n[[contract.clinic-ops-2026.scope]]\nresource = \"hospital\"\ntable = \"{table}\"\ngrade = \"general\"\npersonal = \"none\"\ncolumns = \"*\"\n"
        ));
    }
    let source = SourceFile {
        name: "sample.toml".to_owned(),
        text,
    };
    let files = [source];
    let mut contract = file::parse(&files, &Options::default())
        .unwrap_or_else(|mistakes| panic!("{}", file::render(&mistakes, &files, false)))
        .contracts
        .remove(0);
    for table in &surface.tables {
        let columns: Vec<String> = table.columns.iter().map(|c| c.name.clone()).collect();
        contract.resolve_columns("hospital", &table.schema, &table.name, &columns);
    }
    contract
}
