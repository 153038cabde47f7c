//! Whether two answers are the same: every byte of every message, with the few things named here that
//! two clusters may differ in without telling anything.
//!
//! | what | how it is compared | why |
//! |---|---|---|
//! | rows of a statement without ORDER BY | as a multiset within its own result | SQL gives them no order |
//! | lines of EXPLAIN | where they differ, each must be a node's kind and a table in scope, nothing else | a plan's shape is a declared disclosure of `plan` |
//! | rows of a query before its error | not compared, the error is | which row fails first is the plan's choice |
//! | rows with ORDER BY | as a multiset, and the sequence of those sort keys that are shown | ties have no order |
//! | everything else: EXPLAIN, SHOW, errors, tags, types, statuses | byte for byte, in sequence | |
//! | grant and role of this side | replaced by a word (`Twins`) | each gate makes its own |
//! | the process id of this session | replaced by a word (`Twins`) | the machine's |
//! | a value that differs when one side is asked again | left out, that value alone | clocks, process ids, random numbers |
//! | time | one side more than ten times and two seconds slower, three times | fine timing is outside the promise |
//!
//! A second oracle knows nothing of order: no byte received may hold the marker of hidden data.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use super::order::{self, Sorted};
use super::plan;
use super::step::{Order, Step};
use super::talk::{Part, Transcript, field};
use crate::raw::Message;

pub(super) const TIME: &str = "time";
const TIMES_SLOWER: u32 = 10;
const SECONDS_SLOWER: Duration = Duration::from_secs(2);
/// Of a value in a report.
const SHOWN_CHARS: usize = 300;
/// Every hidden text of the world begins with one of these.
const MARKERS: [&str; 3] = ["zq1", "zq2", "zq-"];
const ROW_MARKERS: [&str; 2] = ["zq1", "zq2"];
const COPY_SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
/// Signature, flags and the length of an extension that nobody sends.
const COPY_HEADER_BYTES: usize = 19;
const NOISE: &[u8] = b"(differs when asked again)";

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing told the two sides apart.
    Same {
        /// Values left out because one side alone doesn't repeat them.
        noise: usize,
    },
    Differs(Box<Difference>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Of the case's pipelines, from 0.
    pub part: usize,
    pub what: &'static str,
    pub a: String,
    pub b: String,
    /// One side alone doesn't answer alike twice.
    pub unsteady: bool,
}

impl Verdict {
    pub fn is_same(&self) -> bool {
        matches!(self, Self::Same { .. })
    }

