//! Which kind of statement it is; one file for each family. What no family takes is refused by name.

mod copy;
mod cursor;
mod explain;
pub use explain::PlanForm;
mod prepared;
mod query;
mod refused;
mod setting;
mod transaction;
mod tuning;

use pg_query::NodeEnum;
use pg_query::protobuf::Node;
use portcullis_contract::Refusal;

use crate::read::Reader;
use crate::rules;
use crate::statement::Kind;
use crate::understand::Reading;

pub(crate) use setting::unacceptable;

/// Reads one statement: its tree becomes what may travel.
pub(crate) fn read(reader: &mut Reader<'_>, tree: &mut Node) -> Result<Reading, Refusal> {
    let Some(inner) = tree.node.as_ref() else {
        return reader.odd("an empty statement").or(nothing);
    };
    let reading = match inner {
        NodeEnum::SelectStmt(_) => query::read(reader, tree),
        NodeEnum::TransactionStmt(_) => transaction::read(reader, tree),
        NodeEnum::VariableSetStmt(_) => setting::set(reader, tree),
        NodeEnum::VariableShowStmt(_) => setting::show(reader, tree),
        // It ends what LISTEN began, which is refused: nothing. Poolers send it at every release.
        NodeEnum::UnlistenStmt(of)
            if of.conditionname.is_empty() && rules::UNLISTEN_ALL.stands() =>
        {
            Ok(Reading::of(Kind::Setting, "UNLISTEN"))
        }
        NodeEnum::DiscardStmt(_) => setting::discard(tree),
        NodeEnum::PrepareStmt(_) => prepared::prepare(reader, tree),
        NodeEnum::ExecuteStmt(_) => prepared::execute(reader, tree),
        NodeEnum::DeallocateStmt(_) => prepared::deallocate(tree),
        NodeEnum::DeclareCursorStmt(_) => cursor::declare(reader, tree),
        NodeEnum::FetchStmt(_) => cursor::fetch(tree),
        NodeEnum::ClosePortalStmt(_) => cursor::close(tree),
        NodeEnum::CopyStmt(_) => copy::read(reader, tree),
        NodeEnum::ExplainStmt(_) => explain::read(reader, tree),
        NodeEnum::IndexStmt(index) => tuning::create_index(reader, index),
        NodeEnum::DropStmt(drop) => tuning::drop_index(reader, drop),
        NodeEnum::VacuumStmt(vacuum) => tuning::vacuum(reader, vacuum),
        NodeEnum::ReindexStmt(reindex) => tuning::reindex(reader, reindex),
        other => refused::refuse(reader, other).or(nothing),
    }?;
    reader.check_literals()?;
    Ok(reading)
}

/// What a statement that is not passed reads as, where a test removed the rule against it.
fn nothing() -> Reading {
    Reading::of(Kind::Setting, "")
}
