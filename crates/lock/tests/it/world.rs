//! A cluster with the sample clinic, and its contract as data.

use std::collections::{BTreeMap, BTreeSet};

use portcullis_contract::{
    Access, Columns, Contract, Grade, Joins, Mask, Method, Methods, Mode, Personal, Resource,
    ResourceKind, ScopeTable,
};
use portcullis_harness::sample::load_clinic;
use portcullis_harness::{PgCluster, PgVersion, PgVersions};
use portcullis_lock::{GrantRole, LiveCatalog, Plan, RoleSecret, Steward};
use portcullis_sql::Surface;
use tokio_postgres::Client;

pub const DATABASE: &str = "hospital";
pub const STEWARD: &str = "steward";
pub const STEWARD_PASSWORD: &str = "steward-of-the-clinic";

pub struct World {
    pub cluster: PgCluster,
    pub steward: Steward,
    _dir: tempfile::TempDir,
}

impl World {
    /// On the usual server; `PORTCULLIS_TEST_PG=18` chooses another for the whole suite.
    pub async fn start() -> Self {
        let wanted = std::env::var("PORTCULLIS_TEST_PG")
            .ok()
            .and_then(|v| v.parse().ok());
        let chosen = wanted.and_then(|major: u32| {
            PgVersions::available()
                .into_iter()
                .find(|v| v.major == major)
        });
        Self::on(&chosen.unwrap_or_else(|| PgVersions::usual().unwrap())).await
    }

    pub async fn on(version: &PgVersion) -> Self {
        let version = version.clone();
        let cluster = tokio::task::spawn_blocking(move || {
            let cluster = PgCluster::start(&version).unwrap();
            load_clinic(&cluster, DATABASE, 200).unwrap();
            cluster
        })
        .await
        .unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(
            dir.path().join("steward.password"),
            format!("{STEWARD_PASSWORD}\n"),
        )
        .unwrap();
        let steward = Steward::connect(&resource(&cluster), dir.path())
            .await
            .unwrap();
        Self {
            cluster,
            steward,
            _dir: dir,
        }
    }

    /// Runs SQL as the superuser, in the clinic's database.
    pub async fn sql(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        let (url, sql) = (self.cluster.url_to("postgres", DATABASE), sql.to_owned());
        tokio::task::spawn_blocking(move || portcullis_harness::query_rows(&url, &sql).unwrap())
            .await
            .unwrap()
    }

    pub async fn inspect(&self, contract: &Contract) -> LiveCatalog {
        portcullis_lock::inspect(&self.steward, contract)
            .await
            .unwrap()
    }

    pub async fn plan(&self, contract: &Contract) -> Plan {
        portcullis_lock::plan(contract, 1, &self.inspect(contract).await).unwrap()
    }

    pub async fn install(&self, contract: &Contract) -> Surface {
        portcullis_lock::install(&self.steward, &self.plan(contract).await)
            .await
            .unwrap()
    }

    pub async fn role(&self, surface: &Surface, grant: &str) -> RoleSecret {
        portcullis_lock::ensure_grant_role(&self.steward, surface, &grant_role(grant))
            .await
            .unwrap()
    }

    pub async fn login(&self, secret: &RoleSecret) -> Client {
        self.cluster
            .connect(&secret.role, &secret.password, DATABASE)
            .await
            .unwrap()
    }
}

pub fn grant_role(grant: &str) -> GrantRole {
    GrantRole {
        role: portcullis_lock::grant_role_name(grant),
        shown_user: "li.wei".into(),
        expires_at: "2097-01-01T00:00:00Z".parse().unwrap(),
        connection_limit: 4,
        statement_timeout_ms: 30_000,
    }
}

pub fn resource(cluster: &PgCluster) -> Resource {
    Resource {
        id: "hospital".into(),
        kind: ResourceKind::Postgresql,
        url: format!(
            "postgresql://{STEWARD}@127.0.0.1:{}/{DATABASE}?sslmode=prefer",
            cluster.port()
        ),
        password_file: Some("steward.password".into()),
        password_env: None,
        ca_file: None,
        explained_roles: BTreeMap::new(),
    }
}

pub fn scope(table: &str, subject: Option<&str>, columns: Columns) -> ScopeTable {
    let (schema, table) = table.split_once('.').unwrap();
    ScopeTable {
        resource: "hospital".into(),
        schema: schema.into(),
        table: table.into(),
        grade: Grade::General,
        personal: Personal::Personal,
        subject: subject.map(str::to_owned),
        subject_kind: None,
        columns,
        mask: BTreeMap::new(),
        rows: None,
    }
}

pub fn list(columns: &[&str]) -> Columns {
    Columns::List(columns.iter().map(|c| (*c).to_owned()).collect())
}

/// The sample contract of `interface.md`.
pub fn clinic_contract() -> Contract {
    let mut patients = scope(
        "clinic.patients",
        Some("patient_id"),
        list(&[
            "patient_id",
            "name",
            "id_card",
            "phone",
            "birth_date",
            "sex",
            "hospital_ward",
        ]),
    );
    patients.mask = BTreeMap::from([
        ("name".into(), Mask::First(1)),
        ("id_card".into(), Mask::Last(4)),
        ("phone".into(), Mask::Last(4)),
    ]);
    patients.rows = Some("hospital_ward <> 'VIP'".into());
    contract_of(vec![
        patients,
        scope("clinic.visits", Some("patient_id"), Columns::All),
    ])
}

pub fn contract_of(scope: Vec<ScopeTable>) -> Contract {
    Contract {
        id: "clinic-ops-2026".into(),
        title: "Operation".into(),
        vendor: "acme-it".into(),
        law: "none".into(),
        mode: Mode::Enforce,
        purposes: BTreeMap::new(),
        valid_from: "2026-01-01".parse().unwrap(),
        valid_until: "2097-12-31".parse().unwrap(),
        vetting: vec![],
        access: Access {
            timezone: "UTC".into(),
            hours: vec![],
            networks: vec![],
            grant_at_most_seconds: 3600,
        },
        methods: Methods {
            allowed: BTreeSet::from([Method::Lookup, Method::Catalog, Method::Tuning]),
            aggregate_min_group: 5,
            aggregate_dimensions: None,
        },
        budgets: vec![],
        scope,
        joins: Joins::Scoped,
        params_hashed: false,
        terms: BTreeMap::new(),
    }
}
