//! The fold: who is where in which session, what each detector remembers, what was raised.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::cases::{Cases, Owed};
use crate::detectors::{
    Seen, budget, dormant, enumeration, growth, hours, network, program, refusals, tables,
    two_networks,
};
use crate::event::{Decision, Event, Meter, Network, Session, Statement};
use crate::suspicion::{Raised, Suspicion};
use crate::thresholds::Thresholds;

/// Sessions remembered; beyond, the oldest is forgotten (it was left open for a very long time).
const SESSIONS_AT_MOST: usize = 10_000;

#[derive(Clone, Debug)]
pub struct Engine {
    thresholds: Thresholds,
    /// Keys are shifted by it before they are remembered.
    secret: [u8; 32],
    memory: Memory,
}

/// All that is remembered; integers, so that a snapshot gives back the very same.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Memory {
    sessions: BTreeMap<String, Known>,
    cases: Cases,
    growth: growth::Memory,
    enumeration: enumeration::Memory,
    hours: hours::Memory,
    network: network::Memory,
    program: program::Memory,
    tables: tables::Memory,
    dormant: dormant::Memory,
    refusals: refusals::Memory,
    two_networks: two_networks::Memory,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Known {
    opened: Timestamp,
    network: Option<Network>,
    program: String,
    person: String,
    vendor: String,
    contract: String,
}

impl Engine {
    /// `secret` is the owner's: with another one the keys of a snapshot lie elsewhere.
    pub fn new(thresholds: Thresholds, secret: [u8; 32]) -> Self {
        Self {
            thresholds,
            secret,
            memory: Memory::default(),
        }
    }

    pub fn apply(&mut self, event: &Event<'_>) {
        match event {
            Event::Opened(session) => self.open(session),
            Event::Closed { session } => {
                self.memory.sessions.remove(*session);
            }
            Event::Refused {
                seq,
                at,
                person,
                resource,
                reason,
            } => self.refused(*seq, *at, person, resource, reason),
            Event::Statement(statement) => self.statement(statement),
            Event::Recorded(recorded) => self.memory.cases.told(recorded),
            Event::FindingClosed { finding } => self.memory.cases.over(finding),
        }
    }

    /// A ceiling's figure. Not of the log's leaves but of the accounts, which are a fold as well: what
    /// was raised about it is remembered by the findings in the log.
    pub fn meter(&mut self, meter: &Meter<'_>) {
        if let Some(raised) = budget::look(meter, &self.thresholds.budget) {
            let suspicion = Suspicion {
                about: meter.budget.to_owned(),
                day: meter.day,
                ..suspicion(
                    raised,
                    meter.at,
                    [meter.person, meter.vendor, meter.contract, meter.resource],
                )
            };
            let quiet = self.quiet();
            self.memory.cases.raise(suspicion, quiet);
        }
    }

    /// What the log has not been told yet. It stays owed until the log has it.
    pub fn owed(&self) -> Vec<Owed> {
        self.memory.cases.owed()
    }

    pub fn snapshot(&self) -> Vec<u8> {
        serde_json::to_vec(&self.memory).unwrap_or_default()
    }

    /// `false` if it cannot be read; then nothing has changed.
    pub fn restore(&mut self, bytes: &[u8]) -> bool {
        match serde_json::from_slice(bytes) {
            Ok(memory) => {
                self.memory = memory;
                true
            }
            Err(_) => false,
        }
    }

    fn quiet(&self) -> SignedDuration {
        SignedDuration::from_hours(24 * i64::from(self.thresholds.findings.quiet_days))
    }

    fn open(&mut self, session: &Session<'_>) {
        let sessions = &mut self.memory.sessions;
        if sessions.len() >= SESSIONS_AT_MOST {
            let oldest = sessions.iter().min_by_key(|(_, known)| known.opened);
            if let Some(id) = oldest.map(|(id, _)| id.clone()) {
                sessions.remove(&id);
            }
        }
        let network = session.client_addr.map(Network::of);
        let known = Known {
            opened: session.at,
            network,
            program: program::named(session.application),
            person: session.person.to_owned(),
            vendor: session.vendor.to_owned(),
            contract: session.contract.to_owned(),
        };
        sessions.insert(session.session.to_owned(), known);
        let active = two_networks::Active {
            seq: session.seq,
            at: session.at,
            person: session.person,
            network,
        };
        let raised = two_networks::look(
            &mut self.memory.two_networks,
            &active,
            &self.thresholds.two_networks,
        );
        self.raise(
            raised,
            session.at,
            [
                session.person,
                session.vendor,
                session.contract,
                session.resource,
            ],
        );
    }

