//! Groups: whether they stand on a floor of distinct subjects, and each aggregate's own.

use pg_query::NodeEnum;
use pg_query::protobuf as pb;
use pg_query::protobuf::Node;
use portcullis_contract::Refusal;

use super::Reader;
use super::expression::Clause;
use super::scope::{Scope, TapId};
use super::trace::{above_floor, none_or_above_floor};
use crate::lists::functions::{self, FunctionClass};
use crate::node::{and, case_when, children, node, not_null, not_true, text_of, texts_of};
use crate::rules::{self, Denial, Rule};

/// What a query's groups are.
#[derive(Clone, Debug)]
pub(crate) enum Grouping {
    /// Row by row.
    None,
    /// Groups of what is nobody's: constants, catalog, groups already on a floor.
    Free,
    /// Groups of the owner's rows that are about no subject.
    Plain,
    /// Each group is about one subject, the one of these taps (or an enclosing query's): row-level.
    PerSubject(Vec<TapId>),
    /// Each group and each aggregate stands on a floor of distinct subjects, for each of these taps.
    Floor(Vec<TapId>),
}

pub(crate) fn has_aggregate(tree: &mut Node) -> bool {
    any(tree, &mut |call| {
        call.over.is_none()
            && call.funcname.last().and_then(text_of).is_some_and(|name| {
                call.agg_within_group
                    || call.agg_star
                    || matches!(
                        functions::classify(name),
                        FunctionClass::Aggregate | FunctionClass::Extreme | FunctionClass::Packing
                    )
            })
    })
}

pub(crate) fn has_window(tree: &mut Node) -> bool {
    any(tree, &mut |call| call.over.is_some())
}

/// Whether a call of this level (not of a sub-query) satisfies the test.
fn any(tree: &mut Node, test: &mut dyn FnMut(&pb::FuncCall) -> bool) -> bool {
    match tree.node.as_ref() {
        Some(NodeEnum::FuncCall(call)) if test(call) => return true,
        // GROUPING(…) stands in grouped queries alone.
        Some(NodeEnum::GroupingFunc(_)) => return true,
        Some(NodeEnum::SelectStmt(_)) => return false,
        _ => {}
    }
    let mut found = false;
    children(tree, &mut |child| found = found || any(child, test));
    found
}

