//! Synthetic data: the clinic of the sample contract, and pgbench's tables.

use anyhow::Result;

use crate::PgCluster;

/// The sample's vendor and persons, resource and contract (hours `any`).
pub const VENDOR_TOML: &str = include_str!("../../../examples/clinic/vendor.toml");
pub const RESOURCE_TOML: &str = include_str!("../../../examples/clinic/resource.toml");
pub const CONTRACT_TOML: &str = include_str!("../../../examples/clinic/contract.toml");

/// The clinic's tables; `:patients` is filled in by [`load_clinic`].
pub const CLINIC_SQL: &str = include_str!("../../../examples/clinic/clinic.sql");

/// The steward's role, the account that Portcullis has in the database, and its password.
pub const STEWARD: &str = "steward";
pub const STEWARD_PASSWORD: &str = "steward-of-the-clinic";

/// Makes `database` (if need be) with schema `clinic`: `patients` rows `1..=patients`, three visits
/// each, and a table that no contract names. The same figures give the same rows.
pub fn load_clinic(cluster: &PgCluster, database: &str, patients: u32) -> Result<()> {
    cluster.create_database(database)?;
    let count = patients.to_string();
    cluster.execute_in(database, &CLINIC_SQL.replace(":patients", &count))?;
    add_steward(cluster, database, "clinic")
}

/// The role that the resource's URL names: it makes the views and the grants' roles.
pub fn add_steward(cluster: &PgCluster, database: &str, schema: &str) -> Result<()> {
    if cluster
        .rows(&format!(
            "select 1 from pg_roles where rolname = '{STEWARD}'"
        ))?
        .is_empty()
    {
        cluster.execute(&format!(
            "create role {STEWARD} login createrole password '{STEWARD_PASSWORD}'"
        ))?;
    }
    cluster.execute_in(
        database,
        &STEWARD_SQL
            .replace(":database", database)
            .replace("schema clinic", &format!("schema {schema}")),
    )
}

const STEWARD_SQL: &str = include_str!("../../../examples/clinic/steward.sql");

/// A contract over pgbench's tables as resource `pgbench`: scope, a mask, a subject, ceilings that are
/// counted but not reached.
pub const PGBENCH_CONTRACT_TOML: &str = include_str!("pgbench_contract.toml");

/// pgbench's own tables in schema `public`, as `pgbench -i -s SCALE` makes them, without the program.
pub fn load_pgbench(cluster: &PgCluster, database: &str, scale: u32) -> Result<()> {
    cluster.create_database(database)?;
    let sql = include_str!("pgbench.sql").replace(":scale", &scale.to_string());
    cluster.execute_in(database, &sql)
}

/// The sample with its ends far away, so that the tests don't expire with it.
pub fn for_all_time(toml: &str) -> String {
    toml.replace("until = 2027-", "until = 2097-")
        .replace("until = 2028-", "until = 2098-")
}

/// The clinic as the sample contract shows it: masked, without the hidden rows, columns and tables.
/// What a client gets from this bare database it must get through the gate.
pub fn load_clinic_as_shown(cluster: &PgCluster, database: &str, patients: u32) -> Result<()> {
    load_clinic(cluster, database, patients)?;
    cluster.execute_in(database, AS_SHOWN_SQL)
}

const AS_SHOWN_SQL: &str = include_str!("as_shown.sql");
