//! release: bytes of a result leave for the client only after the record that covers them is durable.

use bytes::{BufMut, Bytes, BytesMut};
use portcullis_store::log::{LogDown, Pending, Recorded};

/// Proof that a batch was charged against the ceilings; made by the meter alone.
#[derive(Debug)]
pub struct Reserved(pub(super) ());

/// What waits for its record. Disclosing bytes come in with [`Reserved`], become sealed by the
/// record that lists them, and come out of [`Sealed::released`] only.
#[derive(Default)]
pub struct Outbox {
    bytes: BytesMut,
    /// INVARIANT: true while `bytes` holds something that no appended record covers.
    unsealed: bool,
    barrier: Option<Pending>,
}

/// A batch and the record that must be durable before it leaves.
pub struct Sealed {
    bytes: Bytes,
    barrier: Option<Pending>,
}

/// Bytes that may leave, with the proof that the last record before them is durable (`None`: none was needed).
pub struct Released(
    Bytes,
    #[expect(dead_code, reason = "held as proof")] Option<Recorded>,
);

impl Released {
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Outbox {
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// For messages of the protocol, and for what describes a result: it leaves with, or after, its record too.
    pub fn protocol(&mut self) -> &mut BytesMut {
        &mut self.bytes
    }

    /// For rows.
    pub fn disclosing(&mut self, _reserved: &Reserved) -> &mut BytesMut {
        self.unsealed = true;
        &mut self.bytes
    }

    /// The record just appended covers everything so far.
    pub fn seal(&mut self, pending: Pending) {
        self.unsealed = false;
        // Records become durable in order, so the last one stands for all before it.
        self.barrier = Some(pending);
    }

    /// Takes everything out; `None` if something is not covered by a record (then nothing may leave).
    pub fn take(&mut self) -> Option<Sealed> {
        if self.unsealed {
            return None;
        }
        Some(Sealed {
            bytes: self.bytes.split().freeze(),
            barrier: self.barrier.take(),
        })
    }

    /// Forgets what could not be recorded.
    pub fn discard(&mut self) {
        self.bytes.clear();
        self.unsealed = false;
        self.barrier = None;
    }

    /// Gives the memory of a large result back.
    pub fn shrink(&mut self) {
        if self.bytes.is_empty() && self.bytes.capacity() > crate::limits::IDLE_READ_BYTES {
            self.bytes = BytesMut::new();
        }
    }

    pub fn put_slice(&mut self, bytes: &[u8]) {
        self.bytes.put_slice(bytes);
    }
}

impl Sealed {
    /// Waits until the record is on disk.
    pub async fn released(self) -> Result<Released, LogDown> {
        let recorded = match self.barrier {
            Some(pending) => Some(pending.await?),
            None => None,
        };
        Ok(Released(self.bytes, recorded))
    }
}
