//! `firstN` and `lastN`, which show a text's length, and `headN` and `tailN`, which don't.

use portcullis_contract::Mask;

use super::{Misfit, misfit, wrong_type};
use crate::catalog::{LiveColumn, TypeShape};

/// The stars of `headN` and `tailN`, fewer where the column is too short.
const STARS: u32 = 3;
const SHOWN_MAX: u32 = 1000;

/// A value no longer than what the mask shows would show whole: it becomes stars alone.
pub(super) fn length_shown(
    column: &LiveColumn,
    c: &str,
    mask: &Mask,
    shown: u32,
) -> Result<String, Misfit> {
    text_of(column, mask, shown)?;
    let text = format!("CAST({c} AS text)");
    let rest = format!("repeat('*', length({text}) - {shown})");
    let masked = if matches!(mask, Mask::First(_)) {
        format!("left({text}, {shown}) || {rest}")
    } else {
        format!("{rest} || right({text}, {shown})")
    };
    Ok(format!(
        "CASE WHEN length({text}) > {shown} THEN {masked} ELSE repeat('*', length({text})) END"
    ))
}

/// As many stars for every value, the empty one too.
pub(super) fn length_hidden(
    column: &LiveColumn,
    c: &str,
    mask: &Mask,
    shown: u32,
) -> Result<String, Misfit> {
    let chars_max = text_of(column, mask, shown)?;
    let stars = chars_max.map_or(STARS, |max| STARS.min(max.saturating_sub(shown)));
    if stars == 0 {
        return Err(misfit(
            column,
            mask,
            "the column is as short as what the mask would show; show fewer characters",
        ));
    }
    let text = format!("CAST({c} AS text)");
    let stars = "*".repeat(usize::try_from(stars).unwrap_or(1));
    let masked = if matches!(mask, Mask::Head(_)) {
        format!("left({text}, {shown}) || '{stars}'")
    } else {
        format!("'{stars}' || right({text}, {shown})")
    };
    Ok(format!(
        "CASE WHEN length({text}) > {shown} THEN {masked} WHEN {text} IS NOT NULL THEN '{stars}' END"
    ))
}

/// The column's greatest length, if it is text and has one.
fn text_of(column: &LiveColumn, mask: &Mask, shown: u32) -> Result<Option<u32>, Misfit> {
    let TypeShape::Text { chars_max } = column.shape else {
        return Err(wrong_type(column, mask));
    };
    if shown == 0 || shown > SHOWN_MAX {
        return Err(misfit(column, mask, "show between 1 and 1000 characters"));
    }
    Ok(chars_max)
}
