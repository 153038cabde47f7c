//! Findings: what must be answered. Here they are opened and counted; the closed loop builds on it.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::model::State;

/// Findings kept in the state; the log has all. Beyond, the quietest goes.
const FINDINGS_AT_MOST: usize = 20_000;

/// What the log says of a finding, each time it says something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingNote {
    pub finding: String,
    /// Who raised it: a detector's name.
    pub detector: String,
    /// What tells it from another one of the same detector: a ceiling's key.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// Of a ceiling that starts anew each day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<Date>,
    /// `low`, `medium`, `high`.
    pub severity: String,
    pub person: String,
    pub vendor: String,
    pub contract: String,
    pub resource: String,
    /// In plain words, with figures.
    pub reason: String,
    /// Records of the log.
    pub evidence: Vec<u64>,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    /// How often it was raised.
    pub count: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    #[serde(flatten)]
    pub note: FindingNote,
    pub opened_at: Timestamp,
}

impl State {
    pub(super) fn note_finding(&mut self, note: &FindingNote, at: Timestamp) {
        if let Some(finding) = self.findings.get_mut(&note.finding) {
            finding.note = note.clone();
            return;
        }
        if self.findings.len() >= FINDINGS_AT_MOST {
            let quietest = self.findings.values().min_by_key(|one| one.note.last_at);
            if let Some(id) = quietest.map(|one| one.note.finding.clone()) {
                self.findings.remove(&id);
            }
        }
        let finding = Finding {
            note: note.clone(),
            opened_at: at,
        };
        self.findings.insert(note.finding.clone(), finding);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::super::event::{Event, Fact};
    use super::*;

    #[test]
    fn a_finding_goes_through_the_log_and_is_counted_there() {
        let at: Timestamp = "2026-01-05T10:00:00Z".parse().unwrap();
        let mut note = FindingNote {
            finding: "f-1".to_owned(),
            detector: "refusal-burst".to_owned(),
            about: String::new(),
            day: None,
            severity: "high".to_owned(),
            person: "li.wei".to_owned(),
            vendor: "acme-it".to_owned(),
            contract: "ops".to_owned(),
            resource: "hospital".to_owned(),
            reason: "20 refusals".to_owned(),
            evidence: vec![7, 9],
            first_at: at,
            last_at: at,
            count: 1,
        };
        let mut state = State::default();
        let mut tell = |event: Event, seq: u64| {
            assert!(!event.changes_state());
            let entry = event
                .clone()
                .into_entry(at, "server")
                .unwrap()
                .seal()
                .unwrap();
            let fact = Fact::read(seq, entry.leaf(), |_| None).unwrap();
            assert_eq!(fact.event, event);
            state.apply(&fact);
        };
        tell(Event::FindingOpened(Box::new(note.clone())), 1);
        note.count = 4;
        tell(Event::FindingRepeated(Box::new(note.clone())), 2);
        assert_eq!(state.findings.len(), 1);
        assert_eq!(state.findings["f-1"].note, note);
        assert_eq!(state.findings["f-1"].opened_at, at);
    }
}
