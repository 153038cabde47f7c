//! The catalog as a session sees it: psql's own queries, pointed at the look-alikes as the gate does.

use std::process::Command;

use portcullis_sql::Surface;
use tokio_postgres::SimpleQueryMessage;

use crate::world::{DATABASE, World, clinic_contract};

/// Words that only what is out of scope has in it (or what Portcullis keeps).
const HIDDEN: &[&str] = &[
    "diagnosis",
    "doctor_note",
    "doctor_id",
    "doctors",
    "staff_secrets",
    "salary",
    "not for the vendor",
    "portcullis",
    "steward",
    "postgres",
];

#[tokio::test(flavor = "multi_thread")]
async fn each_relation_has_the_servers_own_columns_and_tells_of_nothing_hidden() {
    for version in portcullis_harness::PgVersions::available() {
        eprintln!("PostgreSQL {}", version.major);
        relations_on(&World::on(&version).await).await;
    }
}

async fn relations_on(world: &World) {
    let surface = world.install(&clinic_contract()).await;
    let client = world.login(&world.role(&surface, "g1").await).await;
    assert!(
        surface.catalog_relations.len() > 100,
        "{}",
        surface.catalog_relations.len()
    );
    for (own, view) in &surface.catalog_relations {
        let theirs: Vec<_> = columns(world, own).await.into_iter().map(told).collect();
        let ours = columns(world, &format!("\"{}\".\"{view}\"", surface.view_schema)).await;
        assert_eq!(ours, theirs, "{own}");
        let messages = client
            .simple_query(&format!(
                "SELECT * FROM \"{}\".\"{view}\"",
                surface.view_schema
            ))
            .await;
        let text = text_of(&messages.unwrap_or_else(|e| panic!("{own}: {e:?}")));
        for word in HIDDEN {
            let told = text
                .lines()
                .find(|l| l.contains(word) && !is_of_the_system(word, l));
            assert_eq!(told, None, "`{own}` tells of `{word}`");
        }
    }
    for filled in [
        "pg_catalog.pg_class",
        "pg_catalog.pg_indexes",
        "pg_catalog.pg_tables",
        "information_schema.columns",
        "information_schema.tables",
        "information_schema.key_column_usage",
        "information_schema.table_constraints",
        "information_schema.referential_constraints",
    ] {
        let view = &surface.catalog_relations[filled];
        let messages = client
            .simple_query(&format!(
                "SELECT * FROM \"{}\".\"{view}\" x WHERE x::text LIKE '%patients%'",
                surface.view_schema
            ))
            .await
            .unwrap();
        assert!(
            !text_of(&messages).is_empty(),
            "`{filled}` does not know the scoped table"
        );
    }
}

/// The server's own catalog has these words too.
fn is_of_the_system(word: &str, line: &str) -> bool {
    word == "postgres"
        && (line.contains("postgresql")
            || line.contains("PostgreSQL")
            || line.contains("postgres_fdw")
            || line.contains("IntervalStyle"))
}

/// No column is of a type that looks names up or prints them.
fn told((name, of): (String, String)) -> (String, String) {
    let shown = match of.strip_suffix("[]").unwrap_or(&of) {
        "aclitem" => of.replace("aclitem", "text"),
        element if element.starts_with("reg") => of.replace(element, "oid"),
        _ => of,
    };
    (name, shown)
}

async fn columns(world: &World, relation: &str) -> Vec<(String, String)> {
    let sql = format!(
        "SELECT attname, CASE WHEN atttypid = 'anyarray'::regtype THEN 'text[]' ELSE format_type(atttypid, -1) END FROM pg_attribute WHERE attrelid = '{}'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        relation.replace('\'', "''")
    );
    world
        .sql(&sql)
        .await
        .into_iter()
        .map(|r| (r[0].clone().unwrap(), r[1].clone().unwrap()))
        .collect()
}

fn text_of(messages: &[SimpleQueryMessage]) -> String {
    let mut text = String::new();
    for message in messages {
        if let SimpleQueryMessage::Row(row) = message {
            let cells: Vec<&str> = (0..row.len()).map(|i| row.get(i).unwrap_or("")).collect();
            text.push_str(&cells.join(" | "));
            text.push('\n');
        }
    }
    text
}

