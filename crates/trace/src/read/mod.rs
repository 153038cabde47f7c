//! Reads a leaked file, whatever it is: the format is told by the content, never by the name.
//!
//! Every reader hands over cells by column and keeps nothing. Hostile files end in [`Unreadable`].

mod delimited;
mod encoding;
mod excel;
mod json;
mod parquet;
mod sniff;
mod sql;
mod words;

use std::io::Read as _;

use serde::{Deserialize, Serialize};

use crate::limits::{FILE_BYTES_MAX, UNPACKED_RATIO_MAX};

/// Takes cells in.
pub trait Sink {
    /// The column's number; the same for the same name. `None` where there are too many columns.
    fn column(&mut self, name: &str) -> Option<usize>;
    fn cell(&mut self, column: usize, value: &str);
    /// The cells since the last were one row.
    fn row(&mut self);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// With any delimiter.
    Csv,
    Json,
    JsonLines,
    Parquet,
    Excel,
    SqlDump,
    /// Every word of it.
    Text,
}

impl Format {
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::JsonLines => "json-lines",
            Self::Parquet => "parquet",
            Self::Excel => "excel",
            Self::SqlDump => "sql-dump",
            Self::Text => "text",
        }
    }
}

/// Why a file can't be read. The fault is always the file's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("the file is empty")]
    Empty,
    #[error("the file has more than {FILE_BYTES_MAX} bytes, unpacked")]
    TooLarge,
    #[error("the file unpacks to far more than its size: it may be made to do harm")]
    Bomb,
    #[error("the file is {0}, which is not read; {1}")]
    Unsupported(&'static str, &'static str),
    #[error("the {format} is damaged or not what it seems: {why}")]
    Damaged { format: &'static str, why: String },
    #[error("a field or line of the file has more than {0} bytes")]
    LineTooLong(usize),
    #[error("the JSON is nested too deep")]
    TooDeep,
}

impl Unreadable {
    fn damaged(format: &'static str, why: impl std::fmt::Display) -> Self {
        Self::Damaged {
            format,
            why: why.to_string(),
        }
    }
}

/// A file that was understood so far as its format goes.
pub struct Leaked {
    format: Format,
    content: Content,
}

enum Content {
    Text(String),
    Delimited(String, delimited::Dialect),
    Binary(bytes::Bytes),
}

impl Leaked {
    pub fn open(bytes: Vec<u8>) -> Result<Self, Unreadable> {
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(Unreadable::TooLarge);
        }
        let bytes = if bytes.starts_with(&[0x1f, 0x8b]) {
            unzipped(&bytes)?
        } else {
            bytes
        };
        match sniff::binary(&bytes)? {
            Some(format) => Ok(Self {
                format,
                content: Content::Binary(bytes.into()),
            }),
            None => Self::of_text(encoding::decoded(bytes)?),
        }
    }

    fn of_text(text: String) -> Result<Self, Unreadable> {
        if text.trim().is_empty() {
            return Err(Unreadable::Empty);
        }
        let format = sniff::text(&text);
        let dialect = match format {
            Format::Csv => delimited::dialect(&text),
            _ => None,
        };
        let content = match dialect {
            Some(dialect) => Content::Delimited(text, dialect),
            None => Content::Text(text),
        };
        Ok(Self { format, content })
    }

    pub fn format(&self) -> Format {
        self.format
    }

    /// Hands all cells over. May be called again.
    pub fn read(&self, sink: &mut dyn Sink) -> Result<(), Unreadable> {
        match (&self.content, self.format) {
            (Content::Delimited(text, dialect), _) => delimited::read(text, dialect, sink),
            (Content::Text(text), Format::Json | Format::JsonLines) => json::read(text, sink),
            (Content::Text(text), Format::SqlDump) => sql::read(text, sink),
            (Content::Text(text), _) => {
                words::read(text, sink);
                Ok(())
            }
            (Content::Binary(bytes), Format::Parquet) => parquet::read(bytes, sink),
            (Content::Binary(bytes), _) => excel::read(bytes, sink),
        }
    }
}

fn unzipped(bytes: &[u8]) -> Result<Vec<u8>, Unreadable> {
    let limit = FILE_BYTES_MAX.min(bytes.len() as u64 * UNPACKED_RATIO_MAX);
    let mut out = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes)
        .take(limit + 1)
        .read_to_end(&mut out)
        .map_err(|error| Unreadable::damaged("gzip file", error))?;
    match out.len() as u64 > limit {
        true if limit == FILE_BYTES_MAX => Err(Unreadable::TooLarge),
        true => Err(Unreadable::Bomb),
        false => Ok(out),
    }
}
