//! What a grant's role gets from PUBLIC, past the contract. PostgreSQL has no right to refuse a single
//! role what everybody has, so the owner must take it from everybody.

use portcullis_contract::Contract;
use serde::{Deserialize, Serialize};
use tokio_postgres::Client;

use crate::catalog::LiveCatalog;
use crate::names::{ident, qualified};
use crate::{LockError, Steward};

/// More names than this are only counted.
const NAMES_MAX: usize = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Warns,
    /// Reaches rows out of scope: the contract may not come into force.
    Blocks,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicExposure {
    pub severity: Severity,
    pub what: String,
    pub consequence: String,
    /// SQL for the owner, or words.
    pub remedy: String,
}

/// The findings of [`crate::inspect`], alone.
pub async fn public_exposure(
    steward: &Steward,
    contract: &Contract,
) -> Result<Vec<PublicExposure>, LockError> {
    Ok(crate::inspect(steward, contract).await?.exposure)
}

/// Everything found, what blocks first.
pub(crate) async fn read(
    client: &Client,
    contract: &Contract,
    live: &LiveCatalog,
) -> Result<Vec<PublicExposure>, LockError> {
    let mut found = Vec::new();
    tables(client, contract, live, &mut found).await?;
    functions(client, &mut found).await?;
    server_functions(client, &mut found).await?;
    large_objects(client, &mut found).await?;
    foreign_servers(client, &mut found).await?;
    database(client, live, &mut found).await?;
    other_databases(client, &mut found).await?;
    default_privileges(client, &mut found).await?;
    found.sort_by_key(|f| std::cmp::Reverse(f.severity));
    Ok(found)
}

fn finding(severity: Severity, what: String, consequence: &str, remedy: String) -> PublicExposure {
    PublicExposure {
        severity,
        what,
        consequence: consequence.to_owned(),
        remedy,
    }
}

/// INVARIANT: what blocks is judged by what PUBLIC can do, not by how it came to be able to.
async fn tables(
    client: &Client,
    contract: &Contract,
    live: &LiveCatalog,
    found: &mut Vec<PublicExposure>,
) -> Result<(), LockError> {
    let sql = "SELECT n.nspname::text, c.relname::text, \
         EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'), \
         has_any_column_privilege('public', c.oid, 'SELECT') \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't' AND n.nspname !~ '^(pg_toast|pg_temp|portcullis_)' \
         AND (n.nspname NOT IN ('pg_catalog', 'information_schema') OR c.relname IN ('pg_authid', 'pg_shadow', 'pg_statistic', 'pg_statistic_ext_data', 'pg_largeobject', 'pg_user_mapping', 'pg_hba_file_rules', 'pg_file_settings')) \
         AND has_schema_privilege('public', n.oid, 'USAGE') \
         AND (has_any_column_privilege('public', c.oid, 'SELECT, INSERT, UPDATE') OR has_table_privilege('public', c.oid, 'DELETE, TRUNCATE')) ORDER BY 1, 2";
    for row in client.query(sql, &[]).await? {
        let (schema, name): (String, String) = (row.get(0), row.get(1));
        let in_scope = contract
            .scope
            .iter()
            .any(|s| s.resource == live.resource && s.schema == schema && s.table == name);
        let by_extension: bool = row.get(2);
        let verb = if row.get(3) { "read" } else { "change" };
        let consequence = match (by_extension, in_scope) {
            (true, _) => {
                "the grant's role reads it too; it belongs to an extension and should hold nothing of yours"
            }
            (_, true) => {
                "the grant's role reaches the table itself, past the contract's columns, masks and rows"
            }
            (_, false) => "the grant's role reaches rows that are out of scope",
        };
        let severity = if by_extension {
            Severity::Warns
        } else {
            Severity::Blocks
        };
        let remedy = format!("REVOKE ALL ON {} FROM PUBLIC", qualified(&schema, &name));
        found.push(finding(
            severity,
            format!("PUBLIC may {verb} `{schema}.{name}`"),
            consequence,
            remedy,
        ));
    }
    Ok(())
}

