#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

fn payer(person: &str, day: i8) -> Payer {
    Payer {
        contract: "c".into(),
        vendor: "v".into(),
        person: person.into(),
        day: Date::new(2026, 5, day).unwrap(),
    }
}

fn ceiling(measure: Measure, window: Window, holder: Holder, limit: u64) -> Budget {
    Budget {
        measure,
        window,
        holder,
        limit,
    }
}

fn tables(count: usize) -> Vec<TableName> {
    (0..count)
        .map(|n| TableName {
            resource: "r".into(),
            table: format!("s.t{n}"),
        })
        .collect()
}

fn id(number: u128) -> SubjectId {
    SubjectId(number << 40 | number << 96 | 7)
}

fn rows(count: u128, from: u128) -> (Vec<RowCharge>, Vec<SubjectId>) {
    (
        (0..count)
            .map(|_| RowCharge {
                bytes: 10,
                subjects: 1,
            })
            .collect(),
        (from..from + count).map(id).collect(),
    )
}

fn charge(
    accounts: &mut Accounts,
    payer: &Payer,
    budgets: &[Budget],
    count: u128,
    from: u128,
) -> Charged {
    let (rows, ids) = rows(count, from);
    let mut fresh = Vec::new();
    let (mut session, mut statement) = (SessionMeter::default(), StatementMeter::default());
    let mut meters = Meters {
        session: &mut session,
        statement: &mut statement,
    };
    let batch = RowBatch {
        rows: &rows,
        ids: &ids,
        taps: &vec![0; ids.len()],
        tables: &tables(1),
    };
    accounts
        .charge(payer, budgets, &mut meters, &batch, &mut fresh)
        .unwrap()
}

#[test]
fn the_ceiling_is_reached_exactly_and_never_passed() {
    for (measure, limit, fits) in [
        (Measure::Rows, 7, 7),
        (Measure::Bytes, 75, 7),
        (Measure::Subjects, 7, 7),
    ] {
        for window in [
            Window::Statement,
            Window::Session,
            Window::Day,
            Window::Total,
        ] {
            let budgets = [ceiling(measure, window, Holder::Person, limit)];
            let charged = charge(&mut Accounts::default(), &payer("p", 1), &budgets, 20, 0);
            assert_eq!(charged.rows, fits, "{measure:?} {window:?}");
            assert_eq!(charged.exceeded.unwrap().budget, budgets[0]);
        }
    }
}

#[test]
fn a_known_subject_costs_nothing_new_and_a_new_day_counts_again() {
    let mut accounts = Accounts::default();
    let budgets = [ceiling(Measure::Subjects, Window::Day, Holder::Person, 10)];
    let mut paid =
        |day, count, from| charge(&mut accounts, &payer("p", day), &budgets, count, from).rows;
    assert_eq!(paid(1, 10, 0), 10);
    assert_eq!(paid(1, 10, 0), 10);
    assert_eq!(paid(1, 1, 10), 0);
    assert_eq!(paid(2, 11, 0), 10);
    assert_eq!(paid(1, 1, 99), 0, "a clock set back gives nothing");
}

#[test]
fn the_vendors_people_share_its_ceiling() {
    let mut accounts = Accounts::default();
    let budgets = [ceiling(
        Measure::Subjects,
        Window::Total,
        Holder::Vendor,
        10,
    )];
    let mut paid = |person: &str, count, from| {
        charge(&mut accounts, &payer(person, 1), &budgets, count, from).rows
    };
    assert_eq!(paid("p", 6, 0), 6);
    assert_eq!(paid("q", 6, 4), 6);
    assert_eq!(paid("q", 1, 50), 0);
}

/// One batch of a history: whose, on which day, and rows of (table, subject) pairs.
#[derive(Clone, Debug)]
struct Step {
    person: u8,
    later: i8,
    rows: Vec<Vec<(usize, u8)>>,
}

const TABLES: usize = 3;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let row = proptest::collection::vec((0..TABLES, 0u8..60), 0..3);
    let step = (0u8..3, 1i8..4, proptest::collection::vec(row, 0..30));
    proptest::collection::vec(
        step.prop_map(|(person, later, rows)| Step {
            person,
            later,
            rows,
        }),
        0..20,
    )
}

