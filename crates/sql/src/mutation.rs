//! Mutation check: each rule of the understanding stage is removed in turn, and the corpora must
//! notice. Here too is what a removed rule is: a name that the thread of a test holds.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    reason = "tests"
)]

#[path = "../tests/it/check.rs"]
mod check;
#[path = "../tests/it/corpora.rs"]
mod corpora;
#[path = "../tests/it/world.rs"]
mod world;

mod made;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::rules::{self, Class, Rule};
use check::Desk;

thread_local! {
    static REMOVED: Cell<&'static str> = const { Cell::new("") };
    static ASKED: RefCell<BTreeSet<&'static str>> = const { RefCell::new(BTreeSet::new()) };
}

/// [`Rule::stands`] in the unit tests.
pub(crate) fn stands(rule: &Rule) -> bool {
    ASKED.with_borrow_mut(|asked| asked.insert(rule.id));
    REMOVED.get() != rule.id
}

/// Stack of the threads that read mutants: what is nested is read on them, where the rule is removed.
const STACK_BYTES: usize = 256 << 20;
/// Statements tried beyond the first that notices, to find one that a removed refusal lets through.
const TRIED_FOR_MORE: usize = 40;
/// Threads of the check.
const THREADS: usize = 2;

/// Something that is read, and what came of it.
struct Subject {
    class: Class,
    name: String,
    read: Box<dyn Fn() -> String + Send + Sync>,
}

/// How a removed rule was noticed, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Notice {
    /// Refused still, in other words.
    Words,
    /// The reading broke.
    Panic,
    /// Another text travels, or other facts are recorded.
    Otherwise,
    /// Passes.
    Passes,
}

fn class_of(name: &str) -> Class {
    match name {
        "names" => Class::Names,
        "grammar" => Class::Grammar,
        "whole_row" => Class::WholeRow,
        "packing" => Class::Packing,
        "floors" => Class::Floors,
        "dimensions" => Class::Dimensions,
        "subqueries" => Class::Subqueries,
        "trace" => Class::Trace,
        "functions" => Class::Functions,
        "code" => Class::Code,
        "data" => Class::Data,
        "sessions" => Class::Sessions,
        "catalog" => Class::Catalog,
        "tuning" => Class::Tuning,
        other => panic!("no class `{other}`"),
    }
}

/// A desk whose reading stays on the thread of the check.
pub(super) fn desk() -> Desk {
    staying(Desk::new())
}

fn staying(mut desk: Desk) -> Desk {
    desk.stack_bytes = STACK_BYTES;
    desk
}

fn subjects() -> Vec<Subject> {
    let plain = std::sync::Arc::new(desk());
    let dimensions = std::sync::Arc::new(staying(Desk::with_dimensions()));
    let mut cases = corpora::hostile();
    for file in corpora::HONEST {
        cases.extend(corpora::honest(file));
    }
    let mut subjects: Vec<Subject> = cases
        .into_iter()
        .map(|case| {
            let desk = match case.has_dimensions() {
                true => dimensions.clone(),
                false => plain.clone(),
            };
            let text = case.text.clone();
            Subject {
                class: match case.is_honest {
                    true => Class::Honest,
                    false => class_of(&case.class),
                },
                name: case.text,
                read: Box::new(move || desk.outcome(&text).join("\n")),
            }
        })
        .collect();
    subjects.extend(made::all().into_iter().map(|(name, read)| Subject {
        class: Class::Made,
        name: name.to_owned(),
        read,
    }));
    subjects
}

/// The outcome with a rule removed (`""` = none), and the rules that were asked.
fn outcome(subject: &Subject, removed: &'static str) -> (String, BTreeSet<&'static str>) {
    REMOVED.set(removed);
    ASKED.take();
    let read = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| (subject.read)()));
    REMOVED.set("");
    (read.unwrap_or_else(|_| "panicked".to_owned()), ASKED.take())
}

fn noticed(before: &str, after: &str) -> Option<Notice> {
    if before == after {
        return None;
    }
    Some(
        match (before.starts_with("no "), after.starts_with("no ")) {
            _ if after == "panicked" => Notice::Panic,
            (_, true) => Notice::Words,
            (true, false) => Notice::Passes,
            (false, false) => Notice::Otherwise,
        },
    )
}

