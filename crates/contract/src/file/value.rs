//! Small values with a syntax of their own: masks, table names, sizes, durations.

use toml::de::DeValue;

use super::reader::{Node, Reader, Value};
use super::suggest::nearest;
use crate::model::Mask;
use crate::quantity::{QuantityError, parse_duration, parse_size};

const MASK_WORDS: [&str; 13] = [
    "null",
    "hash",
    "first",
    "last4",
    "head1",
    "tail4",
    "code3",
    "fake-id",
    "fake-phone",
    "fake-name",
    "year",
    "month",
    "bucket10",
];
const MASKS_KNOWN: &str = "`null`, `hash`, `first`, `firstN`, `lastN`, `headN`, `tailN`, `codeN`, `codeNofM`, `fake-id`, `fake-phone`, `fake-name`, `year`, `month`, `bucketN`, or { constant = \"…\" }";

/// More characters than that shown is no mask.
const MASK_SHOWN_MAX: u32 = 64;

/// Reads a mask's word: `first`, `last4`, `code2of6`, `bucket100`, …; a constant is a table and not read here.
pub fn parse_mask(text: &str) -> Option<Mask> {
    match text {
        "null" => Some(Mask::Null),
        "hash" => Some(Mask::Hash),
        "first" => Some(Mask::First(1)),
        "fake-id" => Some(Mask::FakeId),
        "fake-phone" => Some(Mask::FakePhone),
        "fake-name" => Some(Mask::FakeName),
        "year" => Some(Mask::Year),
        "month" => Some(Mask::Month),
        _ => counted_mask(text),
    }
}

/// A word with its number.
fn counted_mask(text: &str) -> Option<Mask> {
    let (word, number) = text.split_at_checked(text.find(|c: char| c.is_ascii_digit())?)?;
    match word {
        "first" => shown(number).map(Mask::First),
        "last" => shown(number).map(Mask::Last),
        "head" => shown(number).map(Mask::Head),
        "tail" => shown(number).map(Mask::Tail),
        "code" => code_mask(number),
        "bucket" => {
            let size = number.parse().ok()?;
            (2..=crate::quantity::QUANTITY_MAX)
                .contains(&size)
                .then_some(Mask::Bucket(size))
        }
        _ => None,
    }
}

fn shown(digits: &str) -> Option<u32> {
    let plain = digits.starts_with(|c: char| c.is_ascii_digit());
    digits
        .parse()
        .ok()
        .filter(|count| plain && (1..=MASK_SHOWN_MAX).contains(count))
}

/// `3`, or `2of6`: the width is more than what is shown, else nothing would be filled.
fn code_mask(text: &str) -> Option<Mask> {
    let (digits, width) = match text.split_once("of") {
        None => (text, None),
        Some((digits, width)) => (digits, Some(shown(width)?)),
    };
    let shown = shown(digits)?;
    width
        .is_none_or(|width| width > shown)
        .then_some(Mask::Code { shown, width })
}

/// A mask as the file has it; read back by [`parse_mask`], but for the constant.
pub fn write_mask(mask: &Mask) -> String {
    match mask {
        Mask::Null => "null".to_owned(),
        Mask::Constant(_) => "constant".to_owned(),
        Mask::First(1) => "first".to_owned(),
        Mask::First(count) => format!("first{count}"),
        Mask::Last(count) => format!("last{count}"),
        Mask::Head(count) => format!("head{count}"),
        Mask::Tail(count) => format!("tail{count}"),
        Mask::Code { shown, width: None } => format!("code{shown}"),
        Mask::Code {
            shown,
            width: Some(width),
        } => format!("code{shown}of{width}"),
        Mask::Hash => "hash".to_owned(),
        Mask::FakeId => "fake-id".to_owned(),
        Mask::FakePhone => "fake-phone".to_owned(),
        Mask::FakeName => "fake-name".to_owned(),
        Mask::Year => "year".to_owned(),
        Mask::Month => "month".to_owned(),
        Mask::Bucket(size) => format!("bucket{size}"),
    }
}

