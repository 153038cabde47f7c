//! Who is counted: figures over rows that were picked one by one are figures of single subjects, however
//! large the group. Two groups that differ by `patient_id <> 7` differ by one person.
//!
//! INVARIANT: no figure under a floor is made of rows that a condition on the subject, or on a unique key
//! of a table with a subject, told apart; nor of the first rows of an order.

use pg_query::NodeEnum;
use pg_query::protobuf as pb;
use pg_query::protobuf::Node;
use portcullis_contract::Refusal;

use super::Reader;
use super::aggregate::{Grouping, has_window};
use super::partition::PER_ROW;
use super::place::place_of;
use super::scope::{Item, ItemColumn, ItemKind, Keyed, Output, Scope, Source};
use super::select::{integer, output_value};
use crate::node::{children, text_of, texts_of};
use crate::rules::{self, Denial, Rule};
use crate::surface::Table;

/// Whether a column of a table tells its subjects, or its rows about them, apart.
pub(super) fn is_keyed(table: &Table, column: &str) -> Keyed {
    let Some(subject) = &table.subject else {
        return Keyed::No;
    };
    let is_subject = subject.column == column || subject.shown.as_deref() == Some(column);
    let is_key = table
        .unique_keys
        .iter()
        .any(|key| matches!(key.as_slice(), [only] if only == column));
    if is_subject || is_key {
        Keyed::Plain
    } else {
        Keyed::No
    }
}

