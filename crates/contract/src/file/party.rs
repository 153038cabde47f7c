//! `[vendor.ID]` and `[person.ID]`.

use super::DeclaredNames;
use super::reader::{Fields, Node, Reader};
use crate::model::{Person, Vendor, Vetting};

pub(crate) const VENDOR_KEYS: &[&str] = &["name"];
pub(crate) const PERSON_KEYS: &[&str] = &["vendor", "name", "vetting"];
pub(crate) const VETTING_KEYS: &[&str] = &["kind", "by", "on", "until", "evidence"];

pub(super) fn read_vendor(reader: &mut Reader<'_>, id: &str, node: &Node<'_>) -> Option<Vendor> {
    check_id(reader, "vendor", id, node);
    let fields = reader.table(node, VENDOR_KEYS, "a vendor")?;
    let name = reader.require(&fields, "name", "name = \"Acme IT Services\"")?;
    let name = reader.words(&name)?;
    Some(Vendor {
        id: id.to_owned(),
        name,
    })
}

pub(super) fn read_person(
    reader: &mut Reader<'_>,
    id: &str,
    node: &Node<'_>,
    names: &DeclaredNames,
) -> Option<Person> {
    check_id(reader, "person", id, node);
    let fields = reader.table(node, PERSON_KEYS, "a person")?;
    let vendor = reader.require(&fields, "vendor", "vendor = \"acme-it\"");
    let vendor = vendor.and_then(|vendor| reader.reference(&vendor, "vendor", &names.vendors));
    let name = reader.require(&fields, "name", "name = \"Li Wei\"");
    let name = name.and_then(|name| reader.words(&name));
    let vetting = read_vettings(reader, &fields);
    Some(Person {
        id: id.to_owned(),
        vendor: vendor?,
        name: name?,
        vetting,
    })
}

/// Ids are login names, file names and shell words: few characters, nothing to quote.
pub(super) fn check_id(reader: &mut Reader<'_>, kind: &str, id: &str, node: &Node<'_>) {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@');
    let starts_well = id.starts_with(|c: char| c.is_ascii_alphanumeric());
    if !starts_well || id.len() > ID_BYTES_MAX || !id.chars().all(fits) {
        reader.mistake(
            node.key_span.clone(),
            format!("`{id}` can't be the id of a {kind}"),
            format!("expected 1 to {ID_BYTES_MAX} of a-z A-Z 0-9 - _ . @, beginning with a letter or digit"),
            "put the full name into `name` or `title`, in any script",
        );
    }
}

/// Fits a PostgreSQL role name together with `+` and a grant's id.
const ID_BYTES_MAX: usize = 48;

fn read_vettings(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Vec<Vetting> {
    let Some(node) = fields.get("vetting") else {
        return Vec::new();
    };
    let items = reader
        .items(&node, "a list of { kind = …, on = …, until = … }")
        .unwrap_or_default();
    items
        .iter()
        .filter_map(|item| read_vetting(reader, item))
        .collect()
}

fn read_vetting(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<Vetting> {
    let fields = reader.table(node, VETTING_KEYS, "a vetting")?;
    let kind = reader
        .require(&fields, "kind", "kind = \"identity\"")
        .and_then(|kind| reader.words(&kind));
    let by = fields.get("by").and_then(|by| reader.words(&by));
    let on = reader.require(&fields, "on", "on = 2026-01-05");
    let until = reader.require(
        &fields,
        "until",
        "until = 2028-01-05 (every vetting expires)",
    );
    let on_date = on.as_ref().and_then(|on| reader.date(on));
    let until_date = until.as_ref().and_then(|until| reader.date(until));
    let evidence = fields
        .get("evidence")
        .and_then(|evidence| reader.words(&evidence));
    let (on_date, until_date) = (on_date?, until_date?);
    if on_date > until_date {
        let place = until.map_or(node.span.clone(), |until| until.span);
        dates_reversed(reader, place, "on", &on_date.to_string());
    }
    Some(Vetting {
        kind: kind?,
        by,
        on: on_date,
        until: until_date,
        evidence,
    })
}

pub(super) fn dates_reversed(
    reader: &mut Reader<'_>,
    place: std::ops::Range<usize>,
    first_key: &str,
    first: &str,
) {
    reader.mistake(
        place,
        "dates the wrong way round",
        format!("expected a day on or after `{first_key}`, {first}"),
        format!("`{first_key}` is the first day, `until` the last one that counts"),
    );
}
