//! Which rows, when not all: what a statement leaves to chance is settled by keys.
//!
//! LIMIT, DISTINCT ON, row numbers and sums of floats depend on the order in which PostgreSQL comes
//! upon the rows, and that on plans and on where rows lie: both follow values that the contract hides.
//! So the client's order is completed, behind his own keys, until only rows that are equal in all
//! that he can see may change places.

use std::collections::HashMap;

use pg_query::NodeEnum;
use pg_query::protobuf as pb;
use pg_query::protobuf::Node;
use portcullis_contract::Refusal;

use super::Reader;
use super::aggregate::Grouping;
use super::scope::{Item, ItemKind, Output, Scope};

use crate::node::{as_text, children, column, integer_constant, node, text_of, texts_of};
use crate::rules;
use crate::surface::Table;

/// Window functions that look at rows by their place, whatever the frame.
const FRAMELESS_WINDOWS: &[&str] = &["row_number", "ntile", "lag", "lead"];
/// Window functions that take one row of the frame.
const FRAMED_WINDOWS: &[&str] = &["first_value", "last_value", "nth_value"];

/// Most nodes that ordering adds to one query's windows and sums.
const MAX_ADDED_NODES: usize = 20_000;
/// Most comparisons of keys made to find out whether an order is whole already.
const MAX_KEY_COMPARISONS: usize = 10_000;

