//! What a new version of something would change, and in which direction: what loosens control
//! waits for a second officer, what tightens it applies at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::admit::listed;
use crate::budget::Budget;
use crate::dimension::Dimension;
use crate::file::write_mask;
use crate::model::{
    Access, Columns, Contract, HoursSpan, Joins, Mask, Mode, Person, Resource, ScopeTable, Vendor,
    Vetting,
};
use crate::quantity::write_duration;

/// In which direction a change moves control. Ordered: the last of several counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    None,
    Tightens,
    Loosens,
}

impl Effect {
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Tightens => "tightens",
            Self::Loosens => "loosens",
        }
    }
}

/// One field that differs, for the officer who reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    pub field: String,
    pub before: Option<String>,
    pub after: Option<String>,
    pub effect: Effect,
}

impl fmt::Display for Difference {
    /// `budget.rows_per_statement: 500 → 900 (loosens)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let none = || "nothing".to_owned();
        let (before, after) = (
            self.before.clone().unwrap_or_else(none),
            self.after.clone().unwrap_or_else(none),
        );
        write!(
            f,
            "{}: {before} → {after} ({})",
            self.field,
            self.effect.name()
        )
    }
}

/// What one vendor, person, resource or contract would change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// `vendor`, `person`, `resource`, `contract`.
    pub kind: String,
    /// Its id.
    pub name: String,
    pub effect: Effect,
    /// Empty = nothing differs.
    pub differences: Vec<Difference>,
    /// Whether it was not registered before.
    pub is_new: bool,
}

impl Change {
    fn new(kind: &str, name: &str, is_new: bool, differences: Vec<Difference>) -> Self {
        let effect = combined(differences.iter().map(|difference| difference.effect));
        Self {
            kind: kind.to_owned(),
            name: name.to_owned(),
            effect,
            differences,
            is_new,
        }
    }

    /// Whether there is anything to apply.
    pub fn is_empty(&self) -> bool {
        !self.is_new && self.differences.is_empty()
    }
}

/// The effect of several changes together: one that loosens makes all of them loosen.
pub fn combined(effects: impl IntoIterator<Item = Effect>) -> Effect {
    effects.into_iter().max().unwrap_or(Effect::None)
}

/// A vendor by itself opens nothing; its name is what contracts and officers know it by.
pub fn vendor(old: Option<&Vendor>, new: &Vendor) -> Change {
    let mut found = Differences::default();
    match old {
        None => found.add("vendor", None, Some(new.name.clone()), Effect::None),
        Some(old) => found.replaced("name", &old.name, &new.name, Effect::Loosens),
    }
    Change::new("vendor", &new.id, old.is_none(), found.list)
}

/// A person opens nothing without vetting; a vetting can admit him, so it takes two officers.
pub fn person(old: Option<&Person>, new: &Person) -> Change {
    let mut found = Differences::default();
    match old {
        None => found.add(
            "person",
            None,
            Some(format!("{} of {}", new.name, new.vendor)),
            Effect::None,
        ),
        Some(old) => {
            found.replaced("name", &old.name, &new.name, Effect::Loosens);
            found.replaced("vendor", &old.vendor, &new.vendor, Effect::Loosens);
        }
    }
    let before = old.map(|old| old.vetting.as_slice()).unwrap_or_default();
    let set =
        |vettings: &[Vetting]| -> BTreeSet<String> { vettings.iter().map(write_vetting).collect() };
    found.set("vetting", &set(before), &set(&new.vetting));
    Change::new("person", &new.id, old.is_none(), found.list)
}

fn write_vetting(vetting: &Vetting) -> String {
    let by = vetting.by.as_deref().unwrap_or("nobody named");
    let evidence = vetting
        .evidence
        .as_deref()
        .map(|evidence| format!(", evidence {evidence}"))
        .unwrap_or_default();
    format!(
        "{} by {by}, {} to {}{evidence}",
        vetting.kind, vetting.on, vetting.until
    )
}

