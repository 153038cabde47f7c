//! What it costs to read some persons' records out of a large log, as `disclosed --subject` does.
//!
//! `cargo run --release -p portcullis-store --example scattered_reads [DIR] [ENTRIES]`
#![allow(clippy::unwrap_used, reason = "a bench stops at the first surprise")]

use std::path::PathBuf;
use std::time::Instant;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::SigningKey;
use portcullis_store::log::{BodyPart, Entry, Log, Options};

const ORIGIN: &str = "portcullis.bench/log";
/// Fifty subjects a record.
const SET_BYTES: usize = 850;
/// A statement's leaf.
const LEAF_BYTES: usize = 700;

fn main() {
    let mut args = std::env::args().skip(1);
    let dir = args.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let entries: u64 = args.next().map_or(400_000, |text| text.parse().unwrap());
    let path = dir.join("portcullis-scattered-reads");
    let _ = std::fs::remove_dir_all(&path);
    let signer = SigningKey::from_bytes(&[1; 32]);
    let (log, _) = Log::open(&path, signer, ORIGIN, Options::default()).unwrap();
    for _ in 0..entries / 1000 {
        for pending in log.append_all(vec![record(); 1000]).unwrap() {
            let _ = pending.wait().unwrap();
        }
    }
    // One record in so many is of those who were shown the subject.
    for every in [1, 10, 50, 250] {
        let begun = Instant::now();
        let mut entries_read = 0u64;
        let mut reader = log.read(0, u64::MAX);
        for seq in (0..entries).step_by(every) {
            reader.skip_to(seq);
            let entry = reader.next().unwrap().unwrap();
            assert_eq!(entry.part("subjects").unwrap().len(), SET_BYTES);
            entries_read += 1;
        }
        let took = begun.elapsed();
        println!(
            "one in {every}: {entries_read} records in {took:.2?}, {:.1} us each",
            took.as_secs_f64() * 1e6 / entries_read as f64
        );
    }
    log.close().unwrap();
    std::fs::remove_dir_all(&path).unwrap();
}

fn record() -> Entry {
    let part = BodyPart::new("subjects", [3; 16], vec![9; SET_BYTES]);
    let leaf = format!(
        r#"{{"kind":"statement","session":"{}","body":{{"subjects":"{}"}}}}"#,
        "s".repeat(LEAF_BYTES - 100),
        STANDARD.encode(part.commitment())
    );
    Entry::new(leaf.into_bytes(), vec![part]).unwrap()
}
