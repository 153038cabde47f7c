//! Functions of the catalog that take OIDs or names, mediated: each answers as the server's own about
//! what the contract shows, and as about nothing of the rest.
//!
//! Bodies run with the caller's own rights over the look-alikes. `{s}` stands for the contract's schema.
//! A parameter that is a reg-type at the server is `oid` and `text` here: a literal must not be
//! looked up by the server itself, whose answer would tell what else exists.

pub(super) struct Function {
    pub name: &'static str,
    pub args: &'static str,
    pub returns: &'static str,
    pub body: &'static str,
}

const fn f(
    name: &'static str,
    args: &'static str,
    returns: &'static str,
    body: &'static str,
) -> Function {
    Function {
        name,
        args,
        returns,
        body,
    }
}

macro_rules! class_shown {
    ($then:literal) => {
        concat!(
            "CASE WHEN EXISTS (SELECT FROM {s}.pg_class c WHERE c.oid = $1) THEN ",
            $then,
            " END"
        )
    };
}
macro_rules! proc_shown {
    ($then:literal) => {
        concat!(
            "CASE WHEN EXISTS (SELECT FROM {s}.pg_proc p WHERE p.oid = $1) THEN ",
            $then,
            " END"
        )
    };
}
/// `visible_…(oid)`: the OID as its reg-type if it is shown, zero as zero, else NULL.
macro_rules! shown_oid {
    ($relation:literal, $reg:literal) => {
        concat!(
            "SELECT CASE WHEN $1 = 0 OR EXISTS (SELECT FROM {s}.",
            $relation,
            " x WHERE x.oid = $1) THEN $1::pg_catalog.",
            $reg,
            " END"
        )
    };
}
/// Names of functions and operators: the server's own alone, so a qualification by any other schema finds nothing.
macro_rules! system_name {
    ($look_up:literal) => {
        concat!("SELECT CASE WHEN pg_catalog.strpos(pg_catalog.replace($1, 'pg_catalog.', ''), '.') = 0 THEN pg_catalog.", $look_up, "($1) END")
    };
}

/// Splits a name, finds it among the shown of its schema, or of any shown schema when unqualified.
macro_rules! named {
    ($relation:literal, $name:literal, $namespace:literal, $reg:literal) => {
        concat!(
            "SELECT x.oid::pg_catalog.",
            $reg,
            " FROM {s}.",
            $relation,
            " x JOIN {s}.pg_namespace n ON n.oid = x.",
            $namespace,
            " CROSS JOIN (SELECT pg_catalog.parse_ident($1, false) AS parts) i",
            " WHERE CASE pg_catalog.array_length(i.parts, 1) WHEN 1 THEN x.",
            $name,
            " = i.parts[1] AND n.nspname <> 'information_schema'",
            " WHEN 2 THEN n.nspname = i.parts[1] AND x.",
            $name,
            " = i.parts[2] ELSE false END",
            " ORDER BY n.nspname <> 'pg_catalog', n.nspname LIMIT 1"
        )
    };
}

/// Reg-type → the function that a cast to it becomes; each has an overload for `oid` and for `text`.
pub(super) const REG_FILTERS: &[(&str, &str)] = &[
    ("regclass", "visible_class"),
    ("regtype", "visible_type"),
    ("regproc", "visible_proc"),
    ("regprocedure", "visible_procedure"),
    ("regoper", "visible_oper"),
    ("regoperator", "visible_operator"),
    ("regnamespace", "visible_namespace"),
    ("regrole", "visible_role"),
    ("regcollation", "visible_collation"),
    ("regconfig", "visible_config"),
    ("regdictionary", "visible_dictionary"),
];

