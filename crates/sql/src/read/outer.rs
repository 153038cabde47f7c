//! What an outer join tells by a row that is missing.
//!
//! A row that is there is counted to its subject; one that is missing counts nobody. That nobody has a
//! given key is free, as it is in a look-up that finds nothing. But a condition beside the key would
//! make the missing row say something of somebody who is there, and a list of keys beside it would say
//! it of everybody at once. So a table whose rows may be missing is tied to the other side's subject, or
//! joined by its key alone, or, to other tables, by nothing that picks a subject.

use pg_query::NodeEnum;
use pg_query::protobuf as pb;
use pg_query::protobuf::Node;
use portcullis_contract::Refusal;

use super::Reader;
use super::aggregate::Grouping;
use super::scope::{ItemKind, Names, Scope, Source};
use super::trace::is_equality;
use crate::node::{children, location_of, texts_of};
use crate::rules;

/// An item that an outer join may leave out, by a condition that could tell of somebody who is there.
#[derive(Clone, Debug)]
pub(crate) struct Telling {
    pub item: usize,
    /// Items of the side that is always there.
    pub preserved: Vec<usize>,
    pub at: Option<usize>,
}

/// What the terms of a join's condition ask of one item.
#[derive(Default)]
struct Asked {
    /// `item.key = …`.
    by_key: usize,
    /// Anything else that names the item's key, or a sub-query.
    with_key: usize,
    /// Terms over its other columns.
    otherwise: usize,
}

