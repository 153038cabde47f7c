//! How a view tells the gate whom a row is about, without telling the contract's role more than the
//! contract shows (decision 0004).
//!
//! A subject column that the contract shows unmasked is its own tap. Where it is masked or left out,
//! the view carries a keyed digest of it instead: exact for counting, useless for reading. All tables
//! of one kind do the same, so that one person is one subject in every table.

use std::collections::BTreeSet;

use portcullis_contract::{Columns, Contract, ScopeTable};

use crate::catalog::{LiveCatalog, LiveTable};
use crate::masks::keyed_hash;
use crate::names::literal;
use crate::{LockError, Steward};

/// Hidden view column with the subject's keyed digest.
pub const SUBJECT_COLUMN: &str = "portcullis_subject";
/// Hidden view column that is true in every row: NULL tells an outer join's empty side from a row whose subject is NULL.
pub const PRESENCE_COLUMN: &str = "portcullis_row";
/// Tells a digest from any clear value.
const DIGEST_PREFIX: &str = "keyed:";

/// The contract's row in the key table.
pub(crate) fn key_row(contract: &str, resource: &str) -> String {
    format!(
        "k.contract = {} AND k.resource = {}",
        literal(contract),
        literal(resource)
    )
}

pub(crate) fn digest_expression(text_sql: &str, key_row: &str) -> String {
    format!(
        "{} || encode({}, 'hex')",
        literal(DIGEST_PREFIX),
        keyed_hash(text_sql, key_row)
    )
}

/// What a scoped table's subject column identifies: as the contract says, else the table that its
/// foreign key points to, else the table itself.
pub(crate) fn kind(scope: &ScopeTable, table: &LiveTable) -> Option<String> {
    let subject = scope.subject.as_ref()?;
    if let Some(kind) = &scope.subject_kind {
        return Some(kind.clone());
    }
    let key = table
        .foreign_keys
        .iter()
        .find(|k| k.columns.len() == 1 && k.columns.first() == Some(subject));
    Some(key.map_or_else(
        || scope.qualified(),
        |k| format!("{}.{}", k.target_schema, k.target_table),
    ))
}

fn shown_clear(scope: &ScopeTable, subject: &String) -> bool {
    let shown = match &scope.columns {
        Columns::All => true,
        Columns::List(list) => list.contains(subject),
    };
    shown && !scope.mask.contains_key(subject)
}

/// Kinds that some table of the contract does not show in the clear.
pub(crate) fn digested_kinds(contract: &Contract, live: &LiveCatalog) -> BTreeSet<String> {
    let here = contract
        .scope
        .iter()
        .filter(|s| s.resource == live.resource);
    here.filter_map(|scope| {
        let table = live.table(&scope.schema, &scope.table)?;
        let subject = scope.subject.as_ref()?;
        if shown_clear(scope, subject) {
            None
        } else {
            kind(scope, table)
        }
    })
    .collect()
}

/// The identity under which the taps of this contract report a subject whose clear key is `value`,
/// where its kind is digested: for `disclosed --subject KEY`.
pub async fn subject_identity(
    steward: &Steward,
    contract: &str,
    value: &str,
) -> Result<Option<String>, LockError> {
    let client = steward.session().await?;
    let sql = format!(
        "SELECT {}",
        digest_expression("$1::text", &key_row(contract, &steward.resource().id))
    );
    Ok(client.query_one(&sql, &[&value]).await?.get(0))
}
