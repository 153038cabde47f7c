//! Sizes and durations as people write them: `5 MB`, `12h`.

use thiserror::Error;

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum QuantityError {
    #[error("a whole number must come first")]
    NoNumber,
    #[error("unit `{0}` is not known")]
    UnknownUnit(String),
    #[error("a unit is missing")]
    NoUnit,
    #[error("the number is too large")]
    TooLarge,
}

/// Bytes. `kB`, `MB`, … are powers of 1000, `KiB`, `MiB`, … of 1024.
const SIZE_UNITS: [(&str, u64); 9] = [
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// Seconds. A year is 365 days, as a term that "at least 3 years" is held against.
const DURATION_UNITS: [(&str, u64); 6] = [
    ("s", 1),
    ("min", 60),
    ("h", 3_600),
    ("d", 86_400),
    ("w", 604_800),
    ("y", 31_536_000),
];

/// The largest value that a TOML integer, a JSON reader and a database column all hold.
pub const QUANTITY_MAX: u64 = i64::MAX as u64;

pub fn parse_size(text: &str) -> Result<u64, QuantityError> {
    parse(text, &SIZE_UNITS, |unit, known| {
        unit.eq_ignore_ascii_case(known)
    })
}

pub fn parse_duration(text: &str) -> Result<u64, QuantityError> {
    parse(text, &DURATION_UNITS, |unit, known| unit == known)
}

fn parse(
    text: &str,
    units: &[(&str, u64)],
    same: impl Fn(&str, &str) -> bool,
) -> Result<u64, QuantityError> {
    let text = text.trim();
    let digits_end = text
        .find(|c: char| !c.is_ascii_digit() && c != '_')
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at(digits_end);
    let digits = digits.replace('_', "");
    if digits.is_empty() {
        return Err(QuantityError::NoNumber);
    }
    let unit = unit.trim();
    if unit.is_empty() {
        return Err(QuantityError::NoUnit);
    }
    let Some((_, factor)) = units.iter().find(|(known, _)| same(unit, known)) else {
        return Err(QuantityError::UnknownUnit(unit.to_owned()));
    };
    let number: u64 = digits
        .parse()
        .map_err(|_overflow| QuantityError::TooLarge)?;
    number
        .checked_mul(*factor)
        .filter(|value| *value <= QUANTITY_MAX)
        .ok_or(QuantityError::TooLarge)
}

/// The shortest exact way to write a duration; read back by [`parse_duration`].
pub fn write_duration(seconds: u64) -> String {
    let exact = DURATION_UNITS
        .iter()
        .rev()
        .find(|(_, factor)| seconds > 0 && seconds.is_multiple_of(*factor));
    exact.map_or_else(
        || format!("{seconds}s"),
        |(unit, factor)| format!("{}{unit}", seconds / factor),
    )
}

/// The shortest exact way to write a size in powers of 1000; read back by [`parse_size`].
pub fn write_size(bytes: u64) -> String {
    let decimal = SIZE_UNITS
        .iter()
        .take(5)
        .rev()
        .find(|(_, factor)| bytes > 0 && bytes.is_multiple_of(*factor));
    decimal.map_or_else(
        || format!("{bytes} B"),
        |(unit, factor)| format!("{} {unit}", bytes / factor),
    )
}
