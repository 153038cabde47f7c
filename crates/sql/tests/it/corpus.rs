//! The corpora: honest statements that must be understood, hostile ones that must be refused, each
//! with its outcome in a golden file. `UPDATE_GOLDENS=1` writes them anew: read the difference.

use portcullis_contract::Refusal;

use crate::check::Desk;
use crate::corpora;

/// Compares outcomes with the golden file; all differences are told at once.
fn compare(golden: &str, outcomes: &str) {
    let path = corpora::path(golden);
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        std::fs::write(&path, outcomes).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let differences: Vec<String> = kept
        .lines()
        .zip(outcomes.lines())
        .filter(|(kept, new)| kept != new)
        .take(10)
        .map(|(kept, new)| format!("kept {kept}\nnew  {new}\n"))
        .collect();
    assert!(
        differences.is_empty() && kept.lines().count() == outcomes.lines().count(),
        "{golden}: {differences:#?}"
    );
}

#[test]
fn honest_statements_are_understood() {
    let (plain, dimensions) = (Desk::new(), Desk::with_dimensions());
    let mut refused = Vec::new();
    let mut sizes = Vec::new();
    for file in corpora::HONEST {
        let mut outcomes = String::new();
        let cases = corpora::honest(file);
        for case in &cases {
            assert!(case.is_honest);
            let desk = if case.has_dimensions() {
                &dimensions
            } else {
                &plain
            };
            let lines = desk.outcome(&case.text);
            if lines.iter().any(|line| line.starts_with("no ")) {
                refused.push(format!("{}\n{}", case.text, lines.join("\n")));
            }
            outcomes.push_str(&format!("{}\n  {}\n", case.text, lines.join("\n  ")));
        }
        sizes.push((file, cases.len()));
        compare(&format!("honest/{file}.golden"), &outcomes);
    }
    assert!(refused.is_empty(), "honest, but refused: {refused:#?}");
    println!("honest statements: {sizes:?}");
    assert!(sizes.iter().map(|s| s.1).sum::<usize>() >= 150);
}

#[test]
fn hostile_statements_are_refused() {
    let (plain, dimensions) = (Desk::new(), Desk::with_dimensions());
    let mut class = String::new();
    let mut sizes = std::collections::BTreeMap::<String, usize>::new();
    let mut outcomes = String::new();
    let mut passed = Vec::new();
    for case in corpora::hostile() {
        if case.class != class {
            class.clone_from(&case.class);
            outcomes.push_str(&format!("## {class}\n"));
        }
        *sizes.entry(class.clone()).or_default() += 1;
        let desk = if case.has_dimensions() {
            &dimensions
        } else {
            &plain
        };
        let lines = desk.outcome(&case.text);
        if !lines[0].starts_with("no ") {
            passed.push(case.text.clone());
        }
        outcomes.push_str(&format!("{}\n  {}\n", case.text, lines.join("\n  ")));
    }
    assert!(passed.is_empty(), "hostile, but passed: {passed:#?}");
    println!("hostile statements: {sizes:?}");
    assert!(sizes.values().sum::<usize>() >= 300);
    assert!(
        sizes.values().all(|n| *n >= 8),
        "at least eight a class: {sizes:?}"
    );
    compare("hostile/statements.golden", &outcomes);
}

/// What no contract could say otherwise names no clause: the text is not SQL, or over a limit.
const WITHOUT_CLAUSE: &[&str] = &["syntax"];

/// The parser tells no place, and its words stand in the text more than once.
const WITHOUT_PLACE: &[&str] = &["syntax"];

#[test]
fn every_refusal_helps() {
    let (plain, dimensions) = (Desk::new(), Desk::with_dimensions());
    let mut faults = Vec::new();
    let (mut refusals, mut unplaced) = (0, 0);
    for case in corpora::hostile() {
        let desk = if case.has_dimensions() {
            &dimensions
        } else {
            &plain
        };
        let Err(refusal) = desk.read(&case.text) else {
            continue;
        };
        refusals += 1;
        let reason = refusal.reason.as_str();
        let mut missing = Vec::new();
        if refusal.detail.is_none() && !WITHOUT_CLAUSE.contains(&reason) {
            missing.push("clause");
        }
        if refusal.hint.as_deref().is_none_or(|h| h.trim().is_empty()) {
            missing.push("hint");
        }
        match refusal.position {
            None if WITHOUT_PLACE.contains(&reason) => unplaced += 1,
            None => missing.push("place"),
            Some(at) if !begins_a_piece(&case.text, at) => missing.push("place at a piece"),
            Some(_) => {}
        }
        if !worded(&refusal) {
            missing.push("plain words");
        }
        if !missing.is_empty() {
            faults.push(format!("{}\n  {refusal}: lacks {missing:?}", case.text));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    println!("{refusals} refusals, {unplaced} without a place");
    assert!(unplaced * 20 < refusals, "{unplaced} of {refusals}");
}

/// A place is where a word, a sign or a literal begins: not in a blank, not within a word.
fn begins_a_piece(text: &str, at: usize) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let Some((before, from)) = text.split_at_checked(at) else {
        return false;
    };
    let first = from.chars().next();
    first.is_none_or(|c| !c.is_whitespace())
        && !(first.is_some_and(is_word) && before.ends_with(is_word))
}

/// Lower case and no full stop, as the house writes messages.
fn worded(refusal: &Refusal) -> bool {
    let hint = refusal.hint.as_deref().unwrap_or_default();
    !refusal.message.ends_with('.') && !hint.ends_with('.') && !refusal.message.is_empty()
}
