//! What is kept in the place of a password.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::limits::{MAX_SCRAM_ITERATIONS, MAX_SCRAM_SALT_BYTES, MIN_SCRAM_ITERATIONS};

const KEY_BYTES: usize = 32;
const MOCK_SALT_BYTES: usize = 16;
const PREFIX: &str = "SCRAM-SHA-256";

/// Why a verifier is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifierError {
    #[error("verifier is not of the form `SCRAM-SHA-256$ITERATIONS:SALT$STOREDKEY:SERVERKEY`")]
    Form,
    #[error(
        "verifier asks for {iterations} iterations, outside of {MIN_SCRAM_ITERATIONS} to {MAX_SCRAM_ITERATIONS}"
    )]
    Iterations { iterations: u32 },
    #[error("verifier has a salt of {bytes} bytes, outside of 1 to {MAX_SCRAM_SALT_BYTES}")]
    Salt { bytes: usize },
}

/// A password's verifier, in the form that PostgreSQL keeps in `pg_authid`.
#[derive(Clone)]
pub struct Verifier {
    iterations: u32,
    salt: Vec<u8>,
    stored_key: [u8; KEY_BYTES],
    server_key: [u8; KEY_BYTES],
    genuine: bool,
}

// `server_key` lets its holder pretend to be the server.
impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier(…)")
    }
}

impl Verifier {
    /// Derives a verifier; `salt` must be fresh and random (PostgreSQL takes 16 bytes).
    pub fn from_password(
        password: &[u8],
        salt: &[u8],
        iterations: u32,
    ) -> Result<Self, VerifierError> {
        let (client_key, server_key) = derive(password, salt, iterations)?;
        Ok(Self {
            iterations,
            salt: salt.to_vec(),
            stored_key: sha256(&client_key),
            server_key,
            genuine: true,
        })
    }

    /// Reads PostgreSQL's text form.
    pub fn parse(text: &str) -> Result<Self, VerifierError> {
        let mut parts = text.split('$');
        let (Some(PREFIX), Some(costs), Some(keys), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(VerifierError::Form);
        };
        let (iterations, salt) = costs.split_once(':').ok_or(VerifierError::Form)?;
        let (stored_key, server_key) = keys.split_once(':').ok_or(VerifierError::Form)?;
        if !iterations.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(VerifierError::Form);
        }
        let iterations = iterations.parse().map_err(|_| VerifierError::Form)?;
        let salt = STANDARD.decode(salt).map_err(|_| VerifierError::Form)?;
        check_costs(&salt, iterations)?;
        Ok(Self {
            iterations,
            salt,
            stored_key: key(stored_key)?,
            server_key: key(server_key)?,
            genuine: true,
        })
    }

    /// A verifier that nothing proves, for a user who is not known. The same user always gets the
    /// same salt, so that asking twice tells nothing; `secret` is the server's own.
    pub fn mock(secret: &[u8; 32], user: &str) -> Self {
        let derive = |purpose: &[u8]| {
            let message = [b"portcullis mock ", purpose, b"\0", user.as_bytes()].concat();
            hmac_sha256(secret, &message)
        };
        let salt = derive(b"salt")
            .get(..MOCK_SALT_BYTES)
            .unwrap_or_default()
            .to_vec();
        let (stored_key, server_key) = (derive(b"stored key"), derive(b"server key"));
        Self {
            iterations: MIN_SCRAM_ITERATIONS,
            salt,
            stored_key,
            server_key,
            genuine: false,
        }
    }

    pub fn iterations(&self) -> u32 {
        self.iterations
    }

    pub fn salt(&self) -> &[u8] {
        &self.salt
    }

    pub(super) fn stored_key(&self) -> &[u8; KEY_BYTES] {
        &self.stored_key
    }

    pub(super) fn server_key(&self) -> &[u8; KEY_BYTES] {
        &self.server_key
    }

    /// A mock whose password is known, which no real one's is.
    #[cfg(test)]
    pub(super) fn into_mock(self) -> Self {
        Self {
            genuine: false,
            ..self
        }
    }

    pub(super) fn is_genuine(&self) -> bool {
        self.genuine
    }
}

/// PostgreSQL's text form.
impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [salt, stored, server] = [&self.salt[..], &self.stored_key[..], &self.server_key[..]]
            .map(|bytes| STANDARD.encode(bytes));
        write!(f, "{PREFIX}${}:{salt}${stored}:{server}", self.iterations)
    }
}

/// Client key and server key of a password.
pub(super) fn derive(
    password: &[u8],
    salt: &[u8],
    iterations: u32,
) -> Result<([u8; KEY_BYTES], [u8; KEY_BYTES]), VerifierError> {
    check_costs(salt, iterations)?;
    let mut salted = [0_u8; KEY_BYTES];
    pbkdf2::pbkdf2_hmac::<Sha256>(&prepared(password), salt, iterations, &mut salted);
    Ok((
        hmac_sha256(&salted, b"Client Key"),
        hmac_sha256(&salted, b"Server Key"),
    ))
}

fn check_costs(salt: &[u8], iterations: u32) -> Result<(), VerifierError> {
    if !(MIN_SCRAM_ITERATIONS..=MAX_SCRAM_ITERATIONS).contains(&iterations) {
        return Err(VerifierError::Iterations { iterations });
    }
    if salt.is_empty() || salt.len() > MAX_SCRAM_SALT_BYTES {
        return Err(VerifierError::Salt { bytes: salt.len() });
    }
    Ok(())
}

fn key(text: &str) -> Result<[u8; KEY_BYTES], VerifierError> {
    STANDARD
        .decode(text)
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(VerifierError::Form)
}

/// SASLprep, or the bytes as they are where it does not apply: what PostgreSQL and its clients do.
fn prepared(password: &[u8]) -> Cow<'_, [u8]> {
    let Ok(text) = std::str::from_utf8(password) else {
        return Cow::Borrowed(password);
    };
    match stringprep::saslprep(text) {
        Ok(Cow::Borrowed(text)) => Cow::Borrowed(text.as_bytes()),
        Ok(Cow::Owned(text)) => Cow::Owned(text.into_bytes()),
        Err(_) => Cow::Borrowed(password),
    }
}

pub(super) fn hmac_sha256(key: &[u8; KEY_BYTES], message: &[u8]) -> [u8; KEY_BYTES] {
    #[expect(
        clippy::expect_used,
        reason = "HMAC takes a key of any length; the error cannot occur"
    )]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any key length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

pub(super) fn sha256(message: &[u8]) -> [u8; KEY_BYTES] {
    Sha256::digest(message).into()
}
