//! `null` and `{ constant = "…" }`: nothing of the value, for every type.

use portcullis_contract::Mask;
use tokio_postgres::Client;

use super::{Misfit, typed, wrong_type};
use crate::catalog::{LiveColumn, TypeShape};
use crate::error::describe;
use crate::names::literal;

pub(super) fn null(column: &LiveColumn, mask: &Mask) -> Result<String, Misfit> {
    match column.shape {
        TypeShape::Domain { not_null: true } => Err(wrong_type(column, mask)),
        _ => Ok("NULL".to_owned()),
    }
}

pub(super) fn text(constant: &str) -> String {
    literal(constant)
}

/// Whether the column's type takes the value, which is the same for every row: the database itself is
/// asked, for a domain's checks too.
pub(crate) async fn try_constant(
    client: &Client,
    column: &LiveColumn,
    mask: &Mask,
) -> Result<(), String> {
    let value = match mask {
        Mask::Constant(constant) => text(constant),
        Mask::Null if matches!(column.shape, TypeShape::Domain { .. }) => "NULL".to_owned(),
        _ => return Ok(()),
    };
    client
        .simple_query(&format!("SELECT {}", typed(&value, column)))
        .await
        .map(|_| ())
        .map_err(|e| describe(&e))
}
