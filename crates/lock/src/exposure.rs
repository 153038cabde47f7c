//! What a grant's role gets from PUBLIC, past the contract.

use portcullis_contract::Contract;
use serde::{Deserialize, Serialize};
use tokio_postgres::Client;

use crate::catalog::LiveCatalog;
use crate::{LockError, Steward};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Warns,
    /// Reaches rows out of scope: the contract may not come into force.
    Blocks,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicExposure {
    pub severity: Severity,
    pub what: String,
    pub consequence: String,
    /// SQL for the owner, or words.
    pub remedy: String,
}

/// The findings of [`crate::inspect`], alone.
pub async fn public_exposure(
    steward: &Steward,
    contract: &Contract,
) -> Result<Vec<PublicExposure>, LockError> {
    Ok(crate::inspect(steward, contract).await?.exposure)
}

pub(crate) async fn read(
    _client: &Client,
    _contract: &Contract,
    _live: &LiveCatalog,
) -> Result<Vec<PublicExposure>, LockError> {
    Ok(Vec::new())
}
