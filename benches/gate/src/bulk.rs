//! Large results: SELECT and COPY of every account.

use std::pin::pin;
use std::time::Instant;

use anyhow::Result;
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

#[derive(Clone, Copy)]
enum Form {
    Select,
    Copy,
}

pub fn run_all(targets: &Targets, rounds: usize) -> Result<Vec<Bulk>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let names: Vec<&'static str> = targets.list.iter().map(|target| target.name).collect();
    let mut bulks = Vec::new();
    for (name, form) in [("SELECT", Form::Select), ("COPY", Form::Copy)] {
        let mut bulk = Bulk {
            name,
            targets: names.clone(),
            rounds: Vec::new(),
        };
        for round in 0..rounds {
            eprintln!("round {}: {name}", round + 1);
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

async fn run(target: &Target, form: Form) -> Result<Run> {
    let client = connect(target).await?;
    let before = target.proxy.map(Cpu::of).unwrap_or_default();
    let from = Instant::now();
    let columns = "aid, bid, abalance, filler";
    let rows = match form {
        Form::Select => {
            let sql = format!("select {columns} from pgbench_accounts");
            let rows = client.simple_query_raw(&sql).await?;
            count(rows, |message| {
                matches!(message, SimpleQueryMessage::Row(_)).into()
            })
            .await?
        }
        Form::Copy => {
            let sql = format!("copy (select {columns} from pgbench_accounts) to stdout");
            let portions = client.copy_out(&sql).await?;
            count(portions, |bytes| {
                bytes.iter().filter(|byte| **byte == b'\n').count() as u64
            })
            .await?
        }
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
