//! `portcullis explain`: the answer to each kind of statement, who may ask, and what stays behind.

use std::io::Write as _;
use std::process::{Command, Stdio};

use portcullis_harness::Gate;
use serde_json::Value;

use crate::clinic::{cluster, gate, text};

const CONTRACT: &str = "clinic-ops-2026";

fn ask(gate: &Gate, officer: usize, args: &[&str]) -> (i32, Value) {
    asked(gate, gate.officer(officer).token(), args)
}

fn asked(gate: &Gate, token: &str, args: &[&str]) -> (i32, Value) {
    let mut all = vec!["explain", "--contract", CONTRACT];
    all.extend(args);
    let answer = gate.actor(token).try_run(&all).unwrap();
    (answer.code, answer.json)
}

#[test]
fn an_allowed_statement_shows_its_footprint_and_what_would_travel() {
    let gate = gate();
    let sql =
        "SELECT p.name, v.cost FROM clinic.patients p JOIN clinic.visits v USING (patient_id)";
    let (code, answer) = ask(
        &gate,
        2,
        &["--person", "li.wei", "--purpose", "tickets", sql],
    );
    assert_eq!(code, 0, "{answer}");
    let at = |pointer: &str| text(&answer, pointer);
    assert_eq!(at("/allowed"), "true");
    assert_eq!(at("/resource"), "hospital");
    assert_eq!(at("/statements/0/decision"), "allowed");
    assert_eq!(at("/statements/0/footprint/methods"), "[\"lookup\"]");
    assert_eq!(at("/statements/0/footprint/shape"), "rows");
    assert_eq!(
        at("/statements/0/footprint/joins"),
        "[[\"clinic.patients\",\"clinic.visits\"]]"
    );
    let tables = answer.pointer("/statements/0/footprint/tables").unwrap();
    let patients = &tables[0];
    assert_eq!(text(patients, "/table"), "clinic.patients");
    assert_eq!(text(patients, "/rows_filtered"), "true");
    let mask = |column: &str| {
        let columns = patients["columns"].as_array().unwrap();
        let found = columns.iter().find(|c| c["column"] == column);
        found.unwrap()["mask"].clone()
    };
    assert_eq!(mask("name"), "first 1");
    assert_eq!(mask("patient_id"), Value::Null);
    assert_eq!(
        at("/statements/0/footprint/subjects/0/column"),
        "patient_id"
    );
    let cleared = at("/statements/0/cleared");
    assert!(
        cleared.contains("portcullis_clinic_ops_2026") && cleared.contains("portcullis_tap"),
        "{cleared}"
    );
    let day = answer["budgets"]
        .as_array()
        .unwrap()
        .iter()
        .find(|ceiling| ceiling["key"] == "subjects_per_day")
        .unwrap();
    assert_eq!(
        (day["limit"].as_u64(), day["left"].as_u64()),
        (Some(2000), Some(2000))
    );

    let (code, answer) = ask(
        &gate,
        0,
        &["SELECT sex, count(*) FROM clinic.patients GROUP BY 1"],
    );
    assert_eq!(code, 0, "{answer}");
    assert_eq!(text(&answer, "/statements/0/footprint/min_group"), "5");
    assert_eq!(text(&answer, "/statements/0/footprint/subjects"), "[]");
    let day = answer["budgets"].as_array().unwrap();
    let day = day.iter().find(|c| c["key"] == "subjects_per_day").unwrap();
    assert_eq!(day["left"], Value::Null, "nobody was named: {day}");
}

