//! A verifier that shares no code with ours, from the documentation itself: it must agree.

use crate::log_world::{ORIGIN, entry, signer, small};
use portcullis_store::log::{Entry, Log};
use std::path::Path;
use std::process::Command;

/// The program in `docs/formats/log.md`.
fn documented() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/formats/log.md");
    let text = std::fs::read_to_string(page).unwrap();
    text.split("```python\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap()
        .to_owned()
}

fn verify_in_python(dir: &Path) -> Result<String, String> {
    let output = Command::new("python3")
        .arg("-c")
        .arg(documented())
        .arg(dir)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(text(&output.stderr))
    }
}

#[test]
fn the_documented_python_check_agrees() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = Log::open(dir.path(), signer(), ORIGIN, small()).unwrap();
    for pending in log.append_all((0..700).map(entry).collect()).unwrap() {
        let _ = pending.wait().unwrap();
    }
    let removal = r#"{"withholds":[{"seq":300,"label":"sql"},{"seq":690,"label":"sql"}]}"#;
    let removal = Entry::new(removal.as_bytes().to_vec(), Vec::new()).unwrap();
    let by = log.append(removal).unwrap().wait().unwrap().seq();
    log.forget(300, "sql", by).unwrap();
    log.forget(690, "sql", by).unwrap();
    log.close().unwrap();
    let said = verify_in_python(dir.path()).unwrap();
    assert_eq!(said.trim(), format!("701 entries verify under {ORIGIN}"));

    for name in ["tile/entries/001", "bodies/000", "tile/0/001", "checkpoint"] {
        let path = dir.path().join(name);
        let right = std::fs::read(&path).unwrap();
        let mut bytes = right.clone();
        let at = if name == "checkpoint" {
            ORIGIN.len() + 1
        } else {
            bytes.len() / 2
        };
        bytes[at] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert!(verify_in_python(dir.path()).is_err(), "{name}");
        std::fs::write(&path, right).unwrap();
    }
}