impl Reader<'_> {
    pub(super) fn grouping(
        &self,
        select: &mut pb::SelectStmt,
        scope: &Scope<'_>,
        keys: &[TapId],
    ) -> Grouping {
        let mut grouped = !select.group_clause.is_empty() || select.having_clause.is_some();
        for entry in select
            .target_list
            .iter_mut()
            .chain(&mut select.sort_clause)
            .chain(&mut select.distinct_clause)
        {
            grouped = grouped || has_aggregate(entry);
        }
        if !grouped {
            return Grouping::None;
        }
        let taps = scope.own_taps();
        if taps.is_empty() {
            return if scope.items.iter().any(|item| item.rows) {
                Grouping::Plain
            } else {
                Grouping::Free
            };
        }
        let outer: Vec<TapId> = taps
            .iter()
            .copied()
            .filter(|t| scope.reach(*t).iter().any(|r| r.level < scope.level))
            .collect();
        let keyed = taps
            .iter()
            .all(|t| outer.contains(t) || scope.reach(*t).iter().any(|r| keys.contains(r)));
        if keyed {
            let mut used: Vec<TapId> = keys
                .iter()
                .copied()
                .filter(|k| k.level == scope.level && !outer.contains(k))
                .collect();
            used.sort_unstable();
            used.dedup();
            return Grouping::PerSubject(used);
        }
        Grouping::Floor(taps.into_iter().filter(|t| !outer.contains(t)).collect())
    }

    /// An expression of a query that may be grouped: aggregates are allowed, and put on their floor.
    pub(super) fn grouped_expression(
        &mut self,
        value: &mut Node,
        scope: &Scope<'_>,
        clause: Clause,
        grouping: &Grouping,
    ) -> Result<(), Refusal> {
        self.walk_expression(value, scope, clause, Some(grouping))
    }

    /// An aggregate call that is not a window function.
    pub(super) fn aggregate(
        &mut self,
        value: &mut Node,
        class: FunctionClass,
        scope: &Scope<'_>,
        clause: Clause,
        grouping: Option<&Grouping>,
    ) -> Result<(), Refusal> {
        let Some(grouping) = grouping else {
            return self
                .deny(
                    &rules::AGGREGATE_PLACE,
                    format!("aggregate functions are not allowed in {}", clause.name()),
                )
                .hint("conditions on groups stand in HAVING, or around the query as a sub-query")
                .stands();
        };
        let Some(NodeEnum::FuncCall(call)) = value.node.as_mut() else {
            return Ok(());
        };
        let name = call
            .funcname
            .last()
            .and_then(text_of)
            .unwrap_or_default()
            .to_owned();
        let owner_rows = scope.items.iter().any(|item| item.rows);
        if owner_rows && class == FunctionClass::Packing {
            self.packs(&rules::PACKING, &name).stands()?;
        }
        if class == FunctionClass::Extreme && matches!(grouping, Grouping::Floor(_)) {
            self.deny(
                &rules::EXTREME,
                format!("`{name}` shows the value of a single subject"),
            )
            .hint("use `avg` or `count`, or look the row up: `ORDER BY … LIMIT 1`")
            .stands()?;
        }
        if !self.own_level(call, scope) {
            self.deny(
                &rules::AGGREGATE_LEVEL,
                format!("`{name}` over columns of the enclosing query alone is not passed"),
            )
            .hint("aggregate in the query that the columns belong to")
            .stands()?;
        }
        if matches!(grouping, Grouping::Floor(_)) && self.floor > 1 && name == "sum" {
            without_zero(call);
        }
        let floor = match grouping {
            Grouping::Floor(taps) => Some(self.aggregate_floor(call, &name, scope, taps)?),
            _ => None,
        };
        let floored = floor.is_some();
        let filtered = call.agg_filter.is_some()
            || floor
                .as_ref()
                .is_some_and(|f| f.as_ref().is_some_and(|f| f.extra.is_some()));
        if filtered && !matches!(grouping, Grouping::None | Grouping::Free) {
            // A figure over its own rows is as good as a statement of its own.
            self.figures = self.figures.saturating_add(1);
        }
        for arg in &mut call.args {
            self.walk_expression(arg, scope, Clause::Aggregate, None)?;
        }
        self.sorts(&mut call.agg_order, scope, Clause::Aggregate, None)?;
        if let Some(filter) = call.agg_filter.as_mut() {
            self.walk_expression(filter, scope, Clause::Aggregate, None)?;
        }
        if floored {
            self.move_arguments(call);
        }
        if let Some(condition) = floor.flatten() {
            self.wrap(value, scope, &condition)?;
        }
        Ok(())
    }

    /// `None`: the group's own floor is enough. Else the taps to count and the filter's extra part (read later).
    fn aggregate_floor(
        &mut self,
        call: &pb::FuncCall,
        name: &str,
        scope: &Scope<'_>,
        taps: &[TapId],
    ) -> Result<Option<AggregateFloor>, Refusal> {
        if call.agg_within_group || !call.agg_order.is_empty() {
            self.deny(
                &rules::AGGREGATE_ORDER,
                format!("`{name}` with an order is not passed under a floor"),
            )
            .hint("leave out ORDER BY inside the aggregate")
            .stands()?;
        }
        if let Some(filter) = call.agg_filter.as_deref() {
            self.check_filter_picks(filter, scope)?;
        }
        let level = self.groups.last();
        // Without GROUP BY there is no HAVING that could hold the floor: the row is always there.
        let whole = level.is_some_and(|level| level.whole);
        let partitioned = level.is_some_and(|level| level.partition.is_some());
        if call.agg_star {
            return Ok(
                (whole || call.agg_filter.is_some()).then(|| AggregateFloor {
                    taps: taps.to_vec(),
                    extra: None,
                }),
            );
        }
        let mut extra = None;
        if name != "count" || call.agg_distinct || partitioned {
            match call.args.as_slice() {
                [single] => extra = self.summed(single, call, name, scope)?,
                several => {
                    for arg in several {
                        if self.summed(arg, call, name, scope)?.is_some() {
                            self.not_plain(arg, name).stands()?;
                        }
                    }
                }
            }
        }
        self.check_figure(call, name, scope, extra.as_ref())?;
        if let Some(extra) = &extra {
            self.check_filter_picks(extra, scope)?;
        }
        if name == "count" && !call.agg_distinct {
            // `count(nullif(id, 7))` is a condition, too.
            for arg in call
                .args
                .iter()
                .filter(|arg| !matches!(arg.node, Some(NodeEnum::ColumnRef(_))))
            {
                self.check_filter_picks(arg, scope)?;
            }
        }
        Ok(Some(AggregateFloor {
            taps: taps.to_vec(),
            extra,
        }))
    }

    /// An argument under a floor must be a plain value of each row: `sum(CASE WHEN id = 5 THEN salary
    /// ELSE 0 END)` would show one subject through a large group. A CASE with nothing or zero for ELSE
    /// is read as what it is, a filter.
    fn summed(
        &mut self,
        arg: &Node,
        call: &pb::FuncCall,
        name: &str,
        scope: &Scope<'_>,
    ) -> Result<Option<Node>, Refusal> {
        // How large a constant is was looked at.
        self.literal_read |= holds_number(&mut arg.clone());
        let plain = |value: &Node| self.may_sum(value, name, call.agg_distinct, scope);
        if plain(arg) {
            return Ok(None);
        }
        if let Some((condition, result)) = filter_case(arg)
            && plain(result)
        {
            return Ok(Some(condition.clone()));
        }
        if let Some(value) = or_zero(arg)
            && rules::AGGREGATE_OR_ZERO.stands()
            && plain(value)
        {
            return Ok(Some(not_null(value.clone())));
        }
        if name != "count" && self.names_key(&mut arg.clone(), scope) {
            self.key_summed(arg, name).stands()?;
        }
        self.not_plain(arg, name).or(|| None)
    }

    fn packs(&self, rule: &'static Rule, name: &str) -> Denial {
        self.deny(rule, format!("`{name}` packs rows into one value"))
            .hint("select the rows themselves: each is then traced and counted")
    }

    fn not_plain(&self, arg: &Node, name: &str) -> Denial {
        self.deny(&rules::AGGREGATE_ARGUMENT, format!("`{name}` takes a plain column here"))
            .hint(format!("use `{name}(column) FILTER (WHERE condition)`, or compute from the aggregates: `{name}(a) * 2`; of two columns `a + b`, `a - b` and `a * b` pass, with constants up to 1e9 (as decimals, `1000.0`, beside integers; none added to a float), and of a date `extract(year FROM a)` by itself"))
            .at(self.position_of(arg))
    }

    fn key_summed(&self, arg: &Node, name: &str) -> Denial {
        self.deny(
            &rules::AGGREGATE_KEY,
            format!("`{name}` over a subject or a unique key would tell whose value is whose"),
        )
        .hint("`count(key)` and `count(DISTINCT key)` pass; sum what is measured, not what it is filed under")
        .at(self.position_of(arg))
    }

    /// `CASE WHEN count(DISTINCT subject) FILTER (…) >= floor THEN aggregate END`.
    fn wrap(
        &mut self,
        value: &mut Node,
        scope: &Scope<'_>,
        floor: &AggregateFloor,
    ) -> Result<(), Refusal> {
        // No floor: nothing is withheld, and the count of nothing is 0.
        if self.floor <= 1 || !rules::AGGREGATE_FLOOR.stands() {
            return Ok(());
        }
        let Some(NodeEnum::FuncCall(call)) = value.node.as_ref() else {
            return Ok(());
        };
        let mut filter = call.agg_filter.as_ref().map(|f| (**f).clone());
        let partitioned = self
            .groups
            .last()
            .is_some_and(|level| level.partition.is_some());
        if let Some(extra) = &floor.extra {
            // Read again: the extra part was taken before its names were resolved.
            let mut extra = extra.clone();
            self.walk_expression(&mut extra, scope, Clause::Aggregate, None)?;
            filter = Some(and(filter, extra));
        }
        // Pieces have no complement that is too small.
        let mut chosen = filter.clone().filter(|_| !partitioned);
        for arg in &call.args {
            if !matches!(arg.node, Some(NodeEnum::AConst(_))) {
                // What is no row's plain value is a condition in disguise: `count(nullif(ward, 'A'))`.
                let plain = self.is_simple(arg, scope, &Grouping::None);
                if !partitioned && !plain && floor.extra.is_none() {
                    chosen = Some(and(chosen, not_null(arg.clone())));
                }
                filter = Some(and(filter, not_null(arg.clone())));
            }
        }
        // Each subject's floor repeats the filter: a short text must not grow into a huge one.
        let mut repeated: Vec<Node> = filter.iter().chain(&chosen).cloned().collect();
        let nodes = super::order::weigh(&mut repeated);
        self.spend(nodes.saturating_mul(2 * floor.taps.len()))?;
        let mut condition = None;
        for id in &floor.taps {
            if let Some(subject) = self.floor_expression(scope, *id) {
                condition = Some(and(
                    condition,
                    above_floor(subject.clone(), self.floor, filter.clone()),
                ));
                if let Some(chosen) = chosen.clone() {
                    // What a filter leaves out can be had as a difference.
                    condition = Some(and(
                        condition,
                        none_or_above_floor(subject, self.floor, not_true(chosen)),
                    ));
                }
            }
        }
        if let Some(condition) = condition {
            let aggregate = std::mem::replace(value, node(NodeEnum::AStar(pb::AStar {})));
            *value = case_when(condition, aggregate);
        }
        Ok(())
    }

    /// PostgreSQL evaluates an aggregate in the innermost query that its columns belong to.
    fn own_level(&self, call: &pb::FuncCall, scope: &Scope<'_>) -> bool {
        let (mut own, mut outer) = (false, false);
        for arg in call
            .args
            .iter()
            .chain(&call.agg_order)
            .chain(call.agg_filter.as_deref())
        {
            let mut copy = arg.clone();
            self.levels(&mut copy, scope, &mut own, &mut outer);
        }
        own || !outer
    }

    fn levels(&self, tree: &mut Node, scope: &Scope<'_>, own: &mut bool, outer: &mut bool) {
        if let Some(NodeEnum::ColumnRef(reference)) = tree.node.as_ref()
            && let Some(found) =
                texts_of(&reference.fields).and_then(|names| self.find_column(scope, &names))
        {
            if found.level == scope.level {
                *own = true;
            } else {
                *outer = *outer || shows_rows(scope, &found);
            }
        }
        children(tree, &mut |child| self.levels(child, scope, own, outer));
    }

    /// Whether an expression is a row's own plain value: a column, a cast or simple arithmetic.
    pub(super) fn is_simple(&self, value: &Node, scope: &Scope<'_>, grouping: &Grouping) -> bool {
        self.measure(value, scope, grouping).is_some()
    }

    /// A function with OVER.
    pub(super) fn window(
        &mut self,
        value: &mut Node,
        class: FunctionClass,
        scope: &Scope<'_>,
        clause: Clause,
        grouping: Option<&Grouping>,
    ) -> Result<(), Refusal> {
        let Some(grouping) =
            grouping.filter(|_| matches!(clause, Clause::Target | Clause::OrderBy))
        else {
            return self
                .deny(
                    &rules::WINDOW_PLACE,
                    format!("window functions are not allowed in {}", clause.name()),
                )
                .hint("put the query into a sub-query, and use its column")
                .stands();
        };
        let Some(NodeEnum::FuncCall(call)) = value.node.as_mut() else {
            return Ok(());
        };
        let name = call
            .funcname
            .last()
            .and_then(text_of)
            .unwrap_or_default()
            .to_owned();
        let owner_rows = scope.items.iter().any(|item| item.rows);
        if owner_rows && class == FunctionClass::Packing {
            self.packs(&rules::PACKING_WINDOW, &name).stands()?;
        }
        let row_level = matches!(grouping, Grouping::None | Grouping::PerSubject(_));
        // How many rows there are is what `row_number()` of the last one tells, too.
        let counts_rows = name == "count"
            && call.agg_star
            && call.agg_filter.is_none()
            && call.over.as_deref().is_some_and(is_whole_result)
            && rules::WINDOW_COUNT.stands();
        let shows_values = class != FunctionClass::Ranking && !counts_rows;
        if row_level && shows_values && !self.window_is_per_subject(call, scope, grouping) {
            self.deny(
                &rules::WINDOW_SUBJECT,
                format!("`{name}` over a window shows other subjects' values in a row"),
            )
            .hint("add the subject column to PARTITION BY, use GROUP BY, or a ranking function such as `row_number()`")
            .stands()?;
        }
        let inner = match grouping {
            Grouping::None => None,
            _ => Some(grouping),
        };
        for arg in &mut call.args {
            self.walk_expression(arg, scope, Clause::Window, inner)?;
        }
        self.sorts(&mut call.agg_order, scope, Clause::Window, inner)?;
        if let Some(filter) = call.agg_filter.as_mut() {
            self.walk_expression(filter, scope, Clause::Window, inner)?;
        }
        if let Some(mut over) = call.over.take() {
            let read = self.window_definition(&mut over, scope, inner);
            call.over = Some(over);
            read?;
        }
        Ok(())
    }

    fn window_is_per_subject(
        &self,
        call: &pb::FuncCall,
        scope: &Scope<'_>,
        grouping: &Grouping,
    ) -> bool {
        let mut taps = match grouping {
            Grouping::PerSubject(keys) => keys.clone(),
            _ => scope.own_taps(),
        };
        taps.retain(|t| !scope.reach(*t).iter().any(|r| r.level < scope.level));
        if taps.is_empty() {
            return true;
        }
        let Some(over) = call.over.as_deref() else {
            return false;
        };
        let keys: Vec<TapId> = self
            .partition_of(over)
            .iter()
            .filter_map(|n| self.subject_reference(scope, n))
            .collect();
        // Rows without a subject share a partition: only a key that is never NULL keeps them apart.
        taps.iter().all(|t| {
            scope
                .reach(*t)
                .iter()
                .any(|r| keys.contains(r) && self.never_null(scope, *r))
        })
    }

    /// What a window is partitioned by; a named one by its definition.
    fn partition_of(&self, window: &pb::WindowDef) -> Vec<Node> {
        let mut window = window;
        let named = self.windows.last().map(Vec::as_slice).unwrap_or_default();
        for _ in 0..=named.len() {
            if !window.partition_clause.is_empty() {
                return window.partition_clause.clone();
            }
            let of = if window.refname.is_empty() {
                &window.name
            } else {
                &window.refname
            };
            match named.iter().find(|n| n.name == *of && !of.is_empty()) {
                Some(found) if !std::ptr::eq(found, window) => window = found,
                _ => break,
            }
        }
        Vec::new()
    }

    fn never_null(&self, scope: &Scope<'_>, id: TapId) -> bool {
        let Some(tap) = scope.tap(id) else {
            return false;
        };
        let Some(table) = self.surface.tables.get(tap.table) else {
            return false;
        };
        let Some(subject) = &table.subject else {
            return false;
        };
        table.columns.iter().any(|c| {
            c.not_null && (c.name == subject.column || subject.shown.as_ref() == Some(&c.name))
        })
    }

    pub(super) fn windows_clause(
        &mut self,
        select: &mut pb::SelectStmt,
        scope: &Scope<'_>,
        grouping: &Grouping,
    ) -> Result<(), Refusal> {
        let inner = match grouping {
            Grouping::None => None,
            _ => Some(grouping),
        };
        for entry in &mut select.window_clause {
            let Some(NodeEnum::WindowDef(window)) = entry.node.as_mut() else {
                self.odd("this WINDOW").stands()?;
                continue;
            };
            self.window_definition(window, scope, inner)?;
        }
        Ok(())
    }

    fn sorts(
        &mut self,
        sorts: &mut [Node],
        scope: &Scope<'_>,
        clause: Clause,
        grouping: Option<&Grouping>,
    ) -> Result<(), Refusal> {
        for sort in sorts {
            let Some(NodeEnum::SortBy(by)) = sort.node.as_mut() else {
                self.odd("this ORDER BY").stands()?;
                continue;
            };
            self.sort_operator(by)?;
            if let Some(value) = by.node.as_mut() {
                self.walk_expression(value, scope, clause, grouping)?;
            }
        }
        Ok(())
    }

    fn window_definition(
        &mut self,
        window: &mut pb::WindowDef,
        scope: &Scope<'_>,
        grouping: Option<&Grouping>,
    ) -> Result<(), Refusal> {
        window.location = 0;
        for value in &mut window.partition_clause {
            self.walk_expression(value, scope, Clause::Window, grouping)?;
        }
        self.sorts(&mut window.order_clause, scope, Clause::Window, grouping)?;
        for bound in [&mut window.start_offset, &mut window.end_offset]
            .into_iter()
            .flatten()
        {
            self.walk_expression(bound, scope, Clause::Limit, None)?;
        }
        Ok(())
    }
}

