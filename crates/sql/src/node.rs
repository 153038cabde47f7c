//! Small constructors over the grammar's tree, and one walk that knows every child of every node
//! that may stand in a cleared statement.

use pg_query::NodeEnum;
use pg_query::protobuf as pb;
use pg_query::protobuf::Node;

pub(crate) fn node(inner: NodeEnum) -> Node {
    Node { node: Some(inner) }
}

pub(crate) fn boxed(inner: NodeEnum) -> Option<Box<Node>> {
    Some(Box::new(node(inner)))
}

pub(crate) fn string(text: &str) -> Node {
    node(NodeEnum::String(pb::String {
        sval: text.to_owned(),
    }))
}

/// The text of a String node, as names are made of.
pub(crate) fn text_of(node: &Node) -> Option<&str> {
    match node.node.as_ref() {
        Some(NodeEnum::String(s)) => Some(&s.sval),
        _ => None,
    }
}

/// All parts of a dotted name, if it is made of names alone.
pub(crate) fn texts_of(nodes: &[Node]) -> Option<Vec<&str>> {
    nodes.iter().map(text_of).collect()
}

pub(crate) fn text_constant(text: &str) -> Node {
    node(NodeEnum::AConst(pb::AConst {
        isnull: false,
        location: 0,
        val: Some(pb::a_const::Val::Sval(pb::String {
            sval: text.to_owned(),
        })),
    }))
}

/// An integer constant as PostgreSQL's own lexer would make it: what does not fit four bytes is a Float.
pub(crate) fn integer_constant(value: u64) -> Node {
    let val = match i32::try_from(value) {
        Ok(ival) => pb::a_const::Val::Ival(pb::Integer { ival }),
        Err(_) => pb::a_const::Val::Fval(pb::Float {
            fval: value.to_string(),
        }),
    };
    node(NodeEnum::AConst(pb::AConst {
        isnull: false,
        location: 0,
        val: Some(val),
    }))
}

pub(crate) fn true_constant() -> Node {
    boolean_constant(true)
}

pub(crate) fn boolean_constant(boolval: bool) -> Node {
    node(NodeEnum::AConst(pb::AConst {
        isnull: false,
        location: 0,
        val: Some(pb::a_const::Val::Boolval(pb::Boolean { boolval })),
    }))
}

pub(crate) fn null_constant() -> Node {
    node(NodeEnum::AConst(pb::AConst {
        isnull: true,
        location: 0,
        val: None,
    }))
}

pub(crate) fn type_name(names: &[&str]) -> pb::TypeName {
    pb::TypeName {
        names: names.iter().map(|n| string(n)).collect(),
        typemod: -1,
        ..Default::default()
    }
}

pub(crate) fn cast(arg: Node, type_name: pb::TypeName) -> Node {
    node(NodeEnum::TypeCast(Box::new(pb::TypeCast {
        arg: Some(Box::new(arg)),
        type_name: Some(type_name),
        location: 0,
    })))
}

/// `arg::text`.
pub(crate) fn as_text(arg: Node) -> Node {
    cast(arg, type_name(&["pg_catalog", "text"]))
}

pub(crate) fn column(qualifier: &str, name: &str) -> Node {
    node(NodeEnum::ColumnRef(pb::ColumnRef {
        fields: vec![string(qualifier), string(name)],
        location: 0,
    }))
}

pub(crate) fn operation(operator: &str, left: Node, right: Node) -> Node {
    node(NodeEnum::AExpr(Box::new(pb::AExpr {
        kind: pb::AExprKind::AexprOp as i32,
        name: vec![string(operator)],
        lexpr: Some(Box::new(left)),
        rexpr: Some(Box::new(right)),
        ..Default::default()
    })))
}

pub(crate) fn call(schema: &str, name: &str, args: Vec<Node>) -> Node {
    node(NodeEnum::FuncCall(Box::new(pb::FuncCall {
        funcname: vec![string(schema), string(name)],
        args,
        funcformat: pb::CoercionForm::CoerceExplicitCall as i32,
        ..Default::default()
    })))
}

