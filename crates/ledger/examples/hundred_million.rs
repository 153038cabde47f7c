//! The ledger at its goal's size: 5 million subjects, 1,000 persons of 20 vendors, 100 million
//! disclosures, made by the same calls as the gate's. Prints the figures of docs/decisions/0005-ledger.md.
//!
//! `cargo run --release -p portcullis-ledger --example hundred_million [subjects persons each]`
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a measurement, not the product"
)]

use std::hint::black_box;
use std::time::Duration;

use jiff::civil::Date;
use portcullis_contract::{Budget, Holder, Measure, Window};
use portcullis_ledger::accounts::SessionMeter;
use portcullis_ledger::{
    Accounts, Meters, Payer, RowBatch, RowCharge, StatementMeter, SubjectId, SubjectKey, TableName,
};

/// Rows of a statement; the sample contract's ceiling.
const ROWS: usize = 500;
const VENDORS: usize = 20;
const DAYS: usize = 250;
const ROW_BYTES: u32 = 90;

struct Size {
    subjects: usize,
    persons: usize,
    each: usize,
}

/// Time on a core, so that others on the machine don't count.
struct Cpu(u64);

impl Cpu {
    fn now() -> Self {
        let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        Self(told.split(' ').next().unwrap().parse().unwrap())
    }

    fn elapsed(&self) -> Duration {
        Duration::from_nanos(Self::now().0 - self.0)
    }
}

/// Splitmix64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((u128::from(z ^ (z >> 31)) * limit as u128) >> 64) as usize
    }
}

fn main() {
    let mut args = std::env::args().skip(1).map(|arg| arg.parse().unwrap());
    let size = Size {
        subjects: args.next().unwrap_or(5_000_000),
        persons: args.next().unwrap_or(1000),
        each: args.next().unwrap_or(100_000),
    };
    let ids = ids(size.subjects);
    let mut accounts = Accounts::default();
    let disclosed = build(&mut accounts, &size, &ids);
    sizes(&mut accounts, disclosed);
    questions(&accounts, &size, &ids);
    metering(&mut accounts, &ids);
    drop(accounts);
    in_order(&ids);
}

fn ids(subjects: usize) -> Vec<SubjectId> {
    let scope = SubjectKey::new([7; 16]).scope("hospital", "clinic.patients");
    let keys: Vec<String> = (0..subjects)
        .map(|n| (4_100_000_000 + n as u64).to_string())
        .collect();
    let begun = Cpu::now();
    let ids: Vec<SubjectId> = keys.iter().map(|key| scope.id(key.as_bytes())).collect();
    report_each("a subject's id", begun.elapsed(), subjects);
    ids
}

fn payer(person: usize, day: usize) -> Payer {
    let vendor = person % VENDORS;
    let first = Date::new(2026, 1, 5).unwrap();
    Payer {
        contract: format!("contract-{vendor}"),
        vendor: format!("vendor-{vendor}"),
        person: format!("person-{person}"),
        day: first
            .checked_add(jiff::Span::new().days(day as i64))
            .unwrap(),
    }
}

fn tables() -> Vec<TableName> {
    vec![TableName {
        resource: "hospital".into(),
        table: "clinic.patients".into(),
    }]
}

fn rows() -> Vec<RowCharge> {
    let row = RowCharge {
        bytes: ROW_BYTES,
        subjects: 1,
    };
    vec![row; ROWS]
}

fn budgets(limit: u64) -> Vec<Budget> {
    let ceiling = |measure, window, holder| Budget {
        measure,
        window,
        holder,
        limit,
    };
    vec![
        ceiling(Measure::Rows, Window::Statement, Holder::Person),
        ceiling(Measure::Subjects, Window::Day, Holder::Person),
        ceiling(Measure::Subjects, Window::Total, Holder::Person),
        ceiling(Measure::Subjects, Window::Total, Holder::Vendor),
        ceiling(Measure::Bytes, Window::Session, Holder::Person),
    ]
}

fn charge(accounts: &mut Accounts, payer: &Payer, budgets: &[Budget], ids: &[SubjectId]) -> usize {
    let (rows, taps, tables) = (rows(), vec![0; ids.len()], tables());
    let (mut session, mut statement) = (SessionMeter::default(), StatementMeter::default());
    let mut meters = Meters {
        session: &mut session,
        statement: &mut statement,
    };
    let batch = RowBatch {
        rows: &rows[..ids.len()],
        ids,
        taps: &taps,
        tables: &tables,
    };
    let mut fresh = Vec::new();
    let charged = accounts
        .charge(payer, budgets, &mut meters, &batch, &mut fresh)
        .unwrap();
    black_box(fresh);
    charged.rows
}

/// Day by day everybody looks up subjects at random, until he has seen so many. How many pairs of
/// person and subject there are.
fn build(accounts: &mut Accounts, size: &Size, ids: &[SubjectId]) -> u64 {
    let budgets = budgets(u64::MAX);
    let mut random = Random(1);
    let (mut batch, mut charged) = (Vec::new(), 0);
    let begun = Cpu::now();
    for day in 0..DAYS {
        for person in 0..size.persons {
            let payer = payer(person, day);
            let mut left = size.each * (day + 1) / DAYS - size.each * day / DAYS;
            while left > 0 {
                batch.clear();
                batch.extend((0..left.min(ROWS)).map(|_| ids[random.below(ids.len())]));
                left -= batch.len();
                charged += charge(accounts, &payer, &budgets, &batch);
            }
        }
    }
    report_each("charging, subjects at random", begun.elapsed(), charged);
    let pairs = accounts.persons().map(|(.., account)| account.seen().len());
    pairs.sum()
}

