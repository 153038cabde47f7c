//! Types that a statement may name.

/// Types of `pg_catalog` whose input, output and casts touch nothing but the value. Not `aclitem`: its input
/// looks roles up, and its error tells whether there is one of that name.
const PLAIN: &[&str] = &[
    "bool",
    "bytea",
    "char",
    "name",
    "int8",
    "int2",
    "int4",
    "text",
    "oid",
    "json",
    "jsonb",
    "jsonpath",
    "xml",
    "float4",
    "float8",
    "numeric",
    "money",
    "bpchar",
    "varchar",
    "date",
    "time",
    "timetz",
    "timestamp",
    "timestamptz",
    "interval",
    "bit",
    "varbit",
    "uuid",
    "inet",
    "cidr",
    "macaddr",
    "macaddr8",
    "point",
    "line",
    "lseg",
    "box",
    "path",
    "polygon",
    "circle",
    "tsvector",
    "tsquery",
    "pg_lsn",
    "xid",
    "xid8",
    "cid",
    "tid",
    "int2vector",
    "oidvector",
    "int4range",
    "int8range",
    "numrange",
    "daterange",
    "tsrange",
    "tstzrange",
    "int4multirange",
    "int8multirange",
    "nummultirange",
    "datemultirange",
    "tsmultirange",
    "tstzmultirange",
    "unknown",
];

/// Domains of `information_schema`.
const INFORMATION_SCHEMA: &[&str] = &[
    "cardinal_number",
    "character_data",
    "sql_identifier",
    "time_stamp",
    "yes_or_no",
];

/// Types that stand for objects of the catalog: reading a name looks the object up.
const REGISTERED: &[&str] = &[
    "regclass",
    "regtype",
    "regproc",
    "regprocedure",
    "regnamespace",
    "regrole",
    "regconfig",
    "regdictionary",
    "regoper",
    "regoperator",
    "regcollation",
];

/// Names of types that stand for objects.
pub(crate) fn registered() -> impl Iterator<Item = &'static str> {
    REGISTERED.iter().copied()
}

pub(crate) fn is_registered(name: &str) -> bool {
    REGISTERED.contains(&name)
}

/// Whether reading a text of the type looks something up.
pub(crate) fn is_looked_up(name: &str) -> bool {
    is_registered(name) || name == "aclitem"
}

/// Types that PostgreSQL cannot sort by.
const WITHOUT_ORDER: &[&str] = &[
    "json", "xml", "point", "line", "lseg", "box", "path", "polygon", "circle", "xid", "cid",
];

/// Whether values of a type, as `format_type` writes it, cannot be sorted.
pub(crate) fn has_no_order(name: &str) -> bool {
    let element = name.strip_suffix("[]").unwrap_or(name);
    WITHOUT_ORDER.contains(&element.strip_prefix("pg_catalog.").unwrap_or(element))
}

/// All listed names.
pub(crate) fn listed() -> impl Iterator<Item = &'static str> {
    PLAIN.iter().chain(REGISTERED).copied()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TypeClass {
    Plain,
    Registered,
    InformationSchema,
    Unlisted,
}

pub(crate) fn classify(schema: Option<&str>, name: &str) -> TypeClass {
    match schema {
        None | Some("pg_catalog") => {
            let element = name.strip_prefix('_').unwrap_or(name);
            if PLAIN.contains(&element) {
                TypeClass::Plain
            } else if REGISTERED.contains(&name) {
                TypeClass::Registered
            } else {
                TypeClass::Unlisted
            }
        }
        Some("information_schema") if INFORMATION_SCHEMA.contains(&name) => {
            TypeClass::InformationSchema
        }
        Some(_) => TypeClass::Unlisted,
    }
}