/// A resource by itself opens nothing; where it points to and whom it trusts matters once it is used.
pub fn resource(old: Option<&Resource>, new: &Resource) -> Change {
    let mut found = Differences::default();
    let Some(old) = old else {
        found.add("resource", None, Some(new.url.clone()), Effect::None);
        let roles: BTreeSet<String> = new.explained_roles.keys().cloned().collect();
        found.set("explained_roles", &BTreeSet::new(), &roles);
        return Change::new("resource", &new.id, true, found.list);
    };
    found.replaced(
        "kind",
        &format!("{:?}", old.kind),
        &format!("{:?}", new.kind),
        Effect::Loosens,
    );
    found.replaced("url", &old.url, &new.url, Effect::Loosens);
    found.option(
        "password_file",
        old.password_file.as_ref(),
        new.password_file.as_ref(),
    );
    found.option(
        "password_env",
        old.password_env.as_ref(),
        new.password_env.as_ref(),
    );
    found.option("ca_file", old.ca_file.as_ref(), new.ca_file.as_ref());
    let roles = |resource: &Resource| -> BTreeSet<String> {
        resource
            .explained_roles
            .iter()
            .map(|(role, why)| format!("{role}: {why}"))
            .collect()
    };
    found.set("explained_roles", &roles(old), &roles(new));
    Change::new("resource", &new.id, false, found.list)
}

/// Expects both with their `columns = "*"` resolved ([`Contract::resolve_columns`]); an unresolved one
/// against a list counts as loosening.
pub fn contract(old: Option<&Contract>, new: &Contract) -> Change {
    let mut found = Differences::default();
    let Some(old) = old else {
        new_contract(&mut found, new);
        return Change::new("contract", &new.id, true, found.list);
    };
    found.replaced("title", &old.title, &new.title, Effect::None);
    found.replaced("vendor", &old.vendor, &new.vendor, Effect::Loosens);
    found.replaced("law", &old.law, &new.law, Effect::Loosens);
    mode(&mut found, old.mode, new.mode);
    let purposes = |contract: &Contract| -> BTreeSet<String> {
        contract
            .purposes
            .iter()
            .map(|(id, words)| format!("{id}: {words}"))
            .collect()
    };
    found.set("purposes", &purposes(old), &purposes(new));
    found.ordered(
        "valid.from",
        &old.valid_from,
        &new.valid_from,
        new.valid_from < old.valid_from,
    );
    found.ordered(
        "valid.until",
        &old.valid_until,
        &new.valid_until,
        new.valid_until > old.valid_until,
    );
    vetting_kinds(&mut found, &old.vetting, &new.vetting);
    access(&mut found, &old.access, &new.access);
    methods(&mut found, old, new);
    budgets(&mut found, &old.budgets, &new.budgets);
    scope(&mut found, &old.scope, &new.scope);
    joins(&mut found, &old.joins, &new.joins);
    // Hashed values can't be read by the owner either: less evidence.
    found.ordered(
        "params_hashed",
        &old.params_hashed,
        &new.params_hashed,
        new.params_hashed,
    );
    terms(&mut found, old, new);
    Change::new("contract", &new.id, false, found.list)
}

/// Lets each `columns = "*"` of the new version stand for the columns that it stood for before.
///
/// For a version that applies at once: resolving `*` anew against the live catalog would let in
/// columns that came after the approval, without a second officer.
pub fn keep_columns(approved: &Contract, new: &mut Contract) {
    for table in &approved.scope {
        if let Columns::List(columns) = &table.columns {
            new.resolve_columns(&table.resource, &table.schema, &table.table, columns);
        }
    }
}

/// What a new contract opens, in the order of the five terms.
fn new_contract(found: &mut Differences, new: &Contract) {
    let mut opens =
        |field: &str, after: String| found.add(field, None, Some(after), Effect::Loosens);
    opens("contract", format!("{} with {}", new.title, new.vendor));
    opens("purposes", listed(&new.purposes.keys().collect::<Vec<_>>()));
    opens(
        "valid",
        format!("{} to {}", new.valid_from, new.valid_until),
    );
    opens(
        "methods",
        listed(
            &new.methods
                .allowed
                .iter()
                .map(|method| method.name())
                .collect::<Vec<_>>(),
        ),
    );
    for table in &new.scope {
        opens(&table_field(table), write_table(table));
    }
    opens("vetting", listed(&new.vetting));
    opens("access", write_access(&new.access));
    opens(
        "budget",
        listed(&new.budgets.iter().map(write_budget).collect::<Vec<_>>()),
    );
    if new.mode == Mode::Observe {
        opens("mode", "observe: nothing is refused".to_owned());
    }
}

fn mode(found: &mut Differences, old: Mode, new: Mode) {
    let name = |mode| {
        if mode == Mode::Observe {
            "observe"
        } else {
            "enforce"
        }
    };
    found.ordered("mode", &name(old), &name(new), new == Mode::Observe);
}

