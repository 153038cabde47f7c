//! The honest corpus: what clients and honest work send gets the masked reference's answers.
//!
//! `HONEST_ONLY=psql` runs a part, `HONEST_SHOW=1` prints both answers where they differ.

use std::collections::BTreeMap;
use std::env;

use portcullis_harness::conformance::honest::{Came, Entry, Ground, Says, honest};

/// Entries that work; what is blocked by design doesn't count.
const WORKING_AT_LEAST: usize = 150;

#[derive(Default)]
struct Share {
    equal: usize,
    but_for: usize,
    blocked: usize,
    open: usize,
}

/// Why the entry isn't what it says it is; `None` is as it should be.
fn judged(entry: &Entry, came: &Came) -> Option<String> {
    let told = match (&entry.says, came) {
        (Says::Equal, Came::Equal) | (Says::ButFor(_), Came::ButFor) => return None,
        (Says::Blocked { code, .. }, Came::Blocked(with)) if code == with => return None,
        (_, Came::Equal) => "equal now: take its mark away".to_owned(),
        (_, Came::ButFor) => "answered now".to_owned(),
        (_, Came::Idle(mark)) => format!("`{mark}` excuses nothing: take it away"),
        (_, Came::Blocked(code)) => format!("blocked: {code}"),
        (_, Came::NoReference(why)) => format!("the reference fails: {why}"),
        (_, Came::Differs(difference)) => format!("{difference}"),
    };
    Some(told)
}

/// What has to be mended, in the gate or in the entry.
fn failure(entry: &Entry, told: Option<String>) -> Option<String> {
    let told = match (&entry.open, told) {
        (Some(_), None) => "mended: take `open` away".to_owned(),
        (Some(_), Some(_)) | (None, None) => return None,
        (None, Some(told)) => told,
    };
    Some(format!("{}: {told}", entry.id))
}

fn line(of: &str, share: &Share) -> String {
    let Share {
        equal,
        but_for,
        blocked,
        open,
    } = share;
    format!("{of:<12} {equal:>6} {but_for:>6} {blocked:>6} {open:>6}")
}

#[test]
fn honest_work_gets_the_references_answers() {
    let mut entries = honest().unwrap();
    let only = env::var("HONEST_ONLY").ok();
    if let Some(only) = &only {
        entries.retain(|entry| entry.id.starts_with(only.as_str()));
    }
    let show = env::var("HONEST_SHOW").is_ok();
    let mut ground = Ground::start().unwrap();
    let mut shares: BTreeMap<&str, Share> = BTreeMap::new();
    let mut failures = Vec::new();
    for entry in &entries {
        let answers = ground.ask(entry).unwrap();
        let came = Ground::came(entry, &answers);
        let file = entry.id.split('.').next().unwrap();
        let share = shares.entry(file).or_default();
        let told = judged(entry, &came);
        if let (Some(open), Some(_)) = (&entry.open, &told) {
            println!("OPEN {}: {open}", entry.id);
            share.open += 1;
        }
        match &came {
            _ if entry.open.is_some() => {}
            Came::Equal => share.equal += 1,
            Came::ButFor => share.but_for += 1,
            Came::Blocked(_) => share.blocked += 1,
            Came::Idle(_) | Came::NoReference(_) | Came::Differs(_) => {}
        }
        if let Some(told) = failure(entry, told) {
            if show {
                let [expected, got] = answers.map(|said| said.shown().join("\n    "));
                println!("{told}\n  expected\n    {expected}\n  got\n    {got}");
            }
            failures.push(told);
        }
    }
    println!(
        "{:<12} {:>6} {:>8} {:>8}",
        "honest", "equal", "but for", "blocked"
    );
    let mut all = Share::default();
    for (file, share) in &shares {
        println!("{}", line(file, share));
        all.equal += share.equal;
        all.but_for += share.but_for;
        all.blocked += share.blocked;
        all.open += share.open;
    }
    println!("{}", line("all", &all));
    for failure in &failures {
        println!("{failure}\n");
    }
    assert_eq!(failures.len(), 0, "entries that aren't what they say");
    if only.is_none() {
        assert!(all.equal + all.but_for >= WORKING_AT_LEAST);
    }
}
