//! Follows the log with the detectors, and records what they raise as findings.
//!
//! In nobody's way: a thread of its own that yields to everything else, at most a second behind, with
//! snapshots of its own, so that a start never waits for it. What it remembers is a fold over the log
//! and nothing else: after a crash it owes what was not recorded, and nothing that was.

use std::collections::{BTreeMap, HashMap};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context as _, Result};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use portcullis_contract::{Budget, Window};
use portcullis_detect::{Engine, Event as Seen, Leaf, Meter, Owed, Thresholds};
use portcullis_ledger::Payer;
use portcullis_ledger::accounts::SessionMeter;
use portcullis_store::log::StoredEntry;
use portcullis_store::state::event::{Head, LeafError};
use portcullis_store::state::{Actor, Event, Fact, FindingNote, Fold, Proposal};
use tokio::runtime::Handle;

use super::server::Server;
use crate::datadir::DataDir;

const TICK: Duration = Duration::from_millis(250);
/// After a record that failed.
const RETRY: Duration = Duration::from_secs(2);
/// Entries read before what they led to is recorded.
const STEP: u64 = 1024;
const NICENESS: i32 = 19;
/// Entries after which a snapshot is worth its work.
const SNAPSHOT_EVERY_ENTRIES: u64 = 20_000;
/// A leaf has 4 KiB; a reason may name tables with long names.
const REASON_AT_MOST: usize = 700;

