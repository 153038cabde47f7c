//! `disclosed --to`: distinct subjects, when, how many of all, how fast, and until when it lasts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, State};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use portcullis_contract::{Contract, Holder, Measure, Window};
use portcullis_ledger::accounts::{DayTally, Standing};
use portcullis_ledger::set::OrdinalSet;
use portcullis_ledger::{Accounts, TableName};
use portcullis_store::state::command::{self, DisclosedTo};
use portcullis_store::state::{Actor, Denied, Event};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ground::{Ground, ground};
use super::pace::{Growth, Pace, Projection};
use super::subjects::Spaces;
use crate::admin::Shared;
use crate::admin::error::ApiError;
use crate::admin::input::Query;
use crate::compose::server::Server;

#[derive(Deserialize)]
pub struct Request {
    to: String,
    #[serde(default)]
    contract: Option<String>,
    /// Percent of a kind's subjects, for a projection.
    #[serde(default)]
    until: Option<f64>,
}

/// One person under one contract, as the ledger has it.
struct Piece {
    contract: String,
    person: String,
    standing: Standing,
    tables: Vec<(TableName, OrdinalSet)>,
    days: Vec<DayTally>,
    statements: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    uses: Vec<portcullis_ledger::index::TableUse>,
}

/// What several pieces come to.
#[derive(Serialize)]
struct Group {
    #[serde(skip_serializing_if = "Option::is_none")]
    contract: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<String>,
    subjects: u64,
    /// `false`: some ids are keyed per contract, and a subject may count once under each.
    exact: bool,
    /// The fewest that it can be.
    subjects_at_least: u64,
    /// Of all there are, where all are of one kind and its database answers.
    of: Option<u64>,
    share: Option<f64>,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    statements: u64,
    rows: u64,
    bytes: u64,
    kinds: Vec<Part>,
    tables: Vec<Part>,
}

/// A kind or a table of a group.
#[derive(Serialize)]
struct Part {
    resource: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    table: Option<String>,
    kind: String,
    subjects: u64,
    exact: bool,
    /// Contracts whose ids cannot be compared with others'.
    keyed_under: Vec<String>,
    of: Option<u64>,
    share: Option<f64>,
    counted_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    statements: Option<u64>,
}

/// A contract's coverage over time.
#[derive(Serialize)]
struct Course {
    contract: String,
    timezone: String,
    days: Vec<CourseDay>,
    growth: Vec<Growth>,
    projections: Vec<Projection>,
}

#[derive(Serialize)]
struct CourseDay {
    #[serde(flatten)]
    tally: DayTally,
    /// Up to the end of that day.
    total: u64,
}

pub async fn to(
    State(server): Shared,
    Extension(actor): Extension<Actor>,
    Query(request): Query<Request>,
) -> Result<Json<Value>, ApiError> {
    let contract = request.contract.as_deref();
    let until = share_asked(request.until)?;
    let to = server
        .registry
        .read(|state| command::disclosed_to(state, &actor, &request.to, contract))?;
    // INVARIANT: nobody reads the ledger without leaving a trace.
    let asked = Event::DisclosedAsked {
        to: Some(to.named()),
        contract: request.contract.clone(),
        resource: None,
        subject: Vec::new(),
    };
    server.registry.record(&actor, asked).await?;
    super::follow(&server)?;
    let pieces = tokio::task::block_in_place(|| pieces(&server, &to, contract));
    let grounds = grounds(&server, &pieces).await;
    // How many there are is the owner's figure; a person learns his own.
    let own = matches!(actor, Actor::Person { .. });
    let population = if own {
        Populated::default()
    } else {
        populated(&server, &pieces, &grounds).await
    };
    let view = View {
        grounds: &grounds,
        population: &population,
    };
    let answer = tokio::task::block_in_place(|| {
        let courses = courses(&server, &actor, &to, &pieces, &view, until);
        answer(&server, &to, &pieces, &view, &courses, own)
    });
    Ok(Json(answer))
}

