//! Which order the rows of a result have, read from the statement that made them.

use std::collections::HashMap;

use pg_query::protobuf::{FetchStmt, Node, SelectStmt, a_const};
use pg_query::{NodeEnum, ParserOptions};

use super::step::Step;
use super::talk::Part;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sorted {
    /// Not a query, or not understood here: in sequence, byte for byte.
    Exact,
    /// EXPLAIN.
    Plan,
    /// A query without ORDER BY.
    Any,
    /// Sorted; the output columns (from 0) among the sort keys.
    By(Vec<usize>),
}

/// For each pipeline the order of each of its results, in the sequence of their completion.
pub fn of_parts(parts: &[Part]) -> Vec<Vec<Sorted>> {
    let mut names = Names::default();
    parts
        .iter()
        .map(|part| names.of_part(&part.steps))
        .collect()
}

/// What names mean, as far as the client's messages tell.
#[derive(Default)]
struct Names {
    statements: HashMap<String, Sorted>,
    portals: HashMap<String, Sorted>,
    prepared: HashMap<String, Sorted>,
    cursors: HashMap<String, Sorted>,
}

impl Names {
    fn of_part(&mut self, steps: &[Step]) -> Vec<Sorted> {
        let mut orders = Vec::new();
        for step in steps {
            match step {
                Step::Query(sql) => orders.extend(self.of_sql(sql)),
                Step::Parse { name, sql, .. } => {
                    let order = self.of_sql(sql).into_iter().next().unwrap_or(Sorted::Exact);
                    self.statements.insert(name.clone(), order);
                }
                Step::Bind {
                    portal, statement, ..
                } => {
                    let order = self
                        .statements
                        .get(statement)
                        .cloned()
                        .unwrap_or(Sorted::Exact);
                    self.portals.insert(portal.clone(), order);
                }
                Step::Execute { portal, .. } => {
                    orders.push(self.portals.get(portal).cloned().unwrap_or(Sorted::Exact));
                }
                _ => {}
            }
        }
        orders
    }

    fn of_sql(&mut self, sql: &str) -> Vec<Sorted> {
        let Ok(parsed) = pg_query::parse(sql, ParserOptions::default()) else {
            return Vec::new();
        };
        let statements = parsed.protobuf.stmts.iter();
        let nodes = statements.map(|raw| raw.stmt.as_ref().and_then(|stmt| stmt.node.as_ref()));
        nodes.map(|node| self.of_node(node)).collect()
    }

    fn of_node(&mut self, node: Option<&NodeEnum>) -> Sorted {
        let inner = |query: &Option<Box<Node>>| query.as_ref().and_then(|query| query.node.clone());
        match node {
            Some(NodeEnum::SelectStmt(select)) => of_select(select),
            Some(NodeEnum::CopyStmt(copy)) => {
                let order = self.of_node(inner(&copy.query).as_ref());
                // A line of COPY has no columns here: what is sorted stays in sequence.
                if matches!(order, Sorted::By(_)) {
                    Sorted::Exact
                } else {
                    Sorted::Any
                }
            }
            Some(NodeEnum::PrepareStmt(prepare)) => {
                let order = self.of_node(inner(&prepare.query).as_ref());
                self.prepared.insert(prepare.name.clone(), order);
                Sorted::Exact
            }
            Some(NodeEnum::ExecuteStmt(execute)) => self
                .prepared
                .get(&execute.name)
                .cloned()
                .unwrap_or(Sorted::Exact),
            Some(NodeEnum::DeclareCursorStmt(declare)) => {
                let order = self.of_node(inner(&declare.query).as_ref());
                self.cursors.insert(declare.portalname.clone(), order);
                Sorted::Exact
            }
            Some(NodeEnum::ExplainStmt(_)) => Sorted::Plan,
            Some(NodeEnum::FetchStmt(fetch)) => self.of_fetch(fetch),
            _ => Sorted::Exact,
        }
    }

    fn of_fetch(&self, fetch: &FetchStmt) -> Sorted {
        self.cursors
            .get(&fetch.portalname)
            .cloned()
            .unwrap_or(Sorted::Exact)
    }
}

fn of_select(select: &SelectStmt) -> Sorted {
    if select.sort_clause.is_empty() {
        return Sorted::Any;
    }
    let shown = output_columns(select);
    let keys = select.sort_clause.iter().filter_map(|item| {
        let Some(NodeEnum::SortBy(sort)) = &item.node else {
            return None;
        };
        position(sort.node.as_ref()?, shown.as_deref()?)
    });
    Sorted::By(keys.collect())
}

/// Name (or alias) and expression of each output column; `None` where a star hides how many there are.
fn output_columns(select: &SelectStmt) -> Option<Vec<(String, Option<Node>)>> {
    let mut leftmost = select;
    while let Some(left) = &leftmost.larg {
        leftmost = left;
    }
    leftmost
        .target_list
        .iter()
        .map(|target| {
            let Some(NodeEnum::ResTarget(target)) = &target.node else {
                return None;
            };
            let expression = target.val.as_deref().cloned();
            let last = expression.as_ref().and_then(last_name);
            if last.as_deref() == Some("*") {
                return None;
            }
            let name = if target.name.is_empty() {
                last.unwrap_or_default()
            } else {
                target.name.clone()
            };
            Some((name, expression))
        })
        .collect()
}

/// Of a column reference; `*` for a star.
fn last_name(node: &Node) -> Option<String> {
    let Some(NodeEnum::ColumnRef(column)) = &node.node else {
        return None;
    };
    match column.fields.last()?.node.as_ref()? {
        NodeEnum::String(name) => Some(name.sval.clone()),
        NodeEnum::AStar(_) => Some("*".to_owned()),
        _ => None,
    }
}

fn position(key: &Node, shown: &[(String, Option<Node>)]) -> Option<usize> {
    if let Some(NodeEnum::AConst(constant)) = &key.node {
        let Some(a_const::Val::Ival(number)) = &constant.val else {
            return None;
        };
        let at = usize::try_from(number.ival).ok()?.checked_sub(1)?;
        return (at < shown.len()).then_some(at);
    }
    let name = last_name(key)?;
    shown.iter().position(|(own, _)| *own == name)
}
