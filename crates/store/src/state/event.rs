//! The events that make the state, as leaves of the log and the parts beside them.
//!
//! A leaf says who did what to which thing. What it became lies in the part `content` (exported,
//! may lawfully be forgotten); verifiers and token hashes lie in the part `secret` (never exported).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::authority::{Hands, Role};
use super::finding::FindingNote;
use super::model::{ChangeItem, Ended};
use super::recorder::Entry;
use super::token::TokenHash;

/// Format of leaves; a reader refuses what it does not know.
pub const LEAF_VERSION: u64 = 1;
/// Part that the export joins in.
pub const CONTENT: &str = "content";
/// A statement's text, as in the gate's own records.
pub const SQL: &str = "sql";
/// Part that never leaves the data directory but by backup.
pub const SECRET: &str = "secret";
/// Names of a change's objects in its leaf (which has at most 4 KiB); the content has all.
const OBJECTS_IN_LEAF_BYTES: usize = 1500;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum Event {
    #[serde(rename = "officer.added")]
    OfficerAdded {
        officer: String,
        roles: Vec<Role>,
        #[serde(skip)]
        token: Option<TokenHash>,
    },
    #[serde(rename = "officer.token")]
    OfficerToken {
        officer: String,
        #[serde(skip)]
        token: Option<TokenHash>,
    },
    /// Somebody tried what he may not; nothing changed.
    #[serde(rename = "officer.refused")]
    OfficerRefused { attempt: String, code: String },
    #[serde(rename = "person.token")]
    PersonToken {
        person: String,
        #[serde(skip)]
        token: Option<TokenHash>,
    },
    #[serde(rename = "person.suspended")]
    PersonSuspended { person: String, why: String },
    #[serde(rename = "contract.suspended")]
    ContractSuspended { contract: String, why: String },
    #[serde(rename = "contract.ended")]
    ContractEnded { contract: String, reason: String },
    #[serde(rename = "resource.detached")]
    ResourceDetached { resource: String },
    #[serde(rename = "resource.attached")]
    ResourceAttached { resource: String },

    /// One `apply` or `resume`, whole: items in force at once and items that wait, in one event,
    /// so that a crash never leaves half of it.
    #[serde(rename = "change.requested")]
    ChangeRequested {
        change: String,
        hands: Hands,
        objects: Vec<String>,
        #[serde(skip)]
        items: Vec<ChangeItem>,
    },
    /// The waiting items, as resolved (`columns = "*"` frozen), are in force.
    #[serde(rename = "change.approved")]
    ChangeApproved {
        change: String,
        objects: Vec<String>,
        #[serde(skip)]
        items: Vec<ChangeItem>,
    },
    #[serde(rename = "change.denied")]
    ChangeDenied { change: String, why: String },
    /// Approved, but the database did not take it; still waiting.
    #[serde(rename = "change.failed")]
    ChangeFailed {
        change: String,
        code: String,
        message: String,
    },

    #[serde(rename = "grant.requested")]
    GrantRequested {
        grant: String,
        person: String,
        contract: String,
        resource: String,
        purpose: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ticket: Option<String>,
        for_seconds: u64,
        hands: Hands,
    },
    #[serde(rename = "grant.approved")]
    GrantApproved {
        grant: String,
        person: String,
        contract: String,
        resource: String,
        user: String,
        expires_at: Timestamp,
        #[serde(skip)]
        verifier: Option<String>,
    },
    #[serde(rename = "grant.denied")]
    GrantDenied {
        grant: String,
        person: String,
        why: String,
    },
    #[serde(rename = "grant.revoked")]
    GrantRevoked {
        grant: String,
        person: String,
        why: String,
    },
    #[serde(rename = "grant.ended")]
    GrantEnded {
        grant: String,
        person: String,
        reason: Ended,
    },

    /// An officer cut a session off; the gate records its end as `session.closed`.
    #[serde(rename = "session.ended")]
    SessionEnded { session: String, why: String },
    /// A road past the gate, as the periodic check or `doctor` found it.
    #[serde(rename = "access.bypass")]
    AccessBypass {
        resource: String,
        road: String,
        subject: String,
        detail: String,
    },
    #[serde(rename = "log.exported")]
    LogExported { from: u64 },
    /// Somebody asked what a contract would say of statements; nothing was run.
    #[serde(rename = "explain.asked")]
    ExplainAsked {
        contract: String,
        resource: String,
        /// For whom.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        person: Option<String>,
        /// A contract file that is not in force.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        draft: bool,
        statements: usize,
        decision: String,
        /// Of the first statement that would be refused.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        #[serde(skip)]
        sql: String,
    },
    /// Somebody asked where a file came from. Its values are not kept: its hash and counts are.
    #[serde(rename = "trace.asked")]
    TraceAsked {
        /// `columns`: which column holds subjects; `match`: who was given them.
        step: String,
        /// The database was asked whose the digests are.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        database: bool,
        sha256: String,
        bytes: u64,
        format: String,
        rows: u64,
        /// Distinct values that were looked up, and of these known to the ledger.
        subjects: u64,
        known: u64,
        /// Persons who were named.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        found: Vec<String>,
    },
    /// Somebody asked the ledger; durable before the answer. A subject's key is not kept: its ids are.
    #[serde(rename = "disclosed.asked")]
    DisclosedAsked {
        /// `vendor:ID` or `person:ID`, where one's counts were asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        contract: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resource: Option<String>,
        /// The subject's ids in the ledger, one for each way in which a contract may have told of it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        subject: Vec<String>,
    },
    /// A list of affected subjects is about to leave, as two officers agreed.
    #[serde(rename = "disclosed.listed")]
    DisclosedListed {
        change: String,
        person: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        contract: Option<String>,
        /// Ids that are looked for in the database.
        subjects: u64,
    },
    #[serde(rename = "disclosed.list_ended")]
    DisclosedListEnded {
        change: String,
        person: String,
        listed: u64,
        /// Ids that no value of the database has any more.
        gone: u64,
        /// The whole list left.
        complete: bool,
    },

    /// Something that an officer should ask about.
    #[serde(rename = "finding.opened")]
    FindingOpened(Box<FindingNote>),
    /// The same thing again: the note as it stands now, counted.
    #[serde(rename = "finding.repeated")]
    FindingRepeated(Box<FindingNote>),
}