/// `DIR/detect.toml`: optional, read at start.
pub fn thresholds(dir: &DataDir) -> Result<Thresholds> {
    let path = dir.root().join("detect.toml");
    match std::fs::read_to_string(&path) {
        Ok(text) => Thresholds::parse(&text).with_context(|| format!("`{}`", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Thresholds::default()),
        Err(error) => Err(error).with_context(|| format!("`{}` cannot be read", path.display())),
    }
}

/// Runs until it is dropped.
pub async fn follow(server: Arc<Server>, thresholds: Thresholds) {
    // Dropped with this future; the thread then ends at its next tick.
    let (_alive, stop) = channel::<()>();
    let runtime = Handle::current();
    let (ended, over) = tokio::sync::oneshot::channel();
    let work = move || {
        // On Linux this is the calling thread's own.
        let _ = rustix::process::setpriority_process(None, NICENESS);
        if let Err(error) = Follower::start(server, runtime, &thresholds).and_then(|f| f.run(&stop))
        {
            tracing::error!(
                error = format!("{error:#}"),
                "the detectors have stopped: no new findings until the next start"
            );
        }
        let _ = ended.send(());
    };
    match std::thread::Builder::new()
        .name("detect".to_owned())
        .spawn(work)
    {
        Ok(_) => {
            let _ = over.await;
        }
        Err(error) => tracing::error!(%error, "no thread for the detectors"),
    }
}

struct Follower {
    server: Arc<Server>,
    runtime: Handle,
    fold: Detecting,
    fresh: Detecting,
    cache: PathBuf,
    snapshot_at: u64,
    /// Counts by finding that are in the log, though perhaps not read there yet.
    recorded: HashMap<String, u64>,
}

impl Follower {
    fn start(server: Arc<Server>, runtime: Handle, thresholds: &Thresholds) -> Result<Self> {
        let secret = blake3::derive_key(
            "portcullis 2026-11 key shift of the detectors",
            &server.dir.ledger_key()?,
        );
        let fresh = Detecting::new(Engine::new(thresholds.clone(), secret));
        let cache = server.dir.cache().join("detect");
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&cache)
            .with_context(|| format!("`{}`", cache.display()))?;
        let mut fold = fresh.clone();
        let replayed = portcullis_store::state::replay(
            &server.log,
            &cache,
            &server.cache_seal,
            &mut [&mut fold],
        )
        .context("the log cannot be read")?;
        fold.size = replayed.size;
        Ok(Self {
            server,
            runtime,
            fold,
            fresh,
            cache,
            snapshot_at: replayed.from_snapshot,
            recorded: HashMap::new(),
        })
    }

    fn run(mut self, stop: &Receiver<()>) -> Result<()> {
        let mut wait = TICK;
        loop {
            let behind = self.catch_up()?;
            let recorded = self.record();
            if recorded.is_err() {
                wait = RETRY;
            }
            self.snapshot();
            let pause = if behind { Duration::ZERO } else { wait };
            match stop.recv_timeout(pause) {
                Err(RecvTimeoutError::Timeout) => wait = TICK,
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }

    /// Takes in one step of the log; says whether there is more.
    fn catch_up(&mut self) -> Result<bool> {
        let size = self.server.log.size();
        let until = size.min(self.fold.size + STEP);
        let mut latest: BTreeMap<(String, String), Latest> = BTreeMap::new();
        for entry in self.server.log.read(self.fold.size, until) {
            let entry = entry.context("the log cannot be read")?;
            if let Some(one) = self.fold.take(&entry)? {
                latest.insert((one.contract.clone(), one.person.clone()), one);
            }
        }
        for one in latest.values() {
            self.meter(one);
        }
        Ok(until < size)
    }

    /// Ceilings of who has just asked something. The accounts are as of now, which is why only the
    /// latest statement of the step is looked at, and only today's.
    fn meter(&mut self, latest: &Latest) {
        let budgets: Vec<Budget> = self.server.registry.read(|state| {
            let entry = state.contracts.get(&latest.contract);
            entry
                .map(|entry| entry.contract.budgets.clone())
                .unwrap_or_default()
        });
        let zone = self.fold.zone(&latest.contract);
        let today = zone.to_datetime(self.server.registry.now()).date();
        if latest.day != today {
            return;
        }
        let payer = Payer {
            contract: latest.contract.clone(),
            vendor: latest.vendor.clone(),
            person: latest.person.clone(),
            day: today,
        };
        for budget in budgets {
            let day = match budget.window {
                Window::Day => Some(today),
                Window::Total => None,
                // Of the moment: their refusals say it.
                Window::Statement | Window::Session => continue,
            };
            let used = self
                .server
                .accounts
                .lock()
                .used(&payer, &budget, &SessionMeter::default());
            self.fold.engine.meter(&Meter {
                seq: latest.seq,
                at: latest.at,
                person: &latest.person,
                vendor: &latest.vendor,
                contract: &latest.contract,
                resource: &latest.resource,
                budget: &budget.key(),
                day,
                used,
                limit: budget.limit,
            });
        }
    }

    fn record(&mut self) -> Result<(), ()> {
        for owed in self.fold.engine.owed() {
            let count = owed.suspicion.count;
            if self
                .recorded
                .get(&owed.finding)
                .is_some_and(|told| *told >= count)
            {
                continue;
            }
            let finding = owed.finding.clone();
            let done = self
                .runtime
                .block_on(self.server.registry.record(&Actor::Server, event(owed)));
            if let Err(denied) = done {
                tracing::error!(error = %denied, "a finding cannot be recorded; it will be tried again");
                return Err(());
            }
            self.recorded.insert(finding, count);
        }
        let owed = self.fold.engine.owed();
        self.recorded
            .retain(|finding, _| owed.iter().any(|one| one.finding == *finding));
        Ok(())
    }

    /// From the log and the snapshot before alone, like all snapshots.
    fn snapshot(&mut self) {
        if self.fold.size.saturating_sub(self.snapshot_at) < SNAPSHOT_EVERY_ENTRIES {
            return;
        }
        self.snapshot_at = self.fold.size;
        let mut fresh = self.fresh.clone();
        let taken = portcullis_store::state::take_snapshot(
            &self.server.log,
            &self.cache,
            &self.server.cache_seal,
            &mut [&mut fresh],
        );
        if let Err(error) = taken {
            tracing::warn!(%error, "no snapshot of the detectors; a start will read more of the log");
        }
    }
}

fn event(owed: Owed) -> Event {
    let suspicion = owed.suspicion;
    let mut reason = suspicion.reason;
    if reason.len() > REASON_AT_MOST {
        reason = reason
            .chars()
            .take(REASON_AT_MOST / 4)
            .chain(['…'])
            .collect();
    }
    let note = Box::new(FindingNote {
        finding: owed.finding,
        detector: suspicion.detector.name().to_owned(),
        about: suspicion.about,
        day: suspicion.day,
        severity: suspicion.severity.name().to_owned(),
        person: suspicion.person,
        vendor: suspicion.vendor,
        contract: suspicion.contract,
        resource: suspicion.resource,
        reason,
        evidence: suspicion.evidence,
        first_at: suspicion.first_at,
        last_at: suspicion.last_at,
        count: suspicion.count,
    });
    if owed.opens {
        Event::FindingOpened(note)
    } else {
        Event::FindingRepeated(note)
    }
}

/// Who asked something last.
struct Latest {
    seq: u64,
    at: jiff::Timestamp,
    day: Date,
    person: String,
    vendor: String,
    contract: String,
    resource: String,
}

/// The detectors as a fold over the log, with the contracts' time zones.
#[derive(Clone)]
struct Detecting {
    engine: Engine,
    zones: BTreeMap<String, String>,
    /// As resolved; derived from `zones`.
    known: HashMap<String, TimeZone>,
    /// Entries taken in.
    size: u64,
}

impl Detecting {
    fn new(engine: Engine) -> Self {
        Self {
            engine,
            zones: BTreeMap::new(),
            known: HashMap::new(),
            size: 0,
        }
    }

    /// UTC where a contract or its zone is not known.
    fn zone(&mut self, contract: &str) -> TimeZone {
        if let Some(zone) = self.known.get(contract) {
            return zone.clone();
        }
        let named = self.zones.get(contract);
        let zone = named
            .and_then(|name| TimeZone::get(name).ok())
            .unwrap_or(TimeZone::UTC);
        self.known.insert(contract.to_owned(), zone.clone());
        zone
    }

    fn take(&mut self, entry: &StoredEntry) -> Result<Option<Latest>, LeafError> {
        let head: Head<'_> =
            serde_json::from_slice(&entry.leaf).map_err(|source| LeafError::Json {
                seq: entry.seq,
                kind: String::new(),
                source,
            })?;
        let kind = head.kind.into_owned();
        Ok(self.see(&kind, entry))
    }

    /// A leaf that cannot be read is told of and passed by: detectors must not keep a server down.
    fn see(&mut self, kind: &str, entry: &StoredEntry) -> Option<Latest> {
        self.size = entry.seq + 1;
        if matches!(kind, "change.requested" | "change.approved") {
            self.note_zones(entry);
        }
        if !Leaf::matters(kind) {
            return None;
        }
        let leaf = match Leaf::read(&entry.leaf, entry.part("sql"), entry.part("params")) {
            Ok(leaf) => leaf,
            Err(error) => {
                tracing::warn!(seq = entry.seq, %error, "the detectors pass a record by");
                return None;
            }
        };
        let zone = self.zone(leaf.contract());
        let event = leaf.event(entry.seq, &zone)?;
        self.engine.apply(&event);
        let Seen::Statement(statement) = event else {
            return None;
        };
        Some(Latest {
            seq: statement.seq,
            at: statement.at,
            day: statement.local.date(),
            person: statement.person.to_owned(),
            vendor: statement.vendor.to_owned(),
            contract: statement.contract.to_owned(),
            resource: statement.resource.to_owned(),
        })
    }

    fn note_zones(&mut self, entry: &StoredEntry) {
        let part = |label: &str| entry.part(label).map(<[u8]>::to_vec);
        let Ok(fact) = Fact::read(entry.seq, &entry.leaf, part) else {
            return;
        };
        let (Event::ChangeRequested { items, .. } | Event::ChangeApproved { items, .. }) =
            fact.event
        else {
            return;
        };
        for item in items {
            if let Proposal::Contract(contract) = &item.after {
                self.zones
                    .insert(contract.id.clone(), contract.access.timezone.clone());
                self.known.remove(&contract.id);
            }
        }
    }
}

impl Fold for Detecting {
    fn name(&self) -> &'static str {
        "detect.1"
    }

    fn apply(&mut self, kind: &str, entry: &StoredEntry) -> Result<(), LeafError> {
        self.see(kind, entry);
        Ok(())
    }

    fn snapshot(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let zones = serde_json::to_vec(&self.zones).unwrap_or_default();
        out.extend_from_slice(&(zones.len() as u64).to_le_bytes());
        out.extend_from_slice(&zones);
        out.extend_from_slice(&self.engine.snapshot());
        out
    }

    fn restore(&mut self, bytes: &[u8]) -> bool {
        let parts = || {
            let (length, rest) = bytes.split_first_chunk::<8>()?;
            let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
            let (zones, engine) = rest.split_at_checked(length)?;
            Some((serde_json::from_slice(zones).ok()?, engine))
        };
        match parts() {
            Some((zones, engine)) if self.engine.restore(engine) => {
                self.zones = zones;
                self.known.clear();
                true
            }
            _ => false,
        }
    }
}
