//! SELECT, VALUES, TABLE.

use pg_query::NodeEnum;
use pg_query::protobuf as pb;
use pg_query::protobuf::Node;
use portcullis_contract::Refusal;

use crate::lists::settings;
use crate::node::{as_text, node, target, text_constant, text_of};
use crate::read::Reader;
use crate::read::catalog::{boolean, constant_text};
use crate::read::scope::Output;
use crate::read::select::Taps;
use crate::rules;
use crate::session::split_identifiers;
use crate::statement::{Kind, Tap};
use crate::understand::{Reading, select_of};

pub(super) fn read(reader: &mut Reader<'_>, tree: &mut Node) -> Result<Reading, Refusal> {
    if let Some(reading) = set_config(reader, tree)? {
        return Ok(reading);
    }
    let output = rows(reader, tree)?;
    let mut reading = Reading::of(Kind::Query, "SELECT");
    reading.taps = taps(&output);
    reading.output = Some(output);
    Ok(reading)
}

/// Reads a query whose rows go to the client.
pub(super) fn rows(reader: &mut Reader<'_>, tree: &mut Node) -> Result<Output, Refusal> {
    match select_of(tree) {
        Some(select) => reader.query(select, None, Taps::Emit),
        None => {
            let refusal = match tree.node.as_ref() {
                Some(inner) => super::refused::refuse(reader, inner),
                None => reader.odd("an empty statement"),
            };
            refusal.or(Output::default)
        }
    }
}

pub(super) fn taps(output: &Output) -> Vec<Tap> {
    output
        .taps
        .iter()
        .map(|tap| Tap { table: tap.table })
        .collect()
}

/// `SELECT set_config('name', 'value', false)`, alone and with constants.
fn set_config(reader: &Reader<'_>, tree: &mut Node) -> Result<Option<Reading>, Refusal> {
    let Some(select) = select_of(tree) else {
        return Ok(None);
    };
    settings_only(select);
    let Some(call) = sole_call(select, "set_config") else {
        return Ok(None);
    };
    let constants = match call.args.as_slice() {
        [name, value, local] => constant_text(name)
            .zip(constant_text(value))
            .zip(boolean(local)),
        _ => None,
    };
    let Some(((name, value), local)) = constants else {
        // The same call among other expressions is refused with the same words.
        return Ok(None);
    };
    let Some(values) = settings::values(&name) else {
        return reader
            .unknown_setting(&rules::SET_CONFIG_ALONE_LISTED, &name)
            .or(|| None);
    };
    if settings::accepts(values, &value) == settings::Accepts::No {
        super::setting::unacceptable(reader, &rules::SET_CONFIG_ALONE_VALUE, &name, &value)
            .stands()?;
    }
    if values != settings::Values::SearchPath {
        call.funcname = vec![
            crate::node::string("pg_catalog"),
            crate::node::string("set_config"),
        ];
        return Ok(Some(Reading::of(Kind::Query, "SELECT")));
    }
    let Some(path) = split_identifiers(&value, ',') else {
        return reader
            .deny(
                &rules::SEARCH_PATH_NAMES,
                "the search path is not a list of names",
            )
            .hint("write names, with commas between: `clinic, lab`")
            .or(|| None);
    };
    if !rules::SEARCH_PATH_PINNED.stands() {
        return Ok(Some(Reading::of(Kind::Query, "SELECT")));
    }
    // The gate keeps the path; the client gets the row that the server would have given.
    select.target_list = vec![target("set_config", as_text(text_constant(&value)))];
    Ok(Some(Reading::of(
        Kind::SetSearchPath { path, local },
        "SELECT",
    )))
}

/// pgAdmin's `SELECT set_config('x', …) FROM pg_show_all_settings() WHERE name = 'x'`: the setting
/// exists, so the FROM clause adds nothing.
fn settings_only(select: &mut pb::SelectStmt) {
    let [entry] = select.from_clause.as_slice() else {
        return;
    };
    let Some(NodeEnum::RangeFunction(function)) = entry.node.as_ref() else {
        return;
    };
    let [called] = function.functions.as_slice() else {
        return;
    };
    let name = match called.node.as_ref() {
        Some(NodeEnum::List(list)) => match list.items.first().and_then(|n| n.node.as_ref()) {
            Some(NodeEnum::FuncCall(call)) => call.funcname.last().and_then(text_of),
            _ => None,
        },
        _ => None,
    };
    let named = match select.where_clause.as_deref().and_then(|n| n.node.as_ref()) {
        Some(NodeEnum::AExpr(expr)) => expr.rexpr.as_deref().and_then(constant_text),
        _ => None,
    };
    if rules::SETTINGS_ONLY.stands()
        && name == Some("pg_show_all_settings")
        && named.is_some_and(|n| settings::values(&n).is_some())
    {
        select.from_clause.clear();
        select.where_clause = None;
    }
}

/// The only call of `SELECT f(…)`.
fn sole_call<'t>(select: &'t mut pb::SelectStmt, name: &str) -> Option<&'t mut pb::FuncCall> {
    let bare = select.from_clause.is_empty()
        && select.where_clause.is_none()
        && select.with_clause.is_none()
        && select.group_clause.is_empty()
        && select.having_clause.is_none()
        && select.sort_clause.is_empty()
        && select.limit_count.is_none()
        && select.limit_offset.is_none()
        && select.distinct_clause.is_empty()
        && select.locking_clause.is_empty()
        && select.window_clause.is_empty()
        && select.into_clause.is_none()
        && select.op() == pb::SetOperation::SetopNone;
    if !bare {
        return None;
    }
    let [only] = select.target_list.as_mut_slice() else {
        return None;
    };
    let Some(NodeEnum::ResTarget(one)) = only.node.as_mut() else {
        return None;
    };
    let Some(NodeEnum::FuncCall(call)) = one.val.as_mut().and_then(|v| v.node.as_mut()) else {
        return None;
    };
    let qualified = match call.funcname.as_slice() {
        [bare] => text_of(bare) == Some(name),
        [schema, bare] => text_of(schema) == Some("pg_catalog") && text_of(bare) == Some(name),
        _ => false,
    };
    let plain = call.agg_filter.is_none()
        && call.over.is_none()
        && !call.agg_star
        && !call.agg_distinct
        && call.agg_order.is_empty()
        && !call.func_variadic;
    (qualified && plain).then_some(&mut **call)
}

/// `SELECT * FROM relation`, or its columns: what TABLE and COPY of a table stand for.
pub(super) fn whole_table(relation: pb::RangeVar, columns: &[String]) -> Node {
    let mut targets: Vec<Node> = columns
        .iter()
        .map(|c| target("", column_reference(vec![crate::node::string(c)])))
        .collect();
    if targets.is_empty() {
        targets.push(target(
            "",
            column_reference(vec![node(NodeEnum::AStar(pb::AStar {}))]),
        ));
    }
    node(NodeEnum::SelectStmt(Box::new(pb::SelectStmt {
        target_list: targets,
        from_clause: vec![node(NodeEnum::RangeVar(relation))],
        limit_option: pb::LimitOption::Default as i32,
        op: pb::SetOperation::SetopNone as i32,
        ..Default::default()
    })))
}

fn column_reference(fields: Vec<Node>) -> Node {
    node(NodeEnum::ColumnRef(pb::ColumnRef {
        fields,
        location: 0,
    }))
}
