//! What an officer ends, ends: live sessions within a second, with words; and nobody gets in again.

use std::time::{Duration, Instant};

use portcullis_harness::Gate;

use crate::world::{World, ask, clinic, run, session, with_budget};

const WITHIN: Duration = Duration::from_millis(1500);

/// Opens a session, does `act`, and waits until the session is ended.
fn ended_by(world: &World, act: impl FnOnce(&Gate)) -> String {
    run(async {
        let client = session(&world.connect, "ended").await.unwrap();
        let by_key = "select patient_id from clinic.patients where patient_id = 1";
        assert_eq!(ask(&client, by_key).await.keys, [1]);
        act(&world.gate);
        let from = Instant::now();
        loop {
            let outcome = ask(&client, by_key).await;
            if outcome.error.is_some() {
                let state = outcome.sqlstate().unwrap_or("closed").to_owned();
                // An idle session may have got its 57P01 before this statement, and be closed by now.
                assert!(
                    ["57P01", "closed"].contains(&state.as_str()),
                    "{state}: {}",
                    outcome.message()
                );
                return state;
            }
            assert!(
                from.elapsed() < WITHIN,
                "still answered after {:?}",
                from.elapsed()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
}

fn refused_at_login(world: &World) -> (String, String) {
    run(async {
        let error = session(&world.connect, "again")
            .await
            .expect_err("not admitted");
        let error = error.as_db_error().expect("an ErrorResponse");
        (error.code().code().to_owned(), error.message().to_owned())
    })
}

#[test]
fn a_revoked_grant() {
    let world = clinic(100, |contract| contract);
    ended_by(&world, |gate| {
        let grant = &world.connect.grant;
        gate.officer(0)
            .run(&["grant", "revoke", grant, "--why", "done"])
            .unwrap();
    });
    let (state, message) = refused_at_login(&world);
    assert!(state == "28000" || state == "28P01", "{state} {message}");
}

#[test]
fn a_suspended_person_and_back_with_two_officers() {
    let world = clinic(100, |contract| contract);
    ended_by(&world, |gate| {
        gate.officer(0)
            .run(&["person", "suspend", "li.wei", "--why", "question"])
            .unwrap();
    });
    assert_eq!(refused_at_login(&world).0, "28000");
}

#[test]
fn a_suspended_contract() {
    let world = clinic(100, |contract| contract);
    ended_by(&world, |gate| {
        let answer =
            gate.officer(1)
                .run(&["contract", "suspend", "clinic-ops-2026", "--why", "review"]);
        answer.unwrap();
    });
    assert_eq!(refused_at_login(&world).0, "28000");
}

#[test]
fn one_session_cut_off() {
    let world = clinic(100, |contract| contract);
    ended_by(&world, |gate| {
        let listed = gate.officer(0).run(&["session", "list"]).unwrap();
        let id = listed["sessions"][0]["session"]
            .as_str()
            .unwrap_or_else(|| panic!("{listed}"));
        gate.officer(0)
            .run(&["session", "end", id, "--why", "unusual"])
            .unwrap();
    });
    // The grant itself still stands.
    run(async { session(&world.connect, "again").await.map(drop) }).unwrap();
}

#[test]
fn a_wrong_password_and_an_unknown_user_get_one_answer() {
    let world = clinic(100, |contract| contract);
    let mut wrong = world.connect.clone();
    wrong.password.push('x');
    let mut unknown = world.connect.clone();
    unknown.user = "nobody.here".to_owned();
    let answers: Vec<(String, String)> = run(async {
        let mut answers = Vec::new();
        for connect in [&wrong, &unknown] {
            let error = session(connect, "wrong").await.expect_err("refused");
            let error = error.as_db_error().expect("an ErrorResponse");
            let message = error.message().replace(&connect.user, "USER");
            answers.push((error.code().code().to_owned(), message));
        }
        answers
    });
    assert_eq!(answers[0].0, "28P01");
    assert_eq!(answers[0], answers[1]);
}

#[test]
fn sigterm_drains_and_exits_with_zero() {
    let mut world = clinic(100, |contract| contract);
    run(async {
        let client = session(&world.connect, "drained").await.unwrap();
        let by_key = "select patient_id from clinic.patients where patient_id = 1";
        assert_eq!(ask(&client, by_key).await.keys, [1]);
    });
    assert_eq!(world.gate.stop().unwrap(), 0);
    world.gate.restart().unwrap();
    let closed = world.gate.events("session.closed").unwrap();
    assert_eq!(closed.len(), 1, "{closed:?}");
}

#[test]
fn a_copy_of_the_data_directory_runs_elsewhere_and_remembers() {
    let mut world = clinic(1000, |contract| with_budget(contract, 500, 100));
    let all = "select patient_id from clinic.patients where patient_id < 90";
    let more = "select patient_id from clinic.patients where patient_id > 900";
    run(async {
        let client = session(&world.connect, "before").await.unwrap();
        assert_eq!(ask(&client, all).await.keys.len(), 81);
    });
    world.gate.move_elsewhere().unwrap();
    world.connect.port = world.gate.pg_port();
    run(async {
        let client = session(&world.connect, "after").await.unwrap();
        assert_eq!(
            ask(&client, all).await.keys.len(),
            81,
            "seen before: costs nothing"
        );
        let outcome = ask(&client, more).await;
        assert_eq!(
            outcome.keys.len(),
            100 - 81,
            "what was left of the day's ceiling"
        );
        assert_eq!(outcome.sqlstate(), Some("53400"));
    });
    let verified = world.gate.log_verify(&[]).unwrap();
    assert_eq!(verified.code, 0, "{}{}", verified.stdout, verified.stderr);
}
