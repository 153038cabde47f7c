//! A leaked file leads to the sessions it came from, and to nobody else's.

use std::fs;

use portcullis_harness::sample;
use portcullis_harness::{Actor, Answer, Connect};
use serde_json::Value;

use crate::world::{World, ask, clinic, run, session, with_budget};

const PATIENTS: u32 = 4000;

/// A colleague with the same papers.
fn colleague(world: &World) -> Connect {
    let text = sample::for_all_time(sample::VENDOR_TOML);
    let from = text.find("[person.").unwrap();
    let to = text.find("# A colleague").unwrap();
    let person = text[from..to]
        .replace("li.wei", "zhou.min")
        .replace("Li Wei", "Zhou Min");
    world.gate.apply(&[("colleague.toml", &person)]).unwrap();
    world
        .gate
        .grant("zhou.min", "clinic-ops-2026", "hospital", "tickets")
        .unwrap()
}

/// Everything that a session is shown of patients `from` to `to`, in two statements.
async fn look_up(connect: &Connect, application: &str, ranges: &[(u32, u32)]) -> Vec<i32> {
    let client = session(connect, application).await.unwrap();
    let mut seen = Vec::new();
    for (from, to) in ranges {
        let sql = format!(
            "select patient_id, name from clinic.patients where patient_id between {from} and {to}"
        );
        let outcome = ask(&client, &sql).await;
        assert!(outcome.error.is_none(), "{}", outcome.message());
        seen.extend(outcome.keys);
    }
    seen
}

fn trace(actor: &Actor<'_>, world: &World, name: &str, text: &str, more: &[&str]) -> Answer {
    let path = world.gate.path(name);
    fs::write(&path, text).unwrap();
    let path = path.display().to_string();
    actor.try_run(&[&["trace", &path], more].concat()).unwrap()
}

fn session_named(world: &World, application: &str) -> String {
    let opened = world.gate.events("session.opened").unwrap();
    let found = opened
        .iter()
        .find(|event| event["application"] == application);
    found.unwrap()["session"].as_str().unwrap().to_owned()
}

fn persons(answer: &Answer) -> Vec<&str> {
    let members = answer.json["set"]["members"].as_array().unwrap();
    members
        .iter()
        .map(|member| member["person"].as_str().unwrap())
        .collect()
}

#[test]
fn a_leaked_file_names_its_sessions() {
    let mut world = clinic(PATIENTS, |contract| with_budget(contract, 500, 9000));
    let zhou = colleague(&world);
    let (collected, more) = run(async {
        let connect = &world.connect;
        look_up(connect, "work", &[(1000, 1060), (150, 170)]).await;
        look_up(&zhou, "colleague", &[(230, 420), (1500, 1700)]).await;
        let collected = look_up(connect, "collect", &[(100, 260), (261, 420)]).await;
        let more = look_up(&zhou, "second", &[(2000, 2300)]).await;
        (collected, more)
    });

    // Reordered, a fifth deleted, mixed with foreign rows; sold as a spreadsheet's export.
    let mut rows: Vec<String> = collected
        .iter()
        .filter(|id| *id % 5 != 0)
        .map(|id| format!("\"患者 {id}\";{id}.0;x{}", id % 7))
        .chain((900_000..900_030).map(|id| format!("nobody;{id};y")))
        .collect();
    rows.sort_by_key(|row| row.bytes().rev().collect::<Vec<u8>>());
    let leaked = format!("name;number;grade\r\n{}\r\n", rows.join("\r\n"));
    let answer = trace(&world.gate.officer(2), &world, "leaked.dat", &leaked, &[]);
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    assert_eq!(answer.json["file"]["format"], "csv");
    assert_eq!(answer.json["column"], "number");
    assert_eq!(persons(&answer), ["li.wei"], "{}", answer.stdout);
    assert_eq!(answer.json["set"]["unknown"], 30);
    assert_eq!(answer.json["ranked"][0]["person"], "li.wei");
    assert_eq!(answer.json["ranked"][0]["coverage_known"], 1.0);
    assert_eq!(answer.json["ranked"][1]["person"], "zhou.min");
    let trail = &answer.json["sessions"][0];
    assert_eq!(trail["person"], "li.wei");
    let first = &trail["sessions"][0];
    assert_eq!(
        first["session"],
        session_named(&world, "collect").as_str(),
        "{trail}"
    );
    assert_eq!(first["adds"], answer.json["known"]);
    assert_eq!(first["statements"].as_array().unwrap().len(), 2);
    for statement in first["statements"].as_array().unwrap() {
        let seq = statement["seqs"][0].as_u64().unwrap().to_string();
        let proof = world.gate.officer(2).run(&["log", "prove", &seq]).unwrap();
        let leaf: Value = serde_json::from_str(proof["leaf"].as_str().unwrap()).unwrap();
        assert_eq!(leaf["statement"], statement["statement"]);
        assert_eq!(leaf["person"], "li.wei");
    }

    // What two put together names both, also after a restart, from the log alone.
    world.gate.restart().unwrap();
    let both: String = collected
        .iter()
        .chain(&more)
        .map(|id| format!("{{\"p\":{{\"id\":\"{id}\"}}}}\n"))
        .collect();
    let answer = trace(&world.gate.officer(0), &world, "both.txt", &both, &[]);
    assert_eq!(answer.json["file"]["format"], "json-lines");
    let mut found = persons(&answer);
    found.sort_unstable();
    assert_eq!(found, ["li.wei", "zhou.min"], "{}", answer.stdout);

    // It was outside before any of them was asked.
    let early = trace(
        &world.gate.officer(0),
        &world,
        "leaked.dat",
        &leaked,
        &["--before", "2020-01-01"],
    );
    assert_eq!(
        (early.code, persons(&early).len()),
        (1, 0),
        "{}",
        early.stdout
    );
    // From elsewhere: some were shown to them, as it happens.
    let foreign: String = (0..400).map(|n| format!("{}\n", 1 + n * 9)).collect();
    let answer = trace(&world.gate.officer(1), &world, "foreign.csv", &foreign, &[]);
    assert_eq!(
        (answer.code, persons(&answer).len()),
        (1, 0),
        "{}",
        answer.stdout
    );
    let strangers: String = (0..50).map(|n| format!("{}\n", 7_000_000 + n)).collect();
    let answer = trace(
        &world.gate.officer(1),
        &world,
        "strangers.csv",
        &strangers,
        &[],
    );
    assert_eq!(answer.code, 1, "{}", answer.stdout);

    the_question_is_on_record(&world, &leaked);
    the_page_tells(&world);
}

