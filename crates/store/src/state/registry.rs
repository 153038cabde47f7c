//! The live state: commands go in one at a time, everybody reads, the gate asks for admission.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use parking_lot::RwLock;
use portcullis_contract::{
    Admission, AdmissionRequest, Contract, Grant, GrantState, Person, Refusal, Resource, SqlState,
    Vendor, admit,
};
use portcullis_sql::Surface;
use tokio::sync::{Mutex, OwnedMutexGuard, broadcast, watch};

use super::authority::Actor;
use super::denied::Denied;
use super::event::{Event, Fact};
use super::model::State;
use super::recorder::{RecordError, Recorder};
use super::sessions::{Ending, SessionTable};

/// So long after its end a grant's password is still told why it no longer opens (28000, not 28P01).
pub const ENDED_GRANT_KNOWN: SignedDuration = SignedDuration::from_hours(24 * 30);

/// Facts held for a listener that lags; webhooks and clean-up tolerate a gap, the log has all.
const FACTS_HELD: usize = 4096;

/// What the events of a command come with.
#[derive(Debug)]
pub struct Decision<T> {
    pub events: Vec<Event>,
    /// The second lock as installed for the events; taken over in the same instant as the state.
    pub surfaces: Vec<Arc<Surface>>,
    pub answer: T,
}

impl<T> Decision<T> {
    pub fn new(events: Vec<Event>, answer: T) -> Self {
        Self {
            events,
            surfaces: Vec::new(),
            answer,
        }
    }
}

/// A login name's grant and how its password is proved.
#[derive(Clone, Debug)]
pub struct Principal {
    pub grant_id: String,
    pub person: String,
    /// SCRAM-SHA-256 verifier in PostgreSQL's text form.
    pub verifier: String,
}

/// Everything that a session is pinned to.
#[derive(Clone, Debug)]
pub struct Admitted {
    pub person: Arc<Person>,
    pub vendor: Arc<Vendor>,
    pub contract: Arc<Contract>,
    pub revision: u32,
    pub grant: Grant,
    pub resource: Arc<Resource>,
    pub admission: Admission,
}

#[derive(Default)]
struct Live {
    state: State,
    /// By contract and resource; rebuilt by `lock` at start.
    surfaces: HashMap<(String, String), Arc<Surface>>,
}

impl Live {
    fn take_over(&mut self, surfaces: Vec<Arc<Surface>>) {
        for surface in surfaces {
            self.surfaces.insert(
                (surface.contract.clone(), surface.resource.clone()),
                surface,
            );
        }
    }
}

pub struct Registry {
    live: RwLock<Live>,
    /// One writer: a command is decided on the state that its event meets.
    writer: Arc<Mutex<()>>,
    recorder: Arc<dyn Recorder>,
    generation: watch::Sender<u64>,
    facts: broadcast::Sender<Arc<Fact>>,
    sessions: Arc<SessionTable>,
    /// Microseconds; the latest time given out. Time never goes back, whatever the clock does.
    latest: AtomicI64,
}

impl Registry {
    pub fn new(state: State, recorder: Arc<dyn Recorder>) -> Arc<Self> {
        let latest = state.last_at().map_or(0, Timestamp::as_microsecond);
        Arc::new(Self {
            live: RwLock::new(Live {
                state,
                surfaces: HashMap::new(),
            }),
            writer: Arc::new(Mutex::new(())),
            recorder,
            generation: watch::Sender::new(0),
            facts: broadcast::Sender::new(FACTS_HELD),
            sessions: Arc::new(SessionTable::default()),
            latest: AtomicI64::new(latest),
        })
    }

    /// Now, and never before any event of the log: a clock set back opens nothing that had closed.
    pub fn now(&self) -> Timestamp {
        let clock = Timestamp::now().as_microsecond();
        let before = self.latest.fetch_max(clock, Ordering::Relaxed);
        Timestamp::from_microsecond(clock.max(before)).unwrap_or(Timestamp::MAX)
    }

