//! The second lock, as commands need it: one steward's connection a resource, contracts checked
//! against the live catalog, resolved and installed.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use portcullis_contract::{Columns, Contract, Resource};
use portcullis_lock::{LockError, Plan, ScopeProblem, Severity, Steward};
use portcullis_sql::Surface;
use portcullis_store::state::Denied;
use tokio::sync::Mutex;

/// A database that does not answer in this time does not answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

pub struct SecondLock {
    /// What a relative file of a resource stands under.
    base: PathBuf,
    stewards: Mutex<HashMap<String, Arc<Steward>>>,
}

/// A contract that fits the live catalog: columns resolved, one plan a resource.
pub struct Prepared {
    pub contract: Contract,
    plans: Vec<(Arc<Resource>, Plan)>,
}

/// Why a contract can't be prepared.
pub enum Unprepared {
    /// The scope and the catalog do not fit.
    Problems(Vec<ScopeProblem>),
    Denied(Denied),
}

impl From<Denied> for Unprepared {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl SecondLock {
    pub fn new(base: PathBuf) -> Self {
        Self {
            base,
            stewards: Mutex::default(),
        }
    }

    /// The steward's connection, made anew when the resource has changed.
    pub async fn steward(&self, resource: &Resource) -> Result<Arc<Steward>, Denied> {
        let mut stewards = self.stewards.lock().await;
        if let Some(steward) = stewards
            .get(&resource.id)
            .filter(|steward| same_account(steward.resource(), resource))
        {
            return Ok(Arc::clone(steward));
        }
        let connected = within(Steward::connect(resource, &self.base)).await?;
        let steward = Arc::new(connected);
        stewards.insert(resource.id.clone(), Arc::clone(&steward));
        Ok(steward)
    }

    /// Forgets the connection; the next use logs in again.
    pub async fn forget(&self, resource: &str) {
        self.stewards.lock().await.remove(resource);
    }

    /// Checks a contract against every database in its scope and writes `columns = "*"` out.
    pub async fn prepare(
        &self,
        contract: &Contract,
        revision: u32,
        resource: impl Fn(&str) -> Option<Arc<Resource>>,
    ) -> Result<Prepared, Unprepared> {
        let mut resolved = contract.clone();
        let mut plans = Vec::new();
        let mut problems = Vec::new();
        for id in resources_of(contract) {
            let resource = resource(&id).ok_or_else(|| {
                Denied::invalid("resource.unknown", format!("no resource `{id}`"))
            })?;
            let steward = self.steward(&resource).await?;
            let live = within(portcullis_lock::inspect(&steward, contract)).await?;
            problems.extend(portcullis_lock::check_scope(contract, &live));
            if problems.is_empty() {
                portcullis_lock::resolve_columns(&mut resolved, &live);
                let plan =
                    portcullis_lock::plan(&resolved, u64::from(revision), &live).map_err(denied)?;
                plans.push((resource, plan));
            }
        }
        if problems.is_empty() {
            Ok(Prepared {
                contract: resolved,
                plans,
            })
        } else {
            Err(Unprepared::Problems(problems))
        }
    }

    /// Makes it so in the databases. What PUBLIC opens beyond the contract blocks it.
    pub async fn install(&self, prepared: &Prepared) -> Result<Vec<Arc<Surface>>, Denied> {
        for (resource, plan) in &prepared.plans {
            let roads = blockers(plan);
            if !roads.is_empty() {
                return Err(Denied::invalid(
                    "lock.public",
                    format!(
                        "on `{}`, PUBLIC reaches rows beyond contract `{}`: {}",
                        resource.id,
                        plan.contract,
                        roads.join("; ")
                    ),
                )
                .hint("`portcullis plan` lists what to revoke in the database"));
            }
        }
        let mut surfaces = Vec::new();
        for (resource, plan) in &prepared.plans {
            let steward = self.steward(resource).await?;
            surfaces.push(Arc::new(
                within(portcullis_lock::install(&steward, plan)).await?,
            ));
        }
        Ok(surfaces)
    }

    /// A contract file to fill in.
    pub async fn draft(&self, resource: &Resource, law: &str) -> Result<String, Denied> {
        let steward = self.steward(resource).await?;
        within(portcullis_lock::draft(&steward, law)).await
    }

