//! Accounts: what each person and each vendor has been given under a contract, against its ceilings.
//!
//! A charge is made before release and is never given back: what was reserved and then lost to a
//! crash counts as spent (reliability.md R4). Charges are replayed from the log at start.

use std::collections::BTreeMap;

use jiff::civil::Date;
use portcullis_contract::{Budget, Holder, Measure, Window};

use crate::subject::{SubjectId, SubjectMap, SubjectSet};

/// Who pays: a person of a vendor under a contract, on a day of the contract's time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payer {
    pub contract: String,
    pub vendor: String,
    pub person: String,
    pub day: Date,
}

/// One row about to be released.
#[derive(Clone, Debug)]
pub struct RowCharge {
    /// Bytes of the DataRow/CopyData body as delivered.
    pub bytes: u32,
    /// How many of the ids passed along belong to this row.
    pub subjects: u32,
}

/// The ceiling that would be passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exceeded {
    pub budget: Budget,
    pub used: u64,
}

/// The meters of the session and statement that a batch belongs to.
#[derive(Debug)]
pub struct Meters<'a> {
    pub session: &'a mut SessionMeter,
    pub statement: &'a mut StatementMeter,
}

/// Rows about to be released, with their subjects in order.
#[derive(Clone, Copy, Debug)]
pub struct RowBatch<'a> {
    pub rows: &'a [RowCharge],
    pub ids: &'a [SubjectId],
}

/// Everything that a row is charged to.
struct Charges<'a> {
    session: &'a mut SessionMeter,
    statement: &'a mut StatementMeter,
    person: &'a mut Account,
    vendor: &'a mut Account,
    /// Some ceiling counts the session's subjects.
    session_subjects: bool,
}

/// What of a batch may be released.
#[derive(Clone, Debug, Default)]
pub struct Charged {
    /// The first rows of the batch, this many, are paid for.
    pub rows: usize,
    pub bytes: u64,
    pub exceeded: Option<Exceeded>,
}

/// What one statement (with all fetches of its portal or cursor) has been given.
#[derive(Clone, Debug, Default)]
pub struct StatementMeter {
    pub rows: u64,
    pub bytes: u64,
    /// Subjects that no earlier statement had disclosed to this person under this contract.
    pub subjects_new: u64,
    subjects: SubjectSet,
}

impl StatementMeter {
    pub fn subjects(&self) -> u64 {
        self.subjects.len() as u64
    }
}

/// What one session has been given. Its subjects are kept only where a ceiling asks.
#[derive(Clone, Debug, Default)]
pub struct SessionMeter {
    pub rows: u64,
    pub bytes: u64,
    subjects: SubjectSet,
}

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    rows: u64,
    bytes: u64,
    subjects: u64,
}

/// One holder's account under one contract: totals and the latest day. Days never go back (the
/// gate's clock is monotonic), so one stamp per subject keeps the day's distinct count exact.
#[derive(Clone, Debug, Default)]
struct Account {
    total: Tally,
    day: Option<Date>,
    today: Tally,
    /// Subject → ordinal of the last day on which it was charged.
    last_day: SubjectMap<u32>,
}

#[derive(Clone, Debug, Default)]
struct ContractAccounts {
    persons: BTreeMap<String, Account>,
    vendors: BTreeMap<String, Account>,
}

/// All accounts. The store keeps the one live copy behind a lock, taken once per batch of rows.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    contracts: BTreeMap<String, ContractAccounts>,
}

/// What the officer sees of a holder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Standing {
    pub rows_today: u64,
    pub bytes_today: u64,
    pub subjects_today: u64,
    pub rows_total: u64,
    pub bytes_total: u64,
    pub subjects_total: u64,
}

impl Accounts {
    /// Pays for the longest prefix of `rows` that every ceiling allows, row by row.
    ///
    /// `ids` holds the rows' subjects in order; `fresh` receives the indexes (into `ids`) of those that
    /// this statement had not disclosed before, which is what the record's disclosure set must list.
    pub fn charge(
        &mut self,
        payer: &Payer,
        budgets: &[Budget],
        meters: &mut Meters<'_>,
        batch: &RowBatch<'_>,
        fresh: &mut Vec<u32>,
    ) -> Charged {
        let session_subjects = budgets
            .iter()
            .any(|b| b.window == Window::Session && b.measure == Measure::Subjects);
        let contract = self.contracts.entry_ref(&payer.contract);
        let vendor = contract.vendors.entry_ref(&payer.vendor);
        vendor.turn_to(payer.day);
        let person = contract.persons.entry_ref(&payer.person);
        person.turn_to(payer.day);

        let mut charges = Charges {
            session: meters.session,
            statement: meters.statement,
            person,
            vendor,
            session_subjects,
        };
        if charges.has_room_for(batch, budgets) {
            return charges.pay_all(batch, fresh);
        }
        let mut charged = Charged::default();
        let mut ids = batch.ids;
        let mut first = 0;
        for row in batch.rows {
            let (mine, rest) = ids
                .split_at_checked(row.subjects as usize)
                .unwrap_or((ids, &[]));
            ids = rest;
            let cost = RowCost::of(row, mine, &charges);
            if let Some(exceeded) = cost.first_exceeded(budgets, &charges) {
                charged.exceeded = Some(exceeded);
                return charged;
            }
            cost.pay(mine, &mut charges, first, fresh);
            first += row.subjects;
            charged.rows += 1;
            charged.bytes += u64::from(row.bytes);
        }
        charged
    }

