//! Bytes of an entry's body, and of a file with the bodies of a bundle's 256 entries.

use super::entry::{BodyPart, SALT_BYTES, Withheld};
use super::limits::{MAX_LABEL_BYTES, MAX_PARTS};
use portcullis_tlog::tile::{TILE_WIDTH_USIZE, index_path};
use std::borrow::Cow;

/// First bytes of a bodies file.
pub(super) const BODIES_MAGIC: &[u8; 8] = b"PCBODY\x00\x01";
/// Magic, then where each of the 256 bodies ends, counted from the end of this table.
pub(super) const BODIES_HEADER_BYTES: usize = 8 + 8 * TILE_WIDTH_USIZE;

const KIND_PRESENT: u8 = 0;
const KIND_WITHHELD: u8 = 1;

/// A body as it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Body {
    pub slots: Vec<Slot>,
}

/// One part's place in a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Slot {
    Present(BodyPart),
    /// `hole` zero bytes stand where the part was: only in a write-ahead frame, whose neighbours
    /// stay where they are.
    Withheld {
        withheld: Withheld,
        hole: u32,
    },
}

impl Slot {
    pub fn label(&self) -> &str {
        match self {
            Self::Present(part) => &part.label,
            Self::Withheld { withheld, .. } => &withheld.label,
        }
    }
}

/// The path of a bodies file.
pub(super) fn bodies_path(index: u64) -> String {
    format!("bodies/{}", index_path(index))
}

/// Bytes that [`encode_parts`] will write.
pub(super) fn encoded_len(parts: &[BodyPart]) -> usize {
    1 + parts
        .iter()
        .map(|p| 2 + p.label.len() + SALT_BYTES + 4 + p.content.len())
        .sum::<usize>()
}

/// Writes a body: the number of parts, then for each its label, kind, salt and content.
pub(super) fn encode_parts(parts: &[BodyPart], out: &mut Vec<u8>) {
    out.push(narrow(parts.len()));
    for part in parts {
        encode_part(part, out);
    }
}

/// Writes a body that may have withheld parts.
pub(super) fn encode(body: &Body, out: &mut Vec<u8>) {
    out.push(narrow(body.slots.len()));
    for slot in &body.slots {
        match slot {
            Slot::Present(part) => encode_part(part, out),
            Slot::Withheld { withheld, hole } => {
                encode_label(&withheld.label, KIND_WITHHELD, out);
                out.extend_from_slice(&withheld.by_seq.to_le_bytes());
                out.extend_from_slice(&hole.to_le_bytes());
                out.resize(out.len() + *hole as usize, 0);
            }
        }
    }
}

fn encode_part(part: &BodyPart, out: &mut Vec<u8>) {
    encode_label(&part.label, KIND_PRESENT, out);
    out.extend_from_slice(&part.salt);
    let length = u32::try_from(part.content.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&part.content);
}

fn encode_label(label: &str, kind: u8, out: &mut Vec<u8>) {
    out.push(narrow(label.len()));
    out.extend_from_slice(label.as_bytes());
    out.push(kind);
}

/// Counts and label lengths are within a byte by `Entry::new`; if ever not, the reader refuses.
fn narrow(count: usize) -> u8 {
    u8::try_from(count).unwrap_or(u8::MAX)
}

/// Reads a body that takes up all of `bytes`; `None` for anything [`encode`] would not write.
pub(super) fn decode(bytes: &[u8]) -> Option<Body> {
    let (count, mut rest) = bytes.split_first()?;
    if usize::from(*count) > MAX_PARTS {
        return None;
    }
    let mut slots = Vec::with_capacity(usize::from(*count));
    for _ in 0..*count {
        let (slot, after) = decode_slot(rest)?;
        slots.push(slot);
        rest = after;
    }
    rest.is_empty().then_some(Body { slots })
}

