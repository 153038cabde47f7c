//! The ledger as a fold over the log: the accounts, and the work that a crash cut short.

use std::borrow::Cow;

use jiff::civil::Date;
use portcullis_ledger::{Accounts, DisclosureSet, OpenWork, Payer};
use portcullis_store::log::StoredEntry;
use portcullis_store::state::Fold;
use portcullis_store::state::event::LeafError;
use serde::Deserialize;

/// Rebuilt at start; afterwards the accounts live on in the gate.
#[derive(Default)]
pub struct LedgerFold {
    pub accounts: Accounts,
    pub open: OpenWork,
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
    day: Option<Cow<'a, str>>,
    #[serde(default)]
    adds_rows: u64,
    #[serde(default)]
    adds_bytes: u64,
    #[serde(default)]
    rows: u64,
    #[serde(default)]
    bytes: u64,
    #[serde(default)]
    subjects: u64,
}

impl Fold for LedgerFold {
    fn name(&self) -> &'static str {
        "ledger.1"
    }

    fn apply(&mut self, kind: &str, entry: &StoredEntry) -> Result<(), LeafError> {
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
        let open = serde_json::to_vec(&self.open).unwrap_or_default();
        let mut out = (open.len() as u64).to_le_bytes().to_vec();
        out.extend_from_slice(&open);
        out.extend_from_slice(&self.accounts.snapshot());
        out
    }

    fn restore(&mut self, bytes: &[u8]) -> bool {
        let restored = || {
            let (length, rest) = bytes.split_first_chunk::<8>()?;
            let (open, accounts) =
                rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
            Some(Self {
                open: serde_json::from_slice(open).ok()?,
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
        let subjects = entry.part("subjects");
        if charged.adds_rows == 0 && subjects.is_none() {
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
        self.accounts
            .replay(&payer, charged.adds_rows, charged.adds_bytes, set.ids());
        Ok(())
    }

    fn fold_open(&mut self, kind: &str, entry: &StoredEntry) -> Result<(), LeafError> {
        let leaf: serde_json::Value =
            serde_json::from_slice(&entry.leaf).map_err(|_| bad(entry))?;
        self.open.apply(entry.seq, kind, &leaf);
        Ok(())
    }
}

fn bad(entry: &StoredEntry) -> LeafError {
    LeafError::Field {
        seq: entry.seq,
        field: "statement",
    }
}
