//! change: each edit of the sample, with the direction in which it moves control.

use portcullis_contract::*;

use crate::sample::{SAMPLE, document, source};

fn parsed(text: &str) -> Document {
    let files = [source(text)];
    file::parse(&files, &Options::default())
        .unwrap_or_else(|mistakes| panic!("{}", file::render(&mistakes, &files, false)))
}

/// All changes that an edit of the sample makes, both ways.
#[track_caller]
fn check(before: &str, after: &str, there: Effect, back: Effect) -> Change {
    assert!(SAMPLE.contains(before), "{before}");
    let (old, new) = (document(), parsed(&SAMPLE.replacen(before, after, 1)));
    assert_eq!(effect(&new, &old), back, "back from {after}");
    assert_eq!(effect(&old, &new), there, "to {after}");
    change::contract(Some(&old.contracts[0]), &new.contracts[0])
}

fn effect(old: &Document, new: &Document) -> Effect {
    change::combined([
        change::vendor(Some(&old.vendors[0]), &new.vendors[0]).effect,
        change::person(Some(&old.persons[0]), &new.persons[0]).effect,
        change::resource(Some(&old.resources[0]), &new.resources[0]).effect,
        change::contract(Some(&old.contracts[0]), &new.contracts[0]).effect,
    ])
}

#[test]
fn what_widens_loosens_and_what_narrows_tightens() {
    use Effect::{Loosens, None, Tightens};
    for (before, after, there, back) in [
        (
            "Operation of the clinic database",
            "Operating the clinic database",
            None,
            None,
        ),
        (", tuning = \"Performance tuning\"", "", Tightens, Loosens),
        ("Performance tuning", "Anything", Loosens, Loosens),
        ("from = 2026-01-01", "from = 2026-02-01", Tightens, Loosens),
        (
            "until = 2027-12-31",
            "until = 2028-12-31",
            Loosens,
            Tightens,
        ),
        (
            "Mon-Fri 08:00-20:00",
            "Mon-Thu 08:00-20:00",
            Tightens,
            Loosens,
        ),
        (
            "Mon-Fri 08:00-20:00",
            "Mon-Fri 09:00-21:00",
            Loosens,
            Loosens,
        ),
        ("Mon-Fri 08:00-20:00", "any", Loosens, Tightens),
        (
            "Mon-Fri 08:00-20:00",
            "Mon-Fri 08:00-12:00, Mon-Fri 12:00-20:00",
            None,
            None,
        ),
        ("Asia/Shanghai", "Asia/Tokyo", Loosens, Loosens),
        ("\"10.8.0.0/16\", ", "\"10.8.0.0/15\", ", Loosens, Tightens),
        (", \"127.0.0.0/8\"", "", Tightens, Loosens),
        (
            "grant_at_most = \"12h\"",
            "grant_at_most = \"13h\"",
            Loosens,
            Tightens,
        ),
        (
            "catalog   = {}",
            "export = {}\ncatalog   = {}",
            Loosens,
            Tightens,
        ),
        ("min_group = 5", "min_group = 4", Loosens, Tightens),
        (
            "min_group = 5 }",
            "min_group = 5, dimensions = [\"clinic.patients.sex\"] }",
            Tightens,
            Loosens,
        ),
        (
            "rows_per_statement = 500",
            "rows_per_statement = 500\naggregates_per_day = 100",
            Tightens,
            Loosens,
        ),
        (
            "rows_per_statement = 500",
            "rows_per_statement = 501",
            Loosens,
            Tightens,
        ),
        ("rows_per_statement = 500", "", Loosens, Tightens),
        ("\"sex\", ", "", Tightens, Loosens),
        (", phone = \"last4\" }", " }", Loosens, Tightens),
        ("phone = \"last4\"", "phone = \"null\"", Tightens, Loosens),
        ("phone = \"last4\"", "phone = \"last8\"", Loosens, Loosens),
        (
            "rows     = \"hospital_ward <> 'VIP'\"",
            "",
            Loosens,
            Tightens,
        ),
        (
            "grade    = \"general\"                       # general",
            "grade    = \"important\" # general",
            Tightens,
            Loosens,
        ),
        (
            "personal = \"personal\"\nsubject  = \"patient_id\"\ncolumns  = \"*\"",
            "personal = \"sensitive\"\nsubject  = \"patient_id\"\ncolumns  = \"*\"",
            Tightens,
            Loosens,
        ),
        (
            "subject  = \"patient_id\"\ncolumns  = \"*\"",
            "subject  = \"visit_id\"\ncolumns  = \"*\"",
            Loosens,
            Loosens,
        ),
        (
            "hospital_ward <> 'VIP'",
            "hospital_ward <> 'ICU'",
            Loosens,
            Loosens,
        ),
        (
            "breach_notice  = \"24h\"",
            "breach_notice  = \"72h\"",
            Loosens,
            Loosens,
        ),
        (
            "subcontracting = \"forbidden\"",
            "mode = \"observe\"\nsubcontracting = \"forbidden\"",
            Loosens,
            Tightens,
        ),
        (
            "subcontracting = \"forbidden\"",
            "joins = []\nsubcontracting = \"forbidden\"",
            Tightens,
            Loosens,
        ),
        (
            "subcontracting = \"forbidden\"",
            "liability = \"full\"\nsubcontracting = \"forbidden\"",
            Tightens,
            Loosens,
        ),
        (
            "subcontracting = \"forbidden\"",
            "params_hashed = true\nsubcontracting = \"forbidden\"",
            Loosens,
            Tightens,
        ),
        (
            "until = 2028-01-05 },\n  { kind = \"conf",
            "until = 2029-01-05 },\n  { kind = \"conf",
            Loosens,
            Loosens,
        ),
        (
            "  { kind = \"confidentiality-agreement\", on = 2026-01-06, until = 2028-01-06 },\n",
            "",
            Tightens,
            Loosens,
        ),
        ("\"Li Wei\"", "\"Li Na\"", Loosens, Loosens),
        (
            "127.0.0.1:5432/hospital",
            "127.0.0.1:5433/hospital",
            Loosens,
            Loosens,
        ),
    ] {
        check(before, after, there, back);
    }
}