fn sizes(accounts: &mut Accounts, disclosed: u64) {
    let per = |bytes: usize| bytes as f64 / disclosed as f64;
    println!(
        "disclosures (person, subject): {disclosed}; subjects: {}",
        accounts.subjects()
    );
    println!(
        "in memory, dictionary and vendors' accounts included: {:.2} bytes a disclosure",
        per(accounts.heap_bytes())
    );
    let begun = Cpu::now();
    accounts.pack();
    println!(
        "packed (in {:.1?}): {:.2} bytes a disclosure",
        begun.elapsed(),
        per(accounts.heap_bytes())
    );
    let begun = Cpu::now();
    let snapshot = accounts.snapshot();
    println!(
        "snapshot: {:.2} bytes a disclosure, written in {:.1?}",
        per(snapshot.len()),
        begun.elapsed()
    );
    let begun = Cpu::now();
    let restored = Accounts::restore(&snapshot).unwrap();
    println!("read again in {:.1?}", begun.elapsed());
    assert_eq!(restored.subjects(), accounts.subjects());
}

fn questions(accounts: &Accounts, size: &Size, ids: &[SubjectId]) {
    let mut random = Random(2);
    let asked = |what: &str, times: usize, ask: &mut dyn FnMut(usize) -> u64| {
        let begun = Cpu::now();
        let found: u64 = (0..times).map(&mut *ask).sum();
        let took = begun.elapsed() / times as u32;
        println!("{what}: {took:.1?} ({} found)", found / times as u64);
    };
    asked("a person's account, with its days", 1000, &mut |n| {
        let payer = payer(n % size.persons, 0);
        let account = accounts
            .person_account(&payer.contract, &payer.person)
            .unwrap();
        black_box(account.days());
        account.seen().len()
    });
    asked("his set, copied out", 200, &mut |n| {
        let payer = payer(n % size.persons, 0);
        let account = accounts
            .person_account(&payer.contract, &payer.person)
            .unwrap();
        black_box(account.tables().to_vec()).len() as u64
    });
    asked("who was shown a subject", 1000, &mut |_| {
        let ordinal = accounts.ordinal(ids[random.below(ids.len())]);
        let who = accounts
            .persons()
            .filter(|(.., account)| ordinal.is_some_and(|one| account.seen().contains(one)));
        who.count() as u64
    });
    asked("the union of everybody's", 1, &mut |_| {
        let mut seen = vec![0u64; accounts.subjects() / 64 + 1];
        for (.., account) in accounts.persons() {
            account
                .seen()
                .each(|one| seen[one as usize / 64] |= 1 << (one % 64));
        }
        seen.iter().map(|word| u64::from(word.count_ones())).sum()
    });
}

/// What charging adds to a row, by where its subject stands.
fn metering(accounts: &mut Accounts, ids: &[SubjectId]) {
    let (wide, tight) = (budgets(u64::MAX), budgets(40_000_000));
    const STATEMENTS: usize = 20_000;
    let mut random = Random(3);
    let mut measured =
        |what: &str, ids_of: &mut dyn FnMut(usize) -> Vec<SubjectId>, budgets: &[Budget]| {
            let batches: Vec<Vec<SubjectId>> = (0..STATEMENTS).map(ids_of).collect();
            let payer = payer(random.below(1000), DAYS + 1);
            let bare = Cpu::now();
            for batch in &batches {
                black_box((rows(), vec![0usize; batch.len()], tables(), batch.len()));
            }
            let bare = bare.elapsed();
            let begun = Cpu::now();
            for batch in &batches {
                black_box(charge(accounts, &payer, budgets, batch));
            }
            let took = begun.elapsed().saturating_sub(bare);
            report_each(what, took, STATEMENTS * ROWS);
        };
    let mut at_random = Random(4);
    measured(
        "metering, subjects at random",
        &mut |_| (0..ROWS).map(|_| ids[at_random.below(ids.len())]).collect(),
        &wide,
    );
    let near = |from: usize| -> Vec<SubjectId> { ids[from..from + ROWS].to_vec() };
    let mut neighbours = Random(5);
    measured(
        "metering, neighbours (a range of keys)",
        &mut |_| near(neighbours.below(ids.len() - ROWS)),
        &wide,
    );
    measured(
        "metering, the same again and again",
        &mut |_| near(1000),
        &wide,
    );
    measured(
        "metering, with ceilings far off",
        &mut |_| near(1000),
        &tight,
    );
}

/// A table read from its beginning to its end: all new, then all known, to another person.
fn in_order(ids: &[SubjectId]) {
    let mut accounts = Accounts::default();
    let budgets = budgets(u64::MAX);
    for (person, what) in [
        (0, "a table in order, never seen before"),
        (VENDORS, "a table in order, seen by a colleague"),
        (VENDORS, "a table in order, once more"),
    ] {
        let payer = payer(person, 0);
        let begun = Cpu::now();
        let charged: usize = ids
            .chunks(ROWS)
            .map(|batch| charge(&mut accounts, &payer, &budgets, batch))
            .sum();
        report_each(what, begun.elapsed(), charged);
    }
}

fn report_each(what: &str, took: Duration, times: usize) {
    println!(
        "{what}: {:.1} ns each ({took:.2?} for {times})",
        took.as_nanos() as f64 / times as f64
    );
}