impl Reader<'_> {
    /// Notes, before a join's condition is turned, what its missing rows could tell.
    pub(super) fn note_outer(
        &self,
        scope: &mut Scope<'_>,
        kind: pb::JoinType,
        condition: Option<&Node>,
        common: &[String],
        (left, right): (&Names, &Names),
    ) {
        let sides: &[(&Names, &Names)] = match kind {
            pb::JoinType::JoinLeft => &[(right, left)],
            pb::JoinType::JoinRight => &[(left, right)],
            pb::JoinType::JoinFull => &[(right, left), (left, right)],
            _ => &[],
        };
        for (nullable, preserved) in sides {
            let lists = preserved.items.iter().any(|index| {
                scope
                    .item(*index)
                    .is_some_and(|item| !matches!(item.kind, ItemKind::Table(_)))
            });
            for index in &nullable.items {
                let Some(item) = scope.item(*index).filter(|item| !item.taps.is_empty()) else {
                    continue;
                };
                let asked = self.asked(scope, *index, condition, common);
                let fine = matches!(item.kind, ItemKind::Table(_))
                    && asked.with_key == 0
                    && match (lists, asked.by_key) {
                        (_, 1) => asked.otherwise == 0,
                        (false, 0) => true,
                        _ => false,
                    };
                let tied = item.taps.len() == 1
                    && condition.is_some_and(|on| self.ties(scope, *index, preserved, on));
                if !(fine || tied) {
                    scope.telling.push(Telling {
                        item: *index,
                        preserved: preserved.items.clone(),
                        at: condition.and_then(location_of),
                    });
                }
            }
        }
    }

    /// Refuses what was noted where rows are shown: groups stand on their floor.
    pub(super) fn outer_rows(&self, scope: &Scope<'_>, grouping: &Grouping) -> Result<(), Refusal> {
        if !matches!(grouping, Grouping::None | Grouping::PerSubject(_)) {
            return Ok(());
        }
        let untied = |telling: &&Telling| {
            scope.own_taps().into_iter().any(|tap| {
                tap.item == telling.item
                    && !scope
                        .reach(tap)
                        .iter()
                        .any(|to| to.level < scope.level || telling.preserved.contains(&to.item))
            })
        };
        let Some(telling) = scope.telling.iter().find(untied) else {
            return Ok(());
        };
        let name = scope
            .item(telling.item)
            .map_or("the table", |item| item.name.as_str());
        self.deny(
            &rules::OUTER_ABSENCE,
            format!("rows of `{name}` that this outer join leaves out would tell of subjects whom nobody counts"),
        )
        .hint("join by the table's key alone, or by the subject of the other side; put other conditions into WHERE, or make it an inner join")
        .at(telling.at)
        .stands()
    }

    /// Whether a condition demands that the item's row is about a subject of the other side: then its
    /// being missing tells of somebody who is counted there. In a full join neither follows the other.
    fn ties(&self, scope: &Scope<'_>, item: usize, preserved: &Names, condition: &Node) -> bool {
        match condition.node.as_ref() {
            Some(NodeEnum::BoolExpr(expr)) => {
                expr.boolop == pb::BoolExprType::AndExpr as i32
                    && expr
                        .args
                        .iter()
                        .any(|arg| self.ties(scope, item, preserved, arg))
            }
            Some(NodeEnum::AExpr(expr))
                if expr.kind == pb::AExprKind::AexprOp as i32 && is_equality(&expr.name) =>
            {
                let tap = |side: &Option<Box<Node>>| {
                    side.as_deref()
                        .and_then(|side| self.subject_reference(scope, side))
                        .filter(|tap| tap.level == scope.level)
                };
                let (Some(a), Some(b)) = (tap(&expr.lexpr), tap(&expr.rexpr)) else {
                    return false;
                };
                let (own, other) = if a.item == item { (a, b) } else { (b, a) };
                let of_one_kind = matches!((scope.tap(own), scope.tap(other)), (Some(x), Some(y)) if x.kind == y.kind);
                own.item == item && preserved.items.contains(&other.item) && of_one_kind
            }
            _ => false,
        }
    }

    fn asked(
        &self,
        scope: &Scope<'_>,
        item: usize,
        condition: Option<&Node>,
        common: &[String],
    ) -> Asked {
        let mut asked = Asked::default();
        for name in common {
            if self.is_key(scope, item, name) {
                asked.by_key += 1;
            } else {
                asked.otherwise += 1;
            }
        }
        if let Some(condition) = condition {
            self.ask(scope, item, condition, &mut asked);
        }
        asked
    }

    fn ask(&self, scope: &Scope<'_>, item: usize, term: &Node, asked: &mut Asked) {
        if let Some(NodeEnum::BoolExpr(expr)) = term.node.as_ref()
            && expr.boolop == pb::BoolExprType::AndExpr as i32
        {
            for arg in &expr.args {
                self.ask(scope, item, arg, asked);
            }
            return;
        }
        let named = self.named_of(scope, item, term);
        if named.is_empty() {
            return;
        }
        if named.iter().all(|name| {
            name.as_ref()
                .is_some_and(|name| !self.is_key(scope, item, name))
        }) {
            asked.otherwise += 1;
        } else if self.is_key_equality(scope, item, term) {
            asked.by_key += 1;
        } else {
            asked.with_key += 1;
        }
    }

    fn is_key_equality(&self, scope: &Scope<'_>, item: usize, term: &Node) -> bool {
        let Some(NodeEnum::AExpr(expr)) = term.node.as_ref() else {
            return false;
        };
        let plain = expr.kind == pb::AExprKind::AexprOp as i32 && is_equality(&expr.name);
        let (Some(left), Some(right)) = (expr.lexpr.as_deref(), expr.rexpr.as_deref()) else {
            return false;
        };
        let bare_key = |side: &Node| {
            matches!(side.node, Some(NodeEnum::ColumnRef(_)))
                && matches!(self.named_of(scope, item, side).as_slice(), [Some(name)] if self.is_key(scope, item, name))
        };
        let free = |side: &Node| self.named_of(scope, item, side).is_empty();
        plain && ((bare_key(left) && free(right)) || (bare_key(right) && free(left)))
    }

    /// The item's columns that a term names; `None` for what could name any (a sub-query, a whole row).
    fn named_of(&self, scope: &Scope<'_>, item: usize, term: &Node) -> Vec<Option<String>> {
        let mut named = Vec::new();
        self.gather(scope, item, &mut term.clone(), &mut named);
        named
    }

    fn gather(
        &self,
        scope: &Scope<'_>,
        item: usize,
        term: &mut Node,
        named: &mut Vec<Option<String>>,
    ) {
        match term.node.as_ref() {
            Some(NodeEnum::SelectStmt(_)) => named.push(None),
            Some(NodeEnum::ColumnRef(reference)) => {
                let found =
                    texts_of(&reference.fields).and_then(|names| self.find_column(scope, &names));
                match found {
                    Some(found) if found.level < scope.level => {}
                    Some(found) => self.of_source(scope, item, &found.source, named),
                    None => named.push(None),
                }
            }
            _ => {
                children(term, &mut |child| self.gather(scope, item, child, named));
            }
        }
    }

    fn of_source(
        &self,
        scope: &Scope<'_>,
        item: usize,
        source: &Source,
        named: &mut Vec<Option<String>>,
    ) {
        match source {
            Source::Column(of, index) if *of == item => {
                let column = scope.item(item).and_then(|item| item.columns.get(*index));
                named.push(column.map(|column| column.name.clone()));
            }
            Source::Column(..) => {}
            Source::Either(left, right) => {
                self.of_source(scope, item, left, named);
                self.of_source(scope, item, right, named);
            }
        }
    }

    /// Whether the column tells one subject or one row apart from all others.
    fn is_key(&self, scope: &Scope<'_>, item: usize, name: &str) -> bool {
        let Some(ItemKind::Table(index)) = scope.item(item).map(|item| item.kind.clone()) else {
            return true;
        };
        self.surface.tables.get(index).is_none_or(|table| {
            let subject = table.subject.as_ref();
            let shown =
                |s: &crate::surface::Subject| s.column == name || s.shown.as_deref() == Some(name);
            subject.is_some_and(shown)
                || table
                    .unique_keys
                    .iter()
                    .any(|key| key.iter().any(|column| column == name))
        })
    }
}
