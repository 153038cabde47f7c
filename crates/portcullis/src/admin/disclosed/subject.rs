//! `disclosed --subject`: who was shown this subject, when, in which statements.
//!
//! The accounts tell who; only these persons' records are read for when and what.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, State};
use portcullis_contract::Contract;
use portcullis_ledger::{DisclosureSet, SubjectId, SubjectKey};
use portcullis_lock::{Steward, SubjectTable};
use portcullis_store::log::{Entries, LogError, StoredEntry};
use portcullis_store::state::{Actor, Denied, Event};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ground::{Ground, ground};
use crate::admin::Shared;
use crate::admin::error::ApiError;
use crate::admin::input::Body;
use crate::compose::server::Server;

/// No key of a database is longer.
const KEY_BYTES_MAX: usize = 1024;
/// The event names so many ids; a leaf is small.
const IDS_IN_EVENT: usize = 48;
/// How far behind its last rows a statement's outcome is looked for.
const OUTCOME_WITHIN: u64 = 100_000;
/// Further on than this a new read is cheaper than skipping.
const BUNDLE: u64 = 256;
/// The gate needs the other cores.
const READERS_MAX: usize = 4;
/// Fewer records are read sooner than a thread is made.
const WORTH_A_READER: usize = 512;

#[derive(Deserialize)]
pub struct Request {
    key: String,
    #[serde(default)]
    resource: Option<String>,
    #[serde(default)]
    kind: Option<String>,
    /// `schema.table`, or the table's name alone: the kind that it has.
    #[serde(default)]
    table: Option<String>,
}

/// The subject as the contracts may have told of it.
#[derive(Default)]
struct Wanted {
    /// Id to (resource, kind).
    ids: BTreeMap<SubjectId, (String, String)>,
    /// What could not be asked: (contract, resource, why).
    unasked: BTreeSet<(String, String, String)>,
    /// Tables that told of subjects and have left their contracts.
    former: Vec<Former>,
}

/// A table of an account that its contract no longer has. What its column identified is not known any
/// more: its subjects are looked for under its own name and under every kind of the resource.
#[derive(Clone, PartialEq, Serialize)]
struct Former {
    contract: String,
    resource: String,
    table: String,
}

pub async fn who(
    State(server): Shared,
    Extension(actor): Extension<Actor>,
    Body(request): Body<Request>,
) -> Result<Json<Value>, ApiError> {
    if request.key.is_empty() || request.key.len() > KEY_BYTES_MAX {
        let message = format!("a key has at least one byte and at most {KEY_BYTES_MAX}");
        return Err(Denied::invalid("input.key", message).into());
    }
    let contracts = contracts(&server, &request)?;
    let mut grounds = Vec::new();
    for contract in contracts {
        grounds.push(ground(&server, contract).await);
    }
    let wanted = wanted(&server, &request, &grounds).await?;
    // INVARIANT: nobody asks after a subject without leaving a trace, and the trace holds no key.
    let asked = Event::DisclosedAsked {
        to: None,
        contract: None,
        resource: request.resource.clone(),
        subject: wanted
            .ids
            .keys()
            .take(IDS_IN_EVENT)
            .map(|id| hex::encode(id.to_bytes()))
            .collect(),
    };
    server.registry.record(&actor, asked).await?;
    super::follow(&server)?;
    let server = Arc::clone(&server);
    let found = tokio::task::spawn_blocking(move || answer(&server, &wanted)).await;
    let answer =
        found.map_err(|_| Denied::unreachable("disclosed.cut", "the search was cut short"))?;
    Ok(Json(answer?))
}

