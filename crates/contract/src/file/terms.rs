//! The terms that people and law profiles read: their form, and whether all that the law asks for is there.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::contract::CONTRACT_KEYS;
use super::reader::{Fields, Node, Reader, Value};
use super::value::read_duration;
use crate::law::{Profile, Term, profile};
use crate::model::{Contract, ScopeTable};
use crate::quantity::parse_duration;

const SUBCONTRACTING: [(&str, &str); 2] = [("forbidden", "forbidden"), ("per-case", "per-case")];
const OWNER_TYPES: [(&str, &str); 6] = [
    ("state-organ", "state-organ"),
    ("public-body", "public-body"),
    ("cii-operator", "cii-operator"),
    ("health", "health"),
    ("research", "research"),
    ("other", "other"),
];
const AT_END: [(&str, &str); 3] = [
    ("delete", "delete"),
    ("return", "return"),
    ("return-and-delete", "return-and-delete"),
];
const AUDIT_RIGHTS: [(&str, &str); 3] = [
    ("on-site", "on-site"),
    ("remote", "remote"),
    ("regulator", "regulator"),
];
const FOREIGN: [(&str, &str); 1] = [("refuse-and-notify", "refuse-and-notify")];
const UNLAWFUL: [(&str, &str); 1] = [("stop-and-notify", "stop-and-notify")];
const ROUTES: [(&str, &str); 4] = [
    ("security-assessment", "security-assessment"),
    ("certification", "certification"),
    ("standard-contract", "standard-contract"),
    ("exempt", "exempt"),
];
const PATCH_KEYS: &[&str] = &["exploited", "critical", "high", "medium", "low"];

/// Reads each term that is there; what is malformed leaves a diagnostic.
pub(super) fn read_terms(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    enforced: &[&str],
) -> BTreeMap<String, Json> {
    let keys = CONTRACT_KEYS.iter().filter(|key| !enforced.contains(key));
    keys.filter_map(|key| {
        Some((
            (*key).to_owned(),
            read_term(reader, key, &fields.get(key)?)?,
        ))
    })
    .collect()
}

fn read_term(reader: &mut Reader<'_>, key: &str, node: &Node<'_>) -> Option<Json> {
    match key {
        "subcontracting" => word(reader, node, &SUBCONTRACTING),
        "cross_border" => cross_border(reader, node),
        "breach_notice" | "log_retention" | "roster_notice" | "rights_assistance" => {
            duration(reader, node)
        }
        "at_end" => at_end(reader, node),
        "owner_type" => word(reader, node, &OWNER_TYPES),
        "supervision" => supervision(reader, node),
        "audit_rights" => audit_rights(reader, node),
        "foreign_authority_request" => word(reader, node, &FOREIGN),
        "unlawful_instruction" => word(reader, node, &UNLAWFUL),
        "assessment" | "approval" => reference(reader, node),
        "subcontractors" => subcontractors(reader, node),
        "patch_within" => patch_within(reader, node),
        _ => reader.words(node).map(Json::from),
    }
}

fn word(reader: &mut Reader<'_>, node: &Node<'_>, choices: &[(&str, &str)]) -> Option<Json> {
    reader.choice(node, choices).map(Json::from)
}

fn duration(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<Json> {
    read_duration(reader, node).map(|(text, _)| Json::from(text))
}

fn object(entries: impl IntoIterator<Item = (&'static str, Option<Json>)>) -> Json {
    Json::Object(
        entries
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?)))
            .collect(),
    )
}

