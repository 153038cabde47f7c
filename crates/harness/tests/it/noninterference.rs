//! Two worlds that differ in what the contracts hide are one world through the gate.

use portcullis_harness::conformance::{Case, Road, Run, Twins};

const HONEST: &str = include_str!("../../../sql/tests/corpus/honest/work.sql");

#[test]
fn through_the_gate_the_twins_are_one() {
    let from = std::time::Instant::now();
    let twins = Twins::start().unwrap();
    println!("twins stand after {:?}", from.elapsed());
    let mut run = Run::new(&twins, Road::Gate);
    for sql in HONEST.lines().chain([
        "select * from clinic.patients",
        "select secret from clinic.patients",
    ]) {
        run.take("honest", &Case::query("ops", sql)).unwrap();
    }
    println!("{run}");
    for failure in &run.failures {
        println!("{failure}");
    }
    assert_eq!(run.failures.len(), 0);
    let mut bare = Run::new(&twins, Road::Bare);
    for sql in [
        "select * from clinic.patients",
        "select secret from clinic.patients",
        "create table x (i int)",
        "select * from x",
    ] {
        bare.take("honest", &Case::query("ops", sql)).unwrap();
    }
    println!("{bare}");
}
