//! What one asks the catalog: how clients look around, and what of it would tell of hidden objects.

use super::features::Feature;
use super::schema::{HIDDEN_RELATIONS, TABLES, Ty};
use super::writer::Writer;

/// Catalog relations with columns that don't depend on when or where a cluster was made.
const RELATIONS: &[(&str, &[&str])] = &[
    (
        "pg_catalog.pg_class",
        &[
            "relname",
            "relkind",
            "relnatts",
            "relchecks",
            "relhasrules",
            "relhastriggers",
            "relrowsecurity",
            "relpersistence",
            "relispartition",
            "reltuples",
            "relpages",
            "relacl IS NULL",
            "relhasindex",
            "reloptions::text",
        ],
    ),
    ("pg_class", &["oid::regclass::text", "relname", "relkind"]),
    (
        "pg_attribute",
        &[
            "attname",
            "attnum",
            "atttypid::regtype::text",
            "attnotnull",
            "atthasdef",
            "attisdropped",
            "attlen",
            "attstattarget",
            "attrelid::regclass::text",
            "attidentity",
        ],
    ),
    ("pg_namespace", &["nspname", "nspacl IS NULL"]),
    (
        "pg_proc",
        &[
            "proname",
            "prosrc",
            "prosecdef",
            "pronargs",
            "provolatile",
            "prorettype::regtype::text",
            "pronamespace::regnamespace::text",
        ],
    ),
    (
        "pg_type",
        &[
            "typname",
            "typtype",
            "typcategory",
            "typlen",
            "typnotnull",
            "typdefault",
        ],
    ),
    (
        "pg_index",
        &[
            "indnatts",
            "indisunique",
            "indisprimary",
            "indkey::text",
            "indexprs IS NULL",
            "indpred IS NULL",
            "indrelid::regclass::text",
        ],
    ),
    (
        "pg_constraint",
        &[
            "conname",
            "contype",
            "conkey::text",
            "convalidated",
            "conrelid::regclass::text",
        ],
    ),
    ("pg_description", &["description", "objsubid"]),
    ("pg_shdescription", &["description"]),
    ("pg_attrdef", &["adnum", "pg_get_expr(adbin, adrelid)"]),
    ("pg_enum", &["enumlabel", "enumsortorder"]),
    (
        "pg_stats",
        &[
            "schemaname",
            "tablename",
            "attname",
            "null_frac",
            "n_distinct",
            "most_common_vals::text",
            "histogram_bounds::text",
            "correlation",
        ],
    ),
    (
        "pg_stats_ext",
        &[
            "statistics_name",
            "most_common_vals::text",
            "dependencies::text",
        ],
    ),
    (
        "pg_statistic",
        &["stanullfrac", "stadistinct", "stavalues1::text"],
    ),
    ("pg_statistic_ext", &["stxname", "stxkeys::text"]),
    ("pg_views", &["schemaname", "viewname", "definition"]),
    ("pg_matviews", &["matviewname", "definition", "ispopulated"]),
    ("pg_rules", &["rulename", "definition"]),
    ("pg_policies", &["policyname", "qual", "roles::text"]),
    ("pg_policy", &["polname", "polcmd"]),
    (
        "pg_indexes",
        &["schemaname", "tablename", "indexname", "indexdef"],
    ),
    (
        "pg_tables",
        &["schemaname", "tablename", "hasindexes", "rowsecurity"],
    ),
    ("pg_sequences", &["sequencename", "last_value"]),
    ("pg_sequence", &["seqstart", "seqmax"]),
    ("pg_trigger", &["tgname", "tgenabled"]),
    ("pg_rewrite", &["rulename", "ev_type"]),
    ("pg_depend", &["deptype", "classid::regclass::text"]),
    ("pg_inherits", &["inhseqno"]),
    ("pg_extension", &["extname", "extversion"]),
    ("pg_foreign_server", &["srvname", "srvoptions::text"]),
    ("pg_foreign_table", &["ftoptions::text"]),
    ("pg_user_mappings", &["usename", "umoptions::text"]),
    ("pg_foreign_data_wrapper", &["fdwname"]),
    ("pg_publication", &["pubname"]),
    ("pg_publication_tables", &["pubname", "tablename"]),
    ("pg_subscription", &["subname"]),
    ("pg_roles", &["rolname", "rolsuper", "rolcanlogin"]),
    ("pg_user", &["usename", "usesuper"]),
    ("pg_shadow", &["usename", "passwd"]),
    ("pg_authid", &["rolname", "rolpassword"]),
    ("pg_auth_members", &["admin_option"]),
    ("pg_database", &["datname", "encoding", "datcollate"]),
    ("pg_settings", &["name", "setting", "source"]),
    ("pg_file_settings", &["name", "setting"]),
    ("pg_hba_file_rules", &["line_number", "type"]),
    ("pg_stat_activity", &["usename", "query", "state IS NULL"]),
    (
        "pg_stat_user_tables",
        &[
            "relname",
            "n_live_tup",
            "n_dead_tup",
            "seq_scan",
            "n_tup_ins",
        ],
    ),
    ("pg_stat_all_tables", &["relname", "n_live_tup"]),
    ("pg_stat_user_indexes", &["indexrelname", "idx_scan"]),
    ("pg_statio_user_tables", &["relname", "heap_blks_read"]),
    ("pg_stat_user_functions", &["funcname", "calls"]),
    ("pg_stat_database", &["datname", "tup_returned"]),
    ("pg_stat_statements", &["query", "calls"]),
    (
        "pg_locks",
        &["locktype", "mode", "relation::regclass::text"],
    ),
    ("pg_prepared_statements", &["name", "statement"]),
    ("pg_cursors", &["name", "statement"]),
    ("pg_largeobject", &["loid::text", "data"]),
    ("pg_largeobject_metadata", &["oid::text"]),
    ("pg_seclabels", &["label"]),
    ("pg_am", &["amname", "amtype"]),
    ("pg_operator", &["oprname", "oprkind"]),
    ("pg_opclass", &["opcname"]),
    ("pg_collation", &["collname", "collprovider"]),
    ("pg_cast", &["castcontext"]),
    ("pg_aggregate", &["aggkind", "aggfnoid::text"]),
    ("pg_language", &["lanname"]),
    ("pg_tablespace", &["spcname"]),
    ("pg_range", &["rngtypid::regtype::text"]),
    ("pg_ts_config", &["cfgname"]),
    ("pg_event_trigger", &["evtname"]),
    ("pg_replication_slots", &["slot_name"]),
    ("pg_stat_replication", &["application_name"]),
    ("pg_partitioned_table", &["partstrat"]),
    ("pg_timezone_abbrevs", &["abbrev", "is_dst"]),
    (
        "information_schema.tables",
        &[
            "table_schema",
            "table_name",
            "table_type",
            "is_insertable_into",
        ],
    ),
    (
        "information_schema.columns",
        &[
            "table_name",
            "column_name",
            "data_type",
            "column_default",
            "ordinal_position",
            "is_nullable",
            "udt_name",
            "character_maximum_length",
        ],
    ),
    (
        "information_schema.views",
        &["table_name", "view_definition"],
    ),
    (
        "information_schema.routines",
        &["routine_name", "routine_definition"],
    ),
    (
        "information_schema.schemata",
        &["schema_name", "schema_owner IS NULL"],
    ),
    (
        "information_schema.table_constraints",
        &["table_name", "constraint_type", "constraint_name"],
    ),
    (
        "information_schema.key_column_usage",
        &["table_name", "column_name"],
    ),
    (
        "information_schema.constraint_column_usage",
        &["table_name", "column_name"],
    ),
    ("information_schema.check_constraints", &["check_clause"]),
    (
        "information_schema.referential_constraints",
        &["constraint_name", "delete_rule"],
    ),
    (
        "information_schema.table_privileges",
        &["table_name", "privilege_type"],
    ),
    (
        "information_schema.column_privileges",
        &["column_name", "privilege_type"],
    ),
    ("information_schema.domains", &["domain_name", "data_type"]),
    ("information_schema.attributes", &["attribute_name"]),
    ("information_schema.sequences", &["sequence_name"]),
    ("information_schema.triggers", &["trigger_name"]),
    ("information_schema.parameters", &["parameter_name"]),
    ("information_schema.enabled_roles", &["role_name"]),
    ("information_schema.applicable_roles", &["role_name"]),
];