    pub async fn detach(&self, resource: &Resource) -> Result<(), Denied> {
        let steward = self.steward(resource).await?;
        within(portcullis_lock::detach(&steward)).await?;
        Ok(())
    }

    /// Drops a closed grant's role, its backends first.
    pub async fn drop_grant_role(&self, resource: &Resource, grant: &str) -> Result<(), Denied> {
        let steward = self.steward(resource).await?;
        within(portcullis_lock::drop_grant_role(
            &steward,
            &portcullis_lock::grant_role_name(grant),
        ))
        .await
    }

    /// Removes what a crash left: schemas of contracts that are over, roles of grants that are closed.
    pub async fn sweep(
        &self,
        resource: &Resource,
        live: &[portcullis_lock::LiveContract],
    ) -> Result<(), Denied> {
        let steward = self.steward(resource).await?;
        within(portcullis_lock::sweep(&steward, live)).await?;
        Ok(())
    }

    /// Roads past the gate.
    pub async fn bypass(
        &self,
        resource: &Resource,
        contracts: &[Contract],
        known: &portcullis_lock::KnownSessions,
    ) -> Result<Vec<portcullis_lock::Bypass>, Denied> {
        let steward = self.steward(resource).await?;
        within(portcullis_lock::bypass(&steward, contracts, known)).await
    }
}

impl Prepared {
    /// The plan for one resource: its statements and what to know before running them.
    pub fn shown(&self, resource: &str) -> Option<(&[String], Vec<String>)> {
        let (_, plan) = self.plans.iter().find(|(of, _)| of.id == resource)?;
        Some((&plan.statements, warnings(plan)))
    }

    /// What its sessions on a resource would see, before anything is installed.
    pub fn surface(&self, resource: &str) -> Option<Surface> {
        let (_, plan) = self.plans.iter().find(|(of, _)| of.id == resource)?;
        Some(plan.surface())
    }

    pub fn blocked(&self) -> Vec<String> {
        self.plans
            .iter()
            .flat_map(|(_, plan)| blockers(plan))
            .collect()
    }
}

fn blockers(plan: &Plan) -> Vec<String> {
    let blocks = plan
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Blocks);
    blocks
        .map(|finding| format!("{}: {}", finding.what, finding.remedy))
        .collect()
}

fn warnings(plan: &Plan) -> Vec<String> {
    plan.findings
        .iter()
        .map(|finding| format!("{}: {}", finding.what, finding.remedy))
        .collect()
}

/// What "*" means where nothing is loosened: the columns that were approved, not those of today.
pub fn keep_frozen_columns(contract: &mut Contract, standing: &Contract) {
    for table in contract
        .scope
        .iter_mut()
        .filter(|table| table.columns == Columns::All)
    {
        let same = standing.scope.iter().find(|other| {
            other.resource == table.resource
                && other.schema == table.schema
                && other.table == table.table
        });
        if let Some(standing) = same {
            table.columns = standing.columns.clone();
        }
    }
}

/// Whether a connection made for one is good for the other (a steward keeps its `ca_file` absolute).
fn same_account(one: &Resource, other: &Resource) -> bool {
    one.url == other.url
        && one.password_file == other.password_file
        && one.password_env == other.password_env
        && one.ca_file.is_some() == other.ca_file.is_some()
}

pub fn resources_of(contract: &Contract) -> Vec<String> {
    let mut ids: Vec<_> = contract
        .scope
        .iter()
        .map(|table| table.resource.clone())
        .collect();
    ids.sort();
    ids.dedup();
    ids
}

async fn within<T>(work: impl Future<Output = Result<T, LockError>>) -> Result<T, Denied> {
    match tokio::time::timeout(ANSWER_WITHIN, work).await {
        Ok(done) => done.map_err(denied),
        Err(_) => Err(Denied::unreachable(
            "database.slow",
            "the database did not answer in time",
        )),
    }
}

fn denied(error: LockError) -> Denied {
    let text = error.to_string();
    match error {
        LockError::Unreachable { .. } => Denied::unreachable("database.unreachable", text),
        LockError::Resource { .. } => Denied::unreachable("database.account", text),
        LockError::Database(_) => Denied::unreachable("database.refused", text),
        LockError::Contract { .. } | LockError::NotOurs { .. } | LockError::Refused(_) => {
            Denied::invalid("lock.refused", text)
        }
    }
}
