//! `trace`: where a leaked file came from. The file is read by who asks; here its values meet the
//! ledger's key.
//!
//! Invariant: the question is durable before its answer leaves, by the file's hash and counts alone;
//! a value of the file is neither kept nor logged.

mod keyed;
mod matched;
mod persons;
mod spaces;
mod trails;

use std::time::Duration;

use axum::Json;
use axum::extract::{Extension, State};
use jiff::Timestamp;
use portcullis_store::state::{Actor, Denied, Event};
use portcullis_trace::Column;
use portcullis_trace::limits::{SAMPLES_MAX, VALUES_BYTES_MAX, VALUES_MAX};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::Shared;
use super::error::ApiError;
use super::input::Body;
use crate::compose::server::Server;
use spaces::{Known, Space};

/// All values of a column, quoted.
pub const BODY_BYTES_MAX: usize = VALUES_BYTES_MAX + VALUES_MAX * 4 + (1 << 20);
/// One at a time: matching takes a core and the memory of the file's values.
static TURN: Semaphore = Semaphore::const_new(1);
const TURN_WITHIN: Duration = Duration::from_secs(60);

/// What is told of the file.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct File {
    /// Hex.
    sha256: String,
    bytes: u64,
    format: String,
    rows: u64,
}

#[derive(Deserialize)]
pub struct Survey {
    file: File,
    columns: Vec<Column>,
}

#[derive(Deserialize)]
pub struct Request {
    file: File,
    column: String,
    /// Distinct values of that column.
    values: Vec<String>,
    #[serde(default)]
    resource: Option<String>,
    #[serde(default)]
    kind: Option<String>,
    /// What was disclosed from then on can't be in the file.
    #[serde(default)]
    before: Option<Timestamp>,
    /// Ask the database whose the digests are of contracts that mask or hide the key.
    #[serde(default)]
    ask_database: bool,
}

/// Which column holds subjects, from samples of all.
pub async fn columns(
    State(server): Shared,
    Extension(actor): Extension<Actor>,
    Body(survey): Body<Survey>,
) -> Result<Json<Value>, ApiError> {
    let samples: usize = survey.columns.iter().map(|c| c.sample.len()).sum();
    if samples > 2 * SAMPLES_MAX {
        return Err(Denied::invalid("input.long", "the samples are too many").into());
    }
    checked(&survey.file)?;
    let _turn = turn().await?;
    let key = matched::ledger_key(&server)?;
    let known = spaces::known(&server);
    let found = tokio::task::block_in_place(|| {
        matched::candidates(&server, &key, &known.spaces, &survey.columns)
    });
    let sampled = survey.columns.iter().map(|c| c.sample.len() as u64).sum();
    let hits = found.iter().map(|candidate| candidate.hits).max();
    let event = asked(&survey.file, "columns", (sampled, hits.unwrap_or(0)));
    server.registry.record(&actor, event).await?;
    let best = matched::best(&found);
    Ok(Json(json!({
        "best": best, "candidates": found, "untraceable": known.untraceable,
    })))
}

pub async fn trace(
    State(server): Shared,
    Extension(actor): Extension<Actor>,
    Body(request): Body<Request>,
) -> Result<Json<Value>, ApiError> {
    if request.values.len() > VALUES_MAX {
        let message = format!("more than {VALUES_MAX} distinct values");
        return Err(Denied::invalid("input.long", message).into());
    }
    checked(&request.file)?;
    let _turn = turn().await?;
    let key = matched::ledger_key(&server)?;
    let known = spaces::known(&server);
    let space = space(&server, &key, &known, &request)?;
    let keyed = match request.ask_database {
        true => keyed::ordinals(&server, &key, &space, &request.values).await?,
        false => Vec::new(),
    };
    let answer = tokio::task::block_in_place(|| answer(&server, &key, &space, &keyed, &request))?;
    let counts = (answer.verdict.distinct, answer.verdict.known);
    let mut event = asked(&request.file, "match", counts);
    if let Event::TraceAsked {
        database, found, ..
    } = &mut event
    {
        *database = request.ask_database;
        let members = answer.verdict.set.members.iter();
        found.extend(members.map(|member| member.person.clone()));
    }
    // INVARIANT: nobody asks where a file came from without leaving a trace.
    server.registry.record(&actor, event).await?;
    let Answer {
        verdict,
        sessions,
        notes,
    } = answer;
    let mut told = serde_json::to_value(&verdict).unwrap_or_default();
    persons::add_vendors(&server, &mut told);
    if let Some(fields) = told.as_object_mut() {
        fields.insert("found".into(), verdict.found().into());
        fields.insert("file".into(), json!(request.file));
        fields.insert("column".into(), request.column.into());
        fields.insert("resource".into(), space.resource.into());
        fields.insert("subject_kind".into(), space.kind.into());
        fields.insert("before".into(), json!(request.before));
        fields.insert("sessions".into(), json!(sessions));
        fields.insert("notes".into(), json!(notes));
        let left = if request.ask_database {
            &[]
        } else {
            known.untraceable.as_slice()
        };
        fields.insert("untraceable".into(), json!(left));
    }
    Ok(Json(told))
}

