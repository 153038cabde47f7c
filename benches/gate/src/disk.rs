//! What one durable write costs here: the anchor of goal P3.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Instant;

use anyhow::Result;

const WRITES: usize = 400;
const RECORD_BYTES: usize = 200;
const SEGMENT_BYTES: usize = WRITES * RECORD_BYTES;

/// Median of appends of 200 bytes, each with `fdatasync`, to a file of full length.
pub fn fdatasync_us(folder: &Path) -> Result<f64> {
    let path = folder.join("fdatasync");
    let file = File::create(&path)?;
    file.write_all_at(&[0; SEGMENT_BYTES], 0)?;
    file.sync_all()?;
    let mut took_us = Vec::with_capacity(WRITES);
    for write in 0..WRITES {
        let from = Instant::now();
        file.write_all_at(&[1; RECORD_BYTES], (write * RECORD_BYTES) as u64)?;
        file.sync_data()?;
        took_us.push(from.elapsed().as_secs_f64() * 1e6);
    }
    std::fs::remove_file(path)?;
    Ok(crate::report::median(took_us))
}
