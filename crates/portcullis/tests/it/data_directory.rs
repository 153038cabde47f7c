//! The data directory: made once, locked, relocatable, rebuilt from the log, refused when damaged.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use portcullis_harness::binary;
use serde_json::Value;

use crate::clinic::{gate, request, text};
use crate::solo::Solo;

fn portcullis(data: &Path, args: &[&str]) -> Output {
    Command::new(binary().unwrap())
        .args(args)
        .arg("--data")
        .arg(data)
        .output()
        .unwrap()
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp")
        .arg("-a")
        .arg(from)
        .arg(to)
        .status()
        .unwrap();
    assert!(copied.success());
}

#[test]
fn init_makes_a_private_directory_or_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let refused = [
        &["init", "--officer", "a:admin,approver"][..],
        &[
            "init",
            "--officer",
            "a:admin,approver",
            "--officer",
            "a:approver",
        ],
        &["init", "--officer", "a:admin", "--officer", "b:approver"],
        &["init", "--officer", "a:approver", "--officer", "b:approver"],
        &["init", "--officer", "a:boss", "--officer", "b:approver"],
        &[
            "init",
            "--officer",
            "a b:admin,approver",
            "--officer",
            "b:approver",
        ],
        &["init"],
    ];
    for args in refused {
        assert_eq!(portcullis(&data, args).status.code(), Some(2), "{args:?}");
        assert!(!data.exists(), "{args:?} left something behind");
    }
    let made = portcullis(
        &data,
        &[
            "init",
            "--officer",
            "a:admin,approver",
            "--officer",
            "b:approver",
            "--json",
        ],
    );
    assert!(made.status.success());
    let answer: Value = serde_json::from_slice(&made.stdout).unwrap();
    assert_eq!(text(&answer, "/officers/0/name"), "a");
    let again = portcullis(
        &data,
        &[
            "init",
            "--officer",
            "a:admin,approver",
            "--officer",
            "b:approver",
        ],
    );
    assert_eq!(again.status.code(), Some(2));
    for (path, mode) in [
        (".", 0o700),
        ("keys", 0o700),
        ("keys/log.pem", 0o600),
        ("tls/key.pem", 0o600),
    ] {
        let found = fs::metadata(data.join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!(found, mode, "{path}");
    }
    let token = text(&answer, "/officers/0/token");
    let leaked = Command::new("grep")
        .args(["-rF", &token])
        .arg(&data)
        .output()
        .unwrap();
    assert!(leaked.stdout.is_empty(), "the token lies in the directory");
}

#[test]
fn caches_are_caches_and_a_second_serve_is_refused() {
    let mut gate = gate();
    let id = request(&gate, 0);
    gate.officer(1).run(&["grant", "approve", &id]).unwrap();
    let all = |gate: &portcullis_harness::Gate| {
        let list = |args: &[&str]| gate.officer(2).run(args).unwrap().to_string();
        [list(&["grant", "list"]), list(&["change", "list", "--all"])].concat()
    };
    let before = all(&gate);
    let second = portcullis(&gate.data_dir(), &["serve", "--pg", "127.0.0.1:0"]);
    assert_eq!(second.status.code(), Some(4));
    assert!(
        String::from_utf8_lossy(&second.stderr).contains("in use"),
        "{second:?}"
    );
    gate.restart().unwrap();
    assert_eq!(all(&gate), before, "with a snapshot");
    gate.stop().unwrap();
    let snapshots = fs::read_dir(gate.data_dir().join("cache")).unwrap().count();
    assert!(snapshots > 0, "a stopping server leaves a snapshot");
    fs::remove_dir_all(gate.data_dir().join("cache")).unwrap();
    fs::create_dir(gate.data_dir().join("cache")).unwrap();
    gate.restart().unwrap();
    assert_eq!(all(&gate), before, "from the log alone");
    gate.kill9();
    gate.restart().unwrap();
    assert_eq!(all(&gate), before, "after a crash");
    // A snapshot of another log, or a changed one, is left aside.
    gate.stop().unwrap();
    let damaged = damage_all(&gate.data_dir().join("cache"));
    assert!(damaged > 0);
    gate.restart().unwrap();
    assert_eq!(all(&gate), before, "with a damaged snapshot");
}

