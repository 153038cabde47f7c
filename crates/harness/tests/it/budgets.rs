//! R4: a ceiling is never exceeded, by any number of sessions, over kills and restarts.

use std::collections::HashSet;
use std::time::Duration;

use portcullis_harness::Connect;

use crate::world::{Seeded, ask, clinic, run, session, with_budget};

const CEILING: u32 = 600;
const SESSIONS: u64 = 64;
const PATIENTS: u32 = 4000;

/// Looks up single patients and ranges until a refusal or a lost connection; every patient received.
async fn use_up(connect: Connect, index: u64) -> (HashSet<i32>, Option<String>) {
    let mut seeded = Seeded(index);
    let mut seen = HashSet::new();
    let Ok(client) = session(&connect, &format!("race-{index}")).await else {
        return (seen, None);
    };
    loop {
        let from = seeded.below(u64::from(PATIENTS) - 50) + 1;
        let to = from + seeded.below(20);
        let outcome = ask(
            &client,
            &format!(
                "select patient_id from clinic.patients where patient_id between {from} and {to}"
            ),
        )
        .await;
        seen.extend(&outcome.keys);
        if outcome.error.is_some() {
            return (seen, outcome.sqlstate().map(str::to_owned));
        }
    }
}

async fn race(connect: &Connect, round: u64) -> (HashSet<i32>, Vec<String>) {
    let sessions: Vec<_> = (0..SESSIONS)
        .map(|index| tokio::spawn(use_up(connect.clone(), round * 1000 + index)))
        .collect();
    let (mut seen, mut states) = (HashSet::new(), Vec::new());
    for one in sessions {
        let (of_one, state) = one.await.unwrap();
        seen.extend(of_one);
        states.extend(state);
    }
    (seen, states)
}

#[test]
fn sixty_four_sessions_share_one_ceiling_and_can_use_it_up() {
    let world = clinic(PATIENTS, |contract| with_budget(contract, 500, CEILING));
    let (seen, states) = run(race(&world.connect, 0));
    assert!(
        seen.len() <= CEILING as usize,
        "{} patients seen, ceiling {CEILING}",
        seen.len()
    );
    assert!(
        seen.len() * 100 >= CEILING as usize * 99,
        "only {} of {CEILING} usable",
        seen.len()
    );
    assert_eq!(
        states.len() as u64,
        SESSIONS,
        "every session ends with a refusal"
    );
    assert!(states.iter().all(|state| state == "53400"), "{states:?}");

    // What has been seen today costs nothing more.
    let known = *seen.iter().next().unwrap();
    run(async {
        let client = session(&world.connect, "again").await.unwrap();
        let again = format!("select patient_id from clinic.patients where patient_id = {known}");
        assert_eq!(ask(&client, &again).await.keys, [known]);
    });
}

#[test]
fn a_ceiling_holds_over_kills() {
    let mut world = clinic(PATIENTS, |contract| with_budget(contract, 500, CEILING));
    let mut seen = HashSet::new();
    for round in 1..=4 {
        let connect = world.connect.clone();
        let gate = &mut world.gate;
        let (of_round, _) = run(async {
            let racing = tokio::spawn(async move { race(&connect, round).await });
            tokio::time::sleep(Duration::from_millis(120)).await;
            gate.kill9();
            racing.await.unwrap()
        });
        seen.extend(of_round);
        world.gate.restart().unwrap();
    }
    seen.extend(run(race(&world.connect, 9)).0);
    assert!(
        seen.len() <= CEILING as usize,
        "{} patients seen, ceiling {CEILING}",
        seen.len()
    );
    let chunks_lost = 500 / 4; // generous: what kills may cost the user, not what they may give
    assert!(
        seen.len() + 4 * chunks_lost >= CEILING as usize,
        "only {} usable",
        seen.len()
    );
}

#[test]
fn a_statement_is_cut_at_its_ceiling_and_the_session_goes_on() {
    let world = clinic(1000, |contract| with_budget(contract, 100, 5000));
    run(async {
        let client = session(&world.connect, "cut").await.unwrap();
        let outcome = ask(
            &client,
            "select patient_id from clinic.patients order by patient_id",
        )
        .await;
        assert_eq!(outcome.keys.len(), 100, "the rows up to the ceiling arrive");
        assert_eq!(outcome.sqlstate(), Some("53400"));
        assert!(
            outcome
                .message()
                .starts_with("portcullis[budget.rows_per_statement]")
        );
        let next = ask(
            &client,
            "select patient_id from clinic.patients where patient_id = 3",
        )
        .await;
        assert_eq!(next.keys, [3]);
    });
    let statements = world.gate.events("statement").unwrap();
    let cut = statements
        .iter()
        .find(|event| event["decision"] == "stopped")
        .unwrap();
    assert_eq!(
        cut["rows"], 100,
        "the event says exactly what got out: {cut}"
    );
    assert_eq!(cut["reason"], "budget.rows_per_statement");
}