/// The queries that psql runs for a command, by its `-E`.
fn psql_queries(world: &World, command: &str) -> Vec<String> {
    let output = Command::new("psql")
        .args([
            "-X",
            "-E",
            "-c",
            command,
            &world.cluster.url_to("postgres", DATABASE),
        ])
        .output()
        .expect("psql is installed");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let parts = text.split("********* QUERY **********\n").skip(1);
    parts
        .filter_map(|p| p.split("\n**************************").next())
        .map(str::to_owned)
        .collect()
}

/// What the gate does on the parse tree, done to text: enough for psql's own queries.
fn pointed_at(surface: &Surface, sql: &str) -> String {
    let schema = format!("\"{}\"", surface.view_schema);
    let mut sql = sql.to_owned();
    for (reg, filter) in &surface.reg_filters {
        let cast = format!("::pg_catalog.{reg}");
        while let Some(at) = sql
            .find(&cast)
            .filter(|at| !sql[at + cast.len()..].starts_with(|c: char| c.is_alphanumeric()))
        {
            let start = sql[..at].rfind([' ', '(', ',']).map_or(0, |i| i + 1);
            sql = format!(
                "{}{schema}.{filter}({}){}",
                &sql[..start],
                &sql[start..at],
                &sql[at + cast.len()..]
            );
        }
    }
    for name in surface.catalog_functions.keys() {
        sql = sql.replace(&format!("pg_catalog.{name}("), &format!("{schema}.{name}("));
    }
    for (own, view) in &surface.catalog_relations {
        let mut from = 0;
        while let Some(at) = sql[from..].find(own.as_str()).map(|i| i + from) {
            let end = at + own.len();
            if sql[end..].starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '(') {
                from = end;
                continue;
            }
            let new = format!("{schema}.\"{view}\"");
            sql.replace_range(at..end, &new);
            from = at + new.len();
        }
    }
    sql
}

