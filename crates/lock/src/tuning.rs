//! The method `tuning`: fixed templates, filled from names that the surface knows, on a connection of
//! their own with time-outs. Never the vendor's text; and never the database's words to the vendor,
//! which may quote a value (a duplicate key) or a name that is out of scope.

use portcullis_sql::surface::Table;
use portcullis_sql::{IndexColumn, Surface, Tuning};
use tokio_postgres::Client;

use crate::names::{MARKER, NAME_BYTES_MAX, OUR_PREFIX, ident, literal, qualified, short_hash};
use crate::plan::{Marker, marker};
use crate::{LockError, Steward};

/// A lock that others hold is not queued for: who waits behind us would wait too.
const LOCK_TIMEOUT: &str = "3s";
const STATEMENT_TIMEOUT: &str = "30min";
const INDEX_COLUMNS_MAX: usize = 16;
/// Of the server's own; each takes plain columns without an operator class.
const ACCESS_METHODS: [&str; 3] = ["btree", "hash", "brin"];

/// Runs a tuning command; answers its command tag. Errors are fit for the vendor's eyes.
pub async fn tuning(
    steward: &Steward,
    surface: &Surface,
    command: &Tuning,
) -> Result<String, LockError> {
    let client = steward.second_connection().await?;
    let timeouts = format!(
        "SET lock_timeout = '{LOCK_TIMEOUT}'; SET statement_timeout = '{STATEMENT_TIMEOUT}'"
    );
    client
        .batch_execute(&timeouts)
        .await
        .map_err(|e| shown(&e))?;
    match command {
        Tuning::CreateIndex {
            name,
            if_not_exists,
            table,
            columns,
            access_method,
        } => {
            let table = table_of(surface, *table)?;
            create_index(
                &client,
                surface,
                table,
                name.as_deref(),
                *if_not_exists,
                columns,
                access_method,
            )
            .await
        }
        Tuning::DropIndex {
            schema,
            name,
            if_exists,
        } => drop_index(&client, surface, schema.as_deref(), name, *if_exists).await,
        Tuning::Vacuum { table, analyze } => {
            let options = if *analyze {
                "VACUUM (ANALYZE)"
            } else {
                "VACUUM"
            };
            maintain(&client, table_of(surface, *table)?, options, "VACUUM").await
        }
        Tuning::Analyze { table } => {
            maintain(&client, table_of(surface, *table)?, "ANALYZE", "ANALYZE").await
        }
        Tuning::ReindexTable { table } => {
            maintain(
                &client,
                table_of(surface, *table)?,
                "REINDEX TABLE CONCURRENTLY",
                "REINDEX",
            )
            .await
        }
        Tuning::ReindexIndex { schema, name } => {
            reindex_index(&client, surface, schema.as_deref(), name).await
        }
    }
}

fn refuse(what: impl Into<String>) -> LockError {
    LockError::Refused(what.into())
}

/// What a vendor may be told of a failure: its class, never its words.
fn shown(error: &tokio_postgres::Error) -> LockError {
    let Some(code) = error.code().map(|c| c.code()) else {
        return refuse("the connection to the database broke");
    };
    refuse(match code {
        "55P03" => format!("the table is in use: no lock within {LOCK_TIMEOUT}; try again at a quieter hour"),
        "57014" => format!("it took longer than {STATEMENT_TIMEOUT}"),
        "42P07" => "an object of this name exists; choose another name".to_owned(),
        "42501" => "the steward does not own this table; tuning needs that (docs/guide/owner-engineer-database.md)".to_owned(),
        "42704" => "the column's type has no default operator class for this access method".to_owned(),
        "53100" => "the database's disk is full".to_owned(),
        code => format!("the database refused it (SQLSTATE {code})"),
    })
}

fn table_of(surface: &Surface, index: usize) -> Result<&Table, LockError> {
    surface
        .tables
        .get(index)
        .ok_or_else(|| refuse("the table is not in scope"))
}

