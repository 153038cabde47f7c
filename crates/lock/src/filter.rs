//! Row filters: a plain condition over the table's own columns, or a refusal.

use std::collections::BTreeSet;

use pg_query::NodeEnum;
use pg_query::protobuf::{AExprKind, Node, ParseResult};
use tokio_postgres::Client;

use crate::catalog::{LiveTable, TableKind};
use crate::error::describe;
use crate::names::qualified;

/// A longer condition belongs into a column of the owner's.
const FILTER_BYTES_MAX: usize = 4096;
const FILTER_DEPTH_MAX: usize = 40;
/// The parser recurses in C; the process's own threads have less.
const PARSER_STACK_BYTES: usize = 64 << 20;

/// None of these raises an error on any value of a column, calls the owner's code or reads elsewhere.
const FUNCTIONS: [&str; 14] = [
    "lower",
    "upper",
    "left",
    "right",
    "length",
    "char_length",
    "btrim",
    "ltrim",
    "rtrim",
    "starts_with",
    "date_trunc",
    "date_part",
    "extract",
    "position",
];
const OPERATORS: [&str; 16] = [
    "=", "<>", "!=", "<", "<=", ">", ">=", "~~", "!~~", "~~*", "!~~*", "~", "!~", "~*", "!~*", "||",
];

/// The table as the view reads it. A plain table's later children are not part of the contract.
pub(crate) fn from_clause(schema: &str, name: &str, table: &LiveTable) -> String {
    let only = if table.kind == TableKind::Table {
        "ONLY "
    } else {
        ""
    };
    format!("{only}{}", qualified(schema, name))
}

/// Reads the condition by the rules above, then asks the database whether it can be run.
pub(crate) async fn try_on(
    client: &Client,
    schema: &str,
    name: &str,
    table: &LiveTable,
    condition: &str,
) -> Result<(), String> {
    check(condition, name, table)?;
    let sql = format!(
        "SELECT 1 FROM {} WHERE (\n{condition}\n)",
        from_clause(schema, name, table)
    );
    client
        .prepare(&sql)
        .await
        .map(|_| ())
        .map_err(|e| describe(&e))
}

pub(crate) fn check(condition: &str, table_name: &str, table: &LiveTable) -> Result<(), String> {
    if condition.len() > FILTER_BYTES_MAX {
        return Err(format!(
            "the condition is longer than {FILTER_BYTES_MAX} bytes"
        ));
    }
    if condition.contains('\0') {
        return Err("the condition holds a NUL byte".to_owned());
    }
    let reading = Reader {
        table_name: table_name.to_owned(),
        columns: table.columns.iter().map(|c| c.name.clone()).collect(),
    };
    let sql = format!("SELECT 1 WHERE (\n{condition}\n)");
    // The whole reading, down to dropping the tree, happens on the thread with the deep stack.
    let thread = std::thread::Builder::new()
        .stack_size(PARSER_STACK_BYTES)
        .spawn(move || reading.read_text(&sql))
        .map_err(|e| format!("no thread for the parser: {e}"))?;
    thread.join().map_err(|_| "the parser failed".to_owned())?
}

/// The WHERE clause, if the statement is exactly `SELECT 1 WHERE (…)`.
fn only_condition(parsed: &ParseResult) -> Option<&Node> {
    let [statement] = parsed.stmts.as_slice() else {
        return None;
    };
    let Some(NodeEnum::SelectStmt(select)) = &statement.stmt.as_ref()?.node else {
        return None;
    };
    let bare = select.from_clause.is_empty()
        && select.target_list.len() == 1
        && select.group_clause.is_empty()
        && select.having_clause.is_none()
        && select.window_clause.is_empty()
        && select.sort_clause.is_empty()
        && select.limit_count.is_none()
        && select.limit_offset.is_none()
        && select.locking_clause.is_empty()
        && select.with_clause.is_none()
        && select.into_clause.is_none()
        && select.distinct_clause.is_empty()
        && select.values_lists.is_empty()
        && select.larg.is_none()
        && select.rarg.is_none();
    bare.then_some(select.where_clause.as_deref()).flatten()
}

struct Reader {
    table_name: String,
    columns: BTreeSet<String>,
}

impl Reader {
    fn read_text(&self, sql: &str) -> Result<(), String> {
        let parsed = pg_query::parse(sql, pg_query::ParserOptions::default())
            .map_err(|e| format!("it does not parse: {e}"))?;
        let node = only_condition(&parsed.protobuf).ok_or_else(|| {
            "it is not one condition: no other clause, statement or unbalanced parenthesis may stand in it"
                .to_owned()
        })?;
        self.read(node, 0)
    }