#[test]
fn a_refusal_has_its_reason_its_clause_and_its_place() {
    let gate = gate();
    let sql = "SELECT 1;\nSELECT '李伟', diagnosis\nFROM clinic.patients";
    let (code, answer) = ask(&gate, 0, &[sql]);
    assert_eq!(code, 1, "{answer}");
    let at = |pointer: &str| text(&answer, pointer);
    assert_eq!(at("/statements/0/decision"), "allowed");
    assert_eq!(at("/statements/1/refusal/reason"), "scope.column");
    assert_eq!(at("/statements/1/refusal/sqlstate"), "42501");
    assert!(at("/statements/1/refusal/detail").contains("scope"));
    assert_eq!(at("/statements/1/refusal/place/piece"), "diagnosis");
    assert_eq!(at("/statements/1/refusal/place/position"), "14");
    assert_eq!(at("/statements/1/refusal/place/line"), "2");
    assert_eq!(at("/statements/1/refusal/place/column"), "14");

    // What is hidden and what isn't there get one answer.
    let told = |table: &str, column: &str| {
        let sql = format!("SELECT {column} FROM {table}");
        let (code, answer) = ask(&gate, 0, &[&sql]);
        assert_eq!(code, 1);
        answer["statements"][0]["refusal"]
            .to_string()
            .replace(table, "TABLE")
            .replace(column, "COLUMN")
    };
    assert_eq!(
        told("clinic.staff_secrets", "salary"),
        told("clinic.staff_nowhere", "salari")
    );
    assert_eq!(
        told("clinic.patients", "diagnosis"),
        told("clinic.patients", "diagnozis")
    );
}

#[test]
fn every_kind_of_statement_has_an_answer() {
    let gate = gate();
    let cases = [
        ("SELEC 1", "refused", "syntax"),
        (
            "SELECT name FROM clinic.patients WHERE",
            "refused",
            "syntax",
        ),
        ("SELECT 'open", "refused", "syntax"),
        ("COPY clinic.patients TO STDOUT", "refused", "method.export"),
        ("DELETE FROM clinic.patients", "refused", "method.modify"),
        ("VACUUM clinic.patients", "refused", "method.tuning"),
        (
            "EXPLAIN SELECT name FROM clinic.patients",
            "refused",
            "method.plan",
        ),
        ("SET statement_timeout = 5", "allowed", ""),
        ("BEGIN", "allowed", ""),
        ("SELECT 1", "allowed", ""),
        ("EXPLAIN (PORTCULLIS) SELEC 1", "allowed", ""),
        ("/* nothing */", "allowed", ""),
    ];
    for (sql, decision, reason) in cases {
        let (code, answer) = ask(&gate, 0, &[sql]);
        assert_eq!(code, i32::from(decision == "refused"), "{sql}: {answer}");
        assert_eq!(text(&answer, "/statements/0/decision"), decision, "{sql}");
        let told = answer.pointer("/statements/0/refusal/reason");
        let told = told.and_then(Value::as_str).unwrap_or_default();
        assert!(told.starts_with(reason), "{sql}: {answer}");
    }
    // Names that the text itself makes are known further down.
    let several = "PREPARE p AS SELECT name FROM clinic.patients WHERE patient_id = $1; EXECUTE p(7); \
                   BEGIN; DECLARE c CURSOR FOR SELECT cost FROM clinic.visits; FETCH 5 FROM c; EXECUTE q";
    let (code, answer) = ask(&gate, 0, &[several]);
    assert_eq!(code, 0, "{answer}");
    let tables = |index: usize| {
        text(
            &answer,
            &format!("/statements/{index}/footprint/tables/0/table"),
        )
    };
    assert_eq!(
        (tables(1).as_str(), tables(4).as_str()),
        ("clinic.patients", "clinic.visits")
    );
    assert!(text(&answer, "/statements/1/footprint/of").starts_with("PREPARE p AS"));
    assert!(text(&answer, "/statements/5/notes/0").contains("`q`"));
}

