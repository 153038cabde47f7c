//! Names of what Portcullis makes in the owner's database: recognisable, at most 63 bytes, and the
//! same for the same contract every time.

use sha2::{Digest, Sha256};

/// PostgreSQL cuts longer names silently.
pub(crate) const NAME_BYTES_MAX: usize = 63;
/// First words of the comment that marks a schema, role or index as ours.
pub(crate) const MARKER: &str = "portcullis:1 ";
/// Holds the mask keys; nobody but the steward may use it.
pub(crate) const KEY_SCHEMA: &str = "portcullis_keys";
pub(crate) const OUR_PREFIX: &str = "portcullis_";

/// Schema of a contract's views, look-alikes and functions.
pub fn view_schema(contract: &str) -> String {
    bounded(&format!("{OUR_PREFIX}{}", slug(contract)), contract)
}

/// Role that holds a contract's rights; the grants' roles are its members. Roles belong to the whole
/// cluster, so the name carries the resource and the database too.
pub(crate) fn group_role(contract: &str, resource: &str, database: &str) -> String {
    let tag = short_hash(&format!("{contract}\0{resource}\0{database}"));
    let mut stem = format!("{OUR_PREFIX}c_{}", slug(contract));
    stem.truncate(NAME_BYTES_MAX - 1 - tag.len());
    format!("{stem}_{tag}")
}

/// Login role of one grant.
pub fn grant_role_name(grant: &str) -> String {
    bounded(&format!("{OUR_PREFIX}g_{}", slug(grant)), grant)
}

/// Name of the view for `schema.table`.
pub(crate) fn view_name(schema: &str, table: &str) -> String {
    let plain = format!("{schema}.{table}");
    let ambiguous = schema.contains('.') || table.contains('.');
    if plain.len() <= NAME_BYTES_MAX && !ambiguous {
        return plain;
    }
    let tag = short_hash(&format!("{schema}\0{table}"));
    let mut stem = plain;
    while stem.len() > NAME_BYTES_MAX - 1 - tag.len() {
        stem.pop();
    }
    format!("{stem}.{tag}")
}

/// Lower-case ASCII letters, digits and `_`; what had to change is told apart by a hash.
fn slug(id: &str) -> String {
    id.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '_'
            }
        })
        .collect()
}

/// `-` becomes `_` without a tag, as it does in nearly every id; any other change, or a cut, gets one.
fn bounded(name: &str, id: &str) -> String {
    let faithful = id
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if faithful && name.len() <= NAME_BYTES_MAX && name != KEY_SCHEMA {
        return name.to_owned();
    }
    let tag = short_hash(id);
    let mut stem = name.to_owned();
    stem.truncate(NAME_BYTES_MAX - 1 - tag.len());
    format!("{stem}_{tag}")
}

pub(crate) fn short_hash(text: &str) -> String {
    hex_of(&Sha256::digest(text.as_bytes()))
        .chars()
        .take(8)
        .collect()
}

pub(crate) fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Always quoted: no keyword list to keep.
pub(crate) fn ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

pub(crate) fn qualified(schema: &str, name: &str) -> String {
    format!("{}.{}", ident(schema), ident(name))
}

/// A text literal that reads the same whatever `standard_conforming_strings` says.
pub(crate) fn literal(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    if doubled.contains('\\') {
        format!("E'{}'", doubled.replace('\\', "\\\\"))
    } else {
        format!("'{doubled}'")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded_and_told_apart() {
        assert_eq!(view_schema("clinic-ops-2026"), "portcullis_clinic_ops_2026");
        let long = "x".repeat(200);
        assert!(view_schema(&long).len() <= NAME_BYTES_MAX);
        assert_ne!(view_schema("a_b"), view_schema("a-b"));
        assert_ne!(view_schema("A-b"), view_schema("a-b"));
        assert_ne!(view_schema("keys"), KEY_SCHEMA);
        assert!(group_role(&long, "r", "d").len() <= NAME_BYTES_MAX);
        assert_ne!(group_role("c", "r", "d"), group_role("c", "r", "e"));
        assert_ne!(view_name("a.b", "c"), view_name("a", "b.c"));
        assert!(view_name(&"患".repeat(20), &"者".repeat(20)).len() <= NAME_BYTES_MAX);
    }

    #[test]
    fn literals_and_identifiers_are_quoted() {
        assert_eq!(ident("a\"b"), "\"a\"\"b\"");
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\'"), "E'a\\\\'''");
    }
}
