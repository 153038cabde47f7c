//! What the log says of a session, held against what its client got.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use portcullis_harness::raw::{Answers, Raw};
use serde_json::Value;

use crate::world::World;

const CLOSED_WITHIN: Duration = Duration::from_secs(10);

/// The `statement` events of one session, in order.
pub struct Recorded {
    pub statements: Vec<Value>,
    pub closed: Value,
}

pub fn text(event: &Value, key: &str) -> String {
    event[key].as_str().unwrap_or_default().to_owned()
}

fn number(event: &Value, key: &str) -> u64 {
    event[key].as_u64().unwrap_or_else(|| panic!("{event}"))
}

/// Waits until the session named `application` is closed, so that nothing of it is still to come.
pub fn of_session(world: &World, application: &str) -> Recorded {
    let until = Instant::now() + CLOSED_WITHIN;
    loop {
        let events = world.gate.log_export().unwrap();
        let of_kind = |kind: &str| -> Vec<Value> {
            let mut events = events.clone();
            events.retain(|event| event["kind"] == kind);
            events
        };
        let opened = of_kind("session.opened")
            .into_iter()
            .find(|event| event["application"] == application)
            .unwrap_or_else(|| panic!("no session `{application}` was opened"));
        let session = text(&opened, "session");
        let mut closed = of_kind("session.closed");
        closed.retain(|event| event["session"] == session.as_str());
        if let Some(closed) = closed.pop() {
            let mut statements = of_kind("statement");
            statements.retain(|event| event["session"] == session.as_str());
            return Recorded { statements, closed };
        }
        assert!(Instant::now() < until, "`{application}` is not closed");
        std::thread::sleep(Duration::from_millis(50));
    }
}

impl Recorded {
    pub fn sum(&self, key: &str) -> u64 {
        self.statements.iter().map(|event| number(event, key)).sum()
    }

    pub fn texts(&self) -> Vec<String> {
        self.statements
            .iter()
            .map(|event| text(event, "sql"))
            .collect()
    }

    /// The only event of that text.
    pub fn only(&self, sql: &str) -> &Value {
        let mut found = self.statements.iter().filter(|event| event["sql"] == sql);
        let first = found
            .next()
            .unwrap_or_else(|| panic!("no event of `{sql}`: {:#?}", self.texts()));
        assert!(found.next().is_none(), "two events of `{sql}`");
        first
    }
}

/// One client, one session: what it sent, and what it got.
pub struct Trial<'a> {
    world: &'a World,
    pub application: &'static str,
    pub raw: Raw,
    pub got: Vec<Answers>,
}

impl<'a> Trial<'a> {
    pub fn new(world: &'a World, application: &'static str) -> Self {
        let raw = Raw::connect(&world.connect, application).unwrap();
        Self {
            world,
            application,
            raw,
            got: Vec::new(),
        }
    }

    pub fn query(&mut self, sql: &str) -> Answers {
        let answers = self.raw.query(sql);
        self.keep(answers)
    }

    pub fn ask(&mut self, pipeline: portcullis_harness::raw::Pipeline) -> Answers {
        let answers = self.raw.ask(&pipeline);
        self.keep(answers)
    }

    pub fn take(&mut self, count: usize) -> Answers {
        let answers = self.raw.take(count);
        self.keep(answers)
    }

    fn keep(&mut self, answers: anyhow::Result<Answers>) -> Answers {
        let answers = answers.unwrap_or_else(|error| panic!("{}: {error:#}", self.application));
        println!("{}: {}", self.application, answers.summary());
        self.got.push(answers.clone());
        answers
    }

    /// Leaves, and holds the log against what came. `sent`: every statement that was sent, in any order;
    /// each has exactly one event.
    ///
    /// Rows of people have two columns, `patient_id` first; anybody's have one.
    pub fn check(self, sent: &[&str]) -> Recorded {
        let Self {
            world,
            application,
            raw,
            got,
        } = self;
        raw.leave();
        let recorded = of_session(world, application);
        check_nothing_internal(application, &got);

        let rows: Vec<Vec<Option<String>>> = got.iter().flat_map(Answers::rows).collect();
        let wide = rows.iter().find(|row| row.len() > 2);
        assert_eq!(wide, None, "{application}: a column that was not asked for");
        assert_eq!(
            recorded.sum("rows"),
            rows.len() as u64,
            "{application}: rows on record and rows received"
        );
        assert_eq!(number(&recorded.closed, "rows"), rows.len() as u64);
        assert_eq!(
            number(&recorded.closed, "statements"),
            recorded.statements.len() as u64,
            "{application}: statements, as the session's end counts them"
        );

        let of_people = |event: &&Value| !event["tables"].as_array().unwrap().is_empty();
        let of_patients = rows.iter().filter(|row| row.len() == 2).count() as u64;
        let charged: u64 = recorded
            .statements
            .iter()
            .filter(of_people)
            .map(|event| number(event, "rows"))
            .sum();
        assert_eq!(
            charged, of_patients,
            "{application}: rows of people are on record as rows of people"
        );
        let seen: HashSet<&Option<String>> = rows
            .iter()
            .filter(|row| row.len() == 2)
            .map(|row| &row[0])
            .collect();
        assert!(
            recorded.sum("subjects") >= seen.len() as u64,
            "{application}: {} subjects seen, {} on record",
            seen.len(),
            recorded.sum("subjects")
        );

        let mut texts = recorded.texts();
        let mut expected: Vec<String> = sent.iter().map(|sql| (*sql).to_owned()).collect();
        texts.sort();
        expected.sort();
        assert_eq!(
            texts, expected,
            "{application}: exactly one event for every statement sent"
        );
        recorded
    }
}

/// No name of the gate's own, and no tap, in anything that is said.
fn check_nothing_internal(application: &str, got: &[Answers]) {
    for answers in got {
        for error in answers.errors() {
            let said = format!("{error} {} {}", error.detail, error.hint);
            assert!(!said.contains("portcullis_"), "{application}: {said}");
        }
        for column in answers.columns() {
            assert!(
                !column.starts_with("portcullis_"),
                "{application}: {column}"
            );
        }
    }
}
