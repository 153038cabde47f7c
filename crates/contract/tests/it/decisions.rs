//! decide: one clause at a time, and a property over all footprints.

use std::collections::BTreeSet;

use portcullis_contract::*;
use proptest::prelude::*;

use crate::sample::document;

fn contract() -> Contract {
    let mut contract = document().contracts.remove(0);
    let columns = ["visit_id", "patient_id", "seen_on"].map(str::to_owned);
    contract.resolve_columns("hospital", "clinic", "visits", &columns);
    contract
}

fn footprint(methods: &[Method], shape: Shape, tables: &[(&str, &[&str])]) -> Footprint {
    let tables = tables
        .iter()
        .map(|(table, columns)| TableUse {
            table: (*table).to_owned(),
            columns: columns.iter().map(|column| (*column).to_owned()).collect(),
        })
        .collect();
    Footprint {
        methods: methods.iter().copied().collect(),
        shape,
        tables,
        joins: BTreeSet::new(),
    }
}

fn lookup(tables: &[(&str, &[&str])]) -> Footprint {
    footprint(&[Method::Lookup], Shape::RowLevel, tables)
}

#[track_caller]
fn refused(contract: &Contract, resource: &str, footprint: &Footprint, reason: &str) -> Refusal {
    let refusal = decide(contract, resource, footprint).expect_err(reason);
    assert_eq!(refusal.reason, reason);
    assert_eq!(refusal.sqlstate.code(), "42501");
    // Every refusal names the clause, and says what to do.
    let detail = refusal.detail.as_deref().unwrap_or_default();
    assert!(
        detail.starts_with("contract `clinic-ops-2026`, clause `"),
        "{refusal}: {detail}"
    );
    assert!(
        refusal.hint.as_deref().is_some_and(|hint| hint.len() > 10),
        "{refusal}"
    );
    refusal
}

#[test]
fn what_the_contract_names_is_allowed() {
    let contract = contract();
    let permit = decide(
        &contract,
        "hospital",
        &lookup(&[("clinic.patients", &["patient_id", "name"])]),
    )
    .unwrap();
    assert_eq!(permit.min_group(), 5);
    assert!(permit.would_refuse().is_none());
    decide(&contract, "hospital", &footprint(&[], Shape::NoData, &[])).unwrap();
}

#[test]
fn what_it_does_not_name_is_refused_with_the_clause() {
    let contract = contract();
    let export = footprint(
        &[Method::Export],
        Shape::RowLevel,
        &[("clinic.patients", &["name"])],
    );
    let refusal = refused(&contract, "hospital", &export, "method.export");
    assert_eq!(
        refusal.client_message(),
        "portcullis[method.export]: the contract does not allow the method `export` (COPY and dumps)"
    );
    assert_eq!(
        refusal.detail.as_deref(),
        Some("contract `clinic-ops-2026`, clause `methods`")
    );
    assert_eq!(
        refusal.hint.as_deref(),
        Some(
            "the contract allows: `lookup`, `aggregate`, `catalog`; read the rows that you need with a SELECT instead; for more, ask the owner to change the contract"
        )
    );
    let refusal = refused(
        &contract,
        "hospital",
        &lookup(&[("clinic.staff", &["name"])]),
        "scope.table",
    );
    assert_eq!(
        refusal.hint.as_deref(),
        Some("in scope on `hospital`: `clinic.patients`, `clinic.visits`")
    );
    let refusal = refused(
        &contract,
        "hospital",
        &lookup(&[("clinic.patients", &["diagnosis"])]),
        "scope.column",
    );
    assert_eq!(
        refusal.message,
        "column `diagnosis` of `clinic.patients` is not in the contract's scope"
    );
    refused(
        &contract,
        "hospital",
        &lookup(&[("clinic.visits", &["notes"])]),
        "scope.column",
    );
    refused(
        &contract,
        "payroll",
        &lookup(&[("clinic.patients", &["name"])]),
        "scope.table",
    );
    refused(
        &contract,
        "hospital",
        &footprint(&[], Shape::NoData, &[("clinic.patients", &[])]),
        "method.none",
    );
    refused(
        &contract,
        "hospital",
        &footprint(&[], Shape::RowLevel, &[]),
        "method.none",
    );
    for close in [
        "clinic.patient",
        "clinic.patientss",
        "clinicpatients",
        "Clinic.patients",
        ".patients",
        "clinic.",
    ] {
        refused(
            &contract,
            "hospital",
            &lookup(&[(close, &[])]),
            "scope.table",
        );
    }
}

#[test]
fn only_listed_pairs_meet() {
    let mut contract = contract();
    let pair = |one: &str, other: &str| (one.to_owned(), other.to_owned());
    let mut joined = lookup(&[
        ("clinic.patients", &["name"]),
        ("clinic.visits", &["seen_on"]),
    ]);
    joined.joins = [pair("clinic.patients", "clinic.visits")].into();
    decide(&contract, "hospital", &joined).unwrap();
    contract.joins = Joins::Pairs(BTreeSet::new());
    refused(&contract, "hospital", &joined, "scope.join");
    contract.joins = Joins::Pairs([pair("clinic.visits", "clinic.patients")].into());
    decide(&contract, "hospital", &joined).unwrap();
    contract.joins = Joins::Pairs(BTreeSet::new());
    joined.joins = [pair("clinic.visits", "clinic.visits")].into();
    decide(&contract, "hospital", &joined).unwrap();
}

#[test]
fn observe_permits_and_says_what_it_would_have_refused() {
    let mut contract = contract();
    contract.mode = Mode::Observe;
    let permit = decide(
        &contract,
        "hospital",
        &lookup(&[("clinic.staff", &["name"])]),
    )
    .unwrap();
    assert_eq!(permit.would_refuse().unwrap().reason, "scope.table");
    let permit = decide(
        &contract,
        "hospital",
        &lookup(&[("clinic.visits", &["seen_on"])]),
    )
    .unwrap();
    assert!(permit.would_refuse().is_none());
}

fn any_footprint() -> impl Strategy<Value = Footprint> {
    let tables = prop::sample::subsequence(
        vec!["clinic.patients", "clinic.visits", "clinic.staff"],
        0..=3,
    );
    let columns =
        prop::sample::subsequence(vec!["patient_id", "name", "visit_id", "diagnosis"], 0..=4);
    let methods = prop::sample::subsequence(Method::ALL.to_vec(), 0..=3);
    let shape = prop::sample::select(vec![Shape::RowLevel, Shape::Aggregate, Shape::NoData]);
    (tables, columns, methods, shape).prop_map(|(tables, columns, methods, shape)| {
        let tables: Vec<(&str, &[&str])> = tables
            .iter()
            .map(|table| (*table, columns.as_slice()))
            .collect();
        footprint(&methods, shape, &tables)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    /// The decision, stated the other way round: a permit means that all of it is in the contract.
    #[test]
    fn a_permit_means_that_everything_is_in_scope(footprint in any_footprint()) {
        let contract = contract();
        let within = footprint.methods.is_subset(&contract.methods.allowed)
            && (!footprint.methods.is_empty() || (footprint.tables.is_empty() && footprint.shape == Shape::NoData))
            && footprint.tables.iter().all(|used| {
                contract.scope.iter().any(|scope| {
                    let Columns::List(columns) = &scope.columns else { panic!("resolved") };
                    scope.qualified() == used.table && used.columns.iter().all(|column| columns.contains(column))
                })
            });
        prop_assert_eq!(decide(&contract, "hospital", &footprint).is_ok(), within);
    }
}
