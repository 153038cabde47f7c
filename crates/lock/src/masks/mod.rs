//! Masks as SQL expressions over the base table's column, made where the column is read: one mask, or
//! one family of masks, a file.
//!
//! INVARIANT: a mask keeps the column's type, raises no error that quotes or depends on the hidden
//! value, gives NULL for NULL (and, but for `null` and a constant, for nothing else), and calls built-in
//! functions alone: a function that a view calls is one that its reader may call, with guesses.
//! Start at [`expression`].

mod bucket;
mod code;
mod constant;
mod fake;
mod fake_id;
mod fake_name;
mod fake_phone;
mod hash;
mod name_lists;
mod period;
mod stars;

use portcullis_contract::Mask;
use portcullis_contract::file::write_mask;

use crate::catalog::{LiveColumn, TypeShape};

pub(crate) use constant::try_constant;
pub(crate) use hash::keyed_hash;

/// Why a mask does not fit, with what to write instead.
pub(crate) struct Misfit {
    pub what: String,
    pub help: String,
}

fn misfit(column: &LiveColumn, mask: &Mask, help: &str) -> Misfit {
    Misfit {
        what: format!(
            "mask `{}` does not fit column `{}` of type `{}`",
            write_mask(mask),
            column.name,
            column.type_name
        ),
        help: help.to_owned(),
    }
}

/// For a mask that is for other types: what this type takes.
fn wrong_type(column: &LiveColumn, mask: &Mask) -> Misfit {
    let fitting = match column.shape {
        TypeShape::Text { .. } => {
            "`first`, `firstN`, `lastN`, `headN`, `tailN`, `codeN`, `hash`, `fake-id`, `fake-phone`, `fake-name`, `null` or a constant"
        }
        TypeShape::Int8 | TypeShape::Numeric { .. } => {
            "`bucketN`, `hash`, `fake-id`, `fake-phone`, `null` or a constant"
        }
        TypeShape::Int4 => "`bucketN`, `hash`, `null` or a constant",
        TypeShape::Int2 | TypeShape::Float4 | TypeShape::Float8 => {
            "`bucketN`, `null` or a constant"
        }
        TypeShape::Date | TypeShape::Timestamp | TypeShape::Timestamptz => {
            "`year`, `month`, `null` or a constant"
        }
        TypeShape::Uuid | TypeShape::Bytea => "`hash`, `null` or a constant",
        TypeShape::Domain { not_null: false } => {
            "`null` or a constant that the domain takes (its own checks could refuse another mask's value, and tell why)"
        }
        TypeShape::Domain { not_null: true } => {
            "a constant that the domain takes (its own checks could refuse another mask's value, and tell why)"
        }
        TypeShape::Other => "`null` or a constant",
    };
    misfit(
        column,
        mask,
        &format!("for `{}`: {fitting}", column.type_name),
    )
}

/// The expression that the view shows for a masked column; `column_sql` is the column, qualified.
/// `key_row` selects the contract's row of the key table.
pub(crate) fn expression(
    column: &LiveColumn,
    column_sql: &str,
    mask: &Mask,
    key_row: &str,
) -> Result<String, Misfit> {
    let value = match mask {
        Mask::Null => constant::null(column, mask),
        Mask::Constant(text) => Ok(constant::text(text)),
        _ if matches!(column.shape, TypeShape::Domain { .. }) => Err(wrong_type(column, mask)),
        Mask::First(shown) | Mask::Last(shown) => {
            stars::length_shown(column, column_sql, mask, *shown)
        }
        Mask::Head(shown) | Mask::Tail(shown) => {
            stars::length_hidden(column, column_sql, mask, *shown)
        }
        Mask::Code { shown, width } => code::cut(column, column_sql, mask, *shown, *width),
        Mask::Hash => hash::hash(column, column_sql, mask, key_row),
        Mask::FakeId => fake_id::substitute(column, column_sql, mask, key_row),
        Mask::FakePhone => fake_phone::substitute(column, column_sql, mask, key_row),
        Mask::FakeName => fake_name::substitute(column, column_sql, mask, key_row),
        Mask::Year => period::start(column, column_sql, mask, "year"),
        Mask::Month => period::start(column, column_sql, mask, "month"),
        Mask::Bucket(width) => bucket::floor(column, column_sql, mask, *width),
    };
    value.map(|value| typed(&value, column))
}

fn typed(value: &str, column: &LiveColumn) -> String {
    format!("CAST({value} AS {})", column.type_name)
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
        let text = |n| TypeShape::Text { chars_max: Some(n) };
        for (shape, mask) in [
            (TypeShape::Date, Mask::First(1)),
            (text(8), Mask::Hash),
            (text(8), Mask::Year),
            (text(8), Mask::Bucket(10)),
            (text(4), Mask::Tail(4)),
            (
                text(5),
                Mask::Code {
                    shown: 2,
                    width: Some(6),
                },
            ),
            (TypeShape::Int4, Mask::Bucket(0)),
            (TypeShape::Int2, Mask::Hash),
            (TypeShape::Int4, Mask::FakeId),
            (TypeShape::Int8, Mask::FakeName),
            (TypeShape::Other, Mask::FakePhone),
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
    fn the_help_names_what_fits_the_type() {
        let refused = expression(
            &column(TypeShape::Other, "inet"),
            "t.c",
            &Mask::Hash,
            "true",
        )
        .err()
        .unwrap();
        assert_eq!(refused.help, "for `inet`: `null` or a constant");
    }

    #[test]
    fn a_mask_keeps_the_type() {
        let shape = TypeShape::Text {
            chars_max: Some(20),
        };
        let varchar = column(shape, "character varying(20)");
        for mask in [
            Mask::Last(4),
            Mask::Tail(4),
            Mask::FakeName,
            Mask::FakeId,
            Mask::Hash,
        ] {
            let sql = expression(&varchar, "t.c", &mask, "true").ok().unwrap();
            assert!(
                sql.starts_with("CAST(") && sql.ends_with("AS character varying(20))"),
                "{sql}"
            );
        }
    }
}