/// Questions of the catalog as clients put them; `?` is a relation, shown or hidden.
const QUESTIONS: &[&str] = &[
    "SELECT n.nspname, c.relname, c.relkind FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relname OPERATOR(pg_catalog.~) '^(patients)$' COLLATE pg_catalog.default ORDER BY 1, 2",
    "SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, (SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid, true) FROM pg_catalog.pg_attrdef d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef) FROM pg_catalog.pg_attribute a WHERE a.attrelid = '?'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
    "SELECT c2.relname, i.indisprimary, pg_catalog.pg_get_indexdef(i.indexrelid, 0, true) FROM pg_catalog.pg_class c, pg_catalog.pg_class c2, pg_catalog.pg_index i WHERE c.oid = '?'::regclass AND c.oid = i.indrelid AND i.indexrelid = c2.oid ORDER BY 1",
    "SELECT conname, pg_catalog.pg_get_constraintdef(r.oid, true) FROM pg_catalog.pg_constraint r WHERE r.conrelid = '?'::pg_catalog.regclass ORDER BY 1",
    "SELECT obj_description('?'::regclass, 'pg_class'), col_description('?'::regclass, 17)",
    "SELECT d.description, d.objsubid FROM pg_description d JOIN pg_class c ON c.oid = d.objoid ORDER BY 1",
    "SELECT p.proname, pg_get_functiondef(p.oid) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'clinic' ORDER BY 1",
    "SELECT pg_relation_size('?'), pg_total_relation_size('?'), pg_table_size('?')",
    "SELECT pg_get_viewdef('clinic.everyone'::regclass, true)",
    "SELECT has_table_privilege('?', 'select'), has_schema_privilege('hr', 'usage'), has_column_privilege('?', 'secret', 'select')",
    "SELECT to_regclass('?')::text, to_regtype('clinic.address')::text, to_regproc('clinic.peek')::text, to_regnamespace('hr')::text",
    "SELECT count(*) FROM pg_class WHERE relname LIKE '%secret%'",
    "SELECT relname, reltuples FROM pg_class WHERE relkind = 'r' ORDER BY 1",
    "SELECT e.enumlabel FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid WHERE t.typname = 'severity' ORDER BY e.enumsortorder",
    "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'clinic' AND column_name IN ('secret', 'salary', 'name') ORDER BY 1, 2",
    "SELECT pg_size_pretty(pg_database_size(current_database())) IS NOT NULL",
    "SELECT x.n, x.x::text FROM (SELECT (information_schema._pg_expandarray(i.indkey)).n, (information_schema._pg_expandarray(i.indkey)).x FROM pg_index i WHERE i.indrelid = '?'::regclass) AS x ORDER BY 1, 2",
    "SELECT 1 FROM pg_class WHERE relname = 'salaries' AND 1 / (relnatts - 4) > 0",
    "SELECT relname::int FROM pg_class WHERE relname LIKE 's%'",
    "SELECT * FROM pg_catalog.pg_get_keywords() ORDER BY word LIMIT 5",
    "SELECT current_schemas(true), current_schemas(false), current_user, session_user, user, current_role",
    "SELECT pg_catalog.set_config('search_path', 'lab, clinic', false)",
    "SELECT set_config('application_name', 'x', false), current_setting('application_name')",
    "SELECT CASE WHEN EXISTS (SELECT 1 FROM pg_proc WHERE prosrc LIKE '%salary%') THEN 1 ELSE 0 END",
    "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' ORDER BY 1",
    "SELECT rolname FROM pg_roles WHERE rolname LIKE 'zq%' ORDER BY 1",
    "SELECT '?'::regclass::oid = '?'::regclass, 'clinic.peek'::regproc::text",
    "TABLE pg_catalog.pg_am",
    "SELECT pg_table_is_visible(c.oid), pg_get_userbyid(c.relowner) IS NULL FROM pg_class c ORDER BY c.relname LIMIT 20",
    "SELECT s.usename, s.query FROM pg_stat_activity s WHERE s.usename LIKE 'zq%'",
    "SELECT pg_describe_object('pg_class'::regclass, '?'::regclass, 0)",
    "SELECT (pg_identify_object('pg_class'::regclass, '?'::regclass, 0)).identity",
    "SELECT current_setting('server_version_num')::int > 90000, version() LIKE 'PostgreSQL%'",
    "SHOW server_version_num",
    "SELECT attname FROM pg_attribute WHERE attrelid = (SELECT oid FROM pg_class WHERE relname = 'patients' ORDER BY oid LIMIT 1) ORDER BY attnum",
];

