//! `disclosed --to PERSON --list`: the affected subjects, by name. The ledger has keyed hashes alone:
//! the database's values are hashed as they stream by and looked up, so nothing is written down twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::{Body as Sent, Bytes};
use axum::extract::{Extension, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use portcullis_ledger::subject::SubjectScope;
use portcullis_ledger::{SubjectId, SubjectKey};
use portcullis_lock::{Present, SubjectTable};
use portcullis_store::state::command::{self, ListStep};
use portcullis_store::state::{Actor, Decision, Denied, Event, ListRequest};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::ground::{Ground, ground};
use super::subjects::Bits;
use crate::admin::error::ApiError;
use crate::admin::input::Body;
use crate::admin::{Shared, show};
use crate::compose::server::Server;

/// One table's subjects are read within this.
const READ_WITHIN: Duration = Duration::from_secs(900);
/// Pieces that wait for a slow reader.
const PIECES_WAITING: usize = 4;

#[derive(Deserialize)]
pub struct Request {
    person: String,
    #[serde(default)]
    contract: Option<String>,
    #[serde(default)]
    why: Option<String>,
}

/// Where the list stands: `{"change": …}` that waits, or `{"permitted": ID}`. The first question makes
/// the request.
pub async fn request(
    State(server): Shared,
    Extension(actor): Extension<Actor>,
    Body(request): Body<Request>,
) -> Result<Json<Value>, ApiError> {
    let id = show::new_id("c")?;
    let wanted = ListRequest {
        person: request.person,
        contract: request.contract,
    };
    let why = request.why.as_deref();
    let (change, permitted) = server
        .registry
        .execute(&actor, |state, now| {
            let step = command::disclosed_list(state, &actor, wanted, why, &id, now)?;
            Ok(match step {
                ListStep::Requested(events) => Decision::new(events, (id, false)),
                ListStep::Waiting { change } => Decision::new(Vec::new(), (change, false)),
                ListStep::Permitted { change, .. } => Decision::new(Vec::new(), (change, true)),
            })
        })
        .await?;
    let shown = server
        .registry
        .read(|state| state.changes.get(&change).map(show::change));
    Ok(Json(json!({
        "change": shown, "permitted": permitted.then_some(change),
    })))
}

/// The list itself, JSON lines; the last line is `{"end": …}`, without which it is cut.
pub async fn produce(
    State(server): Shared,
    Extension(actor): Extension<Actor>,
    Body(request): Body<Request>,
) -> Result<Response, ApiError> {
    let wanted = ListRequest {
        person: request.person,
        contract: request.contract,
    };
    let now = server.registry.now();
    let step = server
        .registry
        .read(|state| command::disclosed_list(state, &actor, wanted, None, "", now))?;
    let ListStep::Permitted { change, request } = step else {
        return Err(Denied::authority(
            "authority.second_officer",
            "no other officer has agreed to this list",
        )
        .hint("ask for it with `disclosed --to PERSON --list`; another approves with `change approve`")
        .into());
    };
    let wanted = collect(&server, &request).await;
    let listed = Event::DisclosedListed {
        change: change.clone(),
        person: request.person.clone(),
        contract: request.contract.clone(),
        subjects: wanted.kinds.values().map(Kind::left).sum(),
    };
    // INVARIANT: no name leaves before it is on record that the list does.
    server.registry.record(&actor, listed).await?;
    let key = super::ledger_key(&server)?;
    let (to, mut lines) = mpsc::channel(PIECES_WAITING);
    let job = Job {
        server: Arc::clone(&server),
        key,
        to,
        listed: 0,
        problems: wanted.problems,
    };
    tokio::spawn(job.run(actor, change, request.person.clone(), wanted.kinds));
    let body = futures_util::stream::poll_fn(move |context| {
        lines
            .poll_recv(context)
            .map(|bytes| bytes.map(Ok::<Bytes, std::convert::Infallible>))
    });
    Ok((
        [(CONTENT_TYPE, "application/x-ndjson")],
        Sent::from_stream(body),
    )
        .into_response())
}

/// By (resource, kind).
type Kinds = BTreeMap<(String, String), Kind>;

/// Subjects of one kind that the person was shown, and where their values stand.
#[derive(Default)]
struct Kind {
    /// By contract.
    under: BTreeMap<String, Under>,
    tables: BTreeSet<SubjectTable>,
}

/// Whom one contract showed, and whether under ids of its own.
#[derive(Default)]
struct Under {
    keyed: bool,
    left: Bits,
}

impl Kind {
    /// Ids that no value was found for yet.
    fn left(&self) -> u64 {
        let mut clear = Bits::default();
        let mut keyed = 0;
        for under in self.under.values() {
            if under.keyed {
                keyed += under.left.count();
            } else {
                clear.or(&under.left);
            }
        }
        clear.count() + keyed
    }
}

struct Collected {
    kinds: Kinds,
    problems: Vec<String>,
}

async fn collect(server: &Server, request: &ListRequest) -> Collected {
    let shown: Vec<_> = {
        let accounts = server.accounts.lock();
        let own = accounts.persons().filter(|(contract, person, _)| {
            *person == request.person && request.contract.as_ref().is_none_or(|of| of == contract)
        });
        own.map(|(contract, _, account)| (contract.to_owned(), account.tables().to_vec()))
            .collect()
    };
    let mut collected = Collected {
        kinds: Kinds::new(),
        problems: Vec::new(),
    };
    for (id, tables) in shown {
        let contract = server.registry.read(|state| {
            state
                .contracts
                .get(&id)
                .map(|entry| Arc::clone(&entry.contract))
        });
        let Some(contract) = contract else { continue };
        let ground = ground(server, contract).await;
        for (name, set) in &tables {
            collected.take(&ground, &name.resource, &name.table, set);
        }
    }
    collected
}

impl Collected {
    fn take(
        &mut self,
        ground: &Ground,
        resource: &str,
        table: &str,
        set: &portcullis_ledger::set::OrdinalSet,
    ) {
        let id = &ground.contract.id;
        let Some(of) = ground.table(resource, table) else {
            let gone =
                format!("`{table}` is no longer in contract `{id}`: its subjects cannot be named");
            self.problems.push(gone);
            return;
        };
        let kind = (resource.to_owned(), of.kind.clone());
        let kind = self.kinds.entry(kind).or_default();
        let under = kind.under.entry(id.clone()).or_default();
        under.keyed = of.keyed;
        under.left.add(set);
        let same = ground
            .tables
            .iter()
            .filter(|(on, other)| on == resource && other.kind == of.kind);
        // One value stands in several tables; what one contract masks is the same value.
        kind.tables.extend(same.map(|(_, other)| SubjectTable {
            keyed: false,
            ..other.clone()
        }));
    }
}

/// Produces a list on a task of its own: its end is on record, also if the reader goes away.
struct Job {
    server: Arc<Server>,
    key: SubjectKey,
    to: mpsc::Sender<Bytes>,
    listed: u64,
    problems: Vec<String>,
}

impl Job {
    async fn run(mut self, actor: Actor, change: String, person: String, kinds: Kinds) {
        let mut gone = 0;
        for ((resource, kind), of) in kinds {
            gone += self.kind(&resource, &kind, of).await;
        }
        let complete = self.problems.is_empty() && !self.to.is_closed();
        let ended = Event::DisclosedListEnded {
            change,
            person,
            listed: self.listed,
            gone,
            complete,
        };
        if let Err(error) = self.server.registry.record(&actor, ended).await {
            tracing::error!(%error, "the end of a list cannot be recorded");
            return;
        }
        let end = json!({ "end": {
            "listed": self.listed, "gone": gone, "complete": complete, "problems": self.problems,
        }});
        let _ = self.to.send(format!("{end}\n").into()).await;
    }

    /// How many of the ids no value has any more.
    async fn kind(&mut self, resource: &str, kind: &str, mut of: Kind) -> u64 {
        let scope = self.key.scope(resource, kind);
        let keyed = of.under.iter().filter(|(_, under)| under.keyed);
        let keyed: Vec<String> = keyed.map(|(contract, _)| contract.clone()).collect();
        for table in std::mem::take(&mut of.tables) {
            if let Err(why) = self.table(resource, &table, &scope, &keyed, &mut of).await {
                self.problems
                    .push(format!("`{}`: {why}", table.qualified()));
            }
        }
        of.left()
    }

    async fn table(
        &mut self,
        resource: &str,
        table: &SubjectTable,
        scope: &SubjectScope,
        keyed: &[String],
        of: &mut Kind,
    ) -> Result<(), String> {
        let target = self
            .server
            .resource(resource)
            .ok_or_else(|| format!("no resource `{resource}`"))?;
        let steward = self
            .server
            .locks
            .steward(&target)
            .await
            .map_err(|denied| denied.message)?;
        let (to, mut pieces) = mpsc::channel::<Vec<Present>>(PIECES_WAITING);
        let matching = async {
            while let Some(piece) = pieces.recv().await {
                let lines = self.matched(resource, table, scope, keyed, of, &piece);
                if !lines.is_empty() && self.to.send(lines.into()).await.is_err() {
                    return;
                }
            }
        };
        let reading = async move {
            // `to` goes with this block, so that the matching ends.
            portcullis_lock::send_subjects(&steward, table, keyed, READ_WITHIN, &to).await
        };
        let (read, ()) = tokio::join!(reading, matching);
        read.map_err(|error| error.to_string())
    }

    /// The lines of those that were shown to him. Each is taken out, so that it comes once.
    fn matched(
        &mut self,
        resource: &str,
        table: &SubjectTable,
        scope: &SubjectScope,
        keyed: &[String],
        of: &mut Kind,
        piece: &[Present],
    ) -> String {
        // One lock a piece: the gate charges under it.
        let found: Vec<Vec<(Option<usize>, u32)>> = {
            let accounts = self.server.accounts.lock();
            let ordinal = |id: SubjectId| accounts.ordinal(id);
            piece
                .iter()
                .map(|present| ordinals(present, scope, ordinal))
                .collect()
        };
        let mut lines = String::new();
        for (present, found) in piece.iter().zip(found) {
            let mut under = BTreeSet::new();
            for (space, ordinal) in found {
                let named = space.and_then(|at| keyed.get(at));
                for (contract, shown) in &mut of.under {
                    let same = match named {
                        Some(named) => named == contract,
                        None => !shown.keyed,
                    };
                    if same && shown.left.take(ordinal) {
                        under.insert(contract.clone());
                    }
                }
            }
            if !under.is_empty() {
                self.listed += 1;
                let line = json!({
                    "resource": resource, "kind": table.kind, "table": table.qualified(),
                    "subject": present.value, "contracts": under,
                });
                lines.push_str(&line.to_string());
                lines.push('\n');
            }
        }
        lines
    }
}

/// The value's numbers in the ledger: as itself, and as each contract's key tells it.
fn ordinals(
    present: &Present,
    scope: &SubjectScope,
    ordinal: impl Fn(SubjectId) -> Option<u32>,
) -> Vec<(Option<usize>, u32)> {
    let own = ordinal(scope.id(present.value.as_bytes())).map(|number| (None, number));
    let keyed = present.keyed.iter().enumerate().filter_map(|(at, digest)| {
        let number = ordinal(scope.id(digest.as_ref()?.as_bytes()))?;
        Some((Some(at), number))
    });
    own.into_iter().chain(keyed).collect()
}