async fn create_index(
    client: &Client,
    surface: &Surface,
    table: &Table,
    name: Option<&str>,
    if_not_exists: bool,
    columns: &[IndexColumn],
    access_method: &str,
) -> Result<String, LockError> {
    let done = || Ok("CREATE INDEX".to_owned());
    let list = index_columns(table, columns, access_method)?;
    let name = match name {
        Some(name) => checked_name(name)?.to_owned(),
        None => generated_name(table, columns),
    };
    may_maintain(client, table).await?;
    if exists(client, &table.schema, &name).await? {
        let ours = index_marker(client, &table.schema, &name)
            .await?
            .is_some_and(|m| is_of(&m, surface));
        return if if_not_exists && ours {
            done()
        } else {
            Err(refuse("an object of this name exists; choose another name"))
        };
    }
    let sql = format!(
        "CREATE INDEX CONCURRENTLY {} ON {} USING {access_method} ({list})",
        ident(&name),
        qualified(&table.schema, &table.name)
    );
    if let Err(error) = client.batch_execute(&sql).await {
        // A failed concurrent build leaves an invalid index, which is ours: nothing had this name before.
        let leftover = format!(
            "DROP INDEX CONCURRENTLY IF EXISTS {}",
            qualified(&table.schema, &name)
        );
        if let Err(error) = client.batch_execute(&leftover).await {
            tracing::warn!(
                sqlstate = error.code().map(|c| c.code()),
                "an invalid index was left behind"
            );
        }
        return Err(shown(&error));
    }
    let comment = literal(&marker(
        &surface.contract,
        &surface.resource,
        &surface.database,
        0,
        "",
    ));
    client
        .batch_execute(&format!(
            "COMMENT ON INDEX {} IS {comment}",
            qualified(&table.schema, &name)
        ))
        .await
        .map_err(|e| shown(&e))?;
    done()
}

fn index_columns(
    table: &Table,
    columns: &[IndexColumn],
    access_method: &str,
) -> Result<String, LockError> {
    if !ACCESS_METHODS.contains(&access_method) {
        return Err(refuse(format!(
            "access method `{access_method}` is not on the list: {}",
            ACCESS_METHODS.join(", ")
        )));
    }
    if columns.is_empty() || columns.len() > INDEX_COLUMNS_MAX {
        return Err(refuse(format!(
            "an index has between 1 and {INDEX_COLUMNS_MAX} columns"
        )));
    }
    let ordered = access_method == "btree";
    let mut list = Vec::new();
    for wanted in columns {
        let column = table
            .column(&wanted.column)
            .ok_or_else(|| refuse(format!("column `{}` is not in scope", wanted.column)))?;
        if column.masked {
            return Err(refuse(format!(
                "column `{}` is masked; an index on it would serve nobody here",
                wanted.column
            )));
        }
        let direction = match (ordered, wanted.descending) {
            (true, true) => " DESC",
            (false, true) => {
                return Err(refuse(format!(
                    "access method `{access_method}` keeps no order"
                )));
            }
            _ => "",
        };
        let nulls = match wanted.nulls_first.filter(|_| ordered) {
            Some(true) => " NULLS FIRST",
            Some(false) => " NULLS LAST",
            None => "",
        };
        list.push(format!("{}{direction}{nulls}", ident(&column.name)));
    }
    Ok(list.join(", "))
}

fn checked_name(name: &str) -> Result<&str, LockError> {
    let fits = !name.is_empty()
        && name.len() <= NAME_BYTES_MAX
        && !name.starts_with(OUR_PREFIX)
        && !name.starts_with("pg_")
        && !name.contains('\0');
    fits.then_some(name)
        .ok_or_else(|| refuse(format!("`{name}` is no name for an index here")))
}

/// As PostgreSQL would name it, with a mark that keeps it apart from the owner's.
fn generated_name(table: &Table, columns: &[IndexColumn]) -> String {
    let list: Vec<&str> = columns.iter().map(|c| c.column.as_str()).collect();
    let plain = format!("{}_{}_idx", table.name, list.join("_"));
    let tag = short_hash(&format!("{}\0{plain}\0{columns:?}", table.schema));
    let mut stem = plain;
    while stem.len() > NAME_BYTES_MAX - 1 - tag.len() {
        stem.pop();
    }
    format!("{stem}_{tag}")
}

