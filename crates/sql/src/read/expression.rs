//! Expressions: every node type with its rule; what has none is refused.

use pg_query::NodeEnum;
use pg_query::protobuf as pb;
use pg_query::protobuf::Node;
use portcullis_contract::{Refusal, nearest};

use super::Reader;
use super::aggregate::Grouping;
use super::place::{offset, pointed};
use super::registered::{Told, compares, told_under};
use super::scope::{Found, ItemKind, Lookup, Scope, Source, TapId};
use super::select::Taps;
use super::{instead, own_type, too_deep};
use crate::lists::functions::{self, FunctionClass};
use crate::lists::types::{self, TypeClass};
use crate::node::{boolean_constant, cast, node, string, text_constant, texts_of, type_name};
use crate::rules::{self, Denial};

/// Where an expression stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clause {
    Target,
    Where,
    JoinOn,
    GroupBy,
    Having,
    OrderBy,
    From,
    Limit,
    /// Inside an aggregate's arguments or filter.
    Aggregate,
    /// Inside a window function or definition.
    Window,
}

impl Clause {
    pub fn name(self) -> &'static str {
        match self {
            Self::Target => "the select list",
            Self::Where => "WHERE",
            Self::JoinOn => "JOIN conditions",
            Self::GroupBy => "GROUP BY",
            Self::Having => "HAVING",
            Self::OrderBy => "ORDER BY",
            Self::From => "functions in FROM",
            Self::Limit => "LIMIT",
            Self::Aggregate => "aggregate arguments",
            Self::Window => "window definitions",
        }
    }
}

/// Names of fields that functions of the lists give: `(f(x)).n`. None of them is the name of a
/// function, as which PostgreSQL would read a field that does not exist.
const FIELDS: &[&str] = &[
    "x",
    "n",
    "key",
    "value",
    "grantor",
    "grantee",
    "privilege_type",
    "is_grantable",
    "option_name",
    "option_value",
];

/// Columns that every table has and no view of a contract shows.
pub(super) const SYSTEM_COLUMNS: &[&str] = &["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"];

/// Highest parameter number of the protocol.
const MAX_PARAMETER: i32 = 65_535;

/// Longest numeric constant, in characters.
const MAX_NUMBER_CHARS: usize = 1_000;