fn share_asked(percent: Option<f64>) -> Result<Option<f64>, Denied> {
    match percent {
        Some(percent) if !(percent > 0.0 && percent <= 100.0) => Err(Denied::invalid(
            "input.share",
            "a share is above 0 % and at most 100 %",
        )),
        share => Ok(share.map(|percent| percent / 100.0)),
    }
}

/// The pieces of a vendor or person. The gate charges under the same lock, so it is held for one
/// account at a time.
fn pieces(server: &Server, to: &DisclosedTo, contract: Option<&str>) -> Vec<Piece> {
    let wanted = |of: &str| contract.is_none_or(|contract| contract == of);
    // Never both locks at once: nobody else orders them.
    let charged: Vec<(String, String, bool)> = {
        let accounts = server.accounts.lock();
        let persons = accounts.persons().filter(|(of, person, _)| {
            wanted(of) && !matches!(to, DisclosedTo::Person(id) if id != person)
        });
        persons
            .map(|(of, person, _)| (of.to_owned(), person.to_owned(), holds(&accounts, to, of)))
            .collect()
    };
    let holders: Vec<(String, String)> = {
        let index = server.index.lock();
        let of_vendor = |contract: &str, person: &str, holds: bool| match to {
            DisclosedTo::Person(_) => true,
            // Whoever was shown nobody: the contract's holder is his vendor.
            DisclosedTo::Vendor(id) => index
                .holder(contract, person)
                .map_or(holds, |holder| holder.vendor == *id),
        };
        let own = charged
            .into_iter()
            .filter(|(contract, person, holds)| of_vendor(contract, person, *holds));
        own.map(|(contract, person, _)| (contract, person))
            .collect()
    };
    let piece = |(contract, person): (String, String)| piece(server, contract, person);
    holders.into_iter().filter_map(piece).collect()
}

fn holds(accounts: &Accounts, to: &DisclosedTo, contract: &str) -> bool {
    match to {
        DisclosedTo::Vendor(id) => accounts.vendor_account(contract, id).is_some(),
        DisclosedTo::Person(_) => true,
    }
}

fn piece(server: &Server, contract: String, person: String) -> Option<Piece> {
    let (standing, tables, days) = {
        let accounts = server.accounts.lock();
        let account = accounts.person_account(&contract, &person)?;
        let standing = accounts.person(&contract, &person);
        (standing, account.tables().to_vec(), account.days())
    };
    let index = server.index.lock();
    let holder = index.holder(&contract, &person);
    Some(Piece {
        standing,
        tables,
        days,
        statements: holder.map_or(0, |holder| holder.statements),
        first: holder.and_then(|holder| holder.first),
        last: holder.and_then(|holder| holder.last),
        uses: holder.map_or_else(Vec::new, |holder| holder.tables.clone()),
        contract,
        person,
    })
}

async fn grounds(server: &Server, pieces: &[Piece]) -> BTreeMap<String, Ground> {
    let ids: BTreeSet<&str> = pieces.iter().map(|piece| piece.contract.as_str()).collect();
    let mut grounds = BTreeMap::new();
    for id in ids {
        let contract = server.registry.read(|state| {
            state
                .contracts
                .get(id)
                .map(|entry| Arc::clone(&entry.contract))
        });
        if let Some(contract) = contract {
            grounds.insert(id.to_owned(), ground(server, contract).await);
        }
    }
    grounds
}

/// How many subjects the tables have, and each kind's largest table.
#[derive(Default)]
struct Populated {
    tables: BTreeMap<TableName, (u64, Timestamp)>,
    kinds: BTreeMap<(String, String), (u64, Timestamp)>,
    away: BTreeMap<String, String>,
}

