//! C2SP signed-note: a text and, below a blank line, signatures over it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use std::fmt;

/// Signature type byte of plain Ed25519.
pub const ALG_ED25519: u8 = 0x01;
/// Signature type byte of an Ed25519 witness cosignature with its time.
pub const ALG_COSIGNATURE_V1: u8 = 0x04;
/// A longer note is not read.
pub const MAX_NOTE_BYTES: usize = 64 * 1024;
/// A note with more signatures is not read.
pub const MAX_SIGNATURES: usize = 100;
const SIGNATURE_LINE: &str = "\u{2014} ";

/// Why a note or a key is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    #[error("the note is malformed: {0}")]
    Malformed(&'static str),
    #[error("the verifier key is malformed: {0}")]
    MalformedKey(&'static str),
    #[error("the note bears no signature by `{name}`")]
    NotSigned { name: String },
    #[error("the signature by `{name}` does not fit the text")]
    BadSignature { name: String },
}

/// Who may sign: a name, the kind of signature, a public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    alg: u8,
    key: VerifyingKey,
}

impl VerifierKey {
    /// The key of a log, which signs notes.
    ///
    /// # Errors
    /// A name that a note cannot carry.
    pub fn ed25519(name: &str, key: VerifyingKey) -> Result<Self, NoteError> {
        Self::new(name, ALG_ED25519, key)
    }

    /// The key of a witness, which cosigns checkpoints.
    ///
    /// # Errors
    /// A name that a note cannot carry.
    pub fn cosigner(name: &str, key: VerifyingKey) -> Result<Self, NoteError> {
        Self::new(name, ALG_COSIGNATURE_V1, key)
    }

    fn new(name: &str, alg: u8, key: VerifyingKey) -> Result<Self, NoteError> {
        if !valid_name(name) {
            return Err(NoteError::MalformedKey(
                "the name is empty or has a space or a plus",
            ));
        }
        Ok(Self {
            name: name.to_owned(),
            alg,
            key,
        })
    }

    /// Reads `name+hash+key`, the form keys are passed around in.
    ///
    /// # Errors
    /// Anything that is not such a key, or whose hash does not fit it.
    pub fn parse(vkey: &str) -> Result<Self, NoteError> {
        let mut parts = vkey.trim().splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::MalformedKey("expected `name+hash+key`"));
        };
        let bytes = STANDARD
            .decode(key)
            .map_err(|_| NoteError::MalformedKey("not base64"))?;
        let (alg, public) = bytes
            .split_first()
            .ok_or(NoteError::MalformedKey("the key is empty"))?;
        if *alg != ALG_ED25519 && *alg != ALG_COSIGNATURE_V1 {
            return Err(NoteError::MalformedKey("unknown kind of signature"));
        }
        let public: &[u8; 32] = public
            .try_into()
            .map_err(|_| NoteError::MalformedKey("the key is not 32 bytes"))?;
        let public = VerifyingKey::from_bytes(public)
            .map_err(|_| NoteError::MalformedKey("not an Ed25519 key"))?;
        let parsed = Self::new(name, *alg, public)?;
        if format!("{:08x}", parsed.id()) != id {
            return Err(NoteError::MalformedKey("its hash does not fit it"));
        }
        Ok(parsed)
    }

    /// The name that stands on the signature line.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The kind of signature this key verifies.
    #[must_use]
    pub fn alg(&self) -> u8 {
        self.alg
    }

    /// The key itself.
    #[must_use]
    pub fn public(&self) -> &VerifyingKey {
        &self.key
    }

    /// The first four bytes of SHA-256 over name, newline, kind and key.
    #[must_use]
    pub fn id(&self) -> u32 {
        let mut hasher = Sha256::new();
        hasher.update(self.name.as_bytes());
        hasher.update(b"\n");
        hasher.update([self.alg]);
        hasher.update(self.key.as_bytes());
        let digest: [u8; 32] = hasher.finalize().into();
        let [a, b, c, d, ..] = digest;
        u32::from_be_bytes([a, b, c, d])
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![self.alg];
        key.extend_from_slice(self.key.as_bytes());
        write!(
            f,
            "{}+{:08x}+{}",
            self.name,
            self.id(),
            STANDARD.encode(key)
        )
    }
}

/// One signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    pub name: String,
    pub id: u32,
    pub bytes: Vec<u8>,
}

/// A text with its signatures; nothing is verified by having parsed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Ends in a newline, as the signatures cover it.
    pub text: String,
    pub signatures: Vec<NoteSignature>,
}