/// What reg-casts become; made before the functions that use them.
pub(super) const VISIBLE: &[Function] = &[
    f(
        "visible_class",
        "oid",
        "regclass",
        shown_oid!("pg_class", "regclass"),
    ),
    f(
        "visible_class_named",
        "text",
        "regclass",
        named!("pg_class", "relname", "relnamespace", "regclass"),
    ),
    f(
        "visible_class",
        "text",
        "regclass",
        "SELECT CASE WHEN $1 ~ '^[0-9]{1,9}$' THEN {s}.visible_class($1::pg_catalog.oid) WHEN $1 = '-' THEN 0::pg_catalog.oid::pg_catalog.regclass ELSE {s}.visible_class_named($1) END",
    ),
    f(
        "visible_type",
        "oid",
        "regtype",
        shown_oid!("pg_type", "regtype"),
    ),
    f(
        "visible_type_named",
        "text",
        "regtype",
        named!("pg_type", "typname", "typnamespace", "regtype"),
    ),
    f(
        "visible_type",
        "text",
        "regtype",
        "SELECT CASE WHEN $1 ~ '^[0-9]{1,9}$' THEN {s}.visible_type($1::pg_catalog.oid) \
         WHEN pg_catalog.strpos(pg_catalog.replace($1, 'pg_catalog.', ''), '.') = 0 THEN coalesce(pg_catalog.to_regtype($1), {s}.visible_type_named($1)) \
         ELSE {s}.visible_type_named($1) END",
    ),
    f(
        "visible_proc",
        "oid",
        "regproc",
        shown_oid!("pg_proc", "regproc"),
    ),
    f(
        "visible_proc",
        "text",
        "regproc",
        system_name!("to_regproc"),
    ),
    f(
        "visible_procedure",
        "oid",
        "regprocedure",
        shown_oid!("pg_proc", "regprocedure"),
    ),
    f(
        "visible_procedure",
        "text",
        "regprocedure",
        system_name!("to_regprocedure"),
    ),
    f(
        "visible_oper",
        "oid",
        "regoper",
        shown_oid!("pg_operator", "regoper"),
    ),
    f(
        "visible_oper",
        "text",
        "regoper",
        system_name!("to_regoper"),
    ),
    f(
        "visible_operator",
        "oid",
        "regoperator",
        shown_oid!("pg_operator", "regoperator"),
    ),
    f(
        "visible_operator",
        "text",
        "regoperator",
        system_name!("to_regoperator"),
    ),
    f(
        "visible_namespace",
        "oid",
        "regnamespace",
        shown_oid!("pg_namespace", "regnamespace"),
    ),
    f(
        "visible_namespace",
        "text",
        "regnamespace",
        "SELECT n.oid::pg_catalog.regnamespace FROM {s}.pg_namespace n WHERE n.nspname = $1 OR pg_catalog.quote_ident(n.nspname) = $1",
    ),
    // A name, not a regrole: that one would print the server's own name of the role.
    f(
        "visible_role",
        "oid",
        "name",
        "SELECT r.rolname FROM {s}.pg_roles r WHERE r.oid = $1",
    ),
    f(
        "visible_role",
        "text",
        "name",
        "SELECT r.rolname FROM {s}.pg_roles r WHERE r.rolname = $1 OR pg_catalog.quote_ident(r.rolname) = $1",
    ),
    // Where a role is compared.
    f(
        "visible_role_number",
        "name",
        "oid",
        "SELECT r.oid FROM {s}.pg_roles r WHERE r.rolname = $1",
    ),
    f(
        "visible_collation",
        "oid",
        "regcollation",
        shown_oid!("pg_collation", "regcollation"),
    ),
    f(
        "visible_collation",
        "text",
        "regcollation",
        system_name!("to_regcollation"),
    ),
    f(
        "visible_config",
        "oid",
        "regconfig",
        shown_oid!("pg_ts_config", "regconfig"),
    ),
    f(
        "visible_config",
        "text",
        "regconfig",
        "SELECT c.oid::pg_catalog.regconfig FROM {s}.pg_ts_config c WHERE c.cfgname = pg_catalog.replace($1, 'pg_catalog.', '')",
    ),
    f(
        "visible_dictionary",
        "oid",
        "regdictionary",
        shown_oid!("pg_ts_dict", "regdictionary"),
    ),
    f(
        "visible_dictionary",
        "text",
        "regdictionary",
        "SELECT c.oid::pg_catalog.regdictionary FROM {s}.pg_ts_dict c WHERE c.dictname = pg_catalog.replace($1, 'pg_catalog.', '')",
    ),
    f(
        "visible_privilege",
        "text, text",
        "bool",
        "SELECT EXISTS (SELECT FROM pg_catalog.unnest(pg_catalog.string_to_array($1, ',')) p(name) WHERE pg_catalog.upper(pg_catalog.btrim(p.name)) = $2)",
    ),
];