    fn read(&self, node: &Node, depth: usize) -> Result<(), String> {
        if depth > FILTER_DEPTH_MAX {
            return Err(format!("it nests deeper than {FILTER_DEPTH_MAX}"));
        }
        let Some(node) = &node.node else {
            return Ok(());
        };
        let all = |nodes: &[Node]| nodes.iter().try_for_each(|n| self.read(n, depth + 1));
        let some = |node: Option<&Node>| node.map_or(Ok(()), |n| self.read(n, depth + 1));
        match node {
            NodeEnum::AConst(_)
            | NodeEnum::Integer(_)
            | NodeEnum::Float(_)
            | NodeEnum::String(_)
            | NodeEnum::Boolean(_) => Ok(()),
            NodeEnum::ColumnRef(column) => self.column(&column.fields),
            NodeEnum::BoolExpr(e) => all(&e.args),
            NodeEnum::NullTest(e) => some(e.arg.as_deref()),
            NodeEnum::BooleanTest(e) => some(e.arg.as_deref()),
            NodeEnum::List(e) => all(&e.items),
            NodeEnum::AArrayExpr(e) => all(&e.elements),
            NodeEnum::CoalesceExpr(e) => all(&e.args),
            NodeEnum::CollateClause(e) => some(e.arg.as_deref()),
            NodeEnum::CaseExpr(e) => {
                some(e.arg.as_deref())?;
                all(&e.args)?;
                some(e.defresult.as_deref())
            }
            NodeEnum::CaseWhen(e) => {
                some(e.expr.as_deref())?;
                some(e.result.as_deref())
            }
            NodeEnum::TypeCast(cast) => constant_cast(cast.arg.as_deref()),
            NodeEnum::SqlvalueFunction(f) => clock(f.op),
            NodeEnum::AExpr(e) if is_reckoning(&e.name) => {
                reckoned(e.lexpr.as_deref())?;
                reckoned(e.rexpr.as_deref())
            }
            NodeEnum::AExpr(e) => {
                operator(e.kind(), &e.name)?;
                some(e.lexpr.as_deref())?;
                some(e.rexpr.as_deref())
            }
            NodeEnum::FuncCall(call) => {
                function(&call.funcname)?;
                if call.agg_star
                    || call.agg_distinct
                    || call.over.is_some()
                    || call.agg_filter.is_some()
                    || !call.agg_order.is_empty()
                {
                    return Err("aggregates and windows do not belong into a row filter".to_owned());
                }
                all(&call.args)
            }
            NodeEnum::SubLink(_) => Err(
                "a sub-query would read another table; put what decides into a column of this one"
                    .to_owned(),
            ),
            NodeEnum::ParamRef(_) => Err("a parameter has no value here".to_owned()),
            _ => Err("it uses a form that is not on the list for row filters".to_owned()),
        }
    }

    fn column(&self, fields: &[Node]) -> Result<(), String> {
        let names: Vec<&str> = fields.iter().filter_map(string).collect();
        if names.len() != fields.len() {
            return Err("`*` is not a column".to_owned());
        }
        match names.as_slice() {
            [name] if self.columns.contains(*name) => Ok(()),
            [table, name] if *table == self.table_name.as_str() && self.columns.contains(*name) => {
                Ok(())
            }
            _ => Err(format!(
                "`{}` is not a column of this table",
                names.join(".")
            )),
        }
    }
}

fn string(node: &Node) -> Option<&str> {
    match &node.node {
        Some(NodeEnum::String(s)) => Some(&s.sval),
        _ => None,
    }
}

fn last_name(names: &[Node]) -> Result<&str, String> {
    let parts: Vec<&str> = names.iter().filter_map(string).collect();
    match parts.as_slice() {
        [name] | ["pg_catalog", name] => Ok(name),
        _ => Err(format!(
            "`{}` is not one of the database's own",
            parts.join(".")
        )),
    }
}

fn function(names: &[Node]) -> Result<(), String> {
    let name = last_name(names)?;
    if FUNCTIONS.contains(&name) {
        Ok(())
    } else {
        Err(format!(
            "function `{name}` is not on the list for row filters: {}",
            FUNCTIONS.join(", ")
        ))
    }
}

fn operator(kind: AExprKind, names: &[Node]) -> Result<(), String> {
    match kind {
        AExprKind::AexprDistinct
        | AExprKind::AexprNotDistinct
        | AExprKind::AexprBetween
        | AExprKind::AexprNotBetween => return Ok(()),
        AExprKind::AexprOp
        | AExprKind::AexprOpAny
        | AExprKind::AexprOpAll
        | AExprKind::AexprIn
        | AExprKind::AexprLike
        | AExprKind::AexprIlike => {}
        _ => return Err("this kind of comparison is not on the list for row filters".to_owned()),
    }
    let name = last_name(names)?;
    if OPERATORS.contains(&name) {
        Ok(())
    } else {
        Err(format!(
            "operator `{name}` is not on the list for row filters: {}",
            OPERATORS.join(" ")
        ))
    }
}