/// Contracts, ended ones among them, whose tables may tell of such a subject.
fn contracts(server: &Server, request: &Request) -> Result<Vec<Arc<Contract>>, Denied> {
    if let Some(resource) = &request.resource
        && server.resource(resource).is_none()
    {
        let message = format!("no resource `{resource}`");
        return Err(Denied::invalid("resource.unknown", message));
    }
    let here = |contract: &Contract| {
        contract.scope.iter().any(|table| {
            table.subject.is_some()
                && request
                    .resource
                    .as_ref()
                    .is_none_or(|resource| *resource == table.resource)
        })
    };
    Ok(server.registry.read(|state| {
        state
            .contracts
            .values()
            .filter(|entry| here(&entry.contract))
            .map(|entry| Arc::clone(&entry.contract))
            .collect()
    }))
}

/// The tables that the question is about, by resource; each with the contracts that show it.
type Asked<'a> = BTreeMap<String, Vec<(&'a SubjectTable, BTreeSet<&'a str>)>>;

fn asked<'a>(request: &Request, grounds: &'a [Ground]) -> Asked<'a> {
    let named = |table: &SubjectTable| {
        request
            .table
            .as_ref()
            .is_none_or(|name| *name == table.table || *name == table.qualified())
    };
    let of_resource = |resource: &str| {
        request
            .resource
            .as_ref()
            .is_none_or(|asked| asked == resource)
    };
    let all = || {
        grounds.iter().flat_map(|ground| {
            ground
                .tables
                .iter()
                .map(move |(resource, table)| (ground.contract.id.as_str(), resource, table))
        })
    };
    // `--table` asks for the kind that the table has, wherever it is shown.
    let kinds: BTreeSet<(&str, &str)> = all()
        .filter(|(_, resource, table)| of_resource(resource) && named(table))
        .map(|(_, resource, table)| (resource.as_str(), table.kind.as_str()))
        .filter(|(_, kind)| request.kind.as_ref().is_none_or(|asked| asked == kind))
        .collect();
    let mut asked: Asked<'a> = BTreeMap::new();
    for (contract, resource, table) in all() {
        if !kinds.contains(&(resource.as_str(), table.kind.as_str())) {
            continue;
        }
        let tables = asked.entry(resource.clone()).or_default();
        match tables.iter_mut().find(|(known, _)| *known == table) {
            Some((_, contracts)) => {
                contracts.insert(contract);
            }
            None => tables.push((table, BTreeSet::from([contract]))),
        }
    }
    asked
}

fn former(server: &Server, request: &Request, grounds: &[Ground]) -> Vec<Former> {
    let stands = |one: &Former| {
        grounds.iter().any(|ground| {
            ground.contract.id == one.contract && ground.table(&one.resource, &one.table).is_some()
        })
    };
    let asked = |one: &Former| {
        let names = [&request.kind, &request.table];
        let named = names.into_iter().flatten().all(|name| *name == one.table);
        named
            && request
                .resource
                .as_ref()
                .is_none_or(|resource| *resource == one.resource)
    };
    let accounts = server.accounts.lock();
    let mut found = Vec::new();
    for (contract, _, account) in accounts.persons() {
        for (name, _) in account.tables() {
            let one = Former {
                contract: contract.to_owned(),
                resource: name.resource.clone(),
                table: name.table.clone(),
            };
            if asked(&one) && !stands(&one) && !found.contains(&one) {
                found.push(one);
            }
        }
    }
    found
}

