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
