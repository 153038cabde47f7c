//! What a session of one contract may name on one resource: the owner's tables as the contract
//! shows them, and where the second lock keeps their views. Built by `lock` from the live catalog.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Surface {
    pub contract: String,
    pub resource: String,
    /// Database name at the server.
    pub database: String,
    /// For instance 150020.
    pub server_version_num: u32,
    /// Schema of this contract's views, look-alikes and functions in the protected database.
    pub view_schema: String,
    /// Least distinct subjects behind an aggregate.
    pub tables: Vec<Table>,
    /// `pg_catalog.x` or `information_schema.x` → name of the look-alike in `view_schema`.
    /// A catalog relation that is not here is refused.
    pub catalog_relations: BTreeMap<String, String>,
    /// Columns of each of `catalog_relations`, in order, as this server has them.
    #[serde(default)]
    pub catalog_columns: BTreeMap<String, Vec<String>>,
    /// `pg_catalog` function (by bare name) → name of its mediated look-alike in `view_schema`.
    /// A function of the catalog that takes OIDs or names and is not here is refused.
    pub catalog_functions: BTreeMap<String, String>,
    /// Function in `view_schema` that maps an OID that is not visible to NULL, by reg-type:
    /// `regclass` → `visible_class`, … Used for casts to reg-types.
    pub reg_filters: BTreeMap<String, String>,
    /// Schemas with tables in scope, in name order; with `pg_catalog` and `information_schema` all that a client may name.
    pub schemas: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    pub schema: String,
    pub name: String,
    /// The base table's.
    pub oid: u32,
    /// Name of the view in `view_schema`.
    pub view: String,
    pub view_oid: u32,
    pub columns: Vec<Column>,
    /// Subject column and kind; the column is among `columns` of the view even when the contract
    /// does not show it (then `Column::hidden`).
    pub subject: Option<Subject>,
    pub rows_filtered: bool,
    /// Columns of each unique index or primary key whose columns are all in scope.
    pub unique_keys: Vec<Vec<String>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    pub column: String,
    pub kind: String,
    /// The column that shows the subject in the clear, where `column` is a hidden digest of it.
    #[serde(default)]
    pub shown: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    /// The base table's attribute number.
    pub attnum: i16,
    /// The view's attribute number.
    pub view_attnum: i16,
    pub type_oid: u32,
    /// As `format_type` prints it.
    pub type_name: String,
    pub not_null: bool,
    pub masked: bool,
    /// Present in the view for the tap alone; the client may not name it and `*` skips it.
    pub hidden: bool,
}

impl Surface {
    pub fn table(&self, schema: &str, name: &str) -> Option<&Table> {
        self.tables
            .iter()
            .find(|t| t.schema == schema && t.name == name)
    }
}

impl Table {
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| c.name == name && !c.hidden)
    }

    pub fn qualified(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }
}
