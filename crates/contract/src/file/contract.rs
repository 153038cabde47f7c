//! `[contract.ID]`: the terms.

use std::collections::{BTreeMap, BTreeSet};

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::DeclaredNames;
use super::party::{check_id, dates_reversed};
use super::reader::{Fields, Node, Reader, Value};
use super::scope::read_scope;
use super::value::{parse_table_name, read_duration, read_size};
use crate::budget::{Budget, Measure};
use crate::dimension::Dimension;
use crate::model::{
    Access, Columns, Contract, Grade, Joins, Method, Methods, Mode, Personal, ScopeTable,
};

/// Keys that are enforced.
const ENFORCED_KEYS: [&str; 13] = [
    "title",
    "vendor",
    "law",
    "mode",
    "purposes",
    "valid",
    "vetting",
    "access",
    "methods",
    "budget",
    "scope",
    "joins",
    "params_hashed",
];

pub(crate) const CONTRACT_KEYS: &[&str] = &[
    "title",
    "vendor",
    "law",
    "mode",
    "purposes",
    "valid",
    "vetting",
    "access",
    "methods",
    "budget",
    "scope",
    "joins",
    "params_hashed",
    "subcontracting",
    "subcontractors",
    "cross_border",
    "breach_notice",
    "at_end",
    "owner_type",
    "supervision",
    "log_retention",
    "audit_rights",
    "roster_notice",
    "foreign_authority_request",
    "unlawful_instruction",
    "assessment",
    "approval",
    "rights_assistance",
    "vendor_retention",
    "patch_within",
    "liability",
    "disputes",
];
pub(crate) const ACCESS_KEYS: &[&str] = &["hours", "timezone", "networks", "grant_at_most"];
pub(crate) const METHOD_KEYS: &[&str] = &[
    "lookup",
    "aggregate",
    "catalog",
    "plan",
    "tuning",
    "schema",
    "modify",
    "export",
    "backup",
];

/// Where the contract names no zone. The profiles of a law ask for one.
const TIMEZONE_DEFAULT: &str = "UTC";
/// Where the contract names no longest grant. The profiles of a law ask for one.
const GRANT_AT_MOST_DEFAULT_SECONDS: u64 = 12 * 3600;

const MODES: [(&str, Mode); 2] = [("enforce", Mode::Enforce), ("observe", Mode::Observe)];

pub(super) fn read_contract(
    reader: &mut Reader<'_>,
    id: &str,
    node: &Node<'_>,
    names: &DeclaredNames,
) -> Option<Contract> {
    check_id(reader, "contract", id, node);
    let fields = reader.table(node, CONTRACT_KEYS, "a contract")?;
    let title = reader
        .require(
            &fields,
            "title",
            "title = \"Operation of the clinic database\"",
        )
        .and_then(|title| reader.words(&title));
    let vendor = reader
        .require(&fields, "vendor", "vendor = \"acme-it\"")
        .and_then(|vendor| reader.reference(&vendor, "vendor", &names.vendors));
    let law = reader
        .require(&fields, "law", "law = \"none\" (or cn, eu, us-hipaa)")
        .and_then(|law| read_law(reader, &law));
    let mode = fields
        .get("mode")
        .map_or(Some(Mode::Enforce), |mode| reader.choice(&mode, &MODES));
    let purposes = read_purposes(reader, &fields);
    let valid = read_valid(reader, &fields);
    let vetting = read_vetting_kinds(reader, &fields);
    let access = read_access(reader, &fields);
    let methods = read_methods(reader, &fields);
    let budgets = read_budgets(reader, &fields);
    let scope = read_scope(reader, &fields, names);
    let joins = read_joins(reader, &fields, &scope);
    let params_hashed = fields
        .get("params_hashed")
        .and_then(|hashed| reader.boolean(&hashed))
        .unwrap_or(false);
    let terms = super::terms::read_terms(reader, &fields, &ENFORCED_KEYS);
    check_budgets_against_scope(reader, &fields, &budgets, &scope);
    check_dimensions(reader, &fields, methods.as_ref(), &scope);
    let (valid_from, valid_until) = valid?;
    let contract = Contract {
        id: id.to_owned(),
        title: title?,
        vendor: vendor?,
        law: law?,
        mode: mode?,
        purposes: purposes?,
        valid_from,
        valid_until,
        vetting,
        access: access?,
        methods: methods?,
        budgets,
        scope,
        joins,
        params_hashed,
        terms,
    };
    check_core_export(reader, &fields, &contract);
    super::terms::check_terms(reader, &fields, &contract);
    Some(contract)
}

