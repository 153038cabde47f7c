//! `[[contract.ID.scope]]`: one table, its columns, masks and rows.

use std::collections::{BTreeMap, BTreeSet};

use super::DeclaredNames;
use super::reader::{Fields, Node, Reader, Value};
use super::suggest::nearest;
use super::value::{parse_table_name, read_mask};
use crate::model::{Columns, Grade, Mask, Personal, ScopeTable};

pub(crate) const SCOPE_KEYS: &[&str] = &[
    "resource",
    "table",
    "grade",
    "personal",
    "subject",
    "subject_kind",
    "columns",
    "mask",
    "rows",
];

const GRADES: [(&str, Grade); 3] = [
    ("general", Grade::General),
    ("important", Grade::Important),
    ("core", Grade::Core),
];
/// A mark that is known and refused.
const STATE_SECRET: [&str; 2] = ["state-secret", "state_secret"];
const PERSONAL: [(&str, Personal); 3] = [
    ("none", Personal::None),
    ("personal", Personal::Personal),
    ("sensitive", Personal::Sensitive),
];

/// The server's own schemas are the gate's to show, not a contract's.
const SERVER_SCHEMAS: [&str; 3] = ["pg_catalog", "information_schema", "pg_toast"];

pub(super) fn read_scope(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    names: &DeclaredNames,
) -> Vec<ScopeTable> {
    let Some(node) = reader.require(
        fields,
        "scope",
        "[[contract.ID.scope]] with resource, table, grade, columns",
    ) else {
        return Vec::new();
    };
    let items = reader
        .items(&node, "[[contract.ID.scope]], in two brackets")
        .unwrap_or_default();
    if items.is_empty() && matches!(node.value, Value::Array(_)) {
        reader.mistake(
            node.span.clone(),
            "no table in scope",
            "expected at least one",
            "add [[contract.ID.scope]]",
        );
    }
    let mut seen = BTreeSet::new();
    let mut scope = Vec::new();
    for item in &items {
        let Some((table, place)) = read_table(reader, item, names) else {
            continue;
        };
        if seen.insert((
            table.resource.clone(),
            table.schema.clone(),
            table.table.clone(),
        )) {
            scope.push(table);
        } else {
            reader.mistake(
                place,
                format!(
                    "`{}` of `{}` is in scope twice",
                    table.qualified(),
                    table.resource
                ),
                "expected each table once",
                "merge the two, with the columns of both",
            );
        }
    }
    scope
}

fn read_table(
    reader: &mut Reader<'_>,
    node: &Node<'_>,
    names: &DeclaredNames,
) -> Option<(ScopeTable, std::ops::Range<usize>)> {
    let fields = reader.table(node, SCOPE_KEYS, "a scoped table")?;
    let resource = reader
        .require(&fields, "resource", "resource = \"hospital\"")
        .and_then(|resource| reader.reference(&resource, "resource", &names.resources));
    let name = reader.require(&fields, "table", "table = \"clinic.patients\"");
    let place = name
        .as_ref()
        .map_or(node.span.clone(), |name| name.span.clone());
    let name = name.and_then(|name| read_table_name(reader, &name));
    let grade = reader
        .require(
            &fields,
            "grade",
            "grade = \"general\" (or important, core); what is not graded is not given out",
        )
        .and_then(|grade| read_grade(reader, &grade));
    let personal = fields
        .get("personal")
        .map_or(Some(Personal::None), |personal| {
            reader.choice(&personal, &PERSONAL)
        });
    let subject = fields
        .get("subject")
        .and_then(|subject| reader.words(&subject));
    let subject_kind = fields
        .get("subject_kind")
        .and_then(|kind| reader.words(&kind));
    let columns = reader
        .require(
            &fields,
            "columns",
            "columns = [\"id\", \"name\"] (or \"*\")",
        )
        .and_then(|columns| read_columns(reader, &columns, grade));
    let mask = read_masks(reader, &fields, columns.as_ref());
    let rows = fields.get("rows").and_then(|rows| read_rows(reader, &rows));
    check_subject(reader, &fields, personal);
    let (schema, table) = name?;
    let table = ScopeTable {
        resource: resource?,
        schema,
        table,
        grade: grade?,
        personal: personal?,
        subject,
        subject_kind,
        columns: columns?,
        mask,
        rows,
    };
    Some((table, place))
}

