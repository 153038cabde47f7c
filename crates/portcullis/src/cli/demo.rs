//! `portcullis demo`: the stories of the research database and of the hospital, on this machine.
//!
//! The stories are shell (`scripts/demo`, `scripts/demo.d`): what a reader sees there is what he can type.

use std::path::PathBuf;
use std::process::Command;

use clap::Args;

use super::{Exit, Global};

/// Where the stories' script lies, from the repository's root.
const SCRIPT: &str = "scripts/demo";

/// Run the two stories on a private PostgreSQL with synthetic data, and leave it running to play with
#[derive(Debug, Args)]
pub struct Demo {
    /// The script to run, where it isn't found by itself
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
}

pub fn run(_: &Global, command: &Demo) -> Result<(), Exit> {
    let script = command.script.clone().or_else(found).ok_or_else(|| {
        Exit::unreachable(format!(
            "`{SCRIPT}` is not here; run it from the repository, or name it with `--script`"
        ))
    })?;
    let status = Command::new(&script).status().map_err(|error| {
        Exit::unreachable(format!("`{}` cannot be run: {error}", script.display()))
    })?;
    if status.success() {
        Ok(())
    } else {
        Err(Exit::unreachable("the demo did not come up; see above"))
    }
}

/// In the working directory or above the binary (`target/…/portcullis`).
fn found() -> Option<PathBuf> {
    let beside = std::env::current_exe().ok();
    let above = beside
        .iter()
        .flat_map(|path| path.ancestors().map(|dir| dir.join(SCRIPT)));
    std::iter::once(PathBuf::from(SCRIPT))
        .chain(above)
        .find(|path| path.is_file())
}
