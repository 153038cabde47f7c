//! Entries to record and dice to choose with.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::SigningKey;
use portcullis_store::log::{BodyPart, Entry, Options};

pub const ORIGIN: &str = "portcullis.test/log";

pub fn signer() -> SigningKey {
    SigningKey::from_bytes(&[42; 32])
}

/// Small segments, so that a short test goes through many.
pub fn small() -> Options {
    Options {
        segment_bytes: 16 * 1024,
    }
}

/// SplitMix64: dice from a printed seed.
#[derive(Debug, Clone)]
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.roll() % n
    }
}

/// Entry number `n` of a test, recognisable by its leaf.
pub fn entry(n: u64) -> Entry {
    let mut salt = [0; 16];
    salt[..8].copy_from_slice(&n.to_le_bytes());
    let sql = BodyPart::new(
        "sql",
        salt,
        format!("select {n} from clinic.patients").into_bytes(),
    );
    let mut parts = vec![sql];
    if n.is_multiple_of(3) {
        parts.push(BodyPart::new(
            "subjects",
            salt,
            vec![n as u8; (n % 701) as usize],
        ));
    }
    let body: Vec<String> = parts
        .iter()
        .map(|p| format!(r#""{}":"{}""#, p.label, STANDARD.encode(p.commitment())))
        .collect();
    let leaf = format!(
        r#"{{"kind":"statement","n":{n},"body":{{{}}}}}"#,
        body.join(",")
    );
    Entry::new(leaf.into_bytes(), parts).unwrap()
}
