//! The corpora: honest statements that must be understood, hostile ones that must be refused, each
//! with its outcome in a golden file. `UPDATE_GOLDENS=1` writes them anew: read the difference.

use std::path::{Path, PathBuf};

use crate::check::Desk;

fn corpus(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/corpus")
        .join(file)
}

fn statements(file: &str) -> Vec<String> {
    let text = std::fs::read_to_string(corpus(file)).unwrap();
    text.lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with("# "))
        .map(str::to_owned)
        .collect()
}

/// Compares outcomes with the golden file; all differences are told at once.
fn compare(golden: &str, outcomes: &str) {
    let path = corpus(golden);
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

fn honest(file: &str, golden: &str) -> usize {
    let desk = Desk::new();
    let mut outcomes = String::new();
    let mut refused = Vec::new();
    let all = statements(file);
    for statement in &all {
        let lines = desk.outcome(statement);
        if lines.iter().any(|line| line.starts_with("no ")) {
            refused.push(format!("{statement}\n{}", lines.join("\n")));
        }
        outcomes.push_str(&format!("{statement}\n  {}\n", lines.join("\n  ")));
    }
    assert!(refused.is_empty(), "honest, but refused: {refused:#?}");
    compare(golden, &outcomes);
    all.len()
}

#[test]
fn honest_statements_are_understood() {
    let sizes = [
        ("work", honest("honest/work.sql", "honest/work.golden")),
        ("psql", honest("honest/psql.sql", "honest/psql.golden")),
        (
            "drivers",
            honest("honest/drivers.sql", "honest/drivers.golden"),
        ),
    ];
    println!("honest statements: {sizes:?}");
    assert!(sizes.iter().map(|s| s.1).sum::<usize>() >= 150);
}

#[test]
fn hostile_statements_are_refused() {
    let desk = Desk::new();
    let mut class = String::new();
    let mut sizes = std::collections::BTreeMap::<String, usize>::new();
    let mut outcomes = String::new();
    let mut passed = Vec::new();
    for line in statements("hostile/statements.txt") {
        if let Some(name) = line.strip_prefix("## ") {
            class = name.to_owned();
            outcomes.push_str(&format!("## {class}\n"));
            continue;
        }
        *sizes.entry(class.clone()).or_default() += 1;
        let lines = desk.outcome(&line);
        if !lines[0].starts_with("no ") {
            passed.push(line.clone());
        }
        outcomes.push_str(&format!("{line}\n  {}\n", lines.join("\n  ")));
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
