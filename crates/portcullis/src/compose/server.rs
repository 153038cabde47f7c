//! What a running server is made of; shared by the admin API, the upkeep and the command that serves.

use std::sync::Arc;

use portcullis_contract::{Contract, Resource};
use portcullis_ledger::Accounts;
use portcullis_ledger::index::Index;
use portcullis_lock::Bypass;
use portcullis_store::state::{Denied, Registry};
use tokio::sync::{Mutex, watch};

use super::journal::SharedLog;
use super::population::Populations;
use super::second_lock::{Prepared, SecondLock, Unprepared};
use super::upkeep;
use crate::datadir::DataDir;

pub struct Server {
    pub dir: DataDir,
    pub registry: Arc<Registry>,
    pub log: SharedLog,
    /// Shared with the gate, which charges them.
    pub accounts: Arc<parking_lot::Mutex<Accounts>>,
    /// May lag: [`Server::follow_index`] brings it up to the log.
    pub index: Arc<parking_lot::Mutex<Index>>,
    pub locks: Arc<SecondLock>,
    /// How many subjects tables have, asked at most once an hour.
    pub populations: Populations,
    pub cache_seal: [u8; 32],
    /// `apply`, `approve`, `attach`: one at a time, because they ask the database in between.
    pub changing: Mutex<()>,
    /// Host and port that approvals tell.
    pub connect: (String, u16),
    /// Turns `true` when every database has been asked for its second lock once.
    pub lock_restored: watch::Sender<bool>,
}

/// Entries read at once while the index catches up, between which others may ask it.
const INDEX_STEP: u64 = 4096;

impl Server {
    /// Brings the index up to what the log has now. Reads files: call it where blocking is allowed.
    pub fn follow_index(&self) -> anyhow::Result<()> {
        let to = self.log.size();
        loop {
            let mut index = self.index.lock();
            if index.size >= to {
                return Ok(());
            }
            let until = to.min(index.size + INDEX_STEP);
            for entry in self.log.read(index.size, until) {
                portcullis_gate::fold::follow(&mut index, &entry?)?;
            }
        }
    }

    /// A contract as it would be on the databases as they are.
    pub async fn prepare(
        &self,
        contract: &Contract,
        revision: u32,
        coming: &[Arc<Resource>],
    ) -> Result<Prepared, Unprepared> {
        let find = |id: &str| {
            let new = coming.iter().find(|resource| resource.id == id).cloned();
            new.or_else(|| self.resource(id))
        };
        self.locks.prepare(contract, revision, find).await
    }

    pub fn resource(&self, id: &str) -> Option<Arc<Resource>> {
        self.registry.read(|state| {
            state
                .resources
                .get(id)
                .map(|entry| Arc::clone(&entry.resource))
        })
    }

    /// Contracts in force on a resource, with their revisions.
    pub fn contracts_on(&self, resource: &str) -> Vec<(Arc<Contract>, u32)> {
        self.registry.read(|state| {
            let here = |contract: &Contract| {
                contract
                    .scope
                    .iter()
                    .any(|table| table.resource == resource)
            };
            let in_force = state
                .contracts
                .values()
                .filter(|entry| entry.ended.is_none() && here(&entry.contract));
            in_force
                .map(|entry| (Arc::clone(&entry.contract), entry.revision))
                .collect()
        })
    }

    /// Installs the second lock of every contract in force on a resource; surfaces are taken over as
    /// they come, so that one contract that no longer fits does not close the others.
    pub async fn restore_lock(&self, resource: &str) -> Result<(), Denied> {
        let mut worst = None;
        for (contract, revision) in self.contracts_on(resource) {
            let only = |denied: Unprepared| match denied {
                Unprepared::Denied(denied) => denied,
                Unprepared::Problems(problems) => {
                    let text: Vec<_> = problems
                        .iter()
                        .map(|p| format!("{}: {}", p.path, p.message))
                        .collect();
                    Denied::invalid(
                        "lock.scope",
                        format!(
                            "contract `{}` no longer fits the database: {}",
                            contract.id,
                            text.join("; ")
                        ),
                    )
                    .hint("change the contract's scope with `portcullis apply`")
                }
            };
            let installed = match self.prepare(&contract, revision, &[]).await {
                Ok(prepared) => self.locks.install(&prepared).await,
                Err(unprepared) => Err(only(unprepared)),
            };
            match installed {
                Ok(surfaces) => self.registry.put_surfaces(surfaces),
                Err(denied) => worst = Some(denied),
            }
        }
        worst.map_or(Ok(()), Err)
    }

    pub async fn restore_lock_or_warn(&self, resource: &str) {
        if let Err(denied) = self.restore_lock(resource).await {
            tracing::warn!(resource, error = %denied, "the second lock is not in its place; nobody is let in there");
        }
    }

    /// Removes from the database what no contract in force and no live grant needs.
    pub async fn sweep(&self, resource: &str) {
        let Some(target) = self.resource(resource) else {
            return;
        };
        if let Err(denied) = self
            .locks
            .sweep(&target, &upkeep::live_contracts(self, resource))
            .await
        {
            tracing::warn!(resource, error = %denied, "what a crash left in the database cannot be removed now");
        }
    }

    /// Roads past the gate, by resource.
    pub async fn bypass(&self) -> Vec<(String, Result<Vec<Bypass>, Denied>)> {
        let resources: Vec<_> = self.registry.read(|state| {
            state
                .resources
                .values()
                .filter(|entry| !entry.detached)
                .map(|entry| Arc::clone(&entry.resource))
                .collect()
        });
        let mut found = Vec::new();
        for resource in resources {
            let contracts: Vec<Contract> = self
                .contracts_on(&resource.id)
                .into_iter()
                .map(|(contract, _)| (*contract).clone())
                .collect();
            if contracts.is_empty() {
                continue;
            }
            let known = upkeep::known_sessions(self, &resource.id);
            let roads = self.locks.bypass(&resource, &contracts, &known).await;
            found.push((resource.id.clone(), roads));
        }
        found
    }
}
