//! The method `tuning`: templates, on what is in scope, undone only where it was made here.

use portcullis_lock::{LockError, tuning};
use portcullis_sql::{IndexColumn, Surface, Tuning};

use crate::world::{World, clinic_contract};

fn index(name: Option<&str>, table: usize, column: &str) -> Tuning {
    Tuning::CreateIndex {
        name: name.map(str::to_owned),
        if_not_exists: false,
        table,
        columns: vec![IndexColumn {
            column: column.into(),
            descending: true,
            nulls_first: Some(false),
        }],
        access_method: "btree".into(),
    }
}

fn drop(name: &str) -> Tuning {
    Tuning::DropIndex {
        schema: Some("clinic".into()),
        name: name.into(),
        if_exists: false,
    }
}

async fn refused(world: &World, surface: &Surface, command: &Tuning) -> String {
    match tuning(&world.steward, surface, command).await {
        Err(LockError::Refused(what)) => what,
        other => panic!("{command:?}: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn indexes_are_made_seen_and_dropped_under_the_contract_alone() {
    let world = World::start().await;
    let surface = world.install(&clinic_contract()).await;
    let (patients, visits) = (0, 1);
    assert!(
        refused(&world, &surface, &index(None, visits, "ward"))
            .await
            .contains("does not own")
    );
    assert!(
        refused(
            &world,
            &surface,
            &Tuning::Vacuum {
                table: visits,
                analyze: true
            }
        )
        .await
        .contains("does not own")
    );

    world.sql("ALTER TABLE clinic.patients OWNER TO steward; ALTER TABLE clinic.visits OWNER TO steward; GRANT CREATE ON SCHEMA clinic TO steward").await;
    assert_eq!(
        tuning(
            &world.steward,
            &surface,
            &index(Some("visits_ward"), visits, "ward")
        )
        .await
        .unwrap(),
        "CREATE INDEX"
    );
    assert_eq!(
        tuning(&world.steward, &surface, &index(None, patients, "sex"))
            .await
            .unwrap(),
        "CREATE INDEX"
    );
    assert_eq!(
        tuning(
            &world.steward,
            &surface,
            &Tuning::Vacuum {
                table: visits,
                analyze: true
            }
        )
        .await
        .unwrap(),
        "VACUUM"
    );
    assert_eq!(
        tuning(
            &world.steward,
            &surface,
            &Tuning::Analyze { table: patients }
        )
        .await
        .unwrap(),
        "ANALYZE"
    );
    assert_eq!(
        tuning(
            &world.steward,
            &surface,
            &Tuning::ReindexTable { table: visits }
        )
        .await
        .unwrap(),
        "REINDEX"
    );
    assert_eq!(
        tuning(
            &world.steward,
            &surface,
            &Tuning::ReindexIndex {
                schema: None,
                name: "visits_ward".into()
            }
        )
        .await
        .unwrap(),
        "REINDEX"
    );

    let client = world.login(&world.role(&surface, "g1").await).await;
    let seen = client.query("SELECT indexdef FROM portcullis_clinic_ops_2026.pg_indexes WHERE indexname = 'visits_ward'", &[]).await.unwrap();
    assert_eq!(
        seen[0].get::<_, &str>(0),
        "CREATE INDEX visits_ward ON clinic.visits USING btree (ward DESC NULLS LAST)"
    );
    let comments: i64 = client.query_one("SELECT count(*) FROM portcullis_clinic_ops_2026.pg_description WHERE description LIKE 'portcullis%'", &[]).await.unwrap().get(0);
    assert_eq!(comments, 0);

    assert!(
        refused(&world, &surface, &index(None, patients, "diagnosis"))
            .await
            .contains("not in scope")
    );
    assert!(
        refused(&world, &surface, &index(None, patients, "name"))
            .await
            .contains("masked")
    );
    assert!(
        refused(
            &world,
            &surface,
            &index(Some("staff_secrets"), visits, "ward")
        )
        .await
        .contains("exists")
    );
    assert!(
        refused(&world, &surface, &drop("visits_patient"))
            .await
            .contains("under this contract")
    );
    assert!(
        refused(&world, &surface, &drop("visits_pkey"))
            .await
            .contains("under this contract")
    );
    assert!(
        refused(
            &world,
            &surface,
            &Tuning::ReindexIndex {
                schema: None,
                name: "staff_secrets_pkey".into()
            }
        )
        .await
        .contains("no index")
    );
    assert_eq!(
        tuning(&world.steward, &surface, &drop("visits_ward"))
            .await
            .unwrap(),
        "DROP INDEX"
    );
    assert!(
        refused(&world, &surface, &drop("visits_ward"))
            .await
            .contains("under this contract")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_others_hold_is_not_waited_for_and_errors_quote_nothing() {
    let world = World::start().await;
    let surface = world.install(&clinic_contract()).await;
    world
        .sql("ALTER TABLE clinic.visits OWNER TO steward; GRANT CREATE ON SCHEMA clinic TO steward")
        .await;
    let holder = world
        .cluster
        .connect(
            "postgres",
            portcullis_harness::SUPERUSER_PASSWORD,
            crate::world::DATABASE,
        )
        .await
        .unwrap();
    holder
        .batch_execute("BEGIN; LOCK TABLE clinic.visits IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    let what = refused(&world, &surface, &index(Some("visits_ward"), 1, "ward")).await;
    assert!(what.contains("in use"), "{what}");
    holder.batch_execute("ROLLBACK").await.unwrap();
    let left = world
        .sql("SELECT 1 FROM pg_class WHERE relname = 'visits_ward'")
        .await;
    assert!(left.is_empty());
}