pub(crate) fn not_null(arg: Node) -> Node {
    node(NodeEnum::NullTest(Box::new(pb::NullTest {
        arg: Some(Box::new(arg)),
        nulltesttype: pb::NullTestType::IsNotNull as i32,
        ..Default::default()
    })))
}

/// `arg IS NOT TRUE`: false or unknown.
pub(crate) fn not_true(arg: Node) -> Node {
    node(NodeEnum::BooleanTest(Box::new(pb::BooleanTest {
        arg: Some(Box::new(arg)),
        booltesttype: pb::BoolTestType::IsNotTrue as i32,
        ..Default::default()
    })))
}

/// `left OR right`.
pub(crate) fn or(left: Node, right: Node) -> Node {
    node(NodeEnum::BoolExpr(Box::new(pb::BoolExpr {
        boolop: pb::BoolExprType::OrExpr as i32,
        args: vec![left, right],
        ..Default::default()
    })))
}

pub(crate) fn coalesce(args: Vec<Node>) -> Node {
    node(NodeEnum::CoalesceExpr(Box::new(pb::CoalesceExpr {
        args,
        ..Default::default()
    })))
}

pub(crate) fn nullif(value: Node, null: Node) -> Node {
    let mut comparison = operation("=", value, null);
    if let Some(NodeEnum::AExpr(expr)) = comparison.node.as_mut() {
        expr.kind = pb::AExprKind::AexprNullif as i32;
    }
    comparison
}

/// `CASE WHEN condition THEN result END`.
pub(crate) fn case_when(condition: Node, result: Node) -> Node {
    let when = pb::CaseWhen {
        expr: Some(Box::new(condition)),
        result: Some(Box::new(result)),
        ..Default::default()
    };
    node(NodeEnum::CaseExpr(Box::new(pb::CaseExpr {
        args: vec![node(NodeEnum::CaseWhen(Box::new(when)))],
        ..Default::default()
    })))
}

/// `left AND right`, flat on the left as the grammar makes it.
pub(crate) fn and(left: Option<Node>, right: Node) -> Node {
    let Some(left) = left else { return right };
    let mut args = match left.node {
        Some(NodeEnum::BoolExpr(expr)) if expr.boolop == pb::BoolExprType::AndExpr as i32 => {
            expr.args
        }
        other => vec![Node { node: other }],
    };
    args.push(right);
    node(NodeEnum::BoolExpr(Box::new(pb::BoolExpr {
        boolop: pb::BoolExprType::AndExpr as i32,
        args,
        ..Default::default()
    })))
}

pub(crate) fn target(name: &str, value: Node) -> Node {
    node(NodeEnum::ResTarget(Box::new(pb::ResTarget {
        name: name.to_owned(),
        indirection: Vec::new(),
        val: Some(Box::new(value)),
        location: 0,
    })))
}

pub(crate) fn alias(name: &str) -> pb::Alias {
    pb::Alias {
        aliasname: name.to_owned(),
        colnames: Vec::new(),
    }
}

fn zero<const STRIP: bool>(location: &mut i32) {
    if STRIP {
        *location = 0;
    }
}

type Visit<'f> = &'f mut dyn FnMut(&mut Node);

fn each(nodes: &mut [Node], visit: Visit<'_>) {
    for node in nodes {
        visit(node);
    }
}

fn one(node: &mut Option<Box<Node>>, visit: Visit<'_>) {
    if let Some(node) = node {
        visit(node);
    }
}

fn alias_children(alias: &mut Option<pb::Alias>, visit: Visit<'_>) {
    if let Some(alias) = alias {
        each(&mut alias.colnames, visit);
    }
}

fn type_children<const STRIP: bool>(name: &mut Option<pb::TypeName>, visit: Visit<'_>) {
    if let Some(name) = name {
        zero::<STRIP>(&mut name.location);
        each(&mut name.names, visit);
        each(&mut name.typmods, visit);
        each(&mut name.array_bounds, visit);
    }
}

fn window_children<const STRIP: bool>(window: &mut pb::WindowDef, visit: Visit<'_>) {
    zero::<STRIP>(&mut window.location);
    each(&mut window.partition_clause, visit);
    each(&mut window.order_clause, visit);
    one(&mut window.start_offset, visit);
    one(&mut window.end_offset, visit);
}

