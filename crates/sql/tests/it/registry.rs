//! The registry of rules cannot be gone around, and not be switched off in the product.

use std::path::Path;

fn crate_file(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

fn sources(directory: &Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((path.display().to_string(), text));
        }
    }
}

/// A refusal is made by a `Denial`, which takes a rule: so that no refusal is without one.
#[test]
fn refusals_are_made_in_one_place() {
    let mut files = Vec::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut files,
    );
    assert!(files.len() > 30);
    let makers = [
        "Refusal::new(",
        "Refusal {\n            sqlstate",
        "Refusal {sqlstate",
    ];
    let others: Vec<&String> = files
        .iter()
        .filter(|(name, _)| !name.ends_with("src/rules.rs"))
        .filter(|(_, text)| makers.iter().any(|maker| text.contains(maker)))
        .map(|(name, _)| name)
        .collect();
    assert!(
        others.is_empty(),
        "make refusals without a rule: {others:?}"
    );
    // A refusal that ignores whether its rule stands is for where there is nothing to go on with.
    let ignoring: usize = files
        .iter()
        .filter(|(name, _)| !name.contains("src/mutation"))
        .map(|(_, text)| text.matches(".refusal()").count())
        .sum();
    assert!(ignoring <= 8, "{ignoring} refusals do not ask their rule");
}

/// No feature of this crate exists that another crate, or the whole workspace's build, could turn on;
/// and removing looks at `cfg(test)` alone, which holds in this crate's unit tests only.
#[test]
fn no_feature_switches_a_rule_off() {
    let manifest = crate_file("Cargo.toml");
    assert!(
        !manifest.contains("[features]") && !manifest.contains("optional"),
        "{manifest}"
    );
    let text = crate_file("src/rules.rs");
    let stands: Vec<&str> = text
        .match_indices("fn stands(&self)")
        .map(|(at, _)| &text[..at])
        .collect();
    let gates: Vec<&str> = stands
        .iter()
        .map(|before| {
            let attribute = before.rfind("#[cfg(").unwrap();
            before[attribute..].lines().next().unwrap()
        })
        .collect();
    assert_eq!(gates, ["#[cfg(not(test))]", "#[cfg(test)]"]);
    assert!(!text.contains("feature ="), "rules know no feature");
    // The product's is a constant: the compiler has proved it for every rule of this very build.
    assert!(text.contains("const _: () = assert!($name.stands());"));
    assert!(crate_file("src/lib.rs").contains("#[cfg(test)]\nmod mutation;"));
}
