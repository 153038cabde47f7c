//! Two clusters and two gates, alike in what the contracts show; and the three roads into them.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail, ensure};

use super::compare::{self, Verdict};
use super::step::{Case, Order, Step};
use super::talk::{self, Ended, Transcript};
use super::{CONTRACTS_TOML, WORLD_SQL};
use crate::raw::{Message, Raw};
use crate::{
    Connect, Gate, GateOptions, PgCluster, PgOptions, PgVersions, SUPERUSER, query_rows, sample,
};

pub const CONTRACTS: [&str; 4] = ["ops", "figures", "upkeep", "counted"];
pub(super) const DATABASE: &str = "hospital";
/// The same world once more, for statements that nothing keeps from writing.
const BARE: &str = "bare";
/// For the world without contracts: what the bare copy is made from.
const PRISTINE: &str = "pristine";
/// The direct role's; its grants are not used through the gate afterwards.
const DIRECT_PASSWORD: &str = "known-to-the-trial";
/// A statement may hang (a lock, a sleep) (a lock, a sleep); it is cut, on both sides alike.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// Longer rows are not looked through for the process id.
const ROW_WITH_PID_BYTES: usize = 4096;
/// How often a slow side is asked once more, besides the second asking of all that differs.
const MORE_TIMES: usize = 1;
/// For the server to read its rules anew.
const RELOAD_LIMIT: Duration = Duration::from_secs(10);
/// The superuser of the trials' own work; what the trials do to the other one doesn't matter then.
const KEEPER: &str = "keeper";
const RENEW_BARE: [&str; 7] = [
    "drop database if exists bare with (force)",
    "create database bare template pristine",
    "alter database bare set search_path = clinic, lab, public",
    "alter database bare set statement_timeout = '4s'",
    "alter role postgres superuser login noreplication connection limit -1 valid until 'infinity'",
    "alter role postgres reset all",
    "alter system reset all",
];
const DIRECT_TIMEOUT: &str = "2s";
/// Of throw-away databases on the loopback; the gate's own logins go on with their passwords.
const TRUSTED: &str = "\
host all postgres 127.0.0.1/32 trust
host replication postgres 127.0.0.1/32 trust
host all keeper 127.0.0.1/32 trust
";
/// Where it wasn't asked for.
const NO_PID: &str = "no process id";

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
    /// Run on the second side once the contracts are in force.
    pub afterwards: Option<String>,
}

impl TwinsOptions {
    /// Hidden values choose plans and move rows about; here the second side does both as much as it can:
    /// no plan of the first side's kind, parallel workers, and rows in another place on disk.
    pub fn other_plans() -> Self {
        let settings = [
            ("enable_seqscan", "off"),
            ("enable_hashagg", "off"),
            ("enable_hashjoin", "off"),
            ("enable_nestloop", "off"),
            ("force_parallel_mode", "on"),
            ("min_parallel_table_scan_size", "0"),
            ("min_parallel_index_scan_size", "0"),
            ("parallel_setup_cost", "0"),
            ("parallel_tuple_cost", "0"),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self {
            settings: [Vec::new(), settings.to_vec()],
            afterwards: Some(MOVED_ROWS.to_owned()),
        }
    }
}

/// Every second row is written anew, behind the others.
const MOVED_ROWS: &str = "\
    update clinic.patients set secret = secret where patient_id % 2 = 0;
    update clinic.visits set cost = cost where visit_id % 2 = 0;
    update clinic.wards set beds = beds where ward < 'C';
    update clinic.doctors set badge = badge where doctor_id % 2 = 0;
    update lab.samples set secret = secret where patient_id % 2 = 0;
    analyze";

/// What stands around a case's steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Around {
    /// Start-up parameters of a session of its own.
    pub startup: Vec<(String, String)>,
    /// What the owner does before and afterwards, on every road; `:side` is 1 or 2. What fails, fails.
    pub setup: Vec<String>,
    pub undo: Vec<String>,
    /// In a session of its own, because sessions are counted or end.
    pub own_session: bool,
    /// Leaves the bare copy fit for use, though it writes.
    pub cleans_up: bool,
}

/// A case on both sides.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub a: Transcript,
    pub b: Transcript,
    pub verdict: Verdict,
}

pub(super) struct Side {
    number: u8,
    gate: Gate,
    keeper: Raw,
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

/// The database's owner, beside a case: connected when there is something to do, and gone with it.
struct Owner {
    number: u8,
    way: Connect,
    raw: Option<Raw>,
}

impl Owner {
    fn new(side: &Side, road: Road) -> Self {
        let database = if road == Road::Bare { BARE } else { DATABASE };
        Self {
            number: side.number,
            way: side.as_owner(database),
            raw: None,
        }
    }

