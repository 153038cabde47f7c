//! Every node type of the grammar, in every place: handled by a rule, or refused. A node type that a
//! later version of the grammar adds is refused until somebody writes its rule and its name here.

use std::collections::BTreeSet;

use pg_query::protobuf as pb;
use pg_query::protobuf::Node;
use prost::Message;

use crate::node::{node, target};
use crate::read::Reader;
use crate::read::expression::node_name;
use crate::read::select::Taps;
use crate::{SessionNames, Surface, utility};

/// Statements that a rule takes (an empty one may still be refused for what it lacks).
const STATEMENTS: &[&str] = &[
    "SelectStmt",
    "TransactionStmt",
    "VariableSetStmt",
    "VariableShowStmt",
    "DiscardStmt",
    "UnlistenStmt",
    "PrepareStmt",
    "ExecuteStmt",
    "DeallocateStmt",
    "DeclareCursorStmt",
    "FetchStmt",
    "ClosePortalStmt",
    "CopyStmt",
    "ExplainStmt",
    "IndexStmt",
    "DropStmt",
    "VacuumStmt",
    "ReindexStmt",
];

/// Expressions that a rule takes.
const EXPRESSIONS: &[&str] = &[
    "AConst",
    "ParamRef",
    "ColumnRef",
    "AExpr",
    "BoolExpr",
    "NullTest",
    "BooleanTest",
    "TypeCast",
    "CollateClause",
    "FuncCall",
    "NamedArgExpr",
    "AArrayExpr",
    "List",
    "AIndirection",
    "CaseExpr",
    "CoalesceExpr",
    "MinMaxExpr",
    "RowExpr",
    "GroupingFunc",
    "SqlvalueFunction",
    "SubLink",
];

/// Entries of FROM that a rule takes.
const ENTRIES: &[&str] = &["RangeVar", "RangeSubselect", "RangeFunction", "JoinExpr"];

/// Highest field number that is tried; the grammar has under 300 node types.
const MAX_FIELD: u32 = 1_000;

/// All node types, each empty: the union's fields are tried one by one.
fn node_types() -> Vec<Node> {
    let mut types = Vec::new();
    for field in 1..MAX_FIELD {
        let mut bytes = Vec::new();
        prost::encoding::encode_key(
            field,
            prost::encoding::WireType::LengthDelimited,
            &mut bytes,
        );
        bytes.push(0);
        if let Ok(read) = Node::decode(bytes.as_slice())
            && read.node.is_some()
        {
            types.push(read);
        }
    }
    types
}

fn name_of(node: &Node) -> String {
    node.node.as_ref().map(node_name).unwrap_or_default()
}

fn select(targets: Vec<Node>, from: Vec<Node>) -> pb::SelectStmt {
    pb::SelectStmt {
        target_list: targets,
        from_clause: from,
        op: pb::SetOperation::SetopNone as i32,
        limit_option: pb::LimitOption::Default as i32,
        ..Default::default()
    }
}

/// Names of those whose reading is not refused as a form without a rule.
fn ruled(
    read: impl Fn(&mut Reader<'_>, Node) -> Result<(), portcullis_contract::Refusal>,
) -> BTreeSet<String> {
    let surface = Surface {
        contract: "c".into(),
        ..Surface::default()
    };
    let session = SessionNames::new("u", "d", &surface);
    let mut passed = BTreeSet::new();
    for candidate in node_types() {
        let name = name_of(&candidate);
        let mut reader = Reader::new(&surface, &session, &session.rule);
        if read(&mut reader, candidate).is_ok() {
            passed.insert(name);
        }
    }
    passed
}

fn all_listed(passed: &BTreeSet<String>, list: &[&str]) {
    for name in passed {
        assert!(
            list.contains(&name.as_str()),
            "`{name}` passes without being listed"
        );
    }
}

#[test]
fn the_grammar_is_known_whole() {
    let types = node_types();
    let names: BTreeSet<String> = types.iter().map(name_of).collect();
    println!("{} node types", names.len());
    assert!(
        names.len() > 240,
        "the walk finds the grammar's node types: {}",
        names.len()
    );
    for name in STATEMENTS.iter().chain(EXPRESSIONS).chain(ENTRIES) {
        assert!(names.contains(*name), "`{name}` is no node type");
    }
}

#[test]
fn a_statement_without_a_rule_is_refused() {
    let passed = ruled(|reader, candidate| {
        let mut tree = candidate;
        utility::read(reader, &mut tree).map(|_| ())
    });
    all_listed(&passed, STATEMENTS);
}

#[test]
fn an_expression_without_a_rule_is_refused() {
    for clause in 0..4 {
        let passed = ruled(|reader, candidate| {
            let mut query = select(Vec::new(), Vec::new());
            match clause {
                0 => query.target_list.push(target("x", candidate)),
                1 => query.where_clause = Some(Box::new(candidate)),
                2 => query.limit_count = Some(Box::new(candidate)),
                _ => {
                    let list = node(pg_query::NodeEnum::List(pb::List {
                        items: vec![candidate],
                    }));
                    query.values_lists.push(list);
                }
            }
            reader.query(&mut query, None, Taps::Emit).map(|_| ())
        });
        all_listed(&passed, EXPRESSIONS);
    }
}

#[test]
fn an_entry_of_from_without_a_rule_is_refused() {
    let passed = ruled(|reader, candidate| {
        let mut query = select(Vec::new(), vec![candidate]);
        reader.query(&mut query, None, Taps::Emit).map(|_| ())
    });
    all_listed(&passed, ENTRIES);
}

#[test]
fn a_part_of_a_select_without_a_rule_is_refused() {
    let one = || target("x", crate::node::integer_constant(1));
    for part in 0..6 {
        let passed = ruled(|reader, candidate| {
            let mut query = select(vec![one()], Vec::new());
            match part {
                0 => query.target_list.push(candidate),
                1 => query.sort_clause.push(candidate),
                2 => query.locking_clause.push(candidate),
                3 => {
                    query.with_clause = Some(pb::WithClause {
                        ctes: vec![candidate],
                        recursive: false,
                        location: 0,
                    })
                }
                4 => query.values_lists.push(candidate),
                _ => query.window_clause.push(candidate),
            }
            reader.query(&mut query, None, Taps::Emit).map(|_| ())
        });
        let list: &[&str] = match part {
            1 => &["SortBy"],
            4 => &["List"],
            5 => &["WindowDef"],
            _ => &[],
        };
        all_listed(&passed, list);
    }
}
