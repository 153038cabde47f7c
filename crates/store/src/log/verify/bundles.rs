//! Static files: bundles with their bodies and tiles, many at a time, judged in order.

use super::super::body::{BODIES_HEADER_BYTES, bodies_path, decode_header};
use super::super::disk::DiskFile;
use super::super::limits::MAX_ENCODED_BODY_BYTES;
use super::segments::Segments;
use super::{FirstBad, GrowingTree, Place, Progress, Withholdings, bad, unreadable};
use portcullis_tlog::tile::{
    TILE_WIDTH, TILE_WIDTH_USIZE, bundle_entries, bundle_path, encode_tile, tile_path,
};
use portcullis_tlog::tree::FullTile;
use portcullis_tlog::{Hash, leaf_hash};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

/// Bodies are read in pieces of about this size.
const READ_AT_ONCE: u64 = 1024 * 1024;
/// Bundles that may be read but not yet judged.
const BUNDLES_AHEAD: usize = 32;

/// What one bundle turned out to be.
struct Bundle {
    hashes: Vec<Hash>,
    bodies: Withholdings,
    bytes: u64,
}

/// Verifies all bundles and adds them to the tree.
pub(super) fn verify(
    place: &Place<'_>,
    segments: &Segments,
    signed: u64,
    tree: &mut GrowingTree,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), FirstBad> {
    let count = published(place, segments, signed)?;
    let next = AtomicU64::new(0);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let (sender, receiver) = mpsc::sync_channel(BUNDLES_AHEAD);
        for _ in 0..workers {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    // A receiver that is gone has found something bad.
                    if index >= count || sender.send((index, bundle(place, index))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let outcome = in_order(&receiver, count, |index, bundle| {
            add(place, segments, tree, index, bundle)?;
            progress(Progress {
                entries: tree.builder.size(),
                of_entries: tree.end_seq,
                bytes: tree.bytes,
            });
            Ok(())
        });
        drop(receiver);
        outcome
    })
}

/// Gives `judge` the bundles in their order, whatever order they come in.
fn in_order(
    receiver: &mpsc::Receiver<(u64, Result<Bundle, FirstBad>)>,
    count: u64,
    mut judge: impl FnMut(u64, Bundle) -> Result<(), FirstBad>,
) -> Result<(), FirstBad> {
    let mut early = BTreeMap::new();
    for index in 0..count {
        let bundle = loop {
            if let Some(bundle) = early.remove(&index) {
                break bundle;
            }
            match receiver.recv() {
                Ok((at, bundle)) => drop(early.insert(at, bundle)),
                Err(_) => return Err(bad(&bundle_path(index, TILE_WIDTH), "it was not read")),
            }
        };
        judge(index, bundle?)?;
    }
    Ok(())
}

/// How many bundles lie in static files, and must.
fn published(place: &Place<'_>, segments: &Segments, signed: u64) -> Result<u64, FirstBad> {
    let most = segments.end_seq() / TILE_WIDTH;
    let least = if segments.closed {
        signed / TILE_WIDTH
    } else {
        segments.first_seq.div_ceil(TILE_WIDTH)
    };
    if least > most {
        return Err(bad(
            "wal",
            "it ends before the entries that static files hold",
        ));
    }
    let mut count = least;
    while count < most && is_complete(place, count) {
        count += 1;
    }
    Ok(count)
}

/// Whether all files of a bundle that a crash may have left unfinished are there.
fn is_complete(place: &Place<'_>, index: u64) -> bool {
    [
        bundle_path(index, TILE_WIDTH),
        bodies_path(index),
        tile_path(0, index, TILE_WIDTH),
    ]
    .iter()
    .all(|name| place.exists(name))
}

fn add(
    place: &Place<'_>,
    segments: &Segments,
    tree: &mut GrowingTree,
    index: u64,
    bundle: Bundle,
) -> Result<(), FirstBad> {
    let mut full = Vec::new();
    for (seq, hash) in (index * TILE_WIDTH..).zip(&bundle.hashes) {
        if segments.leaf_hash(seq).is_some_and(|h| h != *hash) {
            return Err(FirstBad {
                place: bundle_path(index, TILE_WIDTH),
                seq: Some(seq),
                why: "the write-ahead log holds another entry under this number".to_owned(),
            });
        }
        tree.push(*hash, |tile| full.push(tile))?;
    }
    for tile in full.iter().filter(|t| t.level > 0) {
        // A tile whose last entries are still in the write-ahead log may be on its way.
        let optional = !segments.closed && index * TILE_WIDTH >= segments.first_seq;
        compare_tile(place, tile, optional)?;
    }
    tree.published = (index + 1) * TILE_WIDTH;
    tree.bytes += bundle.bytes;
    tree.bodies.join(bundle.bodies);
    Ok(())
}

