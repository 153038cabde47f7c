//! Writing a leaf: one JSON object, keys in a fixed order, at most [`MAX_LEAF_BYTES`].

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

/// A leaf is small; texts and sets lie beside the log as body parts (interface.md, "Events").
pub const MAX_LEAF_BYTES: usize = 4096;

/// Longest text field of a leaf; what is longer is cut and marked, so that no input can make a leaf too large.
pub const MAX_FIELD_BYTES: usize = 512;

/// Appends fields to `{"v":1,"at":…,"kind":…,"actor":…`; [`LeafWriter::finish`] closes it.
pub struct LeafWriter {
    out: Vec<u8>,
}

impl LeafWriter {
    pub fn new(kind: &str, at: Timestamp, actor: &str) -> Self {
        let mut out = Vec::with_capacity(768);
        out.extend_from_slice(b"{\"v\":1,\"at\":\"");
        // Microseconds always, so that texts sort as times do.
        out.extend_from_slice(format!("{at:.6}").as_bytes());
        out.push(b'"');
        let mut writer = Self { out };
        writer = writer.str("kind", kind).str("actor", actor);
        writer
    }

    fn key(&mut self, key: &str) {
        self.out.extend_from_slice(b",\"");
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    #[must_use]
    pub fn str(mut self, key: &str, value: &str) -> Self {
        self.key(key);
        write_text(&mut self.out, value);
        self
    }

    #[must_use]
    pub fn opt(self, key: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.str(key, value),
            None => self.null(key),
        }
    }

    #[must_use]
    pub fn null(mut self, key: &str) -> Self {
        self.key(key);
        self.out.extend_from_slice(b"null");
        self
    }

    #[must_use]
    pub fn num(mut self, key: &str, value: u64) -> Self {
        self.key(key);
        let mut digits = [0u8; 20];
        let mut at = digits.len();
        let mut rest = value;
        loop {
            at -= 1;
            if let Some(digit) = digits.get_mut(at) {
                *digit = b'0' + (rest % 10) as u8;
            }
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        self.out
            .extend_from_slice(digits.get(at..).unwrap_or_default());
        self
    }

    #[must_use]
    pub fn list<'a>(mut self, key: &str, values: impl IntoIterator<Item = &'a str>) -> Self {
        self.key(key);
        self.out.push(b'[');
        for (index, value) in values.into_iter().enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            if self.out.len() > MAX_LEAF_BYTES / 2 {
                // A list that is not whole says so.
                write_text(&mut self.out, "…");
                break;
            }
            write_text(&mut self.out, value);
        }
        self.out.push(b']');
        self
    }

    /// Label → base64 of the salted commitment to that body part.
    #[must_use]
    pub fn body<'a>(mut self, parts: impl IntoIterator<Item = (&'a str, [u8; 32])>) -> Self {
        self.key("body");
        self.out.push(b'{');
        for (index, (label, commitment)) in parts.into_iter().enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            write_text(&mut self.out, label);
            self.out.extend_from_slice(b":\"");
            let mut text = [0u8; 44];
            let written = STANDARD.encode_slice(commitment, &mut text).unwrap_or(0);
            self.out
                .extend_from_slice(text.get(..written).unwrap_or_default());
            self.out.push(b'"');
        }
        self.out.push(b'}');
        self
    }

    pub fn finish(mut self) -> Vec<u8> {
        self.out.push(b'}');
        self.out
    }
}

fn write_text(out: &mut Vec<u8>, value: &str) {
    let mut end = value.len().min(MAX_FIELD_BYTES);
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    let kept = value.get(..end).unwrap_or_default();
    out.push(b'"');
    for byte in kept.bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            0..=0x1f => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
    if end < value.len() {
        out.extend_from_slice("…".as_bytes());
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn a_leaf_is_json_whatever_the_texts() {
        let nasty = "a\"b\\c\n\u{7f}\u{0}李伟";
        let leaf = LeafWriter::new("statement", Timestamp::UNIX_EPOCH, nasty)
            .str("reason", nasty)
            .opt("none", None)
            .num("rows", u64::MAX)
            .num("zero", 0)
            .list("tables", ["clinic.patients", nasty])
            .body([("sql", [7u8; 32])])
            .finish();
        let value: serde_json::Value = serde_json::from_slice(&leaf).unwrap();
        assert_eq!(value["actor"], nasty);
        assert_eq!(value["rows"], u64::MAX);
        assert_eq!(value["zero"], 0);
        assert_eq!(value["tables"][1], nasty);
        assert_eq!(value["at"], "1970-01-01T00:00:00.000000Z");
        assert_eq!(value["body"]["sql"].as_str().unwrap().len(), 44);
    }

    #[test]
    fn long_lists_are_cut_and_marked() {
        let many = ["x"; 2000];
        let leaf = LeafWriter::new("x", Timestamp::UNIX_EPOCH, "a")
            .list("l", many)
            .finish();
        let value: serde_json::Value = serde_json::from_slice(&leaf).unwrap();
        assert_eq!(value["l"].as_array().unwrap().last().unwrap(), "…");
        assert!(leaf.len() < MAX_LEAF_BYTES);
    }

    #[test]
    fn long_texts_are_cut_and_marked() {
        let leaf = LeafWriter::new("x", Timestamp::UNIX_EPOCH, &"é".repeat(1000)).finish();
        let value: serde_json::Value = serde_json::from_slice(&leaf).unwrap();
        assert!(value["actor"].as_str().unwrap().ends_with('…'));
        assert!(leaf.len() < 2 * MAX_FIELD_BYTES);
    }
}