fn format_children<const STRIP: bool>(format: &mut Option<pb::JsonFormat>) {
    if let Some(format) = format {
        zero::<STRIP>(&mut format.location);
    }
}

fn json_value_children<const STRIP: bool>(
    value: &mut Option<Box<pb::JsonValueExpr>>,
    visit: Visit<'_>,
) {
    if let Some(value) = value {
        one(&mut value.raw_expr, visit);
        one(&mut value.formatted_expr, visit);
        format_children::<STRIP>(&mut value.format);
    }
}

fn json_output_children<const STRIP: bool>(output: &mut Option<pb::JsonOutput>, visit: Visit<'_>) {
    if let Some(output) = output {
        type_children::<STRIP>(&mut output.type_name, visit);
        if let Some(returning) = &mut output.returning {
            format_children::<STRIP>(&mut returning.format);
        }
    }
}

fn json_behavior_children<const STRIP: bool>(
    behavior: &mut Option<Box<pb::JsonBehavior>>,
    visit: Visit<'_>,
) {
    if let Some(behavior) = behavior {
        zero::<STRIP>(&mut behavior.location);
        one(&mut behavior.expr, visit);
    }
}

/// Visits every child of a SELECT.
fn visit_select<const STRIP: bool>(select: &mut pb::SelectStmt, visit: Visit<'_>) {
    each(&mut select.distinct_clause, visit);
    each(&mut select.target_list, visit);
    each(&mut select.from_clause, visit);
    one(&mut select.where_clause, visit);
    each(&mut select.group_clause, visit);
    one(&mut select.having_clause, visit);
    each(&mut select.window_clause, visit);
    each(&mut select.values_lists, visit);
    each(&mut select.sort_clause, visit);
    one(&mut select.limit_offset, visit);
    one(&mut select.limit_count, visit);
    each(&mut select.locking_clause, visit);
    if let Some(with) = &mut select.with_clause {
        zero::<STRIP>(&mut with.location);
        each(&mut with.ctes, visit);
    }
    for arm in [&mut select.larg, &mut select.rarg].into_iter().flatten() {
        visit_select::<STRIP>(arm, visit);
    }
}

/// Whether a node's children are known to [`children`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Walked {
    All,
    Unknown,
}

