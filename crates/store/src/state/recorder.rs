//! The seam to the log: a leaf and its body parts go in, a durable sequence number comes out.

use std::future::Future;
use std::pin::Pin;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::log::{BodyPart, Entry as LogEntry, Log, LogDown};

/// What is appended: the leaf's fields in order (without `body`) and the parts beside it.
#[derive(Clone, Debug)]
pub struct Entry {
    pub leaf: Vec<(String, Value)>,
    pub parts: Vec<(&'static str, Vec<u8>)>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    #[error("the record cannot be written: {0}")]
    Unwritable(String),
}

impl From<LogDown> for RecordError {
    fn from(down: LogDown) -> Self {
        Self::Unwritable(down.to_string())
    }
}

pub type Recording<'a> = Pin<Box<dyn Future<Output = Result<u64, RecordError>> + Send + 'a>>;

/// Something that makes entries durable, in the order of the calls.
pub trait Recorder: Send + Sync + 'static {
    /// Resolves to the entry's sequence number once it is on disk.
    fn record(&self, entry: Entry) -> Recording<'_>;
}

impl Entry {
    /// As the log takes it: parts salted, the leaf committing to them.
    pub fn seal(self) -> Result<LogEntry, RecordError> {
        let mut parts = Vec::with_capacity(self.parts.len());
        for (label, content) in self.parts {
            let mut salt = [0; 16];
            getrandom::fill(&mut salt)
                .map_err(|error| RecordError::Unwritable(error.to_string()))?;
            parts.push(BodyPart::new(label, salt, content));
        }
        let leaf = encode(&self.leaf, &parts);
        LogEntry::new(leaf, parts).map_err(|error| RecordError::Unwritable(error.to_string()))
    }
}

/// One JSON object in the fields' own order: `v`, `at`, `kind`, `actor` first, `body` last.
fn encode(fields: &[(String, Value)], parts: &[BodyPart]) -> Vec<u8> {
    let mut out = String::with_capacity(512);
    out.push('{');
    for (key, value) in fields {
        if out.len() > 1 {
            out.push(',');
        }
        out.push_str(&Value::from(key.as_str()).to_string());
        out.push(':');
        out.push_str(&value.to_string());
    }
    let commitments: Vec<String> = parts
        .iter()
        .map(|part| {
            format!(
                "{}:\"{}\"",
                Value::from(&*part.label),
                STANDARD.encode(part.commitment())
            )
        })
        .collect();
    if !commitments.is_empty() {
        out.push_str(&format!(",\"body\":{{{}}}", commitments.join(",")));
    }
    out.push('}');
    out.into_bytes()
}

impl Recorder for Log {
    fn record(&self, entry: Entry) -> Recording<'_> {
        Box::pin(async move { Ok(self.append(entry.seal()?)?.await?.seq()) })
    }
}
