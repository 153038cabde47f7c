//! Two clusters and two gates, alike in what the contracts show; and the three roads into them.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};

use super::compare::{self, Verdict};
use super::step::{Case, Order, Step};
use super::talk::{self, Ended, Transcript};
use super::{CONTRACTS_TOML, WORLD_SQL};
use crate::raw::{Message, Raw};
use crate::{
    Connect, Gate, GateOptions, PgCluster, PgOptions, PgVersions, SUPERUSER, SUPERUSER_PASSWORD,
    sample,
};

pub const CONTRACTS: [&str; 3] = ["ops", "figures", "upkeep"];
const DATABASE: &str = "hospital";
/// The same world once more, for statements that nothing keeps from writing.
const BARE: &str = "bare";
/// For the world without contracts: what the bare copy is made from.
const PRISTINE: &str = "pristine";
/// The direct role's; its grants are not used through the gate afterwards.
const DIRECT_PASSWORD: &str = "known-to-the-trial";
/// A statement may hang on one road (a lock, a sleep); it is cut, on both sides alike.
const ANSWER_LIMIT: Duration = Duration::from_secs(12);
const BARE_TIMEOUT: &str = "4s";

/// Where a case is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Road {
    /// As the vendor's engineer, through the gate.
    Gate,
    /// As the superuser on the bare database: what would be disclosed.
    Bare,
    /// Logged in at the database as a grant's role: the second lock alone.
    Direct,
}

#[derive(Clone, Debug, Default)]
pub struct TwinsOptions {
    /// More `postgresql.conf` settings, by side: other planner settings provoke other plans.
    pub settings: [Vec<(String, String)>; 2],
    /// Run in `hospital` on the second side after the contracts are in force: an injected leak.
    pub tamper: Option<String>,
}

/// A case on both sides.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub a: Transcript,
    pub b: Transcript,
    pub verdict: Verdict,
}

struct Side {
    number: u8,
    gate: Gate,
    cluster: PgCluster,
    /// By road and contract: where to connect, and what of it may stand in answers.
    ways: HashMap<(Road, String), Connect>,
    open: HashMap<(Road, String), Session>,
    /// The bare copy was written to.
    bare_is_stale: bool,
    /// The id that the next transaction gets that writes.
    bare_transaction: Option<String>,
}

/// An open connection, and the process that serves it in the database.
struct Session {
    raw: Raw,
    pid: String,
}

pub struct Twins {
    sides: [Mutex<Side>; 2],
}

impl Twins {
    pub fn start() -> Result<Self> {
        Self::start_with(TwinsOptions::default())
    }

    pub fn start_with(options: TwinsOptions) -> Result<Self> {
        let [settings_a, settings_b] = options.settings;
        let tamper = options.tamper;
        let (a, b) = std::thread::scope(|scope| {
            let other = scope.spawn(|| Side::start(2, settings_b, tamper.as_deref()));
            let a = Side::start(1, settings_a, None);
            let b = other
                .join()
                .unwrap_or_else(|_| Err(anyhow!("the second side's start panicked")));
            (a, b)
        });
        Ok(Self {
            sides: [Mutex::new(a?), Mutex::new(b?)],
        })
    }

    pub fn gate(&self, contract: &str, steps: &[Step]) -> Result<Outcome> {
        self.say(Road::Gate, contract, steps)
    }

    pub fn bare(&self, steps: &[Step]) -> Result<Outcome> {
        self.say(Road::Bare, "ops", steps)
    }

    pub fn direct(&self, contract: &str, steps: &[Step]) -> Result<Outcome> {
        self.say(Road::Direct, contract, steps)
    }

    pub fn case(&self, road: Road, case: &Case) -> Result<Outcome> {
        self.judged(road, &case.contract, &case.steps, case.order)
    }

    /// Says it on both sides; what differs is asked again, so that noise isn't taken for a disclosure
    /// and a disclosure not for noise (see [`compare::judge`]).
    pub fn say(&self, road: Road, contract: &str, steps: &[Step]) -> Result<Outcome> {
        self.judged(road, contract, steps, Order::Any)
    }

