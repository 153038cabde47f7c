//! What a statement touches: taken by `sql::understand`, judged by [`crate::decide`].

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::model::Method;

/// What kind of answer a statement gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shape {
    /// Rows of tables; each traceable to its subjects by a tap.
    RowLevel,
    /// Only groups; each aggregate stands on a floor of distinct subjects.
    Aggregate,
    /// No data of the owner: SET, BEGIN, constants, catalog.
    NoData,
}

/// One table in scope, and what of it the statement names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableUse {
    /// `schema.table`, the owner's names.
    pub table: String,
    pub columns: BTreeSet<String>,
}

/// What one statement would touch, in the owner's names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Footprint {
    /// Methods that the statement needs; empty = the session's baseline is enough.
    pub methods: BTreeSet<Method>,
    pub shape: Shape,
    pub tables: Vec<TableUse>,
    /// Pairs of tables that meet in a join or a sub-query (sorted within the pair).
    pub joins: BTreeSet<(String, String)>,
}
