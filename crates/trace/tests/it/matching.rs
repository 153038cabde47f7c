//! The counts against plain sets.

use std::collections::BTreeSet;

use portcullis_ledger::set::OrdinalSet;
use portcullis_trace::matching::{Suspect, judge};
use portcullis_trace::{LeakBuilder, Tally};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn counts_are_those_of_plain_sets(
        people in prop::collection::vec(prop::collection::btree_set(0u32..3000, 0..400), 1..12),
        file in prop::collection::btree_set(0u32..3000, 1..500),
        nobodys in 0u64..50,
    ) {
        let everybody: BTreeSet<u32> = people.iter().flatten().copied().collect();
        let mut builder = LeakBuilder::default();
        for subject in &file {
            let known = everybody.contains(subject);
            builder.add(if known { std::slice::from_ref(subject) } else { &[] });
        }
        (0..nobodys).for_each(|_| builder.add(&[]));
        let leak = builder.finish();
        let known: BTreeSet<u32> = file.intersection(&everybody).copied().collect();
        prop_assert_eq!(u64::from(leak.known()), known.len() as u64);
        prop_assert_eq!(leak.distinct(), file.len() as u64 + nobodys);
        let sets: Vec<OrdinalSet> = people.iter().map(|p| p.iter().copied().collect()).collect();
        let mut tally = Tally::new(&leak);
        for (at, set) in sets.iter().enumerate() {
            // Under two contracts the same subjects count once.
            tally.take(&at.to_string(), "c", set);
            tally.take(&at.to_string(), "d", set);
        }
        let leading = tally.leading(everybody.len() as u64);
        let suspects: Vec<Suspect> =
            leading.iter().map(|at| Suspect::new(*at, &leak, [&sets[*at], &sets[*at]])).collect();
        let verdict = judge(&tally, &suspects, everybody.len() as u64);
        prop_assert_eq!(verdict.persons, people.len());
        for ranked in &verdict.ranked {
            let at: usize = ranked.person.parse().unwrap();
            let hits: BTreeSet<u32> = people[at].intersection(&known).copied().collect();
            let others = |subject: &&u32| {
                people.iter().enumerate().filter(|(other, set)| *other != at && set.contains(subject)).count()
            };
            prop_assert_eq!(ranked.hits, hits.len() as u64);
            prop_assert_eq!(ranked.shown, people[at].len() as u64);
            prop_assert_eq!(ranked.contracts.len(), 2);
            prop_assert_eq!(ranked.only, hits.iter().filter(|s| others(s) == 0).count() as u64);
            let sum: usize = hits.iter().map(|s| others(&s)).sum();
            prop_assert!((ranked.others * hits.len() as f64 - sum as f64).abs() < 1e-6);
            prop_assert!(ranked.chance_log10 <= 0.0);
        }
        let named: BTreeSet<usize> = verdict.set.members.iter().map(|m| m.person.parse().unwrap()).collect();
        let explained = known.iter().filter(|s| named.iter().any(|at| people[*at].contains(s))).count();
        prop_assert_eq!(verdict.set.explained, explained as u64);
        prop_assert_eq!(verdict.set.foreign, known.len() as u64 - verdict.set.explained);
    }
}

/// Two persons with the same accounts can't be told apart, and neither is named over the other.
#[test]
fn twins_are_not_told_apart() {
    let both: OrdinalSet = (0..1000).collect();
    let rest: OrdinalSet = (5000..9000).collect();
    let mut builder = LeakBuilder::default();
    (0..500).for_each(|subject| builder.add(&[subject]));
    let leak = builder.finish();
    let sets = [&both, &both, &rest];
    let mut tally = Tally::new(&leak);
    for (name, set) in ["a", "b", "c"].iter().zip(sets) {
        tally.take(name, "c", set);
    }
    let suspects: Vec<Suspect> = tally
        .leading(5000)
        .iter()
        .map(|at| Suspect::new(*at, &leak, [sets[*at]]))
        .collect();
    let verdict = judge(&tally, &suspects, 5000);
    assert!(!verdict.found(), "{verdict:?}");
    assert_eq!(verdict.ranked.len(), 2);
    assert!(
        verdict
            .ranked
            .iter()
            .all(|ranked| ranked.coverage_known == 1.0)
    );
}
