//! identify: who is it? SCRAM-SHA-256(-PLUS) against the grant's verifier. For an unknown user, a
//! wrong password and no grant the answer is one and the same, after the same work.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;
use portcullis_contract::{Refusal, SqlState};
use portcullis_wire::build::server as build;
use portcullis_wire::frontend::{Message, sasl_initial, sasl_response};
use portcullis_wire::scram::{Offer, Proven, Verifier};

use crate::Gate;
use crate::startup::{AcceptError, Connection};

const NONCE_BYTES: usize = 18;

/// Proof that somebody holds a grant's password; made by [`identify`] alone.
pub struct Principal {
    pub(crate) grant_id: String,
    pub(crate) person: String,
    _proven: Proven,
}

/// Why nobody was identified.
#[derive(Debug, thiserror::Error)]
pub enum IdentifyError {
    #[error(transparent)]
    Io(#[from] AcceptError),
    #[error("rejected")]
    Rejected,
}

pub async fn identify(
    gate: &Arc<Gate>,
    connection: &mut Connection,
) -> Result<Principal, IdentifyError> {
    let user = connection.startup.user().to_owned();
    let known = gate.registry.principal(&user);
    let verifier = known
        .as_ref()
        .and_then(|principal| Verifier::parse(&principal.verifier).ok())
        .unwrap_or_else(|| Verifier::mock(&gate.mock_secret, &user));
    let proven = prove(gate, connection, verifier).await?;
    match known {
        Some(principal) => Ok(Principal {
            grant_id: principal.grant_id,
            person: principal.person,
            _proven: proven,
        }),
        None => Err(IdentifyError::Rejected),
    }
}

/// The one answer to whoever is not known.
pub fn not_known(user: &str) -> Refusal {
    Refusal::new(
        SqlState::InvalidPassword,
        "login.failed",
        format!("password authentication failed for user `{user}`"),
    )
    .hint(
        "check user and password as the approval gave them; a new grant comes with a new password",
    )
}

async fn prove(
    gate: &Gate,
    connection: &mut Connection,
    verifier: Verifier,
) -> Result<Proven, IdentifyError> {
    let offer = match (connection.encrypted, gate.tls.end_point()) {
        (true, Some(end_point)) => Offer::with_channel_binding(end_point.to_vec()),
        _ => Offer::plain(),
    };
    let mut out = BytesMut::new();
    if let Some(negotiation) = connection.startup.negotiation() {
        build::negotiate_protocol_version(&mut out, negotiation).map_err(malformed)?;
    }
    build::authentication_sasl(&mut out, offer.mechanisms()).map_err(malformed)?;
    connection.send(&out).await?;

    let frame = connection.login_message().await?;
    let initial = sasl_initial(credential(&frame)?).map_err(malformed)?;
    let mut nonce = [0u8; NONCE_BYTES];
    getrandom::fill(&mut nonce).map_err(|error| malformed(error.to_string()))?;
    let data = initial.data.unwrap_or_default();
    let challenge = offer
        .client_first(initial.mechanism, data, verifier, &STANDARD.encode(nonce))
        .map_err(|_| IdentifyError::Rejected)?;
    let mut out = BytesMut::new();
    build::authentication_sasl_continue(&mut out, challenge.server_first().as_bytes())
        .map_err(malformed)?;
    connection.send(&out).await?;

    let frame = connection.login_message().await?;
    let proven = challenge
        .client_final(sasl_response(credential(&frame)?))
        .map_err(|_| IdentifyError::Rejected)?;
    let mut out = BytesMut::new();
    build::authentication_sasl_final(&mut out, proven.server_final().as_bytes())
        .map_err(malformed)?;
    connection.send(&out).await?;
    Ok(proven)
}

/// Anything but a password message here, a second start-up packet among them, ends the connection.
fn credential(frame: &portcullis_wire::frontend::Frame) -> Result<&[u8], IdentifyError> {
    match frame.decode() {
        Ok(Message::Credential { body }) => Ok(body),
        _ => Err(malformed("a message out of turn".to_owned())),
    }
}

fn malformed(error: impl ToString) -> IdentifyError {
    AcceptError::Io(std::io::Error::other(error.to_string())).into()
}
