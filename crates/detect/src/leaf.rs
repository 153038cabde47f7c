//! From a leaf of the log, with the parts beside it, to an event.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::event::{Decision, Event, Recorded, Session, Statement};
use crate::keys::{self, Probe};
use crate::suspicion::{Detector, Severity, Suspicion};

#[derive(Debug, thiserror::Error)]
#[error("the leaf cannot be read: {0}")]
pub struct LeafError(#[from] serde_json::Error);

/// What the detectors need of a leaf; [`Leaf::event`] says what it is.
#[derive(Debug)]
pub struct Leaf<'a> {
    fields: Fields<'a>,
    tables: Vec<String>,
    probes: Vec<Probe>,
}

#[derive(Debug, Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
    at: Timestamp,
    #[serde(borrow, default)]
    session: Cow<'a, str>,
    #[serde(borrow, default)]
    person: Cow<'a, str>,
    #[serde(borrow, default)]
    vendor: Cow<'a, str>,
    #[serde(borrow, default)]
    contract: Cow<'a, str>,
    #[serde(borrow, default)]
    resource: Cow<'a, str>,
    #[serde(borrow, default)]
    client_addr: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    application: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    tables: Vec<Cow<'a, str>>,
    #[serde(borrow, default)]
    method: Cow<'a, str>,
    #[serde(borrow, default)]
    decision: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    reason: Option<Cow<'a, str>>,
    #[serde(default)]
    rows: u64,
    #[serde(default)]
    subjects: u64,
    #[serde(default)]
    subjects_new: u64,
    #[serde(borrow, default)]
    finding: Cow<'a, str>,
    #[serde(borrow, default)]
    detector: Cow<'a, str>,
    #[serde(borrow, default)]
    severity: Cow<'a, str>,
    #[serde(borrow, default)]
    about: Cow<'a, str>,
    #[serde(default)]
    day: Option<jiff::civil::Date>,
    #[serde(default)]
    evidence: Vec<u64>,
    #[serde(default)]
    first_at: Option<Timestamp>,
    #[serde(default)]
    last_at: Option<Timestamp>,
    #[serde(default)]
    count: u64,
}

/// Kinds that a detector looks at; the others need not be read.
pub(crate) fn matters(kind: &str) -> bool {
    matches!(
        kind,
        "session.opened" | "session.closed" | "session.refused" | "statement"
    ) || kind.starts_with("finding.")
}

impl<'a> Leaf<'a> {
    /// Whether [`Leaf::read`] makes anything of such a leaf.
    pub fn matters(kind: &str) -> bool {
        matters(kind)
    }

    /// `sql` and `params` are the parts of that name.
    ///
    /// # Errors
    /// The leaf is none.
    pub fn read(
        leaf: &'a [u8],
        sql: Option<&[u8]>,
        params: Option<&[u8]>,
    ) -> Result<Self, LeafError> {
        let fields: Fields<'a> = serde_json::from_slice(leaf)?;
        let disclosed = fields.kind == "statement" && fields.decision.as_deref() != Some("refused");
        let probes = match sql.map(str::from_utf8) {
            Some(Ok(sql)) if disclosed => {
                let params: Vec<Option<String>> = params
                    .and_then(|bytes| serde_json::from_slice(bytes).ok())
                    .unwrap_or_default();
                keys::probes(sql, &params)
            }
            _ => Vec::new(),
        };
        let tables = fields
            .tables
            .iter()
            .map(|t| t.clone().into_owned())
            .collect();
        Ok(Self {
            fields,
            tables,
            probes,
        })
    }

    pub fn contract(&self) -> &str {
        &self.fields.contract
    }

