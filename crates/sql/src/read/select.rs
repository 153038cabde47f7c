//! SELECT, VALUES and set operations: names, taps, groups.

use std::collections::BTreeSet;

use pg_query::NodeEnum;
use pg_query::protobuf as pb;
use pg_query::protobuf::Node;
use portcullis_contract::Refusal;

use super::aggregate::Grouping;
use super::expression::Clause;
use super::name::column_name;
use super::place::{offset, place_of, place_of_query, pointed};
use super::registered::Told;
use super::scope::{
    Cte, Item, ItemColumn, ItemKind, Keyed, Output, OutputTap, Scope, Source, TapId,
};
use super::trace::above_floor;
use super::{Frame, OWN_PREFIX, Reader};
use crate::limits;
use crate::lists::types;
use crate::node::{and, as_text, node, not_null, null_constant, target, text_of, texts_of};
use crate::rules;

/// Whether a query's rows must carry their taps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taps {
    /// Appended to the select list.
    Emit,
    /// A sub-query in an expression, whose columns are counted: the enclosing query must tap.
    Omit,
}

impl Reader<'_> {
    pub(crate) fn query(
        &mut self,
        select: &mut pb::SelectStmt,
        parent: Option<&Scope<'_>>,
        taps: Taps,
    ) -> Result<Output, Refusal> {
        self.deeper()?;
        // What is below is looked through again at every level above it.
        self.spend(self.frames.len())?;
        self.frames.push(Frame::default());
        // What has no place of its own stands where the query's list begins.
        let at = place_of_query(select);
        let output = self
            .query_here(select, parent, taps)
            .map_err(|refusal| pointed(refusal, at));
        if let Ok(output) = &output {
            self.note_first(select, output);
        }
        let frame = self.frames.pop().unwrap_or_default();
        self.mark_picked(frame.picked);
        self.mark_multiplied(frame.multiplied);
        self.depth -= 1;
        output
    }

    fn query_here(
        &mut self,
        select: &mut pb::SelectStmt,
        parent: Option<&Scope<'_>>,
        taps: Taps,
    ) -> Result<Output, Refusal> {
        if select.into_clause.is_some() {
            self.deny(&rules::SELECT_INTO, "`SELECT INTO` is not allowed")
                .hint("this gate changes no data; select without INTO, and keep the rows in the client")
                .stands()?;
        }
        if !select.locking_clause.is_empty() {
            self.deny(&rules::ROW_LOCKS, "row locks are not allowed")
                .hint("leave out `FOR UPDATE` and its like: reading needs no lock")
                .at(select.locking_clause.iter().find_map(place_of))
                .stands()?;
        }
        let mut scope = Scope::child(parent);
        if let Some(with) = select.with_clause.as_mut() {
            self.with_clause(with, &mut scope)?;
        }
        if select.op() != pb::SetOperation::SetopNone {
            return self.set_operation(select, &scope, taps);
        }
        if !select.values_lists.is_empty() {
            return self.values(select, &scope);
        }
        self.plain_select(select, scope, taps)
    }

    fn with_clause(
        &mut self,
        with: &mut pb::WithClause,
        scope: &mut Scope<'_>,
    ) -> Result<(), Refusal> {
        for entry in &mut with.ctes {
            let Some(NodeEnum::CommonTableExpr(cte)) = entry.node.as_mut() else {
                self.odd("this WITH").stands()?;
                continue;
            };
            let at = offset(cte.location);
            self.own_names_refused(&cte.aliascolnames)
                .map_err(|refusal| pointed(refusal, at))?;
            if cte.search_clause.is_some() || cte.cycle_clause.is_some() {
                self.deny(&rules::SEARCH_CYCLE, "`SEARCH` and `CYCLE` are not passed")
                    .hint("carry the path in an array of your own, and stop with `<> ALL (path)`")
                    .at(at)
                    .stands()?;
            }
            let names: Vec<String> = texts_of(&cte.aliascolnames)
                .unwrap_or_default()
                .into_iter()
                .map(str::to_owned)
                .collect();
            let cte_name = cte.ctename.clone();
            if crate::lists::catalog::columns(&format!("pg_catalog.{cte_name}")).is_some() {
                self.deny(
                    &rules::WITH_NAME,
                    format!("`{cte_name}` is the name of a catalog relation"),
                )
                .hint("give the WITH query another name")
                .at(at)
                .stands()?;
            }
            if cte_name.starts_with(OWN_PREFIX) {
                self.own_names_refused(&[crate::node::string(&cte_name)])
                    .map_err(|refusal| pointed(refusal, at))?;
            }
            let Some(NodeEnum::SelectStmt(query)) =
                cte.ctequery.as_mut().and_then(|n| n.node.as_mut())
            else {
                self.deny(
                    &rules::WITH_READS,
                    "a WITH query that changes data is not allowed",
                )
                .hint("this gate changes no data; ask the owner to do it, with the statement in the ticket")
                .at(at)
                .stands()?;
                continue;
            };
            let recursive = with.recursive
                && query.op() == pb::SetOperation::SetopUnion
                && mentions(query, &cte_name);
            let mut output = self.told_as(Told::Name, |reader| match recursive {
                true => reader.recursive(query, &cte_name, &names, scope),
                false => reader.query(query, Some(scope), Taps::Emit),
            })?;
            if names.len() > output.columns.len() {
                self.deny(
                    &rules::COLUMN_NAMES_FIT,
                    format!(
                        "WITH query `{cte_name}` has {} columns available but {} columns specified",
                        output.columns.len(),
                        names.len()
                    ),
                )
                .hint("give at most as many names as there are columns")
                .at(at)
                .stands()?;
            }
            for (column, name) in output.columns.iter_mut().zip(names) {
                column.name = name;
            }
            if scope.ctes.iter().any(|c| c.name == cte_name) {
                self.deny(
                    &rules::WITH_NAME_ONCE,
                    format!("WITH query name `{cte_name}` specified more than once"),
                )
                .hint("give one of them another name")
                .at(at)
                .stands()?;
            }
            scope.ctes.push(Cte {
                name: cte_name,
                output,
            });
        }
        Ok(())
    }

    /// A recursive query may walk the catalog and constants, not the owner's rows: a tap through
    /// recursion would have to name every row on the way.
    fn recursive(
        &mut self,
        query: &mut pb::SelectStmt,
        name: &str,
        names: &[String],
        scope: &Scope<'_>,
    ) -> Result<Output, Refusal> {
        let mut inner = Scope::child(Some(scope));
        if let Some(with) = query.with_clause.as_mut() {
            self.with_clause(with, &mut inner)?;
        }
        let (Some(left), Some(right)) = (query.larg.as_mut(), query.rarg.as_mut()) else {
            return self.odd("this recursive query").or(Output::default);
        };
        let tables_before = self.tables.len();
        let mut output = self.query(left, Some(&inner), Taps::Omit)?;
        let mut own = output.clone();
        for (column, given) in own.columns.iter_mut().zip(names) {
            column.name.clone_from(given);
        }
        inner.ctes.push(Cte {
            name: name.to_owned(),
            output: own,
        });
        let stepped = self.query(right, Some(&inner), Taps::Omit)?;
        if self.tables.len() != tables_before
            || output.rows
            || stepped.rows
            || !output.taps.is_empty()
            || !stepped.taps.is_empty()
        {
            self.deny(
                &rules::RECURSION,
                "a recursive query over tables in scope cannot be traced to its subjects",
            )
            .hint("use joins, one for each step; series of numbers or dates come from `generate_series`")
            .stands()?;
        }
        if !query.sort_clause.is_empty()
            || query.limit_count.is_some()
            || query.limit_offset.is_some()
        {
            self.limits(query, scope)?;
            self.output_order(&mut query.sort_clause, &output)?;
        }
        for column in &mut output.columns {
            column.simple = false;
        }
        Ok(output)
    }

    fn values(
        &mut self,
        select: &mut pb::SelectStmt,
        scope: &Scope<'_>,
    ) -> Result<Output, Refusal> {
        let mut width = 0;
        let mut keyed = BTreeSet::new();
        for row in &mut select.values_lists {
            let Some(NodeEnum::List(list)) = row.node.as_mut() else {
                return self.odd("this VALUES").or(Output::default);
            };
            width = list.items.len();
            for (position, value) in list.items.iter_mut().enumerate() {
                self.expression(value, scope, Clause::Target)?;
                if self.key_of(value, scope) != Keyed::No && rules::PICKED_COMPUTED.stands() {
                    keyed.insert(position + 1);
                }
            }
        }
        let mut output = Output::default();
        for position in 1..=width {
            let mut column = ItemColumn::named(format!("column{position}"));
            if keyed.contains(&position) {
                column.keyed = Keyed::Made;
            }
            output.columns.push(column);
        }
        self.limits(select, scope)?;
        self.output_order(&mut select.sort_clause, &output)?;
        let frame = self.frames.last().copied().unwrap_or_default();
        output.rows = frame.rows;
        output.groups = frame.groups;
        Ok(output)
    }

    fn limits(&mut self, select: &mut pb::SelectStmt, scope: &Scope<'_>) -> Result<(), Refusal> {
        for bound in [&mut select.limit_count, &mut select.limit_offset]
            .into_iter()
            .flatten()
        {
            self.expression(bound, scope, Clause::Limit)?;
        }
        Ok(())
    }

    /// ORDER BY of a set operation or VALUES: output names and positions alone.
    fn output_order(&mut self, sorts: &mut [Node], output: &Output) -> Result<(), Refusal> {
        for sort in sorts {
            let Some(NodeEnum::SortBy(by)) = sort.node.as_mut() else {
                self.odd("this ORDER BY").stands()?;
                continue;
            };
            self.sort_operator(by)?;
            let fine = match by.node.as_deref().and_then(|n| n.node.as_ref()) {
                Some(NodeEnum::ColumnRef(c)) => {
                    matches!(texts_of(&c.fields).as_deref(), Some([name]) if output.columns.iter().any(|o| o.name == *name))
                }
                Some(NodeEnum::AConst(c)) => {
                    matches!(&c.val, Some(pb::a_const::Val::Ival(i)) if usize::try_from(i.ival).is_ok_and(|n| n >= 1 && n <= output.columns.len()))
                }
                _ => false,
            };
            if !fine {
                self.deny(
                    &rules::OUTPUT_ORDER,
                    "ORDER BY of a set operation takes output names and positions only",
                )
                .hint("put the set operation into a sub-query, and order that")
                .at(place_of(sort))
                .stands()?;
            }
        }
        Ok(())
    }

    pub(super) fn sort_operator(&self, by: &pb::SortBy) -> Result<(), Refusal> {
        if by.use_op.is_empty() {
            return Ok(());
        }
        self.operator(&by.use_op)
    }

    fn plain_select(
        &mut self,
        select: &mut pb::SelectStmt,
        mut scope: Scope<'_>,
        taps: Taps,
    ) -> Result<Output, Refusal> {
        self.read_from(&mut select.from_clause, &mut scope)?;
        if let Some(condition) = select.where_clause.as_mut() {
            self.learn(&mut scope, condition, None);
            self.expression(condition, &scope, Clause::Where)?;
        }
        self.spread_keys(select, &mut scope);
        self.note_picked(select, &scope);
        let mut columns = self.expand_targets(select, &scope)?;
        self.distinct_as_groups(select, &scope, taps);
        let keys = self.group_keys(select, &scope)?;
        let grouping = self.grouping(select, &scope, &keys);
        self.target_columns(select, &scope, &mut columns, &grouping);
        self.outer_rows(&scope, &grouping)?;
        self.note_multiplied(select, &scope, &grouping);
        let level = self.group_level(select, &scope, &columns, &grouping)?;
        self.check_picked(select, &scope, &grouping)?;
        self.groups.push(level);
        self.windows.push(named_windows(select));
        let read = self
            .windows_clause(select, &scope, &grouping)
            .and_then(|()| self.select_expressions(select, &scope, &columns, &grouping));
        self.windows.pop();
        let level = self.groups.pop().unwrap_or_default();
        read?;
        self.check_figures_picked(&grouping)?;
        self.check_correlated(select, &scope, &grouping)?;
        self.check_multiplied(&grouping)?;
        self.complete_groups(select, &scope);
        self.limits(select, &scope)?;
        let mut output = self.output(&scope, columns, &grouping);
        self.apply_grouping(select, &scope, &grouping);
        if let Some(totals) = level.totals {
            self.place_totals(select, totals)?;
        }
        if let Some(partition) = level.partition {
            self.place_partition(select, partition)?;
        }
        self.trace_distinct(select, &scope, &output, &grouping, taps)?;
        if taps == Taps::Emit {
            self.emit(select, &scope, &mut output, &grouping)?;
        } else {
            self.describe_omitted(select, &scope, &mut output, &grouping);
        }
        self.settle_order(select, &scope, &mut output, &grouping)?;
        Ok(output)
    }

    /// `*` becomes the columns that the contract shows; every output gets the name it would have had.
    fn expand_targets(
        &mut self,
        select: &mut pb::SelectStmt,
        scope: &Scope<'_>,
    ) -> Result<Vec<ItemColumn>, Refusal> {
        let mut expanded = Vec::new();
        let mut columns = Vec::new();
        for entry in std::mem::take(&mut select.target_list) {
            let Some(NodeEnum::ResTarget(mut one)) = entry.node else {
                self.odd("this output").stands()?;
                continue;
            };
            if !one.indirection.is_empty() {
                self.odd("this output").stands()?;
                continue;
            }
            let Some(value) = one.val.as_mut() else {
                self.odd("this output").stands()?;
                continue;
            };
            if columns.len() > limits::MAX_COLUMNS {
                break;
            }
            if let Some(sources) = self.star(value, scope)?
                && rules::STAR.stands()
            {
                for (level, name, source) in sources {
                    let Some(reference) = scope.at_level(level).and_then(|s| s.reference(&source))
                    else {
                        self.unknown_column(&name, scope).stands()?;
                        continue;
                    };
                    self.note_source_at(scope, level, &source);
                    expanded.push(target(&name, reference));
                    columns.push(ItemColumn {
                        simple: true,
                        ..ItemColumn::named(name)
                    });
                }
                continue;
            }
            let name = if one.name.is_empty() {
                column_name(value)
            } else {
                one.name.clone()
            };
            if one.name.starts_with(OWN_PREFIX) {
                self.own_names_refused(&[crate::node::string(&one.name)])?;
            }
            columns.push(ItemColumn::named(name));
            expanded.push(node(NodeEnum::ResTarget(one)));
        }
        if columns.len() > limits::MAX_COLUMNS {
            let message = format!("more than {} columns in one result", limits::MAX_COLUMNS);
            self.deny(&rules::COLUMNS, message)
                .hint("name the columns that you need in place of `*`")
                .stands()?;
        }
        select.target_list = expanded;
        Ok(columns)
    }

    /// The columns that `*` or `x.*` stands for.
    #[expect(
        clippy::type_complexity,
        reason = "level, name and source of each column, read at once"
    )]
    fn star(
        &self,
        value: &Node,
        scope: &Scope<'_>,
    ) -> Result<Option<Vec<(usize, String, Source)>>, Refusal> {
        let Some(NodeEnum::ColumnRef(reference)) = value.node.as_ref() else {
            return Ok(None);
        };
        let Some((last, qualifier)) = reference.fields.split_last() else {
            return Ok(None);
        };
        if !matches!(last.node, Some(NodeEnum::AStar(_))) {
            return Ok(None);
        }
        let at = offset(reference.location);
        let names = texts_of(qualifier).map_or_else(|| self.odd("this `*`").or(Vec::new), Ok)?;
        let found = match names.as_slice() {
            [] => {
                if scope.names.items.is_empty() {
                    self.deny(
                        &rules::STAR_TABLES,
                        "SELECT * with no tables specified is not valid",
                    )
                    .hint("add FROM, or name what you want to see")
                    .at(at)
                    .stands()?;
                }
                return Ok(Some(
                    scope
                        .names
                        .columns
                        .iter()
                        .map(|v| (scope.level, v.name.clone(), v.source.clone()))
                        .collect(),
                ));
            }
            [table] => scope.find_item(None, table),
            [schema, table] => scope.find_item(Some(schema), table),
            [database, schema, table] if *database == self.session.database => {
                scope.find_item(Some(schema), table)
            }
            _ => None,
        };
        let Some((here, index)) = found else {
            let shown = names.join(".");
            return self.unknown_qualifier(&shown, scope).at(at).or(|| None);
        };
        let item = here.item(index);
        Ok(item.map(|item| {
            item.columns
                .iter()
                .enumerate()
                .map(|(i, c)| (here.level, c.name.clone(), Source::Column(index, i)))
                .collect()
        }))
    }

    /// What each output column says about subjects, before the expressions are turned.
    fn target_columns(
        &self,
        select: &pb::SelectStmt,
        scope: &Scope<'_>,
        columns: &mut [ItemColumn],
        grouping: &Grouping,
    ) {
        for (entry, column) in select.target_list.iter().zip(columns) {
            let Some(NodeEnum::ResTarget(one)) = entry.node.as_ref() else {
                continue;
            };
            let Some(value) = one.val.as_deref() else {
                continue;
            };
            let measured = self.measure(value, scope, grouping);
            column.simple = measured.is_some();
            column.measure = measured.unwrap_or_default();
            column.keyed = self.key_of(value, scope);
            column.registered = self.told_kind(value, scope);
            column.unordered = self.has_no_order(value, scope);
        }
    }

    /// Whether an expression is of a type that cannot be sorted, as far as it shows.
    fn has_no_order(&self, value: &Node, scope: &Scope<'_>) -> bool {
        match value.node.as_ref() {
            Some(NodeEnum::ColumnRef(reference)) => texts_of(&reference.fields)
                .and_then(|names| self.find_column(scope, &names))
                .and_then(|found| {
                    let mut source = &found.source;
                    while let Source::Either(left, _) = source {
                        source = left;
                    }
                    let Source::Column(item, column) = source else {
                        return None;
                    };
                    let item = scope.at_level(found.level)?.item(*item)?;
                    Some(item.columns.get(*column)?.unordered)
                })
                .unwrap_or(false),
            Some(NodeEnum::TypeCast(cast)) => cast
                .type_name
                .as_ref()
                .and_then(|name| name.names.last())
                .and_then(text_of)
                .is_some_and(types::has_no_order),
            Some(NodeEnum::FuncCall(call)) => {
                let name = call.funcname.last().and_then(text_of).unwrap_or_default();
                matches!(name, "to_json" | "row_to_json" | "array_to_json")
                    || [
                        "json_build_",
                        "json_object",
                        "json_extract_path",
                        "json_strip",
                    ]
                    .iter()
                    .any(|stem| name.starts_with(stem) && !name.ends_with("_text"))
                    || types::has_no_order(name)
            }
            Some(NodeEnum::CoalesceExpr(all)) => {
                all.args.iter().any(|arg| self.has_no_order(arg, scope))
            }
            _ => false,
        }
    }

    /// Some rows of a set operation are chosen by all its columns: each must have an order.
    fn check_order(&self, select: &pb::SelectStmt, output: &Output) -> Result<(), Refusal> {
        let bounds = select.limit_count.is_some() || select.limit_offset.is_some();
        match output.columns.iter().find(|column| column.unordered) {
            Some(column) if bounds => self
                .deny(
                    &rules::SETOP_UNORDERED,
                    format!("`{}` is of a type without an order, so LIMIT here would choose rows by chance", column.name),
                )
                .hint("put the set operation into a sub-query and limit that: `SELECT * FROM (… UNION ALL …) AS x LIMIT 5`, or cast the column (`::text`, `::jsonb`)")
                .at(select.limit_count.as_deref().or(select.limit_offset.as_deref()).and_then(place_of))
                .stands(),
            _ => Ok(()),
        }
    }

    fn select_expressions(
        &mut self,
        select: &mut pb::SelectStmt,
        scope: &Scope<'_>,
        columns: &[ItemColumn],
        grouping: &Grouping,
    ) -> Result<(), Refusal> {
        self.output_clauses(select, scope, columns)?;
        for (entry, column) in select.target_list.iter_mut().zip(columns) {
            let Some(NodeEnum::ResTarget(one)) = entry.node.as_mut() else {
                continue;
            };
            let Some(value) = one.val.as_mut() else {
                continue;
            };
            self.grouped_expression(value, scope, Clause::Target, grouping)?;
            one.location = 0;
            if one.name.is_empty() && column_name(value) != column.name {
                one.name.clone_from(&column.name);
            }
        }
        if let Some(having) = select.having_clause.as_mut() {
            self.grouped_expression(having, scope, Clause::Having, grouping)?;
        }
        let is_plain = select.distinct_clause.is_empty() && select.group_clause.is_empty();
        for sort in &mut select.sort_clause {
            let Some(NodeEnum::SortBy(by)) = sort.node.as_mut() else {
                self.odd("this ORDER BY").stands()?;
                continue;
            };
            self.sort_operator(by)?;
            if let Some(value) = by.node.as_mut()
                && !is_output(value, columns)
            {
                // The server sorts objects by their numbers.
                let told = match is_plain {
                    true => Told::Number,
                    false if select.distinct_clause.is_empty() => self.grouped_as(value, scope),
                    false => self.told,
                };
                self.told_as(told, |reader| {
                    reader.grouped_expression(value, scope, Clause::OrderBy, grouping)
                })?;
            }
        }
        for value in &mut select.distinct_clause {
            if value.node.is_some() && !is_output(value, columns) {
                self.grouped_expression(value, scope, Clause::OrderBy, grouping)?;
            }
        }
        Ok(())
    }

    /// ORDER BY and DISTINCT ON by position must mean the client's own columns.
    fn output_clauses(
        &self,
        select: &pb::SelectStmt,
        _scope: &Scope<'_>,
        columns: &[ItemColumn],
    ) -> Result<(), Refusal> {
        let sorts = select
            .sort_clause
            .iter()
            .filter_map(|n| match n.node.as_ref() {
                Some(NodeEnum::SortBy(by)) => by.node.as_deref(),
                _ => None,
            });
        for value in sorts.chain(&select.distinct_clause) {
            if let Some(position) = integer(value)
                && !usize::try_from(position).is_ok_and(|p| p >= 1 && p <= columns.len())
            {
                self.deny(
                    &rules::ORDER_POSITION,
                    format!("position {position} is not in select list"),
                )
                .hint(format!("the select list has {} columns", columns.len()))
                .at(place_of(value))
                .stands()?;
            }
        }
        Ok(())
    }

    /// Reads GROUP BY; says which taps' subjects the groups are keyed by.
    fn group_keys(
        &mut self,
        select: &mut pb::SelectStmt,
        scope: &Scope<'_>,
    ) -> Result<Vec<TapId>, Refusal> {
        let mut keys = Vec::new();
        let mut groups = std::mem::take(&mut select.group_clause);
        let sets = groups
            .iter()
            .any(|g| matches!(g.node, Some(NodeEnum::GroupingSet(_))));
        for group in &mut groups {
            self.group_item(group, select, scope, &mut keys)?;
        }
        if sets && rules::GROUP_SETS.stands() {
            keys.clear();
        }
        select.group_clause = groups;
        Ok(keys)
    }

    fn group_item(
        &mut self,
        group: &mut Node,
        select: &pb::SelectStmt,
        scope: &Scope<'_>,
        keys: &mut Vec<TapId>,
    ) -> Result<(), Refusal> {
        match group.node.as_mut() {
            Some(NodeEnum::GroupingSet(set)) => {
                for inner in &mut set.content {
                    self.group_item(inner, select, scope, keys)?;
                }
                set.location = 0;
                return Ok(());
            }
            Some(NodeEnum::RowExpr(row))
                if row.row_format == pb::CoercionForm::CoerceImplicitCast as i32 =>
            {
                for inner in &mut row.args {
                    self.group_item(inner, select, scope, keys)?;
                }
                row.location = 0;
                return Ok(());
            }
            _ => {}
        }
        let chosen = match self.group_position(group, select, scope)? {
            Some(position) => {
                let value = output_value(select, position);
                if value.is_some_and(has_window_or_aggregate) {
                    self.deny(
                        &rules::GROUP_PLAIN,
                        "aggregate and window functions are not allowed in GROUP BY",
                    )
                    .hint("group by columns, or aggregate in a sub-query and group around it")
                    .at(place_of(group))
                    .stands()?;
                }
                let subject = value.and_then(|v| self.subject_reference(scope, v));
                if rules::GROUP_POSITION.stands() {
                    *group = crate::node::integer_constant(position as u64 + 1);
                }
                subject
            }
            None => {
                let subject = self.subject_reference(scope, group);
                let told = self.grouped_as(group, scope);
                self.told_as(told, |reader| {
                    reader.expression(group, scope, Clause::GroupBy)
                })?;
                subject
            }
        };
        keys.extend(chosen);
        Ok(())
    }

    /// Position (from 0) of the output column that a GROUP BY item names by number or alias.
    fn group_position(
        &self,
        group: &Node,
        select: &pb::SelectStmt,
        scope: &Scope<'_>,
    ) -> Result<Option<usize>, Refusal> {
        if let Some(position) = integer(group) {
            return match usize::try_from(position) {
                Ok(p) if p >= 1 && p <= select.target_list.len() => Ok(Some(p - 1)),
                _ => self
                    .deny(
                        &rules::GROUP_POSITION_FITS,
                        format!("GROUP BY position {position} is not in select list"),
                    )
                    .hint(format!(
                        "the select list has {} columns",
                        select.target_list.len()
                    ))
                    .at(place_of(group))
                    .or(|| None),
            };
        }
        let Some(NodeEnum::ColumnRef(reference)) = group.node.as_ref() else {
            return Ok(None);
        };
        let [field] = reference.fields.as_slice() else {
            return Ok(None);
        };
        let Some(name) = text_of(field) else {
            return Ok(None);
        };
        if scope.has_own_column(name) {
            return Ok(None);
        }
        Ok(select
            .target_list
            .iter()
            .position(|entry| match entry.node.as_ref() {
                Some(NodeEnum::ResTarget(one)) if !one.name.is_empty() => one.name == name,
                Some(NodeEnum::ResTarget(one)) => {
                    one.val.as_deref().is_some_and(|v| column_name(v) == name)
                }
                _ => false,
            }))
    }

    fn output(
        &self,
        scope: &Scope<'_>,
        mut columns: Vec<ItemColumn>,
        grouping: &Grouping,
    ) -> Output {
        let frame = self.frames.last().copied().unwrap_or_default();
        let own_rows = scope.items.iter().any(|item| item.rows);
        let grouped_rows = matches!(grouping, Grouping::Plain | Grouping::Floor(_));
        for column in &mut columns {
            column.subject_of = None;
        }
        Output {
            ordered: false,
            columns,
            taps: Vec::new(),
            follows: Vec::new(),
            rows: frame.rows || (own_rows && !grouped_rows && rules::OWN_ROWS.stands()),
            groups: frame.groups || (own_rows && grouped_rows && rules::OWN_GROUPS.stands()),
        }
    }

    /// A group by a table's key determines the table's other columns; PostgreSQL knows that of a
    /// table, not of the view that stands for it: the columns that are shown join the group.
    fn complete_groups(&self, select: &mut pb::SelectStmt, scope: &Scope<'_>) {
        let sets = select
            .group_clause
            .iter()
            .any(|g| matches!(g.node, Some(NodeEnum::GroupingSet(_))));
        if select.group_clause.is_empty() || sets || !rules::GROUP_COMPLETED.stands() {
            return;
        }
        let grouped: BTreeSet<(String, String)> = select
            .group_clause
            .iter()
            .filter_map(|group| match integer(group) {
                Some(position) => qualified_name(output_value(
                    select,
                    usize::try_from(position).ok()?.checked_sub(1)?,
                )?),
                None => qualified_name(group),
            })
            .collect();
        let mut named = BTreeSet::new();
        for part in select
            .target_list
            .iter_mut()
            .chain(&mut select.sort_clause)
            .chain(select.having_clause.as_deref_mut())
        {
            gather_names(part, &mut named);
        }
        for item in &scope.items {
            if !self.keyed(item, &grouped) {
                continue;
            }
            for (qualifier, name) in named
                .iter()
                .filter(|n| n.0 == item.name && !grouped.contains(*n))
            {
                select
                    .group_clause
                    .push(crate::node::column(qualifier, name));
            }
        }
    }

    /// Whether a group names all columns of one of the table's keys.
    fn keyed(&self, item: &Item, grouped: &BTreeSet<(String, String)>) -> bool {
        let ItemKind::Table(index) = &item.kind else {
            return false;
        };
        let Some(table) = self.surface.tables.get(*index) else {
            return false;
        };
        let never_null =
            |name: &String| table.column(name).is_some_and(|c| c.not_null && !c.masked);
        table.unique_keys.iter().any(|key| {
            !key.is_empty()
                && key
                    .iter()
                    .all(|c| never_null(c) && grouped.contains(&(item.name.clone(), c.clone())))
        })
    }

    /// Puts the floor, or the condition that a group has a subject, into HAVING.
    fn apply_grouping(
        &mut self,
        select: &mut pb::SelectStmt,
        scope: &Scope<'_>,
        grouping: &Grouping,
    ) {
        self.floored |= matches!(grouping, Grouping::Floor(_));
        if let Grouping::PerSubject(keys) = grouping {
            // The tap is the group's own as well: it follows from the subject that keys it.
            for id in keys {
                if self.keyed_apart(scope, *id) && rules::GROUP_TAP.stands() {
                    select.group_clause.extend(self.tap_column(scope, *id));
                }
            }
        }
        let conditions: Vec<Node> = match grouping {
            // One row, always: each of its figures stands on the floor by itself.
            Grouping::Floor(_) if select.group_clause.is_empty() => return,
            Grouping::Floor(taps) if rules::GROUP_FLOOR.stands() => taps
                .iter()
                .filter_map(|id| {
                    Some(above_floor(
                        self.floor_expression(scope, *id)?,
                        self.floor,
                        None,
                    ))
                })
                .collect(),
            Grouping::PerSubject(keys) if rules::GROUP_SUBJECT.stands() => keys
                .iter()
                .filter_map(|id| Some(not_null(self.floor_expression(scope, *id)?)))
                .collect(),
            _ => return,
        };
        let mut having = select.having_clause.take().map(|n| *n);
        for condition in conditions {
            having = Some(and(having, condition));
        }
        select.having_clause = having.map(Box::new);
    }

    /// The taps that a row-level result of this level carries.
    fn row_taps(&self, scope: &Scope<'_>, grouping: &Grouping) -> Vec<TapId> {
        match grouping {
            Grouping::None => scope.own_taps(),
            Grouping::PerSubject(keys) => keys.clone(),
            Grouping::Free | Grouping::Plain | Grouping::Floor(_) => Vec::new(),
        }
    }

    /// `SELECT DISTINCT ward` shows what many have in common: the groups of a GROUP BY, on its floor.
    fn distinct_as_groups(&self, select: &mut pb::SelectStmt, scope: &Scope<'_>, taps: Taps) {
        let grouped = !select.group_clause.is_empty() || select.having_clause.is_some();
        let sorts = select.sort_clause.iter();
        let computed = |entry: &Node| has_window_or_aggregate(entry) || has_sub_link(entry);
        // A subject or a key makes groups of one: its rows are traced instead.
        let keyed = |entry: &Node| {
            let value = match entry.node.as_ref() {
                Some(NodeEnum::ResTarget(one)) => one.val.as_deref(),
                _ => None,
            };
            value.is_none_or(|value| self.key_of(value, scope) != Keyed::No)
        };
        if taps == Taps::Omit
            || grouped
            || !select.distinct_clause.iter().any(|n| n.node.is_none())
            || scope.own_taps().is_empty()
            || sorts.chain(&select.target_list).any(computed)
            || select.target_list.iter().any(keyed)
            || !rules::DISTINCT_GROUPS.stands()
        {
            return;
        }
        select.distinct_clause.clear();
        select.group_clause = (1..=select.target_list.len() as u64)
            .map(crate::node::integer_constant)
            .collect();
    }

    /// The taps that DISTINCT leaves out: where their rows are present, a tap that stays tells their subject.
    fn covered_taps(
        &self,
        select: &pb::SelectStmt,
        scope: &Scope<'_>,
        width: usize,
        ids: &[TapId],
    ) -> Vec<TapId> {
        let plain_distinct = select.distinct_clause.iter().any(|n| n.node.is_none());
        if !plain_distinct || !rules::DISTINCT_COVERED.stands() {
            return Vec::new();
        }
        let shown = self.shown_subjects(select, scope, width);
        let shown: Vec<TapId> = shown.into_iter().flatten().collect();
        let covered = |tap: &&TapId| {
            let reached = scope.reach(**tap);
            let both_ways = |s: &TapId| s == *tap || scope.reach(*s).contains(tap);
            // What is there in every row keeps nothing apart.
            !shown.iter().any(both_ways) && shown.iter().any(|s| reached.contains(s))
        };
        ids.iter().filter(covered).copied().collect()
    }

    /// DISTINCT merges rows: a tap must not keep apart what it would merge.
    fn trace_distinct(
        &mut self,
        select: &pb::SelectStmt,
        scope: &Scope<'_>,
        output: &Output,
        grouping: &Grouping,
        taps: Taps,
    ) -> Result<(), Refusal> {
        let plain_distinct = select.distinct_clause.iter().any(|n| n.node.is_none());
        if !plain_distinct || taps == Taps::Omit {
            return Ok(());
        }
        let shown: Vec<TapId> = self
            .shown_subjects(select, scope, output.columns.len())
            .into_iter()
            .flatten()
            .collect();
        for tap in self.row_taps(scope, grouping) {
            // Where the tap's row is present it is about a subject that is shown.
            let reached = scope.reach(tap);
            if !shown.iter().any(|s| reached.contains(s)) {
                let name = self.subject_name(scope, tap);
                self.deny(
                    &rules::DISTINCT,
                    "`DISTINCT` without the subject cannot be traced",
                )
                .hint(format!("add {name} to the select list, or count with GROUP BY under the method `aggregate`"))
                .stands()?;
            }
        }
        Ok(())
    }

    pub(super) fn subject_name(&self, scope: &Scope<'_>, tap: TapId) -> String {
        let item = scope.at_level(tap.level).and_then(|s| s.item(tap.item));
        let table = item
            .and_then(|i| i.taps.get(tap.tap))
            .and_then(|t| self.surface.tables.get(t.table));
        let column = table
            .and_then(|t| t.subject.as_ref())
            .map(|s| s.shown.as_ref().unwrap_or(&s.column));
        match (item, table, column) {
            (Some(item), Some(table), Some(column)) if table.column(column).is_some() => {
                format!("`{}.{column}`", item.name)
            }
            (_, Some(table), _) => format!("the subject column of `{}`", table.qualified()),
            _ => "the subject column".to_owned(),
        }
    }

    /// For each output column the tap whose subject it holds; the expressions are already turned.
    fn shown_subjects(
        &self,
        select: &pb::SelectStmt,
        scope: &Scope<'_>,
        width: usize,
    ) -> Vec<Option<TapId>> {
        select
            .target_list
            .iter()
            .take(width)
            .map(|entry| match entry.node.as_ref() {
                Some(NodeEnum::ResTarget(one)) => one
                    .val
                    .as_deref()
                    .and_then(|v| self.subject_reference(scope, v))
                    .filter(|t| t.level == scope.level),
                _ => None,
            })
            .collect()
    }

    /// Appends the taps to the select list and tells the enclosing query of them.
    fn emit(
        &mut self,
        select: &mut pb::SelectStmt,
        scope: &Scope<'_>,
        output: &mut Output,
        grouping: &Grouping,
    ) -> Result<(), Refusal> {
        let mut ids = self.row_taps(scope, grouping);
        let covered = self.covered_taps(select, scope, output.columns.len(), &ids);
        ids.retain(|id| !covered.contains(id));
        let grouped = matches!(grouping, Grouping::PerSubject(_));
        for id in &ids {
            let Some(item) = scope.item(id.item) else {
                continue;
            };
            let Some(tap) = item.taps.get(id.tap) else {
                continue;
            };
            let Some(expression) = self.tap_expression(item, tap, grouped) else {
                self.odd("a table whose subject column its view lacks")
                    .stands()?;
                continue;
            };
            if !rules::TAP.stands() {
                continue;
            }
            let (table, kind) = (tap.table, tap.kind.clone());
            let column = self.fresh_name("tap");
            select.target_list.push(target(&column, expression));
            output.taps.push(OutputTap {
                table,
                kind,
                column,
                outer: Vec::new(),
            });
        }
        self.describe_taps(select, scope, output, &ids);
        Ok(())
    }

    /// Which output columns hold a tap's subject, and which taps share one.
    fn describe_taps(
        &self,
        select: &pb::SelectStmt,
        scope: &Scope<'_>,
        output: &mut Output,
        ids: &[TapId],
    ) {
        for (position, id) in ids.iter().enumerate() {
            let reached = scope.reach(*id);
            if let Some(tap) = output.taps.get_mut(position) {
                tap.outer = reached
                    .iter()
                    .filter(|r| r.level < scope.level)
                    .copied()
                    .collect();
            }
            for (other, _) in ids
                .iter()
                .enumerate()
                .filter(|(other, o)| *other != position && reached.contains(o))
            {
                output.follows.push((position, other));
            }
        }
        let shown = self.shown_subjects(select, scope, output.columns.len());
        for (column, subject) in output.columns.iter_mut().zip(shown) {
            column.subject_of = subject.and_then(|s| ids.iter().position(|id| *id == s));
        }
    }

    /// What a sub-query without emitted taps would have carried: for the rule on sub-queries.
    pub(super) fn describe_omitted(
        &self,
        select: &pb::SelectStmt,
        scope: &Scope<'_>,
        output: &mut Output,
        grouping: &Grouping,
    ) {
        let ids = match grouping {
            Grouping::None | Grouping::PerSubject(_) => scope.own_taps(),
            Grouping::Free | Grouping::Plain | Grouping::Floor(_) => Vec::new(),
        };
        for id in &ids {
            if let Some(tap) = scope.tap(*id) {
                output.taps.push(OutputTap {
                    table: tap.table,
                    kind: tap.kind.clone(),
                    column: String::new(),
                    outer: Vec::new(),
                });
            }
        }
        self.describe_taps(select, scope, output, &ids);
    }

    fn set_operation(
        &mut self,
        select: &mut pb::SelectStmt,
        scope: &Scope<'_>,
        taps: Taps,
    ) -> Result<Output, Refusal> {
        let distinct = !select.all || select.op() != pb::SetOperation::SetopUnion;
        let (Some(left), Some(right)) = (select.larg.as_mut(), select.rarg.as_mut()) else {
            return self.odd("this set operation").or(Output::default);
        };
        let whole = super::multiplied::is_whole(left) && super::multiplied::is_whole(right);
        let a = self.query(left, Some(scope), taps)?;
        let b = self.query(right, Some(scope), taps)?;
        if a.columns.len() != b.columns.len() {
            self.deny(
                &rules::SETOP_COLUMNS,
                "each part of a set operation must have the same number of columns",
            )
            .hint(format!(
                "one part has {} columns, the other {}; fill up with NULL",
                a.columns.len(),
                b.columns.len()
            ))
            .stands()?;
        }
        self.note_parts(&a, &b, whole);
        let mut output = if taps == Taps::Emit {
            self.align(left, right, a, b, distinct)?
        } else {
            both(a, b)
        };
        self.limits(select, scope)?;
        self.output_order(&mut select.sort_clause, &output)?;
        self.check_order(select, &output)?;
        self.settle_output_order(select, &mut output, scope.parent.is_some());
        for column in &mut output.columns {
            // Parts with different constants, or rows left after merging, make a sum an indicator.
            column.simple &= !rules::SETOP_INDICATOR.stands();
        }
        Ok(output)
    }

    /// Gives both arms the same tap columns.
    fn align(
        &mut self,
        left: &mut pb::SelectStmt,
        right: &mut pb::SelectStmt,
        a: Output,
        b: Output,
        distinct: bool,
    ) -> Result<Output, Refusal> {
        let mut want: Vec<(usize, String)> =
            a.taps.iter().map(|t| (t.table, t.kind.clone())).collect();
        let a_at: Vec<usize> = (0..a.taps.len()).collect();
        let mut b_at = Vec::new();
        for tap in &b.taps {
            let free = (0..want.len())
                .find(|i| want.get(*i).is_some_and(|w| w.1 == tap.kind) && !b_at.contains(i));
            b_at.push(free.unwrap_or_else(|| {
                want.push((tap.table, tap.kind.clone()));
                want.len() - 1
            }));
        }
        if !want.is_empty() && rules::SETOP_VALUES.stands() {
            for arm in [&mut *left, &mut *right] {
                self.values_as_select(arm);
            }
        }
        if rules::SETOP_TAPS.stands() {
            arrange(left, &a_at, want.len());
            arrange(right, &b_at, want.len());
        }
        let mut output = Output {
            rows: a.rows || b.rows,
            groups: a.groups || b.groups,
            ..Output::default()
        };
        let wanted =
            |column: &ItemColumn, at: &[usize]| column.subject_of.and_then(|t| at.get(t).copied());
        for (l, r) in a.columns.iter().zip(&b.columns) {
            let (x, y) = (wanted(l, &a_at), wanted(r, &b_at));
            output.columns.push(ItemColumn {
                subject_of: if x == y || !rules::SETOP_SAME_SUBJECT.stands() {
                    x
                } else {
                    None
                },
                simple: l.simple && r.simple,
                unordered: l.unordered || r.unordered,
                keyed: if l.keyed == r.keyed {
                    l.keyed
                } else {
                    Keyed::Made
                },
                ..ItemColumn::named(l.name.clone())
            });
        }
        for (position, (table, kind)) in want.into_iter().enumerate() {
            let column = a
                .taps
                .get(position)
                .map_or_else(|| self.fresh_name("tap"), |t| t.column.clone());
            if position >= a.taps.len() {
                name_tap(left, a.columns.len() + position, &column);
            }
            output.taps.push(OutputTap {
                table,
                kind,
                column,
                outer: Vec::new(),
            });
        }
        let everywhere = a.taps.len() == output.taps.len() && b.taps.len() == output.taps.len();
        if distinct && !output.taps.is_empty() {
            let determined = everywhere
                && (0..output.taps.len())
                    .all(|t| output.columns.iter().any(|c| c.subject_of == Some(t)));
            if !determined {
                self.deny(
                    &rules::SETOP,
                    "this set operation merges rows that cannot be traced to their subjects",
                )
                .hint(
                    "use `UNION ALL`, or select the subject column at the same place in every part",
                )
                .stands()?;
            }
        }
        Ok(output)
    }
}