/// As an officer reads it.
fn the_page_tells(world: &World) {
    let token = world
        .gate
        .officer(0)
        .run(&["officer", "token", "wu"])
        .unwrap();
    let output = std::process::Command::new(portcullis_harness::binary().unwrap())
        .arg("--data")
        .arg(world.gate.data_dir())
        .arg("trace")
        .arg(world.gate.path("leaked.dat"))
        .env("PORTCULLIS_TOKEN", token["token"].as_str().unwrap())
        .output()
        .unwrap();
    let page = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{page}");
    for told in [
        "csv, ",
        "`number`",
        "li.wei",
        "<- explains the file",
        "sessions of li.wei",
        "prove: ",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
    assert!(!page.contains("sessions of zhou.min"), "{page}");
}

/// By hash and counts; who may not ask is refused; what can't be read is told.
fn the_question_is_on_record(world: &World, leaked: &str) {
    let asked = world.gate.events("trace.asked").unwrap();
    assert!(asked.len() >= 8, "{}", asked.len());
    let matched: Vec<&Value> = asked
        .iter()
        .filter(|event| event["step"] == "match")
        .collect();
    assert_eq!(matched[0]["found"][0], "li.wei");
    assert_eq!(matched[0]["sha256"].as_str().unwrap().len(), 64);
    for event in &asked {
        assert!(event["actor"].as_str().unwrap().starts_with("officer:"));
        assert!(!event.to_string().contains("患者"), "{event}");
        assert!(
            event
                .as_object()
                .unwrap()
                .keys()
                .all(|key| key != "values" && key != "columns")
        );
    }
    let token = world
        .gate
        .officer(0)
        .run(&["person", "token", "li.wei"])
        .unwrap();
    let person = world.gate.actor(token["token"].as_str().unwrap());
    assert_eq!(trace(&person, world, "leaked.dat", leaked, &[]).code, 3);
    let auditor = world.gate.officer(2);
    let wrong = trace(
        &auditor,
        world,
        "leaked.dat",
        leaked,
        &["--column", "nonsense"],
    );
    assert_eq!(wrong.code, 2, "{}", wrong.stdout);
    assert_eq!(
        trace(&auditor, world, "deep.json", &"[".repeat(200_000), &[]).code,
        2
    );
    assert_eq!(trace(&auditor, world, "empty", "", &[]).code, 2);
}

/// Where a contract masks the key the ledger has digests: the database tells whose, if it may be asked.
#[test]
fn masked_keys_are_traced_with_the_database() {
    let world = clinic(1000, |contract| {
        with_budget(contract, 500, 9000).replace(
            "mask     = { name",
            "mask     = { patient_id = \"hash\", name",
        )
    });
    let zhou = colleague(&world);
    let (clear, hashed) = run(async {
        let client = session(&world.connect, "masked").await.unwrap();
        let clear =
            "select distinct patient_id from clinic.visits where patient_id between 100 and 400";
        let clear = ask(&client, clear).await;
        assert!(clear.error.is_none(), "{}", clear.message());
        let hashed = ask(&client, "select patient_id from clinic.patients limit 150").await;
        assert!(hashed.error.is_none(), "{}", hashed.message());
        let client = session(&zhou, "other").await.unwrap();
        let other =
            "select distinct patient_id from clinic.visits where patient_id between 350 and 700";
        assert!(ask(&client, other).await.error.is_none());
        (clear.keys, hashed.keys)
    });
    assert!(
        clear.len() > 50 && hashed.len() == 150,
        "{} {}",
        clear.len(),
        hashed.len()
    );
    let auditor = world.gate.officer(2);
    for keys in [clear, hashed] {
        let text: String = keys.iter().map(|key| format!("{key}\n")).collect();
        let without = trace(&auditor, &world, "keys.csv", &text, &["--column", "1"]);
        assert_eq!(without.code, 1, "{}", without.stdout);
        assert_eq!(
            without.json["untraceable"][0]["mask"], "hash",
            "{}",
            without.stdout
        );
        let with = trace(
            &auditor,
            &world,
            "keys.csv",
            &text,
            &["--column", "1", "--ask-database"],
        );
        assert_eq!(persons(&with), ["li.wei"], "{}", with.stdout);
        assert_eq!(with.json["known"], keys.len(), "{}", with.stdout);
    }
}
