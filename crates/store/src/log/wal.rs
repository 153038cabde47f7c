//! The write-ahead log: frames in preallocated, zeroed segments.
//!
//! A frame carries one entry. It says how many entries were durable when it was written, so that a
//! torn last write is told from damage: nothing that follows a torn frame can have been written
//! after it was synced.

use sha2::{Digest, Sha256};

pub(super) const FRAME_MAGIC: [u8; 4] = *b"PCF1";
pub(super) const FRAME_HEADER_BYTES: usize = 64;
const FRAME_CHECKED_BYTES: usize = 32;
/// Frames begin at multiples of this.
pub(super) const FRAME_ALIGN: usize = 8;

const SEGMENT_MAGIC: [u8; 8] = *b"PCWAL\x00\x00\x01";
pub(super) const SEGMENT_HEADER_BYTES: usize = 96;
const STATE_OPEN: u32 = 0;
const STATE_CLOSED: u32 = 1;

/// Random, and part of every frame's checksum: content that a client sends can't pass for a frame.
pub(super) type Nonce = [u8; 16];

/// The first bytes of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub id: u64,
    /// Length of the file, all of it allocated.
    pub length: u64,
    pub first_seq: u64,
    /// Where the frames end, once the log was closed; nothing is written then until it is opened.
    pub closed_at: Option<u64>,
    pub nonce: Nonce,
}

impl SegmentHeader {
    pub fn encode(&self) -> [u8; SEGMENT_HEADER_BYTES] {
        let mut bytes = Vec::with_capacity(SEGMENT_HEADER_BYTES);
        bytes.extend_from_slice(&SEGMENT_MAGIC);
        bytes.extend_from_slice(&self.id.to_le_bytes());
        bytes.extend_from_slice(&self.length.to_le_bytes());
        bytes.extend_from_slice(&self.first_seq.to_le_bytes());
        let state = if self.closed_at.is_some() {
            STATE_CLOSED
        } else {
            STATE_OPEN
        };
        bytes.extend_from_slice(&state.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&self.closed_at.unwrap_or(0).to_le_bytes());
        bytes.extend_from_slice(&self.nonce);
        let digest: [u8; 32] = Sha256::digest(&bytes).into();
        let mut header = [0; SEGMENT_HEADER_BYTES];
        for (to, from) in header.iter_mut().zip(bytes.iter().chain(&digest)) {
            *to = *from;
        }
        header
    }

    /// `None` for anything [`Self::encode`] would not write.
    pub fn decode(bytes: &[u8; SEGMENT_HEADER_BYTES]) -> Option<Self> {
        let mut fields = Fields(bytes);
        if fields.take::<8>()? != SEGMENT_MAGIC {
            return None;
        }
        let (id, length, first_seq) = (fields.u64()?, fields.u64()?, fields.u64()?);
        let state = fields.u32()?;
        let _ = fields.u32()?;
        let end = fields.u64()?;
        let nonce = fields.take::<16>()?;
        let closed_at = (state == STATE_CLOSED).then_some(end);
        let header = Self {
            id,
            length,
            first_seq,
            closed_at,
            nonce,
        };
        (header.encode() == *bytes).then_some(header)
    }
}

/// A frame in a segment's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    pub seq: u64,
    /// Size of the log that was durable when this was written.
    pub durable: u64,
    pub leaf: &'a [u8],
    /// As `body::encode` wrote it.
    pub body: &'a [u8],
    /// With padding.
    pub length: usize,
}

/// Length of a frame, padding included.
pub(super) fn frame_len(leaf: usize, body: usize) -> usize {
    (FRAME_HEADER_BYTES + leaf + body).next_multiple_of(FRAME_ALIGN)
}

/// Appends a frame; `body` writes the encoded body.
pub(super) fn encode_frame(
    nonce: &Nonce,
    seq: u64,
    durable: u64,
    leaf: &[u8],
    body: impl FnOnce(&mut Vec<u8>),
    out: &mut Vec<u8>,
) {
    let start = out.len();
    out.resize(start + FRAME_HEADER_BYTES, 0);
    out.extend_from_slice(leaf);
    let body_start = out.len();
    body(out);
    let body_len = u32::try_from(out.len() - body_start).unwrap_or(u32::MAX);
    let mut header = [0_u8; FRAME_HEADER_BYTES];
    let leaf_len = u32::try_from(leaf.len()).unwrap_or(u32::MAX);
    let fields = FRAME_MAGIC
        .into_iter()
        .chain(leaf_len.to_le_bytes())
        .chain(body_len.to_le_bytes())
        .chain([0; 4])
        .chain(seq.to_le_bytes())
        .chain(durable.to_le_bytes());
    for (to, from) in header.iter_mut().zip(fields) {
        *to = from;
    }
    let mut hasher = Sha256::new();
    hasher.update(nonce);
    hasher.update(header.get(..FRAME_CHECKED_BYTES).unwrap_or_default());
    hasher.update(out.get(start + FRAME_HEADER_BYTES..).unwrap_or_default());
    let digest: [u8; 32] = hasher.finalize().into();
    for (to, from) in header.iter_mut().skip(FRAME_CHECKED_BYTES).zip(digest) {
        *to = from;
    }
    if let Some(place) = out.get_mut(start..start + FRAME_HEADER_BYTES) {
        place.copy_from_slice(&header);
    }
    out.resize(start + frame_len(leaf.len(), body_len as usize), 0);
}

