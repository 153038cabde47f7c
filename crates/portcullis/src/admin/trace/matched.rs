//! A file's values against the ledger's dictionary.

use portcullis_ledger::SubjectKey;
use portcullis_store::state::Denied;
use portcullis_trace::{Column, Leak, LeakBuilder, find_form};
use serde::Serialize;

use super::spaces::Space;
use crate::compose::gate::subject_key;
use crate::compose::server::Server;

/// Looked up at once: the gate charges under the same lock.
const LOOKED_UP_AT_ONCE: usize = 128;
/// A column of which less is known is no column of subjects, unless nothing else is.
const HITS_LEAST: u64 = 3;

pub fn ledger_key(server: &Server) -> Result<SubjectKey, Denied> {
    let key = server
        .dir
        .ledger_key()
        .map_err(|error| Denied::unreachable("ledger.key", format!("{error:#}")))?;
    Ok(SubjectKey::new(subject_key(&key)))
}

/// A column read as subjects of one kind.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Candidate {
    pub column: String,
    pub resource: String,
    pub kind: String,
    /// Values of the sample, and of these known to the ledger.
    pub sampled: u64,
    pub hits: u64,
    /// About how many of the column's distinct values that would be.
    pub estimated: u64,
    /// The column is named like the subjects' own.
    pub named: bool,
}

pub fn candidates(
    server: &Server,
    key: &SubjectKey,
    spaces: &[Space],
    columns: &[Column],
) -> Vec<Candidate> {
    let mut found = Vec::new();
    for column in columns {
        for space in spaces {
            let hits = known(server, key, space, &column.sample)
                .iter()
                .filter(|ordinal| ordinal.is_some())
                .count() as u64;
            if hits == 0 {
                continue;
            }
            let sampled = column.sample.len() as u64;
            found.push(Candidate {
                column: column.name.clone(),
                resource: space.resource.clone(),
                kind: space.kind.clone(),
                sampled,
                hits,
                estimated: column.distinct.max(sampled) * hits / sampled.max(1),
                named: space.columns.iter().any(|name| alike(name, &column.name)),
            });
        }
    }
    found.sort_by(|a, b| rank(b).total_cmp(&rank(a)));
    found
}

/// The column to go on with.
pub fn best(found: &[Candidate]) -> Option<&Candidate> {
    let first = found.first()?;
    (first.hits >= HITS_LEAST || first.hits == first.sampled || first.named).then_some(first)
}

/// How many subjects it would lead to. Where keys are small numbers any column of numbers hits: one
/// that is named like the subjects' own counts double, and so does the share that is known.
fn rank(candidate: &Candidate) -> f64 {
    let share = candidate.hits as f64 / candidate.sampled.max(1) as f64;
    let named = if candidate.named { 2.0 } else { 1.0 };
    candidate.estimated as f64 * (1.0 + share) * named
}

/// `clinic.patients.patient_id`, `PatientID` and `patient id` are one name.
fn alike(name: &str, column: &str) -> bool {
    let letters = |text: &str| -> String {
        text.chars()
            .filter(|c| c.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect()
    };
    let last = column.rsplit('.').next().unwrap_or(column);
    letters(name) == letters(last)
}

/// The distinct subjects of the file. `keyed`: (place of the value, a further ordinal).
pub fn leak(
    server: &Server,
    key: &SubjectKey,
    space: &Space,
    values: &[String],
    keyed: &[(usize, u32)],
) -> Leak {
    let mut builder = LeakBuilder::default();
    let mut keyed = keyed.iter().copied().peekable();
    for (place, clear) in known(server, key, space, values).into_iter().enumerate() {
        let mut ordinals: Vec<u32> = clear.into_iter().collect();
        while let Some((_, ordinal)) = keyed.next_if(|(of, _)| *of == place) {
            ordinals.push(ordinal);
        }
        builder.add(&ordinals);
    }
    builder.finish()
}

/// Of each value, the ordinal of the first of its forms that the ledger knows.
fn known(server: &Server, key: &SubjectKey, space: &Space, values: &[String]) -> Vec<Option<u32>> {
    let scope = key.scope(&space.resource, &space.kind);
    let mut ordinals = Vec::with_capacity(values.len());
    for values in values.chunks(LOOKED_UP_AT_ONCE) {
        let accounts = server.accounts.lock();
        ordinals.extend(
            values
                .iter()
                .map(|value| find_form(value, |form| accounts.ordinal(scope.id(form.as_bytes())))),
        );
    }
    ordinals
}
