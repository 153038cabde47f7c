//! A private PostgreSQL cluster: found, initialised from a template, started, asked, stopped.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use rustix::process::Signal;
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::{Child, Launch, cache_dir, free_port, scratch};

/// The cluster's superuser, and its password: of a throw-away database on the loopback.
pub const SUPERUSER: &str = "postgres";
pub const SUPERUSER_PASSWORD: &str = "throw-away";

const START_LIMIT: Duration = Duration::from_secs(60);
const START_TRIES: u32 = 5;
const FAST_STOP_LIMIT: Duration = Duration::from_secs(5);
const IMMEDIATE_STOP_LIMIT: Duration = Duration::from_secs(3);
/// Counts up when `initialise` changes, so that an old template isn't taken for a new one.
const TEMPLATE_REVISION: u32 = 1;

/// An installed PostgreSQL server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PgVersion {
    pub major: u32,
    /// The folder with `postgres` and `initdb`.
    pub bin: PathBuf,
}

impl PgVersion {
    pub fn at(bin: &Path) -> Result<Self> {
        let version = version_text(bin)?;
        let major = version
            .split_whitespace()
            .find_map(|word| word.split(['.', 'b', 'r', 'd']).next()?.parse().ok())
            .with_context(|| format!("no version number in `{version}`"))?;
        Ok(Self {
            major,
            bin: bin.to_owned(),
        })
    }
}

/// What is installed on this machine.
pub struct PgVersions;

impl PgVersions {
    /// Every server found, oldest first; one of each major version.
    pub fn available() -> Vec<PgVersion> {
        let mut bins = children(Path::new("/usr/lib/postgresql"), "bin");
        bins.extend(children(
            &cache_dir().join("npm/node_modules"),
            "native/bin",
        ));
        let mut found: Vec<PgVersion> = bins
            .iter()
            .filter(|bin| bin.join("postgres").exists() && bin.join("initdb").exists())
            .filter_map(|bin| PgVersion::at(bin).ok())
            .collect();
        found.sort_by_key(|version| version.major);
        found.dedup_by_key(|version| version.major);
        found
    }

    /// The system's own where there is one (it has contrib and the client programs), else the newest.
    pub fn usual() -> Result<PgVersion> {
        let found = Self::available();
        let of_system = found
            .iter()
            .rev()
            .find(|version| version.bin.starts_with("/usr"));
        of_system
            .or(found.last())
            .cloned()
            .ok_or_else(|| anyhow!("no PostgreSQL server is installed; run `scripts/install`"))
    }

    /// The oldest and the newest, which is one where only one is installed.
    pub fn oldest_and_newest() -> Vec<PgVersion> {
        let mut found = Self::available();
        if found.len() > 2 {
            found.drain(1..found.len() - 1);
        }
        found
    }
}

/// How a cluster is started.
#[derive(Debug, Clone, Default)]
pub struct PgOptions {
    /// Off unless asked for: most tests don't survive the machine anyway.
    pub fsync: bool,
    /// `postgresql.conf` settings.
    pub settings: Vec<(String, String)>,
    /// Where the cluster's folder is made; the system's temporary folder unless given.
    pub within: Option<PathBuf>,
}

/// A running cluster with an empty database `postgres`, SCRAM for everybody, one superuser.
pub struct PgCluster {
    version: PgVersion,
    options: PgOptions,
    port: u16,
    server: Option<Child>,
    // Dropped last: the server's files.
    dir: TempDir,
}

impl PgCluster {
    pub fn start(version: &PgVersion) -> Result<Self> {
        Self::start_with(version, PgOptions::default())
    }

    /// On the usual server of this machine.
    pub fn start_usual() -> Result<Self> {
        Self::start(&PgVersions::usual()?)
    }

    pub fn start_with(version: &PgVersion, options: PgOptions) -> Result<Self> {
        let parent = options.within.clone().unwrap_or_else(std::env::temp_dir);
        let dir = scratch::folder("portcullis-pg-", &parent)?;
        give_to_server_account(dir.path())?;
        initialise(version, &dir.path().join("data"))?;
        let mut cluster = Self {
            version: version.clone(),
            options,
            port: 0,
            server: None,
            dir,
        };
        cluster.run()?;
        Ok(cluster)
    }

    pub fn version(&self) -> &PgVersion {
        &self.version
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The postmaster's process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.server.as_ref().map(Child::id)
    }

    /// The folder that holds the Unix socket, the data folder and the server's log.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// The superuser's password goes with it; other users' doesn't.
    pub fn url(&self, user: &str) -> String {
        self.url_to(user, "postgres")
    }

    pub fn url_to(&self, user: &str, database: &str) -> String {
        let password = if user == SUPERUSER {
            format!(":{SUPERUSER_PASSWORD}")
        } else {
            String::new()
        };
        format!(
            "postgresql://{user}{password}@127.0.0.1:{}/{database}",
            self.port
        )
    }

