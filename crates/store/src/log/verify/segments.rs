//! The write-ahead log, from its first header to its last zero.

use super::super::limits::MAX_SEGMENT_BYTES;
use super::super::segment::{parse_segment_name, segment_path};
use super::super::wal::{
    SEGMENT_HEADER_BYTES, SegmentHeader, Tail, decode_frame, is_zero, judge_tail,
};
use super::{FirstBad, Place, Withholdings, bad, unreadable};
use portcullis_tlog::{Hash, leaf_hash};
use std::path::Path;

/// Times that a live log's segments are read anew because they did not fit together.
const READINGS: usize = 100;

/// What the segments hold.
#[derive(Debug, Default)]
pub(super) struct Segments {
    pub first_seq: u64,
    hashes: Vec<Hash>,
    pub bodies: Withholdings,
    pub torn_bytes: u64,
    pub closed: bool,
    pub bytes: u64,
    /// A segment made ahead.
    pub spare: Option<String>,
    after: Option<(String, usize, Tail)>,
    last: Option<SegmentHeader>,
}

impl Segments {
    /// One past the last entry.
    pub fn end_seq(&self) -> u64 {
        self.first_seq + self.hashes.len() as u64
    }

    pub fn leaf_hash(&self, seq: u64) -> Option<Hash> {
        self.hashes
            .get(usize::try_from(seq.checked_sub(self.first_seq)?).ok()?)
            .copied()
    }
}

/// Reads and checks all segments; `signed` entries must be there.
pub(super) fn read(place: &Place<'_>, signed: u64) -> Result<Segments, FirstBad> {
    let mut tries = 0;
    loop {
        tries += 1;
        match read_all(place).and_then(|all| judge_end(all, signed)) {
            // Between the reading of one segment and the next a live log goes on.
            Err(_) if place.live && tries < READINGS => {}
            outcome => return outcome,
        }
    }
}

fn read_all(place: &Place<'_>) -> Result<Segments, FirstBad> {
    let names = place
        .disk
        .list(&place.dir.join("wal"))
        .map_err(|e| unreadable("wal", &e))?;
    let mut ids: Vec<u64> = names
        .iter()
        .filter_map(|(name, _)| parse_segment_name(name))
        .collect();
    ids.sort_unstable();
    let mut all = Segments::default();
    for (at, id) in ids.iter().enumerate() {
        let bytes = read_one(place, *id)?;
        all.bytes += bytes.len() as u64;
        segment(&mut all, *id, &bytes, at + 1 == ids.len())?;
    }
    Ok(all)
}

fn read_one(place: &Place<'_>, id: u64) -> Result<Vec<u8>, FirstBad> {
    let name = segment_path(id);
    let path = place.dir.join(Path::new(&name));
    let file = place.disk.open(&path).map_err(|e| unreadable(&name, &e))?;
    let length = file.len().map_err(|e| unreadable(&name, &e))?;
    if length > MAX_SEGMENT_BYTES {
        return Err(bad(
            &name,
            format!("it is {length} bytes long, which no segment is"),
        ));
    }
    let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
    file.read_at(&mut bytes, 0)
        .map_err(|e| unreadable(&name, &e))?;
    Ok(bytes)
}

fn segment(all: &mut Segments, id: u64, bytes: &[u8], is_last_file: bool) -> Result<(), FirstBad> {
    let name = segment_path(id);
    if let Some(missing) = all
        .last
        .map(|l| l.id + 1)
        .filter(|expected| *expected != id)
    {
        return Err(bad(&segment_path(missing), "it is missing"));
    }
    if is_last_file && all.last.is_some() && !bytes.is_empty() && is_zero(bytes) {
        all.spare = Some(name);
        return Ok(());
    }
    let header = bytes
        .first_chunk::<SEGMENT_HEADER_BYTES>()
        .and_then(SegmentHeader::decode)
        .filter(|h| h.id == id)
        .ok_or_else(|| bad(&name, "its header is not what was written"))?;
    if header.length != bytes.len() as u64 {
        return Err(bad(
            &name,
            format!(
                "it is {} bytes long, but was {} when made",
                bytes.len(),
                header.length
            ),
        ));
    }
    settle_previous(all, &name, &header)?;
    frames(all, &name, &header, bytes)
}

fn settle_previous(all: &mut Segments, name: &str, header: &SegmentHeader) -> Result<(), FirstBad> {
    let Some(previous) = all.last else {
        all.first_seq = header.first_seq;
        return Ok(());
    };
    if let Some((place, at, tail)) = all.after.take()
        && (tail != Tail::Clean || previous.closed_at.is_some())
    {
        return Err(unreadable_record(&place, at, all.end_seq()));
    }
    if header.first_seq == all.end_seq() {
        return Ok(());
    }
    let why = format!(
        "it begins with entry {}, the one before ends before {}",
        header.first_seq,
        all.end_seq()
    );
    Err(bad(name, why))
}

fn frames(
    all: &mut Segments,
    name: &str,
    header: &SegmentHeader,
    bytes: &[u8],
) -> Result<(), FirstBad> {
    let mut at = SEGMENT_HEADER_BYTES;
    loop {
        let seq = all.end_seq();
        let frame = bytes
            .get(at..)
            .and_then(|rest| decode_frame(&header.nonce, rest))
            .filter(|f| f.seq == seq && f.durable <= seq);
        let Some(frame) = frame else { break };
        all.bodies
            .check(seq, frame.leaf, frame.body)
            .map_err(|why| FirstBad {
                place: name.to_owned(),
                seq: Some(seq),
                why,
            })?;
        all.hashes.push(leaf_hash(frame.leaf));
        at += frame.length;
    }
    let tail = judge_tail(&header.nonce, bytes, at, all.end_seq());
    all.after = Some((name.to_owned(), at, tail));
    all.last = Some(*header);
    Ok(())
}

/// Whether the last segment ends as a crash or a close leaves it.
fn judge_end(mut all: Segments, signed: u64) -> Result<Segments, FirstBad> {
    let (Some((name, at, tail)), Some(header)) = (all.after.take(), all.last) else {
        return Err(bad("wal", "no segment is left"));
    };
    let end = all.end_seq();
    match tail {
        Tail::Damaged { .. } => return Err(unreadable_record(&name, at, end)),
        Tail::Torn { .. } if end < signed => return Err(unreadable_record(&name, at, end)),
        Tail::Torn { bytes } => all.torn_bytes = bytes,
        Tail::Clean => {}
    }
    if end < signed {
        let why = format!(
            "the log was rolled back or cut: {signed} entries were signed, {end} are there"
        );
        return Err(bad(&name, why));
    }
    if let Some(closed_at) = header.closed_at {
        if closed_at != at as u64 || all.torn_bytes > 0 {
            return Err(unreadable_record(&name, at, end));
        }
        if end != signed {
            return Err(bad(
                &name,
                format!("the log was closed with {end} entries, but {signed} are signed"),
            ));
        }
        if let Some(spare) = &all.spare {
            return Err(bad(spare, "no such file belongs into a closed log"));
        }
        all.closed = true;
    }
    Ok(all)
}

fn unreadable_record(name: &str, at: usize, seq: u64) -> FirstBad {
    FirstBad {
        place: name.to_owned(),
        seq: Some(seq),
        why: format!("the record at byte {at} is not what was written"),
    }
}
