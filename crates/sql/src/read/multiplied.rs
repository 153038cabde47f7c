//! How often a row counts: a row that a condition of the client's makes count twice stands out of any sum.
//!
//! INVARIANT: under a floor no row of a table with subjects is repeated by what tells rows apart. Entries of
//! FROM meet by equal columns alone; a table without subjects gives each row at most one partner (by its
//! unique key), or the column that they meet by is grouped by; nothing else multiplies rows: no set-returning
//! function of a row, no set operation over parts of one table.

use std::collections::BTreeSet;

use pg_query::NodeEnum;
use pg_query::protobuf as pb;
use pg_query::protobuf::Node;
use portcullis_contract::Refusal;

use super::Reader;
use super::aggregate::{Grouping, has_aggregate};
use super::correlated::free_in;
use super::picked::{At, places_named};
use super::scope::{Item, ItemKind, Output, Scope};
use super::select::{integer, output_value};
use crate::lists::functions::{FunctionClass, classify};
use crate::node::{children, text_of, texts_of};
use crate::rules;

/// What the entries of one FROM have to do with each other.
#[derive(Default)]
struct Meeting {
    /// Columns that are demanded equal.
    equal: Vec<(At, At)>,
    /// A term names two entries in another way.
    otherwise: bool,
    /// An outer join leaves rows out by more than equal columns.
    leaves_out: bool,
}

