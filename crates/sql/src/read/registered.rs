//! Types that stand for objects (`regclass`, `regtype`, …): reading a text looks a name up, and printing
//! tells the name behind any number.
//!
//! INVARIANT: no value of such a type stands beside anything that the client wrote. Where one comes into being
//! (a cast, `pg_typeof`, `to_regclass`, a column of such a type) it is told at once: as text where it is shown, as
//! a number where it is compared or is the argument of a catalog function. So nothing takes its type.

use pg_query::NodeEnum;
use pg_query::protobuf as pb;
use pg_query::protobuf::Node;
use portcullis_contract::Refusal;

use super::Reader;
use super::aggregate::Grouping;
use super::catalog::constant_text;
use super::expression::Clause;
use super::place::place_of;
use super::scope::{Lookup, Scope, Source};
use crate::lists::{catalog, types};
use crate::node::{as_text, call, cast, node, text_constant, text_of, texts_of, type_name};
use crate::rules;
use crate::session::split_identifiers;

/// What a value that stands for an object is told as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Told {
    /// Its name, as text.
    #[default]
    Name,
    /// Its OID.
    Number,
}

impl Reader<'_> {
    /// Reads with another way of telling.
    pub(super) fn told_as<T>(&mut self, told: Told, read: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.told, told);
        let result = read(self);
        self.told = before;
        result
    }

    /// Puts the cast around a value of a registered type that has just been made.
    pub(super) fn tell(&self, value: &mut Node, kind: &str) {
        if !rules::REGISTERED_TEXT.stands() {
            return;
        }
        let made = std::mem::replace(value, node(NodeEnum::AStar(pb::AStar {})));
        *value = match (self.told, kind) {
            (Told::Name, _) => as_text(made),
            // Its filter gives the role's name, since a `regrole` would print the server's own.
            (Told::Number, "regrole") => {
                call(&self.surface.view_schema, "visible_role_number", vec![made])
            }
            (Told::Number, _) => cast(made, type_name(&["pg_catalog", "oid"])),
        };
    }

    /// A column of a registered type, by its reference.
    pub(super) fn tell_column(&self, value: &mut Node, column: RegisteredColumn) {
        match (column, self.told) {
            // The look-alike has the number; a sub-query gave the name.
            (RegisteredColumn::OfCatalog, Told::Number)
            | (RegisteredColumn::Told(_), Told::Name) => {}
            (RegisteredColumn::Told(kind), Told::Number) => {
                if let Some(filter) = self.surface.reg_filters.get(kind) {
                    let name = std::mem::replace(value, node(NodeEnum::AStar(pb::AStar {})));
                    *value = call(&self.surface.view_schema, filter, vec![name]);
                    self.tell(value, kind);
                }
            }
            (RegisteredColumn::OfCatalog, Told::Name) => {
                if let Some(filter) = self.surface.reg_filters.get("regproc")
                    && rules::REGISTERED_COLUMN.stands()
                {
                    let number = std::mem::replace(value, node(NodeEnum::AStar(pb::AStar {})));
                    *value = call(&self.surface.view_schema, filter, vec![number]);
                    self.tell(value, "regproc");
                }
            }
            (
                RegisteredColumn::OfOwner {
                    is_array,
                    is_rights,
                },
                told,
            ) => {
                if !rules::REGISTERED_OWNERS.stands() {
                    return;
                }
                let number = told == Told::Number && !is_rights;
                let mut as_type = type_name(&["pg_catalog", if number { "oid" } else { "text" }]);
                if is_array {
                    as_type.array_bounds = vec![node(NodeEnum::Integer(pb::Integer { ival: -1 }))];
                }
                let made = std::mem::replace(value, node(NodeEnum::AStar(pb::AStar {})));
                *value = cast(made, as_type);
            }
        }
    }

    /// Whether what a name stands for is a column of a registered type.
    pub(super) fn registered_column(
        &self,
        scope: &Scope<'_>,
        level: usize,
        source: &Source,
    ) -> Option<RegisteredColumn> {
        match source {
            Source::Either(left, right) => self
                .registered_column(scope, level, left)
                .or_else(|| self.registered_column(scope, level, right)),
            Source::Column(item, column) => {
                let item = scope.at_level(level)?.item(*item)?;
                item.columns.get(*column)?.registered
            }
        }
    }

    /// The mark of an output: told as a name, which an enclosing query may compare as a number.
    pub(super) fn told_kind(&self, value: &Node, scope: &Scope<'_>) -> Option<RegisteredColumn> {
        let kind = self.registered_kind(value, scope)?;
        let told = types::registered().find(|known| *known == kind)?;
        (self.told == Told::Name && is_read_back(told)).then_some(RegisteredColumn::Told(told))
    }

    /// A column of functions is grouped by as it stands: its name is then made of what is grouped.
    pub(super) fn grouped_as(&self, value: &Node, scope: &Scope<'_>) -> Told {
        let is_column = matches!(value.node, Some(NodeEnum::ColumnRef(_)));
        match self.registered_kind(value, scope) {
            Some(kind) if is_column && kind == "regproc" => Told::Number,
            _ => self.told,
        }
    }

    /// Beside a value that stands for an object, a text or parameter is meant as the same kind of object.
    pub(super) fn objects_beside(&mut self, expr: &mut pb::AExpr, scope: &Scope<'_>) {
        let kind = [&expr.lexpr, &expr.rexpr]
            .into_iter()
            .filter_map(|side| self.registered_kind(side.as_deref()?, scope))
            .next();
        let Some(kind) = kind else {
            return;
        };
        if !rules::REGISTERED_BESIDE.stands() {
            return;
        }
        for side in [&mut expr.lexpr, &mut expr.rexpr].into_iter().flatten() {
            means_object(side, &kind);
        }
    }

    /// The same among the elements of an array that is compared.
    pub(super) fn objects_among(&mut self, elements: &mut [Node], scope: &Scope<'_>) {
        let kind = elements
            .iter()
            .find_map(|element| self.registered_kind(element, scope));
        if let Some(kind) = kind.filter(|_| self.told == Told::Number)
            && rules::REGISTERED_BESIDE.stands()
        {
            elements.iter_mut().for_each(|one| means_object(one, &kind));
        }
    }

    /// The registered type of a value that was not read yet.
    fn registered_kind(&self, value: &Node, scope: &Scope<'_>) -> Option<String> {
        match value.node.as_ref()? {
            NodeEnum::TypeCast(typed) => {
                let name = typed.type_name.as_ref()?;
                let last = name.names.last().and_then(text_of)?;
                let is_one = name.array_bounds.is_empty() && types::is_registered(last);
                is_one.then(|| last.to_owned())
            }
            NodeEnum::FuncCall(function) => match texts_of(&function.funcname)?.as_slice() {
                [name] | ["pg_catalog", name] => match *name {
                    "pg_typeof" => Some("regtype".to_owned()),
                    other => gives_registered(other).map(str::to_owned),
                },
                _ => None,
            },
            NodeEnum::ColumnRef(reference) => {
                let names = texts_of(&reference.fields)?;
                if let [bare] = names.as_slice()
                    && matches!(scope.find_bare(bare), Lookup::Ambiguous)
                {
                    return None;
                }
                let found = self.find_column(scope, &names)?;
                match self.registered_column(scope, found.level, &found.source)? {
                    RegisteredColumn::OfCatalog => Some("regproc".to_owned()),
                    RegisteredColumn::Told(kind) => Some(kind.to_owned()),
                    RegisteredColumn::OfOwner { .. } => None,
                }
            }
            _ => None,
        }
    }

    /// A cast to a type that stands for an object: a constant is resolved here, anything else goes
    /// through the filter that maps what is not visible to NULL.
    pub(super) fn registered_cast(
        &mut self,
        value: &mut Node,
        scope: &Scope<'_>,
        clause: Clause,
        grouping: Option<&Grouping>,
    ) -> Result<(), Refusal> {
        let Some(NodeEnum::TypeCast(typed)) = value.node.as_mut() else {
            return Ok(());
        };
        let Some(target) = typed.type_name.as_ref() else {
            return Ok(());
        };
        let at = typed.arg.as_deref().and_then(place_of);
        let kind = target
            .names
            .last()
            .and_then(text_of)
            .unwrap_or_default()
            .to_owned();
        self.registered = true;
        if !target.array_bounds.is_empty() {
            self.deny(
                &rules::REGISTERED_ARRAY,
                format!("an array of `{kind}` is not passed"),
            )
            .hint("cast the elements")
            .at(at)
            .stands()?;
        }
        let Some(arg) = typed.arg.as_mut() else {
            return Ok(());
        };
        let mut spelled = false;
        if let Some(text) = constant_text(arg)
            && !text.bytes().all(|b| b.is_ascii_digit())
        {
            self.literal_read = true;
            // Types may be spelled in several words: their filter reads them.
            spelled = kind == "regtype" && is_spelled_type(&text);
            if !spelled {
                let known = self.registered_name(&kind, &text)?;
                if rules::REGISTERED_LITERAL.stands() {
                    **arg = text_constant(&known);
                }
                self.tell(value, &kind);
                return Ok(());
            }
        }
        if let Some(NodeEnum::AConst(constant)) = arg.node.as_ref()
            && constant.isnull
        {
            self.tell_null(value);
            return Ok(());
        }
        self.told_as(Told::Number, |reader| {
            reader.walk_expression(arg, scope, clause, grouping)
        })?;
        let Some(filter) = self.surface.reg_filters.get(&kind) else {
            return self
                .deny(
                    &rules::REGISTERED_KIND,
                    format!("a cast to `{kind}` is not passed"),
                )
                .hint("join the catalog relation that the number points to")
                .at(at)
                .stands();
        };
        if rules::REGISTERED_FILTER.stands() {
            // The filter has overloads for numbers and for names, and gives the type itself.
            let mut inner = std::mem::replace(&mut **arg, node(NodeEnum::AStar(pb::AStar {})));
            if spelled {
                inner = as_text(inner);
            } else if constant_text(&inner).is_some() {
                inner = cast(inner, type_name(&["pg_catalog", "oid"]));
            }
            *value = call(&self.surface.view_schema, filter, vec![inner]);
        }
        self.tell(value, &kind);
        Ok(())
    }

    /// No object: nothing to print, and nothing takes its type.
    fn tell_null(&self, value: &mut Node) {
        if !rules::REGISTERED_TEXT.stands() {
            return;
        }
        let told = match self.told {
            Told::Name => "text",
            Told::Number => "oid",
        };
        *value = cast(
            crate::node::null_constant(),
            type_name(&["pg_catalog", told]),
        );
    }

    /// The text that names the same object to the server, if the object is in scope.
    fn registered_name(&self, kind: &str, text: &str) -> Result<String, Refusal> {
        let refused = || {
            self.deny(&rules::REGISTERED_NAME, format!("`{text}` is not in scope"))
                .hint("name what the contract shows; `\\d` lists the tables, `\\dn` the schemas")
                .or(|| text.to_owned())
        };
        let Some(parts) = split_identifiers(text, '.') else {
            return refused();
        };
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match (kind, parts.as_slice()) {
            ("regclass", _) => {
                if let Some(oid) = self.relation_oid(text) {
                    return Ok(oid.to_string());
                }
                let qualified = match parts.as_slice() {
                    [name] => format!("pg_catalog.{name}"),
                    [schema, name] => format!("{schema}.{name}"),
                    _ => return refused(),
                };
                if catalog::columns(&qualified).is_some() {
                    Ok(qualified)
                } else {
                    refused()
                }
            }
            ("regtype", [name] | ["pg_catalog", name]) => {
                let bare = name.trim_end_matches("[]");
                let known = internal_name(bare);
                if types::classify(None, known) == types::TypeClass::Unlisted {
                    return self.unknown_type(text).or(|| text.to_owned());
                }
                let array = if name.ends_with("[]") { "[]" } else { "" };
                Ok(format!(
                    "pg_catalog.{}{array}",
                    crate::session::quote_identifier(known)
                ))
            }
            ("regnamespace", [name]) => {
                let shown = self.surface.schemas.iter().any(|s| s == name)
                    || matches!(*name, "pg_catalog" | "information_schema" | "public");
                if shown {
                    Ok(crate::session::quote_identifier(name))
                } else {
                    refused()
                }
            }
            ("regproc" | "regconfig" | "regdictionary", [name] | ["pg_catalog", name])
                if name
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') =>
            {
                Ok(format!("pg_catalog.{name}"))
            }
            _ => self
                .deny(
                    &rules::REGISTERED_NAME,
                    format!("`{text}` as `{kind}` is not in scope"),
                )
                .hint("ask the catalog relation for its name or number, for instance `pg_proc`, `pg_type`")
                .or(|| text.to_owned()),
        }
    }
}

