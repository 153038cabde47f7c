//! Shows, for each statement of standard input (one a line), what the gate understands and what would travel.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a tool for developers"
)]

#[path = "../tests/it/world.rs"]
mod world;

use portcullis_sql::{Surface, rewrite, understand};

fn main() {
    let surface: Surface = world::surface();
    let session = world::session(&surface);
    let contract = std::env::var("MIN_GROUP")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(5);
    let permit = portcullis_sql_permit(contract);
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        if line.trim().is_empty() {
            continue;
        }
        match understand(&line, &surface, &session) {
            Err(refusal) => println!(
                "-- {line}\nNO {} {refusal} | {} | at {:?}",
                refusal.sqlstate.code(),
                refusal.hint.clone().unwrap_or_default(),
                refusal.position
            ),
            Ok(statements) => {
                println!("-- {line}");
                for statement in statements {
                    let methods: Vec<_> = statement
                        .footprint
                        .methods
                        .iter()
                        .map(|m| m.name())
                        .collect();
                    println!(
                        "OK {} {:?} {:?}",
                        statement.verb, methods, statement.footprint.shape
                    );
                    match rewrite(&statement, &permit, &surface, &session) {
                        Ok(cleared) => println!(
                            "   {} -- taps {:?}",
                            cleared.text(),
                            cleared.taps().iter().map(|t| t.table).collect::<Vec<_>>()
                        ),
                        Err(refusal) => println!("   NO {refusal}"),
                    }
                }
            }
        }
    }
}

fn portcullis_sql_permit(min_group: u64) -> portcullis_contract::Permit {
    use portcullis_contract as c;
    let date = |y| format!("{y}-01-01").parse().unwrap();
    let contract = c::Contract {
        id: "clinic-ops-2026".into(),
        title: String::new(),
        vendor: "v".into(),
        law: "none".into(),
        mode: c::Mode::Enforce,
        purposes: Default::default(),
        valid_from: date(2026),
        valid_until: date(2027),
        vetting: vec![],
        access: c::Access {
            timezone: "UTC".into(),
            hours: vec![],
            networks: vec![],
            grant_at_most_seconds: 1,
        },
        methods: c::Methods {
            allowed: c::Method::ALL.into_iter().collect(),
            aggregate_min_group: min_group,
            aggregate_dimensions: None,
        },
        budgets: vec![],
        scope: vec![],
        joins: c::Joins::Scoped,
        params_hashed: false,
        terms: Default::default(),
    };
    let footprint = c::Footprint {
        methods: Default::default(),
        shape: c::Shape::NoData,
        tables: vec![],
        joins: Default::default(),
    };
    c::decide(&contract, "hospital", &footprint).unwrap()
}
