//! A statement under way: what it has been given so far, and its records.

use std::sync::Arc;
use std::time::Instant;

use base64::Engine as _;
use jiff::Timestamp;
use parking_lot::Mutex;
use portcullis_contract::Refusal;
use portcullis_ledger::{Charged, DisclosureSet, LeafWriter, Payer, StatementMeter, SubjectId};
use portcullis_sql::Kind;
use portcullis_store::log::{BodyPart, Entry, EntryError};

use super::desk::{Cleared, Refused};
use super::names::Meaning;

/// How a statement ended, as its event says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Allowed,
    Refused,
    Stopped,
    Interrupted,
}

impl Decision {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Refused => "refused",
            Self::Stopped => "stopped",
            Self::Interrupted => "interrupted",
        }
    }
}

/// Who and under what: repeated in every record, so that a record stands alone.
#[derive(Clone, Debug)]
pub struct Bearing {
    pub session: String,
    pub person: String,
    pub vendor: String,
    pub contract: String,
    pub resource: String,
    pub grant: String,
    pub purpose: String,
}

impl Bearing {
    /// Who acts, as all events say it.
    pub fn actor(&self) -> String {
        format!("person:{}", self.person)
    }

    /// A leaf that says who, for whom, what and under which grant.
    pub fn leaf(&self, kind: &str, now: Timestamp) -> LeafWriter {
        LeafWriter::new(kind, now, &self.actor())
            .str("session", &self.session)
            .str("person", &self.person)
            .str("vendor", &self.vendor)
            .str("contract", &self.contract)
            .str("resource", &self.resource)
            .str("grant", &self.grant)
            .str("purpose", &self.purpose)
    }
}

/// The bound values of a statement, as text.
pub type Params = Vec<Option<String>>;

pub struct Running {
    pub id: String,
    pub cleared: Arc<Cleared>,
    /// Whose rows it gives: its own, those of the cursor for FETCH, of the prepared statement for EXECUTE.
    pub source: Arc<Cleared>,
    pub params: Option<Params>,
    /// Shared by all fetches of a cursor: they count together against ceilings a statement.
    pub meter: Arc<Mutex<StatementMeter>>,
    /// The name at the database that it makes or uses.
    pub named: Option<String>,
    /// This statement's own part.
    own: Counted,
    pub payer: Payer,
    started: Instant,
    /// Charged and not yet in a record.
    adds: Counted,
    /// There are such rows that cost nothing.
    free: bool,
    fresh: Vec<(usize, SubjectId)>,
    /// Answers with groups that were charged and are in no record yet.
    adds_aggregates: u64,
    /// A record of this statement is on its way or on disk.
    begun: bool,
    /// The refusal that cut the result.
    pub cut: Option<Refusal>,
    /// `observe` mode: the refusal that would have cut it.
    pub would_cut: Option<Refusal>,
    pub null_subjects: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    rows: u64,
    bytes: u64,
    subjects: u64,
    subjects_new: u64,
}

impl Running {
    pub fn new(id: String, meaning: &Meaning, payer: Payer) -> Self {
        Self {
            id,
            cleared: Arc::clone(&meaning.cleared),
            source: Arc::clone(&meaning.source),
            params: None,
            meter: meaning.cursor.clone().unwrap_or_default(),
            named: meaning.named.clone(),
            own: Counted::default(),
            payer,
            started: Instant::now(),
            adds: Counted::default(),
            free: false,
            fresh: Vec::new(),
            adds_aggregates: 0,
            begun: false,
            cut: None,
            would_cut: None,
            null_subjects: 0,
        }
    }

    pub fn begun(&self) -> bool {
        self.begun
    }

    pub fn has_unrecorded(&self) -> bool {
        self.adds.rows > 0 || self.free
    }

    /// Rows that cost no budget; they, too, leave only with a record.
    pub fn note_free(&mut self, rows: u64, bytes: u64) {
        self.own.rows += rows;
        self.own.bytes += bytes;
        self.free = true;
    }

    pub fn counts(&self) -> (u64, u64, u64) {
        (self.own.rows, self.own.bytes, self.own.subjects)
    }

    pub fn note_aggregates(&mut self, count: u64) {
        self.adds_aggregates = count;
    }

    /// What the client calls the statement or cursor that this makes or uses.
    pub fn client_name(&self) -> Option<&str> {
        match &self.cleared.kind {
            Kind::Prepare { name }
            | Kind::Execute { name }
            | Kind::DeclareCursor { name, .. }
            | Kind::Fetch { name, .. }
            | Kind::Deallocate { name: Some(name) }
            | Kind::CloseCursor { name: Some(name) } => Some(name),
            _ => None,
        }
    }