async fn functions(client: &Client, found: &mut Vec<PublicExposure>) -> Result<(), LockError> {
    let sql = "SELECT n.nspname::text, p.oid::regprocedure::text, p.prosecdef, NOT l.lanpltrusted AND l.lanname NOT IN ('c', 'internal', 'sql'), \
         EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e') \
         FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang \
         WHERE p.oid >= 16384 AND n.nspname !~ '^(pg_|portcullis_)' AND (p.prosecdef OR (NOT l.lanpltrusted AND l.lanname NOT IN ('c', 'internal', 'sql'))) \
         AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype) \
         AND has_schema_privilege('public', n.oid, 'USAGE') AND has_function_privilege('public', p.oid, 'EXECUTE') ORDER BY 1, 2";
    for row in client.query(sql, &[]).await? {
        let signature: String = row.get(1);
        let (definer, by_extension): (bool, bool) = (row.get(2), row.get(4));
        let (what, consequence) = if definer {
            (
                format!("PUBLIC may call `{signature}`, which runs with its owner's rights"),
                "through it the grant's role reaches whatever its owner reaches",
            )
        } else {
            (
                format!("PUBLIC may call `{signature}`, written in a language without a fence"),
                "through it the grant's role may reach files and programs of the server",
            )
        };
        let severity = if by_extension {
            Severity::Warns
        } else {
            Severity::Blocks
        };
        found.push(finding(
            severity,
            what,
            consequence,
            format!("REVOKE EXECUTE ON FUNCTION {signature} FROM PUBLIC"),
        ));
    }
    Ok(())
}

async fn server_functions(
    client: &Client,
    found: &mut Vec<PublicExposure>,
) -> Result<(), LockError> {
    let sql = "SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace \
         AND p.proname IN ('pg_read_file', 'pg_read_binary_file', 'pg_ls_dir', 'pg_stat_file', 'pg_file_write', 'lo_import', 'lo_export', 'pg_hba_file_rules') \
         AND has_function_privilege('public', p.oid, 'EXECUTE') ORDER BY 1";
    for row in client.query(sql, &[]).await? {
        let signature: String = row.get(0);
        let what = format!("PUBLIC may call `{signature}`");
        found.push(finding(
            Severity::Blocks,
            what,
            "the grant's role reaches files of the server, the tables' own among them",
            format!("REVOKE EXECUTE ON FUNCTION {signature} FROM PUBLIC"),
        ));
    }
    Ok(())
}

async fn large_objects(client: &Client, found: &mut Vec<PublicExposure>) -> Result<(), LockError> {
    let sql = "SELECT (SELECT count(*) FROM pg_largeobject_metadata m WHERE EXISTS (SELECT FROM aclexplode(m.lomacl) a WHERE a.grantee = 0)), \
         current_setting('lo_compat_privileges') = 'on' AND EXISTS (SELECT FROM pg_largeobject_metadata)";
    let row = client.query_one(sql, &[]).await?;
    let granted: i64 = row.get(0);
    if granted > 0 {
        let what = format!("PUBLIC may reach {granted} large objects");
        found.push(finding(
            Severity::Blocks,
            what,
            "the grant's role reads them",
            "REVOKE ALL ON LARGE OBJECT … FROM PUBLIC".into(),
        ));
    }
    if row.get(1) {
        let what = "`lo_compat_privileges` is on and there are large objects".to_owned();
        found.push(finding(
            Severity::Blocks,
            what,
            "rights on large objects are not checked: the grant's role reads them all",
            "set lo_compat_privileges = off".into(),
        ));
    }
    Ok(())
}

async fn foreign_servers(
    client: &Client,
    found: &mut Vec<PublicExposure>,
) -> Result<(), LockError> {
    let sql = "SELECT srvname::text FROM pg_foreign_server WHERE has_server_privilege('public', oid, 'USAGE') ORDER BY 1";
    let names = names(client, sql).await?;
    if !names.is_empty() {
        let remedy = "REVOKE USAGE ON FOREIGN SERVER … FROM PUBLIC".to_owned();
        found.push(finding(
            Severity::Warns,
            format!("PUBLIC may use the foreign servers {names}"),
            "with a schema to create in, the grant's role could read through them",
            remedy,
        ));
    }
    let sql = "SELECT extname::text FROM pg_extension WHERE extname IN ('dblink', 'file_fdw', 'adminpack', 'plpython3u', 'plperlu', 'pltclu', 'pg_execute') ORDER BY 1";
    let names = self::names(client, sql).await?;
    if !names.is_empty() {
        let consequence = "its functions reach beyond this database for whoever may call them";
        found.push(finding(
            Severity::Warns,
            format!("installed here: {names}"),
            consequence,
            "REVOKE EXECUTE on their functions FROM PUBLIC, or DROP EXTENSION".into(),
        ));
    }
    Ok(())
}

