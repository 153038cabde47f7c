//! The words of each diagnostic: `testdata/diagnostics/*.txt` hold edits to the sample (`@` what
//! stands there, `>` what is put instead) and, after `---`, what a person then sees.
//! `UPDATE_GOLDENS=1` writes the files anew.

use std::fs;
use std::path::Path;

use portcullis_contract::*;

use crate::sample::{SAMPLE, source};

const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/diagnostics");

#[test]
fn each_mistake_is_shown_where_it_stands() {
    let mut wrong = Vec::new();
    let mut cases = 0;
    for entry in fs::read_dir(DIRECTORY).unwrap() {
        let path = entry.unwrap().path();
        wrong.extend(check(&path));
        cases += 1;
    }
    assert!(cases >= 40, "only {cases} cases found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Answers what differs.
fn check(path: &Path) -> Option<String> {
    let golden = fs::read_to_string(path).unwrap();
    let (edits, expected) = golden.split_once("---\n").unwrap();
    let files = [source(&edited(edits, path))];
    let shown = match file::parse(&files, &Options::default()) {
        Ok(_) => panic!("{}: no mistake was found", path.display()),
        Err(mistakes) => file::render(&mistakes, &files, false),
    };
    assert!(
        !shown.contains("s3cret"),
        "{}: a password is shown",
        path.display()
    );
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        fs::write(path, format!("{edits}---\n{shown}")).unwrap();
        return None;
    }
    (shown != expected)
        .then(|| format!("{}\nexpected:\n{expected}\nfound:\n{shown}", path.display()))
}

fn edited(edits: &str, path: &Path) -> String {
    let mut text = SAMPLE.to_owned();
    let mut lines = edits.lines();
    while let (Some(before), Some(after)) = (lines.next(), lines.next()) {
        let before = before.strip_prefix("@ ").unwrap().replace("\\n", "\n");
        let after = after
            .strip_prefix(">")
            .unwrap()
            .trim_start_matches(' ')
            .replace("\\n", "\n");
        assert!(
            text.contains(&before),
            "{}: the sample has no {before:?}",
            path.display()
        );
        text = text.replacen(&before, &after, 1);
    }
    text
}

#[test]
fn json_names_line_and_column() {
    let files = [source(&SAMPLE.replace("min_group = 5", "min_group = 0"))];
    let mistakes = file::parse(&files, &Options::default()).unwrap_err();
    let json = file::to_json(&mistakes, &files);
    assert_eq!(json.len(), 1);
    let line = files[0].text.lines().nth(json[0].line - 1).unwrap();
    assert!(line[json[0].column - 1..].starts_with("0 }"), "{line}");
    assert_eq!(json[0].file, "/etc/portcullis/clinic.toml");
    assert!(json[0].help.is_some());
}

#[test]
fn ids_known_already_may_be_referred_to() {
    let only_contract = &SAMPLE[SAMPLE.find("[contract.").unwrap()..];
    let files = [source(only_contract)];
    assert!(file::parse(&files, &Options::default()).is_err());
    let known = Known {
        vendors: ["acme-it".to_owned()].into(),
        resources: ["hospital".to_owned()].into(),
        ..Known::default()
    };
    file::parse(&files, &Options { known }).unwrap();
}

#[test]
fn the_same_id_in_two_files_is_refused() {
    let mut second = source(SAMPLE);
    second.name = "/etc/portcullis/again.toml".to_owned();
    let mistakes = file::parse(&[source(SAMPLE), second], &Options::default()).unwrap_err();
    assert_eq!(mistakes.len(), 4, "vendor, person, resource, contract");
    assert!(
        mistakes
            .iter()
            .all(|mistake| mistake.message.contains("registered twice"))
    );
}

#[test]
fn checks_against_the_catalog_can_point_into_the_file() {
    let files = [source(SAMPLE)];
    let document = file::parse(&files, &Options::default()).unwrap();
    let path = ["contract", "clinic-ops-2026", "scope", "0", "columns", "2"];
    let mistake =
        document
            .places
            .diagnostic(&path, "no column `id_card`", "here", "see the catalog");
    assert_eq!(&SAMPLE[mistake.span.clone()], "\"id_card\"");
    let rows = document
        .places
        .locate(&["contract", "clinic-ops-2026", "scope", "0", "rows"])
        .unwrap();
    assert!(SAMPLE[rows.span.clone()].contains("VIP"));
    let column_of_star = document
        .places
        .locate(&["contract", "clinic-ops-2026", "scope", "1", "columns", "7"])
        .unwrap();
    assert_eq!(&SAMPLE[column_of_star.span.clone()], "\"*\"");
}

/// The shortest contract that `none` takes.
#[test]
fn the_profile_none_asks_for_the_five_terms_alone() {
    let text = r#"
vendor.v.name = "V"
[resource.r]
kind = "postgresql"
url = "postgresql://s@localhost/d"
[contract.c]
title = "C"
vendor = "v"
law = "none"
purposes = { p = "why" }
valid = { from = 2026-01-01, until = 2026-12-31 }
vetting = ["identity"]
methods = { lookup = {} }
[[contract.c.scope]]
resource = "r"
table = "s.t"
grade = "general"
columns = "*"
"#;
    let files = [source(text)];
    if let Err(mistakes) = file::parse(&files, &Options::default()) {
        panic!("{}", file::render(&mistakes, &files, false));
    }
    let files = [source(&text.replace("vetting = [\"identity\"]\n", ""))];
    let mistakes = file::parse(&files, &Options::default()).unwrap_err();
    assert!(
        mistakes[0].message.contains("no protection measure"),
        "{mistakes:?}"
    );
}
