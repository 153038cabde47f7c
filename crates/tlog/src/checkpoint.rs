//! C2SP tlog-checkpoint: what a log signs about itself.

use crate::hash::Hash;
use crate::note::{Note, NoteError, VerifierKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::SigningKey;

/// A log's claim: under this name, so many entries, with this root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    pub origin: String,
    pub size: u64,
    pub root: Hash,
    /// Lines that others may have added to the signed text; we write none.
    pub extensions: Vec<String>,
}

impl Checkpoint {
    /// A checkpoint without extension lines.
    #[must_use]
    pub fn new(origin: &str, size: u64, root: Hash) -> Self {
        Self {
            origin: origin.to_owned(),
            size,
            root,
            extensions: Vec::new(),
        }
    }

    /// The text that is signed.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!(
            "{}\n{}\n{}\n",
            self.origin,
            self.size,
            STANDARD.encode(self.root)
        );
        for line in &self.extensions {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// Reads a note's text as a checkpoint.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let body = text
            .strip_suffix('\n')
            .ok_or(NoteError::Malformed("the last line is not ended"))?;
        let mut lines = body.split('\n');
        let origin = lines
            .next()
            .filter(|l| !l.is_empty())
            .ok_or(NoteError::Malformed("a checkpoint without an origin"))?;
        let size = lines
            .next()
            .and_then(|l| l.parse::<u64>().ok().filter(|n| n.to_string() == l))
            .ok_or(NoteError::Malformed("a checkpoint without a size"))?;
        let root = lines
            .next()
            .and_then(|l| STANDARD.decode(l).ok())
            .and_then(|b| Hash::try_from(b).ok())
            .ok_or(NoteError::Malformed("a checkpoint without a root"))?;
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        if extensions.iter().any(String::is_empty) {
            return Err(NoteError::Malformed("an empty extension line"));
        }
        Ok(Self {
            origin: origin.to_owned(),
            size,
            root,
            extensions,
        })
    }

    /// Signed by the log's key, under its origin as the key's name.
    ///
    /// # Errors
    /// An origin that a note cannot carry.
    pub fn sign(&self, key: &SigningKey) -> Result<Note, NoteError> {
        Note::sign(&self.text(), &self.origin, key)
    }

    /// Reads a signed checkpoint and checks the log's signature and name.
    ///
    /// # Errors
    /// A malformed note, another log's, or a signature that does not fit.
    pub fn open(note: &str, key: &VerifierKey) -> Result<(Self, Note), NoteError> {
        let note = Note::parse(note)?;
        note.verify(key)?;
        let checkpoint = Self::parse(&note.text)?;
        if checkpoint.origin != key.name() {
            return Err(NoteError::Malformed("the checkpoint is of another log"));
        }
        Ok((checkpoint, note))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_opens_with_the_key_of_the_log_only() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let vkey = VerifierKey::ed25519("portcullis.example/log", key.verifying_key()).unwrap();
        let checkpoint = Checkpoint::new("portcullis.example/log", 42, [3; 32]);
        let note = checkpoint.sign(&key).unwrap().to_string();
        assert_eq!(Checkpoint::open(&note, &vkey).unwrap().0, checkpoint);

        let other = SigningKey::from_bytes(&[8; 32]);
        let stranger =
            VerifierKey::ed25519("portcullis.example/log", other.verifying_key()).unwrap();
        assert!(Checkpoint::open(&note, &stranger).is_err());
        let renamed = VerifierKey::ed25519("portcullis.example/log2", key.verifying_key()).unwrap();
        assert!(Checkpoint::open(&note, &renamed).is_err());
    }

    #[test]
    fn other_spellings_of_a_checkpoint_are_refused() {
        let good = Checkpoint::new("o", 42, [3; 32]).text();
        assert!(Checkpoint::parse(&good).is_ok());
        for bad in [
            good.replace("\n42\n", "\n042\n"),
            good.replace("\n42\n", "\n+42\n"),
            good.replace("\n42\n", "\n\n"),
            good.replace("o\n", "\n"),
            format!("{good}\n"),
            good.trim_end().to_owned(),
            good.replace('=', ""),
        ] {
            assert!(Checkpoint::parse(&bad).is_err(), "{bad:?}");
        }
    }
}