fn cross_border(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<Json> {
    if !matches!(node.value, Value::Table(_)) {
        return word(reader, node, &[("forbidden", "forbidden")]);
    }
    let fields = reader.table(node, &["route", "ref"], "cross_border")?;
    let route = reader
        .require(&fields, "route", "route = \"security-assessment\"")
        .and_then(|route| word(reader, &route, &ROUTES));
    let reference = reader
        .require(&fields, "ref", "ref = \"…\"")
        .and_then(|reference| reader.words(&reference));
    Some(object([
        ("route", route),
        ("ref", reference.map(Json::from)),
    ]))
}

fn at_end(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<Json> {
    let fields = reader.table(node, &["data", "certificate_within"], "at_end")?;
    let data = reader
        .require(&fields, "data", "data = \"delete\"")
        .and_then(|data| word(reader, &data, &AT_END));
    let within = reader
        .require(
            &fields,
            "certificate_within",
            "certificate_within = \"14d\"",
        )
        .and_then(|within| duration(reader, &within));
    Some(object([("data", data), ("certificate_within", within)]))
}

fn supervision(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<Json> {
    let fields = reader.table(node, &["review_every", "reviewer"], "supervision")?;
    let every = reader
        .require(&fields, "review_every", "review_every = \"30d\"")
        .and_then(|every| duration(reader, &every));
    let reviewer = fields
        .get("reviewer")
        .and_then(|reviewer| reader.words(&reviewer))
        .map(Json::from);
    Some(object([("review_every", every), ("reviewer", reviewer)]))
}

fn audit_rights(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<Json> {
    let items = reader.items(
        node,
        "a list such as [\"on-site\", \"remote\", \"regulator\"]",
    )?;
    Some(
        items
            .iter()
            .filter_map(|item| word(reader, item, &AUDIT_RIGHTS))
            .collect(),
    )
}

/// `{ ref, on }`: a paper, by its number and day.
fn reference(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<Json> {
    let fields = reader.table(node, &["ref", "on", "by"], "a reference")?;
    let number = reader
        .require(&fields, "ref", "ref = \"PIA-2026-7\"")
        .and_then(|number| reader.words(&number));
    let on = reader
        .require(&fields, "on", "on = 2026-01-02")
        .and_then(|on| reader.date(&on));
    let by = fields.get("by").and_then(|by| reader.words(&by));
    Some(object([
        ("ref", number.map(Json::from)),
        ("on", on.map(|on| Json::from(on.to_string()))),
        ("by", by.map(Json::from)),
    ]))
}

fn subcontractors(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<Json> {
    let names = reader.strings(node, "a list of names")?;
    Some(
        names
            .into_iter()
            .map(|(name, _)| Json::from(name))
            .collect(),
    )
}

fn patch_within(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<Json> {
    let fields = reader.table(node, PATCH_KEYS, "patch_within")?;
    Some(object(PATCH_KEYS.iter().map(|key| {
        (
            *key,
            fields.get(key).and_then(|within| duration(reader, &within)),
        )
    })))
}

/// Whether all that the contract's law profile asks for is there, each lapse with its article.
pub(super) fn check_terms(reader: &mut Reader<'_>, fields: &Fields<'_>, contract: &Contract) {
    match profile(&contract.law) {
        Ok(profile) => check_profile(reader, fields, contract, &profile),
        Err(error) => reader.mistake(
            fields.node().key_span.clone(),
            error.to_string(),
            "the terms can't be checked",
            "this is a defect of this version",
        ),
    }
    check_protection(reader, fields, contract);
}

fn check_profile(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    contract: &Contract,
    profile: &Profile,
) {
    for term in profile
        .terms
        .iter()
        .filter(|term| term.when.applies_to(contract))
    {
        match find(fields, &term.term) {
            None => lacking(reader, fields, contract, term),
            Some(node) => check_value(reader, contract, term, &node),
        }
    }
}

/// Walks `supervision.review_every` down the tables; an empty list or table counts as absent.
fn find<'t>(fields: &Fields<'t>, path: &str) -> Option<Node<'t>> {
    let mut keys = path.split('.');
    let mut node = fields.get(keys.next()?)?;
    for key in keys {
        node = node.key(key)?;
    }
    (!node.is_empty()).then_some(node)
}

fn lacking(reader: &mut Reader<'_>, fields: &Fields<'_>, contract: &Contract, term: &Term) {
    if term
        .term
        .split('.')
        .next()
        .is_some_and(|key| fields.means(key))
    {
        return;
    }
    reader.mistake(
        fields.node().key_span.clone(),
        format!(
            "contract `{}` lacks `{}`: {}",
            contract.id, term.term, term.about
        ),
        format!(
            "law profile `{}` asks for it ({})",
            contract.law, term.article
        ),
        format!("add: {}", term.example),
    );
}

fn check_value(reader: &mut Reader<'_>, contract: &Contract, term: &Term, node: &Node<'_>) {
    let asked = |what: String| {
        format!(
            "law profile `{}` asks for {what} ({})",
            contract.law, term.article
        )
    };
    if let Some(wanted) = &term.includes
        && !node.holds(wanted)
    {
        reader.mistake(
            node.span.clone(),
            format!("`{}` lacks `{wanted}`: {}", term.term, term.about),
            asked(format!("`{wanted}`")),
            format!("add: {}", term.example),
        );
    }
    let seconds = |text: &String| parse_duration(text).ok();
    let Some(given) = node.text().and_then(|text| parse_duration(text).ok()) else {
        return;
    };
    if let Some(least) = &term.at_least
        && seconds(least).is_some_and(|least| given < least)
    {
        reader.mistake(
            node.span.clone(),
            format!("`{}` is too short: {}", term.term, term.about),
            asked(format!("at least {least}")),
            format!("write: {}", term.example),
        );
    }
    if let Some(most) = &term.at_most
        && seconds(most).is_some_and(|most| given > most)
    {
        reader.mistake(
            node.span.clone(),
            format!("`{}` is too long: {}", term.term, term.about),
            asked(format!("at most {most}")),
            format!("write: {}", term.example),
        );
    }
}

/// The fifth of the law's terms, for every contract: some measure that protects the data.
fn check_protection(reader: &mut Reader<'_>, fields: &Fields<'_>, contract: &Contract) {
    let masks = contract
        .scope
        .iter()
        .any(|ScopeTable { mask, rows, .. }| !mask.is_empty() || rows.is_some());
    let access = !contract.access.hours.is_empty() || !contract.access.networks.is_empty();
    if masks || access || !contract.vetting.is_empty() || !contract.budgets.is_empty() {
        return;
    }
    reader.mistake(
        fields.node().key_span.clone(),
        format!("contract `{}` has no protection measure", contract.id),
        "expected at least one of: vetting, access hours or networks, a budget, a mask, a row condition",
        "for instance vetting = [\"identity\"], or a [contract.ID.budget]",
    );
}