/// Look-alikes of the server's functions, by the server's names.
pub(super) const MEDIATED: &[Function] = &[
    f(
        "_pg_truetypid",
        "{s}.pg_attribute, {s}.pg_type",
        "oid",
        "SELECT CASE WHEN ($2).typtype = 'd' THEN ($2).typbasetype ELSE ($1).atttypid END",
    ),
    f(
        "_pg_truetypmod",
        "{s}.pg_attribute, {s}.pg_type",
        "int4",
        "SELECT CASE WHEN ($2).typtype = 'd' THEN ($2).typtypmod ELSE ($1).atttypmod END",
    ),
    f(
        "current_database",
        "",
        "name",
        "SELECT {resource}::pg_catalog.name",
    ),
    // visibility: all shown schemas count as on the path
    f(
        "pg_table_is_visible",
        "oid",
        "bool",
        "SELECT CASE WHEN $1 < 16384 THEN pg_catalog.pg_table_is_visible($1) ELSE (SELECT true FROM {s}.pg_class c WHERE c.oid = $1) END",
    ),
    f(
        "pg_type_is_visible",
        "oid",
        "bool",
        "SELECT CASE WHEN $1 < 16384 THEN pg_catalog.pg_type_is_visible($1) ELSE (SELECT true FROM {s}.pg_type c WHERE c.oid = $1) END",
    ),
    f(
        "pg_function_is_visible",
        "oid",
        "bool",
        "SELECT pg_catalog.pg_function_is_visible(p.oid) FROM {s}.pg_proc p WHERE p.oid = $1",
    ),
    f(
        "pg_operator_is_visible",
        "oid",
        "bool",
        "SELECT pg_catalog.pg_operator_is_visible(p.oid) FROM {s}.pg_operator p WHERE p.oid = $1",
    ),
    f(
        "pg_opclass_is_visible",
        "oid",
        "bool",
        "SELECT pg_catalog.pg_opclass_is_visible(p.oid) FROM {s}.pg_opclass p WHERE p.oid = $1",
    ),
    f(
        "pg_opfamily_is_visible",
        "oid",
        "bool",
        "SELECT pg_catalog.pg_opfamily_is_visible(p.oid) FROM {s}.pg_opfamily p WHERE p.oid = $1",
    ),
    f(
        "pg_collation_is_visible",
        "oid",
        "bool",
        "SELECT pg_catalog.pg_collation_is_visible(p.oid) FROM {s}.pg_collation p WHERE p.oid = $1",
    ),
    f(
        "pg_conversion_is_visible",
        "oid",
        "bool",
        "SELECT pg_catalog.pg_conversion_is_visible(p.oid) FROM {s}.pg_conversion p WHERE p.oid = $1",
    ),
    f(
        "pg_ts_config_is_visible",
        "oid",
        "bool",
        "SELECT pg_catalog.pg_ts_config_is_visible(p.oid) FROM {s}.pg_ts_config p WHERE p.oid = $1",
    ),
    f(
        "pg_ts_dict_is_visible",
        "oid",
        "bool",
        "SELECT pg_catalog.pg_ts_dict_is_visible(p.oid) FROM {s}.pg_ts_dict p WHERE p.oid = $1",
    ),
    f(
        "pg_ts_parser_is_visible",
        "oid",
        "bool",
        "SELECT pg_catalog.pg_ts_parser_is_visible(p.oid) FROM {s}.pg_ts_parser p WHERE p.oid = $1",
    ),
    f(
        "pg_ts_template_is_visible",
        "oid",
        "bool",
        "SELECT pg_catalog.pg_ts_template_is_visible(p.oid) FROM {s}.pg_ts_template p WHERE p.oid = $1",
    ),
    f(
        "pg_statistics_obj_is_visible",
        "oid",
        "bool",
        "SELECT NULL::pg_catalog.bool",
    ),
    // definitions
    f(
        "pg_get_expr",
        "pg_node_tree, oid",
        "text",
        "SELECT CASE WHEN $2 = 0 OR EXISTS (SELECT FROM {s}.pg_class c WHERE c.oid = $2) THEN pg_catalog.pg_get_expr($1, $2) END",
    ),
    f(
        "pg_get_expr",
        "pg_node_tree, oid, bool",
        "text",
        "SELECT CASE WHEN $2 = 0 OR EXISTS (SELECT FROM {s}.pg_class c WHERE c.oid = $2) THEN pg_catalog.pg_get_expr($1, $2, $3) END",
    ),
    f(
        "pg_get_indexdef",
        "oid",
        "text",
        concat!("SELECT ", class_shown!("pg_catalog.pg_get_indexdef($1)")),
    ),
    f(
        "pg_get_indexdef",
        "oid, int4, bool",
        "text",
        concat!(
            "SELECT ",
            class_shown!("pg_catalog.pg_get_indexdef($1, $2, $3)")
        ),
    ),
    f(
        "pg_get_constraintdef",
        "oid",
        "text",
        "SELECT pg_catalog.pg_get_constraintdef(k.oid) FROM {s}.pg_constraint k WHERE k.oid = $1",
    ),
    f(
        "pg_get_constraintdef",
        "oid, bool",
        "text",
        "SELECT pg_catalog.pg_get_constraintdef(k.oid, $2) FROM {s}.pg_constraint k WHERE k.oid = $1",
    ),
    f(
        "pg_get_viewdef",
        "oid",
        "text",
        concat!("SELECT ", class_shown!("pg_catalog.pg_get_viewdef($1)")),
    ),
    f(
        "pg_get_viewdef",
        "oid, bool",
        "text",
        concat!("SELECT ", class_shown!("pg_catalog.pg_get_viewdef($1, $2)")),
    ),
    f(
        "pg_get_viewdef",
        "oid, int4",
        "text",
        concat!("SELECT ", class_shown!("pg_catalog.pg_get_viewdef($1, $2)")),
    ),
    f(
        "pg_get_viewdef",
        "text",
        "text",
        "SELECT {s}.pg_get_viewdef({s}.visible_class($1)::pg_catalog.oid)",
    ),
    f(
        "pg_get_viewdef",
        "text, bool",
        "text",
        "SELECT {s}.pg_get_viewdef({s}.visible_class($1)::pg_catalog.oid, $2)",
    ),
    f("pg_get_ruledef", "oid", "text", "SELECT NULL::text"),
    f("pg_get_ruledef", "oid, bool", "text", "SELECT NULL::text"),
    f("pg_get_triggerdef", "oid", "text", "SELECT NULL::text"),
    f(
        "pg_get_triggerdef",
        "oid, bool",
        "text",
        "SELECT NULL::text",
    ),
    f("pg_get_partkeydef", "oid", "text", "SELECT NULL::text"),
    f(
        "pg_get_partition_constraintdef",
        "oid",
        "text",
        "SELECT NULL::text",
    ),
    f(
        "pg_get_statisticsobjdef",
        "oid",
        "text",
        "SELECT NULL::text",
    ),
    f(
        "pg_get_statisticsobjdef_columns",
        "oid",
        "text",
        "SELECT NULL::text",
    ),
    f(
        "pg_get_serial_sequence",
        "text, text",
        "text",
        "SELECT NULL::text",
    ),
    f(
        "pg_get_functiondef",
        "oid",
        "text",
        concat!("SELECT ", proc_shown!("pg_catalog.pg_get_functiondef($1)")),
    ),
    f(
        "pg_get_function_arguments",
        "oid",
        "text",
        concat!(
            "SELECT ",
            proc_shown!("pg_catalog.pg_get_function_arguments($1)")
        ),
    ),
    f(
        "pg_get_function_identity_arguments",
        "oid",
        "text",
        concat!(
            "SELECT ",
            proc_shown!("pg_catalog.pg_get_function_identity_arguments($1)")
        ),
    ),
    f(
        "pg_get_function_result",
        "oid",
        "text",
        concat!(
            "SELECT ",
            proc_shown!("pg_catalog.pg_get_function_result($1)")
        ),
    ),
    f(
        "pg_get_function_arg_default",
        "oid, int4",
        "text",
        concat!(
            "SELECT ",
            proc_shown!("pg_catalog.pg_get_function_arg_default($1, $2)")
        ),
    ),
    f(
        "pg_get_userbyid",
        "oid",
        "name",
        "SELECT coalesce((SELECT r.rolname FROM {s}.pg_roles r WHERE r.oid = $1), ('unknown (OID=' || $1 || ')')::pg_catalog.name)",
    ),
    f(
        "format_type",
        "oid, int4",
        "text",
        "SELECT CASE WHEN $1 IS NULL THEN NULL WHEN $1 < 16384 OR EXISTS (SELECT FROM {s}.pg_type t WHERE t.oid = $1) THEN pg_catalog.format_type($1, $2) ELSE '???' END",
    ),
    // Lists of rights are text in the look-alikes, and there are none: their own type prints any role's name.
    f(
        "acldefault",
        "\"char\", oid",
        "text[]",
        "SELECT NULL::pg_catalog.text[]",
    ),
    f(
        "aclexplode",
        "text[]",
        "TABLE (grantor oid, grantee oid, privilege_type text, is_grantable bool)",
        "SELECT NULL::pg_catalog.oid, NULL::pg_catalog.oid, NULL::pg_catalog.text, NULL::pg_catalog.bool WHERE false",
    ),
    // comments
    f(
        "obj_description",
        "oid, name",
        "text",
        "SELECT d.description FROM {s}.pg_description d JOIN {s}.pg_class c ON c.oid = d.classoid WHERE d.objoid = $1 AND d.objsubid = 0 AND c.relname = $2 AND c.relnamespace = 11",
    ),
    f(
        "obj_description",
        "oid",
        "text",
        "SELECT d.description FROM {s}.pg_description d WHERE d.objoid = $1 AND d.objsubid = 0",
    ),
    f(
        "col_description",
        "oid, int4",
        "text",
        "SELECT d.description FROM {s}.pg_description d WHERE d.classoid = 1259 AND d.objoid = $1 AND d.objsubid = $2",
    ),
    f(
        "shobj_description",
        "oid, name",
        "text",
        "SELECT NULL::text",
    ),
    // sizes and files: nothing is told
    f("pg_relation_size", "oid", "int8", "SELECT NULL::int8"),
    f("pg_relation_size", "text", "int8", "SELECT NULL::int8"),
    f("pg_relation_size", "oid, text", "int8", "SELECT NULL::int8"),
    f(
        "pg_relation_size",
        "text, text",
        "int8",
        "SELECT NULL::int8",
    ),
    f("pg_table_size", "oid", "int8", "SELECT NULL::int8"),
    f("pg_table_size", "text", "int8", "SELECT NULL::int8"),
    f("pg_indexes_size", "oid", "int8", "SELECT NULL::int8"),
    f("pg_indexes_size", "text", "int8", "SELECT NULL::int8"),
    f("pg_total_relation_size", "oid", "int8", "SELECT NULL::int8"),
    f(
        "pg_total_relation_size",
        "text",
        "int8",
        "SELECT NULL::int8",
    ),
    f("pg_database_size", "oid", "int8", "SELECT NULL::int8"),
    f("pg_database_size", "name", "int8", "SELECT NULL::int8"),
    f("pg_tablespace_size", "oid", "int8", "SELECT NULL::int8"),
    f("pg_tablespace_size", "name", "int8", "SELECT NULL::int8"),
    f("pg_tablespace_location", "oid", "text", "SELECT ''::text"),
    f("pg_relation_filenode", "oid", "oid", "SELECT NULL::oid"),
    f("pg_relation_filenode", "text", "oid", "SELECT NULL::oid"),
    f("pg_relation_filepath", "oid", "text", "SELECT NULL::text"),
    f("pg_relation_filepath", "text", "text", "SELECT NULL::text"),
    f("pg_sequence_last_value", "oid", "int8", "SELECT NULL::int8"),
    f("pg_relation_is_publishable", "oid", "bool", "SELECT false"),
    f("pg_relation_is_publishable", "text", "bool", "SELECT false"),
    f("pg_relation_is_updatable", "oid, bool", "int4", "SELECT 0"),
    f("pg_relation_is_updatable", "text, bool", "int4", "SELECT 0"),
    f(
        "pg_column_is_updatable",
        "oid, int2, bool",
        "bool",
        "SELECT false",
    ),
    f("row_security_active", "oid", "bool", "SELECT false"),
    f("row_security_active", "text", "bool", "SELECT false"),
    f(
        "pg_index_column_has_property",
        "oid, int4, text",
        "bool",
        concat!(
            "SELECT ",
            class_shown!("pg_catalog.pg_index_column_has_property($1, $2, $3)")
        ),
    ),
    f(
        "pg_index_has_property",
        "oid, text",
        "bool",
        concat!(
            "SELECT ",
            class_shown!("pg_catalog.pg_index_has_property($1, $2)")
        ),
    ),
    f(
        "pg_indexam_has_property",
        "oid, text",
        "bool",
        "SELECT pg_catalog.pg_indexam_has_property(a.oid, $2) FROM {s}.pg_am a WHERE a.oid = $1",
    ),
    // names
    f(
        "to_regclass",
        "text",
        "regclass",
        "SELECT {s}.visible_class_named($1)",
    ),
    f(
        "to_regtype",
        "text",
        "regtype",
        "SELECT {s}.visible_type($1)",
    ),
    f(
        "to_regproc",
        "text",
        "regproc",
        "SELECT {s}.visible_proc($1)",
    ),
    f(
        "to_regprocedure",
        "text",
        "regprocedure",
        "SELECT {s}.visible_procedure($1)",
    ),
    f(
        "to_regoper",
        "text",
        "regoper",
        "SELECT {s}.visible_oper($1)",
    ),
    f(
        "to_regoperator",
        "text",
        "regoperator",
        "SELECT {s}.visible_operator($1)",
    ),
    f(
        "to_regnamespace",
        "text",
        "regnamespace",
        "SELECT {s}.visible_namespace($1)",
    ),
    f("to_regrole", "text", "name", "SELECT {s}.visible_role($1)"),
    f(
        "to_regcollation",
        "text",
        "regcollation",
        "SELECT {s}.visible_collation($1)",
    ),
    f(
        "current_setting",
        "text",
        "text",
        "SELECT CASE WHEN pg_catalog.lower($1) IN ({settings_lower}) THEN pg_catalog.current_setting($1, true) END",
    ),
    f(
        "current_setting",
        "text, bool",
        "text",
        "SELECT CASE WHEN pg_catalog.lower($1) IN ({settings_lower}) THEN pg_catalog.current_setting($1, true) END",
    ),
];

