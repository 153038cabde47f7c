//! The log on a real disk, with its threads.

use crate::log_world::{ORIGIN, entry, signer, small};
use portcullis_store::log::{Entry, EntryError, Log, LogDown, LogError};
use portcullis_tlog::{Checkpoint, VerifierKey, leaf_hash, proof};
use std::sync::Arc;

fn open(dir: &std::path::Path) -> (Log, portcullis_store::log::Recovered) {
    Log::open(dir, signer(), ORIGIN, small()).unwrap()
}

#[test]
fn what_many_threads_record_is_read_back_and_proved_also_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let (log, recovered) = open(dir.path());
    assert!(recovered.created && recovered.size == 0);
    let log = Arc::new(log);
    let mut threads = Vec::new();
    for t in 0..8_u64 {
        let log = Arc::clone(&log);
        threads.push(std::thread::spawn(move || {
            (0..300_u64)
                .map(|i| {
                    (
                        t * 1000 + i,
                        log.append(entry(t * 1000 + i))
                            .unwrap()
                            .wait()
                            .unwrap()
                            .seq(),
                    )
                })
                .collect::<Vec<_>>()
        }));
    }
    let mut by_seq = std::collections::BTreeMap::new();
    for thread in threads {
        for (n, seq) in thread.join().unwrap() {
            assert_eq!(by_seq.insert(seq, n), None);
        }
    }
    check_all(&log, &by_seq);
    drop(Arc::into_inner(log).unwrap());

    let (log, recovered) = open(dir.path());
    assert_eq!(
        (
            recovered.size,
            recovered.closed_cleanly,
            recovered.torn_bytes
        ),
        (2400, true, 0)
    );
    check_all(&log, &by_seq);
    let more = log.append(entry(7)).unwrap().wait().unwrap();
    assert_eq!(more.seq(), 2400);
}

fn check_all(log: &Log, by_seq: &std::collections::BTreeMap<u64, u64>) {
    let size = log.size();
    assert_eq!(size, by_seq.len() as u64);
    let key = VerifierKey::parse(&log.vkey()).unwrap();
    let (checkpoint, _) = Checkpoint::open(&log.checkpoint().unwrap(), &key).unwrap();
    assert_eq!(checkpoint.size, size);
    for (stored, (seq, n)) in log.read(0, u64::MAX).zip(by_seq) {
        let stored = stored.unwrap();
        let written = entry(*n);
        assert_eq!(stored.seq, *seq);
        assert_eq!(stored.leaf, written.leaf());
        assert_eq!(stored.parts, written.body());
        if seq % 37 == 0 {
            let path = log.prove_inclusion(*seq, size).unwrap();
            let leaf = leaf_hash(&stored.leaf);
            proof::verify_inclusion(&leaf, *seq, size, &path, &checkpoint.root).unwrap();
            let older = log.root(*seq).unwrap();
            let path = log.prove_consistency(*seq, size).unwrap();
            proof::verify_consistency(*seq, &older, size, &checkpoint.root, &path).unwrap();
        }
    }
    assert_eq!(log.read(0, u64::MAX).count() as u64, size);
}

#[tokio::test]
async fn sessions_wait_for_their_record_and_followers_see_it() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path());
    let mut sizes = log.subscribe();
    let pending = log.append_all((0..5).map(entry).collect()).unwrap();
    let mut seqs = Vec::new();
    for one in pending {
        seqs.push(one.await.unwrap().seq());
    }
    assert_eq!(seqs, vec![0, 1, 2, 3, 4]);
    assert_eq!(*sizes.wait_for(|s| *s == 5).await.unwrap(), 5);
    log.close().unwrap();
    assert_eq!(log.append(entry(9)).unwrap_err(), LogDown::Closed);
}

#[test]
fn a_second_process_is_kept_out() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path());
    let again = Log::open(dir.path(), signer(), ORIGIN, small());
    assert!(matches!(again, Err(LogError::Locked)), "{again:?}");
    drop(log);
    open(dir.path());
}

#[test]
fn entries_beyond_the_limits_are_refused_before_they_are_queued() {
    let leaf = |n| Entry::new(vec![b' '; n], Vec::new());
    assert_eq!(
        leaf(4097).unwrap_err(),
        EntryError::LeafTooLong { bytes: 4097 }
    );
}

#[test]
fn an_entry_larger_than_a_segment_gets_one_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path());
    let part = portcullis_store::log::BodyPart::new("sql", [1; 16], vec![b'x'; 100_000]);
    use base64::Engine as _;
    let commitment = base64::engine::general_purpose::STANDARD.encode(part.commitment());
    let large = Entry::new(
        format!(r#"{{"body":{{"sql":"{commitment}"}}}}"#).into_bytes(),
        vec![part],
    )
    .unwrap();
    for n in 0..3 {
        let _ = log.append(entry(n)).unwrap().wait().unwrap();
        let _ = log.append(large.clone()).unwrap().wait().unwrap();
    }
    drop(log);
    let (log, recovered) = open(dir.path());
    assert_eq!(recovered.size, 6);
    assert_eq!(log.read(5, 6).next().unwrap().unwrap().parts, large.body());
}
