//! `portcullis log export|checkpoint|prove|verify`.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Subcommand;
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use super::answer::{rows, show, text};
use super::client::Client;
use super::{Exit, Global};

/// Read and verify the log
#[derive(Debug, Subcommand)]
pub enum Log {
    /// Events as JSON lines
    Export {
        /// The first event's number
        #[arg(long, default_value_t = 0, value_name = "N")]
        from: u64,
        /// Go on as events come
        #[arg(long)]
        follow: bool,
    },
    /// A fresh signed checkpoint; keep one outside
    Checkpoint,
    /// Prove that an event is in the log
    Prove { seq: u64 },
    /// Verify a whole log offline; no server needed
    Verify {
        /// A checkpoint kept outside: rollback and fork are noticed too
        #[arg(long, value_name = "FILE")]
        checkpoint: Option<PathBuf>,
    },
}

pub async fn run(global: &Global, command: &Log) -> Result<(), Exit> {
    match command {
        Log::Export { from, follow } => export(global, *from, *follow).await,
        Log::Checkpoint => {
            let answer = Client::new(global)?.get("/v1/log/checkpoint", &[]).await?;
            show(global, &answer, |answer| {
                print!("{}", answer.get("checkpoint").and_then(Value::as_str).unwrap_or_default());
            });
            Ok(())
        }
        Log::Prove { seq } => {
            let answer = Client::new(global)?.get(&format!("/v1/log/prove/{seq}"), &[]).await?;
            show(global, &answer, |answer| {
                println!("event {} of {}: {}", text(answer, "/seq"), text(answer, "/size"), text(answer, "/leaf"));
                for hash in rows(answer, "proof") {
                    println!("  {}", super::table::text(hash));
                }
                print!("\n{}", answer.get("checkpoint").and_then(Value::as_str).unwrap_or_default());
            });
            Ok(())
        }
        Log::Verify { checkpoint } => verify(global, checkpoint.as_deref()),
    }
}

async fn export(global: &Global, from: u64, follow: bool) -> Result<(), Exit> {
    let (from, follow) = (from.to_string(), follow.to_string());
    let query = [("from", from.as_str()), ("follow", follow.as_str())];
    let mut body = Client::new(global)?.stream("/v1/log/export", &query).await?.bytes_stream();
    let mut out = std::io::stdout().lock();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|_| Exit::unreachable("the export was cut short"))?;
        // Whoever reads the pipe has gone: nothing is wrong.
        if out.write_all(&chunk).and_then(|()| out.flush()).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

fn verify(global: &Global, checkpoint: Option<&std::path::Path>) -> Result<(), Exit> {
    let _ = (global, checkpoint, json!({}));
    Err(Exit::invalid("not built yet"))
}
