//! Cancel keys of the gate's own: a client never learns the database's.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use portcullis_wire::startup::Cancel;
use subtle::ConstantTimeEq as _;

use crate::upstream::{self, Target};

/// Key bytes for clients of protocol 3.0, which can hold no more.
const SHORT_KEY_BYTES: usize = 4;

#[derive(Clone)]
struct Behind {
    key: Bytes,
    target: Arc<Target>,
    process_id: u32,
    secret: Bytes,
}

/// Who may cancel what. A key lives as long as its session's [`CancelSlot`].
#[derive(Default)]
pub struct CancelKeys {
    slots: Mutex<Slots>,
}

#[derive(Default)]
struct Slots {
    by_process: HashMap<u32, Behind>,
    last: u32,
}

/// Owned by the session; dropping it ends the key.
pub struct CancelSlot {
    keys: Arc<CancelKeys>,
    pub process_id: u32,
    pub key: Bytes,
    pub target: Arc<Target>,
}

impl CancelKeys {
    pub fn open(
        self: &Arc<Self>,
        key_bytes: usize,
        target: Arc<Target>,
        process_id: u32,
        secret: Bytes,
    ) -> Result<CancelSlot, getrandom::Error> {
        let mut key = vec![0u8; key_bytes.max(SHORT_KEY_BYTES)];
        getrandom::fill(&mut key)?;
        let key = Bytes::from(key);
        let behind = Behind {
            key: key.clone(),
            target: Arc::clone(&target),
            process_id,
            secret,
        };
        let mut slots = self.slots.lock();
        let mut own = slots.last;
        loop {
            // Looks like a process id, and is never that of the database's.
            own = own % 0x7fff_fffe + 1;
            if !slots.by_process.contains_key(&own) {
                break;
            }
        }
        slots.last = own;
        slots.by_process.insert(own, behind);
        Ok(CancelSlot {
            keys: Arc::clone(self),
            process_id: own,
            key,
            target,
        })
    }

    /// Passes a cancel on if its key fits; tells nobody whether it did.
    pub async fn cancel(&self, request: &Cancel) {
        let behind = self
            .slots
            .lock()
            .by_process
            .get(&request.process_id)
            .cloned();
        let Some(behind) = behind else { return };
        if !bool::from(behind.key.ct_eq(&request.key)) {
            return;
        }
        if let Err(error) =
            upstream::cancel(&behind.target, behind.process_id, &behind.secret).await
        {
            tracing::info!(%error, "a client's cancel could not be passed on");
        }
    }
}

impl Drop for CancelSlot {
    fn drop(&mut self) {
        self.keys.slots.lock().by_process.remove(&self.process_id);
    }
}
