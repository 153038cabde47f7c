//! Against a PostgreSQL of our own.

use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};

use bytes::BytesMut;
use portcullis_harness::PgCluster;
use portcullis_wire::backend;
use portcullis_wire::build::client;
use portcullis_wire::scram::Verifier;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{run, target};
use crate::tls::{ClientTls, SelfSigned, ServerTls, SslMode, self_signed};
use crate::upstream::*;

/// Runs one query and answers the tags that come back, with the report of an error.
async fn ask(upstream: &mut Upstream, sql: &str) -> (Vec<u8>, Option<String>) {
    let mut out = BytesMut::new();
    client::query(&mut out, sql).unwrap();
    upstream.stream.write_all(&out).await.unwrap();
    let (mut tags, mut sqlstate) = (Vec::new(), None);
    loop {
        let Some(frame) = backend::next_frame(&upstream.buffer, 0).unwrap() else {
            assert_ne!(
                upstream
                    .stream
                    .read_buf(&mut upstream.buffer)
                    .await
                    .unwrap(),
                0,
                "closed"
            );
            continue;
        };
        if frame.tag == backend::ERROR_RESPONSE {
            let report = backend::Report::parse(frame.body(&upstream.buffer)).unwrap();
            sqlstate = Some(report.sqlstate().to_owned());
        }
        tags.push(frame.tag);
        let _ = upstream.buffer.split_to(frame.end);
        if tags.last() == Some(&backend::READY_FOR_QUERY) {
            return (tags, sqlstate);
        }
    }
}

