//! The whole product in a temporary folder: `portcullis init`, `serve`, and its command line as
//! officers use it. The sample contract of `examples/clinic` is what it is usually given.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::{Child, Launch, PgCluster, free_port, sample, scratch};

const READY_LIMIT: Duration = Duration::from_secs(30);
const DRAIN_LIMIT: Duration = Duration::from_secs(20);
/// For one command of the command line.
const COMMAND_LIMIT_SECONDS: &str = "60";
const START_TRIES: u32 = 3;

/// The officers that every test gate has: two who can approve, so that nobody acts alone.
pub const OFFICERS: [&str; 3] = ["chen:admin,approver", "zhao:approver", "wu:auditor"];

/// How a gate is started.
#[derive(Debug, Clone, Default)]
pub struct GateOptions {
    /// Refuse plain text also on the loopback.
    pub tls_only: bool,
    /// More arguments to `serve`.
    pub serve_args: Vec<String>,
    /// More environment for `serve`.
    pub serve_env: Vec<(String, String)>,
    /// `serve` is started by this command: `["strace", "-f", …]`. Its own pid is then the tracer's.
    pub wrapped_in: Vec<String>,
    /// Where the gate's folder is made; the system's temporary folder unless given.
    pub within: Option<PathBuf>,
}

/// What an approval hands to the vendor's engineer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connect {
    pub grant: String,
    pub host: String,
    pub port: u16,
    pub user: String,
    pub database: String,
    pub password: String,
}

impl Connect {
    /// For `libpq`, tokio-postgres and whoever else takes a URL. User names hold dots and `+`, the
    /// password any character: both are percent-encoded.
    pub fn url(&self) -> String {
        format!(
            "postgresql://{}:{}@{}:{}/{}",
            percent(&self.user),
            percent(&self.password),
            self.host,
            self.port,
            self.database
        )
    }
}

/// One command's answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub code: i32,
    pub json: Value,
    pub stdout: String,
    pub stderr: String,
}

impl Answer {
    /// The JSON of a command that exited with 0.
    pub fn done(self) -> Result<Value> {
        ensure!(
            self.code == 0,
            "exit code {}: {}{}",
            self.code,
            self.stdout,
            self.stderr
        );
        Ok(self.json)
    }
}

/// A gate with its data directory.
pub struct Gate {
    options: GateOptions,
    binary: PathBuf,
    tokens: Vec<String>,
    pg_port: u16,
    metrics_port: u16,
    server: Option<Child>,
    data_name: &'static str,
    // Dropped last: the server's files.
    dir: TempDir,
}

impl Gate {
    /// `init` with [`OFFICERS`] and `serve`; nothing applied.
    pub fn start() -> Result<Self> {
        Self::start_with(GateOptions::default())
    }

    pub fn start_with(options: GateOptions) -> Result<Self> {
        let parent = options.within.clone().unwrap_or_else(std::env::temp_dir);
        let dir = scratch::folder("portcullis-gate-", &parent)?;
        // The same program until the end, also where somebody builds another meanwhile.
        let (built, own) = (binary()?, dir.path().join("portcullis"));
        let binary = fs::hard_link(&built, &own).map_or(built, |()| own);
        let mut gate = Self {
            options,
            binary,
            tokens: Vec::new(),
            pg_port: 0,
            metrics_port: 0,
            server: None,
            data_name: "data",
            dir,
        };
        gate.init()?;
        gate.serve()?;
        Ok(gate)
    }

    /// A gate in front of `cluster`'s database `hospital` (which [`sample::load_clinic`] fills), the
    /// sample contract in force. `edit` changes the contract's text before it is applied.
    pub fn before_clinic(cluster: &PgCluster, edit: impl FnOnce(String) -> String) -> Result<Self> {
        let gate = Self::start()?;
        gate.apply_clinic(cluster, edit)?;
        Ok(gate)
    }

