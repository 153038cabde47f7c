//! What most trials start from.

use std::pin::pin;

use futures_util::StreamExt as _;
use portcullis_harness::{Connect, Gate, PgCluster, sample};
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// A clinic, the gate before it, and Li Wei's grant. Dropped front to back: the gate goes first.
pub struct World {
    pub gate: Gate,
    pub connect: Connect,
    pub _cluster: PgCluster,
}

pub fn clinic(patients: u32, edit: impl FnOnce(String) -> String) -> World {
    clinic_with(patients, "", edit)
}

/// The clinic after its administrator ran `sql` in it.
pub fn clinic_with(patients: u32, sql: &str, edit: impl FnOnce(String) -> String) -> World {
    let cluster = PgCluster::start_usual().unwrap();
    sample::load_clinic(&cluster, "hospital", patients).unwrap();
    cluster.execute_in("hospital", sql).unwrap();
    let gate = Gate::before_clinic(&cluster, edit).unwrap();
    let connect = gate.grant_clinic().unwrap();
    World {
        gate,
        connect,
        _cluster: cluster,
    }
}

/// The sample contract with other ceilings.
pub fn with_budget(contract: String, rows: u32, subjects: u32) -> String {
    contract
        .replace(
            "rows_per_statement = 500",
            &format!("rows_per_statement = {rows}"),
        )
        .replace(
            "subjects_per_day   = 2000",
            &format!("subjects_per_day   = {subjects}"),
        )
        .replace(
            "bytes_per_session  = \"5 MB\"",
            "bytes_per_session  = \"900 MB\"",
        )
}

pub fn run<T>(future: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// A session named `application` in the log.
pub async fn session(
    connect: &Connect,
    application: &str,
) -> Result<Client, tokio_postgres::Error> {
    let url = format!(
        "{}?sslmode=disable&connect_timeout=10&application_name={application}",
        connect.url()
    );
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// How one statement went: every first column that arrived, and the error that ended it.
pub struct Outcome {
    pub keys: Vec<i32>,
    pub error: Option<tokio_postgres::Error>,
}

impl Outcome {
    pub fn sqlstate(&self) -> Option<&str> {
        Some(self.error.as_ref()?.code()?.code())
    }

    pub fn message(&self) -> &str {
        let error = self
            .error
            .as_ref()
            .and_then(tokio_postgres::Error::as_db_error);
        error.map_or("", tokio_postgres::error::DbError::message)
    }
}

/// Unlike the driver's own collecting calls it keeps the rows that came before an error.
pub async fn ask(client: &Client, sql: &str) -> Outcome {
    let mut outcome = Outcome {
        keys: Vec::new(),
        error: None,
    };
    let rows = match client.simple_query_raw(sql).await {
        Ok(rows) => rows,
        Err(error) => {
            return Outcome {
                error: Some(error),
                ..outcome
            };
        }
    };
    let mut rows = pin!(rows);
    while let Some(message) = rows.next().await {
        match message {
            Ok(SimpleQueryMessage::Row(row)) => {
                outcome.keys.push(row.get(0).unwrap().parse().unwrap());
            }
            Ok(_) => {}
            Err(error) => {
                // After a refusal the server's ReadyForQuery ends the stream; a lost connection
                // never does.
                let lost = error.as_db_error().is_none();
                outcome.error = Some(error);
                if lost {
                    break;
                }
            }
        }
    }
    outcome
}

/// Numbers that look random and are the same for the same seed (splitmix64).
pub struct Seeded(pub u64);

impl Seeded {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}
