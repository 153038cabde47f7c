//! Temporary folders that go even when their test doesn't clean up: a test that is killed, or keeps a
//! cluster in a static, leaves its folder behind; the next one to make a folder removes it.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use tempfile::TempDir;

/// Names the process that a folder belongs to.
const OWNER_FILE: &str = "owner.pid";

/// A new folder `PREFIX…` within `parent`.
pub fn folder(prefix: &str, parent: &Path) -> Result<TempDir> {
    sweep(prefix, parent);
    let dir = tempfile::Builder::new()
        .prefix(prefix)
        .tempdir_in(parent)
        .with_context(|| format!("can't make a folder in {}", parent.display()))?;
    fs::write(dir.path().join(OWNER_FILE), std::process::id().to_string())?;
    Ok(dir)
}

/// Removes what processes that are gone have left. What can't be removed is left to the next.
fn sweep(prefix: &str, parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else {
        return;
    };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let named = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(prefix));
        if named && is_orphan(&path) {
            let _ = fs::remove_dir_all(&path);
        }
    }
}

/// Its owner is gone, and the database server too (it takes a moment to follow).
fn is_orphan(path: &Path) -> bool {
    let pid_in = |file: &Path| -> Option<u32> {
        fs::read_to_string(file)
            .ok()?
            .lines()
            .next()?
            .trim()
            .parse()
            .ok()
    };
    let runs = |pid: u32| Path::new(&format!("/proc/{pid}")).exists();
    let Some(owner) = pid_in(&path.join(OWNER_FILE)) else {
        return false;
    };
    let server = pid_in(&path.join("data/postmaster.pid"));
    !runs(owner) && !server.is_some_and(runs)
}
