//! One live session: the client's messages in, their answers out.
//!
//! [`Session::serve`] reads a message and turns it into work for the database (`simple`, `extended`);
//! [`Session::receive`] reads the answers, meters, records and releases them (`answers`).

pub mod answers;
pub mod ask;
pub mod client;
pub mod copy;
pub mod cut;
pub mod desk;
#[cfg(test)]
mod desk_tests;
pub mod explain;
pub mod extended;
pub mod known;
pub mod names;
pub mod outbox;
pub mod param_types;
pub mod records;
pub mod running;
pub mod simple;
pub mod skipped;
pub mod tap;
pub mod template;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::BytesMut;
use portcullis_ledger::accounts::SessionMeter;
use portcullis_ledger::{Payer, SubjectId};
use portcullis_sql::{SessionNames, Tapped};
use portcullis_store::log::Pending;
use portcullis_store::state::sessions::SessionGuard;
use portcullis_wire::backend::TransactionStatus;
use portcullis_wire::build::server as build;

use crate::Gate;
use crate::cancel::CancelSlot;
use crate::upstream::Upstream;
use client::Client;
use desk::{Cleared, Terms};
use names::{Cursor, Meaning, Portal, Prepared};
use outbox::{Outbox, Sealed};
use running::{Bearing, Running};

/// Why a session's loop ended.
#[derive(Debug, thiserror::Error)]
pub enum End {
    #[error("the client closed the connection")]
    ClientGone,
    #[error("the client broke the protocol: {0}")]
    ClientBroke(String),
    #[error("the database closed the connection")]
    DatabaseGone,
    #[error("the database broke the protocol: {0}")]
    DatabaseBroke(String),
    #[error("the record cannot be written")]
    RecordDown,
}

/// What becomes of the search path when the transaction ends.
pub struct MovingPath {
    before: Vec<String>,
    kept: Vec<String>,
}

/// An answer that is awaited from the database, in order.
pub enum Expect {
    Simple(Box<Running>),
    /// `hidden`: the gate's own, of which the client hears nothing.
    Parse {
        name: String,
        made: Prepared,
        hidden: bool,
    },
    Bind {
        portal: String,
        serial: u64,
    },
    DescribeStatement {
        cleared: Arc<Cleared>,
        taps: usize,
        name: String,
        serial: u64,
    },
    DescribePortal {
        cleared: Arc<Cleared>,
        taps: usize,
    },
    Execute {
        portal: String,
        serial: u64,
        running: Box<Running>,
    },
    /// What is left of an Execute once its statement is the current one.
    Executing {
        portal: String,
        serial: u64,
    },
    Close {
        hidden: bool,
    },
    Sync,
    /// A text made to fail, so that the database's transaction fails as the client's does.
    Abort,
    /// A simple query's end, and all of an empty or failing query of the gate's own: swallowed up to ReadyForQuery.
    Fence,
}

pub struct Session {
    pub gate: Arc<Gate>,
    pub guard: SessionGuard,
    pub bearing: Bearing,
    pub terms: Arc<Terms>,
    pub names: SessionNames,
    pub client: Client,
    pub upstream: Upstream,
    pub cancel: CancelSlot,
    pub status: TransactionStatus,
    pub meter: SessionMeter,
    pub zone: jiff::tz::TimeZone,

    statement_count: u64,
    prepared: HashMap<String, Prepared>,
    portals: HashMap<String, Portal>,
    /// Sent and not yet confirmed by the database; INVARIANT: nothing else is ever entered above.
    moving_prepared: HashMap<String, Prepared>,
    moving_portals: HashMap<String, Portal>,
    serial: u64,
    cursors: HashMap<String, Cursor>,

    /// Messages for the database that were not sent yet.
    to_database: BytesMut,
    expects: VecDeque<Expect>,
    current: Option<Box<Running>>,
    copy: Option<portcullis_wire::copy::Strip>,
    /// The current message's statement failed: what follows it in the message does not run.
    failed_here: bool,
    /// After an error in the extended protocol: the database's answers up to Sync are dropped.
    discarding: bool,
    /// After a refusal in the extended protocol: the client's messages up to Sync are dropped.
    skipping: bool,
    skipped: skipped::Skipped,
    /// The message in hand was refused, and that is on record.
    refused_here: bool,
    /// Executed since the last Sync: a refusal must then fail the database's implicit transaction too.
    unsynced: bool,
    cutting: Option<tokio::task::JoinHandle<()>>,
    /// The statement was cut and the transaction goes on at the database: fail it there too.
    abort_due: bool,
    tuning_due: Option<portcullis_sql::Tuning>,
    /// The search path was set in the transaction that is open.
    moving_path: Option<MovingPath>,
    /// The last COMMIT or ROLLBACK was answered with ROLLBACK.
    rolled_back: bool,

