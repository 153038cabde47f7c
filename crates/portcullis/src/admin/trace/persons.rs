//! Everybody's accounts, one at a time: the gate charges under the same lock.

use std::collections::BTreeMap;

use jiff::Timestamp;
use portcullis_ledger::set::OrdinalSet;
use portcullis_store::state::Denied;
use portcullis_trace::matching::{Suspect, judge};
use portcullis_trace::{Leak, Tally, Verdict};
use serde_json::Value;

use super::trails;
use crate::compose::server::Server;

pub struct Persons {
    /// (person, contract), a person's one after the other.
    holders: Vec<(String, String)>,
    /// Of those who were given something later than the file can hold, what they had been given by then.
    earlier: BTreeMap<(String, String), OrdinalSet>,
}

impl Persons {
    pub fn gather(
        server: &Server,
        before: Option<Timestamp>,
        notes: &mut Vec<String>,
    ) -> Result<Self, Denied> {
        let mut holders: Vec<(String, String)> = server
            .accounts
            .lock()
            .persons()
            .map(|(contract, person, _)| (person.to_owned(), contract.to_owned()))
            .collect();
        holders.sort();
        let mut earlier = BTreeMap::new();
        if let Some(before) = before {
            for (person, contract) in &holders {
                let later = {
                    let index = server.index.lock();
                    let holder = index.holder(contract, person);
                    holder.and_then(|holder| holder.last) >= Some(before)
                };
                if later {
                    let set = trails::shown_before(server, contract, person, before, notes)?;
                    earlier.insert((person.clone(), contract.clone()), set);
                }
            }
        }
        Ok(Self { holders, earlier })
    }

    pub fn judge(&self, server: &Server, leak: &Leak) -> Verdict {
        let mut tally = Tally::new(leak);
        for (person, contract) in &self.holders {
            self.with(server, person, contract, |seen| {
                tally.take(person, contract, seen);
            });
        }
        let subjects = server.accounts.lock().subjects() as u64;
        let leading = tally.leading(subjects);
        let suspects: Vec<Suspect> = leading
            .into_iter()
            .filter_map(|at| {
                let person = &tally.persons().get(at)?.person;
                let sets = self.sets(server, person);
                Some(Suspect::new(at, leak, &sets))
            })
            .collect();
        judge(&tally, &suspects, subjects)
    }

    fn with(&self, server: &Server, person: &str, contract: &str, then: impl FnOnce(&OrdinalSet)) {
        if let Some(set) = self.earlier.get(&(person.to_owned(), contract.to_owned())) {
            return then(set);
        }
        let accounts = server.accounts.lock();
        if let Some(account) = accounts.person_account(contract, person) {
            then(account.seen());
        }
    }

    fn sets(&self, server: &Server, person: &str) -> Vec<OrdinalSet> {
        let his = self.holders.iter().filter(|(holder, _)| holder == person);
        let mut sets = Vec::new();
        for (_, contract) in his {
            self.with(server, person, contract, |set| sets.push(set.clone()));
        }
        sets
    }
}

/// Whose people they are.
pub fn add_vendors(server: &Server, told: &mut Value) {
    let index = server.index.lock();
    let Some(ranked) = told.get_mut("ranked").and_then(Value::as_array_mut) else {
        return;
    };
    for one in ranked {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let person = text(one.get("person")).unwrap_or_default();
        let contract = text(one.pointer("/contracts/0/contract")).unwrap_or_default();
        let vendor = index
            .holder(&contract, &person)
            .map(|holder| holder.vendor.clone());
        if let Some(fields) = one.as_object_mut() {
            fields.insert("vendor".to_owned(), vendor.into());
        }
    }
}
