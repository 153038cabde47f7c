//! Look-alikes of the server's catalog, in the contract's schema: relations with the server's own
//! columns and types (read from the live server, so that each version is right), and functions with
//! its own signatures, that know only of what the contract shows.
//!
//! A look-alike has the name of what it stands for; those of `information_schema` are prefixed with it.
//! Where the server's own relation is a view, its definition is taken over and resolved over the
//! look-alikes, by a search path that puts the contract's schema first; a definition that reads
//! anything without a look-alike is not taken over.

mod functions;
mod relations;
mod support;

use std::collections::{BTreeMap, BTreeSet};

use portcullis_contract::Contract;
use tokio_postgres::Client;

use self::relations::{
    FIRST_NORMAL_OID, INFORMATION_SCHEMA, NOT_FOR_CLIENTS, OWNER_OID, PG_CATALOG, Rows, SETTINGS,
};
use crate::LockError;
use crate::catalog::LiveCatalog;
use crate::names::{ident, literal, qualified};
use crate::views::PlannedView;

/// A relation of the server's own catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SystemRelation {
    pub schema: String,
    pub name: String,
    /// Name and type.
    pub columns: Vec<(String, String)>,
    /// Of a view, with names of `pg_catalog` unqualified.
    pub definition: Option<String>,
}

#[derive(Default)]
pub(crate) struct LookAlikes {
    pub statements: Vec<String>,
    /// Relations of our schema that the contract's role may read.
    pub readable: Vec<String>,
    pub relations: BTreeMap<String, String>,
    /// Columns of each, in order: this server's.
    pub columns: BTreeMap<String, Vec<String>>,
    pub functions: BTreeMap<String, String>,
    pub reg_filters: BTreeMap<String, String>,
}

const RELATIONS: &str = "SELECT n.nspname::text, c.relname::text, \
     array_agg(a.attname::text ORDER BY a.attnum), array_agg(format_type(a.atttypid, a.atttypmod) ORDER BY a.attnum), \
     CASE WHEN c.relkind = 'v' THEN pg_get_viewdef(c.oid) END \
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid \
     WHERE n.nspname IN ('pg_catalog', 'information_schema') AND c.relkind IN ('r', 'v') AND c.oid < 16384 AND a.attnum > 0 AND NOT a.attisdropped \
     GROUP BY n.nspname, c.relname, c.oid, c.relkind ORDER BY 1, 2";

pub(crate) async fn read_relations(client: &Client) -> Result<Vec<SystemRelation>, LockError> {
    let rows = client.query(RELATIONS, &[]).await?;
    let read = |row: &tokio_postgres::Row| {
        let (names, types): (Vec<String>, Vec<String>) = (row.get(2), row.get(3));
        SystemRelation {
            schema: row.get(0),
            name: row.get(1),
            columns: names.into_iter().zip(types).collect(),
            definition: row.get(4),
        }
    };
    Ok(rows.iter().map(read).collect())
}