/// Visits every child of a node; with `STRIP`, sets the node's own location to 0. Says `Unknown` for node
/// types that have no place in a cleared statement.
fn visit_children<const STRIP: bool>(node: &mut Node, visit: Visit<'_>) -> Walked {
    let Some(inner) = node.node.as_mut() else {
        return Walked::All;
    };
    match inner {
        NodeEnum::String(_)
        | NodeEnum::Integer(_)
        | NodeEnum::Float(_)
        | NodeEnum::Boolean(_)
        | NodeEnum::BitString(_)
        | NodeEnum::AStar(_) => {}
        NodeEnum::AConst(n) => zero::<STRIP>(&mut n.location),
        NodeEnum::ParamRef(n) => zero::<STRIP>(&mut n.location),
        NodeEnum::SqlvalueFunction(n) => zero::<STRIP>(&mut n.location),
        NodeEnum::SetToDefault(n) => zero::<STRIP>(&mut n.location),
        NodeEnum::List(n) => each(&mut n.items, visit),
        NodeEnum::Alias(n) => each(&mut n.colnames, visit),
        NodeEnum::RangeVar(n) => {
            zero::<STRIP>(&mut n.location);
            alias_children(&mut n.alias, visit);
        }
        NodeEnum::ColumnRef(n) => {
            zero::<STRIP>(&mut n.location);
            each(&mut n.fields, visit);
        }
        NodeEnum::AExpr(n) => {
            zero::<STRIP>(&mut n.location);
            zero::<STRIP>(&mut n.rexpr_list_start);
            zero::<STRIP>(&mut n.rexpr_list_end);
            each(&mut n.name, visit);
            one(&mut n.lexpr, visit);
            one(&mut n.rexpr, visit);
        }
        NodeEnum::BoolExpr(n) => {
            zero::<STRIP>(&mut n.location);
            each(&mut n.args, visit);
        }
        NodeEnum::NullTest(n) => {
            zero::<STRIP>(&mut n.location);
            one(&mut n.arg, visit);
        }
        NodeEnum::BooleanTest(n) => {
            zero::<STRIP>(&mut n.location);
            one(&mut n.arg, visit);
        }
        NodeEnum::TypeCast(n) => {
            zero::<STRIP>(&mut n.location);
            one(&mut n.arg, visit);
            type_children::<STRIP>(&mut n.type_name, visit);
        }
        NodeEnum::TypeName(n) => {
            zero::<STRIP>(&mut n.location);
            each(&mut n.names, visit);
            each(&mut n.typmods, visit);
            each(&mut n.array_bounds, visit);
        }
        NodeEnum::CollateClause(n) => {
            zero::<STRIP>(&mut n.location);
            one(&mut n.arg, visit);
            each(&mut n.collname, visit);
        }
        NodeEnum::FuncCall(n) => {
            zero::<STRIP>(&mut n.location);
            each(&mut n.funcname, visit);
            each(&mut n.args, visit);
            each(&mut n.agg_order, visit);
            one(&mut n.agg_filter, visit);
            if let Some(over) = &mut n.over {
                window_children::<STRIP>(over, visit);
            }
        }
        NodeEnum::NamedArgExpr(n) => {
            zero::<STRIP>(&mut n.location);
            one(&mut n.arg, visit);
        }
        NodeEnum::AIndices(n) => {
            one(&mut n.lidx, visit);
            one(&mut n.uidx, visit);
        }
        NodeEnum::AIndirection(n) => {
            one(&mut n.arg, visit);
            each(&mut n.indirection, visit);
        }
        NodeEnum::AArrayExpr(n) => {
            zero::<STRIP>(&mut n.location);
            zero::<STRIP>(&mut n.list_start);
            zero::<STRIP>(&mut n.list_end);
            each(&mut n.elements, visit);
        }
        NodeEnum::CaseExpr(n) => {
            zero::<STRIP>(&mut n.location);
            one(&mut n.arg, visit);
            each(&mut n.args, visit);
            one(&mut n.defresult, visit);
        }
        NodeEnum::CaseWhen(n) => {
            zero::<STRIP>(&mut n.location);
            one(&mut n.expr, visit);
            one(&mut n.result, visit);
        }
        NodeEnum::CoalesceExpr(n) => {
            zero::<STRIP>(&mut n.location);
            each(&mut n.args, visit);
        }
        NodeEnum::MinMaxExpr(n) => {
            zero::<STRIP>(&mut n.location);
            each(&mut n.args, visit);
        }
        NodeEnum::RowExpr(n) => {
            zero::<STRIP>(&mut n.location);
            each(&mut n.args, visit);
            each(&mut n.colnames, visit);
        }
        NodeEnum::GroupingFunc(n) => {
            zero::<STRIP>(&mut n.location);
            each(&mut n.args, visit);
        }
        NodeEnum::SubLink(n) => {
            zero::<STRIP>(&mut n.location);
            one(&mut n.testexpr, visit);
            each(&mut n.oper_name, visit);
            one(&mut n.subselect, visit);
        }
        NodeEnum::SelectStmt(n) => visit_select::<STRIP>(n, visit),
        NodeEnum::ResTarget(n) => {
            zero::<STRIP>(&mut n.location);
            each(&mut n.indirection, visit);
            one(&mut n.val, visit);
        }
        NodeEnum::SortBy(n) => {
            zero::<STRIP>(&mut n.location);
            one(&mut n.node, visit);
            each(&mut n.use_op, visit);
        }
        NodeEnum::WindowDef(n) => window_children::<STRIP>(n, visit),
        NodeEnum::GroupingSet(n) => {
            zero::<STRIP>(&mut n.location);
            each(&mut n.content, visit);
        }
        NodeEnum::JoinExpr(n) => {
            one(&mut n.larg, visit);
            one(&mut n.rarg, visit);
            each(&mut n.using_clause, visit);
            alias_children(&mut n.join_using_alias, visit);
            one(&mut n.quals, visit);
            alias_children(&mut n.alias, visit);
        }
        NodeEnum::RangeSubselect(n) => {
            one(&mut n.subquery, visit);
            alias_children(&mut n.alias, visit);
        }
        NodeEnum::RangeFunction(n) => {
            each(&mut n.functions, visit);
            alias_children(&mut n.alias, visit);
            each(&mut n.coldeflist, visit);
        }
        NodeEnum::ColumnDef(n) => {
            zero::<STRIP>(&mut n.location);
            type_children::<STRIP>(&mut n.type_name, visit);
        }
        NodeEnum::CommonTableExpr(n) => {
            zero::<STRIP>(&mut n.location);
            each(&mut n.aliascolnames, visit);
            one(&mut n.ctequery, visit);
        }
        NodeEnum::DefElem(n) => {
            zero::<STRIP>(&mut n.location);
            zero::<STRIP>(&mut n.arg_location);
            one(&mut n.arg, visit);
        }
        NodeEnum::XmlExpr(n) => {
            zero::<STRIP>(&mut n.location);
            each(&mut n.named_args, visit);
            each(&mut n.args, visit);
        }
        NodeEnum::XmlSerialize(n) => {
            zero::<STRIP>(&mut n.location);
            one(&mut n.expr, visit);
            type_children::<STRIP>(&mut n.type_name, visit);
        }
        NodeEnum::JsonIsPredicate(n) => {
            zero::<STRIP>(&mut n.location);
            one(&mut n.expr, visit);
            format_children::<STRIP>(&mut n.format);
        }
        NodeEnum::JsonKeyValue(n) => {
            one(&mut n.key, visit);
            json_value_children::<STRIP>(&mut n.value, visit);
        }
        NodeEnum::JsonValueExpr(n) => {
            one(&mut n.raw_expr, visit);
            one(&mut n.formatted_expr, visit);
            format_children::<STRIP>(&mut n.format);
        }
        NodeEnum::JsonObjectConstructor(n) => {
            zero::<STRIP>(&mut n.location);
            each(&mut n.exprs, visit);
            json_output_children::<STRIP>(&mut n.output, visit);
        }
        NodeEnum::JsonArrayConstructor(n) => {
            zero::<STRIP>(&mut n.location);
            each(&mut n.exprs, visit);
            json_output_children::<STRIP>(&mut n.output, visit);
        }
        NodeEnum::JsonArgument(n) => json_value_children::<STRIP>(&mut n.val, visit),
        NodeEnum::JsonFuncExpr(n) => {
            zero::<STRIP>(&mut n.location);
            json_value_children::<STRIP>(&mut n.context_item, visit);
            one(&mut n.pathspec, visit);
            each(&mut n.passing, visit);
            json_output_children::<STRIP>(&mut n.output, visit);
            json_behavior_children::<STRIP>(&mut n.on_empty, visit);
            json_behavior_children::<STRIP>(&mut n.on_error, visit);
        }
        NodeEnum::JsonParseExpr(n) => {
            zero::<STRIP>(&mut n.location);
            json_value_children::<STRIP>(&mut n.expr, visit);
            json_output_children::<STRIP>(&mut n.output, visit);
        }
        NodeEnum::JsonScalarExpr(n) => {
            zero::<STRIP>(&mut n.location);
            one(&mut n.expr, visit);
            json_output_children::<STRIP>(&mut n.output, visit);
        }
        NodeEnum::JsonSerializeExpr(n) => {
            zero::<STRIP>(&mut n.location);
            json_value_children::<STRIP>(&mut n.expr, visit);
            json_output_children::<STRIP>(&mut n.output, visit);
        }
        NodeEnum::TransactionStmt(n) => {
            zero::<STRIP>(&mut n.location);
            each(&mut n.options, visit);
        }
        NodeEnum::VariableSetStmt(n) => {
            zero::<STRIP>(&mut n.location);
            each(&mut n.args, visit);
        }
        NodeEnum::VariableShowStmt(_)
        | NodeEnum::DiscardStmt(_)
        | NodeEnum::UnlistenStmt(_)
        | NodeEnum::FetchStmt(_)
        | NodeEnum::ClosePortalStmt(_) => {}
        NodeEnum::DeallocateStmt(n) => zero::<STRIP>(&mut n.location),
        NodeEnum::PrepareStmt(n) => {
            each(&mut n.argtypes, visit);
            one(&mut n.query, visit);
        }
        NodeEnum::ExecuteStmt(n) => each(&mut n.params, visit),
        NodeEnum::DeclareCursorStmt(n) => one(&mut n.query, visit),
        NodeEnum::ExplainStmt(n) => {
            one(&mut n.query, visit);
            each(&mut n.options, visit);
        }
        NodeEnum::CopyStmt(n) => {
            one(&mut n.query, visit);
            each(&mut n.attlist, visit);
            each(&mut n.options, visit);
        }
        _ => return Walked::Unknown,
    }
    Walked::All
}

