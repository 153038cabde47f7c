//! Which relations of `pg_catalog` a session may read, and what of each: a table to be read top down.
//!
//! `{s}` stands for the contract's schema, `x` for the server's own relation. A relation that is not
//! here has no look-alike, and the gate refuses it: `pg_statistic`, `pg_stats`, `pg_authid`,
//! `pg_locks`, `pg_hba_file_rules`, `pg_largeobject`, `pg_stat_statements`, …

/// Which rows a look-alike has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rows {
    /// Those made by `initdb`: `x.oid` below [`FIRST_NORMAL_OID`].
    System,
    /// Those that satisfy a condition.
    Where(&'static str),
    /// Those of another FROM clause; every column must be given.
    From(&'static str),
    /// None, whatever the server's own has.
    Empty,
    /// The server's own definition, read over the look-alikes.
    Derived,
}

/// `FirstNormalObjectId` (`access/transam.h`): what is below was made by `initdb`.
pub(super) const FIRST_NORMAL_OID: u32 = 16384;

/// Role number of the bootstrap superuser; the look-alikes call it [`super::OWNER`], whoever owns what.
pub(super) const OWNER_OID: u32 = 10;

pub(super) struct Spec {
    pub name: &'static str,
    pub rows: Rows,
    /// Columns that show something else than the server's own value.
    pub columns: &'static [(&'static str, &'static str)],
}

const fn spec(name: &'static str, rows: Rows) -> Spec {
    Spec {
        name,
        rows,
        columns: &[],
    }
}

const fn spec_with(
    name: &'static str,
    rows: Rows,
    columns: &'static [(&'static str, &'static str)],
) -> Spec {
    Spec {
        name,
        rows,
        columns,
    }
}

/// In the order in which they are made: what is derived stands after what it reads.
pub(super) const PG_CATALOG: &[Spec] = &[
    spec_with(
        "pg_namespace",
        Rows::Where(
            "x.nspname IN ('pg_catalog', 'information_schema') OR x.oid IN (SELECT t.nspoid FROM {s}.portcullis_tables t) OR x.oid IN (SELECT y.typnamespace FROM pg_catalog.pg_type y JOIN {s}.portcullis_types t ON t.oid = y.oid)",
        ),
        &[],
    ),
    spec_with(
        "pg_class",
        Rows::Where(
            "x.oid < 16384 OR x.oid IN (SELECT t.oid FROM {s}.portcullis_tables t) OR x.oid IN (SELECT i.indexrelid FROM {s}.portcullis_indexes i)",
        ),
        &[
            (
                "reltype",
                "CASE WHEN x.oid < 16384 THEN x.reltype ELSE 0 END",
            ),
            ("reloftype", "0"),
            ("relfilenode", "0"),
            ("reltablespace", "0"),
            ("relpages", "0"),
            ("reltuples", "-1"),
            ("relallvisible", "0"),
            ("relallfrozen", "0"),
            ("reltoastrelid", "0"),
            (
                "relhasindex",
                "CASE WHEN x.oid < 16384 THEN x.relhasindex ELSE EXISTS (SELECT FROM {s}.portcullis_indexes i WHERE i.indrelid = x.oid) END",
            ),
            (
                "relkind",
                "CASE WHEN x.relkind = 'p' THEN 'r' WHEN x.relkind = 'I' THEN 'i' ELSE x.relkind END",
            ),
            (
                "relnatts",
                "CASE WHEN x.relkind IN ('r', 'p', 'm') AND x.oid >= 16384 THEN (SELECT max(c.attnum) FROM {s}.portcullis_columns c WHERE c.attrelid = x.oid) ELSE x.relnatts END",
            ),
            (
                "relchecks",
                "(SELECT count(*) FROM {s}.portcullis_constraints k WHERE k.conrelid = x.oid AND k.contype = 'c')",
            ),
            ("relhasrules", "x.oid < 16384 AND x.relhasrules"),
            // Foreign keys have triggers; psql shows a table's keys only where there are some.
            (
                "relhastriggers",
                "EXISTS (SELECT FROM {s}.portcullis_constraints k WHERE k.contype = 'f' AND x.oid IN (k.conrelid, k.confrelid))",
            ),
            ("relhassubclass", "false"),
            ("relrowsecurity", "false"),
            ("relforcerowsecurity", "false"),
            ("relispartition", "false"),
            ("relrewrite", "0"),
            ("relfrozenxid", "'0'"),
            ("relminmxid", "'0'"),
            ("reloptions", "NULL"),
            ("relpartbound", "NULL"),
        ],
    ),
    spec_with(
        "pg_attribute",
        Rows::Where(
            "x.attrelid < 16384 OR EXISTS (SELECT FROM {s}.portcullis_columns c WHERE c.attrelid = x.attrelid AND c.attnum = x.attnum) OR x.attrelid IN (SELECT i.indexrelid FROM {s}.portcullis_indexes i)",
        ),
        &[
            (
                "attnotnull",
                "x.attnotnull AND NOT EXISTS (SELECT FROM {s}.portcullis_columns c WHERE c.attrelid = x.attrelid AND c.attnum = x.attnum AND c.nulled)",
            ),
            (
                "atthasdef",
                "EXISTS (SELECT FROM {s}.portcullis_defaults d WHERE d.adrelid = x.attrelid AND d.adnum = x.attnum)",
            ),
            (
                "attgenerated",
                "CASE WHEN EXISTS (SELECT FROM {s}.portcullis_defaults d WHERE d.adrelid = x.attrelid AND d.adnum = x.attnum) THEN x.attgenerated ELSE '' END",
            ),
            ("atthasmissing", "false"),
            ("attmissingval", "NULL"),
            ("attislocal", "true"),
            ("attinhcount", "0"),
            ("attstattarget", "-1"),
            ("attoptions", "NULL"),
            ("attfdwoptions", "NULL"),
        ],
    ),
    spec_with(
        "pg_attrdef",
        Rows::Where("x.oid IN (SELECT d.oid FROM {s}.portcullis_defaults d)"),
        &[],
    ),
    spec_with(
        "pg_index",
        Rows::Where(
            "x.indexrelid < 16384 OR x.indexrelid IN (SELECT i.indexrelid FROM {s}.portcullis_indexes i)",
        ),
        &[],
    ),
    spec_with(
        "pg_constraint",
        Rows::Where("x.oid < 16384 OR x.oid IN (SELECT k.oid FROM {s}.portcullis_constraints k)"),
        &[
            ("conparentid", "0"),
            ("coninhcount", "0"),
            ("conislocal", "true"),
        ],
    ),
    spec_with(
        "pg_type",
        Rows::Where(
            "(x.oid < 16384 AND x.typrelid < 16384) OR x.oid IN (SELECT t.oid FROM {s}.portcullis_types t)",
        ),
        &[
            (
                "typdefault",
                "CASE WHEN x.oid < 16384 THEN x.typdefault END",
            ),
            (
                "typdefaultbin",
                "CASE WHEN x.oid < 16384 THEN x.typdefaultbin END",
            ),
        ],
    ),
    spec_with(
        "pg_enum",
        Rows::Where("x.enumtypid IN (SELECT t.oid FROM {s}.portcullis_types t)"),
        &[],
    ),
    spec_with(
        "pg_range",
        Rows::Where(
            "x.rngtypid < 16384 OR x.rngtypid IN (SELECT t.oid FROM {s}.portcullis_types t)",
        ),
        &[],
    ),
    spec_with(
        "pg_description",
        Rows::Where(
            "(x.objoid < 16384 AND x.classoid <> 'pg_catalog.pg_namespace'::pg_catalog.regclass) \
             OR (x.classoid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND x.objoid IN (SELECT n.oid FROM {s}.pg_namespace n WHERE n.nspname IN ('pg_catalog', 'information_schema'))) \
             OR (x.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND x.objsubid = 0 AND x.objoid IN (SELECT t.oid FROM {s}.portcullis_tables t UNION ALL SELECT i.indexrelid FROM {s}.portcullis_indexes i) AND x.description NOT LIKE 'portcullis:1 %') \
             OR (x.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND EXISTS (SELECT FROM {s}.portcullis_columns c WHERE c.attrelid = x.objoid AND c.attnum = x.objsubid)) \
             OR (x.classoid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND x.objoid IN (SELECT k.oid FROM {s}.portcullis_constraints k))",
        ),
        &[],
    ),
    // Between what is shown alone: `information_schema.referential_constraints` reads it.
    spec_with(
        "pg_depend",
        Rows::Where(
            "((x.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND x.objid IN (SELECT k.oid FROM {s}.portcullis_constraints k)) \
             OR (x.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND x.objid IN (SELECT i.indexrelid FROM {s}.portcullis_indexes i))) \
             AND ((x.refclassid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND x.refobjid IN (SELECT k.oid FROM {s}.portcullis_constraints k)) \
             OR (x.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND x.refobjid IN (SELECT i.indexrelid FROM {s}.portcullis_indexes i)) \
             OR (x.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND x.refobjid IN (SELECT t.oid FROM {s}.portcullis_tables t) \
             AND (x.refobjsubid = 0 OR EXISTS (SELECT FROM {s}.portcullis_columns c WHERE c.attrelid = x.refobjid AND c.attnum = x.refobjsubid))))",
        ),
        &[],
    ),
    spec_with(
        "pg_database",
        Rows::Where("x.datname = pg_catalog.current_database()"),
        &[
            ("datname", "{resource}"),
            ("datfrozenxid", "'0'"),
            ("datminmxid", "'0'"),
            ("datconnlimit", "-1"),
            ("datlastsysoid", "0"),
        ],
    ),
    spec_with(
        "pg_roles",
        Rows::From(SHOWN_ROLES),
        &[
            ("oid", "x.oid"),
            ("rolname", "x.name"),
            ("rolsuper", "false"),
            ("rolinherit", "true"),
            ("rolcreaterole", "false"),
            ("rolcreatedb", "false"),
            ("rolcanlogin", "x.session"),
            ("rolreplication", "false"),
            ("rolconnlimit", "-1"),
            ("rolpassword", "'********'"),
            ("rolbypassrls", "false"),
        ],
    ),
    // Not for clients: what the server's own definitions of other relations read.
    spec_with(
        "pg_authid",
        Rows::From(SHOWN_ROLES),
        &[
            ("oid", "x.oid"),
            ("rolname", "x.name"),
            ("rolsuper", "false"),
            ("rolinherit", "true"),
            ("rolcreaterole", "false"),
            ("rolcreatedb", "false"),
            ("rolcanlogin", "x.session"),
            ("rolreplication", "false"),
            ("rolbypassrls", "false"),
            ("rolconnlimit", "-1"),
        ],
    ),
    spec_with(
        "pg_user",
        Rows::From(SHOWN_ROLES),
        &[
            ("usename", "x.name"),
            ("usesysid", "x.oid"),
            ("usecreatedb", "false"),
            ("usesuper", "false"),
            ("userepl", "false"),
            ("usebypassrls", "false"),
            ("passwd", "'********'"),
        ],
    ),
    spec_with(
        "pg_proc",
        Rows::Where("x.oid < 16384 AND x.pronamespace IN (SELECT n.oid FROM {s}.pg_namespace n)"),
        &[("proconfig", "NULL")],
    ),
    spec_with(
        "pg_aggregate",
        Rows::Where("x.aggfnoid::pg_catalog.oid < 16384"),
        &[],
    ),
    spec_with(
        "pg_settings",
        Rows::Where("x.name IN ({settings})"),
        &[
            ("sourcefile", "NULL"),
            ("sourceline", "NULL"),
            ("pending_restart", "false"),
            ("source", "'default'"),
        ],
    ),
    spec("pg_am", Rows::System),
    spec("pg_amop", Rows::System),
    spec("pg_amproc", Rows::System),
    spec("pg_cast", Rows::System),
    spec("pg_collation", Rows::System),
    spec("pg_conversion", Rows::System),
    spec("pg_language", Rows::System),
    spec("pg_opclass", Rows::System),
    spec("pg_operator", Rows::System),
    spec("pg_opfamily", Rows::System),
    spec_with("pg_tablespace", Rows::System, &[("spcoptions", "NULL")]),
    spec("pg_ts_config", Rows::System),
    spec("pg_ts_dict", Rows::System),
    spec("pg_ts_parser", Rows::System),
    spec("pg_ts_template", Rows::System),
    // What exists here is the owner's, or would tell of it.
    spec("pg_auth_members", Rows::Empty),
    spec("pg_available_extension_versions", Rows::Empty),
    spec("pg_available_extensions", Rows::Empty),
    spec("pg_cursors", Rows::Empty),
    spec("pg_db_role_setting", Rows::Empty),
    spec("pg_default_acl", Rows::Empty),
    spec("pg_event_trigger", Rows::Empty),
    spec("pg_extension", Rows::Empty),
    spec("pg_foreign_data_wrapper", Rows::Empty),
    spec("pg_foreign_server", Rows::Empty),
    spec("pg_foreign_table", Rows::Empty),
    spec("pg_group", Rows::Empty),
    spec("pg_inherits", Rows::Empty),
    spec("pg_init_privs", Rows::Empty),
    spec("pg_largeobject_metadata", Rows::Empty),
    spec("pg_partitioned_table", Rows::Empty),
    spec("pg_policies", Rows::Empty),
    spec("pg_policy", Rows::Empty),
    spec("pg_prepared_statements", Rows::Empty),
    spec("pg_prepared_xacts", Rows::Empty),
    spec("pg_publication", Rows::Empty),
    spec("pg_publication_namespace", Rows::Empty),
    spec("pg_publication_rel", Rows::Empty),
    spec("pg_publication_tables", Rows::Empty),
    spec("pg_replication_slots", Rows::Empty),
    spec("pg_rewrite", Rows::Empty),
    spec("pg_rules", Rows::Empty),
    spec("pg_seclabel", Rows::Empty),
    spec("pg_seclabels", Rows::Empty),
    spec("pg_sequence", Rows::Empty),
    spec("pg_sequences", Rows::Empty),
    spec("pg_shdepend", Rows::Empty),
    spec("pg_shdescription", Rows::Empty),
    spec("pg_shseclabel", Rows::Empty),
    spec("pg_stat_activity", Rows::Empty),
    spec("pg_stat_all_indexes", Rows::Empty),
    spec("pg_stat_all_tables", Rows::Empty),
    spec("pg_stat_user_indexes", Rows::Empty),
    spec("pg_stat_user_tables", Rows::Empty),
    spec("pg_statio_user_tables", Rows::Empty),
    spec("pg_statistic_ext", Rows::Empty),
    spec("pg_subscription", Rows::Empty),
    spec("pg_transform", Rows::Empty),
    spec("pg_trigger", Rows::Empty),
    spec("pg_user_mapping", Rows::Empty),
    spec("pg_user_mappings", Rows::Empty),
    spec("pg_indexes", Rows::Derived),
    spec("pg_matviews", Rows::Derived),
    spec("pg_tables", Rows::Derived),
    spec("pg_views", Rows::Derived),
];

/// One neutral owner, and the session's own role under the name that its user knows.
const SHOWN_ROLES: &str = "(SELECT 10::pg_catalog.oid AS oid, 'owner'::pg_catalog.name AS name, false AS session \
     UNION ALL SELECT r.oid, coalesce(g.shown_user, 'vendor')::pg_catalog.name, true FROM pg_catalog.pg_roles r \
     LEFT JOIN portcullis_keys.grant_role g ON g.role = r.rolname WHERE r.rolname = current_user AND r.rolname LIKE 'portcullis\\_g\\_%') x";

/// Made in the contract's schema for definitions of others, not for clients.
pub(super) const NOT_FOR_CLIENTS: &[&str] = &["pg_authid"];

/// Relations of `information_schema` with rows; all the others there are empty.
pub(super) const INFORMATION_SCHEMA: &[&str] = &[
    "character_sets",
    "check_constraints",
    "collation_character_set_applicability",
    "collations",
    "columns",
    "constraint_column_usage",
    "constraint_table_usage",
    "domains",
    "information_schema_catalog_name",
    "key_column_usage",
    "referential_constraints",
    "schemata",
    "sql_features",
    "sql_implementation_info",
    "sql_sizing",
    "table_constraints",
    "tables",
    "views",
];

/// Settings that `pg_settings` and `current_setting` show.
pub(super) const SETTINGS: &[&str] = &[
    "application_name",
    "bytea_output",
    "client_encoding",
    "client_min_messages",
    "DateStyle",
    "default_transaction_deferrable",
    "default_transaction_isolation",
    "default_transaction_read_only",
    "extra_float_digits",
    "idle_in_transaction_session_timeout",
    "integer_datetimes",
    "IntervalStyle",
    "lc_collate",
    "lc_ctype",
    "lc_monetary",
    "lc_numeric",
    "lc_time",
    "lock_timeout",
    "max_identifier_length",
    "max_index_keys",
    "server_encoding",
    "server_version",
    "server_version_num",
    "standard_conforming_strings",
    "statement_timeout",
    "TimeZone",
    "transaction_deferrable",
    "transaction_isolation",
    "transaction_read_only",
    "xmloption",
];
