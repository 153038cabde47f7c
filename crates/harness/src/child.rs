//! Processes that the test world starts, and how each one ends.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process};

const POLL: Duration = Duration::from_millis(10);

/// A process to be started so that it dies with this one.
pub struct Launch {
    command: Command,
}

impl Launch {
    /// `run_as`: an account to become first (root only); `on_orphaned`: the signal's name that the
    /// kernel sends should this process die, for instance `INT`.
    pub fn new(program: &Path, run_as: Option<&str>, on_orphaned: &str) -> Self {
        let mut command = Command::new("setpriv");
        if let Some(account) = run_as {
            command.arg(format!("--reuid={account}"));
            command.arg(format!("--regid={account}"));
            command.arg("--clear-groups");
        }
        command
            .arg(format!("--pdeathsig={on_orphaned}"))
            .arg("--")
            .arg(program);
        command.stdin(Stdio::null());
        Self { command }
    }

    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.command.args(args);
        self
    }

    pub fn env(mut self, key: &str, value: impl Into<OsString>) -> Self {
        self.command.env(key, value.into());
        self
    }

    pub fn current_dir(mut self, dir: &Path) -> Self {
        self.command.current_dir(dir);
        self
    }

    pub fn stdout(mut self, to: Stdio) -> Self {
        self.command.stdout(to);
        self
    }

    pub fn stderr(mut self, to: Stdio) -> Self {
        self.command.stderr(to);
        self
    }

    pub fn start(self) -> Result<Child> {
        let program = format!("{:?}", self.command.get_program());
        let inner = spawn(self.command).with_context(|| format!("can't start {program}"))?;
        Ok(Child { inner })
    }
}

/// A running child. Dropped, it is killed: owners that can end it politely do so first.
pub struct Child {
    inner: std::process::Child,
}

impl Child {
    pub fn id(&self) -> u32 {
        self.inner.id()
    }

    pub fn stdout(&mut self) -> Option<std::process::ChildStdout> {
        self.inner.stdout.take()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<std::process::ExitStatus> {
        self.inner.try_wait().ok().flatten()
    }

    pub fn signal(&mut self, signal: Signal) {
        if self.ended().is_some() {
            return; // its number may belong to another process by now
        }
        if let Some(pid) = i32::try_from(self.inner.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, signal);
        }
    }

    /// Waits until it has ended, at most `limit`.
    pub fn wait(&mut self, limit: Duration) -> Option<std::process::ExitStatus> {
        let until = Instant::now() + limit;
        loop {
            if let Some(status) = self.ended() {
                return Some(status);
            }
            if Instant::now() >= until {
                return None;
            }
            std::thread::sleep(POLL);
        }
    }

    /// Signals, one after the other, each with its patience; then `SIGKILL`.
    pub fn end(&mut self, ladder: &[(Signal, Duration)]) -> Option<std::process::ExitStatus> {
        for (signal, patience) in ladder {
            self.signal(*signal);
            if let Some(status) = self.wait(*patience) {
                return Some(status);
            }
        }
        let _ = self.inner.kill();
        self.inner.wait().ok()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.end(&[]);
    }
}

type Order = (Command, Sender<std::io::Result<std::process::Child>>);

/// Starts it from a thread that lives as long as the process: the parent-death signal comes when the
/// *thread* that started the child ends, and a test's own thread ends early.
fn spawn(command: Command) -> std::io::Result<std::process::Child> {
    static ORDERS: OnceLock<Sender<Order>> = OnceLock::new();
    let orders = ORDERS.get_or_init(|| {
        let (sender, receiver) = channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, answer) in receiver {
                let _ = answer.send(command.spawn());
            }
        });
        sender
    });
    let gone = || std::io::Error::other("the starting thread is gone");
    let (sender, receiver) = channel();
    orders.send((command, sender)).map_err(|_| gone())?;
    receiver.recv().map_err(|_| gone())?
}
