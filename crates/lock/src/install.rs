//! Runs a plan in one transaction and reads back what came of it.

use std::collections::BTreeMap;

use portcullis_sql::Surface;
use portcullis_sql::surface::Table;
use tokio_postgres::{Client, Transaction};

use crate::names::{KEY_SCHEMA, MARKER, ident};
use crate::plan::{Marker, Plan};
use crate::{LockError, Steward};

/// One second lock is made at a time in a database ("portcull" in ASCII).
const ADVISORY_LOCK: i64 = 0x706f_7274_6375_6c6c;

/// Makes the second lock, or leaves it alone where the same one stands. All or nothing.
pub async fn install(steward: &Steward, plan: &Plan) -> Result<Surface, LockError> {
    let mut client = steward.session().await?;
    let transaction = client.transaction().await?;
    take_lock(&transaction).await?;
    let standing =
        ours_or_nothing(&transaction, &plan.schema, &plan.contract, &plan.resource).await?;
    key_schema_is_ours(&transaction).await?;
    if !stands(&transaction, plan, standing).await? {
        for statement in &plan.statements {
            run(&transaction, statement).await?;
        }
    } else if let Some(marker) = plan.statements.last() {
        run(&transaction, marker).await?;
    }
    may_connect(&transaction, plan).await?;
    let surface = read_back(&transaction, plan).await?;
    transaction.commit().await?;
    Ok(surface)
}

/// Whether what the plan would make is there, whole: its marker, its role and its views.
async fn stands(
    transaction: &Transaction<'_>,
    plan: &Plan,
    standing: Option<Marker>,
) -> Result<bool, LockError> {
    let same = standing.is_some_and(|m| m.fingerprint == plan.fingerprint);
    Ok(same
        && role_exists(transaction, &plan.group_role).await?
        && read_back(transaction, plan).await.is_ok())
}

/// The surface of a plan that is installed; refuses if another stands.
pub async fn surface(steward: &Steward, plan: &Plan) -> Result<Surface, LockError> {
    let mut client = steward.session().await?;
    let transaction = client.transaction().await?;
    let standing =
        ours_or_nothing(&transaction, &plan.schema, &plan.contract, &plan.resource).await?;
    if standing.is_none_or(|m| m.fingerprint != plan.fingerprint) {
        return Err(LockError::Refused(format!(
            "the second lock of contract `{}` is not installed as planned",
            plan.contract
        )));
    }
    read_back(&transaction, plan).await
}

async fn run(transaction: &Transaction<'_>, statement: &str) -> Result<(), LockError> {
    transaction.batch_execute(statement).await.map_err(|e| {
        let first: String = statement
            .lines()
            .next()
            .unwrap_or_default()
            .chars()
            .take(200)
            .collect();
        LockError::Database(format!("{} — at `{first}`", crate::error::describe(&e)))
    })
}

pub(crate) async fn take_lock(transaction: &Transaction<'_>) -> Result<(), LockError> {
    transaction
        .query_one("SELECT pg_advisory_xact_lock($1)", &[&ADVISORY_LOCK])
        .await?;
    Ok(())
}

/// The marker of the schema with our name, if it exists; refuses a schema that somebody else made.
pub(crate) async fn ours_or_nothing(
    transaction: &Transaction<'_>,
    schema: &str,
    contract: &str,
    resource: &str,
) -> Result<Option<Marker>, LockError> {
    let sql = "SELECT obj_description(oid, 'pg_namespace'), pg_has_role(nspowner, 'USAGE') FROM pg_namespace WHERE nspname = $1";
    let Some(row) = transaction.query_opt(sql, &[&schema]).await? else {
        return Ok(None);
    };
    let not_ours = |what: String| LockError::NotOurs {
        name: schema.to_owned(),
        what,
    };
    let marker = Marker::read(row.get(0)).ok_or_else(|| {
        not_ours("a schema of this name exists without Portcullis' marker; rename it".to_owned())
    })?;
    if !row.get::<_, bool>(1) {
        return Err(not_ours("another account owns it".to_owned()));
    }
    if marker.contract != contract || marker.resource != resource {
        return Err(not_ours(format!(
            "it belongs to contract `{}` on resource `{}`",
            marker.contract, marker.resource
        )));
    }
    Ok(Some(marker))
}

