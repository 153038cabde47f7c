//! One case said to one server: what is sent, and all that comes back.

use std::time::{Duration, Instant};

use super::step::Step;
use crate::raw::{Message, Pipeline, Raw};

/// More than this is not read: the session is given up (and both sides must agree on it).
const MESSAGES_MAX: usize = 200_000;

/// How a pipeline's answers ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// ReadyForQuery.
    Ready,
    /// The server closed the connection.
    Closed,
    /// Nothing came for too long.
    Silent,
    /// More than anybody reads.
    Endless,
}

/// One pipeline and its answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub steps: Vec<Step>,
    pub messages: Vec<Message>,
    pub ended: Ended,
    pub took: Duration,
}

/// All of a case on one side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transcript {
    pub parts: Vec<Part>,
}

impl Transcript {
    pub fn messages(&self) -> impl Iterator<Item = &Message> {
        self.parts.iter().flat_map(|part| &part.messages)
    }

    pub fn rows(&self) -> usize {
        self.messages()
            .filter(|m| matches!(m.tag, b'D' | b'd'))
            .count()
    }

    /// The SQLSTATEs of all errors.
    pub fn sqlstates(&self) -> Vec<String> {
        self.messages()
            .filter(|message| message.tag == b'E')
            .filter_map(|message| field(&message.body, b'C'))
            .collect()
    }

    /// The texts of all errors.
    pub fn errors(&self) -> Vec<String> {
        self.messages()
            .filter(|message| message.tag == b'E')
            .filter_map(|message| field(&message.body, b'M'))
            .collect()
    }

    pub fn took(&self) -> Duration {
        self.parts.iter().map(|part| part.took).sum()
    }

    /// Whether the session can be used on.
    pub fn is_usable(&self) -> bool {
        self.parts.iter().all(|part| part.ended == Ended::Ready)
    }
}

/// A field of an ErrorResponse or NoticeResponse.
pub(super) fn field(body: &[u8], kind: u8) -> Option<String> {
    let fields = body.split(|byte| *byte == 0);
    let found = fields
        .into_iter()
        .find(|field| field.first() == Some(&kind));
    found.map(|field| String::from_utf8_lossy(field.get(1..).unwrap_or_default()).into_owned())
}

/// Says all steps; stops early when the connection is gone.
pub(super) fn say(raw: &mut Raw, steps: &[Step]) -> Transcript {
    let mut transcript = Transcript::default();
    for steps in pipelines(steps) {
        let part = ask(raw, steps);
        let usable = part.ended == Ended::Ready;
        transcript.parts.push(part);
        if !usable {
            break;
        }
    }
    transcript
}

/// Cut behind each Query and Sync; what lacks one at the end gets it.
fn pipelines(steps: &[Step]) -> Vec<Vec<Step>> {
    let mut all = Vec::new();
    let mut open: Vec<Step> = Vec::new();
    for step in steps {
        if matches!(step, Step::Query(_)) && !open.is_empty() {
            open.push(Step::Sync);
            all.push(std::mem::take(&mut open));
        }
        open.push(step.clone());
        if matches!(step, Step::Query(_) | Step::Sync) {
            all.push(std::mem::take(&mut open));
        }
    }
    if !open.is_empty() {
        open.push(Step::Sync);
        all.push(open);
    }
    all
}

fn ask(raw: &mut Raw, steps: Vec<Step>) -> Part {
    let from = Instant::now();
    let pipeline = steps.iter().fold(Pipeline::new(), write);
    let is_query = matches!(steps.last(), Some(Step::Query(_)));
    let (messages, ended) = match raw.send(&pipeline) {
        Ok(()) => answers(raw, is_query),
        Err(_) => (Vec::new(), Ended::Closed),
    };
    Part {
        steps,
        messages,
        ended,
        took: from.elapsed(),
    }
}

fn answers(raw: &mut Raw, is_query: bool) -> (Vec<Message>, Ended) {
    let mut messages = Vec::new();
    while messages.len() < MESSAGES_MAX {
        let message = match raw.message() {
            Ok(message) => message,
            Err(error) => {
                let silent = format!("{error:#}").contains("within")
                    || error.downcast_ref::<std::io::Error>().is_some_and(is_wait);
                let ended = if silent { Ended::Silent } else { Ended::Closed };
                return (messages, ended);
            }
        };
        let tag = message.tag;
        messages.push(message);
        match tag {
            b'Z' => return (messages, Ended::Ready),
            // The server waits for COPY data: there is none. In copy mode it ignored our Sync.
            b'G' | b'W' => {
                let mut fail = Pipeline::new().copy_fail("no data");
                if !is_query {
                    fail = fail.sync();
                }
                if raw.send(&fail).is_err() {
                    return (messages, Ended::Closed);
                }
            }
            _ => {}
        }
    }
    (messages, Ended::Endless)
}

fn is_wait(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{TimedOut, WouldBlock};
    matches!(error.kind(), WouldBlock | TimedOut)
}

fn write(pipeline: Pipeline, step: &Step) -> Pipeline {
    match step {
        Step::Query(sql) => pipeline.query(sql),
        Step::Parse { name, sql, types } => pipeline.parse_typed(name, sql, types),
        Step::Bind {
            portal,
            statement,
            params,
            binary,
        } => {
            let params: Vec<Option<&str>> = params.iter().map(Option::as_deref).collect();
            pipeline.bind_as(portal, statement, &params, *binary)
        }
        Step::DescribeStatement(name) => pipeline.describe_statement(name),
        Step::DescribePortal(name) => pipeline.describe_portal(name),
        Step::Execute { portal, max_rows } => pipeline.execute(portal, *max_rows),
        Step::CloseStatement(name) => pipeline.close_statement(name),
        Step::ClosePortal(name) => pipeline.close_portal(name),
        Step::Flush => pipeline.flush(),
        Step::Sync => pipeline.sync(),
    }
}
