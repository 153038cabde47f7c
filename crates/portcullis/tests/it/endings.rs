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