    /// Applies vendor, person, resource and contract, and approves what waits.
    pub fn apply_clinic(
        &self,
        cluster: &PgCluster,
        edit: impl FnOnce(String) -> String,
    ) -> Result<()> {
        fs::write(self.path("steward.password"), sample::STEWARD_PASSWORD)?;
        let resource = sample::RESOURCE_TOML.replace("127.0.0.1:5432", &cluster.address());
        self.apply(&[
            ("vendor.toml", &sample::for_all_time(sample::VENDOR_TOML)),
            ("resource.toml", &resource),
            (
                "contract.toml",
                &edit(sample::for_all_time(sample::CONTRACT_TOML)),
            ),
        ])
    }

    /// The same for pgbench's tables in `database`, and the grant to use them.
    pub fn apply_pgbench(&self, cluster: &PgCluster, database: &str) -> Result<Connect> {
        sample::add_steward(cluster, database, "public")?;
        fs::write(self.path("steward.password"), sample::STEWARD_PASSWORD)?;
        let resource = sample::RESOURCE_TOML
            .replace(
                "127.0.0.1:5432/hospital",
                &format!("{}/{database}", cluster.address()),
            )
            .replace("hospital", "pgbench");
        self.apply(&[
            ("vendor.toml", &sample::for_all_time(sample::VENDOR_TOML)),
            ("resource.toml", &resource),
            ("contract.toml", sample::PGBENCH_CONTRACT_TOML),
        ])?;
        self.grant("li.wei", "pgbench-2026", "pgbench", "measuring")
    }

    /// Applies the texts as one set by the first officer; the second approves all that waits.
    pub fn apply(&self, files: &[(&str, &str)]) -> Result<()> {
        let mut args = vec!["apply".to_owned()];
        for (name, text) in files {
            let path = self.path(name);
            fs::write(&path, text)?;
            args.push(path.display().to_string());
        }
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let answer = self.officer(0).run(&args)?;
        let changes = answer
            .get("changes")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        for change in changes {
            // One change may carry several of the set: what the first approval settled is done.
            if text_at(&change, "/state")? == "pending"
                && self.is_pending(&text_at(&change, "/id")?)?
            {
                self.officer(1)
                    .run(&["change", "approve", &text_at(&change, "/id")?])?;
            }
        }
        Ok(())
    }

    fn is_pending(&self, change: &str) -> Result<bool> {
        let listed = self.officer(1).run(&["change", "list"])?;
        let changes = listed
            .get("changes")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        Ok(changes
            .iter()
            .any(|one| text_at(one, "/id").is_ok_and(|id| id == change)))
    }

