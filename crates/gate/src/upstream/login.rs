//! Stream → session: start-up, SCRAM with the server's proof, then what it reports until it is ready.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use portcullis_wire::backend::{self, Authentication};
use portcullis_wire::build::client;
use portcullis_wire::scram::client::{Binding, Hello};
use portcullis_wire::scram::{SCRAM_SHA_256, SCRAM_SHA_256_PLUS};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::error::UpstreamError;
use super::{MAX_LOGIN_BYTES, MAX_PARAMETERS, Stream, Target, Upstream};
use crate::tls::tls_server_end_point;

/// As many as PostgreSQL and its clients take.
const NONCE_BYTES: usize = 18;

pub(super) async fn log_in(stream: Stream, target: &Target) -> Result<Upstream, UpstreamError> {
    let mut line = Line::new(stream);
    let mut hello = BytesMut::new();
    let named = [
        ("user", target.user.as_str()),
        ("database", target.database.as_str()),
    ];
    let further = target
        .params
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    client::startup(&mut hello, named.into_iter().chain(further))?;
    line.send(&hello).await?;
    prove(&mut line, target).await?;
    until_ready(line).await
}

/// SCRAM, both ways. Returns only after the server has proved that it knows the password's verifier.
async fn prove(line: &mut Line, target: &Target) -> Result<(), UpstreamError> {
    let request = line.authentication().await?;
    let binding = choose(&mechanisms_of(&request)?, line.end_point())?;
    let hello = Hello::new(binding, fresh_nonce()?);
    let mut message = BytesMut::new();
    client::sasl_initial(&mut message, hello.mechanism(), hello.message().as_bytes())?;
    line.send(&message).await?;

    let challenge = line.authentication().await?;
    let Authentication::SaslContinue { data } = read(&challenge)? else {
        return Err(out_of_order(&challenge, "SASL challenge"));
    };
    let challenged = hello.challenge(data)?;
    let keys = target.password.keys_for(&challenged).await?;
    let answered = challenged.answer(&keys);
    message.clear();
    client::sasl_response(&mut message, answered.message().as_bytes())?;
    line.send(&message).await?;

    let last = line.authentication().await?;
    let Authentication::SaslFinal { data } = read(&last)? else {
        return Err(out_of_order(&last, "SASL proof"));
    };
    answered.check_proof(data)?;

    let done = line.authentication().await?;
    match read(&done)? {
        Authentication::Ok => Ok(()),
        _ => Err(out_of_order(&done, "end of login")),
    }
}

fn fresh_nonce() -> Result<String, UpstreamError> {
    let mut random = [0; NONCE_BYTES];
    getrandom::fill(&mut random)
        .map_err(|error| UpstreamError::Io(std::io::Error::other(error)))?;
    Ok(STANDARD.encode(random))
}

fn read(body: &[u8]) -> Result<Authentication<'_>, UpstreamError> {
    Ok(backend::authentication(body)?)
}

fn mechanisms_of(request: &[u8]) -> Result<Vec<&str>, UpstreamError> {
    match read(request)? {
        Authentication::Sasl { mechanisms } => Ok(mechanisms),
        _ => Err(out_of_order(request, "SCRAM")),
    }
}

/// A request in the wrong place: said by name where it would have cost us the secret.
fn out_of_order(body: &[u8], expected: &'static str) -> UpstreamError {
    match backend::authentication(body) {
        Ok(Authentication::Ok) => UpstreamError::NotProven,
        Ok(Authentication::CleartextPassword) => UpstreamError::Method {
            method: "the password in clear text",
        },
        Ok(Authentication::Md5Password) => UpstreamError::Method {
            method: "an MD5 of the password",
        },
        Ok(Authentication::Other { .. }) => UpstreamError::Method {
            method: "another authentication",
        },
        Ok(_) => UpstreamError::Unexpected {
            tag: backend::AUTHENTICATION,
            expected,
        },
        Err(error) => UpstreamError::Wire(error),
    }
}

