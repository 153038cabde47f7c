//! `fake-name`: somebody else's name, Chinese for Chinese, Latin for the rest.
//!
//! A Chinese name keeps its number of characters: surname and given name, three characters with a compound
//! surname now and then, four always. Of any other name each word becomes a Latin one, the last (before a comma the
//! first) a family name, in the same case. Spaces, hyphens, dots and the like stay where they are.

use portcullis_contract::Mask;

use super::fake::{self, byte_for, number};
use super::name_lists::{COMPOUND_SURNAMES, FAMILY, GIVEN, GIVEN_CHARACTERS, SURNAMES};
use super::{Misfit, wrong_type};
use crate::catalog::{LiveColumn, TypeShape};

const TAG: &str = "fake-name:";
/// Between the words of a name; they stay. The last ones are wide: they could be taken for ideographs.
const SEPARATORS: &str = " .,/()&’·‧•・　-";
const WIDE_SEPARATORS: &str = "’‧•・　";
/// Of 256 names of three characters, this many have a compound surname.
const COMPOUND_IN_256: u32 = 8;

pub(super) fn substitute(
    column: &LiveColumn,
    c: &str,
    mask: &Mask,
    key_row: &str,
) -> Result<String, Misfit> {
    let TypeShape::Text { chars_max } = column.shape else {
        return Err(wrong_type(column, mask));
    };
    let body = format!(
        "CASE WHEN {short} AND translate(m.v, '{WIDE_SEPARATORS}', '') = m.v THEN {} ELSE {} END",
        chinese(),
        word_by_word(),
        short = "octet_length(m.v) = 3 * length(m.v) AND length(m.v) BETWEEN 1 AND 4",
    );
    // Cut here, not by the type: the comparison with the original has to see what will show.
    let body = match chars_max {
        Some(max) => format!("rtrim(left({body}, {max}))"),
        None => body,
    };
    Ok(fake::text(c, TAG, &body, key_row))
}

/// An entry of an array; numbers of a fixed width are found at once, where texts are counted off.
fn character(list: &str, index: &str) -> String {
    let codes: Vec<String> = list.chars().map(|c| u32::from(c).to_string()).collect();
    format!(
        "chr((CAST('{{{}}}' AS int4[]))[1 + ({index}) % {}])",
        codes.join(","),
        codes.len()
    )
}

fn surname(index: &str) -> String {
    character(SURNAMES, index)
}

fn compound(index: &str) -> String {
    let nth = |n: usize| -> String {
        COMPOUND_SURNAMES
            .iter()
            .filter_map(|name| name.chars().nth(n))
            .collect()
    };
    format!(
        "{} || {}",
        character(&nth(0), index),
        character(&nth(1), index)
    )
}

fn given(index: &str) -> String {
    character(GIVEN_CHARACTERS, index)
}

/// One to four ideographs: nearly every Chinese name.
fn chinese() -> String {
    let chosen = format!("{} + o.o", number(0, 2));
    let (single, double) = (surname(&chosen), compound(&chosen));
    let (one, two) = (given(&number(2, 2)), given(&number(4, 2)));
    format!(
        "CASE length(m.v) WHEN 1 THEN {single} WHEN 2 THEN {single} || {one} \
         WHEN 3 THEN CASE WHEN get_byte(m.d, 6) < {COMPOUND_IN_256} THEN {double} || {one} ELSE {single} || {one} || {two} END \
         ELSE {double} || {one} || {two} END"
    )
}

/// Words and what is between them, in turn.
fn word_by_word() -> String {
    let first = byte_for("2 * w.i - 2");
    let second = byte_for("2 * w.i - 1");
    let chosen = format!("{first} * 256 + {second} + o.o");
    let next = byte_for("2 * w.i + j.j");
    let separators = separator_class();
    format!(
        "(SELECT array_to_string(ARRAY(SELECT CASE WHEN w.s ~ '^[{separators}]' THEN w.s \
         WHEN octet_length(w.s) >= 3 * length(w.s) THEN {surname} || array_to_string(ARRAY(SELECT {following} FROM generate_series(1, length(w.s) - 1) AS j(j)), '') \
         WHEN length(w.s) = 1 THEN CASE WHEN w.s BETWEEN 'a' AND 'z' THEN chr(97 + ({chosen}) % 26) ELSE chr(65 + ({chosen}) % 26) END \
         ELSE (SELECT CASE WHEN w.s BETWEEN 'a' AND '{{' THEN lower(n.n COLLATE \"C\") WHEN w.s = upper(w.s) AND w.s <> lower(w.s) THEN upper(n.n COLLATE \"C\") ELSE n.n END \
           FROM (SELECT CASE WHEN (CASE WHEN p.comma THEN w.i <= 2 ELSE w.i >= cardinality(p.s) - 1 END) THEN {family} ELSE {given} END AS n OFFSET 0) AS n) \
         END FROM unnest(p.s) WITH ORDINALITY AS w(s, i)), '') \
         FROM (SELECT ARRAY(SELECT x.s[1] FROM regexp_matches(m.v, '[{separators}]+|[^{separators}]+', 'g') AS x(s)) AS s, \
           position(',' IN m.v) > 0 AS comma OFFSET 0) AS p)",
        surname = surname(&chosen),
        following = given(&format!("{next} + 256 * get_byte(m.d, 31) + j.j")),
        family = word(FAMILY, &chosen),
        given = word(GIVEN, &chosen),
    )
}

/// The apostrophe is doubled for the literal that it stands in.
fn separator_class() -> String {
    let (end, others) = ("-", SEPARATORS.trim_end_matches('-'));
    format!("{others}''{end}")
}

fn word(list: &str, index: &str) -> String {
    let words: Vec<&str> = list.split_whitespace().collect();
    format!(
        "(CAST('{{{}}}' AS text[]))[1 + ({index}) % {}]",
        words.join(","),
        words.len()
    )
}
