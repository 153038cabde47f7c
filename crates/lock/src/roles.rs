//! One login role per grant, with a secret that the gate alone holds.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use portcullis_sql::Surface;
use sha2::{Digest, Sha256};
use tokio_postgres::Client;

use crate::names::{KEY_SCHEMA, NAME_BYTES_MAX, OUR_PREFIX, group_role, ident, literal};
use crate::plan::{Marker, marker};
use crate::{LockError, Steward};

/// The secret has 256 random bits: iterations protect only what can be guessed, and cost each login.
const SCRAM_ITERATIONS: u32 = 4096;
const SECRET_BYTES: usize = 32;
const SALT_BYTES: usize = 16;
/// How long the backends of a dropped role may take to go.
const TERMINATE_WAIT_MS: i64 = 5000;

/// What a grant's role is made for.
#[derive(Clone, Debug)]
pub struct GrantRole {
    /// [`crate::grant_role_name`].
    pub role: String,
    /// What the vendor's engineer sees as his user; the look-alike of `pg_roles` shows it.
    pub shown_user: String,
    pub expires_at: jiff::Timestamp,
    pub connection_limit: u32,
    /// The database's own; the gate's are shorter.
    pub statement_timeout_ms: u32,
}

/// What the gate logs in with. The password is kept in memory alone and made anew by each `ensure_grant_role`.
#[derive(Clone)]
pub struct RoleSecret {
    pub role: String,
    pub password: String,
}

impl std::fmt::Debug for RoleSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RoleSecret")
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// Makes the grant's role, or renews its secret and end. The clear secret never travels in SQL.
pub async fn ensure_grant_role(
    steward: &Steward,
    surface: &Surface,
    grant: &GrantRole,
) -> Result<RoleSecret, LockError> {
    if !grant.role.starts_with(OUR_PREFIX) || grant.role.len() > NAME_BYTES_MAX {
        return Err(LockError::Refused(format!(
            "`{}` is not a name for a grant's role",
            grant.role
        )));
    }
    let password = fresh_secret()?;
    let verifier = fresh_verifier(&password)?;
    let mut client = steward.session().await?;
    let transaction = client.transaction().await?;
    let comment = "SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = $1";
    let verb = match transaction.query_opt(comment, &[&grant.role]).await? {
        None => "CREATE",
        Some(row) if is_of(row.get(0), surface) => "ALTER",
        Some(_) => {
            return Err(LockError::NotOurs {
                name: grant.role.clone(),
                what: "a role of this name exists that this contract did not make".to_owned(),
            });
        }
    };
    for statement in role_statements(verb, surface, grant, &verifier) {
        transaction.batch_execute(&statement).await?;
    }
    let shown = format!(
        "INSERT INTO {}.grant_role VALUES ($1, $2) ON CONFLICT (role) DO UPDATE SET shown_user = EXCLUDED.shown_user",
        ident(KEY_SCHEMA)
    );
    transaction
        .execute(&shown, &[&grant.role, &grant.shown_user])
        .await?;
    transaction.commit().await?;
    Ok(RoleSecret {
        role: grant.role.clone(),
        password,
    })
}

fn is_of(comment: Option<&str>, surface: &Surface) -> bool {
    Marker::read(comment).is_some_and(|m| {
        m.contract == surface.contract
            && m.resource == surface.resource
            && m.database == surface.database
    })
}

fn role_statements(
    verb: &str,
    surface: &Surface,
    grant: &GrantRole,
    verifier: &str,
) -> Vec<String> {
    let role = ident(&grant.role);
    let group = ident(&group_role(
        &surface.contract,
        &surface.resource,
        &surface.database,
    ));
    let comment = literal(&marker(
        &surface.contract,
        &surface.resource,
        &surface.database,
        0,
        "",
    ));
    // Since PostgreSQL 16 a CREATEROLE account may not even deny an attribute that it lacks; a new role has none.
    let mut statements = vec![
        format!(
            "{verb} ROLE {role} LOGIN INHERIT CONNECTION LIMIT {} PASSWORD {} VALID UNTIL {}",
            grant.connection_limit,
            literal(verifier),
            literal(&grant.expires_at.to_string())
        ),
        format!("COMMENT ON ROLE {role} IS {comment}"),
        format!("GRANT {group} TO {role}"),
    ];
    if verb == "CREATE" {
        // Without it the steward could not end this role's sessions.
        statements.push(format!("GRANT {role} TO CURRENT_USER"));
    }
    let settings = [
        ("search_path", "pg_catalog, pg_temp".to_owned()),
        ("default_transaction_read_only", "'on'".to_owned()),
        (
            "statement_timeout",
            format!("'{}ms'", grant.statement_timeout_ms),
        ),
        ("lock_timeout", "'10s'".to_owned()),
        ("idle_in_transaction_session_timeout", "'10min'".to_owned()),
        ("standard_conforming_strings", "'on'".to_owned()),
        ("client_min_messages", "'notice'".to_owned()),
        ("quote_all_identifiers", "'off'".to_owned()),
        ("jit", "'off'".to_owned()),
    ];
    statements
        .extend(settings.map(|(name, value)| format!("ALTER ROLE {role} SET {name} = {value}")));
    statements
}

