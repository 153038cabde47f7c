//! R1: no row reaches a client without a durable record of person, statement and rows, also when the
//! gate is killed under load.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use portcullis_harness::Connect;
use serde_json::Value;

use crate::world::{Seeded, ask, clinic, run, session, with_budget};

const ROUNDS: u64 = 12;
const CLIENTS: u64 = 6;
const PATIENTS: u32 = 4000;
/// A debug build on a busy machine; the goal with 10^6 records is 2 s.
const READY_AGAIN: Duration = Duration::from_secs(5);

/// What one client got: statement by statement.
struct Received {
    application: String,
    statements: Vec<(String, Vec<i32>)>,
}

async fn look_up_until(
    stop: Arc<AtomicBool>,
    connect: Connect,
    round: u64,
    index: u64,
) -> Received {
    let application = format!("crash-{round}-{index}");
    let mut received = Received {
        application: application.clone(),
        statements: Vec::new(),
    };
    let Ok(client) = session(&connect, &application).await else {
        return received;
    };
    let mut seeded = Seeded(round * 100 + index);
    while !stop.load(Ordering::Relaxed) {
        let from = seeded.below(u64::from(PATIENTS) - 500) + 1;
        let span = if seeded.below(4) == 0 { 400 } else { 3 };
        let sql = format!(
            "select patient_id, name from clinic.patients where patient_id between {from} and {}",
            from + span
        );
        let outcome = ask(&client, &sql).await;
        let broken = outcome.error.is_some();
        received.statements.push((sql, outcome.keys));
        if broken {
            break;
        }
    }
    received
}

#[test]
fn every_row_received_before_a_kill_is_on_record() {
    let mut world = clinic(PATIENTS, |contract| with_budget(contract, 1000, 100_000));
    let mut all = Vec::new();
    for round in 0..ROUNDS {
        let stop = Arc::new(AtomicBool::new(false));
        let received = run(async {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|index| {
                    tokio::spawn(look_up_until(
                        stop.clone(),
                        world.connect.clone(),
                        round,
                        index,
                    ))
                })
                .collect();
            tokio::time::sleep(Duration::from_millis(150 + Seeded(round).below(250))).await;
            world.gate.kill9();
            stop.store(true, Ordering::Relaxed);
            let mut received = Vec::new();
            for client in clients {
                received.push(client.await.unwrap());
            }
            received
        });
        all.extend(received);
        let took = world.gate.restart().unwrap();
        assert!(took < READY_AGAIN, "ready only after {took:?}");
    }

    let rows: usize = all
        .iter()
        .flat_map(|one| &one.statements)
        .map(|(_, keys)| keys.len())
        .sum();
    assert!(rows > 100, "the trial itself must get rows; it got {rows}");
    let events = world.gate.log_export().unwrap();
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event["seq"].as_u64(), Some(index as u64), "no gaps");
    }
    check_on_record(&all, &events);
    let verified = world.gate.log_verify(&[]).unwrap();
    assert_eq!(verified.code, 0, "{}{}", verified.stdout, verified.stderr);
}

fn check_on_record(all: &[Received], events: &[Value]) {
    let text = |event: &Value, key: &str| event[key].as_str().unwrap_or_default().to_owned();
    let application_of: HashMap<String, String> = events
        .iter()
        .filter(|event| event["kind"] == "session.opened")
        .map(|event| (text(event, "session"), text(event, "application")))
        .collect();
    // Rows on record for a client's statement; each client sends each text at most a few times.
    let mut recorded: HashMap<(String, String), u64> = HashMap::new();
    let mut outcomes = HashSet::new();
    for event in events.iter().filter(|event| event["kind"] == "statement") {
        let session = text(event, "session");
        assert_eq!(event["person"], "li.wei");
        assert!(
            outcomes.insert((session.clone(), text(event, "statement"))),
            "two outcomes: {event}"
        );
        let application = application_of[&session].clone();
        *recorded
            .entry((application, text(event, "sql")))
            .or_default() += event["rows"].as_u64().unwrap();
    }
    let mut received: HashMap<(String, String), u64> = HashMap::new();
    for one in all {
        for (sql, keys) in &one.statements {
            *received
                .entry((one.application.clone(), sql.clone()))
                .or_default() += keys.len() as u64;
        }
    }
    for (statement, rows) in received.iter().filter(|(_, rows)| **rows > 0) {
        let on_record = recorded.get(statement).copied().unwrap_or(0);
        assert!(
            on_record >= *rows,
            "{statement:?}: {rows} rows received, {on_record} on record"
        );
    }
}