/// Reads the frame at the start of `bytes`; `None` where there is no whole, right one.
pub(super) fn decode_frame<'a>(nonce: &Nonce, bytes: &'a [u8]) -> Option<Frame<'a>> {
    let (header, rest) = bytes.split_first_chunk::<FRAME_HEADER_BYTES>()?;
    let mut fields = Fields(header);
    if fields.take::<4>()? != FRAME_MAGIC {
        return None;
    }
    let (leaf_len, body_len) = (fields.u32()? as usize, fields.u32()? as usize);
    if fields.u32()? != 0 {
        return None;
    }
    let (seq, durable) = (fields.u64()?, fields.u64()?);
    let length = frame_len(leaf_len, body_len);
    let (padded, _) = rest.split_at_checked(length - FRAME_HEADER_BYTES)?;
    let (payload, padding) = padded.split_at_checked(leaf_len + body_len)?;
    let mut hasher = Sha256::new();
    hasher.update(nonce);
    hasher.update(header.get(..FRAME_CHECKED_BYTES)?);
    hasher.update(payload);
    let digest: [u8; 32] = hasher.finalize().into();
    if header.get(FRAME_CHECKED_BYTES..)? != digest || padding.iter().any(|b| *b != 0) {
        return None;
    }
    let (leaf, body) = payload.split_at_checked(leaf_len)?;
    Some(Frame {
        seq,
        durable,
        leaf,
        body,
        length,
    })
}

/// What follows the last whole frame of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tail {
    /// Zeros to the end.
    Clean,
    /// The rest of a write that was never synced; `bytes` reach to its last non-zero byte.
    Torn { bytes: u64 },
    /// A later frame proves that what is unreadable here had been synced.
    Damaged { later_seq: u64 },
}

/// Judges what stands at `from`, where frame `seq` would be, in a whole segment's bytes.
pub(super) fn judge_tail(nonce: &Nonce, segment: &[u8], from: usize, seq: u64) -> Tail {
    let Some(rest) = segment.get(from..) else {
        return Tail::Clean;
    };
    let Some(last) = last_nonzero(rest) else {
        return Tail::Clean;
    };
    let used = rest.get(..=last).unwrap_or_default();
    for start in (0..used.len()).step_by(FRAME_ALIGN) {
        let candidate = rest.get(start..).unwrap_or_default();
        if !candidate.starts_with(&FRAME_MAGIC) {
            continue;
        }
        if let Some(frame) = decode_frame(nonce, candidate)
            && frame.durable > seq
        {
            return Tail::Damaged {
                later_seq: frame.seq,
            };
        }
    }
    Tail::Torn {
        bytes: last as u64 + 1,
    }
}

/// Whether all bytes are zero; by words, as tails are megabytes.
pub(super) fn is_zero(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<16>();
    words.iter().all(|w| u128::from_ne_bytes(*w) == 0) && rest.iter().all(|b| *b == 0)
}

fn last_nonzero(bytes: &[u8]) -> Option<usize> {
    const BLOCK: usize = 4096;
    let mut end = bytes.len();
    while end > 0 {
        let start = end.saturating_sub(BLOCK);
        let block = bytes.get(start..end)?;
        if !is_zero(block) {
            return block.iter().rposition(|b| *b != 0).map(|at| start + at);
        }
        end = start;
    }
    None
}

/// Little-endian fields from the front of a slice.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*field)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    const NONCE: Nonce = [5; 16];

    fn frame(seq: u64, durable: u64, leaf: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        encode_frame(&NONCE, seq, durable, leaf, |o| o.push(0), &mut out);
        out
    }

    #[test]
    fn a_frame_reads_back_and_no_changed_one_does() {
        let bytes = frame(7, 5, b"{}");
        let back = decode_frame(&NONCE, &bytes).unwrap();
        assert_eq!(
            (back.seq, back.durable, back.leaf, back.body),
            (7, 5, &b"{}"[..], &[0][..])
        );
        assert_eq!(back.length, bytes.len());
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut bad = bytes.clone();
                bad[at] ^= 1 << bit;
                assert_eq!(decode_frame(&NONCE, &bad), None, "byte {at} bit {bit}");
            }
            assert_eq!(decode_frame(&NONCE, &bytes[..at]), None);
        }
    }

    #[test]
    fn a_segment_header_reads_back_and_no_changed_one_does() {
        for closed_at in [None, Some(640)] {
            let header = SegmentHeader {
                id: 3,
                length: 4096,
                first_seq: 12,
                closed_at,
                nonce: NONCE,
            };
            let bytes = header.encode();
            assert_eq!(SegmentHeader::decode(&bytes), Some(header));
            for at in 0..bytes.len() {
                let mut bad = bytes;
                bad[at] ^= 0x10;
                assert_eq!(SegmentHeader::decode(&bad), None, "byte {at}");
            }
        }
    }

    #[test]
    fn a_torn_write_is_told_from_damage() {
        let mut segment = frame(0, 0, b"{}");
        let end = segment.len();
        segment.extend(frame(1, 1, b"{\"a\":1}"));
        segment.extend(frame(2, 1, b"{}"));
        let third = segment.len();
        segment.resize(4096, 0);
        assert_eq!(judge_tail(&NONCE, &segment, third, 3), Tail::Clean);
        segment[end + 70] ^= 1;
        // Frame 2 was written together with frame 1, so both may be lost.
        assert!(matches!(
            judge_tail(&NONCE, &segment, end, 1),
            Tail::Torn { .. }
        ));
        let later = frame(3, 3, b"{}");
        segment[third..third + later.len()].copy_from_slice(&later);
        assert_eq!(
            judge_tail(&NONCE, &segment, end, 1),
            Tail::Damaged { later_seq: 3 }
        );
    }
}
