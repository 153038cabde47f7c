//! The log on a disk that stops, fails and fills up at chosen calls: what was recorded is there
//! afterwards, in order, and no signed checkpoint is ever contradicted.

use crate::log_sim_disk::{Cut, Fault, SimDisk};
use crate::log_world::{Dice, ORIGIN, entry, signer, small};
use portcullis_store::log::{
    Entry, Log, LogDown, LogError, Pending, Recovered, Step, VerifyOptions, verify_on,
};
use portcullis_tlog::{Checkpoint, VerifierKey, proof};
use std::path::Path;
use std::sync::{Arc, LazyLock};

const DIR: &str = "/data/log";
/// Entries are made once; a run takes them in order.
static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| (0..4000).map(entry).collect());

/// Crash points of a normal run; `LOG_CRASH_POINTS` asks for more.
fn points(normal: u64) -> u64 {
    std::env::var("LOG_CRASH_POINTS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(normal)
}

fn key() -> VerifierKey {
    VerifierKey::ed25519(ORIGIN, signer().verifying_key()).unwrap()
}

fn open(disk: &SimDisk) -> Result<(Log, Recovered), LogError> {
    Log::open_unthreaded(
        Arc::new(disk.clone()),
        Path::new(DIR),
        signer(),
        ORIGIN,
        small(),
    )
}

/// What a run was told and must find again.
#[derive(Default)]
struct Told {
    /// Seq and number of each entry with a `Recorded`.
    recorded: Vec<(u64, u64)>,
    /// Checkpoints that were signed.
    signed: Vec<String>,
    waiting: Vec<(u64, Pending)>,
    next: u64,
}

impl Told {
    fn append(&mut self, log: &Log, count: u64) {
        for _ in 0..count {
            let n = self.next;
            self.next += 1;
            if let Ok(pending) = log.append(ENTRIES[n as usize].clone()) {
                self.waiting.push((n, pending));
            }
        }
    }

    fn collect(&mut self) {
        let recorded = &mut self.recorded;
        self.waiting.retain(|(n, pending)| match pending.outcome() {
            Some(Ok(proof)) => {
                recorded.push((proof.seq(), *n));
                false
            }
            Some(Err(_)) => false,
            None => true,
        });
    }

    fn note_checkpoint(&mut self, disk: &SimDisk) {
        let on_disk = disk.read(&Path::new(DIR).join("checkpoint"));
        if let Some(text) = on_disk.and_then(|bytes| String::from_utf8(bytes).ok())
            && self.signed.last() != Some(&text)
        {
            self.signed.push(text);
        }
    }

    /// One random thing.
    fn act(&mut self, log: &Log, disk: &SimDisk, dice: &mut Dice) {
        match dice.below(8) {
            0..=2 => {
                let count = 1 + dice.below(70);
                self.append(log, count);
            }
            3..=5 => log.step(Step::Write),
            6 => log.step(Step::Publish),
            _ => {
                log.step(Step::Keep);
                self.note_checkpoint(disk);
                if let Ok(given_out) = log.checkpoint() {
                    self.signed.push(given_out);
                }
            }
        }
        self.collect();
    }

    /// Everything that was told is true of the log.
    fn check(&self, log: &Log, full: bool, what: &str) {
        let size = log.size();
        for (seq, n) in &self.recorded {
            assert!(
                *seq < size,
                "{what}: entry {seq} (number {n}) is lost; the log has {size}"
            );
        }
        let now = Checkpoint::open(&log.checkpoint().unwrap(), &key())
            .unwrap()
            .0;
        for text in &self.signed {
            let Ok((then, _)) = Checkpoint::open(text, &key()) else {
                continue;
            };
            let path = log.prove_consistency(then.size, now.size).unwrap();
            proof::verify_consistency(then.size, &then.root, now.size, &now.root, &path)
                .unwrap_or_else(|_| panic!("{what}: a fork of the checkpoint at {}", then.size));
        }
        let numbers: Vec<u64> = if full {
            self.numbers(log, 0, what)
        } else {
            Vec::new()
        };
        for (seq, n) in &self.recorded {
            if full {
                assert_eq!(numbers[*seq as usize], *n, "{what}: entry {seq} is another");
            }
        }
        assert!(
            numbers.windows(2).all(|w| w[0] < w[1]),
            "{what}: doubled or out of order"
        );
    }

    fn numbers(&self, log: &Log, from: u64, what: &str) -> Vec<u64> {
        log.read(from, u64::MAX)
            .map(|stored| {
                let stored = stored.unwrap_or_else(|e| panic!("{what}: {e}"));
                let text = std::str::from_utf8(&stored.leaf).unwrap();
                let n: u64 = text
                    .split("\"n\":")
                    .nth(1)
                    .unwrap()
                    .split(',')
                    .next()
                    .unwrap()
                    .parse()
                    .unwrap();
                let written = &ENTRIES[n as usize];
                assert_eq!(
                    (stored.leaf.as_slice(), stored.parts.as_slice()),
                    (written.leaf(), written.body())
                );
                n
            })
            .collect()
    }
}

fn verify(disk: &SimDisk, kept: Option<&String>, what: &str) {
    let options = VerifyOptions {
        kept_checkpoint: kept.cloned(),
        witnesses: Vec::new(),
    };
    verify_on(disk, Path::new(DIR), &key(), &options, &mut |_| {})
        .unwrap_or_else(|bad| panic!("{what}: {bad}"));
}

/// One run with one crash, or with another one during the recovery from the first.
fn crash_once(seed: u64) {
    let mut dice = Dice(seed);
    let disk = SimDisk::new(dice.roll());
    let mut told = Told::default();
    let cut = [Cut::Kill, Cut::Power, Cut::Torn, Cut::Torn][dice.below(4) as usize];
    let what = format!("seed {seed}, {cut:?}");
    disk.arm(1 + dice.below(500), Fault::Crash);
    if let Ok((log, _)) = open(&disk) {
        while !disk.is_dead() {
            if dice.below(60) == 0 {
                let _ = log.close();
                break;
            }
            told.act(&log, &disk, &mut dice);
        }
        told.collect();
    }
    disk.restart(cut);
    if dice.below(3) == 0 {
        disk.arm(1 + dice.below(40), Fault::Crash);
        if let Ok((log, _)) = open(&disk) {
            told.append(&log, 3);
            log.step(Step::Write);
            told.collect();
            drop(log);
        }
        disk.restart(cut);
    }
    // Verifying takes longer than all the rest; every third run does it.
    let verified = seed.is_multiple_of(3);
    if disk.read(&Path::new(DIR).join("checkpoint")).is_none() {
        assert!(
            told.recorded.is_empty() && told.signed.is_empty(),
            "{what}: the checkpoint is gone"
        );
    } else if verified {
        verify(&disk, told.signed.last(), &format!("{what}, crashed"));
    }
    let (log, _) = open(&disk).unwrap_or_else(|e| panic!("{what}: {e}"));
    told.check(&log, dice.below(4) == 0, &what);
    told.append(&log, 300);
    log.step(Step::Write);
    log.step(Step::Publish);
    told.collect();
    assert!(told.waiting.is_empty(), "{what}: the log does not go on");
    told.check(&log, false, &what);
    log.close().unwrap_or_else(|e| panic!("{what}: {e}"));
    if verified {
        verify(&disk, told.signed.last(), &format!("{what}, closed"));
    }
}

fn crash_many(first_seed: u64, count: u64) {
    println!("seeds {first_seed} to {}", first_seed + count - 1);
    for seed in first_seed..first_seed + count {
        crash_once(seed);
    }
    println!("{count} crash points");
}

#[test]
fn every_record_survives_a_crash_at_any_call_a() {
    crash_many(1_000_000, points(500));
}

#[test]
fn every_record_survives_a_crash_at_any_call_b() {
    crash_many(2_000_000, points(500));
}

/// The harness itself is tried: without syncs the same runs must lose records.
#[test]
fn a_disk_that_does_not_sync_is_found_out() {
    let mut lost = 0;
    for seed in 0..20 {
        let disk = SimDisk::new(seed);
        let mut told = Told::default();
        let (log, _) = open(&disk).unwrap();
        disk.stop_syncing();
        told.append(&log, 5);
        log.step(Step::Write);
        told.collect();
        assert_eq!(told.recorded.len(), 5);
        disk.arm(1, Fault::Crash);
        drop(log);
        disk.restart(Cut::Power);
        let kept = open(&disk).map_or(0, |(log, _)| log.size());
        lost += u64::from(kept < 5);
    }
    assert_eq!(lost, 20);
}

/// A full disk refuses and heals by itself; nothing is half appended.
#[test]
fn a_full_disk_heals_and_nothing_is_half_appended() {
    for seed in 0..points(60) {
        let mut dice = Dice(seed);
        let what = format!("full, seed {seed}");
        let disk = SimDisk::new(dice.roll());
        let mut told = Told::default();
        let (log, _) = open(&disk).unwrap();
        for _ in 0..3 {
            disk.arm(
                dice.below(120),
                Fault::Full {
                    calls: 1 + dice.below(80),
                },
            );
            for _ in 0..30 {
                told.act(&log, &disk, &mut dice);
                assert_ne!(
                    log.down(),
                    Some(LogDown::Failed),
                    "{what}: a full disk is no failure"
                );
            }
            disk.disarm();
            log.step(Step::Keep);
            log.step(Step::Publish);
            assert_eq!(log.down(), None, "{what}: did not heal");
            told.append(&log, 1);
            log.step(Step::Write);
            told.collect();
            assert!(told.waiting.is_empty());
        }
        told.check(&log, true, &what);
        // Killed right here, what was refused does not come back.
        let size = log.size();
        disk.arm(1, Fault::Crash);
        drop(log);
        disk.restart(Cut::Torn);
        verify(&disk, told.signed.last(), &what);
        let (log, recovered) = open(&disk).unwrap();
        assert_eq!(recovered.size, size, "{what}");
        told.check(&log, true, &what);
    }
}

/// After a failed call nothing is recorded any more, and a restart finds all that was.
#[test]
fn a_failing_disk_stops_the_log_until_it_is_opened_again() {
    let mut stopped = 0;
    for seed in 0..points(120) {
        let mut dice = Dice(seed);
        let what = format!("failing, seed {seed}");
        let disk = SimDisk::new(dice.roll());
        let mut told = Told::default();
        let (log, _) = open(&disk).unwrap();
        disk.arm(1 + dice.below(150), Fault::Eio);
        for _ in 0..40 {
            told.act(&log, &disk, &mut dice);
        }
        disk.disarm();
        if log.down() == Some(LogDown::Failed) {
            stopped += 1;
            let before = told.recorded.len();
            assert_eq!(log.append(entry(1)).unwrap_err(), LogDown::Failed);
            for step in [Step::Write, Step::Publish, Step::Keep] {
                log.step(step);
            }
            told.collect();
            assert_eq!(
                told.recorded.len(),
                before,
                "{what}: recorded after a failure"
            );
        }
        disk.arm(1, Fault::Crash);
        drop(log);
        disk.restart(if dice.below(2) == 0 {
            Cut::Torn
        } else {
            Cut::Kill
        });
        verify(&disk, told.signed.last(), &what);
        let (log, _) = open(&disk).unwrap_or_else(|e| panic!("{what}: {e}"));
        told.check(&log, true, &what);
    }
    assert!(stopped > 25, "{stopped}");
}