fn decode_slot(bytes: &[u8]) -> Option<(Slot, &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let (label, rest) = rest.split_at_checked(usize::from(*length))?;
    if label.is_empty() || label.len() > MAX_LABEL_BYTES {
        return None;
    }
    let label = std::str::from_utf8(label).ok()?.to_owned();
    let (kind, rest) = rest.split_first()?;
    match *kind {
        KIND_PRESENT => {
            let (salt, rest) = rest.split_first_chunk::<SALT_BYTES>()?;
            let (length, rest) = rest.split_first_chunk::<4>()?;
            let (content, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            let part = BodyPart {
                label: Cow::Owned(label),
                salt: *salt,
                content: content.to_vec(),
            };
            Some((Slot::Present(part), rest))
        }
        KIND_WITHHELD => {
            let (by_seq, rest) = rest.split_first_chunk::<8>()?;
            let (hole, rest) = rest.split_first_chunk::<4>()?;
            let hole = u32::from_le_bytes(*hole);
            let (zeros, rest) = rest.split_at_checked(hole as usize)?;
            let withheld = Withheld {
                label,
                by_seq: u64::from_le_bytes(*by_seq),
            };
            zeros
                .iter()
                .all(|b| *b == 0)
                .then_some((Slot::Withheld { withheld, hole }, rest))
        }
        _ => None,
    }
}

/// Lays out a bodies file from its encoded bodies.
pub(super) fn encode_file<'a>(bodies: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut ends = Vec::with_capacity(TILE_WIDTH_USIZE);
    let mut content = Vec::new();
    for body in bodies {
        content.extend_from_slice(body);
        ends.push(content.len() as u64);
    }
    let mut file = Vec::with_capacity(BODIES_HEADER_BYTES + content.len());
    file.extend_from_slice(BODIES_MAGIC);
    for end in ends {
        file.extend_from_slice(&end.to_le_bytes());
    }
    file.extend_from_slice(&content);
    file
}

/// Where the bodies lie in a file, from its header; `None` where the header is none.
pub(super) fn decode_header(header: &[u8]) -> Option<Vec<std::ops::Range<u64>>> {
    let table = header.strip_prefix(BODIES_MAGIC)?;
    let (ends, rest) = table.as_chunks::<8>();
    if ends.len() != TILE_WIDTH_USIZE || !rest.is_empty() {
        return None;
    }
    let mut ranges = Vec::with_capacity(TILE_WIDTH_USIZE);
    let mut start = 0;
    for end in ends {
        let end = u64::from_le_bytes(*end);
        if end < start {
            return None;
        }
        ranges.push(start..end);
        start = end;
    }
    Some(ranges)
}

/// The encoded bodies of a whole file; `None` where it is not one, to the last byte.
pub(super) fn split_file(bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let (header, content) = bytes.split_at_checked(BODIES_HEADER_BYTES)?;
    let ranges = decode_header(header)?;
    if ranges.last()?.end != content.len() as u64 {
        return None;
    }
    ranges
        .into_iter()
        .map(|r| content.get(usize::try_from(r.start).ok()?..usize::try_from(r.end).ok()?))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    fn sample() -> Body {
        Body {
            slots: vec![
                Slot::Present(BodyPart::new("sql", [1; 16], b"select 1".to_vec())),
                Slot::Withheld {
                    withheld: Withheld {
                        label: "params".into(),
                        by_seq: 9,
                    },
                    hole: 3,
                },
                Slot::Present(BodyPart::new("subjects", [2; 16], Vec::new())),
            ],
        }
    }

    #[test]
    fn a_body_reads_back_and_no_part_of_it_does() {
        let mut bytes = Vec::new();
        encode(&sample(), &mut bytes);
        assert_eq!(decode(&bytes), Some(sample()));
        for cut in 0..bytes.len() {
            assert_eq!(decode(&bytes[..cut]), None, "cut at {cut}");
        }
        bytes.push(0);
        assert_eq!(decode(&bytes), None);
        assert_eq!(decode(&[0]), Some(Body::default()));
        assert_eq!(decode(&[]), None);
    }

    #[test]
    fn parts_are_written_alike_by_both_ways() {
        let parts = [
            BodyPart::new("sql", [1; 16], b"select 1".to_vec()),
            BodyPart::new("x", [3; 16], vec![]),
        ];
        let mut one = Vec::new();
        encode_parts(&parts, &mut one);
        let mut two = Vec::new();
        encode(
            &Body {
                slots: parts.iter().cloned().map(Slot::Present).collect(),
            },
            &mut two,
        );
        assert_eq!(one, two);
        assert_eq!(one.len(), encoded_len(&parts));
    }

    #[test]
    fn a_bodies_file_reads_back() {
        let bodies: Vec<Vec<u8>> = (0..256).map(|i| vec![7; i % 5]).collect();
        let file = encode_file(bodies.iter().map(Vec::as_slice));
        assert_eq!(
            split_file(&file).unwrap(),
            bodies.iter().map(Vec::as_slice).collect::<Vec<_>>()
        );
        assert_eq!(split_file(&file[..file.len() - 1]), None);
        assert_eq!(split_file(&file[..100]), None);
    }
}