    /// `zone` is the contract's.
    pub fn event(&self, seq: u64, zone: &TimeZone) -> Option<Event<'_>> {
        let f = &self.fields;
        match &*f.kind {
            "session.opened" => Some(Event::Opened(Session {
                seq,
                at: f.at,
                session: &f.session,
                person: &f.person,
                vendor: &f.vendor,
                contract: &f.contract,
                resource: &f.resource,
                client_addr: f.client_addr.as_deref().and_then(address),
                application: f.application.as_deref().unwrap_or_default(),
            })),
            "session.closed" => Some(Event::Closed {
                session: &f.session,
            }),
            "session.refused" => Some(Event::Refused {
                seq,
                at: f.at,
                person: &f.person,
                resource: &f.resource,
                reason: f.reason.as_deref().unwrap_or_default(),
            }),
            // What a contract would say was only asked.
            "statement" if f.method == "explain" => None,
            "statement" => Some(Event::Statement(self.statement(seq, zone))),
            "finding.opened" | "finding.repeated" => self
                .recorded()
                .map(|recorded| Event::Recorded(Box::new(recorded))),
            "finding.closed" => Some(Event::FindingClosed {
                finding: &f.finding,
            }),
            _ => None,
        }
    }

    fn statement(&self, seq: u64, zone: &TimeZone) -> Statement<'_> {
        let f = &self.fields;
        Statement {
            seq,
            at: f.at,
            local: zone.to_datetime(f.at),
            session: &f.session,
            person: &f.person,
            vendor: &f.vendor,
            contract: &f.contract,
            resource: &f.resource,
            tables: &self.tables,
            decision: match f.decision.as_deref() {
                Some("refused") => Decision::Refused,
                _ => Decision::Answered,
            },
            reason: f.reason.as_deref().unwrap_or_default(),
            rows: f.rows,
            subjects: f.subjects,
            subjects_new: f.subjects_new,
            probes: &self.probes,
        }
    }

    fn recorded(&self) -> Option<Recorded> {
        let f = &self.fields;
        let suspicion = Suspicion {
            detector: Detector::parse(&f.detector)?,
            about: f.about.clone().into_owned(),
            day: f.day,
            person: f.person.clone().into_owned(),
            vendor: f.vendor.clone().into_owned(),
            contract: f.contract.clone().into_owned(),
            resource: f.resource.clone().into_owned(),
            severity: Severity::parse(&f.severity)?,
            reason: f.reason.as_deref().unwrap_or_default().to_owned(),
            evidence: f.evidence.clone(),
            first_at: f.first_at.unwrap_or(f.at),
            last_at: f.last_at.unwrap_or(f.at),
            count: f.count,
        };
        Some(Recorded {
            finding: f.finding.clone().into_owned(),
            suspicion,
        })
    }
}

fn address(text: &str) -> Option<IpAddr> {
    let socket: Result<SocketAddr, _> = text.parse();
    socket
        .map(|socket| socket.ip())
        .or_else(|_| text.parse())
        .ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use super::*;

    #[test]
    fn a_statement_is_read_with_its_keys() {
        let leaf = br#"{"v":1,"at":"2026-11-22T23:16:00.5Z","kind":"statement","actor":"person:li","session":"s-1","person":"li","vendor":"acme","contract":"ops","resource":"clinic","method":"lookup","tables":["clinic.patients"],"day":"2026-11-23","rows":1,"subjects":1,"subjects_new":1,"decision":"allowed","reason":null,"ms":3}"#;
        let sql = b"select name from clinic.patients where patient_id = $1";
        let leaf = Leaf::read(leaf, Some(sql), Some(br#"["77"]"#)).unwrap();
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let Some(Event::Statement(statement)) = leaf.event(9, &zone) else {
            panic!("{leaf:?}")
        };
        assert_eq!(statement.local.hour(), 7);
        assert_eq!(statement.probes.first().map(|probe| probe.low), Some(77));
        assert_eq!(statement.decision, Decision::Answered);
        assert!(Leaf::read(b"{", None, None).is_err());
        assert_eq!(address("[::1]:5432"), "::1".parse().ok());
        assert_eq!(address("10.0.0.1"), "10.0.0.1".parse().ok());
        assert_eq!(address("/unix"), None);
    }
}
