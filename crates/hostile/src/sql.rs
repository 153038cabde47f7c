//! Statements of a vendor's engineer: understood, decided under a contract, and rewritten.

use std::sync::LazyLock;

use portcullis_contract::file::parse;
use portcullis_contract::{Contract, Options, SourceFile, decide};
use portcullis_sql::surface::{Column, Subject, Surface, Table};
use portcullis_sql::{SessionNames, rewrite, understand};

const VIEW_SCHEMA: &str = "pc_ops";

pub(crate) fn run(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        travelling(text);
    }
}

/// How many statements of a text would travel to the database.
fn travelling(text: &str) -> usize {
    let mut travelling = 0;
    let session = SessionNames::new("li.wei", "hospital", &SURFACE);
    let Ok(statements) = understand(text, &SURFACE, &session) else {
        return 0;
    };
    assert!(!statements.is_empty(), "understood as nothing at all");
    for statement in statements {
        assert!(
            text.get(statement.range.clone()).is_some(),
            "a statement outside of its text"
        );
        let Ok(permit) = decide(&CONTRACT, "hospital", &statement.footprint) else {
            continue;
        };
        if let Ok(cleared) = rewrite(&statement, &permit, &SURFACE, &session) {
            on_a_large_stack(|| check_cleared(cleared.text()));
            travelling += usize::from(!cleared.text().is_empty());
        }
    }
    travelling
}

/// INVARIANT: what travels is one statement, and names no relation but those of the contract's schema.
fn check_cleared(text: &str) {
    if text.is_empty() {
        return;
    }
    let read =
        pg_query::parse(text, pg_query::ParserOptions::DEFAULT).expect("what travels can be read");
    assert_eq!(read.protobuf.stmts.len(), 1, "{text}");
    for table in read.tables() {
        assert!(
            table.starts_with(VIEW_SCHEMA),
            "`{table}` travels in: {text}"
        );
    }
}

/// Ours, for the check alone: `portcullis_sql` sees to its own.
fn on_a_large_stack(check: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        let checker = std::thread::Builder::new()
            .stack_size(64 << 20)
            .spawn_scoped(scope, check);
        checker.unwrap().join().expect("the cleared text is right");
    });
}

static CONTRACT: LazyLock<Contract> = LazyLock::new(|| {
    let text = String::from_utf8(crate::files::seeds().remove(0)).unwrap();
    let file = SourceFile {
        name: "sample.toml".into(),
        text,
    };
    let mut document = parse(&[file], &Options::default()).expect("the sample is a contract");
    document.contracts.remove(0)
});

fn column(name: &str, number: i16, type_oid: u32, type_name: &str, hidden: bool) -> Column {
    Column {
        name: name.into(),
        attnum: number,
        view_attnum: number,
        type_oid,
        type_name: type_name.into(),
        not_null: number == 1,
        masked: name == "name",
        hidden,
    }
}

#[allow(
    clippy::needless_update,
    reason = "a field that the surface gains is of no weight here"
)]
static SURFACE: LazyLock<Surface> = LazyLock::new(|| Surface {
    contract: "ops".into(),
    resource: "hospital".into(),
    database: "hospital".into(),
    server_version_num: 150_020,
    view_schema: VIEW_SCHEMA.into(),
    tables: vec![Table {
        schema: "clinic".into(),
        name: "patients".into(),
        oid: 16_400,
        view: "patients".into(),
        view_oid: 16_500,
        columns: vec![
            column("patient_id", 1, 23, "integer", false),
            column("name", 2, 25, "text", false),
            column("phone", 3, 25, "text", false),
            column("secret", 4, 25, "text", true),
        ],
        subject: Some(Subject {
            column: "patient_id".into(),
            kind: "patient".into(),
            shown: None,
        }),
        rows_filtered: true,
        unique_keys: vec![vec!["patient_id".into()]],
    }],
    catalog_relations: [("pg_catalog.pg_class".to_owned(), "pg_class".to_owned())].into(),
    catalog_columns: Default::default(),
    catalog_functions: [("pg_get_expr".to_owned(), "pg_get_expr".to_owned())].into(),
    reg_filters: [("regclass".to_owned(), "visible_class".to_owned())].into(),
    schemas: vec!["clinic".into()],
    ..Surface::default()
});

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let long_chain = format!("select 1{}", "+1".repeat(300));
    let deep = format!("select {}1{}", "(".repeat(300), ")".repeat(300));
    [
        "select name, phone from clinic.patients where patient_id = $1 order by name limit 5",
        "select p.* from patients p join clinic.patients q using (patient_id) where p.name like 'W%'",
        "select count(*), max(phone) from clinic.patients group by name having count(*) > 5",
        "with x as (select * from clinic.patients) select x.name, (select 1) from x, lateral (select 2) y",
        "select 1 union all select patient_id from clinic.patients; begin; set search_path = clinic; commit",
        "copy (select * from clinic.patients) to stdout with (format csv, header)",
        "copy clinic.patients to stdout",
        "explain select * from clinic.patients",
        "prepare s as select * from clinic.patients where patient_id = $1; execute s(1)",
        "declare c cursor for select * from clinic.patients; fetch 5 from c; close c",
        "select relname from pg_catalog.pg_class where oid = 'clinic.patients'::regclass",
        "select set_config('search_path', 'x', false), current_user, version()",
        "do $$ begin execute 'x'; end $$; listen x; select pg_read_file('/etc/passwd')",
        "select * from clinic.secrets; table clinic.patients; values (1), ('a')",
        "vacuum analyze clinic.patients; create index concurrently on clinic.patients (name)",
        "select case when name = E'\\'x' then U&'\\0061' else $q$y$q$ end /* -- */ from only clinic.patients",
        long_chain.as_str(),
        deep.as_str(),
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect()
}

#[cfg(test)]
mod tests {
    use super::travelling;

    #[test]
    fn the_seeds_reach_the_database() {
        assert_eq!(
            travelling("select name from clinic.patients where patient_id = $1"),
            1
        );
        assert_eq!(travelling("select 1; select count(*) from patients"), 2);
        assert_eq!(travelling("select secret from clinic.patients"), 0);
    }
}
