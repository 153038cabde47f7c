//! What PUBLIC reaches is found, and what reaches rows blocks.

use portcullis_lock::{PublicExposure, Severity};

use crate::world::{World, clinic_contract};

async fn found(world: &World) -> Vec<PublicExposure> {
    portcullis_lock::public_exposure(&world.steward, &clinic_contract())
        .await
        .unwrap()
}

fn blocking(found: &[PublicExposure]) -> Vec<&str> {
    found
        .iter()
        .filter(|f| f.severity == Severity::Blocks)
        .map(|f| f.what.as_str())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_is_clean_and_each_opening_is_found() {
    let world = World::start().await;
    assert_eq!(blocking(&found(&world).await), Vec::<&str>::new());
    let warned = |found: &[PublicExposure], word: &str| {
        found
            .iter()
            .any(|f| f.severity == Severity::Warns && f.what.contains(word))
    };
    assert!(warned(&found(&world).await, "temporary"));

    world
        .sql("GRANT SELECT ON clinic.staff_secrets TO PUBLIC")
        .await;
    assert_eq!(
        blocking(&found(&world).await),
        Vec::<&str>::new(),
        "without USAGE on the schema nobody gets there"
    );

    world.sql("GRANT USAGE ON SCHEMA clinic TO PUBLIC").await;
    assert_eq!(
        blocking(&found(&world).await),
        ["PUBLIC may read `clinic.staff_secrets`"]
    );
    assert!(world.plan(&clinic_contract()).await.blocked());
    world
        .sql("REVOKE ALL ON clinic.staff_secrets FROM PUBLIC")
        .await;

    for (open, close, expected) in [
        (
            "GRANT SELECT (diagnosis) ON clinic.patients TO PUBLIC",
            "REVOKE ALL (diagnosis) ON clinic.patients FROM PUBLIC",
            "PUBLIC may read `clinic.patients`",
        ),
        (
            "GRANT DELETE ON clinic.visits TO PUBLIC",
            "REVOKE ALL ON clinic.visits FROM PUBLIC",
            "PUBLIC may change `clinic.visits`",
        ),
        (
            "CREATE FUNCTION clinic.leak() RETURNS SETOF clinic.staff_secrets LANGUAGE sql SECURITY DEFINER AS 'SELECT * FROM clinic.staff_secrets'",
            "DROP FUNCTION clinic.leak()",
            "PUBLIC may call `clinic.leak()`, which runs with its owner's rights",
        ),
        (
            "GRANT EXECUTE ON FUNCTION pg_read_file(text) TO PUBLIC",
            "REVOKE EXECUTE ON FUNCTION pg_read_file(text) FROM PUBLIC",
            "PUBLIC may call `pg_read_file(text)`",
        ),
        (
            "GRANT SELECT ON pg_statistic TO PUBLIC",
            "REVOKE SELECT ON pg_statistic FROM PUBLIC",
            "PUBLIC may read `pg_catalog.pg_statistic`",
        ),
        (
            "SELECT lo_create(4711); GRANT SELECT ON LARGE OBJECT 4711 TO PUBLIC",
            "SELECT lo_unlink(4711)",
            "PUBLIC may reach 1 large objects",
        ),
    ] {
        world.sql(open).await;
        assert_eq!(blocking(&found(&world).await), [expected], "{open}");
        world.sql(close).await;
    }
    world.sql("GRANT CREATE ON SCHEMA clinic TO PUBLIC; ALTER DEFAULT PRIVILEGES IN SCHEMA clinic GRANT SELECT ON TABLES TO PUBLIC").await;
    world.cluster.create_database("other").unwrap();
    let found = found(&world).await;
    for word in ["schema `clinic`", "`other`", "default privileges"] {
        assert!(warned(&found, word), "{word}: {found:#?}");
    }
}