impl Reader<'_> {
    /// What an output column says about single rows.
    pub(super) fn key_of(&self, value: &Node, scope: &Scope<'_>) -> Keyed {
        if let Some((column, _)) = self.found_column(value, scope) {
            return column.keyed;
        }
        let mut copy = value.clone();
        if has_window(&mut copy) || self.names_key(&mut copy, scope) {
            Keyed::Made
        } else {
            Keyed::No
        }
    }

    /// What is equal to a key tells as much as the key, whatever table's column it is.
    pub(super) fn spread_keys(&self, select: &mut pb::SelectStmt, scope: &mut Scope<'_>) {
        if !rules::PICKED_EQUAL.stands() {
            return;
        }
        let mut equal = Vec::new();
        if let Some(condition) = select.where_clause.as_deref_mut() {
            self.equal_columns(condition, scope, &mut equal);
        }
        for entry in &mut select.from_clause {
            self.equal_columns(entry, scope, &mut equal);
        }
        // Each round makes at least one more column a key, or ends.
        let mut spread = true;
        while spread {
            spread = false;
            for (a, b) in &equal {
                for (key, other) in [(a, b), (b, a)] {
                    let is_key = keyed_at(scope, key) != Keyed::No;
                    if is_key && other.level == scope.level && keyed_at(scope, other) == Keyed::No {
                        let Some(item) = scope.items.get_mut(other.item) else {
                            continue;
                        };
                        let of_rows = is_tapped_table(item);
                        if let Some(column) = item.columns.get_mut(other.column) {
                            // Any other column of a table without subjects would choose among keys.
                            column.keyed = if of_rows { Keyed::Plain } else { Keyed::Made };
                            spread = true;
                        }
                    }
                }
            }
        }
    }

    /// Pairs of columns that a condition, or the joins of FROM, hold equal.
    fn equal_columns(&self, tree: &mut Node, scope: &Scope<'_>, equal: &mut Vec<(At, At)>) {
        match tree.node.as_ref() {
            Some(NodeEnum::SelectStmt(_)) => return,
            Some(NodeEnum::AExpr(expr)) if super::trace::is_equality(&expr.name) => {
                let at = |side: &Option<Box<Node>>| self.place_in_scope(side.as_deref()?, scope);
                if let (Some(a), Some(b)) = (at(&expr.lexpr), at(&expr.rexpr)) {
                    equal.push((a, b));
                }
            }
            Some(NodeEnum::JoinExpr(join)) => {
                for name in join.using_clause.iter().filter_map(text_of) {
                    let named = places_named(scope, name);
                    equal.extend(
                        named
                            .iter()
                            .zip(named.iter().skip(1))
                            .map(|(a, b)| (*a, *b)),
                    );
                }
            }
            _ => {}
        }
        children(tree, &mut |child| self.equal_columns(child, scope, equal));
    }

    pub(super) fn place_in_scope(&self, value: &Node, scope: &Scope<'_>) -> Option<At> {
        let NodeEnum::ColumnRef(reference) = value.node.as_ref()? else {
            return None;
        };
        let found = self.find_column(scope, &texts_of(&reference.fields)?)?;
        let mut source = &found.source;
        while let Source::Either(left, _) = source {
            source = left;
        }
        let Source::Column(item, column) = source else {
            return None;
        };
        Some(At {
            level: found.level,
            item: *item,
            column: *column,
        })
    }

    /// Once FROM and WHERE are read: whether they picked rows by their keys.
    pub(super) fn note_picked(&mut self, select: &mut pb::SelectStmt, scope: &Scope<'_>) {
        let mut picked = select
            .where_clause
            .as_deref_mut()
            .is_some_and(|condition| self.picks(condition, scope));
        for entry in &mut select.from_clause {
            picked = picked || self.join_picks(entry, scope);
        }
        // Groups about one subject each are its rows.
        if let Some(having) = select.having_clause.as_deref()
            && rules::PICKED_HAVING.stands()
        {
            picked = picked || self.picks(&mut having.clone(), scope);
        }
        self.mark_picked(picked);
    }

    /// After a query is read: the first of some order are picked ones, too.
    pub(super) fn note_first(&mut self, select: &pb::SelectStmt, output: &Output) {
        let first = select.limit_count.is_some()
            || select.limit_offset.is_some()
            || select.distinct_clause.iter().any(|n| n.node.is_some());
        self.mark_picked(first && !output.taps.is_empty());
    }

    pub(super) fn mark_picked(&mut self, picked: bool) {
        if let Some(frame) = self.frames.last_mut() {
            frame.picked |= picked;
        }
    }

    /// The same once the figures are read: a sub-query inside of one may have picked.
    pub(super) fn check_figures_picked(&self, grouping: &Grouping) -> Result<(), Refusal> {
        let on_floor = matches!(grouping, Grouping::Floor(_)) && self.floor > 1;
        if on_floor && self.frames.last().is_some_and(|frame| frame.picked) {
            self.picked(&rules::PICKED_FIGURE).stands()?;
        }
        Ok(())
    }

    /// Groups on a floor are not made of picked rows, nor of keys.
    pub(super) fn check_picked(
        &self,
        select: &pb::SelectStmt,
        scope: &Scope<'_>,
        grouping: &Grouping,
    ) -> Result<(), Refusal> {
        if !matches!(grouping, Grouping::Floor(_)) || self.floor <= 1 {
            return Ok(());
        }
        if self.frames.last().is_some_and(|frame| frame.picked) {
            self.picked(&rules::PICKED_ROWS).stands()?;
        }
        for group in &select.group_clause {
            let value = match integer(group) {
                Some(position) => usize::try_from(position)
                    .ok()
                    .and_then(|p| output_value(select, p.checked_sub(1)?)),
                None => Some(group),
            };
            if value.is_some_and(|value| self.groups_by_key(value, scope)) {
                self.picked(&rules::PICKED_GROUP)
                    .at(place_of(group))
                    .stands()?;
            }
        }
        Ok(())
    }

    /// Grouping by a key itself gives groups of one, which vanish; by something made of it, any.
    fn groups_by_key(&self, value: &Node, scope: &Scope<'_>) -> bool {
        match value.node.as_ref() {
            Some(NodeEnum::GroupingSet(set)) => {
                set.content.iter().any(|v| self.groups_by_key(v, scope))
            }
            Some(NodeEnum::RowExpr(row)) => row.args.iter().any(|v| self.groups_by_key(v, scope)),
            _ => self.key_of(value, scope) == Keyed::Made,
        }
    }

    /// A condition of an aggregate's own.
    pub(super) fn check_filter_picks(
        &self,
        condition: &Node,
        scope: &Scope<'_>,
    ) -> Result<(), Refusal> {
        if self.floor > 1 && self.picks(&mut condition.clone(), scope) {
            self.picked(&rules::PICKED_FILTER)
                .at(place_of(condition))
                .stands()?;
        }
        Ok(())
    }

    fn picked(&self, rule: &'static Rule) -> Denial {
        self.deny(
            rule,
            "these figures would be made of rows picked by the subject, by a key or by their order",
        )
        .hint("pick rows by what subjects have in common (ward, month, diagnosis); for single subjects' own figures add the subject to GROUP BY, under the method `lookup`")
    }

    /// Whether a condition of this level tells single subjects or their rows apart: it names a key otherwise
    /// than in what it demands, that two keys be equal.
    fn picks(&self, condition: &mut Node, scope: &Scope<'_>) -> bool {
        if let Some(NodeEnum::BoolExpr(expr)) = condition.node.as_mut()
            && expr.boolop == pb::BoolExprType::AndExpr as i32
        {
            return expr.args.iter_mut().any(|arg| self.picks(arg, scope));
        }
        !self.joins_keys(condition, scope) && self.tells_apart(condition, scope)
    }

    /// `a.key = b.key`, both of tables with subjects.
    fn joins_keys(&self, condition: &Node, scope: &Scope<'_>) -> bool {
        let Some(NodeEnum::AExpr(expr)) = condition.node.as_ref() else {
            return false;
        };
        if expr.kind != pb::AExprKind::AexprOp as i32 || !super::trace::is_equality(&expr.name) {
            return false;
        }
        let at = |side: &Option<Box<Node>>| self.place_in_scope(side.as_deref()?, scope);
        let (Some(a), Some(b)) = (at(&expr.lexpr), at(&expr.rexpr)) else {
            return false;
        };
        let of_rows = |at: &At| is_key_at(scope, at) || !rules::PICKED_JOIN.stands();
        let kind = |at: &At| {
            let here = scope.at_level(at.level)?;
            let tap = here.subject_of(&Source::Column(at.item, at.column))?;
            scope.tap(tap).map(|tap| tap.kind.clone())
        };
        let same_kind = match (kind(&a), kind(&b)) {
            (Some(a), Some(b)) => a == b || !rules::PICKED_KIND.stands(),
            _ => true,
        };
        of_rows(&a) && of_rows(&b) && same_kind
    }

    /// Whether a key of whatever level is named.
    fn tells_apart(&self, condition: &mut Node, scope: &Scope<'_>) -> bool {
        // What is not demanded of every row is a choice: NOT, OR, CASE.
        if !rules::PICKED_DEMANDED.stands() && self.joins_keys(condition, scope) {
            return false;
        }
        match condition.node.as_mut() {
            Some(NodeEnum::NullTest(test)) => {
                return test.arg.as_deref_mut().is_some_and(|arg| {
                    let plain = self
                        .found_column(arg, scope)
                        .is_some_and(|(column, _)| column.keyed != Keyed::Made);
                    !plain && self.tells_apart(arg, scope)
                });
            }
            Some(NodeEnum::SubLink(link)) => {
                let Some(tested) = link.testexpr.as_deref_mut() else {
                    return false;
                };
                let by_rows = link.sub_link_type == pb::SubLinkType::AnySublink as i32
                    && link
                        .subselect
                        .as_deref()
                        .is_some_and(|s| self.gives_rows(s, tested, scope));
                return !by_rows && self.tells_apart(tested, scope);
            }
            Some(NodeEnum::ColumnRef(_)) => {
                return match rules::PICKED_OUTSIDE.stands() {
                    // A sub-query's condition on the enclosing row's key picks that row.
                    true => self
                        .found_column(condition, scope)
                        .map(|(column, _)| column),
                    false => self.column_of(condition, scope),
                }
                .is_some_and(|column| column.keyed != Keyed::No);
            }
            Some(NodeEnum::FuncCall(call)) => {
                let name = call.funcname.last().and_then(text_of);
                if name.is_some_and(|name| PER_ROW.contains(&name)) {
                    return !scope.own_taps().is_empty();
                }
                if counts_column(call) {
                    return call
                        .agg_filter
                        .as_deref_mut()
                        .is_some_and(|filter| self.tells_apart(filter, scope));
                }
            }
            Some(NodeEnum::SelectStmt(_)) => return false,
            _ => {}
        }
        let mut found = false;
        children(condition, &mut |child| {
            found = found || self.tells_apart(child, scope)
        });
        found
    }

    /// The conditions of the joins of this level.
    fn join_picks(&self, entry: &mut Node, scope: &Scope<'_>) -> bool {
        let Some(NodeEnum::JoinExpr(join)) = entry.node.as_mut() else {
            return false;
        };
        let by_name = join
            .using_clause
            .iter()
            .filter_map(text_of)
            .any(|name| using_picks(name, scope));
        let by_condition = join
            .quals
            .as_deref_mut()
            .is_some_and(|quals| self.picks(quals, scope));
        by_name
            || by_condition
            || [&mut join.larg, &mut join.rarg]
                .into_iter()
                .flatten()
                .any(|side| self.join_picks(side, scope))
    }

    /// `SELECT column FROM tables …`, already turned: keys as they stand in the rows, or the column of a
    /// whole table with subjects. (A condition on any other column would choose keys one by one.)
    fn gives_rows(&self, query: &Node, tested: &Node, scope: &Scope<'_>) -> bool {
        let Some(NodeEnum::SelectStmt(select)) = query.node.as_ref() else {
            return false;
        };
        let [target] = select.target_list.as_slice() else {
            return false;
        };
        let value = match target.node.as_ref() {
            Some(NodeEnum::ResTarget(one)) => one.val.as_deref(),
            _ => None,
        };
        let Some(value) = value.filter(|value| matches!(value.node, Some(NodeEnum::ColumnRef(_))))
        else {
            return false;
        };
        if self.found_column(tested, scope).is_none()
            || select.from_clause.is_empty()
            || !select.from_clause.iter().all(|entry| self.is_table(entry))
        {
            return false;
        }
        let kind = self
            .place_in_scope(tested, scope)
            .and_then(|at| {
                let here = scope.at_level(at.level)?;
                here.subject_of(&Source::Column(at.item, at.column))
            })
            .and_then(|tap| scope.tap(tap))
            .map(|tap| tap.kind.as_str());
        let whole = select.where_clause.is_none()
            && select.having_clause.is_none()
            && matches!(select.from_clause.as_slice(), [only] if self.tapped_view(only).is_some());
        whole || self.is_key_of(value, kind, &select.from_clause) || !rules::PICKED_LIST.stands()
    }

    /// The table with subjects that a turned entry of FROM is.
    fn tapped_view(&self, entry: &Node) -> Option<&Table> {
        let Some(NodeEnum::RangeVar(var)) = entry.node.as_ref() else {
            return None;
        };
        let mut tables = self.surface.tables.iter();
        tables.find(|table| table.view == var.relname && table.subject.is_some())
    }

    /// Whether a turned column is a key of one of the turned tables.
    fn is_key_of(&self, value: &Node, kind: Option<&str>, entries: &[Node]) -> bool {
        let Some(NodeEnum::ColumnRef(reference)) = value.node.as_ref() else {
            return false;
        };
        let Some([qualifier, name]) =
            texts_of(&reference.fields).and_then(|names| <[&str; 2]>::try_from(names).ok())
        else {
            return false;
        };
        entries.iter().any(|entry| match entry.node.as_ref() {
            Some(NodeEnum::RangeVar(var)) => {
                let named = var.alias.as_ref().is_some_and(|a| a.aliasname == qualifier);
                let key = self.tapped_view(entry).is_some_and(|table| {
                    let of = table.subject.as_ref();
                    let subject =
                        of.filter(|s| s.column == name || s.shown.as_deref() == Some(name));
                    let same_kind = match (kind, subject) {
                        (Some(kind), Some(subject)) => subject.kind == kind,
                        _ => true,
                    };
                    same_kind && is_keyed(table, name) != Keyed::No
                });
                named && key
            }
            Some(NodeEnum::JoinExpr(join)) => [&join.larg, &join.rarg]
                .into_iter()
                .flatten()
                .any(|side| self.is_key_of(value, kind, std::slice::from_ref(side))),
            _ => false,
        })
    }

    fn is_table(&self, entry: &Node) -> bool {
        match entry.node.as_ref() {
            Some(NodeEnum::RangeVar(var)) => var.schemaname == self.surface.view_schema,
            Some(NodeEnum::JoinExpr(join)) => [&join.larg, &join.rarg]
                .into_iter()
                .all(|side| side.as_deref().is_some_and(|side| self.is_table(side))),
            _ => false,
        }
    }

    /// Whether a key of whatever level is part of an expression. (How many have one is no key.)
    pub(super) fn names_key(&self, tree: &mut Node, scope: &Scope<'_>) -> bool {
        if self
            .found_column(tree, scope)
            .is_some_and(|(column, _)| column.keyed != Keyed::No)
        {
            return true;
        }
        if let Some(NodeEnum::FuncCall(call)) = tree.node.as_mut()
            && counts_column(call)
        {
            return call
                .agg_filter
                .as_deref_mut()
                .is_some_and(|filter| self.names_key(filter, scope));
        }
        let mut found = false;
        children(tree, &mut |child| {
            found = found || self.names_key(child, scope)
        });
        found
    }

    /// The column of this level that a plain reference names.
    fn column_of<'s>(&self, value: &Node, scope: &'s Scope<'_>) -> Option<&'s ItemColumn> {
        let (column, _) = self.found_column(value, scope)?;
        let own = scope.items.iter().flat_map(|item| &item.columns);
        // Of this level alone: an enclosing row is one, whoever it is about.
        own.into_iter().find(|own| std::ptr::eq(*own, column))
    }

    fn found_column<'s>(
        &self,
        value: &Node,
        scope: &'s Scope<'_>,
    ) -> Option<(&'s ItemColumn, &'s ItemKind)> {
        let NodeEnum::ColumnRef(reference) = value.node.as_ref()? else {
            return None;
        };
        let found = self.find_column(scope, &texts_of(&reference.fields)?)?;
        let mut source = &found.source;
        while let Source::Either(left, _) = source {
            source = left;
        }
        let Source::Column(item, column) = source else {
            return None;
        };
        let item = scope.at_level(found.level)?.item(*item)?;
        Some((item.columns.get(*column)?, &item.kind))
    }
}

