//! SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677, RFC 5929): here the server's side, in
//! [`client`] the client's.
//!
//! The types are the protocol: an [`Offer`] takes the client's first message and becomes a
//! [`Challenge`], which takes the final message and becomes a [`Proven`]. Each consumes the one before,
//! so no step can be skipped or repeated. An unknown user goes the same way with [`Verifier::mock`]
//! and fails at the very end, with the very same error.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use subtle::{Choice, ConstantTimeEq};

use crate::limits::MAX_SCRAM_NONCE_BYTES;

pub mod client;
mod verifier;

pub use verifier::{Verifier, VerifierError};
use verifier::{hmac_sha256, sha256};

pub const SCRAM_SHA_256: &str = "SCRAM-SHA-256";
pub const SCRAM_SHA_256_PLUS: &str = "SCRAM-SHA-256-PLUS";

const BINDING_TYPE: &str = "tls-server-end-point";

/// Why a login failed. The client is told the same for all but the malformed ones, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScramError {
    #[error("SASL mechanism was not offered")]
    Mechanism,
    #[error("SCRAM message is malformed: {what}")]
    Malformed { what: &'static str },
    #[error("channel binding was offered, but the client says that it was not")]
    Downgrade,
    #[error("channel binding flag does not fit the mechanism")]
    BindingFlag,
    #[error("channel binding does not match this connection")]
    BindingMismatch,
    #[error("an authorization identity is not supported")]
    AuthorizationIdentity,
    #[error("password is wrong, or the user is not known")]
    Rejected,
}

/// What is offered on this connection.
#[derive(Debug, Clone)]
pub struct Offer {
    end_point: Option<Vec<u8>>,
}

impl Offer {
    /// For a connection without TLS.
    pub fn plain() -> Self {
        Self { end_point: None }
    }

    /// For a connection over TLS: `end_point` is the hash of our certificate (RFC 5929, section 4.1).
    pub fn with_channel_binding(end_point: Vec<u8>) -> Self {
        Self {
            end_point: Some(end_point),
        }
    }

    /// For `AuthenticationSASL`.
    pub fn mechanisms(&self) -> &'static [&'static str] {
        match self.end_point {
            Some(_) => &[SCRAM_SHA_256_PLUS, SCRAM_SHA_256],
            None => &[SCRAM_SHA_256],
        }
    }

    /// Takes the client's first message. `server_nonce` must be fresh and random, printable ASCII
    /// without a comma (18 random bytes in base64 are what PostgreSQL uses).
    pub fn client_first(
        self,
        mechanism: &str,
        message: &[u8],
        verifier: Verifier,
        server_nonce: &str,
    ) -> Result<Challenge, ScramError> {
        let plus = match mechanism {
            SCRAM_SHA_256 => false,
            SCRAM_SHA_256_PLUS if self.end_point.is_some() => true,
            _ => return Err(ScramError::Mechanism),
        };
        let first = ClientFirst::parse(message)?;
        let expected_binding = self.expected_binding(plus, &first)?;
        let nonce = format!("{}{server_nonce}", first.nonce);
        let server_first = format!(
            "r={nonce},s={},i={}",
            STANDARD.encode(verifier.salt()),
            verifier.iterations()
        );
        Ok(Challenge {
            auth_prefix: format!("{},{server_first},", first.bare),
            server_first,
            nonce,
            expected_binding,
            verifier,
        })
    }

    /// What the client's `c=` must hold, or why its flag is refused.
    fn expected_binding(&self, plus: bool, first: &ClientFirst<'_>) -> Result<Vec<u8>, ScramError> {
        let mut expected = first.header.as_bytes().to_vec();
        match (&first.flag, plus, &self.end_point) {
            (BindingFlag::Used, true, Some(end_point)) => expected.extend_from_slice(end_point),
            (BindingFlag::Unsupported, false, _) => {}
            // It believes that we can't, and we said that we can: somebody took it out of our list.
            (BindingFlag::ServerLacks, false, None) => {}
            (BindingFlag::ServerLacks, false, Some(_)) => return Err(ScramError::Downgrade),
            _ => return Err(ScramError::BindingFlag),
        }
        Ok(expected)
    }
}

/// The server's first message is out; the client's final message is due.
#[derive(Debug)]
pub struct Challenge {
    auth_prefix: String,
    server_first: String,
    nonce: String,
    expected_binding: Vec<u8>,
    verifier: Verifier,
}

impl Challenge {
    /// For `AuthenticationSASLContinue`.
    pub fn server_first(&self) -> &str {
        &self.server_first
    }

    /// Takes the client's final message.
    pub fn client_final(self, message: &[u8]) -> Result<Proven, ScramError> {
        let last = ClientFinal::parse(message)?;
        if last.nonce != self.nonce {
            return Err(ScramError::Malformed { what: "nonce" });
        }
        if !bool::from(last.binding.as_slice().ct_eq(&self.expected_binding)) {
            return Err(ScramError::BindingMismatch);
        }
        let auth_message = format!("{}{}", self.auth_prefix, last.without_proof);
        let signature = hmac_sha256(self.verifier.stored_key(), auth_message.as_bytes());
        let mut client_key = last.proof;
        client_key
            .iter_mut()
            .zip(signature)
            .for_each(|(byte, mask)| *byte ^= mask);
        let matches = sha256(&client_key).ct_eq(self.verifier.stored_key());
        let server_signature = hmac_sha256(self.verifier.server_key(), auth_message.as_bytes());
        // INVARIANT: a mock never proves anything, and takes as long as a real one to fail.
        if !bool::from(matches & Choice::from(u8::from(self.verifier.is_genuine()))) {
            return Err(ScramError::Rejected);
        }
        Ok(Proven {
            server_final: format!("v={}", STANDARD.encode(server_signature)),
        })
    }
}

