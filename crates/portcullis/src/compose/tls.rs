//! The server's certificate: DIR's own for a start, a real one by flags.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use rustls::ServerConfig;

/// TLS for a listener that speaks `alpn`.
pub fn server_config(certificate: &Path, key: &Path, alpn: &[&str]) -> Result<Arc<ServerConfig>> {
    let read = |path: &Path| {
        std::fs::read(path).with_context(|| format!("`{}` cannot be read", path.display()))
    };
    let chain = rustls_pemfile::certs(&mut read(certificate)?.as_slice())
        .collect::<Result<Vec<_>, _>>()
        .with_context(|| format!("`{}` is not a PEM certificate", certificate.display()))?;
    let private = rustls_pemfile::private_key(&mut read(key)?.as_slice())
        .ok()
        .flatten()
        .with_context(|| format!("`{}` holds no PEM private key", key.display()))?;
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .with_context(|| {
            format!(
                "`{}` and `{}` do not fit together",
                certificate.display(),
                key.display()
            )
        })?;
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    Ok(Arc::new(config))
}