impl Reader<'_> {
    /// Once a query's FROM, WHERE and GROUP BY are read.
    pub(super) fn note_multiplied(
        &mut self,
        select: &pb::SelectStmt,
        scope: &Scope<'_>,
        grouping: &Grouping,
    ) {
        let multiplied = !scope.own_taps().is_empty() && self.multiplies(select, scope, grouping);
        self.mark_multiplied(multiplied);
    }

    /// Rows of one table in two parts: a row that is in both counts twice; and rows of several tables that
    /// a condition chose would be counted with the others' subjects. `whole`: all rows of each.
    pub(super) fn note_parts(&mut self, a: &Output, b: &Output, whole: bool) {
        let tables: BTreeSet<usize> = a.taps.iter().map(|tap| tap.table).collect();
        let same = b.taps.iter().any(|tap| tables.contains(&tap.table));
        let both = !a.taps.is_empty() && !b.taps.is_empty();
        self.mark_multiplied(same || (both && !whole));
    }

    pub(super) fn mark_multiplied(&mut self, multiplied: bool) {
        if let Some(frame) = self.frames.last_mut() {
            frame.multiplied |= multiplied;
        }
    }

    pub(super) fn check_multiplied(&self, grouping: &Grouping) -> Result<(), Refusal> {
        let on_floor = matches!(grouping, Grouping::Floor(_)) && self.floor > 1;
        if !on_floor || !self.frames.last().is_some_and(|frame| frame.multiplied) {
            return Ok(());
        }
        self.deny(
            &rules::MULTIPLIED,
            "these figures would count some rows more often than others",
        )
        .hint("join by equal columns alone (`a.x = b.x AND …`), tables without subjects by their unique key or with the joined column in GROUP BY; ask about each table by itself; conditions stand in WHERE or FILTER")
        .stands()
    }

    fn multiplies(&self, select: &pb::SelectStmt, scope: &Scope<'_>, grouping: &Grouping) -> bool {
        let grouped = !matches!(grouping, Grouping::None);
        if select
            .target_list
            .iter()
            .any(|target| gives_sets(target, grouped))
            && rules::MULTIPLIED_SETS.stands()
        {
            return true;
        }
        if scope.items.len() < 2 {
            return false;
        }
        let alone: Vec<String> = select
            .from_clause
            .iter()
            .flat_map(|entry| single_rows(entry, scope))
            .collect();
        let mut meeting = Meeting::default();
        if let Some(condition) = select.where_clause.as_deref() {
            self.terms(condition, scope, &alone, &mut meeting);
        }
        for entry in &select.from_clause {
            self.join_terms(entry, scope, &alone, &mut meeting);
        }
        if meeting.otherwise && rules::MULTIPLIED_TERMS.stands() {
            return true;
        }
        // A figure of each subject, of rows that a condition left out for some, is an indicator.
        let of_subjects = matches!(grouping, Grouping::PerSubject(_));
        if of_subjects && meeting.leaves_out && rules::MULTIPLIED_LEFT_OUT.stands() {
            return true;
        }
        let keys = match grouping {
            Grouping::None => Vec::new(),
            _ => self.group_places(select, scope),
        };
        rules::MULTIPLIED_ENTRY.stands()
            && !self.all_attached(select, scope, &alone, &meeting, &keys)
    }

    /// What a condition demands of two entries at once.
    fn terms(&self, condition: &Node, scope: &Scope<'_>, alone: &[String], meeting: &mut Meeting) {
        if let Some(NodeEnum::BoolExpr(expr)) = condition.node.as_ref()
            && expr.boolop == pb::BoolExprType::AndExpr as i32
        {
            for arg in &expr.args {
                self.terms(arg, scope, alone, meeting);
            }
            return;
        }
        let named = free_in(condition)
            .into_iter()
            .filter(|name| !alone.contains(name) && own_item(scope, name).is_some())
            .count();
        if named < 2 {
            return;
        }
        match self.equal_pair(condition, scope) {
            Some(pair) => meeting.equal.push(pair),
            None => meeting.otherwise = true,
        }
    }

    /// `a.x = b.y`.
    fn equal_pair(&self, condition: &Node, scope: &Scope<'_>) -> Option<(At, At)> {
        let NodeEnum::AExpr(expr) = condition.node.as_ref()? else {
            return None;
        };
        let plain =
            expr.kind == pb::AExprKind::AexprOp as i32 && super::trace::is_equality(&expr.name);
        let at = |side: &Option<Box<Node>>| self.place_in_scope(side.as_deref()?, scope);
        Some((at(&expr.lexpr).filter(|_| plain)?, at(&expr.rexpr)?))
    }

    fn join_terms(&self, entry: &Node, scope: &Scope<'_>, alone: &[String], meeting: &mut Meeting) {
        let Some(NodeEnum::JoinExpr(join)) = entry.node.as_ref() else {
            return;
        };
        for side in [&join.larg, &join.rarg].into_iter().flatten() {
            self.join_terms(side, scope, alone, meeting);
        }
        for name in join.using_clause.iter().filter_map(text_of) {
            let named = places_named(scope, name);
            meeting.equal.extend(
                named
                    .iter()
                    .zip(named.iter().skip(1))
                    .map(|(a, b)| (*a, *b)),
            );
        }
        let inner = join.jointype == pb::JoinType::JoinInner as i32;
        let plain = |side: &Option<Box<Node>>| {
            let node = side.as_deref().and_then(|side| side.node.as_ref());
            matches!(node, Some(NodeEnum::RangeVar(var)) if var.schemaname == self.surface.view_schema)
        };
        if let Some(quals) = join.quals.as_deref() {
            self.terms(quals, scope, alone, meeting);
            let demanded = conjuncts(quals);
            let equal = |term: &&Node| self.equal_pair(term, scope).is_some();
            meeting.leaves_out |= !inner && demanded.iter().filter(|t| !equal(t)).count() > 0;
        }
        let nullable_plain = match join.jointype() {
            pb::JoinType::JoinLeft => plain(&join.rarg),
            pb::JoinType::JoinRight => plain(&join.larg),
            _ => inner,
        };
        meeting.leaves_out |= !nullable_plain;
    }

    /// The columns that groups are formed by.
    fn group_places(&self, select: &pb::SelectStmt, scope: &Scope<'_>) -> Vec<At> {
        let mut places = Vec::new();
        for group in &select.group_clause {
            let value = match integer(group) {
                Some(position) => usize::try_from(position)
                    .ok()
                    .and_then(|p| output_value(select, p.checked_sub(1)?)),
                None => Some(group),
            };
            places.extend(value.and_then(|value| self.place_in_scope(value, scope)));
        }
        places
    }

    /// Whether each entry without subjects gives a row at most one partner, or as many as its group says.
    fn all_attached(
        &self,
        select: &pb::SelectStmt,
        scope: &Scope<'_>,
        alone: &[String],
        meeting: &Meeting,
        keys: &[At],
    ) -> bool {
        let mut attached: BTreeSet<usize> = scope
            .items
            .iter()
            .enumerate()
            .filter(|(_, item)| !item.taps.is_empty() || alone.contains(&item.name))
            .map(|(index, _)| index)
            .collect();
        loop {
            let more: Vec<usize> = (0..scope.items.len())
                .filter(|index| !attached.contains(index))
                .filter(|index| {
                    let met: Vec<(At, At)> = meets(*index, &attached, meeting);
                    let item = scope.item(*index);
                    let by_key = item.is_some_and(|item| self.by_unique_key(item, &met));
                    let by_group = !met.is_empty()
                        && met
                            .iter()
                            .all(|(a, b)| keys.contains(a) || keys.contains(b))
                        && !of_rows(*index, select, scope);
                    let split = item.is_some_and(|item| {
                        keys.iter().any(|at| at.item == *index)
                            && splits(&select.from_clause, &item.name)
                    });
                    let total = item.is_some_and(|item| {
                        let mut entries = select.from_clause.iter();
                        entries
                            .find_map(|entry| entry_of(entry, &item.name))
                            .is_some_and(|entry| self.is_own_total(entry))
                    });
                    by_key || by_group || split || total
                })
                .collect();
            if more.is_empty() {
                break;
            }
            attached.extend(more);
        }
        attached.len() == scope.items.len()
    }

    /// `LATERAL (SELECT count(*) FROM table WHERE table.subject = outer.subject)`: one row for each, made of
    /// all of the subject's rows.
    fn is_own_total(&self, entry: &Node) -> bool {
        let Some(select) = total_of(entry) else {
            return false;
        };
        let table = matches!(select.from_clause.as_slice(), [only]
            if matches!(&only.node, Some(NodeEnum::RangeVar(var)) if var.schemaname == self.surface.view_schema));
        let tied = select.where_clause.as_deref().is_some_and(|condition| {
            matches!(&condition.node, Some(NodeEnum::AExpr(expr))
            if super::trace::is_equality(&expr.name)
                && [&expr.lexpr, &expr.rexpr].into_iter().all(|side| {
                    matches!(side.as_deref().map(|s| &s.node), Some(Some(NodeEnum::ColumnRef(_))))
                }))
        });
        table && tied && select.having_clause.is_none() && !free_in(entry).is_empty()
    }

    fn by_unique_key(&self, item: &Item, met: &[(At, At)]) -> bool {
        let ItemKind::Table(table) = item.kind else {
            return false;
        };
        let Some(table) = self.surface.tables.get(table) else {
            return false;
        };
        let has = |name: &String| {
            met.iter().any(|(own, _)| {
                item.columns
                    .get(own.column)
                    .is_some_and(|column| column.name == *name)
            })
        };
        table
            .unique_keys
            .iter()
            .any(|key| !key.is_empty() && key.iter().all(has))
    }
}

