//! What goes into the log and what comes back: entries, their bodies, and the proof of recording.

use super::limits::{MAX_BODY_BYTES, MAX_LABEL_BYTES, MAX_LEAF_BYTES, MAX_PARTS};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::fmt;

const COMMITMENT_DOMAIN: &[u8] = b"portcullis/body/v1\0";
/// Length of a part's salt: as long as no guess at a short content can be tried without it.
pub const SALT_BYTES: usize = 16;

/// What a leaf says about a part of its body without telling it: SHA-256 over a domain, then label,
/// salt and content, each behind its length in eight big-endian bytes.
#[must_use]
pub fn commitment(label: &str, salt: &[u8; SALT_BYTES], content: &[u8]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(COMMITMENT_DOMAIN);
    for field in [label.as_bytes(), salt.as_slice(), content] {
        hasher.update((field.len() as u64).to_be_bytes());
        hasher.update(field);
    }
    hasher.finalize().into()
}

/// One part of what a leaf commits to: a statement's text, its parameters, its disclosure set.
#[derive(Clone, PartialEq, Eq)]
pub struct BodyPart {
    pub label: Cow<'static, str>,
    pub salt: [u8; SALT_BYTES],
    pub content: Vec<u8>,
}

impl BodyPart {
    /// A part; the salt must be random and used once.
    #[must_use]
    pub fn new(
        label: impl Into<Cow<'static, str>>,
        salt: [u8; SALT_BYTES],
        content: Vec<u8>,
    ) -> Self {
        Self {
            label: label.into(),
            salt,
            content,
        }
    }

    /// What the leaf must say under this part's label.
    #[must_use]
    pub fn commitment(&self) -> [u8; 32] {
        commitment(&self.label, &self.salt, &self.content)
    }
}

/// Contents are personal data; only their size is told.
impl fmt::Debug for BodyPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BodyPart({}, {} bytes)", self.label, self.content.len())
    }
}

/// Something to record: a leaf, and beside it the body that the leaf commits to.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    pub(super) leaf: Vec<u8>,
    pub(super) body: Vec<BodyPart>,
}

/// An entry that the log does not take. Ours to avoid: nothing a client sends may lead here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    #[error("a leaf of {bytes} bytes; at most {MAX_LEAF_BYTES} are allowed")]
    LeafTooLong { bytes: usize },
    #[error("a body of {bytes} bytes; at most {MAX_BODY_BYTES} are allowed")]
    BodyTooLong { bytes: usize },
    #[error("a body of {parts} parts; at most {MAX_PARTS} are allowed")]
    TooManyParts { parts: usize },
    #[error("a part's label has {bytes} bytes; 1 to {MAX_LABEL_BYTES} are allowed")]
    Label { bytes: usize },
}

impl Entry {
    /// An entry within the limits. The leaf is a JSON object; where there is a body its field
    /// `"body"` maps each part's label, in the order of the parts, to the commitment in base64.
    ///
    /// # Errors
    /// Anything beyond the limits.
    pub fn new(leaf: Vec<u8>, body: Vec<BodyPart>) -> Result<Self, EntryError> {
        if leaf.len() > MAX_LEAF_BYTES {
            return Err(EntryError::LeafTooLong { bytes: leaf.len() });
        }
        if body.len() > MAX_PARTS {
            return Err(EntryError::TooManyParts { parts: body.len() });
        }
        if let Some(part) = body
            .iter()
            .find(|p| p.label.is_empty() || p.label.len() > MAX_LABEL_BYTES)
        {
            return Err(EntryError::Label {
                bytes: part.label.len(),
            });
        }
        let bytes = body.iter().map(|p| p.content.len()).sum();
        if bytes > MAX_BODY_BYTES {
            return Err(EntryError::BodyTooLong { bytes });
        }
        debug_assert!(
            super::leaf::check_parts(&leaf, &body).is_ok(),
            "the leaf does not commit to its body"
        );
        Ok(Self { leaf, body })
    }

    /// The leaf's bytes.
    #[must_use]
    pub fn leaf(&self) -> &[u8] {
        &self.leaf
    }

    /// The parts of the body.
    #[must_use]
    pub fn body(&self) -> &[BodyPart] {
        &self.body
    }
}

/// Leaves may name persons; only sizes are told.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entry({} bytes, {:?})", self.leaf.len(), self.body)
    }
}

/// Proof that an entry is on durable storage.
// INVARIANT: made in one place only, by the writer after the sync that covers the entry returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[must_use = "what needed a record can go on only with this in hand"]
pub struct Recorded {
    seq: u64,
}

impl Recorded {
    pub(super) fn after_sync(seq: u64) -> Self {
        Self { seq }
    }

    /// The entry's index in the log.
    #[must_use]
    pub fn seq(self) -> u64 {
        self.seq
    }
}

/// A part that was removed lawfully.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withheld {
    pub label: String,
    /// The entry that records the removal.
    pub by_seq: u64,
}

/// An entry as the log gives it back.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredEntry {
    pub seq: u64,
    pub leaf: Vec<u8>,
    pub parts: Vec<BodyPart>,
    pub withheld: Vec<Withheld>,
}

impl StoredEntry {
    /// The content of the part with this label, where it is present.
    #[must_use]
    pub fn part(&self, label: &str) -> Option<&[u8]> {
        self.parts
            .iter()
            .find(|p| p.label == label)
            .map(|p| p.content.as_slice())
    }
}

impl fmt::Debug for StoredEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "StoredEntry({}, {} bytes, {:?}, {:?})",
            self.seq,
            self.leaf.len(),
            self.parts,
            self.withheld
        )
    }
}