async fn wanted(server: &Server, request: &Request, grounds: &[Ground]) -> Result<Wanted, Denied> {
    let key = super::ledger_key(server)?;
    let mut asked = asked(request, grounds);
    let former = former(server, request, grounds);
    for one in &former {
        asked.entry(one.resource.clone()).or_default();
    }
    if asked.is_empty() {
        return Err(Denied::invalid(
            "subject.unknown",
            "no contract has such a table with subjects",
        )
        .hint("name the resource, the kind or the table as a contract's scope has them"));
    }
    let mut wanted = Wanted::default();
    for (resource, tables) in &asked {
        let steward = match server.resource(resource) {
            Some(target) => server
                .locks
                .steward(&target)
                .await
                .map_err(|denied| denied.message),
            None => Err(format!("no resource `{resource}`")),
        };
        let mut texts = BTreeSet::from([request.key.clone()]);
        if let Ok(steward) = &steward {
            for (table, _) in tables {
                match portcullis_lock::canonical_key(steward, table, &request.key).await {
                    Ok(text) => texts.extend(text),
                    Err(error) => wanted.miss(table, &tables_contracts(tables), resource, &error),
                }
            }
        }
        let gone = || former.iter().filter(|one| one.resource == *resource);
        let mut kinds: BTreeSet<&str> = tables
            .iter()
            .map(|(table, _)| table.kind.as_str())
            .collect();
        kinds.extend(gone().map(|one| one.table.as_str()));
        for text in &texts {
            wanted.add(&key, resource, &kinds, text);
        }
        wanted.guessed(grounds, resource, tables);
        // Also under contracts that show the key now: they may have masked it once.
        let mut contracts = tables_contracts(tables);
        contracts.extend(gone().map(|one| one.contract.as_str()));
        for contract in contracts {
            let keyed_now = tables
                .iter()
                .any(|(table, of)| table.keyed && of.contains(contract));
            match keyed(&steward, contract, &texts).await {
                Ok(digests) => {
                    for digest in &digests {
                        wanted.add(&key, resource, &kinds, digest);
                    }
                    if keyed_now && digests.is_empty() {
                        wanted.unasked(contract, resource, "its key is no longer in the database");
                    }
                }
                Err(why) if keyed_now => wanted.unasked(contract, resource, &why),
                Err(_) => {}
            }
        }
    }
    wanted.former = former;
    Ok(wanted)
}

fn tables_contracts<'a>(tables: &[(&SubjectTable, BTreeSet<&'a str>)]) -> BTreeSet<&'a str> {
    tables
        .iter()
        .flat_map(|(_, of)| of.iter().copied())
        .collect()
}

/// What the contract's views tell instead of the key.
async fn keyed(
    steward: &Result<Arc<Steward>, String>,
    contract: &str,
    texts: &BTreeSet<String>,
) -> Result<Vec<String>, String> {
    let steward = steward.as_ref().map_err(Clone::clone)?;
    let mut digests = Vec::new();
    for text in texts {
        let digest = portcullis_lock::subject_identity(steward, contract, text)
            .await
            .map_err(|error| error.to_string())?;
        digests.extend(digest);
    }
    Ok(digests)
}

impl Wanted {
    fn add(&mut self, key: &SubjectKey, resource: &str, kinds: &BTreeSet<&str>, text: &str) {
        for kind in kinds {
            let id = key.scope(resource, kind).id(text.as_bytes());
            self.ids
                .insert(id, (resource.to_owned(), (*kind).to_owned()));
        }
    }

    fn unasked(&mut self, contract: &str, resource: &str, why: &str) {
        self.unasked
            .insert((contract.to_owned(), resource.to_owned(), why.to_owned()));
    }

    fn miss(
        &mut self,
        table: &SubjectTable,
        contracts: &BTreeSet<&str>,
        resource: &str,
        error: &impl std::fmt::Display,
    ) {
        for contract in contracts {
            let why = format!("`{}`: {error}", table.qualified());
            self.unasked(contract, resource, &why);
        }
    }

    /// Where kinds had to be guessed, somebody may have been shown the subject under another.
    fn guessed(
        &mut self,
        grounds: &[Ground],
        resource: &str,
        tables: &[(&SubjectTable, BTreeSet<&str>)],
    ) {
        let contracts = tables_contracts(tables);
        for ground in grounds {
            if let Some(why) = ground.guessed_on(resource)
                && contracts.contains(ground.contract.id.as_str())
            {
                self.unasked(&ground.contract.id, resource, why);
            }
        }
    }
}

/// One person under one contract who was shown the subject.
struct Shown {
    contract: String,
    person: String,
    vendor: String,
    ids: BTreeSet<SubjectId>,
    tables: BTreeSet<(String, String)>,
    records: Vec<u64>,
}

/// A record that lists the subject.
struct Listed {
    entry: StoredEntry,
    tables: Vec<String>,
}