    pub fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.live.read().state)
    }

    pub fn sessions(&self) -> &Arc<SessionTable> {
        &self.sessions
    }

    /// Bumps with every change; live sessions ask for admission again.
    pub fn generation(&self) -> watch::Receiver<u64> {
        self.generation.subscribe()
    }

    /// Every fact from now on, after it took effect.
    pub fn facts(&self) -> broadcast::Receiver<Arc<Fact>> {
        self.facts.subscribe()
    }

    /// Decides on the state as it is, makes the events durable, applies them, answers.
    ///
    /// Once the first event is handed to the log, the rest happens even if the caller goes away.
    pub async fn execute<T>(
        self: &Arc<Self>,
        actor: &Actor,
        decide: impl FnOnce(&State, Timestamp) -> Result<Decision<T>, Denied>,
    ) -> Result<T, Denied> {
        let turn = Arc::clone(&self.writer).lock_owned().await;
        let now = self.now();
        let Decision {
            events,
            surfaces,
            answer,
        } = decide(&self.live.read().state, now)?;
        if events.is_empty() && surfaces.is_empty() {
            return Ok(answer);
        }
        let registry = Arc::clone(self);
        let actor = actor.to_string();
        let written =
            tokio::spawn(async move { registry.write(turn, now, &actor, events, surfaces).await });
        match written.await {
            Ok(Ok(())) => Ok(answer),
            Ok(Err(error)) => Err(unwritable(&error)),
            Err(_) => Err(Denied::unreachable(
                "log.unwritable",
                "the command was cut short",
            )),
        }
    }

    /// Records one event that needs no decision.
    pub async fn record(self: &Arc<Self>, actor: &Actor, event: Event) -> Result<(), Denied> {
        self.execute(actor, |_, _| Ok(Decision::new(vec![event], ())))
            .await
    }

    async fn write(
        &self,
        _turn: OwnedMutexGuard<()>,
        at: Timestamp,
        actor: &str,
        events: Vec<Event>,
        surfaces: Vec<Arc<Surface>>,
    ) -> Result<(), RecordError> {
        let last = events.len().saturating_sub(1);
        let mut surfaces = Some(surfaces);
        for (index, event) in events.into_iter().enumerate() {
            let entry = event
                .clone()
                .into_entry(at, actor)
                .map_err(|error| RecordError::Unwritable(error.to_string()))?;
            // INVARIANT: no event takes effect before it is durable.
            let seq = self.recorder.record(entry).await?;
            let fact = Fact {
                seq,
                at,
                actor: actor.to_owned(),
                event,
            };
            let mut live = self.live.write();
            live.state.apply(&fact);
            if index == last {
                live.take_over(surfaces.take().unwrap_or_default());
            }
            drop(live);
            self.end_sessions(&fact);
            if fact.event.changes_state() {
                self.bump();
            }
            // Nobody listening is no error.
            let _ = self.facts.send(Arc::new(fact));
        }
        if let Some(surfaces) = surfaces {
            self.put_surfaces(surfaces);
        }
        Ok(())
    }

    /// Takes over what `lock` installed; also used at start.
    pub fn put_surfaces(&self, surfaces: Vec<Arc<Surface>>) {
        self.live.write().take_over(surfaces);
        self.bump();
    }

    fn bump(&self) {
        self.generation.send_modify(|generation| *generation += 1);
    }

    /// A contract has left a resource.
    pub fn drop_surface(&self, contract: &str, resource: &str) {
        self.live
            .write()
            .surfaces
            .remove(&(contract.to_owned(), resource.to_owned()));
        self.bump();
    }

    /// The resource's surfaces are no more (detached, or its database was changed).
    pub fn drop_surfaces(&self, resource: &str) {
        self.live
            .write()
            .surfaces
            .retain(|(_, of), _| of != resource);
        self.bump();
    }

    pub fn surface(&self, contract: &str, resource: &str) -> Option<Arc<Surface>> {
        self.live
            .read()
            .surfaces
            .get(&(contract.to_owned(), resource.to_owned()))
            .cloned()
    }

    /// Whose login name this is: the live grant's, else the latest ended one's, so that its holder,
    /// having proved its password, learns why he isn't let in.
    pub fn principal(&self, user: &str) -> Option<Principal> {
        let now = self.now();
        let live = self.live.read();
        let ids = live.state.users.get(user)?;
        let entries = || ids.iter().rev().filter_map(|id| live.state.grants.get(id));
        let told = |closed: Timestamp| now.duration_since(closed) <= ENDED_GRANT_KNOWN;
        let entry = entries()
            .find(|entry| entry.grant.state == GrantState::Live)
            .or_else(|| entries().find(|entry| entry.closed_at.is_some_and(told)))?;
        Some(Principal {
            grant_id: entry.grant.id.clone(),
            person: entry.grant.person.clone(),
            verifier: entry.grant.verifier.clone()?,
        })
    }

    /// Admits under a grant, now; asked at login and again whenever the generation moves or
    /// `Admission::until` comes.
    pub fn admission(
        &self,
        grant_id: &str,
        client_addr: IpAddr,
        now: Timestamp,
    ) -> Result<Admitted, Refusal> {
        let live = self.live.read();
        let state = &live.state;
        let none = |what: &str| {
            Refusal::new(
                SqlState::NotAdmitted,
                "grant.none",
                format!("{what} is not registered"),
            )
        };
        let entry = state
            .grants
            .get(grant_id)
            .ok_or_else(|| none("the grant"))?;
        let grant = &entry.grant;
        let person = state
            .persons
            .get(&grant.person)
            .ok_or_else(|| none("the person"))?;
        let contract = state
            .contracts
            .get(&grant.contract)
            .ok_or_else(|| none("the contract"))?;
        let vendor = state
            .vendors
            .get(&person.person.vendor)
            .ok_or_else(|| none("the vendor"))?;
        let resource = state
            .resources
            .get(&grant.resource)
            .ok_or_else(|| none("the resource"))?;
        let admission = admit(&AdmissionRequest {
            person: &person.person,
            vendor,
            contract: &contract.contract,
            grant,
            person_suspended: person
                .suspended
                .as_ref()
                .map(|suspension| suspension.why.as_str()),
            contract_suspended: contract
                .suspended
                .as_ref()
                .map(|suspension| suspension.why.as_str()),
            contract_in_force: contract.ended.is_none(),
            client_addr,
            now,
        })?;
        if resource.detached {
            let message = format!(
                "resource `{}` is detached for the owner's maintenance",
                grant.resource
            );
            return Err(
                Refusal::new(SqlState::NotAdmitted, "resource.detached", message)
                    .hint("try again when the owner has attached it"),
            );
        }
        Ok(Admitted {
            person: Arc::clone(&person.person),
            vendor: Arc::clone(vendor),
            contract: Arc::clone(&contract.contract),
            revision: contract.revision,
            grant: grant.clone(),
            resource: Arc::clone(&resource.resource),
            admission,
        })
    }

    /// What an event means for sessions that live: ended at once, not at their next question.
    fn end_sessions(&self, fact: &Fact) {
        let ending = |reason: &str, why: &str| Ending {
            reason: reason.to_owned(),
            by: fact.actor.clone(),
            why: why.to_owned(),
        };
        match &fact.event {
            Event::SessionEnded { session, why } => {
                self.sessions.end(session, ending("session.ended", why));
            }
            Event::PersonSuspended { person, why } => {
                self.sessions.end_where(
                    |info| info.person == *person,
                    &ending("person.suspended", why),
                );
            }
            Event::ContractSuspended { contract, why } => {
                self.sessions.end_where(
                    |info| info.contract == *contract,
                    &ending("contract.suspended", why),
                );
            }
            Event::ContractEnded { contract, .. } => {
                self.sessions.end_where(
                    |info| info.contract == *contract,
                    &ending("contract.ended", "its last day is over"),
                );
            }
            Event::GrantRevoked { grant, why, .. } => {
                self.sessions
                    .end_where(|info| info.grant == *grant, &ending("grant.revoked", why));
            }
            Event::GrantEnded { grant, .. } => {
                self.sessions.end_where(
                    |info| info.grant == *grant,
                    &ending("grant.ended", "its time is over"),
                );
            }
            Event::ResourceDetached { resource } => {
                let why = "the owner detached the resource";
                self.sessions.end_where(
                    |info| info.resource == *resource,
                    &ending("resource.detached", why),
                );
            }
            _ => {}
        }
    }
}

fn unwritable(error: &RecordError) -> Denied {
    Denied::unreachable("log.unwritable", error.to_string()).hint(
        "nothing takes effect that is not on record: free disk space, or see `portcullis doctor`",
    )
}
