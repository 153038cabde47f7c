//! The disclosure ledger's questions: its figures equal a naive reference made of what clients
//! received and what `log export` says, over a kill and a restart.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::Duration;

use portcullis_harness::raw::Raw;
use portcullis_harness::{Connect, PgCluster, sample};
use serde_json::Value;

use crate::on_record::text;
use crate::world::{World, clinic, with_budget};

const PATIENTS: u64 = 3000;
const OPS: &str = "clinic-ops-2026";
/// The same terms: its ids are the subjects' own too.
const MORE: &str = "clinic-more-2026";
/// It hides the subject's key: its ids are keyed.
const BLIND: &str = "clinic-blind-2026";

const COLLEAGUE: &str = r#"
[person."wang.fang"]
vendor = "acme-it"
name   = "Wang Fang"
vetting = [
  { kind = "identity",         by = "Personnel office", on = 2026-01-05, until = 2098-01-05 },
  { kind = "background-check", by = "Security office",  on = 2026-01-05, until = 2098-01-05 },
  { kind = "confidentiality-agreement", on = 2026-01-06, until = 2098-01-06 },
]
"#;

/// One statement that a client sent, and whom it received.
struct Sent {
    contract: &'static str,
    person: &'static str,
    sql: String,
    keys: BTreeSet<u64>,
    /// Tables that the rows were read from.
    tables: &'static [&'static str],
    rows: u64,
}

#[derive(Default)]
struct Reference(Vec<Sent>);

impl Reference {
    fn keys(&self, of: impl Fn(&Sent) -> bool) -> BTreeSet<u64> {
        let own = self.0.iter().filter(|sent| of(sent));
        own.flat_map(|sent| sent.keys.iter().copied()).collect()
    }
}

/// Whoever works under one contract.
struct Worker {
    contract: &'static str,
    person: &'static str,
    connect: Connect,
}

impl Worker {
    fn new(world: &World, contract: &'static str, person: &'static str) -> Self {
        let connect = world.gate.grant(person, contract, "hospital", "tickets");
        Self {
            contract,
            person,
            connect: connect.unwrap(),
        }
    }

    /// Sends the statements in one session and notes whom each gave; the last column is a patient's
    /// number or ends with it.
    fn ask(&self, reference: &mut Reference, statements: &[(String, &'static [&'static str])]) {
        let mut raw = Raw::connect(&self.connect, "disclosed").unwrap();
        for (sql, tables) in statements {
            let answers = raw.query(sql).unwrap();
            assert!(answers.errors().is_empty(), "{sql}: {}", answers.summary());
            let rows = answers.rows();
            let key = |row: &Vec<Option<String>>| -> u64 {
                let last = row.last().unwrap().clone().unwrap();
                last[last.len().saturating_sub(6)..].parse().unwrap()
            };
            reference.0.push(Sent {
                contract: self.contract,
                person: self.person,
                sql: sql.clone(),
                keys: rows.iter().map(key).collect(),
                tables,
                rows: rows.len() as u64,
            });
        }
        raw.leave();
    }
}

fn looked_up(from: u64, to: u64) -> (String, &'static [&'static str]) {
    let sql = format!(
        "select name, patient_id from clinic.patients where patient_id between {from} and {to}"
    );
    (sql, &["clinic.patients"])
}

fn joined(from: u64, to: u64) -> (String, &'static [&'static str]) {
    let sql = format!(
        "select v.cost, p.name, p.patient_id from clinic.patients p join clinic.visits v on v.patient_id = p.patient_id \
         where v.patient_id between {from} and {to}"
    );
    (sql, &["clinic.patients", "clinic.visits"])
}

fn visited(from: u64, to: u64) -> (String, &'static [&'static str]) {
    let sql = format!(
        "select cost, patient_id from clinic.visits where patient_id between {from} and {to}"
    );
    (sql, &["clinic.visits"])
}

/// By the card's last six digits, which are the patient's number.
fn blindly(card: u64) -> (String, &'static [&'static str]) {
    let sql = format!(
        "select name, id_card from clinic.patients where hospital_ward = 'A' and id_card like '%{card:02}'"
    );
    (sql, &["clinic.patients"])
}

