//! `fake-id`: another identity number of the same form.
//!
//! Eighteen digits (the last may be X) become a Chinese resident number that passes every check of form:
//! a real county's code, a real day between 1930 and 2009, a sequence number, and the check digit of
//! GB 11643. Fifteen digits become one of the older kind. Any other value is exchanged sign by sign.

use portcullis_contract::Mask;

use super::fake::{self, SIGNS, byte_for, number};
use super::{Misfit, wrong_type};
use crate::catalog::{LiveColumn, TypeShape};

const TAG: &str = "fake-id:";
/// Counties (GB/T 2260): the cities under the state, and one of nearly every prefecture. The code of the original is
/// not kept: where somebody was registered says much about who it is.
const COUNTIES: &str = include_str!("counties.txt");
const FIRST_DAY: &str = "1930-01-01";
/// To the end of 2009.
const DAYS: u32 = 29_220;
const SEQUENCE_NUMBERS: u32 = 999;
/// GB 11643: the weights of the first seventeen digits, and the check digit for each remainder of eleven.
const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CHECK_DIGITS: &str = "10X98765432";

pub(super) fn substitute(
    column: &LiveColumn,
    c: &str,
    mask: &Mask,
    key_row: &str,
) -> Result<String, Misfit> {
    match column.shape {
        TypeShape::Text { .. } => {
            let body = format!(
                "CASE WHEN m.v ~ '^[0-9]{{17}}[0-9Xx]$' THEN {} WHEN m.v ~ '^[0-9]{{15}}$' THEN {} ELSE {} END",
                resident_18(),
                resident_15(),
                sign_by_sign("48", 10),
            );
            Ok(fake::text(c, TAG, &body, key_row))
        }
        // A check digit X would not fit; the first digit of a number is not 0.
        TypeShape::Int8 | TypeShape::Numeric { .. } => {
            let body = sign_by_sign(
                "CASE WHEN u.i = 1 OR u.i = 2 AND left(m.v, 1) = '-' THEN 49 ELSE 48 END",
                9,
            );
            fake::number_of(column, c, mask, (TAG, &body), key_row)
        }
        _ => Err(wrong_type(column, mask)),
    }
}

/// County, day of birth and sequence number.
fn seventeen() -> String {
    let counties = COUNTIES.trim();
    format!(
        "SELECT CAST((CAST('{{{counties}}}' AS int4[]))[1 + {county} % {counted}] AS text) \
         || to_char(CAST('{FIRST_DAY}' AS date) + {day} % {DAYS}, 'YYYYMMDD') \
         || right(CAST(1001 + ({sequence} + o.o) % {SEQUENCE_NUMBERS} AS text), 3) AS s OFFSET 0",
        county = number(0, 3),
        counted = counties.split(',').count(),
        day = number(3, 3),
        sequence = number(6, 3),
    )
}

fn resident_18() -> String {
    let sum: Vec<String> = WEIGHTS
        .iter()
        .enumerate()
        .map(|(at, weight)| format!("{weight} * (get_byte(n.b, {at}) - 48)"))
        .collect();
    format!(
        "(SELECT n.s || substr('{CHECK_DIGITS}', 1 + ({}) % 11, 1) \
         FROM (SELECT r.s, CAST(r.s AS bytea) AS b FROM ({}) AS r OFFSET 0) AS n)",
        sum.join(" + "),
        seventeen()
    )
}

/// Without the century and the check digit.
fn resident_15() -> String {
    format!(
        "(SELECT left(r.s, 6) || substr(r.s, 9) FROM ({}) AS r)",
        seventeen()
    )
}

/// Digits for digits, capitals for capitals, small letters for small letters; ASCII's other signs stay, and
/// what is not ASCII becomes `x`. `zero` is the code of the lowest digit, `digits` how many there are from it.
fn sign_by_sign(zero: &str, digits: u32) -> String {
    let byte = byte_for("u.i - 1");
    format!(
        "array_to_string(ARRAY(SELECT CASE WHEN u.s BETWEEN '0' AND '9' THEN chr({zero} + ({byte} + o.o) % {digits}) \
         WHEN u.s BETWEEN 'A' AND 'Z' THEN chr(65 + ({byte} + o.o) % 26) \
         WHEN u.s BETWEEN 'a' AND 'z' THEN chr(97 + ({byte} + o.o) % 26) \
         WHEN u.s BETWEEN ' ' AND '~' THEN u.s ELSE 'x' END FROM {SIGNS}), '')"
    )
}
