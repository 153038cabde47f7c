//! Statements that no method of this gate passes, each with its reason.

use pg_query::NodeEnum;
use portcullis_contract::Refusal;

use crate::read::Reader;

pub(super) fn refuse(reader: &Reader<'_>, inner: &NodeEnum) -> Refusal {
    match inner {
        NodeEnum::InsertStmt(_) => modify(reader, "INSERT"),
        NodeEnum::UpdateStmt(_) => modify(reader, "UPDATE"),
        NodeEnum::DeleteStmt(_) => modify(reader, "DELETE"),
        NodeEnum::MergeStmt(_) => modify(reader, "MERGE"),
        NodeEnum::TruncateStmt(_) => modify(reader, "TRUNCATE"),
        NodeEnum::LockStmt(_) => modify(reader, "LOCK"),
        NodeEnum::DoStmt(_) => reader
            .unsupported("form.code", "code blocks are not passed")
            .hint("send the statements of the block one by one"),
        NodeEnum::CallStmt(_) => reader
            .unsupported("form.code", "procedures are not called")
            .hint("procedures run code that the gate cannot read"),
        NodeEnum::ListenStmt(_) | NodeEnum::NotifyStmt(_) | NodeEnum::UnlistenStmt(_) => reader
            .unsupported("form.notify", "notifications are not passed")
            .hint("poll with a query"),
        NodeEnum::LoadStmt(_) => reader.unsupported("form.server_file", "libraries are not loaded"),
        NodeEnum::CheckPointStmt(_) => reader.refuse("method.tuning", "CHECKPOINT is not allowed"),
        NodeEnum::ClusterStmt(_) => reader
            .refuse("method.tuning", "CLUSTER is not allowed")
            .hint("it locks the table; use VACUUM and REINDEX"),
        NodeEnum::ConstraintsSetStmt(_) => {
            reader.unsupported("form.node", "SET CONSTRAINTS is not passed")
        }
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
            .refuse(
                "method.admin",
                "roles, rights and the server's configuration are the owner's",
            )
            .hint("ask the owner's administrator"),
        other => {
            let name = crate::read::expression::node_name(other);
            reader
                .refuse(
                    "method.schema",
                    format!("`{}` is not allowed", sql_words(&name)),
                )
                .hint("the contract's methods do not include `schema`")
        }
    }
}

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

fn modify(reader: &Reader<'_>, what: &str) -> Refusal {
    reader
        .refuse("method.modify", format!("`{what}` is not allowed"))
        .hint("the contract's methods do not include `modify`")
}
