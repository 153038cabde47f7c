//! `fake-phone`: another telephone number of the same form.
//!
//! Country code and trunk zero stay, and the 1 of a Chinese mobile number, whose next digit is 3 to 9.
//! Elsewhere the digits that begin a group, an area code or an exchange are 2 to 9. Nothing else of the
//! number is kept: neither the operator's nor the area's digits.

use portcullis_contract::Mask;

use super::fake::{self, SIGNS, byte_for, number};
use super::{Misfit, wrong_type};
use crate::catalog::{LiveColumn, TypeShape};

const TAG: &str = "fake-phone:";
/// Up to the 1 that every Chinese mobile number begins with, if the whole value is such a number.
const MOBILE: &str = "^ *(?:(?:[+]|00)?86[ -]*)?1(?=[3-9](?:[ -]*[0-9]){9} *$)";
/// A country code (ITU-T E.164: one to three digits, by zone) or a trunk zero with a number behind it.
const KEPT: &str = "^ *(?:[+]|00)(?:1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|(?:2[1-689]|3[578]|42|5[09]|6[7-9]|8[035789]|9[679])[0-9])|^[ (]*0(?=.*[0-9])";
/// What stays between the digits; anything else becomes `x`.
const PUNCTUATION: &str = " +-()./#*,;";

pub(super) fn substitute(
    column: &LiveColumn,
    c: &str,
    mask: &Mask,
    key_row: &str,
) -> Result<String, Misfit> {
    let body = body();
    match column.shape {
        TypeShape::Text { .. } => Ok(fake::text(c, TAG, &body, key_row)),
        TypeShape::Int8 | TypeShape::Numeric { .. } => {
            fake::number_of(column, c, mask, (TAG, &body), key_row)
        }
        _ => Err(wrong_type(column, mask)),
    }
}

/// The plainest form of a Chinese mobile number apart: nearly all are written so, and it is made at once.
fn body() -> String {
    format!(
        "CASE WHEN m.v ~ '^1[3-9][0-9]{{9}}$' \
         THEN '1' || chr(51 + {} % 7) || lpad(CAST(({} + o.o) % 1000000000 AS text), 9, '0') ELSE {} END",
        number(0, 2),
        number(2, 5),
        sign_by_sign(),
    )
}

fn sign_by_sign() -> String {
    let byte = byte_for("u.i - 1");
    format!(
        "(SELECT array_to_string(ARRAY(SELECT CASE WHEN u.i <= k.kept THEN u.s \
         WHEN u.s BETWEEN '0' AND '9' THEN CASE \
           WHEN k.mobile AND u.i = k.kept + 1 THEN chr(51 + ({byte} + o.o) % 7) \
           WHEN NOT k.mobile AND (u.i IN (k.kept + 1, k.kept + 4) OR substr(m.v, CAST(u.i AS int4) - 1, 1) NOT BETWEEN '0' AND '9') \
             THEN chr(50 + ({byte} + o.o) % 8) \
           ELSE chr(48 + ({byte} + o.o) % 10) END \
         WHEN position(u.s IN '{PUNCTUATION}') > 0 THEN u.s ELSE 'x' END FROM {SIGNS}), '') \
         FROM (SELECT p.mobile IS NOT NULL AS mobile, length(coalesce(p.mobile, p.other, '')) AS kept \
           FROM (SELECT substring(m.v FROM '{MOBILE}') AS mobile, substring(m.v FROM '{KEPT}') AS other OFFSET 0) AS p OFFSET 0) AS k)"
    )
}
