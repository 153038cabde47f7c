//! One view per scoped table: exactly the scoped columns, masked at their source, and the rows that
//! the filter leaves.

use portcullis_contract::{Columns, Contract, Mask, ScopeTable};
use portcullis_sql::surface::{Column, Subject, Table};

use crate::LockError;
use crate::catalog::{LiveCatalog, LiveColumn, LiveTable};
use crate::filter::from_clause;
use crate::masks;
use crate::names::{ident, qualified, view_name};
use crate::subjects::{
    self, PRESENCE_COLUMN, SUBJECT_COLUMN, digest_expression, digested_kinds, key_row,
};

/// A view's SQL, and what it will be in the surface (its own OID and attribute numbers come with `install`).
pub(crate) struct PlannedView {
    pub sql: String,
    pub table: Table,
}

/// Views of all tables that the contract has in scope on this resource, in the contract's order.
pub(crate) fn plan_views(
    contract: &Contract,
    live: &LiveCatalog,
    schema: &str,
) -> Result<Vec<PlannedView>, LockError> {
    let digested = digested_kinds(contract, live);
    let here = contract
        .scope
        .iter()
        .filter(|s| s.resource == live.resource);
    here.map(|scope| {
        let missing = || LockError::Contract {
            contract: contract.id.clone(),
            what: format!("table `{}` is gone", scope.qualified()),
        };
        let table = live
            .table(&scope.schema, &scope.table)
            .ok_or_else(missing)?;
        let kind = subjects::kind(scope, table);
        let digest = kind.as_ref().is_some_and(|k| digested.contains(k));
        plan_view(&contract.id, live, schema, scope, table, kind, digest)
    })
    .collect()
}

fn plan_view(
    contract: &str,
    live: &LiveCatalog,
    schema: &str,
    scope: &ScopeTable,
    table: &LiveTable,
    kind: Option<String>,
    digest: bool,
) -> Result<PlannedView, LockError> {
    let key = key_row(contract, &live.resource);
    let alias = ident(&scope.table);
    let mut targets = Vec::new();
    let mut columns = Vec::new();
    for column in shown_columns(scope, table) {
        let source = format!("{alias}.{}", ident(&column.name));
        let mask = scope.mask.get(&column.name);
        let value = match mask {
            None => source,
            Some(mask) => {
                masks::expression(column, &source, mask, &key).map_err(|m| LockError::Contract {
                    contract: contract.to_owned(),
                    what: m.what,
                })?
            }
        };
        targets.push(format!("{value} AS {}", ident(&column.name)));
        columns.push(surface_column(column, mask));
    }
    let subject = scope.subject.clone().zip(kind).map(|(column, kind)| {
        targets.push(format!("true AS {PRESENCE_COLUMN}"));
        columns.push(hidden(PRESENCE_COLUMN, 16, "boolean", true));
        if !digest {
            return Subject {
                column,
                kind,
                shown: None,
            };
        }
        let source = format!("CAST({alias}.{} AS text)", ident(&column));
        let digest = digest_expression(&source, &key);
        targets.push(format!("{digest} AS {SUBJECT_COLUMN}"));
        columns.push(hidden(SUBJECT_COLUMN, 25, "text", false));
        let in_clear = columns.iter().any(|c| c.name == column && !c.masked);
        Subject {
            column: SUBJECT_COLUMN.to_owned(),
            kind,
            shown: in_clear.then_some(column),
        }
    });
    let view = view_name(&scope.schema, &scope.table);
    // A filter hides rows only if no operator of the reader's runs before it.
    let barrier = if scope.rows.is_some() {
        " WITH (security_barrier = true)"
    } else {
        ""
    };
    let filter = scope
        .rows
        .as_ref()
        .map(|rows| format!("\nWHERE (\n{rows}\n)"))
        .unwrap_or_default();
    let sql = format!(
        "CREATE VIEW {}{barrier} AS\nSELECT {}\nFROM {} AS {alias}{filter}",
        qualified(schema, &view),
        targets.join(",\n       "),
        from_clause(&scope.schema, &scope.table, table),
    );
    let clear: Vec<&str> = columns
        .iter()
        .filter(|c| !c.hidden && !c.masked)
        .map(|c| c.name.as_str())
        .collect();
    let unique_keys = table
        .unique_keys
        .iter()
        .filter(|key| key.iter().all(|c| clear.contains(&c.as_str())))
        .cloned()
        .collect();
    let table = Table {
        schema: scope.schema.clone(),
        name: scope.table.clone(),
        oid: table.oid,
        view,
        view_oid: 0,
        columns,
        subject,
        rows_filtered: scope.rows.is_some(),
        unique_keys,
    };
    Ok(PlannedView { sql, table })
}

/// In the base table's order, whatever the contract's: `SELECT *` and `\d` agree.
fn shown_columns<'a>(
    scope: &'a ScopeTable,
    table: &'a LiveTable,
) -> impl Iterator<Item = &'a LiveColumn> {
    table.columns.iter().filter(|column| match &scope.columns {
        Columns::All => true,
        Columns::List(list) => list.contains(&column.name),
    })
}

fn surface_column(column: &LiveColumn, mask: Option<&Mask>) -> Column {
    Column {
        name: column.name.clone(),
        attnum: column.attnum,
        view_attnum: 0,
        type_oid: column.type_oid,
        type_name: column.type_name.clone(),
        not_null: column.not_null && mask != Some(&Mask::Null),
        masked: mask.is_some(),
        hidden: false,
    }
}

fn hidden(name: &str, type_oid: u32, type_name: &str, not_null: bool) -> Column {
    Column {
        name: name.to_owned(),
        attnum: 0,
        view_attnum: 0,
        type_oid,
        type_name: type_name.to_owned(),
        not_null,
        masked: false,
        hidden: true,
    }
}
