//! What runs beside the commands: webhook, metrics, the API over TLS, doctor, many records.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

use portcullis_harness::{Gate, GateOptions, binary, free_port};
use serde_json::Value;

use crate::clinic::{cluster, request, text};

/// One HTTP request's body, answered with a status.
fn take_request(listener: &TcpListener, status: &str) -> Value {
    let (stream, _) = listener.accept().unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    (&stream).write_all(answer.as_bytes()).unwrap();
    serde_json::from_slice(&body).unwrap()
}

#[test]
fn a_webhook_tells_what_waits_and_tries_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut gate = Gate::start().unwrap();
    gate.stop().unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    fs::write(
        gate.data_dir().join("config.toml"),
        format!("[webhook]\nurl = \"{url}\"\n"),
    )
    .unwrap();
    gate.restart().unwrap();
    gate.apply_clinic(&cluster(), |contract| contract).unwrap();
    let refused = take_request(&listener, "503 Busy");
    assert_eq!(text(&refused, "/event"), "change.requested");
    assert_eq!(take_request(&listener, "200 OK"), refused, "tried again");
    let id = request(&gate, 0);
    let notice = take_request(&listener, "200 OK");
    assert_eq!(
        (text(&notice, "/event"), text(&notice, "/grant")),
        ("grant.requested".to_owned(), id)
    );
    assert!(!notice.to_string().contains("pct_"));
}

#[test]
fn the_api_over_tls_and_metrics_answer() {
    let port = free_port().unwrap();
    let address = format!("127.0.0.1:{port}");
    let options = GateOptions {
        serve_args: vec!["--admin".to_owned(), address.clone()],
        ..GateOptions::default()
    };
    let gate = Gate::start_with(options).unwrap();
    let ask = |more: &[&str]| {
        Command::new(binary().unwrap())
            .args([
                "change",
                "list",
                "--json",
                "--server",
                &format!("https://{address}"),
                "--data",
                "/nowhere",
            ])
            .args(["--token", gate.officer(2).token()])
            .args(more)
            .output()
            .unwrap()
    };
    let certificate = gate.data_dir().join("tls/cert.pem");
    let answer = ask(&["--ca", certificate.to_str().unwrap()]);
    assert!(answer.status.success(), "{answer:?}");
    assert_eq!(
        ask(&[]).status.code(),
        Some(4),
        "an unknown certificate is not trusted"
    );

    let mut stream = std::net::TcpStream::connect(("127.0.0.1", gate.metrics_port())).unwrap();
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    for name in [
        "portcullis_log_entries",
        "portcullis_sessions_live",
        "portcullis_grants_live",
    ] {
        assert!(page.contains(name), "no {name} in {page}");
    }
}

#[test]
fn the_doctor_finds_a_healthy_gate_and_open_keys() {
    let gate = crate::clinic::gate();
    let answer = gate.officer(2).try_run(&["doctor"]).unwrap();
    let check = |json: &Value, name: &str| {
        let checks = json.pointer("/checks").unwrap().as_array().unwrap().clone();
        checks
            .into_iter()
            .find(|check| text(check, "/check") == name)
            .unwrap_or_else(|| panic!("no {name} in {json}"))
    };
    for name in [
        "installation",
        "permissions",
        "keys",
        "clock",
        "log",
        "officers",
        "database hospital",
    ] {
        assert_eq!(
            text(&check(&answer.json, name), "/state"),
            "ok",
            "{}",
            answer.stdout
        );
    }
    let key = gate.data_dir().join("keys/log.pem");
    fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let answer = gate.officer(2).try_run(&["doctor"]).unwrap();
    assert_eq!(answer.code, 1);
    assert_eq!(text(&check(&answer.json, "permissions"), "/state"), "fail");
}

#[test]
fn unbuilt_listeners_are_refused_and_help_is_everywhere() {
    let run = |args: &[&str]| Command::new(binary().unwrap()).args(args).output().unwrap();
    for flag in ["--mysql", "--ssh", "--console"] {
        assert_eq!(run(&["serve", flag, "127.0.0.1:0"]).status.code(), Some(2));
    }
    let commands: &[&[&str]] = &[
        &["init"],
        &["serve"],
        &["apply"],
        &["contract", "new"],
        &["contract", "suspend"],
        &["contract", "resume"],
        &["person", "token"],
        &["person", "suspend"],
        &["person", "resume"],
        &["officer", "token"],
        &["resource", "detach"],
        &["resource", "attach"],
        &["change", "list"],
        &["change", "approve"],
        &["plan"],
        &["grant", "request"],
        &["grant", "approve"],
        &["grant", "deny"],
        &["grant", "revoke"],
        &["grant", "list"],
        &["explain"],
        &["disclosed"],
        &["trace"],
        &["finding", "list"],
        &["finding", "show"],
        &["session", "list"],
        &["session", "end"],
        &["log", "export"],
        &["log", "checkpoint"],
        &["log", "prove"],
        &["log", "verify"],
        &["doctor"],
        &["demo"],
    ];
    for command in commands {
        let answer = run(&[*command, &["--help"]].concat());
        assert!(
            answer.status.success() && answer.stdout.starts_with(b"") && answer.stdout.len() > 80,
            "{command:?}"
        );
    }
    assert!(run(&["--version"]).status.success());
}

#[test]
fn following_the_export_sees_events_as_they_come() {
    let gate = Gate::start().unwrap();
    let mut follower = Command::new(binary().unwrap())
        .args([
            "log",
            "export",
            "--follow",
            "--token",
            gate.officer(2).token(),
            "--data",
        ])
        .arg(gate.data_dir())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    let until = Instant::now() + Duration::from_secs(10);
    let mut wait_for = |kind: &str| {
        while Instant::now() < until {
            let event: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
            if text(&event, "/kind") == kind {
                return;
            }
        }
        panic!("no {kind}");
    };
    wait_for("log.exported");
    assert_eq!(
        gate.officer(2)
            .try_run(&["officer", "token", "chen"])
            .unwrap()
            .code,
        3
    );
    wait_for("officer.refused");
    follower.kill().unwrap();
    follower.wait().unwrap();
}