    /// Who was given as the `index`th of [`OFFICERS`].
    pub fn officer(&self, index: usize) -> Actor<'_> {
        Actor {
            gate: self,
            token: self.tokens.get(index).cloned().unwrap_or_default(),
        }
    }

    /// Whoever holds this token: a person, say.
    pub fn actor(&self, token: &str) -> Actor<'_> {
        Actor {
            gate: self,
            token: token.to_owned(),
        }
    }

    /// Requested by the first officer for the person, approved by the second.
    pub fn grant(
        &self,
        person: &str,
        contract: &str,
        resource: &str,
        purpose: &str,
    ) -> Result<Connect> {
        let requested = self.officer(0).run(&[
            "grant",
            "request",
            "--person",
            person,
            "--contract",
            contract,
            "--resource",
            resource,
            "--purpose",
            purpose,
            "--for",
            "8h",
        ])?;
        let grant = text_at(&requested, "/grant/id")?;
        let approved = self.officer(1).run(&["grant", "approve", &grant])?;
        Ok(Connect {
            grant,
            host: text_at(&approved, "/connect/host")?,
            port: text_at(&approved, "/connect/port")?.parse()?,
            user: text_at(&approved, "/connect/user")?,
            database: text_at(&approved, "/connect/database")?,
            password: text_at(&approved, "/connect/password")?,
        })
    }

    /// The usual one of the sample: Li Wei looks up records on ticket.
    pub fn grant_clinic(&self) -> Result<Connect> {
        self.grant("li.wei", "clinic-ops-2026", "hospital", "tickets")
    }

    /// All events so far.
    pub fn log_export(&self) -> Result<Vec<Value>> {
        let answer = self.officer(2).try_run(&["log", "export"])?;
        ensure!(answer.code == 0, "log export: {}", answer.stderr);
        answer
            .stdout
            .lines()
            .map(|line| Ok(serde_json::from_str(line)?))
            .collect()
    }

    /// Events of one kind.
    pub fn events(&self, kind: &str) -> Result<Vec<Value>> {
        let mut events = self.log_export()?;
        events.retain(|event| event.get("kind").and_then(Value::as_str) == Some(kind));
        Ok(events)
    }

    /// `log verify` on the data directory, without the server.
    pub fn log_verify(&self, args: &[&str]) -> Result<Answer> {
        run(
            &self.binary,
            &self.data_dir(),
            "",
            &[&["log", "verify"], args].concat(),
        )
    }

    /// Graceful; the exit code is the server's.
    pub fn stop(&mut self) -> Result<i32> {
        let mut server = self.server.take().context("not running")?;
        server.signal(Signal::TERM);
        let ended = server.wait(DRAIN_LIMIT);
        let status = ended.ok_or_else(|| anyhow!("didn't drain within {DRAIN_LIMIT:?}"))?;
        Ok(status.code().unwrap_or(-1))
    }

    /// As a crash of the machine's process table would.
    pub fn kill9(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.end(&[(Signal::KILL, Duration::from_secs(5))]);
        }
    }

    /// Starts it again on the same ports and data; answers how long it took to be ready.
    pub fn restart(&mut self) -> Result<Duration> {
        if self.server.is_some() {
            self.stop()?;
        }
        let from = Instant::now();
        self.serve()?;
        Ok(from.elapsed())
    }

    /// Stops it and starts it on a copy of its data directory in another place, on other ports. The
    /// caches stay behind: what matters must not depend on them.
    pub fn move_elsewhere(&mut self) -> Result<()> {
        self.stop()?;
        let from = self.data_dir();
        self.data_name = "data-elsewhere";
        let copied = Command::new("cp")
            .arg("-a")
            .arg(&from)
            .arg(self.data_dir())
            .status()?;
        ensure!(copied.success(), "cp");
        let cache = self.data_dir().join("cache");
        if cache.exists() {
            fs::remove_dir_all(cache)?;
        }
        fs::remove_dir_all(from)?;
        self.pg_port = 0;
        self.serve()
    }

    pub fn pid(&self) -> Option<u32> {
        self.server.as_ref().map(Child::id)
    }

    /// Whether the server still runs.
    pub fn is_alive(&mut self) -> bool {
        self.server
            .as_mut()
            .is_some_and(|server| server.ended().is_none())
    }

    pub fn signal(&mut self, signal: Signal) {
        if let Some(server) = &mut self.server {
            server.signal(signal);
        }
    }

    pub fn pg_port(&self) -> u16 {
        self.pg_port
    }

    pub fn metrics_port(&self) -> u16 {
        self.metrics_port
    }

    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join(self.data_name)
    }

    /// A file in the gate's folder, beside its data directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// What `serve` wrote to its standard error so far.
    pub fn server_log(&self) -> String {
        fs::read_to_string(self.path("serve.log")).unwrap_or_default()
    }

    /// Resident memory in bytes, as the kernel counts it.
    pub fn resident_bytes(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()?)).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        line.split_whitespace()
            .nth(1)?
            .parse::<u64>()
            .ok()
            .map(|kib| kib * 1024)
    }

    fn init(&mut self) -> Result<()> {
        let mut args = vec!["init"];
        for officer in OFFICERS {
            args.extend(["--officer", officer]);
        }
        let answer = run(&self.binary, &self.data_dir(), "", &args)?.done()?;
        let officers = answer.get("officers").and_then(Value::as_array).cloned();
        for officer in officers.context("`init` names no officers")? {
            self.tokens.push(text_at(&officer, "/token")?);
        }
        Ok(())
    }

    fn serve(&mut self) -> Result<()> {
        let mut last = anyhow!("not tried");
        for _ in 0..START_TRIES {
            if self.pg_port == 0 {
                self.pg_port = free_port()?;
                self.metrics_port = free_port()?;
            }
            match self.serve_once() {
                Ok(server) => {
                    self.server = Some(server);
                    return Ok(());
                }
                Err(error) => last = error,
            }
            if !self.server_log().to_lowercase().contains("in use") {
                return Err(last);
            }
            self.pg_port = 0; // somebody was quicker
        }
        Err(last)
    }

    fn serve_once(&self) -> Result<Child> {
        let log = fs::File::create(self.path("serve.log"))?;
        let answers = self.path("serve.out");
        let mut words = self.options.wrapped_in.clone();
        words.push(self.binary.display().to_string());
        let address = |port: u16| format!("127.0.0.1:{port}");
        words.push("serve".to_owned());
        words.extend(["--pg".to_owned(), address(self.pg_port)]);
        words.extend(["--metrics".to_owned(), address(self.metrics_port)]);
        if !self.options.tls_only {
            words.push("--allow-plaintext-loopback".to_owned());
        }
        words.extend(self.options.serve_args.iter().cloned());
        let (program, args) = words.split_first().context("no command")?;
        let mut launch = Launch::new(Path::new(program), None, "KILL")
            .args(args)
            .env("PORTCULLIS_DATA", self.data_dir())
            .current_dir(self.dir.path())
            .stdout(Stdio::from(fs::File::create(&answers)?))
            .stderr(Stdio::from(log));
        for (key, value) in &self.options.serve_env {
            launch = launch.env(key, value);
        }
        let mut server = launch.start()?;
        let until = Instant::now() + READY_LIMIT;
        while Instant::now() < until {
            let said = fs::read_to_string(&answers).unwrap_or_default();
            if said.lines().any(|line| line.starts_with("ready")) && said.ends_with('\n') {
                return Ok(server);
            }
            if let Some(status) = server.ended() {
                bail!("`serve` ended ({status}): {said}{}", self.server_log());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        bail!(
            "`serve` isn't ready after {READY_LIMIT:?}: {}",
            self.server_log()
        )
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.end(&[(Signal::TERM, Duration::from_secs(2))]);
        }
        if std::env::var_os("PORTCULLIS_TEST_LOG").is_some() {
            eprintln!("{}", self.server_log());
        }
    }
}

