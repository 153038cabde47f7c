//! R2 and R3: durable means synced, and a log that can't be written means no rows. `strace` watches the
//! gate's system calls, or makes them fail.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use portcullis_harness::{Gate, GateOptions, PgCluster, sample};
use rustix::process::{Pid, Signal, kill_process};
use tokio_postgres::Client;

use crate::world::{World, ask, clinic, run, session};

const PROBES: u32 = 40;

/// One system call of the trace, whole: what `strace -f` prints in two pieces is put together, at the
/// place where it returned; `begun` is the line on which it began.
struct Call {
    name: String,
    /// From the parenthesis to the result.
    text: String,
    begun: usize,
}

fn calls(trace: &str) -> Vec<Call> {
    let mut pending: HashMap<&str, (usize, String)> = HashMap::new();
    let mut calls = Vec::new();
    for (line_number, line) in trace.lines().enumerate() {
        let Some((thread, rest)) = line.split_once(' ') else {
            continue;
        };
        let rest = rest.trim_start();
        if let Some(begin) = rest.strip_suffix("<unfinished ...>") {
            pending.insert(thread, (line_number, begin.to_owned()));
            continue;
        }
        let (begun, whole) = match rest.strip_prefix("<... ") {
            Some(resumed) => {
                let Some((begun, begin)) = pending.remove(thread) else {
                    continue;
                };
                let end = resumed.split_once("resumed>").map_or("", |(_, end)| end);
                (begun, begin + end)
            }
            None => (line_number, rest.to_owned()),
        };
        if let Some((name, text)) = whole.split_once('(') {
            calls.push(Call {
                name: name.to_owned(),
                text: text.to_owned(),
                begun,
            });
        }
    }
    calls
}

impl Call {
    fn is_one_of(&self, names: &[&str]) -> bool {
        names.contains(&self.name.as_str())
    }

    /// With `strace -y`: the file behind the descriptor in the first argument.
    fn path(&self) -> &str {
        let inside = self.text.split_once('<').map_or("", |(_, rest)| rest);
        inside.split_once('>').map_or("", |(path, _)| path)
    }

    fn is_on_wal(&self) -> bool {
        self.path().contains("/log/wal/")
    }

    fn result(&self) -> &str {
        self.text
            .rsplit_once(" = ")
            .map_or("", |(_, result)| result.trim())
    }
}

const TAKES: [&str; 4] = ["read", "recvfrom", "recvmsg", "readv"];
const GIVES: [&str; 4] = ["write", "sendto", "sendmsg", "writev"];
const PUTS: [&str; 3] = ["pwrite64", "pwritev", "pwritev2"];
const SYNCS: [&str; 2] = ["fdatasync", "fsync"];

/// Looks up `PROBES` patients, one after the other, with the gate under `strace`; the trace.
fn traced(trace_more: &[&str]) -> (World, String) {
    let cluster = PgCluster::start_usual().unwrap();
    sample::load_clinic(&cluster, "hospital", 300).unwrap();
    let trace = cluster.dir().join("trace");
    let mut wrapped_in = vec!["strace", "-D", "-f", "-qq", "-y", "-e", "signal=none", "-e"];
    let watched = [&TAKES[..], &GIVES, &PUTS, &SYNCS].concat().join(",");
    let watched = format!("trace={watched}");
    wrapped_in.push(&watched);
    wrapped_in.extend(trace_more);
    let trace_path = trace.display().to_string();
    wrapped_in.extend(["-o", &trace_path, "--"]);
    let wrapped_in = wrapped_in.into_iter().map(str::to_owned).collect();
    let gate = Gate::start_with(GateOptions {
        wrapped_in,
        ..Default::default()
    })
    .unwrap();
    gate.apply_clinic(&cluster, |contract| contract).unwrap();
    let connect = gate.grant_clinic().unwrap();
    let mut world = World {
        gate,
        connect,
        _cluster: cluster,
    };
    run(async {
        let client = session(&world.connect, "probes").await.unwrap();
        for key in probes() {
            let sql = format!(
                "select /*probe-{key}-*/ patient_id, id_card from clinic.patients where patient_id = {key}"
            );
            assert_eq!(ask(&client, &sql).await.keys, [key as i32]);
        }
        world.gate.kill9(); // while the session is idle: nothing more is written
    });
    let trace = fs::read_to_string(trace).unwrap();
    (world, trace)
}

/// Keys of visible patients.
fn probes() -> impl Iterator<Item = u32> {
    (101..).filter(|key| key % 10 != 0).take(PROBES as usize)
}

