//! What the kernel counts for a process.

use std::fs;

/// `USER_HZ`, which is 100 on every Linux that this runs on.
const TICKS_A_SECOND: f64 = 100.0;

/// CPU time so far, all threads.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cpu {
    pub user_seconds: f64,
    pub system_seconds: f64,
    /// Times that a thread gave the core away to wait.
    pub waits: u64,
}

impl Cpu {
    pub fn of(pid: u32) -> Self {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The second field is the program's name in parentheses and may hold spaces.
        let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let mut fields = after_name.split_whitespace().skip(11);
        let mut seconds = || {
            let ticks: f64 = fields
                .next()
                .and_then(|field| field.parse().ok())
                .unwrap_or(0.0);
            ticks / TICKS_A_SECOND
        };
        let (user_seconds, system_seconds) = (seconds(), seconds());
        Self {
            user_seconds,
            system_seconds,
            waits: waits(pid),
        }
    }

    pub fn since(self, earlier: Self) -> Self {
        Self {
            user_seconds: self.user_seconds - earlier.user_seconds,
            system_seconds: self.system_seconds - earlier.system_seconds,
            waits: self.waits.saturating_sub(earlier.waits),
        }
    }

    pub fn seconds(self) -> f64 {
        self.user_seconds + self.system_seconds
    }
}

fn waits(pid: u32) -> u64 {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return 0;
    };
    let of_thread = |entry: std::io::Result<fs::DirEntry>| -> Option<u64> {
        let status = fs::read_to_string(entry.ok()?.path().join("status")).ok()?;
        let line = status
            .lines()
            .find(|line| line.starts_with("voluntary_ctxt_switches:"))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    threads.filter_map(of_thread).sum()
}

/// Memory that is this process' alone, in bytes.
pub fn private_bytes(pid: u32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let kib = |line: &str| line.split_whitespace().nth(1)?.parse::<u64>().ok();
    let private = rollup.lines().filter(|line| line.starts_with("Private_"));
    private.filter_map(kib).sum::<u64>() * 1024
}
