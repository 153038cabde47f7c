//! What is registered, for whoever reads: officers, vendors, persons, resources, contracts.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::{Shared, show};

pub async fn read(State(server): Shared) -> Json<Value> {
    Json(server.registry.read(|state| {
        json!({
            "officers": state.officers.iter().map(|(name, officer)| json!({
                "name": name, "roles": officer.roles, "token_by": officer.token_by,
            })).collect::<Vec<_>>(),
            "vendors": state.vendors.values().collect::<Vec<_>>(),
            "persons": state.persons.values().map(show::person).collect::<Vec<_>>(),
            "resources": state.resources.values().map(show::resource).collect::<Vec<_>>(),
            "contracts": state.contracts.values().map(show::contract).collect::<Vec<_>>(),
        })
    }))
}
