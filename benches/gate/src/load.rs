//! pgbench's look-ups (`-S`) on every target, in turn inside each round.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::Options;
use crate::process::Cpu;
use crate::targets::{Target, Targets};

/// One run.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    pub tps: f64,
    pub latency_us: f64,
    /// Of the process in between.
    pub proxy: Cpu,
    pub transactions: f64,
}

/// A load's runs: `rounds[round][target]`.
pub struct Load {
    pub mode: String,
    pub clients: u32,
    pub targets: Vec<&'static str>,
    pub rounds: Vec<Vec<Run>>,
}

pub fn run_all(targets: &Targets, options: &Options) -> Result<Vec<Load>> {
    let mut loads = Vec::new();
    for mode in &options.modes {
        for clients in &options.clients {
            let names = targets.list.iter().map(|target| target.name).collect();
            loads.push(Load {
                mode: mode.clone(),
                clients: *clients,
                targets: names,
                rounds: Vec::new(),
            });
        }
    }
    for round in 0..options.rounds {
        for load in &mut loads {
            eprintln!("round {}: {} c{}", round + 1, load.mode, load.clients);
            let runs = one_round(targets, load, round, options.seconds)?;
            load.rounds.push(runs);
        }
    }
    Ok(loads)
}

/// Who begins changes with the round, so that nobody always runs on a machine just warmed up.
fn one_round(targets: &Targets, load: &Load, round: usize, seconds: u32) -> Result<Vec<Run>> {
    let count = targets.list.len();
    let mut runs = vec![None; count];
    for turn in 0..count {
        let index = (turn + round) % count;
        let (Some(target), Some(slot)) = (targets.list.get(index), runs.get_mut(index)) else {
            continue;
        };
        *slot = Some(run(target, &load.mode, load.clients, seconds)?);
    }
    runs.into_iter()
        .map(|run| run.context("every target has run"))
        .collect()
}

pub fn run(target: &Target, mode: &str, clients: u32, seconds: u32) -> Result<Run> {
    let before = target.proxy.map(Cpu::of).unwrap_or_default();
    let connect = &target.connect;
    let output = Command::new("timeout")
        .arg((seconds + 60).to_string())
        .args([
            "pgbench",
            "-n",
            "-S",
            "-M",
            mode,
            "-c",
            &clients.to_string(),
        ])
        .args([
            "-j",
            &clients.min(2).to_string(),
            "-T",
            &seconds.to_string(),
        ])
        .env("PGHOST", &connect.host)
        .env("PGPORT", connect.port.to_string())
        .env("PGUSER", &connect.user)
        .env("PGPASSWORD", &connect.password)
        .env("PGDATABASE", &connect.database)
        .env("PGSSLMODE", "disable")
        .stdin(Stdio::null())
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!(
            "pgbench through {}: {said}{}",
            target.name,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let after = target.proxy.map(Cpu::of).unwrap_or_default();
    Ok(Run {
        tps: figure(&said, "tps = ")?,
        latency_us: figure(&said, "latency average = ")? * 1000.0,
        proxy: after.since(before),
        transactions: figure(&said, "number of transactions actually processed: ")?,
    })
}

fn figure(said: &str, label: &str) -> Result<f64> {
    let line = said.lines().find_map(|line| line.strip_prefix(label));
    let word = line.and_then(|rest| rest.split_whitespace().next());
    word.and_then(|word| word.parse().ok())
        .with_context(|| format!("no `{label}` in {said}"))
}
