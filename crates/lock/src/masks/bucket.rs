//! `bucketN`: a number rounded down to a multiple.

use portcullis_contract::Mask;

use super::{Misfit, misfit, wrong_type};
use crate::catalog::{LiveColumn, TypeShape};

/// A plain numeric beyond this is one bucket: rounding the longest ones would overflow with an error.
const NUMERIC_BEYOND: &str = "1e1000";
/// A floating number beyond this has no digits left that rounding could take, and could overflow.
const FLOAT_BEYOND: &str = "1e300";

/// The lowest bucket is cut at the type's own bound, where rounding down would overflow with an error
/// that only such a value provokes.
pub(super) fn floor(
    column: &LiveColumn,
    c: &str,
    mask: &Mask,
    width: u64,
) -> Result<String, Misfit> {
    if width == 0 {
        return Err(misfit(column, mask, "a bucket's width is at least 1"));
    }
    // By remainders, which are exact; a division of large numerics is rounded.
    let exact = format!("CAST({c} AS numeric)");
    // `trunc` takes off the value's own number of decimals.
    let floor = format!("trunc({exact} - mod(mod({exact}, {width}) + {width}, {width}))");
    let value = match column.shape {
        TypeShape::Int2 => format!("greatest({floor}, {})", i16::MIN),
        TypeShape::Int4 => format!("greatest({floor}, {})", i32::MIN),
        TypeShape::Int8 => format!("greatest({floor}, {})", i64::MIN),
        TypeShape::Numeric {
            precision_scale: None,
        } => unbounded(c, &floor),
        TypeShape::Numeric {
            precision_scale: Some((precision, scale)),
        } => {
            let digits = i64::from(precision) - i64::from(scale);
            if digits <= 0 || scale < 0 {
                return Err(misfit(
                    column,
                    mask,
                    "the column has no whole digits to round; use `null` or a constant",
                ));
            }
            let nines = "9".repeat(usize::try_from(digits).unwrap_or(1));
            format!("greatest({floor}, -{nines})")
        }
        TypeShape::Float4 => format!(
            "greatest({}, CAST('-3.4e38' AS float8))",
            float(&format!("CAST({c} AS float8)"), width)
        ),
        TypeShape::Float8 => float(c, width),
        _ => return Err(wrong_type(column, mask)),
    };
    // `greatest` passes over NULL: an empty field would show as the lowest number.
    Ok(format!("CASE WHEN {c} IS NOT NULL THEN {value} END"))
}

/// NaN and the infinities stay what they are (before PostgreSQL 14 there is NaN alone).
fn unbounded(c: &str, floor: &str) -> String {
    format!(
        "CASE WHEN CAST({c} AS text) IN ('NaN', 'Infinity', '-Infinity') THEN {c} \
         WHEN {c} >= {NUMERIC_BEYOND} THEN {NUMERIC_BEYOND} WHEN {c} <= -{NUMERIC_BEYOND} THEN -{NUMERIC_BEYOND} \
         ELSE {floor} END"
    )
}

/// Small numbers apart: dividing the smallest ones would underflow with an error.
fn float(x: &str, width: u64) -> String {
    format!(
        "CASE WHEN {x} >= 0 AND {x} < {width} THEN 0 WHEN {x} < 0 AND {x} >= -{width} THEN -{width} \
         WHEN abs({x}) >= {FLOAT_BEYOND} THEN {x} ELSE floor({x} / {width}) * {width} END"
    )
}