/// Visits every child of a node, which stays as it is.
pub(crate) fn children(node: &mut Node, visit: Visit<'_>) -> Walked {
    visit_children::<false>(node, visit)
}

/// Visits every child of a SELECT.
pub(crate) fn select_children(select: &mut pb::SelectStmt, visit: Visit<'_>) {
    visit_select::<false>(select, visit);
}

/// Sets every location to 0, so that two readings of one text can be compared. Says `Unknown` if a
/// node has no place in a cleared statement.
pub(crate) fn strip_locations(tree: &mut Node) -> Walked {
    strip_and_weigh(tree).0
}

/// As [`strip_locations`], and what encoding the tree will cost: each node as often as it is deep, since
/// protobuf asks for a message's length at every level above it.
pub(crate) fn strip_and_weigh(tree: &mut Node) -> (Walked, usize) {
    let mut weight = 0;
    let walked = strip_at(tree, 1, &mut weight);
    (walked, weight)
}

fn strip_at(tree: &mut Node, depth: usize, weight: &mut usize) -> Walked {
    *weight = weight.saturating_add(depth);
    let below = depth + 1 + tree.node.as_ref().map_or(0, arms) / 2;
    let mut walked = Walked::All;
    let own = visit_children::<true>(tree, &mut |child| {
        if strip_at(child, below, weight) == Walked::Unknown {
            walked = Walked::Unknown;
        }
    });
    if own == Walked::Unknown { own } else { walked }
}