    /// Replays what a record of the log charged.
    pub fn replay(
        &mut self,
        payer: &Payer,
        rows: u64,
        bytes: u64,
        subjects: impl Iterator<Item = SubjectId>,
    ) {
        let contract = self.contracts.entry_ref(&payer.contract);
        let vendor = contract.vendors.entry_ref(&payer.vendor);
        vendor.turn_to(payer.day);
        let person = contract.persons.entry_ref(&payer.person);
        person.turn_to(payer.day);
        for account in [&mut *vendor, &mut *person] {
            account.add(rows, bytes);
        }
        for id in subjects {
            vendor.note(id);
            person.note(id);
        }
    }

    pub fn person(&self, contract: &str, person: &str) -> Standing {
        self.contracts
            .get(contract)
            .and_then(|c| c.persons.get(person))
            .map(Account::standing)
            .unwrap_or_default()
    }

    pub fn vendor(&self, contract: &str, vendor: &str) -> Standing {
        self.contracts
            .get(contract)
            .and_then(|c| c.vendors.get(vendor))
            .map(Account::standing)
            .unwrap_or_default()
    }
}

/// `BTreeMap::entry` wants an owned key even where the entry exists; this does not.
trait EntryRef<V> {
    fn entry_ref(&mut self, key: &str) -> &mut V;
}

impl<V: Default> EntryRef<V> for BTreeMap<String, V> {
    fn entry_ref(&mut self, key: &str) -> &mut V {
        if !self.contains_key(key) {
            self.insert(key.to_owned(), V::default());
        }
        self.entry(key.to_owned()).or_default()
    }
}

fn ordinal(day: Date) -> u32 {
    let days = i64::from(day.year()) * 372 + i64::from(day.month()) * 31 + i64::from(day.day());
    u32::try_from(days).unwrap_or(0)
}

impl Account {
    /// A new day starts a new tally; an earlier day (a clock set back) goes on with the latest.
    fn turn_to(&mut self, day: Date) {
        if self.day.is_none_or(|latest| day > latest) {
            self.day = Some(day);
            self.today = Tally::default();
        }
    }

    fn today_ordinal(&self) -> u32 {
        self.day.map(ordinal).unwrap_or(0)
    }

    fn add(&mut self, rows: u64, bytes: u64) {
        for tally in [&mut self.total, &mut self.today] {
            tally.rows = tally.rows.saturating_add(rows);
            tally.bytes = tally.bytes.saturating_add(bytes);
        }
    }

    /// (new to this account, new today).
    fn novelty(&self, id: SubjectId) -> (bool, bool) {
        match self.last_day.get(&id) {
            None => (true, true),
            Some(day) => (false, *day != self.today_ordinal()),
        }
    }

    fn note(&mut self, id: SubjectId) -> bool {
        let today = self.today_ordinal();
        match self.last_day.insert(id, today) {
            None => {
                self.total.subjects += 1;
                self.today.subjects += 1;
                true
            }
            Some(day) => {
                self.today.subjects += u64::from(day != today);
                false
            }
        }
    }

    fn standing(&self) -> Standing {
        Standing {
            rows_today: self.today.rows,
            bytes_today: self.today.bytes,
            subjects_today: self.today.subjects,
            rows_total: self.total.rows,
            bytes_total: self.total.bytes,
            subjects_total: self.total.subjects,
        }
    }
}

