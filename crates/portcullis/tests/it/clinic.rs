//! One database for all tests of this binary, a gate for each.

use std::sync::{Mutex, OnceLock};

use portcullis_harness::{Gate, PgCluster, sample};
use serde_json::Value;

/// Started once a test process; nextest gives each test its own.
static CLUSTER: OnceLock<Mutex<PgCluster>> = OnceLock::new();

pub fn cluster() -> std::sync::MutexGuard<'static, PgCluster> {
    let cluster = CLUSTER.get_or_init(|| {
        let cluster = PgCluster::start_usual().unwrap();
        sample::load_clinic(&cluster, "hospital", 50).unwrap();
        Mutex::new(cluster)
    });
    cluster.lock().unwrap()
}

/// A gate with the sample contract in force.
pub fn gate() -> Gate {
    Gate::before_clinic(&cluster(), |contract| contract).unwrap()
}

pub fn text(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => panic!("no {pointer} in {value}"),
    }
}

pub fn request(gate: &Gate, officer: usize) -> String {
    let asked = gate.officer(officer).run(&REQUEST).unwrap();
    assert_eq!(text(&asked, "/grant/state"), "pending");
    text(&asked, "/grant/id")
}

pub const REQUEST: [&str; 12] = [
    "grant",
    "request",
    "--person",
    "li.wei",
    "--contract",
    "clinic-ops-2026",
    "--resource",
    "hospital",
    "--purpose",
    "tickets",
    "--for",
    "8h",
];
