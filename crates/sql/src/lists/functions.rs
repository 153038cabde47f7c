//! Functions of `pg_catalog` that a statement may call, by what they do. All overloads of a listed
//! name are harmless; a name with one overload that is not (`pg_sleep`, `lo_get`, …) is not listed.

/// Depend on their arguments (or the clock) alone; no side effect, no look-up.
const SCALAR: &[&str] = &[
    // numbers
    "abs",
    "acos",
    "acosd",
    "acosh",
    "asin",
    "asind",
    "asinh",
    "atan",
    "atan2",
    "atan2d",
    "atand",
    "atanh",
    "cbrt",
    "ceil",
    "ceiling",
    "cos",
    "cosd",
    "cosh",
    "cot",
    "cotd",
    "degrees",
    "div",
    "erf",
    "erfc",
    "exp",
    "factorial",
    "floor",
    "gamma",
    "gcd",
    "lcm",
    "lgamma",
    "ln",
    "log",
    "log10",
    "min_scale",
    "mod",
    "pi",
    "pow",
    "power",
    "radians",
    "random",
    "round",
    "scale",
    "sign",
    "sin",
    "sind",
    "sinh",
    "sqrt",
    "tan",
    "tand",
    "tanh",
    "trim_scale",
    "trunc",
    "width_bucket",
    "float4",
    "float8",
    "int2",
    "int4",
    "int8",
    "numeric",
    "to_hex",
    "to_bin",
    "to_oct",
    "crc32",
    "crc32c",
    // texts and bytes
    "ascii",
    "btrim",
    "bit_count",
    "bit_length",
    "casefold",
    "char_length",
    "character_length",
    "chr",
    "concat",
    "concat_ws",
    "convert",
    "convert_from",
    "convert_to",
    "decode",
    "encode",
    "format",
    "get_bit",
    "get_byte",
    "initcap",
    "is_normalized",
    "left",
    "length",
    "like_escape",
    "lower",
    "lpad",
    "ltrim",
    "md5",
    "normalize",
    "octet_length",
    "overlay",
    "parse_ident",
    "position",
    "quote_ident",
    "quote_literal",
    "quote_nullable",
    "regexp_count",
    "regexp_instr",
    "regexp_like",
    "regexp_match",
    "regexp_replace",
    "regexp_split_to_array",
    "regexp_substr",
    "repeat",
    "replace",
    "reverse",
    "right",
    "rpad",
    "rtrim",
    "set_bit",
    "set_byte",
    "sha224",
    "sha256",
    "sha384",
    "sha512",
    "similar_escape",
    "similar_to_escape",
    "split_part",
    "starts_with",
    "string_to_array",
    "strip",
    "strpos",
    "substr",
    "substring",
    "text",
    "textlen",
    "translate",
    "unicode_assigned",
    "unistr",
    "upper",
    "name",
    "bpchar",
    "varchar",
    "textcat",
    "textlike",
    "textnotlike",
    "like",
    "notlike",
    // dates and times
    "age",
    "clock_timestamp",
    "date",
    "date_add",
    "date_bin",
    "date_part",
    "date_subtract",
    "date_trunc",
    "extract",
    "interval",
    "isfinite",
    "justify_days",
    "justify_hours",
    "justify_interval",
    "make_date",
    "make_interval",
    "make_time",
    "make_timestamp",
    "make_timestamptz",
    "now",
    "overlaps",
    "statement_timestamp",
    "time",
    "timeofday",
    "timestamp",
    "timestamptz",
    "timetz",
    "timezone",
    "to_char",
    "to_date",
    "to_number",
    "to_timestamp",
    "transaction_timestamp",
    // arrays and ranges
    "array_append",
    "array_cat",
    "array_dims",
    "array_fill",
    "array_length",
    "array_lower",
    "array_ndims",
    "array_position",
    "array_positions",
    "array_prepend",
    "array_remove",
    "array_replace",
    "array_reverse",
    "array_sample",
    "array_shuffle",
    "array_sort",
    "array_to_string",
    "array_upper",
    "cardinality",
    "trim_array",
    "isempty",
    "lower_inc",
    "lower_inf",
    "upper_inc",
    "upper_inf",
    "range_merge",
    "daterange",
    "int4range",
    "int8range",
    "numrange",
    "tsrange",
    "tstzrange",
    "multirange",
    // json
    "array_to_json",
    "json_array_length",
    "json_build_array",
    "json_build_object",
    "json_extract_path",
    "json_extract_path_text",
    "json_object",
    "json_strip_nulls",
    "json_typeof",
    "jsonb_array_length",
    "jsonb_build_array",
    "jsonb_build_object",
    "jsonb_extract_path",
    "jsonb_extract_path_text",
    "jsonb_insert",
    "jsonb_object",
    "jsonb_path_exists",
    "jsonb_path_exists_tz",
    "jsonb_path_match",
    "jsonb_path_match_tz",
    "jsonb_path_query_array",
    "jsonb_path_query_array_tz",
    "jsonb_path_query_first",
    "jsonb_path_query_first_tz",
    "jsonb_pretty",
    "jsonb_set",
    "jsonb_set_lax",
    "jsonb_strip_nulls",
    "jsonb_typeof",
    "row_to_json",
    "to_json",
    "to_jsonb",
    // network addresses, geometry, bits, ids
    "abbrev",
    "broadcast",
    "family",
    "host",
    "hostmask",
    "inet_merge",
    "inet_same_family",
    "macaddr8_set7bit",
    "masklen",
    "netmask",
    "network",
    "set_masklen",
    "area",
    "center",
    "diameter",
    "height",
    "width",
    "point",
    "radius",
    "npoints",
    "gen_random_uuid",
    "uuidv4",
    "uuidv7",
    "uuid_extract_timestamp",
    "uuid_extract_version",
    "bit",
    "varbit",
    // text search on values; the configuration is looked up among pg_catalog's own
    "numnode",
    "phraseto_tsquery",
    "plainto_tsquery",
    "querytree",
    "setweight",
    "to_tsquery",
    "to_tsvector",
    "ts_headline",
    "ts_rank",
    "ts_rank_cd",
    "tsquery_phrase",
    "tsvector_to_array",
    "websearch_to_tsquery",
    // general
    "num_nonnulls",
    "num_nulls",
    "pg_typeof",
    "pg_size_pretty",
    "pg_size_bytes",
    "pg_collation_for",
    "bool",
    // about the server and the session, the same for everybody
    "version",
    "pg_is_in_recovery",
    "pg_backend_pid",
    // A grant's role can take no advisory lock; poolers send it at every release.
    "pg_advisory_unlock_all",
    "pg_postmaster_start_time",
    "pg_client_encoding",
    "pg_encoding_to_char",
    "pg_char_to_encoding",
    "getdatabaseencoding",
    "pg_jit_available",
    "pg_is_wal_replay_paused",
    "pg_my_temp_schema",
    "pg_is_other_temp_schema",
    "pg_conf_load_time",
    "pg_trigger_depth",
    "pg_encoding_max_length",
    "aclexplode",
];

