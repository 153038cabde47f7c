//! How the log compares with a bare group commit on the same disk, and how fast it verifies.
//!
//! `cargo run --release -p portcullis-store --example log_bench [DIR] [SECONDS]`; figures of one run
//! travel only as ratios.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a bench stops at the first surprise"
)]

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::SigningKey;
use parking_lot::{Condvar, Mutex};
use portcullis_store::log::{BodyPart, Entry, Log, Options, VerifyOptions, verify};
use portcullis_tlog::VerifierKey;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const SEGMENT: usize = 64 * 1024 * 1024;
const ROUNDS: usize = 5;

fn main() {
    let mut args = std::env::args().skip(1);
    let dir = args
        .next()
        .map_or_else(std::env::temp_dir, PathBuf::from)
        .join("portcullis-log-bench");
    let time = Duration::from_secs_f64(args.next().map_or(1.0, |s| s.parse().unwrap()));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    println!("threads  bare/s (p50 us)   log/s (p50 us)   bare : log (median of {ROUNDS} rounds)");
    for threads in [1, 8, 32] {
        let mut rounds: Vec<(f64, Run, Run)> = (0..ROUNDS)
            .map(|_| {
                let bare = bare(&dir, threads, time);
                let log = log(&dir, threads, time);
                (bare.per_second / log.per_second, bare, log)
            })
            .collect();
        rounds.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (ratio, bare, log) = &rounds[ROUNDS / 2];
        println!(
            "{threads:>7}  {:>8.0} ({:>5.0})   {:>8.0} ({:>5.0})   {ratio:.2}",
            bare.per_second, bare.p50_us, log.per_second, log.p50_us
        );
    }
    verify_speed(&dir);
    std::fs::remove_dir_all(&dir).unwrap();
}

struct Run {
    per_second: f64,
    p50_us: f64,
}

/// `record` over and over on so many threads.
fn run(threads: usize, time: Duration, record: impl Fn() + Sync) -> Run {
    let stop = AtomicBool::new(false);
    let started = Instant::now();
    let mut all: Vec<f64> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut times = Vec::new();
                    while !stop.load(Ordering::Relaxed) {
                        let from = Instant::now();
                        record();
                        times.push(from.elapsed().as_secs_f64() * 1e6);
                    }
                    times
                })
            })
            .collect();
        std::thread::sleep(time);
        stop.store(true, Ordering::Relaxed);
        workers
            .into_iter()
            .flat_map(|w| w.join().unwrap())
            .collect()
    });
    let per_second = all.len() as f64 / started.elapsed().as_secs_f64();
    all.sort_by(f64::total_cmp);
    Run {
        per_second,
        p50_us: all.get(all.len() / 2).copied().unwrap_or(0.0),
    }
}

/// 200 bytes a record into a preallocated, zeroed file; one writer thread.
fn bare(dir: &Path, threads: usize, time: Duration) -> Run {
    #[derive(Default)]
    struct Group {
        waiting: Vec<u8>,
        taken: u64,
        queued: u64,
        end: bool,
    }
    let path = dir.join("bare");
    let file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .read(true)
        .write(true)
        .open(&path)
        .unwrap();
    file.write_all_at(&vec![0; SEGMENT], 0).unwrap();
    file.sync_all().unwrap();
    let (group, filled, synced) = (Mutex::new(Group::default()), Condvar::new(), Condvar::new());
    let writer = |file: &File| {
        let mut at = 0;
        loop {
            let (bytes, upto) = {
                let mut group = group.lock();
                while group.waiting.is_empty() {
                    if group.end {
                        return;
                    }
                    filled.wait(&mut group);
                }
                (std::mem::take(&mut group.waiting), group.queued)
            };
            if at + bytes.len() > SEGMENT {
                at = 0;
            }
            file.write_all_at(&bytes, at as u64).unwrap();
            file.sync_data().unwrap();
            at += bytes.len();
            group.lock().taken = upto;
            synced.notify_all();
        }
    };
    let result = std::thread::scope(|scope| {
        scope.spawn(|| writer(&file));
        let result = run(threads, time, || {
            let mut group = group.lock();
            group.waiting.extend_from_slice(&[7; 200]);
            group.queued += 1;
            let mine = group.queued;
            filled.notify_one();
            while group.taken < mine {
                synced.wait(&mut group);
            }
        });
        group.lock().end = true;
        filled.notify_one();
        result
    });
    std::fs::remove_file(path).unwrap();
    result
}

fn log(dir: &Path, threads: usize, time: Duration) -> Run {
    let path = dir.join("log");
    let _ = std::fs::remove_dir_all(&path);
    let (log, _) = Log::open(&path, signer(), ORIGIN, Options::default()).unwrap();
    let log = Arc::new(log);
    let entry = small_entry();
    let result = run(threads, time, || {
        let _ = log.append(entry.clone()).unwrap().wait().unwrap();
    });
    drop(log);
    result
}

const ORIGIN: &str = "portcullis.bench/log";

fn signer() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

/// A statement's record: about 200 bytes of leaf, a short text beside it.
fn small_entry() -> Entry {
    let part = BodyPart::new(
        "sql",
        [3; 16],
        b"select abalance from accounts where aid = 1234567".to_vec(),
    );
    entry(vec![part], 100)
}

fn entry(parts: Vec<BodyPart>, filler: usize) -> Entry {
    let body: Vec<String> = parts
        .iter()
        .map(|p| format!(r#""{}":"{}""#, p.label, STANDARD.encode(p.commitment())))
        .collect();
    let leaf = format!(
        r#"{{"kind":"statement","session":"{}","body":{{{}}}}}"#,
        "s".repeat(filler),
        body.join(",")
    );
    Entry::new(leaf.into_bytes(), parts).unwrap()
}

fn verify_speed(dir: &Path) {
    let path = dir.join("log");
    for (name, entries, content) in [
        ("small records", 200_000, 50),
        ("records with 4 KiB of subjects", 60_000, 4096),
    ] {
        let _ = std::fs::remove_dir_all(&path);
        let (log, _) = Log::open(&path, signer(), ORIGIN, Options::default()).unwrap();
        let one = entry(
            vec![BodyPart::new("subjects", [3; 16], vec![9; content])],
            100,
        );
        for _ in 0..entries / 1000 {
            for pending in log.append_all(vec![one.clone(); 1000]).unwrap() {
                let _ = pending.wait().unwrap();
            }
        }
        log.close().unwrap();
        let key = VerifierKey::ed25519(ORIGIN, signer().verifying_key()).unwrap();
        let started = Instant::now();
        let report = verify(&path, &key, &VerifyOptions::default(), &mut |_| {}).unwrap();
        let seconds = started.elapsed().as_secs_f64();
        println!(
            "verify, {name}: {:.0} MB/s, {:.0} entries/s",
            report.bytes as f64 / 1e6 / seconds,
            report.size as f64 / seconds
        );
        let started = Instant::now();
        drop(Log::open(&path, signer(), ORIGIN, Options::default()).unwrap());
        println!(
            "open and close with {} entries: {:.0} ms",
            report.size,
            started.elapsed().as_secs_f64() * 1e3
        );
    }
}