async fn populated(
    server: &Server,
    pieces: &[Piece],
    grounds: &BTreeMap<String, Ground>,
) -> Populated {
    let mut populated = Populated::default();
    let seen: BTreeSet<&TableName> = pieces
        .iter()
        .flat_map(|piece| piece.tables.iter().map(|(name, _)| name))
        .collect();
    let kinds: BTreeSet<(&str, &str)> = seen
        .iter()
        .flat_map(|name| {
            grounds.values().filter_map(|ground| {
                let table = ground.table(&name.resource, &name.table)?;
                Some((name.resource.as_str(), table.kind.as_str()))
            })
        })
        .collect();
    // Of a kind all tables of the contracts are asked: the largest has everybody.
    let wanted: BTreeSet<_> = grounds
        .values()
        .flat_map(|ground| &ground.tables)
        .filter(|(resource, table)| kinds.contains(&(resource.as_str(), table.kind.as_str())))
        .collect();
    for (resource, table) in wanted {
        match server.populations.of(server, resource, table).await {
            Err(why) => {
                populated.away.insert(resource.clone(), why);
            }
            Ok(counted) => {
                let found = (counted.subjects, counted.at);
                let name = TableName {
                    resource: resource.clone(),
                    table: table.qualified(),
                };
                populated.tables.insert(name, found);
                let kind = (resource.clone(), table.kind.clone());
                let largest = populated.kinds.entry(kind).or_insert(found);
                if found.0 > largest.0 {
                    *largest = found;
                }
            }
        }
    }
    populated
}

struct View<'a> {
    grounds: &'a BTreeMap<String, Ground>,
    population: &'a Populated,
}

impl View<'_> {
    /// A table's kind under a contract, and whether its ids are keyed there.
    fn kind(&self, contract: &str, name: &TableName) -> (String, bool) {
        let table = self
            .grounds
            .get(contract)
            .and_then(|ground| ground.table(&name.resource, &name.table));
        // A table that has left the contract: under its own name, compared with nothing.
        table.map_or_else(
            || (name.table.clone(), true),
            |table| (table.kind.clone(), table.keyed),
        )
    }

    fn group(&self, pieces: &[&Piece]) -> Group {
        let mut kinds: BTreeMap<(String, String), Spaces> = BTreeMap::new();
        let mut tables: BTreeMap<(TableName, String), Spaces> = BTreeMap::new();
        for piece in pieces {
            for (name, set) in &piece.tables {
                let (kind, keyed) = self.kind(&piece.contract, name);
                let keyed_under = keyed.then_some(piece.contract.as_str());
                let of_kind = (name.resource.clone(), kind.clone());
                kinds.entry(of_kind).or_default().add(keyed_under, set);
                let of_table = (name.clone(), kind);
                tables.entry(of_table).or_default().add(keyed_under, set);
            }
        }
        let kinds: Vec<(Part, u64)> = kinds
            .into_iter()
            .map(|((resource, kind), spaces)| {
                let of = self.population.kinds.get(&(resource.clone(), kind.clone()));
                let part = part(resource, None, kind, &spaces, of.copied());
                (part, spaces.at_least())
            })
            .collect();
        let subjects_at_least = kinds.iter().map(|(_, least)| least).sum();
        let kinds: Vec<Part> = kinds.into_iter().map(|(part, _)| part).collect();
        let only = match kinds.as_slice() {
            [only] => Some(only),
            _ => None,
        };
        Group {
            contract: None,
            person: None,
            subjects: kinds.iter().map(|kind| kind.subjects).sum(),
            exact: kinds.iter().all(|kind| kind.exact),
            subjects_at_least,
            of: only.and_then(|kind| kind.of),
            share: only.and_then(|kind| kind.share),
            first: pieces.iter().filter_map(|piece| piece.first).min(),
            last: pieces.iter().filter_map(|piece| piece.last).max(),
            statements: pieces.iter().map(|piece| piece.statements).sum(),
            rows: pieces.iter().map(|piece| piece.standing.rows_total).sum(),
            bytes: pieces.iter().map(|piece| piece.standing.bytes_total).sum(),
            tables: tables
                .into_iter()
                .map(|((name, kind), spaces)| self.table(pieces, &name, kind, &spaces))
                .collect(),
            kinds,
        }
    }

    fn table(&self, pieces: &[&Piece], name: &TableName, kind: String, spaces: &Spaces) -> Part {
        let of = self.population.tables.get(name).copied();
        let uses = || {
            pieces
                .iter()
                .filter(|piece| self.kind(&piece.contract, name).0 == kind)
                .flat_map(|piece| &piece.uses)
                .filter(|used| used.table == name.table && used.resource == name.resource)
        };
        Part {
            first: uses().map(|used| used.first).min(),
            last: uses().map(|used| used.last).max(),
            statements: Some(uses().map(|used| used.statements).sum()),
            ..part(
                name.resource.clone(),
                Some(name.table.clone()),
                kind.clone(),
                spaces,
                of,
            )
        }
    }
}

