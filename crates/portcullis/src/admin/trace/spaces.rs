//! The kinds of subjects that contracts, past ones too, have told of.

use std::collections::BTreeSet;
use std::sync::Arc;

use portcullis_contract::{Columns, Contract};
use portcullis_lock::SUBJECT_COLUMN;
use serde::Serialize;

use crate::compose::server::Server;

/// A subject's identity is (resource, kind, value).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Space {
    pub resource: String,
    pub kind: String,
    /// Columns that hold these subjects, without their tables: a tie is broken by name.
    pub columns: BTreeSet<String>,
}

/// Whose disclosures a file's clear keys can't lead to: the contract masks or hides the key, and the
/// ledger has digests of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Untraceable {
    pub contract: String,
    pub resource: String,
    pub table: String,
    pub kind: String,
    pub column: String,
    /// What stands in the key's place; `None`: the column isn't shown.
    pub mask: Option<String>,
}

#[derive(Default)]
pub struct Known {
    pub spaces: Vec<Space>,
    pub untraceable: Vec<Untraceable>,
}

pub fn known(server: &Server) -> Known {
    let contracts: Vec<Arc<Contract>> = server.registry.read(|state| {
        let entries = state.contracts.values();
        entries.map(|entry| Arc::clone(&entry.contract)).collect()
    });
    let mut spaces: BTreeSet<(String, String, String)> = BTreeSet::new();
    let mut untraceable = BTreeSet::new();
    for contract in &contracts {
        for table in &contract.scope {
            let Some(column) = &table.subject else {
                continue;
            };
            let surface = server.registry.surface(&contract.id, &table.resource);
            let shown = surface
                .as_ref()
                .and_then(|surface| surface.table(&table.schema, &table.table)?.subject.as_ref());
            // Without the second lock a foreign key isn't known: what it may point to is tried too,
            // as far as any contract names it.
            let kind = shown
                .map(|subject| subject.kind.clone())
                .or_else(|| table.subject_kind.clone())
                .unwrap_or_else(|| table.qualified());
            spaces.insert((table.resource.clone(), kind.clone(), column.clone()));
            let keyed = match shown {
                Some(subject) => subject.column == SUBJECT_COLUMN,
                None => !in_clear(&table.columns, column) || table.mask.contains_key(column),
            };
            if keyed {
                untraceable.insert(Untraceable {
                    contract: contract.id.clone(),
                    resource: table.resource.clone(),
                    table: table.qualified(),
                    kind,
                    column: column.clone(),
                    mask: table
                        .mask
                        .get(column)
                        .map(portcullis_contract::file::write_mask),
                });
            }
        }
    }
    Known {
        spaces: merged(spaces),
        untraceable: untraceable.into_iter().collect(),
    }
}

fn in_clear(columns: &Columns, column: &String) -> bool {
    match columns {
        Columns::All => true,
        Columns::List(list) => list.contains(column),
    }
}

fn merged(named: BTreeSet<(String, String, String)>) -> Vec<Space> {
    let mut spaces: Vec<Space> = Vec::new();
    for (resource, kind, column) in named {
        match spaces.last_mut() {
            Some(last) if last.resource == resource && last.kind == kind => {
                last.columns.insert(column);
            }
            _ => spaces.push(Space {
                resource,
                kind,
                columns: BTreeSet::from([column]),
            }),
        }
    }
    spaces
}
