//! Mistakes in files: told with their place, and nothing is applied.

use crate::clinic::{gate, text};

/// What is written instead of what, and a word that the diagnostic must have.
const MISTAKES: &[(&str, &str, &str)] = &[
    (
        "columns  = [\"patient_id\"",
        "colums   = [\"patient_id\"",
        "colums",
    ),
    ("\"hospital_ward\"]", "\"hospital_wing\"]", "hospital_wing"),
    ("\"clinic.visits\"", "\"clinic.vists\"", "clinic.vists"),
    ("breach_notice  = \"24h\"\n", "", "breach_notice"),
    (
        "valid    = {",
        "valid    = { from = 2027-01-01, until = 2026-12-31 }\nspare = {",
        "until",
    ),
    ("law      = \"cn\"", "law      = \"xx\"", "xx"),
    ("vendor   = \"acme-it\"", "vendor   = \"acme\"", "acme"),
];

#[test]
fn every_mistake_is_told_with_its_line() {
    let gate = gate();
    let contract = std::fs::read_to_string(gate.path("contract.toml")).unwrap();
    let before = gate.log_export().unwrap().len();
    for (right, wrong, word) in MISTAKES {
        assert!(contract.contains(right), "{right}");
        let path = gate.path("wrong.toml");
        std::fs::write(&path, contract.replacen(right, wrong, 1)).unwrap();
        let answer = gate
            .officer(0)
            .try_run(&["apply", path.to_str().unwrap()])
            .unwrap();
        assert_eq!(answer.code, 2, "{wrong}: {}", answer.stdout);
        let diagnostics = answer
            .json
            .pointer("/error/diagnostics")
            .unwrap()
            .as_array()
            .unwrap()
            .clone();
        let told = diagnostics
            .iter()
            .any(|one| one.to_string().contains(word) && text(one, "/line") != "0");
        assert!(told, "{wrong}: {diagnostics:?}");
    }
    let events = gate.log_export().unwrap();
    let changed = events
        .iter()
        .skip(before)
        .filter(|event| text(event, "/kind").starts_with("change."));
    assert_eq!(changed.count(), 0);
}

#[test]
fn the_plan_shows_the_sql_before_it_runs() {
    let gate = gate();
    let plan = gate
        .officer(2)
        .run(&["plan", "hospital", "--contract", "clinic-ops-2026"])
        .unwrap();
    let statements = plan.pointer("/statements").unwrap().as_array().unwrap();
    assert!(
        statements
            .iter()
            .any(|sql| sql.as_str().unwrap().contains("VIEW")),
        "{statements:?}"
    );
    let unknown = gate
        .officer(2)
        .try_run(&["plan", "hospital", "--contract", "none"])
        .unwrap();
    assert_eq!(unknown.code, 2);
}

#[test]
fn a_detached_resource_is_closed_until_it_is_attached() {
    let gate = gate();
    gate.officer(0)
        .run(&["resource", "detach", "hospital"])
        .unwrap();
    let cluster = crate::clinic::cluster();
    let schemas = cluster
        .rows_in(
            "hospital",
            "select nspname from pg_namespace where nspname like 'portcullis_clinic%'",
        )
        .unwrap();
    assert!(schemas.is_empty(), "{schemas:?}");
    gate.officer(0)
        .run(&["resource", "attach", "hospital"])
        .unwrap();
    let schemas = cluster
        .rows_in(
            "hospital",
            "select nspname from pg_namespace where nspname like 'portcullis_clinic%'",
        )
        .unwrap();
    assert_eq!(schemas.len(), 1);
    assert_eq!(
        gate.officer(0)
            .try_run(&["resource", "attach", "hospital"])
            .unwrap()
            .code,
        2
    );
}
