//! Which rows, when not all: what a statement leaves to chance is settled by keys.
//!
//! LIMIT, DISTINCT ON, row numbers and sums of floats depend on the order in which PostgreSQL comes
//! upon the rows, and that on plans and on where rows lie: both follow values that the contract hides.
//! So the client's order is completed, behind his own keys, until only rows that are equal in all
//! that he can see may change places.

use pg_query::NodeEnum;
use pg_query::protobuf as pb;
use pg_query::protobuf::Node;

use super::Reader;
use super::aggregate::Grouping;
use super::scope::{Item, ItemKind, Output, Scope};
use crate::node::{as_text, children, column, integer_constant, node, strip_locations, text_of};
use crate::rules;
use crate::surface::Table;

/// Window functions whose answer depends on the order among peers.
const ORDERED_WINDOWS: &[&str] = &[
    "row_number",
    "ntile",
    "lag",
    "lead",
    "first_value",
    "last_value",
    "nth_value",
];

/// Aggregates that, over floats, depend on the order of addition in their last digits.
const FLOAT_SUMS: &[&str] = &[
    "sum",
    "avg",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "variance",
    "var_pop",
    "var_samp",
    "corr",
    "covar_pop",
    "covar_samp",
    "regr_avgx",
    "regr_avgy",
    "regr_intercept",
    "regr_r2",
    "regr_slope",
    "regr_sxx",
    "regr_sxy",
    "regr_syy",
];

/// Of these, the ones that compute in floats whatever they are given.
const ALWAYS_FLOAT: [&str; 3] = ["corr", "covar_", "regr_"];

/// Functions that give an exact number for exact numbers.
const EXACT_FUNCTIONS: &[&str] = &[
    "abs", "ceil", "ceiling", "coalesce", "div", "floor", "greatest", "least", "length", "mod",
    "nullif", "round", "sign", "trunc",
];
const EXACT_TYPES: &[&str] = &[
    "int2", "int4", "int8", "integer", "bigint", "smallint", "numeric", "decimal", "money",
    "interval",
];

/// Types without an order of their own, by OID: json, xml, point, lseg, path, box, polygon, line, circle, xid, cid.
const UNORDERED_OIDS: &[u32] = &[114, 142, 600, 601, 602, 603, 604, 628, 718, 28, 29];
/// Numbers that add up to the same in any order: int8, int2, int4, money, interval, numeric.
const EXACT_OIDS: &[u32] = &[20, 21, 23, 790, 1186, 1700];

