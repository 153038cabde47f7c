//! A cluster starts, answers, survives a crash, and leaves nothing behind.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use portcullis_harness::{PgCluster, PgVersions, SUPERUSER, sample};

#[test]
fn oldest_and_newest_start_and_answer() {
    let versions = PgVersions::oldest_and_newest();
    assert!(
        !versions.is_empty(),
        "no server installed; run `scripts/install`"
    );
    for version in versions {
        let cluster = PgCluster::start(&version).unwrap();
        let rows = cluster.rows("show server_version_num").unwrap();
        let number: u32 = rows[0][0].as_ref().unwrap().parse().unwrap();
        assert_eq!(number / 10_000, version.major);
        sample::load_clinic(&cluster, "hospital", 200).unwrap();
        let counts = cluster
            .rows_in(
                "hospital",
                "select count(*), count(*) filter (where hospital_ward = 'VIP') from clinic.patients;
                 select count(*) from clinic.visits",
            )
            .unwrap();
        assert_eq!(counts[0], [Some("200".to_owned()), Some("20".to_owned())]);
        assert_eq!(counts[1], [Some("600".to_owned())]);
    }
}

#[test]
fn a_wrong_password_is_refused() {
    let cluster = PgCluster::start_usual().unwrap();
    let wrong = cluster.url_with_password(SUPERUSER, "wrong", "postgres");
    let error = portcullis_harness::query_rows(&wrong, "select 1").unwrap_err();
    assert!(format!("{error:#}").contains("28P01"), "{error:#}");
}

#[test]
fn survives_a_crash_and_goes_when_dropped() {
    let mut cluster = PgCluster::start_usual().unwrap();
    cluster
        .execute("create table kept (x int); insert into kept values (7)")
        .unwrap();
    cluster.crash();
    cluster.restart().unwrap();
    assert_eq!(
        cluster.rows("select x from kept").unwrap()[0][0].as_deref(),
        Some("7")
    );

    let (dir, pid) = (cluster.dir().to_owned(), cluster.pid().unwrap());
    drop(cluster);
    assert!(!dir.exists());
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
}

#[test]
fn answers_inside_a_runtime_too() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let cluster = PgCluster::start_usual().unwrap();
        cluster
            .execute("create role someone login password 'pw'")
            .unwrap();
        let client = cluster.connect("someone", "pw", "postgres").await.unwrap();
        let row = client
            .query_one("select current_user::text", &[])
            .await
            .unwrap();
        assert_eq!(row.get::<_, String>(0), "someone");
    });
}

/// Not a test: what `goes_when_its_test_is_killed` kills.
#[test]
#[ignore = "started by another test, and killed by it"]
fn holds_a_cluster() {
    let cluster = PgCluster::start_usual().unwrap();
    println!("pid {} {}", cluster.pid().unwrap(), cluster.dir().display());
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn goes_when_its_test_is_killed() {
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "postgres::holds_a_cluster",
            "--ignored",
            "--nocapture",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(holder.stdout.take().unwrap());
    let pid = said.lines().find_map(|line| {
        let line = line.unwrap();
        let (pid, dir) = line.split_once("pid ")?.1.split_once(' ')?;
        Some((pid.to_owned(), PathBuf::from(dir)))
    });
    let (pid, dir) = pid.unwrap();
    holder.kill().unwrap();
    holder.wait().unwrap();
    let server = PathBuf::from(format!("/proc/{pid}"));
    let until = Instant::now() + Duration::from_secs(10);
    while server.exists() {
        assert!(Instant::now() < until, "the server outlives its test");
        std::thread::sleep(Duration::from_millis(20));
    }
    // Another test may have cleared away what the killed one left.
    let _ = std::fs::remove_dir_all(dir);
}
