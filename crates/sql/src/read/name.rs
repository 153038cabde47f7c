//! The name that PostgreSQL gives an output column without one (its `FigureColname`): the client
//! must see the names that its own text would have given.

use pg_query::NodeEnum;
use pg_query::protobuf as pb;
use pg_query::protobuf::Node;

use crate::node::text_of;

/// What PostgreSQL calls a column that nothing names.
const NAMELESS: &str = "?column?";

/// The output name of an expression.
pub(crate) fn column_name(node: &Node) -> String {
    let (name, _) = figure(node);
    name.unwrap_or_else(|| NAMELESS.to_owned())
}

fn strong(name: &str) -> (Option<String>, u8) {
    (Some(name.to_owned()), 2)
}

fn figure_boxed(node: Option<&Node>) -> (Option<String>, u8) {
    node.map_or((None, 0), figure)
}

/// The name and its strength: a strong one is kept under a cast, a weak one is not.
fn figure(node: &Node) -> (Option<String>, u8) {
    let Some(inner) = node.node.as_ref() else {
        return (None, 0);
    };
    match inner {
        NodeEnum::ColumnRef(c) => c
            .fields
            .iter()
            .rev()
            .find_map(text_of)
            .map_or((None, 0), strong),
        NodeEnum::AIndirection(i) => match i.indirection.iter().rev().find_map(text_of) {
            Some(field) => strong(field),
            None => figure_boxed(i.arg.as_deref()),
        },
        NodeEnum::FuncCall(f) => f
            .funcname
            .last()
            .and_then(text_of)
            .map_or((None, 0), strong),
        NodeEnum::AExpr(e) if e.kind == pb::AExprKind::AexprNullif as i32 => strong("nullif"),
        NodeEnum::TypeCast(c) => figure_cast(c),
        NodeEnum::CollateClause(c) => figure_boxed(c.arg.as_deref()),
        NodeEnum::GroupingFunc(_) => strong("grouping"),
        NodeEnum::SubLink(s) => figure_sublink(s),
        NodeEnum::CaseExpr(c) => {
            let (name, strength) = figure_boxed(c.defresult.as_deref());
            if strength <= 1 {
                (Some("case".to_owned()), 1)
            } else {
                (name, strength)
            }
        }
        NodeEnum::AArrayExpr(_) => strong("array"),
        NodeEnum::RowExpr(_) => strong("row"),
        NodeEnum::CoalesceExpr(_) => strong("coalesce"),
        NodeEnum::MinMaxExpr(m) => strong(if m.op == pb::MinMaxOp::IsGreatest as i32 {
            "greatest"
        } else {
            "least"
        }),
        NodeEnum::SqlvalueFunction(f) => value_function_name(f.op()).map_or((None, 0), strong),
        NodeEnum::XmlExpr(x) => xml_name(x.op()).map_or((None, 0), strong),
        NodeEnum::XmlSerialize(_) => strong("xmlserialize"),
        NodeEnum::JsonParseExpr(_) => strong("json"),
        NodeEnum::JsonScalarExpr(_) => strong("json_scalar"),
        NodeEnum::JsonSerializeExpr(_) => strong("json_serialize"),
        NodeEnum::JsonObjectConstructor(_) => strong("json_object"),
        NodeEnum::JsonArrayConstructor(_) | NodeEnum::JsonArrayQueryConstructor(_) => {
            strong("json_array")
        }
        NodeEnum::JsonObjectAgg(_) => strong("json_objectagg"),
        NodeEnum::JsonArrayAgg(_) => strong("json_arrayagg"),
        NodeEnum::JsonFuncExpr(j) => match j.op() {
            pb::JsonExprOp::JsonExistsOp => strong("json_exists"),
            pb::JsonExprOp::JsonQueryOp => strong("json_query"),
            pb::JsonExprOp::JsonValueOp => strong("json_value"),
            _ => (None, 0),
        },
        _ => (None, 0),
    }
}

fn figure_cast(cast: &pb::TypeCast) -> (Option<String>, u8) {
    let (name, strength) = figure_boxed(cast.arg.as_deref());
    if strength > 1 {
        return (name, strength);
    }
    match cast
        .type_name
        .as_ref()
        .and_then(|t| t.names.last())
        .and_then(text_of)
    {
        Some(type_name) => (Some(type_name.to_owned()), 1),
        None => (name, strength),
    }
}

fn figure_sublink(link: &pb::SubLink) -> (Option<String>, u8) {
    match link.sub_link_type() {
        pb::SubLinkType::ExistsSublink => strong("exists"),
        pb::SubLinkType::ArraySublink => strong("array"),
        pb::SubLinkType::ExprSublink => {
            match link.subselect.as_deref().and_then(|n| n.node.as_ref()) {
                Some(NodeEnum::SelectStmt(select)) => {
                    first_output_name(select).map_or((None, 0), |name| (Some(name), 2))
                }
                _ => (None, 0),
            }
        }
        _ => (None, 0),
    }
}

fn first_output_name(select: &pb::SelectStmt) -> Option<String> {
    if let Some(left) = &select.larg {
        return first_output_name(left);
    }
    if !select.values_lists.is_empty() {
        return Some("column1".to_owned());
    }
    match select.target_list.first()?.node.as_ref()? {
        NodeEnum::ResTarget(target) if !target.name.is_empty() => Some(target.name.clone()),
        NodeEnum::ResTarget(target) => target.val.as_deref().map(column_name),
        _ => None,
    }
}

fn value_function_name(op: pb::SqlValueFunctionOp) -> Option<&'static str> {
    use pb::SqlValueFunctionOp as Op;
    Some(match op {
        Op::SvfopCurrentDate => "current_date",
        Op::SvfopCurrentTime | Op::SvfopCurrentTimeN => "current_time",
        Op::SvfopCurrentTimestamp | Op::SvfopCurrentTimestampN => "current_timestamp",
        Op::SvfopLocaltime | Op::SvfopLocaltimeN => "localtime",
        Op::SvfopLocaltimestamp | Op::SvfopLocaltimestampN => "localtimestamp",
        Op::SvfopCurrentRole => "current_role",
        Op::SvfopCurrentUser => "current_user",
        Op::SvfopUser => "user",
        Op::SvfopSessionUser => "session_user",
        Op::SvfopCurrentCatalog => "current_catalog",
        Op::SvfopCurrentSchema => "current_schema",
        Op::SqlvalueFunctionOpUndefined => return None,
    })
}

fn xml_name(op: pb::XmlExprOp) -> Option<&'static str> {
    use pb::XmlExprOp as Op;
    Some(match op {
        Op::IsXmlconcat => "xmlconcat",
        Op::IsXmlelement => "xmlelement",
        Op::IsXmlforest => "xmlforest",
        Op::IsXmlparse => "xmlparse",
        Op::IsXmlpi => "xmlpi",
        Op::IsXmlroot => "xmlroot",
        Op::IsXmlserialize => "xmlserialize",
        _ => return None,
    })
}
