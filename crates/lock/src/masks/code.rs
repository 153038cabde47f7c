//! `codeN` and `codeNofM`: a hierarchical code (ICD-10, GB/T 2260, postal) cut to a coarser level.

use portcullis_contract::Mask;

use super::{Misfit, misfit, wrong_type};
use crate::catalog::{LiveColumn, TypeShape};

/// Separators inside codes; they count for nothing and never end what is shown.
const SEPARATORS: &str = " ./_-";
/// Of a longer text only this much is looked at: regular expressions fail on the longest ones.
const READ_CHARS: u32 = 1000;
/// The highest count in a regular expression of PostgreSQL's.
const SHOWN_MAX: u32 = 255;

/// The first `shown` letters and digits, with the separators between them. Nothing tells how much was
/// cut. With a width, zeros fill what is shown up to it, as region codes are written.
pub(super) fn cut(
    column: &LiveColumn,
    c: &str,
    mask: &Mask,
    shown: u32,
    width: Option<u32>,
) -> Result<String, Misfit> {
    let TypeShape::Text { chars_max } = column.shape else {
        return Err(wrong_type(column, mask));
    };
    if shown == 0 || shown > SHOWN_MAX || width.is_some_and(|width| width <= shown) {
        return Err(misfit(
            column,
            mask,
            "show between 1 and 255 characters, fewer than the width",
        ));
    }
    if let (Some(width), Some(max)) = (width, chars_max)
        && width > max
    {
        return Err(misfit(
            column,
            mask,
            &format!("the column takes {max} characters"),
        ));
    }
    let text = format!("left(CAST({c} AS text), {READ_CHARS}) COLLATE \"C\"");
    let cut = format!("substring({text} FROM '^(?:[{SEPARATORS}]*[^{SEPARATORS}]){{0,{shown}}}')");
    let value = match width {
        None => cut,
        // `rpad` cuts too: separators could make it longer than the width.
        Some(width) => format!("rpad({cut}, {width}, '0')"),
    };
    Ok(format!("{value} COLLATE \"default\""))
}
