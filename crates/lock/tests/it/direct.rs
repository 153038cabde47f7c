//! Logged in directly as the grant's role, without the gate: nothing beyond the contract.

use crate::world::{World, clinic_contract};

#[tokio::test(flavor = "multi_thread")]
async fn role_reads_its_views_and_nothing_else() {
    let world = World::start().await;
    let surface = world.install(&clinic_contract()).await;
    let client = world.login(&world.role(&surface, "g1").await).await;

    let patients = surface.table("clinic", "patients").unwrap();
    let rows = client
        .query(
            "SELECT * FROM \"portcullis_clinic_ops_2026\".\"clinic.patients\"",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(rows.len(), 180, "every tenth patient is a VIP");
    let name: String = rows[0].get("name");
    assert!(name.chars().skip(1).all(|c| c == '*'), "{name}");
    assert_eq!(patients.columns.iter().filter(|c| !c.hidden).count(), 7);
    assert_eq!(patients.unique_keys, vec![vec!["patient_id".to_owned()]]);
    assert!(patients.rows_filtered && patients.view_oid > 0);

    for refused in [
        "SELECT * FROM clinic.patients",
        "SELECT diagnosis FROM \"portcullis_clinic_ops_2026\".\"clinic.patients\"",
        "SELECT * FROM clinic.staff_secrets",
        "SELECT clinic.salary_of(1)",
        "SELECT * FROM portcullis_keys.mask_key",
        "SELECT * FROM portcullis_keys.grant_role",
        "SELECT * FROM portcullis_clinic_ops_2026.portcullis_columns",
        "SELECT * FROM portcullis_clinic_ops_2026.portcullis_constraints",
        "SELECT * FROM portcullis_clinic_ops_2026.pg_authid",
        "SELECT * FROM ONLY clinic.visits",
        "SELECT doctor_note FROM clinic.patients",
        "COPY clinic.patients TO STDOUT",
        "COPY portcullis_clinic_ops_2026.\"clinic.patients\" TO STDOUT",
        "LOCK TABLE clinic.patients IN ACCESS SHARE MODE",
        "DO $$ BEGIN PERFORM 1 FROM clinic.staff_secrets; END $$",
        "GRANT portcullis_g_g1 TO postgres",
        "ALTER ROLE portcullis_g_g1 CREATEROLE",
        "SELECT pg_read_binary_file('postgresql.conf')",
        "SELECT lo_import('/etc/passwd')",
        "CREATE TABLE portcullis_clinic_ops_2026.x (a int)",
        "SET ROLE steward",
        "SET SESSION AUTHORIZATION postgres",
        "SELECT * FROM pg_statistic",
        "SELECT pg_read_file('/etc/passwd')",
        "COPY (SELECT 1) TO PROGRAM 'cat'",
        "BEGIN READ WRITE; DELETE FROM \"portcullis_clinic_ops_2026\".\"clinic.visits\"",
        "CREATE ROLE x",
    ] {
        assert!(
            client.batch_execute(refused).await.is_err(),
            "`{refused}` ran"
        );
        client.batch_execute("ROLLBACK").await.unwrap();
    }
}

/// A cheap function of the reader's own, run on each row that the planner lets it see.
const LEAK: &str = "CREATE FUNCTION pg_temp.leak(anyelement) RETURNS bool LANGUAGE plpgsql COST 0.0000001 AS $$ BEGIN RAISE NOTICE 'leak %', $1; RETURN true; END $$";

#[tokio::test(flavor = "multi_thread")]
async fn a_function_of_the_readers_own_sees_no_hidden_row_and_no_clear_value() {
    let world = World::start().await;
    let surface = world.install(&clinic_contract()).await;
    let secret = world.role(&surface, "g1").await;
    let url =
        world
            .cluster
            .url_with_password(&secret.role, &secret.password, crate::world::DATABASE);
    let view = "portcullis_clinic_ops_2026.\"clinic.patients\"";
    let sql = format!(
        "SELECT count(*) FROM {view} WHERE pg_temp.leak(hospital_ward) AND pg_temp.leak(name) AND pg_temp.leak(id_card) AND pg_temp.leak(phone)"
    );
    let told = || {
        let output = std::process::Command::new("psql")
            .args([
                "-X",
                "-c",
                "SET default_transaction_read_only = off",
                "-c",
                LEAK,
                "-c",
                &sql,
                &url,
            ])
            .output()
            .expect("psql is installed");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let seen = told();
    assert!(
        seen.contains("leak A") && seen.contains("leak W"),
        "the function ran: {seen}"
    );
    for hidden in ["VIP", "leak Wang", "leak 3101", "leak 138"] {
        assert!(!seen.contains(hidden), "`{hidden}` was seen");
    }
    world
        .sql(&format!("ALTER VIEW {view} RESET (security_barrier)"))
        .await;
    assert!(
        told().contains("leak VIP"),
        "without the barrier it would have been seen: the trial is a real one"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_looked_up_by_its_index_through_the_barrier() {
    let world = World::start().await;
    let surface = world.install(&clinic_contract()).await;
    let client = world.login(&world.role(&surface, "g1").await).await;
    client
        .batch_execute("SET enable_seqscan = off")
        .await
        .unwrap();
    let rows = client.query("EXPLAIN SELECT name FROM portcullis_clinic_ops_2026.\"clinic.patients\" WHERE patient_id = 7", &[]).await.unwrap();
    let plan: Vec<String> = rows.iter().map(|r| r.get(0)).collect();
    assert!(
        plan.iter()
            .any(|l| l.contains("Index Cond: (patient_id = 7)")),
        "{plan:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn statistics_and_errors_tell_nothing_beyond_the_views() {
    let world = World::start().await;
    let surface = world.install(&clinic_contract()).await;
    let client = world.login(&world.role(&surface, "g1").await).await;
    let stats: i64 = client
        .query_one(
            "SELECT count(*) FROM pg_stats WHERE schemaname = 'clinic'",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    assert_eq!(stats, 0);
    let view = "portcullis_clinic_ops_2026.\"clinic.patients\"";
    for provoking in [
        format!("SELECT id_card::int FROM {view}"),
        format!("SELECT (hospital_ward || name)::date FROM {view}"),
        format!(
            "SELECT 1 / (hospital_ward <> 'VIP')::int FROM {view} WHERE hospital_ward::int > 0"
        ),
    ] {
        let error = client.query(&provoking, &[]).await.unwrap_err();
        let text = format!("{error:?}");
        assert!(!text.contains("VIP") && !text.contains("3101"), "{text}");
    }
}

/// The first block of SQL in the guide is enough, on every version.
#[tokio::test(flavor = "multi_thread")]
async fn the_guides_least_privileges_suffice() {
    let guide = include_str!("../../../../docs/guide/owner-engineer-database.md");
    let sql = guide
        .split("```sql\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .unwrap();
    for version in portcullis_harness::PgVersions::available() {
        let world = World::on(&version).await;
        world
            .sql(&sql.replace("steward", "keeper").replace('…', "keepers-own"))
            .await;
        let mut resource = crate::world::resource(&world.cluster);
        resource.url = resource.url.replace("steward@", "keeper@");
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("steward.password"), "keepers-own").unwrap();
        let keeper = portcullis_lock::Steward::connect(&resource, dir.path())
            .await
            .unwrap();
        let contract = clinic_contract();
        let live = portcullis_lock::inspect(&keeper, &contract).await.unwrap();
        assert_eq!(portcullis_lock::check_scope(&contract, &live), []);
        let plan = portcullis_lock::plan(&contract, 1, &live).unwrap();
        let surface = portcullis_lock::install(&keeper, &plan).await.unwrap();
        let role = crate::world::grant_role("g1");
        portcullis_lock::ensure_grant_role(&keeper, &surface, &role)
            .await
            .unwrap();
        let secret = portcullis_lock::ensure_grant_role(&keeper, &surface, &role)
            .await
            .unwrap();
        let client = world.login(&secret).await;
        assert_eq!(
            client
                .query(
                    "SELECT * FROM portcullis_clinic_ops_2026.\"clinic.patients\"",
                    &[]
                )
                .await
                .unwrap()
                .len(),
            180
        );
        assert_eq!(
            portcullis_lock::terminate(&keeper, &secret.role)
                .await
                .unwrap(),
            1
        );
        portcullis_lock::bypass(
            &keeper,
            &[contract],
            &portcullis_lock::KnownSessions::default(),
        )
        .await
        .unwrap();
        let swept = portcullis_lock::detach(&keeper).await.unwrap();
        assert_eq!(
            (swept.schemas.len(), swept.roles.len()),
            (1, 2),
            "PostgreSQL {}",
            version.major
        );
    }
}
