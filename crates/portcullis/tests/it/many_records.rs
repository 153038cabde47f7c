//! R11: ready within two seconds after `kill -9`, however long the log is.

use std::path::Path;
use std::time::{Duration, Instant};

use portcullis_harness::Gate;
use portcullis_store::log::{BodyPart, Entry, Log, Options};
use portcullis_tlog::VerifierKey;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::DecodePrivateKey as _;

/// A statement's record as the gate writes it, roughly: one leaf, SQL and parameters beside it.
fn statement(number: u64) -> Entry {
    let part = |label: &'static str, content: String| {
        let mut salt = [0; 16];
        salt[..8].copy_from_slice(&number.to_be_bytes());
        BodyPart::new(label, salt, content.into_bytes())
    };
    let parts = vec![
        part(
            "sql",
            format!("select name, phone from clinic.patients where patient_id = {number}"),
        ),
        part("params", "[]".to_owned()),
    ];
    let body: Vec<_> = parts
        .iter()
        .map(|p| format!("\"{}\":\"{}\"", p.label, STANDARD.encode(p.commitment())))
        .collect();
    let leaf = format!(
        "{{\"v\":1,\"at\":\"2026-11-20T08:{:02}:{:02}.{:06}Z\",\"kind\":\"statement\",\"actor\":\"person:li.wei\",\
         \"session\":\"s-{:x}\",\"person\":\"li.wei\",\"vendor\":\"acme-it\",\"contract\":\"clinic-ops-2026\",\
         \"resource\":\"hospital\",\"grant\":\"g-1\",\"statement\":\"t-{number:x}\",\"day\":\"2026-11-20\",\
         \"method\":\"lookup\",\"tables\":[\"clinic.patients\"],\"decision\":\"allowed\",\"reason\":null,\
         \"rows\":1,\"bytes\":64,\"subjects\":1,\"subjects_new\":1,\"adds_rows\":1,\"adds_bytes\":64,\"ms\":1,\"body\":{{{}}}}}",
        number / 60_000_000 % 60,
        number / 1_000_000 % 60,
        number % 1_000_000,
        number / 1000,
        body.join(",")
    );
    Entry::new(leaf.into_bytes(), parts).unwrap()
}

fn append(data: &Path, from: u64, count: u64) {
    let key =
        SigningKey::from_pkcs8_pem(&std::fs::read_to_string(data.join("keys/log.pem")).unwrap())
            .unwrap();
    let vkey =
        VerifierKey::parse(&std::fs::read_to_string(data.join("keys/log.vkey")).unwrap()).unwrap();
    let (log, _) = Log::open(&data.join("log"), key, vkey.name(), Options::default()).unwrap();
    let mut number = from;
    while number < from + count {
        let to = (number + 2000).min(from + count);
        let pending = log
            .append_all((number..to).map(statement).collect())
            .unwrap();
        for one in pending {
            let _ = one.wait().unwrap();
        }
        number = to;
    }
    log.close().unwrap();
}

fn count() -> u64 {
    std::env::var("PORTCULLIS_RECORDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(20_000)
}

/// By default a small log, so that the way is tried on every change; `PORTCULLIS_RECORDS=1000000` and
/// a release binary (`PORTCULLIS_BIN`) measure the goal.
#[test]
fn ready_in_two_seconds_after_a_crash() {
    let records = count();
    let mut gate = Gate::start().unwrap();
    gate.stop().unwrap();
    append(&gate.data_dir(), 0, records - records / 10);
    let first = gate.restart().unwrap();
    gate.stop().unwrap();
    append(&gate.data_dir(), records, records / 10);
    gate.restart().unwrap();
    gate.kill9();
    let from = Instant::now();
    let second = gate.restart().unwrap();
    println!(
        "{records} records: {} ms without a snapshot, {} ms with one and a tail of {} ({} ms in all)",
        first.as_millis(),
        second.as_millis(),
        records / 10,
        from.elapsed().as_millis()
    );
    assert!(second < Duration::from_secs(2), "{second:?}");
    assert!(
        gate.officer(2)
            .try_run(&["log", "checkpoint"])
            .unwrap()
            .code
            == 0
    );
}