impl Reader<'_> {
    /// Completes the orders of a SELECT that has been read and turned.
    pub(super) fn settle_order(
        &self,
        select: &mut pb::SelectStmt,
        scope: &Scope<'_>,
        output: &mut Output,
        grouping: &Grouping,
    ) {
        output.ordered = !select.sort_clause.is_empty();
        if !rules::TOTAL_ORDER.stands() || scope.items.is_empty() {
            return;
        }
        self.settle_calls(select, scope, grouping);
        let one_row = !matches!(grouping, Grouping::None) && select.group_clause.is_empty();
        // A sub-query's order may be relied upon outside: where it has one, it is a whole one.
        let relied_upon = scope.level > 0 && !select.sort_clause.is_empty();
        if one_row || !(picks_rows(select) || relied_upon) || self.comes_ordered(select, scope) {
            return;
        }
        for key in distinct_on(select) {
            push_key(&mut select.sort_clause, key);
        }
        let by_rows = matches!(grouping, Grouping::None) && !plain_distinct(select);
        let keys = if by_rows {
            self.row_keys(scope)
        } else {
            positions(output.columns.len())
        };
        for key in keys {
            push_key(&mut select.sort_clause, key);
        }
    }

    /// The same for a set operation: all its columns, behind the client's.
    pub(super) fn settle_output_order(
        &self,
        select: &mut pb::SelectStmt,
        output: &mut Output,
        relied_upon: bool,
    ) {
        output.ordered = !select.sort_clause.is_empty();
        if rules::TOTAL_ORDER.stands() && (picks_rows(select) || (relied_upon && output.ordered)) {
            for key in positions(output.columns.len()) {
                push_key(&mut select.sort_clause, key);
            }
        }
    }

    /// Whether the rows come in an order of their own, which the client may mean: from one sub-query
    /// with ORDER BY (completed when it was read), from VALUES, or from functions alone.
    fn comes_ordered(&self, select: &pb::SelectStmt, scope: &Scope<'_>) -> bool {
        if !select.sort_clause.is_empty() || !select.distinct_clause.is_empty() {
            return false;
        }
        if scope
            .items
            .iter()
            .all(|item| item.kind == ItemKind::Function)
        {
            return true;
        }
        match select.from_clause.as_slice() {
            [one] => match one.node.as_ref() {
                Some(NodeEnum::RangeSubselect(inner)) => match inner.subquery.as_deref() {
                    Some(Node {
                        node: Some(NodeEnum::SelectStmt(query)),
                    }) => !query.sort_clause.is_empty() || !query.values_lists.is_empty(),
                    _ => false,
                },
                Some(NodeEnum::RangeVar(name)) if name.schemaname.is_empty() => {
                    scope.find_cte(&name.relname).is_some_and(|cte| {
                        cte.output.ordered || !(cte.output.rows || cte.output.groups)
                    })
                }
                _ => false,
            },
            _ => false,
        }
    }

    /// What tells the rows of this level apart, as far as the client can see them.
    fn row_keys(&self, scope: &Scope<'_>) -> Vec<Node> {
        let items = scope.names.items.iter();
        items
            .filter_map(|index| scope.item(*index))
            .flat_map(|item| self.item_keys(item))
            .collect()
    }

    fn item_keys(&self, item: &Item) -> Vec<Node> {
        let table = match item.kind {
            ItemKind::Table(index) => self.surface.tables.get(index),
            _ => None,
        };
        if let Some(key) = table.and_then(shortest_key) {
            return key.iter().map(|name| column(&item.name, name)).collect();
        }
        let oid = |of: &&super::scope::ItemColumn| of.name == "oid";
        if matches!(item.kind, ItemKind::Catalog(_))
            && let Some(oid) = item.columns.iter().find(oid)
        {
            return vec![column(&item.name, &oid.name)];
        }
        let columns = item.columns.iter().map(|of| {
            let emitted = of.emitted.as_ref().unwrap_or(&of.name);
            let known = table.and_then(|table| table.column(emitted));
            let value = column(&item.name, emitted);
            match known {
                Some(known) if !UNORDERED_OIDS.contains(&known.type_oid) => value,
                _ => as_text(value),
            }
        });
        columns.collect()
    }

    fn settle_calls(&self, select: &mut pb::SelectStmt, scope: &Scope<'_>, grouping: &Grouping) {
        let windows = select.window_clause.clone();
        let rows = match grouping {
            Grouping::None => self.row_keys(scope),
            _ => group_keys(select),
        };
        let mut settle = |call: &mut pb::FuncCall| {
            let name = call.funcname.last().and_then(text_of).unwrap_or_default();
            match call.over.as_deref() {
                Some(over) if ORDERED_WINDOWS.contains(&name) || by_rows_frame(over, &windows) => {
                    let mut over = written_out(over, &windows);
                    for key in &rows {
                        push_key(&mut over.order_clause, key.clone());
                    }
                    call.over = Some(Box::new(over));
                }
                // Over a whole partition the sum may be made in any order: so in the order of what is added.
                Some(over)
                    if FLOAT_SUMS.contains(&name)
                        && whole_partition(over, &windows)
                        && self.adds_floats(name, call, scope) =>
                {
                    let mut over = written_out(over, &windows);
                    for arg in call.args.clone() {
                        push_key(&mut over.order_clause, arg);
                    }
                    over.frame_options = FRAME_WHOLE_PARTITION;
                    call.over = Some(Box::new(over));
                }
                None if FLOAT_SUMS.contains(&name) && call.agg_order.is_empty() => {
                    if self.adds_floats(name, call, scope) {
                        for arg in call.args.clone() {
                            push_key(&mut call.agg_order, arg);
                        }
                    }
                }
                _ => {}
            }
        };
        let trees = select
            .target_list
            .iter_mut()
            .chain(&mut select.sort_clause)
            .chain(select.having_clause.as_deref_mut());
        for tree in trees {
            each_call(tree, &mut settle);
        }
    }

    /// Whether this one of [`FLOAT_SUMS`] adds floats.
    fn adds_floats(&self, name: &str, call: &pb::FuncCall, scope: &Scope<'_>) -> bool {
        ALWAYS_FLOAT.iter().any(|stem| name.starts_with(stem))
            || call.args.iter().any(|arg| self.may_be_float(arg, scope))
    }

    /// Whether a number may be a float: whatever is not known to be exact.
    fn may_be_float(&self, value: &Node, scope: &Scope<'_>) -> bool {
        match value.node.as_ref() {
            Some(NodeEnum::ColumnRef(reference)) => {
                let names: Vec<&str> = reference.fields.iter().filter_map(text_of).collect();
                let [item, name] = names.as_slice() else {
                    return true;
                };
                let table = scope.items.iter().find_map(|known| match known.kind {
                    ItemKind::Table(index) if known.name == *item => self.surface.tables.get(index),
                    _ => None,
                });
                let exact = table
                    .and_then(|table| table.column(name))
                    .is_some_and(|of| EXACT_OIDS.contains(&of.type_oid));
                !exact
            }
            Some(NodeEnum::AConst(_)) => false,
            Some(NodeEnum::TypeCast(cast)) => {
                let name = cast
                    .type_name
                    .as_ref()
                    .and_then(|name| name.names.last())
                    .and_then(text_of);
                !name.is_some_and(|name| EXACT_TYPES.contains(&name))
            }
            Some(NodeEnum::AExpr(both)) => [&both.lexpr, &both.rexpr]
                .into_iter()
                .flatten()
                .any(|side| self.may_be_float(side, scope)),
            Some(NodeEnum::FuncCall(call)) => {
                let name = call.funcname.last().and_then(text_of).unwrap_or_default();
                !EXACT_FUNCTIONS.contains(&name)
                    || call.args.iter().any(|arg| self.may_be_float(arg, scope))
            }
            Some(NodeEnum::CoalesceExpr(all)) => {
                all.args.iter().any(|arg| self.may_be_float(arg, scope))
            }
            Some(NodeEnum::CaseExpr(case)) => {
                let results = case
                    .args
                    .iter()
                    .filter_map(|when| match when.node.as_ref() {
                        Some(NodeEnum::CaseWhen(when)) => when.result.as_deref(),
                        _ => None,
                    });
                results
                    .chain(case.defresult.as_deref())
                    .any(|result| self.may_be_float(result, scope))
            }
            _ => true,
        }
    }
}

