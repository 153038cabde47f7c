//! `apply`: files in, changes out; all or nothing.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, State};
use portcullis_contract::file::{self, Diagnostic, Document, Known, Options, SourceFile};
use portcullis_contract::{Contract, Resource};
use portcullis_lock::ScopeProblem;
use portcullis_sql::Surface;
use portcullis_store::state::command::{self, ApplyPlan, Diff};
use portcullis_store::state::{Actor, ChangeItem, Decision, Denied, ItemState, Proposal};
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::ApiError;
use super::input::Body;
use super::{Shared, show};
use crate::compose::second_lock::{Unprepared, keep_frozen_columns, resources_of};
use crate::compose::server::Server;

/// More files than this are no contract but a mistake.
const FILES_MAX: usize = 200;

#[derive(Deserialize)]
pub struct Request {
    files: Vec<File>,
    #[serde(default)]
    color: bool,
}

#[derive(Deserialize)]
struct File {
    name: String,
    text: String,
}

pub async fn apply(
    State(server): Shared,
    Extension(actor): Extension<Actor>,
    Body(request): Body<Request>,
) -> Result<Json<Value>, ApiError> {
    if request.files.len() > FILES_MAX {
        return Err(Denied::invalid(
            "apply.files",
            format!("more than {FILES_MAX} files at once"),
        )
        .into());
    }
    let sources: Vec<_> = request
        .files
        .into_iter()
        .map(|file| SourceFile {
            name: file.name,
            text: file.text,
        })
        .collect();
    // On its own task: whoever goes away in the middle leaves nothing half done.
    let applied = tokio::spawn(async move { apply_files(&server, &actor, &sources).await }).await;
    match applied {
        Ok(Ok(changes)) => Ok(Json(json!({ "changes": changes }))),
        Ok(Err(Unapplied::Denied(denied))) => Err(denied.into()),
        Ok(Err(Unapplied::Mistakes(mistakes, sources))) => {
            let rendered = file::render(&mistakes, &sources, request.color);
            let message = format!("nothing was applied: {} mistake(s)", mistakes.len());
            let denied = Denied::invalid("apply.invalid", message);
            let told = file::to_json(&mistakes, &sources);
            Err(ApiError::diagnosed(denied, told, rendered))
        }
        Err(_) => Err(Denied::unreachable("apply.cut", "the command was cut short").into()),
    }
}

enum Unapplied {
    Mistakes(Vec<Diagnostic>, Vec<SourceFile>),
    Denied(Denied),
}

