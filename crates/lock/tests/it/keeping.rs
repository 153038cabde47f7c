//! What Portcullis keeps in the database is in step, removed at the end, and found after a crash.

use portcullis_contract::{Columns, Mask};
use portcullis_lock::{
    LiveContract, LockError, attach, detach, drop_grant_role, install, remove_contract,
    subject_identity, surface, sweep, terminate,
};

use crate::world::{World, clinic_contract, contract_of, list, scope};

async fn ours(world: &World) -> Vec<String> {
    let sql = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'portcullis\\_%' UNION ALL SELECT rolname FROM pg_roles WHERE rolname LIKE 'portcullis\\_%' ORDER BY 1";
    world
        .sql(sql)
        .await
        .into_iter()
        .map(|r| r[0].clone().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn install_is_idempotent_and_a_new_revision_replaces_the_old() {
    let world = World::start().await;
    let contract = clinic_contract();
    let plan = world.plan(&contract).await;
    assert_eq!(
        plan,
        world.plan(&contract).await,
        "the same plan for the same catalog"
    );
    let first = install(&world.steward, &plan).await.unwrap();
    let again = install(&world.steward, &plan).await.unwrap();
    assert_eq!(first, again, "left alone: the same view OIDs");
    assert_eq!(surface(&world.steward, &plan).await.unwrap(), first);

    world
        .sql("DROP VIEW portcullis_clinic_ops_2026.\"clinic.patients\"")
        .await;
    let mended = install(&world.steward, &plan).await.unwrap();
    assert_ne!(first, mended, "what somebody took away is made anew");
    let first = mended;

    let secret = world.role(&first, "g1").await;
    let client = world.login(&secret).await;
    let mut tighter = contract.clone();
    tighter.scope[0].columns = list(&["patient_id", "sex"]);
    tighter.scope[0].mask.clear();
    let second = world.install(&tighter).await;
    assert_ne!(first.tables[0].view_oid, second.tables[0].view_oid);
    let view = "portcullis_clinic_ops_2026.\"clinic.patients\"";
    assert!(
        client
            .query(&format!("SELECT name FROM {view}"), &[])
            .await
            .is_err()
    );
    assert_eq!(
        client
            .query(&format!("SELECT sex FROM {view}"), &[])
            .await
            .unwrap()
            .len(),
        180,
        "the role follows its contract"
    );
    assert!(matches!(
        surface(&world.steward, &plan).await,
        Err(LockError::Refused(_))
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_are_renewed_ended_and_dropped() {
    let world = World::start().await;
    let surface = world.install(&clinic_contract()).await;
    let secret = world.role(&surface, "g1").await;
    let client = world.login(&secret).await;
    let renewed = world.role(&surface, "g1").await;
    assert_ne!(secret.password, renewed.password);
    assert!(
        world
            .cluster
            .connect(&secret.role, &secret.password, "hospital")
            .await
            .is_err(),
        "the old secret is void"
    );
    assert_eq!(terminate(&world.steward, &secret.role).await.unwrap(), 1);
    assert!(client.query("SELECT 1", &[]).await.is_err());
    let _second = world.login(&renewed).await;
    drop_grant_role(&world.steward, &secret.role).await.unwrap();
    drop_grant_role(&world.steward, &secret.role).await.unwrap();
    assert!(!ours(&world).await.contains(&secret.role));
    assert!(matches!(
        drop_grant_role(&world.steward, "postgres").await,
        Err(LockError::NotOurs { .. })
    ));
    let logged = world.cluster.log();
    assert!(!logged.contains(&secret.password) && !logged.contains(&renewed.password));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_leaves_what_is_live_and_detach_leaves_the_keys_alone() {
    let world = World::start().await;
    let contract = clinic_contract();
    let mut other = contract_of(vec![scope("clinic.visits", None, Columns::All)]);
    other.id = "second".into();
    let first = world.install(&contract).await;
    let second = world.install(&other).await;
    let (a, b) = (
        world.role(&first, "g1").await,
        world.role(&first, "g2").await,
    );
    let c = world.role(&second, "g3").await;
    world
        .sql("CREATE SCHEMA portcullis_somebody_elses; CREATE ROLE portcullis_g_not_ours")
        .await;

    let live = LiveContract {
        contract: contract.id.clone(),
        roles: vec![a.role.clone()],
    };
    let swept = sweep(&world.steward, &[live]).await.unwrap();
    assert_eq!(swept.schemas, ["portcullis_second"]);
    assert!(
        swept.roles.contains(&b.role) && swept.roles.contains(&c.role) && swept.roles.len() == 3,
        "{swept:?}"
    );
    world
        .login(&a)
        .await
        .query(
            "SELECT * FROM portcullis_clinic_ops_2026.\"clinic.visits\"",
            &[],
        )
        .await
        .unwrap();

    let identity = subject_identity(&world.steward, &contract.id, "7")
        .await
        .unwrap();
    detach(&world.steward).await.unwrap();
    assert_eq!(
        ours(&world).await,
        [
            "portcullis_g_not_ours",
            "portcullis_keys",
            "portcullis_somebody_elses"
        ]
    );
    world.sql("ALTER TABLE clinic.visits ALTER COLUMN ward TYPE varchar(20); ALTER TABLE clinic.visits ADD COLUMN later text").await;
    let plan = world.plan(&contract).await;
    let surfaces = attach(&world.steward, &[plan]).await.unwrap();
    let ward = surfaces[0]
        .table("clinic", "visits")
        .unwrap()
        .column("ward")
        .unwrap()
        .clone();
    assert_eq!(ward.type_name, "character varying(20)");
    assert_eq!(
        subject_identity(&world.steward, &contract.id, "7")
            .await
            .unwrap(),
        identity,
        "subjects keep their identity"
    );

    remove_contract(&world.steward, &contract.id, true)
        .await
        .unwrap();
    assert_eq!(
        subject_identity(&world.steward, &contract.id, "7")
            .await
            .unwrap(),
        None
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_made_under_our_names_is_not_touched() {
    let world = World::start().await;
    world.sql("CREATE SCHEMA portcullis_clinic_ops_2026; CREATE TABLE portcullis_clinic_ops_2026.precious (a int)").await;
    let plan = world.plan(&clinic_contract()).await;
    assert!(matches!(
        install(&world.steward, &plan).await,
        Err(LockError::NotOurs { .. })
    ));
    assert_eq!(
        world
            .sql("SELECT count(*) FROM portcullis_clinic_ops_2026.precious")
            .await
            .len(),
        1
    );
    world
        .sql("DROP SCHEMA portcullis_clinic_ops_2026 CASCADE; CREATE SCHEMA portcullis_keys")
        .await;
    assert!(
        matches!(
            install(&world.steward, &plan).await,
            Err(LockError::NotOurs { .. })
        ),
        "whoever made the key schema could read the keys"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_masked_subject_is_counted_by_its_keyed_digest_in_every_table() {
    let world = World::start().await;
    let mut contract = clinic_contract();
    contract.scope[0]
        .mask
        .insert("patient_id".into(), Mask::Hash);
    let surface = world.install(&contract).await;
    let client = world.login(&world.role(&surface, "g1").await).await;
    let (patients, visits) = (
        surface.tables[0].subject.clone().unwrap(),
        surface.tables[1].subject.clone().unwrap(),
    );
    assert_eq!(
        (patients.kind.as_str(), visits.kind.as_str()),
        ("clinic.patients", "clinic.patients")
    );
    assert_eq!(
        (patients.column.as_str(), patients.shown),
        ("portcullis_subject", None)
    );
    assert_eq!(
        (visits.column.as_str(), visits.shown.as_deref()),
        ("portcullis_subject", Some("patient_id"))
    );
    let s = "portcullis_clinic_ops_2026";
    let sql = format!(
        "SELECT count(*), count(DISTINCT p.portcullis_subject) FROM {s}.\"clinic.patients\" p JOIN {s}.\"clinic.visits\" v USING (portcullis_subject)"
    );
    let row = client.query_one(&sql, &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (180 * 3, 180));
    let sql = format!(
        "SELECT portcullis_subject FROM {s}.\"clinic.visits\" WHERE patient_id = 7 LIMIT 1"
    );
    let tap: String = client.query_one(&sql, &[]).await.unwrap().get(0);
    assert_eq!(
        Some(tap),
        subject_identity(&world.steward, &contract.id, "7")
            .await
            .unwrap()
    );
}
