//! The seam to the log: a leaf and its body parts go in, a durable sequence number comes out.

use std::future::Future;
use std::pin::Pin;

/// What is appended: the leaf as JSON (without `body`; the log adds the commitments) and the parts beside it.
#[derive(Clone, Debug)]
pub struct Entry {
    pub leaf: serde_json::Map<String, serde_json::Value>,
    pub parts: Vec<(String, Vec<u8>)>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    #[error("the record cannot be written: {0}")]
    Unwritable(String),
}

pub type Recording<'a> = Pin<Box<dyn Future<Output = Result<u64, RecordError>> + Send + 'a>>;

/// Something that makes entries durable, in the order of the calls.
pub trait Recorder: Send + Sync + 'static {
    /// Resolves to the entry's sequence number once it is on disk.
    fn record(&self, entry: Entry) -> Recording<'_>;
}