/// What tells the rows of a catalog apart: most have an `oid`.
const CATALOG_KEYS: &[&[&str]] = &[
    &["oid"],
    &["attrelid", "attnum"],
    &["indexrelid"],
    &["inhrelid", "inhseqno"],
    &["objoid", "classoid", "objsubid"],
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
    ) -> Result<(), Refusal> {
        output.ordered = !select.sort_clause.is_empty();
        if !rules::TOTAL_ORDER.stands() || scope.items.is_empty() {
            return Ok(());
        }
        self.settle_calls(select, scope, grouping)?;
        let one_row = !matches!(grouping, Grouping::None) && select.group_clause.is_empty();
        // A sub-query's order may be relied upon outside: where it has one, it is a whole one.
        let relied_upon = scope.level > 0 && !select.sort_clause.is_empty();
        if one_row || !(picks_rows(select) || relied_upon) || self.comes_ordered(select, scope) {
            return Ok(());
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
        Ok(())
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
        if matches!(item.kind, ItemKind::Catalog(_)) {
            let has = |name: &&str| item.columns.iter().any(|of| of.name == **name);
            let key = CATALOG_KEYS.iter().find(|key| key.iter().all(&has));
            // Without a key its rows stay in the server's order: they hold no value of the owner's rows.
            return key.map_or_else(Vec::new, |key| {
                key.iter().map(|name| column(&item.name, name)).collect()
            });
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

    fn settle_calls(
        &self,
        select: &mut pb::SelectStmt,
        scope: &Scope<'_>,
        grouping: &Grouping,
    ) -> Result<(), Refusal> {
        let windows = Windows::of(select);
        let mut rows = match grouping {
            Grouping::None => self.row_keys(scope),
            _ => group_keys(select),
        };
        let row_nodes = weigh(&mut rows);
        let mut added = 0usize;
        let mut split = None;
        let mut settle = |call: &mut pb::FuncCall| {
            // What is over the limit is refused below: no more is written.
            if added > MAX_ADDED_NODES {
                return;
            }
            let name = call.funcname.last().and_then(text_of).unwrap_or_default();
            let Some(over) = call.over.as_deref() else {
                if FLOAT_SUMS.contains(&name)
                    && call.agg_order.is_empty()
                    && self.adds_floats(name, call, scope)
                {
                    added += weigh(&mut call.args);
                    for arg in call.args.clone() {
                        push_key(&mut call.agg_order, arg);
                    }
                }
                return;
            };
            let meant = windows.meant(over);
            let floats = FLOAT_SUMS.contains(&name) && self.adds_floats(name, call, scope);
            let framed = FRAMED_WINDOWS.contains(&name);
            let keys = if FRAMELESS_WINDOWS.contains(&name) {
                Some((&rows, FRAME_WHOLE_PARTITION))
            } else if meant.frame & FRAME_ROWS != 0 {
                Some((&rows, meant.frame))
            } else if framed
                && (meant.whole() || (name == "first_value" && meant.begins_with_first()))
            {
                Some((&rows, FRAME_WHOLE_PARTITION))
            } else if floats && meant.whole() {
                None
            } else {
                if framed && !windows.covered(over, &meant, &rows) {
                    split.get_or_insert_with(|| (name.to_owned(), call.location));
                }
                return;
            };
            added += meant.nodes + row_nodes + weigh(&mut call.args);
            if added > MAX_ADDED_NODES {
                return;
            }
            let Some(over) = call.over.take() else {
                return;
            };
            let mut over = windows.written_out(*over, &meant);
            let frame = match keys {
                Some((keys, frame)) => {
                    over.order_clause.extend(keys.iter().cloned().map(sort_by));
                    frame
                }
                // Over a whole partition a sum may be made in any order: so in the order of what is added.
                None => {
                    over.order_clause
                        .extend(call.args.iter().cloned().map(sort_by));
                    FRAME_WHOLE_PARTITION
                }
            };
            if frame == FRAME_WHOLE_PARTITION {
                over.start_offset = None;
                over.end_offset = None;
            }
            over.frame_options = frame;
            call.over = Some(Box::new(over));
        };
        let trees = select
            .target_list
            .iter_mut()
            .chain(&mut select.sort_clause)
            .chain(select.having_clause.as_deref_mut());
        for tree in trees {
            each_call(tree, &mut settle);
        }
        if added > MAX_ADDED_NODES {
            self.deny(
                &rules::ORDER_NODES,
                format!("ordering the windows of this query would add {added} nodes; at most {MAX_ADDED_NODES} are"),
            )
            .hint("use fewer window functions in one query, or shorter windows")
            .stands()?;
        }
        if let Some((name, location)) = split {
            self.deny(
                &rules::WINDOW_PEERS,
                format!("which of several peers `{name}` gives would follow the plan"),
            )
            .hint("end the window's ORDER BY with a key and write `ROWS BETWEEN … AND …`")
            .at(usize::try_from(location).ok())
            .stands()?;
        }
        Ok(())
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
        Some(NodeEnum::SortBy(by)) => by.node.as_deref().is_some_and(|one| same_key(one, &key)),
        _ => false,
    };
    if !sorts.iter().any(stands) {
        sorts.push(sort_by(key));
    }
}

fn sort_by(key: Node) -> Node {
    node(NodeEnum::SortBy(Box::new(pb::SortBy {
        node: Some(Box::new(key)),
        sortby_dir: pb::SortByDir::SortbyDefault.into(),
        sortby_nulls: pb::SortByNulls::SortbyNullsDefault.into(),
        use_op: Vec::new(),
        location: 0,
    })))
}

/// The same column or position, wherever it was written. Others may stand twice: PostgreSQL drops the
/// second.
fn same_key(a: &Node, b: &Node) -> bool {
    match (a.node.as_ref(), b.node.as_ref()) {
        (Some(NodeEnum::ColumnRef(a)), Some(NodeEnum::ColumnRef(b))) => {
            texts_of(&a.fields).is_some_and(|a| Some(a) == texts_of(&b.fields))
        }
        (Some(NodeEnum::AConst(a)), Some(NodeEnum::AConst(b))) => {
            matches!((&a.val, &b.val), (Some(pb::a_const::Val::Ival(a)), Some(pb::a_const::Val::Ival(b))) if a.ival == b.ival)
        }
        _ => false,
    }
}

/// Nodes of these trees.
pub(super) fn weigh(trees: &mut [Node]) -> usize {
    fn of(tree: &mut Node) -> usize {
        let mut nodes = 1;
        children(tree, &mut |child| nodes += of(child));
        nodes
    }
    trees.iter_mut().map(of).sum()
}

// Frames as the grammar has them: FRAMEOPTION_… of PostgreSQL's `parsenodes.h`.
const FRAME_NONDEFAULT: i32 = 0x0001;
/// A frame that counts rows cuts between peers; the others take all peers in.
const FRAME_ROWS: i32 = 0x0004;
const FRAME_BETWEEN: i32 = 0x0010;
const FRAME_FROM_FIRST: i32 = 0x0020;
const FRAME_TO_LAST: i32 = 0x0100;
const FRAME_TO_CURRENT: i32 = 0x0400;
const FRAME_EXCLUDES: i32 = 0x8000 | 0x1_0000 | 0x2_0000;
/// `ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING`.
const FRAME_WHOLE_PARTITION: i32 =
    FRAME_NONDEFAULT | FRAME_ROWS | FRAME_BETWEEN | FRAME_FROM_FIRST | FRAME_TO_LAST;

/// The named windows of a query, each with what it takes from earlier ones.
struct Windows {
    defined: Vec<pb::WindowDef>,
    /// By name; PostgreSQL refuses a second one of a name.
    places: HashMap<String, usize>,
    meant: Vec<Meant>,
    /// Nodes of each one's own partition and order.
    nodes: Vec<usize>,
}

/// What an OVER means: whose partition, order and frame. `None`: its own.
#[derive(Clone, Copy)]
struct Meant {
    partition_of: Option<usize>,
    order_of: Option<usize>,
    offsets_of: Option<usize>,
    frame: i32,
    ordered: bool,
    /// Nodes that writing it out copies.
    nodes: usize,
}

impl Meant {
    /// Every row sees all rows of its partition.
    fn whole(&self) -> bool {
        let all = FRAME_FROM_FIRST | FRAME_TO_LAST;
        self.frame & FRAME_EXCLUDES == 0
            && (self.frame & all == all || (!self.ordered && self.frame & FRAME_NONDEFAULT == 0))
    }

    /// The frame begins with the partition's first row, and is never empty.
    fn begins_with_first(&self) -> bool {
        self.frame & FRAME_EXCLUDES == 0
            && self.frame & FRAME_FROM_FIRST != 0
            && self.frame & (FRAME_TO_CURRENT | FRAME_TO_LAST) != 0
    }
}

impl Windows {
    fn of(select: &pb::SelectStmt) -> Self {
        let mut windows = Self {
            defined: Vec::new(),
            places: HashMap::new(),
            meant: Vec::new(),
            nodes: Vec::new(),
        };
        for window in &select.window_clause {
            let Some(NodeEnum::WindowDef(window)) = window.node.as_ref() else {
                continue;
            };
            let mut window = (**window).clone();
            let at = windows.defined.len();
            windows
                .nodes
                .push(weigh(&mut window.partition_clause) + weigh(&mut window.order_clause));
            let base = windows.places.get(&window.refname).copied();
            let meant = windows.upon(base, &window, Some(at));
            windows.meant.push(meant);
            windows.places.insert(window.name.clone(), at);
            windows.defined.push(window);
        }
        windows
    }

    fn upon(&self, base: Option<usize>, window: &pb::WindowDef, at: Option<usize>) -> Meant {
        let base = base.and_then(|base| self.meant.get(base));
        let own_order = !window.order_clause.is_empty();
        let partition_of = base.map_or(at, |base| base.partition_of);
        let order_of = match base {
            Some(base) if !own_order => base.order_of,
            _ => at,
        };
        let copied = |of: Option<usize>| of.and_then(|of| self.nodes.get(of)).copied().unwrap_or(0);
        Meant {
            partition_of,
            order_of,
            offsets_of: at,
            frame: window.frame_options,
            ordered: own_order || base.is_some_and(|base| base.ordered),
            nodes: copied(partition_of) + copied(order_of),
        }
    }

    fn meant(&self, over: &pb::WindowDef) -> Meant {
        match self
            .places
            .get(&over.name)
            .and_then(|at| self.meant.get(*at))
        {
            Some(meant) if !over.name.is_empty() => {
                let whole = meant
                    .partition_of
                    .into_iter()
                    .chain(meant.order_of)
                    .filter_map(|of| self.nodes.get(of));
                Meant {
                    nodes: whole.sum(),
                    ..*meant
                }
            }
            _ => self.upon(self.places.get(&over.refname).copied(), over, None),
        }
    }

    fn defined(&self, at: Option<usize>) -> Option<&pb::WindowDef> {
        at.and_then(|at| self.defined.get(at))
    }

    fn order<'a>(&'a self, over: &'a pb::WindowDef, meant: &Meant) -> &'a [Node] {
        self.defined(meant.order_of)
            .map_or(&over.order_clause, |of| &of.order_clause)
    }

    /// Whether the client's own order holds every key, so that there are no peers.
    fn covered(&self, over: &pb::WindowDef, meant: &Meant, keys: &[Node]) -> bool {
        let order = self.order(over, meant);
        let holds = |key: &Node| {
            order.iter().any(|sort| match sort.node.as_ref() {
                Some(NodeEnum::SortBy(by)) => {
                    by.node.as_deref().is_some_and(|one| same_key(one, key))
                }
                _ => false,
            })
        };
        order.len() * keys.len() <= MAX_KEY_COMPARISONS
            && !keys.is_empty()
            && keys.iter().all(holds)
    }

    /// A window without names.
    fn written_out(&self, mut over: pb::WindowDef, meant: &Meant) -> pb::WindowDef {
        over.name.clear();
        over.refname.clear();
        if let Some(of) = self.defined(meant.partition_of) {
            over.partition_clause.clone_from(&of.partition_clause);
        }
        if let Some(of) = self.defined(meant.order_of) {
            over.order_clause.clone_from(&of.order_clause);
        }
        if let Some(of) = self.defined(meant.offsets_of) {
            over.start_offset.clone_from(&of.start_offset);
            over.end_offset.clone_from(&of.end_offset);
        }
        over
    }
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
