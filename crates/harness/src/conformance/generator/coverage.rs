//! Which node types of the grammar the generated statements have, and why they never have the others.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use pg_query::protobuf::Node;
use prost::Message as _;

/// Highest field number that is tried for the union of node types.
const MAX_FIELD: u32 = 1_000;

/// Node types that the parser's raw trees cannot have, by reason.
const EXCUSED: &[(&str, &[&str])] = &[
    (
        "made when a statement is analysed, after the raw tree",
        &[
            "Aggref",
            "AlternativeSubPlan",
            "ArrayCoerceExpr",
            "ArrayExpr",
            "CaseTestExpr",
            "CoerceToDomain",
            "CoerceToDomainValue",
            "CoerceViaIo",
            "CollateExpr",
            "ConvertRowtypeExpr",
            "DistinctExpr",
            "FieldSelect",
            "FieldStore",
            "FromExpr",
            "FuncExpr",
            "InferenceElem",
            "JsonConstructorExpr",
            "JsonExpr",
            "JsonTablePath",
            "JsonTablePathScan",
            "JsonTableSiblingJoin",
            "MergeAction",
            "NextValueExpr",
            "NullIfExpr",
            "OnConflictExpr",
            "OpExpr",
            "Param",
            "PartitionRangeDatum",
            "Query",
            "RangeTblEntry",
            "RangeTblFunction",
            "RangeTblRef",
            "RelabelType",
            "ReturningExpr",
            "RowCompareExpr",
            "RowMarkClause",
            "RtePermissionInfo",
            "ScalarArrayOpExpr",
            "SetOperationStmt",
            "SortGroupClause",
            "SubPlan",
            "SubscriptingRef",
            "TableFunc",
            "TableSampleClause",
            "TargetEntry",
            "Var",
            "WindowClause",
            "WindowFunc",
            "WindowFuncRunCondition",
            "WithCheckOption",
        ],
    ),
    (
        "made when a statement is executed",
        &["CallContext", "InlineCodeBlock"],
    ),
    (
        "lists of numbers are made by the planner",
        &["IntList", "OidList"],
    ),
    (
        "stands in PL/pgSQL's assignments, which are parsed by another entry",
        &["PlAssignStmt"],
    ),
];

/// What was made so far.
#[derive(Debug, Default)]
pub struct Coverage {
    counts: BTreeMap<String, usize>,
    pub statements: usize,
    /// Texts that are no SQL, on purpose.
    pub unparsed: usize,
}

impl Coverage {
    pub fn add(&mut self, sql: &str) {
        match pg_query::parse(sql, pg_query::ParserOptions::default()) {
            Ok(parsed) => {
                self.statements += parsed.protobuf.stmts.len();
                let shown = format!("{:?}", parsed.protobuf);
                for name in struct_names(&shown) {
                    match self.counts.get_mut(name) {
                        Some(count) => *count += 1,
                        None => {
                            self.counts.insert(name.to_owned(), 1);
                        }
                    }
                }
            }
            Err(_) => self.unparsed += 1,
        }
    }

    /// Node types made, and those that could be.
    pub fn made(&self) -> (usize, usize) {
        let all = node_types();
        let excused = excuses();
        let made = all
            .iter()
            .filter(|name| self.counts.contains_key(*name))
            .count();
        (
            made,
            all.iter()
                .filter(|name| !excused.contains_key(name.as_str()))
                .count(),
        )
    }

    /// The table of node types, to be read.
    pub fn report(&self) -> String {
        let (made, possible) = self.made();
        let all = node_types();
        let mut text = format!(
            "{made} of {possible} node types that raw trees can have ({} in the grammar), in {} statements; {} texts were no SQL\n",
            all.len(),
            self.statements,
            self.unparsed
        );
        for (reason, names) in EXCUSED {
            let _ = writeln!(text, "never, {reason}: {}", names.join(" "));
        }
        let mut rare: Vec<(&usize, &String)> = all
            .iter()
            .filter_map(|name| self.counts.get_key_value(name))
            .map(|(name, count)| (count, name))
            .collect();
        rare.sort();
        let rarest: Vec<String> = rare
            .iter()
            .take(12)
            .map(|(count, name)| format!("{name} {count}"))
            .collect();
        let _ = writeln!(text, "rarest: {}", rarest.join(", "));
        text
    }

    /// What is neither made nor excused, or both, or no node type at all.
    pub fn problems(&self) -> Vec<String> {
        let all = node_types();
        let excused = excuses();
        let mut problems = Vec::new();
        for name in &all {
            match (self.counts.contains_key(name), excused.get(name.as_str())) {
                (false, None) => problems.push(format!("{name}: never made, without a reason")),
                (true, Some(reason)) => {
                    problems.push(format!("{name}: made, and said to be {reason}"))
                }
                _ => {}
            }
        }
        for name in excused.keys().filter(|name| !all.contains(**name)) {
            problems.push(format!("{name}: excused, and no node type"));
        }
        problems
    }
}

fn excuses() -> BTreeMap<&'static str, &'static str> {
    EXCUSED
        .iter()
        .flat_map(|(reason, names)| names.iter().map(move |name| (*name, *reason)))
        .collect()
}

/// All node types of the grammar: the union's fields are tried one by one.
fn node_types() -> BTreeSet<String> {
    let mut types = BTreeSet::new();
    for field in 1..MAX_FIELD {
        let mut bytes = Vec::new();
        prost::encoding::encode_key(
            field,
            prost::encoding::WireType::LengthDelimited,
            &mut bytes,
        );
        bytes.push(0);
        if let Ok(Node { node: Some(inner) }) = Node::decode(bytes.as_slice()) {
            let shown = format!("{inner:?}");
            // `Variant(Struct { … })`: the struct also names what stands outside the union.
            let name = shown.split_once('(').map_or("", |(_, rest)| rest);
            types.insert(
                name.split([' ', '(', ')'])
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
            );
        }
    }
    types
}

/// The names of structures in a tree's debug text; quoted text is left out.
fn struct_names(shown: &str) -> impl Iterator<Item = &str> {
    let mut rest = shown;
    std::iter::from_fn(move || {
        loop {
            let start = rest.find(|c: char| c == '"' || c.is_ascii_uppercase())?;
            let from = rest.get(start..)?;
            if let Some(quoted) = from.strip_prefix('"') {
                rest = after_quote(quoted)?;
                continue;
            }
            let end = from
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .unwrap_or(from.len());
            let (name, tail) = from.split_at_checked(end)?;
            rest = tail;
            // A structure has fields, or is the empty inside of a variant: `AStar(AStar)`.
            if tail.starts_with(" {") || tail.starts_with(')') {
                return Some(name);
            }
        }
    })
}

fn after_quote(text: &str) -> Option<&str> {
    let mut escaped = false;
    for (at, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return text.get(at + 1..),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_text_is_no_node() {
        let mut coverage = Coverage::default();
        coverage.add("SELECT 'Merge\" InsertStmt { x' AS \"CopyStmt { \", * FROM t");
        let (made, possible) = coverage.made();
        assert!(
            coverage.counts.contains_key("AStar") && coverage.counts.contains_key("SelectStmt")
        );
        assert!(
            !coverage.counts.contains_key("InsertStmt")
                && !coverage.counts.contains_key("CopyStmt")
        );
        assert!(made < 12 && possible > 200, "{made} of {possible}");
        assert!(
            coverage
                .problems()
                .iter()
                .any(|p| p.starts_with("InsertStmt: never made"))
        );
    }
}
