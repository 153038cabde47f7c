//! Who may what, from outside: each command with each kind of token.

use crate::clinic::{gate, request, text};

/// A command, and the exit codes for an admin, an approver, an auditor, a person. The commands name
/// things that do not exist, so whoever may run them is told 2 and nothing changes.
const MATRIX: &[(&[&str], [i32; 4])] = &[
    (&["change", "list"], [0, 0, 0, 3]),
    (&["change", "approve", "c-none"], [3, 2, 3, 3]),
    (&["change", "deny", "c-none", "--why", "x"], [2, 2, 3, 3]),
    (&["person", "token", "nobody"], [2, 2, 3, 3]),
    (&["person", "suspend", "nobody", "--why", "x"], [2, 2, 3, 3]),
    (&["person", "resume", "nobody"], [2, 2, 3, 3]),
    (&["contract", "suspend", "none", "--why", "x"], [2, 2, 3, 3]),
    (&["contract", "resume", "none"], [2, 2, 3, 3]),
    (&["contract", "new", "--from", "none"], [2, 3, 3, 3]),
    (&["officer", "token", "nobody"], [2, 2, 3, 3]),
    (&["resource", "detach", "none"], [2, 3, 3, 3]),
    (&["resource", "attach", "none"], [2, 3, 3, 3]),
    (&["plan", "none", "--contract", "none"], [2, 2, 2, 3]),
    (&["grant", "approve", "g-none"], [3, 2, 3, 3]),
    (&["grant", "deny", "g-none", "--why", "x"], [3, 2, 3, 3]),
    (&["grant", "revoke", "g-none", "--why", "x"], [2, 2, 3, 3]),
    (&["grant", "list"], [0, 0, 0, 0]),
    (&["session", "list"], [0, 0, 0, 3]),
    (&["session", "end", "s-none", "--why", "x"], [2, 2, 3, 3]),
    (&["log", "export"], [0, 0, 0, 3]),
    (&["log", "checkpoint"], [0, 0, 0, 3]),
    (&["log", "prove", "0"], [0, 0, 0, 3]),
];

#[test]
fn each_role_may_what_the_table_says() {
    let gate = crate::clinic::gate();
    // chen is admin and approver; to see the roles apart, the matrix asks for the union of his.
    let person = text(
        &gate.officer(1).run(&["person", "token", "li.wei"]).unwrap(),
        "/token",
    );
    for (command, [admin, approver, auditor, by_person]) in MATRIX {
        let both = if *admin == 3 { *approver } else { *admin };
        let ask = |token: &str| gate.actor(token).try_run(command).unwrap();
        let expected = [(0, both), (1, *approver), (2, *auditor)];
        for (officer, code) in expected {
            let answer = ask(gate.officer(officer).token());
            assert_eq!(
                answer.code, code,
                "officer {officer}: {command:?}: {}",
                answer.stdout
            );
        }
        let answer = ask(&person);
        assert_eq!(
            answer.code, *by_person,
            "person: {command:?}: {}",
            answer.stdout
        );
        let answer = ask("pct_nobody");
        assert_eq!(answer.code, 3, "nobody: {command:?}: {}", answer.stdout);
        if command[1] != "export" {
            assert_eq!(text(&answer.json, "/error/code"), "authority.token");
        }
    }
    let refused = gate.events("officer.refused").unwrap();
    assert!(
        refused
            .iter()
            .any(|event| text(event, "/actor") == "officer:wu")
    );
    assert!(
        refused
            .iter()
            .any(|event| text(event, "/actor") == "person:li.wei")
    );
    assert!(
        refused
            .iter()
            .any(|event| text(event, "/actor") == "unknown")
    );
}

#[test]
fn a_person_requests_for_himself_and_sees_his_own() {
    let gate = gate();
    let token = text(
        &gate.officer(0).run(&["person", "token", "li.wei"]).unwrap(),
        "/token",
    );
    let other = text(
        &gate
            .officer(0)
            .run(&["person", "token", "sun.hao"])
            .unwrap(),
        "/token",
    );
    let asked = gate.actor(&token).run(&crate::clinic::REQUEST).unwrap();
    let id = text(&asked, "/grant/id");
    assert_eq!(
        gate.actor(&other)
            .try_run(&crate::clinic::REQUEST)
            .unwrap()
            .code,
        3,
        "for somebody else"
    );
    let seen = gate.actor(&other).run(&["grant", "list", "--all"]).unwrap();
    assert_eq!(text(&seen, "/grants"), "[]");
    let seen = gate.actor(&token).run(&["grant", "list"]).unwrap();
    assert_eq!(text(&seen, "/grants/0/id"), id);
    assert_eq!(
        gate.actor(&token)
            .try_run(&["grant", "approve", &id])
            .unwrap()
            .code,
        3
    );
    let by_issuer = gate.officer(0).try_run(&["grant", "approve", &id]).unwrap();
    assert_eq!(
        by_issuer.code, 3,
        "he issued the token that asked: {}",
        by_issuer.stdout
    );
    gate.officer(1).run(&["grant", "approve", &id]).unwrap();
}

#[test]
fn nobody_approves_his_own_and_tokens_change_hands_by_another() {
    let gate = gate();
    let id = request(&gate, 0);
    let own = gate.officer(0).try_run(&["grant", "approve", &id]).unwrap();
    assert_eq!(
        (own.code, text(&own.json, "/error/code").as_str()),
        (3, "authority.same_officer")
    );
    assert_eq!(
        gate.officer(1)
            .try_run(&["officer", "token", "zhao"])
            .unwrap()
            .code,
        3
    );
    let new = text(
        &gate.officer(0).run(&["officer", "token", "zhao"]).unwrap(),
        "/token",
    );
    assert_eq!(
        gate.officer(1).try_run(&["change", "list"]).unwrap().code,
        3,
        "the old token is over"
    );
    gate.actor(&new).run(&["change", "list"]).unwrap();
    let by_proxy = gate
        .actor(&new)
        .try_run(&["grant", "approve", &id])
        .unwrap();
    assert_eq!(
        by_proxy.code, 3,
        "chen has seen zhao's new token: {}",
        by_proxy.stdout
    );
}

#[test]
fn wrong_usage_is_exit_2_and_no_server_exit_4() {
    let mut gate = gate();
    let run = |args: &[&str]| gate.officer(0).try_run(args).unwrap().code;
    assert_eq!(run(&["grant", "request", "--person", "li.wei"]), 2);
    assert_eq!(run(&["no-such-command"]), 2);
    assert_eq!(run(&["change", "deny", "c-none"]), 2);
    assert_eq!(gate.actor("").try_run(&["--help"]).unwrap().code, 0);
    gate.stop().unwrap();
    let answer = gate.officer(0).try_run(&["change", "list"]).unwrap();
    assert_eq!(answer.code, 4, "{}", answer.stdout);
}
