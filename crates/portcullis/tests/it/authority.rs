//! Who may what, from outside: each command with each kind of token.

use crate::clinic::{gate, request, text};
use crate::solo::Solo;

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
    (&["explain", "--contract", "none", "SELECT 1"], [2, 2, 2, 3]),
    (&["disclosed", "--to", "nobody"], [2, 2, 2, 3]),
    (&["disclosed", "--to", "nobody", "--list"], [2, 2, 2, 3]),
    (&["disclosed", "--subject", "5"], [2, 2, 2, 3]),
];

#[test]
fn each_role_may_what_the_table_says() {
    let solo = Solo::start(&["ada:admin", "bo:approver", "cy:approver", "di:auditor"]);
    for (command, [admin, approver, auditor, _]) in MATRIX {
        let code = |token: &str| solo.run(token, command).status.code().unwrap();
        let asked = [0, 1, 3].map(|officer| code(&solo.tokens[officer]));
        assert_eq!(asked, [*admin, *approver, *auditor], "{command:?}");
        assert_eq!(code("pct_nobody"), 3, "nobody: {command:?}");
    }
    let export = solo.run(&solo.tokens[3], &["log", "export"]);
    let export = String::from_utf8(export.stdout).unwrap();
    for actor in ["officer:ada", "officer:bo", "officer:di", "unknown"] {
        let refused = export
            .lines()
            .any(|line| line.contains("officer.refused") && line.contains(actor));
        assert!(refused, "{actor}: {export}");
    }
}

#[test]
fn a_persons_token_opens_his_own_grants_alone() {
    let gate = gate();
    let person = text(
        &gate.officer(1).run(&["person", "token", "li.wei"]).unwrap(),
        "/token",
    );
    for (command, [.., by_person]) in MATRIX {
        let answer = gate.actor(&person).try_run(command).unwrap();
        assert_eq!(answer.code, *by_person, "{command:?}: {}", answer.stdout);
    }
    let refused = gate.events("officer.refused").unwrap();
    assert!(
        refused
            .iter()
            .any(|event| text(event, "/actor") == "person:li.wei")
    );
}

#[test]
fn requests_that_make_no_sense_are_told_so_in_one_shape() {
    let solo = Solo::start(&["ada:admin,approver", "bo:approver"]);
    let token = &solo.tokens[0];
    let send = |line: &str, token: &str, body: &str| {
        let length = body.len();
        solo.http(&format!(
            "{line} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\nconnection: close\r\n\r\n{body}"
        ))
    };
    let cases = [
        ("POST /v1/apply", "{", 422),
        ("POST /v1/apply", "{\"files\":7}", 422),
        ("POST /v1/grants", "{}", 422),
        ("GET /v1/log/prove/x", "", 422),
        ("GET /v1/log/prove/999999", "", 422),
        ("GET /v1/log/export?from=-1", "", 422),
        ("GET /v1/none", "", 422),
        ("POST /v1/changes/..%2f..%2fx/approve", "", 422),
    ];
    for (line, body, status) in cases {
        let (code, answer) = send(line, token, body);
        assert_eq!(code, status, "{line}: {answer}");
        assert!(
            answer.contains("\"error\"") && answer.contains("\"exit\":2"),
            "{line}: {answer}"
        );
    }
    assert_eq!(send("GET /v1/changes", "", "").0, 401);
    assert_eq!(
        solo.http("GET /v1/changes HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            .0,
        401
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
    let seen = gate.actor(&other).run(&["grant", "list"]).unwrap();
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
    assert_eq!(
        gate.actor("").try_run(&["change", "list"]).unwrap().code,
        3,
        "nobody acts"
    );
    gate.stop().unwrap();
    let answer = gate.officer(0).try_run(&["change", "list"]).unwrap();
    assert_eq!(answer.code, 4, "{}", answer.stdout);
}
