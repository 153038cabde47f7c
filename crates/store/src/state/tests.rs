//! The state by itself: an in-memory log, the sample contract, officers and their commands.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use portcullis_contract::file::{Options, SourceFile, parse};
use portcullis_contract::{GrantState, Mask};
use proptest::prelude::*;

use super::command::{self, ApplyPlan, Resumed};
use super::event::Fact;
use super::*;

const SAMPLE: &str = include_str!("sample.toml");

fn now() -> Timestamp {
    "2026-11-23T02:00:00Z".parse().unwrap()
}

fn proposals(text: &str) -> Vec<Proposal> {
    let files = [SourceFile {
        name: "/tmp/sample.toml".to_owned(),
        text: text.to_owned(),
    }];
    let document =
        parse(&files, &Options::default()).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    let vendors = document
        .vendors
        .into_iter()
        .map(|v| Proposal::Vendor(Arc::new(v)));
    let persons = document
        .persons
        .into_iter()
        .map(|p| Proposal::Person(Arc::new(p)));
    let resources = document
        .resources
        .into_iter()
        .map(|r| Proposal::Resource(Arc::new(r)));
    let contracts = document
        .contracts
        .into_iter()
        .map(|c| Proposal::Contract(Arc::new(c)));
    vendors
        .chain(persons)
        .chain(resources)
        .chain(contracts)
        .collect()
}

/// Leaf and parts, as recorded.
type Recorded = (Vec<u8>, BTreeMap<String, Vec<u8>>);

/// A log in memory: every event goes through its written form, as it would on disk.
struct World {
    state: State,
    log: Vec<Recorded>,
    at: Timestamp,
    ids: u32,
}

impl World {
    fn new(officers: &[(&str, &[Role])]) -> Self {
        let mut world = Self {
            state: State::default(),
            log: Vec::new(),
            at: now(),
            ids: 0,
        };
        let officers: Vec<_> = officers
            .iter()
            .map(|(name, roles)| ((*name).to_owned(), roles.to_vec(), TokenHash::of(name)))
            .collect();
        let events = command::officer_add(&officers).unwrap();
        world.take(&Actor::Server, events);
        world
    }

    /// The usual three, with the sample in force.
    fn sample() -> Self {
        let mut world = Self::new(&[
            ("zhang", &[Role::Admin, Role::Approver]),
            ("li", &[Role::Approver]),
            ("wu", &[Role::Auditor]),
        ]);
        let change = world.apply("zhang", SAMPLE).unwrap().unwrap();
        world.approve("li", &change).unwrap();
        world
    }

    fn take(&mut self, actor: &Actor, events: Vec<Event>) {
        for event in events {
            let entry = event
                .into_entry(self.at, &actor.to_string())
                .unwrap()
                .seal()
                .unwrap();
            assert!(entry.leaf().len() <= 4096);
            let parts: BTreeMap<_, _> = entry
                .body()
                .iter()
                .map(|part| (part.label.to_string(), part.content.clone()))
                .collect();
            let seq = self.log.len() as u64;
            let fact = Fact::read(seq, entry.leaf(), |label| parts.get(label).cloned()).unwrap();
            self.state.apply(&fact);
            self.log.push((entry.leaf().to_vec(), parts));
        }
    }

    fn replayed(&self) -> State {
        let mut state = State::default();
        for (seq, (leaf, parts)) in self.log.iter().enumerate() {
            state.apply(&Fact::read(seq as u64, leaf, |label| parts.get(label).cloned()).unwrap());
        }
        state
    }

    fn actor(&self, token: &str) -> Actor {
        self.state
            .actor(token)
            .unwrap_or_else(|| panic!("no actor for `{token}`"))
    }

    fn id(&mut self, prefix: &str) -> String {
        self.ids += 1;
        format!("{prefix}-{}", self.ids)
    }

