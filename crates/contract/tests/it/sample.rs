//! The sample of `interface.md`, word for word.

use portcullis_contract::*;

pub const SAMPLE: &str = include_str!("../../testdata/sample.toml");

pub fn source(text: &str) -> SourceFile {
    SourceFile {
        name: "/etc/portcullis/clinic.toml".to_owned(),
        text: text.to_owned(),
    }
}

pub fn document() -> Document {
    let files = [source(SAMPLE)];
    file::parse(&files, &Options::default())
        .unwrap_or_else(|mistakes| panic!("{}", file::render(&mistakes, &files, false)))
}

#[test]
fn the_sample_of_the_interface_has_no_mistake() {
    let document = document();
    assert_eq!(document.vendors[0].name, "Acme IT Services");
    assert_eq!(document.persons[0].vetting.len(), 3);
    assert_eq!(
        document.resources[0].password_file.as_deref(),
        Some("/etc/portcullis/steward.password")
    );
    let [contract] = document.contracts.as_slice() else {
        panic!("one contract")
    };
    assert_eq!(contract.law, "cn");
    assert_eq!(contract.methods.aggregate_min_group, 5);
    assert_eq!(
        contract.methods.allowed,
        [Method::Lookup, Method::Aggregate, Method::Catalog].into()
    );
    assert_eq!(contract.access.grant_at_most_seconds, 12 * 3600);
    assert_eq!(hours::write(&contract.access.hours), "Mon-Fri 08:00-20:00");
    assert_eq!(contract.access.networks.len(), 2);
    let bytes = contract
        .budgets
        .iter()
        .find(|budget| budget.key() == "bytes_per_session")
        .unwrap();
    assert_eq!(bytes.limit, 5_000_000);
    assert_eq!(contract.budgets.len(), 4);
    let [patients, visits] = contract.scope.as_slice() else {
        panic!("two tables")
    };
    assert_eq!(patients.mask["id_card"], Mask::Last(4));
    assert_eq!(patients.mask["name"], Mask::First(1));
    assert_eq!(patients.rows.as_deref(), Some("hospital_ward <> 'VIP'"));
    assert_eq!(visits.columns, Columns::All);
    assert_eq!(contract.terms["at_end"]["certificate_within"], "14d");
    assert_eq!(contract.terms["assessment"]["on"], "2026-01-02");
}

/// What is written into events reads back the same.
#[test]
fn the_types_go_through_json_unchanged() {
    let document = document();
    let json = serde_json::to_string(&document.contracts[0]).unwrap();
    assert_eq!(
        serde_json::from_str::<Contract>(&json).unwrap(),
        document.contracts[0]
    );
    let json = serde_json::to_string(&document.persons[0]).unwrap();
    assert_eq!(
        serde_json::from_str::<Person>(&json).unwrap(),
        document.persons[0]
    );
}
