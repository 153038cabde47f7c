//! What a connection costs the process in between: memory while idle, CPU to log in.

use std::time::Duration;

use anyhow::Result;
use tokio_postgres::Client;

use crate::bulk::connect;
use crate::process::{Cpu, private_bytes};
use crate::targets::{Target, Targets};
use crate::tls;

const IDLE_CONNECTIONS: usize = 100;
const LOGINS: u32 = 200;
const SETTLE: Duration = Duration::from_millis(500);

pub struct Cost {
    pub target: &'static str,
    pub idle_bytes: f64,
    pub login_ms: f64,
}

pub fn measure(targets: &Targets) -> Result<Vec<Cost>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut costs = Vec::new();
    for target in &targets.list {
        if let Some(pid) = target.proxy {
            eprintln!("connections: {}", target.name);
            costs.push(runtime.block_on(cost(target, pid, false))?);
            if target.name == "gate" {
                costs.push(runtime.block_on(cost(target, pid, true))?);
            }
        }
    }
    Ok(costs)
}

async fn cost(target: &Target, pid: u32, with_tls: bool) -> Result<Cost> {
    // One before, so that what is allocated once isn't counted.
    drop(hold(target, 1, with_tls).await?);
    tokio::time::sleep(SETTLE).await;

    let before = private_bytes(pid);
    let held = hold(target, IDLE_CONNECTIONS, with_tls).await?;
    tokio::time::sleep(SETTLE).await;
    let grown = private_bytes(pid).saturating_sub(before);
    drop(held);
    tokio::time::sleep(SETTLE).await;

    let before = Cpu::of(pid);
    for _ in 0..LOGINS {
        drop(open(target, with_tls).await?);
    }
    tokio::time::sleep(SETTLE).await;
    let spent = Cpu::of(pid).since(before).seconds();
    Ok(Cost {
        target: if with_tls { "gate, TLS" } else { target.name },
        idle_bytes: grown as f64 / IDLE_CONNECTIONS as f64,
        login_ms: spent * 1000.0 / f64::from(LOGINS),
    })
}

async fn hold(target: &Target, count: usize, with_tls: bool) -> Result<Vec<Client>> {
    let mut held = Vec::new();
    for _ in 0..count {
        held.push(open(target, with_tls).await?);
    }
    Ok(held)
}

async fn open(target: &Target, with_tls: bool) -> Result<Client> {
    if !with_tls {
        return connect(target).await;
    }
    let url = format!("{}?sslmode=require", target.connect.url());
    let (client, connection) = tokio_postgres::connect(&url, tls::connector()?).await?;
    tokio::spawn(connection);
    Ok(client)
}