impl Reader<'_> {
    /// VALUES names no column: as a SELECT it takes taps in their places, under their names.
    fn values_as_select(&mut self, select: &mut pb::SelectStmt) {
        for arm in [&mut select.larg, &mut select.rarg].into_iter().flatten() {
            self.values_as_select(arm);
        }
        let width = match select.values_lists.first().map(|row| row.node.as_ref()) {
            Some(Some(NodeEnum::List(list))) => list.items.len(),
            _ => return,
        };
        let name_of = |position: usize| format!("column{}", position + 1);
        if let [row] = select.values_lists.as_mut_slice() {
            // One row's literals take their types from the other arms.
            if let Some(NodeEnum::List(list)) = row.node.as_mut() {
                let values = std::mem::take(&mut list.items).into_iter().enumerate();
                select.target_list = values
                    .map(|(position, value)| target(&name_of(position), value))
                    .collect();
            }
            select.values_lists.clear();
            return;
        }
        let name = self.fresh_name("values");
        let query = pb::SelectStmt {
            limit_option: pb::LimitOption::Default as i32,
            op: pb::SetOperation::SetopNone as i32,
            ..Default::default()
        };
        let inner = std::mem::replace(select, query);
        select.target_list = (0..width)
            .map(|position| {
                let column = name_of(position);
                target(&column, crate::node::column(&name, &column))
            })
            .collect();
        select.from_clause = vec![node(NodeEnum::RangeSubselect(Box::new(
            pb::RangeSubselect {
                lateral: false,
                subquery: Some(Box::new(node(NodeEnum::SelectStmt(Box::new(inner))))),
                alias: Some(crate::node::alias(&name)),
            },
        )))];
    }
}

