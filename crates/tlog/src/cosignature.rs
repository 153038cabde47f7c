//! C2SP tlog-cosignature, Ed25519: a witness states that at a time it saw this checkpoint and that
//! it extends the one it saw before.

use crate::note::{ALG_COSIGNATURE_V1, Note, NoteError, NoteSignature, VerifierKey, check_ed25519};
use ed25519_dalek::{Signer as _, SigningKey};

/// Adds a witness's signature, made at `unix_seconds`, to a checkpoint's note.
///
/// # Errors
/// A witness's name that a note cannot carry.
pub fn cosign(
    note: &mut Note,
    name: &str,
    key: &SigningKey,
    unix_seconds: u64,
) -> Result<(), NoteError> {
    let verifier = VerifierKey::cosigner(name, key.verifying_key())?;
    let mut bytes = unix_seconds.to_be_bytes().to_vec();
    bytes.extend_from_slice(
        &key.sign(&signed_message(&note.text, unix_seconds))
            .to_bytes(),
    );
    note.signatures.push(NoteSignature {
        name: name.to_owned(),
        id: verifier.id(),
        bytes,
    });
    Ok(())
}

/// Checks a witness's signature and tells when it was made, in seconds since 1970.
///
/// # Errors
/// No signature by the witness, or one that does not fit.
pub fn verify(note: &Note, key: &VerifierKey) -> Result<u64, NoteError> {
    let signature = note.signature_by(key)?;
    if key.alg() != ALG_COSIGNATURE_V1 {
        return Err(NoteError::NotSigned {
            name: key.name().to_owned(),
        });
    }
    let (time, ed25519) =
        signature
            .bytes
            .split_first_chunk::<8>()
            .ok_or_else(|| NoteError::BadSignature {
                name: key.name().to_owned(),
            })?;
    let unix_seconds = u64::from_be_bytes(*time);
    check_ed25519(key, &signed_message(&note.text, unix_seconds), ed25519)?;
    Ok(unix_seconds)
}

fn signed_message(text: &str, unix_seconds: u64) -> Vec<u8> {
    format!("cosignature/v1\ntime {unix_seconds}\n{text}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Checkpoint;

    #[test]
    fn a_cosigned_checkpoint_verifies_for_log_and_witness() {
        let log = SigningKey::from_bytes(&[7; 32]);
        let witness = SigningKey::from_bytes(&[9; 32]);
        let mut note = Checkpoint::new("log.example", 5, [1; 32])
            .sign(&log)
            .unwrap();
        cosign(&mut note, "witness.example", &witness, 1_700_000_000).unwrap();

        let text = note.to_string();
        let vlog = VerifierKey::ed25519("log.example", log.verifying_key()).unwrap();
        let vwitness = VerifierKey::cosigner("witness.example", witness.verifying_key()).unwrap();
        let (_, read) = Checkpoint::open(&text, &vlog).unwrap();
        assert_eq!(verify(&read, &vwitness), Ok(1_700_000_000));
        assert_eq!(VerifierKey::parse(&vwitness.to_string()).unwrap(), vwitness);

        let mut later = read.clone();
        later.signatures[1].bytes[7] ^= 1;
        assert!(verify(&later, &vwitness).is_err());
        // A plain signature by the same key is no cosignature: the kind is part of the key's id.
        let plain = VerifierKey::ed25519("witness.example", witness.verifying_key()).unwrap();
        assert!(verify(&read, &plain).is_err());
    }
}
