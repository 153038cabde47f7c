//! That nothing lies in the log's directory but what belongs there.

use super::super::forget::FORGET_TEMPORARY;
use super::super::keeper::{CHECKPOINT_NAME, CHECKPOINT_TEMPORARY};
use super::super::segment::{TEMPORARY, parse_segment_name};
use super::super::tail::tile_end;
use super::segments::Segments;
use super::{FirstBad, GrowingTree, Place, bad, unreadable};
use portcullis_tlog::tile::{MAX_TILE_LEVEL, TILE_WIDTH, parse_index_path};

/// Deeper folders than an index path of a `u64` has are strangers.
const MAX_DEPTH: usize = 12;

/// Walks the directory; tells what a crash left unfinished.
pub(super) fn account_for_all(
    place: &Place<'_>,
    segments: &Segments,
    tree: &GrowingTree,
) -> Result<Vec<String>, FirstBad> {
    let mut leftovers = Vec::new();
    let mut walk = vec![(String::new(), 0)];
    while let Some((folder, depth)) = walk.pop() {
        let mut names = place
            .disk
            .list(&place.dir.join(&folder))
            .map_err(|e| unreadable(if folder.is_empty() { "." } else { &folder }, &e))?;
        names.sort_unstable();
        for (name, is_dir) in names {
            let path = if folder.is_empty() {
                name
            } else {
                format!("{folder}/{name}")
            };
            if is_dir && depth < MAX_DEPTH {
                walk.push((path, depth + 1));
                continue;
            }
            match judge(&path, segments, tree) {
                Kind::Belongs => {}
                Kind::Unfinished if place.live => {}
                Kind::Unfinished if !segments.closed => leftovers.push(path),
                Kind::Unfinished | Kind::Strange => {
                    return Err(bad(&path, "no such file belongs here"));
                }
            }
        }
    }
    Ok(leftovers)
}

enum Kind {
    /// Was read and judged before.
    Belongs,
    /// May be there after a crash, or while a server runs.
    Unfinished,
    Strange,
}

fn judge(path: &str, segments: &Segments, tree: &GrowingTree) -> Kind {
    if path == CHECKPOINT_NAME {
        return Kind::Belongs;
    }
    if path == CHECKPOINT_TEMPORARY || path == FORGET_TEMPORARY {
        return Kind::Unfinished;
    }
    if let Some(name) = path.strip_prefix("wal/") {
        return match (
            parse_segment_name(name),
            name.strip_suffix(TEMPORARY).and_then(parse_segment_name),
        ) {
            (Some(_), _) => Kind::Belongs,
            (None, Some(_)) => Kind::Unfinished,
            (None, None) => Kind::Strange,
        };
    }
    let (name, temporary) = match path.strip_suffix(TEMPORARY) {
        Some(name) => (name, true),
        None => (path, false),
    };
    let Some(end) = static_file_end(name) else {
        return Kind::Strange;
    };
    if end <= tree.published && !temporary {
        return Kind::Belongs;
    }
    // What recovery will make or make again lies between the published and the recorded.
    let in_reach =
        end > segments.first_seq && end <= segments.end_seq().next_multiple_of(TILE_WIDTH);
    if in_reach {
        Kind::Unfinished
    } else {
        Kind::Strange
    }
}

/// One past the last entry that a static file is about.
fn static_file_end(name: &str) -> Option<u64> {
    if let Some(index) = name
        .strip_prefix("bodies/")
        .or_else(|| name.strip_prefix("tile/entries/"))
    {
        return Some(tile_end(0, parse_index_path(index)?));
    }
    let (level, index) = name.strip_prefix("tile/")?.split_once('/')?;
    let level: u8 = level
        .parse()
        .ok()
        .filter(|l: &u8| *l <= MAX_TILE_LEVEL && l.to_string() == level)?;
    Some(tile_end(level, parse_index_path(index)?))
}
