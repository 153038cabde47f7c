//! What to write in place of what is not passed.

use portcullis_contract::nearest;

use crate::lists::functions;

/// Families of functions that are not passed, and what to do in their place.
const FAMILIES: &[(&[&str], &str)] = &[
    (&["pg_sleep"], "wait in the client"),
    (
        &[
            "pg_read_",
            "pg_ls_",
            "pg_stat_file",
            "lo_",
            "loread",
            "lowrite",
            "pg_file_",
            "pg_current_logfile",
        ],
        "files and large objects of the server are the owner's; what a table in scope holds is read with SELECT",
    ),
    (
        &["nextval", "setval", "currval", "lastval"],
        "sequences move when data are changed, which this gate does not pass; read the column that they fill",
    ),
    (
        &["dblink", "postgres_fdw"],
        "the gate passes nothing to other servers; connect to that resource under its own contract",
    ),
    (
        &["pg_terminate_backend", "pg_cancel_backend"],
        "cancel your own statement from the client; sessions of others are ended by the owner",
    ),
    (
        &["pg_advisory", "pg_try_advisory"],
        "locks would reach beyond your session; order your work in the client",
    ),
    (
        &["pg_notify"],
        "notifications reach other sessions; poll with a query",
    ),
    (
        &[
            "txid_",
            "pg_current_xact",
            "pg_snapshot",
            "pg_export_snapshot",
            "pg_xact",
        ],
        "transaction numbers tell of other sessions; use `now()`, or a column with a time",
    ),
    (
        &[
            "query_to_xml",
            "table_to_xml",
            "schema_to_xml",
            "database_to_xml",
            "cursor_to_xml",
            "xmlagg",
        ],
        "select the rows themselves: each is then traced and counted",
    ),
    (
        &["json_populate_record", "jsonb_populate_record"],
        "use `json_to_record(…) AS x(column type, …)`",
    ),
    (&["uuid_generate_"], "use `gen_random_uuid()`"),
    (
        &[
            "crypt", "gen_salt", "digest", "hmac", "pgp_", "encrypt", "decrypt",
        ],
        "built-in digests are passed: `sha256(convert_to(x, 'UTF8'))`, `md5(x)`",
    ),
    (&["hash", "jsonb_hash"], "use `md5(x::text)`"),
    (
        &["current_query"],
        "the statement as you sent it is in the client and in the record",
    ),
    (&["setseed"], "`random()` is passed without a seed"),
    (
        &[
            "pg_reload_conf",
            "pg_rotate_logfile",
            "pg_switch_wal",
            "pg_create_restore_point",
            "pg_promote",
            "pg_logical",
            "pg_replication",
            "pg_wal",
            "binary_upgrade",
            "pg_stat_reset",
        ],
        "the server's operation is the owner's; ask his administrator",
    ),
    (
        &[
            "pg_stat_get_",
            "pg_show_all_settings",
            "pg_hba_file_rules",
            "pg_settings",
        ],
        "it tells of the whole server; `\\d` and `SHOW name` tell of what is in scope",
    ),
    (
        &[
            "similarity",
            "word_similarity",
            "show_trgm",
            "levenshtein",
            "soundex",
            "metaphone",
            "unaccent",
        ],
        "extensions' functions are not passed; use `LIKE`, `ILIKE`, `~*`, or compare in the client",
    ),
    (
        &["st_"],
        "extensions' functions are not passed; select the columns and compute in the client",
    ),
];

/// What to call in place of a function that is not passed.
pub(super) fn of_function(name: &str) -> String {
    let name = name.to_lowercase();
    let family = FAMILIES
        .iter()
        .find(|(beginnings, _)| beginnings.iter().any(|b| name.starts_with(b)));
    if let Some((_, instead)) = family {
        return (*instead).to_owned();
    }
    let listed =
        "built-in functions without side effects may be called; docs/formats/sql.md lists them";
    match nearest(&name, functions::listed()) {
        Some(near) => format!("did you mean `{near}`? {listed}"),
        None => listed.to_owned(),
    }
}

/// A node of the grammar in SQL's words, and what to write in its place.
pub(super) fn of_node(node: &str) -> (String, &'static str) {
    let (what, instead) = match node {
        "XmlExpr" | "XmlSerialize" => ("XML", "select the columns; build XML in the client"),
        "JsonObjectConstructor" => ("JSON_OBJECT", "use `json_build_object('key', value)`"),
        "JsonArrayConstructor" => ("JSON_ARRAY", "use `json_build_array(value, …)`"),
        "JsonArrayQueryConstructor" => (
            "JSON_ARRAY(SELECT …)",
            "join the rows themselves: each is then traced and counted",
        ),
        "JsonObjectAgg" => (
            "JSON_OBJECTAGG",
            "select the rows themselves: each is then traced and counted",
        ),
        "JsonArrayAgg" => (
            "JSON_ARRAYAGG",
            "select the rows themselves: each is then traced and counted",
        ),
        "JsonFuncExpr" => (
            "JSON_VALUE, JSON_QUERY, JSON_EXISTS",
            "use `->`, `->>`, or `jsonb_path_query_first(value, path)`",
        ),
        "JsonIsPredicate" => ("IS JSON", "use `jsonb_typeof(value)` of a jsonb column"),
        "JsonParseExpr" => ("JSON(…)", "use a cast: `value::json`"),
        "JsonScalarExpr" => ("JSON_SCALAR", "use `to_json(value)`"),
        "JsonSerializeExpr" => ("JSON_SERIALIZE", "use a cast: `value::text`"),
        "CurrentOfExpr" => ("WHERE CURRENT OF", "name the row by its key"),
        "MultiAssignRef" | "MergeSupportFunc" => (
            "an expression of UPDATE or MERGE",
            "data are not changed through this gate",
        ),
        other => {
            return (
                format!("`{other}`"),
                "write it with plain functions and operators",
            );
        }
    };
    (format!("`{what}`"), instead)
}
