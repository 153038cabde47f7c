//! The SQL that makes a contract's second lock, before it runs: the same for the same contract,
//! revision and catalog.

use std::collections::BTreeMap;

use portcullis_contract::Contract;
use portcullis_sql::Surface;
use portcullis_sql::surface::Table;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::catalog::LiveCatalog;
use crate::exposure::PublicExposure;
use crate::lookalike;
use crate::names::{self, KEY_SCHEMA, MARKER, hex_of, ident, literal};
use crate::{LockError, check_scope, views};

/// What [`crate::install`] will run in one transaction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub contract: String,
    pub resource: String,
    pub revision: u64,
    pub database: String,
    pub schema: String,
    /// Holds the contract's rights; the grants' roles are its members.
    pub group_role: String,
    pub statements: Vec<String>,
    pub findings: Vec<PublicExposure>,
    /// Of the statements; what is installed with the same one is left alone.
    pub fingerprint: String,
    pub(crate) server_version_num: u32,
    pub(crate) tables: Vec<Table>,
    pub(crate) catalog_relations: BTreeMap<String, String>,
    pub(crate) catalog_columns: BTreeMap<String, Vec<String>>,
    pub(crate) catalog_functions: BTreeMap<String, String>,
    pub(crate) reg_filters: BTreeMap<String, String>,
}

impl Plan {
    /// Whether PUBLIC reaches rows that are out of scope, so that the contract may not come into force.
    pub fn blocked(&self) -> bool {
        self.findings
            .iter()
            .any(|f| f.severity == crate::Severity::Blocks)
    }

    /// What sessions would see once it is installed; until then the views have no numbers.
    pub fn surface(&self) -> Surface {
        self.surface_of(self.tables.clone())
    }

    pub(crate) fn surface_of(&self, tables: Vec<Table>) -> Surface {
        let mut schemas: Vec<String> = tables.iter().map(|t| t.schema.clone()).collect();
        schemas.sort();
        schemas.dedup();
        Surface {
            contract: self.contract.clone(),
            resource: self.resource.clone(),
            database: self.database.clone(),
            server_version_num: self.server_version_num,
            view_schema: self.schema.clone(),
            tables,
            catalog_relations: self.catalog_relations.clone(),
            catalog_columns: self.catalog_columns.clone(),
            catalog_functions: self.catalog_functions.clone(),
            reg_filters: self.reg_filters.clone(),
            schemas,
        }
    }
}

/// Makes the plan, or names the first problem of the scope (all: [`check_scope`]).
pub fn plan(contract: &Contract, revision: u64, live: &LiveCatalog) -> Result<Plan, LockError> {
    let refuse = |what: String| LockError::Contract {
        contract: contract.id.clone(),
        what,
    };
    if let Some(problem) = check_scope(contract, live).into_iter().next() {
        return Err(refuse(format!(
            "{}: {} ({})",
            problem.path, problem.message, problem.help
        )));
    }
    let schema = names::view_schema(&contract.id);
    let group = names::group_role(&contract.id, &live.resource, &live.database);
    let views = views::plan_views(contract, live, &schema)?;
    if views.is_empty() {
        return Err(refuse(format!(
            "no table of resource `{}` is in scope",
            live.resource
        )));
    }
    let look = lookalike::plan(&schema, live, contract, &views);
    let mut statements = preamble(contract, live, &schema, &group);
    statements.extend(views.iter().map(|v| v.sql.clone()));
    statements.extend(look.statements);
    statements.extend(grants(&schema, &group, &views, &look.readable));
    let fingerprint = fingerprint(&statements);
    statements.push(format!(
        "COMMENT ON SCHEMA {} IS {}",
        ident(&schema),
        literal(&marker(
            &contract.id,
            &live.resource,
            &live.database,
            revision,
            &fingerprint
        ))
    ));
    Ok(Plan {
        contract: contract.id.clone(),
        resource: live.resource.clone(),
        revision,
        database: live.database.clone(),
        schema,
        group_role: group,
        statements,
        findings: live.exposure.clone(),
        fingerprint,
        server_version_num: live.server_version_num,
        tables: views.into_iter().map(|v| v.table).collect(),
        catalog_relations: look.relations,
        catalog_columns: look.columns,
        catalog_functions: look.functions,
        reg_filters: look.reg_filters,
    })
}