    pub fn elapsed(&self) -> std::time::Duration {
        self.started.elapsed()
    }

    /// Notes what was just charged, for the next record.
    pub fn note_charged(
        &mut self,
        charged: &Charged,
        subjects_new: u64,
        fresh: impl Iterator<Item = (usize, SubjectId)>,
    ) {
        self.adds.rows += charged.rows as u64;
        self.adds.bytes += charged.bytes;
        self.own.rows += charged.rows as u64;
        self.own.bytes += charged.bytes;
        self.own.subjects_new += subjects_new;
        self.own.subjects += charged.subjects;
        self.fresh.extend(fresh);
    }

    /// The record that it has begun (nothing of its result has left).
    pub fn begun_entry(&mut self, bearing: &Bearing, now: Timestamp) -> Result<Entry, EntryError> {
        self.begun = true;
        let parts = self.text_parts();
        let leaf = self.leaf("statement.begun", bearing, now);
        finish(leaf, parts)
    }

    /// The record of a chunk that is about to be released.
    pub fn released_entry(
        &mut self,
        bearing: &Bearing,
        now: Timestamp,
    ) -> Result<Entry, EntryError> {
        let first = !std::mem::replace(&mut self.begun, true);
        let mut parts = if first { self.text_parts() } else { Vec::new() };
        let leaf = self.counted_leaf("statement.released", bearing, now);
        parts.extend(self.take_disclosure());
        finish(leaf, parts)
    }

    /// The outcome: exactly one a statement.
    pub fn outcome_entry(
        &mut self,
        bearing: &Bearing,
        now: Timestamp,
        decision: Decision,
        reason: Option<&str>,
    ) -> Result<Entry, EntryError> {
        let mut leaf = self.counted_leaf("statement", bearing, now);
        if !self.source.columns.is_empty() {
            leaf = leaf.list("columns", self.source.columns.iter().map(String::as_str));
        }
        leaf = leaf.str("decision", decision.name()).opt("reason", reason);
        if let Some(refusal) = self
            .source
            .would_refuse
            .as_ref()
            .or(self.would_cut.as_ref())
        {
            leaf = leaf.str("would_refuse", &refusal.reason);
        }
        leaf = leaf.num(
            "ms",
            u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        );
        let mut parts = self.text_parts();
        parts.extend(self.take_disclosure());
        self.begun = true;
        finish(leaf, parts)
    }

    fn leaf(&self, kind: &str, bearing: &Bearing, now: Timestamp) -> LeafWriter {
        bearing
            .leaf(kind, now)
            .str("statement", &self.id)
            .str("method", &self.source.method)
            .list("tables", self.source.tables.iter().map(String::as_str))
            .str("day", &self.payer.day.to_string())
    }

    /// With the totals so far and what this record itself adds to the accounts.
    fn counted_leaf(&mut self, kind: &str, bearing: &Bearing, now: Timestamp) -> LeafWriter {
        let own = self.own;
        let adds = std::mem::take(&mut self.adds);
        self.free = false;
        let aggregates = std::mem::take(&mut self.adds_aggregates);
        let leaf = self
            .leaf(kind, bearing, now)
            .num("rows", own.rows)
            .num("bytes", own.bytes)
            .num("subjects", own.subjects)
            .num("subjects_new", own.subjects_new)
            .num("adds_rows", adds.rows)
            .num("adds_bytes", adds.bytes);
        if aggregates > 0 {
            leaf.num("adds_aggregates", aggregates)
        } else {
            leaf
        }
    }

    fn text_parts(&self) -> Vec<BodyPart> {
        let mut parts = vec![body_part("sql", self.cleared.sql.as_bytes().to_vec())];
        if let Some(params) = &self.params {
            parts.push(body_part(
                "params",
                serde_json::to_vec(params).unwrap_or_default(),
            ));
        }
        parts
    }

    fn take_disclosure(&mut self) -> Option<BodyPart> {
        if self.fresh.is_empty() {
            return None;
        }
        let mut set = DisclosureSet::default();
        for (index, name) in self.source.tapped.iter().enumerate() {
            let of_table = self.fresh.iter().filter(|(table, _)| *table == index);
            let ids: Vec<SubjectId> = of_table.map(|(_, id)| *id).collect();
            set.tables.push((name.table.clone(), ids));
        }
        self.fresh.clear();
        Some(body_part("subjects", set.encode()))
    }
}

