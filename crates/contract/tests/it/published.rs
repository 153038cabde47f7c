//! What docs/formats says is what this crate does. `UPDATE_GOLDENS=1` writes the schema anew.

use std::fs;
use std::path::{Path, PathBuf};

use portcullis_contract::*;

fn formats() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/formats")
}

#[test]
fn the_published_schema_is_not_stale() {
    let path = formats().join("contract.schema.json");
    let schema = serde_json::to_string_pretty(&schema::json_schema()).unwrap() + "\n";
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        fs::create_dir_all(formats()).unwrap();
        fs::write(&path, &schema).unwrap();
    }
    assert!(
        fs::read_to_string(&path).unwrap() == schema,
        "run this test with UPDATE_GOLDENS=1"
    );
}

/// Every code in a string of this crate's source stands in the list.
#[test]
fn every_reason_code_is_documented() {
    let list = fs::read_to_string(formats().join("reasons.md")).unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let prefixes = [
        "grant.",
        "vetting.",
        "contract.",
        "person.",
        "access.",
        "scope.",
        "method.",
        "purpose.",
    ];
    let mut codes = 0;
    for file in ["admit.rs", "decide.rs", "grant.rs", "local_time.rs"] {
        let text = fs::read_to_string(source.join(file)).unwrap();
        for piece in text.split('"').skip(1).step_by(2) {
            let is_code = prefixes.iter().any(|prefix| piece.starts_with(prefix))
                && piece
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c == '_' || c == '.');
            if is_code && piece != "access.networks" {
                assert!(
                    list.contains(&format!("`{piece}`")),
                    "{file}: {piece} is not in reasons.md"
                );
                codes += 1;
            }
        }
    }
    assert!(codes > 20, "only {codes} codes found");
    for method in Method::ALL {
        assert!(list.contains(&format!("`method.{}`", method.name())));
    }
    for (key, _) in Budget::keys() {
        assert!(list.contains(&format!("`budget.{key}`")), "{key}");
    }
}

/// The same for what the other crates refuse with: each literal that a refusal is made from.
#[test]
#[ignore = "while several people add codes at once; run before a release"]
fn every_reason_code_of_the_product_is_documented() {
    let list = fs::read_to_string(formats().join("reasons.md")).unwrap();
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut missing = Vec::new();
    for name in ["contract", "sql", "gate", "store", "portcullis"] {
        for file in sources(&crates.join(name).join("src")) {
            let text = fs::read_to_string(&file).unwrap();
            missing.extend(
                refused_with(&text)
                    .into_iter()
                    .filter(|code| !list.contains(&format!("`{code}`"))),
            );
        }
    }
    missing.sort();
    missing.dedup();
    assert!(missing.is_empty(), "not in reasons.md: {missing:?}");
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                sources(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

/// The first dotted literal after each call that makes a refusal.
fn refused_with(text: &str) -> Vec<String> {
    let makers = [
        "Refusal::new(",
        ".refuse(",
        "unsupported(",
        "Denied::invalid(",
        "Denied::authority(",
        "Denied::unreachable(",
    ];
    let after = makers.iter().flat_map(|maker| text.split(maker).skip(1));
    let codes = after.filter_map(|rest| {
        let (before, literal) = rest.split_once('"')?;
        let code = literal.split('"').next()?;
        let direct = before
            .chars()
            .all(|c| c.is_alphanumeric() || "_:, \n".contains(c));
        let dotted = code.contains('.')
            && code
                .chars()
                .all(|c| c.is_ascii_lowercase() || c == '_' || c == '.');
        (direct && dotted).then(|| code.to_owned())
    });
    codes.collect()
}

/// The sample in the document is the tested one.
#[test]
fn the_documents_sample_is_the_tested_one() {
    let document = fs::read_to_string(formats().join("contract.md")).unwrap();
    let start = document.find("```toml\n").unwrap() + "```toml\n".len();
    let end = start + document[start..].find("```").unwrap();
    assert_eq!(&document[start..end], crate::sample::SAMPLE);
}
