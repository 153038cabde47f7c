//! The method `tuning`.

use portcullis_sql::{Surface, Tuning};

use crate::{LockError, Steward};

/// Runs a tuning command from a fixed template; answers its command tag.
pub async fn tuning(
    _steward: &Steward,
    _surface: &Surface,
    _command: &Tuning,
) -> Result<String, LockError> {
    Err(LockError::Refused("tuning is not built yet".to_owned()))
}
