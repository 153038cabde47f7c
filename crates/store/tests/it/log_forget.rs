//! A part that was removed lawfully is gone from every file, and everything still verifies.

use crate::log_sim_disk::{Cut, Fault, SimDisk};
use crate::log_world::{ORIGIN, entry, signer, small};
use portcullis_store::log::{Entry, Log, LogError, Step, VerifyOptions, verify, verify_on};
use portcullis_tlog::VerifierKey;
use std::path::Path;
use std::sync::Arc;

fn open(dir: &Path) -> Log {
    Log::open(dir, signer(), ORIGIN, small()).unwrap().0
}

fn check(dir: &Path) -> Result<Vec<(u64, String, u64)>, String> {
    let key = VerifierKey::ed25519(ORIGIN, signer().verifying_key()).unwrap();
    verify(dir, &key, &VerifyOptions::default(), &mut |_| {})
        .map(|report| report.withheld)
        .map_err(|bad| bad.to_string())
}

fn record(log: &Log, entry: Entry) -> u64 {
    log.append(entry).unwrap().wait().unwrap().seq()
}

fn removal(seq: u64, label: &str) -> Entry {
    let leaf =
        format!(r#"{{"kind":"body.withheld","withholds":[{{"seq":{seq},"label":"{label}"}}]}}"#);
    Entry::new(leaf.into_bytes(), Vec::new()).unwrap()
}

/// A live log's temporary files and old segments may go away while it is walked.
fn found_anywhere(dir: &Path, needle: &[u8]) -> bool {
    std::fs::read_dir(dir).unwrap().any(|item| {
        let path = item.unwrap().path();
        if path.is_dir() {
            return found_anywhere(&path, needle);
        }
        std::fs::read(path).is_ok_and(|bytes| bytes.windows(needle.len()).any(|w| w == needle))
    })
}

#[test]
fn a_part_is_forgotten_wherever_it_lies() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(dir.path());
    for pending in log.append_all((0..600).map(entry).collect()).unwrap() {
        let _ = pending.wait().unwrap();
    }
    log.close().unwrap();
    log = open(dir.path());
    // In static files alone, in static files and the current segment, in the segment alone.
    let mut expected = Vec::new();
    for seq in [3, 255, 256, 511, 512, 599] {
        let needle = format!("select {seq} from");
        assert!(found_anywhere(dir.path(), needle.as_bytes()));
        let by = record(&log, removal(seq, "sql"));
        log.forget(seq, "sql", by).unwrap();
        log.forget(seq, "sql", by).unwrap();
        assert!(
            !found_anywhere(dir.path(), needle.as_bytes()),
            "entry {seq}"
        );
        expected.push((seq, "sql".to_owned(), by));
        assert_eq!(check(dir.path()).unwrap(), expected, "while open");
        let stored = log.read(seq, seq + 1).next().unwrap().unwrap();
        assert_eq!((stored.part("sql"), stored.withheld[0].by_seq), (None, by));
        assert_eq!(stored.leaf, entry(seq).leaf());
        // The log goes on, in the segment that was put in place.
        record(&log, entry(seq + 1000));
    }
    log.close().unwrap();
    assert_eq!(check(dir.path()).unwrap(), expected);
    log = open(dir.path());
    for pending in log.append_all((2000..2300).map(entry).collect()).unwrap() {
        let _ = pending.wait().unwrap();
    }
    drop(log);
    assert_eq!(check(dir.path()).unwrap(), expected);
}

#[test]
fn nothing_is_removed_that_is_not_on_record() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    for n in 0..5 {
        record(&log, entry(n));
    }
    let by = record(&log, removal(3, "sql"));
    assert!(matches!(
        log.forget(2, "sql", by),
        Err(LogError::RemovalNotRecorded { .. })
    ));
    assert!(matches!(
        log.forget(3, "subjects", by),
        Err(LogError::RemovalNotRecorded { .. })
    ));
    assert!(matches!(
        log.forget(9, "sql", by),
        Err(LogError::NoSuchEntry { seq: 9, size: 6 })
    ));
    let by = record(&log, removal(4, "nothing"));
    assert!(matches!(
        log.forget(4, "nothing", by),
        Err(LogError::NoSuchPart { .. })
    ));
}

/// Stopped at each call of a removal in turn: everything verifies, and repeating it finishes it.
#[test]
fn a_removal_that_a_crash_interrupts_is_finished_by_repeating_it() {
    let dir = Path::new("/data/log");
    let key = VerifierKey::ed25519(ORIGIN, signer().verifying_key()).unwrap();
    let mut points = 0;
    for (seq, cut) in [
        (3, Cut::Torn),
        (255, Cut::Kill),
        (511, Cut::Torn),
        (512, Cut::Power),
        (599, Cut::Torn),
    ] {
        for at in 1.. {
            let disk = SimDisk::new(at);
            let on = || {
                Log::open_unthreaded(Arc::new(disk.clone()), dir, signer(), ORIGIN, small())
                    .unwrap()
                    .0
            };
            let what = format!("entry {seq}, {cut:?}, call {at}");
            let log = on();
            for n in (0..600).chain([1000]) {
                let next = if n == 1000 {
                    removal(seq, "sql")
                } else {
                    entry(n)
                };
                drop(log.append(next).unwrap());
            }
            log.step(Step::Write);
            log.step(Step::Publish);
            disk.arm(at, Fault::Crash);
            let done = log.forget(seq, "sql", 600).is_ok();
            disk.arm(1, Fault::Crash);
            drop(log);
            disk.restart(cut);
            let check = || {
                verify_on(&disk, dir, &key, &VerifyOptions::default(), &mut |_| {})
                    .unwrap_or_else(|bad| panic!("{what}: {bad}"))
            };
            assert!(!done || check().withheld.len() == 1, "{what}");
            let log = on();
            log.forget(seq, "sql", 600).unwrap();
            log.close().unwrap();
            assert_eq!(
                check().withheld,
                vec![(seq, "sql".to_owned(), 600)],
                "{what}"
            );
            points += 1;
            if done {
                break;
            }
        }
    }
    println!("{points} crash points");
    assert!(points > 60, "{points}");
}