#[test]
fn statements_come_from_a_file_or_standard_input_up_to_a_mebibyte() {
    let gate = gate();
    let path = gate.path("ask.sql");
    let list = vec!["7"; 40_000].join(",");
    std::fs::write(
        &path,
        format!("SELECT name FROM clinic.patients WHERE patient_id IN ({list})"),
    )
    .unwrap();
    let (code, answer) = ask(&gate, 0, &["--file", path.to_str().unwrap()]);
    assert_eq!(code, 0, "{}", answer["statements"][0]["refusal"]);
    std::fs::write(&path, format!("SELECT '{}'", "李".repeat(340_000))).unwrap();
    let (code, answer) = ask(&gate, 0, &["--file", path.to_str().unwrap()]);
    assert_eq!(code, 0, "{}", answer["statements"][0]["refusal"]);
    std::fs::write(&path, format!("SELECT {}", "1,".repeat(1 << 19))).unwrap();
    let (code, answer) = ask(&gate, 0, &["--file", path.to_str().unwrap()]);
    assert_eq!(
        (code, text(&answer, "/error/code").as_str()),
        (2, "input.long")
    );
    std::fs::write(&path, "  \n").unwrap();
    assert_eq!(ask(&gate, 0, &["--file", path.to_str().unwrap()]).0, 2);
    assert_eq!(ask(&gate, 0, &["--file", "/nowhere/ask.sql"]).0, 2);
}

#[test]
fn officers_ask_about_all_and_persons_about_their_own_and_all_is_on_record() {
    let gate = gate();
    let token = |person: &str| {
        let answer = gate.officer(1).run(&["person", "token", person]).unwrap();
        text(&answer, "/token")
    };
    let li = token("li.wei");
    let (code, answer) = asked(&gate, &li, &["SELECT name FROM clinic.patients"]);
    assert_eq!(code, 0, "{answer}");
    assert_eq!(text(&answer, "/person"), "li.wei");
    for officer in 0..3 {
        assert_eq!(ask(&gate, officer, &["SELECT 1"]).0, 0);
    }
    let code_of = |args: &[&str], token: &str| {
        let answer = gate.actor(token).try_run(args).unwrap();
        (answer.code, text(&answer.json, "/error/code"))
    };
    let cases = [
        (
            vec!["explain", "--contract", "none", "SELECT 1"],
            2,
            "contract.unknown",
            3,
            "authority.own",
        ),
        (
            vec![
                "explain",
                "--contract",
                CONTRACT,
                "--person",
                "nobody",
                "SELECT 1",
            ],
            2,
            "person.unknown",
            3,
            "authority.own",
        ),
        (
            vec![
                "explain",
                "--contract",
                CONTRACT,
                "--purpose",
                "fun",
                "SELECT 1",
            ],
            2,
            "purpose.unlisted",
            2,
            "purpose.unlisted",
        ),
        (
            vec![
                "explain",
                "--contract",
                CONTRACT,
                "--resource",
                "none",
                "SELECT 1",
            ],
            2,
            "scope.resource",
            2,
            "scope.resource",
        ),
    ];
    for (args, officer, officer_code, person, person_code) in cases {
        let told = code_of(&args, gate.officer(0).token());
        assert_eq!(told, (officer, officer_code.to_owned()), "{args:?}");
        assert_eq!(
            code_of(&args, &li),
            (person, person_code.to_owned()),
            "{args:?}"
        );
    }
    gate.officer(1)
        .run(&["person", "suspend", "li.wei", "--why", "odd questions"])
        .unwrap();
    assert_eq!(asked(&gate, &li, &["SELECT 1"]).0, 3);
    let (code, answer) = ask(
        &gate,
        0,
        &[
            "--person",
            "li.wei",
            "SELECT diagnosis FROM clinic.patients",
        ],
    );
    assert_eq!(code, 1);
    assert!(text(&answer, "/notes/0").contains("odd questions"));

    let events = gate.events("explain.asked").unwrap();
    assert_eq!(events.len(), 5, "{events:?}");
    assert_eq!(text(&events[0], "/actor"), "person:li.wei");
    assert_eq!(text(&events[0], "/sql"), "SELECT name FROM clinic.patients");
    assert_eq!(text(&events[0], "/decision"), "allowed");
    let last = events.last().unwrap();
    assert_eq!(text(last, "/decision"), "refused");
    assert_eq!(text(last, "/reason"), "scope.column");
    assert!(
        gate.events("statement").unwrap().is_empty(),
        "nothing was run"
    );
}