/// The equalities of an entry with others that are attached already; its own column first.
fn meets(index: usize, attached: &BTreeSet<usize>, meeting: &Meeting) -> Vec<(At, At)> {
    meeting
        .equal
        .iter()
        .flat_map(|(a, b)| [(*a, *b), (*b, *a)])
        .filter(|(own, other)| own.item == index && attached.contains(&other.item))
        .collect()
}

/// Whether a part of a set operation is all rows of a table, as they are. Not read yet.
pub(super) fn is_whole(select: &pb::SelectStmt) -> bool {
    if select.op() != pb::SetOperation::SetopNone {
        return [&select.larg, &select.rarg]
            .into_iter()
            .flatten()
            .all(|arm| is_whole(arm));
    }
    let plain = |target: &Node| match target.node.as_ref() {
        Some(NodeEnum::ResTarget(one)) => {
            let value = one.val.as_deref().and_then(|value| value.node.as_ref());
            matches!(value, Some(NodeEnum::ColumnRef(_)))
        }
        _ => false,
    };
    select.where_clause.is_none()
        && select.having_clause.is_none()
        && select.group_clause.is_empty()
        && select.limit_count.is_none()
        && select.limit_offset.is_none()
        && matches!(select.from_clause.as_slice(), [only] if matches!(only.node, Some(NodeEnum::RangeVar(_))))
        && select.target_list.iter().all(plain)
}

fn conjuncts(condition: &Node) -> Vec<&Node> {
    match condition.node.as_ref() {
        Some(NodeEnum::BoolExpr(expr)) if expr.boolop == pb::BoolExprType::AndExpr as i32 => {
            expr.args.iter().flat_map(conjuncts).collect()
        }
        // ON TRUE demands nothing.
        Some(NodeEnum::AConst(_)) => Vec::new(),
        _ => vec![condition],
    }
}

fn own_item(scope: &Scope<'_>, name: &str) -> Option<usize> {
    scope.items.iter().position(|item| item.name == name)
}

/// Whether an entry of FROM is computed from the rows of others beside it.
fn of_rows(index: usize, select: &pb::SelectStmt, scope: &Scope<'_>) -> bool {
    let Some(item) = scope.item(index) else {
        return true;
    };
    select
        .from_clause
        .iter()
        .filter_map(|entry| entry_of(entry, &item.name))
        .any(|entry| {
            free_in(entry)
                .iter()
                .any(|name| own_item(scope, name).is_some_and(|other| other != index))
        })
}