/// Whether only some of the rows are given: LIMIT, OFFSET or DISTINCT ON. WITH TIES gives all peers of
/// the client's own order, which needs no more keys; but an OFFSET before it does not cut between peers
/// in one way only, and takes the same keys for its peers. It is left as it is.
fn picks_rows(select: &pb::SelectStmt) -> bool {
    if select.limit_option() == pb::LimitOption::WithTies {
        return false;
    }
    let bound =
        |bound: &Option<Box<Node>>| bound.as_deref().is_some_and(|bound| !is_no_bound(bound));
    bound(&select.limit_count) || bound(&select.limit_offset) || !distinct_on(select).is_empty()
}

/// `LIMIT ALL`, `LIMIT NULL`, `LIMIT 0`, `OFFSET 0`: all rows or none, in any order.
fn is_no_bound(bound: &Node) -> bool {
    match bound.node.as_ref() {
        Some(NodeEnum::AConst(constant)) => match &constant.val {
            Some(pb::a_const::Val::Ival(number)) => number.ival == 0,
            None => true,
            Some(_) => constant.isnull,
        },
        _ => false,
    }
}

fn plain_distinct(select: &pb::SelectStmt) -> bool {
    select.distinct_clause.iter().any(|key| key.node.is_none())
}

fn distinct_on(select: &pb::SelectStmt) -> Vec<Node> {
    let keys = select.distinct_clause.iter();
    keys.filter(|key| key.node.is_some()).cloned().collect()
}

/// The table's shortest key that the client sees in the clear and that is never NULL.
fn shortest_key(table: &Table) -> Option<&Vec<String>> {
    let tells = |name: &String| {
        table
            .column(name)
            .is_some_and(|column| column.not_null && !column.masked)
    };
    table
        .unique_keys
        .iter()
        .filter(|key| !key.is_empty() && key.iter().all(tells))
        .min_by_key(|key| key.len())
}

