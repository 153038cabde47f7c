//! What the catalog tells: identity calls and mediated functions.

use pg_query::NodeEnum;
use pg_query::protobuf as pb;
use pg_query::protobuf::Node;
use portcullis_contract::{Refusal, nearest};

use super::Reader;
use super::aggregate::Grouping;
use super::expression::Clause;
use super::place::place_of;
use super::registered::{Told, gives_registered};
use super::scope::Scope;
use crate::lists::settings;
use crate::node::{call, cast, node, string, text_constant, text_of, type_name};
use crate::rules::{self, Denial, Rule};
use crate::session::split_identifiers;

/// Mediated functions that drivers call at log-in: no method needed.
const BASELINE_FUNCTIONS: &[&str] = &[
    "format_type",
    "pg_type_is_visible",
    "pg_table_is_visible",
    "has_schema_privilege",
    "has_database_privilege",
    "pg_get_userbyid",
    "to_regtype",
    "to_regclass",
    "to_regnamespace",
];

impl Reader<'_> {
    /// Calls that show the session's own identity or settings, as constants.
    pub(super) fn identity_call(
        &mut self,
        name: &str,
        call: &pb::FuncCall,
        scope: &Scope<'_>,
    ) -> Result<Option<Node>, Refusal> {
        if !rules::IDENTITY_CALLS.stands() {
            return Ok(None);
        }
        self.literal_read |= matches!(name, "current_setting" | "set_config" | "current_schemas");
        let as_name = |node: Node| cast(node, type_name(&["pg_catalog", "name"]));
        Ok(match (name, call.args.as_slice()) {
            ("current_database", []) => Some(as_name(text_constant(&self.session.database))),
            ("current_schema", []) => Some(as_name(self.current_schema())),
            ("current_user" | "session_user" | "getpgusername", []) => {
                Some(as_name(text_constant(&self.session.user)))
            }
            ("current_schemas", [implicit]) => Some(self.current_schemas(implicit)?),
            ("current_setting", [setting, rest @ ..]) => self.current_setting(setting, rest)?,
            // No table in scope shows that it is a partition.
            // How often an index was used is nobody's but the owner's.
            ("pg_stat_get_numscans", [_]) => Some(cast(
                crate::node::null_constant(),
                type_name(&["pg_catalog", "int8"]),
            )),
            ("pg_partition_ancestors", [_]) => Some(nothing_registered()),
            ("set_config", [name, value, local]) => Some(self.set_config(name, value, local)?),
            ("inet_client_addr" | "inet_server_addr", []) => Some(cast(
                crate::node::null_constant(),
                type_name(&["pg_catalog", "inet"]),
            )),
            ("inet_client_port" | "inet_server_port", []) => Some(cast(
                crate::node::null_constant(),
                type_name(&["pg_catalog", "int4"]),
            )),
            _ => {
                let _ = scope;
                None
            }
        })
    }

    /// `set_config` among other expressions (asyncpg asks for `jit` so): constants of the list alone.
    /// The search path, which is the gate's own, only in a statement by itself.
    fn set_config(&self, name: &Node, value: &Node, local: &Node) -> Result<Node, Refusal> {
        if let Some(call) = bound_setting(name, value, local) {
            return Ok(call);
        }
        let constants = constant_text(name)
            .zip(constant_text(value))
            .zip(boolean(local));
        let Some(((name, value), local)) = constants else {
            return self
                .set_config_place(&rules::SET_CONFIG_CONSTANT)
                .or(crate::node::null_constant);
        };
        let Some(values) = settings::values(&name) else {
            return self
                .unknown_setting(&rules::SET_CONFIG_LISTED, &name)
                .or(crate::node::null_constant);
        };
        if values == settings::Values::SearchPath {
            self.set_config_place(&rules::SET_CONFIG_PATH).stands()?;
        }
        if settings::accepts(values, &value) == settings::Accepts::No {
            crate::utility::unacceptable(self, &rules::SET_CONFIG_VALUE, &name, &value).stands()?;
        }
        let local = cast(
            text_constant(if local { "on" } else { "off" }),
            type_name(&["pg_catalog", "bool"]),
        );
        let args = vec![
            text_constant(&name.to_ascii_lowercase()),
            text_constant(&value),
            local,
        ];
        Ok(call("pg_catalog", "set_config", args))
    }

    fn set_config_place(&self, rule: &'static Rule) -> Denial {
        self.deny(
            rule,
            "`set_config` is passed only as a statement of its own with constants",
        )
        .hint("use `SELECT set_config('name', 'value', false)` or `SET`")
    }

    fn current_schemas(&self, implicit: &Node) -> Result<Node, Refusal> {
        let Some(implicit) = boolean(implicit) else {
            return self
                .deny(
                    &rules::CURRENT_SCHEMAS,
                    "`current_schemas` takes a constant",
                )
                .hint("write `current_schemas(true)` or `current_schemas(false)`")
                .or(crate::node::null_constant);
        };
        let mut names: Vec<&str> = self.session.effective_path(self.surface).collect();
        if implicit && !names.contains(&"pg_catalog") {
            names.insert(0, "pg_catalog");
        }
        let elements = names.iter().map(|n| text_constant(n)).collect();
        let array = node(NodeEnum::AArrayExpr(pb::AArrayExpr {
            elements,
            ..Default::default()
        }));
        let mut of_names = type_name(&["pg_catalog", "name"]);
        of_names.array_bounds = vec![node(NodeEnum::Integer(pb::Integer { ival: -1 }))];
        Ok(cast(array, of_names))
    }

    fn current_setting(&self, setting: &Node, rest: &[Node]) -> Result<Option<Node>, Refusal> {
        let Some(name) = constant_text(setting) else {
            // Its look-alike knows the listed settings.
            return match self
                .surface
                .catalog_functions
                .contains_key("current_setting")
            {
                true => Ok(None),
                false => self
                    .deny(
                        &rules::CURRENT_SETTING_NAME,
                        "`current_setting` takes a constant name",
                    )
                    .hint("write `current_setting('name')`")
                    .or(|| None),
            };
        };
        if rest.len() > 1 || rest.iter().any(|n| boolean(n).is_none()) {
            self.deny(
                &rules::CURRENT_SETTING_MISSING,
                "`current_setting` takes constants",
            )
            .hint("write `current_setting('name', true)`")
            .stands()?;
        }
        match settings::values(&name) {
            Some(settings::Values::SearchPath) => Ok(Some(crate::node::as_text(text_constant(
                &self.session.search_path_text(),
            )))),
            Some(_) => Ok(Some(call(
                "pg_catalog",
                "current_setting",
                vec![text_constant(&name.to_ascii_lowercase())],
            ))),
            None => self
                .unknown_setting(&rules::CURRENT_SETTING, &name)
                .or(|| None),
        }
    }

    pub(crate) fn unknown_setting(&self, rule: &'static Rule, name: &str) -> Denial {
        let listed = "docs/formats/sql.md lists the settings of a session";
        let lower = name.to_ascii_lowercase();
        let hint = match lower.as_str() {
            "role" | "session_authorization" => {
                "a session is its grant's; for other rights, request another grant".to_owned()
            }
            "all" => "show one setting at a time".to_owned(),
            _ => match nearest(&lower, settings::listed().map(|(known, _)| known)) {
                Some(near) => format!("did you mean `{near}`? {listed}"),
                None => format!("{listed}; what concerns the whole server is its owner's"),
            },
        };
        self.deny(rule, format!("setting `{name}` is not passed"))
            .hint(hint)
    }

    /// A function that takes OIDs or names: its look-alike answers for what is in scope alone.
    pub(super) fn catalog_call(
        &mut self,
        value: &mut Node,
        name: &str,
        scope: &Scope<'_>,
        clause: Clause,
        grouping: Option<&Grouping>,
    ) -> Result<(), Refusal> {
        let Some(NodeEnum::FuncCall(function)) = value.node.as_mut() else {
            return Ok(());
        };
        let shaped = function.agg_star
            || function.agg_distinct
            || function.over.is_some()
            || function.agg_filter.is_some()
            || !function.agg_order.is_empty();
        if shaped || function.func_variadic {
            self.not_an_aggregate(name).stands()?;
        }
        let Some(look_alike) = self.surface.catalog_functions.get(name) else {
            return self.unknown_function(name).stands();
        };
        if rules::CATALOG_FUNCTION.stands() {
            function.funcname = vec![string(&self.surface.view_schema), string(look_alike)];
        }
        function.funcformat = pb::CoercionForm::CoerceExplicitCall as i32;
        self.catalog |=
            !BASELINE_FUNCTIONS.contains(&name) && rules::CATALOG_FUNCTION_COUNTED.stands();
        for arg in &mut function.args {
            self.literal_read |= constant_text(arg).is_some();
            if let Some(text) = constant_text(arg)
                && takes_relation(name)
                && let Some(oid) = self.relation_oid(&text)
                && rules::RELATION_LITERAL.stands()
            {
                *arg = cast(
                    text_constant(&oid.to_string()),
                    type_name(&["pg_catalog", "oid"]),
                );
                continue;
            }
            // A look-alike's parameters are text or numbers: a constant is looked up by the look-alike alone.
            if matches!(&arg.node, Some(NodeEnum::AConst(constant)) if is_text(constant)) {
                continue;
            }
            self.told_as(Told::Number, |reader| {
                reader.walk_expression(arg, scope, clause, grouping)
            })?;
        }
        if let Some(kind) = gives_registered(name) {
            self.tell(value, kind);
        }
        Ok(())
    }

    /// An untyped literal takes the type of what it is held against: beside a `regclass` the server
    /// would look its name up, and an error would tell whether something of that name exists. Where no
    /// such type occurs it is plain text, which is known at the statement's end.
    pub(super) fn note_literal(&mut self, text: &str, at: Option<usize>) {
        if self.unshown_literal.is_some() || !reads_as_qualified_name(text) {
            return;
        }
        let of_catalog = split_identifiers(text, '.').is_some_and(|parts| {
            matches!(parts.as_slice(), [schema, _] if schema == "pg_catalog" || schema == "information_schema")
        });
        if !of_catalog && self.relation_oid(text).is_none() {
            self.unshown_literal = Some((text.to_owned(), at));
        }
    }

    /// At the end of a statement.
    pub(crate) fn check_literals(&mut self) -> Result<(), Refusal> {
        self.literal_read |= self.catalog_any || self.registered;
        match &self.unshown_literal {
            Some((text, at)) if self.catalog_any || self.registered => self
                .deny(&rules::NAME_LITERAL, format!("`{text}` is not in scope"))
                .hint("if it is meant as text, say so: `'…'::text`")
                .at(*at)
                .stands(),
            _ => Ok(()),
        }
    }

    /// The configuration of text search is looked up by name: it is one of `pg_catalog`, in the text.
    /// Given is what stands in its place once the arguments are read.
    pub(super) fn text_configuration(
        &mut self,
        function: &str,
        call: &mut pb::FuncCall,
    ) -> Result<Option<Node>, Refusal> {
        if !takes_configuration(function, call.args.len()) {
            return Ok(None);
        }
        let Some(first) = call.args.first_mut() else {
            return Ok(None);
        };
        let at = place_of(first);
        let named = match first.node.as_ref() {
            Some(NodeEnum::ParamRef(_)) => String::new(),
            _ => match configuration_text(first) {
                Some(text) => text,
                None => return Ok(None),
            },
        };
        self.literal_read = true;
        let bare = named.strip_prefix("pg_catalog.").unwrap_or(&named);
        if is_plain_name(bare) {
            let qualified = cast(
                text_constant(&format!("pg_catalog.{bare}")),
                type_name(&["pg_catalog", "regconfig"]),
            );
            *first = text_constant(bare);
            return Ok(rules::TEXT_CONFIGURATION_QUALIFIED
                .stands()
                .then_some(qualified));
        }
        self.deny(
            &rules::TEXT_CONFIGURATION,
            "only text search configurations of `pg_catalog` are passed, by name",
        )
        .hint("write its name, for instance `'simple'` or `'english'`")
        .at(at)
        .or(|| None)
    }

    /// OID of a table in scope by the client's text.
    pub(super) fn relation_oid(&self, text: &str) -> Option<u32> {
        let parts = split_identifiers(text, '.')?;
        match parts.as_slice() {
            [schema, name] => self.surface.table(schema, name).map(|t| t.oid),
            [name] => self
                .session
                .effective_path(self.surface)
                .find_map(|schema| self.surface.table(schema, name))
                .map(|t| t.oid),
            _ => None,
        }
    }
}

