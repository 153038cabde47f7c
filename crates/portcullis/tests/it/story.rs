//! From an empty directory to a grant, and back out through the log.

use portcullis_harness::Gate;

use crate::clinic::{gate, request, text};

#[test]
fn from_init_to_a_verified_log() {
    let mut gate = gate();
    let id = request(&gate, 0);
    let approved = gate.officer(1).run(&["grant", "approve", &id]).unwrap();
    assert_eq!(text(&approved, "/grant/state"), "live");
    assert_eq!(text(&approved, "/connect/user"), "li.wei");
    assert_eq!(text(&approved, "/connect/database"), "hospital");
    assert_eq!(text(&approved, "/connect/port"), gate.pg_port().to_string());
    assert!(text(&approved, "/connect/password").len() >= 24);
    assert!(approved.pointer("/grant/verifier").is_none());

    let events = gate.log_export().unwrap();
    let kinds: Vec<_> = events.iter().map(|event| text(event, "/kind")).collect();
    for (seq, event) in events.iter().enumerate() {
        assert_eq!(text(event, "/seq"), seq.to_string());
        assert!(event.pointer("/at").is_some() && event.pointer("/actor").is_some());
    }
    for kind in [
        "officer.added",
        "change.requested",
        "change.approved",
        "grant.requested",
        "grant.approved",
    ] {
        assert!(kinds.iter().any(|k| k == kind), "no {kind} in {kinds:?}");
    }
    let approved = events
        .iter()
        .find(|event| text(event, "/kind") == "change.approved")
        .unwrap();
    assert!(approved.pointer("/items/0/after").is_some(), "{approved}");
    assert_eq!(text(approved, "/actor"), "officer:zhao");
    let all = format!("{events:?}");
    assert!(!all.contains("SCRAM-SHA-256"), "a verifier was exported");

    let checkpoint = gate.officer(2).run(&["log", "checkpoint"]).unwrap();
    let kept = gate.path("kept.json");
    std::fs::write(&kept, checkpoint.to_string()).unwrap();
    let proof = gate.officer(2).run(&["log", "prove", "3"]).unwrap();
    assert!(text(&proof, "/leaf").contains("\"kind\":"));
    assert_eq!(gate.stop().unwrap(), 0);
    let verified = gate
        .log_verify(&["--checkpoint", kept.to_str().unwrap()])
        .unwrap();
    assert_eq!(verified.code, 0, "{}", verified.stdout);
    assert_eq!(text(&verified.json, "/ok"), "true");
    assert_eq!(
        text(&verified.json, "/extends_kept"),
        text(&checkpoint, "/size")
    );
}

#[test]
fn what_tightens_is_at_once_what_loosens_waits_and_the_same_is_nothing() {
    let gate = gate();
    let contract = std::fs::read_to_string(gate.path("contract.toml")).unwrap();
    let apply = |text: &str| {
        let path = gate.path("contract.toml");
        std::fs::write(&path, text).unwrap();
        gate.officer(0)
            .run(&["apply", path.to_str().unwrap()])
            .unwrap()
    };
    assert_eq!(
        apply(&contract)
            .pointer("/changes")
            .unwrap()
            .as_array()
            .unwrap()
            .len(),
        0
    );
    let tighter = apply(&contract.replace("subjects_per_day   = 2000", "subjects_per_day   = 20"));
    assert_eq!(text(&tighter, "/changes/0/effect"), "tightens");
    assert_eq!(text(&tighter, "/changes/0/state"), "applied");
    let looser = apply(&contract);
    assert_eq!(text(&looser, "/changes/0/effect"), "loosens");
    assert_eq!(text(&looser, "/changes/0/state"), "pending");
    let id = text(&looser, "/changes/0/id");
    let again = apply(&contract);
    assert_eq!(
        text(&again, "/changes/0/id"),
        id,
        "what waits is not asked twice"
    );
    assert_eq!(
        gate.officer(0)
            .try_run(&["change", "approve", &id])
            .unwrap()
            .code,
        3
    );
    let done = gate.officer(1).run(&["change", "approve", &id]).unwrap();
    assert_eq!(text(&done, "/change/state"), "applied");
    assert_eq!(
        gate.officer(1)
            .try_run(&["change", "approve", &id])
            .unwrap()
            .code,
        2
    );
    assert_eq!(
        gate.officer(0)
            .try_run(&["change", "deny", "c-none", "--why", "x"])
            .unwrap()
            .code,
        2
    );
}

