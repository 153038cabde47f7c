//! Reads from a leaf's JSON just what its body is checked against.

use super::body::Slot;
use super::entry::{BodyPart, commitment};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// What a leaf says about its own body and about parts it takes out of earlier ones.
#[derive(Debug, Deserialize)]
pub(super) struct LeafView<'a> {
    #[serde(borrow, default)]
    pub body: Commitments<'a>,
    /// Parts of earlier entries whose removal this leaf records.
    #[serde(borrow, default)]
    pub withholds: Vec<Withholding<'a>>,
}

/// One part whose removal a leaf records.
#[derive(Debug, Deserialize)]
pub(super) struct Withholding<'a> {
    pub seq: u64,
    #[serde(borrow)]
    pub label: Cow<'a, str>,
}

/// Label and commitment, in the leaf's own order.
#[derive(Debug, Default)]
pub(super) struct Commitments<'a>(pub Vec<(Cow<'a, str>, [u8; 32])>);

impl<'de: 'a, 'a> Deserialize<'de> for Commitments<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Commitments<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of labels to commitments")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some((label, text)) = map.next_entry::<Text<'de>, Text<'de>>()? {
            // The estimate for 44 characters is 33 bytes; a buffer of 33 keeps the check exact.
            let mut buffer = [0; 33];
            let length = STANDARD
                .decode_slice(text.0.as_bytes(), &mut buffer)
                .unwrap_or(0);
            let bytes = buffer
                .get(..length)
                .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
                .ok_or_else(|| {
                    serde::de::Error::custom("a commitment is not 32 bytes in base64")
                })?;
            all.push((label.0, bytes));
        }
        Ok(Commitments(all))
    }
}

/// A string that is borrowed wherever JSON's escapes allow it.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Why a body does not fit its leaf.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Misfit {
    #[error("the leaf is not the JSON object it should be")]
    NotALeaf,
    #[error("the leaf commits to {committed} parts, the body holds {held}")]
    Count { committed: usize, held: usize },
    #[error("the body holds `{held}` where the leaf commits to `{committed}`")]
    Label { committed: String, held: String },
    #[error("the content of `{label}` does not fit its commitment")]
    Content { label: String },
}

/// Reads a leaf.
pub(super) fn view(leaf: &[u8]) -> Result<LeafView<'_>, Misfit> {
    // serde would also take an array for a struct.
    if leaf.first() != Some(&b'{') {
        return Err(Misfit::NotALeaf);
    }
    serde_json::from_slice(leaf).map_err(|_| Misfit::NotALeaf)
}

/// Checks that a leaf commits to exactly these parts.
pub(super) fn check_parts(leaf: &[u8], parts: &[BodyPart]) -> Result<(), Misfit> {
    let slots: Vec<Slot<'_>> = parts
        .iter()
        .map(|p| Slot::Present {
            label: &p.label,
            salt: &p.salt,
            content: &p.content,
        })
        .collect();
    check_slots(&view(leaf)?, &slots)
}

/// Checks that a leaf commits to exactly these parts, in this order; withheld ones only by name.
pub(super) fn check_slots(view: &LeafView<'_>, slots: &[Slot<'_>]) -> Result<(), Misfit> {
    let commitments = &view.body.0;
    if commitments.len() != slots.len() {
        return Err(Misfit::Count {
            committed: commitments.len(),
            held: slots.len(),
        });
    }
    for ((label, committed), slot) in commitments.iter().zip(slots) {
        if label != slot.label() {
            return Err(Misfit::Label {
                committed: label.to_string(),
                held: slot.label().to_owned(),
            });
        }
        if let Slot::Present {
            label,
            salt,
            content,
        } = slot
            && *committed != commitment(label, salt, content)
        {
            return Err(Misfit::Content {
                label: (*label).to_owned(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leaf_commits_to_its_parts_in_order() {
        let sql = BodyPart::new("sql", [1; 16], b"select 1".to_vec());
        let params = BodyPart::new("params", [2; 16], b"[]".to_vec());
        let leaf = format!(
            r#"{{"kind":"statement","body":{{"sql":"{}","params":"{}"}},"x":[1,{{"body":3}}]}}"#,
            STANDARD.encode(sql.commitment()),
            STANDARD.encode(params.commitment())
        );
        let check = |parts: &[BodyPart]| check_parts(leaf.as_bytes(), parts);
        assert_eq!(check(&[sql.clone(), params.clone()]), Ok(()));
        assert!(matches!(
            check(std::slice::from_ref(&sql)),
            Err(Misfit::Count {
                committed: 2,
                held: 1
            })
        ));
        assert!(matches!(
            check(&[params.clone(), sql.clone()]),
            Err(Misfit::Label { .. })
        ));
        let mut other = sql;
        other.content.push(b'0');
        assert_eq!(
            check(&[other, params]),
            Err(Misfit::Content {
                label: "sql".to_owned()
            })
        );
        assert_eq!(check_parts(b"[]", &[]), Err(Misfit::NotALeaf));
        assert_eq!(check_parts(b"{}", &[]), Ok(()));
        assert_eq!(
            check_parts(br#"{"body":{"a":"AAAA"}}"#, &[]),
            Err(Misfit::NotALeaf)
        );
    }
}