/// The taps of both arms of a set operation in a sub-query: each must be covered.
fn both(a: Output, b: Output) -> Output {
    let offset = a.taps.len();
    let mut output = a;
    for (column, other) in output.columns.iter_mut().zip(&b.columns) {
        column.subject_of = None;
        column.simple &= other.simple;
    }
    output.taps.extend(b.taps);
    output
        .follows
        .extend(b.follows.into_iter().map(|(t, u)| (t + offset, u + offset)));
    output.rows |= b.rows;
    output.groups |= b.groups;
    output
}

/// Puts an arm's taps, its last columns, to the places `at` of `width`; the rest is NULL.
fn arrange(select: &mut pb::SelectStmt, at: &[usize], width: usize) {
    for arm in [&mut select.larg, &mut select.rarg].into_iter().flatten() {
        arrange(arm, at, width);
    }
    if select.op() != pb::SetOperation::SetopNone {
        return;
    }
    let keep = select.target_list.len().saturating_sub(at.len());
    let mut own: Vec<Option<Node>> = select
        .target_list
        .split_off(keep)
        .into_iter()
        .map(Some)
        .collect();
    for place in 0..width {
        let source = at
            .iter()
            .position(|a| *a == place)
            .and_then(|i| own.get_mut(i))
            .and_then(Option::take);
        select
            .target_list
            .push(source.unwrap_or_else(|| target("", as_text(null_constant()))));
    }
}