fn compare_tile(place: &Place<'_>, tile: &FullTile, optional: bool) -> Result<(), FirstBad> {
    let name = tile_path(tile.level, tile.index, TILE_WIDTH);
    if optional && !place.exists(&name) {
        return Ok(());
    }
    if place.read(&name)? == encode_tile(&tile.hashes) {
        return Ok(());
    }
    Err(bad(
        &name,
        "its hashes are not those of the entries below it",
    ))
}

/// Reads and checks one bundle by itself: leaves, bodies, and the tile of their hashes.
fn bundle(place: &Place<'_>, index: u64) -> Result<Bundle, FirstBad> {
    let name = bundle_path(index, TILE_WIDTH);
    let bytes = place.read(&name)?;
    let leaves = bundle_entries(&bytes)
        .collect::<Option<Vec<_>>>()
        .filter(|l| l.len() == TILE_WIDTH_USIZE)
        .ok_or_else(|| bad(&name, "it does not hold 256 entries, to the byte"))?;
    let hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
    let tile = tile_path(0, index, TILE_WIDTH);
    let tile_bytes = place.read(&tile)?;
    check_tile(&name, &tile, index, &hashes, &tile_bytes)?;
    let mut bodies = Withholdings::default();
    let body_bytes = check_bodies(place, index, &leaves, &mut bodies)?;
    Ok(Bundle {
        hashes,
        bodies,
        bytes: bytes.len() as u64 + tile_bytes.len() as u64 + body_bytes,
    })
}

fn check_tile(
    bundle: &str,
    tile: &str,
    index: u64,
    hashes: &[Hash],
    bytes: &[u8],
) -> Result<(), FirstBad> {
    let (stored, rest) = bytes.as_chunks::<32>();
    if !rest.is_empty() || stored.len() != hashes.len() {
        return Err(bad(tile, "it is not 256 hashes long"));
    }
    match stored.iter().zip(hashes).position(|(s, h)| s != h) {
        None => Ok(()),
        Some(at) => Err(FirstBad {
            place: bundle.to_owned(),
            seq: Some(index * TILE_WIDTH + at as u64),
            why: format!("the entry and its hash in `{tile}` do not fit"),
        }),
    }
}

/// Checks each entry's body against its leaf; tells the length of the file.
fn check_bodies(
    place: &Place<'_>,
    index: u64,
    leaves: &[&[u8]],
    found: &mut Withholdings,
) -> Result<u64, FirstBad> {
    let name = bodies_path(index);
    let file = place
        .disk
        .open(&place.dir.join(&name))
        .map_err(|e| unreadable(&name, &e))?;
    let length = file.len().map_err(|e| unreadable(&name, &e))?;
    let mut header = vec![0; BODIES_HEADER_BYTES];
    let ranges = match file.read_at(&mut header, 0) {
        Ok(()) => decode_header(&header),
        Err(_) => None,
    };
    let ranges = ranges.ok_or_else(|| bad(&name, "its table is not what was written"))?;
    let end = ranges.last().map_or(0, |r| r.end);
    if length != BODIES_HEADER_BYTES as u64 + end {
        return Err(bad(
            &name,
            format!("it is {length} bytes long, its table says otherwise"),
        ));
    }
    let mut pieces = Pieces {
        file: &*file,
        start: 0,
        bytes: Vec::new(),
        end,
    };
    for (seq, (leaf, range)) in (index * TILE_WIDTH..).zip(leaves.iter().zip(ranges)) {
        let wrong = |why: String| FirstBad {
            place: name.clone(),
            seq: Some(seq),
            why,
        };
        if range.end - range.start > MAX_ENCODED_BODY_BYTES as u64 {
            return Err(wrong("its body is longer than any".to_owned()));
        }
        let body = pieces
            .get(&range)
            .map_err(|e| wrong(format!("its body can't be read: {e}")))?;
        found.check(seq, leaf, body).map_err(wrong)?;
    }
    Ok(length)
}

/// Reads ranges that follow one another, in pieces.
struct Pieces<'a> {
    file: &'a dyn DiskFile,
    start: u64,
    bytes: Vec<u8>,
    end: u64,
}

impl Pieces<'_> {
    fn get(&mut self, range: &Range<u64>) -> std::io::Result<&[u8]> {
        if range.end > self.start + self.bytes.len() as u64 {
            let until = range.end.max((range.start + READ_AT_ONCE).min(self.end));
            self.bytes
                .resize(usize::try_from(until - range.start).unwrap_or_default(), 0);
            self.start = range.start;
            self.file
                .read_at(&mut self.bytes, BODIES_HEADER_BYTES as u64 + range.start)?;
        }
        let from = usize::try_from(range.start - self.start).unwrap_or_default();
        let to = usize::try_from(range.end - self.start).unwrap_or_default();
        self.bytes
            .get(from..to)
            .ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into())
    }
}
