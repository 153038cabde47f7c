//! The ledger as a fold over the log: the accounts, the index from holders to their records, and the
//! work that a crash cut short.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::Date;
use portcullis_ledger::index::{Index, Record};
use portcullis_ledger::{Accounts, DisclosureSet, OpenWork, Payer, TableName};
use portcullis_store::log::StoredEntry;
use portcullis_store::state::Fold;
use portcullis_store::state::event::LeafError;
use serde::Deserialize;

/// Rebuilt at start; afterwards the accounts live on in the gate.
#[derive(Default)]
pub struct LedgerFold {
    pub accounts: Accounts,
    pub open: OpenWork,
    pub index: Index,
}

/// What the accounts need of a record; borrowed, since a start reads millions.
#[derive(Deserialize)]
struct Charged<'a> {
    #[serde(borrow)]
    session: Cow<'a, str>,
    #[serde(borrow)]
    statement: Cow<'a, str>,
    #[serde(borrow)]
    contract: Cow<'a, str>,
    #[serde(borrow)]
    vendor: Cow<'a, str>,
    #[serde(borrow)]
    person: Cow<'a, str>,
    #[serde(borrow, default)]
    resource: Cow<'a, str>,
    at: Timestamp,
    #[serde(borrow, default)]
    tables: Vec<Cow<'a, str>>,
    /// An outcome has one.
    #[serde(borrow, default)]
    decision: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    day: Option<Cow<'a, str>>,
    #[serde(default)]
    adds_rows: u64,
    #[serde(default)]
    adds_bytes: u64,
    #[serde(default)]
    adds_aggregates: u64,
    #[serde(default)]
    rows: u64,
    #[serde(default)]
    bytes: u64,
    #[serde(default)]
    subjects: u64,
}

impl Fold for LedgerFold {
    fn name(&self) -> &'static str {
        "ledger.3"
    }

    fn apply(&mut self, kind: &str, entry: &StoredEntry) -> Result<(), LeafError> {
        self.index.size = entry.seq + 1;
        match kind {
            "statement" => {
                let charged: Charged<'_> =
                    serde_json::from_slice(&entry.leaf).map_err(|_| bad(entry))?;
                self.charge(&charged, entry)?;
                self.open.statement_done(
                    &charged.statement,
                    &charged.session,
                    charged.rows,
                    charged.bytes,
                    charged.subjects,
                );
            }
            "statement.begun" | "statement.released" => {
                let charged: Charged<'_> =
                    serde_json::from_slice(&entry.leaf).map_err(|_| bad(entry))?;
                self.charge(&charged, entry)?;
                self.fold_open(kind, entry)?;
            }
            "session.opened" | "session.closed" => self.fold_open(kind, entry)?,
            _ => {}
        }
        Ok(())
    }

    fn snapshot(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for part in [
            serde_json::to_vec(&self.open).unwrap_or_default(),
            serde_json::to_vec(&self.index).unwrap_or_default(),
        ] {
            out.extend_from_slice(&(part.len() as u64).to_le_bytes());
            out.extend_from_slice(&part);
        }
        out.extend_from_slice(&self.accounts.snapshot());
        out
    }

    fn restore(&mut self, bytes: &[u8]) -> bool {
        let restored = || {
            let (open, rest) = take_part(bytes)?;
            let (index, accounts) = take_part(rest)?;
            Some(Self {
                open: serde_json::from_slice(open).ok()?,
                index: serde_json::from_slice(index).ok()?,
                accounts: Accounts::restore(accounts)?,
            })
        };
        match restored() {
            Some(whole) => {
                *self = whole;
                true
            }
            None => false,
        }
    }
}

impl LedgerFold {
    fn charge(&mut self, charged: &Charged<'_>, entry: &StoredEntry) -> Result<(), LeafError> {
        note(&mut self.index, charged, entry)?;
        let subjects = entry.part("subjects");
        if charged.adds_rows == 0 && charged.adds_aggregates == 0 && subjects.is_none() {
            return Ok(());
        }
        let day: Date = charged
            .day
            .as_deref()
            .and_then(|day| day.parse().ok())
            .ok_or_else(|| bad(entry))?;
        let payer = Payer {
            contract: charged.contract.clone().into_owned(),
            vendor: charged.vendor.clone().into_owned(),
            person: charged.person.clone().into_owned(),
            day,
        };
        let set = match subjects {
            Some(bytes) => DisclosureSet::decode(bytes).map_err(|_| bad(entry))?,
            None => DisclosureSet::default(),
        };
        let resource = &charged.resource;
        let name = |table| TableName {
            resource: resource.clone().into_owned(),
            table,
        };
        let listed: Vec<_> = set
            .tables
            .into_iter()
            .map(|(table, ids)| (name(table), ids))
            .collect();
        self.accounts
            .replay(&payer, (charged.adds_rows, charged.adds_bytes), &listed)
            .map_err(|_| bad(entry))?;
        self.accounts
            .replay_aggregates(&payer, charged.adds_aggregates);
        Ok(())
    }

    fn fold_open(&mut self, kind: &str, entry: &StoredEntry) -> Result<(), LeafError> {
        let leaf: serde_json::Value =
            serde_json::from_slice(&entry.leaf).map_err(|_| bad(entry))?;
        self.open.apply(entry.seq, kind, &leaf);
        Ok(())
    }
}

/// Takes one more entry into a live index. Kinds that disclose nothing pass by.
pub fn follow(index: &mut Index, entry: &StoredEntry) -> Result<(), LeafError> {
    if entry.seq < index.size {
        return Ok(());
    }
    index.size = entry.seq + 1;
    #[derive(Deserialize)]
    struct Kind<'a> {
        #[serde(borrow)]
        kind: Cow<'a, str>,
    }
    let kind: Kind<'_> = serde_json::from_slice(&entry.leaf).map_err(|_| bad(entry))?;
    if matches!(&*kind.kind, "statement" | "statement.released") {
        let charged: Charged<'_> = serde_json::from_slice(&entry.leaf).map_err(|_| bad(entry))?;
        note(index, &charged, entry)?;
    }
    Ok(())
}

/// What a record tells the index: the tables of its disclosure set, and whether it is the outcome of
/// a statement that showed anybody.
fn note(index: &mut Index, charged: &Charged<'_>, entry: &StoredEntry) -> Result<(), LeafError> {
    let listed = match entry.part("subjects") {
        Some(bytes) => DisclosureSet::tables_of(bytes).map_err(|_| bad(entry))?,
        None => Vec::new(),
    };
    let outcome = charged.decision.is_some() && charged.subjects > 0;
    if listed.is_empty() && !outcome {
        return Ok(());
    }
    let read: Vec<&str> = charged.tables.iter().map(|table| &**table).collect();
    index.note(&Record {
        seq: entry.seq,
        at: charged.at,
        contract: &charged.contract,
        vendor: &charged.vendor,
        person: &charged.person,
        resource: &charged.resource,
        listed: &listed,
        outcome_of: outcome.then_some(read.as_slice()),
    });
    Ok(())
}

fn take_part(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)
}

fn bad(entry: &StoredEntry) -> LeafError {
    LeafError::Field {
        seq: entry.seq,
        field: "statement",
    }
}