/// The entry of a name, within joins, too.
fn entry_of<'n>(entry: &'n Node, name: &str) -> Option<&'n Node> {
    let alias = match entry.node.as_ref()? {
        NodeEnum::JoinExpr(join) => {
            return [&join.larg, &join.rarg]
                .into_iter()
                .flatten()
                .find_map(|side| entry_of(side, name));
        }
        NodeEnum::RangeVar(var) => var.alias.as_ref(),
        NodeEnum::RangeSubselect(sub) => sub.alias.as_ref(),
        NodeEnum::RangeFunction(function) => function.alias.as_ref(),
        _ => None,
    };
    (alias?.aliasname == name).then_some(entry)
}

/// Entries that are one row, whatever is asked: totals, of nothing beside them.
fn single_rows(entry: &Node, scope: &Scope<'_>) -> Vec<String> {
    match entry.node.as_ref() {
        Some(NodeEnum::JoinExpr(join)) => [&join.larg, &join.rarg]
            .into_iter()
            .flatten()
            .flat_map(|side| single_rows(side, scope))
            .collect(),
        Some(NodeEnum::RangeSubselect(sub)) => {
            let total = total_of(entry).is_some();
            let free = free_in(entry);
            let beside = free.iter().any(|name| own_item(scope, name).is_some());
            match &sub.alias {
                Some(alias) if total && !beside => vec![alias.aliasname.clone()],
                _ => Vec::new(),
            }
        }
        _ => Vec::new(),
    }
}

/// The query of an entry that gives one row at most: figures without groups.
fn total_of(entry: &Node) -> Option<&pb::SelectStmt> {
    let NodeEnum::RangeSubselect(sub) = entry.node.as_ref()? else {
        return None;
    };
    let NodeEnum::SelectStmt(select) = sub.subquery.as_deref()?.node.as_ref()? else {
        return None;
    };
    let has = |test: &dyn Fn(&Node) -> bool| select.target_list.iter().any(test);
    let total = select.op() == pb::SetOperation::SetopNone
        && select.group_clause.is_empty()
        && has(&|target| has_aggregate(&mut target.clone()))
        && !has(&|target| gives_sets(target, false));
    total.then_some(select)
}

/// Whether an output of this level gives several rows for one. `grouped`: the parts of a plain column, which
/// groups are then formed by, may.
fn gives_sets(tree: &Node, grouped: bool) -> bool {
    match tree.node.as_ref() {
        Some(NodeEnum::SelectStmt(_)) => return false,
        Some(NodeEnum::FuncCall(call)) => {
            let name = call.funcname.last().and_then(text_of).unwrap_or_default();
            if classify(name) == FunctionClass::Set {
                return !(grouped && is_split(call, name));
            }
        }
        _ => {}
    }
    let mut found = false;
    children(&mut tree.clone(), &mut |child| {
        found = found || gives_sets(child, grouped)
    });
    found
}

/// `unnest(column)`, `unnest(string_to_array(column, ','))`: what a row itself lists.
fn is_split(call: &pb::FuncCall, name: &str) -> bool {
    let column = |value: &Node| matches!(value.node, Some(NodeEnum::ColumnRef(_)));
    let constant = |value: &Node| matches!(value.node, Some(NodeEnum::AConst(_)));
    match (name, call.args.as_slice()) {
        ("unnest", [list]) if column(list) => true,
        ("unnest", [list]) => match list.node.as_ref() {
            Some(NodeEnum::FuncCall(inner)) => {
                let named = texts_of(&inner.funcname);
                named.and_then(|n| n.last().copied()) == Some("string_to_array")
                    && matches!(inner.args.as_slice(), [text, by] if column(text) && constant(by))
            }
            _ => false,
        },
        ("string_to_table", [text, by]) => column(text) && constant(by),
        _ => false,
    }
}

/// Whether the entry of a name is such a function alone.
fn splits(entries: &[Node], name: &str) -> bool {
    let Some(NodeEnum::RangeFunction(function)) = entries
        .iter()
        .find_map(|entry| entry_of(entry, name))
        .and_then(|entry| entry.node.as_ref())
    else {
        return false;
    };
    let [only] = function.functions.as_slice() else {
        return false;
    };
    let Some(NodeEnum::List(list)) = only.node.as_ref() else {
        return false;
    };
    match list.items.first().and_then(|call| call.node.as_ref()) {
        Some(NodeEnum::FuncCall(call)) => is_split(
            call,
            call.funcname.last().and_then(text_of).unwrap_or_default(),
        ),
        _ => false,
    }
}
