//! Which literals of a text are only compared: those may take another value without the statement
//! being read in another way.

use pg_query::NodeEnum;
use pg_query::protobuf::{AExpr, AExprKind, Node};

/// How many literals stand as operands of comparisons in the WHERE clause of a plain SELECT.
/// `None` where the text is anything else.
pub fn compared_literals(text: &str) -> Option<usize> {
    let parsed = portcullis_grammar::parse(text, portcullis_grammar::Places::Kept).ok()?;
    let [statement] = parsed.statements.as_slice() else {
        return None;
    };
    let NodeEnum::SelectStmt(select) = statement.stmt.as_ref()?.node.as_ref()? else {
        return None;
    };
    if !select.values_lists.is_empty()
        || select.op != pg_query::protobuf::SetOperation::SetopNone as i32
    {
        return None;
    }
    Some(select.where_clause.as_deref().map_or(0, in_condition))
}

fn in_condition(node: &Node) -> usize {
    match node.node.as_ref() {
        Some(NodeEnum::BoolExpr(expr)) => expr.args.iter().map(in_condition).sum(),
        Some(NodeEnum::AExpr(expr)) if is_comparison(expr) => {
            expr.lexpr.as_deref().map_or(0, operands) + expr.rexpr.as_deref().map_or(0, operands)
        }
        _ => 0,
    }
}

fn is_comparison(expr: &AExpr) -> bool {
    let kind = AExprKind::try_from(expr.kind).unwrap_or(AExprKind::Undefined);
    let plain = matches!(
        kind,
        AExprKind::AexprOp
            | AExprKind::AexprIn
            | AExprKind::AexprBetween
            | AExprKind::AexprNotBetween
    );
    let [name] = expr.name.as_slice() else {
        return false;
    };
    let Some(NodeEnum::String(name)) = name.node.as_ref() else {
        return false;
    };
    plain
        && matches!(
            name.sval.as_str(),
            "=" | "<>" | "<" | ">" | "<=" | ">=" | "BETWEEN" | "NOT BETWEEN"
        )
}

fn operands(node: &Node) -> usize {
    match node.node.as_ref() {
        Some(NodeEnum::AConst(_)) => 1,
        Some(NodeEnum::List(list)) => list.items.iter().map(operands).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_compared_literals_count() {
        assert_eq!(
            compared_literals(
                "SELECT a FROM t WHERE id = 1 AND (b IN (2, 3) OR c BETWEEN 4 AND 5)"
            ),
            Some(5)
        );
        assert_eq!(
            compared_literals("SELECT a, 7 FROM t WHERE id = 1 LIMIT 5"),
            Some(1)
        );
        assert_eq!(
            compared_literals("SELECT a FROM t WHERE f(1) = 2 ORDER BY 1"),
            Some(1)
        );
        assert_eq!(
            compared_literals("SELECT a FROM t WHERE id = (SELECT 3)"),
            Some(0)
        );
        assert_eq!(
            compared_literals("SELECT a FROM t WHERE id = 3::text"),
            Some(0)
        );
        assert_eq!(compared_literals("SELECT 1 UNION SELECT 2"), None);
        assert_eq!(compared_literals("SHOW x"), None);
        assert_eq!(compared_literals("SELECT 1; SELECT 2"), None);
    }
}
