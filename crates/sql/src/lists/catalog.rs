//! The relations of `pg_catalog` and `information_schema` and their columns, over all supported
//! versions: needed to resolve names, since `x.name` that is no column would be read by PostgreSQL
//! as the function call `name(x)`.

use std::collections::HashMap;
use std::sync::LazyLock;

static COLUMNS: LazyLock<HashMap<&'static str, Vec<&'static str>>> = LazyLock::new(|| {
    include_str!("catalog_columns.txt")
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            Some((words.next()?, words.collect()))
        })
        .collect()
});

/// Relations that show only types and the session's own identity: every session may read their
/// look-alikes, so that drivers can log in.
const BASELINE: &[&str] = &[
    "pg_catalog.pg_type",
    "pg_catalog.pg_namespace",
    "pg_catalog.pg_range",
    "pg_catalog.pg_enum",
    "pg_catalog.pg_database",
    "pg_catalog.pg_am",
    "pg_catalog.pg_collation",
];

/// Columns of a catalog relation by its qualified name.
pub(crate) fn columns(qualified: &str) -> Option<&'static [&'static str]> {
    COLUMNS.get(qualified).map(Vec::as_slice)
}

pub(crate) fn is_baseline(qualified: &str) -> bool {
    BASELINE.contains(&qualified)
}
