//! Random messages of the extended and the simple protocol, whole pipelines at a time: whatever is
//! sent, what came is what is on record, as what it is, and every statement has at most one event.

use std::collections::HashSet;

use portcullis_harness::raw::{Answers, Pipeline, Raw};

use crate::on_record::{of_session, text};
use crate::world::{Seeded, World, clinic, with_budget};

const SESSIONS: u64 = 40;
const CEILING: u32 = 20;

/// Rows of people begin with `P`, anybody's with `N`.
const TEXTS: [&str; 33] = [
    "select 'P', patient_id from clinic.patients where patient_id < 30",
    "select 'P', patient_id, name from clinic.patients where patient_id < 8",
    "select 'P', patient_id from clinic.patients where patient_id < $1",
    "select 'P', patient_id from clinic.patients where patient_id = 3",
    "select 'N', 1",
    "select 'N', g from generate_series(1, 9) g",
    "select 1/0",
    "bogus",
    "select diagnosis from clinic.patients",
    "BEGIN",
    "COMMIT",
    "COMMIT AND CHAIN",
    "ROLLBACK",
    "SAVEPOINT s1",
    "ROLLBACK TO s1",
    "RELEASE s1",
    "DECLARE c1 CURSOR FOR select 'P', patient_id from clinic.patients where patient_id < 40",
    "DECLARE c1 CURSOR FOR select 'N', 2",
    "DECLARE p CURSOR FOR select 'P', patient_id from clinic.patients",
    "DECLARE c2 CURSOR WITH HOLD FOR select 'P', patient_id from clinic.patients",
    "FETCH 5 FROM c1",
    "FETCH 3 FROM c2",
    "CLOSE c1",
    "CLOSE c2",
    "CLOSE ALL",
    "PREPARE a AS select 'P', patient_id from clinic.patients where patient_id < 12",
    "PREPARE q1 AS select 'N', 7",
    "EXECUTE a",
    "EXECUTE q1",
    "DEALLOCATE a",
    "DISCARD ALL",
    "set search_path to pg_catalog",
    "",
];
const STATEMENTS: [&str; 4] = ["", "a", "b", "q1"];
const PORTALS: [&str; 4] = ["", "p", "x", "c1"];

/// Writes messages that mostly fit what it wrote before.
struct Writer {
    seeded: Seeded,
    /// Names that were made, as far as one can know without the answers.
    statements: Vec<&'static str>,
    portals: Vec<&'static str>,
}

