//! Roads past the gate are named until the owner explains them.

use portcullis_lock::{BypassKind, KnownSessions, Steward, bypass};

use crate::world::{DATABASE, World, clinic_contract, resource};

#[tokio::test(flavor = "multi_thread")]
async fn roles_sessions_and_hba_lines_are_named_until_explained() {
    let world = World::start().await;
    let surface = world.install(&clinic_contract()).await;
    let secret = world.role(&surface, "g1").await;
    world.sql("CREATE ROLE report LOGIN PASSWORD 'x'; GRANT USAGE ON SCHEMA clinic TO report; GRANT SELECT (name) ON clinic.patients TO report; CREATE ROLE team; GRANT SELECT ON clinic.visits TO team; CREATE ROLE lisa LOGIN IN ROLE team; CREATE ROLE copier LOGIN REPLICATION; CREATE ROLE harmless LOGIN").await;
    let _in = world
        .cluster
        .connect("report", "x", DATABASE)
        .await
        .unwrap();
    let _gate = world.login(&secret).await;
    let known = KnownSessions {
        roles: vec![secret.role.clone()],
    };
    let contracts = [clinic_contract()];

    let found = bypass(&world.steward, &contracts, &known).await.unwrap();
    let who = |kind: BypassKind| {
        found
            .iter()
            .filter(|b| b.kind == kind)
            .map(|b| b.who.as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        who(BypassKind::Role),
        ["copier", "lisa", "postgres", "report"]
    );
    assert_eq!(who(BypassKind::Session).len(), 1, "{found:#?}");
    assert!(who(BypassKind::Session)[0].starts_with("report@"));
    assert_eq!(who(BypassKind::Unseen), ["pg_hba.conf"]);

    let unknown = bypass(&world.steward, &contracts, &KnownSessions::default())
        .await
        .unwrap();
    assert!(
        unknown
            .iter()
            .any(|b| b.who == secret.role && b.what.contains("no grant is live")),
        "{unknown:#?}"
    );
    assert!(
        unknown
            .iter()
            .any(|b| b.kind == BypassKind::Session && b.who.starts_with(&secret.role))
    );

    world.sql("GRANT SELECT ON pg_hba_file_rules TO steward; GRANT EXECUTE ON FUNCTION pg_hba_file_rules() TO steward").await;
    let hba = world.cluster.data_dir().join("pg_hba.conf");
    let lines = std::fs::read_to_string(&hba).unwrap();
    std::fs::write(&hba, format!("{lines}\nhost hospital report 10.0.0.0/8 scram-sha-256\nhost other all 0.0.0.0/0 scram-sha-256\n")).unwrap();
    let mut explained = resource(&world.cluster);
    for role in ["report", "lisa", "copier", "postgres"] {
        explained
            .explained_roles
            .insert(role.into(), "known".into());
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("steward.password"),
        crate::world::STEWARD_PASSWORD,
    )
    .unwrap();
    let steward = Steward::connect(&explained, dir.path()).await.unwrap();
    let quiet = bypass(&steward, &contracts, &known).await.unwrap();
    assert!(
        quiet
            .iter()
            .all(|b| b.kind == BypassKind::Hba && b.what.contains("trust")),
        "an explained role's line is explained: {quiet:#?}"
    );
    let loud = bypass(&world.steward, &contracts, &known).await.unwrap();
    assert!(
        loud.iter().any(|b| b.kind == BypassKind::Hba
            && b.what.contains("report")
            && b.what.contains("10.0.0.0")),
        "{loud:#?}"
    );
}