/// Names an added column of the arm whose names count.
fn name_tap(select: &mut pb::SelectStmt, position: usize, name: &str) {
    if let Some(left) = select.larg.as_mut() {
        return name_tap(left, position, name);
    }
    if let Some(NodeEnum::ResTarget(one)) = select
        .target_list
        .get_mut(position)
        .and_then(|n| n.node.as_mut())
    {
        name.clone_into(&mut one.name);
    }
}

/// `x.y` as its two names.
fn qualified_name(value: &Node) -> Option<(String, String)> {
    let NodeEnum::ColumnRef(reference) = value.node.as_ref()? else {
        return None;
    };
    match texts_of(&reference.fields)?.as_slice() {
        [qualifier, name] => Some(((*qualifier).to_owned(), (*name).to_owned())),
        _ => None,
    }
}

/// The qualified columns that an expression of this level names.
fn gather_names(tree: &mut Node, names: &mut BTreeSet<(String, String)>) {
    names.extend(qualified_name(tree));
    if !matches!(tree.node, Some(NodeEnum::SelectStmt(_))) {
        crate::node::children(tree, &mut |child| gather_names(child, names));
    }
}

pub(super) fn output_value(select: &pb::SelectStmt, position: usize) -> Option<&Node> {
    match select.target_list.get(position)?.node.as_ref()? {
        NodeEnum::ResTarget(one) => one.val.as_deref(),
        _ => None,
    }
}

