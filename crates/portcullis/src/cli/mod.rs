//! The command line: one file a command. Flags are defined once, here and there, and feed the
//! parser and the help.

/// Prints a line; that whoever reads the pipe has gone is no error.
macro_rules! say {
    () => { $crate::cli::answer::write("\n") };
    ($($words:tt)*) => { $crate::cli::answer::write(&(format!($($words)*) + "\n")) };
}

/// Prints without ending the line.
macro_rules! put {
    ($($words:tt)*) => { $crate::cli::answer::write(&format!($($words)*)) };
}

mod answer;
mod client;
mod exit;
mod table;

mod apply;
mod change;
mod contract;
mod demo;
mod disclosed;
mod doctor;
mod explain;
mod finding;
mod grant;
mod init;
mod log;
mod officer;
mod person;
mod plan;
mod resource;
mod serve;
mod session;
mod trace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

pub use exit::Exit;

/// Half the cores: each hand-over between threads costs a wake-up, and the log's writer and often the
/// database want the rest (measured: docs/decisions/0006-hot-path.md).
fn worker_threads() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| (cores.get() / 2).max(1))
}

/// Statements are parsed on these threads, and a parser recurses; only what is touched costs memory.
const WORKER_STACK_BYTES: usize = 16 << 20;

/// Vendors' engineers work on your databases; Portcullis checks, counts and records each statement.
#[derive(Debug, Parser)]
#[command(
    name = "portcullis",
    version,
    disable_help_subcommand = true,
    arg_required_else_help = true
)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, Args)]
pub struct Global {
    /// The data directory
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "PORTCULLIS_DATA",
        default_value = "./portcullis-data"
    )]
    pub data: PathBuf,
    /// The server's admin API, instead of DIR/admin.sock
    #[arg(long, global = true, value_name = "URL", env = "PORTCULLIS_SERVER")]
    pub server: Option<String>,
    /// PEM file with the certificate that `--server` must chain to
    #[arg(long, global = true, value_name = "FILE", env = "PORTCULLIS_CA")]
    pub ca: Option<PathBuf>,
    /// Who acts: an officer's or a person's token
    #[arg(long, global = true, env = "PORTCULLIS_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// Answer in JSON (docs/formats/cli.md)
    #[arg(long, global = true)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Init),
    Serve(serve::Serve),
    Apply(apply::Apply),
    #[command(subcommand)]
    Contract(contract::Contract),
    #[command(subcommand)]
    Person(person::Person),
    #[command(subcommand)]
    Officer(officer::Officer),
    #[command(subcommand)]
    Resource(resource::Resource),
    #[command(subcommand)]
    Change(change::Change),
    Plan(plan::Plan),
    #[command(subcommand)]
    Grant(grant::Grant),
    #[command(subcommand)]
    Session(session::Session),
    #[command(subcommand)]
    Finding(finding::Finding),
    #[command(subcommand)]
    Log(log::Log),
    Doctor(doctor::Doctor),
    Explain(explain::Explain),
    Trace(trace::Trace),
    Disclosed(disclosed::Disclosed),
    Demo(demo::Demo),
}

pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers, the rest is wrong usage.
            let code = if error.use_stderr() { 2 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(worker_threads())
        .thread_stack_size(WORKER_STACK_BYTES)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            return Exit::unreachable(format!("no runtime: {error}")).report(cli.global.json);
        }
    };
    let json = cli.global.json;
    let outcome = runtime.block_on(dispatch(cli));
    // Blocking tasks that hang must not keep a finished command alive.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(exit) => exit.report(json),
    }
}

async fn dispatch(cli: Cli) -> Result<(), Exit> {
    let global = cli.global;
    match cli.command {
        Command::Init(command) => init::run(&global, &command),
        Command::Serve(command) => serve::run(&global, command).await,
        Command::Apply(command) => apply::run(&global, &command).await,
        Command::Contract(command) => contract::run(&global, &command).await,
        Command::Person(command) => person::run(&global, &command).await,
        Command::Officer(command) => officer::run(&global, &command).await,
        Command::Resource(command) => resource::run(&global, &command).await,
        Command::Change(command) => change::run(&global, &command).await,
        Command::Plan(command) => plan::run(&global, &command).await,
        Command::Grant(command) => grant::run(&global, &command).await,
        Command::Session(command) => session::run(&global, &command).await,
        Command::Finding(command) => finding::run(&global, &command).await,
        Command::Log(command) => log::run(&global, &command).await,
        Command::Doctor(command) => doctor::run(&global, &command).await,
        Command::Explain(command) => explain::run(&global, &command).await,
        Command::Trace(command) => trace::run(&global, &command).await,
        Command::Disclosed(command) => disclosed::run(&global, &command).await,
        Command::Demo(command) => demo::run(&global, &command),
    }
}

/// A name as one segment of a URL's path: whatever it holds, it stays one segment.
fn segment(name: &str) -> String {
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if plain(byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    // A URL's path would swallow these.
    if out.chars().all(|c| c == '.') {
        out.replace('.', "%2E")
    } else {
        out
    }
}