/// Whoever made the key schema could read the keys.
async fn key_schema_is_ours(transaction: &Transaction<'_>) -> Result<(), LockError> {
    let sql = "SELECT nspowner = (SELECT oid FROM pg_roles WHERE rolname = current_user), obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = $1";
    let Some(row) = transaction.query_opt(sql, &[&KEY_SCHEMA]).await? else {
        return Ok(());
    };
    let marked = row
        .get::<_, Option<&str>>(1)
        .is_some_and(|c| c.starts_with(MARKER));
    if row.get::<_, bool>(0) && marked {
        Ok(())
    } else {
        Err(LockError::NotOurs {
            name: KEY_SCHEMA.to_owned(),
            what: "another account made it, and could read the masks' keys".to_owned(),
        })
    }
}

async fn role_exists(transaction: &Transaction<'_>, role: &str) -> Result<bool, LockError> {
    Ok(transaction
        .query_opt("SELECT 1 FROM pg_roles WHERE rolname = $1", &[&role])
        .await?
        .is_some())
}

/// GRANT only warns where the grantor may not.
async fn may_connect(transaction: &Transaction<'_>, plan: &Plan) -> Result<(), LockError> {
    let may: bool = transaction
        .query_one(
            "SELECT has_database_privilege($1, current_database(), 'CONNECT')",
            &[&plan.group_role],
        )
        .await?
        .get(0);
    if may {
        return Ok(());
    }
    Err(LockError::Refused(format!(
        "PUBLIC may not connect to this database, and the steward may not grant it; as its owner run: grant connect on database {} to {} with grant option",
        ident(&plan.database),
        "the steward"
    )))
}

const VIEW_COLUMNS: &str = "SELECT c.relname::text, c.oid, a.attname::text, a.attnum, a.atttypid \
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid \
     WHERE n.nspname = $1 AND c.relkind = 'v' AND a.attnum > 0 AND NOT a.attisdropped ORDER BY c.oid, a.attnum";

/// Fills in the views' own numbers, and refuses if a column is not what the plan saw.
async fn read_back(transaction: &Transaction<'_>, plan: &Plan) -> Result<Surface, LockError> {
    let mut found: BTreeMap<(String, String), (u32, i16, u32)> = BTreeMap::new();
    for row in transaction.query(VIEW_COLUMNS, &[&plan.schema]).await? {
        found.insert(
            (row.get(0), row.get(2)),
            (row.get(1), row.get(3), row.get(4)),
        );
    }
    let mut tables = plan.tables.clone();
    for table in &mut tables {
        fill(table, &found).ok_or_else(|| {
            LockError::Refused(format!(
                "table `{}` changed while the second lock was made; try again",
                table.qualified()
            ))
        })?;
    }
    Ok(plan.surface_of(tables))
}

fn fill(table: &mut Table, found: &BTreeMap<(String, String), (u32, i16, u32)>) -> Option<()> {
    for column in &mut table.columns {
        let (view_oid, attnum, type_oid) = found.get(&(table.view.clone(), column.name.clone()))?;
        if *type_oid != column.type_oid {
            return None;
        }
        table.view_oid = *view_oid;
        column.view_attnum = *attnum;
    }
    Some(())
}

/// The current marker of a contract's schema, outside a transaction of ours.
pub(crate) async fn schema_marker(
    client: &Client,
    schema: &str,
) -> Result<Option<Marker>, LockError> {
    let sql = "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = $1";
    Ok(client
        .query_opt(sql, &[&schema])
        .await?
        .and_then(|row| Marker::read(row.get(0))))
}