impl From<Denied> for Unapplied {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

async fn apply_files(
    server: &Arc<Server>,
    actor: &Actor,
    sources: &[SourceFile],
) -> Result<Vec<Value>, Unapplied> {
    let mistaken = |mistakes| Unapplied::Mistakes(mistakes, sources.to_vec());
    let _turn = server.changing.lock().await;
    let options = Options {
        known: known(server),
    };
    let document = file::parse(sources, &options).map_err(mistaken)?;
    let mut diff = server
        .registry
        .read(|state| command::diff(state, proposals(&document)));
    let checked = check_contracts(server, &document, &mut diff).await?;
    if !checked.mistakes.is_empty() {
        return Err(mistaken(checked.mistakes));
    }
    let plan = ApplyPlan {
        change: show::new_id("c")?,
        items: diff.items,
    };
    let recorded = server
        .registry
        .execute(actor, |state, _| {
            let events = command::change_request(state, actor, &plan)?;
            Ok(Decision {
                events,
                surfaces: checked.surfaces,
                answer: (),
            })
        })
        .await;
    let in_force: Vec<_> = plan
        .items
        .iter()
        .filter(|item| item.state == ItemState::Applied)
        .cloned()
        .collect();
    settle(server, &in_force, recorded).await?;
    let new = plan
        .items
        .iter()
        .map(|item| show::applied_item(&plan.change, item));
    let waiting = diff
        .waiting
        .iter()
        .map(|(change, item)| show::applied_item(change, item));
    Ok(new.chain(waiting).collect())
}

/// What follows when items have come into force, or were installed in vain.
pub async fn settle(
    server: &Arc<Server>,
    items: &[ChangeItem],
    recorded: Result<(), Denied>,
) -> Result<(), Denied> {
    if let Err(denied) = recorded {
        // The databases have the new views, the record hasn't: back to what is in force.
        for item in items {
            if let Proposal::Contract(contract) = &item.after {
                for resource in resources_of(contract) {
                    server.restore_lock_or_warn(&resource).await;
                }
            }
        }
        return Err(denied);
    }
    let orphaned = |state: &_, _| Ok(Decision::new(command::orphaned(state), ()));
    server.registry.execute(&Actor::Server, orphaned).await?;
    for item in items {
        match (&item.before, &item.after) {
            (Some(_), Proposal::Resource(resource)) => {
                // Its contracts were installed where it is now; the old connection is not used again.
                server.locks.forget(&resource.id).await;
            }
            (Some(Proposal::Contract(before)), Proposal::Contract(after)) => {
                let kept = resources_of(after);
                for left in resources_of(before)
                    .into_iter()
                    .filter(|id| !kept.contains(id))
                {
                    server.registry.drop_surface(&after.id, &left);
                    server.sweep(&left).await;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

pub(super) fn known(server: &Server) -> Known {
    server.registry.read(|state| {
        let mut known = Known {
            vendors: state.vendors.keys().cloned().collect(),
            persons: state.persons.keys().cloned().collect(),
            resources: state.resources.keys().cloned().collect(),
            contracts: state.contracts.keys().cloned().collect(),
        };
        // What waits may be referred to: approval checks the order.
        for item in state
            .changes
            .values()
            .flat_map(|change| change.pending_items())
        {
            let names = match item.kind() {
                "vendor" => &mut known.vendors,
                "person" => &mut known.persons,
                "resource" => &mut known.resources,
                "contract" => &mut known.contracts,
                _ => continue,
            };
            names.insert(item.name().to_owned());
        }
        known
    })
}

fn proposals(document: &Document) -> Vec<Proposal> {
    let vendors = document
        .vendors
        .iter()
        .cloned()
        .map(|vendor| Proposal::Vendor(Arc::new(vendor)));
    let persons = document
        .persons
        .iter()
        .cloned()
        .map(|person| Proposal::Person(Arc::new(person)));
    let resources = document
        .resources
        .iter()
        .cloned()
        .map(|resource| Proposal::Resource(Arc::new(resource)));
    let contracts = document
        .contracts
        .iter()
        .cloned()
        .map(|contract| Proposal::Contract(Arc::new(contract)));
    vendors
        .chain(persons)
        .chain(resources)
        .chain(contracts)
        .collect()
}

#[derive(Default)]
struct Checked {
    mistakes: Vec<Diagnostic>,
    /// Of contracts that tighten: installed already, because they are in force at once.
    surfaces: Vec<Arc<Surface>>,
}

/// Every contract that differs, against the live catalogs; then those that are in force at once are installed.
async fn check_contracts(
    server: &Server,
    document: &Document,
    diff: &mut Diff,
) -> Result<Checked, Denied> {
    let coming = coming_resources(server, document);
    let mut checked = Checked::default();
    let mut ready = Vec::new();
    for item in &mut diff.items {
        let Proposal::Contract(contract) = &item.after else {
            continue;
        };
        let standing = server
            .registry
            .read(|state| state.contracts.get(&contract.id).cloned());
        let revision = standing.as_ref().map_or(1, |entry| entry.revision + 1);
        let mut wanted = (**contract).clone();
        if let (ItemState::Applied, Some(entry)) = (item.state, &standing) {
            keep_frozen_columns(&mut wanted, &entry.contract);
        }
        match server.prepare(&wanted, revision, &coming).await {
            Ok(prepared) => {
                let roads = prepared.blocked();
                if !roads.is_empty() {
                    checked.mistakes.extend(roads.into_iter().map(|road| {
                        document.places.diagnostic(
                            &["contract", &contract.id, "scope"],
                            "the database opens more than the contract",
                            road,
                            "revoke it in the database, then apply again",
                        )
                    }));
                } else if item.state == ItemState::Applied {
                    item.resolved = Some(Arc::new(prepared.contract.clone()));
                    ready.push(prepared);
                }
            }
            Err(Unprepared::Problems(problems)) => {
                checked.mistakes.extend(
                    problems
                        .iter()
                        .map(|problem| diagnostic(document, contract, problem)),
                );
            }
            Err(Unprepared::Denied(denied)) => return Err(denied),
        }
    }
    if checked.mistakes.is_empty() {
        for prepared in ready {
            checked
                .surfaces
                .extend(server.locks.install(&prepared).await?);
        }
    }
    Ok(checked)
}

/// Resources as the files have them, then those that wait for approval.
pub(super) fn coming_resources(server: &Server, document: &Document) -> Vec<Arc<Resource>> {
    let mut coming: Vec<_> = document.resources.iter().cloned().map(Arc::new).collect();
    server.registry.read(|state| {
        for item in state
            .changes
            .values()
            .flat_map(|change| change.pending_items())
        {
            if let Proposal::Resource(resource) = &item.after {
                coming.push(Arc::clone(resource));
            }
        }
    });
    coming
}

/// Points into the file: `scope[0].columns` is the path below the contract.
pub(super) fn diagnostic(
    document: &Document,
    contract: &Contract,
    problem: &ScopeProblem,
) -> Diagnostic {
    let mut path = vec!["contract", contract.id.as_str()];
    path.extend(
        problem
            .path
            .split(['.', '[', ']'])
            .filter(|part| !part.is_empty()),
    );
    let place = format!("contract `{}`, {}", contract.id, problem.path);
    document
        .places
        .diagnostic(&path, problem.message.clone(), place, problem.help.clone())
}

/// The waiting items of a change with their contracts resolved and installed.
pub async fn install_waiting(
    server: &Server,
    items: Vec<ChangeItem>,
) -> Result<(Vec<ChangeItem>, Vec<Arc<Surface>>), Denied> {
    let coming: Vec<_> = items
        .iter()
        .filter_map(|item| match &item.after {
            Proposal::Resource(resource) => Some(Arc::clone(resource)),
            _ => None,
        })
        .collect();
    let mut resolved = Vec::new();
    let mut ready = Vec::new();
    for mut item in items {
        if let Proposal::Contract(contract) = &item.after {
            let revision = server.registry.read(|state| {
                state
                    .contracts
                    .get(&contract.id)
                    .map_or(1, |entry| entry.revision + 1)
            });
            let prepared = server
                .prepare(contract, revision, &coming)
                .await
                .map_err(|why| no_longer(contract, why))?;
            item.resolved = Some(Arc::new(prepared.contract.clone()));
            ready.push(prepared);
        }
        resolved.push(item);
    }
    // A resource that moves: what is in force on it must fit where it moves to.
    for resource in &coming {
        for (contract, revision) in server.contracts_on(&resource.id) {
            let comes = |item: &ChangeItem| item.kind() == "contract" && item.name() == contract.id;
            if !resolved.iter().any(comes) {
                let prepared = server.prepare(&contract, revision, &coming).await;
                ready.push(prepared.map_err(|why| no_longer(&contract, why))?);
            }
        }
    }
    let mut surfaces = Vec::new();
    for prepared in &ready {
        surfaces.extend(server.locks.install(prepared).await?);
    }
    Ok((resolved, surfaces))
}

fn no_longer(contract: &Contract, why: Unprepared) -> Denied {
    match why {
        Unprepared::Denied(denied) => denied,
        Unprepared::Problems(problems) => {
            let texts: Vec<_> = problems
                .iter()
                .map(|p| format!("{}: {}", p.path, p.message))
                .collect();
            Denied::invalid(
                "apply.stale",
                format!(
                    "contract `{}` does not fit the database any more: {}",
                    contract.id,
                    texts.join("; ")
                ),
            )
            .hint("correct the file and apply again")
        }
    }
}