    fn judged(&self, road: Road, contract: &str, steps: &[Step], order: Order) -> Result<Outcome> {
        let (a, b) = self.once(road, contract, steps)?;
        let verdict = compare::equal(&a, &b, order);
        if verdict.is_same() {
            return Ok(Outcome { a, b, verdict });
        }
        let (again_a, again_b) = self.once(road, contract, steps)?;
        let verdict = compare::judge(&[&a, &again_a], &[&b, &again_b], order);
        Ok(Outcome { a, b, verdict })
    }

    fn once(&self, road: Road, contract: &str, steps: &[Step]) -> Result<(Transcript, Transcript)> {
        let [one, two] = &self.sides;
        let (a, b) = std::thread::scope(|scope| {
            let other = scope.spawn(|| locked(two).say(road, contract, steps));
            let a = locked(one).say(road, contract, steps);
            let b = other
                .join()
                .unwrap_or_else(|_| Err(anyhow!("the second side panicked")));
            (a, b)
        });
        Ok((a?, b?))
    }

    /// Everything that the gates wrote to their standard errors.
    pub fn gate_logs(&self) -> [String; 2] {
        [0, 1].map(|index| {
            self.sides
                .get(index)
                .map_or_else(String::new, |side| locked(side).gate.server_log())
        })
    }

    /// SQL as the superuser on one side's protected database.
    pub fn rows_in(&self, side: usize, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        let side = self.sides.get(side).context("sides are 0 and 1")?;
        locked(side).cluster.rows_in(DATABASE, sql)
    }
}

fn locked(side: &Mutex<Side>) -> MutexGuard<'_, Side> {
    side.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Memory instead of a disk, where there is one: thousands of statements are recorded durably.
fn fast_folder() -> Option<PathBuf> {
    let memory = PathBuf::from("/dev/shm");
    let probe = tempfile::tempdir_in(&memory).ok()?;
    drop(probe);
    Some(memory)
}

impl Side {
    fn start(number: u8, settings: Vec<(String, String)>, tamper: Option<&str>) -> Result<Self> {
        let cluster = start_cluster(settings)?;
        load_world(&cluster, number)?;
        let gate = Gate::start_with(GateOptions {
            within: fast_folder(),
            ..GateOptions::default()
        })?;
        let mut side = Self {
            number,
            gate,
            cluster,
            ways: HashMap::new(),
            open: HashMap::new(),
            bare_is_stale: true,
            bare_transaction: None,
        };
        side.apply()?;
        side.open_roads()?;
        if let Some(sql) = tamper {
            side.cluster.execute_in(DATABASE, sql)?;
        }
        Ok(side)
    }

    fn apply(&self) -> Result<()> {
        std::fs::write(self.gate.path("steward.password"), sample::STEWARD_PASSWORD)?;
        let resource = sample::RESOURCE_TOML.replace("127.0.0.1:5432", &self.cluster.address());
        self.gate.apply(&[
            ("vendor.toml", &sample::for_all_time(sample::VENDOR_TOML)),
            ("resource.toml", &resource),
            ("contracts.toml", CONTRACTS_TOML),
        ])
    }

    /// A grant for the gate and one for logging in directly, per contract.
    fn open_roads(&mut self) -> Result<()> {
        for contract in CONTRACTS {
            let connect = self.gate.grant("li.wei", contract, DATABASE, "work")?;
            self.ways.insert((Road::Gate, contract.to_owned()), connect);
            let direct = self.direct_way(contract)?;
            self.ways
                .insert((Road::Direct, contract.to_owned()), direct);
            let bare = Connect {
                grant: String::new(),
                host: "127.0.0.1".to_owned(),
                port: self.cluster.port(),
                user: SUPERUSER.to_owned(),
                database: BARE.to_owned(),
                password: SUPERUSER_PASSWORD.to_owned(),
            };
            self.ways.insert((Road::Bare, contract.to_owned()), bare);
        }
        Ok(())
    }

