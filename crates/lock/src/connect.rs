//! Logs in to the protected database as the steward, with a pinned session.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use portcullis_contract::Resource;
use rustls::pki_types::CertificateDer;
use tokio::sync::Mutex;
use tokio_postgres::Client;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::LockError;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A password file holds a password, not a disk image.
const PASSWORD_BYTES_MAX: u64 = 4096;
/// Names resolve in `pg_catalog` alone, values print one way, nothing waits for ever.
const PINNED_SESSION: &str = "SET search_path = pg_catalog, pg_temp; SET client_min_messages = warning; \
     SET standard_conforming_strings = on; SET datestyle = 'ISO, YMD'; SET intervalstyle = 'postgres'; \
     SET bytea_output = hex; SET quote_all_identifiers = off; SET row_security = on; \
     SET check_function_bodies = on; SET default_transaction_read_only = off; \
     SET lock_timeout = '5s'; SET statement_timeout = '60s'; SET idle_in_transaction_session_timeout = '60s'";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SslMode {
    Disable,
    Prefer,
    Require,
    VerifyFull,
}

/// Where a resource's database is, parsed from its URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub host: String,
    pub port: u16,
    pub database: String,
    pub user: String,
    pub sslmode: SslMode,
}

impl Target {
    /// Below `verify-full` the peer is not authenticated: only this machine may answer.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost"
            || self
                .host
                .parse::<std::net::IpAddr>()
                .is_ok_and(|ip| ip.is_loopback())
    }
}

/// Parses a resource's URL; refuses a password in it and weak TLS beyond this machine.
pub fn target(resource: &Resource) -> Result<Target, LockError> {
    let bad = |what: &str| LockError::Resource {
        resource: resource.id.clone(),
        what: what.to_owned(),
    };
    let (url, sslmode) = split_sslmode(&resource.url)
        .ok_or_else(|| bad("`sslmode` is one of disable, prefer, require, verify-full"))?;
    let config: tokio_postgres::Config = url
        .parse()
        .map_err(|_| bad("the url is not `postgresql://user@host:port/database?sslmode=…`"))?;
    if config.get_password().is_some() {
        return Err(bad(
            "a password in the url is refused; use `password_file` or `password_env`",
        ));
    }
    let [host] = config.get_hosts() else {
        return Err(bad("the url names no host, or several"));
    };
    let tokio_postgres::config::Host::Tcp(host) = host else {
        return Err(bad(
            "the host is a TCP address; a socket directory is not supported",
        ));
    };
    let target = Target {
        host: host.clone(),
        port: config.get_ports().first().copied().unwrap_or(5432),
        database: config
            .get_dbname()
            .ok_or_else(|| bad("the url names no database"))?
            .to_owned(),
        user: config
            .get_user()
            .ok_or_else(|| bad("the url names no user"))?
            .to_owned(),
        sslmode,
    };
    if sslmode != SslMode::VerifyFull && !target.is_loopback() {
        return Err(bad(
            "beyond this machine the database's certificate is checked: write `sslmode=verify-full` and `ca_file`",
        ));
    }
    Ok(target)
}

fn split_sslmode(url: &str) -> Option<(String, SslMode)> {
    let Some((base, query)) = url.split_once('?') else {
        return Some((url.to_owned(), SslMode::Prefer));
    };
    let mut mode = SslMode::Prefer;
    let mut rest = Vec::new();
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some(("sslmode", value)) => mode = parse_sslmode(value)?,
            _ => rest.push(pair),
        }
    }
    let query = rest.join("&");
    Some((
        if query.is_empty() {
            base.to_owned()
        } else {
            format!("{base}?{query}")
        },
        mode,
    ))
}

fn parse_sslmode(value: &str) -> Option<SslMode> {
    match value {
        "disable" => Some(SslMode::Disable),
        "prefer" => Some(SslMode::Prefer),
        "require" => Some(SslMode::Require),
        "verify-full" => Some(SslMode::VerifyFull),
        _ => None,
    }
}

/// The steward's password, read now: from the file, or the environment variable, or none.
pub fn read_password(resource: &Resource, base_dir: &Path) -> Result<Option<String>, LockError> {
    let bad = |what: String| LockError::Resource {
        resource: resource.id.clone(),
        what,
    };
    if let Some(file) = &resource.password_file {
        let path = base_dir.join(file);
        let size = std::fs::metadata(&path)
            .map_err(|e| bad(format!("password file `{}`: {e}", path.display())))?
            .len();
        if size > PASSWORD_BYTES_MAX {
            return Err(bad(format!(
                "password file `{}` is larger than {PASSWORD_BYTES_MAX} bytes",
                path.display()
            )));
        }
        let text = std::fs::read_to_string(&path)
            .map_err(|e| bad(format!("password file `{}`: {e}", path.display())))?;
        return Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()));
    }
    let Some(name) = &resource.password_env else {
        return Ok(None);
    };
    std::env::var(name).map(Some).map_err(|_| {
        bad(format!(
            "environment variable `{name}` of the server holds no password"
        ))
    })
}

/// The owner's account in one protected database. Calls are serialised: what changes the second lock
/// changes it in one order.
pub struct Steward {
    resource: Resource,
    target: Target,
    password: Option<String>,
    pub(crate) client: Mutex<Client>,
}

impl std::fmt::Debug for Steward {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Steward")
            .field("resource", &self.resource.id)
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

impl Steward {
    /// Logs in. `base_dir` is what a relative `password_file` or `ca_file` stands under.
    pub async fn connect(resource: &Resource, base_dir: &Path) -> Result<Self, LockError> {
        let target = target(resource)?;
        let password = read_password(resource, base_dir)?;
        let mut resource = resource.clone();
        resource.ca_file = resource
            .ca_file
            .map(|file| base_dir.join(file).display().to_string());
        let client = login(&resource, &target, password.as_deref()).await?;
        Ok(Self {
            resource,
            target,
            password,
            client: Mutex::new(client),
        })
    }