/// The plainest account there is.
#[derive(Default)]
struct Naive {
    rows: u64,
    ever: BTreeSet<u8>,
    by_table: BTreeMap<usize, BTreeSet<u8>>,
    by_day: BTreeMap<i8, BTreeSet<u8>>,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn accounts_equal_a_naive_reference_also_replayed_and_restored(steps in steps(), tight in any::<bool>()) {
        // So tight that no batch is certain to have room, and never passed: the way row by row.
        let budgets = if tight { vec![ceiling(Measure::Rows, Window::Statement, Holder::Person, 30)] } else { Vec::new() };
        let names = tables(TABLES);
        let (mut live, mut replayed) = (Accounts::default(), Accounts::default());
        let mut naive: BTreeMap<u8, Naive> = BTreeMap::new();
        let mut vendor = BTreeSet::new();
        let mut day = 1;
        for step in steps {
            day = day.max(step.later);
            let payer = payer(&format!("p{}", step.person), day);
            let charges: Vec<RowCharge> = step.rows.iter().map(|row| RowCharge { bytes: 3, subjects: row.len() as u32 }).collect();
            let shown: Vec<(usize, u8)> = step.rows.iter().flatten().copied().collect();
            let ids: Vec<SubjectId> = shown.iter().map(|(_, subject)| id(u128::from(*subject))).collect();
            let taps: Vec<usize> = shown.iter().map(|(table, _)| *table).collect();
            let mut fresh = Vec::new();
            let (mut session, mut statement) = (SessionMeter::default(), StatementMeter::default());
            let mut meters = Meters { session: &mut session, statement: &mut statement };
            let batch = RowBatch { rows: &charges, ids: &ids, taps: &taps, tables: &names };
            let charged = live.charge(&payer, &budgets, &mut meters, &batch, &mut fresh).unwrap();
            prop_assert_eq!(charged.rows, charges.len());

            // What the record lists is each pair of table and subject once.
            let listed: BTreeSet<(usize, u8)> = fresh.iter().map(|index| shown[*index as usize]).collect();
            prop_assert_eq!(listed.len(), fresh.len());
            prop_assert_eq!(&listed, &shown.iter().copied().collect::<BTreeSet<_>>());
            let distinct: BTreeSet<u8> = shown.iter().map(|(_, subject)| *subject).collect();
            prop_assert_eq!(charged.subjects, distinct.len() as u64);
            prop_assert_eq!(statement.subjects(), distinct.len() as u64);

            let model = naive.entry(step.person).or_default();
            let new = distinct.iter().filter(|subject| !model.ever.contains(*subject)).count();
            prop_assert_eq!(statement.subjects_new, new as u64);
            model.rows += charges.len() as u64;
            for (table, subject) in &shown {
                model.ever.insert(*subject);
                model.by_table.entry(*table).or_default().insert(*subject);
                model.by_day.entry(day).or_default().insert(*subject);
                vendor.insert(*subject);
            }
            let by_table: Vec<(TableName, Vec<SubjectId>)> = (0..TABLES).map(|table| {
                (names[table].clone(), listed.iter().filter(|(of, _)| *of == table).map(|(_, subject)| id(u128::from(*subject))).collect())
            }).filter(|(_, ids): &(_, Vec<_>)| !ids.is_empty()).collect();
            replayed.replay(&payer, (charged.rows as u64, charged.bytes), &by_table).unwrap();
        }
        let restored = Accounts::restore(&live.snapshot()).unwrap();
        for accounts in [&live, &replayed, &restored] {
            prop_assert_eq!(accounts.vendor("c", "v").subjects_total, vendor.len() as u64);
            for (person, model) in &naive {
                let person = format!("p{person}");
                let account = accounts.person_account("c", &person).unwrap();
                prop_assert_eq!(account.seen().len(), model.ever.len() as u64);
                prop_assert_eq!(accounts.person("c", &person).subjects_total, model.ever.len() as u64);
                prop_assert_eq!(accounts.person("c", &person).rows_total, model.rows);
                prop_assert_eq!(account.tables().len(), model.by_table.len());
                for (table, subjects) in &model.by_table {
                    let (_, set) = account.tables().iter().find(|(name, _)| *name == names[*table]).unwrap();
                    let numbers: BTreeSet<u32> = subjects.iter().map(|subject| accounts.ordinal(id(u128::from(*subject))).unwrap()).collect();
                    prop_assert_eq!(set.to_vec(), numbers.into_iter().collect::<Vec<_>>());
                }
                let mut ever = BTreeSet::new();
                for (day, subjects) in &model.by_day {
                    let tally = account.days().into_iter().find(|tally| tally.day.day() == *day).unwrap();
                    prop_assert_eq!(tally.subjects, subjects.len() as u64);
                    prop_assert_eq!(tally.subjects_new, subjects.difference(&ever).count() as u64);
                    ever.extend(subjects.iter().copied());
                }
            }
        }
    }

