//! CSV and its kin: the delimiter and the header are found.

use csv::{ReaderBuilder, StringRecord, Trim};

use super::sniff::head;
use super::{Sink, Unreadable};
use crate::limits::{COLUMNS_MAX, LINE_BYTES_MAX};

const DELIMITERS: [u8; 6] = [b',', b'\t', b';', b'|', 0x01, 0x1f];
/// Lines that are looked at.
const LOOKED_AT: usize = 500;
/// A table's rows mostly have as many fields as its most frequent row.
const ALIKE_SHARE: f64 = 0.7;
/// One word a line, of at most so many characters, is a table of one column.
const WORD_CHARS_MAX: usize = 64;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dialect {
    delimiter: u8,
    quoting: bool,
    header: bool,
}

/// `None` where the text is no table.
pub(super) fn dialect(text: &str) -> Option<Dialect> {
    let start = head(text);
    let best = DELIMITERS
        .iter()
        .filter_map(|delimiter| fit(start, *delimiter, text.len() > start.len()))
        .max_by(|a, b| a.score.total_cmp(&b.score));
    let (delimiter, quoting) = match best {
        Some(fit) => (fit.delimiter, fit.quoting),
        None if is_list(start) => (b',', true),
        None => return None,
    };
    let header = has_header(start, delimiter, quoting);
    Some(Dialect {
        delimiter,
        quoting,
        header,
    })
}

/// How well a reading fits: the share of rows with the most frequent number of fields, a bit more for
/// more fields.
struct Fit {
    score: f64,
    share: f64,
    rows: usize,
    delimiter: u8,
    quoting: bool,
}

/// With quotes, unless without them more rows come out that are as much alike: then a quote never
/// closes, and swallows rows.
fn fit(start: &str, delimiter: u8, cut: bool) -> Option<Fit> {
    let quoted = fit_of(start, delimiter, true, cut);
    let plain = fit_of(start, delimiter, false, cut);
    match (quoted, plain) {
        (Some(quoted), Some(plain)) => {
            let swallows = plain.share >= quoted.share && plain.rows > quoted.rows;
            Some(if swallows { plain } else { quoted })
        }
        (quoted, plain) => quoted.or(plain),
    }
}

fn fit_of(start: &str, delimiter: u8, quoting: bool, cut: bool) -> Option<Fit> {
    let mut counts = Vec::new();
    let mut reader = reader(start, delimiter, quoting);
    let mut record = StringRecord::new();
    while counts.len() < LOOKED_AT && reader.read_record(&mut record).unwrap_or(false) {
        counts.push(record.len());
    }
    if cut && counts.len() > 1 && counts.len() < LOOKED_AT {
        counts.pop();
    }
    let rows = counts.len();
    counts.sort_unstable();
    let usual = counts.chunk_by(|a, b| a == b).max_by_key(|run| run.len())?;
    let fields = usual.first().copied()?;
    let share = usual.len() as f64 / rows as f64;
    let fits = fields > 1 && share >= ALIKE_SHARE && (rows > 1 || fields > 2);
    fits.then(|| Fit {
        score: share + (fields.min(20) as f64) / 100.0,
        share,
        rows,
        delimiter,
        quoting,
    })
}

/// One short word a line.
fn is_list(start: &str) -> bool {
    let lines: Vec<&str> = start
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .take(LOOKED_AT)
        .collect();
    let word = |line: &&&str| {
        line.chars().count() <= WORD_CHARS_MAX && !line.chars().any(char::is_whitespace)
    };
    let words = lines.iter().filter(word).count();
    lines.len() > 1 && words * 10 >= lines.len() * 9
}

/// Names are distinct, none is empty, and none is a number.
fn has_header(start: &str, delimiter: u8, quoting: bool) -> bool {
    let mut first = StringRecord::new();
    if !reader(start, delimiter, quoting)
        .read_record(&mut first)
        .unwrap_or(false)
    {
        return false;
    }
    let mut names: Vec<&str> = first.iter().map(str::trim).collect();
    let named = |name: &&str| {
        !name.is_empty()
            && name.chars().any(char::is_alphabetic)
            && name.chars().filter(char::is_ascii_digit).count() < 4
    };
    // A trailing delimiter leaves an empty last name.
    if names.len() > 1 && names.last().is_some_and(|name| name.is_empty()) {
        names.pop();
    }
    let all = names.iter().all(named);
    names.sort_unstable();
    names.dedup();
    all && names.len() + 1 >= first.len()
}

pub(super) fn read(text: &str, dialect: &Dialect, sink: &mut dyn Sink) -> Result<(), Unreadable> {
    let mut reader = reader(text, dialect.delimiter, dialect.quoting);
    let mut record = StringRecord::new();
    let mut columns: Vec<Option<usize>> = Vec::new();
    let mut waiting_header = dialect.header;
    let mut names: Vec<String> = Vec::new();
    loop {
        let more = reader
            .read_record(&mut record)
            .map_err(|error| Unreadable::damaged("table", error))?;
        if !more {
            return Ok(());
        }
        if record.as_slice().len() > LINE_BYTES_MAX {
            return Err(Unreadable::LineTooLong(LINE_BYTES_MAX));
        }
        if waiting_header {
            names = record.iter().map(|name| name.trim().to_owned()).collect();
            waiting_header = false;
            continue;
        }
        for (at, value) in record.iter().enumerate().take(COLUMNS_MAX) {
            if at >= columns.len() {
                let name = names.get(at).filter(|name| !name.is_empty()).cloned();
                columns.push(sink.column(&name.unwrap_or_else(|| (at + 1).to_string())));
            }
            if let Some(Some(column)) = columns.get(at) {
                sink.cell(*column, value);
            }
        }
        sink.row();
    }
}

fn reader(text: &str, delimiter: u8, quoting: bool) -> csv::Reader<&[u8]> {
    ReaderBuilder::new()
        .delimiter(delimiter)
        .quoting(quoting)
        .flexible(true)
        .has_headers(false)
        .trim(Trim::None)
        .from_reader(text.as_bytes())
}