impl Charges<'_> {
    /// Whether no ceiling can be passed even if every subject of the batch is new to everybody: the
    /// usual case, in which nothing needs to be asked row by row.
    fn has_room_for(&self, batch: &RowBatch<'_>, budgets: &[Budget]) -> bool {
        let most = RowCost::most_of(batch);
        let rows = batch.rows.len() as u64;
        most.first_exceeded_by(rows, budgets, self).is_none()
    }

    /// Pays for the whole batch. One loop a set, each tight: the look-ups' cache misses overlap.
    fn pay_all(&mut self, batch: &RowBatch<'_>, fresh: &mut Vec<u32>) -> Charged {
        let charged = Charged {
            rows: batch.rows.len(),
            bytes: batch.rows.iter().map(|row| u64::from(row.bytes)).sum(),
            exceeded: None,
        };
        let rows = charged.rows as u64;
        self.statement.rows += rows;
        self.statement.bytes += charged.bytes;
        self.session.rows += rows;
        self.session.bytes += charged.bytes;
        self.person.add(rows, charged.bytes);
        self.vendor.add(rows, charged.bytes);
        let before = fresh.len();
        let statement = &mut self.statement.subjects;
        fresh.extend(
            (0..)
                .zip(batch.ids)
                .filter(|(_, id)| statement.insert(**id))
                .map(|(index, _)| index),
        );
        let new = fresh.get(before..).unwrap_or_default();
        let ids = || {
            new.iter()
                .filter_map(|index| batch.ids.get(*index as usize))
                .copied()
        };
        if self.session_subjects {
            self.session.subjects.extend(ids());
        }
        ids().for_each(|id| {
            self.vendor.note(id);
        });
        let new_to_person = ids().filter(|id| self.person.note(*id)).count();
        self.statement.subjects_new += new_to_person as u64;
        charged
    }
}

/// What one row would add, before it is paid.
#[derive(Default)]
struct RowCost {
    bytes: u64,
    statement_subjects: u64,
    session_subjects: u64,
    person_total: u64,
    person_day: u64,
    vendor_total: u64,
    vendor_day: u64,
}

impl RowCost {
    fn of(row: &RowCharge, ids: &[SubjectId], charges: &Charges<'_>) -> Self {
        let Charges {
            session,
            statement,
            person,
            vendor,
            session_subjects,
        } = charges;
        let mut cost = Self {
            bytes: u64::from(row.bytes),
            ..Self::default()
        };
        for (index, id) in ids.iter().enumerate() {
            // A row may name one subject twice (a join on it): it counts once.
            let repeated = ids.get(..index).is_some_and(|before| before.contains(id));
            if repeated || statement.subjects.contains(id) {
                continue;
            }
            cost.statement_subjects += 1;
            cost.session_subjects += u64::from(*session_subjects && !session.subjects.contains(id));
            let (total, day) = person.novelty(*id);
            cost.person_total += u64::from(total);
            cost.person_day += u64::from(day);
            let (total, day) = vendor.novelty(*id);
            cost.vendor_total += u64::from(total);
            cost.vendor_day += u64::from(day);
        }
        cost
    }

    /// The most that a batch can add: each subject new to everybody.
    fn most_of(batch: &RowBatch<'_>) -> Self {
        let subjects = batch.ids.len() as u64;
        Self {
            bytes: batch.rows.iter().map(|row| u64::from(row.bytes)).sum(),
            statement_subjects: subjects,
            session_subjects: subjects,
            person_total: subjects,
            person_day: subjects,
            vendor_total: subjects,
            vendor_day: subjects,
        }
    }

    fn first_exceeded(&self, budgets: &[Budget], charges: &Charges<'_>) -> Option<Exceeded> {
        self.first_exceeded_by(1, budgets, charges)
    }

    fn first_exceeded_by(
        &self,
        rows: u64,
        budgets: &[Budget],
        charges: &Charges<'_>,
    ) -> Option<Exceeded> {
        let Charges {
            session,
            statement,
            person,
            vendor,
            ..
        } = charges;
        budgets.iter().find_map(|budget| {
            let (account, day, total) = match budget.holder {
                Holder::Person => (&**person, self.person_day, self.person_total),
                Holder::Vendor => (&**vendor, self.vendor_day, self.vendor_total),
            };
            let (used, adds) = match (budget.measure, budget.window) {
                (Measure::Rows, Window::Statement) => (statement.rows, rows),
                (Measure::Rows, Window::Session) => (session.rows, rows),
                (Measure::Rows, Window::Day) => (account.today.rows, rows),
                (Measure::Rows, Window::Total) => (account.total.rows, rows),
                (Measure::Bytes, Window::Statement) => (statement.bytes, self.bytes),
                (Measure::Bytes, Window::Session) => (session.bytes, self.bytes),
                (Measure::Bytes, Window::Day) => (account.today.bytes, self.bytes),
                (Measure::Bytes, Window::Total) => (account.total.bytes, self.bytes),
                (Measure::Subjects, Window::Statement) => {
                    (statement.subjects(), self.statement_subjects)
                }
                (Measure::Subjects, Window::Session) => {
                    (session.subjects.len() as u64, self.session_subjects)
                }
                (Measure::Subjects, Window::Day) => (account.today.subjects, day),
                (Measure::Subjects, Window::Total) => (account.total.subjects, total),
            };
            // A row that adds nothing new of a measure passes even where that ceiling is reached.
            let over = adds > 0 && used.saturating_add(adds) > budget.limit;
            over.then(|| Exceeded {
                budget: budget.clone(),
                used,
            })
        })
    }