/// `has_…_privilege`: kind of object, the privilege that a session has on what is shown, and how the
/// object is looked up by OID and by name. Each comes with and without a role, which is not looked at.
pub(super) struct Privilege {
    pub name: &'static str,
    pub has: &'static str,
    pub by_oid: &'static str,
    pub by_name: &'static str,
}

pub(super) const PRIVILEGES: &[Privilege] = &[
    Privilege {
        name: "has_table_privilege",
        has: "SELECT",
        by_oid: "SELECT FROM {s}.pg_class x WHERE x.oid = {o}",
        by_name: "SELECT FROM {s}.pg_class x WHERE x.oid = {s}.visible_class_named({o})",
    },
    Privilege {
        name: "has_any_column_privilege",
        has: "SELECT",
        by_oid: "SELECT FROM {s}.pg_class x WHERE x.oid = {o}",
        by_name: "SELECT FROM {s}.pg_class x WHERE x.oid = {s}.visible_class_named({o})",
    },
    Privilege {
        name: "has_schema_privilege",
        has: "USAGE",
        by_oid: "SELECT FROM {s}.pg_namespace x WHERE x.oid = {o}",
        by_name: "SELECT FROM {s}.pg_namespace x WHERE x.nspname = {o}",
    },
    Privilege {
        name: "has_database_privilege",
        has: "CONNECT",
        by_oid: "SELECT FROM {s}.pg_database x WHERE x.oid = {o}",
        by_name: "SELECT FROM {s}.pg_database x WHERE x.datname = {o}",
    },
    Privilege {
        name: "has_function_privilege",
        has: "EXECUTE",
        by_oid: "SELECT FROM {s}.pg_proc x WHERE x.oid = {o}",
        by_name: "SELECT FROM {s}.pg_proc x WHERE x.oid = {s}.visible_procedure({o})",
    },
    Privilege {
        name: "has_type_privilege",
        has: "USAGE",
        by_oid: "SELECT FROM {s}.pg_type x WHERE x.oid = {o}",
        by_name: "SELECT FROM {s}.pg_type x WHERE x.oid = {s}.visible_type({o})",
    },
    Privilege {
        name: "has_language_privilege",
        has: "USAGE",
        by_oid: "SELECT FROM {s}.pg_language x WHERE x.oid = {o}",
        by_name: "SELECT FROM {s}.pg_language x WHERE x.lanname = {o}",
    },
    Privilege {
        name: "has_sequence_privilege",
        has: "USAGE",
        by_oid: "SELECT FROM {s}.pg_sequence x WHERE x.seqrelid = {o}",
        by_name: "SELECT WHERE false AND {o} IS NULL",
    },
    Privilege {
        name: "has_tablespace_privilege",
        has: "none",
        by_oid: "SELECT FROM {s}.pg_tablespace x WHERE x.oid = {o}",
        by_name: "SELECT FROM {s}.pg_tablespace x WHERE x.spcname = {o}",
    },
    Privilege {
        name: "has_foreign_data_wrapper_privilege",
        has: "none",
        by_oid: "SELECT WHERE false AND {o} IS NULL",
        by_name: "SELECT WHERE false AND {o} IS NULL",
    },
    Privilege {
        name: "has_server_privilege",
        has: "none",
        by_oid: "SELECT WHERE false AND {o} IS NULL",
        by_name: "SELECT WHERE false AND {o} IS NULL",
    },
];

