//! docs/formats/reasons.md and the code know the same reason codes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use portcullis_contract::{Budget, Method};
use portcullis_sql::rules;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The codes of the first column of the document's tables.
fn documented() -> BTreeSet<String> {
    let text = std::fs::read_to_string(workspace().join("docs/formats/reasons.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    let cells = rows.filter_map(|row| row.split('|').nth(1));
    cells
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect()
}

fn sources(directory: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            // What follows are tests.
            let product = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            found.push(product.to_owned());
        }
    }
}

/// The product's source texts; the rules of understanding are asked directly.
fn product() -> Vec<String> {
    let mut found = Vec::new();
    for name in ["contract", "gate", "store", "lock", "portcullis"] {
        sources(
            &workspace().join("crates").join(name).join("src"),
            &mut found,
        );
    }
    found
}

/// Calls that make a refusal out of a reason: the first literal behind each that looks like a code.
const MAKERS: &[&str] = &[
    "Refusal::new(",
    "refuse(",
    "not_admitted(",
    "Denied::invalid(",
    "Denied::authority(",
    "Denied::unreachable(",
];

fn made(text: &str) -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    for rest in MAKERS.iter().flat_map(|maker| text.split(maker).skip(1)) {
        // The arguments up to the end of the statement.
        let call = rest.split(';').next().unwrap_or_default();
        let first = call.split('"').skip(1).step_by(2).find(|l| is_code(l));
        codes.extend(first.map(str::to_owned));
    }
    codes
}

fn is_code(literal: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c == '_' || c == '.';
    literal.contains('.') && literal.chars().all(plain) && !literal.ends_with('.')
}

/// Literals that stand where a code could: clauses, and the record's own word for a refused log-in.
const OTHER_LITERALS: &[&str] = &[
    "access.networks",
    "valid.from",
    "valid.until",
    "methods.tuning",
    "login.failed",
];

fn computed() -> impl Iterator<Item = String> {
    let methods = Method::ALL.iter().map(|m| format!("method.{}", m.name()));
    let budgets = Budget::keys().map(|(key, _)| format!("budget.{key}"));
    let rules = rules::ALL.iter().map(|rule| rule.reason.to_owned());
    methods
        .chain(budgets)
        .chain(rules)
        .filter(|c| !c.is_empty())
}

#[test]
fn every_code_is_documented() {
    let documented = documented();
    let mut codes: BTreeSet<String> = computed().collect();
    let computed = codes.len();
    for text in product() {
        codes.extend(made(&text));
    }
    let other: BTreeSet<String> = OTHER_LITERALS.iter().map(|c| (*c).to_owned()).collect();
    let missing: Vec<&String> = codes
        .difference(&documented)
        .filter(|code| !other.contains(*code))
        .collect();
    println!(
        "{} codes, {computed} of them by rules, methods and budgets",
        codes.len()
    );
    assert!(codes.len() > computed + 60, "the source was searched");
    assert!(
        missing.is_empty(),
        "not in docs/formats/reasons.md: {missing:?}"
    );
}

#[test]
fn every_documented_code_is_used() {
    let computed: BTreeSet<String> = computed().collect();
    let product = product();
    let unused: Vec<String> = documented()
        .into_iter()
        .filter(|code| !computed.contains(code))
        .filter(|code| {
            let literal = format!("\"{code}\"");
            !product.iter().any(|text| text.contains(&literal))
        })
        .collect();
    assert!(
        unused.is_empty(),
        "documented, but nobody says them: {unused:?}"
    );
}
