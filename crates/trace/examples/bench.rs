//! `cargo run --release -p portcullis-trace --example bench`: 280,000 rows against 1,000 persons with
//! 100 million disclosures of 5 million subjects (docs/formats/trace.md has the figures).
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark, not product code"
)]

#[path = "evaluation/world.rs"]
#[allow(dead_code, reason = "its random numbers alone")]
mod world;

use std::time::Instant;

use portcullis_ledger::set::OrdinalSet;
use portcullis_ledger::{Accounts, Payer, SubjectKey, TableName};
use portcullis_trace::matching::{Suspect, judge};
use portcullis_trace::{LeakBuilder, Tally, find_form};
use world::Seeded;

const SUBJECTS: u32 = 5_000_000;
const PERSONS: usize = 1_000;
const EACH: usize = 100_000;
const ROWS: usize = 280_000;
/// Persons in the source's team: seven of ten of what they were given lies in the team's fifth.
const TEAM: usize = 20;

fn main() {
    let made = Instant::now();
    let mut seeded = Seeded(7);
    let source = given(&mut seeded, 4 * EACH, 0);
    let mut sets = vec![OrdinalSet::from_iter(source.iter().copied())];
    for at in 1..PERSONS {
        sets.push(given(&mut seeded, EACH, at / TEAM).into_iter().collect());
    }
    let disclosures: u64 = sets.iter().map(OrdinalSet::len).sum();
    eprintln!("made {disclosures} disclosures in {:?}", made.elapsed());
    let dictionary = dictionary();
    let file: Vec<String> = source
        .iter()
        .step_by(source.len() / ROWS)
        .take(ROWS)
        .map(u32::to_string)
        .collect();

    let looked_up = Instant::now();
    let scope = SubjectKey::new([7; 16]).scope("hospital", "clinic.patients");
    let mut builder = LeakBuilder::default();
    for value in &file {
        let found = find_form(value, |form| dictionary.ordinal(scope.id(form.as_bytes())));
        // The sets were made by number, and so is the match.
        assert!(found.is_some());
        builder.add(&[value.parse().unwrap()]);
    }
    let leak = builder.finish();
    let looked_up = looked_up.elapsed();

    let counted = Instant::now();
    let mut tally = Tally::new(&leak);
    for (at, set) in sets.iter().enumerate() {
        tally.take(&format!("{at:04}"), "c", set);
    }
    let counted = counted.elapsed();
    let weighed = Instant::now();
    let suspects: Vec<Suspect> = tally
        .leading(u64::from(SUBJECTS))
        .into_iter()
        .map(|at| Suspect::new(at, &leak, [&sets[at]]))
        .collect();
    let verdict = judge(&tally, &suspects, u64::from(SUBJECTS));
    let weighed = weighed.elapsed();
    println!(
        "{} rows, {} persons, {disclosures} disclosures of {SUBJECTS} subjects: found {:?}\n\
         values looked up {looked_up:?}, everybody counted {counted:?} ({:.1} ns a disclosure), \
         suspects weighed {weighed:?}; together {:?}",
        file.len(),
        sets.len(),
        verdict
            .set
            .members
            .iter()
            .map(|m| (&m.person, m.hits))
            .collect::<Vec<_>>(),
        counted.as_nanos() as f64 / disclosures as f64,
        looked_up + counted + weighed,
    );
}

fn given(seeded: &mut Seeded, count: usize, team: usize) -> Vec<u32> {
    let fifth = u64::from(SUBJECTS / 5);
    let start = (team as u64 % 5) * fifth;
    let mut given: Vec<u32> = (0..count)
        .map(|_| match seeded.below(10) {
            0..7 => (start + seeded.below(fifth)) as u32,
            _ => seeded.below(u64::from(SUBJECTS)) as u32,
        })
        .collect();
    given.sort_unstable();
    given.dedup();
    given
}

/// All subjects, as one holder was shown them.
fn dictionary() -> Accounts {
    let scope = SubjectKey::new([7; 16]).scope("hospital", "clinic.patients");
    let payer = Payer {
        contract: "c".to_owned(),
        vendor: "v".to_owned(),
        person: "p".to_owned(),
        day: "2026-01-05".parse().unwrap(),
    };
    let table = TableName {
        resource: "hospital".to_owned(),
        table: "clinic.patients".to_owned(),
    };
    let mut accounts = Accounts::default();
    for from in (0..SUBJECTS).step_by(100_000) {
        let ids = (from..from + 100_000)
            .map(|n| scope.id(n.to_string().as_bytes()))
            .collect();
        accounts
            .replay(&payer, (0, 0), &[(table.clone(), ids)])
            .unwrap();
    }
    accounts
}
