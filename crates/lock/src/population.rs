//! The database's side of what the ledger knows: how many subjects a table has, and which.
//!
//! Reads alone, on a connection of its own, so that a long scan keeps nobody from the second lock.

use std::time::Duration;

use portcullis_contract::{Contract, ScopeTable};
use portcullis_sql::Surface;
use tokio::sync::mpsc;
use tokio_postgres::Client;

use crate::names::{ident, qualified};
use crate::subjects::{self, SUBJECT_COLUMN, digest_expression, digested_kinds, key_row};
use crate::{LockError, Steward};

/// Rows fetched at once while all subjects are read.
const FETCHED_AT_ONCE: i32 = 2000;

/// A table of a contract's scope that tells whom its rows are about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubjectTable {
    pub schema: String,
    pub table: String,
    /// The owner's column.
    pub column: String,
    pub kind: String,
    /// The contract's taps tell a keyed digest instead of the value.
    pub keyed: bool,
}

impl SubjectTable {
    pub fn qualified(&self) -> String {
        format!("{}.{}", self.schema, self.table)
    }
}

/// As the second lock has it installed.
pub fn subjects_shown(contract: &Contract, surface: &Surface) -> Vec<SubjectTable> {
    of_contract(contract, &surface.resource, |scope| {
        let subject = surface
            .table(&scope.schema, &scope.table)?
            .subject
            .as_ref()?;
        Some((subject.kind.clone(), subject.column == SUBJECT_COLUMN))
    })
}

/// As the live catalog has it: for a contract that is not installed any more.
pub async fn subjects_of(
    steward: &Steward,
    contract: &Contract,
) -> Result<Vec<SubjectTable>, LockError> {
    let live = crate::inspect(steward, contract).await?;
    let digested = digested_kinds(contract, &live);
    Ok(of_contract(contract, &live.resource, |scope| {
        let kind = subjects::kind(scope, live.table(&scope.schema, &scope.table)?)?;
        let keyed = digested.contains(&kind);
        Some((kind, keyed))
    }))
}

fn of_contract(
    contract: &Contract,
    resource: &str,
    kind: impl Fn(&ScopeTable) -> Option<(String, bool)>,
) -> Vec<SubjectTable> {
    let here = contract.scope.iter().filter(|s| s.resource == resource);
    here.filter_map(|scope| {
        let column = scope.subject.clone()?;
        let (kind, keyed) = kind(scope)?;
        Some(SubjectTable {
            schema: scope.schema.clone(),
            table: scope.table.clone(),
            column,
            kind,
            keyed,
        })
    })
    .collect()
}

/// Distinct subjects of a table as it is now; NULL counts as one subject a row.
pub async fn count_subjects(
    steward: &Steward,
    table: &SubjectTable,
    within: Duration,
) -> Result<u64, LockError> {
    let client = reading(steward, within).await?;
    let from = from(&client, table).await?;
    let column = ident(&table.column);
    let sql = format!(
        "SELECT (SELECT count(*) FROM (SELECT DISTINCT {column} FROM {from} WHERE {column} IS NOT NULL) s) \
         + (SELECT count(*) FROM {from} WHERE {column} IS NULL)"
    );
    let count: i64 = client.query_one(&sql, &[]).await?.get(0);
    Ok(count.unsigned_abs())
}

/// A key as the column's type prints it (`…-ABCD` of a uuid in small letters); `None` where no value
/// of that type reads so.
pub async fn canonical_key(
    steward: &Steward,
    table: &SubjectTable,
    key: &str,
) -> Result<Option<String>, LockError> {
    let client = steward.session().await?;
    let sql = "SELECT format_type(a.atttypid, a.atttypmod) FROM pg_attribute a \
               JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
               WHERE n.nspname = $1 AND c.relname = $2 AND a.attname = $3 AND NOT a.attisdropped";
    let found = client
        .query_opt(sql, &[&table.schema, &table.table, &table.column])
        .await?;
    let Some(row) = found else {
        return Ok(None);
    };
    let type_name: String = row.get(0);
    let sql = format!("SELECT CAST(CAST($1::text AS {type_name}) AS text)");
    match client.query_one(&sql, &[&key]).await {
        Ok(row) => Ok(row.get(0)),
        // No such value: nobody can have been shown it.
        Err(error) if error.as_db_error().is_some() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A subject that a table has now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Present {
    /// As PostgreSQL prints it.
    pub value: String,
    /// Its identity under each contract that was asked about; `None` where that contract's key is gone.
    pub keyed: Vec<Option<String>>,
}

/// Sends every subject of a table, in pieces. Ends early when nobody receives any more.
pub async fn send_subjects(
    steward: &Steward,
    table: &SubjectTable,
    keyed_under: &[String],
    within: Duration,
    to: &mpsc::Sender<Vec<Present>>,
) -> Result<(), LockError> {
    let mut client = reading(steward, within).await?;
    let from = from(&client, table).await?;
    let column = ident(&table.column);
    let mut targets = vec!["s.v".to_owned()];
    for contract in keyed_under {
        let key = key_row(contract, &steward.resource().id);
        targets.push(digest_expression("s.v", &key));
    }
    let sql = format!(
        "SELECT {} FROM (SELECT DISTINCT CAST({column} AS text) AS v FROM {from} WHERE {column} IS NOT NULL) s",
        targets.join(", ")
    );
    let transaction = client.transaction().await?;
    let portal = transaction.bind(&sql, &[]).await?;
    loop {
        let rows = transaction.query_portal(&portal, FETCHED_AT_ONCE).await?;
        if rows.is_empty() {
            return Ok(());
        }
        let piece = rows.iter().map(|row| Present {
            value: row.get(0),
            keyed: (1..=keyed_under.len()).map(|at| row.get(at)).collect(),
        });
        if to.send(piece.collect()).await.is_err() {
            return Ok(());
        }
    }
}

async fn reading(steward: &Steward, within: Duration) -> Result<Client, LockError> {
    let client = steward.second_connection().await?;
    let limits = format!(
        "SET statement_timeout = {ms}; SET idle_in_transaction_session_timeout = {ms}; SET default_transaction_read_only = on",
        ms = within.as_millis()
    );
    client.batch_execute(&limits).await?;
    Ok(client)
}

/// As the views have it: an ordinary table without those that inherit from it.
async fn from(client: &Client, table: &SubjectTable) -> Result<String, LockError> {
    let sql = "SELECT c.relkind = 'r' FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
               WHERE n.nspname = $1 AND c.relname = $2";
    let row = client
        .query_opt(sql, &[&table.schema, &table.table])
        .await?
        .ok_or_else(|| LockError::Refused(format!("table `{}` is gone", table.qualified())))?;
    let only = if row.get(0) { "ONLY " } else { "" };
    Ok(format!("{only}{}", qualified(&table.schema, &table.table)))
}
