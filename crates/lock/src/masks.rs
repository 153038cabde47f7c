//! Masks as SQL expressions over the base table's column, made where the column is read. Each keeps
//! the column's type, and none can raise an error that quotes or depends on the hidden value.

use portcullis_contract::Mask;
use tokio_postgres::Client;

use crate::catalog::{LiveColumn, TypeShape};
use crate::error::describe;
use crate::names::{KEY_SCHEMA, ident, literal};

/// Fewer hex digits than this and different values would often look the same.
const HASH_CHARS_MIN: u32 = 16;
const HASH_CHARS: u32 = 32;

/// Why a mask does not fit, with what to write instead.
pub(crate) struct Misfit {
    pub what: String,
    pub help: String,
}

fn misfit(column: &LiveColumn, mask: &str, help: &str) -> Misfit {
    Misfit {
        what: format!(
            "mask `{mask}` does not fit column `{}` of type `{}`",
            column.name, column.type_name
        ),
        help: help.to_owned(),
    }
}

/// The expression that the view shows for a masked column; `column_sql` is the column, qualified.
/// `key_row` selects the contract's row of the key table.
pub(crate) fn expression(
    column: &LiveColumn,
    column_sql: &str,
    mask: &Mask,
    key_row: &str,
) -> Result<String, Misfit> {
    if let TypeShape::Domain { not_null } = column.shape {
        return match mask {
            Mask::Null if !not_null => Ok(typed("NULL", column)),
            _ => Err(misfit(
                column,
                &mask_name(mask),
                "a domain's own checks would refuse the mask's value; leave the column out, or use `null` where the domain allows it",
            )),
        };
    }
    match mask {
        Mask::Null => Ok(typed("NULL", column)),
        Mask::Constant(text) => Ok(typed(&literal(text), column)),
        Mask::First(shown) => stars(column, column_sql, mask, *shown),
        Mask::Last(shown) => stars(column, column_sql, mask, *shown),
        Mask::Hash => hash(column, column_sql, key_row),
        Mask::Year => truncated(column, column_sql, "year"),
        Mask::Month => truncated(column, column_sql, "month"),
        Mask::Bucket(width) => bucket(column, column_sql, *width),
    }
}

fn typed(value: &str, column: &LiveColumn) -> String {
    format!("CAST({value} AS {})", column.type_name)
}

pub(crate) fn mask_name(mask: &Mask) -> String {
    match mask {
        Mask::Null => "null".to_owned(),
        Mask::Constant(_) => "constant".to_owned(),
        Mask::First(1) => "first".to_owned(),
        Mask::First(n) => format!("first{n}"),
        Mask::Last(n) => format!("last{n}"),
        Mask::Hash => "hash".to_owned(),
        Mask::Year => "year".to_owned(),
        Mask::Month => "month".to_owned(),
        Mask::Bucket(width) => format!("bucket{width}"),
    }
}

/// A value no longer than what the mask shows would show whole: it becomes stars alone.
fn stars(column: &LiveColumn, c: &str, mask: &Mask, shown: u32) -> Result<String, Misfit> {
    let TypeShape::Text { .. } = column.shape else {
        return Err(misfit(
            column,
            &mask_name(mask),
            "`first` and `lastN` are for text; numbers take `bucketN`, dates `year` or `month`, anything `null`",
        ));
    };
    if shown == 0 || shown > 1000 {
        return Err(misfit(
            column,
            &mask_name(mask),
            "show between 1 and 1000 characters",
        ));
    }
    let text = format!("CAST({c} AS text)");
    let rest = format!("repeat('*', length({text}) - {shown})");
    let masked = if matches!(mask, Mask::First(_)) {
        format!("left({text}, {shown}) || {rest}")
    } else {
        format!("{rest} || right({text}, {shown})")
    };
    Ok(typed(
        &format!(
            "CASE WHEN length({text}) > {shown} THEN {masked} ELSE repeat('*', length({text})) END"
        ),
        column,
    ))
}

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

