//! Names that stand for nothing in scope.
//!
//! INVARIANT: what is said depends on the name as it was written and on what the contract shows:
//! a hidden thing and one that does not exist get the same answer.

use portcullis_contract::nearest;

use super::Reader;
use super::expression::SYSTEM_COLUMNS;
use super::scope::Scope;
use crate::rules::{self, Denial};
use crate::surface::Table;

/// At most this many names are spelled out in a hint.
const NAMES_IN_HINT: usize = 12;

impl Reader<'_> {
    pub(crate) fn unknown_column(&self, name: &str, scope: &Scope<'_>) -> Denial {
        let (qualifier, bare) = match name.rsplit_once('.') {
            Some((before, bare)) => (before.rsplit('.').next(), bare),
            None => (None, name),
        };
        if SYSTEM_COLUMNS.contains(&bare) {
            return self
                .column_not_in_scope(name)
                .hint("system columns are not part of a contract; name the table's key");
        }
        let named = qualifier.and_then(|q| scope.find_item(None, q));
        let known: Vec<&str> = match named.and_then(|(here, index)| here.item(index)) {
            Some(item) => item.columns.iter().map(|c| c.name.as_str()).collect(),
            None => visible_columns(scope),
        };
        self.column_not_in_scope(name).hint(offer(bare, &known))
    }

    /// As [`Self::unknown_column`], where the names that could have been meant are known.
    pub(crate) fn unknown_column_among(&self, name: &str, known: &[&str]) -> Denial {
        self.column_not_in_scope(name).hint(offer(name, known))
    }

    fn column_not_in_scope(&self, name: &str) -> Denial {
        self.deny(&rules::COLUMN, format!("column `{name}` is not in scope"))
    }

    pub(crate) fn unknown_table(&self, schema: &str, name: &str) -> Denial {
        let shown = if schema.is_empty() {
            name.to_owned()
        } else {
            format!("{schema}.{name}")
        };
        let tables: Vec<String> = self.surface.tables.iter().map(Table::qualified).collect();
        let known: Vec<&str> = tables.iter().map(String::as_str).collect();
        self.deny(&rules::TABLE, format!("table `{shown}` is not in scope"))
            .hint(offer(&shown, &known))
    }

    /// `x.column` where nothing in FROM is called `x`.
    pub(crate) fn unknown_qualifier(&self, qualifier: &str, scope: &Scope<'_>) -> Denial {
        let entries: Vec<&str> = scope
            .names
            .items
            .iter()
            .filter_map(|index| scope.item(*index))
            .map(|item| item.name.as_str())
            .collect();
        self.deny(
            &rules::QUALIFIER,
            format!("table `{qualifier}` is not in scope"),
        )
        .hint(format!(
            "nothing in this FROM has that name or alias; {}",
            offer(qualifier, &entries)
        ))
    }
}

/// The columns that a name without a qualifier could stand for: the innermost level that has any.
fn visible_columns<'s>(scope: &'s Scope<'_>) -> Vec<&'s str> {
    let mut level = Some(scope);
    while let Some(here) = level {
        if !here.names.columns.is_empty() {
            return here.names.columns.iter().map(|v| v.name.as_str()).collect();
        }
        level = here.parent;
    }
    Vec::new()
}

/// What could have been meant, and what there is.
fn offer(written: &str, known: &[&str]) -> String {
    let mut distinct: Vec<&str> = Vec::new();
    for name in known {
        if !distinct.contains(name) {
            distinct.push(name);
        }
    }
    if distinct.is_empty() {
        return "nothing is in scope at this place; name a table in FROM".to_owned();
    }
    let meant = nearest(written, distinct.iter().copied())
        .map_or(String::new(), |near| format!("did you mean `{near}`? "));
    let shown: Vec<&str> = distinct.iter().copied().take(NAMES_IN_HINT).collect();
    let more = match distinct.len().saturating_sub(NAMES_IN_HINT) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{meant}in scope: {}{more}", shown.join(", "))
}
