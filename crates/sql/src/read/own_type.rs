//! Types of the owner's (enums, domains): the grant's role may not name them, and need not.
//!
//! INVARIANT: no type of the owner's is named in what travels. Beside a column of the type a constant or
//! parameter takes that type unsaid, so its cast is left out; elsewhere the cast is refused.

use pg_query::NodeEnum;
use pg_query::protobuf as pb;
use pg_query::protobuf::Node;

use super::Reader;
use super::scope::{ItemKind, Scope, Source};
use crate::node::{string, text_constant, texts_of, type_name};
use crate::rules::{self, Denial};
use crate::session::split_identifiers;

/// The qualified name of a type, and whether it is an array of that type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OwnType {
    schema: String,
    name: String,
    is_array: bool,
}

impl OwnType {
    /// As `format_type` writes it; `None` for what is built in.
    fn of_column(written: &str) -> Option<Self> {
        let element = written.strip_suffix("[]").unwrap_or(written);
        let mut parts = split_identifiers(element, '.')?.into_iter();
        let (schema, name) = (parts.next()?, parts.next()?);
        let own = parts.next().is_none() && schema != "pg_catalog";
        own.then_some(Self {
            schema,
            name,
            is_array: element.len() < written.len(),
        })
    }

    fn element(&self) -> Self {
        Self {
            is_array: false,
            ..self.clone()
        }
    }

    fn array(&self) -> Self {
        Self {
            is_array: true,
            ..self.clone()
        }
    }
}

impl Reader<'_> {
    /// The owner's type that a name stands for, if a column in scope has it.
    pub(super) fn own_type(&self, name: &pb::TypeName) -> Option<OwnType> {
        let parts = texts_of(&name.names)?;
        let is_array = !name.array_bounds.is_empty();
        let named = |schema: &str, name: &str| OwnType {
            schema: schema.to_owned(),
            name: name.to_owned(),
            is_array,
        };
        match parts.as_slice() {
            [schema, name] => Some(named(schema, name)).filter(|t| self.is_in_scope(t)),
            [name] => self
                .session
                .effective_path(self.surface)
                .map(|schema| named(schema, name))
                .find(|t| self.is_in_scope(t)),
            _ => None,
        }
    }

    fn is_in_scope(&self, of: &OwnType) -> bool {
        let columns = self.surface.tables.iter().flat_map(|table| &table.columns);
        columns
            .filter(|column| !column.hidden)
            .filter_map(|column| OwnType::of_column(&column.type_name))
            .any(|known| known.schema == of.schema && known.name == of.name)
    }

    pub(super) fn own_type_refused(&self, shown: &str) -> Denial {
        self.deny(
            &rules::OWN_TYPE,
            format!("type `{shown}` is the owner's, and is not named here"),
        )
        .hint("beside a column of that type a literal needs no cast: `kind = 'low'`; elsewhere cast the column to `text`")
    }

    /// A type in a statement's list of parameters: the owner's are inferred.
    pub(super) fn inferred(&self, name: &mut pb::TypeName) {
        if self.own_type(name).is_some() && rules::OWN_TYPE_INFERRED.stands() {
            *name = type_name(&["pg_catalog", "unknown"]);
        }
    }

    /// A cast of a column to the type that it has.
    pub(super) fn casts_nothing(&self, cast: &pb::TypeCast, scope: &Scope<'_>) -> bool {
        let to = cast.type_name.as_ref().and_then(|name| self.own_type(name));
        let of = cast
            .arg
            .as_deref()
            .and_then(|arg| self.column_type(arg, scope));
        to.is_some() && to == of && rules::OWN_TYPE_BESIDE.stands()
    }

    /// Leaves out the casts of constants and parameters in a comparison with a column of the type.
    pub(super) fn uncast_operands(&self, expr: &mut pb::AExpr, scope: &Scope<'_>) {
        let known = |side: &Option<Box<Node>>| {
            let side = side.as_deref()?;
            self.column_type(side, scope)
                .or_else(|| self.own_type_of_row(side, scope))
        };
        let (left, right) = (known(&expr.lexpr), known(&expr.rexpr));
        let Some(of) = left.clone().or(right) else {
            return;
        };
        let each = matches!(
            expr.kind(),
            pb::AExprKind::AexprOpAny | pb::AExprKind::AexprOpAll
        );
        // The array's elements are held against the left side.
        let (of_left, of_right) = match (each, left.is_some()) {
            (true, true) => (of.clone(), of.array()),
            (true, false) => (of.element(), of.clone()),
            (false, _) => (of.clone(), of.clone()),
        };
        for (side, of) in [(&mut expr.lexpr, of_left), (&mut expr.rexpr, of_right)] {
            if let Some(side) = side.as_deref_mut() {
                self.uncast(side, &of);
            }
        }
    }

    /// The same for values of which one is chosen: CASE, COALESCE, GREATEST.
    pub(super) fn uncast_beside<'v>(
        &self,
        values: impl IntoIterator<Item = &'v mut Node>,
        scope: &Scope<'_>,
    ) {
        let mut values: Vec<&mut Node> = values.into_iter().collect();
        let Some(of) = values
            .iter()
            .find_map(|value| self.column_type(value, scope))
        else {
            return;
        };
        for value in &mut values {
            self.uncast(value, &of);
        }
    }

    /// `CASE column WHEN value …`, and the results, of which one is chosen.
    pub(super) fn uncast_cases(&self, case: &mut pb::CaseExpr, scope: &Scope<'_>) {
        let (mut tests, mut results) = (Vec::new(), Vec::new());
        for when in &mut case.args {
            if let Some(NodeEnum::CaseWhen(when)) = when.node.as_mut() {
                let pb::CaseWhen { expr, result, .. } = &mut **when;
                tests.extend(expr.as_deref_mut());
                results.extend(result.as_deref_mut());
            }
        }
        results.extend(case.defresult.as_deref_mut());
        self.uncast_beside(results, scope);
        if let Some(tested) = case.arg.as_deref_mut() {
            tests.push(tested);
            self.uncast_beside(tests, scope);
        }
    }

    /// Only rows of one column are looked into: `(a) = (b)`.
    fn own_type_of_row(&self, value: &Node, scope: &Scope<'_>) -> Option<OwnType> {
        match value.node.as_ref()? {
            NodeEnum::RowExpr(row) => match row.args.as_slice() {
                [only] => self.column_type(only, scope),
                _ => None,
            },
            _ => None,
        }
    }

    fn uncast(&self, value: &mut Node, of: &OwnType) {
        if !rules::OWN_TYPE_BESIDE.stands() {
            return;
        }
        match value.node.as_mut() {
            Some(NodeEnum::List(list)) => {
                for item in &mut list.items {
                    self.uncast(item, of);
                }
            }
            Some(NodeEnum::AArrayExpr(array)) if of.is_array => {
                for element in &mut array.elements {
                    self.uncast(element, &of.element());
                }
                if let Some(literal) = array_literal(&array.elements) {
                    *value = literal;
                }
            }
            Some(NodeEnum::TypeCast(cast)) => {
                let to = cast.type_name.as_ref().and_then(|name| self.own_type(name));
                if to.as_ref() != Some(of) {
                    return;
                }
                let Some(arg) = cast.arg.as_deref() else {
                    return;
                };
                let bare = match arg.node.as_ref() {
                    Some(NodeEnum::AArrayExpr(array)) => array_literal(&array.elements),
                    _ => plain(arg).cloned(),
                };
                if let Some(bare) = bare {
                    *value = bare;
                }
            }
            _ => {}
        }
    }

    /// The owner's type that a column of a table in scope has.
    fn column_type(&self, value: &Node, scope: &Scope<'_>) -> Option<OwnType> {
        let reference = match value.node.as_ref()? {
            NodeEnum::ColumnRef(reference) => reference,
            NodeEnum::TypeCast(cast) if self.casts_nothing(cast, scope) => {
                return self.column_type(cast.arg.as_deref()?, scope);
            }
            _ => return None,
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
        let ItemKind::Table(table) = item.kind else {
            return None;
        };
        let name = &item.columns.get(*column)?.name;
        OwnType::of_column(&self.surface.tables.get(table)?.column(name)?.type_name)
    }
}