fn world() -> World {
    let world = clinic(PATIENTS as u32, |contract| {
        with_budget(contract, 5000, 100_000)
    });
    let contract = with_budget(sample::for_all_time(sample::CONTRACT_TOML), 5000, 100_000);
    let more = contract.replace(OPS, MORE);
    let blind = contract.replace(OPS, BLIND).replace(
        r#"columns  = ["patient_id", "name","#,
        r#"columns  = ["name","#,
    );
    let blind = blind.replace(r#"id_card = "last4", "#, "");
    assert_ne!(
        blind,
        contract.replace(OPS, BLIND),
        "the sample has changed"
    );
    let files = [
        ("colleague.toml", COLLEAGUE),
        ("more.toml", more.as_str()),
        ("blind.toml", blind.as_str()),
    ];
    world.gate.apply(&files).unwrap();
    world
}

#[test]
fn figures_equal_a_naive_reference() {
    let mut world = world();
    let li = Worker::new(&world, OPS, "li.wei");
    let wang = Worker::new(&world, OPS, "wang.fang");
    let li_more = Worker::new(&world, MORE, "li.wei");
    let li_blind = Worker::new(&world, BLIND, "li.wei");
    let mut reference = Reference::default();

    li.ask(
        &mut reference,
        &[looked_up(1, 40), joined(30, 60), looked_up(5, 5)],
    );
    // So many rows leave in several pieces.
    wang.ask(&mut reference, &[visited(900, 2400), looked_up(55, 70)]);
    world.gate.kill9();
    world.gate.restart().unwrap();
    li.ask(
        &mut reference,
        &[joined(58, 64), looked_up(2_000_000, 2_000_001)],
    );
    li_more.ask(&mut reference, &[looked_up(35, 45), visited(1000, 1004)]);
    li_blind.ask(&mut reference, &[blindly(4), blindly(36)]);
    world.gate.kill9();
    world.gate.restart().unwrap();

    let events = world.gate.log_export().unwrap();
    counts_equal(&world, &reference, &events);
    subjects_equal(&world, &reference, &events);
    persons_ask_for_themselves_alone(&world, &reference);
    a_list_takes_two_officers(&world, &reference);
    in_words(&world, &reference);
    after_a_table_has_left(&world);
    without_its_database(world, &reference);
}

fn counts_equal(world: &World, reference: &Reference, events: &[Value]) {
    let answer = world
        .gate
        .officer(2)
        .run(&["disclosed", "--to", "acme-it"])
        .unwrap();
    assert_eq!(answer["to"]["kind"], "vendor");
    let clear = reference.keys(|sent| sent.contract != BLIND);
    let keyed = reference.keys(|sent| sent.contract == BLIND);
    let total = &answer["total"];
    assert_eq!(
        total["subjects"],
        (clear.len() + keyed.len()) as u64,
        "{total}"
    );
    assert_eq!(
        total["exact"], false,
        "keyed ids are told as not comparable"
    );
    assert_eq!(answer["keyed"], serde_json::json!([BLIND]));
    assert_eq!(total["subjects_at_least"], clear.len() as u64);
    assert_eq!(total["of"], PATIENTS);

    let group = |list: &str, key: &str, id: &str| -> Value {
        let groups = answer[list].as_array().unwrap();
        groups
            .iter()
            .find(|group| group[key] == id)
            .unwrap()
            .clone()
    };
    for contract in [OPS, MORE, BLIND] {
        let of = |sent: &&Sent| sent.contract == contract;
        check_group(
            &group("contracts", "contract", contract),
            reference,
            events,
            of,
            |event| event["contract"] == contract,
        );
    }
    let alone = world
        .gate
        .officer(0)
        .run(&["disclosed", "--to", "wang.fang"])
        .unwrap();
    check_group(
        &alone["total"],
        reference,
        events,
        |sent| sent.person == "wang.fang",
        |event| event["person"] == "wang.fang",
    );
    assert_eq!(alone["total"]["exact"], true);
    let under = world
        .gate
        .officer(0)
        .run(&["disclosed", "--to", "person:li.wei", "--contract", MORE])
        .unwrap();
    let own = reference.keys(|sent| sent.contract == MORE);
    assert_eq!(under["total"]["subjects"], own.len() as u64);
    assert_eq!(under["contracts"].as_array().unwrap().len(), 1);

    // Over contracts that show the key a person counts once.
    let union = reference.keys(|sent| sent.person == "li.wei" && sent.contract != BLIND);
    let li = group("persons", "person", "li.wei");
    let in_patients = reference.keys(|sent| {
        sent.contract != BLIND && sent.person == "li.wei" && sent.tables.contains(&"clinic.visits")
    });
    let visits = table(&li, "clinic.visits");
    assert_eq!(visits["subjects"], in_patients.len() as u64, "{visits}");
    assert_eq!(visits["exact"], true);
    let li_blind = reference.keys(|sent| sent.contract == BLIND);
    assert_eq!(li["subjects"], (union.len() + li_blind.len()) as u64);

    let course = &answer["over_time"].as_array().unwrap()[0];
    let days = course["days"].as_array().unwrap();
    assert_eq!(days.last().unwrap()["total"], li_total(&answer, course));
    for projection in answer["over_time"].as_array().unwrap() {
        for one in projection["projections"].as_array().unwrap() {
            assert!(
                one["on"].is_null(),
                "nothing is projected from a day: {one}"
            );
        }
    }
    let asked = world.gate.events("disclosed.asked").unwrap();
    assert_eq!(asked.len(), 3);
    assert_eq!(asked[0]["to"], "vendor:acme-it");
    assert_eq!(asked[0]["actor"], "officer:wu");
}

fn li_total(answer: &Value, course: &Value) -> Value {
    let contracts = answer["contracts"].as_array().unwrap();
    let own = contracts
        .iter()
        .find(|group| group["contract"] == course["contract"]);
    own.unwrap()["subjects"].clone()
}

fn table(group: &Value, name: &str) -> Value {
    let tables = group["tables"].as_array().unwrap();
    tables
        .iter()
        .find(|table| table["table"] == name)
        .unwrap()
        .clone()
}

fn check_group(
    group: &Value,
    reference: &Reference,
    events: &[Value],
    of: impl Fn(&&Sent) -> bool,
    on_record: impl Fn(&Value) -> bool,
) {
    let own: Vec<&Sent> = reference.0.iter().filter(&of).collect();
    let keys = reference.keys(|sent| of(&sent));
    assert_eq!(group["subjects"], keys.len() as u64, "{group}");
    let share = keys.len() as f64 / PATIENTS as f64;
    assert!(
        (group["share"].as_f64().unwrap() - share).abs() < 1e-9,
        "{group}"
    );
    assert_eq!(group["rows"], own.iter().map(|sent| sent.rows).sum::<u64>());
    let disclosing = own.iter().filter(|sent| !sent.keys.is_empty()).count();
    assert_eq!(group["statements"], disclosing as u64, "{group}");
    let records = || {
        events.iter().filter(|event| {
            let kind = text(event, "kind");
            (kind == "statement" || kind == "statement.released")
                && on_record(event)
                && event["adds_rows"].as_u64().unwrap_or(0) > 0
        })
    };
    let bytes: u64 = records()
        .map(|event| event["adds_bytes"].as_u64().unwrap())
        .sum();
    assert_eq!(group["bytes"], bytes);
    assert_eq!(
        time(&group["first"]),
        records().map(|event| time(&event["at"])).min().unwrap()
    );
    assert!(time(&group["last"]) >= time(&group["first"]));
    assert!(records().any(|event| time(&event["at"]) == time(&group["last"])));
    for name in ["clinic.patients", "clinic.visits"] {
        let keys = reference.keys(|sent| of(&sent) && sent.tables.contains(&name));
        let tables = group["tables"].as_array().unwrap();
        let told = tables.iter().find(|table| table["table"] == name);
        let subjects = told.map_or(0, |table| table["subjects"].as_u64().unwrap());
        assert_eq!(subjects, keys.len() as u64, "{name} of {group}");
        let statements = own
            .iter()
            .filter(|sent| sent.tables.contains(&name) && !sent.keys.is_empty())
            .count();
        let told = told.map_or(0, |table| table["statements"].as_u64().unwrap());
        assert_eq!(told, statements as u64, "{name} of {group}");
    }
}

/// RFC 3339 in UTC with nine digits, so that texts sort as times.
fn time(value: &Value) -> String {
    let text = value.as_str().unwrap().strip_suffix('Z').unwrap();
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    format!("{seconds}.{fraction:0<9}")
}

fn subjects_equal(world: &World, reference: &Reference, events: &[Value]) {
    let outcome = |sql: &str| -> u64 {
        let found = events
            .iter()
            .find(|event| event["kind"] == "statement" && event["sql"] == sql);
        found.unwrap()["seq"].as_u64().unwrap()
    };
    // In two statements of one person, under two contracts, in a join, in pieces, blindly, by nobody.
    for key in [5, 31, 36, 38, 59, 61, 104, 904, 1001, 2399, 2999] {
        let answer = world
            .gate
            .officer(2)
            .run(&["disclosed", "--subject", &key.to_string()])
            .unwrap();
        assert_eq!(answer["complete"], true, "{answer}");
        let mut told: BTreeMap<u64, (String, String)> = BTreeMap::new();
        for person in answer["persons"].as_array().unwrap() {
            for statement in person["statements"].as_array().unwrap() {
                let who = (text(person, "person"), text(person, "contract"));
                told.insert(statement["seq"].as_u64().unwrap(), who);
                assert_eq!(statement["decision"], "allowed");
                assert_eq!(statement["purpose"], "tickets");
            }
        }
        let expected: BTreeMap<u64, (String, String)> = reference
            .0
            .iter()
            .filter(|sent| sent.keys.contains(&key))
            .map(|sent| {
                (
                    outcome(&sent.sql),
                    (sent.person.into(), sent.contract.into()),
                )
            })
            .collect();
        assert_eq!(told, expected, "{key}");
        assert_eq!(answer["seen"], !expected.is_empty());
    }
    let joined = world
        .gate
        .officer(2)
        .run(&["disclosed", "--subject", "38"])
        .unwrap();
    let persons = joined["persons"].as_array().unwrap().iter();
    let statements: Vec<&Value> = persons
        .flat_map(|person| person["statements"].as_array().unwrap())
        .collect();
    let columns: BTreeMap<String, bool> = statements
        .iter()
        .flat_map(|one| one["columns"].as_array().unwrap())
        .map(|column| (text(column, "column"), column["masked"].as_bool().unwrap()))
        .collect();
    assert!(columns["clinic.patients.name"]);
    assert!(!columns["clinic.patients.patient_id"]);
    assert!(!columns["clinic.visits.cost"]);
    let proved = world
        .gate
        .officer(2)
        .run(&["log", "prove", &statements[0]["seq"].to_string()])
        .unwrap();
    assert!(text(&proved, "leaf").contains("\"statement\""));

    let asked = world.gate.events("disclosed.asked").unwrap();
    let of_subjects = asked.iter().filter(|event| event["subject"].is_array());
    assert_eq!(of_subjects.clone().count(), 12);
    for event in of_subjects {
        for id in event["subject"].as_array().unwrap() {
            assert_eq!(
                id.as_str().unwrap().len(),
                32,
                "an id, never the key: {event}"
            );
        }
    }
    for wrong in [
        &["--resource", "none"][..],
        &["--table", "none"],
        &["--kind", "none"],
    ] {
        let args = [&["disclosed", "--subject", "5"], wrong].concat();
        assert_eq!(
            world.gate.officer(2).try_run(&args).unwrap().code,
            2,
            "{wrong:?}"
        );
    }
}

fn persons_ask_for_themselves_alone(world: &World, reference: &Reference) {
    let token = world
        .gate
        .officer(1)
        .run(&["person", "token", "li.wei"])
        .unwrap();
    let token = text(&token, "token");
    let li = world.gate.actor(&token);
    let own = li
        .run(&["disclosed", "--to", "li.wei", "--contract", OPS])
        .unwrap();
    let keys = reference.keys(|sent| sent.person == "li.wei" && sent.contract == OPS);
    assert_eq!(own["total"]["subjects"], keys.len() as u64);
    assert!(
        own["total"]["of"].is_null(),
        "how many there are is the owner's"
    );
    for refused in [
        &["disclosed", "--to", "wang.fang"][..],
        &["disclosed", "--to", "acme-it"],
        &["disclosed", "--subject", "5"],
        &["disclosed", "--to", "li.wei", "--list"],
    ] {
        assert_eq!(li.try_run(refused).unwrap().code, 3, "{refused:?}");
    }
    let nobody = world
        .gate
        .officer(0)
        .try_run(&["disclosed", "--to", "nobody"]);
    assert_eq!(nobody.unwrap().code, 2);
}

fn a_list_takes_two_officers(world: &World, reference: &Reference) {
    let args = [
        "disclosed",
        "--to",
        "li.wei",
        "--list",
        "--why",
        "breach B-7",
    ];
    let asked = world.gate.officer(0).run(&args).unwrap();
    let change = text(&asked["change"], "id");
    assert_eq!(asked["change"]["state"], "pending");
    let again = world.gate.officer(0).run(&args).unwrap();
    assert_eq!(
        again["change"]["id"],
        change.as_str(),
        "one request, not two"
    );
    let alone = world
        .gate
        .officer(0)
        .try_run(&["change", "approve", &change]);
    assert_eq!(alone.unwrap().code, 3);
    world
        .gate
        .officer(1)
        .run(&["change", "approve", &change])
        .unwrap();

    world
        ._cluster
        .execute_in(
            "hospital",
            "delete from clinic.visits where patient_id = 31; delete from clinic.patients where patient_id = 31",
        )
        .unwrap();
    let list = world
        .gate
        .officer(0)
        .try_run(&["disclosed", "--to", "li.wei", "--list"])
        .unwrap();
    assert_eq!(list.code, 0, "{}{}", list.stdout, list.stderr);
    let lines: Vec<Value> = list
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let (end, lines) = lines.split_last().unwrap();
    let mut expected: BTreeMap<u64, BTreeSet<&str>> = BTreeMap::new();
    for sent in reference.0.iter().filter(|sent| sent.person == "li.wei") {
        for key in sent.keys.iter().filter(|key| **key != 31) {
            expected.entry(*key).or_default().insert(sent.contract);
        }
    }
    let mut told: BTreeMap<u64, BTreeSet<&str>> = BTreeMap::new();
    for line in lines {
        let contracts = line["contracts"].as_array().unwrap();
        let contracts = contracts.iter().map(|id| id.as_str().unwrap()).collect();
        let key = line["subject"].as_str().unwrap().parse().unwrap();
        assert!(told.insert(key, contracts).is_none(), "twice: {line}");
    }
    assert_eq!(told, expected);
    assert_eq!(end["end"]["listed"], expected.len() as u64);
    assert_eq!(end["end"]["gone"], 1);
    assert_eq!(end["end"]["complete"], true);
    let listed = world.gate.events("disclosed.listed").unwrap();
    assert_eq!(
        (listed.len(), &listed[0]["change"]),
        (1, &Value::from(change))
    );
    let ended = world.gate.events("disclosed.list_ended").unwrap();
    assert_eq!(ended[0]["listed"], expected.len() as u64);
    let other = ["disclosed", "--to", "wang.fang", "--list"];
    let other = world.gate.officer(0).run(&other).unwrap();
    assert_eq!(
        other["change"]["state"], "pending",
        "each list is agreed to by itself"
    );
}

/// What a contract no longer shows was shown all the same.
fn after_a_table_has_left(world: &World) {
    let contract = with_budget(sample::for_all_time(sample::CONTRACT_TOML), 5000, 100_000);
    let more = contract.replace(OPS, MORE);
    let visits = more.rfind("[[contract.").unwrap();
    assert!(more[visits..].contains("clinic.visits"));
    let files = [("more.toml", &more[..visits])];
    world.gate.apply(&files).unwrap();
    let answer = world
        .gate
        .officer(2)
        .run(&["disclosed", "--subject", "1003"])
        .unwrap();
    let persons = answer["persons"].as_array().unwrap().iter();
    let contracts: Vec<String> = persons.map(|person| text(person, "contract")).collect();
    assert_eq!(contracts, [MORE, OPS]);
    assert_eq!(answer["former_tables"][0]["table"], "clinic.visits");
}

/// As an officer reads it, in a terminal that knows ASCII alone.
fn in_words(world: &World, reference: &Reference) {
    let said = |args: &[&str]| -> String {
        let output = Command::new(portcullis_harness::binary().unwrap())
            .args(args)
            .env("PORTCULLIS_DATA", world.gate.data_dir())
            .env("PORTCULLIS_TOKEN", world.gate.officer(0).token())
            .env("LC_ALL", "C")
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {said}{errors}");
        assert!(said.is_ascii(), "{said}");
        said
    };
    let keys = reference.keys(|sent| sent.person == "wang.fang");
    let count = format!("{},{:03}", keys.len() / 1000, keys.len() % 1000);
    let share = 100.0 * keys.len() as f64 / PATIENTS as f64;
    let told = said(&["disclosed", "--to", "wang.fang", "--until", "90%"]);
    let first = format!("person wang.fang: {count} subjects, {share:.1} % of 3,000");
    assert!(told.starts_with(&first), "{first}");
    assert!(told.contains("90 % of clinic.patients") && told.contains("no date: fewer than"));
    for by in ["person", "table", "day", "contract"] {
        let told = said(&["disclosed", "--to", "acme-it", "--by", by]);
        let header = told.lines().find(|line| line.contains("SUBJECTS"));
        assert!(header.unwrap().contains(&by.to_uppercase()), "{told}");
    }
    let told = said(&["disclosed", "--subject", "38"]);
    assert!(told.contains("li.wei (acme-it) under clinic-ops-2026 for tickets"));
    assert!(told.contains("masked: clinic.patients.name"));
    let told = said(&["disclosed", "--subject", "2999"]);
    assert_eq!(told, "nobody was shown this subject\n");
    let told = said(&["disclosed", "--to", "li.wei", "--list"]);
    let keys = reference.keys(|sent| sent.person == "li.wei");
    assert_eq!(
        told.lines().count(),
        keys.len(),
        "a header for the one who is gone"
    );
    assert!(told.starts_with("resource,kind,table,subject,contracts\n"));
}

/// What needs no database is answered, and what is missing is told.
fn without_its_database(world: World, reference: &Reference) {
    let World {
        mut gate, _cluster, ..
    } = world;
    drop::<PgCluster>(_cluster);
    let counts = gate
        .officer(0)
        .run(&["disclosed", "--to", "wang.fang"])
        .unwrap();
    let keys = reference.keys(|sent| sent.person == "wang.fang");
    assert_eq!(counts["total"]["subjects"], keys.len() as u64);
    let answer = gate
        .officer(2)
        .try_run(&["disclosed", "--subject", "5"])
        .unwrap();
    assert_eq!(answer.code, 4, "{}", answer.stdout);
    assert_eq!(answer.json["complete"], false);
    assert_eq!(answer.json["persons"][0]["person"], "li.wei");
    let missing = answer.json["not_asked"].as_array().unwrap();
    assert!(
        missing.iter().any(|one| one["contract"] == BLIND),
        "{missing:?}"
    );
    let verified = gate.log_verify(&[]).unwrap();
    assert_eq!(verified.code, 0, "{}{}", verified.stdout, verified.stderr);
    gate.kill9();
    let took = gate.restart().unwrap();
    assert!(took < Duration::from_secs(20), "{took:?}");
}