fn part(
    resource: String,
    table: Option<String>,
    kind: String,
    spaces: &Spaces,
    of: Option<(u64, Timestamp)>,
) -> Part {
    let (subjects, exact) = spaces.count();
    Part {
        resource,
        table,
        kind,
        subjects,
        exact,
        keyed_under: spaces.keyed_under().map(str::to_owned).collect(),
        of: of.map(|(count, _)| count),
        share: of.and_then(|(count, _)| share(subjects, count)),
        counted_at: of.map(|(_, at)| at),
        first: None,
        last: None,
        statements: None,
    }
}

/// Above one where subjects that were shown have left the table since.
fn share(subjects: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| subjects as f64 / of as f64)
}

fn courses(
    server: &Server,
    actor: &Actor,
    to: &DisclosedTo,
    pieces: &[Piece],
    view: &View<'_>,
    until: Option<f64>,
) -> Vec<Course> {
    let of_contract = view.grounds.iter().map(|(id, ground)| {
        let own: Vec<&Piece> = pieces
            .iter()
            .filter(|piece| piece.contract == *id)
            .collect();
        let days = match to {
            DisclosedTo::Person(_) => own
                .first()
                .map_or_else(Vec::new, |piece| piece.days.clone()),
            DisclosedTo::Vendor(vendor) => server
                .accounts
                .lock()
                .vendor_account(id, vendor)
                .map_or_else(Vec::new, portcullis_ledger::accounts::Account::days),
        };
        let contract = &ground.contract;
        let pace = Pace {
            days: &days,
            today: today(server, contract),
            until: Some(contract.valid_until),
        };
        let mut projections = ceilings(server, actor, to, contract, &own, &pace);
        if let Some(until) = until {
            projections.extend(shares(view, &own, &pace, until));
        }
        Course {
            contract: id.clone(),
            timezone: contract.access.timezone.clone(),
            growth: [7, 30]
                .into_iter()
                .filter_map(|over| pace.growth(over))
                .collect(),
            days: course_days(&days),
            projections,
        }
    });
    of_contract.collect()
}

fn course_days(days: &[DayTally]) -> Vec<CourseDay> {
    let mut total = 0;
    days.iter()
        .map(|tally| {
            total += tally.subjects_new;
            CourseDay {
                tally: *tally,
                total,
            }
        })
        .collect()
}

fn today(server: &Server, contract: &Contract) -> Date {
    let zone = TimeZone::get(&contract.access.timezone).unwrap_or(TimeZone::UTC);
    server.registry.now().to_zoned(zone).date()
}

