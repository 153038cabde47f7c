//! `explain`: what a contract would say of statements. Nothing is run; that it was asked is on record.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Extension, State};
use jiff::tz::TimeZone;
use portcullis_contract::file::{self, Diagnostic, Options, SourceFile};
use portcullis_contract::{Budget, Contract, Holder, Refusal, Window};
use portcullis_gate::explanation::{self, Explanation, Ground, Moment, Verdict};
use portcullis_ledger::Payer;
use portcullis_ledger::accounts::SessionMeter;
use portcullis_sql::limits::MAX_STATEMENT_BYTES;
use portcullis_sql::{Kind, SessionNames, Surface};
use portcullis_store::state::command::{self, ExplainRequest};
use portcullis_store::state::{Actor, Denied, Event};
use serde::Deserialize;
use tokio::sync::Semaphore;

use super::Shared;
use super::apply::{coming_resources, diagnostic, known};
use super::error::ApiError;
use super::input::Body;
use crate::compose::second_lock::Unprepared;
use crate::compose::server::Server;

/// One at a time: reading statements takes a core, and the gate needs them.
static TURN: Semaphore = Semaphore::const_new(1);
/// Whoever waits longer asks again.
const TURN_WITHIN: Duration = Duration::from_secs(20);

/// Whose session is imagined where nobody is named.
const NOBODY: &str = "nobody";

#[derive(Deserialize)]
pub struct Request {
    #[serde(default)]
    contract: Option<String>,
    #[serde(default)]
    resource: Option<String>,
    #[serde(default)]
    person: Option<String>,
    #[serde(default)]
    purpose: Option<String>,
    sql: String,
    /// A contract that is not in force.
    #[serde(default)]
    file: Option<File>,
    #[serde(default)]
    color: bool,
}

#[derive(Deserialize)]
struct File {
    name: String,
    text: String,
}

/// What the statements are read under.
struct Asked {
    contract: Arc<Contract>,
    surface: Arc<Surface>,
    person: Option<String>,
    notes: Vec<String>,
    draft: bool,
}

pub async fn explain(
    State(server): Shared,
    Extension(actor): Extension<Actor>,
    Body(request): Body<Request>,
) -> Result<Json<Explanation>, ApiError> {
    if request.sql.len() > MAX_STATEMENT_BYTES {
        let message = format!("the text is longer than {MAX_STATEMENT_BYTES} bytes");
        return Err(Denied::invalid("input.long", message).into());
    }
    let Ok(Ok(_turn)) = tokio::time::timeout(TURN_WITHIN, TURN.acquire()).await else {
        return Err(Denied::unreachable("explain.busy", "others are asking; try again").into());
    };
    let asked = match &request.file {
        Some(file) => drafted(&server, &actor, &request, file).await?,
        None => in_force(&server, &actor, &request)?,
    };
    let explained = tokio::task::block_in_place(|| answer(&server, &asked, &request));
    // INVARIANT: nobody learns how far he may go without leaving a trace.
    server
        .registry
        .record(&actor, event(&asked, &explained, request.sql))
        .await?;
    Ok(Json(explained))
}

fn in_force(server: &Server, actor: &Actor, request: &Request) -> Result<Asked, Denied> {
    let Some(contract) = request.contract.clone() else {
        return Err(Denied::invalid("contract.unknown", "no contract is named")
            .hint("name one with `--contract`, or a file with `--contract-file`"));
    };
    let input = ExplainRequest {
        contract,
        resource: request.resource.clone(),
        person: request.person.clone(),
        purpose: request.purpose.clone(),
    };
    let ground = server
        .registry
        .read(|state| command::explain(state, actor, &input))?;
    let surface = server
        .registry
        .surface(&ground.contract.id, &ground.resource)
        .ok_or_else(|| {
            let message = format!(
                "what contract `{}` shows of `{}` is not in place in the database",
                ground.contract.id, ground.resource
            );
            Denied::unreachable("resource.not_ready", message).hint("`portcullis doctor` says why")
        })?;
    Ok(Asked {
        contract: ground.contract,
        surface,
        person: ground.person,
        notes: ground.notes,
        draft: false,
    })
}

