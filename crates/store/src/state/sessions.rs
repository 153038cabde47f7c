//! Live sessions: what the gate registers, what officers list and cut off. Not state: it is gone with the process.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use parking_lot::RwLock;
use serde::Serialize;
use tokio::sync::watch;

#[derive(Clone, Debug, Serialize)]
pub struct SessionInfo {
    #[serde(rename = "session")]
    pub id: String,
    pub person: String,
    pub vendor: String,
    pub contract: String,
    pub resource: String,
    pub grant: String,
    pub purpose: String,
    pub client_addr: SocketAddr,
    pub application: String,
    pub since: Timestamp,
}

/// Why a session must end now (SQLSTATE 57P01 or 28000, the gate chooses by `reason`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ending {
    /// `session.ended`, `grant.revoked`, `person.suspended`, …
    pub reason: String,
    /// `officer:zhang`, `server`.
    pub by: String,
    pub why: String,
}

/// Counts so far; the gate adds, everybody reads.
#[derive(Debug, Default)]
pub struct Counts {
    pub statements: AtomicU64,
    pub rows: AtomicU64,
    pub bytes: AtomicU64,
    pub subjects: AtomicU64,
}

#[derive(Debug)]
pub struct LiveSession {
    pub info: SessionInfo,
    pub counts: Counts,
    end: watch::Sender<Option<Ending>>,
}

impl LiveSession {
    /// Resolves (`wait_for(Option::is_some)`) when the session must end.
    pub fn ending(&self) -> watch::Receiver<Option<Ending>> {
        self.end.subscribe()
    }

    /// The ending, if one was ordered; cheap enough to ask for every batch.
    pub fn ended(&self) -> Option<Ending> {
        self.end.borrow().clone()
    }

    /// Orders the end; the first order stands.
    pub fn end(&self, ending: Ending) {
        self.end.send_if_modified(|current| {
            let first = current.is_none();
            if first {
                *current = Some(ending);
            }
            first
        });
    }
}

/// A line of `session list`.
#[derive(Clone, Debug, Serialize)]
pub struct SessionRow {
    #[serde(flatten)]
    pub info: SessionInfo,
    pub statements: u64,
    pub rows: u64,
    pub bytes: u64,
    pub subjects: u64,
}

#[derive(Debug, Default)]
pub struct SessionTable {
    live: RwLock<BTreeMap<String, Arc<LiveSession>>>,
}

impl SessionTable {
    /// Enters a session; dropping the guard takes it out again.
    pub fn register(self: &Arc<Self>, info: SessionInfo) -> SessionGuard {
        let session = Arc::new(LiveSession {
            info,
            counts: Counts::default(),
            end: watch::Sender::new(None),
        });
        self.live
            .write()
            .insert(session.info.id.clone(), Arc::clone(&session));
        SessionGuard {
            table: Arc::clone(self),
            session,
        }
    }

    pub fn get(&self, id: &str) -> Option<Arc<LiveSession>> {
        self.live.read().get(id).cloned()
    }

    pub fn len(&self) -> usize {
        self.live.read().len()
    }

    pub fn is_empty(&self) -> bool {
        self.live.read().is_empty()
    }

    /// Ends one session; `None` if there is no such session.
    pub fn end(&self, id: &str, ending: Ending) -> Option<()> {
        self.get(id).map(|session| session.end(ending))
    }

    /// Ends every session that `which` picks; says how many.
    pub fn end_where(&self, which: impl Fn(&SessionInfo) -> bool, ending: &Ending) -> usize {
        let live = self.live.read();
        live.values()
            .filter(|session| which(&session.info))
            .map(|session| session.end(ending.clone()))
            .count()
    }

    pub fn list(&self) -> Vec<SessionRow> {
        self.live
            .read()
            .values()
            .map(|session| SessionRow {
                info: session.info.clone(),
                statements: session.counts.statements.load(Ordering::Relaxed),
                rows: session.counts.rows.load(Ordering::Relaxed),
                bytes: session.counts.bytes.load(Ordering::Relaxed),
                subjects: session.counts.subjects.load(Ordering::Relaxed),
            })
            .collect()
    }
}

/// Owned by the gate's session task, for as long as the session lives.
#[derive(Debug)]
pub struct SessionGuard {
    table: Arc<SessionTable>,
    session: Arc<LiveSession>,
}

impl std::ops::Deref for SessionGuard {
    type Target = LiveSession;

    fn deref(&self) -> &LiveSession {
        &self.session
    }
}

impl SessionGuard {
    pub fn session(&self) -> Arc<LiveSession> {
        Arc::clone(&self.session)
    }
}

impl Drop for SessionGuard {
    fn drop(&mut self) {
        self.table.live.write().remove(&self.session.info.id);
    }
}