/// Fewer kinds asked for admit more people.
fn vetting_kinds(found: &mut Differences, old: &[String], new: &[String]) {
    for kind in old.iter().filter(|kind| !new.contains(kind)) {
        found.add("vetting", Some(kind.clone()), None, Effect::Loosens);
    }
    for kind in new.iter().filter(|kind| !old.contains(kind)) {
        found.add("vetting", None, Some(kind.clone()), Effect::Tightens);
    }
}

fn access(found: &mut Differences, old: &Access, new: &Access) {
    found.replaced(
        "access.timezone",
        &old.timezone,
        &new.timezone,
        Effect::Loosens,
    );
    if old.hours != new.hours {
        let (before, after) = (minutes(&old.hours), minutes(&new.hours));
        let effect = compared(after.is_subset(&before), before.is_subset(&after));
        let (before, after) = (
            crate::hours::write(&old.hours),
            crate::hours::write(&new.hours),
        );
        found.add("access.hours", Some(before), Some(after), effect);
    }
    if old.networks != new.networks {
        let effect = compared(
            networks_within(&new.networks, &old.networks),
            networks_within(&old.networks, &new.networks),
        );
        let (before, after) = (write_networks(&old.networks), write_networks(&new.networks));
        found.add("access.networks", Some(before), Some(after), effect);
    }
    if old.grant_at_most_seconds != new.grant_at_most_seconds {
        let longer = new.grant_at_most_seconds > old.grant_at_most_seconds;
        found.add(
            "access.grant_at_most",
            Some(write_duration(old.grant_at_most_seconds)),
            Some(write_duration(new.grant_at_most_seconds)),
            direction(longer),
        );
    }
}

/// Of two sets, written differently.
const fn compared(new_within_old: bool, old_within_new: bool) -> Effect {
    match (new_within_old, old_within_new) {
        (true, true) => Effect::None,
        (true, false) => Effect::Tightens,
        (false, _) => Effect::Loosens,
    }
}

const fn direction(loosens: bool) -> Effect {
    if loosens {
        Effect::Loosens
    } else {
        Effect::Tightens
    }
}

/// The open minutes of a week; no span at all means all of them.
fn minutes(hours: &[HoursSpan]) -> BTreeSet<(u8, u16)> {
    let whole = [HoursSpan {
        days: (1..=7).collect(),
        from_minute: 0,
        to_minute: crate::local_time::MINUTES_A_DAY,
    }];
    let spans = if hours.is_empty() { &whole[..] } else { hours };
    spans
        .iter()
        .flat_map(|span| {
            span.days.iter().flat_map(move |day| {
                (span.from_minute..span.to_minute).map(move |minute| (*day, minute))
            })
        })
        .collect()
}

/// No network at all means any.
fn networks_within(new: &[IpNet], old: &[IpNet]) -> bool {
    old.is_empty()
        || (!new.is_empty()
            && new
                .iter()
                .all(|network| old.iter().any(|wider| wider.contains(network))))
}

fn write_networks(networks: &[IpNet]) -> String {
    if networks.is_empty() {
        "any".to_owned()
    } else {
        listed(&networks.iter().map(ToString::to_string).collect::<Vec<_>>())
    }
}

fn write_access(access: &Access) -> String {
    format!(
        "{} ({}) from {}, at most {} a grant",
        crate::hours::write(&access.hours),
        access.timezone,
        write_networks(&access.networks),
        write_duration(access.grant_at_most_seconds)
    )
}

fn methods(found: &mut Differences, old: &Contract, new: &Contract) {
    let names = |contract: &Contract| -> BTreeSet<String> {
        contract
            .methods
            .allowed
            .iter()
            .map(|method| method.name().to_owned())
            .collect()
    };
    found.set("methods", &names(old), &names(new));
    let (before, after) = (
        old.methods.aggregate_min_group.max(1),
        new.methods.aggregate_min_group.max(1),
    );
    found.ordered(
        "methods.aggregate.min_group",
        &before,
        &after,
        after < before,
    );
    dimensions(
        found,
        old.methods.aggregate_dimensions.as_deref(),
        new.methods.aggregate_dimensions.as_deref(),
    );
}

