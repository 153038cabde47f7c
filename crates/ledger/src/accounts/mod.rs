//! Accounts: whom each person and each vendor has been shown under a contract, and how much, against
//! its ceilings.
//!
//! A charge is made before release and is never given back: what was reserved and then lost to a
//! crash counts as spent (reliability.md R4). Charges are replayed from the log at start.

mod account;
mod cost;
mod history;
mod snapshot;

use std::collections::BTreeMap;

use jiff::civil::Date;
use portcullis_contract::{Budget, Holder, Measure, Window};

use self::account::Tally;
pub use self::account::{Account, TableName};
use self::cost::Charges;
pub use self::history::DayTally;
use crate::dictionary::Dictionary;
pub use crate::dictionary::Full;
use crate::set::OrdinalSet;
use crate::subject::SubjectId;

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
    /// For each id, which of `tables` it was read from.
    pub taps: &'a [usize],
    pub tables: &'a [TableName],
}

/// What of a batch may be released.
#[derive(Clone, Debug, Default)]
pub struct Charged {
    /// The first rows of the batch, this many, are paid for.
    pub rows: usize,
    pub bytes: u64,
    /// Subjects that this statement had not shown before.
    pub subjects: u64,
    pub exceeded: Option<Exceeded>,
}

/// What one statement (with all fetches of its portal or cursor) has been given.
#[derive(Clone, Debug, Default)]
pub struct StatementMeter {
    pub rows: u64,
    pub bytes: u64,
    /// Subjects that no earlier statement had disclosed to this person under this contract.
    pub subjects_new: u64,
    subjects: OrdinalSet,
    /// Of several tables, what each has shown; empty while one table gives all.
    by_table: Vec<OrdinalSet>,
}

impl StatementMeter {
    pub fn subjects(&self) -> u64 {
        self.subjects.len()
    }
}

/// What one session has been given. Its subjects are kept only where a ceiling asks.
#[derive(Clone, Debug, Default)]
pub struct SessionMeter {
    pub rows: u64,
    pub bytes: u64,
    pub aggregates: u64,
    subjects: OrdinalSet,
}

#[derive(Clone, Debug, Default)]
struct ContractAccounts {
    persons: BTreeMap<String, Account>,
    vendors: BTreeMap<String, Account>,
}

/// All accounts. The gate keeps the one live copy behind a lock, taken once per batch of rows.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    dictionary: Dictionary,
    contracts: BTreeMap<String, ContractAccounts>,
    /// Kept between batches for its memory alone.
    ordinals: Vec<u32>,
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
    pub aggregates_today: u64,
    pub aggregates_total: u64,
}

impl Accounts {
    /// Pays for the longest prefix of `rows` that every ceiling allows, row by row.
    ///
    /// `fresh` receives the indexes (into the batch's ids) of those that this statement had not
    /// disclosed of that table before, which is what the record's disclosure set must list.
    pub fn charge(
        &mut self,
        payer: &Payer,
        budgets: &[Budget],
        meters: &mut Meters<'_>,
        batch: &RowBatch<'_>,
        fresh: &mut Vec<u32>,
    ) -> Result<Charged, Full> {
        let session_subjects = budgets
            .iter()
            .any(|b| b.window == Window::Session && b.measure == Measure::Subjects);
        let Self {
            dictionary,
            contracts,
            ordinals,
        } = self;
        ordinals.clear();
        dictionary.number_all(batch.ids, ordinals)?;
        let (vendor, person) = accounts_of(contracts, payer);
        let mut charges = Charges {
            session: meters.session,
            statement: meters.statement,
            person,
            vendor,
            session_subjects,
            batch: *batch,
            ordinals,
        };
        if charges.has_room(budgets) {
            return Ok(charges.pay_all(fresh));
        }
        Ok(charges.pay_row_by_row(budgets, fresh))
    }

    /// Pays for a statement that will give `count` answers with groups, before it runs; charges nothing where a
    /// ceiling is in the way. Without `budgets` it is charged whatever they say.
    pub fn charge_aggregate(
        &mut self,
        payer: &Payer,
        budgets: &[Budget],
        session: &mut SessionMeter,
        count: u64,
    ) -> Result<(), Exceeded> {
        let (vendor, person) = accounts_of(&mut self.contracts, payer);
        for budget in budgets.iter().filter(|b| b.measure == Measure::Aggregates) {
            let account = match budget.holder {
                Holder::Person => &*person,
                Holder::Vendor => &*vendor,
            };
            let used = match budget.window {
                Window::Statement => 0,
                Window::Session => session.aggregates,
                Window::Day => account.today.aggregates,
                Window::Total => account.total.aggregates,
            };
            if used.saturating_add(count) > budget.limit {
                return Err(Exceeded {
                    budget: budget.clone(),
                    used,
                });
            }
        }
        session.aggregates = session.aggregates.saturating_add(count);
        vendor.add_aggregates(count);
        person.add_aggregates(count);
        Ok(())
    }

    /// Replays the statements with groups that a record of the log charged.
    pub fn replay_aggregates(&mut self, payer: &Payer, count: u64) {
        let (vendor, person) = accounts_of(&mut self.contracts, payer);
        vendor.add_aggregates(count);
        person.add_aggregates(count);
    }