fn read_law(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<String> {
    let law = reader.choice(node, &crate::law::CHOICES)?;
    Some(law.to_owned())
}

fn read_purposes(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<BTreeMap<String, String>> {
    let node = reader.require(
        fields,
        "purposes",
        "purposes = { tickets = \"Looking up records on ticket\" }",
    )?;
    let entries = reader.entries(Some(&node), "purpose in words");
    if entries.is_empty() && matches!(node.value, Value::Table(_)) {
        reader.mistake(
            node.span.clone(),
            "no purpose",
            "expected at least one purpose",
            "every access is for a purpose of the contract: purposes = { tickets = \"…\" }",
        );
    }
    for (id, entry) in &entries {
        check_id(reader, "purpose", id, entry);
    }
    Some(
        entries
            .into_iter()
            .filter_map(|(id, words)| Some((id, reader.words(&words)?)))
            .collect(),
    )
}

fn read_valid(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<(Date, Date)> {
    let node = reader.require(
        fields,
        "valid",
        "valid = { from = 2026-01-01, until = 2027-12-31 }",
    )?;
    let valid = reader.table(&node, &["from", "until"], "the time of validity")?;
    let from = reader.require(&valid, "from", "from = 2026-01-01");
    let until = reader.require(
        &valid,
        "until",
        "until = 2027-12-31 (no contract is open-ended)",
    );
    let from = from.and_then(|from| reader.date(&from));
    let until_date = until.as_ref().and_then(|until| reader.date(until));
    let (from, until_date) = (from?, until_date?);
    if from > until_date {
        dates_reversed(
            reader,
            until.map_or(node.span, |until| until.span),
            "from",
            &from.to_string(),
        );
    }
    Some((from, until_date))
}

fn read_vetting_kinds(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Vec<String> {
    let Some(node) = fields.get("vetting") else {
        return Vec::new();
    };
    let items = reader
        .items(
            &node,
            "a list of kinds such as [\"identity\", \"background-check\"]",
        )
        .unwrap_or_default();
    let mut kinds: Vec<String> = Vec::new();
    for item in &items {
        let Some(kind) = reader.words(item) else {
            continue;
        };
        if kinds.contains(&kind) {
            reader.mistake(
                item.span.clone(),
                format!("`{kind}` stands twice"),
                "expected each kind once",
                "take one out",
            );
        }
        kinds.push(kind);
    }
    kinds
}

fn read_access(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<Access> {
    let mut access = Access {
        timezone: TIMEZONE_DEFAULT.to_owned(),
        hours: Vec::new(),
        networks: Vec::new(),
        grant_at_most_seconds: GRANT_AT_MOST_DEFAULT_SECONDS,
    };
    let Some(node) = fields.get("access") else {
        return Some(access);
    };
    let keys = reader.table(&node, ACCESS_KEYS, "access")?;
    if let Some(hours) = keys.get("hours") {
        access.hours = read_hours(reader, &hours)?;
    }
    if let Some(zone) = keys.get("timezone") {
        access.timezone = read_timezone(reader, &zone)?;
    }
    if let Some(networks) = keys.get("networks") {
        access.networks = read_networks(reader, &networks);
    }
    if let Some(longest) = keys.get("grant_at_most") {
        access.grant_at_most_seconds = read_duration(reader, &longest)?.1;
    }
    Some(access)
}

fn read_hours(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<Vec<crate::model::HoursSpan>> {
    let text = reader.string_as(node, "hours such as \"Mon-Fri 08:00-20:00\" or \"any\"")?;
    crate::hours::parse(&text)
        .map_err(|error| {
            reader.mistake(
                node.span.clone(),
                format!("can't read the hours: {error}"),
                "expected hours such as \"Mon-Fri 08:00-20:00, Sat 09:00-12:00\" or \"any\"",
                "24-hour times, spans separated by commas; 22:00-06:00 goes on into the next day",
            );
        })
        .ok()
}

fn read_timezone(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<String> {
    let zone = reader.string_as(node, "a time zone such as \"Asia/Shanghai\"")?;
    // `TimeZone::get` ignores case; the exact name is what others will look up.
    if TimeZone::get(&zone).is_ok_and(|found| found.iana_name() == Some(zone.as_str())) {
        return Some(zone);
    }
    let exact = TimeZone::get(&zone)
        .ok()
        .and_then(|found| found.iana_name().map(str::to_owned));
    let help = exact.map_or_else(
        || {
            "names are those of the IANA time zone database: Asia/Shanghai, Europe/Berlin, UTC"
                .to_owned()
        },
        |name| format!("did you mean `{name}`?"),
    );
    reader.mistake(
        node.span.clone(),
        format!("unknown time zone `{zone}`"),
        "expected an IANA name such as Asia/Shanghai",
        help,
    );
    None
}

fn read_networks(reader: &mut Reader<'_>, node: &Node<'_>) -> Vec<IpNet> {
    let texts = reader
        .strings(node, "a list of networks such as [\"10.8.0.0/16\"]")
        .unwrap_or_default();
    if texts.is_empty() && matches!(node.value, Value::Array(array) if array.is_empty()) {
        reader.mistake(
            node.span.clone(),
            "no network",
            "expected at least one network",
            "leave `networks` out to allow any, or write [\"0.0.0.0/0\", \"::/0\"]",
        );
    }
    texts
        .into_iter()
        .filter_map(|(text, item)| read_network(reader, &text, &item))
        .collect()
}

fn read_network(reader: &mut Reader<'_>, text: &str, node: &Node<'_>) -> Option<IpNet> {
    let network: Option<IpNet> = text.parse().ok();
    match network {
        Some(IpNet::V6(six)) if six.addr().to_ipv4_mapped().is_some() => {
            reader.mistake(
                node.span.clone(),
                format!("`{text}` is an IPv4 network written as IPv6"),
                "expected IPv4 form",
                "write it as 10.8.0.0/16",
            );
            None
        }
        Some(network) if network.addr() != network.network() => {
            reader.mistake(
                node.span.clone(),
                format!("`{text}` has bits beyond its length"),
                "expected a network",
                format!(
                    "did you mean `{}` or `{}/{}`?",
                    network.trunc(),
                    network.addr(),
                    network.max_prefix_len()
                ),
            );
            None
        }
        Some(network) => Some(network),
        None => {
            let help = text.parse::<IpAddr>().map_or_else(
                |_| "an address, a slash and the length of the network part".to_owned(),
                |address| format!("did you mean `{}`?", IpNet::from(address)),
            );
            reader.mistake(
                node.span.clone(),
                format!("`{text}` is not a network"),
                "expected CIDR form such as 10.8.0.0/16",
                help,
            );
            None
        }
    }
}

fn read_methods(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<Methods> {
    let node = reader.require(
        fields,
        "methods",
        "[contract.ID.methods] with lookup = {}, aggregate = { min_group = 5 }, …",
    )?;
    let keys = reader.table(&node, METHOD_KEYS, "methods")?;
    let mut methods = Methods {
        allowed: BTreeSet::new(),
        aggregate_min_group: 1,
        aggregate_dimensions: None,
    };
    for method in Method::ALL {
        let Some(entry) = keys.get(method.name()) else {
            continue;
        };
        let options: &[&str] = if method == Method::Aggregate {
            &["min_group", "dimensions"]
        } else {
            &[]
        };
        let Some(options) = reader.table(&entry, options, "this method") else {
            continue;
        };
        if let Some(floor) = options.get("min_group") {
            methods.aggregate_min_group =
                reader.integer(&floor, 1, "a whole number of subjects, at least 1")?;
        }
        if let Some(node) = options.get("dimensions") {
            methods.aggregate_dimensions = Some(read_dimensions(reader, &node)?);
        }
        methods.allowed.insert(method);
    }
    Some(methods)
}

fn read_dimensions(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<Vec<Dimension>> {
    let expected =
        "columns such as \"clinic.patients.sex\" or \"clinic.visits.visit_date by month\"";
    let mut dimensions: Vec<Dimension> = Vec::new();
    for (text, place) in reader.strings(node, expected)? {
        let Some(dimension) = Dimension::parse(&text) else {
            reader.mistake(
                place.span.clone(),
                format!("`{text}` is not a dimension"),
                format!("expected {expected}"),
                "write schema.table.column, and after it ` by year`, ` by month`, ` by day` or ` by 10` to show less",
            );
            continue;
        };
        let doubled = dimensions
            .iter()
            .any(|other| other.table == dimension.table && other.column == dimension.column);
        if doubled {
            reader.mistake(
                place.span.clone(),
                format!(
                    "`{}.{}` stands here twice",
                    dimension.table, dimension.column
                ),
                "expected each column once",
                "one column is cut in one way: keep the coarser",
            );
            continue;
        }
        dimensions.push(dimension);
    }
    Some(dimensions)
}

/// A dimension is what a contract shows of its own tables, and never whom a row is about.
fn check_dimensions(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    methods: Option<&Methods>,
    scope: &[ScopeTable],
) {
    let declared = methods.and_then(|methods| methods.aggregate_dimensions.as_ref());
    let place = fields
        .get("methods")
        .and_then(|methods| methods.key("aggregate"))
        .and_then(|aggregate| aggregate.key("dimensions"))
        .map_or(0..0, |dimensions| dimensions.key_span);
    for dimension in declared.into_iter().flatten() {
        let table = scope
            .iter()
            .find(|table| table.qualified() == dimension.table);
        let fault = match table {
            None => Some("the table is not in this contract's scope"),
            Some(table) => match &table.columns {
                _ if table.subject.as_ref() == Some(&dimension.column) => {
                    Some("it says whom a row is about: every group would be one subject")
                }
                Columns::List(columns) if !columns.contains(&dimension.column) => {
                    Some("the column is not in this contract's scope")
                }
                _ => None,
            },
        };
        if let Some(fault) = fault {
            reader.mistake(
                place.clone(),
                format!("`{dimension}` cannot be a dimension"),
                fault,
                "name columns in scope by which reports are grouped: ward, sex, year of birth",
            );
        }
    }
}

fn read_budgets(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Vec<Budget> {
    let Some(node) = fields.get("budget") else {
        return Vec::new();
    };
    let names: Vec<String> = Budget::keys().map(|(name, _)| name).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let Some(keys) = reader.table(&node, &names, "a budget") else {
        return Vec::new();
    };
    Budget::keys()
        .filter_map(|(name, (measure, window, holder))| {
            let entry = keys.get(&name)?;
            let limit = match measure {
                Measure::Bytes => read_size(reader, &entry)?,
                Measure::Rows | Measure::Subjects | Measure::Aggregates => {
                    reader.integer(&entry, 0, "a whole number")?
                }
            };
            Some(Budget {
                measure,
                window,
                holder,
                limit,
            })
        })
        .collect()
}

/// A ceiling on subjects that nothing counts would be none.
fn check_budgets_against_scope(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    budgets: &[Budget],
    scope: &[ScopeTable],
) {
    let counts_subjects = scope.iter().any(|table| table.subject.is_some());
    let Some(budget) = budgets
        .iter()
        .find(|budget| budget.measure == Measure::Subjects)
    else {
        return;
    };
    if counts_subjects || scope.is_empty() {
        return;
    }
    let key = budget.key();
    let place = fields
        .get("budget")
        .and_then(|node| node.key(&key))
        .map_or(0..0, |entry| entry.key_span);
    reader.mistake(
        place,
        format!("`{key}` has nothing to count"),
        "no table in scope has a `subject` column",
        "name the column that says whom a row is about: subject = \"patient_id\"",
    );
}

fn read_joins(reader: &mut Reader<'_>, fields: &Fields<'_>, scope: &[ScopeTable]) -> Joins {
    let Some(node) = fields.get("joins") else {
        return Joins::Scoped;
    };
    if !matches!(node.value, Value::Array(_)) {
        reader.choice(&node, &[("scoped", ())]);
        return Joins::Scoped;
    }
    let items = reader
        .items(&node, "\"scoped\" or a list of pairs")
        .unwrap_or_default();
    Joins::Pairs(
        items
            .iter()
            .filter_map(|item| read_pair(reader, item, scope))
            .collect(),
    )
}

fn read_pair(
    reader: &mut Reader<'_>,
    node: &Node<'_>,
    scope: &[ScopeTable],
) -> Option<(String, String)> {
    let expected = "a pair such as [\"clinic.patients\", \"clinic.visits\"]";
    let names = reader.strings(node, expected)?;
    let [one, other] = names.as_slice() else {
        reader.mistake(
            node.span.clone(),
            "not a pair",
            format!("expected {expected}"),
            "two tables that may be joined with each other",
        );
        return None;
    };
    let mut tables = [one, other]
        .into_iter()
        .map(|(name, place)| read_joined(reader, name, place, scope))
        .collect::<Option<Vec<_>>>()?;
    tables.sort();
    let [first, second] = <[String; 2]>::try_from(tables).ok()?;
    Some((first, second))
}

fn read_joined(
    reader: &mut Reader<'_>,
    name: &str,
    node: &Node<'_>,
    scope: &[ScopeTable],
) -> Option<String> {
    let known = parse_table_name(name).and_then(|(schema, table)| {
        scope
            .iter()
            .find(|scoped| scoped.schema == schema && scoped.table == table)
    });
    if known.is_none() {
        reader.mistake(
            node.span.clone(),
            format!("`{name}` is not in scope"),
            "expected a table of this contract's scope",
            "add it to the scope or take the pair out",
        );
    }
    known.map(ScopeTable::qualified)
}

/// Core data never leaves in bulk (requirements.md, Grades), whatever the law profile.
fn check_core_export(reader: &mut Reader<'_>, fields: &Fields<'_>, contract: &Contract) {
    let has_core = contract
        .scope
        .iter()
        .any(|table| table.grade == Grade::Core);
    if !has_core || !contract.methods.allowed.contains(&Method::Export) {
        return;
    }
    let place = fields.get("methods").map_or(0..0, |node| node.key_span);
    reader.mistake(
        place,
        "`export` with core data in scope",
        "expected no `export`",
        "core data never leaves in bulk; make a contract of its own for what may be exported",
    );
}

impl Contract {
    /// The highest grade of what is in scope.
    pub fn grade(&self) -> Grade {
        self.scope
            .iter()
            .map(|table| table.grade)
            .max()
            .unwrap_or(Grade::General)
    }

    /// The most sensitive kind of personal data in scope.
    pub fn personal(&self) -> Personal {
        self.scope
            .iter()
            .map(|table| table.personal)
            .max()
            .unwrap_or(Personal::None)
    }

    /// Whether some `columns = "*"` waits for the live catalog.
    pub fn has_unresolved_columns(&self) -> bool {
        self.scope.iter().any(|table| table.columns == Columns::All)
    }
}
