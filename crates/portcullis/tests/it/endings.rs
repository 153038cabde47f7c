//! What ends in the database when something ends here, and contracts that move.

use portcullis_harness::PgCluster;

use crate::clinic::{cluster, gate, text};

fn schemas(cluster: &PgCluster) -> Vec<String> {
    let sql = "select nspname from pg_namespace where nspname like 'portcullis_clinic%'";
    cluster
        .rows_in("hospital", sql)
        .unwrap()
        .into_iter()
        .map(|row| row[0].clone().unwrap())
        .collect()
}

fn wait_until(what: &str, done: impl Fn() -> bool) {
    for _ in 0..100 {
        if done() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("still not: {what}");
}

#[test]
fn a_contract_whose_last_day_is_over_leaves_the_database() {
    let gate = gate();
    assert_eq!(schemas(&cluster()).len(), 1);
    let grant = gate.grant_clinic().unwrap();
    let contract = std::fs::read_to_string(gate.path("contract.toml")).unwrap();
    let from = contract
        .find("until = ")
        .map(|at| &contract[at..at + 18])
        .unwrap();
    let path = gate.path("contract.toml");
    std::fs::write(&path, contract.replace(from, "until = 2026-01-02")).unwrap();
    let answer = gate
        .officer(0)
        .run(&["apply", path.to_str().unwrap()])
        .unwrap();
    assert_eq!(text(&answer, "/changes/0/effect"), "tightens", "{answer}");
    wait_until("the contract has ended", || {
        gate.events("contract.ended").unwrap().len() == 1
    });
    wait_until("its views are gone", || schemas(&cluster()).is_empty());
    let listed = gate.officer(2).run(&["grant", "list"]).unwrap();
    assert_eq!(
        (
            text(&listed, "/grants/0/id"),
            text(&listed, "/grants/0/state")
        ),
        (grant.grant, "ended".to_owned())
    );
    let refused = gate.officer(0).try_run(&crate::clinic::REQUEST).unwrap();
    assert_eq!(text(&refused.json, "/error/code"), "contract.ended");
}

#[test]
fn a_resource_moves_only_where_its_contracts_fit() {
    let gate = gate();
    let cluster = cluster();
    cluster.create_database("empty").unwrap();
    let resource = std::fs::read_to_string(gate.path("resource.toml")).unwrap();
    let path = gate.path("resource.toml");
    std::fs::write(&path, resource.replace("/hospital?", "/empty?")).unwrap();
    let answer = gate
        .officer(0)
        .run(&["apply", path.to_str().unwrap()])
        .unwrap();
    assert_eq!(text(&answer, "/changes/0/state"), "pending", "{answer}");
    let id = text(&answer, "/changes/0/id");
    let refused = gate
        .officer(1)
        .try_run(&["change", "approve", &id])
        .unwrap();
    assert_ne!(refused.code, 0, "{}", refused.stdout);
    let listed = gate.officer(2).run(&["change", "list"]).unwrap();
    assert_eq!(
        (
            text(&listed, "/changes/0/id"),
            text(&listed, "/changes/0/state")
        ),
        (id.clone(), "pending".to_owned())
    );
    assert_eq!(gate.events("change.failed").unwrap().len(), 1);
    assert_eq!(schemas(&cluster).len(), 1);
    gate.officer(1)
        .run(&["change", "deny", &id, "--why", "wrong database"])
        .unwrap();
}

/// A psql that has asked something and waits for more.
struct Client {
    psql: std::process::Child,
}

impl Client {
    fn connect(connect: &portcullis_harness::Connect) -> Self {
        use std::io::{BufRead as _, Write as _};
        let mut psql = std::process::Command::new("psql")
            .args(["-X", "-q", "-A", "-t", &connect.url()])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        psql.stdin
            .as_mut()
            .unwrap()
            .write_all(b"select 'here';\n")
            .unwrap();
        let mut line = String::new();
        std::io::BufReader::new(psql.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(line, "here\n");
        Self { psql }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.psql.kill();
        let _ = self.psql.wait();
    }
}

/// Ends what a session (first) under a grant (second) stands on.
type End<'a> = &'a dyn Fn(&str, &str);

#[test]
fn live_sessions_end_within_a_second_of_what_they_stand_on() {
    let gate = gate();
    let cases: [(&str, End); 4] = [
        ("session.ended", &|session, _| {
            gate.officer(1)
                .run(&["session", "end", session, "--why", "test"])
                .unwrap();
        }),
        ("grant.revoked", &|_, grant| {
            gate.officer(1)
                .run(&["grant", "revoke", grant, "--why", "test"])
                .unwrap();
        }),
        ("person.suspended", &|_, _| {
            gate.officer(1)
                .run(&["person", "suspend", "li.wei", "--why", "test"])
                .unwrap();
        }),
        ("contract.suspended", &|_, _| {
            gate.officer(1)
                .run(&["contract", "suspend", "clinic-ops-2026", "--why", "test"])
                .unwrap();
        }),
    ];
    let connects: Vec<_> = cases.iter().map(|_| gate.grant_clinic().unwrap()).collect();
    for ((reason, end), connect) in cases.iter().zip(&connects) {
        let _client = Client::connect(connect);
        let listed = gate.officer(2).run(&["session", "list"]).unwrap();
        assert_eq!(
            text(&listed, "/sessions/0/grant"),
            connect.grant,
            "{listed}"
        );
        end(&text(&listed, "/sessions/0/session"), &connect.grant);
        let ordered = std::time::Instant::now();
        wait_until("nobody is connected", || {
            text(
                &gate.officer(2).run(&["session", "list"]).unwrap(),
                "/sessions",
            ) == "[]"
        });
        assert!(
            ordered.elapsed() < std::time::Duration::from_secs(1),
            "{reason}: {:?}",
            ordered.elapsed()
        );
        let closed = gate.events("session.closed").unwrap();
        assert_eq!(text(closed.last().unwrap(), "/reason"), *reason);
        if *reason == "person.suspended" {
            gate.officer(0)
                .run(&["person", "resume", "li.wei"])
                .unwrap();
            gate.officer(1)
                .run(&["person", "resume", "li.wei"])
                .unwrap();
        }
    }
}

#[test]
fn a_session_ends_with_its_grants_time() {
    let gate = gate();
    let mut asked = crate::clinic::REQUEST;
    asked[11] = "3s";
    let id = text(&gate.officer(0).run(&asked).unwrap(), "/grant/id");
    let approved = gate.officer(1).run(&["grant", "approve", &id]).unwrap();
    let until = std::time::Instant::now() + std::time::Duration::from_secs(3);
    let connect = portcullis_harness::Connect {
        grant: id.clone(),
        host: text(&approved, "/connect/host"),
        port: text(&approved, "/connect/port").parse().unwrap(),
        user: text(&approved, "/connect/user"),
        database: text(&approved, "/connect/database"),
        password: text(&approved, "/connect/password"),
    };
    let _client = Client::connect(&connect);
    std::thread::sleep(until.saturating_duration_since(std::time::Instant::now()));
    wait_until("nobody is connected", || {
        text(
            &gate.officer(2).run(&["session", "list"]).unwrap(),
            "/sessions",
        ) == "[]"
    });
    assert!(
        until.elapsed() < std::time::Duration::from_secs(1),
        "{:?}",
        until.elapsed()
    );
    let again = std::process::Command::new("psql")
        .args(["-X", &connect.url(), "-c", "select 1"])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(told.contains("portcullis[grant."), "{told}");
}