/// A constant or a parameter, also as text.
fn plain(value: &Node) -> Option<&Node> {
    match value.node.as_ref()? {
        NodeEnum::AConst(_) | NodeEnum::ParamRef(_) => Some(value),
        NodeEnum::TypeCast(cast) => {
            let name = cast
                .type_name
                .as_ref()
                .filter(|name| name.array_bounds.is_empty())?;
            let last = texts_of(&name.names)?.last().copied()?;
            matches!(last, "text" | "varchar" | "unknown")
                .then(|| plain(cast.arg.as_deref()?))
                .flatten()
        }
        _ => None,
    }
}

/// `ARRAY['a', 'b']` as `'{"a","b"}'`, which takes the type of what it is held against.
fn array_literal(elements: &[Node]) -> Option<Node> {
    let mut written = Vec::new();
    for element in elements {
        let Some(NodeEnum::AConst(constant)) = plain(element).and_then(|e| e.node.as_ref()) else {
            return None;
        };
        written.push(match &constant.val {
            None if constant.isnull => "NULL".to_owned(),
            Some(pb::a_const::Val::Sval(text)) => {
                let quoted = text.sval.replace('\\', "\\\\").replace('"', "\\\"");
                format!("\"{quoted}\"")
            }
            Some(pb::a_const::Val::Ival(number)) => number.ival.to_string(),
            Some(pb::a_const::Val::Fval(number)) => number.fval.clone(),
            _ => return None,
        });
    }
    Some(text_constant(&format!("{{{}}}", written.join(","))))
}

/// What stands where a removed rule would have refused.
pub(super) fn qualified(of: &OwnType) -> Vec<Node> {
    vec![string(&of.schema), string(&of.name)]
}