    /// The role is the gate's own work (made at a session's start); only its secret is ours.
    fn direct_way(&self, contract: &str) -> Result<Connect> {
        let connect = self.gate.grant("li.wei", contract, DATABASE, "work")?;
        Raw::connect(&connect, "makes the role")?.leave();
        let newest = "select rolname from pg_roles where rolname like 'portcullis\\_g\\_%' order by oid desc limit 1";
        let role = self.cluster.rows_in(DATABASE, newest)?;
        let role = role
            .into_iter()
            .flatten()
            .flatten()
            .next()
            .with_context(|| format!("no role for the grant {}", connect.grant))?;
        self.cluster.execute(&format!(
            "alter role \"{role}\" password {}",
            quoted(DIRECT_PASSWORD)
        ))?;
        Ok(Connect {
            host: "127.0.0.1".to_owned(),
            port: self.cluster.port(),
            user: role,
            password: DIRECT_PASSWORD.to_owned(),
            ..connect
        })
    }

    fn say(&mut self, road: Road, contract: &str, steps: &[Step]) -> Result<Transcript> {
        let key = (road, contract.to_owned());
        if road == Road::Bare && self.bare_is_stale {
            self.renew_bare()?;
        }
        let mut session = match self.open.remove(&key) {
            Some(session) => session,
            None => self.connect(&key)?,
        };
        let mut transcript = talk::say(&mut session.raw, steps);
        let pid = session.pid.clone();
        if transcript.is_usable() && reset(&mut session.raw, &transcript) {
            self.open.insert(key.clone(), session);
        }
        if road == Road::Bare {
            self.bare_is_stale = self.bare_was_written(&key);
        }
        self.neutral(&key, &pid, &mut transcript);
        Ok(transcript)
    }

    fn connect(&self, key: &(Road, String)) -> Result<Session> {
        let way = self
            .ways
            .get(key)
            .with_context(|| format!("no contract `{}`", key.1))?;
        let mut raw = Raw::connect(way, "trial")
            .with_context(|| format!("side {}, {:?}", self.number, key))?;
        raw.set_answer_limit(ANSWER_LIMIT);
        let pid = raw.query("select pg_backend_pid()")?.rows();
        let pid = pid
            .into_iter()
            .flatten()
            .flatten()
            .next()
            .context("no process id")?;
        Ok(Session { raw, pid })
    }

    fn renew_bare(&mut self) -> Result<()> {
        self.open.retain(|(road, _), _| *road != Road::Bare);
        self.cluster
            .execute(&format!("drop database if exists {BARE} with (force)"))?;
        self.cluster
            .execute(&format!("create database {BARE} template {PRISTINE}"))?;
        self.cluster.execute(&format!(
            "alter database {BARE} set search_path = clinic, lab, public"
        ))?;
        self.cluster.execute(&format!(
            "alter database {BARE} set statement_timeout = '{BARE_TIMEOUT}'"
        ))?;
        self.bare_is_stale = false;
        self.bare_transaction = None;
        Ok(())
    }

    /// A transaction got an id, so something was written (autovacuum is off; nobody else is there).
    fn bare_was_written(&mut self, key: &(Road, String)) -> bool {
        let Some(next) = self
            .open
            .get_mut(key)
            .and_then(|session| next_transaction(&mut session.raw))
        else {
            return true;
        };
        let before = self.bare_transaction.replace(next.clone());
        before.is_some_and(|before| before != next)
    }

    /// Writes the same word for what names this side's own ends: grants, roles, ports.
    fn neutral(&self, key: &(Road, String), pid: &str, transcript: &mut Transcript) {
        let Some(way) = self.ways.get(key) else {
            return;
        };
        let own = [(way.grant.as_str(), "GRANT"), (way.user.as_str(), "USER")];
        for part in &mut transcript.parts {
            for message in &mut part.messages {
                for (from, to) in own {
                    renamed(message, from, to);
                }
                without_pid(message, pid);
            }
        }
    }
}

