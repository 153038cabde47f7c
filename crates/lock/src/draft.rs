//! A contract file to fill in, from the live catalog.

use crate::{LockError, Steward};

pub async fn draft(_steward: &Steward, _law: &str) -> Result<String, LockError> {
    Err(LockError::Refused("drafts are not built yet".to_owned()))
}
