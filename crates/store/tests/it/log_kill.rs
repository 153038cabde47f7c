//! Real `kill -9`: a child records and prints each seq it holds the proof for; killed at a random
//! moment, it has lost none of them.

use crate::log_world::{Dice, ORIGIN, entry, signer, small};
use portcullis_store::log::{Log, Options, VerifyOptions, verify};
use portcullis_tlog::VerifierKey;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const CHILD_DIR: &str = "LOG_KILL_CHILD_DIR";
const ROUNDS: u64 = 12;
/// R11.
const READY_WITHIN: Duration = Duration::from_secs(2);

/// Not a test by itself: what the child runs.
#[test]
fn child_that_records_until_it_is_killed() {
    let Some(dir) = std::env::var_os(CHILD_DIR) else {
        return;
    };
    let (log, recovered) = Log::open(Path::new(&dir), signer(), ORIGIN, small()).unwrap();
    let mut n = recovered.size;
    loop {
        let mut lines = String::new();
        for pending in log.append_all((n..n + 7).map(entry).collect()).unwrap() {
            lines.push_str(&format!("recorded {}\n", pending.wait().unwrap().seq()));
        }
        std::io::stdout().write_all(lines.as_bytes()).unwrap();
        n += 7;
    }
}

#[test]
fn nothing_recorded_is_lost_to_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let key = VerifierKey::ed25519(ORIGIN, signer().verifying_key()).unwrap();
    let seed = 7;
    println!("seed {seed}");
    let mut dice = Dice(seed);
    let mut recorded = 0;
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "log_kill::child_that_records_until_it_is_killed",
                "--nocapture",
            ])
            .env(CHILD_DIR, dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let mut kill_after = 1 + dice.below(900);
        for line in lines.lines().map_while(Result::ok) {
            if let Some(seq) = line.strip_prefix("recorded ") {
                recorded = recorded.max(seq.parse::<u64>().unwrap() + 1);
                kill_after -= 1;
            }
            if kill_after == 0 {
                break;
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let report = verify(dir.path(), &key, &VerifyOptions::default(), &mut |_| {})
            .unwrap_or_else(|bad| panic!("round {round}: {bad}"));
        assert!(
            report.size + report.unsigned_entries >= recorded,
            "round {round}: {report:?}"
        );
        assert!(!report.closed_cleanly && !report.live);
    }
    let (log, recovered) = Log::open(dir.path(), signer(), ORIGIN, small()).unwrap();
    assert!(
        recovered.size >= recorded && recorded > 100,
        "{recovered:?} {recorded}"
    );
    for (seq, stored) in (0..).zip(log.read(0, u64::MAX)) {
        let stored = stored.unwrap();
        assert_eq!(
            (stored.leaf.as_slice(), stored.seq),
            (entry(seq).leaf(), seq)
        );
    }
}

/// Many records, as a kill leaves them: ready in time, because static files are not read again.
/// `LOG_RECORDS=1000000` is the goal's own number, for an optimised build.
#[test]
fn many_records_are_ready_within_two_seconds() {
    let count: u64 = std::env::var("LOG_RECORDS").map_or(60_000, |n| n.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let one = entry(1);
    let (log, _) = Log::open(dir.path(), signer(), ORIGIN, Options::default()).unwrap();
    for _ in 0..count / 10_000 {
        let mut pending = log.append_all(vec![one.clone(); 10_000]).unwrap();
        let _ = pending.pop().unwrap().wait().unwrap();
    }
    // A copy of the files while the log is open is what a kill leaves; the original stays locked.
    // Segments first: what goes from them meanwhile lies in static files by then.
    let copy = tempfile::tempdir().unwrap();
    copy_dir(&dir.path().join("wal"), &copy.path().join("wal"));
    for name in ["tile", "bodies"] {
        copy_dir(&dir.path().join(name), &copy.path().join(name));
    }
    std::fs::copy(
        dir.path().join("checkpoint"),
        copy.path().join("checkpoint"),
    )
    .unwrap();
    let size = log.size();
    drop(log);

    let started = Instant::now();
    let (log, recovered) = Log::open(copy.path(), signer(), ORIGIN, Options::default()).unwrap();
    let appended = log.append(one).unwrap().wait().unwrap();
    let took = started.elapsed();
    println!(
        "ready after {took:?} with {} entries, {} unsigned",
        recovered.size, recovered.unsigned_entries
    );
    assert_eq!((recovered.size, appended.seq()), (size, size));
    assert!(took < READY_WITHIN, "{took:?}");
}

fn copy_dir(from: &Path, to: &Path) {
    // Static files come with time; there may be none yet.
    let Ok(items) = std::fs::read_dir(from) else {
        return;
    };
    std::fs::create_dir_all(to).unwrap();
    for item in items {
        let path = item.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_dir(&path, &target);
        } else if path.extension().is_none_or(|e| e != "tmp") {
            // A temporary or an old segment may go away meanwhile.
            let _ = std::fs::copy(&path, &target);
        }
    }
}