fn positions(columns: usize) -> Vec<Node> {
    (1..=columns as u64).map(integer_constant).collect()
}

/// What tells groups apart. Grouping sets are told apart by no list of expressions: they keep what the
/// client wrote.
fn group_keys(select: &pb::SelectStmt) -> Vec<Node> {
    let sets = |key: &Node| matches!(key.node, Some(NodeEnum::GroupingSet(_)));
    if select.group_clause.iter().any(sets) {
        return Vec::new();
    }
    select.group_clause.clone()
}

fn push_key(sorts: &mut Vec<Node>, key: Node) {
    let stands = |sort: &Node| match sort.node.as_ref() {
        Some(NodeEnum::SortBy(by)) => by
            .node
            .as_deref()
            .is_some_and(|stands| same_key(stands, &key)),
        _ => false,
    };
    if sorts.iter().any(stands) {
        return;
    }
    let by = pb::SortBy {
        node: Some(Box::new(key)),
        sortby_dir: pb::SortByDir::SortbyDefault.into(),
        sortby_nulls: pb::SortByNulls::SortbyNullsDefault.into(),
        use_op: Vec::new(),
        location: 0,
    };
    sorts.push(node(NodeEnum::SortBy(Box::new(by))));
}

/// The same key, wherever it was written.
fn same_key(a: &Node, b: &Node) -> bool {
    let (mut a, mut b) = (a.clone(), b.clone());
    strip_locations(&mut a);
    strip_locations(&mut b);
    a == b
}

/// A frame that counts rows cuts between peers; the usual ones take all peers in.
const FRAME_ROWS: i32 = 0x0004;

/// `ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING`: FRAMEOPTION_NONDEFAULT, _ROWS, _BETWEEN,
/// _START_UNBOUNDED_PRECEDING and _END_UNBOUNDED_FOLLOWING of PostgreSQL's `parsenodes.h`.
const FRAME_WHOLE_PARTITION: i32 = 0x0001 | FRAME_ROWS | 0x0010 | 0x0020 | 0x0100;
const FRAME_NONDEFAULT: i32 = 0x0001;

/// Neither an order nor a frame: every row sees all rows of its partition.
fn whole_partition(over: &pb::WindowDef, windows: &[Node]) -> bool {
    let whole = written_out(over, windows);
    whole.order_clause.is_empty() && whole.frame_options & FRAME_NONDEFAULT == 0
}

fn by_rows_frame(over: &pb::WindowDef, windows: &[Node]) -> bool {
    written_out(over, windows).frame_options & FRAME_ROWS != 0
}

/// A window with what it takes from named ones.
fn written_out(over: &pb::WindowDef, windows: &[Node]) -> pb::WindowDef {
    let mut whole = over.clone();
    // A window names earlier ones alone: no more steps than there are windows.
    for _ in 0..=windows.len() {
        let (name, copies) = if whole.name.is_empty() {
            (std::mem::take(&mut whole.refname), false)
        } else {
            (std::mem::take(&mut whole.name), true)
        };
        let base = windows
            .iter()
            .find_map(|window| match window.node.as_ref() {
                Some(NodeEnum::WindowDef(base)) if !name.is_empty() && base.name == name => {
                    Some(base)
                }
                _ => None,
            });
        let Some(base) = base else {
            return whole;
        };
        whole.refname.clone_from(&base.refname);
        whole.partition_clause.clone_from(&base.partition_clause);
        if whole.order_clause.is_empty() {
            whole.order_clause.clone_from(&base.order_clause);
        }
        if copies {
            whole.frame_options = base.frame_options;
            whole.start_offset.clone_from(&base.start_offset);
            whole.end_offset.clone_from(&base.end_offset);
        }
    }
    whole
}

/// Every function call of this level; sub-queries have settled their own.
fn each_call(tree: &mut Node, with: &mut dyn FnMut(&mut pb::FuncCall)) {
    if matches!(tree.node, Some(NodeEnum::SelectStmt(_))) {
        return;
    }
    children(tree, &mut |child| each_call(child, with));
    if let Some(NodeEnum::FuncCall(call)) = tree.node.as_mut() {
        with(call);
    }
}
