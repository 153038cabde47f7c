//! What a file is, by its content.

use super::{Format, Unreadable, delimited, json, sql};

/// Of a text, so much is looked at.
const LOOKED_AT_BYTES: usize = 256 << 10;

/// The formats that are no text; `None` for what may be one.
pub(super) fn binary(bytes: &[u8]) -> Result<Option<Format>, Unreadable> {
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    if starts(b"PK\x03\x04") {
        return Ok(Some(Format::Excel));
    }
    if starts(b"PAR1") {
        return Ok(Some(Format::Parquet));
    }
    let foreign: [(&[u8], &str, &str); 7] = [
        (
            b"PGDMP",
            "a custom dump of pg_dump",
            "turn it into SQL with `pg_restore -f dump.sql FILE`",
        ),
        (
            b"\xd0\xcf\x11\xe0",
            "an Excel workbook of the old kind (or another old Office file)",
            "save it as .xlsx or CSV",
        ),
        (b"%PDF", "a PDF", "give its text, with `pdftotext`"),
        (
            b"SQLite format 3\0",
            "an SQLite database",
            "export the table as CSV",
        ),
        (b"\xfd7zXZ\0", "packed with xz", "unpack it first"),
        (b"\x28\xb5\x2f\xfd", "packed with zstd", "unpack it first"),
        (b"BZh", "packed with bzip2", "unpack it first"),
    ];
    for (magic, what, hint) in foreign {
        if starts(magic) {
            return Err(Unreadable::Unsupported(what, hint));
        }
    }
    Ok(None)
}

pub(super) fn text(text: &str) -> Format {
    let start = head(text);
    let trimmed = start.trim_start();
    if trimmed.starts_with(['{', '['])
        && let Some(format) = json::looks_like(text)
    {
        return format;
    }
    if sql::looks_like(start) {
        return Format::SqlDump;
    }
    match delimited::dialect(text) {
        Some(_) => Format::Csv,
        None => Format::Text,
    }
}

/// The text's beginning, up to a character's boundary.
pub(super) fn head(text: &str) -> &str {
    let mut end = text.len().min(LOOKED_AT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}