/// The password behind the verifier was proved on this connection.
#[derive(Debug)]
pub struct Proven {
    server_final: String,
}

impl Proven {
    /// For `AuthenticationSASLFinal`.
    pub fn server_final(&self) -> &str {
        &self.server_final
    }
}

#[derive(Debug, PartialEq, Eq)]
enum BindingFlag {
    /// `p=tls-server-end-point`
    Used,
    /// `y`: the client could, and thinks that we can't.
    ServerLacks,
    /// `n`
    Unsupported,
}

struct ClientFirst<'a> {
    flag: BindingFlag,
    /// Flag and authorization identity, both commas included.
    header: &'a str,
    bare: &'a str,
    nonce: &'a str,
}

impl<'a> ClientFirst<'a> {
    fn parse(message: &'a [u8]) -> Result<Self, ScramError> {
        let message = text(message)?;
        let (flag_text, rest) = message.split_once(',').ok_or(malformed("binding flag"))?;
        let flag = match flag_text.split_once('=') {
            None if flag_text == "y" => BindingFlag::ServerLacks,
            None if flag_text == "n" => BindingFlag::Unsupported,
            Some(("p", BINDING_TYPE)) => BindingFlag::Used,
            Some(("p", _)) => return Err(ScramError::BindingFlag),
            _ => return Err(malformed("binding flag")),
        };
        let (identity, bare) = rest
            .split_once(',')
            .ok_or(malformed("authorization identity"))?;
        if !identity.is_empty() {
            return Err(ScramError::AuthorizationIdentity);
        }
        let header_bytes = message.len() - bare.len();
        let header = message
            .get(..header_bytes)
            .ok_or(malformed("binding flag"))?;
        // The name in here is ignored, as in PostgreSQL: who logs in was said in the startup packet.
        let mut attributes = bare.split(',');
        attributes
            .next()
            .and_then(|name| name.strip_prefix("n="))
            .ok_or(malformed("user name"))?;
        let nonce = attributes
            .next()
            .and_then(|nonce| nonce.strip_prefix("r="))
            .ok_or(malformed("nonce"))?;
        if nonce.is_empty() || nonce.len() > MAX_SCRAM_NONCE_BYTES || !nonce.bytes().all(is_nonce) {
            return Err(malformed("nonce"));
        }
        if attributes.next().is_some() {
            return Err(malformed("extension"));
        }
        Ok(Self {
            flag,
            header,
            bare,
            nonce,
        })
    }
}

struct ClientFinal<'a> {
    without_proof: &'a str,
    binding: Vec<u8>,
    nonce: &'a str,
    proof: [u8; 32],
}

impl<'a> ClientFinal<'a> {
    fn parse(message: &'a [u8]) -> Result<Self, ScramError> {
        let message = text(message)?;
        let (without_proof, proof) = message.rsplit_once(",p=").ok_or(malformed("proof"))?;
        let proof = STANDARD.decode(proof).map_err(|_| malformed("proof"))?;
        let proof = proof.try_into().map_err(|_| malformed("proof"))?;
        let mut attributes = without_proof.split(',');
        let binding = attributes
            .next()
            .and_then(|data| data.strip_prefix("c="))
            .ok_or(malformed("channel binding"))?;
        let binding = STANDARD
            .decode(binding)
            .map_err(|_| malformed("channel binding"))?;
        let nonce = attributes
            .next()
            .and_then(|nonce| nonce.strip_prefix("r="))
            .ok_or(malformed("nonce"))?;
        if attributes.next().is_some() {
            return Err(malformed("extension"));
        }
        Ok(Self {
            without_proof,
            binding,
            nonce,
            proof,
        })
    }
}

fn text(message: &[u8]) -> Result<&str, ScramError> {
    std::str::from_utf8(message).map_err(|_| malformed("not UTF-8"))
}

fn malformed(what: &'static str) -> ScramError {
    ScramError::Malformed { what }
}

/// Printable ASCII but the comma.
fn is_nonce(byte: u8) -> bool {
    matches!(byte, 0x21..=0x2b | 0x2d..=0x7e)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use postgres_protocol::authentication::sasl::{ChannelBinding, ScramSha256};

    use super::*;

    fn check(verifier: Verifier) -> Result<(), ScramError> {
        let mut client = ScramSha256::new(b"secret", ChannelBinding::unsupported());
        let challenge =
            Offer::plain().client_first(SCRAM_SHA_256, client.message(), verifier, "nonce")?;
        client.update(challenge.server_first().as_bytes()).unwrap();
        challenge.client_final(client.message()).map(|_| ())
    }

    #[test]
    fn a_mock_rejects_even_the_right_proof() {
        let genuine = Verifier::from_password(b"secret", b"salt", 4096).unwrap();
        assert_eq!(check(genuine.clone()), Ok(()));
        assert_eq!(check(genuine.into_mock()), Err(ScramError::Rejected));
    }

    #[test]
    fn a_mock_does_not_print_what_it_is_made_of() {
        let mock = Verifier::mock(&[3; 32], "nobody");
        assert_eq!(format!("{mock:?}"), "Verifier(…)");
    }
}