fn choose(mechanisms: &[&str], end_point: Option<Vec<u8>>) -> Result<Binding, UpstreamError> {
    match end_point {
        Some(hash) if mechanisms.contains(&SCRAM_SHA_256_PLUS) => Ok(Binding::EndPoint(hash)),
        _ if !mechanisms.contains(&SCRAM_SHA_256) => Err(UpstreamError::NoScram),
        Some(_) => Ok(Binding::NotOffered),
        None => Ok(Binding::Unsupported),
    }
}

/// Parameters, cancel key, ready.
async fn until_ready(mut line: Line) -> Result<Upstream, UpstreamError> {
    let mut parameters = BTreeMap::new();
    let mut cancel_key: Option<(u32, Bytes)> = None;
    loop {
        let (tag, body) = line.message().await?;
        match tag {
            backend::PARAMETER_STATUS => {
                let (name, value) = backend::parameter_status(&body)?;
                parameters.insert(name.to_owned(), value.to_owned());
                if parameters.len() > MAX_PARAMETERS {
                    return Err(UpstreamError::TooMuch {
                        what: "parameters",
                        limit: MAX_PARAMETERS,
                    });
                }
            }
            backend::BACKEND_KEY_DATA => {
                let (process_id, key) = backend::backend_key_data(&body)?;
                cancel_key = Some((process_id, Bytes::copy_from_slice(key)));
            }
            backend::READY_FOR_QUERY => {
                backend::ready_for_query(&body)?;
                let (process_id, secret_key) = cancel_key.ok_or(UpstreamError::Unexpected {
                    tag,
                    expected: "a cancel key",
                })?;
                let Line { stream, buffer, .. } = line;
                return Ok(Upstream {
                    stream,
                    buffer,
                    parameters,
                    process_id,
                    secret_key,
                });
            }
            tag => {
                return Err(UpstreamError::Unexpected {
                    tag,
                    expected: "the end of login",
                });
            }
        }
    }
}

/// The stream with what was read from it, and how much that was.
struct Line {
    stream: Stream,
    buffer: BytesMut,
    received: usize,
}

impl Line {
    fn new(stream: Stream) -> Self {
        Self {
            stream,
            buffer: BytesMut::new(),
            received: 0,
        }
    }

    /// What -PLUS binds to, if this is TLS.
    fn end_point(&self) -> Option<Vec<u8>> {
        match &self.stream {
            Stream::Tls(stream) => {
                let (_, connection) = stream.get_ref();
                connection
                    .peer_certificates()?
                    .first()
                    .and_then(|own| tls_server_end_point(own))
            }
            Stream::Tcp(_) | Stream::Unix(_) => None,
        }
    }

    async fn send(&mut self, message: &[u8]) -> Result<(), UpstreamError> {
        self.stream
            .write_all(message)
            .await
            .map_err(UpstreamError::Io)?;
        self.stream.flush().await.map_err(UpstreamError::Io)
    }

    async fn authentication(&mut self) -> Result<Bytes, UpstreamError> {
        match self.message().await? {
            (backend::AUTHENTICATION, body) => Ok(body),
            (tag, _) => Err(UpstreamError::Unexpected {
                tag,
                expected: "an authentication message",
            }),
        }
    }

    /// The next message that is no notice; an error of the server's ends the login.
    async fn message(&mut self) -> Result<(u8, Bytes), UpstreamError> {
        loop {
            let Some(frame) = backend::next_login_frame(&self.buffer, 0)? else {
                self.receive().await?;
                continue;
            };
            let body = self
                .buffer
                .split_to(frame.end)
                .freeze()
                .split_off(portcullis_wire::frontend::HEAD_BYTES);
            match frame.tag {
                backend::NOTICE_RESPONSE => {}
                backend::ERROR_RESPONSE => return Err(UpstreamError::refused(&body)),
                tag => return Ok((tag, body)),
            }
        }
    }

    async fn receive(&mut self) -> Result<(), UpstreamError> {
        let count = self
            .stream
            .read_buf(&mut self.buffer)
            .await
            .map_err(UpstreamError::Io)?;
        self.received += count;
        match count {
            0 => Err(UpstreamError::Closed),
            _ if self.received > MAX_LOGIN_BYTES => Err(UpstreamError::TooMuch {
                what: "bytes",
                limit: MAX_LOGIN_BYTES,
            }),
            _ => Ok(()),
        }
    }
}