impl Writer {
    /// A query of the catalog; true if its rows come in one order.
    pub fn catalog_query(&mut self) -> (String, bool) {
        if self.random.one_in(3) {
            let question = self.random.word(QUESTIONS);
            let relation = self.some_relation();
            return (
                question.replace('?', &relation),
                question.contains("ORDER BY"),
            );
        }
        let Some((relation, columns)) = self.random.choose(RELATIONS).copied() else {
            return ("SELECT 1".to_owned(), true);
        };
        if self.random.one_in(6) {
            return (format!("SELECT count(*) FROM {relation}"), true);
        }
        let mut chosen: Vec<&str> = Vec::new();
        for _ in 0..self.random.between(1, 3) {
            chosen.push(self.random.word(columns));
        }
        let alias = if self.random.one_in(2) { " AS t" } else { "" };
        let mut sql = format!("SELECT {} FROM {relation}{alias}", chosen.join(", "));
        if self.random.one_in(3) {
            let column = self.random.word(columns);
            let condition = match self.random.below(4) {
                0 => format!("({column})::text LIKE '%s%'"),
                1 => format!("({column}) IS NOT NULL"),
                2 if self.has(Feature::Errors) => format!("({column})::text::int = 1"),
                _ => {
                    format!("({column})::text IN ('patients', 'secret', 'salaries', 'clinic', 'r')")
                }
            };
            sql.push_str(&format!(" WHERE {condition}"));
        }
        if self.has(Feature::SubQueries) && self.random.one_in(6) {
            let subject = self.expression(Ty::Int);
            return (
                format!("SELECT {subject}, (SELECT count(*) FROM {relation}) AS n"),
                true,
            );
        }
        let positions: Vec<String> = (1..=chosen.len()).map(|n| n.to_string()).collect();
        sql.push_str(&format!(" ORDER BY {}", positions.join(", ")));
        if self.random.one_in(4) {
            sql.push_str(" LIMIT 7");
        }
        (sql, true)
    }

    pub fn some_relation(&mut self) -> String {
        if self.random.one_in(2) {
            return self.random.word(HIDDEN_RELATIONS).replace('\'', "");
        }
        self.random
            .choose(TABLES)
            .map(|t| format!("{}.{}", t.schema, t.name))
            .unwrap_or_default()
    }
}
