//! The log for those who read it: export, checkpoint, inclusion proofs.

use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Extension, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream;
use portcullis_store::log::{LogError, StoredEntry};
use portcullis_store::state::{Actor, Denied, Event};
use portcullis_tlog::{Checkpoint, Note, leaf_hash};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Shared;
use super::error::ApiError;
use super::input::{Path, Query};
use crate::compose::server::Server;

/// Entries read into one chunk of the answer.
const ENTRIES_AT_ONCE: u64 = 512;

#[derive(Deserialize)]
pub struct ExportQuery {
    #[serde(default)]
    from: u64,
    #[serde(default)]
    follow: bool,
}

struct Export {
    server: Arc<Server>,
    at: u64,
    /// Where to stop; `None` = never (`--follow`).
    end: Option<u64>,
}

/// One event a line. That somebody exported is an event itself.
pub async fn export(
    State(server): Shared,
    Extension(actor): Extension<Actor>,
    Query(query): Query<ExportQuery>,
) -> Result<Response, ApiError> {
    server
        .registry
        .record(&actor, Event::LogExported { from: query.from })
        .await?;
    let end = (!query.follow).then(|| server.log.size());
    let export = Export {
        server,
        at: query.from,
        end,
    };
    let lines = stream::unfold(export, next_lines);
    Ok((
        [(CONTENT_TYPE, "application/x-ndjson")],
        Body::from_stream(lines),
    )
        .into_response())
}

async fn next_lines(mut export: Export) -> Option<(Result<Bytes, std::io::Error>, Export)> {
    let mut size = export.server.log.subscribe();
    let durable = match export.end {
        Some(end) => end,
        None => {
            let at = export.at;
            let grown = size.wait_for(|size| *size > at).await.ok()?;
            *grown
        }
    };
    if export.at >= durable {
        return None;
    }
    let (from, to) = (export.at, durable.min(export.at + ENTRIES_AT_ONCE));
    let server = Arc::clone(&export.server);
    let read = tokio::task::spawn_blocking(move || lines(&server, from, to)).await;
    export.at = to;
    match read {
        Ok(Ok(bytes)) => Some((Ok(bytes), export)),
        Ok(Err(error)) => Some((
            Err(std::io::Error::other(error)),
            Export {
                end: Some(0),
                ..export
            },
        )),
        Err(error) => Some((
            Err(std::io::Error::other(error)),
            Export {
                end: Some(0),
                ..export
            },
        )),
    }
}

fn lines(server: &Server, from: u64, to: u64) -> Result<Bytes, LogError> {
    let mut out = Vec::new();
    for entry in server.log.read(from, to) {
        write_line(&entry?, &mut out);
    }
    Ok(out.into())
}

/// `{"seq":N,` and then the leaf as it is, with its bodies joined in.
fn write_line(entry: &StoredEntry, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("{{\"seq\":{}", entry.seq).as_bytes());
    let fields = entry
        .leaf
        .strip_prefix(b"{")
        .and_then(|rest| rest.strip_suffix(b"}"))
        .unwrap_or_default();
    if !fields.is_empty() {
        out.push(b',');
        out.extend_from_slice(fields);
    }
    for (key, value) in joined(entry) {
        out.push(b',');
        out.extend_from_slice(Value::from(key).to_string().as_bytes());
        out.push(b':');
        out.extend_from_slice(value.to_string().as_bytes());
    }
    out.extend_from_slice(b"}\n");
}

/// What of the bodies is told: never the part `secret`, never the disclosure sets' keyed hashes.
fn joined(entry: &StoredEntry) -> Map<String, Value> {
    let mut told = Map::new();
    for part in &entry.parts {
        match &*part.label {
            "sql" => {
                told.insert(
                    "sql".to_owned(),
                    String::from_utf8_lossy(&part.content).into(),
                );
            }
            "params" => {
                told.insert(
                    "params".to_owned(),
                    serde_json::from_slice(&part.content).unwrap_or(Value::Null),
                );
            }
            "content" => {
                if let Ok(Value::Object(mut fields)) = serde_json::from_slice(&part.content) {
                    told.append(&mut fields);
                }
            }
            _ => {}
        }
    }
    if !entry.withheld.is_empty() {
        let labels: Vec<_> = entry
            .withheld
            .iter()
            .map(|withheld| withheld.label.clone())
            .collect();
        told.insert("withheld".to_owned(), labels.into());
    }
    told
}

pub async fn checkpoint(State(server): Shared) -> Result<Json<Value>, ApiError> {
    let note = signed(&server).await?;
    let read = parse(&note)?;
    let vkey = std::fs::read_to_string(server.dir.log_verifier_path()).unwrap_or_default();
    Ok(Json(json!({
        "checkpoint": note, "origin": read.origin, "size": read.size, "root": STANDARD.encode(read.root),
        "vkey": vkey.trim(),
    })))
}

pub async fn prove(State(server): Shared, Path(seq): Path<u64>) -> Result<Json<Value>, ApiError> {
    let note = signed(&server).await?;
    let read = parse(&note)?;
    if seq >= read.size {
        let message = format!("no event {seq}; the log has {}", read.size);
        return Err(Denied::invalid("log.unknown", message).into());
    }
    let proof = server
        .log
        .prove_inclusion(seq, read.size)
        .map_err(|e| unreadable(&e))?;
    let leaf = server
        .log
        .read(seq, seq + 1)
        .next()
        .ok_or_else(|| {
            Denied::unreachable("log.unreadable", format!("event {seq} cannot be read"))
        })?
        .map_err(|e| unreadable(&e))?
        .leaf;
    Ok(Json(json!({
        "seq": seq, "leaf": String::from_utf8_lossy(&leaf), "leaf_hash": STANDARD.encode(leaf_hash(&leaf)),
        "size": read.size, "root": STANDARD.encode(read.root),
        "proof": proof.iter().map(|hash| STANDARD.encode(hash)).collect::<Vec<_>>(),
        "checkpoint": note,
    })))
}

async fn signed(server: &Arc<Server>) -> Result<String, Denied> {
    let server = Arc::clone(server);
    let signed = tokio::task::spawn_blocking(move || server.log.checkpoint()).await;
    match signed {
        Ok(note) => note.map_err(|error| unreadable(&error)),
        Err(_) => Err(Denied::unreachable(
            "log.unreadable",
            "signing was cut short",
        )),
    }
}

fn parse(note: &str) -> Result<Checkpoint, Denied> {
    Note::parse(note)
        .and_then(|note| Checkpoint::parse(&note.text))
        .map_err(|error| Denied::unreachable("log.unreadable", error.to_string()))
}

fn unreadable(error: &LogError) -> Denied {
    Denied::unreachable("log.unreadable", error.to_string()).hint("run `portcullis log verify`")
}