/// What a marker comment says of a schema or role of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Marker {
    pub contract: String,
    pub resource: String,
    pub database: String,
    pub revision: u64,
    pub fingerprint: String,
}

pub(crate) fn marker(
    contract: &str,
    resource: &str,
    database: &str,
    revision: u64,
    fingerprint: &str,
) -> String {
    let marker = Marker {
        contract: contract.to_owned(),
        resource: resource.to_owned(),
        database: database.to_owned(),
        revision,
        fingerprint: fingerprint.to_owned(),
    };
    format!(
        "{MARKER}{}",
        serde_json::to_string(&marker).unwrap_or_default()
    )
}

impl Marker {
    pub(crate) fn read(comment: Option<&str>) -> Option<Self> {
        serde_json::from_str(comment?.strip_prefix(MARKER)?).ok()
    }
}

fn fingerprint(statements: &[String]) -> String {
    let mut hash = Sha256::new();
    for statement in statements {
        hash.update((statement.len() as u64).to_be_bytes());
        hash.update(statement.as_bytes());
    }
    hex_of(&hash.finalize())
}

fn preamble(contract: &Contract, live: &LiveCatalog, schema: &str, group: &str) -> Vec<String> {
    let (quoted, keys, role) = (ident(schema), ident(KEY_SCHEMA), ident(group));
    let block = "sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')) || sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8'))";
    let (id, resource) = (literal(&contract.id), literal(&live.resource));
    let mut statements = vec![
        format!("CREATE SCHEMA IF NOT EXISTS {keys}"),
        format!(
            "COMMENT ON SCHEMA {keys} IS {}",
            literal(&format!(
                "{MARKER}keys of masks, names of grants; for the steward alone"
            ))
        ),
        format!("REVOKE ALL ON SCHEMA {keys} FROM PUBLIC"),
        format!(
            "CREATE TABLE IF NOT EXISTS {keys}.mask_key (contract text, resource text, inner_pad bytea NOT NULL, outer_pad bytea NOT NULL, PRIMARY KEY (contract, resource))"
        ),
        format!("REVOKE ALL ON {keys}.mask_key FROM PUBLIC"),
        format!(
            "CREATE TABLE IF NOT EXISTS {keys}.grant_role (role text PRIMARY KEY, shown_user text NOT NULL)"
        ),
        format!("REVOKE ALL ON {keys}.grant_role FROM PUBLIC"),
        format!(
            "INSERT INTO {keys}.mask_key VALUES ({id}, {resource}, {block}, {block}) ON CONFLICT DO NOTHING"
        ),
        format!("DROP SCHEMA IF EXISTS {quoted} CASCADE"),
        format!("CREATE SCHEMA {quoted}"),
        format!("REVOKE ALL ON SCHEMA {quoted} FROM PUBLIC"),
        format!(
            "DO $portcullis$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {}) THEN CREATE ROLE {role} NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS; END IF; END $portcullis$",
            literal(group)
        ),
        format!(
            "COMMENT ON ROLE {role} IS {}",
            literal(&marker(&contract.id, &live.resource, &live.database, 0, ""))
        ),
    ];
    if !live.public_connects {
        statements.push(format!(
            "GRANT CONNECT ON DATABASE {} TO {role}",
            ident(&live.database)
        ));
    }
    statements
}

/// Explicit in both directions: the owner may have default privileges that open what is new.
fn grants(
    schema: &str,
    group: &str,
    views: &[views::PlannedView],
    readable: &[String],
) -> Vec<String> {
    let (quoted, role) = (ident(schema), ident(group));
    let mut statements = vec![
        format!("REVOKE ALL ON ALL TABLES IN SCHEMA {quoted} FROM PUBLIC"),
        format!("REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {quoted} FROM PUBLIC"),
        format!("GRANT USAGE ON SCHEMA {quoted} TO {role}"),
    ];
    let names = views
        .iter()
        .map(|v| v.table.view.as_str())
        .chain(readable.iter().map(String::as_str));
    let list: Vec<String> = names.map(|n| names::qualified(schema, n)).collect();
    statements.push(format!("GRANT SELECT ON {} TO {role}", list.join(", ")));
    statements.push(format!(
        "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {quoted} TO {role}"
    ));
    statements
}