/// A contract file against the live catalog, which is only read.
async fn drafted(
    server: &Server,
    actor: &Actor,
    request: &Request,
    file: &File,
) -> Result<Asked, ApiError> {
    if let Actor::Person { .. } = actor {
        let message = "a person asks about contracts in force alone";
        return Err(Denied::authority("authority.role", message).into());
    }
    let sources = [SourceFile {
        name: file.name.clone(),
        text: file.text.clone(),
    }];
    let mistaken = |mistakes: Vec<Diagnostic>| {
        let rendered = file::render(&mistakes, &sources, request.color);
        let message = format!(
            "the contract cannot be tried: {} mistake(s)",
            mistakes.len()
        );
        let denied = Denied::invalid("apply.invalid", message);
        ApiError::diagnosed(denied, file::to_json(&mistakes, &sources), rendered)
    };
    let options = Options {
        known: known(server),
    };
    let document = file::parse(&sources, &options).map_err(mistaken)?;
    let contract = match (&request.contract, document.contracts.as_slice()) {
        (None, [only]) => only,
        (named, contracts) => {
            let found = contracts.iter().find(|c| named.as_ref() == Some(&c.id));
            found.ok_or_else(|| which_contract(contracts))?
        }
    };
    let resource = command::explain_resource(contract, request.resource.as_deref())?;
    let coming = coming_resources(server, &document);
    let prepared = match server.prepare(contract, 1, &coming).await {
        Ok(prepared) => prepared,
        Err(Unprepared::Denied(denied)) => return Err(denied.into()),
        Err(Unprepared::Problems(problems)) => {
            let mistakes = problems
                .iter()
                .map(|problem| diagnostic(&document, contract, problem))
                .collect();
            return Err(mistaken(mistakes));
        }
    };
    let surface = prepared
        .surface(&resource)
        .ok_or_else(|| Denied::invalid("scope.resource", format!("nothing on `{resource}`")))?;
    let mut notes = vec!["the contract is a file: it is not in force".to_owned()];
    notes.extend(
        prepared
            .blocked()
            .into_iter()
            .map(|road| format!("it can't come into force: {road}")),
    );
    Ok(Asked {
        contract: Arc::new(prepared.contract),
        surface: Arc::new(surface),
        person: request.person.clone(),
        notes,
        draft: true,
    })
}

fn which_contract(contracts: &[Contract]) -> Denied {
    let ids: Vec<_> = contracts.iter().map(|c| c.id.as_str()).collect();
    Denied::invalid("contract.unknown", "which contract of the file is meant?").hint(format!(
        "say it with `--contract`; it has: {}",
        ids.join(", ")
    ))
}

fn answer(server: &Server, asked: &Asked, request: &Request) -> Explanation {
    let person = asked.person.as_deref();
    let mut names = SessionNames::new(
        person.unwrap_or(NOBODY),
        asked.surface.resource.clone(),
        &asked.surface,
    );
    names.rule = asked.contract.methods.aggregate_rule();
    let zone = TimeZone::get(&asked.contract.access.timezone).unwrap_or(TimeZone::UTC);
    let imagined = Imagined {
        server,
        payer: Payer {
            contract: asked.contract.id.clone(),
            vendor: asked.contract.vendor.clone(),
            person: person.unwrap_or_default().to_owned(),
            day: server.registry.now().to_zoned(zone).date(),
        },
        notes: &asked.notes,
    };
    let ground = Ground {
        contract: &asked.contract,
        surface: &asked.surface,
        names: &names,
        person,
        purpose: request.purpose.as_deref(),
    };
    explanation::explain(&request.sql, &ground, &imagined)
}

/// A session that begins now.
struct Imagined<'a> {
    server: &'a Server,
    /// The person's name is empty where nobody is named.
    payer: Payer,
    notes: &'a [String],
}

impl Moment for Imagined<'_> {
    fn used(&self, budget: &Budget) -> Option<u64> {
        let lasting = matches!(budget.window, Window::Day | Window::Total);
        if lasting && budget.holder == Holder::Person && self.payer.person.is_empty() {
            return None;
        }
        let accounts = self.server.accounts.lock();
        Some(accounts.used(&self.payer, budget, &SessionMeter::default()))
    }

    fn named(&self, _: &Kind) -> Result<Option<String>, Refusal> {
        Ok(None)
    }

    fn notes(&self) -> Vec<String> {
        self.notes.to_vec()
    }
}

fn event(asked: &Asked, explained: &Explanation, sql: String) -> Event {
    let refused = explained
        .statements
        .iter()
        .find(|statement| statement.decision == Verdict::Refused);
    Event::ExplainAsked {
        contract: asked.contract.id.clone(),
        resource: asked.surface.resource.clone(),
        person: asked.person.clone(),
        draft: asked.draft,
        statements: explained.statements.len(),
        decision: match refused {
            Some(_) => "refused".to_owned(),
            None => "allowed".to_owned(),
        },
        reason: refused
            .and_then(|statement| statement.refusal.as_ref())
            .map(|told| told.reason.clone()),
        sql,
    }
}