impl Reader<'_> {
    pub(super) fn expression(
        &mut self,
        value: &mut Node,
        scope: &Scope<'_>,
        clause: Clause,
    ) -> Result<(), Refusal> {
        self.walk_expression(value, scope, clause, None)
    }

    /// `grouping` is given where aggregates and window functions may stand.
    pub(super) fn walk_expression(
        &mut self,
        value: &mut Node,
        scope: &Scope<'_>,
        clause: Clause,
        grouping: Option<&Grouping>,
    ) -> Result<(), Refusal> {
        self.deeper()?;
        let at = self.position_of(value);
        let walked = self.walk_node(value, scope, clause, grouping);
        self.depth -= 1;
        walked.map_err(|refusal| pointed(refusal, at))
    }

    fn walk_all(
        &mut self,
        values: &mut [Node],
        scope: &Scope<'_>,
        clause: Clause,
        grouping: Option<&Grouping>,
    ) -> Result<(), Refusal> {
        values
            .iter_mut()
            .try_for_each(|value| self.walk_expression(value, scope, clause, grouping))
    }

    fn walk_one(
        &mut self,
        value: &mut Option<Box<Node>>,
        scope: &Scope<'_>,
        clause: Clause,
        grouping: Option<&Grouping>,
    ) -> Result<(), Refusal> {
        value.as_mut().map_or(Ok(()), |value| {
            self.walk_expression(value, scope, clause, grouping)
        })
    }

    fn walk_node(
        &mut self,
        value: &mut Node,
        scope: &Scope<'_>,
        clause: Clause,
        grouping: Option<&Grouping>,
    ) -> Result<(), Refusal> {
        let Some(inner) = value.node.as_mut() else {
            return self.odd("an empty expression").stands();
        };
        match inner {
            NodeEnum::AConst(constant) => self.constant(constant),
            NodeEnum::ParamRef(parameter) if (1..=MAX_PARAMETER).contains(&parameter.number) => {
                Ok(())
            }
            NodeEnum::ParamRef(_) => self
                .deny(&rules::PARAMETER, "there is no such parameter")
                .hint(format!("parameters are `$1` to `${MAX_PARAMETER}`"))
                .stands(),
            NodeEnum::ColumnRef(_) => self.column_reference(value, scope),
            NodeEnum::AExpr(_) => self.operation(value, scope, clause, grouping),
            NodeEnum::BoolExpr(expr) => self.walk_all(&mut expr.args, scope, clause, grouping),
            NodeEnum::NullTest(test) => self.walk_one(&mut test.arg, scope, clause, grouping),
            NodeEnum::BooleanTest(test) => self.walk_one(&mut test.arg, scope, clause, grouping),
            NodeEnum::TypeCast(_) => self.type_cast(value, scope, clause, grouping),
            NodeEnum::CollateClause(collate) => {
                if !matches!(
                    texts_of(&collate.collname).as_deref(),
                    Some([_] | ["pg_catalog", _])
                ) {
                    self.deny(
                        &rules::COLLATION,
                        "only collations of `pg_catalog` are passed",
                    )
                    .hint("use `COLLATE \"C\"`, or leave COLLATE out")
                    .at(offset(collate.location))
                    .stands()?;
                }
                self.walk_one(&mut collate.arg, scope, clause, grouping)
            }
            NodeEnum::FuncCall(_) => self.function(value, scope, clause, grouping),
            NodeEnum::NamedArgExpr(named) => self.walk_one(&mut named.arg, scope, clause, grouping),
            NodeEnum::AArrayExpr(array) => {
                self.objects_among(&mut array.elements, scope);
                self.walk_all(&mut array.elements, scope, clause, grouping)
            }
            NodeEnum::List(list) => self.walk_all(&mut list.items, scope, clause, grouping),
            NodeEnum::AIndirection(indirection) => {
                self.indirection(&mut indirection.indirection, scope, clause, grouping)?;
                self.walk_one(&mut indirection.arg, scope, clause, grouping)
            }
            NodeEnum::CaseExpr(case) => {
                self.uncast_cases(case, scope);
                self.walk_one(&mut case.arg, scope, clause, grouping)?;
                for when in &mut case.args {
                    let Some(NodeEnum::CaseWhen(when)) = when.node.as_mut() else {
                        self.odd("a CASE without WHEN").stands()?;
                        continue;
                    };
                    self.walk_one(&mut when.expr, scope, clause, grouping)?;
                    self.walk_one(&mut when.result, scope, clause, grouping)?;
                }
                self.walk_one(&mut case.defresult, scope, clause, grouping)
            }
            NodeEnum::CoalesceExpr(expr) => {
                self.uncast_beside(&mut expr.args, scope);
                self.walk_all(&mut expr.args, scope, clause, grouping)
            }
            NodeEnum::MinMaxExpr(expr) => {
                self.uncast_beside(&mut expr.args, scope);
                self.walk_all(&mut expr.args, scope, clause, grouping)
            }
            NodeEnum::RowExpr(row) => self.walk_all(&mut row.args, scope, clause, grouping),
            NodeEnum::GroupingFunc(call) => self.walk_all(&mut call.args, scope, clause, None),
            NodeEnum::SqlvalueFunction(_) => self.value_function(value),
            NodeEnum::SubLink(_) => self.sub_link(value, scope, clause, grouping),
            NodeEnum::SetToDefault(_) => self
                .deny(
                    &rules::DEFAULT_VALUE,
                    "DEFAULT is not allowed in this context",
                )
                .hint("write the value itself")
                .stands(),
            other => {
                let (what, instead) = instead::of_node(&node_name(other));
                self.deny(&rules::NODE, format!("{what} is not passed"))
                    .hint(instead)
                    .stands()
            }
        }
    }

    /// Literals as every supported version reads them: the digits alone, without `_` and without a base.
    fn constant(&mut self, constant: &mut pb::AConst) -> Result<(), Refusal> {
        if let Some(pb::a_const::Val::Sval(text)) = &constant.val {
            self.note_literal(&text.sval, offset(constant.location));
        }
        if let Some(pb::a_const::Val::Fval(number)) = &mut constant.val {
            if rules::NUMBER_DIGITS.stands() {
                number.fval.retain(|c| c != '_');
            }
            let plain = number
                .fval
                .chars()
                .all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'));
            if !plain || number.fval.len() > MAX_NUMBER_CHARS {
                self.deny(&rules::NUMBER, "this form of number is not passed")
                    .hint(format!(
                        "write it in decimal digits, at most {MAX_NUMBER_CHARS} of them"
                    ))
                    .stands()?;
            }
        }
        Ok(())
    }

    fn column_reference(&mut self, value: &mut Node, scope: &Scope<'_>) -> Result<(), Refusal> {
        let Some(NodeEnum::ColumnRef(reference)) = value.node.as_ref() else {
            return Ok(());
        };
        let Some(names) = texts_of(&reference.fields) else {
            return self.whole_row("*").stands();
        };
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        let parts: Vec<&str> = names.iter().map(String::as_str).collect();
        self.spend((scope.level + scope.names.columns.len()) / 64)?;
        if let [bare] = parts.as_slice()
            && matches!(scope.find_bare(bare), Lookup::Ambiguous)
        {
            self.deny(
                &rules::AMBIGUOUS_COLUMN,
                format!("column reference `{bare}` is ambiguous"),
            )
            .hint("qualify it with its table's name or alias")
            .stands()?;
        }
        if let Some(Found { level, source }) = self.find_column(scope, &parts) {
            self.note_source_at(scope, level, &source);
            if let Some(reference) = scope.at_level(level).and_then(|s| s.reference(&source)) {
                if rules::COLUMN_QUALIFIED.stands() {
                    *value = reference;
                }
                if let Some(column) = self.registered_column(scope, level, &source) {
                    self.tell_column(value, column);
                }
                return Ok(());
            }
        }
        if let Some(constant) = catalog_tableoid(scope, &parts)
            && rules::CATALOG_TABLEOID.stands()
        {
            *value = constant;
            return Ok(());
        }
        match parts.as_slice() {
            [bare] => self.row_reference(value, scope, bare),
            [qualifier, _] if scope.find_item(None, qualifier).is_none() => {
                self.unknown_qualifier(qualifier, scope).stands()
            }
            _ => self.unknown_column(&names.join("."), scope).stands(),
        }
    }

    /// A table's name where a value is expected: the whole row, with whatever the view has.
    fn row_reference(
        &self,
        value: &mut Node,
        scope: &Scope<'_>,
        name: &str,
    ) -> Result<(), Refusal> {
        let Some((here, index)) = scope.find_item(None, name) else {
            return self.unknown_column(name, scope).stands();
        };
        let Some(item) = here.item(index) else {
            return self.unknown_column(name, scope).stands();
        };
        if item.rows || !item.taps.is_empty() || matches!(item.kind, ItemKind::Table(_)) {
            self.whole_row(name).stands()?;
        }
        *value = node(NodeEnum::ColumnRef(pb::ColumnRef {
            fields: vec![string(name)],
            location: 0,
        }));
        Ok(())
    }

    fn whole_row(&self, name: &str) -> Denial {
        self.deny(
            &rules::WHOLE_ROW,
            format!("`{name}` as a whole row is not passed"),
        )
        .hint("name the columns; `SELECT *` and `SELECT table.*` give all that the contract shows")
    }

    pub(super) fn note_source(&mut self, scope: &Scope<'_>, source: &Source) {
        self.note_source_at(scope, scope.level, source);
    }

    /// Notes the columns of tables that a name stands for.
    pub(super) fn note_source_at(&mut self, scope: &Scope<'_>, level: usize, source: &Source) {
        match source {
            Source::Either(left, right) => {
                self.note_source_at(scope, level, left);
                self.note_source_at(scope, level, right);
            }
            Source::Column(item, column) => {
                let Some(item) = scope.at_level(level).and_then(|s| s.item(*item)) else {
                    return;
                };
                if let (ItemKind::Table(table), Some(column)) =
                    (&item.kind, item.columns.get(*column))
                {
                    self.tables
                        .entry(*table)
                        .or_default()
                        .insert(column.name.clone());
                }
            }
        }
    }

    /// Operators resolve in `pg_catalog` alone: the server's search path is pinned to it.
    pub(super) fn operator(&self, name: &[Node]) -> Result<(), Refusal> {
        match texts_of(name).as_deref() {
            Some([_] | ["pg_catalog", _]) => Ok(()),
            _ => self
                .deny(
                    &rules::OPERATOR,
                    "only operators of `pg_catalog` are passed",
                )
                .hint("leave out the schema: `a + b` in place of `a OPERATOR(schema.+) b`")
                .stands(),
        }
    }

    fn operation(
        &mut self,
        value: &mut Node,
        scope: &Scope<'_>,
        clause: Clause,
        grouping: Option<&Grouping>,
    ) -> Result<(), Refusal> {
        let told = self.told;
        let walked = self.operands(value, scope, clause, grouping);
        self.told = told;
        walked
    }

    fn operands(
        &mut self,
        value: &mut Node,
        scope: &Scope<'_>,
        clause: Clause,
        grouping: Option<&Grouping>,
    ) -> Result<(), Refusal> {
        // Long chains (`a OR b OR …`, `x || y || …`) nest on the left: walk down without recursion.
        let mut current = value;
        let mut steps = 0;
        while let Some(NodeEnum::AExpr(expr)) = current.node.as_mut() {
            self.operator(&expr.name)?;
            self.uncast_operands(expr, scope);
            if compares(expr) {
                self.objects_beside(expr, scope);
                self.told = Told::Number;
            } else if expr.kind() != pb::AExprKind::AexprNullif {
                self.told = Told::Name;
            }
            self.walk_one(&mut expr.rexpr, scope, clause, grouping)?;
            let Some(left) = expr.lexpr.as_mut() else {
                return Ok(());
            };
            steps += 1;
            if self.depth + steps > super::MAX_DEPTH {
                too_deep(&rules::DEPTH_OPERATORS).stands()?;
            }
            if !matches!(left.node, Some(NodeEnum::AExpr(_))) {
                return self.walk_expression(left, scope, clause, grouping);
            }
            current = left;
        }
        Ok(())
    }

    fn indirection(
        &mut self,
        parts: &mut [Node],
        scope: &Scope<'_>,
        clause: Clause,
        grouping: Option<&Grouping>,
    ) -> Result<(), Refusal> {
        for part in parts {
            match part.node.as_mut() {
                Some(NodeEnum::AIndices(indices)) => {
                    self.walk_one(&mut indices.lidx, scope, clause, grouping)?;
                    self.walk_one(&mut indices.uidx, scope, clause, grouping)?;
                }
                Some(NodeEnum::String(field)) if FIELDS.contains(&field.sval.as_str()) => {}
                _ => self
                    .deny(&rules::FIELD, "this selection of a field is not passed")
                    .hint("name the column of the table itself: `table.column`, without brackets")
                    .stands()?,
            }
        }
        Ok(())
    }

    pub(super) fn type_name(&self, name: &mut pb::TypeName) -> Result<TypeClass, Refusal> {
        let at = offset(std::mem::take(&mut name.location));
        let parts: Vec<String> = texts_of(&name.names)
            .unwrap_or_default()
            .into_iter()
            .map(str::to_owned)
            .collect();
        let shown = parts.join(".");
        if name.setof || name.pct_type || name.type_oid != 0 {
            self.deny(
                &rules::TYPE_FORM,
                format!("type `{shown}` is not passed in this form"),
            )
            .hint("name the type itself, without SETOF and %TYPE")
            .at(at)
            .stands()?;
        }
        for bound in name.typmods.iter().chain(&name.array_bounds) {
            if !matches!(bound.node, Some(NodeEnum::AConst(_) | NodeEnum::Integer(_))) {
                self.deny(
                    &rules::TYPE_MODIFIER,
                    format!("the modifier of type `{shown}` is not passed"),
                )
                .hint("modifiers are constants: `numeric(10, 2)`")
                .at(at)
                .stands()?;
            }
        }
        let class = match parts.as_slice() {
            [bare] => types::classify(None, bare),
            [schema, bare] => types::classify(Some(schema), bare),
            _ => TypeClass::Unlisted,
        };
        match class {
            TypeClass::Plain | TypeClass::Registered => {
                if let [bare] = parts.as_slice()
                    && rules::TYPE_QUALIFIED.stands()
                {
                    name.names = vec![string("pg_catalog"), string(bare)];
                }
                Ok(class)
            }
            TypeClass::InformationSchema => Ok(class),
            TypeClass::Unlisted if let Some(own) = self.own_type(name) => {
                self.own_type_refused(&shown).at(at).stands()?;
                name.names = own_type::qualified(&own);
                Ok(TypeClass::Plain)
            }
            TypeClass::Unlisted => self.unknown_type(&shown).at(at).or(|| TypeClass::Plain),
        }
    }

    pub(super) fn unknown_type(&self, shown: &str) -> Denial {
        self.deny(&rules::TYPE, format!("type `{shown}` is not in scope"))
            .hint(match nearest(shown, types::listed()) {
                Some(near) => format!("did you mean `{near}`? built-in types and the types of columns in scope may be named"),
                None => "built-in types and the types of columns in scope may be named; leave the cast out, or cast to `text`".to_owned(),
            })
    }

    fn type_cast(
        &mut self,
        value: &mut Node,
        scope: &Scope<'_>,
        clause: Clause,
        grouping: Option<&Grouping>,
    ) -> Result<(), Refusal> {
        let Some(NodeEnum::TypeCast(typed)) = value.node.as_mut() else {
            return Ok(());
        };
        if self.casts_nothing(typed, scope) {
            let column = typed.arg.take();
            return column.map_or(Ok(()), |column| {
                *value = *column;
                self.walk_expression(value, scope, clause, grouping)
            });
        }
        let Some(type_name) = typed.type_name.as_mut() else {
            return self.odd("a cast without a type").stands();
        };
        if self.type_name(type_name)? == TypeClass::Registered {
            return self.registered_cast(value, scope, clause, grouping);
        }
        // What has its type in the text is never looked up.
        if let Some(NodeEnum::AConst(constant)) =
            typed.arg.as_ref().and_then(|arg| arg.node.as_ref())
            && let Some(pb::a_const::Val::Sval(text)) = &constant.val
        {
            if rules::CAST_BOOLEAN.stands()
                && let Some(constant) = boolean_of(type_name, &text.sval)
            {
                self.literal_read = true;
                *value = constant;
            }
            return Ok(());
        }
        let told = told_under(type_name);
        self.told_as(told, |reader| {
            reader.walk_one(&mut typed.arg, scope, clause, grouping)
        })?;
        // `x::regclass::text` is told as text already, `x::regclass::oid` as a number.
        if typed
            .arg
            .as_deref()
            .is_some_and(|arg| is_same_cast(arg, typed))
        {
            let inner = typed.arg.take();
            *value = inner.map_or_else(|| node(NodeEnum::AStar(pb::AStar {})), |inner| *inner);
        }
        Ok(())
    }

    /// `current_user` and its like show the client's own identity.
    fn value_function(&self, value: &mut Node) -> Result<(), Refusal> {
        use pb::SqlValueFunctionOp as Op;
        let Some(NodeEnum::SqlvalueFunction(function)) = value.node.as_ref() else {
            return Ok(());
        };
        let name_type = || type_name(&["pg_catalog", "name"]);
        let shown = match function.op() {
            Op::SvfopCurrentRole | Op::SvfopCurrentUser | Op::SvfopUser | Op::SvfopSessionUser => {
                text_constant(&self.session.user)
            }
            Op::SvfopCurrentCatalog => text_constant(&self.session.database),
            Op::SvfopCurrentSchema => self.current_schema(),
            Op::SqlvalueFunctionOpUndefined => {
                return self.odd("a value function without a name").stands();
            }
            _ => return Ok(()),
        };
        if !rules::IDENTITY_VALUES.stands() {
            return Ok(());
        }
        *value = cast(shown, name_type());
        Ok(())
    }

    pub(super) fn current_schema(&self) -> Node {
        self.session
            .effective_path(self.surface)
            .next()
            .map_or_else(crate::node::null_constant, text_constant)
    }

    fn function(
        &mut self,
        value: &mut Node,
        scope: &Scope<'_>,
        clause: Clause,
        grouping: Option<&Grouping>,
    ) -> Result<(), Refusal> {
        let Some(NodeEnum::FuncCall(call)) = value.node.as_mut() else {
            return Ok(());
        };
        let parts: Vec<String> = texts_of(&call.funcname)
            .unwrap_or_default()
            .into_iter()
            .map(str::to_owned)
            .collect();
        let name = match parts.as_slice() {
            [bare] => bare.clone(),
            [schema, bare] if schema == "pg_catalog" => bare.clone(),
            [schema, bare] if schema == "information_schema" && bare == "_pg_expandarray" => {
                return self.walk_all(&mut call.args, scope, clause, None);
            }
            _ => {
                return self
                    .deny(
                        &rules::FUNCTION_SCHEMA,
                        format!("function `{}` is not passed", parts.join(".")),
                    )
                    .hint("functions of the owner's schemas run code that the gate cannot read; write what it computes with built-in functions")
                    .stands();
            }
        };
        let configuration = self.text_configuration(&name, call)?;
        if let Some(replaced) = self.identity_call(&name, call, scope)? {
            *value = replaced;
            return Ok(());
        }
        if self.surface.catalog_functions.contains_key(&name) {
            return self.catalog_call(value, &name, scope, clause, grouping);
        }
        let class = functions::classify(&name);
        if rules::FUNCTION_QUALIFIED.stands() {
            call.funcname = vec![string("pg_catalog"), string(&name)];
        }
        let shaped = call.agg_star
            || call.agg_distinct
            || call.agg_within_group
            || call.agg_filter.is_some()
            || !call.agg_order.is_empty();
        match class {
            FunctionClass::Unlisted => self.unknown_function(&name).stands(),
            _ if call.over.is_some() => self.told_as(Told::Name, |reader| {
                reader.window(value, class, scope, clause, grouping)
            }),
            FunctionClass::Ranking | FunctionClass::Neighbour => self
                .deny(
                    &rules::WINDOW_OVER,
                    format!("window function `{name}` requires an OVER clause"),
                )
                .hint(format!("write `{name}(…) OVER (ORDER BY …)`"))
                .stands(),
            FunctionClass::Aggregate | FunctionClass::Extreme | FunctionClass::Packing => self
                .told_as(Told::Name, |reader| {
                    reader.aggregate(value, class, scope, clause, grouping)
                }),
            _ if shaped => self.not_an_aggregate(&name).stands(),
            FunctionClass::Scalar | FunctionClass::CatalogValue | FunctionClass::Set => {
                // The elements of an array are told as the array's place says.
                let told = if name == "unnest" {
                    self.told
                } else {
                    Told::Name
                };
                self.told_as(told, |reader| {
                    reader.walk_all(&mut call.args, scope, clause, grouping)
                })?;
                if let (Some(first), Some(settled)) = (call.args.first_mut(), configuration) {
                    *first = settled;
                }
                if name == "pg_typeof" {
                    self.tell(value, "regtype");
                }
                Ok(())
            }
        }
    }

    pub(super) fn unknown_function(&self, name: &str) -> Denial {
        self.deny(&rules::FUNCTION, format!("function `{name}` is not passed"))
            .hint(instead::of_function(name))
    }

    pub(super) fn not_an_aggregate(&self, name: &str) -> Denial {
        self.deny(
            &rules::NOT_AGGREGATE,
            format!("`{name}` is not an aggregate function"),
        )
        .hint("DISTINCT, ORDER BY, FILTER and OVER belong to aggregates")
    }

    /// A sub-query in an expression shows something about its subjects in the enclosing query's
    /// rows: each must be the subject of an enclosing row, by an equality or by IN.
    fn sub_link(
        &mut self,
        value: &mut Node,
        scope: &Scope<'_>,
        clause: Clause,
        grouping: Option<&Grouping>,
    ) -> Result<(), Refusal> {
        let Some(NodeEnum::SubLink(link)) = value.node.as_mut() else {
            return Ok(());
        };
        let kind = link.sub_link_type();
        if !link.oper_name.is_empty() {
            self.operator(&link.oper_name)?;
        }
        let equality = link.oper_name.is_empty() || super::trace::is_equality(&link.oper_name);
        let tested = match kind {
            pb::SubLinkType::AnySublink if equality || !rules::SUBQUERY_EQUALITY.stands() => {
                self.tested_subjects(link.testexpr.as_deref(), scope)
            }
            _ => Vec::new(),
        };
        let Some(NodeEnum::SelectStmt(select)) =
            link.subselect.as_mut().and_then(|n| n.node.as_mut())
        else {
            return self.odd("a sub-query without a query").stands();
        };
        let told = match kind {
            pb::SubLinkType::AnySublink | pb::SubLinkType::AllSublink => Told::Number,
            _ => self.told,
        };
        let output = self.told_as(told, |reader| {
            reader.walk_one(&mut link.testexpr, scope, clause, grouping)?;
            reader.query(select, Some(scope), Taps::Omit)
        })?;
        if kind == pb::SubLinkType::ArraySublink && output.rows {
            self.deny(
                &rules::PACKING_ARRAY,
                "`ARRAY(SELECT …)` packs rows into one value",
            )
            .hint("join the rows themselves: each is then traced and counted")
            .stands()?;
        }
        let open: Vec<usize> = (0..output.taps.len())
            .filter(|t| output.taps.get(*t).is_some_and(|tap| tap.outer.is_empty()))
            .collect();
        let covered = open
            .iter()
            .all(|tap| self.covered_by_test(*tap, &tested, &output, scope));
        if !covered {
            self.deny(
                &rules::SUBQUERY_TIED,
                "this sub-query shows subjects that the row does not name",
            )
            .hint(if scope.names.items.is_empty() {
                "ask the table itself: `SELECT 1 FROM table WHERE … LIMIT 1`; there is no row around the sub-query that it could be about"
            } else {
                "join the table instead, or tie the sub-query to the row's subject: `WHERE inner.subject = outer.subject`"
            })
            .stands()?;
        }
        let in_condition = matches!(clause, Clause::Where | Clause::JoinOn | Clause::Aggregate)
            && grouping.is_none();
        if let Some(frame) = self.frames.last_mut() {
            frame.groups |= output.groups && rules::SUBQUERY_GROUPS.stands();
            // What is tied to a row's subject counts with that row.
            frame.rows |= output.rows
                && output.taps.is_empty()
                && !in_condition
                && rules::SUBQUERY_ROWS.stands();
        }
        Ok(())
    }

    /// For `test IN (…)`: the subject that each tested value holds.
    fn tested_subjects(&self, test: Option<&Node>, scope: &Scope<'_>) -> Vec<Option<TapId>> {
        match test.and_then(|n| n.node.as_ref()) {
            Some(NodeEnum::RowExpr(row)) => row
                .args
                .iter()
                .map(|n| self.subject_reference(scope, n))
                .collect(),
            Some(_) => vec![test.and_then(|n| self.subject_reference(scope, n))],
            None => Vec::new(),
        }
    }

    fn covered_by_test(
        &self,
        tap: usize,
        tested: &[Option<TapId>],
        output: &super::scope::Output,
        scope: &Scope<'_>,
    ) -> bool {
        tested.iter().zip(&output.columns).any(|(outer, column)| {
            let (Some(outer), Some(inner)) = (outer, column.subject_of) else {
                return false;
            };
            let same_kind = scope
                .tap(*outer)
                .zip(output.taps.get(inner))
                .is_some_and(|(a, b)| a.kind == b.kind);
            (same_kind || !rules::SUBQUERY_KIND.stands())
                && (inner == tap || output.follows.contains(&(tap, inner)))
        })
    }
}