fn read_table_name(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<(String, String)> {
    let text = reader.string(node)?;
    let Some((schema, table)) = parse_table_name(&text) else {
        reader.mistake(node.span.clone(), format!("`{text}` does not name a table"), "expected `schema.table`",
            "for instance clinic.patients; upper and lower case as in the catalog, one table an entry");
        return None;
    };
    if SERVER_SCHEMAS.contains(&schema.as_str()) {
        reader.mistake(
            node.span.clone(),
            format!("`{schema}` is the server's own schema"),
            "expected a table of the owner's",
            "the method `catalog` shows the structure of what is in scope",
        );
        return None;
    }
    Some((schema, table))
}

fn read_grade(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<Grade> {
    if !node.text().is_some_and(|text| STATE_SECRET.contains(&text)) {
        return reader.choice(node, &GRADES);
    }
    reader.mistake(
        node.span.clone(),
        "state secrets are not given to a vendor through this gate",
        "expected `general`, `important` or `core`",
        "such data need a qualified firm and a confidentiality agreement of their own (Secrets Law 41-42; outside Order 790, art. 63)",
    );
    None
}

fn read_columns(reader: &mut Reader<'_>, node: &Node<'_>, grade: Option<Grade>) -> Option<Columns> {
    if !matches!(node.value, Value::Array(_)) {
        let all = reader.string_as(node, "a list of columns, or \"*\"")?;
        if all != "*" {
            reader.mistake(
                node.span.clone(),
                format!("`{all}` is not a list of columns"),
                "expected a list such as [\"id\", \"name\"], or \"*\"",
                format!("did you mean [\"{all}\"]?"),
            );
            return None;
        }
        if let Some(grade @ (Grade::Important | Grade::Core)) = grade {
            let grade = if grade == Grade::Core {
                "core"
            } else {
                "important"
            };
            reader.mistake(
                node.span.clone(),
                format!("`*` is not allowed for {grade} data"),
                "expected a list of columns",
                "name each column that the work needs",
            );
        }
        return Some(Columns::All);
    }
    let names = reader.strings(node, "a list of columns")?;
    if names.is_empty() {
        reader.mistake(
            node.span.clone(),
            "no column",
            "expected at least one",
            "name the columns that the work needs",
        );
    }
    let mut columns: Vec<String> = Vec::new();
    for (name, place) in names {
        if name.trim().is_empty() || name == "*" {
            reader.mistake(
                place.span,
                format!("`{name}` is not a column"),
                "expected a column's name",
                "for all columns write columns = \"*\"",
            );
        } else if columns.contains(&name) {
            reader.mistake(
                place.span,
                format!("column `{name}` stands twice"),
                "expected each column once",
                "take one out",
            );
        } else {
            columns.push(name);
        }
    }
    Some(Columns::List(columns))
}

fn read_masks(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    columns: Option<&Columns>,
) -> BTreeMap<String, Mask> {
    let Some(node) = fields.get("mask") else {
        return BTreeMap::new();
    };
    let mut masks = BTreeMap::new();
    for (column, entry) in reader.entries(Some(&node), "masked column") {
        if let Some(Columns::List(columns)) = columns
            && !columns.contains(&column)
        {
            let help = nearest(&column, columns.iter().map(String::as_str)).map_or_else(
                || {
                    "a column that is not in scope needs no mask; take it out or add the column"
                        .to_owned()
                },
                |near| format!("did you mean `{near}`?"),
            );
            reader.mistake(
                entry.key_span.clone(),
                format!("mask on `{column}`, which is not in `columns`"),
                "expected one of `columns`",
                help,
            );
        }
        if let Some(mask) = read_mask(reader, &entry) {
            masks.insert(column, mask);
        }
    }
    masks
}

/// What can be seen without a SQL parser; the rest is checked against the live catalog.
fn read_rows(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<String> {
    let rows = reader.words(node)?;
    if rows.contains([';', '\0']) || rows.contains("--") || rows.contains("/*") {
        reader.mistake(
            node.span.clone(),
            "`rows` is more than one condition",
            "expected one SQL condition without `;` or comments",
            "for instance rows = \"hospital_ward <> 'VIP'\"",
        );
        return None;
    }
    Some(rows)
}

fn check_subject(reader: &mut Reader<'_>, fields: &Fields<'_>, personal: Option<Personal>) {
    if fields.get("subject").is_some() {
        return;
    }
    if let (Some(Personal::Personal | Personal::Sensitive), Some(node)) =
        (personal, fields.get("personal"))
    {
        reader.mistake(
            node.span,
            "personal data without a subject",
            "expected `subject` beside it",
            "name the column that says whom a row is about: subject = \"patient_id\"",
        );
    } else if let Some(kind) = fields.get("subject_kind") {
        reader.mistake(
            kind.key_span,
            "`subject_kind` without a subject",
            "expected `subject` beside it",
            "name the column that says whom a row is about: subject = \"patient_id\"",
        );
    }
}
