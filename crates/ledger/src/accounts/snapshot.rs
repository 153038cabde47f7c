//! The accounts as bytes: a cache, bound by its reader to a place in the log.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::account::{Account, TableName, Tally};
use super::history::History;
use super::{Accounts, ContractAccounts};
use crate::dictionary::Dictionary;
use crate::set::{OrdinalSet, put_varint, take_varint};

impl Accounts {
    pub fn snapshot(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.dictionary.write(&mut out);
        put_map(&mut out, &self.contracts, |out, contract| {
            put_map(out, &contract.persons, put_account);
            put_map(out, &contract.vendors, put_account);
        });
        out
    }

    /// `None` where the bytes are not a whole snapshot.
    pub fn restore(bytes: &[u8]) -> Option<Self> {
        let (dictionary, rest) = Dictionary::read(bytes)?;
        let subjects = dictionary.len();
        let mut reader = Reader { rest, subjects };
        let contracts = reader.map(|reader| {
            let persons = reader.map(Reader::account)?;
            let vendors = reader.map(Reader::account)?;
            Some(ContractAccounts { persons, vendors })
        })?;
        reader.rest.is_empty().then_some(Self {
            dictionary,
            contracts,
            ordinals: Vec::new(),
        })
    }
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn put_map<V>(out: &mut Vec<u8>, map: &BTreeMap<String, V>, put: impl Fn(&mut Vec<u8>, &V)) {
    put_varint(out, map.len() as u64);
    for (key, value) in map {
        put_bytes(out, key.as_bytes());
        put(out, value);
    }
}

fn put_day(out: &mut Vec<u8>, day: Option<Date>) {
    put_bytes(
        out,
        day.map(|day| day.to_string())
            .unwrap_or_default()
            .as_bytes(),
    );
}

fn put_account(out: &mut Vec<u8>, account: &Account) {
    put_day(out, account.day);
    for tally in [account.total, account.today] {
        for number in figures(tally) {
            put_varint(out, number);
        }
    }
    put_bytes(out, &account.history.bytes);
    put_day(out, account.history.last);
    account.all.write(out);
    account.seen_today.write(out);
    put_varint(out, account.tables.len() as u64);
    for (name, set) in &account.tables {
        put_bytes(out, name.resource.as_bytes());
        put_bytes(out, name.table.as_bytes());
        set.write(out);
    }
}

fn figures(tally: Tally) -> [u64; 5] {
    [
        tally.rows,
        tally.bytes,
        tally.subjects,
        tally.subjects_new,
        tally.aggregates,
    ]
}

struct Reader<'a> {
    rest: &'a [u8],
    /// Of the dictionary: no set names more.
    subjects: usize,
}

impl Reader<'_> {
    fn number(&mut self) -> Option<u64> {
        let (number, rest) = take_varint(self.rest)?;
        self.rest = rest;
        Some(number)
    }

    fn bytes(&mut self) -> Option<Vec<u8>> {
        let length = usize::try_from(self.number()?).ok()?;
        let (head, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(head.to_vec())
    }

    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?).ok()
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
            subjects_new: self.number()?,
            aggregates: self.number()?,
        })
    }

    fn day(&mut self) -> Option<Option<Date>> {
        let day = self.text()?;
        if day.is_empty() {
            return Some(None);
        }
        Some(Some(day.parse().ok()?))
    }

    fn history(&mut self) -> Option<History> {
        let bytes = self.bytes()?;
        History::read(&bytes)?;
        Some(History {
            bytes,
            last: self.day()?,
        })
    }

    fn set(&mut self) -> Option<OrdinalSet> {
        let (set, rest) = OrdinalSet::read(self.rest)?;
        self.rest = rest;
        let within = set
            .largest()
            .is_none_or(|largest| (largest as usize) < self.subjects);
        within.then_some(set)
    }

    fn account(&mut self) -> Option<Account> {
        let day = self.day()?;
        let (total, today) = (self.tally()?, self.tally()?);
        let history = self.history()?;
        let (all, seen_today) = (self.set()?, self.set()?);
        let count = self.number()?;
        let mut tables = Vec::new();
        for _ in 0..count {
            let (resource, table) = (self.text()?, self.text()?);
            tables.push((TableName { resource, table }, self.set()?));
        }
        Some(Account {
            total,
            day,
            today,
            history,
            all,
            tables,
            seen_today,
        })
    }
}