    /// Applies; answers the change's id if something waits or changed.
    fn apply(&mut self, token: &str, text: &str) -> Result<Option<String>, Denied> {
        self.propose(token, proposals(text))
    }

    fn propose(&mut self, token: &str, proposals: Vec<Proposal>) -> Result<Option<String>, Denied> {
        let actor = self.actor(token);
        let diff = command::diff(&self.state, proposals);
        let plan = ApplyPlan {
            change: self.id("c"),
            items: diff.items,
        };
        let events = command::change_request(&self.state, &actor, &plan)?;
        let changed = !events.is_empty();
        self.take(&actor, events);
        Ok(changed.then_some(plan.change))
    }

    fn approve(&mut self, token: &str, change: &str) -> Result<(), Denied> {
        let actor = self.actor(token);
        let items: Vec<_> = command::change_check(&self.state, &actor, change)?
            .pending_items()
            .cloned()
            .collect();
        let events = command::change_approve(&self.state, &actor, change, &items)?;
        self.take(&actor, events);
        Ok(())
    }

    fn request(&mut self, token: &str, hours: u64) -> Result<String, Denied> {
        let actor = self.actor(token);
        let input = command::GrantRequest {
            id: self.id("g"),
            person: "li.wei".to_owned(),
            contract: "clinic-ops-2026".to_owned(),
            resource: "hospital".to_owned(),
            purpose: "tickets".to_owned(),
            ticket: None,
            for_seconds: hours * 3600,
        };
        let events = command::grant_request(&self.state, &actor, &input, self.at)?;
        self.take(&actor, events);
        Ok(input.id)
    }

    fn grant(&mut self, token: &str, id: &str) -> Result<String, Denied> {
        let actor = self.actor(token);
        let approval = command::grant_approve(&self.state, &actor, id, "SCRAM-SHA-256$…", self.at)?;
        self.take(&actor, approval.events);
        Ok(approval.user)
    }

    fn person_token(&mut self, token: &str, new: &str) -> Result<(), Denied> {
        let actor = self.actor(token);
        let events = command::person_token(&self.state, &actor, "li.wei", TokenHash::of(new))?;
        self.take(&actor, events);
        Ok(())
    }

    fn officer_token(&mut self, token: &str, officer: &str, new: &str) -> Result<(), Denied> {
        let actor = self.actor(token);
        let events = command::officer_token(&self.state, &actor, officer, TokenHash::of(new))?;
        self.take(&actor, events);
        Ok(())
    }
}

#[test]
fn the_sample_reaches_force_with_one_approval_by_another() {
    let mut world = World::new(&[
        ("zhang", &[Role::Admin, Role::Approver]),
        ("li", &[Role::Approver]),
    ]);
    let change = world.apply("zhang", SAMPLE).unwrap().unwrap();
    assert!(world.state.contracts.is_empty());
    assert!(world.state.vendors.contains_key("acme-it"));
    assert_eq!(
        world.approve("zhang", &change).unwrap_err().code,
        "authority.same_officer"
    );
    world.approve("li", &change).unwrap();
    assert_eq!(world.state.contracts["clinic-ops-2026"].revision, 1);
    assert_eq!(
        world.approve("li", &change).unwrap_err().code,
        "change.decided"
    );
    assert_eq!(
        world.apply("zhang", SAMPLE).unwrap(),
        None,
        "the same file again changes nothing"
    );
}

#[test]
fn what_tightens_is_in_force_at_once_and_what_loosens_waits() {
    let mut world = World::sample();
    let tighter = SAMPLE.replace("subjects_per_day   = 2000", "subjects_per_day   = 100");
    let change = world.apply("zhang", &tighter).unwrap().unwrap();
    assert_eq!(world.state.contracts["clinic-ops-2026"].revision, 2);
    assert!(!world.state.changes[&change].pending());
    let change = world.apply("zhang", SAMPLE).unwrap().unwrap();
    assert_eq!(world.state.contracts["clinic-ops-2026"].revision, 2);
    assert!(world.state.changes[&change].pending());
    let looser = SAMPLE.replace("subjects_per_day   = 2000", "subjects_per_day   = 9000");
    let second = world.apply("zhang", &looser).unwrap().unwrap();
    assert!(
        !world.state.changes[&change].pending(),
        "the later change takes the earlier one's place"
    );
    world.approve("li", &second).unwrap();
    assert_eq!(world.state.contracts["clinic-ops-2026"].revision, 3);
}

