//! The statements of `tests/corpus`, with the class that each belongs to.

use std::path::{Path, PathBuf};

/// One statement of a corpus.
#[derive(Clone, Debug)]
pub struct Case {
    /// As `## ` says in the file; of honest statements the file's name.
    pub class: String,
    pub text: String,
    pub is_honest: bool,
}

impl Case {
    /// Whether it is read under a contract that declares dimensions.
    pub fn has_dimensions(&self) -> bool {
        self.class == "dimensions"
    }
}

pub const HONEST: [&str; 5] = ["work", "forms", "psql", "drivers", "dimensions"];

pub fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/corpus")
        .join(file)
}

fn lines(file: &str) -> Vec<String> {
    let text = std::fs::read_to_string(path(file)).unwrap();
    text.lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with("# "))
        .map(str::to_owned)
        .collect()
}

/// The statements of one honest file.
pub fn honest(name: &str) -> Vec<Case> {
    let case = |text| Case {
        class: name.to_owned(),
        text,
        is_honest: true,
    };
    lines(&format!("honest/{name}.sql"))
        .into_iter()
        .map(case)
        .collect()
}

pub fn hostile() -> Vec<Case> {
    let mut class = String::new();
    let mut cases = Vec::new();
    for line in lines("hostile/statements.txt") {
        match line.strip_prefix("## ") {
            Some(name) => name.clone_into(&mut class),
            None => cases.push(Case {
                class: class.clone(),
                text: line,
                is_honest: false,
            }),
        }
    }
    cases
}
