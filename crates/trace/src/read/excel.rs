//! Workbooks (.xlsx): a column is a letter of a sheet, named by its first row where that holds names.
//!
//! Read straight from the XML, with every unpacked byte counted: a workbook is a zip file, and may be
//! made to burst.

use std::cell::Cell;
use std::io::{BufReader, Cursor, Read};
use std::rc::Rc;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

use super::{Sink, Unreadable};
use crate::limits::{
    COLUMNS_MAX, SHEETS_MAX, UNPACKED_BYTES_MAX, UNPACKED_RATIO_MAX, VALUE_BYTES_MAX,
};

const STRINGS: &str = "xl/sharedStrings.xml";
const FORMAT: &str = "Excel workbook";
const SHARED_MAX: usize = 20_000_000;

pub(super) fn read(bytes: &[u8], sink: &mut dyn Sink) -> Result<(), Unreadable> {
    let mut book = Book::open(bytes)?;
    let shared = book.shared()?;
    for sheet in book.sheets()? {
        let reader = book.part(&sheet)?;
        Sheet::new(&sheet, &shared)
            .read(reader, sink)
            .map_err(|error| book.why(error))?;
    }
    Ok(())
}

struct Book<'b> {
    archive: ZipArchive<Cursor<&'b [u8]>>,
    /// Bytes that may still be unpacked.
    left: Rc<Cell<u64>>,
}

type Part<'a> = Reader<BufReader<Box<dyn Read + 'a>>>;

/// Stops where the workbook has unpacked to more than it may.
struct Counted<R> {
    inner: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let left = self.left.get().checked_sub(count as u64);
        self.left.set(left.unwrap_or(0));
        match left {
            Some(_) => Ok(count),
            None => Err(std::io::Error::other("too large, unpacked")),
        }
    }
}

impl<'b> Book<'b> {
    fn open(bytes: &'b [u8]) -> Result<Self, Unreadable> {
        let archive = ZipArchive::new(Cursor::new(bytes))
            .map_err(|error| Unreadable::damaged("zip file", error))?;
        if archive.index_for_name("xl/workbook.xml").is_none() {
            return Err(Unreadable::Unsupported(
                "a zip file, but no Excel workbook",
                "unpack it and trace what is in it",
            ));
        }
        let most = (bytes.len() as u64 * UNPACKED_RATIO_MAX).min(UNPACKED_BYTES_MAX);
        Ok(Self {
            archive,
            left: Rc::new(Cell::new(most)),
        })
    }

    fn why(&self, error: Unreadable) -> Unreadable {
        if self.left.get() == 0 {
            Unreadable::Bomb
        } else {
            error
        }
    }

    fn sheets(&self) -> Result<Vec<String>, Unreadable> {
        let mut sheets: Vec<String> = self
            .archive
            .file_names()
            .flatten()
            .filter(|name| name.starts_with("xl/worksheets/") && name.ends_with(".xml"))
            .filter(|name| name.matches('/').count() == 2)
            .map(std::borrow::Cow::into_owned)
            .collect();
        sheets.sort_by_key(|name| (name.len(), name.clone()));
        if sheets.len() > SHEETS_MAX {
            return Err(Unreadable::damaged(FORMAT, "it has too many sheets"));
        }
        Ok(sheets)
    }

    fn part(&mut self, name: &str) -> Result<Part<'_>, Unreadable> {
        let left = Rc::clone(&self.left);
        let inner = self
            .archive
            .by_name(name)
            .map_err(|error| Unreadable::damaged(FORMAT, error))?;
        let counted: Box<dyn Read + '_> = Box::new(Counted { inner, left });
        Ok(Reader::from_reader(BufReader::new(counted)))
    }

    /// The texts that cells refer to. Those that are too long for a key are left empty.
    fn shared(&mut self) -> Result<Vec<Box<str>>, Unreadable> {
        if self.archive.index_for_name(STRINGS).is_none() {
            return Ok(Vec::new());
        }
        let strings = strings(self.part(STRINGS)?);
        strings.map_err(|error| self.why(error))
    }
}

fn strings(mut reader: Part<'_>) -> Result<Vec<Box<str>>, Unreadable> {
    let (mut strings, mut text) = (Vec::new(), String::new());
    let (mut inside, mut phonetic) = (false, false);
    let mut buffer = Vec::new();
    loop {
        match next(&mut reader, &mut buffer)? {
            Event::Start(tag) => match tag.local_name().as_ref() {
                "si" => text.clear(),
                "t" => inside = true,
                // How a name is read aloud: not part of it.
                "rPh" => phonetic = true,
                _ => {}
            },
            Event::End(tag) => match tag.local_name().as_ref() {
                "si" => {
                    let kept = if text.len() > VALUE_BYTES_MAX {
                        ""
                    } else {
                        &text
                    };
                    strings.push(kept.into());
                    if strings.len() > SHARED_MAX {
                        return Err(Unreadable::damaged(FORMAT, "it has too many texts"));
                    }
                }
                "t" => inside = false,
                "rPh" => phonetic = false,
                _ => {}
            },
            Event::Empty(tag) if tag.local_name().as_ref() == "si" => strings.push("".into()),
            Event::Eof => return Ok(strings),
            event if inside && !phonetic => add_text(&mut text, &event),
            _ => {}
        }
        buffer.clear();
    }
}

fn next<'b>(reader: &mut Part<'_>, buffer: &'b mut Vec<u8>) -> Result<Event<'b>, Unreadable> {
    reader
        .read_event_into(buffer)
        .map_err(|error| Unreadable::damaged(FORMAT, error))
}