/// A statement that did not run, as far as it was understood.
pub struct Attempt<'a> {
    pub sql: &'a str,
    pub method: &'a str,
    pub tables: &'a [String],
    pub params: Option<&'a Params>,
}

impl<'a> Attempt<'a> {
    pub fn of(cleared: &'a Cleared, params: Option<&'a Params>) -> Self {
        Self {
            sql: &cleared.sql,
            method: &cleared.method,
            tables: &cleared.tables,
            params,
        }
    }

    pub fn of_refused(sql: &'a str, refused: &'a Refused) -> Self {
        Self {
            sql,
            method: &refused.method,
            tables: &refused.tables,
            params: None,
        }
    }

    /// Nothing was understood of it.
    pub fn text(sql: &'a str) -> Self {
        Self {
            sql,
            method: "",
            tables: &[],
            params: None,
        }
    }
}

/// A statement that never ran: refused before anything was sent.
pub fn refused_entry(
    id: &str,
    bearing: &Bearing,
    now: Timestamp,
    attempt: &Attempt<'_>,
    refusal: &Refusal,
) -> Result<Entry, EntryError> {
    let leaf = bearing
        .leaf("statement", now)
        .str("statement", id)
        .str("method", attempt.method)
        .list("tables", attempt.tables.iter().map(String::as_str))
        .num("rows", 0)
        .num("bytes", 0)
        .num("subjects", 0)
        .num("subjects_new", 0)
        .str("decision", Decision::Refused.name())
        .str("reason", &refusal.reason)
        .num("ms", 0);
    let mut parts = vec![body_part("sql", attempt.sql.as_bytes().to_vec())];
    if let Some(params) = attempt.params {
        parts.push(body_part(
            "params",
            serde_json::to_vec(params).unwrap_or_default(),
        ));
    }
    finish(leaf, parts)
}

/// A body part with a fresh salt. Without randomness the commitment would still bind, only not
/// hide, so a failing source of randomness must not lose the record.
fn body_part(label: &'static str, content: Vec<u8>) -> BodyPart {
    let mut salt = [0u8; 16];
    if getrandom::fill(&mut salt).is_err() {
        tracing::error!("no randomness for a body's salt");
    }
    BodyPart::new(label, salt, content)
}

fn finish(leaf: LeafWriter, parts: Vec<BodyPart>) -> Result<Entry, EntryError> {
    let leaf = leaf
        .body(
            parts
                .iter()
                .map(|part| (part.label.as_ref(), part.commitment())),
        )
        .finish();
    Entry::new(leaf, parts)
}

/// Bound values as text where their type is known, else as `\x…`.
pub fn param_text(value: &[u8], binary: bool, type_oid: u32) -> String {
    if !binary {
        return String::from_utf8_lossy(value).into_owned();
    }
    let number = |bytes: &[u8]| -> Option<i64> {
        Some(match bytes.len() {
            2 => i64::from(i16::from_be_bytes(bytes.try_into().ok()?)),
            4 => i64::from(i32::from_be_bytes(bytes.try_into().ok()?)),
            8 => i64::from_be_bytes(bytes.try_into().ok()?),
            _ => return None,
        })
    };
    let decoded = match type_oid {
        16 => value.first().map(|byte| {
            if *byte == 0 {
                "f".to_owned()
            } else {
                "t".to_owned()
            }
        }),
        20 | 21 | 23 | 26 => number(value).map(|n| n.to_string()),
        700 => value
            .try_into()
            .ok()
            .map(|b| f32::from_be_bytes(b).to_string()),
        701 => value
            .try_into()
            .ok()
            .map(|b| f64::from_be_bytes(b).to_string()),
        18 | 19 | 25 | 114 | 1042 | 1043 => String::from_utf8(value.to_vec()).ok(),
        _ => None,
    };
    decoded.unwrap_or_else(|| format!("\\x{}", hex::encode(value)))
}

/// Statement texts may hold personal data: hashed where the contract asks.
pub fn hashed_params(params: &Params, key: &[u8; 32]) -> Params {
    params
        .iter()
        .map(|param| {
            param.as_ref().map(|text| {
                let hash = blake3::keyed_hash(key, text.as_bytes());
                format!(
                    "blake3:{}",
                    base64::engine::general_purpose::STANDARD_NO_PAD.encode(hash.as_bytes())
                )
            })
        })
        .collect()
}
