//! The costliest texts that we could think of: milliseconds until they are understood or refused,
//! and the most memory that was in use. `worst [NAME]`; without a name, all, each in a process of its own.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a tool for developers"
)]

#[path = "../tests/it/hostile_sizes.rs"]
mod hostile_sizes;
#[path = "../tests/it/world.rs"]
mod world;

use std::time::Instant;

fn main() {
    let Some(name) = std::env::args().nth(1) else {
        println!(
            "{:<22} {:>9} {:>9} {:>8}  answer",
            "text", "bytes", "ms", "peak MB"
        );
        for (name, _) in hostile_sizes::texts() {
            let program = std::env::current_exe().unwrap();
            let mut run = std::process::Command::new("timeout");
            if !run
                .arg("20")
                .arg(program)
                .arg(name)
                .status()
                .unwrap()
                .success()
            {
                println!("{name:<22} more than 20 s, or died");
            }
        }
        return;
    };
    let texts = hostile_sizes::texts();
    let (name, text) = texts
        .into_iter()
        .find(|(known, _)| *known == name)
        .expect("a name of the list");
    let surface = world::surface();
    let session = world::session(&surface);
    let start = Instant::now();
    // As the gate's workers have it.
    let read = portcullis_sql::understand_on(16 << 20, &text, &surface, &session);
    let took = start.elapsed().as_secs_f64() * 1e3;
    let answer = match &read {
        Ok(statements) => format!("{} understood", statements.len()),
        Err(refusal) => {
            let text = refusal.to_string();
            text.chars().take(90).collect()
        }
    };
    println!(
        "{name:<22} {:>9} {took:>9.1} {:>8}  {answer}",
        text.len(),
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