/// `set_config('jit', $1, false)`: a setting whose every value is harmless takes a parameter.
fn bound_setting(name: &Node, value: &Node, local: &Node) -> Option<Node> {
    let setting = constant_text(name)?;
    let local = boolean(local)?;
    let bound = matches!(value.node, Some(NodeEnum::ParamRef(_)));
    let harmless = settings::values(&setting).is_some_and(settings::takes_any);
    if !bound || !harmless || !rules::SET_CONFIG_BOUND.stands() {
        return None;
    }
    let args = vec![
        text_constant(&setting.to_ascii_lowercase()),
        value.clone(),
        crate::node::boolean_constant(local),
    ];
    Some(call("pg_catalog", "set_config", args))
}

/// `unnest` of an empty array: no rows.
fn nothing_registered() -> Node {
    let mut of_numbers = type_name(&["pg_catalog", "oid"]);
    of_numbers.array_bounds = vec![node(NodeEnum::Integer(pb::Integer { ival: -1 }))];
    call(
        "pg_catalog",
        "unnest",
        vec![cast(text_constant("{}"), of_numbers)],
    )
}

/// Functions whose first argument may be a relation's name.
fn takes_relation(name: &str) -> bool {
    matches!(
        name,
        "pg_relation_size"
            | "pg_total_relation_size"
            | "pg_table_size"
            | "pg_indexes_size"
            | "has_table_privilege"
            | "has_column_privilege"
            | "has_any_column_privilege"
            | "pg_relation_is_updatable"
            | "row_security_active"
            | "pg_get_viewdef"
            | "pg_partition_root"
            | "pg_partition_ancestors"
    )
}

