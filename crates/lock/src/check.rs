//! A contract's scope against the live catalog: every problem at once, each with what to write instead.

use std::collections::BTreeSet;

use portcullis_contract::{Columns, Contract, Grade, Mask, ScopeTable};
use serde::{Deserialize, Serialize};

use crate::catalog::{LiveCatalog, LiveTable, TableKind};
use crate::names::OUR_PREFIX;
use crate::subjects::key_row;
use crate::{filter, masks};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeProblem {
    /// `schema.table`.
    pub table: String,
    pub column: Option<String>,
    pub message: String,
    pub help: String,
    /// Where in the contract: `scope[0].columns`.
    pub path: String,
}

/// Everything in the contract's scope on this resource that the database does not bear out.
pub fn check_scope(contract: &Contract, live: &LiveCatalog) -> Vec<ScopeProblem> {
    let mut problems = Vec::new();
    let mut seen = BTreeSet::new();
    for (index, scope) in contract.scope.iter().enumerate() {
        if scope.resource != live.resource {
            continue;
        }
        let mut check = Check {
            contract,
            live,
            scope,
            index,
            problems: &mut problems,
        };
        if !seen.insert((scope.schema.clone(), scope.table.clone())) {
            check.report(
                "table",
                None,
                "this table is in scope twice".into(),
                "write one `scope` entry per table".into(),
            );
            continue;
        }
        check.table();
    }
    problems
}

/// Writes `columns = "*"` out as the columns that exist now.
pub fn resolve_columns(contract: &mut Contract, live: &LiveCatalog) {
    for scope in contract
        .scope
        .iter_mut()
        .filter(|s| s.resource == live.resource && s.columns == Columns::All)
    {
        if let Some(table) = live.table(&scope.schema, &scope.table) {
            scope.columns = Columns::List(table.columns.iter().map(|c| c.name.clone()).collect());
        }
    }
}

struct Check<'a> {
    contract: &'a Contract,
    live: &'a LiveCatalog,
    scope: &'a ScopeTable,
    index: usize,
    problems: &'a mut Vec<ScopeProblem>,
}

impl Check<'_> {
    fn report(&mut self, key: &str, column: Option<&str>, message: String, help: String) {
        self.problems.push(ScopeProblem {
            table: self.scope.qualified(),
            column: column.map(str::to_owned),
            message,
            help,
            path: format!("scope[{}].{key}", self.index),
        });
    }

    fn table(&mut self) {
        let (live, scope) = (self.live, self.scope);
        let Some(table) = live.table(&scope.schema, &scope.table) else {
            return self.unknown_table();
        };
        if let Some((what, help)) = unsupported(table) {
            self.report("table", None, what.into(), help.into());
            return;
        }
        if !table.steward_may_read {
            let sql = format!(
                "grant usage on schema {0} and select on {0}.{1} to {2}",
                scope.schema, scope.table, live.steward
            );
            self.report(
                "table",
                None,
                format!("the steward `{}` may not read this table", live.steward),
                sql,
            );
        }
        self.columns(table);
        self.masks(table);
        if let Some(subject) = &scope.subject {
            self.known_column(table, "subject", subject);
        }
        // Read again here: the text goes into the view, whatever catalog this one was handed.
        let read = scope
            .rows
            .as_ref()
            .and_then(|rows| filter::check(rows, &scope.table, table).err());
        if let Some(why) = read
            .as_ref()
            .or_else(|| live.filter_errors.get(&self.index))
        {
            let help = "write a plain condition over this table's own columns, for instance `ward <> 'VIP'`";
            self.report(
                "rows",
                None,
                format!("the row filter cannot be used: {why}"),
                help.into(),
            );
        }
    }

    fn unknown_table(&mut self) {
        let (live, scope) = (self.live, self.scope);
        let names: Vec<String> = live
            .tables
            .keys()
            .map(|(s, t)| format!("{s}.{t}"))
            .collect();
        let same_name: Vec<&String> = names
            .iter()
            .filter(|n| n.ends_with(&format!(".{}", scope.table)))
            .collect();
        let known_schema = live.tables.keys().any(|(s, _)| *s == scope.schema);
        let help = if let Some(other) = same_name.first() {
            format!("did you mean `{other}`?")
        } else if known_schema {
            let wanted = scope.qualified();
            nearest(&wanted, names.iter().map(String::as_str)).map_or_else(
                || "see the tables with `contract new --from`".to_owned(),
                |n| format!("did you mean `{n}`?"),
            )
        } else {
            format!("there is no schema `{}` with tables", scope.schema)
        };
        self.report(
            "table",
            None,
            format!(
                "table `{}` does not exist in `{}`",
                scope.qualified(),
                live.database
            ),
            help,
        );
    }

    fn columns(&mut self, table: &LiveTable) {
        let list = match &self.scope.columns {
            Columns::All if self.scope.grade >= Grade::Important => {
                let help = "list the columns by name";
                return self.report(
                    "columns",
                    None,
                    "`*` is not allowed for `important` and `core` data".into(),
                    help.into(),
                );
            }
            Columns::All => table.columns.iter().map(|c| c.name.clone()).collect(),
            Columns::List(list) => list.clone(),
        };
        if list.is_empty() {
            self.report(
                "columns",
                None,
                "no column is in scope".into(),
                "name at least one".into(),
            );
        }
        let mut seen = BTreeSet::new();
        for column in &list {
            if column.starts_with(OUR_PREFIX) {
                self.report(
                    "columns",
                    Some(column),
                    format!("column `{column}` has a name that Portcullis keeps for itself"),
                    "leave it out".into(),
                );
            } else if !seen.insert(column.clone()) {
                self.report(
                    "columns",
                    Some(column),
                    format!("column `{column}` is listed twice"),
                    "remove one".into(),
                );
            } else {
                self.known_column(table, "columns", column);
            }
        }
    }

    fn masks(&mut self, table: &LiveTable) {
        let key = key_row(&self.contract.id, &self.live.resource);
        let scope = self.scope;
        for (column, mask) in &scope.mask {
            let path = format!("mask.{column}");
            if !self.known_column(table, &path, column) {
                continue;
            }
            if let Columns::List(list) = &scope.columns
                && !list.contains(column)
            {
                let help = "add it to `columns`, or remove the mask: what is not in `columns` is not shown at all";
                self.report(
                    &path,
                    Some(column),
                    format!("column `{column}` has a mask but is not in `columns`"),
                    help.into(),
                );
            }
            let Some(live_column) = table.column(column) else {
                continue;
            };
            if let Err(misfit) = masks::expression(live_column, "c", mask, &key) {
                self.report(&path, Some(column), misfit.what, misfit.help);
            } else if let Some(why) = self.live.mask_errors.get(&(self.index, column.clone())) {
                let value = if *mask == Mask::Null {
                    "NULL"
                } else {
                    "the constant"
                };
                let help = format!(
                    "give a text that `{}` takes, or use `null`",
                    live_column.type_name
                );
                self.report(
                    &path,
                    Some(column),
                    format!("{value} does not fit the column's type: {why}"),
                    help,
                );
            }
        }
    }

    fn known_column(&mut self, table: &LiveTable, path: &str, column: &str) -> bool {
        if table.column(column).is_some() {
            return true;
        }
        let names = table.columns.iter().map(|c| c.name.as_str());
        let help = nearest(column, names.clone()).map_or_else(
            || format!("it has: {}", names.collect::<Vec<_>>().join(", ")),
            |n| format!("did you mean `{n}`?"),
        );
        self.report(
            path,
            Some(column),
            format!(
                "table `{}` has no column `{column}`",
                self.scope.qualified()
            ),
            help,
        );
        false
    }
}

