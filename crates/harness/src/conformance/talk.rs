//! One case said to one server: what is sent, and all that comes back.

use std::time::{Duration, Instant};

use anyhow::Result;

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

impl Part {
    /// Nothing was asked: the trial itself went wrong.
    fn failed(steps: Vec<Step>, error: &anyhow::Error) -> Self {
        Self {
            steps,
            messages: vec![Message {
                tag: b'E',
                body: format!("SFATAL\0CXX000\0M{error:#}\0\0").into_bytes(),
            }],
            ended: Ended::Closed,
            took: Duration::ZERO,
        }
    }
}

impl Transcript {
    /// A session that was not admitted.
    pub(super) fn of(refusal: Message) -> Self {
        Self {
            parts: vec![Part {
                steps: Vec::new(),
                messages: vec![refusal],
                ended: Ended::Closed,
                took: Duration::ZERO,
            }],
        }
    }

    pub fn messages(&self) -> impl Iterator<Item = &Message> {
        self.parts.iter().flat_map(|part| &part.messages)
    }

    pub fn rows(&self) -> usize {
        self.messages()
            .filter(|m| matches!(m.tag, b'D' | b'd'))
            .count()
    }

    /// All rows' values as text.
    pub fn data_rows(&self) -> Vec<Vec<Option<String>>> {
        let rows = self.messages().filter(|message| message.tag == b'D');
        rows.map(Message::values).collect()
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

    /// One line a message, for reading.
    pub fn shown(&self) -> Vec<String> {
        self.messages().map(super::compare::show).collect()
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
/// `owner` does the owner's steps; where he can't, that is what the transcript ends with.
pub(super) fn say(
    raw: &mut Raw,
    steps: &[Step],
    owner: &mut dyn FnMut(&str) -> Result<()>,
) -> Transcript {
    let mut transcript = Transcript::default();
    for steps in pipelines(steps) {
        if let [Step::Owner(sql)] = steps.as_slice() {
            if let Err(error) = owner(sql) {
                transcript.parts.push(Part::failed(steps, &error));
                break;
            }
            continue;
        }
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
        if step.stands_alone() && !open.is_empty() {
            open.push(Step::Sync);
            all.push(std::mem::take(&mut open));
        }
        open.push(step.clone());
        if step.stands_alone() || *step == Step::Sync {
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
    let is_query = steps.last().is_some_and(Step::stands_alone);
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
        Step::Function { oid, args } => pipeline.function_call(*oid, args),
        Step::Owner(_) => pipeline, // said elsewhere
    }
}
