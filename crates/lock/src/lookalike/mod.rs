//! Look-alikes of the server's catalog.

use std::collections::{BTreeMap, BTreeSet};

use portcullis_contract::Contract;
use tokio_postgres::Client;

use crate::LockError;
use crate::catalog::LiveCatalog;
use crate::views::PlannedView;

/// A relation of the server's own catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SystemRelation {
    pub schema: String,
    pub name: String,
    pub columns: Vec<(String, String)>,
    pub definition: Option<String>,
}

#[derive(Default)]
pub(crate) struct LookAlikes {
    pub statements: Vec<String>,
    /// Relations of our schema that the contract's role may read.
    pub readable: Vec<String>,
    pub relations: BTreeMap<String, String>,
    pub functions: BTreeMap<String, String>,
    pub reg_filters: BTreeMap<String, String>,
}

pub(crate) async fn read_relations(_client: &Client) -> Result<Vec<SystemRelation>, LockError> {
    Ok(Vec::new())
}

pub(crate) async fn read_functions(_client: &Client) -> Result<BTreeSet<String>, LockError> {
    Ok(BTreeSet::new())
}

pub(crate) fn plan(
    _schema: &str,
    _live: &LiveCatalog,
    _contract: &Contract,
    _views: &[PlannedView],
) -> LookAlikes {
    LookAlikes::default()
}
