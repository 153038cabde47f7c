//! decide: whether the contract allows a statement, and what must be done on the way.

use crate::admit::listed;
use crate::dimension::AggregateRule;
use crate::footprint::{Footprint, Shape, TableUse};
use crate::model::{Columns, Contract, Joins, Method, Mode, ScopeTable};
use crate::refusal::{Refusal, SqlState};

pub use crate::admit::{Admission, AdmissionRequest, admit, still_admitted};

/// Proof that the contract allows a statement, with what must be done on the way; made by [`decide`] alone.
#[derive(Clone, Debug)]
pub struct Permit {
    rule: AggregateRule,
    /// In `observe` mode: the refusal that `enforce` would have given.
    would_refuse: Option<Refusal>,
}

impl Permit {
    /// Floor of distinct subjects behind each aggregate (1 = none).
    pub fn min_group(&self) -> u64 {
        self.rule.min_group
    }

    /// What must stand under every aggregate.
    pub fn aggregate_rule(&self) -> &AggregateRule {
        &self.rule
    }

    pub fn would_refuse(&self) -> Option<&Refusal> {
        self.would_refuse.as_ref()
    }
}

/// Allows or refuses a statement by its footprint.
///
/// Expects a contract whose `columns = "*"` were resolved at approval ([`Contract::resolve_columns`]);
/// of an unresolved table any column that the footprint names counts as in scope.
pub fn decide(
    contract: &Contract,
    resource: &str,
    footprint: &Footprint,
) -> Result<Permit, Refusal> {
    let rule = contract.methods.aggregate_rule();
    match check(contract, resource, footprint) {
        Ok(()) => Ok(Permit {
            rule,
            would_refuse: None,
        }),
        Err(refusal) => match contract.mode {
            Mode::Enforce => Err(refusal),
            Mode::Observe => Ok(Permit {
                rule,
                would_refuse: Some(refusal),
            }),
        },
    }
}

fn check(contract: &Contract, resource: &str, footprint: &Footprint) -> Result<(), Refusal> {
    check_methods(contract, footprint)?;
    for used in &footprint.tables {
        let scope = check_table(contract, resource, &used.table)?;
        check_columns(contract, scope, used)?;
    }
    check_joins(contract, footprint)
}

fn refuse(contract: &Contract, clause: &str, reason: String, message: String) -> Refusal {
    Refusal::new(SqlState::OutOfScope, reason, message).clause(&contract.id, clause)
}

fn check_methods(contract: &Contract, footprint: &Footprint) -> Result<(), Refusal> {
    // INVARIANT: the baseline reads nothing of the owner's; what touches a table needs a method.
    if footprint.methods.is_empty()
        && (!footprint.tables.is_empty() || footprint.shape != Shape::NoData)
    {
        let message = "the statement touches data without a method that would allow it".to_owned();
        return Err(
            refuse(contract, "methods", "method.none".to_owned(), message)
                .hint("write the statement in a simpler form, and tell the owner's administrator"),
        );
    }
    let Some(missing) = footprint
        .methods
        .iter()
        .find(|method| !contract.methods.allowed.contains(method))
    else {
        return Ok(());
    };
    let message = format!(
        "the contract does not allow the method `{}` ({})",
        missing.name(),
        meaning(*missing)
    );
    Err(refuse(
        contract,
        "methods",
        format!("method.{}", missing.name()),
        message,
    )
    .hint(method_hint(contract, *missing)))
}

const fn meaning(method: Method) -> &'static str {
    match method {
        Method::Lookup => "reading rows",
        Method::Aggregate => "counts, sums and other figures over groups",
        Method::Catalog => "names, types and keys of what is in scope",
        Method::Plan => "EXPLAIN",
        Method::Tuning => "indexes, vacuum, statistics",
        Method::Schema => "changing the structure",
        Method::Modify => "changing data",
        Method::Export => "COPY and dumps",
        Method::Backup => "backups",
    }
}

fn method_hint(contract: &Contract, missing: Method) -> String {
    let allowed: Vec<&str> = contract
        .methods
        .allowed
        .iter()
        .map(|method| method.name())
        .collect();
    let instead = match missing {
        Method::Export if contract.methods.allowed.contains(&Method::Lookup) => {
            "; read the rows that you need with a SELECT instead"
        }
        Method::Lookup if contract.methods.allowed.contains(&Method::Aggregate) => {
            "; ask for counts or sums over groups instead"
        }
        _ => "",
    };
    format!(
        "the contract allows: {}{instead}; for more, ask the owner to change the contract",
        listed(&allowed)
    )
}

/// The same words whether the table exists or not.
fn check_table<'c>(
    contract: &'c Contract,
    resource: &str,
    table: &str,
) -> Result<&'c ScopeTable, Refusal> {
    let in_resource = || {
        contract
            .scope
            .iter()
            .filter(|scope| scope.resource == resource)
    };
    if let Some(scope) = in_resource().find(|scope| is_named(scope, table)) {
        return Ok(scope);
    }
    let tables: Vec<String> = in_resource().map(ScopeTable::qualified).collect();
    Err(refuse(
        contract,
        "scope",
        "scope.table".to_owned(),
        format!("table `{table}` is not in the contract's scope"),
    )
    .hint(format!("in scope on `{resource}`: {}", listed(&tables))))
}

/// Without an allocation: this runs for every table of every statement.
fn is_named(scope: &ScopeTable, qualified: &str) -> bool {
    qualified
        .strip_prefix(scope.schema.as_str())
        .and_then(|rest| rest.strip_prefix('.'))
        .is_some_and(|name| name == scope.table)
}

fn check_columns(contract: &Contract, scope: &ScopeTable, used: &TableUse) -> Result<(), Refusal> {
    let Columns::List(columns) = &scope.columns else {
        return Ok(());
    };
    let Some(outside) = used.columns.iter().find(|column| !columns.contains(column)) else {
        return Ok(());
    };
    let message = format!(
        "column `{outside}` of `{}` is not in the contract's scope",
        used.table
    );
    Err(
        refuse(contract, "scope", "scope.column".to_owned(), message)
            .hint(format!("in scope: {}", listed(columns))),
    )
}

fn check_joins(contract: &Contract, footprint: &Footprint) -> Result<(), Refusal> {
    let Joins::Pairs(pairs) = &contract.joins else {
        return Ok(());
    };
    // A table with itself correlates nothing that the table doesn't hold already.
    let refused = footprint
        .joins
        .iter()
        .find(|(left, right)| left != right && !is_paired(pairs, left, right));
    let Some((left, right)) = refused else {
        return Ok(());
    };
    let listed_pairs: Vec<String> = pairs
        .iter()
        .map(|(left, right)| format!("{left} with {right}"))
        .collect();
    Err(refuse(
        contract,
        "joins",
        "scope.join".to_owned(),
        format!("`{left}` may not be joined with `{right}`"),
    )
    .hint(format!(
        "the contract allows joining: {}; ask the two tables one after the other",
        listed(&listed_pairs)
    )))
}

fn is_paired(
    pairs: &std::collections::BTreeSet<(String, String)>,
    left: &str,
    right: &str,
) -> bool {
    pairs
        .iter()
        .any(|(one, other)| (one == left && other == right) || (one == right && other == left))
}
