//! Bytes of an entry's body, and of a file with the bodies of a bundle's 256 entries.

use super::entry::{BodyPart, SALT_BYTES};
use super::limits::{MAX_LABEL_BYTES, MAX_PARTS};
use portcullis_tlog::tile::{TILE_WIDTH_USIZE, index_path};

/// First bytes of a bodies file.
pub(super) const BODIES_MAGIC: &[u8; 8] = b"PCBODY\x00\x01";
/// Magic, then where each of the 256 bodies ends, counted from the end of this table.
pub(super) const BODIES_HEADER_BYTES: usize = 8 + 8 * TILE_WIDTH_USIZE;

const KIND_PRESENT: u8 = 0;
const KIND_WITHHELD: u8 = 1;

/// One part's place in an encoded body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot<'a> {
    Present {
        label: &'a str,
        salt: &'a [u8; SALT_BYTES],
        content: &'a [u8],
    },
    /// `hole` zero bytes stand where the part was: its neighbours stay where they are.
    Withheld {
        label: &'a str,
        by_seq: u64,
        hole: u32,
    },
}

impl<'a> Slot<'a> {
    pub fn label(&self) -> &'a str {
        match self {
            Self::Present { label, .. } | Self::Withheld { label, .. } => label,
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
        encode_present(&part.label, &part.salt, &part.content, out);
    }
}

/// Writes slots as a body.
pub(super) fn encode_slots(slots: &[Slot<'_>], out: &mut Vec<u8>) {
    out.push(narrow(slots.len()));
    for slot in slots {
        match slot {
            Slot::Present {
                label,
                salt,
                content,
            } => encode_present(label, salt, content, out),
            Slot::Withheld {
                label,
                by_seq,
                hole,
            } => {
                encode_label(label, KIND_WITHHELD, out);
                out.extend_from_slice(&by_seq.to_le_bytes());
                out.extend_from_slice(&hole.to_le_bytes());
                out.resize(out.len() + *hole as usize, 0);
            }
        }
    }
}

fn encode_present(label: &str, salt: &[u8; SALT_BYTES], content: &[u8], out: &mut Vec<u8>) {
    encode_label(label, KIND_PRESENT, out);
    out.extend_from_slice(salt);
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(content);
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

/// Reads a body that takes up all of `bytes`; `None` for anything that is not written here.
pub(super) fn decode(bytes: &[u8]) -> Option<Vec<Slot<'_>>> {
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
    rest.is_empty().then_some(slots)
}

fn decode_slot(bytes: &[u8]) -> Option<(Slot<'_>, &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let (label, rest) = rest.split_at_checked(usize::from(*length))?;
    if label.is_empty() || label.len() > MAX_LABEL_BYTES {
        return None;
    }
    let label = std::str::from_utf8(label).ok()?;
    let (kind, rest) = rest.split_first()?;
    match *kind {
        KIND_PRESENT => {
            let (salt, rest) = rest.split_first_chunk::<SALT_BYTES>()?;
            let (length, rest) = rest.split_first_chunk::<4>()?;
            let (content, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            Some((
                Slot::Present {
                    label,
                    salt,
                    content,
                },
                rest,
            ))
        }
        KIND_WITHHELD => {
            let (by_seq, rest) = rest.split_first_chunk::<8>()?;
            let (hole, rest) = rest.split_first_chunk::<4>()?;
            let hole = u32::from_le_bytes(*hole);
            let (zeros, rest) = rest.split_at_checked(hole as usize)?;
            let by_seq = u64::from_le_bytes(*by_seq);
            zeros.iter().all(|b| *b == 0).then_some((
                Slot::Withheld {
                    label,
                    by_seq,
                    hole,
                },
                rest,
            ))
        }
        _ => None,
    }
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    fn sample() -> Vec<Slot<'static>> {
        vec![
            Slot::Present {
                label: "sql",
                salt: &[1; 16],
                content: b"select 1",
            },
            Slot::Withheld {
                label: "params",
                by_seq: 9,
                hole: 3,
            },
            Slot::Present {
                label: "subjects",
                salt: &[2; 16],
                content: b"",
            },
        ]
    }

    #[test]
    fn a_body_reads_back_and_no_part_of_it_does() {
        let mut bytes = Vec::new();
        encode_slots(&sample(), &mut bytes);
        assert_eq!(decode(&bytes), Some(sample()));
        for cut in 0..bytes.len() {
            assert_eq!(decode(&bytes[..cut]), None, "cut at {cut}");
        }
        bytes.push(0);
        assert_eq!(decode(&bytes), None);
        assert_eq!(decode(&[0]), Some(Vec::new()));
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
        encode_slots(&decode(&one).unwrap(), &mut two);
        assert_eq!(one, two);
        assert_eq!(one.len(), encoded_len(&parts));
    }

    #[test]
    fn a_table_reads_back_and_no_part_of_it_does() {
        let mut table = BODIES_MAGIC.to_vec();
        for end in 0..256_u64 {
            table.extend_from_slice(&(end * 3).to_le_bytes());
        }
        assert_eq!(decode_header(&table).unwrap()[2], 3..6);
        assert_eq!(decode_header(&table[..table.len() - 1]), None);
        table[9] = 0xff;
        assert_eq!(decode_header(&table), None);
    }
}
