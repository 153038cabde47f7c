//! The surface that the corpora are read against: a clinic, as a contract shows it.

use std::collections::BTreeMap;

use portcullis_sql::surface::{Column, Subject, Table};
use portcullis_sql::{SessionNames, Surface};

fn column(name: &str, attnum: i16, type_name: &str) -> Column {
    Column {
        name: name.into(),
        attnum,
        view_attnum: attnum,
        type_oid: 25,
        type_name: type_name.into(),
        not_null: false,
        masked: false,
        hidden: false,
    }
}

fn key(mut column: Column) -> Column {
    column.not_null = true;
    column
}

fn masked(mut column: Column) -> Column {
    column.masked = true;
    column
}

fn hidden(mut column: Column) -> Column {
    column.hidden = true;
    column
}

fn table(
    schema: &str,
    name: &str,
    oid: u32,
    mut columns: Vec<Column>,
    subject: Option<(&str, &str)>,
) -> Table {
    if subject.is_some() {
        columns.push(hidden(key(column(
            "portcullis_row",
            columns.len() as i16 + 1,
            "boolean",
        ))));
    }
    let unique_keys = columns
        .first()
        .filter(|c| c.not_null)
        .map(|c| vec![c.name.clone()])
        .into_iter()
        .collect();
    Table {
        schema: schema.into(),
        name: name.into(),
        oid,
        view: format!("{schema}_{name}"),
        view_oid: oid + 1000,
        columns,
        subject: subject.map(|(column, kind)| Subject {
            column: column.into(),
            kind: kind.into(),
            shown: None,
        }),
        rows_filtered: false,
        unique_keys,
    }
}

const LOOK_ALIKES: &str = include_str!("../fixtures/look_alikes.txt");
const FUNCTIONS: &str = include_str!("../fixtures/mediated_functions.txt");
const REG_FILTERS: &[(&str, &str)] = &[
    ("regclass", "visible_class"),
    ("regtype", "visible_type"),
    ("regproc", "visible_proc"),
    ("regprocedure", "visible_procedure"),
    ("regnamespace", "visible_namespace"),
    ("regrole", "visible_role"),
    ("regoper", "visible_oper"),
    ("regoperator", "visible_operator"),
    ("regcollation", "visible_collation"),
    ("regconfig", "visible_config"),
    ("regdictionary", "visible_dictionary"),
];

/// The tables that the corpora name.
pub fn surface() -> Surface {
    let patients = vec![
        key(column("patient_id", 1, "integer")),
        masked(column("name", 2, "text")),
        masked(column("id_card", 3, "text")),
        masked(column("phone", 4, "text")),
        column("birth_date", 5, "date"),
        column("sex", 6, "text"),
        column("hospital_ward", 8, "text"),
    ];
    let visits = vec![
        key(column("visit_id", 1, "integer")),
        key(column("patient_id", 2, "integer")),
        key(column("visit_date", 3, "date")),
        column("diagnosis", 4, "text"),
        column("cost", 5, "numeric"),
        column("doctor_id", 6, "integer"),
    ];
    let doctors = vec![
        key(column("doctor_id", 1, "integer")),
        column("name", 2, "text"),
        column("ward", 3, "text"),
    ];
    let wards = vec![
        key(column("ward", 1, "text")),
        column("floor", 2, "integer"),
        column("kind", 3, "clinic.ward_kind"),
    ];
    let samples = vec![
        key(column("sample_id", 1, "integer")),
        column("taken", 2, "timestamp with time zone"),
        column("result", 3, "numeric"),
        hidden(column("portcullis_subject", 4, "text")),
    ];
    Surface {
        contract: "clinic-ops-2026".into(),
        resource: "hospital".into(),
        database: "hospital".into(),
        server_version_num: 150_018,
        view_schema: "portcullis_c1".into(),
        tables: vec![
            table(
                "clinic",
                "patients",
                16397,
                patients,
                Some(("patient_id", "clinic.patients")),
            ),
            table(
                "clinic",
                "visits",
                16404,
                visits,
                Some(("patient_id", "clinic.patients")),
            ),
            table(
                "clinic",
                "doctors",
                16416,
                doctors,
                Some(("doctor_id", "clinic.doctors")),
            ),
            table("clinic", "wards", 16423, wards, None),
            table(
                "lab",
                "samples",
                16430,
                samples,
                Some(("portcullis_subject", "clinic.patients")),
            ),
        ],
        catalog_relations: LOOK_ALIKES
            .lines()
            .filter_map(|line| line.split(' ').next())
            .map(|n| (n.to_owned(), n.replace("pg_catalog.", "cat_")))
            .chain(
                [
                    "tables",
                    "columns",
                    "schemata",
                    "table_constraints",
                    "key_column_usage",
                    "views",
                    "routines",
                ]
                .iter()
                .map(|n| (format!("information_schema.{n}"), format!("is_{n}"))),
            )
            .collect(),
        catalog_columns: LOOK_ALIKES
            .lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(name, columns)| {
                (
                    name.to_owned(),
                    columns.split(' ').map(str::to_owned).collect(),
                )
            })
            .collect(),
        catalog_functions: FUNCTIONS
            .lines()
            .map(|n| ((*n).to_owned(), format!("fn_{n}")))
            .collect(),
        reg_filters: REG_FILTERS
            .iter()
            .map(|(reg, filter)| ((*reg).to_owned(), (*filter).to_owned()))
            .collect::<BTreeMap<_, _>>(),
        schemas: vec!["clinic".into(), "lab".into()],
    }
}

pub fn session(surface: &Surface) -> SessionNames {
    SessionNames::new("li.wei", "hospital", surface)
}
