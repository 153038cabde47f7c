//! What a contract's tables tell of subjects: kind, column, and whether ids are the subject's own or
//! keyed for this contract.

use std::sync::Arc;

use portcullis_contract::{Columns, Contract, ScopeTable};
use portcullis_lock::SubjectTable;

use crate::compose::second_lock::resources_of;
use crate::compose::server::Server;

/// A contract's tables with subjects, on all its resources.
pub struct Ground {
    pub contract: Arc<Contract>,
    pub tables: Vec<(String, SubjectTable)>,
    /// Resources whose database could not be asked, with the reason: kinds there are as the contract
    /// names them, else guessed.
    pub guessed: Vec<(String, String)>,
}

impl Ground {
    pub fn table(&self, resource: &str, table: &str) -> Option<&SubjectTable> {
        self.tables
            .iter()
            .find(|(of, one)| of == resource && one.qualified() == table)
            .map(|(_, one)| one)
    }

    pub fn guessed_on(&self, resource: &str) -> Option<&str> {
        self.guessed
            .iter()
            .find(|(of, _)| of == resource)
            .map(|(_, why)| why.as_str())
    }
}

pub async fn ground(server: &Server, contract: Arc<Contract>) -> Ground {
    let mut ground = Ground {
        tables: Vec::new(),
        guessed: Vec::new(),
        contract,
    };
    for resource in resources_of(&ground.contract) {
        match on_resource(server, &ground.contract, &resource).await {
            Ok(tables) => ground.take(&resource, tables),
            Err(why) => {
                let tables = guess(&ground.contract, &resource);
                ground.take(&resource, tables);
                ground.guessed.push((resource, why));
            }
        }
    }
    ground
}

impl Ground {
    fn take(&mut self, resource: &str, tables: Vec<SubjectTable>) {
        let named = tables.into_iter().map(|table| (resource.to_owned(), table));
        self.tables.extend(named);
    }
}

async fn on_resource(
    server: &Server,
    contract: &Contract,
    resource: &str,
) -> Result<Vec<SubjectTable>, String> {
    if let Some(surface) = server.registry.surface(&contract.id, resource) {
        return Ok(portcullis_lock::subjects_shown(contract, &surface));
    }
    let target = server
        .resource(resource)
        .ok_or_else(|| format!("no resource `{resource}`"))?;
    let steward = server
        .locks
        .steward(&target)
        .await
        .map_err(|denied| denied.message)?;
    portcullis_lock::subjects_of(&steward, contract)
        .await
        .map_err(|error| error.to_string())
}

/// Without the database a foreign key is not known: the table itself names the kind.
fn guess(contract: &Contract, resource: &str) -> Vec<SubjectTable> {
    let here = contract.scope.iter().filter(|s| s.resource == resource);
    let guessed = here.filter_map(|scope| {
        let column = scope.subject.clone()?;
        Some(SubjectTable {
            schema: scope.schema.clone(),
            table: scope.table.clone(),
            kind: scope
                .subject_kind
                .clone()
                .unwrap_or_else(|| scope.qualified()),
            keyed: !shown_clear(scope, &column),
            column,
        })
    });
    let mut tables: Vec<SubjectTable> = guessed.collect();
    let keyed: Vec<String> = tables
        .iter()
        .filter(|table| table.keyed)
        .map(|table| table.kind.clone())
        .collect();
    for table in &mut tables {
        table.keyed |= keyed.contains(&table.kind);
    }
    tables
}

fn shown_clear(scope: &ScopeTable, column: &String) -> bool {
    let shown = match &scope.columns {
        Columns::All => true,
        Columns::List(list) => list.contains(column),
    };
    shown && !scope.mask.contains_key(column)
}