#[test]
fn a_waiting_change_applied_again_is_the_same_change() {
    let mut world = World::new(&[
        ("zhang", &[Role::Admin, Role::Approver]),
        ("li", &[Role::Approver]),
    ]);
    let change = world.apply("zhang", SAMPLE).unwrap().unwrap();
    let diff = command::diff(&world.state, proposals(SAMPLE));
    assert!(diff.items.is_empty());
    assert!(diff.waiting.iter().all(|(id, _)| *id == change));
    assert!(!diff.waiting.is_empty());
}

#[test]
fn nobody_approves_what_he_requested_by_whatever_token() {
    let mut world = World::sample();
    let own = world.request("zhang", 8).unwrap();
    assert_eq!(
        world.grant("zhang", &own).unwrap_err().code,
        "authority.same_officer"
    );
    assert_eq!(world.grant("wu", &own).unwrap_err().code, "authority.role");
    world.person_token("zhang", "token of li.wei").unwrap();
    let by_person = world.request("token of li.wei", 8).unwrap();
    assert_eq!(
        world.grant("token of li.wei", &by_person).unwrap_err().code,
        "authority.role"
    );
    assert_eq!(
        world.grant("zhang", &by_person).unwrap_err().code,
        "authority.same_officer"
    );
    world.officer_token("zhang", "li", "seen by zhang").unwrap();
    assert_eq!(
        world.grant("seen by zhang", &own).unwrap_err().code,
        "authority.same_officer"
    );
    assert!(world.state.actor("li").is_none(), "the old token is over");
    assert_eq!(
        world.officer_token("zhang", "zhang", "x").unwrap_err().code,
        "authority.same_officer"
    );
}

#[test]
fn login_names_are_unique_among_live_grants() {
    let mut world = World::sample();
    let first = world.request("zhang", 8).unwrap();
    assert_eq!(world.grant("li", &first).unwrap(), "li.wei");
    let second = world.request("zhang", 8).unwrap();
    assert_eq!(
        world.grant("li", &second).unwrap(),
        format!("li.wei+{second}")
    );
    let actor = world.actor("li");
    let events = command::grant_revoke(&world.state, &actor, &first, "done").unwrap();
    world.take(&actor, events);
    let third = world.request("zhang", 8).unwrap();
    assert_eq!(world.grant("li", &third).unwrap(), "li.wei");
}

#[test]
fn grants_end_when_their_time_is_over() {
    let mut world = World::sample();
    let grant = world.request("zhang", 8).unwrap();
    world.grant("li", &grant).unwrap();
    assert!(command::expire(&world.state, world.at).is_empty());
    world.at += SignedDuration::from_hours(8);
    let events = command::expire(&world.state, world.at);
    assert_eq!(events.len(), 1);
    world.take(&Actor::Server, events);
    assert_eq!(world.state.grants[&grant].grant.state, GrantState::Ended);
    assert!(command::expire(&world.state, world.at).is_empty());
}

#[test]
fn a_grant_longer_than_the_contract_allows_names_the_clause() {
    let mut world = World::sample();
    let denied = world.request("zhang", 13).unwrap_err();
    assert!(
        denied.message.contains("access.grant_at_most"),
        "{denied:?}"
    );
}

