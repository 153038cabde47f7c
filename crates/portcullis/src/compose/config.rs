//! `DIR/config.toml`: optional, read at start. Everything else is in the log.

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::datadir::DataDir;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub webhook: Option<Webhook>,
    pub gate: Gate,
    pub bypass: Bypass,
}

/// Where pending approvals are told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    pub url: String,
    /// Sent as `authorization: Bearer …`; a file, so that the configuration holds no secret.
    #[serde(default)]
    pub bearer_file: Option<std::path::PathBuf>,
}

/// What approvals tell vendors about the gate.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gate {
    /// The host that `connect` names, where it isn't the listener's address.
    pub public_host: Option<String>,
    pub public_port: Option<u16>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bypass {
    pub check_every_seconds: u64,
}

impl Default for Bypass {
    fn default() -> Self {
        Self {
            check_every_seconds: 300,
        }
    }
}

impl Config {
    pub fn read(dir: &DataDir) -> Result<Self> {
        let path = dir.config();
        match std::fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).with_context(|| format!("`{}`", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => {
                Err(error).with_context(|| format!("`{}` cannot be read", path.display()))
            }
        }
    }
}