    /// Replays what a record of the log charged: rows, bytes, and by table the subjects it lists.
    pub fn replay(
        &mut self,
        payer: &Payer,
        (rows, bytes): (u64, u64),
        listed: &[(TableName, Vec<SubjectId>)],
    ) -> Result<(), Full> {
        let (vendor, person) = accounts_of(&mut self.contracts, payer);
        vendor.add(rows, bytes);
        person.add(rows, bytes);
        for (table, ids) in listed {
            let mut ordinals = Vec::with_capacity(ids.len());
            self.dictionary.number_all(ids, &mut ordinals)?;
            ordinals.sort_unstable();
            ordinals.dedup();
            vendor.note(None, &ordinals);
            person.note(Some(table), &ordinals);
        }
        Ok(())
    }

    /// How much of a ceiling the payer has used up on his day and in this session; a new statement
    /// has used nothing.
    pub fn used(&self, payer: &Payer, budget: &Budget, session: &SessionMeter) -> u64 {
        let contract = self.contracts.get(&payer.contract);
        let account = contract.and_then(|contract| match budget.holder {
            Holder::Person => contract.persons.get(&payer.person),
            Holder::Vendor => contract.vendors.get(&payer.vendor),
        });
        let tally = account.map(|account| match budget.window {
            // An earlier day than the account's latest (a clock set back) goes on with the latest.
            Window::Day if account.day.is_some_and(|latest| payer.day <= latest) => account.today,
            Window::Total => account.total,
            _ => Tally::default(),
        });
        let tally = tally.unwrap_or_default();
        let in_session = budget.window == Window::Session;
        match budget.measure {
            Measure::Rows if in_session => session.rows,
            Measure::Bytes if in_session => session.bytes,
            Measure::Subjects if in_session => session.subjects.len(),
            Measure::Aggregates if in_session => session.aggregates,
            Measure::Rows => tally.rows,
            Measure::Bytes => tally.bytes,
            Measure::Subjects => tally.subjects,
            Measure::Aggregates => tally.aggregates,
        }
    }

    pub fn person(&self, contract: &str, person: &str) -> Standing {
        self.person_account(contract, person)
            .map(Account::standing)
            .unwrap_or_default()
    }

    pub fn vendor(&self, contract: &str, vendor: &str) -> Standing {
        self.vendor_account(contract, vendor)
            .map(Account::standing)
            .unwrap_or_default()
    }

    pub fn person_account(&self, contract: &str, person: &str) -> Option<&Account> {
        self.contracts.get(contract)?.persons.get(person)
    }

    pub fn vendor_account(&self, contract: &str, vendor: &str) -> Option<&Account> {
        self.contracts.get(contract)?.vendors.get(vendor)
    }

    /// (contract, person, account) of all who were ever charged.
    pub fn persons(&self) -> impl Iterator<Item = (&str, &str, &Account)> {
        self.contracts.iter().flat_map(|(contract, accounts)| {
            accounts
                .persons
                .iter()
                .map(|(person, account)| (contract.as_str(), person.as_str(), account))
        })
    }

    /// (contract, vendor, account).
    pub fn vendors(&self) -> impl Iterator<Item = (&str, &str, &Account)> {
        self.contracts.iter().flat_map(|(contract, accounts)| {
            accounts
                .vendors
                .iter()
                .map(|(vendor, account)| (contract.as_str(), vendor.as_str(), account))
        })
    }

    /// The subject's number in every account's sets; `None` if it was never shown to anybody.
    pub fn ordinal(&self, id: SubjectId) -> Option<u32> {
        self.dictionary.find(id)
    }

    /// How many subjects were ever shown, to anybody.
    pub fn subjects(&self) -> usize {
        self.dictionary.len()
    }

    /// Packs every set; worth it before a long quiet time.
    pub fn pack(&mut self) {
        for contract in self.contracts.values_mut() {
            contract
                .persons
                .values_mut()
                .chain(contract.vendors.values_mut())
                .for_each(Account::pack);
        }
    }

    /// Bytes on the heap, the dictionary's included.
    pub fn heap_bytes(&self) -> usize {
        let accounts: usize = self
            .contracts
            .values()
            .flat_map(|contract| contract.persons.values().chain(contract.vendors.values()))
            .map(Account::heap_bytes)
            .sum();
        self.dictionary.heap_bytes() + accounts
    }
}

/// The payer's vendor's account and his own, turned to his day.
fn accounts_of<'a>(
    contracts: &'a mut BTreeMap<String, ContractAccounts>,
    payer: &Payer,
) -> (&'a mut Account, &'a mut Account) {
    let contract = entry(contracts, &payer.contract);
    let vendor = entry(&mut contract.vendors, &payer.vendor);
    vendor.turn_to(payer.day);
    let person = entry(&mut contract.persons, &payer.person);
    person.turn_to(payer.day);
    (vendor, person)
}

/// `BTreeMap::entry` wants an owned key even where the entry exists; this makes one only if not.
fn entry<'a, V: Default>(map: &'a mut BTreeMap<String, V>, key: &str) -> &'a mut V {
    if !map.contains_key(key) {
        map.insert(key.to_owned(), V::default());
    }
    map.entry(key.to_owned()).or_default()
}

#[cfg(test)]
mod tests;
