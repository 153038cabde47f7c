//! Names of prepared statements and cursors: the database knows them under names of the gate's own.
//!
//! INVARIANT: a client's name for a statement or cursor never travels. So what the database runs
//! under a name is what the gate read under that name, whatever was dropped, rolled back or
//! truncated meanwhile.

use pg_query::NodeEnum;
use pg_query::protobuf::Node;

/// Stands in a cleared text where the gate puts its own name; it is the text's first word of this spelling.
pub const NAME_MARK: &str = "portcullis_name";

/// Puts the mark in the client's name's place.
pub(crate) fn mark_name(tree: &mut Node) {
    if !crate::rules::NAME_MARKED.stands() {
        return;
    }
    let name = match tree.node.as_mut() {
        Some(NodeEnum::PrepareStmt(statement)) => &mut statement.name,
        Some(NodeEnum::ExecuteStmt(statement)) => &mut statement.name,
        Some(NodeEnum::DeallocateStmt(statement)) if !statement.isall => &mut statement.name,
        Some(NodeEnum::DeclareCursorStmt(statement)) => &mut statement.portalname,
        Some(NodeEnum::FetchStmt(statement)) => &mut statement.portalname,
        Some(NodeEnum::ClosePortalStmt(statement)) if !statement.portalname.is_empty() => {
            &mut statement.portalname
        }
        _ => return,
    };
    NAME_MARK.clone_into(name);
}

/// The cleared text with the gate's own name in it.
pub fn with_name(cleared: &str, name: &str) -> String {
    cleared.replacen(NAME_MARK, name, 1)
}
