//! Figures that differ from row to row of the query around them: each row would be an answer of its own.
//!
//! INVARIANT: a query whose figures stand on a floor gives one answer, which was charged: nothing in it
//! names a column of an enclosing query.

use std::collections::BTreeSet;

use pg_query::NodeEnum;
use pg_query::protobuf as pb;
use pg_query::protobuf::Node;
use portcullis_contract::Refusal;

use super::Reader;
use super::aggregate::Grouping;
use super::scope::Scope;
use crate::node::{children, select_children, texts_of};
use crate::rules;

impl Reader<'_> {
    /// Once the query is read, and every column carries its entry's name.
    pub(super) fn check_correlated(
        &self,
        select: &pb::SelectStmt,
        scope: &Scope<'_>,
        grouping: &Grouping,
    ) -> Result<(), Refusal> {
        let Some(parent) = scope
            .parent
            .filter(|_| matches!(grouping, Grouping::Floor(_)))
        else {
            return Ok(());
        };
        if self.floor <= 1 {
            return Ok(());
        }
        let outside = free_qualifiers(select)
            .into_iter()
            .find(|name| parent.find_item(None, name).is_some());
        match outside {
            Some(name) => self
                .deny(
                    &rules::AGGREGATE_CORRELATED,
                    format!("these figures would be others for each row of `{name}`"),
                )
                .hint(format!(
                    "join `{name}` and add its columns to GROUP BY: the groups are then one answer"
                ))
                .stands(),
            None => Ok(()),
        }
    }
}

/// Names of entries of FROM that a query names and does not have, at whatever depth.
pub(super) fn free_qualifiers(select: &pb::SelectStmt) -> BTreeSet<String> {
    let mut free = BTreeSet::new();
    gather_select(&mut select.clone(), &mut Vec::new(), &mut free);
    free
}

/// The same of any expression or entry of FROM.
pub(super) fn free_in(tree: &Node) -> BTreeSet<String> {
    let mut free = BTreeSet::new();
    gather(&mut tree.clone(), &mut Vec::new(), &mut free);
    free
}

fn gather_select(select: &mut pb::SelectStmt, own: &mut Vec<String>, free: &mut BTreeSet<String>) {
    let kept = own.len();
    for entry in &select.from_clause {
        entry_names(entry, own);
    }
    select_children(select, &mut |child| gather(child, own, free));
    own.truncate(kept);
}

fn gather(tree: &mut Node, own: &mut Vec<String>, free: &mut BTreeSet<String>) {
    match tree.node.as_mut() {
        Some(NodeEnum::SelectStmt(select)) => return gather_select(select, own, free),
        Some(NodeEnum::ColumnRef(reference)) => {
            if let Some([qualifier, _]) = texts_of(&reference.fields).as_deref()
                && !own.iter().any(|name| name.as_str() == *qualifier)
            {
                free.insert((*qualifier).to_owned());
            }
        }
        _ => {}
    }
    children(tree, &mut |child| gather(child, own, free));
}

/// The names that an entry of FROM, already turned, brings.
pub(super) fn entry_names(entry: &Node, names: &mut Vec<String>) {
    let alias = match entry.node.as_ref() {
        Some(NodeEnum::RangeVar(var)) => var.alias.as_ref(),
        Some(NodeEnum::RangeSubselect(sub)) => sub.alias.as_ref(),
        Some(NodeEnum::RangeFunction(function)) => function.alias.as_ref(),
        Some(NodeEnum::JoinExpr(join)) => {
            for side in [&join.larg, &join.rarg].into_iter().flatten() {
                entry_names(side, names);
            }
            None
        }
        _ => None,
    };
    names.extend(alias.map(|alias| alias.aliasname.clone()));
}