    pub fn url_with_password(&self, user: &str, password: &str, database: &str) -> String {
        format!(
            "postgresql://{user}:{password}@127.0.0.1:{}/{database}",
            self.port
        )
    }

    /// Runs SQL (several statements may stand in it) in database `postgres` as the superuser.
    pub fn execute(&self, sql: &str) -> Result<()> {
        self.execute_in("postgres", sql)
    }

    pub fn execute_in(&self, database: &str, sql: &str) -> Result<()> {
        self.rows_in(database, sql).map(|_| ())
    }

    /// The result's rows as text, of all statements one after the other.
    pub fn rows(&self, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        self.rows_in("postgres", sql)
    }

    pub fn rows_in(&self, database: &str, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        query_rows(&self.url_to(SUPERUSER, database), sql)
    }

    /// A connection from inside a runtime; its driver task ends with the client.
    pub async fn connect(&self, user: &str, password: &str, database: &str) -> Result<Client> {
        connect(&self.url_with_password(user, password, database)).await
    }

    /// `CREATE DATABASE name`, unless it is there.
    pub fn create_database(&self, name: &str) -> Result<()> {
        let there = self.rows(&format!(
            "select 1 from pg_database where datname = '{name}'"
        ))?;
        if there.is_empty() {
            self.execute(&format!("create database \"{name}\""))?;
        }
        Ok(())
    }

    /// The server's log so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("server.log")).unwrap_or_default()
    }

    /// Stops it in the fast way, if need be in the immediate way; the data stays for `restart`.
    pub fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.end(&[
                (Signal::INT, FAST_STOP_LIMIT),
                (Signal::QUIT, IMMEDIATE_STOP_LIMIT),
            ]);
        }
    }

    /// Ends it as a crash would (its children notice and go too).
    pub fn crash(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.end(&[(Signal::QUIT, IMMEDIATE_STOP_LIMIT)]);
        }
    }

    /// Starts it again, on the same port.
    pub fn restart(&mut self) -> Result<()> {
        self.stop();
        self.run()
    }

    fn run(&mut self) -> Result<()> {
        let mut last = anyhow!("not tried");
        for _ in 0..START_TRIES {
            if self.port == 0 {
                self.port = free_port()?;
            }
            match self.run_on_port() {
                Ok(server) => {
                    self.server = Some(server);
                    return Ok(());
                }
                Err(error) if format!("{error:#}").contains("in use") => {
                    self.port = 0; // somebody was quicker
                    last = error;
                }
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    fn run_on_port(&self) -> Result<Child> {
        let log_path = self.dir.path().join("server.log");
        let log = fs::File::create(&log_path)?;
        let on_off = if self.options.fsync { "on" } else { "off" };
        let mut settings = vec![
            ("listen_addresses".to_owned(), "127.0.0.1".to_owned()),
            ("port".to_owned(), self.port.to_string()),
            (
                "unix_socket_directories".to_owned(),
                self.dir.path().display().to_string(),
            ),
            ("fsync".to_owned(), on_off.to_owned()),
            ("shared_buffers".to_owned(), "32MB".to_owned()),
            ("max_connections".to_owned(), "200".to_owned()),
        ];
        settings.extend(self.options.settings.iter().cloned());
        let mut args = vec!["-D".to_owned(), self.data_dir().display().to_string()];
        for (name, value) in settings {
            args.extend(["-c".to_owned(), format!("{name}={value}")]);
        }
        let mut server = Launch::new(&self.version.bin.join("postgres"), server_account(), "INT")
            .args(args)
            .env("LC_ALL", "C.UTF-8")
            .current_dir(self.dir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::from(log))
            .start()?;
        self.wait_until_ready(&mut server, &log_path)?;
        Ok(server)
    }

    /// The postmaster writes its state into the eighth line of its pid file.
    fn wait_until_ready(&self, server: &mut Child, log: &Path) -> Result<()> {
        let pid_file = self.data_dir().join("postmaster.pid");
        let own_pid = server.id().to_string();
        let until = Instant::now() + START_LIMIT;
        while Instant::now() < until {
            let text = fs::read_to_string(&pid_file).unwrap_or_default();
            let mut lines = text.lines();
            if lines.next() == Some(own_pid.as_str())
                && lines.nth(6).map(str::trim) == Some("ready")
            {
                return Ok(());
            }
            if let Some(status) = server.ended() {
                bail!("the server ended ({status}): {}", fs::read_to_string(log)?);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        bail!(
            "the server isn't ready after {START_LIMIT:?}: {}",
            fs::read_to_string(log)?
        )
    }
}

impl Drop for PgCluster {
    fn drop(&mut self) {
        self.stop();
    }
}

/// One connection, one simple query, its rows as text. Blocks; the runtime is a thread of its own, so
/// that it may be called from inside another runtime.
pub fn query_rows(url: &str, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
    let (url, sql) = (url.to_owned(), sql.to_owned());
    let asked = std::thread::spawn(move || -> Result<Vec<Vec<Option<String>>>> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let client = connect(&url).await?;
            let answer = client.simple_query(&sql).await.map_err(in_words)?;
            Ok(answer.iter().filter_map(row_as_text).collect())
        })
    });
    asked
        .join()
        .map_err(|_| anyhow!("the asking thread panicked"))?
}

async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .map_err(in_words)?;
    tokio::spawn(connection);
    Ok(client)
}