/// Where each probe's statement was read, and where its row went out to the client.
fn asked_and_released(calls: &[Call], key: u32) -> (usize, usize) {
    let statement = format!("/*probe-{key}-*/");
    let row = format!("**********{key:04}");
    let asked = calls
        .iter()
        .position(|call| call.is_one_of(&TAKES) && call.text.contains(&statement));
    let asked = asked.unwrap_or_else(|| panic!("the trace lacks the statement of {key}"));
    let released = calls
        .iter()
        .skip(asked)
        .position(|call| call.is_one_of(&GIVES) && call.text.contains(&row));
    let released = released.unwrap_or_else(|| panic!("the trace lacks the row of {key}"));
    (asked, asked + released)
}

#[test]
fn the_sync_of_the_record_returns_before_the_row_goes_out() {
    let (_world, trace) = traced(&["-s", "4096"]);
    let calls = calls(&trace);
    for key in probes() {
        let (asked, released) = asked_and_released(&calls, key);
        let between = &calls[asked..released];
        let put = between
            .iter()
            .find(|call| call.is_one_of(&PUTS) && call.is_on_wal());
        let put =
            put.unwrap_or_else(|| panic!("probe {key}: nothing recorded before its row went out"));
        let synced = between.iter().any(|call| {
            call.is_one_of(&SYNCS)
                && call.is_on_wal()
                && call.begun > put.begun
                && call.result() == "0"
        });
        assert!(
            synced,
            "probe {key}: its row went out before the sync of its record returned"
        );
    }
}

/// One file's writes.
#[derive(Default)]
struct Writes {
    synced: Vec<(usize, Vec<u8>)>,
    /// Since the last sync: a machine that stops loses them.
    unsynced: Vec<(usize, Vec<u8>)>,
}

impl Writes {
    /// The file as it would be if the machine had stopped. New segments are zeros, so zeros are what
    /// a lost write leaves.
    fn survive(&self, mut content: Vec<u8>) -> Vec<u8> {
        let mut put = |offset: usize, bytes: &[u8]| {
            content[offset..offset + bytes.len()].copy_from_slice(bytes);
        };
        for (offset, bytes) in &self.unsynced {
            put(*offset, &vec![0; bytes.len()]);
        }
        for (offset, bytes) in &self.synced {
            put(*offset, bytes);
        }
        content
    }
}

/// The trace's writes to the write-ahead log, by file.
fn writes(calls: &[Call]) -> HashMap<PathBuf, Writes> {
    let mut files: HashMap<PathBuf, Writes> = HashMap::new();
    for call in calls.iter().filter(|call| call.is_on_wal()) {
        // A segment gets its name when it is whole.
        let file = files
            .entry(PathBuf::from(call.path().trim_end_matches(".tmp")))
            .or_default();
        if call.name == "pwrite64" {
            file.unsynced.push(written(call));
        } else if call.is_one_of(&SYNCS) && call.result() == "0" {
            file.synced.append(&mut file.unsynced);
        }
    }
    files
}

/// The bytes and the offset of a `pwrite64(…, "\x01…", LENGTH, OFFSET) = RESULT`.
fn written(call: &Call) -> (usize, Vec<u8>) {
    let (_, from_quote) = call.text.split_once('"').unwrap();
    let (hex, rest) = from_quote.split_once('"').unwrap();
    let mut numbers = rest
        .split([',', ')'])
        .filter_map(|word| word.trim().parse::<usize>().ok());
    let (length, offset) = (numbers.next().unwrap(), numbers.next().unwrap());
    let mut bytes: Vec<u8> = hex
        .split("\\x")
        .skip(1)
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect();
    if bytes.len() < length {
        // Cut by strace: only the zeros of a new segment are so long.
        assert!(
            rest.starts_with("...") && bytes.iter().all(|byte| *byte == 0),
            "a long write"
        );
        bytes.resize(length, 0);
    }
    (offset, bytes)
}

#[test]
fn what_was_not_synced_is_lost_and_nothing_released_with_it() {
    let (mut world, trace) = traced(&["-xx", "-s", "200000"]);
    let writes = writes(&calls(&with_readable_paths(&trace)));
    assert!(!writes.is_empty(), "no write-ahead log in the trace");
    for (path, writes) in &writes {
        // A segment that has been published and removed isn't needed.
        if let Ok(content) = fs::read(path) {
            fs::write(path, writes.survive(content)).unwrap();
        }
    }
    let _ = fs::remove_dir_all(world.gate.data_dir().join("cache"));
    world.gate.restart().unwrap();
    let statements = world.gate.events("statement").unwrap();
    let recorded: HashSet<&str> = statements
        .iter()
        .filter(|event| event["rows"].as_u64() >= Some(1))
        .filter_map(|event| event["sql"].as_str())
        .collect();
    for key in probes() {
        let probe = format!("/*probe-{key}-*/");
        assert!(
            recorded.iter().any(|sql| sql.contains(&probe)),
            "released but lost: {probe}; on record: {statements:#?}"
        );
    }
}

