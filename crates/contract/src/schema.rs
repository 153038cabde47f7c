//! The JSON Schema of the files that `apply` takes, for editors; published as
//! `docs/formats/contract.schema.json`.
//!
//! It knows the same keys as [`crate::file`] does (a test compares them). What no schema can say
//! (dates in order, references, law profiles) is left to `apply`.

use serde_json::{Map, Value, json};

use crate::budget::{Budget, Measure};
use crate::file::METHOD_KEYS;
use crate::law;

/// The schema, as the published file has it.
pub fn json_schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Portcullis: vendors, persons, resources and contracts",
        "description": "The TOML files that `portcullis apply` takes. See docs/formats/contract.md.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "vendor": named(vendor(), "Companies that do outsourced work"),
            "person": named(person(), "Natural persons who work for a vendor"),
            "resource": named(resource(), "What is outsourced"),
            "contract": named(contract(), "The terms: purpose, duration, methods, scope, protection measures"),
        },
    })
}

fn named(of: Value, about: &str) -> Value {
    json!({
        "type": "object",
        "description": about,
        "propertyNames": { "pattern": "^[A-Za-z0-9][A-Za-z0-9._@-]{0,47}$" },
        "additionalProperties": of,
    })
}

fn object(properties: Value, required: &[&str]) -> Value {
    json!({ "type": "object", "additionalProperties": false, "properties": properties, "required": required })
}

fn text(about: &str) -> Value {
    json!({ "type": "string", "minLength": 1, "description": about })
}

/// TOML's own dates; editors hand them to the schema as text.
fn date(about: &str) -> Value {
    json!({ "type": "string", "format": "date", "description": about })
}

fn duration(about: &str) -> Value {
    json!({ "type": "string", "pattern": "^\\s*[0-9][0-9_]*\\s*(s|min|h|d|w|y)\\s*$", "description": about })
}

fn one_of(words: &[&str], about: &str) -> Value {
    json!({ "enum": words, "description": about })
}

fn list(of: Value, about: &str) -> Value {
    json!({ "type": "array", "items": of, "description": about })
}

fn vendor() -> Value {
    object(
        json!({ "name": text("The company's name, in any script") }),
        &["name"],
    )
}

fn person() -> Value {
    let vetting = object(
        json!({
            "kind": text("As contracts ask for it: identity, background-check, …"),
            "by": text("Who checked"),
            "on": date("First day that counts"),
            "until": date("Last day that counts, in the contract's time zone"),
            "evidence": text("Hash of the paper, for instance sha256:…; never the paper"),
        }),
        &["kind", "on", "until"],
    );
    let properties = json!({
        "vendor": text("Id of the vendor"),
        "name": text("Full name, in any script"),
        "vetting": list(vetting, "Checks on the person"),
    });
    object(properties, &["vendor", "name"])
}

fn resource() -> Value {
    let properties = json!({
        "kind": one_of(&["postgresql"], "What it is"),
        "url": {
            "type": "string",
            "pattern": "^postgres(ql)?://[^:@/]+@[^/]+/[^/]+$",
            "description": "postgresql://USER@HOST:PORT/DATABASE?sslmode=…, without a password; sslmode=verify-full unless on this machine",
        },
        "password_file": text("File with the password, relative to this file; read at connect"),
        "password_env": text("Variable of the server's environment with the password; read at connect"),
        "ca_file": text("PEM file with the CA of the database's certificate, relative to this file"),
        "explained_roles": {
            "type": "object",
            "additionalProperties": text("Why it may log in past the gate"),
            "description": "Login roles that the owner has explained",
        },
    });
    object(properties, &["kind", "url"])
}

fn contract() -> Value {
    let mut properties = Map::new();
    for part in [enforced_terms(), terms_for_people()] {
        if let Value::Object(part) = part {
            properties.extend(part);
        }
    }
    object(
        Value::Object(properties),
        &[
            "title", "vendor", "law", "purposes", "valid", "methods", "scope",
        ],
    )
}

fn enforced_terms() -> Value {
    json!({
        "title": text("What it is about"),
        "vendor": text("Id of the vendor"),
        "law": one_of(&law::CHOICES.map(|(name, _)| name), "Profile of mandatory terms"),
        "mode": one_of(&["enforce", "observe"], "observe: everything is decided and recorded, nothing refused"),
        "purposes": { "type": "object", "minProperties": 1, "additionalProperties": text("The purpose in words"), "description": "What access may be for" },
        "valid": object(json!({ "from": date("First day"), "until": date("Last day") }), &["from", "until"]),
        "vetting": list(text("Kind"), "Vettings that every person needs"),
        "access": access(),
        "methods": methods(),
        "budget": budget(),
        "scope": json!({ "type": "array", "minItems": 1, "items": scope() }),
        "joins": {
            "description": "Which tables may meet in one statement",
            "oneOf": [{ "const": "scoped" }, list(json!({ "type": "array", "items": text("schema.table"), "minItems": 2, "maxItems": 2 }), "Pairs")],
        },
        "params_hashed": { "type": "boolean", "description": "Keep bound values as keyed hashes only" },
    })
}

fn access() -> Value {
    let properties = json!({
        "hours": text("For instance Mon-Fri 08:00-20:00, Sat 09:00-12:00; or any"),
        "timezone": text("IANA name, for instance Asia/Shanghai"),
        "networks": list(text("CIDR, for instance 10.8.0.0/16"), "From where; absent = from anywhere"),
        "grant_at_most": duration("Longest grant"),
    });
    object(properties, &[])
}

