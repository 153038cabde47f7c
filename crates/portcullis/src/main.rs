//! The one binary: `init`, `serve`, and every command that talks to a running server.
//!
//! Invariant: it composes, it does not decide. Commands are decided in `store::state`, statements in
//! `contract`; here they meet the disk, the network and the terminal. Start at [`cli::Cli`], then
//! [`compose::serve`].

mod admin;
mod cli;
mod compose;
mod datadir;

use std::process::ExitCode;

fn main() -> ExitCode {
    // One provider for every TLS that this process speaks; a second call is harmless.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    cli::run()
}
