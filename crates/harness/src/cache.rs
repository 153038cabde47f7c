//! Where things that are costly to get are kept between runs: servers from npm, drivers, templates.

use std::path::PathBuf;

/// `PORTCULLIS_CACHE`, else a per-user folder; for root one that the `postgres` account can reach,
/// because a server from the cache runs as that account and `/root` is closed to it.
pub fn cache_dir() -> PathBuf {
    if let Some(dir) = std::env::var_os("PORTCULLIS_CACHE").filter(|dir| !dir.is_empty()) {
        return PathBuf::from(dir);
    }
    if rustix::process::geteuid().is_root() {
        return PathBuf::from("/var/cache/portcullis");
    }
    let home = std::env::var_os("HOME").map_or_else(std::env::temp_dir, PathBuf::from);
    home.join(".cache/portcullis")
}
