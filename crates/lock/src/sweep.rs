//! Removes what is ours: at a contract's end, and after a crash whatever is not live any more.

use serde::{Deserialize, Serialize};
use tokio_postgres::Client;

use crate::install::schema_marker;
use crate::names::{KEY_SCHEMA, MARKER, group_role, ident, view_schema};
use crate::plan::Marker;
use crate::roles::drop_role;
use crate::{LockError, Steward};

/// A contract that is in force on this resource, with the roles of its live grants.
#[derive(Clone, Debug, Default)]
pub struct LiveContract {
    pub contract: String,
    pub roles: Vec<String>,
}

/// What was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swept {
    pub schemas: Vec<String>,
    pub roles: Vec<String>,
}

/// Removes every schema and role with this resource's marker that is not among `live`. What cannot be
/// removed is an error only after everything else has been.
pub async fn sweep(steward: &Steward, live: &[LiveContract]) -> Result<Swept, LockError> {
    let client = steward.session().await?;
    let (resource, database) = (&steward.resource().id, &steward.target().database);
    let kept_roles: Vec<String> = live
        .iter()
        .flat_map(|l| {
            l.roles
                .iter()
                .cloned()
                .chain([group_role(&l.contract, resource, database)])
        })
        .collect();
    let kept_schemas: Vec<String> = live.iter().map(|l| view_schema(&l.contract)).collect();
    remove(
        &client,
        resource,
        |name| !kept_roles.contains(name),
        |name| !kept_schemas.contains(name),
    )
    .await
}

/// Removes a contract's schema and roles. `forget_keys` also destroys its mask keys: hashes that were
/// disclosed can then never be matched again, and a new lock of the same contract gives other ones.
pub async fn remove_contract(
    steward: &Steward,
    contract: &str,
    forget_keys: bool,
) -> Result<Swept, LockError> {
    let client = steward.session().await?;
    let resource = steward.resource().id.clone();
    let schema = view_schema(contract);
    if schema_marker(&client, &schema)
        .await?
        .is_some_and(|m| m.resource != resource)
    {
        return Err(LockError::NotOurs {
            name: schema,
            what: "it belongs to another resource".to_owned(),
        });
    }
    let roles = roles_of(&client, &resource, Some(contract)).await?;
    let swept = remove(
        &client,
        &resource,
        |name| roles.contains(name),
        |name| *name == schema,
    )
    .await?;
    if forget_keys {
        let exists = client
            .query_opt(
                "SELECT 1 FROM pg_namespace WHERE nspname = $1",
                &[&KEY_SCHEMA],
            )
            .await?
            .is_some();
        if exists {
            let sql = format!(
                "DELETE FROM {}.mask_key WHERE contract = $1 AND resource = $2",
                ident(KEY_SCHEMA)
            );
            client.execute(&sql, &[&contract, &resource]).await?;
        }
    }
    Ok(swept)
}

async fn remove(
    client: &Client,
    resource: &str,
    role_goes: impl Fn(&String) -> bool,
    schema_goes: impl Fn(&String) -> bool,
) -> Result<Swept, LockError> {
    let mut swept = Swept::default();
    let mut failed = Vec::new();
    let roles = roles_of(client, resource, None).await?;
    let (groups, logins): (Vec<_>, Vec<_>) = roles
        .into_iter()
        .filter(|r| role_goes(r))
        .partition(|r| r.starts_with("portcullis_c_"));
    for role in logins {
        match drop_role(client, &role).await {
            Ok(()) => swept.roles.push(role),
            Err(error) => failed.push(format!("role `{role}`: {error}")),
        }
    }
    for schema in schemas_of(client, resource)
        .await?
        .into_iter()
        .filter(|s| schema_goes(s))
    {
        match client
            .batch_execute(&format!("DROP SCHEMA {} CASCADE", ident(&schema)))
            .await
        {
            Ok(()) => swept.schemas.push(schema),
            Err(error) => failed.push(format!(
                "schema `{schema}`: {}",
                crate::error::describe(&error)
            )),
        }
    }
    for role in groups {
        let quoted = ident(&role);
        // The contract's right to CONNECT hangs on the database itself.
        let sql = format!(
            "REVOKE ALL ON DATABASE {} FROM {quoted}; DROP ROLE {quoted}",
            ident(&current_database(client).await?)
        );
        match client.batch_execute(&sql).await {
            Ok(()) => swept.roles.push(role),
            Err(error) => failed.push(format!("role `{role}`: {}", crate::error::describe(&error))),
        }
    }
    if failed.is_empty() {
        Ok(swept)
    } else {
        Err(LockError::Refused(failed.join("; ")))
    }
}

async fn current_database(client: &Client) -> Result<String, LockError> {
    Ok(client
        .query_one("SELECT current_database()::text", &[])
        .await?
        .get(0))
}

async fn schemas_of(client: &Client, resource: &str) -> Result<Vec<String>, LockError> {
    let sql = "SELECT nspname::text, obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname LIKE 'portcullis\\_%' AND nspname <> $1 ORDER BY 1";
    let rows = client.query(sql, &[&KEY_SCHEMA]).await?;
    Ok(marked(&rows, |m| m.resource == resource))
}

/// Roles with the marker of this resource and this database, of one contract or of all.
pub(crate) async fn roles_of(
    client: &Client,
    resource: &str,
    contract: Option<&str>,
) -> Result<Vec<String>, LockError> {
    let database = current_database(client).await?;
    let sql = "SELECT rolname::text, shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname LIKE 'portcullis\\_%' ORDER BY 1";
    let rows = client.query(sql, &[]).await?;
    Ok(marked(&rows, |m| {
        m.resource == resource && m.database == database && contract.is_none_or(|c| m.contract == c)
    }))
}

fn marked(rows: &[tokio_postgres::Row], wanted: impl Fn(&Marker) -> bool) -> Vec<String> {
    let ours = rows.iter().filter(|row| {
        let comment: Option<&str> = row.get(1);
        comment.is_some_and(|c| c.starts_with(MARKER))
            && Marker::read(comment).is_some_and(|m| wanted(&m))
    });
    ours.map(|row| row.get(0)).collect()
}
