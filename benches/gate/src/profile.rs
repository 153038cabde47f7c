//! Where the gate's time goes, by `perf` where the machine has it.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::bulk;
use crate::load;
use crate::targets::Targets;

const SAMPLES_A_SECOND: &str = "999";
const SECONDS: u32 = 5;
const SYMBOLS_SHOWN: usize = 25;

/// Prints the gate's costliest functions under look-ups of 32 clients, by mode, and under large results.
pub fn print(targets: &Targets, modes: &[String], folder: &Path) -> Result<()> {
    let Some(gate) = targets.list.iter().find(|target| target.name == "gate") else {
        return Ok(());
    };
    let pid = gate.proxy.context("the gate runs")?;
    for mode in modes {
        let shown = of_load(pid, folder, || {
            load::run(gate, mode, 32, SECONDS + 1)?;
            Ok(())
        })?;
        println!(
            "\n## Profile: {mode} c32, share of the gate's CPU by function\n\n```\n{shown}\n```"
        );
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    for form in bulk::FORMS {
        let shown = of_load(pid, folder, || {
            let until = Instant::now() + Duration::from_secs(u64::from(SECONDS));
            while Instant::now() < until {
                runtime.block_on(bulk::run(gate, form))?;
            }
            Ok(())
        })?;
        println!(
            "\n## Profile: {}, share of the gate's CPU by function\n\n```\n{shown}\n```",
            form.name
        );
    }
    Ok(())
}

fn of_load(pid: u32, folder: &Path, load: impl FnOnce() -> Result<()>) -> Result<String> {
    let data = folder.join("perf.data");
    let mut perf = match record(pid, &data) {
        Ok(perf) => perf,
        Err(error) => return Ok(format!("perf can't be started: {error}")),
    };
    // perf ends by itself; the load lasts a little longer than it.
    load()?;
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
