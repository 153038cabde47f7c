//! `hash`: a keyed hash, joinable within the contract only; and the digest that substitutes are made of.

use portcullis_contract::Mask;

use super::{Misfit, misfit, wrong_type};
use crate::catalog::{LiveColumn, TypeShape};
use crate::names::{KEY_SCHEMA, ident};

/// Fewer hex digits than this and different values would often look the same.
const HASH_CHARS_MIN: u32 = 16;
const HASH_CHARS: u32 = 32;
/// Longer texts are hashed by their beginning: near the greatest size of a value, putting the key before
/// it would fail.
const HASHED_CHARS_MAX: u32 = 100_000_000;

/// Keyed hash in the manner of NMAC: an inner and an outer SHA-256, each over a random block of its own
/// from the key table. Built-in functions alone, so that no function exists which a role could call to
/// hash guesses; the table is read with the view owner's rights, never the caller's.
pub(crate) fn keyed_hash(text_sql: &str, key_row: &str) -> String {
    let key = |pad: &str| {
        format!(
            "(SELECT k.{pad} FROM {}.mask_key k WHERE {key_row})",
            ident(KEY_SCHEMA)
        )
    };
    format!(
        "sha256({} || sha256({} || convert_to({text_sql}, 'UTF8')))",
        key("outer_pad"),
        key("inner_pad")
    )
}

pub(super) fn hash(
    column: &LiveColumn,
    c: &str,
    mask: &Mask,
    key_row: &str,
) -> Result<String, Misfit> {
    let text = match column.shape {
        TypeShape::Text { .. } => format!("left(CAST({c} AS text), {HASHED_CHARS_MAX})"),
        // Equal numbers hash alike, however many decimals they are written with.
        TypeShape::Numeric { .. } => format!("CAST(trim_scale({c}) AS text)"),
        // Not as text: that depends on a setting of the session, and is twice as long.
        TypeShape::Bytea => format!("encode(sha256({c}), 'hex')"),
        _ => format!("CAST({c} AS text)"),
    };
    let digest = keyed_hash(&text, key_row);
    let hex = format!("encode({digest}, 'hex')");
    let number = |bits: u32| {
        format!(
            "CAST(CAST('x' || left({hex}, 16) AS bit(64)) AS int8) & {}",
            (1_u64 << bits) - 1
        )
    };
    match column.shape {
        TypeShape::Text { chars_max } => {
            let chars = chars_max.unwrap_or(HASH_CHARS).min(HASH_CHARS);
            if chars < HASH_CHARS_MIN {
                return Err(misfit(
                    column,
                    mask,
                    "the column is too short for a hash; use `null`, `first`, `lastN` or a `fake-…`",
                ));
            }
            Ok(format!("left({hex}, {chars})"))
        }
        TypeShape::Uuid => Ok(format!("left({hex}, 32)")),
        TypeShape::Bytea => Ok(digest),
        TypeShape::Int8 => Ok(number(62)),
        TypeShape::Int4 => Ok(number(31)),
        TypeShape::Numeric {
            precision_scale: None,
        } => Ok(number(62)),
        TypeShape::Numeric {
            precision_scale: Some((precision, scale)),
        } if scale >= 0 && i64::from(precision) - i64::from(scale) >= 16 => Ok(number(49)),
        TypeShape::Numeric { .. } => Err(misfit(
            column,
            mask,
            "a hash needs 16 digits before the point; use `bucketN` or `null`",
        )),
        _ => Err(wrong_type(column, mask)),
    }
}