#[test]
fn resuming_takes_two_officers() {
    let mut world = World::sample();
    let zhang = world.actor("zhang");
    let events = command::suspend_person(&world.state, &zhang, "li.wei", "odd reading").unwrap();
    world.take(&zhang, events);
    assert_eq!(
        world.request("zhang", 1).unwrap_err().code,
        "person.suspended"
    );
    let Resumed::Requested(events) =
        command::resume_person(&world.state, &zhang, "li.wei", "c-r").unwrap()
    else {
        panic!("the first officer's resume is a request")
    };
    world.take(&zhang, events);
    assert!(world.state.persons["li.wei"].suspended.is_some());
    assert_eq!(
        world.approve("zhang", "c-r").unwrap_err().code,
        "authority.same_officer"
    );
    world.approve("li", "c-r").unwrap();
    assert!(world.state.persons["li.wei"].suspended.is_none());
}

#[test]
fn a_list_of_names_takes_two_officers_and_holds_a_day() {
    let mut world = World::sample();
    let zhang = world.actor("zhang");
    let wanted = || ListRequest {
        person: "li.wei".to_owned(),
        contract: None,
    };
    let ask = |world: &World, actor: &Actor, request: ListRequest| {
        command::disclosed_list(&world.state, actor, request, Some("B-7"), "c-l", world.at)
    };
    let Ok(command::ListStep::Requested(events)) = ask(&world, &zhang, wanted()) else {
        panic!("the first question is the request")
    };
    world.take(&zhang, events);
    assert_eq!(
        world.approve("zhang", "c-l").unwrap_err().code,
        "authority.same_officer"
    );
    assert!(matches!(
        ask(&world, &zhang, wanted()),
        Ok(command::ListStep::Waiting { change }) if change == "c-l"
    ));
    world.approve("li", "c-l").unwrap();
    let permitted = |world: &World, request| {
        matches!(
            ask(world, &zhang, request),
            Ok(command::ListStep::Permitted { .. })
        )
    };
    assert!(permitted(&world, wanted()));
    assert_eq!(world.replayed(), world.state);
    let other = ListRequest {
        contract: Some("clinic-ops-2026".to_owned()),
        ..wanted()
    };
    assert!(!permitted(&world, other), "another list");
    world.at += SignedDuration::from_hours(25);
    assert!(!permitted(&world, wanted()), "a day later");
    let person = Actor::Person {
        id: "li.wei".to_owned(),
        token_by: Default::default(),
    };
    assert!(ask(&world, &person, wanted()).is_err());
}

#[test]
fn secrets_are_beside_the_log_and_survive_a_replay() {
    let mut world = World::sample();
    let grant = world.request("zhang", 8).unwrap();
    world.grant("li", &grant).unwrap();
    for (leaf, _) in &world.log {
        let leaf = String::from_utf8(leaf.clone()).unwrap();
        assert!(!leaf.contains("SCRAM-SHA-256"), "{leaf}");
        assert!(!leaf.contains(&TokenHash::of("zhang").to_hex()), "{leaf}");
        assert!(leaf.starts_with("{\"v\":1,\"at\":\""), "{leaf}");
    }
    let replayed = world.replayed();
    assert_eq!(replayed, world.state);
    assert_eq!(
        replayed.grants[&grant].grant.verifier.as_deref(),
        Some("SCRAM-SHA-256$…")
    );
    let mut restored = State::default();
    assert!(restored.restore(&world.state.snapshot()));
    assert_eq!(restored, world.state);
}

/// Found by the random histories: a token that was issued with another's token counts as both hands'.
#[test]
fn a_token_carries_the_hands_of_the_token_that_issued_it() {
    let mut world = World::sample();
    // li makes himself a token of zhang's, with it one of the person's, and with that a request.
    world
        .officer_token("li", "zhang", "zhang's, in li's hands")
        .unwrap();
    world
        .person_token("zhang's, in li's hands", "the person's")
        .unwrap();
    let grant = world.request("the person's", 1).unwrap();
    assert_eq!(
        world.grant("li", &grant).unwrap_err().code,
        "authority.same_officer"
    );
}

