//! DECLARE, FETCH, MOVE, CLOSE.

use pg_query::NodeEnum;
use pg_query::protobuf::Node;
use portcullis_contract::Refusal;

use super::prepared::own_name;
use super::query::{rows, taps};
use crate::read::Reader;
use crate::rules;
use crate::statement::Kind;
use crate::understand::Reading;

/// Bit of the grammar for ASENSITIVE, which is how every cursor is.
const ASENSITIVE: i32 = 0x10;

/// Bit of the grammar for WITH HOLD.
const WITH_HOLD: i32 = 0x20;

pub(super) fn declare(reader: &mut Reader<'_>, tree: &mut Node) -> Result<Reading, Refusal> {
    let Some(NodeEnum::DeclareCursorStmt(statement)) = tree.node.as_mut() else {
        return reader.odd("this DECLARE").or(super::nothing);
    };
    own_name(reader, &rules::CURSOR_NAME, &statement.portalname)?;
    let Some(query) = statement.query.as_mut() else {
        return reader.odd("DECLARE without a query").or(super::nothing);
    };
    let output = rows(reader, query)?;
    if rules::CURSOR_PLAIN.stands() {
        statement.options &= !ASENSITIVE;
    }
    let kind = Kind::DeclareCursor {
        name: statement.portalname.clone(),
        hold: statement.options & WITH_HOLD != 0,
    };
    let mut reading = Reading::of(kind, "DECLARE CURSOR");
    reading.taps = taps(&output);
    reading.output = Some(output);
    Ok(reading)
}

pub(super) fn fetch(tree: &Node) -> Result<Reading, Refusal> {
    let (name, moves) = match tree.node.as_ref() {
        Some(NodeEnum::FetchStmt(statement)) => (statement.portalname.clone(), statement.ismove),
        _ => (String::new(), false),
    };
    Ok(Reading::of(
        Kind::Fetch { name, moves },
        if moves { "MOVE" } else { "FETCH" },
    ))
}

pub(super) fn close(tree: &Node) -> Result<Reading, Refusal> {
    let name = match tree.node.as_ref() {
        Some(NodeEnum::ClosePortalStmt(statement)) if !statement.portalname.is_empty() => {
            Some(statement.portalname.clone())
        }
        _ => None,
    };
    Ok(Reading::of(Kind::CloseCursor { name }, "CLOSE CURSOR"))
}