/// `schema.name`, as an object's name is written.
fn reads_as_qualified_name(text: &str) -> bool {
    let mut parts = 0;
    let mut rest = text.trim();
    loop {
        let after = if let Some(quoted) = rest.strip_prefix('"') {
            match quoted.split_once('"') {
                Some((inner, after)) if !inner.is_empty() => after,
                _ => return false,
            }
        } else {
            let end = rest
                .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'))
                .unwrap_or(rest.len());
            if end == 0 || rest.starts_with(|c: char| c.is_ascii_digit()) {
                return false;
            }
            rest.get(end..).unwrap_or_default()
        };
        parts += 1;
        match after.trim_start().strip_prefix('.') {
            Some(more) => rest = more.trim_start(),
            // A function's name may have its arguments behind it.
            None => return parts > 1 && (after.trim_start().is_empty() || after.contains('(')),
        }
    }
}

fn is_plain_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn is_text(constant: &pb::AConst) -> bool {
    matches!(constant.val, Some(pb::a_const::Val::Sval(_)))
}

/// A configuration's name, also as `'…'::regconfig`.
fn configuration_text(value: &Node) -> Option<String> {
    match value.node.as_ref()? {
        NodeEnum::AConst(constant) => match &constant.val {
            Some(pb::a_const::Val::Sval(text)) => Some(text.sval.clone()),
            _ => None,
        },
        NodeEnum::TypeCast(typed) => {
            let name = typed.type_name.as_ref()?.names.last().and_then(text_of)?;
            match name {
                "regconfig" => configuration_text(typed.arg.as_deref()?),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Whether a call of text search names a configuration in its first argument.
fn takes_configuration(function: &str, arguments: usize) -> bool {
    match function {
        "to_tsvector"
        | "to_tsquery"
        | "plainto_tsquery"
        | "phraseto_tsquery"
        | "websearch_to_tsquery" => arguments >= 2,
        "ts_headline" => arguments >= 3,
        _ => false,
    }
}

/// The text of a string constant, also under a cast to text or name.
pub(crate) fn constant_text(value: &Node) -> Option<String> {
    match value.node.as_ref()? {
        NodeEnum::AConst(c) => match &c.val {
            Some(pb::a_const::Val::Sval(s)) => Some(s.sval.clone()),
            _ => None,
        },
        NodeEnum::TypeCast(typed) => {
            let name = typed.type_name.as_ref()?.names.last().and_then(text_of)?;
            if matches!(name, "text" | "name" | "varchar") {
                constant_text(typed.arg.as_deref()?)
            } else {
                None
            }
        }
        _ => None,
    }
}

/// The value of a boolean constant.
pub(crate) fn boolean(value: &Node) -> Option<bool> {
    match value.node.as_ref()? {
        NodeEnum::AConst(c) => match &c.val {
            Some(pb::a_const::Val::Boolval(b)) => Some(b.boolval),
            _ => None,
        },
        NodeEnum::TypeCast(typed) => match typed.arg.as_deref().and_then(constant_text)?.as_str() {
            "t" | "true" => Some(true),
            "f" | "false" => Some(false),
            _ => None,
        },
        _ => None,
    }
}