/// Ends a role's sessions in all databases; answers how many there were.
pub async fn terminate(steward: &Steward, role: &str) -> Result<u64, LockError> {
    let client = steward.session().await?;
    terminate_on(&client, role).await
}

pub(crate) async fn terminate_on(client: &Client, role: &str) -> Result<u64, LockError> {
    let rows = client.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1 AND pid <> pg_backend_pid()", &[&role]).await?;
    Ok(rows.len() as u64)
}

/// Removes a grant's role with its sessions. A role that is gone already is fine.
pub async fn drop_grant_role(steward: &Steward, role: &str) -> Result<(), LockError> {
    let client = steward.session().await?;
    drop_role(&client, role).await
}

pub(crate) async fn drop_role(client: &Client, role: &str) -> Result<(), LockError> {
    let sql = "SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = $1";
    let Some(row) = client.query_opt(sql, &[&role]).await? else {
        return Ok(());
    };
    if Marker::read(row.get(0)).is_none() {
        return Err(LockError::NotOurs {
            name: role.to_owned(),
            what: "the role lacks Portcullis' marker".to_owned(),
        });
    }
    let quoted = ident(role);
    // First no new session, then no session, then no role.
    client
        .batch_execute(&format!("ALTER ROLE {quoted} NOLOGIN"))
        .await?;
    terminate_on(client, role).await?;
    wait_until_gone(client, role).await?;
    let forget = format!(
        "DELETE FROM {}.grant_role WHERE role = $1",
        ident(KEY_SCHEMA)
    );
    client.execute(&forget, &[&role]).await?;
    // One message is one transaction, and leaves none open behind an error.
    client
        .batch_execute(&format!("DROP OWNED BY {quoted}; DROP ROLE {quoted}"))
        .await
        .map_err(|e| LockError::Database(crate::error::describe(&e)))
}

async fn wait_until_gone(client: &Client, role: &str) -> Result<(), LockError> {
    let started = std::time::Instant::now();
    loop {
        let left: i64 = client
            .query_one(
                "SELECT count(*) FROM pg_stat_activity WHERE usename = $1",
                &[&role],
            )
            .await?
            .get(0);
        if left == 0 {
            return Ok(());
        }
        if started.elapsed().as_millis() >= TERMINATE_WAIT_MS.unsigned_abs().into() {
            return Err(LockError::Refused(format!(
                "{left} sessions of `{role}` did not end within {TERMINATE_WAIT_MS} ms"
            )));
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

fn fresh_secret() -> Result<String, LockError> {
    let mut bytes = [0_u8; SECRET_BYTES];
    getrandom::fill(&mut bytes).map_err(|e| LockError::Refused(format!("no randomness: {e}")))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn fresh_verifier(password: &str) -> Result<String, LockError> {
    let mut salt = [0_u8; SALT_BYTES];
    getrandom::fill(&mut salt).map_err(|e| LockError::Refused(format!("no randomness: {e}")))?;
    scram_verifier(password, &salt, SCRAM_ITERATIONS)
}

/// SCRAM-SHA-256 verifier in PostgreSQL's text form (RFC 5802 §3; `pg_authid.rolpassword`).
pub fn scram_verifier(password: &str, salt: &[u8], iterations: u32) -> Result<String, LockError> {
    let prepared = stringprep::saslprep(password).map_err(|_| {
        LockError::Refused("the password has characters that SASLprep forbids".to_owned())
    })?;
    let salted = pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(prepared.as_bytes(), salt, iterations);
    let stored_key = Sha256::digest(keyed(&salted, b"Client Key")?);
    let server_key = keyed(&salted, b"Server Key")?;
    Ok(format!(
        "SCRAM-SHA-256${iterations}:{}${}:{}",
        STANDARD.encode(salt),
        STANDARD.encode(stored_key),
        STANDARD.encode(server_key)
    ))
}

fn keyed(key: &[u8], message: &[u8]) -> Result<[u8; 32], LockError> {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key).map_err(|e| LockError::Refused(e.to_string()))?;
    mac.update(message);
    Ok(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn verifier_is_the_one_postgresql_makes() {
        // RFC 7677 §3: user `user`, password `pencil`; keys as PostgreSQL prints them for this salt.
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let verifier = scram_verifier("pencil", &salt, 4096).unwrap();
        assert_eq!(
            verifier,
            "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
        );
    }

    #[test]
    fn a_secret_is_not_printed() {
        let secret = RoleSecret {
            role: "portcullis_g_1".into(),
            password: fresh_secret().unwrap(),
        };
        assert!(!format!("{secret:?}").contains(&secret.password));
    }
}
