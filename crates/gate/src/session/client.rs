//! The client's socket: messages in, released bytes out.

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use portcullis_wire::frontend::{Frame, Phase, take_frame};

use super::outbox::Released;
use super::{End, Session};
use crate::limits::{FAREWELL_DEADLINE, IDLE_READ_BYTES, READ_BYTES};
use crate::stream::ClientStream;

pub struct Client {
    pub stream: ClientStream,
    pub input: BytesMut,
    /// Released and not yet written: always whole messages in the end.
    unwritten: BytesMut,
}

impl Client {
    pub fn new(stream: ClientStream, input: BytesMut) -> Self {
        Self {
            stream,
            input,
            unwritten: BytesMut::new(),
        }
    }

    /// Writes what may leave. If it is dropped half-way, the rest stays in `unwritten`.
    pub async fn write(&mut self, released: &Released) -> std::io::Result<()> {
        self.write_own(released.bytes()).await
    }

    /// Writes bytes of the gate's own that tell nothing of the owner's data.
    pub async fn write_own(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.unwritten.extend_from_slice(bytes);
        self.write_rest().await
    }

    async fn write_rest(&mut self) -> std::io::Result<()> {
        while self.unwritten.has_remaining() {
            if self.stream.write_buf(&mut self.unwritten).await? == 0 {
                return Err(std::io::ErrorKind::WriteZero.into());
            }
        }
        self.unwritten = BytesMut::new();
        self.stream.flush().await
    }

    /// Last words, in whole messages, to a client that may not even be reading.
    pub async fn farewell(&mut self, message: &[u8]) {
        let words = async {
            self.write_own(message).await?;
            self.stream.shutdown().await
        };
        let _ = tokio::time::timeout(FAREWELL_DEADLINE, words).await;
    }
}

impl Session {
    /// The client's next message; `None` when it has left in order.
    pub(super) async fn next_message(&mut self) -> Result<Option<Frame>, End> {
        loop {
            let taken = take_frame(&mut self.client.input, Phase::Session);
            if let Some(frame) = taken.map_err(|error| End::ClientBroke(error.to_string()))? {
                return Ok(Some(frame));
            }
            if !self.read_either().await? {
                return Ok(None);
            }
        }
    }

    /// Waits for the client, and notices if the database leaves or speaks meanwhile.
    async fn read_either(&mut self) -> Result<bool, End> {
        if self.client.input.is_empty() && self.client.input.capacity() > 4 * IDLE_READ_BYTES {
            self.client.input = BytesMut::new();
        }
        let wanted = if self.client.input.len() >= IDLE_READ_BYTES {
            READ_BYTES
        } else {
            IDLE_READ_BYTES
        };
        self.client.input.reserve(wanted);
        self.upstream.buffer.reserve(IDLE_READ_BYTES);
        tokio::select! {
            biased;
            read = self.client.stream.read_buf(&mut self.client.input) => match read {
                Ok(0) if self.client.input.is_empty() => Ok(false),
                Ok(0) => Err(End::ClientGone),
                Ok(_) => Ok(true),
                Err(_) => Err(End::ClientGone),
            },
            read = self.upstream.stream.read_buf(&mut self.upstream.buffer) => match read {
                Ok(0) | Err(_) => Err(End::DatabaseGone),
                Ok(_) => {
                    self.take_unasked()?;
                    Ok(true)
                }
            },
        }
    }
}