#[test]
fn a_reader_gets_a_page_and_statements_from_standard_input() {
    let gate = gate();
    let mut child = Command::new(portcullis_harness::binary().unwrap())
        .args(["explain", "--contract", CONTRACT])
        .env("PORTCULLIS_DATA", gate.data_dir())
        .env("PORTCULLIS_TOKEN", gate.officer(2).token())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let sql = "SELECT '李伟', diagnosis FROM clinic.patients; SELECT 1;\n";
    let mut input = child.stdin.take().unwrap();
    input.write_all(sql.as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    let page = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{page}");
    let mark = format!(
        "{}^^^^^^^^^\n",
        " ".repeat(11 + "SELECT '".len() + 4 + "', ".len())
    );
    for piece in [
        "refused [scope.column]",
        mark.as_str(),
        "statement 2",
        "sent       SELECT 1",
    ] {
        assert!(page.contains(piece), "{piece:?}\n{page}");
    }
}

#[test]
fn a_stranger_cannot_tell_a_contract_from_none() {
    let gate = gate();
    let other = "[vendor.other]\nname = \"Other\"\n\n[person.\"wu.di\"]\nvendor = \"other\"\nname = \"Wu Di\"\n";
    gate.apply(&[("other.toml", other)]).unwrap();
    let token = gate.officer(1).run(&["person", "token", "wu.di"]).unwrap();
    let token = text(&token, "/token");
    let told = |contract: &str| {
        let answer = gate
            .actor(&token)
            .try_run(&["explain", "--contract", contract, "SELECT 1"])
            .unwrap();
        assert_eq!(answer.code, 3, "{}", answer.stdout);
        answer.stdout.replace(contract, "CONTRACT")
    };
    assert_eq!(told(CONTRACT), told("nothing-2026"));
    let (code, answer) = ask(&gate, 0, &["--person", "wu.di", "SELECT 1"]);
    assert_eq!(
        (code, text(&answer, "/error/code").as_str()),
        (2, "person.vendor")
    );
    assert!(gate.events("explain.asked").unwrap().is_empty());
}

#[test]
fn a_contract_file_is_tried_before_it_is_in_force() {
    let gate = gate();
    let contract = std::fs::read_to_string(gate.path("contract.toml")).unwrap();
    let path = gate.path("draft.toml");
    let draft = contract
        .replace("catalog   = {}", "export    = {}")
        .replace("\"hospital_ward\"]", "\"hospital_ward\", \"diagnosis\"]")
        .replace(CONTRACT, "clinic-draft");
    std::fs::write(&path, &draft).unwrap();
    let try_it = |sql: &str| {
        gate.officer(2)
            .try_run(&["explain", "--contract-file", path.to_str().unwrap(), sql])
            .unwrap()
    };
    let copy = try_it("COPY (SELECT diagnosis FROM clinic.patients) TO STDOUT");
    assert_eq!(copy.code, 0, "{}", copy.stdout);
    assert_eq!(text(&copy.json, "/contract"), "clinic-draft");
    assert!(text(&copy.json, "/notes/0").contains("not in force"));
    let (code, _) = ask(
        &gate,
        0,
        &["COPY (SELECT diagnosis FROM clinic.patients) TO STDOUT"],
    );
    assert_eq!(code, 1, "the one in force says no");
    let schemas = cluster()
        .rows_in(
            "hospital",
            "select 1 from pg_namespace where nspname like '%clinic_draft%'",
        )
        .unwrap();
    assert!(schemas.is_empty(), "nothing was installed");

    std::fs::write(&path, draft.replace("\"diagnosis\"]", "\"nowhere\"]")).unwrap();
    let wrong = try_it("SELECT 1");
    assert_eq!(wrong.code, 2);
    assert_eq!(text(&wrong.json, "/error/code"), "apply.invalid");
    assert!(wrong.json.pointer("/error/diagnostics/0/line").is_some());
    let person = gate.officer(1).run(&["person", "token", "li.wei"]).unwrap();
    let answer = gate
        .actor(&text(&person, "/token"))
        .try_run(&[
            "explain",
            "--contract-file",
            path.to_str().unwrap(),
            "SELECT 1",
        ])
        .unwrap();
    assert_eq!(answer.code, 3);
    assert!(gate.events("explain.asked").unwrap()[0]["draft"] == true);
}