    pub fn resource(&self) -> &Resource {
        &self.resource
    }

    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The shared connection, logged in anew if the database dropped it.
    pub(crate) async fn session(&self) -> Result<tokio::sync::MutexGuard<'_, Client>, LockError> {
        let mut client = self.client.lock().await;
        if client.is_closed() {
            *client = self.second_connection().await?;
        }
        Ok(client)
    }

    /// A connection of its own, for work that takes long (an index) or cannot run in a transaction.
    pub(crate) async fn second_connection(&self) -> Result<Client, LockError> {
        login(&self.resource, &self.target, self.password.as_deref()).await
    }
}

async fn login(
    resource: &Resource,
    target: &Target,
    password: Option<&str>,
) -> Result<Client, LockError> {
    let mut config = tokio_postgres::Config::new();
    config
        .host(&target.host)
        .port(target.port)
        .dbname(&target.database)
        .user(&target.user);
    config
        .application_name("portcullis")
        .connect_timeout(CONNECT_TIMEOUT);
    if let Some(password) = password {
        config.password(password);
    }
    config.ssl_mode(match target.sslmode {
        SslMode::Disable => tokio_postgres::config::SslMode::Disable,
        SslMode::Prefer => tokio_postgres::config::SslMode::Prefer,
        SslMode::Require | SslMode::VerifyFull => tokio_postgres::config::SslMode::Require,
    });
    let tls = MakeRustlsConnect::new(tls_config(resource, target)?);
    let unreachable = |what: String| LockError::Unreachable {
        resource: resource.id.clone(),
        what,
    };
    let connecting = tokio::time::timeout(CONNECT_TIMEOUT, config.connect(tls));
    let (client, connection) = connecting
        .await
        .map_err(|_| unreachable(format!("no answer within {} s", CONNECT_TIMEOUT.as_secs())))?
        .map_err(|e| unreachable(crate::error::describe(&e)))?;
    tokio::spawn(async move {
        // The next call sees a closed client and logs in anew.
        if let Err(error) = connection.await {
            tracing::debug!(%error, "steward connection ended");
        }
    });
    client.batch_execute(PINNED_SESSION).await?;
    Ok(client)
}

fn tls_config(resource: &Resource, target: &Target) -> Result<rustls::ClientConfig, LockError> {
    let bad = |what: String| LockError::Resource {
        resource: resource.id.clone(),
        what,
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|e| bad(format!("TLS: {e}")))?;
    if target.sslmode != SslMode::VerifyFull {
        return Ok(builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(LoopbackPeer(provider)))
            .with_no_client_auth());
    }
    let file = resource
        .ca_file
        .as_deref()
        .ok_or_else(|| bad("`sslmode=verify-full` needs `ca_file`".to_owned()))?;
    let pem = std::fs::read(file).map_err(|e| bad(format!("`ca_file` `{file}`: {e}")))?;
    let mut roots = rustls::RootCertStore::empty();
    for certificate in rustls_pemfile::certs(&mut pem.as_slice()) {
        let certificate = certificate.map_err(|e| bad(format!("`ca_file` `{file}`: {e}")))?;
        roots
            .add(certificate)
            .map_err(|e| bad(format!("`ca_file` `{file}`: {e}")))?;
    }
    if roots.is_empty() {
        return Err(bad(format!("`ca_file` `{file}` holds no certificate")));
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Takes any certificate. Only built for loopback ([`target`] refuses the rest), where TLS protects
/// against nobody who could not read the database's memory anyway.
#[derive(Debug)]
struct LoopbackPeer(Arc<rustls::crypto::CryptoProvider>);

impl rustls::client::danger::ServerCertVerifier for LoopbackPeer {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &rustls::pki_types::ServerName<'_>,
        _ocsp_response: &[u8],
        _now: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use super::*;

    fn resource(url: &str) -> Resource {
        Resource {
            id: "hospital".into(),
            kind: portcullis_contract::ResourceKind::Postgresql,
            url: url.into(),
            password_file: None,
            password_env: None,
            ca_file: None,
            explained_roles: Default::default(),
        }
    }

    #[test]
    fn urls_are_parsed_or_refused_in_words() {
        let good = target(&resource(
            "postgresql://steward@127.0.0.1:5433/hospital?sslmode=prefer",
        ))
        .unwrap();
        assert_eq!(
            (good.port, good.database.as_str(), good.sslmode),
            (5433, "hospital", SslMode::Prefer)
        );
        assert_eq!(
            target(&resource(
                "postgresql://s@db.example:5432/h?sslmode=verify-full"
            ))
            .unwrap()
            .sslmode,
            SslMode::VerifyFull
        );
        for (url, expected) in [
            (
                "postgresql://steward:geheim@127.0.0.1/hospital",
                "password in the url",
            ),
            (
                "postgresql://steward@db.example/hospital?sslmode=require",
                "verify-full",
            ),
            (
                "postgresql://steward@127.0.0.1/hospital?sslmode=allow",
                "one of disable",
            ),
            ("postgresql://127.0.0.1/hospital", "no user"),
            ("postgresql://steward@127.0.0.1", "no database"),
        ] {
            let Err(error) = target(&resource(url)) else {
                panic!("`{url}` was taken")
            };
            let text = error.to_string();
            assert!(text.contains(expected), "`{url}`: {text}");
            assert!(!text.contains("geheim"));
        }
    }
}
