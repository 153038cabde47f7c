//! `portcullis log export|checkpoint|prove|verify`.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Subcommand;
use futures_util::StreamExt as _;
use indicatif::{ProgressBar, ProgressStyle};
use portcullis_store::log::{self, Report, VerifyOptions};
use portcullis_tlog::VerifierKey;
use serde_json::{Value, json};

use super::answer::{rows, show, text};
use super::client::Client;
use super::{Exit, Global};
use crate::compose::journal;
use crate::datadir::DataDir;

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
        /// A witness that must have cosigned
        #[arg(long = "witness", value_name = "VKEY")]
        witnesses: Vec<String>,
    },
}

pub async fn run(global: &Global, command: &Log) -> Result<(), Exit> {
    match command {
        Log::Export { from, follow } => export(global, *from, *follow).await,
        Log::Checkpoint => {
            let answer = Client::new(global)?.get("/v1/log/checkpoint", &[]).await?;
            show(global, &answer, |answer| {
                put!(
                    "{}",
                    answer
                        .get("checkpoint")
                        .and_then(Value::as_str)
                        .unwrap_or_default()
                );
            });
            Ok(())
        }
        Log::Prove { seq } => {
            let answer = Client::new(global)?
                .get(&format!("/v1/log/prove/{seq}"), &[])
                .await?;
            show(global, &answer, |answer| {
                say!(
                    "event {} of {}: {}",
                    text(answer, "/seq"),
                    text(answer, "/size"),
                    text(answer, "/leaf")
                );
                for hash in rows(answer, "proof") {
                    say!("  {}", super::table::text(hash));
                }
                put!(
                    "\n{}",
                    answer
                        .get("checkpoint")
                        .and_then(Value::as_str)
                        .unwrap_or_default()
                );
            });
            Ok(())
        }
        Log::Verify {
            checkpoint,
            witnesses,
        } => verify(global, checkpoint.as_deref(), witnesses),
    }
}

async fn export(global: &Global, from: u64, follow: bool) -> Result<(), Exit> {
    let (from, follow) = (from.to_string(), follow.to_string());
    let query = [("from", from.as_str()), ("follow", follow.as_str())];
    let mut body = Client::new(global)?
        .stream("/v1/log/export", &query)
        .await?
        .bytes_stream();
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

fn verify(global: &Global, checkpoint: Option<&Path>, witnesses: &[String]) -> Result<(), Exit> {
    let dir = DataDir::at(&global.data);
    let key = journal::verifier(&dir).map_err(|error| Exit::unreachable(format!("{error:#}")))?;
    let options = VerifyOptions {
        kept_checkpoint: checkpoint.map(kept).transpose()?,
        witnesses: witnesses
            .iter()
            .map(|text| witness(text))
            .collect::<Result<_, _>>()?,
    };
    let bar = (!global.json && std::io::stderr().is_terminal()).then(bar);
    let outcome = log::verify(&dir.log(), &key, &options, &mut |progress| {
        if let Some(bar) = &bar {
            bar.set_length(progress.of_entries);
            bar.set_position(progress.entries);
        }
    });
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    match outcome {
        Ok(report) => {
            show(global, &verified(&report), words);
            Ok(())
        }
        Err(bad) => {
            let answer = json!({ "ok": false, "place": bad.place, "seq": bad.seq, "why": bad.why });
            show(global, &answer, |_| say!("NOT verified: {bad}"));
            Err(Exit::no())
        }
    }
}

/// The note alone, or the answer of `log checkpoint --json` that holds it.
fn kept(path: &Path) -> Result<String, Exit> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Exit::invalid(format!("`{}` cannot be read: {error}", path.display())))?;
    let answer: Option<Value> = serde_json::from_str(&text).ok();
    let note = answer
        .as_ref()
        .and_then(|answer| answer.get("checkpoint"))
        .and_then(Value::as_str);
    Ok(note.map_or(text.clone(), str::to_owned))
}

fn witness(text: &str) -> Result<VerifierKey, Exit> {
    VerifierKey::parse(text)
        .map_err(|error| Exit::invalid(format!("`{text}` is not a verifier key: {error}")))
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("verifying {bar:40} {pos}/{len} events")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style)
}

fn verified(report: &Report) -> Value {
    let withheld: Vec<_> = report
        .withheld
        .iter()
        .map(|(seq, label, by)| json!({ "seq": seq, "part": label, "by": by }))
        .collect();
    let cosigned: Vec<_> = report
        .cosigned
        .iter()
        .map(|(name, at)| json!({ "witness": name, "at": at }))
        .collect();
    json!({
        "ok": true, "size": report.size, "root": STANDARD.encode(report.root),
        "unsigned_events": report.unsigned_entries, "bytes": report.bytes, "live": report.live,
        "closed_cleanly": report.closed_cleanly, "withheld": withheld,
        "extends_kept": report.kept_size, "cosigned": cosigned,
    })
}

fn words(answer: &Value) {
    say!(
        "verified: {} events, root {}",
        text(answer, "/size"),
        text(answer, "/root")
    );
    if answer
        .get("unsigned_events")
        .and_then(Value::as_u64)
        .is_some_and(|count| count > 0)
    {
        say!(
            "  {} newer events are consistent, and not signed yet",
            text(answer, "/unsigned_events")
        );
    }
    if answer
        .get("extends_kept")
        .is_some_and(|kept| !kept.is_null())
    {
        say!(
            "  extends the kept checkpoint of {} events",
            text(answer, "/extends_kept")
        );
    }
    for part in rows(answer, "withheld") {
        say!(
            "  event {}: `{}` was withheld lawfully (event {})",
            text(part, "/seq"),
            text(part, "/part"),
            text(part, "/by")
        );
    }
}