async fn database(
    client: &Client,
    live: &LiveCatalog,
    found: &mut Vec<PublicExposure>,
) -> Result<(), LockError> {
    let name = ident(&live.database);
    let temporary: bool = client
        .query_one(
            "SELECT has_database_privilege('public', current_database(), 'TEMPORARY')",
            &[],
        )
        .await?
        .get(0);
    if temporary {
        let consequence = "logged in directly, the grant's role could make temporary tables and functions of its own; they reach no row that it does not reach anyway";
        found.push(finding(
            Severity::Warns,
            format!("PUBLIC may make temporary objects in `{}`", live.database),
            consequence,
            format!("REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC"),
        ));
    }
    let create: bool = client
        .query_one(
            "SELECT has_database_privilege('public', current_database(), 'CREATE')",
            &[],
        )
        .await?
        .get(0);
    if create {
        let consequence =
            "the grant's role could make schemas and put objects there for others to trip over";
        found.push(finding(
            Severity::Warns,
            format!("PUBLIC may create schemas in `{}`", live.database),
            consequence,
            format!("REVOKE CREATE ON DATABASE {name} FROM PUBLIC"),
        ));
    }
    let sql = "SELECT nspname::text FROM pg_namespace WHERE nspname !~ '^pg_' AND has_schema_privilege('public', oid, 'CREATE') ORDER BY 1";
    for row in client.query(sql, &[]).await? {
        let schema: String = row.get(0);
        let consequence = "logged in directly, the grant's role could put functions there that others call by mistake, with their rights";
        found.push(finding(
            Severity::Warns,
            format!("PUBLIC may create objects in schema `{schema}`"),
            consequence,
            format!("REVOKE CREATE ON SCHEMA {} FROM PUBLIC", ident(&schema)),
        ));
    }
    Ok(())
}

async fn other_databases(
    client: &Client,
    found: &mut Vec<PublicExposure>,
) -> Result<(), LockError> {
    let sql = "SELECT datname::text FROM pg_database WHERE datallowconn AND NOT datistemplate AND datname <> current_database() \
         AND has_database_privilege('public', oid, 'CONNECT') ORDER BY 1";
    let names = names(client, sql).await?;
    if !names.is_empty() {
        let consequence = "with the role's secret, which the gate alone holds, one could log in there and reach what PUBLIC reaches";
        found.push(finding(
            Severity::Warns,
            format!("PUBLIC may connect to {names}"),
            consequence,
            "REVOKE CONNECT ON DATABASE … FROM PUBLIC, and grant it to whom it belongs".into(),
        ));
    }
    Ok(())
}

async fn default_privileges(
    client: &Client,
    found: &mut Vec<PublicExposure>,
) -> Result<(), LockError> {
    let sql = "SELECT pg_get_userbyid(d.defaclrole)::text || coalesce(' in ' || n.nspname, '') FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace \
         WHERE d.defaclobjtype IN ('r', 'n') AND EXISTS (SELECT FROM aclexplode(d.defaclacl) a WHERE a.grantee = 0) ORDER BY 1";
    let names = names(client, sql).await?;
    if !names.is_empty() {
        let what = format!("new tables are opened to PUBLIC by default privileges of {names}");
        found.push(finding(
            Severity::Warns,
            what,
            "a table made tomorrow would be out of scope and readable",
            "ALTER DEFAULT PRIVILEGES … REVOKE ALL ON TABLES FROM PUBLIC".into(),
        ));
    }
    Ok(())
}

async fn names(client: &Client, sql: &str) -> Result<String, LockError> {
    let names: Vec<String> = client
        .query(sql, &[])
        .await?
        .iter()
        .map(|row| format!("`{}`", row.get::<_, String>(0)))
        .collect();
    let more = names.len().saturating_sub(NAMES_MAX);
    let listed = names
        .into_iter()
        .take(NAMES_MAX)
        .collect::<Vec<_>>()
        .join(", ");
    Ok(if more > 0 {
        format!("{listed} and {more} more")
    } else {
        listed
    })
}