    fn refused(&mut self, seq: u64, at: Timestamp, person: &str, resource: &str, reason: &str) {
        let tried = refusals::Tried {
            seq,
            at,
            person,
            reason,
            tables: &[],
        };
        let raised = refusals::look(&mut self.memory.refusals, &tried, &self.thresholds.refusals);
        // Who had a session before is of that vendor and contract.
        let known = self
            .memory
            .sessions
            .values()
            .filter(|known| known.person == person)
            .max_by_key(|known| known.opened);
        let (vendor, contract) = known
            .map(|known| (known.vendor.clone(), known.contract.clone()))
            .unwrap_or_default();
        self.raise(raised, at, [person, &vendor, &contract, resource]);
    }

    fn statement(&mut self, statement: &Statement<'_>) {
        let who = format!("{}\u{1f}{}", statement.contract, statement.person);
        let known = self.memory.sessions.get(statement.session);
        let network = known.and_then(|known| known.network);
        let program = known.map(|known| known.program.clone()).unwrap_or_default();
        let seen = Seen {
            statement,
            who: &who,
            day: day_number(statement.local.date()),
            network,
            program: &program,
        };
        let (t, m) = (&self.thresholds, &mut self.memory);
        let mut raised = Vec::new();
        let active = two_networks::Active {
            seq: statement.seq,
            at: statement.at,
            person: statement.person,
            network,
        };
        raised.extend(two_networks::look(
            &mut m.two_networks,
            &active,
            &t.two_networks,
        ));
        if statement.decision == Decision::Refused {
            let tried = refusals::Tried {
                seq: statement.seq,
                at: statement.at,
                person: statement.person,
                reason: statement.reason,
                tables: statement.tables,
            };
            raised.extend(refusals::look(&mut m.refusals, &tried, &t.refusals));
        } else {
            raised.extend(growth::look(&mut m.growth, &seen, &t.growth));
            raised.extend(enumeration::look(
                &mut m.enumeration,
                &seen,
                &t.enumeration,
                &self.secret,
            ));
            raised.extend(hours::look(&mut m.hours, &seen, &t.hours));
            raised.extend(network::look(&mut m.network, &seen, &t.network));
            raised.extend(program::look(&mut m.program, &seen, &t.program));
            raised.extend(tables::look(&mut m.tables, &seen, &t.tables));
            raised.extend(dormant::look(&mut m.dormant, &seen, &t.dormant));
        }
        self.raise(
            raised,
            statement.at,
            [
                statement.person,
                statement.vendor,
                statement.contract,
                statement.resource,
            ],
        );
    }

    fn raise(
        &mut self,
        raised: impl IntoIterator<Item = Raised>,
        at: Timestamp,
        where_: [&str; 4],
    ) {
        for one in raised {
            let quiet = self.quiet();
            self.memory.cases.raise(suspicion(one, at, where_), quiet);
        }
    }
}

fn suspicion(raised: Raised, at: Timestamp, where_: [&str; 4]) -> Suspicion {
    let [person, vendor, contract, resource] = where_.map(str::to_owned);
    Suspicion {
        detector: raised.detector,
        about: String::new(),
        day: None,
        person,
        vendor,
        contract,
        resource,
        severity: raised.severity,
        reason: raised.reason,
        evidence: raised.trail.seqs().to_vec(),
        first_at: raised.trail.since().unwrap_or(at),
        last_at: at,
        count: 1,
    }
}

fn day_number(date: jiff::civil::Date) -> i32 {
    let days = date
        .duration_since(jiff::civil::date(1970, 1, 1))
        .as_hours()
        / 24;
    i32::try_from(days).unwrap_or(i32::MAX)
}
