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
        unique_keys: Vec::new(),
    }
}

const LOOK_ALIKES: &[&str] = &[
    "pg_type",
    "pg_namespace",
    "pg_class",
    "pg_attribute",
    "pg_attrdef",
    "pg_index",
    "pg_constraint",
    "pg_database",
    "pg_roles",
    "pg_am",
    "pg_collation",
    "pg_range",
    "pg_enum",
    "pg_proc",
    "pg_description",
    "pg_tables",
    "pg_views",
    "pg_indexes",
    "pg_inherits",
    "pg_trigger",
    "pg_policy",
    "pg_statistic_ext",
    "pg_publication",
    "pg_publication_rel",
    "pg_publication_namespace",
    "pg_settings",
    "pg_extension",
    "pg_language",
    "pg_operator",
    "pg_aggregate",
    "pg_rewrite",
    "pg_depend",
    "pg_tablespace",
    "pg_auth_members",
    "pg_foreign_table",
    "pg_foreign_server",
    "pg_partitioned_table",
    "pg_sequence",
    "pg_shdescription",
    "pg_event_trigger",
    "pg_cast",
    "pg_opclass",
    "pg_stat_user_tables",
    "pg_matviews",
    "pg_sequences",
    "pg_user",
    "pg_group",
    "pg_db_role_setting",
];

const FUNCTIONS: &[&str] = &[
    "format_type",
    "pg_get_expr",
    "pg_get_indexdef",
    "pg_get_constraintdef",
    "pg_get_viewdef",
    "pg_get_userbyid",
    "pg_table_is_visible",
    "pg_type_is_visible",
    "pg_function_is_visible",
    "obj_description",
    "col_description",
    "shobj_description",
    "pg_relation_size",
    "pg_total_relation_size",
    "pg_table_size",
    "has_table_privilege",
    "has_schema_privilege",
    "has_database_privilege",
    "pg_get_function_result",
    "pg_get_function_arguments",
    "pg_get_serial_sequence",
    "pg_relation_is_publishable",
    "pg_get_statisticsobjdef_columns",
    "pg_get_triggerdef",
    "to_regclass",
    "to_regtype",
    "pg_get_partkeydef",
    "pg_get_ruledef",
    "pg_get_functiondef",
    "pg_tablespace_location",
    "pg_get_function_identity_arguments",
    "has_column_privilege",
    "pg_indexes_size",
    "pg_get_function_sqlbody",
    "pg_relation_filenode",
    "pg_has_role",
    "has_any_column_privilege",
    "pg_database_size",
    "pg_operator_is_visible",
    "pg_collation_is_visible",
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
    let reg = [
        "regclass",
        "regtype",
        "regproc",
        "regnamespace",
        "regprocedure",
        "regrole",
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
                16389,
                patients,
                Some(("patient_id", "clinic.patients")),
            ),
            table(
                "clinic",
                "visits",
                16400,
                visits,
                Some(("patient_id", "clinic.patients")),
            ),
            table(
                "clinic",
                "doctors",
                16410,
                doctors,
                Some(("doctor_id", "clinic.doctors")),
            ),
            table("clinic", "wards", 16420, wards, None),
            table(
                "lab",
                "samples",
                16430,
                samples,
                Some(("portcullis_subject", "clinic.patients")),
            ),
        ],
        catalog_relations: LOOK_ALIKES
            .iter()
            .map(|n| (format!("pg_catalog.{n}"), format!("cat_{n}")))
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
        catalog_functions: FUNCTIONS
            .iter()
            .map(|n| ((*n).to_owned(), format!("fn_{n}")))
            .collect(),
        reg_filters: reg
            .iter()
            .map(|n| ((*n).to_owned(), format!("visible_{n}")))
            .collect::<BTreeMap<_, _>>(),
        schemas: vec!["clinic".into(), "lab".into()],
    }
}

pub fn session(surface: &Surface) -> SessionNames {
    SessionNames::new("li.wei", "hospital", surface)
}