struct Answer {
    verdict: portcullis_trace::Verdict,
    sessions: Vec<trails::PersonTrail>,
    notes: Vec<String>,
}

fn answer(
    server: &Server,
    key: &portcullis_ledger::SubjectKey,
    space: &Space,
    keyed: &[(usize, u32)],
    request: &Request,
) -> Result<Answer, Denied> {
    server
        .follow_index()
        .map_err(|error| unreadable(format!("{error:#}")))?;
    let leak = matched::leak(server, key, space, &request.values, keyed);
    let mut notes = Vec::new();
    let persons = persons::Persons::gather(server, request.before, &mut notes)?;
    let verdict = persons.judge(server, &leak);
    let sessions = trails::trails(server, &leak, &verdict, request.before, &mut notes)?;
    Ok(Answer {
        verdict,
        sessions,
        notes,
    })
}

/// As asked, else where most of a sample is known.
fn space(
    server: &Server,
    key: &portcullis_ledger::SubjectKey,
    known: &Known,
    request: &Request,
) -> Result<Space, Denied> {
    let asked = |space: &&Space| {
        request
            .resource
            .as_ref()
            .is_none_or(|r| *r == space.resource)
            && request.kind.as_ref().is_none_or(|k| *k == space.kind)
    };
    let asked: Vec<Space> = known.spaces.iter().filter(asked).cloned().collect();
    let step = (request.values.len() / portcullis_trace::limits::SAMPLE_OF_COLUMN).max(1);
    let column = Column {
        name: request.column.clone(),
        cells: request.values.len() as u64,
        distinct: request.values.len() as u64,
        sample: request.values.iter().step_by(step).cloned().collect(),
    };
    let found = matched::candidates(server, key, &asked, &[column]);
    let best = matched::best(&found).and_then(|best| {
        asked
            .iter()
            .find(|space| space.resource == best.resource && space.kind == best.kind)
    });
    // Where all ids are digests nothing is known yet.
    let keyed = || {
        asked.iter().find(|space| {
            let mut keyed = known.untraceable.iter();
            keyed.any(|one| one.resource == space.resource && one.kind == space.kind)
        })
    };
    best.or_else(keyed)
        .or_else(|| asked.first())
        .cloned()
        .ok_or_else(|| {
            Denied::invalid("trace.kind", "no contract has subjects of that kind there")
                .hint("leave `--resource` and `--kind` out, and all are tried")
        })
}

async fn turn() -> Result<tokio::sync::SemaphorePermit<'static>, Denied> {
    match tokio::time::timeout(TURN_WITHIN, TURN.acquire()).await {
        Ok(Ok(turn)) => Ok(turn),
        _ => Err(Denied::unreachable(
            "trace.busy",
            "others are asking; try again",
        )),
    }
}

fn checked(file: &File) -> Result<(), Denied> {
    let hex = file.sha256.len() == 64 && file.sha256.bytes().all(|b| b.is_ascii_hexdigit());
    if hex && file.format.len() <= 32 {
        return Ok(());
    }
    Err(Denied::invalid(
        "input.unreadable",
        "the file's hash is no SHA-256",
    ))
}

/// `subjects` were looked up, and `known` of them are known to the ledger.
fn asked(file: &File, step: &str, (subjects, known): (u64, u64)) -> Event {
    Event::TraceAsked {
        step: step.to_owned(),
        database: false,
        sha256: file.sha256.to_ascii_lowercase(),
        bytes: file.bytes,
        format: file.format.clone(),
        rows: file.rows,
        subjects,
        known,
        found: Vec::new(),
    }
}

fn unreadable(why: String) -> Denied {
    Denied::unreachable("log.unreadable", why).hint("run `portcullis log verify`")
}
