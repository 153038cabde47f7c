//! A contract's scope against the live catalog: each mistake at its place, with help.

use portcullis_contract::{Columns, Grade, Mask};
use portcullis_lock::{ScopeProblem, check_scope, plan, resolve_columns};

use crate::world::{World, clinic_contract, contract_of, list, scope};

const ODD: &str = "CREATE TABLE clinic.rls (a int); ALTER TABLE clinic.rls ENABLE ROW LEVEL SECURITY; \
     CREATE TABLE clinic.parent (a int); CREATE TABLE clinic.child () INHERITS (clinic.parent); \
     CREATE TABLE clinic.parted (a int, b text) PARTITION BY RANGE (a); CREATE TABLE clinic.part1 PARTITION OF clinic.parted FOR VALUES FROM (0) TO (10); \
     CREATE VIEW clinic.v AS SELECT 1 AS a; CREATE MATERIALIZED VIEW clinic.mv AS SELECT 1 AS a, 'x'::text AS b; \
     CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; CREATE FOREIGN TABLE clinic.ft (a int) SERVER s; \
     INSERT INTO clinic.parted VALUES (1, 'one'); INSERT INTO clinic.child VALUES (5); \
     GRANT SELECT ON ALL TABLES IN SCHEMA clinic TO steward; \
     CREATE SCHEMA dark; CREATE TABLE dark.x (a int)";

async fn problems(
    world: &World,
    scopes: Vec<portcullis_contract::ScopeTable>,
) -> Vec<ScopeProblem> {
    let contract = contract_of(scopes);
    let live = world.inspect(&contract).await;
    let problems = check_scope(&contract, &live);
    assert_eq!(
        problems.is_empty(),
        plan(&contract, 1, &live).is_ok(),
        "what has problems has no plan"
    );
    problems
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_told_at_their_place_with_help() {
    let world = World::start().await;
    world.sql(ODD).await;
    let table = |name: &str| scope(name, None, Columns::All);
    let patients = |edit: &dyn Fn(&mut portcullis_contract::ScopeTable)| {
        let mut entry = scope(
            "clinic.patients",
            Some("patient_id"),
            list(&["patient_id", "name", "birth_date"]),
        );
        edit(&mut entry);
        entry
    };
    for (entry, path, message, help) in [
        (
            table("clinic.pateints"),
            "scope[0].table",
            "does not exist",
            "clinic.patients",
        ),
        (
            table("klinik.patients"),
            "scope[0].table",
            "does not exist",
            "clinic.patients",
        ),
        (
            table("clinic.rls"),
            "scope[0].table",
            "row-level security",
            "`rows`",
        ),
        (
            table("clinic.parent"),
            "scope[0].table",
            "inherit",
            "one by one",
        ),
        (
            table("clinic.part1"),
            "scope[0].table",
            "partition",
            "partitioned table",
        ),
        (
            table("clinic.v"),
            "scope[0].table",
            "a view",
            "tables that it reads",
        ),
        (table("clinic.ft"), "scope[0].table", "foreign", "resource"),
        (
            table("dark.x"),
            "scope[0].table",
            "may not read",
            "grant usage",
        ),
        (
            patients(&|e| e.columns = list(&["nmae"])),
            "scope[0].columns",
            "no column `nmae`",
            "`name`",
        ),
        (
            patients(&|e| e.columns = list(&["name", "name"])),
            "scope[0].columns",
            "twice",
            "remove",
        ),
        (
            patients(&|e| e.subject = Some("patient".into())),
            "scope[0].subject",
            "no column",
            "patient_id",
        ),
        (
            patients(&|e| drop(e.mask.insert("birth_date".into(), Mask::First(1)))),
            "scope[0].mask.birth_date",
            "does not fit",
            "year",
        ),
        (
            patients(&|e| drop(e.mask.insert("sex".into(), Mask::Null))),
            "scope[0].mask.sex",
            "not in `columns`",
            "remove the mask",
        ),
        (
            patients(&|e| {
                drop(
                    e.mask
                        .insert("birth_date".into(), Mask::Constant("soon".into())),
                )
            }),
            "scope[0].mask.birth_date",
            "constant",
            "null",
        ),
        (
            patients(&|e| e.rows = Some("diagnosys = 'x'".into())),
            "scope[0].rows",
            "diagnosys",
            "plain condition",
        ),
        (
            patients(&|e| e.rows = Some("birth_date > 'soon'".into())),
            "scope[0].rows",
            "invalid input",
            "plain condition",
        ),
        (
            patients(&|e| {
                e.rows = Some("name IN (SELECT password FROM clinic.staff_secrets)".into())
            }),
            "scope[0].rows",
            "sub-query",
            "plain condition",
        ),
        (
            patients(&|e| {
                e.columns = Columns::All;
                e.grade = Grade::Core;
            }),
            "scope[0].columns",
            "not allowed",
            "by name",
        ),
    ] {
        let found = problems(&world, vec![entry.clone()]).await;
        let hit = found
            .iter()
            .any(|p| p.path == path && p.message.contains(message) && p.help.contains(help));
        assert!(hit && found.len() == 1, "{path} {message}: {found:#?}");
    }
    let twice = problems(&world, vec![table("clinic.visits"), table("clinic.visits")]).await;
    assert_eq!(twice[0].path, "scope[1].table");
    let fine = problems(
        &world,
        vec![
            table("clinic.child"),
            table("clinic.parted"),
            table("clinic.mv"),
            scope("clinic.patients", None, list(&["diagnosis"])),
        ],
    )
    .await;
    assert_eq!(fine, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_show_through_and_later_children_do_not() {
    let world = World::start().await;
    world.sql(ODD).await;
    let table = |name: &str| scope(name, None, Columns::All);
    let surface = world
        .install(&contract_of(vec![
            table("clinic.parted"),
            table("clinic.child"),
            table("clinic.mv"),
        ]))
        .await;
    world.sql("CREATE TABLE clinic.late () INHERITS (clinic.child); INSERT INTO clinic.late VALUES (6); CREATE TABLE clinic.part2 PARTITION OF clinic.parted FOR VALUES FROM (10) TO (20); INSERT INTO clinic.parted VALUES (11, 'two')").await;
    let client = world.login(&world.role(&surface, "g1").await).await;
    let count = async |view: &str| -> i64 {
        client
            .query_one(
                &format!("SELECT count(*) FROM portcullis_clinic_ops_2026.\"{view}\""),
                &[],
            )
            .await
            .unwrap()
            .get(0)
    };
    assert_eq!(
        (
            count("clinic.parted").await,
            count("clinic.child").await,
            count("clinic.mv").await
        ),
        (2, 1, 1)
    );
    let kind: String = client.query_one("SELECT relkind::text FROM portcullis_clinic_ops_2026.pg_class WHERE relname = 'parted'", &[]).await.unwrap().get(0);
    assert_eq!(kind, "r", "a client sees a plain table");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_star_is_written_out_and_a_later_column_stays_out() {
    let world = World::start().await;
    let mut contract = clinic_contract();
    let live = world.inspect(&contract).await;
    resolve_columns(&mut contract, &live);
    assert_eq!(
        contract.scope[1].columns,
        list(&[
            "visit_id",
            "patient_id",
            "visited_on",
            "ward",
            "cost",
            "paid"
        ])
    );
    world
        .sql("ALTER TABLE clinic.visits ADD COLUMN secret text")
        .await;
    let surface = world.install(&contract).await;
    assert!(
        surface
            .table("clinic", "visits")
            .unwrap()
            .column("secret")
            .is_none()
    );
}