/// A column of some level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct At {
    pub level: usize,
    pub item: usize,
    pub column: usize,
}

fn keyed_at(scope: &Scope<'_>, at: &At) -> Keyed {
    let item = scope
        .at_level(at.level)
        .and_then(|level| level.item(at.item));
    item.and_then(|item| item.columns.get(at.column))
        .map_or(Keyed::No, |column| column.keyed)
}

/// The columns of one name among this level's entries.
pub(super) fn places_named(scope: &Scope<'_>, name: &str) -> Vec<At> {
    let mut places = Vec::new();
    for (item, entry) in scope.items.iter().enumerate() {
        let named = entry
            .columns
            .iter()
            .enumerate()
            .filter(|(_, c)| c.name == name);
        places.extend(named.map(|(column, _)| At {
            level: scope.level,
            item,
            column,
        }));
    }
    places
}

/// USING demands that columns of one name be equal: a key with what is no key of such a table picks.
fn using_picks(name: &str, scope: &Scope<'_>) -> bool {
    let named = places_named(scope, name);
    let key = named.iter().any(|at| keyed_at(scope, at) != Keyed::No);
    key && rules::PICKED_JOIN.stands() && !named.iter().all(|at| is_key_at(scope, at))
}

/// A key as it stands, of rows that are about subjects.
fn is_key_at(scope: &Scope<'_>, at: &At) -> bool {
    let item = scope
        .at_level(at.level)
        .and_then(|level| level.item(at.item));
    keyed_at(scope, at) == Keyed::Plain && item.is_some_and(|item| !item.taps.is_empty())
}

fn is_tapped_table(item: &Item) -> bool {
    matches!(item.kind, ItemKind::Table(_)) && !item.taps.is_empty()
}

/// `count(column)`, `count(DISTINCT column)`.
fn counts_column(call: &pb::FuncCall) -> bool {
    let plain = |arg: &Node| matches!(arg.node, Some(NodeEnum::ColumnRef(_)));
    call.funcname.last().and_then(text_of) == Some("count") && call.args.iter().all(plain)
}