/// `'t'::bool` and `'f'::bool` read back as the constants themselves, so that is what they become.
fn boolean_of(name: &pb::TypeName, text: &str) -> Option<Node> {
    let of_boolean = texts_of(&name.names).as_deref() == Some(&["pg_catalog", "bool"])
        && name.array_bounds.is_empty()
        && name.typmods.is_empty();
    match text {
        "t" if of_boolean => Some(boolean_constant(true)),
        "f" if of_boolean => Some(boolean_constant(false)),
        _ => None,
    }
}

/// Whether a value is cast already as another cast says, plainly.
fn is_same_cast(value: &Node, outer: &pb::TypeCast) -> bool {
    let Some(NodeEnum::TypeCast(inner)) = value.node.as_ref() else {
        return false;
    };
    let plain = |typed: &pb::TypeCast| {
        let name = typed.type_name.as_ref()?;
        let bare = name.array_bounds.is_empty() && name.typmods.is_empty();
        let names = texts_of(&name.names).filter(|_| bare)?;
        Some(names.into_iter().map(str::to_owned).collect::<Vec<_>>())
    };
    plain(inner).is_some_and(|inner| Some(inner) == plain(outer))
}

/// `tableoid` of a catalog relation: the OID of what the look-alike stands for.
fn catalog_tableoid(scope: &Scope<'_>, parts: &[&str]) -> Option<Node> {
    let item = match parts {
        ["tableoid"] => match scope.items.as_slice() {
            [only] => only,
            _ => return None,
        },
        [qualifier, "tableoid"] => {
            let (here, index) = scope.find_item(None, qualifier)?;
            here.item(index)?
        }
        _ => return None,
    };
    let ItemKind::Catalog(qualified) = &item.kind else {
        return None;
    };
    let class = cast(
        text_constant(qualified),
        type_name(&["pg_catalog", "regclass"]),
    );
    Some(cast(class, type_name(&["pg_catalog", "oid"])))
}

/// The grammar's name of a node, for messages.
pub(crate) fn node_name(inner: &NodeEnum) -> String {
    let debug = format!("{inner:?}");
    debug
        .split(|c: char| !c.is_ascii_alphanumeric())
        .next()
        .unwrap_or("node")
        .to_owned()
}