fn methods() -> Value {
    let floor = json!({
        "min_group": { "type": "integer", "minimum": 1, "description": "Least distinct subjects behind each aggregate" },
        "dimensions": list(json!({ "type": "string", "pattern": "^[^.]+\\.[^.]+\\.[^.]+?( by (day|month|year|[1-9][0-9]*))?$" }), "Columns by which aggregate statements may group and filter; absent = any in scope"),
    });
    let methods = METHOD_KEYS.iter().map(|name| {
        let options = if *name == "aggregate" {
            floor.clone()
        } else {
            json!({})
        };
        ((*name).to_owned(), object(options, &[]))
    });
    let mut methods = object(Value::Object(methods.collect()), &[]);
    if let Some(methods) = methods.as_object_mut() {
        methods.insert(
            "description".to_owned(),
            json!("What is absent is forbidden"),
        );
    }
    methods
}

fn budget() -> Value {
    let keys = Budget::keys().map(|(key, (measure, ..))| {
        let limit = match measure {
            Measure::Bytes => json!({ "oneOf": [
                { "type": "integer", "minimum": 0 },
                { "type": "string", "pattern": "^\\s*[0-9][0-9_]*\\s*([kKmMgGtT]([iI])?)?[bB]\\s*$" },
            ] }),
            Measure::Rows | Measure::Subjects | Measure::Aggregates => json!({ "type": "integer", "minimum": 0 }),
        };
        (key, limit)
    });
    object(Value::Object(keys.collect()), &[])
}

fn scope() -> Value {
    let constant = object(json!({ "constant": { "type": "string" } }), &["constant"]);
    let properties = json!({
        "resource": text("Id of the resource"),
        "table": { "type": "string", "pattern": "^[^.]+\\.[^.]+$", "description": "schema.table, as the catalog has it" },
        "grade": one_of(&["general", "important", "core"], "What is not graded is not given out"),
        "personal": one_of(&["none", "personal", "sensitive"], "Kind of personal data"),
        "subject": text("Column that says whom a row is about"),
        "subject_kind": text("What that column identifies"),
        "columns": { "oneOf": [{ "const": "*" }, { "type": "array", "minItems": 1, "uniqueItems": true, "items": text("Column") }] },
        "mask": {
            "type": "object",
            "description": "What a column shows instead of its value",
            "additionalProperties": { "oneOf": [{ "type": "string", "pattern": "^(null|hash|first[0-9]*|last[0-9]+|head[0-9]+|tail[0-9]+|code[0-9]+(of[0-9]+)?|fake-(id|phone|name)|year|month|bucket[0-9]+)$" }, constant] },
        },
        "rows": text("SQL condition over the table's own columns"),
    });
    object(properties, &["resource", "table", "grade", "columns"])
}

fn terms_for_people() -> Value {
    let paper = || {
        object(
            json!({ "ref": text("Its number"), "on": date("Its day"), "by": text("Whose it is") }),
            &["ref", "on"],
        )
    };
    let route = object(
        json!({ "route": one_of(&["security-assessment", "certification", "standard-contract", "exempt"], "Route"), "ref": text("Its number") }),
        &["route", "ref"],
    );
    let at_end = object(
        json!({ "data": one_of(&["delete", "return", "return-and-delete"], "What happens to data"), "certificate_within": duration("Until when the vendor certifies it") }),
        &["data", "certificate_within"],
    );
    json!({
        "subcontracting": one_of(&["forbidden", "per-case"], "Whether the vendor may pass work on"),
        "subcontractors": list(text("Name"), "Those agreed to"),
        "cross_border": { "oneOf": [{ "const": "forbidden" }, route] },
        "breach_notice": duration("How soon the vendor reports an incident"),
        "at_end": at_end,
        "owner_type": one_of(&["state-organ", "public-body", "cii-operator", "health", "research", "other"], "What the owner is"),
        "supervision": object(json!({ "review_every": duration("How often the owner reviews"), "reviewer": text("Who") }), &["review_every"]),
        "log_retention": duration("How long the record is kept"),
        "audit_rights": list(one_of(&["on-site", "remote", "regulator"], "Right"), "Who may inspect, and how"),
        "roster_notice": duration("How soon the vendor reports who has left"),
        "foreign_authority_request": one_of(&["refuse-and-notify"], "What the vendor does with it"),
        "unlawful_instruction": one_of(&["stop-and-notify"], "What the vendor does with it"),
        "assessment": paper(),
        "approval": paper(),
        "rights_assistance": duration("How soon the vendor helps with a request of a data subject"),
        "vendor_retention": text("What the vendor may keep, and until when"),
        "patch_within": object(json!({
            "exploited": duration("Known to be exploited"), "critical": duration("Critical"), "high": duration("High"),
            "medium": duration("Medium"), "low": duration("Low"),
        }), &[]),
        "liability": text("In words"),
        "disputes": text("In words"),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use std::collections::BTreeSet;

    use super::*;
    use crate::file::{
        ACCESS_KEYS, CONTRACT_KEYS, PERSON_KEYS, RESOURCE_KEYS, SCOPE_KEYS, TOP_KEYS, VENDOR_KEYS,
        VETTING_KEYS,
    };

    #[track_caller]
    fn check(schema: &Value, keys: &[&str]) {
        let properties: BTreeSet<&str> = schema["properties"]
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(properties, keys.iter().copied().collect());
    }

    #[test]
    fn the_schema_knows_the_keys_of_the_parser() {
        check(&json_schema(), TOP_KEYS);
        check(&vendor(), VENDOR_KEYS);
        check(&person(), PERSON_KEYS);
        check(&person()["properties"]["vetting"]["items"], VETTING_KEYS);
        check(&resource(), RESOURCE_KEYS);
        check(&contract(), CONTRACT_KEYS);
        check(&access(), ACCESS_KEYS);
        check(&methods(), METHOD_KEYS);
        check(&scope(), SCOPE_KEYS);
    }
}
