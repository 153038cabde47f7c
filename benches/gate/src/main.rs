//! How fast the gate is beside a direct connection and beside pgbouncer, in one run on one machine:
//! absolute figures don't travel, ratios inside a round do (performance.md).
//!
//! Each round runs every target in turn on every load, in an order that rotates; what is printed is
//! the median over the rounds of the ratio inside the round. Full policy, masking and the durable
//! record are on; all servers' files lie in one folder of a real file system.

mod bulk;
mod connections;
mod disk;
mod load;
mod process;
mod profile;
mod recovery;
mod report;
mod targets;
mod tls;

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;

/// Compares the gate with a direct connection and with pgbouncer
#[derive(Debug, Parser)]
struct Options {
    /// Seconds for each run of pgbench
    #[arg(long, default_value_t = 3)]
    seconds: u32,
    /// Rounds; the printed ratios are medians over them
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// pgbench scale: 100,000 rows each
    #[arg(long, default_value_t = 5)]
    scale: u32,
    /// Client counts
    #[arg(long, value_delimiter = ',', default_values_t = [1, 8, 32])]
    clients: Vec<u32>,
    /// pgbench's protocol modes
    #[arg(long, value_delimiter = ',', default_values_t = ["simple".to_owned(), "extended".to_owned(), "prepared".to_owned()])]
    modes: Vec<String>,
    /// Leave the gate out: to see whether the other figures are sane
    #[arg(long)]
    without_gate: bool,
    /// Also show where the gate's time goes (needs `perf`)
    #[arg(long)]
    profile: bool,
    /// Where the servers' files lie; must be a real file system, not memory
    #[arg(long, default_value = ".")]
    within: PathBuf,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let folder = tempfile::Builder::new()
        .prefix("bench-gate-")
        .tempdir_in(&options.within)?;
    // The database's account must be able to pass through.
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711))?;
    let fsync_us = disk::fdatasync_us(folder.path())?;
    report::heading(&options, folder.path(), fsync_us);

    let mut targets = targets::Targets::start(folder.path(), options.scale, !options.without_gate)?;
    let loads = load::run_all(&targets, &options)?;
    report::loads(&loads, fsync_us);
    let bulks = bulk::run_all(&targets, options.rounds)?;
    report::bulks(&bulks);
    let connections = connections::measure(&targets)?;
    report::connections(&connections);
    if options.profile {
        profile::print(&targets, &options.modes, folder.path())?;
    }
    report::recovery(recovery::measure(&mut targets)?);
    Ok(())
}