impl Note {
    /// Reads a note.
    ///
    /// # Errors
    /// Anything that the specification does not allow.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        if note.len() > MAX_NOTE_BYTES {
            return Err(NoteError::Malformed("it is too long"));
        }
        if note.chars().any(|c| c != '\n' && c.is_control()) {
            return Err(NoteError::Malformed("it holds control characters"));
        }
        let cut = note
            .rfind("\n\n")
            .ok_or(NoteError::Malformed("no blank line before signatures"))?;
        let (text, rest) = note.split_at(cut + 1);
        let lines = rest
            .strip_prefix('\n')
            .and_then(|l| l.strip_suffix('\n'))
            .ok_or(NoteError::Malformed("the last line is not ended"))?;
        let signatures = lines
            .split('\n')
            .map(parse_signature)
            .collect::<Result<Vec<_>, _>>()?;
        if signatures.len() > MAX_SIGNATURES {
            return Err(NoteError::Malformed("it has too many signatures"));
        }
        Ok(Self {
            text: text.to_owned(),
            signatures,
        })
    }

    /// A text, which must end in a newline, signed by one key.
    ///
    /// # Errors
    /// A text or a name that a note cannot carry.
    pub fn sign(text: &str, name: &str, key: &SigningKey) -> Result<Self, NoteError> {
        if !text.ends_with('\n') {
            return Err(NoteError::Malformed("the text does not end in a newline"));
        }
        let verifier = VerifierKey::ed25519(name, key.verifying_key())?;
        let bytes = key.sign(text.as_bytes()).to_bytes().to_vec();
        let signature = NoteSignature {
            name: name.to_owned(),
            id: verifier.id(),
            bytes,
        };
        Ok(Self {
            text: text.to_owned(),
            signatures: vec![signature],
        })
    }

    /// Checks that `key` signed the text. Signatures by others are passed over, as specified.
    ///
    /// # Errors
    /// No signature by the key, or one that does not fit.
    pub fn verify(&self, key: &VerifierKey) -> Result<(), NoteError> {
        let signature = self.signature_by(key)?;
        if key.alg != ALG_ED25519 {
            return Err(NoteError::NotSigned {
                name: key.name.clone(),
            });
        }
        check_ed25519(key, self.text.as_bytes(), &signature.bytes)
    }

    /// The signature that says it is by `key`.
    ///
    /// # Errors
    /// There is none.
    pub fn signature_by(&self, key: &VerifierKey) -> Result<&NoteSignature, NoteError> {
        let id = key.id();
        self.signatures
            .iter()
            .find(|s| s.name == key.name && s.id == id)
            .ok_or_else(|| NoteError::NotSigned {
                name: key.name.clone(),
            })
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for signature in &self.signatures {
            let mut blob = signature.id.to_be_bytes().to_vec();
            blob.extend_from_slice(&signature.bytes);
            writeln!(
                f,
                "{SIGNATURE_LINE}{} {}",
                signature.name,
                STANDARD.encode(blob)
            )?;
        }
        Ok(())
    }
}

/// Strict Ed25519, so that a signature cannot be bent into another valid one.
pub(crate) fn check_ed25519(
    key: &VerifierKey,
    message: &[u8],
    signature: &[u8],
) -> Result<(), NoteError> {
    let bad = || NoteError::BadSignature {
        name: key.name.clone(),
    };
    let signature = Signature::from_slice(signature).map_err(|_| bad())?;
    key.key
        .verify_strict(message, &signature)
        .map_err(|_| bad())
}

fn parse_signature(line: &str) -> Result<NoteSignature, NoteError> {
    let malformed = NoteError::Malformed("a signature line is not `\u{2014} name base64`");
    let (name, blob) = line
        .strip_prefix(SIGNATURE_LINE)
        .and_then(|l| l.split_once(' '))
        .filter(|(name, _)| valid_name(name))
        .ok_or_else(|| malformed.clone())?;
    let blob = STANDARD.decode(blob).map_err(|_| malformed.clone())?;
    let (id, bytes) = blob
        .split_first_chunk::<4>()
        .filter(|(_, b)| !b.is_empty())
        .ok_or(malformed)?;
    Ok(NoteSignature {
        name: name.to_owned(),
        id: u32::from_be_bytes(*id),
        bytes: bytes.to_vec(),
    })
}

fn valid_name(name: &str) -> bool {
    !name.is_empty()
        && !name.contains('+')
        && !name.chars().any(|c| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's reference implementation (Go's sumdb/note).
    const GO_VKEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const GO_NOTE: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n\
        \n\
        \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    #[test]
    fn a_note_made_by_go_verifies() {
        let key = VerifierKey::parse(GO_VKEY).unwrap();
        let note = Note::parse(GO_NOTE).unwrap();
        assert_eq!(note.verify(&key), Ok(()));
        assert_eq!(key.to_string(), GO_VKEY);
        assert_eq!(note.to_string(), GO_NOTE);
    }

    #[test]
    fn a_changed_text_or_signature_is_noticed() {
        let key = VerifierKey::parse(GO_VKEY).unwrap();
        for (at, _) in GO_NOTE.char_indices() {
            let mut bytes = GO_NOTE.as_bytes().to_vec();
            bytes[at] ^= 1;
            let Ok(changed) = String::from_utf8(bytes) else {
                continue;
            };
            assert!(
                Note::parse(&changed).and_then(|n| n.verify(&key)).is_err(),
                "byte {at}"
            );
        }
        for cut in 0..GO_NOTE.len() {
            if let Some(part) = GO_NOTE.get(..cut) {
                assert!(
                    Note::parse(part).and_then(|n| n.verify(&key)).is_err(),
                    "cut at {cut}"
                );
            }
        }
    }

    #[test]
    fn a_key_whose_hash_does_not_fit_is_refused() {
        assert!(VerifierKey::parse(&GO_VKEY.replace("c74f20a3", "c74f20a4")).is_err());
        assert!(VerifierKey::parse("a+b").is_err());
        assert!(
            VerifierKey::ed25519(
                "two words",
                SigningKey::from_bytes(&[1; 32]).verifying_key()
            )
            .is_err()
        );
    }
}
