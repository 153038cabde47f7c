//! Rules shown one by one, each by the smallest statement that needs it.

use portcullis_contract::{Method, Shape, SqlState};
use portcullis_sql::{Kind, Tap, Tapped, rewrite};

use crate::check::{Desk, permit};

#[test]
fn a_bare_name_finds_its_table_by_the_clients_own_search_path() {
    let mut desk = Desk::new();
    assert!(desk.read("SELECT result FROM samples").is_ok());
    desk.session.search_path = vec!["clinic".into()];
    assert_eq!(
        desk.read("SELECT result FROM samples").unwrap_err().reason,
        "scope.table"
    );
}

#[test]
fn hidden_and_missing_columns_get_one_answer() {
    let desk = Desk::new();
    let hidden = desk.read("SELECT secret FROM patients").unwrap_err();
    let missing = desk.read("SELECT sicret FROM patients").unwrap_err();
    assert_eq!(hidden.message.replace("secret", "sicret"), missing.message);
    assert_eq!(
        (hidden.sqlstate, hidden.hint, hidden.position),
        (missing.sqlstate, missing.hint, missing.position)
    );
    assert_eq!(hidden.position, Some(7));
}

#[test]
fn all_statements_of_a_message_are_understood_or_none() {
    let desk = Desk::new();
    let all = desk
        .read("BEGIN; SELECT name FROM patients; COMMIT")
        .unwrap();
    assert_eq!(all.len(), 3);
    assert_eq!(
        &"BEGIN; SELECT name FROM patients; COMMIT"[all[1].range.clone()],
        "SELECT name FROM patients"
    );
    assert!(
        desk.read("BEGIN; SELECT secret FROM patients; COMMIT")
            .is_err()
    );
}

#[test]
fn the_permits_floor_stands_in_the_text() {
    let desk = Desk::new();
    let read = desk
        .read("SELECT sex, count(*) FROM patients GROUP BY sex")
        .unwrap();
    for floor in [1, 7, 5_000_000_000] {
        let cleared = rewrite(&read[0], &permit(floor), &desk.surface, &desk.session).unwrap();
        assert!(
            cleared.text().ends_with(&format!(">= {floor}")),
            "{}",
            cleared.text()
        );
    }
}

#[test]
fn shape_and_methods_follow_what_is_shown() {
    let desk = Desk::new();
    let footprint = |text: &str| {
        let read = desk.read(text).unwrap();
        (
            read[0].footprint.shape,
            read[0]
                .footprint
                .methods
                .iter()
                .copied()
                .collect::<Vec<_>>(),
        )
    };
    assert_eq!(footprint("SELECT 1"), (Shape::NoData, vec![]));
    assert_eq!(
        footprint("SELECT name FROM patients"),
        (Shape::RowLevel, vec![Method::Lookup])
    );
    assert_eq!(
        footprint("SELECT count(*) FROM patients"),
        (Shape::Aggregate, vec![Method::Aggregate])
    );
    assert_eq!(
        footprint("SELECT relname FROM pg_class"),
        (Shape::NoData, vec![Method::Catalog])
    );
    assert_eq!(
        footprint("SELECT typname FROM pg_type"),
        (Shape::NoData, vec![])
    );
    assert_eq!(
        footprint("EXPLAIN SELECT name FROM patients"),
        (Shape::NoData, vec![Method::Plan])
    );
    assert_eq!(
        footprint("COPY patients TO STDOUT"),
        (Shape::RowLevel, vec![Method::Lookup, Method::Export])
    );
    assert_eq!(
        footprint("SELECT ward, (SELECT count(*) FROM patients) FROM wards"),
        (Shape::RowLevel, vec![Method::Lookup, Method::Aggregate])
    );
}

#[test]
fn what_changes_something_says_so() {
    let desk = Desk::new();
    assert!(desk.read("VACUUM visits").unwrap()[0].changes);
    assert!(!desk.read("SELECT 1").unwrap()[0].changes);
}

#[test]
fn the_search_path_is_the_gates_own() {
    let desk = Desk::new();
    let read = desk.read("SET search_path TO lab, \"$user\"").unwrap();
    assert_eq!(
        read[0].kind,
        Kind::SetSearchPath {
            path: vec!["lab".into(), "$user".into()],
            local: false
        }
    );
    let read = desk
        .read("SELECT set_config('search_path', 'a, \"B\"', true)")
        .unwrap();
    assert_eq!(
        read[0].kind,
        Kind::SetSearchPath {
            path: vec!["a".into(), "B".into()],
            local: true
        }
    );
}

#[test]
fn taps_read_back() {
    assert_eq!(Tap::read(None), Some(Tapped::Absent));
    assert_eq!(Tap::read(Some(b"s17")), Some(Tapped::Subject(b"17")));
    assert_eq!(Tap::read(Some(b"s")), Some(Tapped::Subject(b"")));
    assert_eq!(Tap::read(Some(b"n")), Some(Tapped::Unknown));
    assert_eq!(Tap::read(Some(b"nx")), None);
    assert_eq!(Tap::read(Some(b"")), None);
}

#[test]
fn limits_have_names() {
    let desk = Desk::new();
    let refused = |text: &str| desk.read(text).unwrap_err();
    let long = refused(&format!("SELECT '{}'", "x".repeat(2 << 20)));
    assert_eq!(
        (long.sqlstate, long.reason.as_str()),
        (SqlState::LimitExceeded, "limit.bytes")
    );
    let deep = refused(&format!(
        "SELECT {}1{}",
        "abs(".repeat(3_000),
        ")".repeat(3_000)
    ));
    assert_eq!(
        (deep.sqlstate, deep.reason.as_str()),
        (SqlState::LimitExceeded, "limit.depth")
    );
    let many = refused(&"SELECT 1;".repeat(2_000));
    assert_eq!(many.reason, "limit.statements");
}

#[test]
fn nesting_that_people_and_tools_write_is_read() {
    let desk = Desk::new();
    let ors = format!(
        "SELECT name FROM patients WHERE {}",
        vec!["patient_id = 1"; 500].join(" OR ")
    );
    let list = format!(
        "SELECT name FROM patients WHERE patient_id IN ({})",
        (0..4000)
            .map(|n| n.to_string())
            .collect::<Vec<_>>()
            .join(", ")
    );
    let sums = format!("SELECT cost{} FROM visits", " + cost".repeat(200));
    let nested = format!(
        "{}SELECT name FROM patients{}",
        "SELECT * FROM (".repeat(20),
        ") x".repeat(20)
    );
    for text in [ors, list, sums, nested] {
        assert!(
            desk.read(&text).is_ok(),
            "{}",
            text.chars().take(60).collect::<String>()
        );
    }
}

#[test]
fn invalid_sql_is_called_so() {
    let desk = Desk::new();
    let refused = desk.read("SELEC 1").unwrap_err();
    assert_eq!(
        (refused.sqlstate, refused.reason.as_str()),
        (SqlState::Syntax, "syntax")
    );
}