#[test]
fn suspending_takes_one_officer_and_resuming_two() {
    let gate = gate();
    gate.officer(1)
        .run(&["person", "suspend", "li.wei", "--why", "odd reading"])
        .unwrap();
    let refused = gate.officer(0).try_run(&crate::clinic::REQUEST).unwrap();
    assert_eq!(
        (refused.code, text(&refused.json, "/error/code").as_str()),
        (2, "person.suspended")
    );
    let asked = gate
        .officer(1)
        .run(&["person", "resume", "li.wei"])
        .unwrap();
    let id = text(&asked, "/change/id");
    assert_eq!(
        gate.officer(1)
            .try_run(&["change", "approve", &id])
            .unwrap()
            .code,
        3
    );
    assert_eq!(
        gate.officer(1)
            .try_run(&["person", "resume", "li.wei"])
            .unwrap()
            .code,
        3
    );
    let done = gate
        .officer(0)
        .run(&["person", "resume", "li.wei"])
        .unwrap();
    assert_eq!(
        (text(&done, "/change/id"), text(&done, "/change/state")),
        (id, "applied".to_owned())
    );
    request(&gate, 0);
}

#[test]
fn a_grant_ends_by_itself_and_by_an_officer() {
    let gate = gate();
    let asked = gate
        .officer(0)
        .run(&[
            "grant",
            "request",
            "--person",
            "li.wei",
            "--contract",
            "clinic-ops-2026",
            "--resource",
            "hospital",
            "--purpose",
            "tickets",
            "--for",
            "2s",
        ])
        .unwrap();
    let short = text(&asked, "/grant/id");
    gate.officer(1).run(&["grant", "approve", &short]).unwrap();
    let long = request(&gate, 0);
    let connect = gate.officer(1).run(&["grant", "approve", &long]).unwrap();
    assert_eq!(text(&connect, "/connect/user"), format!("li.wei+{long}"));
    std::thread::sleep(std::time::Duration::from_millis(2600));
    gate.officer(1)
        .run(&["grant", "revoke", &long, "--why", "done early"])
        .unwrap();
    let listed = gate.officer(2).run(&["grant", "list"]).unwrap();
    let state = |id: &str| {
        let grants = listed.pointer("/grants").unwrap().as_array().unwrap();
        text(
            grants
                .iter()
                .find(|grant| text(grant, "/id") == id)
                .unwrap(),
            "/state",
        )
    };
    assert_eq!(
        (state(&short).as_str(), state(&long).as_str()),
        ("ended", "revoked")
    );
    assert_eq!(gate.events("grant.ended").unwrap().len(), 1);
    assert_eq!(
        text(
            &gate.officer(2).run(&["grant", "list", "--open"]).unwrap(),
            "/grants"
        ),
        "[]"
    );
}

#[test]
fn an_unreachable_database_is_exit_4_and_nothing_is_applied() {
    let gate = Gate::start().unwrap();
    std::fs::write(gate.path("steward.password"), "wrong").unwrap();
    let resource = std::fs::read_to_string("../../examples/clinic/resource.toml").unwrap();
    let contract = std::fs::read_to_string("../../examples/clinic/contract.toml").unwrap();
    let vendor = std::fs::read_to_string("../../examples/clinic/vendor.toml").unwrap();
    let path = gate.path("all.toml");
    // Nobody listens on port 1.
    std::fs::write(
        &path,
        format!("{vendor}\n{}\n{contract}", resource.replace(":5432", ":1")),
    )
    .unwrap();
    let answer = gate
        .officer(0)
        .try_run(&["apply", path.to_str().unwrap()])
        .unwrap();
    assert_eq!(answer.code, 4, "{}", answer.stdout);
    let changes = gate.officer(0).run(&["change", "list", "--all"]).unwrap();
    assert_eq!(text(&changes, "/changes"), "[]");
}