/// A cluster that speaks TLS with a certificate for `localhost` alone.
fn with_tls() -> (PgCluster, SelfSigned) {
    let cluster = PgCluster::start_usual().unwrap();
    let made = self_signed(&["localhost".into()]).unwrap();
    let owner = std::fs::metadata(cluster.data_dir()).unwrap();
    for (name, text) in [
        ("server.crt", &made.certificate_pem),
        ("server.key", &made.key_pem),
    ] {
        let path = cluster.data_dir().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
    cluster.execute("alter system set ssl = on").unwrap();
    cluster.execute("select pg_reload_conf()").unwrap();
    // The postmaster reads it when it sees the signal.
    for _ in 0..100 {
        if cluster.rows("show ssl").unwrap()[0][0].as_deref() == Some("on") {
            return (cluster, made);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("TLS did not come up");
}

#[test]
fn logs_in_asks_and_cancels() {
    let cluster = PgCluster::start_usual().unwrap();
    let target = target(cluster.port());
    run(async {
        let mut upstream = connect(&target).await.unwrap();
        assert_eq!(upstream.parameters["application_name"], "portcullis");
        assert_eq!(
            ask(&mut upstream, "select 1").await,
            (b"TDCZ".to_vec(), None)
        );
        let (process_id, key) = (upstream.process_id, upstream.secret_key.clone());
        let canceller = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            cancel(&target, process_id, &key).await.unwrap();
        };
        let (answer, ()) = tokio::join!(ask(&mut upstream, "select pg_sleep(20)"), canceller);
        assert_eq!(answer, (b"TEZ".to_vec(), Some("57014".into())));
        assert_eq!(
            ask(&mut upstream, "select 1").await,
            (b"TDCZ".to_vec(), None)
        );
    });
}

#[test]
fn a_unix_socket_and_a_verifier_of_ours_and_a_wrong_password() {
    let cluster = PgCluster::start_usual().unwrap();
    let verifier =
        Verifier::from_password("密\u{ad}码".as_bytes(), b"0123456789abcdef", 4096).unwrap();
    cluster
        .execute(&format!("create role gate login password '{verifier}'"))
        .unwrap();
    let kept = cluster
        .rows("select rolpassword from pg_authid where rolname = 'gate'")
        .unwrap();
    assert_eq!(kept[0][0].as_deref(), Some(verifier.to_string().as_str()));
    let mut target = target(cluster.port());
    target.user = "gate".into();
    target.password = Secret::new("密码");
    run(async {
        connect(&target).await.unwrap();
        target.host = cluster.dir().to_str().unwrap().into();
        let mut upstream = connect(&target).await.unwrap();
        assert_eq!(ask(&mut upstream, "select 1").await.1, None);
        target.password = Secret::new("wrong");
        let error = connect(&target).await.unwrap_err();
        assert!(
            matches!(&error, UpstreamError::Refused { sqlstate, .. } if sqlstate == "28P01"),
            "{error}"
        );
    });
}

#[test]
fn tls_modes_check_what_they_say() {
    let (cluster, made) = with_tls();
    let stranger = self_signed(&["localhost".into()]).unwrap();
    let mut target = target(cluster.port());
    run(async {
        for (mode, host, ca, expected) in [
            (SslMode::Prefer, "127.0.0.1", None, Ok(())),
            (SslMode::Require, "localhost", None, Ok(())),
            (SslMode::VerifyCa, "127.0.0.1", Some(&made), Ok(())),
            (SslMode::VerifyFull, "localhost", Some(&made), Ok(())),
            (SslMode::VerifyCa, "127.0.0.1", Some(&stranger), Err("TLS")),
            (SslMode::Require, "127.0.0.1", Some(&stranger), Err("TLS")),
            (SslMode::VerifyFull, "127.0.0.1", Some(&made), Err("TLS")),
        ] {
            let ca = ca.map(|made| made.certificate_pem.as_bytes());
            target.tls = ClientTls::new(mode, ca).unwrap();
            target.host = host.into();
            match (connect(&target).await, expected) {
                (Ok(mut upstream), Ok(())) => {
                    assert!(matches!(upstream.stream, Stream::Tls(_)), "{mode:?}");
                    assert_eq!(ask(&mut upstream, "select 1").await.1, None);
                    cancel(&target, upstream.process_id, &upstream.secret_key)
                        .await
                        .unwrap();
                }
                (Err(error), Err(expected)) => {
                    assert!(error.to_string().starts_with(expected), "{error}")
                }
                (answer, _) => panic!("{mode:?} to {host}: {answer:?}"),
            }
        }
    });
}

/// Takes TLS with a certificate of its own and passes everything on to the real server over TLS.
async fn man_in_the_middle(listener: TcpListener, database: SocketAddr) {
    let own = self_signed(&["localhost".into()]).unwrap();
    let tls = ServerTls::from_pem(own.certificate_pem.as_bytes(), own.key_pem.as_bytes()).unwrap();
    let (mut near, _) = listener.accept().await.unwrap();
    near.read_exact(&mut [0; 8]).await.unwrap();
    near.write_all(b"S").await.unwrap();
    let mut near = tokio_rustls::TlsAcceptor::from(tls.config())
        .accept(near)
        .await
        .unwrap();
    let mut far = TcpStream::connect(database).await.unwrap();
    let mut request = BytesMut::new();
    client::ssl_request(&mut request);
    far.write_all(&request).await.unwrap();
    far.read_exact(&mut [0]).await.unwrap();
    let blind = ClientTls::new(SslMode::Require, None).unwrap();
    let connector = tokio_rustls::TlsConnector::from(blind.config());
    let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
    let mut far = connector.connect(name, far).await.unwrap();
    let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
}

#[test]
fn channel_binding_notices_a_man_in_the_middle() {
    let (cluster, _) = with_tls();
    let database: SocketAddr = cluster.address().parse().unwrap();
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut target = target(listener.local_addr().unwrap().port());
        target.tls = ClientTls::new(SslMode::Require, None).unwrap();
        let between = tokio::spawn(man_in_the_middle(listener, database));
        let error = connect(&target).await.unwrap_err();
        between.abort();
        // PostgreSQL sees that what we bound to is not its own certificate.
        let UpstreamError::Refused { sqlstate, message } = error else {
            panic!("{error}")
        };
        assert_eq!(sqlstate, "28000", "{message}");
        assert!(message.contains("channel binding"), "{message}");
    });
}
