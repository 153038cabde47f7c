//! BEGIN, COMMIT, ROLLBACK, savepoints.

use pg_query::NodeEnum;
use pg_query::protobuf as pb;
use pg_query::protobuf::Node;
use portcullis_contract::Refusal;

use crate::read::Reader;
use crate::read::place::place_of;
use crate::rules;
use crate::statement::{Kind, Transaction};
use crate::understand::Reading;

pub(super) fn read(reader: &Reader<'_>, tree: &mut Node) -> Result<Reading, Refusal> {
    use pb::TransactionStmtKind as Of;
    let Some(NodeEnum::TransactionStmt(statement)) = tree.node.as_mut() else {
        return reader.odd("this transaction statement").or(super::nothing);
    };
    check_modes(reader, &statement.options)?;
    let (kind, verb) = match statement.kind() {
        Of::TransStmtBegin => (Transaction::Begin, "BEGIN"),
        Of::TransStmtStart => (Transaction::Begin, "START TRANSACTION"),
        Of::TransStmtCommit => (Transaction::Commit, "COMMIT"),
        Of::TransStmtRollback => (Transaction::Rollback, "ROLLBACK"),
        Of::TransStmtSavepoint => (Transaction::Savepoint, "SAVEPOINT"),
        Of::TransStmtRelease => (Transaction::Release, "RELEASE"),
        Of::TransStmtRollbackTo => (Transaction::RollbackTo, "ROLLBACK"),
        Of::TransStmtPrepare
        | Of::TransStmtCommitPrepared
        | Of::TransStmtRollbackPrepared
        | Of::Undefined => {
            return reader
                .deny(&rules::TWO_PHASE, "two-phase commit is not passed")
                .hint("use COMMIT or ROLLBACK")
                .or(super::nothing);
        }
    };
    Ok(Reading::of(Kind::Transaction(kind), verb))
}

/// Isolation level, read only/write, deferrable: constants all.
pub(super) fn check_modes(reader: &Reader<'_>, options: &[Node]) -> Result<(), Refusal> {
    for option in options {
        let known = match option.node.as_ref() {
            Some(NodeEnum::DefElem(element)) => {
                matches!(
                    element.defname.as_str(),
                    "transaction_isolation" | "transaction_read_only" | "transaction_deferrable"
                ) && matches!(
                    element.arg.as_deref().and_then(|n| n.node.as_ref()),
                    Some(NodeEnum::AConst(_))
                )
            }
            _ => false,
        };
        if !known {
            reader
                .odd("this transaction mode")
                .at(place_of(option))
                .stands()?;
        }
    }
    Ok(())
}
