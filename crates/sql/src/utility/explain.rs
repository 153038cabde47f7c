//! EXPLAIN without ANALYZE: the gate asks for the plan in a form that it renders itself.

use pg_query::NodeEnum;
use pg_query::protobuf as pb;
use pg_query::protobuf::Node;
use portcullis_contract::{Method, Refusal};

use crate::node::{boxed, node};
use crate::read::Reader;
use crate::read::place::offset;
use crate::read::select::Taps;
use crate::rules;
use crate::statement::Kind;
use crate::understand::{Reading, select_of};

/// How a plan is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanForm {
    /// Lines, as psql prints them.
    Text,
    /// One value of type `json`.
    Json,
    /// One value of type `xml`.
    Xml,
}

pub(super) fn read(reader: &mut Reader<'_>, tree: &mut Node) -> Result<Reading, Refusal> {
    let Some(NodeEnum::ExplainStmt(statement)) = tree.node.as_mut() else {
        return reader.odd("this EXPLAIN").or(super::nothing);
    };
    let mut form = PlanForm::Text;
    for option in &statement.options {
        form = check_option(reader, option)?.unwrap_or(form);
    }
    if rules::EXPLAIN_REBUILT.stands() {
        statement.options = vec![option("costs", "off"), option("format", "json")];
    }
    let Some(query) = statement.query.as_mut() else {
        return reader.odd("EXPLAIN without a query").or(super::nothing);
    };
    let Some(select) = select_of(query) else {
        return reader
            .deny(&rules::EXPLAIN_QUERY, "only queries are explained")
            .hint("EXPLAIN takes SELECT, VALUES, TABLE and WITH; of a prepared statement, explain its query")
            .or(super::nothing);
    };
    let output = reader.query(select, None, Taps::Omit)?;
    if reader.catalog_any {
        reader
            .deny(
                &rules::EXPLAIN_CATALOG,
                "queries of the catalog are not explained",
            )
            .hint("run the query itself; plans are shown for tables in scope")
            .stands()?;
    }
    let mut reading = Reading::of(Kind::Explain(form), "EXPLAIN");
    reading.output = Some(output);
    if rules::METHOD_PLAN.stands() {
        reading.methods = vec![Method::Plan];
    }
    reading.only_these = true;
    Ok(reading)
}

fn option(name: &str, value: &str) -> Node {
    node(NodeEnum::DefElem(Box::new(pb::DefElem {
        defname: name.to_owned(),
        arg: boxed(NodeEnum::String(pb::String {
            sval: value.to_owned(),
        })),
        defaction: pb::DefElemAction::DefelemUnspec as i32,
        ..Default::default()
    })))
}

/// The form that the option asks for, if it passes.
fn check_option(reader: &Reader<'_>, option: &Node) -> Result<Option<PlanForm>, Refusal> {
    let Some(NodeEnum::DefElem(element)) = option.node.as_ref() else {
        return reader.odd("this option of EXPLAIN").or(|| None);
    };
    let value = match element.arg.as_deref().and_then(|n| n.node.as_ref()) {
        None => "on".to_owned(),
        Some(NodeEnum::String(s)) => s.sval.to_ascii_lowercase(),
        Some(NodeEnum::Integer(i)) => i.ival.to_string(),
        Some(_) => String::new(),
    };
    let off = matches!(value.as_str(), "off" | "false" | "0");
    match element.defname.as_str() {
        // Costs and details are left out whatever was asked for.
        "costs" | "verbose" | "summary" | "timing" | "buffers" | "settings" | "memory" | "wal" => {
            Ok(None)
        }
        "format" if value == "text" => Ok(Some(PlanForm::Text)),
        "format" if value == "json" => Ok(Some(PlanForm::Json)),
        "format" if value == "xml" => Ok(Some(PlanForm::Xml)),
        "analyze" | "generic_plan" if off => Ok(None),
        "serialize" if value == "none" => Ok(None),
        "analyze" => reader
            .deny(
                &rules::EXPLAIN_ANALYZE,
                "`EXPLAIN ANALYZE` is not allowed: run times tell of rows",
            )
            .hint("use EXPLAIN without ANALYZE")
            .at(offset(element.location))
            .or(|| None),
        other => reader
            .deny(
                &rules::EXPLAIN_OPTION,
                format!("option `{other}` of EXPLAIN is not passed"),
            )
            .hint("plans come without costs, as FORMAT TEXT, JSON or XML; leave the option out")
            .at(offset(element.location))
            .or(|| None),
    }
}
