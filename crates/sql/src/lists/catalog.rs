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

/// Columns of catalog relations, over all versions, that are of the type `regproc` at the server. Their
/// look-alikes have numbers; one that is missed here is shown as a number.
const FUNCTION_COLUMNS: &[&str] = &[
    "aggcombinefn",
    "aggdeserialfn",
    "aggfinalfn",
    "aggfnoid",
    "aggmfinalfn",
    "aggminvtransfn",
    "aggmtransfn",
    "aggserialfn",
    "aggtransfn",
    "amhandler",
    "amproc",
    "conproc",
    "oprcode",
    "oprjoin",
    "oprrest",
    "prosupport",
    "prsend",
    "prsheadline",
    "prslextype",
    "prsstart",
    "prstoken",
    "rngcanonical",
    "rngsubdiff",
    "tmplinit",
    "tmpllexize",
    "trffromsql",
    "trftosql",
    "typanalyze",
    "typinput",
    "typmodin",
    "typmodout",
    "typoutput",
    "typreceive",
    "typsend",
    "typsubscript",
];

pub(crate) fn is_function_column(name: &str) -> bool {
    FUNCTION_COLUMNS.binary_search(&name).is_ok()
}

/// Columns of a catalog relation by its qualified name.
pub(crate) fn columns(qualified: &str) -> Option<&'static [&'static str]> {
    COLUMNS.get(qualified).map(Vec::as_slice)
}

pub(crate) fn is_baseline(qualified: &str) -> bool {
    BASELINE.contains(&qualified)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_of_functions_can_be_searched_and_exist() {
        assert!(FUNCTION_COLUMNS.is_sorted_by(|a, b| a < b));
        for name in FUNCTION_COLUMNS {
            assert!(COLUMNS.values().any(|of| of.contains(name)), "{name}");
        }
    }
}