async fn drop_index(
    client: &Client,
    surface: &Surface,
    schema: Option<&str>,
    name: &str,
    if_exists: bool,
) -> Result<String, LockError> {
    for schema in schemas(surface, schema) {
        if index_marker(client, schema, name)
            .await?
            .is_some_and(|m| is_of(&m, surface))
        {
            client
                .batch_execute(&format!(
                    "DROP INDEX CONCURRENTLY {}",
                    qualified(schema, name)
                ))
                .await
                .map_err(|e| shown(&e))?;
            return Ok("DROP INDEX".to_owned());
        }
    }
    if if_exists {
        Ok("DROP INDEX".to_owned())
    } else {
        Err(refuse(format!(
            "no index `{name}` was made under this contract; only those may be dropped"
        )))
    }
}

/// An index that the look-alikes show.
async fn reindex_index(
    client: &Client,
    surface: &Surface,
    schema: Option<&str>,
    name: &str,
) -> Result<String, LockError> {
    let sql = format!(
        "SELECT t.relname::text, n.nspname::text FROM {}.portcullis_indexes i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_class t ON t.oid = i.indrelid WHERE c.relname = $1 AND n.nspname = ANY ($2) ORDER BY 2 LIMIT 1",
        ident(&surface.view_schema)
    );
    let unknown = || refuse(format!("there is no index `{name}` in scope"));
    let row = client
        .query_opt(&sql, &[&name, &schemas(surface, schema)])
        .await
        .map_err(|e| shown(&e))?
        .ok_or_else(unknown)?;
    let (table, schema): (String, String) = (row.get(0), row.get(1));
    let table = surface.table(&schema, &table).ok_or_else(unknown)?;
    may_maintain(client, table).await?;
    client
        .batch_execute(&format!(
            "REINDEX INDEX CONCURRENTLY {}",
            qualified(&schema, name)
        ))
        .await
        .map_err(|e| shown(&e))?;
    Ok("REINDEX".to_owned())
}

async fn maintain(
    client: &Client,
    table: &Table,
    command: &str,
    tag: &str,
) -> Result<String, LockError> {
    may_maintain(client, table).await?;
    client
        .batch_execute(&format!(
            "{command} {}",
            qualified(&table.schema, &table.name)
        ))
        .await
        .map_err(|e| shown(&e))?;
    Ok(tag.to_owned())
}

/// VACUUM and ANALYZE of a table that is not ours only warn and do nothing.
async fn may_maintain(client: &Client, table: &Table) -> Result<(), LockError> {
    let sql =
        "SELECT pg_has_role(c.relowner, 'USAGE'), c.relkind = 'p' FROM pg_class c WHERE c.oid = $1";
    let row = client
        .query_opt(sql, &[&table.oid])
        .await
        .map_err(|e| shown(&e))?
        .ok_or_else(|| refuse("the table is gone"))?;
    if row.get(1) {
        return Err(refuse(
            "the table is partitioned; its owner tunes the partitions",
        ));
    }
    if row.get(0) {
        Ok(())
    } else {
        Err(refuse(
            "the steward does not own this table; tuning needs that (docs/guide/owner-engineer-database.md)",
        ))
    }
}

fn schemas<'a>(surface: &'a Surface, schema: Option<&'a str>) -> Vec<&'a str> {
    surface
        .schemas
        .iter()
        .map(String::as_str)
        .filter(|s| schema.is_none_or(|wanted| wanted == *s))
        .collect()
}

async fn exists(client: &Client, schema: &str, name: &str) -> Result<bool, LockError> {
    let sql = "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2";
    Ok(client
        .query_opt(sql, &[&schema, &name])
        .await
        .map_err(|e| shown(&e))?
        .is_some())
}

async fn index_marker(
    client: &Client,
    schema: &str,
    name: &str,
) -> Result<Option<Marker>, LockError> {
    let sql = "SELECT obj_description(c.oid, 'pg_class') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind = 'i'";
    let row = client
        .query_opt(sql, &[&schema, &name])
        .await
        .map_err(|e| shown(&e))?;
    Ok(row.and_then(|row| {
        Marker::read(
            row.get::<_, Option<&str>>(0)
                .filter(|c| c.starts_with(MARKER)),
        )
    }))
}

fn is_of(marker: &Marker, surface: &Surface) -> bool {
    marker.contract == surface.contract && marker.resource == surface.resource
}