/// How deep the arms of a set operation stand below it: a chain of them leans to the left.
fn arms(node: &NodeEnum) -> usize {
    let mut select = match node {
        NodeEnum::SelectStmt(select) => select,
        _ => return 0,
    };
    let mut arms = 0;
    while let Some(left) = &select.larg {
        select = left;
        arms += 1;
    }
    arms
}

/// The first location in a tree, for a refusal that points at a piece of the statement.
pub(crate) fn location_of(node: &Node) -> Option<usize> {
    let at = match node.node.as_ref()? {
        NodeEnum::AConst(n) => n.location,
        NodeEnum::ParamRef(n) => n.location,
        NodeEnum::ColumnRef(n) => n.location,
        NodeEnum::AExpr(n) => n.location,
        NodeEnum::BoolExpr(n) => n.location,
        NodeEnum::FuncCall(n) => n.location,
        NodeEnum::TypeCast(n) => n.location,
        NodeEnum::SubLink(n) => n.location,
        NodeEnum::CaseExpr(n) => n.location,
        NodeEnum::CoalesceExpr(n) => n.location,
        NodeEnum::MinMaxExpr(n) => n.location,
        NodeEnum::RowExpr(n) => n.location,
        NodeEnum::AArrayExpr(n) => n.location,
        NodeEnum::NullTest(n) => n.location,
        NodeEnum::ResTarget(n) => n.location,
        NodeEnum::RangeVar(n) => n.location,
        NodeEnum::SqlvalueFunction(n) => n.location,
        NodeEnum::WindowDef(n) => n.location,
        NodeEnum::RangeTableSample(n) => n.location,
        NodeEnum::XmlExpr(n) => n.location,
        _ => return None,
    };
    usize::try_from(at).ok()
}
