//! Statements that no method of this gate passes, each with its reason.

use pg_query::NodeEnum;

use crate::read::Reader;
use crate::rules::{self, Denial};

pub(super) fn refuse(reader: &Reader<'_>, inner: &NodeEnum) -> Denial {
    match inner {
        NodeEnum::InsertStmt(_) => modify(reader, "INSERT"),
        NodeEnum::UpdateStmt(_) => modify(reader, "UPDATE"),
        NodeEnum::DeleteStmt(_) => modify(reader, "DELETE"),
        NodeEnum::MergeStmt(_) => modify(reader, "MERGE"),
        NodeEnum::TruncateStmt(_) => modify(reader, "TRUNCATE"),
        NodeEnum::LockStmt(_) => modify(reader, "LOCK"),
        NodeEnum::DoStmt(_) => reader
            .deny(&rules::CODE_BLOCK, "code blocks are not passed")
            .hint("send the statements of the block one by one"),
        NodeEnum::CallStmt(_) => reader
            .deny(&rules::CODE_CALL, "procedures are not called")
            .hint("procedures run code that the gate cannot read; send what it does as statements"),
        NodeEnum::ListenStmt(_) | NodeEnum::NotifyStmt(_) | NodeEnum::UnlistenStmt(_) => reader
            .deny(&rules::NOTIFY, "notifications are not passed")
            .hint("poll with a query"),
        NodeEnum::LoadStmt(_) => reader
            .deny(&rules::LOAD, "libraries are not loaded")
            .hint("ask the owner's administrator"),
        NodeEnum::CheckPointStmt(_) => reader
            .deny(&rules::CHECKPOINT, "CHECKPOINT is not allowed")
            .hint("the server makes its checkpoints by itself; `tuning` takes VACUUM, ANALYZE and REINDEX"),
        NodeEnum::ClusterStmt(_) => reader
            .deny(&rules::CLUSTER, "CLUSTER is not allowed")
            .hint("it locks the table; use VACUUM and REINDEX"),
        NodeEnum::ConstraintsSetStmt(_) => reader
            .deny(&rules::CONSTRAINTS, "SET CONSTRAINTS is not passed")
            .hint("it matters to changes of data alone, which this gate does not pass; leave it out"),
        NodeEnum::GrantStmt(_)
        | NodeEnum::GrantRoleStmt(_)
        | NodeEnum::CreateRoleStmt(_)
        | NodeEnum::AlterRoleStmt(_)
        | NodeEnum::AlterRoleSetStmt(_)
        | NodeEnum::DropRoleStmt(_)
        | NodeEnum::AlterDefaultPrivilegesStmt(_)
        | NodeEnum::ReassignOwnedStmt(_)
        | NodeEnum::DropOwnedStmt(_)
        | NodeEnum::AlterSystemStmt(_)
        | NodeEnum::AlterDatabaseStmt(_)
        | NodeEnum::AlterDatabaseSetStmt(_)
        | NodeEnum::CreatedbStmt(_)
        | NodeEnum::DropdbStmt(_) => reader
            .deny(
                &rules::ADMIN,
                "roles, rights and the server's configuration are the owner's",
            )
            .hint("ask the owner's administrator"),
        other => {
            let name = crate::read::expression::node_name(other);
            reader
                .deny(
                    &rules::STATEMENT,
                    format!("`{}` is not allowed", sql_words(&name)),
                )
                .hint(FOR_SCHEMA)
        }
    }
}

/// What to do who needs the database's structure changed.
pub(super) const FOR_SCHEMA: &str = "the gate passes no change of the structure; hand the owner's administrator the statement, and go on when it is done";

/// A node of the grammar in SQL's words: `CreateTableAsStmt` → `CREATE TABLE AS`.
fn sql_words(node: &str) -> String {
    let name = node.strip_suffix("Stmt").unwrap_or(node);
    match name {
        "Create" => return "CREATE TABLE".to_owned(),
        "View" => return "CREATE VIEW".to_owned(),
        "Index" => return "CREATE INDEX".to_owned(),
        "Rule" => return "CREATE RULE".to_owned(),
        "Define" => return "CREATE".to_owned(),
        "CreateTrig" => return "CREATE TRIGGER".to_owned(),
        "CreateSeq" => return "CREATE SEQUENCE".to_owned(),
        "Rename" => return "ALTER … RENAME".to_owned(),
        "SecLabel" => return "SECURITY LABEL".to_owned(),
        _ => {}
    }
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_uppercase());
    }
    words
}

fn modify(reader: &Reader<'_>, what: &str) -> Denial {
    reader
        .deny(&rules::MODIFY, format!("`{what}` is not allowed"))
        .hint("the gate passes no change of data; hand the owner's administrator the statement, with its ticket")
}
