//! The costliest texts that we could think of: milliseconds until they are understood or refused, and
//! the most memory that was in use. Each is read in a process of its own.

use std::process::Command;
use std::time::Instant;

use portcullis_sql::{SessionNames, understand_on};

use crate::{STACK_BYTES, hostile_sizes, world};

pub fn run(name: Option<&str>) {
    let texts = hostile_sizes::texts();
    if let Some(name) = name {
        let text = texts.into_iter().find(|(known, _)| *known == name);
        return read(name, &text.expect("a name of the list").1);
    }
    println!(
        "{:<18} {:>9} {:>9} {:>8}  answer",
        "text", "bytes", "ms", "peak MB"
    );
    for (name, _) in texts {
        let program = std::env::current_exe().unwrap();
        let mut run = Command::new("timeout");
        let run = run.arg("20").arg(program).args(["worst", name]);
        if !run.status().unwrap().success() {
            println!("{name:<18} more than 20 s, or died");
        }
    }
}

fn read(name: &str, text: &str) {
    let surface = world::surface();
    let session = SessionNames::new("li.wei", "hospital", &surface);
    let start = Instant::now();
    let read = understand_on(STACK_BYTES, text, &surface, &session);
    let took = start.elapsed().as_secs_f64() * 1e3;
    let answer = match &read {
        Ok(statements) => format!("{} understood", statements.len()),
        Err(refusal) => refusal.to_string().chars().take(72).collect(),
    };
    let bytes = text.len();
    println!(
        "{name:<18} {bytes:>9} {took:>9.1} {:>8}  {answer}",
        peak_megabytes()
    );
}

fn peak_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok())
        .unwrap_or(0)
        / 1024
}
