//! From a person to his sessions and statements: which records hold the file's subjects, and the
//! fewest sessions that hold all of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Leak;
use super::bits::Bits;

/// Sessions told at most, those that explain the file first.
const SESSIONS_TOLD_MAX: usize = 50;
const STATEMENTS_TOLD_MAX: usize = 50;

/// One record of the log that lists subjects.
#[derive(Clone, Copy, Debug)]
pub struct TrailRecord<'a> {
    pub seq: u64,
    /// RFC 3339; texts sort as times do.
    pub at: &'a str,
    pub session: &'a str,
    pub statement: &'a str,
    pub contract: &'a str,
    pub resource: &'a str,
    pub tables: &'a [String],
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatementTrail {
    pub statement: String,
    pub at: String,
    /// The records that list the file's subjects: `log prove SEQ` proves each.
    pub seqs: Vec<u64>,
    pub hits: u64,
    /// Subjects that it showed, all in all.
    pub shown: u64,
    pub tables: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionTrail {
    pub session: String,
    pub contract: String,
    pub resource: String,
    pub first: String,
    pub last: String,
    pub hits: u64,
    /// Subjects that its statements showed; one of two statements counts twice.
    pub shown: u64,
    /// Of the hits, those that the sessions before it in this list don't have.
    pub adds: u64,
    /// Belongs to the fewest sessions that hold all hits of this person.
    pub in_set: bool,
    /// By hits; at most 50.
    pub statements: Vec<StatementTrail>,
    pub statements_left_out: usize,
}

#[derive(Default)]
struct Session {
    contract: String,
    resource: String,
    first: String,
    last: String,
    places: Bits,
    list: Vec<u32>,
    statements: BTreeMap<String, StatementTrail>,
}

/// Takes in one person's records in the log's order.
pub struct Trail<'a> {
    leak: &'a Leak,
    sessions: BTreeMap<String, Session>,
}

impl<'a> Trail<'a> {
    pub fn new(leak: &'a Leak) -> Self {
        Self {
            leak,
            sessions: BTreeMap::new(),
        }
    }

    /// `ordinals`: the subjects that the record lists.
    pub fn take(&mut self, record: &TrailRecord<'_>, ordinals: impl IntoIterator<Item = u32>) {
        let (mut shown, mut hits) = (0u64, Vec::new());
        for ordinal in ordinals {
            shown += 1;
            hits.extend(self.leak.place(ordinal));
        }
        hits.sort_unstable();
        hits.dedup();
        let session = self.sessions.entry(record.session.to_owned()).or_default();
        if session.first.is_empty() {
            session.contract = record.contract.to_owned();
            session.resource = record.resource.to_owned();
            session.first = record.at.to_owned();
        }
        session.last = record.at.to_owned();
        let statement = session
            .statements
            .entry(record.statement.to_owned())
            .or_insert_with(|| StatementTrail {
                statement: record.statement.to_owned(),
                at: record.at.to_owned(),
                seqs: Vec::new(),
                hits: 0,
                shown: 0,
                tables: record.tables.to_vec(),
            });
        statement.shown += shown;
        if hits.is_empty() {
            return;
        }
        statement.seqs.push(record.seq);
        // A statement lists a subject once in all its records together, but for each table.
        statement.hits += hits.len() as u64;
        for place in hits {
            if !session.places.contains(place) {
                session.places.set(place);
                session.list.push(place);
            }
        }
    }

    /// The fewest sessions first, then the others with hits.
    pub fn finish(self) -> (Vec<SessionTrail>, usize) {
        let mut left: Vec<(String, Session)> = self
            .sessions
            .into_iter()
            .filter(|(_, session)| !session.list.is_empty())
            .collect();
        let mut covered = Bits::default();
        let mut told = Vec::new();
        while told.len() < SESSIONS_TOLD_MAX {
            let best = left.iter().enumerate().max_by(|(_, (_, a)), (_, (_, b))| {
                let adds = |session: &Session| adds(session, &covered);
                let alike = share(a).total_cmp(&share(b));
                adds(a)
                    .cmp(&adds(b))
                    .then(alike)
                    .then(b.first.cmp(&a.first))
            });
            let Some(at) = best.map(|(at, _)| at) else {
                break;
            };
            let (name, session) = left.swap_remove(at);
            let new = adds(&session, &covered);
            session.list.iter().for_each(|place| covered.set(*place));
            told.push(told_of(name, session, new));
        }
        (told, left.len())
    }
}

fn adds(session: &Session, covered: &Bits) -> usize {
    let list = session.list.iter();
    list.filter(|place| !covered.contains(**place)).count()
}

/// A session all of whose subjects are in the file says more than one that showed everything.
fn share(session: &Session) -> f64 {
    let shown: u64 = session.statements.values().map(|s| s.shown).sum();
    session.list.len() as f64 / shown.max(1) as f64
}

fn told_of(name: String, session: Session, adds: usize) -> SessionTrail {
    let shown = session.statements.values().map(|s| s.shown).sum();
    let mut statements: Vec<StatementTrail> = session
        .statements
        .into_values()
        .filter(|statement| statement.hits > 0)
        .collect();
    statements.sort_by(|a, b| b.hits.cmp(&a.hits).then(a.at.cmp(&b.at)));
    let statements_left_out = statements.len().saturating_sub(STATEMENTS_TOLD_MAX);
    statements.truncate(STATEMENTS_TOLD_MAX);
    SessionTrail {
        session: name,
        contract: session.contract,
        resource: session.resource,
        first: session.first,
        last: session.last,
        hits: session.list.len() as u64,
        shown,
        adds: adds as u64,
        in_set: adds > 0,
        statements,
        statements_left_out,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use crate::matching::LeakBuilder;

    #[test]
    fn the_fewest_sessions_come_first_and_lead_to_their_records() {
        let mut builder = LeakBuilder::default();
        (0..100).for_each(|ordinal| builder.add(&[ordinal]));
        let leak = builder.finish();
        let mut trail = Trail::new(&leak);
        let mut take = |seq, session, statement, of: std::ops::Range<u32>| {
            let record = TrailRecord {
                seq,
                at: "2026-01-01T00:00:00Z",
                session,
                statement,
                contract: "c",
                resource: "r",
                tables: &[],
            };
            trail.take(&record, of);
        };
        take(1, "some", "a", 10..30);
        take(5, "most", "b", 0..40);
        take(6, "most", "b", 40..60);
        take(9, "rest", "c", 60..100);
        take(12, "none", "d", 500..600);
        let (sessions, left) = trail.finish();
        let names: Vec<_> = sessions.iter().map(|s| s.session.as_str()).collect();
        assert_eq!((names, left), (vec!["most", "rest", "some"], 0));
        let told: Vec<_> = sessions
            .iter()
            .map(|s| (s.hits, s.adds, s.in_set))
            .collect();
        assert_eq!(told, [(60, 60, true), (40, 40, true), (20, 0, false)]);
        assert_eq!(sessions[0].statements[0].seqs, [5, 6]);
    }
}