fn answer(server: &Server, wanted: &Wanted) -> Result<Value, Denied> {
    let shown = shown(server, wanted);
    let mut places: BTreeMap<u64, usize> = BTreeMap::new();
    for (holder, one) in shown.iter().enumerate() {
        places.extend(one.records.iter().map(|seq| (*seq, holder)));
    }
    let (mut listed, withheld) =
        read(server, &places, &shown).map_err(|error| unreadable(&error))?;
    let mut persons = Vec::new();
    for (holder, one) in shown.iter().enumerate() {
        let records = listed.remove(&holder).unwrap_or_default();
        let statements = statements(server, records).map_err(|error| unreadable(&error))?;
        persons.push(person(one, &statements));
    }
    let ids: Vec<Value> = wanted
        .ids
        .iter()
        .map(|(id, (resource, kind))| {
            json!({ "id": hex::encode(id.to_bytes()), "resource": resource, "kind": kind })
        })
        .collect();
    let unasked: Vec<Value> = wanted
        .unasked
        .iter()
        .map(|(contract, resource, why)| {
            json!({ "contract": contract, "resource": resource, "why": why })
        })
        .collect();
    Ok(json!({
        "seen": !shown.is_empty(), "persons": persons, "ids": ids, "withheld": withheld,
        "complete": unasked.is_empty() && withheld == 0, "not_asked": unasked,
        "former_tables": wanted.former,
        "at": server.registry.now(),
    }))
}

/// From the accounts alone.
fn shown(server: &Server, wanted: &Wanted) -> Vec<Shown> {
    let mut shown = Vec::new();
    {
        let accounts = server.accounts.lock();
        let known: Vec<(SubjectId, u32)> = wanted
            .ids
            .keys()
            .filter_map(|id| Some((*id, accounts.ordinal(*id)?)))
            .collect();
        if known.is_empty() {
            return shown;
        }
        for (contract, person, account) in accounts.persons() {
            let ids: Vec<_> = known
                .iter()
                .filter(|(_, ordinal)| account.seen().contains(*ordinal))
                .collect();
            if ids.is_empty() {
                continue;
            }
            let tables = account
                .tables()
                .iter()
                .filter(|(_, set)| ids.iter().any(|(_, ordinal)| set.contains(*ordinal)));
            shown.push(Shown {
                contract: contract.to_owned(),
                person: person.to_owned(),
                vendor: String::new(),
                ids: ids.iter().map(|(id, _)| *id).collect(),
                tables: tables
                    .map(|(name, _)| (name.resource.clone(), name.table.clone()))
                    .collect(),
                records: Vec::new(),
            });
        }
    }
    let index = server.index.lock();
    for one in &mut shown {
        if let Some(holder) = index.holder(&one.contract, &one.person) {
            one.vendor.clone_from(&holder.vendor);
            one.records = holder.records.iter().collect();
        }
    }
    shown
}

type Found = HashMap<usize, Vec<Listed>>;

/// Reads the records in the log's order, and keeps those that list the subject; how many can no
/// longer tell, because their sets were lawfully removed.
fn read(
    server: &Server,
    places: &BTreeMap<u64, usize>,
    shown: &[Shown],
) -> Result<(Found, u64), LogError> {
    let places: Vec<(u64, usize)> = places.iter().map(|(seq, at)| (*seq, *at)).collect();
    let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let share = places
        .len()
        .div_ceil(threads.min(READERS_MAX))
        .max(WORTH_A_READER);
    let parts: Vec<_> = std::thread::scope(|scope| {
        let reading: Vec<_> = places
            .chunks(share)
            .map(|part| scope.spawn(move || read_part(server, part, shown)))
            .collect();
        reading.into_iter().map(|part| part.join()).collect()
    });
    let (mut found, mut withheld) = (Found::new(), 0);
    for part in parts {
        let cut = |_| LogError::Damaged {
            place: "the log".to_owned(),
            why: "reading was cut short".to_owned(),
        };
        let (more, gone) = part.map_err(cut)??;
        withheld += gone;
        for (holder, records) in more {
            found.entry(holder).or_default().extend(records);
        }
    }
    Ok((found, withheld))
}

