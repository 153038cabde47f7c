//! Whatever is changed in a closed log's files, verification notices.

use crate::log_world::{Dice, ORIGIN, entry, signer, small};
use portcullis_store::log::{FirstBad, Log, Report, VerifyOptions, verify};
use portcullis_tlog::VerifierKey;
use std::path::{Path, PathBuf};

fn key() -> VerifierKey {
    VerifierKey::ed25519(ORIGIN, signer().verifying_key()).unwrap()
}

fn check(dir: &Path) -> Result<Report, FirstBad> {
    verify(dir, &key(), &VerifyOptions::default(), &mut |_| {})
}

fn closed_log(dir: &Path, entries: u64) {
    let (log, _) = Log::open(dir, signer(), ORIGIN, small()).unwrap();
    for pending in log.append_all((0..entries).map(entry).collect()).unwrap() {
        let _ = pending.wait().unwrap();
    }
    log.close().unwrap();
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut walk = vec![dir.to_path_buf()];
    while let Some(folder) = walk.pop() {
        for item in std::fs::read_dir(folder).unwrap() {
            let path = item.unwrap().path();
            if path.is_dir() {
                walk.push(path)
            } else {
                found.push(path)
            }
        }
    }
    found.sort();
    found
}

/// Makes a change, demands that it is noticed, and takes it back.
struct Tamper<'a> {
    dir: &'a Path,
    count: u64,
}

impl Tamper<'_> {
    fn noticed(&mut self, what: &str, touched: &[&Path], change: impl FnOnce()) {
        let before: Vec<_> = touched.iter().map(|p| std::fs::read(p).ok()).collect();
        change();
        let outcome = check(self.dir);
        for (path, bytes) in touched.iter().zip(before) {
            match bytes {
                Some(bytes) => std::fs::write(path, bytes).unwrap(),
                None => std::fs::remove_file(path).unwrap(),
            }
        }
        self.count += 1;
        let found = outcome.expect_err(what);
        assert!(
            !found.why.is_empty() && !found.place.is_empty(),
            "{what}: {found}"
        );
    }

    fn rewrite(&mut self, what: &str, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = std::fs::read(path).unwrap();
        change(&mut bytes);
        let what = format!("{what} in {}", path.display());
        self.noticed(&what, &[path], || std::fs::write(path, &bytes).unwrap());
    }
}

#[test]
fn no_flip_cut_deletion_or_exchange_goes_unnoticed() {
    let seed = 20_261_122;
    println!("seed {seed}");
    let mut dice = Dice(seed);
    let dir = tempfile::tempdir().unwrap();
    closed_log(dir.path(), 700);
    let report = check(dir.path()).unwrap();
    assert_eq!(
        (report.size, report.closed_cleanly, report.torn_bytes),
        (700, true, 0)
    );
    assert!(report.leftovers.is_empty() && report.unsigned_entries == 0);

    let all = files(dir.path());
    assert!(all.len() > 8, "{all:?}");
    let mut tamper = Tamper {
        dir: dir.path(),
        count: 0,
    };
    for path in &all {
        let length = std::fs::metadata(path).unwrap().len() as usize;
        let mut places: Vec<usize> = (0..8).chain(length - 8..length).collect();
        places.extend((0..40).map(|_| dice.below(length as u64) as usize));
        for at in places {
            let bit = 1 << dice.below(8);
            tamper.rewrite(&format!("bit {bit} of byte {at}"), path, |b| b[at] ^= bit);
        }
        for _ in 0..4 {
            let to = dice.below(length as u64) as usize;
            tamper.rewrite(&format!("cut to {to}"), path, |b| b.truncate(to));
            let from = dice.below(length as u64) as usize;
            let count = 1 + dice.below(64) as usize;
            tamper.rewrite(&format!("{count} bytes from {from} doubled"), path, |b| {
                let piece = b[from..(from + count).min(length)].to_vec();
                b.splice(from..from, piece);
            });
        }
        tamper.rewrite("cut to nothing", path, Vec::clear);
        tamper.rewrite("the last byte cut", path, |b| b.truncate(length - 1));
        for added in [0, 1, b'\n'] {
            tamper.rewrite(&format!("byte {added} added"), path, |b| b.push(added));
        }
        tamper.noticed(&format!("{} deleted", path.display()), &[path], || {
            std::fs::remove_file(path).unwrap();
        });
        let doubled = path.with_extension("copy");
        tamper.noticed(&format!("{} doubled", path.display()), &[&doubled], || {
            std::fs::copy(path, &doubled).unwrap();
        });
    }
    for (i, one) in all.iter().enumerate() {
        for other in &all[i + 1..] {
            tamper.noticed(
                &format!("{} and {} exchanged", one.display(), other.display()),
                &[one, other],
                || {
                    let (a, b) = (std::fs::read(one).unwrap(), std::fs::read(other).unwrap());
                    std::fs::write(one, b).unwrap();
                    std::fs::write(other, a).unwrap();
                },
            );
        }
    }
    for strange in [
        "x",
        "wal/00000001.seg.tmp",
        "wal/notes",
        "tile/0/000.tmp",
        "tile/entries/009",
        "bodies/x000/000",
    ] {
        let path = dir.path().join(strange);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        tamper.noticed(&format!("{strange} added"), &[&path], || {
            std::fs::write(&path, b"").unwrap()
        });
    }
    check(dir.path()).unwrap();
    println!("{} changes, none unnoticed", tamper.count);
    assert!(tamper.count > 900, "{}", tamper.count);
}
