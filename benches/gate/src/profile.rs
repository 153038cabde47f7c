//! Where the gate's time goes, by `perf` where the machine has it.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::load;
use crate::targets::{Target, Targets};

const SAMPLES_A_SECOND: &str = "999";
const SECONDS: u32 = 5;
const SYMBOLS_SHOWN: usize = 45;

/// Prints the gate's costliest functions under look-ups of 32 clients, by mode.
pub fn print(targets: &Targets, modes: &[String], folder: &Path) -> Result<()> {
    let Some(gate) = targets.list.iter().find(|target| target.name == "gate") else {
        return Ok(());
    };
    for mode in modes {
        println!("\n## Profile: {mode} c32, share of the gate's CPU by function\n");
        println!("```\n{}\n```", of_load(gate, mode, folder)?);
    }
    Ok(())
}

fn of_load(gate: &Target, mode: &str, folder: &Path) -> Result<String> {
    let pid = gate.proxy.context("the gate runs")?;
    let data = folder.join("perf.data");
    let mut perf = match record(pid, &data) {
        Ok(perf) => perf,
        Err(error) => return Ok(format!("perf can't be started: {error}")),
    };
    // perf ends by itself; the load lasts a little longer than it.
    load::run(gate, mode, 32, SECONDS + 1)?;
    perf.wait()?;
    let report = Command::new("perf")
        .args([
            "report",
            "--stdio",
            "--no-children",
            "-g",
            "none",
            "--percent-limit",
            "0.4",
            "-i",
        ])
        .arg(&data)
        .stdin(Stdio::null())
        .output()?;
    let text = String::from_utf8_lossy(&report.stdout).into_owned();
    let lines = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    Ok(lines.take(SYMBOLS_SHOWN).collect::<Vec<_>>().join("\n"))
}

fn record(pid: u32, data: &Path) -> std::io::Result<Child> {
    let child = Command::new("perf")
        .args([
            "record",
            "-q",
            "-F",
            SAMPLES_A_SECOND,
            "-p",
            &pid.to_string(),
            "-o",
        ])
        .arg(data)
        .args(["--", "sleep", &SECONDS.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    std::thread::sleep(Duration::from_millis(200));
    Ok(child)
}
