//! The figures beside the goals of performance.md.

use std::path::Path;

use crate::Options;
use crate::bulk::Bulk;
use crate::connections::Cost;
use crate::load::{Load, Run};
use crate::recovery::Recovery;

const DIRECT: &str = "direct";
const PGBOUNCER: &str = "pgbouncer";
const GATE: &str = "gate";

pub fn heading(options: &Options, folder: &Path, fsync_us: f64) {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("# Gate beside direct and pgbouncer\n");
    println!(
        "{cores} cores; {} rounds of {} s; pgbench scale {}; `fdatasync` of 200 bytes {fsync_us:.0} µs in {}",
        options.rounds,
        options.seconds,
        options.scale,
        folder.display()
    );
    if fsync_us < 20.0 {
        println!(
            "\n**Not a real disk**: an `fdatasync` that costs nothing makes the record look free."
        );
    }
}

pub fn loads(loads: &[Load], fsync_us: f64) {
    println!("\n## Look-ups (`pgbench -S`), medians of in-round ratios\n");
    println!(
        "| mode, clients | direct tps | pgbouncer/direct | gate/direct | gate/pgbouncer | goal | \
         CPU µs a transaction: pgbouncer | gate user | gate system | gate waits |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for load in loads {
        let pooled = cpu(load, PGBOUNCER);
        let gate = cpu(load, GATE);
        println!(
            "| {} c{} | {:.0} | {} | {} | {} | {} | {} | {} | {} | {} |",
            load.mode,
            load.clients,
            median(each(load, DIRECT, |run| run.tps)),
            ratio(load, PGBOUNCER, DIRECT),
            ratio(load, GATE, DIRECT),
            ratio(load, GATE, PGBOUNCER),
            goal(load),
            or_dash(pooled.0 + pooled.1),
            or_dash(gate.0),
            or_dash(gate.1),
            or_dash(gate.2),
        );
    }
    for load in loads.iter().filter(|load| load.clients == 1) {
        let added = |of: &str| {
            median(each(load, of, |run| run.latency_us))
                - median(each(load, DIRECT, |run| run.latency_us))
        };
        println!(
            "\nP3, {}: one client, added average latency: pgbouncer {} µs, gate {} µs; goal ≤ {:.0} µs (one fdatasync + 50)",
            load.mode,
            or_dash(added(PGBOUNCER)),
            or_dash(added(GATE)),
            fsync_us + 50.0
        );
    }
}

pub fn bulks(bulks: &[Bulk]) {
    println!(
        "\n## Large results, medians; goal P4: speed at least 0.95 of direct, CPU at most pgbouncer's\n"
    );
    println!(
        "| form | target | rows | speed/direct | CPU ms a million rows |\n|---|---|---|---|---|"
    );
    for bulk in bulks {
        for (index, target) in bulk.targets.iter().enumerate() {
            let runs = || {
                bulk.rounds
                    .iter()
                    .filter_map(|round| Some((round.first()?, round.get(index)?)))
            };
            let rows = runs().map(|(_, run)| run.rows).max().unwrap_or(0);
            let speed = median(
                runs()
                    .map(|(direct, run)| direct.seconds / run.seconds)
                    .collect(),
            );
            let of_million = median(
                runs()
                    .map(|(_, run)| run.proxy.seconds() * 1e9 / run.rows as f64)
                    .collect(),
            );
            println!(
                "| {} | {target} | {rows} | {speed:.2} | {of_million:.0} |",
                bulk.name
            );
        }
    }
}

pub fn connections(costs: &[Cost]) {
    println!(
        "\n## Connections; goal P5: idle at most 10 kB (TLS 32 kB), login at most 0.2 of pgbouncer's CPU\n"
    );
    println!("| target | memory while idle, kB | CPU a login, ms |\n|---|---|---|");
    for cost in costs {
        println!(
            "| {} | {:.1} | {:.2} |",
            cost.target,
            cost.idle_bytes / 1000.0,
            cost.login_ms
        );
    }
    println!(
        "\nP6 (understanding a statement) is measured where it happens: `cargo bench -p portcullis-sql`."
    );
}

pub fn recovery(recovery: Option<Recovery>) {
    if let Some(recovery) = recovery {
        println!(
            "\nReady {:.2} s after `kill -9` with {} log entries (reliability.md, R11: 2 s with 10^6)",
            recovery.ready_after.as_secs_f64(),
            recovery.entries
        );
    }
}

fn goal(load: &Load) -> &'static str {
    match (load.mode.as_str(), load.clients) {
        ("simple", 32) => "P1 ≥ 1.00",
        ("prepared", 32) => "P2 ≥ 0.95",
        _ => "",
    }
}

fn each(load: &Load, target: &str, figure: impl Fn(&Run) -> f64) -> Vec<f64> {
    let Some(index) = load.targets.iter().position(|name| *name == target) else {
        return Vec::new();
    };
    load.rounds
        .iter()
        .filter_map(|round| round.get(index))
        .map(figure)
        .collect()
}

fn ratio(load: &Load, of: &str, to: &str) -> String {
    let (of, to) = (each(load, of, |run| run.tps), each(load, to, |run| run.tps));
    if of.is_empty() {
        return "–".to_owned();
    }
    format!(
        "{:.2}",
        median(of.iter().zip(&to).map(|(of, to)| of / to).collect())
    )
}

fn or_dash(figure: f64) -> String {
    if figure.is_nan() {
        "–".to_owned()
    } else {
        format!("{figure:.1}")
    }
}

/// User and system µs and waits, each of one transaction.
fn cpu(load: &Load, target: &str) -> (f64, f64, f64) {
    (
        median(each(load, target, |run| {
            run.proxy.user_seconds * 1e6 / run.transactions
        })),
        median(each(load, target, |run| {
            run.proxy.system_seconds * 1e6 / run.transactions
        })),
        median(each(load, target, |run| {
            run.proxy.waits as f64 / run.transactions
        })),
    )
}

/// Of nothing: not a number, which prints as such.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    let upper = figures.get(middle).copied().unwrap_or(f64::NAN);
    if figures.len() % 2 == 1 {
        return upper;
    }
    let lower = middle
        .checked_sub(1)
        .and_then(|below| figures.get(below))
        .copied();
    (lower.unwrap_or(f64::NAN) + upper) / 2.0
}