/// Of a text that is too long for a key, no more is kept than shows that.
fn add_text(text: &mut String, event: &Event<'_>) {
    if text.len() > VALUE_BYTES_MAX {
        return;
    }
    match event {
        Event::Text(part) => text.push_str(part),
        Event::CData(part) => text.push_str(part),
        Event::GeneralRef(name) => match &**name {
            "amp" => text.push('&'),
            "lt" => text.push('<'),
            "gt" => text.push('>'),
            "quot" => text.push('"'),
            "apos" => text.push('\''),
            _ => text.extend(name.resolve_char_ref().ok().flatten()),
        },
        _ => {}
    }
}

enum CellKind {
    Plain,
    Shared,
    /// Not a value that could be a key: a truth value or an error.
    Other,
}

struct Sheet<'a> {
    name: &'a str,
    shared: &'a [Box<str>],
    columns: Vec<Option<usize>>,
    /// The first row, until the second shows whether it holds names.
    names: Vec<String>,
    row: Vec<(usize, String)>,
    rows: u64,
}

impl<'a> Sheet<'a> {
    fn new(part: &'a str, shared: &'a [Box<str>]) -> Self {
        let name = part.rsplit('/').next().unwrap_or(part);
        Self {
            name: name.strip_suffix(".xml").unwrap_or(name),
            shared,
            columns: Vec::new(),
            names: Vec::new(),
            row: Vec::new(),
            rows: 0,
        }
    }

    fn read(mut self, mut reader: Part<'_>, sink: &mut dyn Sink) -> Result<(), Unreadable> {
        let mut buffer = Vec::new();
        let (mut at, mut next_at, mut kind) = (0, 0, CellKind::Plain);
        let (mut text, mut inside) = (String::new(), false);
        loop {
            match next(&mut reader, &mut buffer)? {
                Event::Start(tag) => match tag.local_name().as_ref() {
                    "row" => next_at = 0,
                    "c" => {
                        at = column_of(&tag).unwrap_or(next_at);
                        next_at = at + 1;
                        kind = kind_of(&tag);
                        text.clear();
                    }
                    "v" | "t" => inside = true,
                    _ => {}
                },
                Event::Empty(tag) if tag.local_name().as_ref() == "c" => {
                    next_at = column_of(&tag).unwrap_or(next_at) + 1;
                }
                Event::End(tag) => match tag.local_name().as_ref() {
                    "v" | "t" => inside = false,
                    "c" => self.cell(at, &kind, &text),
                    "row" => self.row(sink),
                    _ => {}
                },
                Event::Eof => return Ok(()),
                event if inside => add_text(&mut text, &event),
                _ => {}
            }
            buffer.clear();
        }
    }

    fn cell(&mut self, at: usize, kind: &CellKind, text: &str) {
        let value = match kind {
            CellKind::Plain => Some(text),
            CellKind::Shared => text
                .trim()
                .parse()
                .ok()
                .and_then(|at: usize| self.shared.get(at))
                .map(|text| &**text),
            CellKind::Other => None,
        };
        if let Some(value) = value
            && at < COLUMNS_MAX
            && self.row.len() < COLUMNS_MAX
            && !value.is_empty()
        {
            self.row.push((at, value.to_owned()));
        }
    }

    fn row(&mut self, sink: &mut dyn Sink) {
        if self.row.is_empty() {
            return;
        }
        self.rows += 1;
        let row = std::mem::take(&mut self.row);
        let names = |(_, value): &(usize, String)| {
            value.chars().any(char::is_alphabetic)
                && value.chars().filter(char::is_ascii_digit).count() < 4
        };
        if self.rows == 1 && row.iter().all(names) {
            for (at, name) in row {
                self.names
                    .resize(self.names.len().max(at + 1), String::new());
                if let Some(slot) = self.names.get_mut(at) {
                    *slot = name;
                }
            }
            return;
        }
        for (at, value) in row {
            while self.columns.len() <= at {
                let at = self.columns.len();
                let named = self.names.get(at).filter(|name| !name.is_empty());
                let name = named.cloned().unwrap_or_else(|| letters(at));
                self.columns
                    .push(sink.column(&format!("{}.{name}", self.name)));
            }
            if let Some(Some(column)) = self.columns.get(at) {
                sink.cell(*column, &value);
            }
        }
        sink.row();
    }
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = tag.attributes().flatten().find(|a| a.key.0 == name)?;
    Some(found.value.into_owned())
}

/// `BC27` is column 54, from 0 on.
fn column_of(tag: &BytesStart<'_>) -> Option<usize> {
    let place = attribute(tag, "r")?;
    let mut at = 0usize;
    for letter in place.bytes().take_while(u8::is_ascii_uppercase) {
        at = at
            .checked_mul(26)?
            .checked_add(usize::from(letter - b'A') + 1)?;
    }
    at.checked_sub(1)
}

fn kind_of(tag: &BytesStart<'_>) -> CellKind {
    match attribute(tag, "t").as_deref() {
        Some("s") => CellKind::Shared,
        Some("b" | "e") => CellKind::Other,
        _ => CellKind::Plain,
    }
}

fn letters(at: usize) -> String {
    let mut name = String::new();
    let mut rest = at + 1;
    while rest > 0 {
        rest -= 1;
        name.insert(0, char::from(b'A' + (rest % 26) as u8));
        rest /= 26;
    }
    name
}
