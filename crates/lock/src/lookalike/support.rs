//! What of the catalog the contract shows, as tables and views that the look-alikes stand on. Only
//! the steward reads them.

use portcullis_contract::{Contract, Mask};

use crate::catalog::LiveCatalog;
use crate::names::{ident, literal};
use crate::views::PlannedView;

/// Tables and columns are fixed by the plan; indexes, constraints and defaults are followed as the
/// owner (or the method `tuning`) changes them.
pub(super) fn statements(
    schema: &str,
    live: &LiveCatalog,
    contract: &Contract,
    views: &[PlannedView],
) -> Vec<String> {
    let s = ident(schema);
    let mut statements = vec![
        format!("CREATE TABLE {s}.portcullis_tables (oid oid PRIMARY KEY, nspoid oid NOT NULL)"),
        format!(
            "CREATE TABLE {s}.portcullis_columns (attrelid oid, attnum int2, masked bool NOT NULL, nulled bool NOT NULL, PRIMARY KEY (attrelid, attnum))"
        ),
    ];
    statements.push(format!(
        "INSERT INTO {s}.portcullis_tables VALUES {}",
        table_rows(views).join(", ")
    ));
    statements.push(format!(
        "INSERT INTO {s}.portcullis_columns VALUES {}",
        column_rows(live, contract, views).join(", ")
    ));
    statements.extend(VIEWS.iter().map(|view| view.replace("{s}", &s)));
    statements
}

fn table_rows(views: &[PlannedView]) -> Vec<String> {
    let row = |v: &PlannedView| {
        format!(
            "({}, (SELECT oid FROM pg_namespace WHERE nspname = {}))",
            v.table.oid,
            literal(&v.table.schema)
        )
    };
    views.iter().map(row).collect()
}

fn column_rows(live: &LiveCatalog, contract: &Contract, views: &[PlannedView]) -> Vec<String> {
    let mut rows = Vec::new();
    for view in views {
        let scope = contract.scope.iter().find(|s| {
            s.resource == live.resource
                && s.schema == view.table.schema
                && s.table == view.table.name
        });
        for column in view.table.columns.iter().filter(|c| !c.hidden) {
            let nulled = scope.and_then(|s| s.mask.get(&column.name)) == Some(&Mask::Null);
            rows.push(format!(
                "({}, {}, {}, {nulled})",
                view.table.oid, column.attnum, column.masked
            ));
        }
    }
    rows
}

const VIEWS: &[&str] = &[
    // An index whose every column is shown; expressions and conditions could name what is not.
    "CREATE VIEW {s}.portcullis_indexes AS SELECT i.indexrelid, i.indrelid FROM pg_catalog.pg_index i \
     WHERE i.indrelid IN (SELECT t.oid FROM {s}.portcullis_tables t) AND i.indexprs IS NULL AND i.indpred IS NULL \
     AND NOT EXISTS (SELECT FROM unnest(i.indkey::pg_catalog.int2[]) k(attnum) \
     WHERE NOT EXISTS (SELECT FROM {s}.portcullis_columns c WHERE c.attrelid = i.indrelid AND c.attnum = k.attnum))",
    // A key whose columns are shown, on both sides; a check on shown, unmasked columns that calls nothing of the owner's.
    "CREATE VIEW {s}.portcullis_constraints AS SELECT k.oid, k.conrelid, k.confrelid, k.contype FROM pg_catalog.pg_constraint k \
     WHERE k.conrelid IN (SELECT t.oid FROM {s}.portcullis_tables t) AND k.contype IN ('p', 'u', 'f', 'c', 'n') AND k.conkey IS NOT NULL \
     AND NOT EXISTS (SELECT FROM unnest(k.conkey) a(attnum) WHERE NOT EXISTS (SELECT FROM {s}.portcullis_columns c \
     WHERE c.attrelid = k.conrelid AND c.attnum = a.attnum AND NOT (c.masked AND k.contype = 'c') AND NOT (c.nulled AND k.contype = 'n'))) \
     AND (k.contype NOT IN ('p', 'u') OR k.conindid IN (SELECT i.indexrelid FROM {s}.portcullis_indexes i)) \
     AND (k.contype <> 'f' OR NOT EXISTS (SELECT FROM unnest(k.confkey) a(attnum) WHERE NOT EXISTS (SELECT FROM {s}.portcullis_columns c \
     WHERE c.attrelid = k.confrelid AND c.attnum = a.attnum))) \
     AND (k.contype <> 'c' OR NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass \
     AND d.objid = k.oid AND d.refobjid >= 16384 AND NOT (d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = k.conrelid)))",
    // A default of a shown, unmasked column that reads nothing but shown, unmasked columns and its own sequence.
    "CREATE VIEW {s}.portcullis_defaults AS SELECT d.oid, d.adrelid, d.adnum FROM pg_catalog.pg_attrdef d \
     WHERE EXISTS (SELECT FROM {s}.portcullis_columns c WHERE c.attrelid = d.adrelid AND c.attnum = d.adnum AND NOT c.masked) \
     AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend p WHERE p.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND p.objid = d.oid AND p.refobjid >= 16384 \
     AND NOT (p.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND p.refobjid = d.adrelid \
     AND (p.refobjsubid = 0 OR EXISTS (SELECT FROM {s}.portcullis_columns c WHERE c.attrelid = d.adrelid AND c.attnum = p.refobjsubid AND NOT c.masked))) \
     AND NOT (p.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND EXISTS (SELECT FROM pg_catalog.pg_depend o \
     WHERE o.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND o.objid = p.refobjid AND o.refobjid = d.adrelid AND o.refobjsubid = d.adnum AND o.deptype IN ('a', 'i'))))",
    // Types of shown columns that are not the server's own, with what they are made of.
    "CREATE TABLE {s}.portcullis_types AS WITH RECURSIVE shown(oid) AS (\
     SELECT a.atttypid FROM pg_catalog.pg_attribute a JOIN {s}.portcullis_columns c ON c.attrelid = a.attrelid AND c.attnum = a.attnum \
     UNION SELECT part.oid FROM shown s JOIN pg_catalog.pg_type t ON t.oid = s.oid \
     CROSS JOIN LATERAL (VALUES (t.typelem), (t.typbasetype), (CASE WHEN t.typelem = 0 THEN t.typarray ELSE 0 END)) part(oid) WHERE part.oid <> 0) \
     SELECT s.oid FROM shown s WHERE s.oid >= 16384",
    "ALTER TABLE {s}.portcullis_types ADD PRIMARY KEY (oid)",
];