/// `has_column_privilege` and `pg_has_role`, which take more.
pub(super) const MORE_PRIVILEGES: &[Function] = &[
    f(
        "pg_has_role",
        "oid, text",
        "bool",
        "SELECT true FROM {s}.pg_roles r WHERE r.oid = $1",
    ),
    f(
        "pg_has_role",
        "name, text",
        "bool",
        "SELECT true FROM {s}.pg_roles r WHERE r.rolname = $1",
    ),
    f(
        "pg_has_role",
        "name, name, text",
        "bool",
        "SELECT {s}.pg_has_role($2, $3)",
    ),
    f(
        "pg_has_role",
        "name, oid, text",
        "bool",
        "SELECT {s}.pg_has_role($2, $3)",
    ),
    f(
        "pg_has_role",
        "oid, name, text",
        "bool",
        "SELECT {s}.pg_has_role($2, $3)",
    ),
    f(
        "pg_has_role",
        "oid, oid, text",
        "bool",
        "SELECT {s}.pg_has_role($2, $3)",
    ),
    f(
        "has_column_privilege",
        "oid, int2, text",
        "bool",
        "SELECT {s}.visible_privilege($3, 'SELECT') FROM {s}.pg_attribute a WHERE a.attrelid = $1 AND a.attnum = $2",
    ),
    f(
        "has_column_privilege",
        "oid, text, text",
        "bool",
        "SELECT {s}.visible_privilege($3, 'SELECT') FROM {s}.pg_attribute a WHERE a.attrelid = $1 AND a.attname = $2",
    ),
    f(
        "has_column_privilege",
        "text, int2, text",
        "bool",
        "SELECT {s}.has_column_privilege({s}.visible_class_named($1)::pg_catalog.oid, $2, $3)",
    ),
    f(
        "has_column_privilege",
        "text, text, text",
        "bool",
        "SELECT {s}.has_column_privilege({s}.visible_class_named($1)::pg_catalog.oid, $2, $3)",
    ),
    f(
        "has_column_privilege",
        "name, oid, int2, text",
        "bool",
        "SELECT {s}.has_column_privilege($2, $3, $4)",
    ),
    f(
        "has_column_privilege",
        "name, oid, text, text",
        "bool",
        "SELECT {s}.has_column_privilege($2, $3, $4)",
    ),
    f(
        "has_column_privilege",
        "name, text, text, text",
        "bool",
        "SELECT {s}.has_column_privilege($2, $3, $4)",
    ),
    f(
        "has_column_privilege",
        "name, text, int2, text",
        "bool",
        "SELECT {s}.has_column_privilege($2, $3, $4)",
    ),
];

