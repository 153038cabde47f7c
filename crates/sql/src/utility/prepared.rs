//! SQL-level PREPARE, EXECUTE, DEALLOCATE.

use pg_query::NodeEnum;
use pg_query::protobuf::Node;
use portcullis_contract::Refusal;

use super::query::{rows, taps};
use crate::read::{OWN_PREFIX, Reader};
use crate::rules::{self, Rule};
use crate::statement::Kind;
use crate::understand::Reading;

pub(super) fn prepare(reader: &mut Reader<'_>, tree: &mut Node) -> Result<Reading, Refusal> {
    let Some(NodeEnum::PrepareStmt(statement)) = tree.node.as_mut() else {
        return reader.odd("this PREPARE").or(super::nothing);
    };
    own_name(reader, &rules::PREPARED_NAME, &statement.name)?;
    for declared in &mut statement.argtypes {
        if let Some(NodeEnum::TypeName(name)) = declared.node.as_mut() {
            reader.declared_type(name)?;
        }
    }
    let Some(query) = statement.query.as_mut() else {
        return reader.odd("PREPARE without a query").or(super::nothing);
    };
    let output = rows(reader, query)?;
    let mut reading = Reading::of(
        Kind::Prepare {
            name: statement.name.clone(),
        },
        "PREPARE",
    );
    reading.taps = taps(&output);
    reading.output = Some(output);
    Ok(reading)
}

pub(super) fn execute(reader: &mut Reader<'_>, tree: &mut Node) -> Result<Reading, Refusal> {
    let Some(NodeEnum::ExecuteStmt(statement)) = tree.node.as_mut() else {
        return reader.odd("this EXECUTE").or(super::nothing);
    };
    own_name(reader, &rules::EXECUTE_NAME, &statement.name)?;
    let mut reading = Reading::of(
        Kind::Execute {
            name: statement.name.clone(),
        },
        "EXECUTE",
    );
    for value in &mut statement.params {
        reader.lone_expression(value)?;
    }
    reading.output = None;
    Ok(reading)
}

pub(super) fn deallocate(tree: &Node) -> Result<Reading, Refusal> {
    let name = match tree.node.as_ref() {
        Some(NodeEnum::DeallocateStmt(statement)) if !statement.isall => {
            Some(statement.name.clone())
        }
        _ => None,
    };
    Ok(Reading::of(Kind::Deallocate { name }, "DEALLOCATE"))
}

/// Names with the gate's own prefix are kept for it.
pub(super) fn own_name(
    reader: &Reader<'_>,
    rule: &'static Rule,
    name: &str,
) -> Result<(), Refusal> {
    if name.starts_with(OWN_PREFIX) {
        return reader.own_name(rule).stands();
    }
    Ok(())
}