impl Event {
    /// Whether what sessions stand on is another one after it; live ones then ask for admission again.
    pub fn changes_state(&self) -> bool {
        !matches!(
            self,
            Self::OfficerRefused { .. }
                | Self::SessionEnded { .. }
                | Self::AccessBypass { .. }
                | Self::LogExported { .. }
                | Self::ExplainAsked { .. }
                | Self::TraceAsked { .. }
                | Self::DisclosedAsked { .. }
                | Self::DisclosedListed { .. }
                | Self::DisclosedListEnded { .. }
                | Self::FindingOpened(_)
                | Self::FindingRepeated(_)
                | Self::ChangeFailed { .. }
        )
    }

    /// An event as content of the log: who, when, and the parts beside the leaf.
    pub fn into_entry(self, at: Timestamp, actor: &str) -> Result<Entry, serde_json::Error> {
        let parts = self.parts()?;
        let mut fields = match serde_json::to_value(&self)? {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        let kind = fields.remove("kind").unwrap_or_default();
        let head = [
            ("v", LEAF_VERSION.into()),
            ("at", stamp(at).into()),
            ("kind", kind),
            ("actor", actor.into()),
        ];
        let mut leaf: Vec<_> = head
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect();
        leaf.extend(fields);
        Ok(Entry { leaf, parts })
    }

    fn parts(&self) -> Result<Vec<(&'static str, Vec<u8>)>, serde_json::Error> {
        let secret = |name: &str,
                      value: String|
         -> Result<Vec<(&'static str, Vec<u8>)>, serde_json::Error> {
            let body = BTreeMap::from([(name, value)]);
            Ok(vec![(SECRET, serde_json::to_vec(&body)?)])
        };
        match self {
            Self::OfficerAdded {
                token: Some(token), ..
            }
            | Self::OfficerToken {
                token: Some(token), ..
            }
            | Self::PersonToken {
                token: Some(token), ..
            } => secret("token", token.to_hex()),
            Self::GrantApproved {
                verifier: Some(verifier),
                ..
            } => secret("verifier", verifier.clone()),
            Self::ChangeRequested { items, .. } | Self::ChangeApproved { items, .. } => Ok(vec![(
                CONTENT,
                serde_json::to_vec(&BTreeMap::from([("items", items)]))?,
            )]),
            Self::ExplainAsked { sql, .. } => Ok(vec![(SQL, sql.as_bytes().to_vec())]),
            _ => Ok(Vec::new()),
        }
    }

    /// Puts back what lay in the parts. A part that was withheld leaves its field empty.
    fn join(&mut self, part: impl Fn(&str) -> Option<Vec<u8>>) -> Result<(), serde_json::Error> {
        match self {
            Self::OfficerAdded { token, .. }
            | Self::OfficerToken { token, .. }
            | Self::PersonToken { token, .. } => {
                *token = secret(&part, "token")?
                    .as_deref()
                    .and_then(TokenHash::from_hex);
            }
            Self::GrantApproved { verifier, .. } => *verifier = secret(&part, "verifier")?,
            Self::ChangeRequested { items, .. } | Self::ChangeApproved { items, .. } => {
                if let Some(bytes) = part(CONTENT) {
                    let mut body: BTreeMap<String, Vec<ChangeItem>> =
                        serde_json::from_slice(&bytes)?;
                    *items = body.remove("items").unwrap_or_default();
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The names of a change's items, as far as they fit a leaf.
    pub fn objects(items: &[ChangeItem]) -> Vec<String> {
        let mut names = Vec::new();
        let mut bytes = 0;
        for item in items {
            let name = format!("{}/{}", item.kind(), item.name());
            bytes += name.len();
            if bytes > OBJECTS_IN_LEAF_BYTES {
                names.push(format!("and {} more", items.len() - names.len()));
                break;
            }
            names.push(name);
        }
        names
    }
}

fn secret(
    part: impl Fn(&str) -> Option<Vec<u8>>,
    name: &str,
) -> Result<Option<String>, serde_json::Error> {
    let Some(bytes) = part(SECRET) else {
        return Ok(None);
    };
    let mut body: BTreeMap<String, String> = serde_json::from_slice(&bytes)?;
    Ok(body.remove(name))
}

/// What every leaf begins with; read without the rest, because most leaves are somebody else's.
#[derive(Debug, Deserialize)]
pub struct Head<'a> {
    #[serde(borrow)]
    pub kind: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    pub at: std::borrow::Cow<'a, str>,
}

/// An event as it stands in the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    pub seq: u64,
    pub at: Timestamp,
    pub actor: String,
    pub event: Event,
}

/// Kinds that the state folds; the others (`statement`, `session.…`) belong to the ledger.
pub fn is_state_kind(kind: &str) -> bool {
    let family = kind.split('.').next().unwrap_or(kind);
    matches!(
        family,
        "officer" | "person" | "contract" | "resource" | "change" | "grant" | "finding"
    )
}

impl Fact {
    /// Reads a leaf of one of the state's kinds.
    pub fn read(
        seq: u64,
        leaf: &[u8],
        part: impl Fn(&str) -> Option<Vec<u8>>,
    ) -> Result<Self, LeafError> {
        let leaf: Map<String, Value> =
            serde_json::from_slice(leaf).map_err(|source| LeafError::Json {
                seq,
                kind: String::new(),
                source,
            })?;
        let text = |key: &str| leaf.get(key).and_then(Value::as_str);
        let kind = text("kind").ok_or(LeafError::Field { seq, field: "kind" })?;
        if leaf.get("v").and_then(Value::as_u64) != Some(LEAF_VERSION) {
            return Err(LeafError::Field { seq, field: "v" });
        }
        let at = text("at")
            .and_then(|at| at.parse().ok())
            .ok_or(LeafError::Field { seq, field: "at" })?;
        let actor = text("actor")
            .ok_or(LeafError::Field {
                seq,
                field: "actor",
            })?
            .to_owned();
        let read = || -> Result<Event, serde_json::Error> {
            let mut event: Event = serde_json::from_value(Value::Object(leaf.clone()))?;
            event.join(part)?;
            Ok(event)
        };
        let event = read().map_err(|source| LeafError::Json {
            seq,
            kind: kind.to_owned(),
            source,
        })?;
        Ok(Self {
            seq,
            at,
            actor,
            event,
        })
    }
}

/// A leaf that this version cannot read: better not to start than to start with half a state.
#[derive(Debug, thiserror::Error)]
pub enum LeafError {
    #[error("event {seq} has no readable `{field}`")]
    Field { seq: u64, field: &'static str },
    #[error("event {seq} (`{kind}`) cannot be read: {source}")]
    Json {
        seq: u64,
        kind: String,
        source: serde_json::Error,
    },
}

/// Time in leaves: UTC with microseconds, always the same length.
pub fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}
