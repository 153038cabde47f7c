//! The listener, and one connection's way from accept to its end.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use portcullis_contract::{Refusal, SqlState};
use portcullis_ledger::LeafWriter;
use portcullis_store::log::Entry;
use portcullis_store::state::Ending;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::Gate;
use crate::admit::admit;
use crate::errors::{Severity, write_refusal};
use crate::identify::{IdentifyError, identify, not_known};
use crate::limits::{
    DRAIN_DEADLINE, LOGIN_DEADLINE, MAX_WAITING_LOGINS, MAX_WAITING_LOGINS_PER_ADDRESS,
};
use crate::session::{End, Session};
use crate::startup::{Accepted, accept};

/// Connections that have not proved a password.
#[derive(Default)]
struct Waiting {
    all: AtomicUsize,
    by_address: Mutex<HashMap<IpAddr, usize>>,
}

/// A place among the waiting; given back when dropped.
struct Place {
    waiting: Arc<Waiting>,
    address: IpAddr,
}

impl Waiting {
    fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let mut by_address = self.by_address.lock();
        let own = by_address.entry(address).or_default();
        if *own >= MAX_WAITING_LOGINS_PER_ADDRESS
            || self.all.load(Ordering::Relaxed) >= MAX_WAITING_LOGINS
        {
            return None;
        }
        *own += 1;
        self.all.fetch_add(1, Ordering::Relaxed);
        Some(Place {
            waiting: Arc::clone(self),
            address,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut by_address = self.waiting.by_address.lock();
        if let Some(own) = by_address.get_mut(&self.address) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                by_address.remove(&self.address);
            }
        }
        self.waiting.all.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Accepts until `stop` turns true, then drains: sessions may finish what they run, no more.
pub async fn listen(gate: Arc<Gate>, listener: TcpListener, mut stop: watch::Receiver<bool>) {
    let waiting = Arc::new(Waiting::default());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        match accepted {
            Ok((socket, peer)) => {
                let Some(place) = waiting.enter(peer.ip()) else {
                    metrics::counter!("portcullis_connections_dropped_total").increment(1);
                    continue;
                };
                let gate = Arc::clone(&gate);
                tokio::spawn(async move { serve_connection(&gate, socket, peer, place).await });
            }
            Err(error) => {
                // Out of file descriptors, most likely: sessions that end give some back.
                tracing::error!(%error, "cannot accept a connection");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        }
    }
    drop(listener);
    drain(&gate).await;
}

async fn drain(gate: &Arc<Gate>) {
    let sessions = gate.registry.sessions();
    let ending = Ending {
        reason: "server.stopping".to_owned(),
        by: "server".to_owned(),
        why: "the gate is being stopped".to_owned(),
    };
    sessions.end_where(|_| true, &ending);
    let drained = async {
        while !sessions.is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    if tokio::time::timeout(DRAIN_DEADLINE, drained).await.is_err() {
        tracing::warn!(left = sessions.len(), "sessions did not end in time");
    }
}

/// accept, identify, admit; then the session's own loop.
async fn serve_connection(gate: &Arc<Gate>, socket: TcpStream, peer: SocketAddr, place: Place) {
    // One absolute deadline, however the packets are spread.
    let login = tokio::time::timeout(LOGIN_DEADLINE, log_in(gate, socket, peer));
    let Ok(Some(session)) = login.await else {
        return;
    };
    drop(place);
    run(gate, session).await;
}

async fn log_in(gate: &Arc<Gate>, socket: TcpStream, peer: SocketAddr) -> Option<Session> {
    let mut connection = match accept(gate, socket, peer).await {
        Ok(Accepted::Connection(connection)) => *connection,
        Ok(Accepted::Cancel(cancel)) => {
            gate.cancel.cancel(&cancel).await;
            return None;
        }
        Ok(Accepted::Nothing) => return None,
        Err(error) => {
            tracing::debug!(%peer, %error, "no login");
            return None;
        }
    };
    match identify(gate, &mut connection).await {
        Ok(principal) => admit(gate, connection, &principal).await,
        Err(IdentifyError::Rejected) => {
            let user = connection.startup.user().to_owned();
            let resource = connection.startup.database().to_owned();
            gate.record_refused_login(&user, &resource, "login.failed", peer);
            connection.refuse(&not_known(&user)).await;
            None
        }
        Err(IdentifyError::Io(error)) => {
            tracing::debug!(%peer, %error, "login broken off");
            None
        }
    }
}

/// Runs a session until one side leaves or somebody ends it; then accounts for it.
async fn run(gate: &Arc<Gate>, mut session: Session) {
    let live = session.guard.session();
    let mut ending = live.ending();
    let ended = tokio::select! {
        biased;
        _ = ending.wait_for(Option::is_some) => None,
        served = session.serve() => Some(served),
    };
    let (reason, words) = match &ended {
        None => {
            let ending = live.ended();
            let words = ending.as_ref().map(ended_refusal);
            (
                ending.map_or_else(|| "session.ended".to_owned(), |ending| ending.reason),
                words,
            )
        }
        Some(Ok(()) | Err(End::ClientGone)) => ("client".to_owned(), None),
        Some(Err(end)) => {
            tracing::warn!(session = %session.bearing.session, %end, "session broken off");
            (reason_of(end).to_owned(), Some(broken_refusal(end)))
        }
    };
    session.stop_database().await;
    session.close_statements(&reason);
    record_closed(gate, &session, &reason);
    if let Some(refusal) = words {
        let mut message = bytes::BytesMut::new();
        write_refusal(&mut message, Severity::Fatal, &refusal, None);
        session.client.farewell(&message).await;
    }
}

fn ended_refusal(ending: &Ending) -> Refusal {
    let told = if ending.why.is_empty() {
        "the session was ended".to_owned()
    } else {
        format!("the session was ended: {}", ending.why)
    };
    Refusal::new(SqlState::Ended, ending.reason.clone(), told)
        .hint("ask the owner's officer, or request a new grant")
}

fn reason_of(end: &End) -> &'static str {
    match end {
        End::ClientGone => "client",
        End::ClientBroke(_) => "protocol.violation",
        End::DatabaseGone => "database.gone",
        End::DatabaseBroke(_) => "database.protocol",
        End::RecordDown => "record.unwritable",
    }
}

fn broken_refusal(end: &End) -> Refusal {
    match end {
        End::ClientGone => Refusal::new(SqlState::ProtocolViolation, "client", "the client left"),
        End::ClientBroke(what) => Refusal::new(
            SqlState::ProtocolViolation,
            "protocol.violation",
            what.clone(),
        ),
        End::DatabaseGone => Refusal::new(
            SqlState::CannotConnectNow,
            "database.gone",
            "the database closed the connection",
        )
        .hint("connect again"),
        End::DatabaseBroke(_) => Refusal::new(
            SqlState::CannotConnectNow,
            "database.protocol",
            "the database's answer could not be understood, so it is not passed on",
        )
        .hint("connect again; tell the owner's engineer if it lasts"),
        End::RecordDown => crate::session::records::unwritable(),
    }
}

fn record_closed(gate: &Arc<Gate>, session: &Session, reason: &str) {
    let counts = &session.guard.counts;
    let bearing = &session.bearing;
    let leaf = LeafWriter::new("session.closed", gate.now(), &bearing.actor())
        .str("session", &bearing.session)
        .str("person", &bearing.person)
        .str("contract", &bearing.contract)
        .str("resource", &bearing.resource)
        .num("statements", counts.statements.load(Ordering::Relaxed))
        .num("rows", counts.rows.load(Ordering::Relaxed))
        .num("bytes", counts.bytes.load(Ordering::Relaxed))
        .num("subjects", counts.subjects.load(Ordering::Relaxed))
        .str("reason", reason)
        .finish();
    match Entry::new(leaf, Vec::new()).map(|entry| gate.log.append(entry)) {
        Ok(Ok(_)) => {}
        // The next start closes it: it is open work in the log.
        _ => tracing::error!("the end of a session cannot be recorded"),
    }
}
