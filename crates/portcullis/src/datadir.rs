//! The data directory: where everything is, and who may read it.
//!
//! ```text
//! DIR/keys/log.pem        ed25519 key that signs checkpoints     DIR/keys/log.vkey  its public half
//! DIR/keys/server.secret  mocks for unknown users, cache seals   DIR/keys/ledger.key  subject hashes
//! DIR/log/                the log        DIR/tls/   certificate  DIR/cache/  may be deleted
//! DIR/config.toml         optional       DIR/admin.sock          while `serve` runs
//! ```
//! No path outside of it is kept in it: a copy of a stopped server's DIR runs elsewhere.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _};

const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

#[derive(Clone, Debug)]
pub struct DataDir {
    root: PathBuf,
}

/// Random bytes from the system.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| anyhow::anyhow!("no randomness from the system: {error}"))?;
    Ok(bytes)
}

impl DataDir {
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn admin_socket(&self) -> PathBuf {
        self.root.join("admin.sock")
    }

    pub fn log(&self) -> PathBuf {
        self.root.join("log")
    }

    pub fn cache(&self) -> PathBuf {
        self.root.join("cache")
    }

    pub fn config(&self) -> PathBuf {
        self.root.join("config.toml")
    }

    pub fn tls_certificate(&self) -> PathBuf {
        self.root.join("tls/cert.pem")
    }

    pub fn tls_key(&self) -> PathBuf {
        self.root.join("tls/key.pem")
    }

    pub fn log_key_path(&self) -> PathBuf {
        self.root.join("keys/log.pem")
    }

    pub fn log_verifier_path(&self) -> PathBuf {
        self.root.join("keys/log.vkey")
    }

    /// Makes a new one, whole or not at all. An empty directory in its place is taken over.
    pub fn create(root: &Path, fill: impl FnOnce(&Self) -> Result<()>) -> Result<Self> {
        if root.exists()
            && fs::read_dir(root)
                .with_context(|| unreadable(root))?
                .next()
                .is_some()
        {
            bail!("`{}` exists already and is not empty", root.display());
        }
        let name = root
            .file_name()
            .with_context(|| format!("`{}` is not a directory's name", root.display()))?;
        let parent = root
            .parent()
            .filter(|p| !p.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        fs::create_dir_all(parent)
            .with_context(|| format!("`{}` cannot be made", parent.display()))?;
        let staging = parent.join(format!(
            ".{}.{}",
            name.to_string_lossy(),
            std::process::id()
        ));
        let dir = Self::at(&staging);
        let made = dir.fill_in(fill).and_then(|()| {
            sync_directory(&staging)?;
            fs::rename(&staging, root)
                .with_context(|| format!("`{}` cannot be put in place", root.display()))?;
            sync_directory(parent)
        });
        if made.is_err() {
            let _ = fs::remove_dir_all(&staging);
        }
        made.map(|()| Self::at(root))
    }

    fn fill_in(&self, fill: impl FnOnce(&Self) -> Result<()>) -> Result<()> {
        for sub in ["", "keys", "log", "tls", "cache"] {
            private_directory(&self.root.join(sub))?;
        }
        let key = SigningKey::from_bytes(&random()?);
        let pem = key
            .to_pkcs8_pem(Default::default())
            .context("the log key cannot be written as PEM")?;
        write_private(&self.log_key_path(), pem.as_bytes())?;
        for secret in ["keys/server.secret", "keys/ledger.key"] {
            write_private(
                &self.root.join(secret),
                hex::encode(random::<32>()?).as_bytes(),
            )?;
        }
        self.make_certificate()?;
        fill(self)
    }

    /// Self-signed, for a start; `serve --tls-cert` takes a real one.
    fn make_certificate(&self) -> Result<()> {
        let names = ["localhost", "127.0.0.1", "::1"]
            .map(str::to_owned)
            .to_vec();
        let made =
            rcgen::generate_simple_self_signed(names).context("no certificate could be made")?;
        write_private(&self.tls_certificate(), made.cert.pem().as_bytes())?;
        write_private(&self.tls_key(), made.signing_key.serialize_pem().as_bytes())
    }

    pub fn log_key(&self) -> Result<SigningKey> {
        let path = self.log_key_path();
        let pem = fs::read_to_string(&path).with_context(|| unreadable(&path))?;
        SigningKey::from_pkcs8_pem(&pem)
            .with_context(|| format!("`{}` is not an ed25519 key", path.display()))
    }

    pub fn server_secret(&self) -> Result<[u8; 32]> {
        self.secret("keys/server.secret")
    }

    pub fn ledger_key(&self) -> Result<[u8; 32]> {
        self.secret("keys/ledger.key")
    }

    fn secret(&self, name: &str) -> Result<[u8; 32]> {
        let path = self.root.join(name);
        let text = fs::read_to_string(&path).with_context(|| unreadable(&path))?;
        let mut bytes = [0; 32];
        hex::decode_to_slice(text.trim(), &mut bytes)
            .with_context(|| format!("`{}` is not 32 bytes in hex", path.display()))?;
        Ok(bytes)
    }

    /// Takes the directory for this process alone, for as long as the answer lives.
    pub fn lock(&self) -> Result<DataLock> {
        if !self.log_key_path().exists() {
            bail!(
                "`{}` is not a data directory; make one with `portcullis init`",
                self.root.display()
            );
        }
        let path = self.root.join("serve.lock");
        let file = private_options()
            .create(true)
            .truncate(false)
            .open(&path)
            .with_context(|| unreadable(&path))?;
        match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(DataLock { _file: file }),
            Err(_) => bail!(
                "`{}` is in use by another `portcullis serve`",
                self.root.display()
            ),
        }
    }

    /// Files and directories that others than the owner can read or change.
    pub fn too_open(&self) -> Vec<String> {
        let mut found = Vec::new();
        let watched = [
            "",
            "keys",
            "keys/log.pem",
            "keys/server.secret",
            "keys/ledger.key",
            "tls/key.pem",
            "log",
            "cache",
        ];
        for name in watched {
            let path = self.root.join(name);
            if let Ok(meta) = fs::metadata(&path)
                && meta.permissions().mode() & 0o077 != 0
            {
                found.push(path.display().to_string());
            }
        }
        found
    }
}

/// The directory's lock; the kernel lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub struct DataLock {
    _file: File,
}

fn unreadable(path: &Path) -> String {
    format!("`{}` cannot be read", path.display())
}

fn private_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(FILE_MODE);
    options
}

fn private_directory(path: &Path) -> Result<()> {
    match fs::DirBuilder::new().mode(DIRECTORY_MODE).create(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::set_permissions(path, Permissions::from_mode(DIRECTORY_MODE)).context("permissions")
        }
        Err(error) => Err(error).with_context(|| format!("`{}` cannot be made", path.display())),
    }
}

/// Writes a file that only its owner can read, and syncs it.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || -> io::Result<()> {
        let mut file = private_options().create_new(true).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().with_context(|| format!("`{}` cannot be written", path.display()))
}

fn sync_directory(path: &Path) -> Result<()> {
    let sync = || File::open(path)?.sync_all();
    sync().with_context(|| format!("`{}` cannot be synced", path.display()))
}