/// A column whose values stand for objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RegisteredColumn {
    /// Functions, in the catalog's own relations; the look-alikes have their numbers.
    OfCatalog,
    /// Of whatever kind, in a table of the owner's.
    OfOwner { is_array: bool, is_rights: bool },
    /// Told by a sub-query as the names of this type.
    Told(&'static str),
}

impl RegisteredColumn {
    pub fn of_catalog(name: &str) -> Option<Self> {
        catalog::is_function_column(name).then_some(Self::OfCatalog)
    }

    /// By the type as `format_type` prints it.
    pub fn of_owner(type_name: &str) -> Option<Self> {
        let element = type_name.strip_suffix("[]");
        let of = element.unwrap_or(type_name);
        types::is_looked_up(of).then_some(Self::OfOwner {
            is_array: element.is_some(),
            is_rights: of == "aclitem",
        })
    }
}

/// Types whose printed names are one object's, so that they can be read back.
fn is_read_back(kind: &str) -> bool {
    matches!(kind, "regclass" | "regtype" | "regnamespace" | "regrole")
}

/// Mediated functions that give a registered type.
pub(super) fn gives_registered(function: &str) -> Option<&'static str> {
    types::registered().find(|kind| function.strip_prefix("to_") == Some(kind))
}

/// How a cast's outcome is told where another cast is around it.
pub(super) fn told_under(outer: &pb::TypeName) -> Told {
    let name = outer.names.last().and_then(text_of).unwrap_or_default();
    match name {
        "text" | "varchar" | "bpchar" | "name" | "char" | "unknown" | "json" | "jsonb" | "xml" => {
            Told::Name
        }
        _ => Told::Number,
    }
}