fn named_windows(select: &pb::SelectStmt) -> Vec<pb::WindowDef> {
    let definition = |entry: &Node| match entry.node.as_ref() {
        Some(NodeEnum::WindowDef(window)) => Some((**window).clone()),
        _ => None,
    };
    select.window_clause.iter().filter_map(definition).collect()
}

/// An integer constant.
pub(super) fn integer(node: &Node) -> Option<i32> {
    match node.node.as_ref()? {
        NodeEnum::AConst(c) => match &c.val {
            Some(pb::a_const::Val::Ival(i)) => Some(i.ival),
            _ => None,
        },
        _ => None,
    }
}

/// Whether ORDER BY names an output column (by name or position), which stays as it is.
pub(super) fn is_output(value: &mut Node, columns: &[ItemColumn]) -> bool {
    if integer(value).is_some() {
        return true;
    }
    match value.node.as_ref() {
        Some(NodeEnum::ColumnRef(c)) => {
            matches!(texts_of(&c.fields).as_deref(), Some([name]) if columns.iter().any(|o| o.name == *name))
        }
        _ => false,
    }
}

fn has_window_or_aggregate(value: &Node) -> bool {
    let mut copy = value.clone();
    super::aggregate::has_aggregate(&mut copy) || super::aggregate::has_window(&mut copy)
}

fn has_sub_link(value: &Node) -> bool {
    let mut found = matches!(value.node, Some(NodeEnum::SubLink(_)));
    if !found {
        let mut copy = value.clone();
        crate::node::children(&mut copy, &mut |child| found = found || has_sub_link(child));
    }
    found
}

/// Whether a query names a relation without a schema anywhere.
fn mentions(select: &pb::SelectStmt, name: &str) -> bool {
    fn look(node: &mut Node, name: &str, found: &mut bool) {
        if let Some(NodeEnum::RangeVar(var)) = node.node.as_ref()
            && var.schemaname.is_empty()
            && var.relname == name
        {
            *found = true;
        }
        crate::node::children(node, &mut |child| look(child, name, found));
    }
    let mut found = false;
    let mut copy = select.clone();
    crate::node::select_children(&mut copy, &mut |child| look(child, name, &mut found));
    found
}
