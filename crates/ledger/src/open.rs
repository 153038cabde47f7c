//! Work that the log has seen begin and not end: after a crash it is closed as `interrupted`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A statement with a `statement.begun` or `statement.released` and no `statement` yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenStatement {
    pub session: String,
    /// The leaf of its first record, as JSON: the outcome repeats who, what and under which grant.
    pub first: serde_json::Value,
    /// Where that record is: its body has the text.
    pub first_seq: u64,
    /// Sums over its records: the most that can have been released.
    pub rows: u64,
    pub bytes: u64,
    pub subjects: u64,
    pub subjects_new: u64,
}

/// A session with a `session.opened` and no `session.closed` yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenSession {
    pub opened: serde_json::Value,
    pub statements: u64,
    pub rows: u64,
    pub bytes: u64,
    pub subjects: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenWork {
    pub statements: BTreeMap<String, OpenStatement>,
    pub sessions: BTreeMap<String, OpenSession>,
}

impl OpenWork {
    /// Folds one leaf in; leaves of other kinds pass by.
    pub fn apply(&mut self, seq: u64, kind: &str, leaf: &serde_json::Value) {
        let text = |key: &str| {
            leaf.get(key)
                .and_then(|v| v.as_str())
                .unwrap_or_default()
                .to_owned()
        };
        let number = |key: &str| {
            leaf.get(key)
                .and_then(serde_json::Value::as_u64)
                .unwrap_or(0)
        };
        match kind {
            "session.opened" => {
                let open = OpenSession {
                    opened: leaf.clone(),
                    ..OpenSession::default()
                };
                self.sessions.insert(text("session"), open);
            }
            "session.closed" => {
                self.sessions.remove(&text("session"));
            }
            "statement.begun" | "statement.released" => {
                let open =
                    self.statements
                        .entry(text("statement"))
                        .or_insert_with(|| OpenStatement {
                            session: text("session"),
                            first: leaf.clone(),
                            first_seq: seq,
                            ..OpenStatement::default()
                        });
                open.rows += number("adds_rows");
                open.bytes += number("adds_bytes");
                open.subjects = open.subjects.max(number("subjects"));
                open.subjects_new = open.subjects_new.max(number("subjects_new"));
            }
            _ => {}
        }
    }

    /// A statement has its outcome.
    pub fn statement_done(
        &mut self,
        statement: &str,
        session: &str,
        rows: u64,
        bytes: u64,
        subjects: u64,
    ) {
        self.statements.remove(statement);
        if let Some(open) = self.sessions.get_mut(session) {
            open.statements += 1;
            open.rows += rows;
            open.bytes += bytes;
            open.subjects += subjects;
        }
    }
}
