//! C2SP tlog-tiles: where tiles lie and how an entry bundle is laid out.

use crate::hash::Hash;

/// Hashes in a full tile, entries in a full bundle (tile height 8).
pub const TILE_WIDTH: u64 = 256;
/// The same as a `usize`, for slices.
pub const TILE_WIDTH_USIZE: usize = 256;
/// An entry's length is written in 16 bits.
pub const MAX_ENTRY_BYTES: usize = u16::MAX as usize;
/// 256^8 leaves are more than a `u64` counts.
pub const MAX_TILE_LEVEL: u8 = 7;

/// `tile/<level>/<index>`, with `.p/<width>` where the tile is partial.
#[must_use]
pub fn tile_path(level: u8, index: u64, width: u64) -> String {
    format!(
        "tile/{level}/{}{}",
        index_path(index),
        partial_suffix(width)
    )
}

/// `tile/entries/<index>`, with `.p/<width>` where the bundle is partial.
#[must_use]
pub fn bundle_path(index: u64, width: u64) -> String {
    format!(
        "tile/entries/{}{}",
        index_path(index),
        partial_suffix(width)
    )
}

/// Groups of three digits, all but the last with an `x`: 1234067 is `x001/x234/067`.
#[must_use]
pub fn index_path(index: u64) -> String {
    let mut path = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    path
}

/// Reads what [`index_path`] wrote; any other spelling is `None`.
#[must_use]
pub fn parse_index_path(path: &str) -> Option<u64> {
    let mut index: u64 = 0;
    for group in path.split('/') {
        let digits = group.strip_prefix('x').unwrap_or(group);
        if digits.len() != 3 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        index = index.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
    }
    (index_path(index) == path).then_some(index)
}

fn partial_suffix(width: u64) -> String {
    if width >= TILE_WIDTH {
        String::new()
    } else {
        format!(".p/{width}")
    }
}

/// A tile's bytes: its hashes one after the other.
#[must_use]
pub fn encode_tile(hashes: &[Hash]) -> Vec<u8> {
    hashes.concat()
}

/// Reads a tile of exactly `width` hashes.
#[must_use]
pub fn decode_tile(bytes: &[u8], width: usize) -> Option<Vec<Hash>> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    (rest.is_empty() && hashes.len() == width).then(|| hashes.to_vec())
}

/// Appends an entry to a bundle.
///
/// # Errors
/// An entry of more than [`MAX_ENTRY_BYTES`].
pub fn push_bundle_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> Result<(), EntryTooLong> {
    let length = u16::try_from(entry.len()).map_err(|_| EntryTooLong { bytes: entry.len() })?;
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    Ok(())
}

/// An entry that does not fit a bundle's 16-bit length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an entry of {bytes} bytes does not fit an entry bundle")]
pub struct EntryTooLong {
    pub bytes: usize,
}

/// The entries of a bundle, in order; `None` once where the bytes end inside an entry.
pub fn bundle_entries(bundle: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    let mut rest = Some(bundle);
    std::iter::from_fn(move || {
        let bytes = rest.filter(|b| !b.is_empty())?;
        let parsed = bytes.split_first_chunk::<2>().and_then(|(length, after)| {
            after.split_at_checked(usize::from(u16::from_be_bytes(*length)))
        });
        rest = parsed.map(|(_, after)| after);
        Some(parsed.map(|(entry, _)| entry))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        assert_eq!(tile_path(0, 1_234_067, 256), "tile/0/x001/x234/067");
        assert_eq!(tile_path(3, 7, 5), "tile/3/007.p/5");
        assert_eq!(bundle_path(999, 256), "tile/entries/999");
        assert_eq!(bundle_path(1000, 17), "tile/entries/x001/000.p/17");
    }

    #[test]
    fn index_paths_read_back_and_other_spellings_do_not() {
        for index in [0, 7, 999, 1000, 1_067, 1_234_067, u64::MAX] {
            assert_eq!(parse_index_path(&index_path(index)), Some(index));
        }
        for wrong in [
            "",
            "7",
            "0007",
            "x000/007",
            "001/067",
            "x001/x067",
            "x001/06a",
            "x001//067",
            "+07",
        ] {
            assert_eq!(parse_index_path(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn bundles_read_back_and_a_cut_shows() {
        let mut bundle = Vec::new();
        for entry in [&b"one"[..], b"", b"three"] {
            push_bundle_entry(&mut bundle, entry).unwrap();
        }
        let back: Vec<_> = bundle_entries(&bundle).collect();
        assert_eq!(back, vec![Some(&b"one"[..]), Some(b""), Some(b"three")]);
        assert_eq!(
            bundle_entries(&bundle[..bundle.len() - 1]).last(),
            Some(None)
        );
        assert!(push_bundle_entry(&mut bundle, &vec![0; 65_536]).is_err());
    }
}