fn is_reckoning(names: &[Node]) -> bool {
    matches!(
        names
            .iter()
            .filter_map(string)
            .collect::<Vec<_>>()
            .as_slice(),
        ["+" | "-"]
    )
}

/// Sums of a column can overflow on a hidden row; `current_date - 30` cannot.
fn reckoned(side: Option<&Node>) -> Result<(), String> {
    match side.and_then(|n| n.node.as_ref()) {
        None | Some(NodeEnum::AConst(_)) => Ok(()),
        Some(NodeEnum::SqlvalueFunction(f)) => clock(f.op),
        Some(NodeEnum::TypeCast(cast)) => constant_cast(cast.arg.as_deref()),
        _ => Err("`+` and `-` take constants and the current date alone: a sum of a column can fail on a hidden row".to_owned()),
    }
}

/// A cast of a column can fail on a hidden row and quote its value.
fn constant_cast(arg: Option<&Node>) -> Result<(), String> {
    match arg.and_then(|n| n.node.as_ref()) {
        Some(NodeEnum::AConst(_)) => Ok(()),
        Some(NodeEnum::AArrayExpr(array))
            if array
                .elements
                .iter()
                .all(|n| matches!(n.node, Some(NodeEnum::AConst(_)))) =>
        {
            Ok(())
        }
        _ => Err(
            "only a constant may be cast: a cast of a column can fail on a hidden row".to_owned(),
        ),
    }
}

/// The date is fine; who asks must make no difference.
fn clock(op: i32) -> Result<(), String> {
    use pg_query::protobuf::SqlValueFunctionOp as Op;
    match Op::try_from(op) {
        Ok(
            Op::SvfopCurrentDate
            | Op::SvfopCurrentTimestamp
            | Op::SvfopLocaltimestamp
            | Op::SvfopCurrentTimestampN
            | Op::SvfopLocaltimestampN,
        ) => Ok(()),
        _ => Err("who is asking must make no difference to a row filter".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{LiveColumn, TypeShape};

    fn table() -> LiveTable {
        let column = |name: &str| LiveColumn {
            name: name.into(),
            attnum: 1,
            type_oid: 25,
            type_name: "text".into(),
            shape: TypeShape::Text { chars_max: None },
            not_null: false,
            comment: None,
        };
        LiveTable {
            oid: 1,
            kind: TableKind::Table,
            columns: vec![column("ward"), column("born")],
            row_security: false,
            is_partition: false,
            has_children: false,
            foreign_partition: false,
            steward_may_read: true,
            steward_owns: true,
            comment: None,
            foreign_keys: vec![],
            unique_keys: vec![],
            estimated_rows: 0.0,
        }
    }

    #[test]
    fn plain_conditions_pass() {
        for condition in [
            "ward <> 'VIP'",
            "ward IN ('a', 'b') AND born >= DATE '2000-01-01'",
            "patients.ward IS NOT NULL OR lower(ward) LIKE 'x%'",
            "coalesce(ward, '') NOT BETWEEN 'a' AND 'b'",
            "ward = ANY (ARRAY['a','b'])",
            "born > current_date - 30",
            "born >= current_date - interval '30 days' AND 3 > -1",
            "ward <> 'VIP' -- a remark",
            "CASE WHEN ward = 'x' THEN false ELSE true END",
        ] {
            assert_eq!(
                check(condition, "patients", &table()),
                Ok(()),
                "{condition}"
            );
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for condition in [
            "true) UNION SELECT (1",
            "true) ORDER BY (1",
            "true); DROP TABLE x; SELECT (1",
            "ward IN (SELECT 1)",
            "EXISTS (SELECT 1 FROM secrets)",
            "leak(ward)",
            "public.lower(ward) = 'x'",
            "ward::int > 3",
            "1 / length(ward) > 0",
            "born - 1 > 0",
            "-length(ward) < 0",
            "ward = current_user",
            "ward OPERATOR(public.=) 'x'",
            "patients IS NOT NULL",
            "secret = 'x'",
            "count(*) > 1",
            "ward = $1",
            "",
        ] {
            assert!(
                check(condition, "patients", &table()).is_err(),
                "{condition}"
            );
        }
        assert!(
            check(
                &format!("{}true{}", "(".repeat(900), ")".repeat(900)),
                "p",
                &table()
            )
            .is_ok(),
            "parentheses are no nesting"
        );
        assert!(check(&format!("{} true", "NOT ".repeat(500)), "p", &table()).is_err());
    }
}