/// Flips a bit in the middle of every file under the folder; how many there were.
fn damage_all(folder: &Path) -> usize {
    let mut damaged = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            damaged += damage_all(&path);
            continue;
        }
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&path, bytes).unwrap();
        damaged += 1;
    }
    damaged
}

#[test]
fn a_copy_runs_elsewhere_and_a_damaged_log_is_refused() {
    let mut gate = gate();
    let id = request(&gate, 0);
    gate.stop().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let data = elsewhere.path().join("restored");
    copy(&gate.data_dir(), &data);
    assert_eq!(portcullis(&data, &["log", "verify"]).status.code(), Some(0));
    let (mut server, line) = crate::solo::serve(&data);
    assert!(
        line.starts_with("ready pg=127.0.0.1:") && !line.contains("pg=127.0.0.1:0 "),
        "{line}"
    );
    let listed = Command::new(binary().unwrap())
        .args([
            "grant",
            "list",
            "--json",
            "--token",
            gate.officer(0).token(),
            "--data",
        ])
        .arg(&data)
        .output()
        .unwrap();
    assert!(
        String::from_utf8_lossy(&listed.stdout).contains(&id),
        "{listed:?}"
    );
    server.kill().unwrap();
    server.wait().unwrap();

    let segment = fs::read_dir(data.join("log/wal"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let mut bytes = fs::read(&segment).unwrap();
    bytes[700] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let verified = portcullis(&data, &["log", "verify", "--json"]);
    assert_eq!(verified.status.code(), Some(1), "{verified:?}");
    let answer: Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert!(text(&answer, "/place").contains("wal"), "{answer}");
    let refused = portcullis(&data, &["serve", "--pg", "127.0.0.1:0"]);
    assert_eq!(refused.status.code(), Some(4), "{refused:?}");
}

#[test]
fn a_copy_of_a_running_log_verifies_against_a_checkpoint() {
    let solo = Solo::start(&["ada:admin,approver", "bo:approver", "di:auditor"]);
    for _ in 0..50 {
        solo.run(&solo.tokens[2], &["log", "export", "--from", "1000"]);
    }
    let live = portcullis(&solo.data(), &["log", "verify"]);
    assert_eq!(live.status.code(), Some(0), "while it runs: {live:?}");
    let elsewhere = tempfile::tempdir().unwrap();
    let data = elsewhere.path().join("copy");
    let checkpoint = solo.run(&solo.tokens[2], &["log", "checkpoint"]);
    let kept = elsewhere.path().join("kept.json");
    fs::write(&kept, &checkpoint.stdout).unwrap();
    fs::create_dir(&data).unwrap();
    // As documented: a file that moved during the copy means another pass.
    let passed = (0..10).any(|_| {
        let parts = ["keys", "log", "tls"].map(|part| solo.data().join(part));
        Command::new("cp")
            .arg("-a")
            .args(parts)
            .arg(&data)
            .status()
            .unwrap()
            .success()
    });
    assert!(passed);
    let _ = fs::remove_file(data.join("log/checkpoint.tmp"));
    fs::create_dir(data.join("cache")).unwrap();
    let arguments = ["log", "verify", "--checkpoint", kept.to_str().unwrap()];
    let verified = portcullis(&data, &arguments);
    assert_eq!(verified.status.code(), Some(0), "{verified:?}");
    let (mut server, ready) = crate::solo::serve(&data);
    assert!(ready.starts_with("ready pg="), "{ready}");
    server.kill().unwrap();
    server.wait().unwrap();
}

#[test]
fn a_pipe_that_closes_is_no_error() {
    let solo = Solo::start(&["ada:admin,approver", "bo:approver"]);
    let program = binary().unwrap().display().to_string();
    let script = format!("{program} log export | head -c 1; {program} change list | head -c 0");
    let piped = Command::new("sh")
        .args(["-c", &script])
        .env("PORTCULLIS_DATA", solo.data())
        .env("PORTCULLIS_TOKEN", &solo.tokens[0])
        .output()
        .unwrap();
    assert!(
        piped.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&piped.stderr)
    );
}
