//! `year` and `month`: a date or timestamp cut to the start of its period.

use portcullis_contract::Mask;

use super::{Misfit, wrong_type};
use crate::catalog::{LiveColumn, TypeShape};

/// What lies outside the years that `date_trunc` can do without an error: the first value that dates and
/// timestamps take at all (its year and month began before it), and what only a `date` can say.
const FIRST: &str = "4714-11-24 BC";
const AFTER_FIRST: &str = "4713-01-01 BC";
const BEYOND: &str = "294277-01-01";

/// Infinity stays. The first, cut year of the calendar is one period; so is all that a timestamp can't say.
pub(super) fn start(
    column: &LiveColumn,
    c: &str,
    mask: &Mask,
    field: &str,
) -> Result<String, Misfit> {
    let (bound, cut) = match column.shape {
        TypeShape::Date => (
            "date",
            format!("date_trunc('{field}', CAST({c} AS timestamp))"),
        ),
        TypeShape::Timestamp => ("timestamp", format!("date_trunc('{field}', {c})")),
        // A fixed zone: the answer must not depend on the session's.
        TypeShape::Timestamptz => ("timestamptz", format!("date_trunc('{field}', {c}, 'UTC')")),
        _ => return Err(wrong_type(column, mask)),
    };
    let zone = if bound == "timestamptz" { "+00" } else { "" };
    let at = |text: &str| match text.strip_suffix(" BC") {
        Some(day) if zone.is_empty() => format!("CAST('{day} BC' AS {bound})"),
        Some(day) => format!("CAST('{day} 00:00:00{zone} BC' AS {bound})"),
        None => format!("CAST('{text}' AS {bound})"),
    };
    let infinite = |sign: &str| format!("WHEN {c} = CAST('{sign}infinity' AS {bound}) THEN {c}");
    let beyond = if bound == "date" {
        format!(" {} WHEN {c} >= {1} THEN {1}", infinite(""), at(BEYOND))
    } else {
        String::new()
    };
    Ok(format!(
        "CASE {} WHEN {c} < {} THEN {}{beyond} ELSE CAST({cut} AS {bound}) END",
        infinite("-"),
        at(AFTER_FIRST),
        at(FIRST),
    ))
}
