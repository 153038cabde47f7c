//! What the substitutes (`fake-id`, `fake-phone`, `fake-name`) have in common: a keyed digest of the value,
//! of which another value of the same form is made.
//!
//! Nothing but the form is taken over, so a substitute tells nothing else of its original. The key is the
//! hash's; a tag keeps the kinds apart, so that a substitute can't be matched with a `hash` elsewhere.

use portcullis_contract::Mask;

use super::hash::keyed_hash;
use super::{Misfit, wrong_type};
use crate::catalog::{LiveColumn, TypeShape};
use crate::names::literal;

/// A longer value is cut: what is made sign by sign has a limit that a hidden value can't stretch.
const CHARS_MAX: u32 = 128;
const DIGEST_BYTES: u32 = 32;
/// The value's signs `u.s`, each with its place `u.i`. A function's rows come in its own order: read alone, they
/// need no sorting, which would cost as much as all the rest.
pub(super) const SIGNS: &str = "unnest(string_to_array(m.v, NULL)) WITH ORDINALITY AS u(s, i)";

/// The substitute. `body` is the SQL of one candidate, from `m.v` (the value as text), `m.d` (its digest)
/// and `o.o`, which is 0, or 1 for the second candidate: taken where the first one happens to be the original.
/// Where there is nothing to exchange (`--`), stars.
pub(super) fn text(c: &str, tag: &str, body: &str, key_row: &str) -> String {
    candidate(c, tag, body, key_row, "repeat('*', length(m.v))")
}

fn candidate(c: &str, tag: &str, body: &str, key_row: &str, nothing_to_exchange: &str) -> String {
    let value = format!("left(CAST({c} AS text), {CHARS_MAX})");
    let digest = keyed_hash(&format!("{} || {value}", literal(tag)), key_row);
    // OFFSET 0 keeps the planner from writing the digest out wherever it is used.
    format!(
        "(SELECT CASE WHEN m.v IS NOT NULL THEN coalesce((SELECT t.s FROM (SELECT {body} AS s FROM (VALUES (0), (1)) AS o(o) OFFSET 0) AS t \
         WHERE t.s <> m.v LIMIT 1), {nothing_to_exchange}) COLLATE \"default\" END \
         FROM (SELECT {value} COLLATE \"C\" AS v, {digest} AS d OFFSET 0) AS m)"
    )
}

/// A substitute in a column of numbers, from a `body` that makes digits of digits and takes over the rest.
pub(super) fn number_of(
    column: &LiveColumn,
    c: &str,
    mask: &Mask,
    (tag, body): (&str, &str),
    key_row: &str,
) -> Result<String, Misfit> {
    let value = format!(
        "CAST({} AS numeric)",
        candidate(c, tag, body, key_row, "'0'")
    );
    match column.shape {
        // Nineteen digits may be more than the type takes; the remainder is as good a substitute.
        TypeShape::Int8 => Ok(format!(
            "CASE WHEN {c} IS NOT NULL THEN mod({value}, {}) END",
            i64::MAX
        )),
        // NaN and the infinities have no digits; what is longer than a value's limit is no number of this kind.
        TypeShape::Numeric { .. } => Ok(format!(
            "CASE WHEN CAST({c} AS text) IN ('NaN', 'Infinity', '-Infinity') THEN {c} \
             WHEN length(CAST({c} AS text)) > {CHARS_MAX} THEN 0 \
             WHEN {c} IS NOT NULL THEN {value} END"
        )),
        _ => Err(wrong_type(column, mask)),
    }
}

/// A number of `bytes` bytes of the digest, at most seven: int8 where int4 would overflow.
pub(super) fn number(at: u32, bytes: u32) -> String {
    let kind = if bytes > 3 { "int8" } else { "int4" };
    let parts: Vec<String> = (0..bytes)
        .map(|n| {
            let place = 1_u64 << (8 * (bytes - 1 - n));
            format!("CAST({place} AS {kind}) * get_byte(m.d, {})", at + n)
        })
        .collect();
    format!("({})", parts.join(" + "))
}

/// The digest's byte for the sign at `place` (an SQL integer); long values use the bytes again, which tells
/// nothing, as no sign of the substitute depends on a sign of the original.
pub(super) fn byte_for(place: &str) -> String {
    format!("get_byte(m.d, CAST({place} AS int4) % {DIGEST_BYTES})")
}