/// Runs `work` for each number below `count`, on threads that can read nested texts.
fn spread(count: usize, work: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            std::thread::Builder::new()
                .name("mutant".to_owned())
                .stack_size(STACK_BYTES + (64 << 20))
                .spawn_scoped(scope, || {
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        if at >= count {
                            break;
                        }
                        work(at);
                    }
                })
                .unwrap();
        }
    });
}

/// The strongest notice of a rule's removal, and the statement that gave it.
struct Killed {
    notice: Notice,
    by: usize,
    own_class: bool,
}

fn kill(
    rule: &'static Rule,
    subjects: &[Subject],
    before: &[(String, BTreeSet<&'static str>)],
) -> Option<Killed> {
    // Only what asks for the rule can notice; the rule's own class first.
    let mut asking: Vec<usize> = (0..subjects.len())
        .filter(|at| before[*at].1.contains(rule.id))
        .collect();
    asking.sort_by_key(|at| subjects[*at].class != rule.class);
    let mut best: Option<Killed> = None;
    let mut tried = 0;
    for at in asking {
        let own_class = subjects[at].class == rule.class;
        if best.as_ref().is_some_and(|b| b.own_class && !own_class) || tried > TRIED_FOR_MORE {
            break;
        }
        tried += usize::from(best.is_some());
        let (after, _) = outcome(&subjects[at], rule.id);
        let Some(notice) = noticed(&before[at].0, &after) else {
            continue;
        };
        let enough = if rule.reason.is_empty() {
            Notice::Otherwise
        } else {
            Notice::Passes
        };
        if best.as_ref().is_none_or(|b| b.notice < notice) {
            best = Some(Killed {
                notice,
                by: at,
                own_class,
            });
        }
        if notice >= enough {
            break;
        }
    }
    best
}

#[test]
fn a_removed_rule_is_noticed() {
    let loud = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().name() != Some("mutant") {
            loud(info);
        }
    }));
    let subjects = subjects();
    let before = Mutex::new(vec![(String::new(), BTreeSet::new()); subjects.len()]);
    spread(subjects.len(), |at| {
        let read = outcome(&subjects[at], "");
        before.lock().unwrap()[at] = read;
    });
    let before = before.into_inner().unwrap();
    let killed: Mutex<BTreeMap<&str, Killed>> = Mutex::new(BTreeMap::new());
    spread(rules::ALL.len(), |at| {
        let rule = &rules::ALL[at];
        if let Some(found) = kill(rule, &subjects, &before) {
            killed.lock().unwrap().insert(rule.id, found);
        }
    });
    let killed = killed.into_inner().unwrap();
    report(&subjects, &killed);
    let survivors: Vec<&str> = rules::ALL
        .iter()
        .map(|r| r.id)
        .filter(|id| !killed.contains_key(id))
        .collect();
    assert!(survivors.is_empty(), "nobody misses {survivors:#?}");
    let strangers: Vec<String> = rules::ALL
        .iter()
        .filter_map(|rule| {
            let by = killed.get(rule.id).filter(|k| !k.own_class)?;
            Some(format!(
                "{} says {:?}, noticed by {:?}: {}",
                rule.id, rule.class, subjects[by.by].class, subjects[by.by].name
            ))
        })
        .collect();
    assert!(strangers.is_empty(), "not of their class: {strangers:#?}");
}

fn report(subjects: &[Subject], killed: &BTreeMap<&str, Killed>) {
    let count = |notice| killed.values().filter(|k| k.notice == notice).count();
    for rule in rules::ALL {
        match killed.get(rule.id) {
            Some(found) => println!(
                "{:28} {:?} by {:?}: {}",
                rule.id,
                found.notice,
                subjects[found.by].class,
                subjects[found.by]
                    .name
                    .chars()
                    .take(100)
                    .collect::<String>()
            ),
            None => println!("{:28} SURVIVES", rule.id),
        }
    }
    println!(
        "{} rules, {} killed: {} let something pass, {} let another text travel, {} are refused in other words (another rule stands behind), {} break the reading; {} subjects",
        rules::ALL.len(),
        killed.len(),
        count(Notice::Passes),
        count(Notice::Otherwise),
        count(Notice::Words),
        count(Notice::Panic),
        subjects.len()
    );
}

#[test]
fn ids_are_distinct_and_say_why() {
    let mut ids = BTreeSet::new();
    for rule in rules::ALL {
        assert!(ids.insert(rule.id), "`{}` twice", rule.id);
        assert!(
            rule.id.contains('.') && !rule.protects.is_empty(),
            "{}",
            rule.id
        );
    }
}