    fn pay(&self, ids: &[SubjectId], charges: &mut Charges<'_>, first: u32, fresh: &mut Vec<u32>) {
        let Charges {
            session,
            statement,
            person,
            vendor,
            session_subjects,
        } = charges;
        statement.rows += 1;
        statement.bytes += self.bytes;
        session.rows += 1;
        session.bytes += self.bytes;
        person.add(1, self.bytes);
        vendor.add(1, self.bytes);
        if self.statement_subjects == 0 {
            return;
        }
        for (index, id) in (first..).zip(ids) {
            if !statement.subjects.insert(*id) {
                continue;
            }
            fresh.push(index);
            if *session_subjects {
                session.subjects.insert(*id);
            }
            vendor.note(*id);
            statement.subjects_new += u64::from(person.note(*id));
        }
    }
}

/// A cache of the accounts, bound by its reader to a place in the log.
impl Accounts {
    pub fn snapshot(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_map(&mut out, &self.contracts, |out, contract| {
            put_map(out, &contract.persons, put_account);
            put_map(out, &contract.vendors, put_account);
        });
        out
    }

    /// `None` where the bytes are not a whole snapshot.
    pub fn restore(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let contracts = reader.map(|reader| {
            let persons = reader.map(Reader::account)?;
            let vendors = reader.map(Reader::account)?;
            Some(ContractAccounts { persons, vendors })
        })?;
        reader.0.is_empty().then_some(Self { contracts })
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&(text.len() as u64).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

fn put_map<V>(out: &mut Vec<u8>, map: &BTreeMap<String, V>, put: impl Fn(&mut Vec<u8>, &V)) {
    out.extend_from_slice(&(map.len() as u64).to_le_bytes());
    for (key, value) in map {
        put_text(out, key);
        put(out, value);
    }
}

fn put_account(out: &mut Vec<u8>, account: &Account) {
    put_text(
        out,
        &account.day.map(|day| day.to_string()).unwrap_or_default(),
    );
    for tally in [account.total, account.today] {
        for number in [tally.rows, tally.bytes, tally.subjects] {
            out.extend_from_slice(&number.to_le_bytes());
        }
    }
    out.extend_from_slice(&(account.last_day.len() as u64).to_le_bytes());
    for (id, day) in &account.last_day {
        out.extend_from_slice(&id.0.to_le_bytes());
        out.extend_from_slice(&day.to_le_bytes());
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    fn number(&mut self) -> Option<u64> {
        self.take::<8>().map(u64::from_le_bytes)
    }

    fn text(&mut self) -> Option<String> {
        let length = usize::try_from(self.number()?).ok()?;
        let (head, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        String::from_utf8(head.to_vec()).ok()
    }

    fn map<V>(
        &mut self,
        mut value: impl FnMut(&mut Self) -> Option<V>,
    ) -> Option<BTreeMap<String, V>> {
        let count = self.number()?;
        let mut map = BTreeMap::new();
        for _ in 0..count {
            let key = self.text()?;
            map.insert(key, value(self)?);
        }
        Some(map)
    }

    fn tally(&mut self) -> Option<Tally> {
        Some(Tally {
            rows: self.number()?,
            bytes: self.number()?,
            subjects: self.number()?,
        })
    }

    fn account(&mut self) -> Option<Account> {
        let day = self.text()?;
        let day = if day.is_empty() {
            None
        } else {
            Some(day.parse().ok()?)
        };
        let (total, today) = (self.tally()?, self.tally()?);
        let count = self.number()?;
        let mut last_day = SubjectMap::default();
        for _ in 0..count {
            let id = u128::from_le_bytes(self.take()?);
            last_day.insert(SubjectId(id), u32::from_le_bytes(self.take()?));
        }
        Some(Account {
            total,
            day,
            today,
            last_day,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
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

    fn rows(count: u128, from: u128) -> (Vec<RowCharge>, Vec<SubjectId>) {
        (
            (0..count)
                .map(|_| RowCharge {
                    bytes: 10,
                    subjects: 1,
                })
                .collect(),
            (from..from + count).map(SubjectId).collect(),
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
        accounts.charge(
            payer,
            budgets,
            &mut meters,
            &RowBatch {
                rows: &rows,
                ids: &ids,
            },
            &mut fresh,
        )
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
        assert_eq!(
            charge(&mut accounts, &payer("p", 1), &budgets, 10, 0).rows,
            10
        );
        assert_eq!(
            charge(&mut accounts, &payer("p", 1), &budgets, 10, 0).rows,
            10
        );
        assert_eq!(
            charge(&mut accounts, &payer("p", 1), &budgets, 1, 10).rows,
            0
        );
        assert_eq!(
            charge(&mut accounts, &payer("p", 2), &budgets, 11, 0).rows,
            10
        );
        assert_eq!(
            charge(&mut accounts, &payer("p", 1), &budgets, 1, 99).rows,
            0,
            "a clock set back gives nothing"
        );
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
        assert_eq!(
            charge(&mut accounts, &payer("p", 1), &budgets, 6, 0).rows,
            6
        );
        assert_eq!(
            charge(&mut accounts, &payer("q", 1), &budgets, 6, 4).rows,
            6
        );
        assert_eq!(
            charge(&mut accounts, &payer("q", 1), &budgets, 1, 50).rows,
            0
        );
    }

    proptest! {
        #[test]
        fn a_batch_with_room_is_charged_as_row_by_row(batches in proptest::collection::vec((0u128..40, 0u128..60), 1..12)) {
            let payer = payer("p", 1);
            let (mut quick, mut slow) = (Accounts::default(), Accounts::default());
            let (mut quick_meters, mut slow_meters) = (<(SessionMeter, StatementMeter)>::default(), <(SessionMeter, StatementMeter)>::default());
            // So tight that no batch is certain to have room, and never passed.
            let tight = [ceiling(Measure::Subjects, Window::Total, Holder::Person, 100)];
            for (count, from) in batches {
                let (rows, ids) = rows(count, from);
                let (mut fresh_quick, mut fresh_slow) = (Vec::new(), Vec::new());
                let batch = RowBatch { rows: &rows, ids: &ids };
                let mut meters = Meters { session: &mut quick_meters.0, statement: &mut quick_meters.1 };
                let a = quick.charge(&payer, &[], &mut meters, &batch, &mut fresh_quick);
                let mut meters = Meters { session: &mut slow_meters.0, statement: &mut slow_meters.1 };
                let b = slow.charge(&payer, &tight, &mut meters, &batch, &mut fresh_slow);
                prop_assert!(b.exceeded.is_none());
                prop_assert_eq!((a.rows, a.bytes, fresh_quick), (b.rows, b.bytes, fresh_slow));
            }
            prop_assert_eq!(quick.person("c", "p"), slow.person("c", "p"));
            prop_assert_eq!(quick.vendor("c", "v"), slow.vendor("c", "v"));
            prop_assert_eq!(quick_meters.1.subjects_new, slow_meters.1.subjects_new);
            prop_assert_eq!(quick_meters.1.subjects(), slow_meters.1.subjects());
        }

        #[test]
        fn replay_gives_the_same_account_and_the_snapshot_too(batches in proptest::collection::vec((0u8..3, 1i8..4, 0u128..30, 0u128..40), 0..20)) {
            let (mut live, mut replayed) = (Accounts::default(), Accounts::default());
            let mut day = 1;
            for (person, later, count, from) in batches {
                day = day.max(later);
                let payer = payer(&format!("p{person}"), day);
                let (rows, ids) = rows(count, from);
                let mut fresh = Vec::new();
                let (mut session, mut statement) = (SessionMeter::default(), StatementMeter::default());
                let mut meters = Meters { session: &mut session, statement: &mut statement };
                let charged = live.charge(&payer, &[], &mut meters, &RowBatch { rows: &rows, ids: &ids }, &mut fresh);
                replayed.replay(&payer, charged.rows as u64, charged.bytes, fresh.into_iter().map(|index| ids[index as usize]));
            }
            for person in ["p0", "p1", "p2"] {
                prop_assert_eq!(live.person("c", person), replayed.person("c", person));
            }
            prop_assert_eq!(live.vendor("c", "v"), replayed.vendor("c", "v"));
            let restored = Accounts::restore(&live.snapshot()).unwrap();
            prop_assert_eq!(restored.vendor("c", "v"), live.vendor("c", "v"));
            prop_assert_eq!(restored.snapshot().len(), live.snapshot().len());
        }
    }
}
