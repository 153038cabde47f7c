//! Real clients, each twice: against a bare database that holds what the sample contract shows, and
//! through the gate. Both must give the same answers; the gate's refusals come on top.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use portcullis_harness::{
    Connect, Gate, PgCluster, SUPERUSER, SUPERUSER_PASSWORD, cache_dir, sample,
};

/// Few enough for the sample's 500 rows a statement.
const PATIENTS: u32 = 200;
const CLIENT_LIMIT_SECONDS: &str = "120";

/// Where a client connects to, and what keeps that alive.
struct Target {
    connect: Connect,
    gate: Option<Gate>,
    _cluster: PgCluster,
}

fn bare() -> Target {
    let cluster = PgCluster::start_usual().unwrap();
    sample::load_clinic_as_shown(&cluster, "hospital", PATIENTS).unwrap();
    let connect = Connect {
        grant: String::new(),
        host: "127.0.0.1".to_owned(),
        port: cluster.port(),
        user: SUPERUSER.to_owned(),
        password: SUPERUSER_PASSWORD.to_owned(),
        database: "hospital".to_owned(),
    };
    Target::new(connect, None, cluster)
}

fn through_gate(edit: impl FnOnce(String) -> String) -> Target {
    let cluster = PgCluster::start_usual().unwrap();
    sample::load_clinic(&cluster, "hospital", PATIENTS).unwrap();
    let gate = Gate::before_clinic(&cluster, edit).unwrap();
    let connect = gate.grant_clinic().unwrap();
    Target::new(connect, Some(gate), cluster)
}