    fn says(&mut self, sql: &str) -> Result<()> {
        if self.raw.is_none() {
            self.raw = Some(Raw::connect(&self.way, "owner")?);
        }
        let raw = self.raw.as_mut().context("just connected")?;
        let answers = raw.query(&sql.replace(":side", &self.number.to_string()))?;
        let errors = answers.errors();
        ensure!(errors.is_empty(), "the owner's `{sql}`: {errors:?}");
        Ok(())
    }

    /// What fails, fails; a transaction that is left open is rolled back.
    fn tries(&mut self, all: &[String]) -> Result<()> {
        if let Some(raw) = &mut self.raw {
            raw.query("rollback; select pg_advisory_unlock_all()")?;
        }
        for sql in all {
            if let Err(error) = self.says(sql)
                && self.raw.is_none()
            {
                return Err(error);
            }
        }
        Ok(())
    }
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
        let afterwards = options.afterwards;
        let (a, b) = std::thread::scope(|scope| {
            let other = scope.spawn(|| Side::start(2, settings_b, afterwards.as_deref()));
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
        self.within(road, case, &Around::default())
    }

    /// A case with something around it.
    pub fn within(&self, road: Road, case: &Case, around: &Around) -> Result<Outcome> {
        self.judged(road, &case.contract, &case.steps, case.order, around)
    }

    /// Says it on both sides; what differs is asked again, so that noise isn't taken for a disclosure
    /// and a disclosure not for noise (see [`compare::judge`]).
    pub fn say(&self, road: Road, contract: &str, steps: &[Step]) -> Result<Outcome> {
        self.judged(road, contract, steps, Order::Any, &Around::default())
    }

    fn judged(
        &self,
        road: Road,
        contract: &str,
        steps: &[Step],
        order: Order,
        around: &Around,
    ) -> Result<Outcome> {
        let (a, b) = self.once(road, contract, steps, around)?;
        let verdict = compare::equal(&a, &b, order);
        if verdict.is_same() {
            return Ok(Outcome { a, b, verdict });
        }
        let (again_a, again_b) = self.once(road, contract, steps, around)?;
        let mut verdict = compare::judge(&[&a, &again_a], &[&b, &again_b], order);
        for _ in 0..MORE_TIMES {
            if verdict
                .difference()
                .is_none_or(|found| found.what != compare::TIME)
            {
                break;
            }
            // The machine may have been busy with something else.
            let (last_a, last_b) = self.once(road, contract, steps, around)?;
            verdict = compare::judge(&[&a, &last_a], &[&b, &last_b], order);
        }
        Ok(Outcome { a, b, verdict })
    }

    /// What both sides answer, not compared.
    pub fn said(
        &self,
        road: Road,
        contract: &str,
        steps: &[Step],
    ) -> Result<(Transcript, Transcript)> {
        self.once(road, contract, steps, &Around::default())
    }

    fn once(
        &self,
        road: Road,
        contract: &str,
        steps: &[Step],
        around: &Around,
    ) -> Result<(Transcript, Transcript)> {
        let [one, two] = &self.sides;
        let (a, b) = std::thread::scope(|scope| {
            let other = scope.spawn(|| locked(two).say(road, contract, steps, around));
            let a = locked(one).say(road, contract, steps, around);
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

    /// SQL as the superuser in both protected databases: an injected leak, say.
    pub fn tamper(&self, sql: &str) -> Result<()> {
        (0..self.sides.len()).try_for_each(|side| self.rows_in(side, sql).map(|_| ()))
    }

    /// What each side's gate says at login: parameters, notices. Not the keys and nonces of that login.
    pub fn greetings(&self, contract: &str) -> Result<[Vec<Message>; 2]> {
        let said = |side: &Mutex<Side>| -> Result<Vec<Message>> {
            let key = (Road::Gate, contract.to_owned());
            let side = locked(side);
            let session = side.connect(&key)?;
            let mut messages = session.raw.greeting().messages.clone();
            messages.retain(|message| !matches!(message.tag, b'R' | b'K'));
            side.neutral(&key, &session.pid, &mut messages);
            Ok(messages)
        };
        let [one, two] = &self.sides;
        Ok([said(one)?, said(two)?])
    }

    /// SQL as the superuser on one side's protected database.
    pub fn rows_in(&self, side: usize, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        let side = self.sides.get(side).context("sides are 0 and 1")?;
        locked(side).rows(DATABASE, sql)
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
    pub(super) fn start(
        number: u8,
        settings: Vec<(String, String)>,
        afterwards: Option<&str>,
    ) -> Result<Self> {
        let cluster = start_cluster(settings)?;
        load_world(&cluster, number)?;
        let keeper = keeper(&cluster)?;
        let gate = Gate::start_with(GateOptions {
            within: fast_folder(),
            ..GateOptions::default()
        })?;
        let mut side = Self {
            number,
            gate,
            keeper,
            cluster,
            ways: HashMap::new(),
            open: HashMap::new(),
            bare_is_stale: true,
            bare_transaction: None,
        };
        side.apply()?;
        side.open_roads()?;
        if let Some(sql) = afterwards {
            side.rows(DATABASE, sql)?;
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
            let bare = self.as_owner(BARE);
            self.ways.insert((Road::Bare, contract.to_owned()), bare);
        }
        Ok(())
    }

    fn as_owner(&self, database: &str) -> Connect {
        Connect {
            grant: String::new(),
            host: "127.0.0.1".to_owned(),
            port: self.cluster.port(),
            user: SUPERUSER.to_owned(),
            database: database.to_owned(),
            password: String::new(),
        }
    }

    /// The role is the gate's own work (made at a session's start); only its secret is ours.
    fn direct_way(&mut self, contract: &str) -> Result<Connect> {
        let connect = self.gate.grant("li.wei", contract, DATABASE, "work")?;
        Raw::connect(&connect, "makes the role")?.leave();
        let newest = "select rolname from pg_roles where rolname like 'portcullis\\_g\\_%' order by oid desc limit 1";
        let role = self.rows(DATABASE, newest)?;
        let role = role
            .into_iter()
            .flatten()
            .flatten()
            .next()
            .with_context(|| format!("no role for the grant {}", connect.grant))?;
        self.execute(&format!(
            "alter role \"{role}\" password {}",
            quoted(DIRECT_PASSWORD)
        ))?;
        let within = format!("alter role \"{role}\" set statement_timeout = '{DIRECT_TIMEOUT}'");
        self.execute(&within)?;
        Ok(Connect {
            host: "127.0.0.1".to_owned(),
            port: self.cluster.port(),
            user: role,
            password: DIRECT_PASSWORD.to_owned(),
            ..connect
        })
    }

    pub(super) fn say(
        &mut self,
        road: Road,
        contract: &str,
        steps: &[Step],
        around: &Around,
    ) -> Result<Transcript> {
        let key = (road, contract.to_owned());
        if road == Road::Bare && self.bare_is_stale {
            self.renew_bare()?;
        }
        let mut owner = Owner::new(self, road);
        owner.tries(&around.setup)?;
        let own_session = around.own_session || !around.startup.is_empty();
        let kept = if own_session {
            None
        } else {
            self.open.remove(&key)
        };
        let session = match kept {
            Some(session) => Ok(session),
            None => self.connect_with(&key, &around.startup)?,
        };
        let (mut transcript, pid) = match session {
            Err(not_admitted) => (Transcript::of(not_admitted), NO_PID.to_owned()),
            Ok(mut session) => {
                let transcript = talk::say(&mut session.raw, steps, &mut |sql| owner.says(sql));
                let pid = session.pid.clone();
                let fit = !own_session && transcript.is_usable();
                if fit && reset(&mut session.raw, &transcript) {
                    self.open.insert(key.clone(), session);
                }
                (transcript, pid)
            }
        };
        owner.tries(&around.undo)?;
        if road == Road::Bare && !around.cleans_up {
            self.bare_is_stale = self.bare_was_written(&key);
        }
        let messages = transcript
            .parts
            .iter_mut()
            .flat_map(|part| &mut part.messages);
        let pid = if may_name_process(steps) {
            &pid
        } else {
            NO_PID
        };
        self.neutral(&key, pid, messages);
        Ok(transcript)
    }

    fn connect(&self, key: &(Road, String)) -> Result<Session> {
        self.connect_with(key, &[])?
            .map_err(|told| anyhow!("not admitted: {}", compare::show(&told)))
    }

    /// The error that refuses the session is an answer too.
    fn connect_with(
        &self,
        key: &(Road, String),
        startup: &[(String, String)],
    ) -> Result<std::result::Result<Session, Message>> {
        let way = self
            .ways
            .get(key)
            .with_context(|| format!("no contract `{}`", key.1))?;
        let mut params = vec![("application_name", "trial")];
        params.extend(
            startup
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        );
        let mut raw = match Raw::try_connect(way, &params)
            .with_context(|| format!("side {}, {:?}", self.number, key))?
        {
            Ok(raw) => raw,
            Err(told) => return Ok(Err(told.to_message())),
        };
        raw.set_answer_limit(ANSWER_LIMIT);
        if !startup.is_empty() {
            let pid = NO_PID.to_owned(); // asking could be refused, as on a replication connection
            return Ok(Ok(Session { raw, pid }));
        }
        let pid = raw.query("select pg_backend_pid()")?.rows();
        let pid = pid
            .into_iter()
            .flatten()
            .flatten()
            .next()
            .context("no process id")?;
        Ok(Ok(Session { raw, pid }))
    }

    pub(super) fn rows(&self, database: &str, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        let url = self.cluster.url_with_password(KEEPER, "", database);
        query_rows(&url, sql)
    }

    fn execute(&mut self, sql: &str) -> Result<()> {
        let answers = self.keeper.query(sql)?;
        ensure!(answers.errors().is_empty(), "{sql}: {}", answers.summary());
        Ok(())
    }

    /// Also what belongs to the whole cluster and a superuser may have changed.
    fn renew_bare(&mut self) -> Result<()> {
        self.open.retain(|(road, _), _| *road != Road::Bare);
        for sql in RENEW_BARE {
            self.execute(sql)?;
        }
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

    /// Under which name the vendor's engineer connects.
    pub(super) fn user(&self, contract: &str) -> Option<&str> {
        let way = self.ways.get(&(Road::Gate, contract.to_owned()))?;
        Some(&way.user)
    }

    /// Writes the same word for what names this side's own ends: the grant, its role, the process.
    fn neutral<'m>(
        &self,
        key: &(Road, String),
        pid: &str,
        messages: impl IntoIterator<Item = &'m mut Message>,
    ) {
        let Some(way) = self.ways.get(key) else {
            return;
        };
        for message in messages {
            renamed(message, &way.user, "USER");
            renamed(message, &way.grant, "GRANT");
            without_pid(message, pid);
        }
    }
}

pub(super) fn renamed(message: &mut Message, from: &str, to: &str) {
    if from.is_empty() || from == SUPERUSER || !compare::holds(&message.body, from) {
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

/// Whether an answer can hold the session's process id. Elsewhere a number that equals it by chance, an
/// OID say, is what it is.
pub(super) fn may_name_process(steps: &[Step]) -> bool {
    let text = format!("{steps:?}").to_ascii_lowercase();
    ["pid", "pg_stat", "pg_locks"]
        .iter()
        .any(|word| text.contains(word))
}

/// A value that is the process id, in text or in binary.
pub(super) fn without_pid(message: &mut Message, pid: &str) {
    let binary = pid.parse::<i32>().unwrap_or_default().to_be_bytes();
    let is_pid = |value: &Vec<u8>| value == pid.as_bytes() || *value == binary;
    if message.tag != b'D' || message.body.len() > ROW_WITH_PID_BYTES {
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
pub(super) fn reset(raw: &mut Raw, transcript: &Transcript) -> bool {
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
        let said = talk::say(raw, &[Step::Query((*sql).to_owned())], &mut |_| Ok(()));
        said.is_usable() && said.sqlstates().is_empty()
    })
}

fn next_transaction(raw: &mut Raw) -> Option<String> {
    let answers = raw
        .query("select pg_snapshot_xmax(pg_current_snapshot())")
        .ok()?;
    answers.rows().into_iter().flatten().flatten().next()
}

pub(super) fn start_cluster(settings: Vec<(String, String)>) -> Result<PgCluster> {
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
    let version = PgVersions::usual()?;
    let statistics = version.bin.join("../lib/pg_stat_statements.so");
    if statistics.exists() {
        let name = "shared_preload_libraries".to_owned();
        all.push((name, "pg_stat_statements".to_owned()));
    }
    PgCluster::start_with(
        &version,
        PgOptions {
            settings: all,
            within: fast_folder(),
            ..PgOptions::default()
        },
    )
}

pub(super) fn load_world(cluster: &PgCluster, side: u8) -> Result<()> {
    let world = WORLD_SQL.replace(":side", &side.to_string());
    cluster.create_database(PRISTINE)?;
    cluster.execute_in(PRISTINE, &world).context("world.sql")?;
    cluster.execute(&format!("create database {DATABASE} template {PRISTINE}"))?;
    sample::add_steward(cluster, DATABASE, "clinic")?;
    sample::add_steward(cluster, DATABASE, "lab")
}

/// Lets the trials' superusers in without passwords: statements of the corpus change passwords too.
fn keeper(cluster: &PgCluster) -> Result<Raw> {
    let rules = cluster.data_dir().join("pg_hba.conf");
    let written = std::fs::read_to_string(&rules)?;
    std::fs::write(&rules, format!("{TRUSTED}{written}"))?;
    cluster.execute(&format!("create role {KEEPER} superuser login"))?;
    cluster.execute("select pg_reload_conf()")?;
    let way = Connect {
        grant: String::new(),
        host: "127.0.0.1".to_owned(),
        port: cluster.port(),
        user: KEEPER.to_owned(),
        database: "postgres".to_owned(),
        password: String::new(),
    };
    let until = Instant::now() + RELOAD_LIMIT;
    loop {
        match Raw::try_connect(&way, &[])? {
            Ok(raw) => return Ok(raw),
            Err(told) if Instant::now() > until => bail!("the trial's superuser: {told}"),
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
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
