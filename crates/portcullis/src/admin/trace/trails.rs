//! From persons to the records of the log: sessions and statements that hold the file's subjects.

use std::borrow::Cow;

use jiff::Timestamp;
use portcullis_ledger::DisclosureSet;
use portcullis_ledger::set::OrdinalSet;
use portcullis_store::log::StoredEntry;
use portcullis_store::state::Denied;
use portcullis_trace::matching::{SessionTrail, TrailRecord};
use portcullis_trace::{Leak, Trail, Verdict};
use serde::{Deserialize, Serialize};

use super::unreadable;
use crate::compose::server::Server;

/// So many of the ranked persons are followed to their sessions, whether they stand out or not.
const FOLLOWED: usize = 5;
/// Records read of one person.
const RECORDS_MAX: u64 = 1_000_000;
/// The log keeps its entries in bundles of this many: those of one are read together.
const BUNDLE: u64 = 256;

/// A person's sessions that hold subjects of the file.
#[derive(Debug, Serialize)]
pub struct PersonTrail {
    pub person: String,
    pub sessions: Vec<SessionTrail>,
    /// Sessions with hits that are not told.
    pub left_out: usize,
}

#[derive(Deserialize)]
struct Leaf<'a> {
    #[serde(borrow)]
    session: Cow<'a, str>,
    #[serde(borrow)]
    statement: Cow<'a, str>,
    #[serde(borrow, default)]
    resource: Cow<'a, str>,
    #[serde(borrow)]
    at: Cow<'a, str>,
}

pub fn trails(
    server: &Server,
    leak: &Leak,
    verdict: &Verdict,
    before: Option<Timestamp>,
    notes: &mut Vec<String>,
) -> Result<Vec<PersonTrail>, Denied> {
    let mut told = Vec::new();
    let followed = verdict.ranked.iter().enumerate();
    for (_, ranked) in followed.filter(|(at, ranked)| *at < FOLLOWED || ranked.in_set) {
        let mut trail = Trail::new(leak);
        for under in &ranked.contracts {
            each_record(
                server,
                &under.contract,
                &ranked.person,
                notes,
                |leaf, seq, set| {
                    if !earlier(leaf, before) {
                        return;
                    }
                    let tables: Vec<String> =
                        set.tables.iter().map(|(table, _)| table.clone()).collect();
                    let record = TrailRecord {
                        seq,
                        at: &leaf.at,
                        session: &leaf.session,
                        statement: &leaf.statement,
                        contract: &under.contract,
                        resource: &leaf.resource,
                        tables: &tables,
                    };
                    trail.take(&record, ordinals(server, set));
                },
            )?;
        }
        let (sessions, left_out) = trail.finish();
        told.push(PersonTrail {
            person: ranked.person.clone(),
            sessions,
            left_out,
        });
    }
    Ok(told)
}

/// What a person had been given under a contract by a time.
pub fn shown_before(
    server: &Server,
    contract: &str,
    person: &str,
    before: Timestamp,
    notes: &mut Vec<String>,
) -> Result<OrdinalSet, Denied> {
    let mut shown = OrdinalSet::default();
    each_record(server, contract, person, notes, |leaf, _, set| {
        if earlier(leaf, Some(before)) {
            let mut ordinals = ordinals(server, set);
            ordinals.sort_unstable();
            ordinals.dedup();
            shown.insert_sorted(&ordinals);
        }
    })?;
    Ok(shown)
}

fn earlier(leaf: &Leaf<'_>, before: Option<Timestamp>) -> bool {
    let at: Option<Timestamp> = leaf.at.parse().ok();
    before.is_none_or(|before| at.is_none_or(|at| at < before))
}

fn ordinals(server: &Server, set: &DisclosureSet) -> Vec<u32> {
    let accounts = server.accounts.lock();
    set.ids().filter_map(|id| accounts.ordinal(id)).collect()
}

/// A person's records that list subjects, in the log's order.
fn each_record(
    server: &Server,
    contract: &str,
    person: &str,
    notes: &mut Vec<String>,
    mut with: impl FnMut(&Leaf<'_>, u64, &DisclosureSet),
) -> Result<(), Denied> {
    let records = {
        let index = server.index.lock();
        let holder = index.holder(contract, person);
        holder
            .map(|holder| holder.records.clone())
            .unwrap_or_default()
    };
    if records.len() > RECORDS_MAX {
        notes.push(format!(
            "of the {} records of `{person}` under `{contract}` the first {RECORDS_MAX} were read",
            records.len()
        ));
    }
    let most = usize::try_from(RECORDS_MAX).unwrap_or(usize::MAX);
    let wanted: Vec<u64> = records.iter().take(most).collect();
    for run in wanted.chunk_by(|a, b| a / BUNDLE == b / BUNDLE) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else {
            continue;
        };
        for entry in server.log.read(*first, last + 1) {
            let entry = entry.map_err(|error| unreadable(error.to_string()))?;
            if run.binary_search(&entry.seq).is_ok() {
                tell(&entry, notes, &mut with)?;
            }
        }
    }
    Ok(())
}

fn tell(
    entry: &StoredEntry,
    notes: &mut Vec<String>,
    with: &mut impl FnMut(&Leaf<'_>, u64, &DisclosureSet),
) -> Result<(), Denied> {
    let damaged = || unreadable(format!("event {} is not as it should be", entry.seq));
    let leaf: Leaf<'_> = serde_json::from_slice(&entry.leaf).map_err(|_| damaged())?;
    let Some(bytes) = entry.part("subjects") else {
        let note = "some records' disclosure sets were lawfully removed; they can't be followed";
        if !notes.iter().any(|known| known == note) {
            notes.push(note.to_owned());
        }
        return Ok(());
    };
    let set = DisclosureSet::decode(bytes).map_err(|_| damaged())?;
    with(&leaf, entry.seq, &set);
    Ok(())
}
