//! Every limit of a text has a name, says its number and what to do instead; and what would multiply,
//! nest or fill memory meets one of them soon.

use portcullis_contract::Refusal;
use portcullis_sql::limits::*;
use portcullis_sql::understand;

use crate::{hostile_sizes, world};

fn refusal(text: &str) -> Option<Refusal> {
    let surface = world::surface();
    understand(text, &surface, &world::session(&surface)).err()
}

#[track_caller]
fn refused(text: &str, reason: &str, message: &str, hint: &str) {
    let refusal = refusal(text).unwrap_or_else(|| panic!("{reason} holds"));
    assert_eq!(refusal.reason, reason, "{}", refusal.message);
    assert_eq!(refusal.message, message);
    assert_eq!(refusal.sqlstate.code(), "54000");
    let told = refusal.hint.unwrap_or_default();
    assert!(told.contains(hint), "{told}");
}

fn hostile(name: &str) -> String {
    let texts = hostile_sizes::texts();
    texts
        .into_iter()
        .find(|(known, _)| *known == name)
        .unwrap()
        .1
}

fn list(elements: usize) -> String {
    let list = vec!["1"; elements].join(",");
    format!("SELECT name FROM patients WHERE patient_id IN ({list})")
}

#[test]
fn each_limit_says_its_number_and_what_to_do() {
    refused(
        &format!("SELECT '{}'", "x".repeat(MAX_STATEMENT_BYTES)),
        "limit.bytes",
        "the text has 1048585 bytes; at most 1048576 are read",
        "send it in parts",
    );
    refused(
        &"SELECT 1;".repeat(MAX_STATEMENTS + 1),
        "limit.statements",
        "more than 1000 statements in one message",
        "several messages",
    );
    refused(
        &list(MAX_LIST_ELEMENTS + 1),
        "limit.list",
        "a list has more than 50000 elements",
        "= ANY($1)",
    );
    refused(
        &format!("SELECT {}", vec!["sex"; 40_000].join(",")),
        "limit.nodes",
        "the message has more than 100000 names, values and operators",
        "send it in parts",
    );
    refused(
        &format!("SELECT {}", vec!["1"; MAX_COLUMNS + 1].join(",")),
        "limit.columns",
        "more than 1664 columns in one result",
        "name the columns",
    );
    refused(
        &format!("SELECT {}1{}", "(SELECT ".repeat(3_000), ")".repeat(3_000)),
        "limit.depth",
        "the statement is nested too deeply",
        "split it",
    );
    refused(
        &format!(
            "{}SELECT * FROM patients a, patients b, patients c{}",
            "SELECT * FROM (".repeat(300),
            ") x".repeat(300)
        ),
        "limit.depth",
        "the statement is nested too deeply",
        "split it",
    );
    refused(
        &hostile("json"),
        "limit.bytes",
        "a text of this form is read up to 65536 bytes",
        "the forms that pass",
    );
}

/// What is looked for among many columns, again and again.
#[test]
fn time_is_bounded_by_steps() {
    let text = hostile("wide from");
    refused(
        &text,
        "limit.time",
        "the message takes too long to understand",
        "fewer tables and columns",
    );
}

#[test]
fn within_its_limits_a_text_is_read() {
    assert_eq!(refusal(&list(MAX_LIST_ELEMENTS)).map(|r| r.message), None);
    assert_eq!(
        refusal(&"SELECT 1;".repeat(MAX_STATEMENTS)).map(|r| r.message),
        None
    );
    let wide = format!("SELECT {}", vec!["1"; MAX_COLUMNS].join(","));
    assert_eq!(refusal(&wide).map(|r| r.message), None);
}

#[test]
fn what_multiplies_meets_a_limit() {
    for (name, reason) in [
        ("doubling", "limit.columns"),
        ("nested selects", "limit.time"),
        ("stars of 200", "limit.columns"),
        ("bare of 200", "limit.columns"),
        ("targets 1 MB", "limit.list"),
        ("strings 1 MB", "limit.list"),
        ("columns of 200", "limit.nodes"),
        ("small statements", "limit.depth"),
        ("insert 1 MB", "limit.depth"),
        ("parentheses", "limit.depth"),
    ] {
        let told = refusal(&hostile(name)).map(|refusal| refusal.reason);
        assert_eq!(told.as_deref(), Some(reason), "{name}");
    }
}
