//! Clients that go without a word, and a gate that does: nothing runs on for them, and what they were
//! given is on record with its text.

use std::time::{Duration, Instant};

use portcullis_harness::raw::{Pipeline, Raw};

use crate::on_record::{of_session, text};
use crate::world::{World, clinic, with_budget};

const ENDLESS: &str = "select count(*) from generate_series(1,2000000000)";
const GONE_WITHIN: Duration = Duration::from_secs(5);

/// How many backends still count.
fn counting(world: &World) -> usize {
    let sql = "select pid from pg_stat_activity \
               where state = 'active' and query like '%generate_series%' and pid <> pg_backend_pid()";
    world._cluster.rows(sql).unwrap().len()
}

fn wait_until(within: Duration, what: &str, mut is: impl FnMut() -> bool) {
    let until = Instant::now() + within;
    while !is() {
        assert!(Instant::now() < until, "not within {within:?}: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_statement_ends_at_the_database_when_its_client_has_left() {
    let world = clinic(10, |contract| contract);
    let ways = [
        ("left-simple", Pipeline::new().query(ENDLESS)),
        ("left-extended", Pipeline::new().run(ENDLESS).sync()),
        (
            "left-with-more-to-come",
            Pipeline::new().query(ENDLESS).query("select 1"),
        ),
    ];
    for (application, pipeline) in ways {
        let mut raw = Raw::connect(&world.connect, application).unwrap();
        raw.send(&pipeline).unwrap();
        wait_until(GONE_WITHIN, "running", || counting(&world) == 1);
        raw.leave();
        wait_until(GONE_WITHIN, application, || counting(&world) == 0);
        let recorded = of_session(&world, application);
        let event = recorded.only(ENDLESS);
        assert_eq!(event["rows"], 0, "{event}");
        assert_ne!(text(event, "decision"), "allowed", "{event}");
    }
    let listed = world.gate.officer(0).run(&["session", "list"]).unwrap();
    assert_eq!(listed["sessions"].as_array().unwrap().len(), 0, "{listed}");
}

#[test]
fn what_a_killed_gate_had_under_way_is_on_record_with_its_text() {
    let mut world = clinic(2000, |contract| with_budget(contract, 1_000_000, 1_000_000));
    let suspended = "select patient_id, name from clinic.patients where patient_id > $1";
    let streaming = "select a.patient_id, b.name from clinic.patients a, clinic.patients b";

    let mut held = Raw::connect(&world.connect, "suspended").unwrap();
    let begun = Pipeline::new().run("BEGIN");
    let bound = begun.parse("s", suspended).bind_with("p", "s", &["3"]);
    let answers = held.ask(&bound.execute("p", 7).sync()).unwrap();
    assert_eq!(answers.row_count(), 7, "{}", answers.summary());

    let mut streamed = Raw::connect(&world.connect, "streaming").unwrap();
    streamed.send(&Pipeline::new().query(streaming)).unwrap();
    let mut rows = 0;
    while rows < 20_000 {
        rows += u64::from(streamed.message().unwrap().tag == b'D');
    }
    world.gate.kill9();
    rows += streamed.rest().row_count() as u64;
    world.gate.restart().unwrap();

    let recorded = of_session(&world, "suspended");
    let event = recorded.only(suspended);
    assert_eq!(text(event, "decision"), "interrupted");
    assert_eq!(event["params"], serde_json::json!(["3"]), "{event}");
    assert_eq!(event["rows"], 7, "{event}");
    assert_eq!(event["subjects"], 7, "{event}");
    assert!(event["ms"].is_u64(), "{event}");

    let recorded = of_session(&world, "streaming");
    let event = recorded.only(streaming);
    assert_eq!(text(event, "decision"), "interrupted");
    let on_record = event["rows"].as_u64().unwrap();
    assert!(
        on_record >= rows,
        "{rows} rows received, {on_record} on record"
    );
    assert!(event["subjects"].as_u64().unwrap() > 0, "{event}");
    let verified = world.gate.log_verify(&[]).unwrap();
    assert_eq!(verified.code, 0, "{}{}", verified.stdout, verified.stderr);
}