fn renamed(message: &mut Message, from: &str, to: &str) {
    if from.is_empty() || from == SUPERUSER || !holds(&message.body, from) {
        return;
    }
    if message.tag != b'D' {
        message.body = replaced(&message.body, from, to);
        return;
    }
    let values = compare::values(&message.body).into_iter();
    let values: Vec<_> = values
        .map(|value| value.map(|value| replaced(&value, from, to)))
        .collect();
    message.body = compare::row_of(&values);
}

/// A value that is the process id, in text or in binary.
fn without_pid(message: &mut Message, pid: &str) {
    let binary = pid.parse::<i32>().unwrap_or_default().to_be_bytes();
    let is_pid = |value: &Vec<u8>| value == pid.as_bytes() || *value == binary;
    if message.tag != b'D'
        || !holds(&message.body, pid) && !message.body.windows(4).any(|four| four == binary)
    {
        return;
    }
    let values = compare::values(&message.body).into_iter();
    let values: Vec<_> = values
        .map(|value| {
            value.map(|value| {
                if is_pid(&value) {
                    b"PID".to_vec()
                } else {
                    value
                }
            })
        })
        .collect();
    message.body = compare::row_of(&values);
}

fn holds(body: &[u8], text: &str) -> bool {
    body.windows(text.len())
        .any(|window| window == text.as_bytes())
}

fn replaced(body: &[u8], from: &str, to: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some((first, behind)) = rest.split_first() {
        if let Some(behind) = rest.strip_prefix(from.as_bytes()) {
            out.extend_from_slice(to.as_bytes());
            rest = behind;
        } else {
            out.push(*first);
            rest = behind;
        }
    }
    out
}

/// Leaves nothing of a case behind; false: take another connection.
fn reset(raw: &mut Raw, transcript: &Transcript) -> bool {
    let status = transcript
        .parts
        .last()
        .and_then(|part| part.messages.last())
        .and_then(|message| message.body.first());
    let steps: &[&str] = match status {
        Some(b'I') => &["DISCARD ALL"],
        _ => &["ROLLBACK", "DISCARD ALL"],
    };
    steps.iter().all(|sql| {
        let said = talk::say(raw, &[Step::Query((*sql).to_owned())]);
        said.is_usable() && said.sqlstates().is_empty()
    })
}

fn next_transaction(raw: &mut Raw) -> Option<String> {
    let answers = raw
        .query("select pg_snapshot_xmax(pg_current_snapshot())")
        .ok()?;
    answers.rows().into_iter().flatten().flatten().next()
}

fn start_cluster(settings: Vec<(String, String)>) -> Result<PgCluster> {
    // Statistics move only when a trial says so: a plan must not change between two askings.
    let mut all: Vec<(String, String)> = [
        ("autovacuum", "off"),
        ("synchronous_commit", "off"),
        ("full_page_writes", "off"),
        ("max_prepared_transactions", "8"),
        ("wal_level", "logical"),
        ("deadlock_timeout", "200ms"),
        ("jit", "off"),
        ("timezone", "UTC"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    all.extend(settings);
    PgCluster::start_with(
        &PgVersions::usual()?,
        PgOptions {
            settings: all,
            within: fast_folder(),
            ..PgOptions::default()
        },
    )
}

fn load_world(cluster: &PgCluster, side: u8) -> Result<()> {
    let world = WORLD_SQL.replace(":side", &side.to_string());
    cluster.create_database(PRISTINE)?;
    cluster.execute_in(PRISTINE, &world).context("world.sql")?;
    cluster.execute(&format!("create database {DATABASE} template {PRISTINE}"))?;
    sample::add_steward(cluster, DATABASE, "clinic")?;
    sample::add_steward(cluster, DATABASE, "lab")
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

impl Outcome {
    /// How each side ended, for a report.
    pub fn ended(&self) -> [Option<Ended>; 2] {
        [&self.a, &self.b].map(|side| side.parts.last().map(|part| part.ended))
    }
}