#[tokio::test(flavor = "multi_thread")]
async fn psql_describes_what_the_contract_shows() {
    let world = World::start().await;
    let surface = world.install(&clinic_contract()).await;
    let client = world.login(&world.role(&surface, "g1").await).await;
    let mut all = String::new();
    for command in [
        "\\d",
        "\\d+",
        "\\d clinic.patients",
        "\\d+ clinic.patients",
        "\\d clinic.*",
        "\\dt+ clinic.*",
        "\\dt *.*",
        "\\l",
        "\\l+",
        "\\dn+",
        "\\du",
        "\\di+ *.*",
        "\\dT+",
        "\\df *.*",
        "\\dp clinic.*",
        "\\dv",
        "\\ds *.*",
        "\\dx",
        "\\db+",
        "\\dm",
        "\\des",
        "\\dD",
        "\\dO",
        "\\dRp",
        "\\dy",
    ] {
        let queries = psql_queries(&world, command);
        assert!(!queries.is_empty(), "`{command}` asked nothing");
        for query in queries {
            // An older psql asks for columns that a newer server has renamed; there it fails without the gate too.
            if surface.server_version_num >= 170_000 && query.contains("iculocale") {
                continue;
            }
            let pointed = pointed_at(&surface, &query);
            let answer = client
                .simple_query(&pointed)
                .await
                .unwrap_or_else(|e| panic!("{command}: {e:?}\n{pointed}"));
            let text = text_of(&answer);
            for word in HIDDEN {
                let told = text
                    .lines()
                    .find(|l| l.contains(word) && !is_of_the_system(word, l));
                assert_eq!(told, None, "`{command}` tells of `{word}`: {pointed}");
            }
            all.push_str(&text);
        }
    }
    for shown in [
        "patients_pkey",
        "CREATE UNIQUE INDEX patients_id_card_key ON clinic.patients USING btree (id_card)",
        "FOREIGN KEY (patient_id) REFERENCES clinic.patients(patient_id)",
        "People treated here",
        "hospital_ward",
        "visits_patient",
        "hospital",
    ] {
        assert!(all.contains(shown), "`{shown}` is missing");
    }
    assert!(!all.contains("VIP"));
    let oid = "SELECT relhastriggers FROM portcullis_clinic_ops_2026.pg_class WHERE relname IN ('patients', 'visits')";
    for row in client.query(oid, &[]).await.unwrap() {
        assert!(
            row.get::<_, bool>(0),
            "psql would not ask for the foreign keys"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_answer_about_what_is_shown_and_as_about_nothing_of_the_rest() {
    let world = World::start().await;
    let surface = world.install(&clinic_contract()).await;
    let client = world.login(&world.role(&surface, "g1").await).await;
    let oid = async |name: &str| {
        world
            .sql(&format!("SELECT '{name}'::regclass::oid::text"))
            .await[0][0]
            .clone()
            .unwrap()
    };
    let (patients, secrets) = (
        oid("clinic.patients").await,
        oid("clinic.staff_secrets").await,
    );
    let s = format!("\"{}\"", surface.view_schema);
    for (sql, expected) in [
        (
            format!("{s}.visible_class('clinic.patients')"),
            Some("clinic.patients"),
        ),
        (
            format!("{s}.visible_class('patients')"),
            Some("clinic.patients"),
        ),
        (format!("{s}.visible_class('clinic.staff_secrets')"), None),
        (format!("{s}.visible_class('nowhere.x')"), None),
        (format!("{s}.visible_class({secrets})"), None),
        (format!("{s}.visible_class('{secrets}')"), None),
        (
            format!("{s}.visible_class('{patients}')"),
            Some("clinic.patients"),
        ),
        (format!("{s}.visible_class('pg_class')"), Some("pg_class")),
        (format!("{s}.visible_class(0)"), Some("-")),
        (format!("{s}.visible_type('integer[]')"), Some("integer[]")),
        (format!("{s}.visible_type('clinic.staff_secrets')"), None),
        (
            format!("{s}.visible_procedure('clinic.salary_of(integer)')"),
            None,
        ),
        (
            format!("{s}.visible_procedure('lower(text)')"),
            Some("lower(text)"),
        ),
        (format!("{s}.visible_namespace('clinic')"), Some("clinic")),
        (format!("{s}.visible_namespace('public')"), None),
        (format!("{s}.visible_role(10)"), Some("owner")),
        (format!("{s}.pg_get_userbyid(10)"), Some("owner")),
        (format!("{s}.col_description({patients}, 8)"), None),
        (
            format!("{s}.obj_description({patients}, 'pg_class')"),
            Some("People treated here"),
        ),
        (format!("{s}.pg_table_size({patients})"), None),
        (format!("{s}.pg_table_size('clinic.staff_secrets')"), None),
        (
            format!("{s}.has_table_privilege('clinic.patients', 'SELECT')"),
            Some("t"),
        ),
        (
            format!("{s}.has_table_privilege({patients}, 'INSERT')"),
            Some("f"),
        ),
        (
            format!("{s}.has_table_privilege({secrets}, 'SELECT')"),
            None,
        ),
        (
            format!("{s}.has_column_privilege({patients}, 'diagnosis', 'SELECT')"),
            None,
        ),
        (
            format!("{s}.has_column_privilege('clinic.patients', 'name', 'SELECT')"),
            Some("t"),
        ),
        (format!("{s}.pg_table_is_visible({patients})"), Some("t")),
        (format!("{s}.pg_table_is_visible({secrets})"), None),
        (
            format!("{s}.current_setting('server_encoding')"),
            Some("UTF8"),
        ),
        (format!("{s}.current_setting('data_directory')"), None),
        (format!("{s}.format_type(23, -1)"), Some("integer")),
        (format!("(SELECT count(*) FROM {s}.pg_roles)"), Some("2")),
        (
            format!("(SELECT string_agg(rolname, ',' ORDER BY rolname) FROM {s}.pg_roles)"),
            Some("li.wei,owner"),
        ),
        (
            format!("(SELECT string_agg(nspname, ',' ORDER BY nspname) FROM {s}.pg_namespace)"),
            Some("clinic,information_schema,pg_catalog"),
        ),
        (
            format!(
                "(SELECT string_agg(attname, ',' ORDER BY attnum) FROM {s}.pg_attribute WHERE attrelid = {patients})"
            ),
            Some("patient_id,name,id_card,phone,birth_date,sex,hospital_ward"),
        ),
        (
            format!("(SELECT count(*) FROM {s}.pg_attribute WHERE attrelid = {secrets})"),
            Some("0"),
        ),
        (
            format!("(SELECT datname FROM {s}.pg_database)"),
            Some("hospital"),
        ),
        (
            format!(
                "(SELECT string_agg(column_name, ',' ORDER BY ordinal_position) FROM {s}.\"information_schema.columns\" WHERE table_name = 'visits')"
            ),
            Some("visit_id,patient_id,visited_on,ward,cost,paid"),
        ),
        (
            format!(
                "(SELECT string_agg(schema_name, ',' ORDER BY schema_name) FROM {s}.\"information_schema.schemata\")"
            ),
            Some("clinic,information_schema,pg_catalog"),
        ),
    ] {
        let sql = format!("SELECT ({sql})::text");
        let rows = client
            .simple_query(&sql)
            .await
            .unwrap_or_else(|e| panic!("{sql}: {e:?}"));
        let got = rows
            .iter()
            .find_map(|m| {
                if let SimpleQueryMessage::Row(r) = m {
                    Some(r.get(0).map(str::to_owned))
                } else {
                    None
                }
            })
            .flatten();
        let expected = expected.map(|e| match e {
            "t" => "true",
            "f" => "false",
            other => other,
        });
        assert_eq!(got.as_deref(), expected, "{sql}");
    }
}

/// Values that the contract hides: other rows filtered out, other tables out of scope, other columns.
const OTHER_HIDDEN_VALUES: &str = "INSERT INTO clinic.patients SELECT p, 'n', 'vip' || p, '0', '2000-01-01', 'F', 'VIP', 'x', NULL, NULL FROM generate_series(1000, 4000) p; \
     UPDATE clinic.patients SET diagnosis = repeat('y', 3000), doctor_note = NULL, doctor_id = NULL; \
     DELETE FROM clinic.doctors WHERE doctor_id > 3; TRUNCATE clinic.staff_secrets; \
     COMMENT ON COLUMN clinic.patients.doctor_note IS 'other'; CREATE STATISTICS clinic.st ON diagnosis, doctor_id FROM clinic.patients; \
     CREATE INDEX hidden_one ON clinic.patients (diagnosis varchar_pattern_ops) WHERE length(diagnosis) < 10; CREATE INDEX hidden_two ON clinic.visits ((cost * 2)); \
     ALTER TABLE clinic.patients ALTER doctor_note SET DEFAULT 'secret default'; ALTER TABLE clinic.patients ADD CHECK (length(diagnosis) > 0); \
     CREATE FUNCTION clinic.later() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TYPE clinic.mood AS ENUM ('a'); CREATE SEQUENCE clinic.sq; \
     VACUUM ANALYZE clinic.patients";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_hidden_makes_no_difference_to_the_catalog() {
    let (plain, other) = (World::start().await, World::start().await);
    let seen = async |world: &World| {
        let surface = world.install(&clinic_contract()).await;
        let client = world.login(&world.role(&surface, "g1").await).await;
        let oids = world
            .sql("SELECT oid FROM pg_roles WHERE rolname = 'portcullis_g_g1'")
            .await;
        let own = oids[0][0].clone().unwrap();
        let mut seen = std::collections::BTreeMap::new();
        for (relation, view) in &surface.catalog_relations {
            let rows = client
                .simple_query(&format!(
                    "SELECT x::text AS x FROM \"{}\".\"{view}\" x ORDER BY x::text COLLATE \"C\"",
                    surface.view_schema
                ))
                .await
                .unwrap();
            seen.insert(relation.clone(), text_of(&rows).replace(&own, "OWN"));
        }
        seen
    };
    let before = seen(&plain).await;
    // One statement a message: VACUUM runs in no transaction, and the same OIDs are used up before `seen` makes its own.
    for statement in OTHER_HIDDEN_VALUES.split("; ") {
        other.sql(statement).await;
    }
    let after = seen(&other).await;
    for (relation, rows) in &before {
        let differs = rows
            .lines()
            .zip(after[relation].lines())
            .find(|(a, b)| a != b);
        assert_eq!(
            (differs, rows.len()),
            (None, after[relation].len()),
            "`{relation}`"
        );
    }
}
