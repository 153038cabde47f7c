//! The client's side: proves a password to a server and has the server prove the same.
//!
//! [`Hello`] → [`Challenged`] → [`Answered`] → the server's proof. Keys are derived outside, so that
//! who logs in often with one password pays for PBKDF2 once.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq;

use super::verifier::{self, VerifierError, hmac_sha256, sha256};
use super::{SCRAM_SHA_256, SCRAM_SHA_256_PLUS, is_nonce};
use crate::limits::{
    MAX_SCRAM_ITERATIONS, MAX_SCRAM_NONCE_BYTES, MAX_SCRAM_SALT_BYTES, MIN_SCRAM_ITERATIONS,
};

/// Why a server is not logged in to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServerError {
    #[error("the server's SCRAM message is malformed: {what}")]
    Malformed { what: &'static str },
    #[error(
        "the server asks for {iterations} SCRAM iterations, outside of {MIN_SCRAM_ITERATIONS} to {MAX_SCRAM_ITERATIONS}"
    )]
    Iterations { iterations: u64 },
    #[error("the server's SCRAM signature is wrong: it does not know the password")]
    Signature,
}

/// What of the connection the login is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Binding {
    /// No TLS, or a certificate that has no binding.
    Unsupported,
    /// We could, but the server does not offer it; it notices if somebody took its offer away.
    NotOffered,
    /// The hash of the server's certificate.
    EndPoint(Vec<u8>),
}

/// What a password is worth to one server, for one salt.
#[derive(Clone)]
pub struct Keys {
    salt: Vec<u8>,
    iterations: u32,
    client_key: [u8; 32],
    server_key: [u8; 32],
}

// As good as the password.
impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(…)")
    }
}

impl Keys {
    /// Runs PBKDF2: a millisecond and more, so not on a thread that serves others.
    pub fn derive(password: &[u8], salt: &[u8], iterations: u32) -> Result<Self, VerifierError> {
        let (client_key, server_key) = verifier::derive(password, salt, iterations)?;
        Ok(Self {
            salt: salt.to_vec(),
            iterations,
            client_key,
            server_key,
        })
    }

    /// Whether these are the keys that a challenge asks for.
    pub fn answer_to(&self, challenge: &Challenged) -> Option<&Self> {
        (self.salt == challenge.salt && self.iterations == challenge.iterations).then_some(self)
    }
}

/// The client's first message.
#[derive(Debug)]
pub struct Hello {
    binding: Binding,
    nonce: String,
    message: String,
}

impl Hello {
    /// `nonce` must be fresh and random, printable ASCII without a comma.
    pub fn new(binding: Binding, nonce: String) -> Self {
        // PostgreSQL takes the name from the startup packet.
        let message = format!("{}n=,r={nonce}", header(&binding));
        Self {
            binding,
            nonce,
            message,
        }
    }

    pub fn mechanism(&self) -> &'static str {
        match self.binding {
            Binding::EndPoint(_) => SCRAM_SHA_256_PLUS,
            Binding::Unsupported | Binding::NotOffered => SCRAM_SHA_256,
        }
    }

    pub fn message(&self) -> &str {
        &self.message
    }

    /// Takes the server's first message; its costs are judged before anybody pays them.
    pub fn challenge(self, message: &[u8]) -> Result<Challenged, ServerError> {
        let text = std::str::from_utf8(message).map_err(|_| malformed("not UTF-8"))?;
        let mut attributes = text.split(',');
        let nonce = attributes
            .next()
            .and_then(|part| part.strip_prefix("r="))
            .ok_or(malformed("nonce"))?;
        let own = nonce
            .strip_prefix(self.nonce.as_str())
            .ok_or(malformed("nonce"))?;
        if own.is_empty() || own.len() > MAX_SCRAM_NONCE_BYTES || !own.bytes().all(is_nonce) {
            return Err(malformed("nonce"));
        }
        let salt = attributes
            .next()
            .and_then(|part| part.strip_prefix("s="))
            .ok_or(malformed("salt"))?;
        let salt = STANDARD.decode(salt).map_err(|_| malformed("salt"))?;
        if salt.is_empty() || salt.len() > MAX_SCRAM_SALT_BYTES {
            return Err(malformed("salt"));
        }
        let count = attributes
            .next()
            .and_then(|part| part.strip_prefix("i="))
            .ok_or(malformed("iterations"))?;
        let iterations = iterations_of(count)?;
        if attributes.next().is_some() {
            return Err(malformed("extension"));
        }
        let mut bound = header(&self.binding).as_bytes().to_vec();
        if let Binding::EndPoint(hash) = &self.binding {
            bound.extend_from_slice(hash);
        }
        let without_proof = format!("c={},r={nonce}", STANDARD.encode(bound));
        let auth_message = format!("n=,r={},{text},{without_proof}", self.nonce);
        Ok(Challenged {
            salt,
            iterations,
            without_proof,
            auth_message,
        })
    }
}

/// The server's challenge, with what it costs to answer it.
#[derive(Debug)]
pub struct Challenged {
    salt: Vec<u8>,
    iterations: u32,
    without_proof: String,
    auth_message: String,
}

impl Challenged {
    pub fn salt(&self) -> &[u8] {
        &self.salt
    }

    /// Between [`MIN_SCRAM_ITERATIONS`] and [`MAX_SCRAM_ITERATIONS`].
    pub fn iterations(&self) -> u32 {
        self.iterations
    }

    pub fn answer(self, keys: &Keys) -> Answered {
        let signature = hmac_sha256(&sha256(&keys.client_key), self.auth_message.as_bytes());
        let mut proof = keys.client_key;
        proof
            .iter_mut()
            .zip(signature)
            .for_each(|(byte, mask)| *byte ^= mask);
        let message = format!("{},p={}", self.without_proof, STANDARD.encode(proof));
        let expected = hmac_sha256(&keys.server_key, self.auth_message.as_bytes());
        Answered { message, expected }
    }
}

/// The client's final message is made; the server's proof is due.
#[derive(Debug)]
pub struct Answered {
    message: String,
    expected: [u8; 32],
}

impl Answered {
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Takes the server's final message. Nothing of a server may be believed before.
    pub fn check_proof(self, message: &[u8]) -> Result<(), ServerError> {
        let text = std::str::from_utf8(message).map_err(|_| malformed("not UTF-8"))?;
        let signature = text.strip_prefix("v=").ok_or(malformed("signature"))?;
        let signature = STANDARD
            .decode(signature)
            .map_err(|_| malformed("signature"))?;
        if bool::from(signature.as_slice().ct_eq(&self.expected)) {
            Ok(())
        } else {
            Err(ServerError::Signature)
        }
    }
}

fn header(binding: &Binding) -> &'static str {
    match binding {
        Binding::Unsupported => "n,,",
        Binding::NotOffered => "y,,",
        Binding::EndPoint(_) => "p=tls-server-end-point,,",
    }
}

fn iterations_of(count: &str) -> Result<u32, ServerError> {
    if !count.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(malformed("iterations"));
    }
    let iterations: u64 = count.parse().map_err(|_| malformed("iterations"))?;
    match u32::try_from(iterations) {
        Ok(fine) if (MIN_SCRAM_ITERATIONS..=MAX_SCRAM_ITERATIONS).contains(&fine) => Ok(fine),
        _ => Err(ServerError::Iterations { iterations }),
    }
}

fn malformed(what: &'static str) -> ServerError {
    ServerError::Malformed { what }
}
