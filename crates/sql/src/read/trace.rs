//! Whom a row is about: taps, and the proof that one tap's subject is another's.

use pg_query::NodeEnum;
use pg_query::protobuf as pb;
use pg_query::protobuf::Node;

use super::Reader;
use super::scope::{Found, Item, ItemTap, Lookup, Scope, TapId, TapSource};
use crate::node::{
    as_text, call, case_when, coalesce, column, not_null, nullif, operation, text_constant,
    texts_of,
};
use crate::rules;

/// Hidden view column that is not NULL in any row (made by `lock`).
const PRESENCE_COLUMN: &str = "portcullis_row";

/// A row that is there with a subject: this and the subject's text.
const SUBJECT_MARK: &str = "s";
/// A row that is there with a NULL subject.
const NULL_SUBJECT_MARK: &str = "n";

impl Reader<'_> {
    /// The tap's text: `s` and the subject, `n` for a row whose subject is NULL, NULL for no row.
    pub(super) fn tap_expression(&self, item: &Item, tap: &ItemTap, grouped: bool) -> Option<Node> {
        let name = match &tap.encoded {
            TapSource::Column(name) => return Some(column(&item.name, name)),
            TapSource::Table => self
                .surface
                .tables
                .get(tap.table)?
                .subject
                .as_ref()?
                .column
                .clone(),
        };
        let table = self.surface.tables.get(tap.table)?;
        if !rules::TAP_NULLS.stands() {
            return Some(column(&item.name, &name));
        }
        let not_nullable = table.columns.iter().any(|c| c.name == name && c.not_null);
        let marked = operation(
            "||",
            text_constant(SUBJECT_MARK),
            as_text(column(&item.name, &name)),
        );
        if not_nullable || grouped {
            return Some(marked);
        }
        let either = coalesce(vec![marked, text_constant(NULL_SUBJECT_MARK)]);
        if !rules::TAP_PRESENCE.stands() {
            return Some(either);
        }
        let witness = table
            .columns
            .iter()
            .find(|c| c.name == PRESENCE_COLUMN)
            .or_else(|| table.columns.iter().find(|c| c.not_null));
        Some(match witness {
            Some(witness) => case_when(not_null(column(&item.name, &witness.name)), either),
            // Without a witness an outer join's missing row is counted as a row of an unknown subject: more, never less.
            None => either,
        })
    }

    /// What is counted for the floor: NULL subjects count for nothing.
    pub(super) fn floor_expression(&self, scope: &Scope<'_>, id: TapId) -> Option<Node> {
        let column = self.tap_column(scope, id)?;
        let tap = scope.item(id.item)?.taps.get(id.tap)?;
        Some(match &tap.encoded {
            TapSource::Column(_) if rules::FLOOR_NULLS.stands() => {
                nullif(column, text_constant(NULL_SUBJECT_MARK))
            }
            TapSource::Column(_) => column,
            TapSource::Table => column,
        })
    }

    /// The column that a tap is made from.
    pub(super) fn tap_column(&self, scope: &Scope<'_>, id: TapId) -> Option<Node> {
        let item = scope.item(id.item)?;
        let tap = item.taps.get(id.tap)?;
        Some(match &tap.encoded {
            TapSource::Column(name) => column(&item.name, name),
            TapSource::Table => {
                let subject = self.surface.tables.get(tap.table)?.subject.as_ref()?;
                column(&item.name, &subject.column)
            }
        })
    }

    /// Whether the tap is another column than the one that shows its subject.
    pub(super) fn keyed_apart(&self, scope: &Scope<'_>, id: TapId) -> bool {
        let Some(tap) = scope.item(id.item).and_then(|i| i.taps.get(id.tap)) else {
            return false;
        };
        match tap.encoded {
            TapSource::Column(_) => true,
            TapSource::Table => {
                let subject = self
                    .surface
                    .tables
                    .get(tap.table)
                    .and_then(|t| t.subject.as_ref());
                subject.is_some_and(|s| s.shown.is_some())
            }
        }
    }

    /// Learns from the equalities that a condition demands which taps share their subject. `strict`:
    /// the condition holds in every row (WHERE, inner join), else only where the `right` items are present.
    pub(super) fn learn(&self, scope: &mut Scope<'_>, condition: &Node, right: Option<&[usize]>) {
        match condition.node.as_ref() {
            Some(NodeEnum::BoolExpr(expr))
                if expr.boolop == pb::BoolExprType::AndExpr as i32
                    || !rules::TIE_BY_AND.stands() =>
            {
                for arg in &expr.args {
                    self.learn(scope, arg, right);
                }
            }
            Some(NodeEnum::AExpr(expr))
                if expr.kind == pb::AExprKind::AexprOp as i32
                    && (is_equality(&expr.name) || !rules::TIE_BY_EQUALITY.stands()) =>
            {
                let left = expr
                    .lexpr
                    .as_deref()
                    .and_then(|n| self.subject_reference(scope, n));
                let other = expr
                    .rexpr
                    .as_deref()
                    .and_then(|n| self.subject_reference(scope, n));
                if let (Some(a), Some(b)) = (left, other) {
                    self.link(scope, a, b, right);
                }
            }
            _ => {}
        }
    }

    pub(super) fn link(&self, scope: &mut Scope<'_>, a: TapId, b: TapId, right: Option<&[usize]>) {
        let same_kind =
            matches!((scope.tap(a), scope.tap(b)), (Some(x), Some(y)) if x.kind == y.kind);
        if (!same_kind && rules::TIE_SAME_KIND.stands()) || a == b {
            return;
        }
        let depends = |id: TapId| {
            id.level == scope.level
                && (right.is_none_or(|items| items.contains(&id.item))
                    || !rules::TIE_OUTER_JOIN.stands())
        };
        let (a_depends, b_depends) = (depends(a), depends(b));
        if a_depends && !(right.is_some() && b_depends) {
            scope.follows.push((a, b));
        }
        if b_depends && !(right.is_some() && a_depends) {
            scope.follows.push((b, a));
        }
    }

    /// The tap whose subject a plain column reference holds.
    pub(super) fn subject_reference(&self, scope: &Scope<'_>, node: &Node) -> Option<TapId> {
        let NodeEnum::ColumnRef(reference) = node.node.as_ref()? else {
            return None;
        };
        let found = self.find_column(scope, &texts_of(&reference.fields)?)?;
        scope.at_level(found.level)?.subject_of(&found.source)
    }

    /// Looks a name up without complaint.
    pub(super) fn find_column(&self, scope: &Scope<'_>, names: &[&str]) -> Option<Found> {
        match names {
            [name] => match scope.find_bare(name) {
                Lookup::Found(found) => Some(found),
                Lookup::Missing | Lookup::Ambiguous => None,
            },
            [qualifier, name] => self.find_qualified(scope, None, qualifier, name),
            [schema, qualifier, name] => self.find_qualified(scope, Some(schema), qualifier, name),
            [database, schema, qualifier, name] if *database == self.session.database => {
                self.find_qualified(scope, Some(schema), qualifier, name)
            }
            _ => None,
        }
    }

    fn find_qualified(
        &self,
        scope: &Scope<'_>,
        schema: Option<&str>,
        qualifier: &str,
        name: &str,
    ) -> Option<Found> {
        let (here, index) = scope.find_item(schema, qualifier)?;
        let columns = &here.item(index)?.columns;
        let told_apart = columns
            .iter()
            .position(|c| c.emitted.as_deref() == Some(name));
        let position = match told_apart {
            Some(position) => position,
            None => columns.iter().position(|c| c.name == name)?,
        };
        let doubled = columns.iter().skip(position + 1).any(|c| c.name == name);
        if told_apart.is_none() && doubled {
            return None;
        }
        Some(Found {
            level: here.level,
            source: super::scope::Source::Column(index, position),
        })
    }
}

/// `=`, bare or of `pg_catalog`.
pub(super) fn is_equality(name: &[Node]) -> bool {
    matches!(texts_of(name).as_deref(), Some(["="] | ["pg_catalog", "="]))
}

/// `count(DISTINCT subject) >= floor`.
pub(super) fn above_floor(subject: Node, floor: u64, filter: Option<Node>) -> Node {
    let count = count_distinct(subject, filter);
    operation(">=", count, crate::node::integer_constant(floor))
}

/// `count(DISTINCT subject) FILTER (WHERE filter) = 0 OR … >= floor`.
pub(super) fn none_or_above_floor(subject: Node, floor: u64, filter: Node) -> Node {
    let none = operation(
        "=",
        count_distinct(subject.clone(), Some(filter.clone())),
        crate::node::integer_constant(0),
    );
    crate::node::or(none, above_floor(subject, floor, Some(filter)))
}

fn count_distinct(subject: Node, filter: Option<Node>) -> Node {
    let mut count = call("pg_catalog", "count", vec![subject]);
    if let Some(NodeEnum::FuncCall(f)) = count.node.as_mut() {
        f.agg_distinct = true;
        f.agg_filter = filter.map(Box::new);
    }
    count
}