fn row_as_text(message: &SimpleQueryMessage) -> Option<Vec<Option<String>>> {
    let SimpleQueryMessage::Row(row) = message else {
        return None;
    };
    Some(
        (0..row.len())
            .map(|column| row.get(column).map(str::to_owned))
            .collect(),
    )
}

/// The server's message instead of the driver's "db error".
fn in_words(error: tokio_postgres::Error) -> anyhow::Error {
    match error.as_db_error() {
        Some(db) => anyhow!("{}: {}", db.code().code(), db.message()),
        None => anyhow!(error),
    }
}

fn children(parent: &Path, below: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| Some(entry.ok()?.path().join(below)))
        .collect()
}

fn version_text(bin: &Path) -> Result<String> {
    let output = Command::new(bin.join("postgres"))
        .arg("--version")
        .output()?;
    ensure!(
        output.status.success(),
        "`postgres --version` failed in {}",
        bin.display()
    );
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Whom database servers run as when the tests run as root: PostgreSQL and pgbouncer refuse root.
pub fn server_account() -> Option<&'static str> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    Some(if account_ids("postgres").is_some() {
        "postgres"
    } else {
        "nobody"
    })
}

fn account_ids(account: &str) -> Option<(u32, u32)> {
    let passwd = fs::read_to_string("/etc/passwd").ok()?;
    let line = passwd
        .lines()
        .find(|line| line.split(':').next() == Some(account))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

/// So that a server started as [`server_account`] can use it.
pub fn give_to_server_account(path: &Path) -> Result<()> {
    let Some((uid, gid)) = server_account().and_then(account_ids) else {
        return Ok(());
    };
    chown(path, Some(uid), Some(gid)).with_context(|| format!("can't give {} away", path.display()))
}

/// Fills `data` from this version's template, which is made on first use: `initdb` takes a second or
/// two of CPU, a copy a tenth of that.
fn initialise(version: &PgVersion, data: &Path) -> Result<()> {
    let Ok(template) = template(version) else {
        return initdb(version, data); // no cache to write to
    };
    copy_tree(&template, data)
}

fn template(version: &PgVersion) -> Result<PathBuf> {
    let all = cache_dir().join("pg-template");
    fs::create_dir_all(&all)?;
    let name: String = version_text(&version.bin)?
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '.' {
                c
            } else {
                '-'
            }
        })
        .collect();
    let account = server_account().unwrap_or("self");
    let ready = all.join(format!("{name}-{account}-r{TEMPLATE_REVISION}"));
    let lock = fs::File::create(ready.with_added_extension("lock"))?;
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive)?;
    if !ready.exists() {
        let scratch = tempfile::Builder::new()
            .prefix("portcullis-initdb-")
            .tempdir()?;
        give_to_server_account(scratch.path())?;
        let made = scratch.path().join("data");
        initdb(version, &made)?;
        let half = ready.with_added_extension(format!("half-{}", std::process::id()));
        copy_tree(&made, &half)?;
        fs::rename(&half, &ready)?; // whole or not at all
    }
    Ok(ready)
}

fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    let output = Command::new("cp")
        .args(["-a", "--reflink=auto", "--"])
        .arg(from)
        .arg(to)
        .output()?;
    ensure!(
        output.status.success(),
        "cp: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

fn initdb(version: &PgVersion, data: &Path) -> Result<()> {
    let parent = data.parent().context("a data folder has a parent")?;
    let password_file = parent.join("superuser.password");
    fs::write(&password_file, SUPERUSER_PASSWORD)?;
    fs::set_permissions(&password_file, fs::Permissions::from_mode(0o600))?;
    give_to_server_account(&password_file)?;
    let log_path = parent.join("initdb.log");
    let log = fs::File::create(&log_path)?;
    let mut initdb = Launch::new(&version.bin.join("initdb"), server_account(), "KILL")
        .args(["-D".as_ref(), data.as_os_str()])
        .args([
            "-U",
            SUPERUSER,
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "-N",
        ])
        .args(["--pwfile".as_ref(), password_file.as_os_str()])
        .env("LC_ALL", "C.UTF-8")
        .current_dir(parent)
        .stdout(Stdio::from(log.try_clone()?))
        .stderr(Stdio::from(log))
        .start()?;
    let status = initdb.wait(START_LIMIT).context("initdb takes too long")?;
    fs::remove_file(&password_file)?;
    ensure!(
        status.success(),
        "initdb: {}",
        fs::read_to_string(&log_path)?
    );
    Ok(())
}
