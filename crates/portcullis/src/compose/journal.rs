//! Opens the log of a data directory, and folds the state from it.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use portcullis_store::log::{Log, Options, Recovered};
use portcullis_store::state::{Actor, Event, Fold, Replayed, State};
use portcullis_tlog::VerifierKey;

use crate::datadir::{DataDir, random, write_private};

/// The first events of a new directory.
pub fn begin(dir: &DataDir, actor: &Actor, events: Vec<Event>) -> Result<()> {
    let origin = format!("portcullis/{}", hex::encode(random::<8>()?));
    let key =
        VerifierKey::ed25519(&origin, dir.log_key()?.verifying_key()).context("the log's name")?;
    write_private(&dir.log_verifier_path(), format!("{key}\n").as_bytes())?;
    let (log, _) = open(dir)?;
    let now = jiff::Timestamp::now();
    for event in events {
        let entry = event
            .into_entry(now, &actor.to_string())
            .context("an event cannot be written")?;
        let _ = log.append(entry.seal()?)?.wait()?;
    }
    log.close().context("the log cannot be closed")
}

/// The key that checkpoints verify with.
pub fn verifier(dir: &DataDir) -> Result<VerifierKey> {
    let path = dir.log_verifier_path();
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("`{}` cannot be read", path.display()))?;
    VerifierKey::parse(&text).with_context(|| format!("`{}` is not a verifier key", path.display()))
}

pub fn open(dir: &DataDir) -> Result<(Log, Recovered)> {
    let origin = verifier(dir)?;
    Log::open(
        &dir.log(),
        dir.log_key()?,
        origin.name(),
        Options::default(),
    )
    .context("the log cannot be opened")
}

/// The state as of now, and with it whatever else is folded from the log.
pub fn fold(log: &Log, dir: &DataDir, more: &mut [&mut dyn Fold]) -> Result<(State, Replayed)> {
    let mut state = State::default();
    let seal = cache_seal(dir)?;
    let replayed = {
        let mut folds: Vec<&mut dyn Fold> = vec![&mut state];
        for fold in more.iter_mut() {
            folds.push(&mut **fold);
        }
        portcullis_store::state::replay(log, &dir.cache(), &seal, &mut folds)
            .context("the log cannot be read")?
    };
    Ok((state, replayed))
}

/// Writes a snapshot, so that the next start has less to read. `more` are fresh folds.
pub fn snapshot(
    log: &Log,
    cache: &Path,
    seal: &[u8; 32],
    more: &mut [&mut dyn Fold],
) -> Result<Replayed> {
    let mut state = State::default();
    let mut folds: Vec<&mut dyn Fold> = vec![&mut state];
    for fold in more.iter_mut() {
        folds.push(&mut **fold);
    }
    portcullis_store::state::take_snapshot(log, cache, seal, &mut folds).context("no snapshot")
}

/// A key of its own for caches: the server's secret is also used elsewhere.
pub fn cache_seal(dir: &DataDir) -> Result<[u8; 32]> {
    Ok(blake3::derive_key(
        "portcullis 2026-11 cache seal",
        &dir.server_secret()?,
    ))
}

/// Shared by everybody who appends or reads.
pub type SharedLog = Arc<Log>;