/// Whether a name stands for something of the owner's rows.
fn shows_rows(scope: &Scope<'_>, found: &super::scope::Found) -> bool {
    let super::scope::Source::Column(item, _) = found.source else {
        return true;
    };
    let item = scope.at_level(found.level).and_then(|s| s.item(item));
    item.is_none_or(|i| i.rows || !i.taps.is_empty())
}

/// What an aggregate's own floor counts.
struct AggregateFloor {
    taps: Vec<TapId>,
    /// A condition inside the argument that works as a filter.
    extra: Option<Node>,
}

/// `OVER ()`: all rows of the result alike.
fn is_whole_result(window: &pb::WindowDef) -> bool {
    window.name.is_empty()
        && window.refname.is_empty()
        && window.partition_clause.is_empty()
        && window.order_clause.is_empty()
}

/// `coalesce(x, 0)`: those who have no x add nothing.
fn or_zero(arg: &Node) -> Option<&Node> {
    let NodeEnum::CoalesceExpr(expr) = arg.node.as_ref()? else {
        return None;
    };
    let [value, otherwise] = expr.args.as_slice() else {
        return None;
    };
    match otherwise.node.as_ref()? {
        NodeEnum::AConst(constant) => match &constant.val {
            Some(pb::a_const::Val::Ival(number)) if number.ival == 0 => Some(value),
            _ => None,
        },
        _ => None,
    }
}