pub(crate) async fn read_functions(client: &Client) -> Result<BTreeSet<String>, LockError> {
    let rows = client.query("SELECT DISTINCT proname::text FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND oid < 16384", &[]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

pub(crate) fn plan(
    schema: &str,
    live: &LiveCatalog,
    contract: &Contract,
    views: &[PlannedView],
) -> LookAlikes {
    let mut look = LookAlikes {
        statements: support::statements(schema, live, contract, views),
        ..LookAlikes::default()
    };
    let filled = Filler::new(schema, &live.resource);
    let mut made = BTreeSet::new();
    for spec in PG_CATALOG.iter().filter(|s| s.rows != Rows::Derived) {
        let Some(relation) = live
            .system_relations
            .iter()
            .find(|r| r.schema == "pg_catalog" && r.name == spec.name)
        else {
            continue;
        };
        look.statements
            .push(filled.fill(&relation_view(schema, relation, spec)));
        made.insert(spec.name.to_owned());
        if !NOT_FOR_CLIENTS.contains(&spec.name) {
            look.show(relation, spec.name);
        }
    }
    for (name, args, returns, body) in functions::all() {
        let internal = name.starts_with("visible_") || name.starts_with("_pg_");
        let exists = internal || live.system_functions.contains(&name);
        if !exists {
            continue;
        }
        let sql = format!(
            "CREATE FUNCTION {}({args}) RETURNS {returns} LANGUAGE sql STABLE PARALLEL SAFE AS {}",
            qualified(schema, &name),
            literal(&body)
        );
        look.statements.push(filled.fill_in_literal(&sql));
        if !internal {
            look.functions.insert(name.clone(), name);
        }
    }
    derived(schema, live, &mut made, &mut look);
    look.reg_filters = functions::REG_FILTERS
        .iter()
        .map(|(reg, f)| ((*reg).to_owned(), (*f).to_owned()))
        .collect();
    look
}

impl LookAlikes {
    fn show(&mut self, relation: &SystemRelation, view: &str) {
        self.relations.insert(
            format!("{}.{}", relation.schema, relation.name),
            view.to_owned(),
        );
        self.columns.insert(
            format!("{}.{}", relation.schema, relation.name),
            relation
                .columns
                .iter()
                .map(|(name, _)| name.clone())
                .collect(),
        );
        self.readable.push(view.to_owned());
    }
}

/// Puts the contract's names in place of the specs' placeholders.
struct Filler {
    schema: String,
    resource: String,
    settings: String,
}

impl Filler {
    fn new(schema: &str, resource: &str) -> Self {
        let settings = SETTINGS
            .iter()
            .map(|s| literal(s))
            .collect::<Vec<_>>()
            .join(", ");
        Self {
            schema: ident(schema),
            resource: literal(resource),
            settings,
        }
    }

    fn fill(&self, sql: &str) -> String {
        sql.replace("{s}", &self.schema)
            .replace("{resource}", &self.resource)
            .replace("{settings_lower}", &self.settings.to_lowercase())
            .replace("{settings}", &self.settings)
    }

    /// Inside a function body, which is a literal itself.
    fn fill_in_literal(&self, sql: &str) -> String {
        let quoted = |text: &str| text.replace('\'', "''");
        sql.replace("{s}", &quoted(&self.schema))
            .replace("{resource}", &quoted(&self.resource))
            .replace("{settings_lower}", &quoted(&self.settings.to_lowercase()))
    }
}

fn relation_view(schema: &str, relation: &SystemRelation, spec: &relations::Spec) -> String {
    let columns: Vec<String> = relation
        .columns
        .iter()
        .map(|(name, ty)| column(spec, name, ty))
        .collect();
    let rows = match spec.rows {
        Rows::System => format!(
            "FROM pg_catalog.{} x WHERE x.oid < {FIRST_NORMAL_OID}",
            ident(&relation.name)
        ),
        Rows::Where(condition) => format!(
            "FROM pg_catalog.{} x WHERE {condition}",
            ident(&relation.name)
        ),
        Rows::From(from) => format!("FROM {from}"),
        Rows::Empty | Rows::Derived => "WHERE false".to_owned(),
    };
    format!(
        "CREATE VIEW {} AS SELECT {} {rows}",
        qualified(schema, &relation.name),
        columns.join(", ")
    )
}

/// The type of a look-alike's column. `anyarray` exists in the server's own catalog alone. A type that
/// stands for objects would give its type to what a client puts beside the column, whose names are then looked up
/// and told: so functions are numbers here (the gate shows their names), and lists of rights are text.
fn shown_type(ty: &str) -> &str {
    match ty {
        "anyarray" | "aclitem[]" => "text[]",
        "aclitem" => "text",
        registered if registered.starts_with("reg") => match registered.ends_with("[]") {
            true => "oid[]",
            false => "oid",
        },
        plain => plain,
    }
}

/// One column, with the server's own type but for [`shown_type`].
fn column(spec: &relations::Spec, name: &str, ty: &str) -> String {
    let is_rights = matches!(ty, "aclitem" | "aclitem[]");
    let shown = shown_type(ty);
    let is_changed = shown != ty;
    let ty = shown;
    let given = spec
        .columns
        .iter()
        .find(|(column, _)| *column == name)
        .map(|(_, value)| *value);
    let own = matches!(spec.rows, Rows::System | Rows::Where(_));
    let value = match given {
        Some(value) => format!("CAST({value} AS {ty})"),
        None if !own => format!("CAST(NULL AS {ty})"),
        // Who owns what and who may do what is nobody's business here.
        None if ty == "oid" && name.ends_with("owner") || name == "datdba" => {
            format!("CAST({OWNER_OID} AS oid)")
        }
        None if is_rights => format!("CAST(NULL AS {ty})"),
        None if is_changed => format!("CAST(x.{} AS {ty})", ident(name)),
        None => format!("x.{}", ident(name)),
    };
    format!("{value} AS {}", ident(name))
}

/// Views of the server's own, over the look-alikes.
fn derived(schema: &str, live: &LiveCatalog, made: &mut BTreeSet<String>, look: &mut LookAlikes) {
    let catalog: BTreeSet<&str> = live
        .system_relations
        .iter()
        .filter(|r| r.schema == "pg_catalog")
        .map(|r| r.name.as_str())
        .collect();
    let information: BTreeSet<&str> = live
        .system_relations
        .iter()
        .filter(|r| r.schema == "information_schema")
        .map(|r| r.name.as_str())
        .collect();
    look.statements.push(format!(
        "SET LOCAL search_path = {}, pg_catalog, pg_temp",
        ident(schema)
    ));
    for relation in &live.system_relations {
        let name = if relation.schema == "pg_catalog" {
            relation.name.clone()
        } else {
            format!("information_schema.{}", relation.name)
        };
        let wanted = if relation.schema == "pg_catalog" {
            PG_CATALOG
                .iter()
                .any(|s| s.name == relation.name && s.rows == Rows::Derived)
        } else {
            INFORMATION_SCHEMA.contains(&relation.name.as_str())
        };
        if relation.schema == "pg_catalog" && !wanted {
            continue;
        }
        let body = match &relation.definition {
            Some(definition)
                if wanted && reads_look_alikes_only(definition, &catalog, &information, made) =>
            {
                own_row_types(definition)
            }
            // Tables of `information_schema` hold the standard's own lists.
            None if wanted => format!(
                "SELECT * FROM {}",
                qualified(&relation.schema, &relation.name)
            ),
            _ => nothing(relation),
        };
        look.statements.push(format!(
            "CREATE VIEW {} AS {body}",
            qualified(schema, &name)
        ));
        look.show(relation, &name);
    }
    look.statements
        .push("SET LOCAL search_path = pg_catalog, pg_temp".to_owned());
}

fn nothing(relation: &SystemRelation) -> String {
    let column = |(name, ty): &(String, String)| {
        format!("CAST(NULL AS {}) AS {}", shown_type(ty), ident(name))
    };
    format!(
        "SELECT {} WHERE false",
        relation
            .columns
            .iter()
            .map(column)
            .collect::<Vec<_>>()
            .join(", ")
    )
}

/// Two helpers of `information_schema` take rows of the server's own types; ours take the look-alikes'.
fn own_row_types(definition: &str) -> String {
    definition
        .trim_end_matches(';')
        .replace("information_schema._pg_truetyp", "_pg_truetyp")
        // A literal's class is the server's own, as in the rows of `pg_depend`.
        .replace("('pg_", "('pg_catalog.pg_")
        .replace("'::regclass", "'::pg_catalog.regclass")
}

/// INVARIANT: a word of the definition that is a catalog relation's name has a look-alike, and none is
/// qualified. Too strict is fine: the view is then empty.
fn reads_look_alikes_only(
    definition: &str,
    catalog: &BTreeSet<&str>,
    information: &BTreeSet<&str>,
    made: &BTreeSet<String>,
) -> bool {
    let words = definition.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    let all_made = words
        .filter(|w| catalog.contains(w))
        .all(|w| made.contains(w));
    let qualified_catalog = definition.contains("pg_catalog.");
    let other_information = definition.split("information_schema.").skip(1).any(|rest| {
        let name = rest
            .split(|c: char| !(c.is_alphanumeric() || c == '_'))
            .next()
            .unwrap_or_default();
        information.contains(name)
    });
    all_made && !qualified_catalog && !other_information
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_that_read_more_are_not_taken_over() {
        let catalog = BTreeSet::from(["pg_class", "pg_statistic"]);
        let information = BTreeSet::from(["tables"]);
        let made = BTreeSet::from(["pg_class".to_owned()]);
        let reads = |d: &str| reads_look_alikes_only(d, &catalog, &information, &made);
        assert!(reads(
            "SELECT c.relname::information_schema.sql_identifier FROM pg_class c"
        ));
        assert!(!reads("SELECT 1 FROM pg_class c, pg_statistic s"));
        assert!(!reads("SELECT 1 FROM pg_catalog.pg_class"));
        assert!(!reads("SELECT 1 FROM information_schema.tables"));
    }

    #[test]
    fn specs_are_listed_once() {
        let names: BTreeSet<&str> = PG_CATALOG.iter().map(|s| s.name).collect();
        assert_eq!(names.len(), PG_CATALOG.len());
        for refused in [
            "pg_statistic",
            "pg_stats",
            "pg_shadow",
            "pg_locks",
            "pg_largeobject",
            "pg_statistic_ext_data",
        ] {
            assert!(!names.contains(refused), "{refused}");
        }
    }
}