/// The ceilings on all subjects: a person's own, the vendor's for the vendor.
fn ceilings(
    server: &Server,
    actor: &Actor,
    to: &DisclosedTo,
    contract: &Contract,
    own: &[&Piece],
    pace: &Pace<'_>,
) -> Vec<Projection> {
    let total = contract
        .budgets
        .iter()
        .filter(|budget| budget.measure == Measure::Subjects && budget.window == Window::Total);
    let mut projections = Vec::new();
    for budget in total {
        match (budget.holder, to) {
            (Holder::Person, DisclosedTo::Person(_)) => {
                let used = own.first().map_or(0, |piece| piece.standing.subjects_total);
                projections.push(pace.project(&budget.key(), used, budget.limit));
            }
            // Whoever of them is nearest to his own.
            (Holder::Person, DisclosedTo::Vendor(_)) => {
                let each = own.iter().map(|piece| {
                    let alone = Pace {
                        days: &piece.days,
                        ..*pace
                    };
                    let of = format!("{} of {}", budget.key(), piece.person);
                    alone.project(&of, piece.standing.subjects_total, budget.limit)
                });
                projections.extend(each.max_by_key(|projection| projection.used));
            }
            (Holder::Vendor, DisclosedTo::Vendor(vendor)) => {
                let used = server
                    .accounts
                    .lock()
                    .vendor(&contract.id, vendor)
                    .subjects_total;
                projections.push(pace.project(&budget.key(), used, budget.limit));
            }
            // What his colleagues were shown is none of a person's business.
            (Holder::Vendor, DisclosedTo::Person(_)) if matches!(actor, Actor::Person { .. }) => {}
            (Holder::Vendor, DisclosedTo::Person(_)) => {
                let accounts = server.accounts.lock();
                let days = accounts
                    .vendor_account(&contract.id, &contract.vendor)
                    .map_or_else(Vec::new, portcullis_ledger::accounts::Account::days);
                let used = accounts
                    .vendor(&contract.id, &contract.vendor)
                    .subjects_total;
                drop(accounts);
                let together = Pace {
                    days: &days,
                    ..*pace
                };
                projections.push(together.project(&budget.key(), used, budget.limit));
            }
        }
    }
    projections
}

/// When so large a share of a kind is reached. An account's days don't tell kinds apart: where a
/// contract has several, the pace of all of them is an upper bound for each.
fn shares(view: &View<'_>, own: &[&Piece], pace: &Pace<'_>, until: f64) -> Vec<Projection> {
    let group = view.group(own);
    let known = group.kinds.iter().filter_map(|kind| {
        let limit = (kind.of? as f64 * until).ceil() as u64;
        let of = format!("{} % of {}", percent(until), kind.kind);
        Some(pace.project(&of, kind.subjects, limit))
    });
    known.collect()
}

fn percent(share: f64) -> f64 {
    (share * 1e6).round() / 1e4
}

fn answer(
    server: &Server,
    to: &DisclosedTo,
    pieces: &[Piece],
    view: &View<'_>,
    courses: &[Course],
    own: bool,
) -> Value {
    let all: Vec<&Piece> = pieces.iter().collect();
    let total = view.group(&all);
    let by = |key: fn(&Piece) -> &str| {
        let keys: BTreeSet<&str> = pieces.iter().map(key).collect();
        keys.into_iter().map(move |wanted| {
            let own: Vec<&Piece> = pieces.iter().filter(|piece| key(piece) == wanted).collect();
            (wanted.to_owned(), view.group(&own))
        })
    };
    let contracts: Vec<Group> = by(|piece| &piece.contract)
        .map(|(id, group)| Group {
            contract: Some(id),
            ..group
        })
        .collect();
    let persons: Vec<Group> = by(|piece| &piece.person)
        .map(|(id, group)| Group {
            person: Some(id),
            ..group
        })
        .collect();
    let (kind, id) = match to {
        DisclosedTo::Vendor(id) => ("vendor", id),
        DisclosedTo::Person(id) => ("person", id),
    };
    let not_comparable: BTreeSet<String> = total
        .kinds
        .iter()
        .flat_map(|kind| kind.keyed_under.iter().cloned())
        .collect();
    // Why a database is away is none of a person's business.
    let guessed: Vec<Value> = view
        .grounds
        .iter()
        .filter(|_| !own)
        .flat_map(|(contract, ground)| {
            ground.guessed.iter().map(
                move |(resource, why)| json!({ "contract": contract, "resource": resource, "why": why }),
            )
        })
        .collect();
    json!({
        "to": { "kind": kind, "id": id }, "at": server.registry.now(),
        "total": total, "contracts": contracts, "persons": persons, "over_time": courses,
        "keyed": not_comparable, "not_counted": view.population.away, "guessed": guessed,
    })
}