/// Fewer dimensions tighten; a column that is cut otherwise is another one.
fn dimensions(found: &mut Differences, old: Option<&[Dimension]>, new: Option<&[Dimension]>) {
    const FIELD: &str = "methods.aggregate.dimensions";
    let names = |list: &[Dimension]| -> BTreeSet<String> {
        list.iter().map(Dimension::to_string).collect()
    };
    let listed = |list: &[Dimension]| names(list).into_iter().collect::<Vec<_>>().join(", ");
    match (old, new) {
        (None, None) => {}
        (Some(old), Some(new)) => found.set(FIELD, &names(old), &names(new)),
        (None, Some(new)) => found.add(FIELD, None, Some(listed(new)), Effect::Tightens),
        (Some(old), None) => found.add(FIELD, Some(listed(old)), None, Effect::Loosens),
    }
}

fn write_budget(budget: &Budget) -> String {
    format!("{} = {}", budget.key(), budget.limit)
}

/// A ceiling that goes or rises loosens; one that comes or sinks tightens.
fn budgets(found: &mut Differences, old: &[Budget], new: &[Budget]) {
    let by_key = |budgets: &[Budget]| -> BTreeMap<String, u64> {
        budgets
            .iter()
            .map(|budget| (budget.key(), budget.limit))
            .collect()
    };
    let (old, new) = (by_key(old), by_key(new));
    for (key, before) in &old {
        let field = format!("budget.{key}");
        match new.get(key) {
            None => found.add(&field, Some(before.to_string()), None, Effect::Loosens),
            Some(after) => found.ordered(&field, before, after, after > before),
        }
    }
    for (key, after) in new.iter().filter(|(key, _)| !old.contains_key(*key)) {
        found.add(
            &format!("budget.{key}"),
            None,
            Some(after.to_string()),
            Effect::Tightens,
        );
    }
}

fn table_field(table: &ScopeTable) -> String {
    format!("scope.{}.{}", table.resource, table.qualified())
}

fn write_table(table: &ScopeTable) -> String {
    let masks: Vec<String> = table
        .mask
        .iter()
        .map(|(column, mask)| format!("{column} as {}", show_mask(mask)))
        .collect();
    let masked = if masks.is_empty() {
        String::new()
    } else {
        format!("; masked: {}", masks.join(", "))
    };
    let rows = table
        .rows
        .as_ref()
        .map(|rows| format!("; rows: {rows}"))
        .unwrap_or_default();
    format!("columns {}{masked}{rows}", write_columns(&table.columns))
}

fn write_columns(columns: &Columns) -> String {
    match columns {
        Columns::All => "*".to_owned(),
        Columns::List(names) => names.join(", "),
    }
}

fn show_mask(mask: &Mask) -> String {
    match mask {
        Mask::Constant(text) => format!("constant `{text}`"),
        other => write_mask(other),
    }
}

fn scope(found: &mut Differences, old: &[ScopeTable], new: &[ScopeTable]) {
    let same = |one: &ScopeTable, other: &ScopeTable| {
        one.resource == other.resource && one.schema == other.schema && one.table == other.table
    };
    for table in old {
        match new.iter().find(|candidate| same(table, candidate)) {
            None => found.add(
                &table_field(table),
                Some(write_table(table)),
                None,
                Effect::Tightens,
            ),
            Some(after) => scoped_table(found, table, after),
        }
    }
    for table in new
        .iter()
        .filter(|table| !old.iter().any(|candidate| same(table, candidate)))
    {
        found.add(
            &table_field(table),
            None,
            Some(write_table(table)),
            Effect::Loosens,
        );
    }
}

fn scoped_table(found: &mut Differences, old: &ScopeTable, new: &ScopeTable) {
    let field = |name: &str| format!("{}.{name}", table_field(new));
    found.ordered(
        &field("grade"),
        &format!("{:?}", old.grade),
        &format!("{:?}", new.grade),
        new.grade < old.grade,
    );
    found.ordered(
        &field("personal"),
        &format!("{:?}", old.personal),
        &format!("{:?}", new.personal),
        new.personal < old.personal,
    );
    // Another way of counting people counts otherwise: two officers look at it.
    found.option(
        &field("subject"),
        old.subject.as_ref(),
        new.subject.as_ref(),
    );
    found.option(
        &field("subject_kind"),
        old.subject_kind.as_ref(),
        new.subject_kind.as_ref(),
    );
    columns(found, &field("columns"), &old.columns, &new.columns);
    masks(found, &field("mask"), &old.mask, &new.mask);
    if old.rows != new.rows {
        found.add(
            &field("rows"),
            old.rows.clone(),
            new.rows.clone(),
            direction(old.rows.is_some()),
        );
    }
}