pub(super) fn read_mask(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<Mask> {
    if matches!(node.value, Value::Table(_)) {
        let fields = reader.table(node, &["constant"], "a mask")?;
        let constant = reader.require(&fields, "constant", "constant = \"…\"")?;
        return reader.string(&constant).map(Mask::Constant);
    }
    let text = reader.string_as(node, "a mask such as \"last4\"")?;
    let mask = parse_mask(&text);
    if mask.is_none() {
        let help = nearest(&text, MASK_WORDS).map_or_else(
            || format!("known masks: {MASKS_KNOWN}"),
            |near| format!("did you mean `{near}`?"),
        );
        reader.mistake(
            node.span.clone(),
            format!("unknown mask `{text}`"),
            format!("expected one of {MASKS_KNOWN}"),
            help,
        );
    }
    mask
}

/// Splits `schema.table` into the two names; either may stand in double quotes.
/// A name that holds a dot is not taken: `a.b.c` would name two tables.
pub fn parse_table_name(text: &str) -> Option<(String, String)> {
    let (schema, rest) = take_name(text)?;
    let (table, rest) = take_name(rest.strip_prefix('.')?)?;
    rest.is_empty().then_some((schema, table))
}

fn take_name(text: &str) -> Option<(String, &str)> {
    let (name, rest) = match text.strip_prefix('"') {
        None => {
            let end = text.find(['.', '"']).unwrap_or(text.len());
            text.split_at_checked(end)
                .map(|(name, rest)| (name.to_owned(), rest))?
        }
        Some(quoted) => take_quoted(quoted)?,
    };
    let fits = !name.is_empty()
        && name.len() <= IDENTIFIER_BYTES_MAX
        && !name.contains(['\0', '.'])
        && name.trim() == name;
    fits.then_some((name, rest))
}

/// PostgreSQL's NAMEDATALEN less one: a longer name would be cut and mean another table.
const IDENTIFIER_BYTES_MAX: usize = 63;

fn take_quoted(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c != '"' {
            name.push(c);
        } else if chars.next_if(|(_, next)| *next == '"').is_some() {
            name.push('"');
        } else {
            return Some((name, text.get(at + 1..)?));
        }
    }
    None
}

pub(super) fn read_duration(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<(String, u64)> {
    let expected = "a duration such as \"12h\", \"14d\" or \"3y\"";
    let text = reader.string_as(node, expected)?;
    match parse_duration(&text) {
        Ok(seconds) if seconds > 0 => Some((text, seconds)),
        Ok(_) => {
            reader.mistake(
                node.span.clone(),
                format!("`{text}` is no time at all"),
                format!("expected {expected}"),
                "write at least 1s",
            );
            None
        }
        Err(error) => {
            malformed(
                reader,
                node,
                &text,
                &error,
                expected,
                "units: s, min, h, d, w, y",
            );
            None
        }
    }
}

/// Bytes: a plain number or text with a unit.
pub(super) fn read_size(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<u64> {
    let expected = "a size such as \"5 MB\" or a whole number of bytes";
    if matches!(node.value, Value::Other(DeValue::Integer(_))) {
        return reader.integer(node, 0, expected);
    }
    let text = reader.string_as(node, expected)?;
    match parse_size(&text) {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            malformed(
                reader,
                node,
                &text,
                &error,
                expected,
                "units: B, kB, MB, GB, TB (powers of 1000), KiB, MiB, GiB, TiB (of 1024)",
            );
            None
        }
    }
}

fn malformed(
    reader: &mut Reader<'_>,
    node: &Node<'_>,
    text: &str,
    error: &QuantityError,
    expected: &str,
    units: &str,
) {
    reader.mistake(
        node.span.clone(),
        format!("can't read `{text}`: {error}"),
        format!("expected {expected}"),
        units,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_read_as_they_are_written() {
        let code = |shown, width| Mask::Code { shown, width };
        for (word, mask) in [
            ("null", Mask::Null),
            ("hash", Mask::Hash),
            ("first", Mask::First(1)),
            ("first2", Mask::First(2)),
            ("last4", Mask::Last(4)),
            ("head1", Mask::Head(1)),
            ("tail64", Mask::Tail(64)),
            ("code3", code(3, None)),
            ("code2of6", code(2, Some(6))),
            ("fake-id", Mask::FakeId),
            ("fake-phone", Mask::FakePhone),
            ("fake-name", Mask::FakeName),
            ("year", Mask::Year),
            ("month", Mask::Month),
            ("bucket100", Mask::Bucket(100)),
        ] {
            assert_eq!(write_mask(&mask), word);
            assert_eq!(parse_mask(word), Some(mask), "{word}");
        }
        for word in [
            "",
            "First",
            "last",
            "last0",
            "last65",
            "last-4",
            "last4 ",
            "head",
            "tail",
            "code",
            "code0",
            "code3of3",
            "code3of2",
            "code3of",
            "codeof6",
            "code2of6of8",
            "code2of+6",
            "code+2",
            "code2of65",
            "fake",
            "fake-",
            "fake-name2",
            "bucket",
            "bucket1",
            "bucket-5",
            "bucket99999999999999999999",
            "constant",
        ] {
            assert_eq!(parse_mask(word), None, "{word}");
        }
    }
}