/// Counters of activity, asked for by DBeaver and others beside an index or table: nothing is told.
const ACTIVITY_COUNTS: &[&str] = &[
    "pg_stat_get_numscans",
    "pg_stat_get_tuples_returned",
    "pg_stat_get_tuples_fetched",
    "pg_stat_get_tuples_inserted",
    "pg_stat_get_tuples_updated",
    "pg_stat_get_tuples_deleted",
    "pg_stat_get_tuples_hot_updated",
    "pg_stat_get_live_tuples",
    "pg_stat_get_dead_tuples",
    "pg_stat_get_mod_since_analyze",
    "pg_stat_get_blocks_fetched",
    "pg_stat_get_blocks_hit",
];
const ACTIVITY_TIMES: &[&str] = &[
    "pg_stat_get_last_vacuum_time",
    "pg_stat_get_last_autovacuum_time",
    "pg_stat_get_last_analyze_time",
    "pg_stat_get_last_autoanalyze_time",
];

/// All functions in the order in which they are made.
pub(super) fn all() -> Vec<(String, String, String, String)> {
    let own = |f: &Function| {
        (
            f.name.to_owned(),
            f.args.to_owned(),
            f.returns.to_owned(),
            f.body.to_owned(),
        )
    };
    let mut functions: Vec<_> = VISIBLE.iter().map(own).collect();
    for privilege in PRIVILEGES {
        for (args, object, wanted, look_up) in [
            ("oid, text", "$1", "$2", privilege.by_oid),
            ("text, text", "$1", "$2", privilege.by_name),
            ("name, oid, text", "$2", "$3", privilege.by_oid),
            ("oid, oid, text", "$2", "$3", privilege.by_oid),
            ("name, text, text", "$2", "$3", privilege.by_name),
            ("oid, text, text", "$2", "$3", privilege.by_name),
        ] {
            let shown = look_up.replace("{o}", object);
            let body = format!(
                "SELECT CASE WHEN EXISTS ({shown}) THEN {{s}}.visible_privilege({wanted}, '{}') END",
                privilege.has
            );
            functions.push((
                privilege.name.to_owned(),
                args.to_owned(),
                "bool".to_owned(),
                body,
            ));
        }
    }
    functions.extend(MORE_PRIVILEGES.iter().map(own));
    functions.extend(MEDIATED.iter().map(own));
    for (names, returns) in [(ACTIVITY_COUNTS, "int8"), (ACTIVITY_TIMES, "timestamptz")] {
        let untold = |name: &&str| {
            (
                (*name).to_owned(),
                "oid".to_owned(),
                returns.to_owned(),
                format!("SELECT NULL::pg_catalog.{returns}"),
            )
        };
        functions.extend(names.iter().map(untold));
    }
    functions
}