#[test]
fn every_act_is_in_the_table_once_and_auditors_only_read() {
    for (index, (act, roles, _)) in authority::TABLE.iter().enumerate() {
        assert!(
            authority::TABLE
                .iter()
                .skip(index + 1)
                .all(|(other, ..)| other != act),
            "{act:?} twice"
        );
        let reads = matches!(
            act,
            Act::Plan
                | Act::ChangeList
                | Act::GrantList
                | Act::SessionList
                | Act::StateRead
                | Act::LogExport
                | Act::LogProve
                | Act::Doctor
                | Act::Explain
                | Act::Disclosed
                | Act::DisclosedSubject
                | Act::DisclosedList
                | Act::Trace
                | Act::FindingRead
        );
        assert_eq!(roles.contains(&Role::Auditor), reads, "{act:?}");
    }
}

/// What one human tries; indices are taken modulo what there is.
#[derive(Clone, Debug)]
enum Try {
    Apply { looser: bool },
    Vetting,
    Approve(usize),
    Suspend,
    Resume,
    PersonToken,
    OfficerToken(usize),
    Request,
    Grant(usize),
    Revoke(usize),
}

fn tries() -> impl Strategy<Value = (usize, Try)> {
    let try_ = prop_oneof![
        any::<bool>().prop_map(|looser| Try::Apply { looser }),
        Just(Try::Vetting),
        (0..8usize).prop_map(Try::Approve),
        Just(Try::Suspend),
        Just(Try::Resume),
        Just(Try::PersonToken),
        (0..4usize).prop_map(Try::OfficerToken),
        Just(Try::Request),
        (0..8usize).prop_map(Try::Grant),
        (0..8usize).prop_map(Try::Revoke),
    ];
    (0..16usize, try_)
}

/// One human, with his own token and every token that he can lay hands on.
struct Human {
    tokens: Vec<String>,
}

impl Human {
    fn attempt(&mut self, world: &mut World, with: usize, what: &Try) {
        self.tokens
            .retain(|token| world.state.actor(token).is_some());
        let token = self.tokens[with % self.tokens.len()].clone();
        let actor = world.actor(&token);
        let pick = |keys: Vec<String>, at: usize| {
            keys.get(at % keys.len().max(1))
                .cloned()
                .unwrap_or_default()
        };
        match what {
            Try::Apply { looser } => {
                let limit = if *looser { "9000" } else { "50" };
                let text = SAMPLE.replace(
                    "subjects_per_day   = 2000",
                    &format!("subjects_per_day   = {limit}"),
                );
                let _ = world.apply(&token, &text);
            }
            Try::Vetting => {
                let _ = world.apply(
                    &token,
                    &SAMPLE.replace("until = 2028-01-05", "until = 2038-01-05"),
                );
            }
            Try::Approve(at) => {
                let change = pick(world.state.changes.keys().cloned().collect(), *at);
                let _ = world.approve(&token, &change);
            }
            Try::Suspend => {
                if let Ok(events) = command::suspend_person(&world.state, &actor, "li.wei", "test")
                {
                    world.take(&actor, events);
                }
            }
            Try::Resume => {
                let id = world.id("c");
                match command::resume_person(&world.state, &actor, "li.wei", &id) {
                    Ok(Resumed::Requested(events)) => world.take(&actor, events),
                    Ok(Resumed::Approve { change }) => drop(world.approve(&token, &change)),
                    Err(_) => {}
                }
            }
            Try::PersonToken => {
                let new = world.id("person token");
                if world.person_token(&token, &new).is_ok() {
                    self.tokens.push(new);
                }
            }
            Try::OfficerToken(at) => {
                let officer = pick(world.state.officers.keys().cloned().collect(), *at);
                let new = world.id("officer token");
                if world.officer_token(&token, &officer, &new).is_ok() {
                    self.tokens.push(new);
                }
            }
            Try::Request => drop(world.request(&token, 1)),
            Try::Grant(at) => {
                let grant = pick(world.state.grants.keys().cloned().collect(), *at);
                let _ = world.grant(&token, &grant);
            }
            Try::Revoke(at) => {
                let grant = pick(world.state.grants.keys().cloned().collect(), *at);
                if let Ok(events) = command::grant_revoke(&world.state, &actor, &grant, "test") {
                    world.take(&actor, events);
                }
            }
        }
    }
}

