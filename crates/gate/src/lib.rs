//! The gate: the spine between a vendor's clients and the owner's database.
//!
//! Invariant: a row leaves for a client only with its reservation and its durable record in hand.
//! Start at [`listen::serve_connection`] (accept … admit) and [`session::Session::serve`]
//! (understand … react); one stage is one file.

pub mod limits;

pub mod listen;

pub mod startup;
mod stream;
pub mod tls;

pub mod identify;

pub mod admit;
mod options;
mod roles;

pub mod upstream;

pub mod session;

pub mod cancel;
pub mod errors;
pub mod explanation;
pub mod fold;
pub mod recover;
pub mod review;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::Mutex;
use portcullis_contract::{Refusal, SqlState};
use portcullis_ledger::{Accounts, LeafWriter, SubjectKey};
use portcullis_store::log::{Entry, Log};
use portcullis_store::state::{Admitted, Registry};

use session::desk::Terms;

/// What the gate is made of; everything is a value, nothing is looked up globally.
pub struct Settings {
    pub registry: Arc<Registry>,
    pub log: Arc<Log>,
    /// As replayed from the log.
    pub accounts: Arc<Mutex<Accounts>>,
    pub subject_key: SubjectKey,
    /// For mock verifiers and hashed parameters.
    pub server_secret: [u8; 32],
    pub tls: tls::ServerTls,
    pub plaintext_loopback: bool,
    /// What relative password and CA files of resources stand under.
    pub base_dir: PathBuf,
}

/// The running gate.
pub struct Gate {
    pub registry: Arc<Registry>,
    pub log: Arc<Log>,
    pub accounts: Arc<Mutex<Accounts>>,
    subject_key: SubjectKey,
    pub(crate) mock_secret: [u8; 32],
    pub(crate) hash_key: [u8; 32],
    pub(crate) tls: tls::ServerTls,
    pub(crate) plaintext_loopback: bool,
    pub(crate) base_dir: PathBuf,
    pub(crate) cancel: Arc<cancel::CancelKeys>,
    /// By contract and resource; replaced when the surface or the contract is.
    terms: Mutex<HashMap<(String, String), Arc<Terms>>>,
    pub(crate) roles: roles::Roles,
}

impl Gate {
    pub fn new(settings: Settings) -> Arc<Self> {
        let derive = |purpose: &str| blake3::derive_key(purpose, &settings.server_secret);
        Arc::new(Self {
            mock_secret: derive("portcullis gate: mock verifiers"),
            hash_key: derive("portcullis gate: hashed parameters"),
            registry: settings.registry,
            log: settings.log,
            accounts: settings.accounts,
            subject_key: settings.subject_key,
            tls: settings.tls,
            plaintext_loopback: settings.plaintext_loopback,
            base_dir: settings.base_dir,
            cancel: Arc::default(),
            terms: Mutex::default(),
            roles: roles::Roles::default(),
        })
    }

    pub fn now(&self) -> Timestamp {
        self.registry.now()
    }

    /// What the sessions of a contract on a resource share, as of now.
    pub(crate) fn terms(&self, admitted: &Admitted) -> Result<Arc<Terms>, Refusal> {
        let (contract, resource) = (&admitted.contract, &admitted.resource);
        let surface = self.registry.surface(&contract.id, &resource.id).ok_or_else(|| {
            Refusal::new(
                SqlState::CannotConnectNow,
                "resource.not_ready",
                format!("what contract `{}` shows of `{}` is not in place in the database", contract.id, resource.id),
            )
            .hint("try again; tell the owner's engineer if it lasts: `portcullis doctor` says why")
        })?;
        let mut terms = self.terms.lock();
        let key = (contract.id.clone(), resource.id.clone());
        if let Some(known) = terms.get(&key)
            && Arc::ptr_eq(&known.surface, &surface)
            && Arc::ptr_eq(&known.contract, contract)
        {
            return Ok(Arc::clone(known));
        }
        let fresh = Arc::new(Terms::new(
            Arc::clone(contract),
            surface,
            self.subject_key.clone(),
        ));
        terms.insert(key, Arc::clone(&fresh));
        Ok(fresh)
    }

    /// Short, and unguessable enough to be no handle for anybody.
    pub(crate) fn new_session_id(&self) -> Result<String, getrandom::Error> {
        let mut bytes = [0u8; 8];
        getrandom::fill(&mut bytes)?;
        Ok(format!("s-{}", hex::encode(bytes)))
    }

    /// A login that did not become a session. Nobody waits for it: it opens nothing.
    pub(crate) fn record_refused_login(
        &self,
        person: &str,
        resource: &str,
        reason: &str,
        peer: SocketAddr,
    ) {
        let leaf = LeafWriter::new("session.refused", self.now(), &format!("person:{person}"))
            .str("person", person)
            .str("resource", resource)
            .str("reason", reason)
            .str("client_addr", &peer.to_string())
            .finish();
        metrics::counter!("portcullis_logins_refused_total").increment(1);
        match Entry::new(leaf, Vec::new()).map(|entry| self.log.append(entry)) {
            Ok(Ok(_)) => {}
            _ => tracing::error!("a refused login cannot be recorded"),
        }
    }
}