    #[test]
    fn no_cut_of_a_snapshot_is_taken_for_whole(count in 1u128..40, cut in 0.0f64..1.0) {
        let mut accounts = Accounts::default();
        charge(&mut accounts, &payer("p", 1), &[], count, 3);
        charge(&mut accounts, &payer("p", 2), &[], count, 5);
        let bytes = accounts.snapshot();
        let keep = (bytes.len() as f64 * cut) as usize;
        prop_assert!(Accounts::restore(&bytes[..keep.min(bytes.len() - 1)]).is_none());
    }
}

#[test]
fn answers_with_groups_are_paid_before_they_run() {
    let mut accounts = Accounts::default();
    let budgets = [
        ceiling(Measure::Aggregates, Window::Session, Holder::Person, 2),
        ceiling(Measure::Aggregates, Window::Day, Holder::Person, 3),
        ceiling(Measure::Aggregates, Window::Total, Holder::Vendor, 6),
    ];
    let pay = |accounts: &mut Accounts, person, day, session: &mut SessionMeter, count| {
        accounts
            .charge_aggregate(&payer(person, day), &budgets, session, count)
            .map_err(|exceeded| exceeded.budget.key())
    };
    let refused = |key: &str| Err(key.to_owned());
    let (mut one, mut two) = (SessionMeter::default(), SessionMeter::default());
    assert_eq!(pay(&mut accounts, "p", 1, &mut one, 2), Ok(()));
    assert_eq!(
        pay(&mut accounts, "p", 1, &mut one, 1),
        refused("aggregates_per_session")
    );
    assert_eq!(
        pay(&mut accounts, "p", 1, &mut two, 2),
        refused("aggregates_per_day"),
        "all of a statement's answers, or none"
    );
    assert_eq!(pay(&mut accounts, "p", 1, &mut two, 1), Ok(()));
    assert_eq!(pay(&mut accounts, "p", 2, &mut two, 1), Ok(()));
    // A refusal has cost nothing, and after a restart the accounts go on where they were.
    let mut accounts = Accounts::restore(&accounts.snapshot()).unwrap();
    let mut third = SessionMeter::default();
    assert_eq!(pay(&mut accounts, "q", 2, &mut third, 2), Ok(()));
    let mut fourth = SessionMeter::default();
    assert_eq!(
        pay(&mut accounts, "q", 2, &mut fourth, 1),
        refused("vendor_aggregates_total")
    );
    let standing = accounts.person("c", "p");
    assert_eq!(
        (standing.aggregates_today, standing.aggregates_total),
        (1, 4)
    );

    let mut replayed = Accounts::default();
    for (person, day, count) in [("p", 1, 2), ("p", 1, 1), ("p", 2, 1), ("q", 2, 2)] {
        replayed.replay_aggregates(&payer(person, day), count);
    }
    assert_eq!(replayed.person("c", "p"), accounts.person("c", "p"));
    assert_eq!(replayed.vendor("c", "v"), accounts.vendor("c", "v"));
}