impl Writer {
    fn any(&mut self, of: &[&'static str]) -> &'static str {
        of[self.seeded.below(of.len() as u64) as usize]
    }

    fn one_of(&mut self, made: &[&'static str], all: &[&'static str]) -> &'static str {
        match made {
            [] => self.any(all),
            _ if self.seeded.below(8) == 0 => self.any(all),
            made => self.any(made),
        }
    }

    fn message(&mut self, pipeline: Pipeline) -> Pipeline {
        let statement = self.one_of(&self.statements.clone(), &STATEMENTS);
        let portal = self.one_of(&self.portals.clone(), &PORTALS);
        match self.seeded.below(20) {
            0..4 => self.parse(pipeline),
            4..8 => self.bind(pipeline, statement),
            8 => pipeline.bind_with(portal, statement, &["20"]),
            9..12 => pipeline.execute(portal, 0),
            12..15 => pipeline.execute(portal, 3),
            15 => pipeline.describe_portal(portal),
            16 => pipeline.describe_statement(statement),
            17 => pipeline.close_statement(statement),
            18 => pipeline.close_portal(portal),
            _ => pipeline.flush(),
        }
    }

    fn parse(&mut self, pipeline: Pipeline) -> Pipeline {
        let (name, text) = (self.any(&STATEMENTS), self.any(&TEXTS));
        let pipeline = match self.statements.contains(&name) {
            true => pipeline.close_statement(name),
            false => pipeline,
        };
        self.statements.push(name);
        let pipeline = pipeline.parse(name, text);
        match self.seeded.below(3) {
            0 => pipeline,
            _ => self.bind(pipeline, name),
        }
    }

    fn bind(&mut self, pipeline: Pipeline, statement: &str) -> Pipeline {
        let portal = self.any(&PORTALS);
        let pipeline = match self.portals.contains(&portal) {
            true => pipeline.close_portal(portal),
            false => pipeline,
        };
        self.portals.push(portal);
        let pipeline = pipeline.bind(portal, statement);
        match self.seeded.below(4) {
            0 => pipeline,
            1 => pipeline.execute(portal, 3),
            _ => pipeline.execute(portal, 0),
        }
    }

    /// What is sent in one write: one Query, or messages up to a Sync.
    fn write(&mut self) -> Pipeline {
        if self.seeded.below(10) < 3 {
            let (first, second) = (self.any(&TEXTS), self.any(&TEXTS));
            return match self.seeded.below(5) {
                0 => Pipeline::new().query(&format!("{first}; {second}")),
                _ => Pipeline::new().query(first),
            };
        }
        let mut pipeline = Pipeline::new();
        for _ in 0..1 + self.seeded.below(7) {
            pipeline = self.message(pipeline);
        }
        pipeline.sync()
    }
}

/// What one session got; its messages depend on the seed and on whether a transaction is open.
fn session(raw: &mut Raw, seed: u64) -> Vec<Answers> {
    let mut writer = Writer {
        seeded: Seeded(seed),
        statements: Vec::new(),
        portals: Vec::new(),
    };
    let mut got: Vec<Answers> = Vec::new();
    for _ in 0..6 + writer.seeded.below(16) {
        let pipeline = match got.last().map_or('?', Answers::status) {
            '?' => Pipeline::new().query("BEGIN"),
            // Little happens in a transaction that has failed: seldom stay in it.
            'E' if writer.seeded.below(8) > 0 => Pipeline::new().query("ROLLBACK"),
            'I' if writer.seeded.below(3) == 0 => Pipeline::new().query("BEGIN"),
            _ => writer.write(),
        };
        let answers = raw.ask(&pipeline);
        let answers = answers.unwrap_or_else(|error| panic!("seed {seed}: {error:#}"));
        if answers.status() == 'I' {
            writer.portals.clear();
        }
        got.push(answers);
    }
    got
}

#[test]
fn random_pipelines_get_what_is_on_record() {
    let world = clinic(100, |contract| with_budget(contract, CEILING, 100_000));
    let first = std::env::var("PORTCULLIS_SEED").map_or(1, |seed| seed.parse().unwrap());
    let mut people = 0;
    for seed in first..first + SESSIONS {
        let application = format!("seed-{seed}");
        let mut raw = Raw::connect(&world.connect, &application).unwrap();
        let got = session(&mut raw, seed);
        raw.leave();
        if std::env::var_os("PORTCULLIS_SEED").is_some() {
            got.iter()
                .for_each(|answers| println!("{application}: {}", answers.summary()));
        }
        people += check(&world, &application, &got);
    }
    assert!(people > 50, "the trial itself must get rows: {people}");
}

/// How many rows of people there were.
fn check(world: &World, application: &str, got: &[Answers]) -> u64 {
    let rows: Vec<Vec<Option<String>>> = got.iter().flat_map(Answers::rows).collect();
    let of_people = |row: &&Vec<Option<String>>| row[0].as_deref() == Some("P");
    let people = rows.iter().filter(of_people).count() as u64;
    let odd = rows.iter().find(|row| row.len() > 3);
    assert_eq!(odd, None, "{application}: a column that was not asked for");
    for error in got.iter().flat_map(Answers::errors) {
        let said = format!("{error} {} {}", error.detail, error.hint);
        assert!(!said.contains("portcullis_"), "{application}: {said}");
        assert!(!error.sqlstate.starts_with("XX"), "{application}: {said}");
    }

    let recorded = of_session(world, application);
    let mut outcomes = HashSet::new();
    let mut on_record = 0;
    for event in &recorded.statements {
        let id = text(event, "statement");
        assert!(outcomes.insert(id), "{application}: two outcomes: {event}");
        let rows = event["rows"].as_u64().unwrap();
        if !event["tables"].as_array().unwrap().is_empty() {
            assert!(rows <= u64::from(CEILING), "{application}: {event}");
            on_record += rows;
        }
    }
    assert_eq!(on_record, people, "{application}: rows of people");
    assert_eq!(
        recorded.sum("rows"),
        rows.len() as u64,
        "{application}: all rows"
    );
    // Statement numbers are given one by one: a gap is one that has no outcome.
    let numbers: HashSet<u64> = recorded
        .statements
        .iter()
        .filter_map(|event| text(event, "statement").rsplit('.').next()?.parse().ok())
        .collect();
    let expected: HashSet<u64> = (1..=recorded.statements.len() as u64).collect();
    assert_eq!(
        numbers, expected,
        "{application}: no statement without outcome"
    );
    people
}