fn read_part(
    server: &Server,
    places: &[(u64, usize)],
    shown: &[Shown],
) -> Result<(Found, u64), LogError> {
    let mut found = Found::new();
    let mut withheld = 0;
    let mut reader = Reader::new(server);
    for (seq, holder) in places {
        let Some(entry) = reader.at(*seq)? else {
            continue;
        };
        let Some(bytes) = entry.part("subjects") else {
            withheld += 1;
            continue;
        };
        let Some(one) = shown.get(*holder) else {
            continue;
        };
        let set = DisclosureSet::decode(bytes).map_err(|error| damaged(*seq, &error))?;
        let tables: Vec<String> = set
            .tables
            .iter()
            .filter(|(_, ids)| ids.iter().any(|id| one.ids.contains(id)))
            .map(|(table, _)| table.clone())
            .collect();
        if !tables.is_empty() {
            let listed = Listed { entry, tables };
            found.entry(*holder).or_default().push(listed);
        }
    }
    Ok((found, withheld))
}

/// Entries at ascending places; neighbours share what was read for them.
struct Reader<'a> {
    server: &'a Server,
    entries: Option<Entries>,
    at: u64,
}

impl<'a> Reader<'a> {
    fn new(server: &'a Server) -> Self {
        Self {
            server,
            entries: None,
            at: 0,
        }
    }

    fn at(&mut self, seq: u64) -> Result<Option<StoredEntry>, LogError> {
        let near = seq.saturating_sub(self.at) < BUNDLE;
        let mut entries = match self.entries.take().filter(|_| near) {
            Some(entries) => entries,
            None => self.server.log.read(seq, u64::MAX),
        };
        entries.skip_to(seq);
        let entry = entries.next().transpose()?;
        self.entries = Some(entries);
        self.at = seq;
        Ok(entry)
    }
}

/// What a statement's records say of it.
#[derive(Clone, Deserialize)]
struct Leaf {
    at: String,
    kind: String,
    session: String,
    statement: String,
    #[serde(default)]
    grant: Option<String>,
    #[serde(default)]
    purpose: Option<String>,
    resource: String,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    columns: Option<Vec<String>>,
    #[serde(default)]
    decision: Option<String>,
}

#[derive(Serialize)]
struct Statement {
    /// The outcome's place in the log; while it runs, that of the latest record.
    seq: u64,
    /// Every record that lists the subject.
    records: Vec<u64>,
    /// When rows with the subject first left.
    at: String,
    session: String,
    statement: String,
    grant: Option<String>,
    purpose: Option<String>,
    resource: String,
    method: Option<String>,
    /// `null` while it runs.
    decision: Option<String>,
    /// In which the subject was.
    tables: Vec<String>,
    /// Of these tables; `null` where the outcome does not name them.
    columns: Option<Vec<Column>>,
    /// There were more columns than a record holds.
    columns_cut: bool,
}

#[derive(Serialize)]
struct Column {
    column: String,
    masked: bool,
}

fn statements(server: &Server, records: Vec<Listed>) -> Result<Vec<Statement>, LogError> {
    let mut statements: Vec<Statement> = Vec::new();
    let mut known: HashMap<(String, String), usize> = HashMap::new();
    let mut outcomes: HashMap<(String, String), Vec<String>> = HashMap::new();
    for Listed { entry, tables } in records {
        let seq = entry.seq;
        let leaf = leaf(&entry)?;
        let key = (leaf.session.clone(), leaf.statement.clone());
        match known.get(&key).and_then(|at| statements.get_mut(*at)) {
            Some(one) => one.add(seq, &tables),
            None => {
                known.insert(key, statements.len());
                let mut one = Statement::new(seq, &leaf, tables);
                let outcome = if leaf.kind == "statement" {
                    Some((seq, leaf))
                } else {
                    outcome_of(server, seq, &leaf)?
                };
                if let Some((seq, outcome)) = outcome {
                    let key = (outcome.session.clone(), outcome.statement.clone());
                    one.seq = seq;
                    one.decision = outcome.decision;
                    outcomes.extend(outcome.columns.map(|columns| (key, columns)));
                }
                statements.push(one);
            }
        }
    }
    for one in &mut statements {
        let key = (one.session.clone(), one.statement.clone());
        if let Some(columns) = outcomes.get(&key) {
            one.columns_cut = columns.iter().any(|column| column == "…");
            one.columns = Some(columns_of(&one.tables, columns));
        }
    }
    Ok(statements)
}