/// Above a floor `sum(coalesce(x, 0))` is `sum(x)`: somebody has one, and a zero adds nothing.
fn without_zero(call: &mut pb::FuncCall) {
    if !rules::AGGREGATE_OR_ZERO.stands() {
        return;
    }
    if let [arg] = call.args.as_mut_slice()
        && let Some(value) = or_zero(arg).cloned()
    {
        *arg = value;
    }
}

/// `CASE WHEN condition THEN result [ELSE NULL | ELSE 0] END`.
fn filter_case(arg: &Node) -> Option<(&Node, &Node)> {
    let NodeEnum::CaseExpr(case) = arg.node.as_ref()? else {
        return None;
    };
    if case.arg.is_some() {
        return None;
    }
    let [only] = case.args.as_slice() else {
        return None;
    };
    let NodeEnum::CaseWhen(when) = only.node.as_ref()? else {
        return None;
    };
    let harmless = match case.defresult.as_deref().map(|n| &n.node) {
        None => true,
        Some(Some(NodeEnum::AConst(c))) => {
            c.isnull || matches!(&c.val, Some(pb::a_const::Val::Ival(i)) if i.ival == 0)
        }
        Some(_) => false,
    };
    if harmless {
        Some((when.expr.as_deref()?, when.result.as_deref()?))
    } else {
        None
    }
}

fn holds_number(tree: &mut Node) -> bool {
    let mut found = matches!(tree.node, Some(NodeEnum::AConst(_)));
    children(tree, &mut |child| found = found || holds_number(child));
    found
}
