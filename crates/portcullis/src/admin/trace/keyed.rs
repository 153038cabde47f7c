//! Contracts that mask or hide the key: the ledger has digests keyed for each, and only the database
//! can tell whose they are. Asked where the officer says so; it reads every key of the tables.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use portcullis_contract::{Contract, Mask};
use portcullis_ledger::SubjectKey;
use portcullis_lock::{Present, SubjectTable};
use portcullis_store::state::Denied;
use portcullis_trace::find_form;
use tokio::sync::mpsc;

use super::spaces::Space;
use crate::compose::server::Server;

/// The command waits five minutes for its answer.
const READ_WITHIN: Duration = Duration::from_secs(240);
const PIECES_WAITING: usize = 4;
/// Of a value's forms so many are kept for the comparison: not those with zeros put before.
const FORMS_KEPT: usize = 6;
/// As much of a digest as every `hash` of a text shows.
const HASH_CHARS_LEAST: usize = 16;
/// `hash` makes numbers of so many bits (docs/formats/masks.md).
const HASH_BITS: [u32; 3] = [31, 49, 62];

/// A table, and the contracts that key its subjects: with whether each shows a `hash` of the key.
type Tables = BTreeMap<SubjectTable, Vec<(String, bool)>>;

/// (place of the value, ordinal of a digest) for values whose subjects were disclosed under a contract
/// that keys them.
pub async fn ordinals(
    server: &Server,
    key: &SubjectKey,
    space: &Space,
    values: &[String],
) -> Result<Vec<(usize, u32)>, Denied> {
    let Some(resource) = server.resource(&space.resource) else {
        return Ok(Vec::new());
    };
    let steward = server.locks.steward(&resource).await?;
    let index = ValueIndex::new(values);
    let mut found = Vec::new();
    for (table, contracts) in tables(server, space).await? {
        let names: Vec<String> = contracts.iter().map(|(name, _)| name.clone()).collect();
        let (to, mut pieces) = mpsc::channel(PIECES_WAITING);
        let sent = async {
            let sent =
                portcullis_lock::send_subjects(&steward, &table, &names, READ_WITHIN, &to).await;
            drop(to);
            sent
        };
        let matched = async {
            while let Some(piece) = pieces.recv().await {
                take(server, key, space, &index, &contracts, &piece, &mut found);
            }
        };
        let (sent, ()) = tokio::join!(sent, matched);
        sent.map_err(|error| Denied::unreachable("database.unreachable", error.to_string()))?;
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

async fn tables(server: &Server, space: &Space) -> Result<Tables, Denied> {
    let contracts: Vec<Arc<Contract>> = server.registry.read(|state| {
        let entries = state.contracts.values();
        entries.map(|entry| Arc::clone(&entry.contract)).collect()
    });
    let mut tables = Tables::new();
    for contract in contracts {
        let Some(surface) = server.registry.surface(&contract.id, &space.resource) else {
            continue;
        };
        for table in portcullis_lock::subjects_shown(&contract, &surface) {
            if table.keyed && table.kind == space.kind {
                let hashed = hashed(&contract, &table);
                let under = tables.entry(table).or_default();
                under.push((contract.id.clone(), hashed));
            }
        }
    }
    Ok(tables)
}

fn hashed(contract: &Contract, table: &SubjectTable) -> bool {
    contract.scope.iter().any(|scope| {
        scope.qualified() == table.qualified()
            && matches!(scope.mask.get(&table.column), Some(Mask::Hash))
    })
}

fn take(
    server: &Server,
    key: &SubjectKey,
    space: &Space,
    index: &ValueIndex,
    contracts: &[(String, bool)],
    piece: &[Present],
    found: &mut Vec<(usize, u32)>,
) {
    let scope = key.scope(&space.resource, &space.kind);
    let mut asked = Vec::new();
    for present in piece {
        let clear = index.clear(&present.value);
        for ((_, hashed), identity) in contracts.iter().zip(&present.keyed) {
            let Some(identity) = identity else { continue };
            let shown = hashed.then(|| index.hashed(identity)).flatten();
            asked.extend(
                clear
                    .or(shown)
                    .map(|place| (place, scope.id(identity.as_bytes()))),
            );
        }
    }
    let accounts = server.accounts.lock();
    found.extend(
        asked
            .into_iter()
            .filter_map(|(place, id)| Some((place, accounts.ordinal(id)?))),
    );
}

/// The file's values, to be found by a key of the database or by what a mask made of it.
struct ValueIndex {
    forms: HashMap<String, usize>,
    /// By the first 16 of a digest's digits.
    digests: HashMap<String, (String, usize)>,
    numbers: HashMap<u64, usize>,
}

impl ValueIndex {
    fn new(values: &[String]) -> Self {
        let mut index = Self {
            forms: HashMap::new(),
            digests: HashMap::new(),
            numbers: HashMap::new(),
        };
        for (place, value) in values.iter().enumerate() {
            let mut kept = 0;
            find_form(value, |form| {
                index.forms.entry(form.to_owned()).or_insert(place);
                if let Ok(number) = form.parse() {
                    index.numbers.entry(number).or_insert(place);
                }
                kept += 1;
                (kept >= FORMS_KEPT).then_some(())
            });
            let digest = value.trim().to_ascii_lowercase();
            let hex = digest.bytes().all(|byte| byte.is_ascii_hexdigit());
            if let Some(start) = digest.get(..HASH_CHARS_LEAST).filter(|_| hex) {
                index.digests.insert(start.to_owned(), (digest, place));
            }
        }
        index
    }

    fn clear(&self, value: &str) -> Option<usize> {
        let found = self.forms.get(value);
        found
            .or_else(|| self.forms.get(value.trim_start_matches('0')))
            .copied()
    }

    /// `identity`: a prefix of the gate's own, then the digest that `hash` shows a part of.
    fn hashed(&self, identity: &str) -> Option<usize> {
        let digest = identity.rsplit(':').next()?;
        let start = digest.get(..HASH_CHARS_LEAST)?;
        if let Some((shown, place)) = self.digests.get(start)
            && digest.starts_with(shown)
        {
            return Some(*place);
        }
        let number = u64::from_str_radix(start, 16).ok()?;
        let masked = |bits: &u32| self.numbers.get(&(number & ((1 << bits) - 1)));
        HASH_BITS.iter().find_map(masked).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_by_its_key_and_by_its_hash() {
        let digest = format!("keyed:{}", "00000000deadbeef".repeat(4));
        let shown = "00000000deadbeef00000000deadbeef";
        let number = 0xdead_beef_u64 & ((1 << 31) - 1);
        let values = ["=\"0042\"", "7.0", shown].map(str::to_owned);
        let index = ValueIndex::new(&values);
        assert_eq!(index.clear("42"), Some(0));
        assert_eq!(index.clear("0042"), Some(0));
        assert_eq!(index.clear("7"), Some(1));
        assert_eq!(index.clear("8"), None);
        assert_eq!(index.hashed(&digest), Some(2));
        assert_eq!(
            ValueIndex::new(&[number.to_string()]).hashed(&digest),
            Some(0)
        );
        let other = format!("keyed:{}", "0123456789abcdef".repeat(4));
        assert_eq!(index.hashed(&other), None);
    }
}