/// Functions that work on the whole of a catalog entry given as a value, not as an OID: harmless
/// where the relation that the value comes from is a look-alike. Only in statements that read the catalog.
const CATALOG_VALUE: &[&str] = &[
    "acldefault",
    "pg_options_to_table",
    "pg_get_keywords",
    "pg_timezone_names",
    "pg_timezone_abbrevs",
];

/// Each result shows all rows or a bounded number of subjects no more than its group does.
const AGGREGATE: &[&str] = &[
    "avg",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "covar_pop",
    "covar_samp",
    "every",
    "regr_avgx",
    "regr_avgy",
    "regr_count",
    "regr_intercept",
    "regr_r2",
    "regr_slope",
    "regr_sxx",
    "regr_sxy",
    "regr_syy",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "sum",
    "var_pop",
    "var_samp",
    "variance",
];

/// Shows a single row's value: the value of one subject in a group.
const EXTREME: &[&str] = &[
    "any_value",
    "max",
    "min",
    "mode",
    "percentile_cont",
    "percentile_disc",
];

/// Packs many rows into one cell.
const PACKING: &[&str] = &[
    "array_agg",
    "bit_and",
    "bit_or",
    "bit_xor",
    "json_agg",
    "json_agg_strict",
    "json_object_agg",
    "json_object_agg_strict",
    "json_object_agg_unique",
    "json_object_agg_unique_strict",
    "jsonb_agg",
    "jsonb_agg_strict",
    "jsonb_object_agg",
    "jsonb_object_agg_strict",
    "jsonb_object_agg_unique",
    "jsonb_object_agg_unique_strict",
    "range_agg",
    "range_intersect_agg",
    "string_agg",
    "xmlagg",
];