fn columns(found: &mut Differences, field: &str, old: &Columns, new: &Columns) {
    match (old, new) {
        (Columns::List(before), Columns::List(after)) => {
            let set = |names: &[String]| -> BTreeSet<String> { names.iter().cloned().collect() };
            found.set(field, &set(before), &set(after));
        }
        (Columns::All, Columns::All) => {}
        // Which columns `*` stands for is not known here.
        _ => found.add(
            field,
            Some(write_columns(old)),
            Some(write_columns(new)),
            Effect::Loosens,
        ),
    }
}

fn masks(
    found: &mut Differences,
    field: &str,
    old: &BTreeMap<String, Mask>,
    new: &BTreeMap<String, Mask>,
) {
    let all: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for column in all {
        let (before, after) = (old.get(column), new.get(column));
        if before == after {
            continue;
        }
        let effect = match (before, after) {
            (None, Some(_)) => Effect::Tightens,
            (Some(before), Some(after)) => compared(
                after.shows_no_more_than(before),
                before.shows_no_more_than(after),
            ),
            _ => Effect::Loosens,
        };
        found.add(
            &format!("{field}.{column}"),
            before.map(show_mask),
            after.map(show_mask),
            effect,
        );
    }
}

fn joins(found: &mut Differences, old: &Joins, new: &Joins) {
    let within = match (old, new) {
        (Joins::Scoped, _) => true,
        (Joins::Pairs(_), Joins::Scoped) => false,
        (Joins::Pairs(before), Joins::Pairs(after)) => after.is_subset(before),
    };
    if old != new {
        found.add(
            "joins",
            Some(write_joins(old)),
            Some(write_joins(new)),
            direction(!within),
        );
    }
}

fn write_joins(joins: &Joins) -> String {
    match joins {
        Joins::Scoped => "scoped".to_owned(),
        Joins::Pairs(pairs) => listed(
            &pairs
                .iter()
                .map(|(one, other)| format!("{one} with {other}"))
                .collect::<Vec<_>>(),
        ),
    }
}

/// A term that goes or changes may bind the vendor less; only a lawyer can tell, so two look at it.
fn terms(found: &mut Differences, old: &Contract, new: &Contract) {
    for (key, before) in &old.terms {
        let after = new.terms.get(key);
        if after != Some(before) {
            found.add(
                key,
                Some(before.to_string()),
                after.map(ToString::to_string),
                Effect::Loosens,
            );
        }
    }
    for (key, after) in new
        .terms
        .iter()
        .filter(|(key, _)| !old.terms.contains_key(*key))
    {
        found.add(key, None, Some(after.to_string()), Effect::Tightens);
    }
}

#[derive(Default)]
struct Differences {
    list: Vec<Difference>,
}

impl Differences {
    fn add(&mut self, field: &str, before: Option<String>, after: Option<String>, effect: Effect) {
        self.list.push(Difference {
            field: field.to_owned(),
            before,
            after,
            effect,
        });
    }

    fn replaced(&mut self, field: &str, before: &str, after: &str, effect: Effect) {
        if before != after {
            self.add(
                field,
                Some(before.to_owned()),
                Some(after.to_owned()),
                effect,
            );
        }
    }

    fn ordered<T: PartialEq + ToString>(
        &mut self,
        field: &str,
        before: &T,
        after: &T,
        loosens: bool,
    ) {
        if before != after {
            self.add(
                field,
                Some(before.to_string()),
                Some(after.to_string()),
                direction(loosens),
            );
        }
    }

    /// A field whose every change loosens, but for its first appearance.
    fn option(&mut self, field: &str, before: Option<&String>, after: Option<&String>) {
        if before != after {
            self.add(field, before.cloned(), after.cloned(), Effect::Loosens);
        }
    }

    /// Members that come loosen, members that go tighten.
    fn set(&mut self, field: &str, before: &BTreeSet<String>, after: &BTreeSet<String>) {
        for gone in before.difference(after) {
            self.add(field, Some(gone.clone()), None, Effect::Tightens);
        }
        for come in after.difference(before) {
            self.add(field, None, Some(come.clone()), Effect::Loosens);
        }
    }
}