#[test]
fn a_difference_says_what_was_and_what_will_be() {
    let change = check(
        "rows_per_statement = 500",
        "rows_per_statement = 900",
        Effect::Loosens,
        Effect::Tightens,
    );
    assert_eq!(
        change.differences[0].to_string(),
        "budget.rows_per_statement: 500 → 900 (loosens)"
    );
    assert_eq!(
        change.differences,
        [Difference {
            field: "budget.rows_per_statement".to_owned(),
            before: Some("500".to_owned()),
            after: Some("900".to_owned()),
            effect: Effect::Loosens,
        }]
    );
}

#[test]
fn nothing_new_is_no_change() {
    let document = document();
    assert!(change::contract(Some(&document.contracts[0]), &document.contracts[0]).is_empty());
    assert!(change::person(Some(&document.persons[0]), &document.persons[0]).is_empty());
    assert_eq!(effect(&document, &document), Effect::None);
}

#[test]
fn of_what_is_new_the_contract_and_the_vetting_loosen() {
    let document = document();
    assert_eq!(
        change::vendor(None, &document.vendors[0]).effect,
        Effect::None
    );
    assert_eq!(
        change::resource(None, &document.resources[0]).effect,
        Effect::None
    );
    assert_eq!(
        change::person(None, &document.persons[0]).effect,
        Effect::Loosens
    );
    let unvetted = Person {
        vetting: Vec::new(),
        ..document.persons[0].clone()
    };
    assert_eq!(change::person(None, &unvetted).effect, Effect::None);
    let contract = change::contract(None, &document.contracts[0]);
    assert_eq!(contract.effect, Effect::Loosens);
    assert!(contract.is_new && contract.differences.len() > 6);
    let json = serde_json::to_value(&contract).unwrap();
    assert_eq!(
        (
            json["kind"].as_str(),
            json["name"].as_str(),
            json["effect"].as_str()
        ),
        (Some("contract"), Some("clinic-ops-2026"), Some("loosens"))
    );
}

/// A column that came after the approval is a new one, though both files say `*`.
#[test]
fn a_star_is_compared_by_the_columns_it_stood_for() {
    let (mut old, mut new) = (
        document().contracts.remove(0),
        document().contracts.remove(0),
    );
    let names = |names: &[&str]| {
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>()
    };
    old.resolve_columns("hospital", "clinic", "visits", &names(&["a", "b"]));
    new.resolve_columns("hospital", "clinic", "visits", &names(&["a", "b"]));
    assert!(change::contract(Some(&old), &new).is_empty());
    let mut wider = document().contracts.remove(0);
    wider.resolve_columns("hospital", "clinic", "visits", &names(&["a", "b", "c"]));
    assert_eq!(change::contract(Some(&old), &wider).effect, Effect::Loosens);
    assert_eq!(
        change::contract(Some(&wider), &old).effect,
        Effect::Tightens
    );
}

#[test]
fn what_applies_at_once_keeps_the_columns_of_the_approval() {
    let mut approved = document().contracts.remove(0);
    let columns = vec!["a".to_owned(), "b".to_owned()];
    approved.resolve_columns("hospital", "clinic", "visits", &columns);
    let mut tighter =
        parsed(&SAMPLE.replace("rows_per_statement = 500", "rows_per_statement = 50"))
            .contracts
            .remove(0);
    assert!(tighter.has_unresolved_columns());
    change::keep_columns(&approved, &mut tighter);
    assert_eq!(
        tighter
            .table("hospital", "clinic", "visits")
            .unwrap()
            .columns,
        Columns::List(columns)
    );
    assert_eq!(
        change::contract(Some(&approved), &tighter).effect,
        Effect::Tightens
    );
}