/// `strace -xx` writes paths in hexadecimal too.
fn with_readable_paths(trace: &str) -> String {
    let mut readable = String::with_capacity(trace.len());
    for line in trace.lines() {
        match (line.find('<'), line.find('>')) {
            (Some(from), Some(to)) if from < to && line[from..to].contains("\\x") => {
                readable.push_str(&line[..=from]);
                for pair in line[from + 1..to].split("\\x").skip(1) {
                    readable.push(char::from(u8::from_str_radix(pair, 16).unwrap()));
                }
                readable.push_str(&line[to..]);
            }
            _ => readable.push_str(line),
        }
        readable.push('\n');
    }
    readable
}

/// `strace` on the running gate, making its calls fail until dropped.
struct Fault {
    strace: Child,
}

impl Fault {
    fn on(gate: &Gate, inject: &str, log: &Path) -> Self {
        let calls = inject.split(':').next().unwrap();
        let strace = Command::new("strace")
            .args(["-f", "-qq", "-p", &gate.pid().unwrap().to_string()])
            .args([
                "-e",
                &format!("trace={calls}"),
                "-e",
                &format!("inject={inject}"),
            ])
            .args(["-e", "signal=none", "-o"])
            .arg(log)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        // Attached once the kernel says so.
        let until = Instant::now() + Duration::from_secs(5);
        let status = format!("/proc/{}/status", gate.pid().unwrap());
        while !fs::read_to_string(&status)
            .unwrap()
            .contains(&format!("TracerPid:\t{}", strace.id()))
        {
            assert!(Instant::now() < until, "strace can't attach here");
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(100)); // the other threads
        Self { strace }
    }
}

impl Drop for Fault {
    fn drop(&mut self) {
        if let Some(pid) = Pid::from_raw(self.strace.id() as i32) {
            let _ = kill_process(pid, Signal::INT); // detaches; the gate lives on
        }
        let _ = self.strace.wait();
    }
}

async fn refused_58030(client: &Client, key: u32) {
    let from = Instant::now();
    let outcome = ask(
        client,
        &format!("select patient_id from clinic.patients where patient_id = {key}"),
    )
    .await;
    assert_eq!(outcome.keys, [] as [i32; 0], "no row without a record");
    assert_eq!(outcome.sqlstate(), Some("58030"), "{}", outcome.message());
    assert!(
        from.elapsed() < Duration::from_secs(1),
        "{:?}",
        from.elapsed()
    );
}

#[test]
fn a_full_disk_refuses_and_heals_by_itself() {
    let mut world = clinic(300, |contract| contract);
    let log = world.gate.path("strace.log");
    run(async {
        let client = session(&world.connect, "full").await.unwrap();
        assert_eq!(ask(&client, "select 1").await.keys, [1]);
        let fault = Fault::on(&world.gate, "pwrite64:error=ENOSPC", &log);
        refused_58030(&client, 1).await;
        refused_58030(&client, 2).await;
        drop(fault);

        let healed = Instant::now();
        loop {
            let sql = "select patient_id from clinic.patients where patient_id = 3";
            let outcome = ask(&client, sql).await;
            if outcome.keys == [3] {
                break;
            }
            assert!(
                healed.elapsed() < Duration::from_secs(5),
                "{}",
                outcome.message()
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    assert!(world.gate.is_alive());
    assert_eq!(world.gate.stop().unwrap(), 0);
    let verified = world.gate.log_verify(&[]).unwrap();
    assert_eq!(verified.code, 0, "{}{}", verified.stdout, verified.stderr);
}

#[test]
fn after_a_failed_sync_nothing_is_served_until_restarted() {
    let mut world = clinic(300, |contract| contract);
    let log = world.gate.path("strace.log");
    run(async {
        let client = session(&world.connect, "eio").await.unwrap();
        assert_eq!(ask(&client, "select 1").await.keys, [1]);
        let fault = Fault::on(&world.gate, "fdatasync,fsync:error=EIO", &log);
        refused_58030(&client, 1).await;
        drop(fault);
        tokio::time::sleep(Duration::from_millis(700)).await;
        // The disk is well again, the page cache can't be trusted: still no.
        let still = ask(
            &client,
            "select patient_id from clinic.patients where patient_id = 2",
        )
        .await;
        assert_eq!(still.keys, [] as [i32; 0]);
        let error = session(&world.connect, "eio")
            .await
            .expect_err("nobody gets in");
        assert_eq!(error.code().map(|code| code.code()), Some("58030"));
    });
    assert!(world.gate.is_alive(), "it must not crash either");
    world.gate.kill9();
    world.gate.restart().unwrap();
    run(async {
        let client = session(&world.connect, "well").await.unwrap();
        assert_eq!(
            ask(
                &client,
                "select patient_id from clinic.patients where patient_id = 3"
            )
            .await
            .keys,
            [3]
        );
    });
}
