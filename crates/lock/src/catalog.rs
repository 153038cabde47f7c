//! What the protected database holds now, as far as a contract's scope and the second lock need it.

use std::collections::BTreeMap;

use portcullis_contract::Contract;
use serde::{Deserialize, Serialize};
use tokio_postgres::Client;

use crate::exposure::{self, PublicExposure};
use crate::lookalike::{self, SystemRelation};
use crate::{LockError, Steward, filter, masks};

/// Oldest server whose catalog the look-alikes know.
pub(crate) const SERVER_VERSION_MIN: u32 = 130_000;
/// A catalog beyond this is not read into memory.
const COLUMNS_MAX: i64 = 500_000;

/// A snapshot; `plan` is a pure function of it and the contract.
#[derive(Clone, Debug, Default)]
pub struct LiveCatalog {
    pub resource: String,
    pub database: String,
    pub server_version_num: u32,
    pub steward: String,
    /// By (schema, name): every table-like relation outside the system's and our own schemas.
    pub tables: BTreeMap<(String, String), LiveTable>,
    /// What the database said when the scope's filters and constants were tried, by index into `Contract::scope`.
    pub(crate) filter_errors: BTreeMap<usize, String>,
    /// By index into `Contract::scope` and column.
    pub(crate) mask_errors: BTreeMap<(usize, String), String>,
    pub(crate) system_relations: Vec<SystemRelation>,
    /// Names of the server's own functions, with the number of their arguments' types as text.
    pub(crate) system_functions: std::collections::BTreeSet<String>,
    pub exposure: Vec<PublicExposure>,
    /// Whether PUBLIC may connect to this database (else the contract's role gets CONNECT).
    pub(crate) public_connects: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct LiveTable {
    pub oid: u32,
    pub kind: TableKind,
    pub columns: Vec<LiveColumn>,
    /// Row-level security is on.
    pub row_security: bool,
    pub is_partition: bool,
    /// Has children by inheritance (a partitioned table's partitions are not meant).
    pub has_children: bool,
    /// A partition, at any depth, is a foreign table.
    pub foreign_partition: bool,
    pub steward_may_read: bool,
    /// Needed by the method `tuning` alone.
    pub steward_owns: bool,
    pub comment: Option<String>,
    pub foreign_keys: Vec<ForeignKey>,
    /// Columns of each valid unique index without expression and condition; the primary key first.
    pub unique_keys: Vec<Vec<String>>,
    pub estimated_rows: f32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TableKind {
    Table,
    Partitioned,
    Materialized,
    View,
    Foreign,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveColumn {
    pub name: String,
    pub attnum: i16,
    pub type_oid: u32,
    /// As `format_type` prints it under `search_path = pg_catalog`.
    pub type_name: String,
    pub shape: TypeShape,
    pub not_null: bool,
    pub comment: Option<String>,
}

/// What a mask must know of a column's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypeShape {
    Text {
        chars_max: Option<u32>,
    },
    Int2,
    Int4,
    Int8,
    Numeric {
        precision_scale: Option<(u32, i32)>,
    },
    Float4,
    Float8,
    Date,
    Timestamp,
    Timestamptz,
    Uuid,
    Bytea,
    /// A domain may refuse what a mask makes.
    Domain {
        not_null: bool,
    },
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignKey {
    pub columns: Vec<String>,
    pub target_schema: String,
    pub target_table: String,
    pub target_columns: Vec<String>,
}

impl LiveCatalog {
    pub fn table(&self, schema: &str, name: &str) -> Option<&LiveTable> {
        self.tables.get(&(schema.to_owned(), name.to_owned()))
    }
}

impl LiveTable {
    pub fn column(&self, name: &str) -> Option<&LiveColumn> {
        self.columns.iter().find(|c| c.name == name)
    }
}

/// Reads the catalog, tries the contract's filters and masks, and lists what PUBLIC reaches.
pub async fn inspect(steward: &Steward, contract: &Contract) -> Result<LiveCatalog, LockError> {
    let client = steward.session().await?;
    let mut live = read(&client, &steward.resource().id).await?;
    for (index, scope) in contract.scope.iter().enumerate() {
        if scope.resource != live.resource {
            continue;
        }
        let Some(table) = live.table(&scope.schema, &scope.table).cloned() else {
            continue;
        };
        if let Some(rows) = &scope.rows
            && let Err(why) =
                filter::try_on(&client, &scope.schema, &scope.table, &table, rows).await
        {
            live.filter_errors.insert(index, why);
        }
        for (column, mask) in &scope.mask {
            let Some(column) = table.column(column) else {
                continue;
            };
            if let Err(why) = masks::try_constant(&client, column, mask).await {
                live.mask_errors.insert((index, column.name.clone()), why);
            }
        }
    }
    live.exposure = exposure::read(&client, contract, &live).await?;
    Ok(live)
}

/// The catalog alone, for `draft`.
pub(crate) async fn read(client: &Client, resource: &str) -> Result<LiveCatalog, LockError> {
    let row = client
        .query_one(
            "SELECT current_database()::text, current_setting('server_version_num')::int4, current_user::text, \
             has_database_privilege('public', current_database(), 'CONNECT'), \
             current_setting('server_encoding')",
            &[],
        )
        .await?;
    let version = u32::try_from(row.get::<_, i32>(1)).unwrap_or_default();
    if version < SERVER_VERSION_MIN {
        return Err(LockError::Refused(format!(
            "PostgreSQL 13 is the oldest supported server; this is {version}"
        )));
    }
    let encoding: String = row.get(4);
    if encoding != "UTF8" {
        return Err(LockError::Refused(format!(
            "the database's encoding is {encoding}; only UTF8 is supported"
        )));
    }
    let mut live = LiveCatalog {
        resource: resource.to_owned(),
        database: row.get(0),
        server_version_num: version,
        steward: row.get(2),
        public_connects: row.get(3),
        ..LiveCatalog::default()
    };
    live.tables = read_tables(client).await?;
    live.system_relations = lookalike::read_relations(client).await?;
    live.system_functions = lookalike::read_functions(client).await?;
    Ok(live)
}

const TABLES: &str = "SELECT n.nspname::text, c.relname::text, c.oid, c.relkind::text, c.relrowsecurity, c.relispartition, \
     EXISTS (SELECT 1 FROM pg_inherits i WHERE i.inhparent = c.oid) AND c.relkind <> 'p', \
     c.relkind = 'p' AND EXISTS (SELECT 1 FROM pg_partition_tree(c.oid) p JOIN pg_class f ON f.oid = p.relid WHERE f.relkind = 'f'), \
     has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE'), pg_has_role(c.relowner, 'USAGE'), \
     obj_description(c.oid, 'pg_class'), c.reltuples \
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't' AND n.nspname !~ '^(pg_|portcullis_)' AND n.nspname <> 'information_schema'";

const COLUMNS: &str = "SELECT a.attrelid, a.attname::text, a.attnum, a.atttypid, format_type(a.atttypid, a.atttypmod), a.atttypmod, \
     t.typtype::text, t.typnotnull, a.attnotnull, col_description(a.attrelid, a.attnum) \
     FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_type t ON t.oid = a.atttypid \
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't' AND n.nspname !~ '^(pg_|portcullis_)' AND n.nspname <> 'information_schema' \
     AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attrelid, a.attnum LIMIT $1";

const UNIQUE_KEYS: &str = "SELECT i.indrelid, array_agg(a.attname::text ORDER BY k.place) FROM pg_index i \
     CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, place) \
     JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum \
     WHERE i.indisunique AND i.indisvalid AND i.indimmediate AND i.indexprs IS NULL AND i.indpred IS NULL \
     AND k.place <= i.indnkeyatts AND i.indrelid >= 16384 \
     GROUP BY i.indexrelid, i.indrelid, i.indisprimary ORDER BY i.indrelid, i.indisprimary DESC, i.indexrelid";

const FOREIGN_KEYS: &str = "SELECT k.conrelid, n.nspname::text, t.relname::text, \
     ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u(attnum, place) JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum ORDER BY place), \
     ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY u(attnum, place) JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.attnum ORDER BY place) \
     FROM pg_constraint k JOIN pg_class t ON t.oid = k.confrelid JOIN pg_namespace n ON n.oid = t.relnamespace \
     WHERE k.contype = 'f' ORDER BY k.conrelid, k.oid";

async fn read_tables(client: &Client) -> Result<BTreeMap<(String, String), LiveTable>, LockError> {
    let mut columns: BTreeMap<u32, Vec<LiveColumn>> = BTreeMap::new();
    let rows = client.query(COLUMNS, &[&COLUMNS_MAX]).await?;
    if i64::try_from(rows.len()).unwrap_or(i64::MAX) >= COLUMNS_MAX {
        return Err(LockError::Refused(format!(
            "the database has {COLUMNS_MAX} columns or more; its catalog is not read"
        )));
    }
    for row in &rows {
        columns.entry(row.get(0)).or_default().push(column_of(row));
    }
    let mut unique: BTreeMap<u32, Vec<Vec<String>>> = BTreeMap::new();
    for row in client.query(UNIQUE_KEYS, &[]).await? {
        unique.entry(row.get(0)).or_default().push(row.get(1));
    }
    let mut foreign: BTreeMap<u32, Vec<ForeignKey>> = BTreeMap::new();
    for row in client.query(FOREIGN_KEYS, &[]).await? {
        let key = ForeignKey {
            target_schema: row.get(1),
            target_table: row.get(2),
            columns: row.get(3),
            target_columns: row.get(4),
        };
        foreign.entry(row.get(0)).or_default().push(key);
    }
    let mut tables = BTreeMap::new();
    for row in client.query(TABLES, &[]).await? {
        let oid: u32 = row.get(2);
        let table = LiveTable {
            oid,
            kind: kind_of(row.get(3)),
            columns: columns.remove(&oid).unwrap_or_default(),
            row_security: row.get(4),
            is_partition: row.get(5),
            has_children: row.get(6),
            foreign_partition: row.get(7),
            steward_may_read: row.get(8),
            steward_owns: row.get(9),
            comment: row.get(10),
            estimated_rows: row.get(11),
            foreign_keys: foreign.remove(&oid).unwrap_or_default(),
            unique_keys: unique.remove(&oid).unwrap_or_default(),
        };
        tables.insert((row.get(0), row.get(1)), table);
    }
    Ok(tables)
}

fn kind_of(relkind: &str) -> TableKind {
    match relkind {
        "p" => TableKind::Partitioned,
        "m" => TableKind::Materialized,
        "v" => TableKind::View,
        "f" => TableKind::Foreign,
        _ => TableKind::Table,
    }
}

fn column_of(row: &tokio_postgres::Row) -> LiveColumn {
    let type_oid: u32 = row.get(3);
    let typtype: &str = row.get(6);
    let shape = if typtype == "d" {
        TypeShape::Domain {
            not_null: row.get(7),
        }
    } else {
        shape_of(type_oid, row.get(5))
    };
    LiveColumn {
        name: row.get(1),
        attnum: row.get(2),
        type_oid,
        type_name: row.get(4),
        shape,
        not_null: row.get(8),
        comment: row.get(9),
    }
}

/// OIDs of the built-in types never change (`pg_type.dat`).
fn shape_of(type_oid: u32, typmod: i32) -> TypeShape {
    let modifier = typmod.checked_sub(4).filter(|m| *m >= 0);
    match type_oid {
        25 => TypeShape::Text { chars_max: None },
        1042 | 1043 => TypeShape::Text {
            chars_max: modifier.and_then(|m| u32::try_from(m).ok()),
        },
        21 => TypeShape::Int2,
        23 => TypeShape::Int4,
        20 => TypeShape::Int8,
        1700 => TypeShape::Numeric {
            precision_scale: modifier.map(numeric_modifier),
        },
        700 => TypeShape::Float4,
        701 => TypeShape::Float8,
        1082 => TypeShape::Date,
        1114 => TypeShape::Timestamp,
        1184 => TypeShape::Timestamptz,
        2950 => TypeShape::Uuid,
        17 => TypeShape::Bytea,
        _ => TypeShape::Other,
    }
}

/// Precision in the high half; scale in eleven bits, signed since PostgreSQL 15.
fn numeric_modifier(modifier: i32) -> (u32, i32) {
    let precision = u32::try_from((modifier >> 16) & 0xffff).unwrap_or_default();
    let scale = modifier & 0x7ff;
    (precision, (scale ^ 1024) - 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_modifiers_are_read() {
        assert_eq!(
            shape_of(1043, 24),
            TypeShape::Text {
                chars_max: Some(20)
            }
        );
        assert_eq!(shape_of(1043, -1), TypeShape::Text { chars_max: None });
        assert_eq!(
            shape_of(1700, ((10 << 16) | 2) + 4),
            TypeShape::Numeric {
                precision_scale: Some((10, 2))
            }
        );
        assert_eq!(
            shape_of(1700, ((3 << 16) | (0x7ff & -2)) + 4),
            TypeShape::Numeric {
                precision_scale: Some((3, -2))
            }
        );
    }
}