impl Statement {
    fn new(seq: u64, leaf: &Leaf, tables: Vec<String>) -> Self {
        Self {
            seq,
            records: vec![seq],
            at: leaf.at.clone(),
            session: leaf.session.clone(),
            statement: leaf.statement.clone(),
            grant: leaf.grant.clone(),
            purpose: leaf.purpose.clone(),
            resource: leaf.resource.clone(),
            method: leaf.method.clone(),
            decision: None,
            tables,
            columns: None,
            columns_cut: false,
        }
    }

    fn add(&mut self, seq: u64, tables: &[String]) {
        self.records.push(seq);
        for table in tables {
            if !self.tables.contains(table) {
                self.tables.push(table.clone());
            }
        }
    }
}

/// Columns of the tables in which the subject was.
fn columns_of(tables: &[String], columns: &[String]) -> Vec<Column> {
    let own = columns.iter().filter_map(|column| {
        let (column, masked) = match column.strip_suffix('*') {
            Some(column) => (column, true),
            None => (column.as_str(), false),
        };
        let of = |table: &String| {
            let rest = column.strip_prefix(table.as_str());
            rest.is_some_and(|rest| rest.starts_with('.'))
        };
        tables.iter().any(of).then(|| Column {
            column: column.to_owned(),
            masked,
        })
    });
    own.collect()
}

/// The outcome of a statement whose rows left before it ended.
fn outcome_of(server: &Server, seq: u64, of: &Leaf) -> Result<Option<(u64, Leaf)>, LogError> {
    for entry in server.log.read(seq + 1, seq.saturating_add(OUTCOME_WITHIN)) {
        let entry = entry?;
        let text = String::from_utf8_lossy(&entry.leaf);
        // Most entries are somebody else's: a look before they are parsed.
        if !text.contains(of.statement.as_str()) {
            continue;
        }
        let Ok(leaf) = leaf(&entry) else { continue };
        let same = leaf.session == of.session && leaf.statement == of.statement;
        if same && leaf.kind == "statement" {
            return Ok(Some((entry.seq, leaf)));
        }
    }
    Ok(None)
}

fn leaf(entry: &StoredEntry) -> Result<Leaf, LogError> {
    serde_json::from_slice(&entry.leaf).map_err(|error| damaged(entry.seq, &error))
}

fn damaged(seq: u64, why: &impl std::fmt::Display) -> LogError {
    LogError::Damaged {
        place: format!("event {seq}"),
        why: why.to_string(),
    }
}

fn person(shown: &Shown, statements: &[Statement]) -> Value {
    let purposes: BTreeSet<&str> = statements
        .iter()
        .filter_map(|one| one.purpose.as_deref())
        .collect();
    let tables: Vec<Value> = shown
        .tables
        .iter()
        .map(|(resource, table)| json!({ "resource": resource, "table": table }))
        .collect();
    json!({
        "person": shown.person, "vendor": shown.vendor, "contract": shown.contract,
        "purposes": purposes, "tables": tables,
        "first": statements.first().map(|one| &one.at), "last": statements.last().map(|one| &one.at),
        "statements": statements,
    })
}

fn unreadable(error: &LogError) -> Denied {
    Denied::unreachable("log.unreadable", error.to_string()).hint("run `portcullis log verify`")
}