impl Target {
    fn new(connect: Connect, gate: Option<Gate>, cluster: PgCluster) -> Self {
        Self {
            connect,
            gate,
            _cluster: cluster,
        }
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("timeout");
        command.arg(CLIENT_LIMIT_SECONDS).arg(program);
        command
            .env("PGHOST", &self.connect.host)
            .env("PGPORT", self.connect.port.to_string());
        command
            .env("PGUSER", &self.connect.user)
            .env("PGPASSWORD", &self.connect.password);
        command
            .env("PGDATABASE", &self.connect.database)
            .env("PGSSLMODE", "disable");
        command
            .env("PGCONNECT_TIMEOUT", "10")
            .env("PATIENTS", PATIENTS.to_string());
        command.env("AGAINST", if self.gate.is_some() { "gate" } else { "bare" });
        command
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::null());
        command
    }

    /// A script that says `done` at its end.
    fn script(&self, command: &mut Command) {
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.ends_with("done\n"),
            "{}\n{said}\n{}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr),
            self.gate.as_ref().map(Gate::server_log).unwrap_or_default(),
        );
    }

    fn python(&self, script: &str) {
        self.script(
            self.command(cache_dir().join("venv/bin/python"))
                .arg(clients().join(script)),
        );
    }

    fn node(&self, script: &str) {
        let mut command = self.command("node");
        command.env("DRIVERS", cache_dir().join("npm"));
        self.script(command.arg(clients().join(script)));
    }

    fn java(&self, source: &str) {
        let mut command = self.command("java");
        // No tiered compilation to the end and one small heap: a few seconds of CPU less.
        command.args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m"]);
        self.script(
            command
                .args(["-cp", "/usr/share/java/postgresql.jar"])
                .arg(clients().join(source)),
        );
    }

    fn psql(&self, commands: &[&str]) -> Output {
        let mut command = self.command("psql");
        command.args(["-X", "-At", "-v", "VERBOSITY=verbose"]);
        for one in commands {
            command.args(["-c", one]);
        }
        command.output().unwrap()
    }

    /// Commands that must succeed; what they printed.
    fn psql_says(&self, commands: &[&str]) -> String {
        let output = self.psql(commands);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complained = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{commands:?}: {said}{complained}");
        said
    }

    fn pgbench(&self, mode: &str) {
        let output = self
            .command("pgbench")
            .args(["-n", "-c", "4", "-j", "2", "-t", "50", "-M", mode, "-f"])
            .arg(clients().join("look-up.pgbench"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.contains("processed: 200/200"),
            "{mode}: {said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/clients")
}

fn psql_everyday(target: &Target) {
    assert_eq!(target.psql_says(&["select 1"]), "1\n");
    let described = target.psql_says(&["\\d clinic.patients"]);
    let columns: Vec<&str> = described
        .lines()
        .filter_map(|line| line.split('|').next())
        .take(7)
        .collect();
    assert_eq!(
        columns,
        [
            "patient_id",
            "name",
            "id_card",
            "phone",
            "birth_date",
            "sex",
            "hospital_ward"
        ],
        "{described}"
    );
    assert!(!described.contains("diagnosis"), "{described}");
    let tables = target.psql_says(&["\\dt+ clinic.*"]);
    assert_eq!(tables.lines().count(), 2, "{tables}");
    assert!(
        tables.contains("patients") && tables.contains("visits"),
        "{tables}"
    );
    assert!(!tables.contains("staff_secrets"), "{tables}");
    target.psql_says(&["\\d", "\\dn", "\\du", "\\df clinic.*", "\\di clinic.*"]);
    assert!(target.psql_says(&["\\l"]).contains("hospital"));

    let row = target.psql_says(&["select name, id_card from clinic.patients where patient_id = 7"]);
    assert_eq!(row, "W*******|**************0007\n");
    let two = target.psql_says(&["select 1; select count(*) from clinic.patients"]);
    assert_eq!(two, "1\n180\n");
    let kept = target.psql_says(&[
        "begin",
        "select 1",
        "savepoint a",
        "rollback to a",
        "commit",
    ]);
    assert!(kept.contains("BEGIN") && kept.contains("COMMIT"), "{kept}");
}

#[test]
fn psql_bare() {
    let target = bare();
    psql_everyday(&target);
    let copied = target.psql_says(&["\\copy clinic.visits to stdout"]);
    assert_eq!(copied.lines().count(), 600);
}

#[test]
fn psql_through_gate() {
    let target = through_gate(|contract| contract);
    psql_everyday(&target);
    for (statement, state, reason) in [
        (
            "select diagnosis from clinic.patients",
            "42501",
            "scope.column",
        ),
        ("select * from clinic.staff_secrets", "42501", "scope.table"),
        (
            "select 1; select * from clinic.staff_secrets",
            "42501",
            "scope.table",
        ),
        ("\\copy clinic.visits to stdout", "42501", "method.export"),
        ("drop table clinic.visits", "42501", "method."),
        ("listen x", "0A000", ""),
    ] {
        let output = target.psql(&[statement]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{statement} passed");
        let (state, reason) = (format!("{state}: "), format!("portcullis[{reason}"));
        assert!(
            said.contains(&state) && said.contains(&reason),
            "{statement}: {said}"
        );
        assert!(said.contains("HINT"), "{statement}: {said}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{statement}");
    }
}

#[test]
fn psql_copies_where_export_is_named() {
    let target = through_gate(|contract| {
        contract
            .replace("lookup    = {}", "lookup    = {}\nexport = {}")
            .replace("rows_per_statement = 500", "rows_per_statement = 5000")
    });
    let copied = target.psql_says(&["\\copy clinic.visits to stdout"]);
    assert_eq!(copied.lines().count(), 600);
    let copied =
        target.psql_says(&["\\copy (select patient_id, name from clinic.patients) to stdout"]);
    assert_eq!(copied.lines().count(), 180);
    assert!(copied.lines().all(|line| line.ends_with('*')), "{copied}");
}

#[test]
fn pgbench_bare() {
    let target = bare();
    ["simple", "extended", "prepared"]
        .iter()
        .for_each(|mode| target.pgbench(mode));
}

#[test]
fn pgbench_through_gate() {
    let target = through_gate(|contract| contract);
    ["simple", "extended", "prepared"]
        .iter()
        .for_each(|mode| target.pgbench(mode));
}

/// pgbench's own script, with its questions about its tables at the start.
#[test]
fn pgbench_select_only_through_gate() {
    let cluster = PgCluster::start_usual().unwrap();
    sample::load_pgbench(&cluster, "bench", 1).unwrap();
    let gate = Gate::start().unwrap();
    let connect = gate.apply_pgbench(&cluster, "bench").unwrap();
    let target = Target::new(connect, Some(gate), cluster);
    for mode in ["simple", "extended", "prepared"] {
        let output = target
            .command("pgbench")
            .args(["-n", "-S", "-c", "4", "-j", "2", "-t", "100", "-M", mode])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let complained = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{mode}: {said}{complained}");
        assert!(
            said.contains("processed: 400/400"),
            "{mode}: {said}{complained}"
        );
    }
}

#[test]
fn python_drivers_bare() {
    let target = bare();
    target.python("psycopg_client.py");
    target.python("asyncpg_client.py");
    target.python("sqlalchemy_client.py");
}

#[test]
fn psycopg_through_gate() {
    through_gate(|contract| contract).python("psycopg_client.py");
}

#[test]
fn asyncpg_through_gate() {
    through_gate(|contract| contract).python("asyncpg_client.py");
}

#[test]
fn sqlalchemy_through_gate() {
    through_gate(|contract| contract).python("sqlalchemy_client.py");
}

#[test]
fn node_bare() {
    bare().node("node_client.mjs");
}

#[test]
fn node_through_gate() {
    through_gate(|contract| contract).node("node_client.mjs");
}

#[test]
fn jdbc_bare() {
    bare().java("JdbcClient.java");
}

#[test]
fn jdbc_through_gate() {
    through_gate(|contract| contract).java("JdbcClient.java");
}

async fn rust_client(target: &Target) {
    let url = format!(
        "host={} port={} user='{}' password='{}' dbname={} sslmode=disable",
        target.connect.host,
        target.connect.port,
        target.connect.user,
        target.connect.password,
        target.connect.database
    );
    let (mut client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let by_id = "select patient_id, name from clinic.patients where patient_id = $1";
    let statement = client.prepare(by_id).await.unwrap();
    assert_eq!(statement.columns()[1].name(), "name");
    // Sent together: tokio-postgres pipelines what is polled together.
    let ids = [1, 2, 3];
    let (a, b, c) = {
        let one = async |id: i32| client.query_one(&statement, &[&id]).await;
        tokio::join!(one(ids[0]), one(ids[1]), one(ids[2]))
    };
    let got: Vec<i32> = [a, b, c]
        .into_iter()
        .map(|row| row.unwrap().get(0))
        .collect();
    assert_eq!(got, ids);

    let transaction = client.transaction().await.unwrap();
    let portal = transaction
        .bind(
            "select patient_id from clinic.patients order by patient_id",
            &[],
        )
        .await
        .unwrap();
    let mut fetched = 0;
    loop {
        let rows = transaction.query_portal(&portal, 50).await.unwrap();
        fetched += rows.len();
        if rows.len() < 50 {
            break;
        }
    }
    assert_eq!(fetched, 180);
    transaction.commit().await.unwrap();

    let error = client.query("select 1 / 0", &[]).await.unwrap_err();
    assert_eq!(error.code().unwrap().code(), "22012");
    assert_eq!(
        client
            .query_one("select 1", &[])
            .await
            .unwrap()
            .get::<_, i32>(0),
        1
    );
}

fn run(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future);
}

#[test]
fn tokio_postgres_bare() {
    let target = bare();
    run(rust_client(&target));
}

#[test]
fn tokio_postgres_through_gate() {
    let target = through_gate(|contract| contract);
    run(rust_client(&target));
}

/// To try a client by hand: prints the environment that a script needs, and waits.
#[test]
#[ignore = "for trying things by hand: `--run-ignored only --no-capture holds_a_gate`"]
fn holds_a_gate() {
    let target = through_gate(|contract| contract);
    let connect = &target.connect;
    println!(
        "export PGHOST={} PGPORT={} PGUSER='{}' PGPASSWORD='{}' PGDATABASE={} PGSSLMODE=disable PATIENTS={PATIENTS} AGAINST=gate",
        connect.host, connect.port, connect.user, connect.password, connect.database
    );
    std::thread::sleep(std::time::Duration::from_secs(900));
}
