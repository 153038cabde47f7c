//! What a connection costs the process in between: memory while idle, CPU to log in.

use std::time::Duration;

use anyhow::Result;

use crate::bulk::connect;
use crate::process::{Cpu, private_bytes};
use crate::targets::{Target, Targets};

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
            costs.push(runtime.block_on(cost(target, pid))?);
        }
    }
    Ok(costs)
}

async fn cost(target: &Target, pid: u32) -> Result<Cost> {
    // One before, so that what is allocated once isn't counted.
    drop(hold(target, 1).await?);
    tokio::time::sleep(SETTLE).await;

    let before = private_bytes(pid);
    let held = hold(target, IDLE_CONNECTIONS).await?;
    tokio::time::sleep(SETTLE).await;
    let grown = private_bytes(pid).saturating_sub(before);
    drop(held);
    tokio::time::sleep(SETTLE).await;

    let before = Cpu::of(pid);
    for _ in 0..LOGINS {
        drop(connect(target).await?);
    }
    tokio::time::sleep(SETTLE).await;
    let spent = Cpu::of(pid).since(before).seconds();
    Ok(Cost {
        target: target.name,
        idle_bytes: grown as f64 / IDLE_CONNECTIONS as f64,
        login_ms: spent * 1000.0 / f64::from(LOGINS),
    })
}

async fn hold(target: &Target, count: usize) -> Result<Vec<tokio_postgres::Client>> {
    let mut held = Vec::new();
    for _ in 0..count {
        held.push(connect(target).await?);
    }
    Ok(held)
}
