//! How long the gate takes to be ready after `kill -9`, with the log that the loads have left.

use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::targets::Targets;

pub struct Recovery {
    pub entries: u64,
    pub ready_after: Duration,
}

pub fn measure(targets: &mut Targets) -> Result<Option<Recovery>> {
    let Some(gate) = &mut targets.gate else {
        return Ok(None);
    };
    eprintln!("recovery");
    gate.kill9();
    let ready_after = gate.restart()?;
    let checkpoint = gate.officer(2).run(&["log", "checkpoint"])?;
    // A checkpoint's second line is the log's size (C2SP tlog-checkpoint).
    let note = checkpoint
        .get("checkpoint")
        .and_then(|note| note.as_str())
        .unwrap_or_default();
    let entries = note
        .lines()
        .nth(1)
        .and_then(|size| size.parse().ok())
        .context("a size")?;
    Ok(Some(Recovery {
        entries,
        ready_after,
    }))
}
