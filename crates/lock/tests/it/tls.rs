//! The steward's connection: the certificate that it wants, or none.

use std::os::unix::fs::PermissionsExt as _;

use portcullis_harness::{
    PgCluster, PgOptions, PgVersions, give_to_server_account, sample::load_clinic,
};
use portcullis_lock::{LockError, Steward};

use crate::world::{DATABASE, STEWARD_PASSWORD, resource};

#[tokio::test(flavor = "multi_thread")]
async fn verify_full_takes_the_named_authority_alone() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let certificate = write("server.crt", &own.cert.pem());
    let key = write("server.key", &own.signing_key.serialize_pem());
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    write("other.crt", &other.cert.pem());
    write("steward.password", STEWARD_PASSWORD);
    give_to_server_account(&key).unwrap();
    let settings = [
        ("ssl", "on".to_owned()),
        ("ssl_cert_file", certificate.display().to_string()),
        ("ssl_key_file", key.display().to_string()),
    ];
    let settings = settings
        .into_iter()
        .map(|(k, v)| (k.to_owned(), v))
        .collect();
    let cluster = tokio::task::spawn_blocking(move || {
        let cluster = PgCluster::start_with(
            &PgVersions::usual().unwrap(),
            PgOptions {
                settings,
                ..PgOptions::default()
            },
        )
        .unwrap();
        load_clinic(&cluster, DATABASE, 10).unwrap();
        cluster
    })
    .await
    .unwrap();

    let connect = async |host: &str, sslmode: &str, ca: Option<&str>| {
        let mut resource = resource(&cluster);
        resource.url = resource
            .url
            .replace("127.0.0.1", host)
            .replace("sslmode=prefer", &format!("sslmode={sslmode}"));
        resource.ca_file = ca.map(str::to_owned);
        Steward::connect(&resource, dir.path()).await
    };
    connect("localhost", "verify-full", Some("server.crt"))
        .await
        .unwrap();
    connect("127.0.0.1", "require", None).await.unwrap();
    connect("127.0.0.1", "prefer", None).await.unwrap();
    let refused = connect("localhost", "verify-full", Some("other.crt"))
        .await
        .unwrap_err();
    assert!(
        matches!(refused, LockError::Unreachable { .. }),
        "{refused}"
    );
    let refused = connect("127.0.0.1", "verify-full", Some("server.crt"))
        .await
        .unwrap_err();
    assert!(
        matches!(refused, LockError::Unreachable { .. }),
        "the name is checked: {refused}"
    );
    let refused = connect("localhost", "verify-full", None).await.unwrap_err();
    assert!(refused.to_string().contains("ca_file"), "{refused}");
    std::fs::write(dir.path().join("steward.password"), "wrong-secret").unwrap();
    let refused = connect("127.0.0.1", "prefer", None).await.unwrap_err();
    assert!(!refused.to_string().contains("wrong-secret"));
}