/// Operators that compare, and forms of them.
pub(super) fn compares(expr: &pb::AExpr) -> bool {
    let named = matches!(
        texts_of(&expr.name).as_deref(),
        Some(["=" | "<>" | "!=" | "<" | ">" | "<=" | ">="])
            | Some(["pg_catalog", "=" | "<>" | "!=" | "<" | ">" | "<=" | ">="])
    );
    use pb::AExprKind as K;
    match expr.kind() {
        K::AexprOp | K::AexprOpAny | K::AexprOpAll => named,
        K::AexprIn
        | K::AexprDistinct
        | K::AexprNotDistinct
        | K::AexprBetween
        | K::AexprNotBetween
        | K::AexprBetweenSym
        | K::AexprNotBetweenSym => true,
        _ => false,
    }
}

/// A constant text or a parameter becomes an object of the kind; in a list or an array, each.
fn means_object(value: &mut Node, kind: &str) {
    let is_bare = match value.node.as_mut() {
        Some(NodeEnum::AConst(constant)) => {
            matches!(constant.val, Some(pb::a_const::Val::Sval(_)))
        }
        Some(NodeEnum::ParamRef(_)) => true,
        Some(NodeEnum::List(list)) => {
            list.items
                .iter_mut()
                .for_each(|one| means_object(one, kind));
            false
        }
        Some(NodeEnum::AArrayExpr(array)) => {
            array
                .elements
                .iter_mut()
                .for_each(|one| means_object(one, kind));
            false
        }
        _ => false,
    };
    if is_bare {
        let bare = std::mem::replace(value, node(NodeEnum::AStar(pb::AStar {})));
        *value = cast(bare, type_name(&["pg_catalog", kind]));
    }
}

/// Words, and a modifier: `double precision`, `numeric(10, 2)`, no name of any schema.
fn is_spelled_type(text: &str) -> bool {
    let plain = |b: u8| {
        b.is_ascii_alphanumeric() || matches!(b, b' ' | b'_' | b'(' | b')' | b',' | b'[' | b']')
    };
    text.bytes().all(plain) && text.trim().contains([' ', '('])
}

/// The catalog's name of a type that SQL spells otherwise.
fn internal_name(spelled: &str) -> &str {
    match spelled {
        "int" | "integer" => "int4",
        "bigint" => "int8",
        "smallint" => "int2",
        "boolean" => "bool",
        "real" => "float4",
        "decimal" => "numeric",
        other => other,
    }
}