    pub fn difference(&self) -> Option<&Difference> {
        match self {
            Self::Same { .. } => None,
            Self::Differs(difference) => Some(difference),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unsteady = if self.unsteady { ", unsteady" } else { "" };
        writeln!(f, "part {}: {}{unsteady}", self.part, self.what)?;
        writeln!(f, "  1: {}", self.a)?;
        write!(f, "  2: {}", self.b)
    }
}

/// One asking of each side.
pub(super) fn equal(a: &Transcript, b: &Transcript, order: Order) -> Verdict {
    verdict_of(
        first_difference(a, b, order).or_else(|| slower(&[a], &[b])),
        0,
    )
}

/// Two askings of each side.
pub(super) fn judge(a: &[&Transcript; 2], b: &[&Transcript; 2], order: Order) -> Verdict {
    let [first_a, again_a] = *a;
    let [first_b, again_b] = *b;
    if let Some(difference) = first_difference(first_a, first_b, order) {
        let noise: BTreeSet<Place> = differing_values(first_a, again_a)
            .union(&differing_values(first_b, again_b))
            .copied()
            .collect();
        let (quiet_a, quiet_b) = (without(first_a, &noise), without(first_b, &noise));
        let Some(mut left) = first_difference(&quiet_a, &quiet_b, order) else {
            return match slower(a, b) {
                None => Verdict::Same { noise: noise.len() },
                Some(slower) => Verdict::Differs(Box::new(slower)),
            };
        };
        left.unsteady = first_difference(&without(again_a, &noise), &quiet_a, order).is_some();
        if left.unsteady {
            left = Difference {
                unsteady: true,
                ..difference
            };
        }
        return Verdict::Differs(Box::new(left));
    }
    verdict_of(slower(a, b), 0)
}

fn verdict_of(difference: Option<Difference>, noise: usize) -> Verdict {
    difference.map_or(Verdict::Same { noise }, |found| {
        Verdict::Differs(Box::new(found))
    })
}

fn slower(a: &[&Transcript], b: &[&Transcript]) -> Option<Difference> {
    let quickest = |of: &[&Transcript]| of.iter().map(|one| one.took()).min().unwrap_or_default();
    let (a, b) = (quickest(a), quickest(b));
    let (less, more) = (a.min(b), a.max(b));
    (more > less * TIMES_SLOWER && more - less > SECONDS_SLOWER).then(|| Difference {
        part: 0,
        what: TIME,
        a: format!("{a:?}"),
        b: format!("{b:?}"),
        unsteady: false,
    })
}

pub(super) fn first_difference(a: &Transcript, b: &Transcript, order: Order) -> Option<Difference> {
    let orders = order::of_parts(&a.parts);
    let pairs = a.parts.iter().zip(&b.parts).zip(&orders).enumerate();
    for (part, ((left, right), orders)) in pairs {
        let found = differs(left, right, orders, order);
        if let Some((what, a, b)) = found {
            return Some(Difference {
                part,
                what,
                a,
                b,
                unsteady: false,
            });
        }
    }
    if a.parts.len() == b.parts.len() {
        return None;
    }
    let [a, b] = [a, b].map(|side| format!("{} pipelines answered", side.parts.len()));
    Some(Difference {
        part: 0,
        what: "length",
        a,
        b,
        unsteady: false,
    })
}

type Told = (&'static str, String, String);

fn differs(a: &Part, b: &Part, orders: &[Sorted], total: Order) -> Option<Told> {
    if a.ended == b.ended && a.messages == b.messages {
        return None;
    }
    let (left, right) = (runs(&a.messages), runs(&b.messages));
    let mut result = 0;
    let (mut ours, mut theirs) = (left.iter().peekable(), right.iter().peekable());
    while let (Some(one), Some(other)) = (ours.peek(), theirs.peek()) {
        let order = orders.get(result).unwrap_or(&Sorted::Exact);
        let failed =
            *order != Sorted::Exact && [&left, &right].into_iter().all(|side| fails(side, result));
        if failed && (is_rows(one) || is_rows(other)) {
            ours.next_if(|run| is_rows(run));
            theirs.next_if(|run| is_rows(run));
            continue;
        }
        let order = match (total, order) {
            (Order::Total, Sorted::Any | Sorted::By(_)) => &Sorted::Exact,
            _ => order,
        };
        if let Some(found) = run_differs(one, other, order) {
            return Some(found);
        }
        result += usize::from(is_completion(one));
        ours.next();
        theirs.next();
    }
    let differ_in_number = ours.peek().is_some() || theirs.peek().is_some();
    let shown = |of: &[&[Message]]| {
        of.iter()
            .map(|run| show_run(run))
            .collect::<Vec<_>>()
            .join(" · ")
    };
    if differ_in_number {
        return Some(("number of messages", shown(&left), shown(&right)));
    }
    (a.ended != b.ended).then(|| ("end", format!("{:?}", a.ended), format!("{:?}", b.ended)))
}

fn is_plan_row(row: &Message) -> bool {
    let lines = values(&row.body);
    let line = |value: &Option<Vec<u8>>| {
        let line = value.as_deref().map(String::from_utf8_lossy);
        line.is_some_and(|line| plan::is_plan_line(&line) || plan::is_plan_document(&line))
    };
    row.tag == b'D' && lines.len() == 1 && lines.iter().all(line)
}

/// Rows that follow each other are one run, each other message is one of its own.
fn runs(messages: &[Message]) -> Vec<&[Message]> {
    messages
        .chunk_by(|a, b| is_row(a) && is_row(b) && a.tag == b.tag)
        .collect()
}

fn is_rows(run: &[Message]) -> bool {
    run.first().is_some_and(is_row)
}

fn is_completion(run: &[Message]) -> bool {
    run.first()
        .is_some_and(|message| matches!(message.tag, b'C' | b'I' | b's'))
}

/// Whether an error, not a completion, ends this result.
fn fails(runs: &[&[Message]], result: usize) -> bool {
    let mut done = 0;
    for run in runs {
        if done == result && run.first().is_some_and(|message| message.tag == b'E') {
            return true;
        }
        done += usize::from(is_completion(run));
    }
    false
}

fn is_row(message: &Message) -> bool {
    matches!(message.tag, b'D' | b'd')
}

fn run_differs(a: &[Message], b: &[Message], order: &Sorted) -> Option<Told> {
    if a == b {
        return None;
    }
    if *order == Sorted::Plan && [a, b].iter().all(|run| run.iter().all(is_plan_row)) {
        return None;
    }
    if !is_rows(a) || !is_rows(b) || matches!(order, Sorted::Exact | Sorted::Plan) {
        return Some(("message", show_run(a), show_run(b)));
    }
    let sorted = |run: &[Message]| {
        let mut bodies: Vec<Vec<u8>> = run.iter().flat_map(bodies_of).collect();
        bodies.sort();
        bodies
    };
    let (in_a, in_b) = (sorted(a), sorted(b));
    if in_a != in_b {
        let only = |one: &[Vec<u8>], other: &[Vec<u8>]| {
            let mut left: Vec<&Vec<u8>> = one.iter().collect();
            for body in other {
                if let Some(at) = left.iter().position(|own| *own == body) {
                    left.swap_remove(at);
                }
            }
            let some: Vec<String> = left.iter().take(3).map(|body| show_row(body)).collect();
            format!(
                "{} rows, {} only here: {}",
                one.len(),
                left.len(),
                some.join(" ")
            )
        };
        return Some(("rows", only(&in_a, &in_b), only(&in_b, &in_a)));
    }
    let Sorted::By(keys) = order else {
        return None;
    };
    let keys_of = |run: &[Message]| -> Vec<Vec<Option<Vec<u8>>>> {
        let key = |row: &Message| {
            let values = values(&row.body);
            keys.iter()
                .map(|key| values.get(*key).cloned().flatten())
                .collect()
        };
        run.iter().map(key).collect()
    };
    let (in_a, in_b) = (keys_of(a), keys_of(b));
    let at = in_a.iter().zip(&in_b).position(|(a, b)| a != b)?;
    let row = |run: &[Message]| {
        run.get(at).map_or_else(String::new, |row| {
            format!("row {at}: {}", show_row(&row.body))
        })
    };
    Some(("order", row(a), row(b)))
}

/// A binary COPY sends its header in one message with the first row.
fn bodies_of(message: &Message) -> Vec<Vec<u8>> {
    match message.body.split_at_checked(COPY_HEADER_BYTES) {
        Some((head, row)) if message.tag == b'd' && head.starts_with(COPY_SIGNATURE) => {
            vec![head.to_vec(), row.to_vec()]
        }
        _ => vec![message.body.clone()],
    }
}

// ---- noise ----

/// A value: part, message, field.
type Place = (usize, usize, usize);

/// The values that two askings of one side differ in; empty where more than values differs.
fn differing_values(first: &Transcript, again: &Transcript) -> BTreeSet<Place> {
    let mut places = BTreeSet::new();
    for (part, (one, two)) in first.parts.iter().zip(&again.parts).enumerate() {
        if one.messages.len() != two.messages.len() {
            continue;
        }
        for (at, (one, two)) in one.messages.iter().zip(&two.messages).enumerate() {
            let (in_one, in_two) = (pieces(one), pieces(two));
            if one.tag != two.tag || in_one.len() != in_two.len() {
                continue;
            }
            let differing = in_one
                .iter()
                .zip(&in_two)
                .enumerate()
                .filter(|(_, (a, b))| a != b);
            places.extend(differing.map(|(piece, _)| (part, at, piece)));
        }
    }
    places
}

fn without(transcript: &Transcript, noise: &BTreeSet<Place>) -> Transcript {
    let mut quiet = transcript.clone();
    for (part, at, piece) in noise {
        let message = quiet
            .parts
            .get_mut(*part)
            .and_then(|part| part.messages.get_mut(*at));
        let Some(message) = message else { continue };
        let mut all = pieces(message);
        if let Some(piece) = all.get_mut(*piece) {
            *piece = Some(NOISE.to_vec());
        }
        message.body = joined(message.tag, &all);
    }
    quiet
}

/// Values of a row, fields of an error or notice; other messages have one.
fn pieces(message: &Message) -> Vec<Option<Vec<u8>>> {
    match message.tag {
        b'D' => values(&message.body),
        b'E' | b'N' => message
            .body
            .split(|byte| *byte == 0)
            .map(|field| Some(field.to_vec()))
            .collect(),
        _ => vec![Some(message.body.clone())],
    }
}

fn joined(tag: u8, pieces: &[Option<Vec<u8>>]) -> Vec<u8> {
    match tag {
        b'D' => row_of(pieces),
        b'E' | b'N' => pieces
            .iter()
            .map(|piece| piece.clone().unwrap_or_default())
            .collect::<Vec<_>>()
            .join(&0),
        _ => pieces.first().cloned().flatten().unwrap_or_default(),
    }
}

/// A DataRow's values.
pub(super) fn values(body: &[u8]) -> Vec<Option<Vec<u8>>> {
    let mut body = body.get(2..).unwrap_or_default();
    let mut values = Vec::new();
    while let Some((length, rest)) = body.split_first_chunk() {
        let value = usize::try_from(i32::from_be_bytes(*length))
            .ok()
            .and_then(|length| rest.split_at_checked(length));
        body = value.map_or(rest, |(_, rest)| rest);
        values.push(value.map(|(value, _)| value.to_vec()));
    }
    values
}

/// The body of a DataRow with these values.
pub(super) fn row_of(values: &[Option<Vec<u8>>]) -> Vec<u8> {
    let count = u16::try_from(values.len()).unwrap_or(u16::MAX);
    let mut body = count.to_be_bytes().to_vec();
    for value in values {
        let length = value
            .as_ref()
            .map_or(-1, |value| i32::try_from(value.len()).unwrap_or(i32::MAX));
        body.extend_from_slice(&length.to_be_bytes());
        body.extend_from_slice(value.as_deref().unwrap_or_default());
    }
    body
}

// ---- markers ----

/// The first message that holds hidden data's marker, unless the client wrote it himself. Whoever writes
/// `zq` may make `zq2` of it with a number: then a marker counts with the digest behind it, which he
/// can't make.
pub fn marked(transcript: &Transcript, steps: &[Step]) -> Option<String> {
    let written = format!("{steps:?}").to_ascii_lowercase();
    if written.contains("zq") {
        return transcript
            .messages()
            .find(|message| has_digest(&message.body))
            .map(show);
    }
    first_with(transcript, &MARKERS)
}

/// Hex digits behind a marker that nobody writes by chance; hidden texts have ten.
const DIGEST_DIGITS: usize = 4;

fn has_digest(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    ROW_MARKERS.iter().any(|marker| {
        text.match_indices(marker).any(|(at, _)| {
            let behind = text.as_bytes().get(at + marker.len()..).unwrap_or_default();
            let digits = behind.iter().take_while(|byte| byte.is_ascii_hexdigit());
            digits.count() >= DIGEST_DIGITS
        })
    })
}

/// The first message that holds text of hidden rows or columns. Names and texts of the catalog have
/// another marker: a grant's role that is logged in directly can read those.
pub fn holds_row_data(transcript: &Transcript) -> Option<String> {
    first_with(transcript, &ROW_MARKERS)
}

fn first_with(transcript: &Transcript, markers: &[&str]) -> Option<String> {
    let holds = |message: &&Message| markers.iter().any(|marker| holds(&message.body, marker));
    transcript.messages().find(holds).map(show)
}

/// By way of text: the standard library's search is optimised also where this crate isn't.
pub(super) fn holds(body: &[u8], text: &str) -> bool {
    String::from_utf8_lossy(body).contains(text)
}

/// An error of the gate's own.
pub fn is_refusal(message: &Message) -> bool {
    message.tag == b'E'
        && field(&message.body, b'M').is_some_and(|text| text.starts_with("portcullis["))
}

// ---- showing ----

fn show_run(run: &[Message]) -> String {
    match run {
        [one] => show(one),
        [first, ..] => format!("{} rows, the first {}", run.len(), show(first)),
        [] => "nothing".to_owned(),
    }
}

pub(super) fn show(message: &Message) -> String {
    let body = match message.tag {
        b'D' => show_row(&message.body),
        b'E' | b'N' => {
            let of = |kind| field(&message.body, kind).unwrap_or_default();
            let rest = ["D", "H", "P", "W", "F"].map(|kind| {
                let text = of(kind.as_bytes().first().copied().unwrap_or_default());
                if text.is_empty() {
                    text
                } else {
                    format!(" {kind}:{text}")
                }
            });
            format!("{} {}{}", of(b'C'), of(b'M'), rest.concat())
        }
        _ => String::from_utf8_lossy(&message.body).replace('\0', "␀"),
    };
    format!("{}[{}]", char::from(message.tag), cut(&body))
}

fn show_row(body: &[u8]) -> String {
    let values: Vec<String> = values(body)
        .into_iter()
        .map(|value| {
            value.map_or_else(
                || "NULL".to_owned(),
                |value| String::from_utf8_lossy(&value).into_owned(),
            )
        })
        .collect();
    cut(&format!("({})", values.join(", ")))
}

fn cut(text: &str) -> String {
    let mut short: String = text.chars().take(SHOWN_CHARS).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
