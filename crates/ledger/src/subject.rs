//! A subject's identity in the ledger: a keyed hash, so that the ledger itself is no list of patients.

use std::hash::Hasher as _;

use siphasher::sip128::{Hasher128 as _, SipHasher24};

/// 128-bit keyed hash of (resource, kind, canonical text of the value).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubjectId(pub u128);

/// The owner's ledger key. SipHash-2-4-128 is a PRF made for short inputs; 128 bits keep ten
/// billion subjects apart with odds of a single collision below 1 in 10^18
/// (docs/decisions/0005-ledger.md).
#[derive(Clone)]
pub struct SubjectKey([u8; 16]);

/// The hash state after (resource, kind), so that a row costs only its own value.
#[derive(Clone)]
pub struct SubjectScope(SipHasher24);

impl SubjectKey {
    pub fn new(key: [u8; 16]) -> Self {
        Self(key)
    }

    /// Fixes resource and kind; lengths are hashed, so that no two pairs run together.
    pub fn scope(&self, resource: &str, kind: &str) -> SubjectScope {
        let mut hasher = SipHasher24::new_with_key(&self.0);
        hasher.write(&(resource.len() as u64).to_le_bytes());
        hasher.write(resource.as_bytes());
        hasher.write(&(kind.len() as u64).to_le_bytes());
        hasher.write(kind.as_bytes());
        SubjectScope(hasher)
    }
}

impl SubjectScope {
    /// `canonical` is the value's text as PostgreSQL prints it.
    pub fn id(&self, canonical: &[u8]) -> SubjectId {
        let mut hasher = self.0;
        hasher.write(canonical);
        SubjectId(hasher.finish128().as_u128())
    }
}

impl SubjectId {
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }
}
