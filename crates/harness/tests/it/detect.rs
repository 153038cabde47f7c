//! Drips and probing as psql does them: a finding within three seconds, each once, restarts or not.

use std::process::Command;
use std::time::{Duration, Instant};

use portcullis_harness::Connect;
use serde_json::Value;

use crate::on_record::text;
use crate::world::{World, clinic};

/// A finding is there so long after what it is about.
const WITHIN: Duration = Duration::from_secs(3);

fn psql(connect: &Connect, script: &str) {
    let output = Command::new("timeout")
        .args(["30", "psql", "-X", "-q", "-At", "-c"])
        .arg("\\set ON_ERROR_STOP 0")
        .args(script.lines().flat_map(|line| ["-c", line]))
        .env("PGHOST", &connect.host)
        .env("PGPORT", connect.port.to_string())
        .env("PGUSER", &connect.user)
        .env("PGPASSWORD", &connect.password)
        .env("PGDATABASE", &connect.database)
        .env("PGSSLMODE", "disable")
        .output()
        .unwrap();
    assert!(output.status.code().is_some(), "{output:?}");
}

fn findings(world: &World) -> Vec<Value> {
    let answer = world.gate.officer(0).run(&["finding", "list"]).unwrap();
    answer["findings"].as_array().unwrap().clone()
}

fn finding(world: &World, detector: &str) -> Value {
    let asked = Instant::now();
    loop {
        let all = findings(world);
        if let Some(found) = all.iter().find(|one| text(one, "detector") == detector) {
            return found.clone();
        }
        assert!(
            asked.elapsed() < WITHIN,
            "no `{detector}` in {all:?}\n{}",
            world.gate.server_log()
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Each number of the evidence is a statement of Li Wei's in the log.
fn check_evidence(world: &World, found: &Value, decision: &str) {
    let log = world.gate.log_export().unwrap();
    let evidence = found["evidence"].as_array().unwrap();
    assert!(!evidence.is_empty());
    for seq in evidence {
        let event = log.iter().find(|event| event["seq"] == *seq).unwrap();
        assert_eq!(
            (text(event, "kind"), text(event, "decision")),
            ("statement".to_owned(), decision.to_owned())
        );
    }
    assert_eq!(text(found, "person"), "li.wei");
}

#[test]
fn probing_and_counting_are_found_once_and_honest_work_is_not() {
    let mut world = clinic(400, |contract| contract);
    let tickets = [17, 230, 5, 391, 77, 142, 308, 61, 199, 350];
    let honest: Vec<String> = tickets
        .iter()
        .map(|n| format!("SELECT name FROM clinic.patients WHERE patient_id = {n}"))
        .collect();
    psql(&world.connect, &honest.join("\n"));
    psql(
        &world.connect,
        "SELECT diagnosis FROM clinic.patients\nSELECT 1",
    );
    std::thread::sleep(Duration::from_millis(1200));
    assert_eq!(findings(&world), Vec::<Value>::new());

    let probing: Vec<String> = (0..24)
        .map(|n| match n % 3 {
            0 => format!("SELECT * FROM clinic.secret_{n}"),
            1 => "SELECT salary FROM clinic.staff_secrets".to_owned(),
            _ => "COPY clinic.patients TO STDOUT".to_owned(),
        })
        .collect();
    psql(&world.connect, &probing.join("\n"));
    let burst = finding(&world, "refusal-burst");
    check_evidence(&world, &burst, "refused");

    // In steps of two, and not in order.
    let counting: Vec<String> = (0..30)
        .map(|n| {
            let key = 100 + 2 * (n * 7 % 30);
            format!("SELECT name FROM clinic.patients p WHERE p.patient_id = {key}")
        })
        .collect();
    psql(&world.connect, &counting.join("\n"));
    let enumerated = finding(&world, "key-enumeration");
    check_evidence(&world, &enumerated, "allowed");
    assert_eq!(text(&enumerated, "severity"), "high");
    let id = text(&enumerated, "finding");
    let officer = world.gate.officer(0);
    let shown = officer.run(&["finding", "show", &id]).unwrap();
    assert_eq!(shown["finding"], enumerated);
    assert_eq!(
        officer
            .try_run(&["finding", "show", "f-none"])
            .unwrap()
            .code,
        2
    );

    // Once, whatever happens to the server; with the detectors' memory lost as well.
    let before = world.gate.events("finding.opened").unwrap();
    assert_eq!(before.len(), 2, "{before:?}");
    world.gate.kill9();
    std::fs::remove_dir_all(world.gate.data_dir().join("cache")).unwrap();
    world.gate.restart().unwrap();
    std::thread::sleep(Duration::from_millis(1200));
    assert_eq!(world.gate.events("finding.opened").unwrap(), before);
    assert_eq!(findings(&world).len(), 2);
    assert!(findings(&world).contains(&burst));
}

#[test]
fn a_budget_at_four_fifths_is_told() {
    let budget = |contract| crate::world::with_budget(contract, 500, 100);
    let world = clinic(400, budget);
    psql(
        &world.connect,
        "SELECT name FROM clinic.patients ORDER BY patient_id LIMIT 70",
    );
    std::thread::sleep(Duration::from_millis(1000));
    assert_eq!(findings(&world), Vec::<Value>::new());
    psql(
        &world.connect,
        "SELECT name FROM clinic.patients ORDER BY patient_id LIMIT 85",
    );
    let near = finding(&world, "budget-near");
    assert_eq!(text(&near, "about"), "subjects_per_day");
    assert!(text(&near, "reason").contains("85 of 100"), "{near}");
    check_evidence(&world, &near, "allowed");
    psql(
        &world.connect,
        "SELECT name FROM clinic.patients ORDER BY patient_id LIMIT 90",
    );
    std::thread::sleep(Duration::from_millis(800));
    assert_eq!(world.gate.events("finding.opened").unwrap().len(), 1);
    assert_eq!(world.gate.events("finding.repeated").unwrap().len(), 0);
}