/// What is open: a later state may hold less of it, never more.
fn assert_not_looser(before: &State, after: &State) {
    let live = |state: &State| {
        let live = state
            .grants
            .values()
            .filter(|entry| entry.grant.state == GrantState::Live);
        live.map(|entry| entry.grant.id.clone()).collect::<Vec<_>>()
    };
    assert!(
        live(after).iter().all(|grant| live(before).contains(grant)),
        "a grant came to life"
    );
    assert!(
        before.persons["li.wei"].suspended.is_none() || after.persons["li.wei"].suspended.is_some(),
        "a suspension was lifted"
    );
    let (old, new) = (
        &before.contracts["clinic-ops-2026"],
        &after.contracts["clinic-ops-2026"],
    );
    let change = portcullis_contract::change::contract(Some(&old.contract), &new.contract);
    assert_ne!(change.effect, Effect::Loosens, "the contract was loosened");
    let (old, new) = (
        &before.persons["li.wei"].person,
        &after.persons["li.wei"].person,
    );
    assert_ne!(
        portcullis_contract::change::person(Some(old), new).effect,
        Effect::Loosens,
        "a vetting was added"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// Invariant 6: one human, whatever he does with whatever tokens he gets, loosens nothing.
    #[test]
    fn nobody_alone_ever_loosens_control(who in 0..2usize, history in prop::collection::vec(tries(), 1..60)) {
        let mut world = World::sample();
        let mut human = Human { tokens: vec![["zhang", "li"][who].to_owned()] };
        for (with, what) in &history {
            let before = world.state.clone();
            human.attempt(&mut world, *with, what);
            assert_not_looser(&before, &world.state);
        }
        prop_assert_eq!(world.replayed(), world.state);
    }
}

#[test]
fn two_officers_together_can() {
    let mut world = World::sample();
    let change = world
        .apply("zhang", &SAMPLE.replace("last4", "last6"))
        .unwrap()
        .unwrap();
    world.approve("li", &change).unwrap();
    let mask = &world.state.contracts["clinic-ops-2026"].contract.scope[0].mask["phone"];
    assert_eq!(*mask, Mask::Last(6));
}

mod live {
    //! The registry: durable first, then in force, then told to sessions.

    use std::net::IpAddr;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

    use super::*;
    use crate::state::recorder::Recording;

    /// Takes entries, or refuses them as a full disk would.
    #[derive(Default)]
    struct Disk {
        full: AtomicBool,
        next: AtomicU64,
    }

    impl Recorder for Disk {
        fn record(&self, entry: Entry) -> Recording<'_> {
            Box::pin(async move {
                entry.seal()?;
                if self.full.load(Ordering::Relaxed) {
                    return Err(RecordError::Unwritable("no space left".to_owned()));
                }
                Ok(self.next.fetch_add(1, Ordering::Relaxed))
            })
        }
    }

    fn registry(state: State) -> (Arc<Registry>, Arc<Disk>) {
        let disk = Arc::new(Disk::default());
        (
            Registry::new(state, Arc::clone(&disk) as Arc<dyn Recorder>),
            disk,
        )
    }

    fn session(grant: &str) -> SessionInfo {
        SessionInfo {
            id: "s-1".to_owned(),
            person: "li.wei".to_owned(),
            vendor: "acme-it".to_owned(),
            contract: "clinic-ops-2026".to_owned(),
            resource: "hospital".to_owned(),
            grant: grant.to_owned(),
            purpose: "tickets".to_owned(),
            client_addr: "127.0.0.1:40000".parse().unwrap(),
            application: "psql".to_owned(),
            since: now(),
        }
    }

    #[tokio::test]
    async fn what_cannot_be_recorded_does_not_happen() {
        let world = World::sample();
        let zhang = world.actor("zhang");
        let (registry, disk) = registry(world.state.clone());
        disk.full.store(true, Ordering::Relaxed);
        let suspend = |state: &State, _| {
            Ok(Decision::new(
                command::suspend_person(state, &zhang, "li.wei", "x")?,
                (),
            ))
        };
        let denied = registry.execute(&zhang, suspend).await.unwrap_err();
        assert_eq!(
            (denied.code, denied.fault),
            ("log.unwritable", Fault::Unreachable)
        );
        assert!(registry.read(|state| *state == world.state));
        disk.full.store(false, Ordering::Relaxed);
        registry.execute(&zhang, suspend).await.unwrap();
        assert!(registry.read(|state| state.persons["li.wei"].suspended.is_some()));
    }

    #[tokio::test]
    async fn sessions_end_with_what_they_stand_on() {
        let mut world = World::sample();
        let grant = world.request("zhang", 8).unwrap();
        world.grant("li", &grant).unwrap();
        let li = world.actor("li");
        let (registry, _) = registry(world.state.clone());
        let guard = registry.sessions().register(session(&grant));
        let generation = registry.generation();
        assert!(guard.ended().is_none());
        let revoke = |state: &State, _| {
            Ok(Decision::new(
                command::grant_revoke(state, &li, &grant, "done")?,
                (),
            ))
        };
        registry.execute(&li, revoke).await.unwrap();
        let ending = guard.ended().unwrap();
        assert_eq!(
            (ending.reason.as_str(), ending.by.as_str()),
            ("grant.revoked", "officer:li")
        );
        assert!(generation.has_changed().unwrap());
        drop(guard);
        assert!(registry.sessions().is_empty());
    }

    #[tokio::test]
    async fn an_ended_grant_is_known_for_a_while_and_admits_nobody() {
        let mut world = World::sample();
        world.at = Timestamp::now();
        let grant = world.request("zhang", 8).unwrap();
        world.grant("li", &grant).unwrap();
        let (registry, _) = registry(world.state.clone());
        let from: IpAddr = "127.0.0.1".parse().unwrap();
        assert_eq!(registry.principal("li.wei").unwrap().grant_id, grant);
        assert!(registry.principal("sun.hao").is_none());
        let elsewhere = registry.admission(&grant, "192.0.2.1".parse().unwrap(), registry.now());
        assert_eq!(elsewhere.unwrap_err().reason, "access.network");
        let li = world.actor("li");
        let revoke = |state: &State, _| {
            Ok(Decision::new(
                command::grant_revoke(state, &li, &grant, "done")?,
                (),
            ))
        };
        registry.execute(&li, revoke).await.unwrap();
        assert_eq!(
            registry.principal("li.wei").unwrap().grant_id,
            grant,
            "its holder is told why"
        );
        let refusal = registry
            .admission(&grant, from, registry.now())
            .unwrap_err();
        assert_eq!(refusal.sqlstate.code(), "28000");
        assert!(refusal.reason.starts_with("grant."), "{refusal:?}");
    }

    #[test]
    fn time_never_goes_behind_the_last_event() {
        let mut world = World::sample();
        world.at = Timestamp::now() + SignedDuration::from_hours(24);
        world.person_token("zhang", "t").unwrap();
        let (registry, _) = registry(world.state.clone());
        assert!(registry.now() >= Timestamp::from_microsecond(world.at.as_microsecond()).unwrap());
    }
}
