//! send, its first half: the grant's own role in the database, with a secret that lives in this
//! process's memory alone, and the gate's own connection for what a vendor may not do himself.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use portcullis_contract::{Refusal, Resource, SqlState};
use portcullis_lock::{GrantRole, SslMode, Steward, Target as LockTarget};
use portcullis_sql::Tuning;
use portcullis_store::state::Admitted;

use crate::Gate;
use crate::limits::UPSTREAM_DEADLINE;
use crate::session::desk::Terms;
use crate::tls::{self, ClientTls};
use crate::upstream::{Secret, Target};

/// Connections of one grant at once.
const GRANT_CONNECTIONS: u32 = 100;
/// The longest a statement may run in the database.
const STATEMENT_TIMEOUT_MS: u32 = 15 * 60 * 1000;

/// What every session of a grant logs in with. Clones of the secret share what PBKDF2 made of it,
/// so that it is paid for once a grant.
#[derive(Clone)]
struct Login {
    role: String,
    secret: Secret,
    tls: ClientTls,
}

/// By grant: made by the first session, shared by the others. The async lock keeps two sessions
/// from setting two passwords.
#[derive(Default)]
pub struct Roles {
    known: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Option<Login>>>>>,
}

impl Gate {
    /// Where and as whom a session of this grant logs in.
    pub(crate) async fn upstream_target(
        &self,
        admitted: &Admitted,
        terms: &Terms,
        params: Vec<(String, String)>,
    ) -> Result<Target, Refusal> {
        let login = self.login(admitted, terms).await?;
        let at = portcullis_lock::target(&admitted.resource)
            .map_err(|error| unreachable(&admitted.resource, &error))?;
        let mut all = pinned_parameters();
        all.extend(params);
        Ok(Target {
            tls: login.tls,
            host: at.host,
            port: at.port,
            database: at.database,
            user: login.role,
            password: login.secret,
            params: all,
            within: UPSTREAM_DEADLINE,
        })
    }

    async fn login(&self, admitted: &Admitted, terms: &Terms) -> Result<Login, Refusal> {
        let slot = Arc::clone(
            self.roles
                .known
                .lock()
                .entry(admitted.grant.id.clone())
                .or_default(),
        );
        let mut slot = slot.lock().await;
        if let Some(login) = slot.as_ref() {
            return Ok(login.clone());
        }
        let expires_at = admitted.grant.expires_at.ok_or_else(|| {
            Refusal::new(SqlState::NotAdmitted, "grant.ended", "the grant has no end")
        })?;
        let role = GrantRole {
            role: portcullis_lock::grant_role_name(&admitted.grant.id),
            shown_user: admitted
                .grant
                .user
                .clone()
                .unwrap_or_else(|| admitted.person.id.clone()),
            expires_at,
            connection_limit: GRANT_CONNECTIONS,
            statement_timeout_ms: STATEMENT_TIMEOUT_MS,
        };
        let made = async {
            let steward = Steward::connect(&admitted.resource, &self.base_dir).await?;
            portcullis_lock::ensure_grant_role(&steward, &terms.surface, &role).await
        };
        let secret = made
            .await
            .map_err(|error| unreachable(&admitted.resource, &error))?;
        let at = portcullis_lock::target(&admitted.resource)
            .map_err(|error| unreachable(&admitted.resource, &error))?;
        let login = Login {
            role: secret.role,
            secret: Secret::new(secret.password.into_bytes()),
            tls: client_tls(&admitted.resource, &at, &self.base_dir)?,
        };
        *slot = Some(login.clone());
        Ok(login)
    }

    /// So that the next login makes the role anew.
    pub(crate) fn forget_role(&self, grant: &str) {
        self.roles.known.lock().remove(grant);
    }

    /// The method `tuning`: fixed templates on the gate's own connection.
    pub(crate) async fn tune(&self, terms: &Terms, tuning: &Tuning) -> Result<String, Refusal> {
        let resource = self.registry.read(|state| {
            state
                .resources
                .get(&terms.surface.resource)
                .map(|entry| Arc::clone(&entry.resource))
        });
        let Some(resource) = resource else {
            return Err(Refusal::new(
                SqlState::CannotConnectNow,
                "resource.unreachable",
                "the resource is gone",
            ));
        };
        let done = async {
            let steward = Steward::connect(&resource, &self.base_dir).await?;
            portcullis_lock::tuning(&steward, &terms.surface, tuning).await
        };
        done.await.map_err(|error| {
            let message = crate::errors::in_clients_names(&error.to_string(), &terms.surface);
            Refusal::new(SqlState::OutOfScope, "method.tuning", message)
                .clause(&terms.contract.id, "methods.tuning")
        })
    }
}

/// The settings that decide how a text is read and a value printed; the gate relies on them.
fn pinned_parameters() -> Vec<(String, String)> {
    [
        ("client_encoding", "UTF8"),
        ("search_path", "pg_catalog, pg_temp"),
        ("standard_conforming_strings", "on"),
        ("backslash_quote", "safe_encoding"),
        ("quote_all_identifiers", "off"),
        ("default_transaction_read_only", "on"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

fn unreachable(resource: &Resource, error: &portcullis_lock::LockError) -> Refusal {
    tracing::error!(resource = %resource.id, %error, "the grant's role cannot be made");
    Refusal::new(
        SqlState::CannotConnectNow,
        "resource.unreachable",
        format!("the database `{}` cannot be reached now", resource.id),
    )
    .hint("try again; tell the owner's engineer if it lasts")
}

fn client_tls(
    resource: &Resource,
    at: &LockTarget,
    base_dir: &std::path::Path,
) -> Result<ClientTls, Refusal> {
    let mode = match at.sslmode {
        SslMode::Disable => tls::SslMode::Disable,
        SslMode::Prefer => tls::SslMode::Prefer,
        SslMode::Require => tls::SslMode::Require,
        SslMode::VerifyFull => tls::SslMode::VerifyFull,
    };
    let broken = |what: String| {
        tracing::error!(resource = %resource.id, what, "TLS to the database cannot be set up");
        Refusal::new(
            SqlState::CannotConnectNow,
            "resource.tls",
            "the connection to the database cannot be secured",
        )
    };
    let ca = match &resource.ca_file {
        Some(file) => {
            Some(std::fs::read(base_dir.join(file)).map_err(|error| broken(error.to_string()))?)
        }
        None => None,
    };
    ClientTls::new(mode, ca.as_deref()).map_err(|error| broken(error.to_string()))
}
