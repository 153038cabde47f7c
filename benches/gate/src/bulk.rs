//! Large results: SELECT and COPY of every account.

use std::pin::pin;
use std::time::Instant;

use anyhow::Result;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::process::Cpu;
use crate::targets::{Target, Targets};

#[derive(Debug, Clone, Copy)]
pub struct Run {
    pub seconds: f64,
    pub rows: u64,
    pub proxy: Cpu,
}

pub struct Bulk {
    pub name: &'static str,
    pub targets: Vec<&'static str>,
    pub rounds: Vec<Vec<Run>>,
}

/// What is read. Where the contract masks, the others compute the same mask by hand: what is compared
/// is the way, not the database's work.
#[derive(Clone, Copy)]
pub struct Form {
    pub name: &'static str,
    columns: &'static str,
    masked: bool,
    by_copy: bool,
}

pub const FORMS: [Form; 4] = [
    Form {
        name: "SELECT",
        columns: "aid, bid, abalance",
        masked: false,
        by_copy: false,
    },
    Form {
        name: "SELECT, masked",
        columns: "aid, bid, abalance",
        masked: true,
        by_copy: false,
    },
    Form {
        name: "COPY",
        columns: "aid, bid, abalance",
        masked: false,
        by_copy: true,
    },
    Form {
        name: "COPY, masked",
        columns: "aid, bid, abalance",
        masked: true,
        by_copy: true,
    },
];

impl Form {
    fn sql(self, through_gate: bool) -> String {
        let masked = match (self.masked, through_gate) {
            (false, _) => "",
            (true, true) => ", filler",
            (true, false) => {
                ", cast(case when length(filler::text) > 4 \
                 then repeat('*', length(filler::text) - 4) || right(filler::text, 4) \
                 else repeat('*', length(filler::text)) end as char(84)) as filler"
            }
        };
        let select = format!(
            "select {}{masked} from public.pgbench_accounts",
            self.columns
        );
        if self.by_copy {
            format!("copy ({select}) to stdout")
        } else {
            select
        }
    }
}

pub fn run_all(targets: &Targets, rounds: usize) -> Result<Vec<Bulk>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let names: Vec<&'static str> = targets.list.iter().map(|target| target.name).collect();
    let mut bulks = Vec::new();
    for form in FORMS {
        let mut bulk = Bulk {
            name: form.name,
            targets: names.clone(),
            rounds: Vec::new(),
        };
        for round in 0..rounds {
            eprintln!("round {}: {}", round + 1, form.name);
            let mut runs = Vec::new();
            for target in &targets.list {
                runs.push(runtime.block_on(run(target, form))?);
            }
            bulk.rounds.push(runs);
        }
        bulks.push(bulk);
    }
    Ok(bulks)
}

pub async fn connect(target: &Target) -> Result<Client> {
    let url = format!("{}?sslmode=disable", target.connect.url());
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

pub async fn run(target: &Target, form: Form) -> Result<Run> {
    let client = connect(target).await?;
    let before = target.proxy.map(Cpu::of).unwrap_or_default();
    let from = Instant::now();
    let sql = form.sql(target.name == "gate");
    let rows = if form.by_copy {
        let portions = client.copy_out(&sql).await?;
        let lines = |bytes: Bytes| bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        count(portions, lines).await?
    } else {
        let rows = client.simple_query_raw(&sql).await?;
        count(rows, |message| {
            matches!(message, SimpleQueryMessage::Row(_)).into()
        })
        .await?
    };
    let seconds = from.elapsed().as_secs_f64();
    let after = target.proxy.map(Cpu::of).unwrap_or_default();
    Ok(Run {
        seconds,
        rows,
        proxy: after.since(before),
    })
}

async fn count<T>(
    stream: impl Stream<Item = Result<T, tokio_postgres::Error>>,
    rows_in: impl Fn(T) -> u64,
) -> Result<u64> {
    let mut stream = pin!(stream);
    let mut rows = 0;
    while let Some(item) = stream.next().await {
        rows += rows_in(item?);
    }
    Ok(rows)
}
