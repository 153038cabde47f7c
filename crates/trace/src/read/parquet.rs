//! Parquet files, row by row.

use bytes::Bytes;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;

use super::{Sink, Unreadable};
use crate::limits::{UNPACKED_BYTES_MAX, VALUE_BYTES_MAX};

const FORMAT: &str = "Parquet file";

pub(super) fn read(bytes: &Bytes, sink: &mut dyn Sink) -> Result<(), Unreadable> {
    // The library checks what it reads, but a file made to harm may find a place where it doesn't.
    let read = std::panic::AssertUnwindSafe(|| rows(bytes, sink));
    std::panic::catch_unwind(read)
        .unwrap_or_else(|_| Err(Unreadable::damaged(FORMAT, "reading it failed")))
}

fn rows(bytes: &Bytes, sink: &mut dyn Sink) -> Result<(), Unreadable> {
    let reader = SerializedFileReader::new(bytes.clone())
        .map_err(|error| Unreadable::damaged(FORMAT, error))?;
    let unpacked: u64 = reader
        .metadata()
        .row_groups()
        .iter()
        .map(|group| u64::try_from(group.total_byte_size()).unwrap_or(u64::MAX))
        .fold(0, u64::saturating_add);
    if unpacked > UNPACKED_BYTES_MAX {
        return Err(Unreadable::TooLarge);
    }
    let rows = reader
        .get_row_iter(None)
        .map_err(|error| Unreadable::damaged(FORMAT, error))?;
    for row in rows {
        let row = row.map_err(|error| Unreadable::damaged(FORMAT, error))?;
        for (name, field) in row.get_column_iter() {
            tell(name, field, sink);
        }
        sink.row();
    }
    Ok(())
}

/// Groups and lists are walked; the library bounds how deep they are.
fn tell(name: &str, field: &Field, sink: &mut dyn Sink) {
    let text = match field {
        Field::Null | Field::Bool(_) => return,
        Field::Str(text) => text.clone(),
        Field::Bytes(bytes) => match std::str::from_utf8(bytes.data()) {
            Ok(text) if text.len() <= VALUE_BYTES_MAX => text.to_owned(),
            // A UUID is kept as sixteen bytes.
            _ if bytes.data().len() == 16 => hex(bytes.data()),
            _ => return,
        },
        Field::Group(row) => {
            for (inner, field) in row.get_column_iter() {
                tell(&format!("{name}.{inner}"), field, sink);
            }
            return;
        }
        Field::ListInternal(list) => {
            list.elements()
                .iter()
                .for_each(|field| tell(name, field, sink));
            return;
        }
        Field::MapInternal(map) => {
            for (key, value) in map.entries() {
                tell(&format!("{name}{{}}"), key, sink);
                tell(name, value, sink);
            }
            return;
        }
        other => other.to_string(),
    };
    if let Some(column) = sink.column(name) {
        sink.cell(column, &text);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