/// Somebody with a token at the command line.
pub struct Actor<'a> {
    gate: &'a Gate,
    token: String,
}

impl Actor<'_> {
    pub fn token(&self) -> &str {
        &self.token
    }

    /// A command that must succeed; its JSON.
    pub fn run(&self, args: &[&str]) -> Result<Value> {
        let answer = self.try_run(args)?;
        answer
            .done()
            .with_context(|| format!("portcullis {}", args.join(" ")))
    }

    /// A command, however it ends.
    pub fn try_run(&self, args: &[&str]) -> Result<Answer> {
        run(&self.gate.binary, &self.gate.data_dir(), &self.token, args)
    }
}

/// The built `portcullis`: `PORTCULLIS_BIN`, else beside the running test or benchmark.
pub fn binary() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("PORTCULLIS_BIN") {
        return Ok(PathBuf::from(path));
    }
    let own = std::env::current_exe()?;
    let beside = own
        .ancestors()
        .skip(1)
        .take(2)
        .map(|dir| dir.join("portcullis"));
    beside
        .into_iter()
        .find(|path| path.is_file())
        .context("`portcullis` isn't built; run `cargo build -p portcullis`")
}

fn run(binary: &Path, data: &Path, token: &str, args: &[&str]) -> Result<Answer> {
    let mut command = Command::new("timeout");
    command.arg(COMMAND_LIMIT_SECONDS).arg(binary).args(args);
    if args.first() != Some(&"log") || args.get(1) != Some(&"export") {
        command.arg("--json");
    }
    command
        .env("PORTCULLIS_DATA", data)
        .env("PORTCULLIS_TOKEN", token)
        .stdin(Stdio::null());
    let output = command.output()?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(Answer {
        code: output.status.code().unwrap_or(-1),
        json: serde_json::from_str(&stdout).unwrap_or(Value::Null),
        stdout,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// A string or a number at the pointer, as text.
fn text_at(value: &Value, pointer: &str) -> Result<String> {
    match value.pointer(pointer) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Number(number)) => Ok(number.to_string()),
        _ => bail!("no `{pointer}` in {value}"),
    }
}

fn percent(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