    out: Outbox,
    inflight: Option<Sealed>,
    batch: answers::Batch,
    /// For decoding taps of COPY.
    scratch: Vec<u8>,
}

/// Everything a session starts with, made by `admit` alone.
pub struct Opening {
    pub gate: Arc<Gate>,
    pub guard: SessionGuard,
    pub bearing: Bearing,
    pub terms: Arc<Terms>,
    pub names: SessionNames,
    pub client: Client,
    pub upstream: Upstream,
    pub cancel: CancelSlot,
    pub zone: jiff::tz::TimeZone,
    /// What the client is told first.
    pub greeting: BytesMut,
}

impl Session {
    pub fn new(opening: Opening) -> Self {
        let Opening {
            gate,
            guard,
            bearing,
            terms,
            names,
            client,
            upstream,
            cancel,
            zone,
            greeting,
        } = opening;
        let mut out = Outbox::default();
        out.put_slice(&greeting);
        Self {
            gate,
            guard,
            bearing,
            terms,
            names,
            client,
            upstream,
            cancel,
            status: TransactionStatus::Idle,
            meter: SessionMeter::default(),
            zone,
            statement_count: 0,
            prepared: HashMap::new(),
            portals: HashMap::new(),
            moving_prepared: HashMap::new(),
            moving_portals: HashMap::new(),
            serial: 0,
            cursors: HashMap::new(),
            to_database: BytesMut::new(),
            expects: VecDeque::new(),
            current: None,
            copy: None,
            failed_here: false,
            discarding: false,
            skipping: false,
            skipped: skipped::Skipped::default(),
            refused_here: false,
            unsynced: false,
            cutting: None,
            abort_due: false,
            tuning_due: None,
            moving_path: None,
            rolled_back: false,
            out,
            inflight: None,
            batch: answers::Batch::default(),
            scratch: Vec::new(),
        }
    }

    /// Answers messages until one side leaves. May be dropped at any await (an officer ends the
    /// session); then [`Session::close_statements`] accounts for what was under way.
    pub async fn serve(&mut self) -> Result<(), End> {
        self.flush().await?;
        loop {
            let Some(frame) = self.next_message().await? else {
                return Ok(());
            };
            if !self.serve_message(&frame).await? {
                return Ok(());
            }
        }
    }

    fn next_statement_id(&mut self) -> String {
        self.statement_count += 1;
        format!("{}.{}", self.bearing.session, self.statement_count)
    }

    fn running_for(&mut self, meaning: &Meaning) -> Box<Running> {
        let id = self.next_statement_id();
        let day = self.gate.now().to_zoned(self.zone.clone()).date();
        let payer = Payer {
            contract: self.bearing.contract.clone(),
            vendor: self.bearing.vendor.clone(),
            person: self.bearing.person.clone(),
            day,
        };
        Box::new(Running::new(id, meaning, payer))
    }

    fn ready_for_query(&mut self) {
        let status = self.status;
        build::ready_for_query(self.out.protocol(), status);
    }

    /// INVARIANT: a record appended here covers every byte that is in the outbox now.
    fn seal(&mut self, pending: Pending) {
        self.out.seal(pending);
    }

    pub(super) fn subject_id(
        running: &mut Running,
        tap: usize,
        value: Tapped<'_>,
    ) -> Option<(SubjectId, usize)> {
        let plan = running.source.taps.get(tap)?;
        match value {
            Tapped::Absent => None,
            Tapped::Subject(text) => Some((plan.scope.id(text), plan.table)),
            Tapped::Unknown => {
                // NULL counts as one subject a row (interface.md): an identity of its own each time.
                running.null_subjects += 1;
                let unique = format!("\0null\0{}\0{}", running.id, running.null_subjects);
                Some((plan.scope.id(unique.as_bytes()), plan.table))
            }
        }
    }
}