/// What the second lock does not take, and why (decision 0004).
pub(crate) fn unsupported(table: &LiveTable) -> Option<(&'static str, &'static str)> {
    match table.kind {
        TableKind::View => Some((
            "this is a view: its text would run with its owner's rights, outside the contract's filters",
            "put the tables that it reads into scope, with `columns` and `rows`",
        )),
        TableKind::Foreign => Some((
            "this is a foreign table: its rows come from another server, under the steward's account there",
            "make that server a resource of its own",
        )),
        TableKind::Partitioned if table.foreign_partition => Some((
            "one of its partitions is a foreign table",
            "detach that partition, or make its server a resource of its own",
        )),
        _ if table.is_partition => Some((
            "this is a partition",
            "name the partitioned table, and choose its rows with `rows`",
        )),
        _ if table.has_children => Some((
            "other tables inherit from this one: whether their rows belong to it cannot be told from the contract",
            "put the inheriting tables into scope one by one",
        )),
        _ if table.row_security => Some((
            "row-level security is on: its policies would judge the steward, not the vendor",
            "write the condition into `rows`, and turn row-level security off for this table or leave the table out",
        )),
        _ => None,
    }
}

/// The closest name, if it is close enough to be a slip.
fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = names
        .map(|n| (distance(wanted, n), n))
        .min_by_key(|(d, _)| *d)?;
    (near.0 <= 2 || near.0 * 4 <= wanted.len()).then_some(near.1)
}

/// Levenshtein, on characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut previous: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut row = vec![i + 1];
        for (j, cb) in b.iter().enumerate() {
            let at = |row: &[usize], k: usize| row.get(k).copied().unwrap_or(usize::MAX - 1);
            let best = (at(&previous, j) + usize::from(ca != *cb))
                .min(at(&previous, j + 1) + 1)
                .min(at(&row, j) + 1);
            row.push(best);
        }
        previous = row;
    }
    previous.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised() {
        assert_eq!(
            nearest("pateints", ["visits", "patients"].into_iter()),
            Some("patients")
        );
        assert_eq!(nearest("zzz", ["visits", "patients"].into_iter()), None);
        assert_eq!(distance("abc", "axc"), 1);
    }
}