fn hash(column: &LiveColumn, c: &str, key_row: &str) -> Result<String, Misfit> {
    let digest = keyed_hash(&format!("CAST({c} AS text)"), key_row);
    let hex = format!("encode({digest}, 'hex')");
    let number = |bits: u32| {
        format!(
            "CAST(CAST('x' || left({hex}, 16) AS bit(64)) AS int8) & {}",
            (1_u64 << bits) - 1
        )
    };
    let value = match column.shape {
        TypeShape::Text { chars_max } => {
            let chars = chars_max.unwrap_or(HASH_CHARS).min(HASH_CHARS);
            if chars < HASH_CHARS_MIN {
                return Err(misfit(
                    column,
                    "hash",
                    "the column is too short for a hash; use `null`, `first` or `lastN`",
                ));
            }
            format!("left({hex}, {chars})")
        }
        TypeShape::Uuid => format!("left({hex}, 32)"),
        TypeShape::Bytea => digest,
        TypeShape::Int8 => number(62),
        TypeShape::Int4 => number(31),
        TypeShape::Numeric {
            precision_scale: None,
        } => number(62),
        TypeShape::Numeric {
            precision_scale: Some((precision, scale)),
        } if scale >= 0 && i64::from(precision) - i64::from(scale) >= 16 => number(49),
        _ => {
            return Err(misfit(
                column,
                "hash",
                "`hash` is for text, uuid, bytea, int4, int8 and wide numeric; use `null`",
            ));
        }
    };
    Ok(typed(&value, column))
}

fn truncated(column: &LiveColumn, c: &str, field: &str) -> Result<String, Misfit> {
    let value = match column.shape {
        TypeShape::Date => format!("date_trunc('{field}', CAST({c} AS timestamp))"),
        TypeShape::Timestamp => format!("date_trunc('{field}', {c})"),
        // A fixed zone: the answer must not depend on the session's.
        TypeShape::Timestamptz => format!("date_trunc('{field}', {c}, 'UTC')"),
        _ => {
            return Err(misfit(
                column,
                field,
                "`year` and `month` are for dates and timestamps",
            ));
        }
    };
    Ok(typed(&value, column))
}

/// Rounds down to a multiple. The lowest bucket is cut at the type's own bound, where rounding down
/// would overflow with an error that only such a value provokes.
fn bucket(column: &LiveColumn, c: &str, width: u64) -> Result<String, Misfit> {
    let refuse = |help: &str| Err(misfit(column, &format!("bucket{width}"), help));
    if width == 0 {
        return refuse("a bucket's width is at least 1");
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
        } => floor,
        TypeShape::Numeric {
            precision_scale: Some((precision, scale)),
        } => {
            let digits = i64::from(precision) - i64::from(scale);
            if digits <= 0 || scale < 0 {
                return refuse("the column has no whole digits to round");
            }
            let nines = "9".repeat(usize::try_from(digits).unwrap_or(1));
            format!("greatest({floor}, -{nines})")
        }
        TypeShape::Float4 => format!(
            "greatest(floor(CAST({c} AS float8) / {width}) * {width}, CAST('-3.4e38' AS float8))"
        ),
        TypeShape::Float8 => format!("floor({c} / {width}) * {width}"),
        _ => return refuse("`bucketN` is for numbers"),
    };
    Ok(typed(&value, column))
}

/// Whether the column's type takes the constant: the database itself is asked.
pub(crate) async fn try_constant(
    client: &Client,
    column: &LiveColumn,
    mask: &Mask,
) -> Result<(), String> {
    let Mask::Constant(text) = mask else {
        return Ok(());
    };
    let sql = format!("SELECT {}", typed(&literal(text), column));
    client
        .simple_query(&sql)
        .await
        .map(|_| ())
        .map_err(|e| describe(&e))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn column(shape: TypeShape, type_name: &str) -> LiveColumn {
        LiveColumn {
            name: "c".into(),
            attnum: 1,
            type_oid: 0,
            type_name: type_name.into(),
            shape,
            not_null: false,
            comment: None,
        }
    }

    #[test]
    fn masks_that_do_not_fit_are_refused_with_help() {
        let text = TypeShape::Text { chars_max: Some(8) };
        for (shape, mask) in [
            (TypeShape::Date, Mask::First(1)),
            (text, Mask::Hash),
            (text, Mask::Year),
            (text, Mask::Bucket(10)),
            (TypeShape::Int4, Mask::Bucket(0)),
            (TypeShape::Int2, Mask::Hash),
            (TypeShape::Domain { not_null: true }, Mask::Null),
            (TypeShape::Domain { not_null: false }, Mask::Hash),
        ] {
            let refused = expression(&column(shape, "t"), "t.c", &mask, "true").err();
            assert!(
                refused.is_some_and(|m| !m.help.is_empty()),
                "{shape:?} {mask:?}"
            );
        }
    }

    #[test]
    fn a_mask_keeps_the_type() {
        let sql = expression(
            &column(
                TypeShape::Text {
                    chars_max: Some(20),
                },
                "character varying(20)",
            ),
            "t.c",
            &Mask::Last(4),
            "true",
        )
        .ok()
        .unwrap();
        assert!(
            sql.starts_with("CAST(") && sql.ends_with("AS character varying(20))"),
            "{sql}"
        );
    }
}
