//! Roads past the gate: who else may read the scoped tables, who is logged in, whom the server lets in.

use std::collections::BTreeSet;

use portcullis_contract::Contract;
use serde::{Deserialize, Serialize};
use tokio_postgres::Client;

use crate::sweep::roles_of;
use crate::{LockError, Steward};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BypassKind {
    /// A login role with rights on scoped tables that nobody explained.
    Role,
    /// A session on the database that is not ours.
    Session,
    /// A `pg_hba.conf` line that lets others in.
    Hba,
    /// Something could not be looked at.
    Unseen,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Bypass {
    pub kind: BypassKind,
    /// Role, `role@address`, or `pg_hba.conf:LINE`: stays the same while the road is the same.
    pub who: String,
    pub what: String,
    pub hint: String,
}

/// What the gate knows to be its own.
#[derive(Clone, Debug, Default)]
pub struct KnownSessions {
    /// Roles of live grants.
    pub roles: Vec<String>,
}

/// Every road past the gate that the resource's `explained_roles` do not explain; sorted, so that two
/// checks can be compared.
pub async fn bypass(
    steward: &Steward,
    contracts: &[Contract],
    known: &KnownSessions,
) -> Result<Vec<Bypass>, LockError> {
    let client = steward.session().await?;
    let resource = steward.resource();
    let mut explained: BTreeSet<String> = resource.explained_roles.keys().cloned().collect();
    explained.insert(steward.target().user.clone());
    explained.extend(known.roles.iter().cloned());
    let scoped: Vec<(String, String)> = contracts
        .iter()
        .flat_map(|c| &c.scope)
        .filter(|s| s.resource == resource.id)
        .map(|s| (s.schema.clone(), s.table.clone()))
        .collect();
    let mut found = Vec::new();
    strong_roles(&client, &explained, &mut found).await?;
    granted_roles(&client, &explained, &scoped, &mut found).await?;
    stale_roles(&client, &resource.id, known, &mut found).await?;
    sessions(&client, &explained, &steward.target().user, &mut found).await?;
    hba(&client, &explained, &mut found).await?;
    found.sort();
    found.dedup();
    Ok(found)
}

const EXPLAIN: &str =
    "take the right away, or explain the role in the resource's `explained_roles`";

/// Roles that need no grant.
async fn strong_roles(
    client: &Client,
    explained: &BTreeSet<String>,
    found: &mut Vec<Bypass>,
) -> Result<(), LockError> {
    let sql = "SELECT r.rolname::text, r.rolsuper, r.rolreplication, r.rolcreaterole, \
         EXISTS (SELECT FROM pg_roles p WHERE p.rolname IN ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program') AND pg_has_role(r.oid, p.oid, 'MEMBER')) \
         FROM pg_roles r WHERE r.rolcanlogin AND (r.rolsuper OR r.rolreplication OR r.rolcreaterole OR r.oid >= 16384) ORDER BY 1";
    for row in client.query(sql, &[]).await? {
        let role: String = row.get(0);
        if explained.contains(&role) {
            continue;
        }
        let [superuser, replication, createrole, files]: [bool; 4] =
            [row.get(1), row.get(2), row.get(3), row.get(4)];
        let what = if superuser {
            "is a superuser: reads and changes everything, the second lock too"
        } else if replication {
            "may replicate: copies the whole cluster"
        } else if files {
            "may read files or run programs of the server"
        } else if createrole {
            "may make roles (CREATEROLE), and before PostgreSQL 16 join any that is no superuser"
        } else {
            continue;
        };
        found.push(Bypass {
            kind: BypassKind::Role,
            who: role,
            what: what.to_owned(),
            hint: EXPLAIN.to_owned(),
        });
    }
    Ok(())
}

async fn granted_roles(
    client: &Client,
    explained: &BTreeSet<String>,
    scoped: &[(String, String)],
    found: &mut Vec<Bypass>,
) -> Result<(), LockError> {
    let (schemas, tables): (Vec<&str>, Vec<&str>) =
        scoped.iter().map(|(s, t)| (s.as_str(), t.as_str())).unzip();
    let sql = "SELECT r.rolname::text, string_agg(DISTINCT n.nspname || '.' || c.relname, ', ' ORDER BY n.nspname || '.' || c.relname) \
         FROM unnest($1::text[], $2::text[]) s(nsp, rel) JOIN pg_namespace n ON n.nspname = s.nsp JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = s.rel \
         CROSS JOIN pg_roles r WHERE r.rolcanlogin AND NOT r.rolsuper \
         AND (has_any_column_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE') OR has_table_privilege(r.oid, c.oid, 'DELETE, TRUNCATE')) \
         GROUP BY r.rolname ORDER BY 1";
    for row in client.query(sql, &[&schemas, &tables]).await? {
        let role: String = row.get(0);
        if !explained.contains(&role) {
            let what = format!("has rights on {}", row.get::<_, String>(1));
            found.push(Bypass {
                kind: BypassKind::Role,
                who: role,
                what,
                hint: EXPLAIN.to_owned(),
            });
        }
    }
    Ok(())
}

/// Ours by their mark, of no live grant.
async fn stale_roles(
    client: &Client,
    resource: &str,
    known: &KnownSessions,
    found: &mut Vec<Bypass>,
) -> Result<(), LockError> {
    for role in roles_of(client, resource, None).await? {
        if !role.starts_with("portcullis_c_") && !known.roles.contains(&role) {
            let what = "is a grant's role, but no grant is live".to_owned();
            found.push(Bypass {
                kind: BypassKind::Role,
                who: role,
                what,
                hint: "the next sweep removes it; if it stays, drop it".to_owned(),
            });
        }
    }
    Ok(())
}

/// Other people's addresses and programs show only to members of `pg_read_all_stats`; their names to everybody.
async fn sessions(
    client: &Client,
    explained: &BTreeSet<String>,
    steward: &str,
    found: &mut Vec<Bypass>,
) -> Result<(), LockError> {
    let sql = "SELECT usename::text, host(client_addr), coalesce(application_name, ''), count(*) FROM pg_stat_activity \
         WHERE usename IS NOT NULL AND (datname = current_database() OR backend_type = 'walsender') AND coalesce(backend_type, '') NOT IN ('parallel worker', 'autovacuum worker') \
         GROUP BY 1, 2, 3 ORDER BY 1, 2, 3";
    for row in client.query(sql, &[]).await? {
        let (role, address, program): (String, Option<String>, String) =
            (row.get(0), row.get(1), row.get(2));
        let ours = if role == steward {
            program == "portcullis"
        } else {
            explained.contains(&role)
        };
        if ours {
            continue;
        }
        let address = address.unwrap_or_else(|| "here".to_owned());
        let what = format!(
            "{} sessions of `{}` are on the database, not through the gate",
            row.get::<_, i64>(3),
            if program.is_empty() {
                "an unnamed program"
            } else {
                &program
            }
        );
        let hint =
            "end them, close the road in pg_hba.conf, or explain the role in `explained_roles`"
                .to_owned();
        found.push(Bypass {
            kind: BypassKind::Session,
            who: format!("{role}@{address}"),
            what,
            hint,
        });
    }
    Ok(())
}

async fn hba(
    client: &Client,
    explained: &BTreeSet<String>,
    found: &mut Vec<Bypass>,
) -> Result<(), LockError> {
    let readable = "SELECT has_table_privilege('pg_hba_file_rules', 'SELECT') AND has_function_privilege('pg_hba_file_rules()', 'EXECUTE')";
    if !client.query_one(readable, &[]).await?.get::<_, bool>(0) {
        let hint = "GRANT SELECT ON pg_hba_file_rules TO the steward; GRANT EXECUTE ON FUNCTION pg_hba_file_rules() TO the steward".to_owned();
        found.push(Bypass {
            kind: BypassKind::Unseen,
            who: "pg_hba.conf".to_owned(),
            what: "the steward may not see whom the server lets in".to_owned(),
            hint,
        });
        return Ok(());
    }
    let sql = "SELECT line_number, type, database, user_name, address, netmask, auth_method FROM pg_hba_file_rules \
         WHERE error IS NULL AND auth_method <> 'reject' AND (database && ARRAY['all', 'sameuser', 'samerole', 'samegroup', current_database()::text]) ORDER BY line_number";
    for row in client.query(sql, &[]).await? {
        let (kind, users, method): (String, Vec<String>, String) =
            (row.get(1), row.get(3), row.get(6));
        let address: Option<String> = row.get(4);
        let outside = kind != "local" && !is_this_machine(address.as_deref());
        let open = method == "trust";
        if !(outside || open) || users.iter().all(|u| explained.contains(u)) {
            continue;
        }
        let from = address.unwrap_or_else(|| "this machine".to_owned());
        let how = if open {
            "without a password"
        } else {
            "past the gate"
        };
        found.push(Bypass {
            kind: BypassKind::Hba,
            who: format!("pg_hba.conf:{}", row.get::<_, i32>(0)),
            what: format!("lets {} in from {from} by `{method}`, {how}", users.join(", ")),
            hint: "let in the gate's machine alone, for the steward and roles `portcullis_g_…`; reject the rest (docs/guide/owner-engineer-database.md)".to_owned(),
        });
    }
    Ok(())
}

fn is_this_machine(address: Option<&str>) -> bool {
    match address {
        None => true,
        Some("samehost" | "localhost") => true,
        Some(text) => text
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback()),
    }
}