/// Window functions that show an order, not a value.
const RANKING: &[&str] = &[
    "cume_dist",
    "dense_rank",
    "ntile",
    "percent_rank",
    "rank",
    "row_number",
];

/// Window functions that show another row's value.
const NEIGHBOUR: &[&str] = &["first_value", "lag", "last_value", "lead", "nth_value"];

/// Set-returning functions, with the columns they give (none = one column named as the function).
const SETS: &[(&str, &[&str])] = &[
    (
        "aclexplode",
        &["grantor", "grantee", "privilege_type", "is_grantable"],
    ),
    ("generate_series", &[]),
    ("generate_subscripts", &[]),
    ("json_array_elements", &["value"]),
    ("json_array_elements_text", &["value"]),
    ("json_each", &["key", "value"]),
    ("json_each_text", &["key", "value"]),
    ("json_object_keys", &[]),
    ("jsonb_array_elements", &["value"]),
    ("jsonb_array_elements_text", &["value"]),
    ("jsonb_each", &["key", "value"]),
    ("jsonb_each_text", &["key", "value"]),
    ("jsonb_object_keys", &[]),
    ("jsonb_path_query", &[]),
    (
        "pg_get_keywords",
        &["word", "catcode", "barelabel", "catdesc", "baredesc"],
    ),
    ("pg_options_to_table", &["option_name", "option_value"]),
    ("pg_timezone_abbrevs", &["abbrev", "utc_offset", "is_dst"]),
    (
        "pg_timezone_names",
        &["name", "abbrev", "utc_offset", "is_dst"],
    ),
    ("pg_partition_ancestors", &[]),
    ("regexp_matches", &[]),
    ("regexp_split_to_table", &[]),
    ("string_to_table", &[]),
    ("unnest", &[]),
];

/// Functions whose columns are given by a column definition list: `jsonb_to_recordset(x) AS t(a int)`.
const RECORDS: &[&str] = &[
    "json_to_record",
    "json_to_recordset",
    "jsonb_to_record",
    "jsonb_to_recordset",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FunctionClass {
    Scalar,
    CatalogValue,
    Aggregate,
    Extreme,
    Packing,
    Ranking,
    Neighbour,
    Set,
    Unlisted,
}

pub(crate) fn classify(name: &str) -> FunctionClass {
    if SCALAR.contains(&name) {
        FunctionClass::Scalar
    } else if AGGREGATE.contains(&name) {
        FunctionClass::Aggregate
    } else if EXTREME.contains(&name) {
        FunctionClass::Extreme
    } else if PACKING.contains(&name) {
        FunctionClass::Packing
    } else if RANKING.contains(&name) {
        FunctionClass::Ranking
    } else if NEIGHBOUR.contains(&name) {
        FunctionClass::Neighbour
    } else if CATALOG_VALUE.contains(&name) {
        FunctionClass::CatalogValue
    } else if set_columns(name).is_some() || is_record(name) {
        FunctionClass::Set
    } else {
        FunctionClass::Unlisted
    }
}

/// Columns of a set-returning function; empty = one column.
pub(crate) fn set_columns(name: &str) -> Option<&'static [&'static str]> {
    SETS.iter()
        .find(|(set, _)| *set == name)
        .map(|(_, columns)| *columns)
}

/// Whether the columns come from a column definition list.
pub(crate) fn is_record(name: &str) -> bool {
    RECORDS.contains(&name)
}

/// All listed names.
pub(crate) fn listed() -> impl Iterator<Item = &'static str> {
    SCALAR
        .iter()
        .chain(CATALOG_VALUE)
        .chain(AGGREGATE)
        .chain(EXTREME)
        .chain(PACKING)
        .chain(RANKING)
        .chain(NEIGHBOUR)
        .chain(RECORDS)
        .copied()
        .chain(SETS.iter().map(|(name, _)| *name))
}
