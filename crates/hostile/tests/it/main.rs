#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use portcullis_hostile::mutate::{Random, mutant};
use portcullis_hostile::{ENTRIES, Entry};

/// Mutants of a run in CI; `PORTCULLIS_HOSTILE_RUNS` asks for more.
const USUAL_RUNS: u64 = 20_000;
const SEED: u64 = 0x2026_1122;

fn number_of(variable: &str, usual: u64) -> u64 {
    std::env::var(variable)
        .ok()
        .map_or(usual, |text| text.parse().expect("a number"))
}

/// The entry's seeds, and what earlier runs found: `fuzz/corpus/NAME/*`.
fn corpus(entry: &Entry) -> Vec<Vec<u8>> {
    let mut inputs = (entry.seeds)();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(entry.name);
    if let Ok(listed) = fs::read_dir(folder) {
        let mut paths: Vec<_> = listed.map(|file| file.unwrap().path()).collect();
        paths.sort();
        inputs.extend(paths.iter().map(|path| fs::read(path).unwrap()));
    }
    inputs
}

#[track_caller]
fn run(entry: &Entry, input: &[u8], what: &str) {
    if catch_unwind(AssertUnwindSafe(|| (entry.run)(input))).is_err() {
        panic!(
            "`{}` broke on {what}: b\"{}\"",
            entry.name,
            input.escape_ascii()
        );
    }
}

fn check(name: &str) {
    check_mutants(name, USUAL_RUNS);
}

fn check_mutants(name: &str, usual: u64) {
    let entry = ENTRIES
        .iter()
        .find(|entry| entry.name == name)
        .expect("a known entry");
    let corpus = corpus(entry);
    assert!(!corpus.is_empty());
    for input in &corpus {
        run(entry, input, "a kept input");
        (0..input.len().min(512))
            .for_each(|end| run(entry, &input[..end], "a kept input cut short"));
    }
    let seed = number_of("PORTCULLIS_HOSTILE_SEED", SEED);
    let mut random = Random::new(seed);
    for number in 0..number_of("PORTCULLIS_HOSTILE_RUNS", usual) {
        let input = mutant(&mut random, &corpus);
        run(entry, &input, &format!("mutant {number} of seed {seed}"));
    }
}

#[test]
fn startup_survives_mutants() {
    check("startup");
}

#[test]
fn scram_survives_mutants() {
    check("scram");
}

#[test]
fn frontend_survives_mutants() {
    check("frontend");
}

#[test]
fn backend_survives_mutants() {
    check("backend");
}

#[test]
fn copy_survives_mutants() {
    check("copy");
}

#[test]
fn sql_survives_mutants() {
    // Each is parsed, rewritten, parsed again and proved: slow without optimisation.
    check_mutants("sql", USUAL_RUNS / 5);
}

#[test]
fn log_survives_mutants() {
    check("log");
}

#[test]
fn files_survive_mutants() {
    check("files");
}

/// A target without a test, or a test without a target, would be run by one of the two alone.
#[test]
fn every_entry_has_its_fuzz_target() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/fuzz_targets");
    let mut targets: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|file| {
            file.unwrap()
                .path()
                .file_stem()
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    targets.sort();
    let mut entries: Vec<&str> = ENTRIES.iter().map(|entry| entry.name).collect();
    entries.sort_unstable();
    assert_eq!(targets, entries);
}
