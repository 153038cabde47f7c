//! Many messages in one write: ceilings hold over all slices of a result, what follows a cut neither runs
//! nor goes unrecorded, and every statement has its one event.

use portcullis_harness::raw::Pipeline;

use crate::on_record::{Trial, text};
use crate::world::{World, clinic, with_budget};

const CEILING: usize = 20;
const PATIENTS: &str = "select patient_id, name from clinic.patients";
const SOME: &str = "select patient_id, name from clinic.patients where patient_id < 300";
/// More than the ceiling, and so few that the database is done before it hears of the cut.
const FEW: &str = "select patient_id, name from clinic.patients where patient_id < 30";

fn tight() -> World {
    clinic(400, |contract| {
        with_budget(contract, CEILING as u32, 10_000)
    })
}

#[test]
fn slices_of_one_portal_share_one_ceiling() {
    let world = tight();
    let mut trial = Trial::new(&world, "slices");
    let mut pipeline = Pipeline::new().parse("s", SOME).bind("p", "s");
    for _ in 0..10 {
        pipeline = pipeline.execute("p", 10);
    }
    let answers = trial.ask(pipeline.sync());
    assert_eq!(answers.row_count(), CEILING, "{}", answers.summary());
    assert_eq!(answers.sqlstate(), "53400", "{}", answers.summary());
    let recorded = trial.check(&[SOME]);
    assert_eq!(text(recorded.only(SOME), "decision"), "stopped");

    let mut trial = Trial::new(&world, "two-slices");
    let pipeline = Pipeline::new()
        .parse("s", SOME)
        .bind("p", "s")
        .execute("p", 10)
        .execute("p", 5);
    let answers = trial.ask(pipeline.sync());
    assert_eq!(answers.row_count(), 15, "{}", answers.summary());
    trial.check(&[SOME]);
}

#[test]
fn fetches_of_one_cursor_share_one_ceiling() {
    let world = tight();
    suspended_fetches(&world);
    dropped_fetches(&world);
}

fn suspended_fetches(world: &World) {
    let declare = format!("DECLARE c CURSOR FOR {PATIENTS}");
    let mut trial = Trial::new(world, "suspended-fetches");
    trial.query("BEGIN");
    let pipeline = Pipeline::new().run(&declare).parse("f", "FETCH 20 FROM c");
    trial.ask(pipeline.sync());
    let mut sent = vec!["BEGIN", declare.as_str()];
    let mut rows = 0;
    for portal in ["p0", "p1", "p2", "p3", "p4", "p5"] {
        let answers = trial.ask(Pipeline::new().bind(portal, "f").execute(portal, 19).sync());
        rows += answers.row_count();
        if answers.sqlstate() == "53400" {
            sent.push("FETCH 20 FROM c");
            break;
        }
        sent.push("FETCH 20 FROM c");
    }
    assert_eq!(rows, CEILING, "one ceiling for the cursor");
    trial.check(&sent);
}

fn dropped_fetches(world: &World) {
    let declare = format!("DECLARE c CURSOR WITH HOLD FOR {PATIENTS}");
    let mut trial = Trial::new(world, "dropped-fetches");
    trial.query(&declare);
    let parsed = Pipeline::new()
        .parse("e", "FETCH 20 FROM c")
        .parse("n", "select $1::int");
    trial.ask(parsed.sync());
    let mut sent = vec![declare.as_str()];
    let mut rows = 0;
    for _ in 0..4 {
        rows += trial.query("FETCH 19 FROM c").row_count();
        let dropped = Pipeline::new()
            .bind_with("p", "n", &["x"])
            .bind("q", "e")
            .execute("q", 0);
        let answers = trial.ask(dropped.sync());
        assert_eq!(answers.sqlstate(), "22P02", "{}", answers.summary());
        sent.extend(["FETCH 19 FROM c", "FETCH 20 FROM c"]);
    }
    assert_eq!(rows, CEILING, "one ceiling for the cursor");
    trial.check(&sent);
}

#[test]
fn what_follows_a_cut_in_its_pipeline_does_not_run() {
    let world = tight();
    a_cursor_declared_behind_a_cut(&world);
    a_query_behind_a_cut(&world);
    an_unnamed_statement_parsed_behind_a_cut(&world);
    a_commit_behind_a_cut(&world);
}

fn a_cursor_declared_behind_a_cut(world: &World) {
    let nobodys = "DECLARE c CURSOR WITH HOLD FOR select 1";
    let everybodys = format!("DECLARE c CURSOR WITH HOLD FOR {PATIENTS}");
    let mut trial = Trial::new(world, "declared-behind-cut");
    trial.query("BEGIN");
    trial.query(nobodys);
    trial.query("ROLLBACK");
    trial.ask(
        Pipeline::new()
            .parse("d", &everybodys)
            .parse("s", FEW)
            .sync(),
    );
    let pipeline = Pipeline::new()
        .bind("", "s")
        .execute("", 0)
        .bind("x", "d")
        .execute("x", 0);
    let answers = trial.ask(pipeline.sync());
    assert_eq!(answers.row_count(), CEILING, "{}", answers.summary());
    assert_eq!(answers.sqlstate(), "53400", "{}", answers.summary());
    let fetched = trial.query("FETCH ALL FROM c");
    assert_eq!(fetched.row_count(), 0, "{}", fetched.summary());
    let recorded = trial.check(&[
        "BEGIN",
        nobodys,
        "ROLLBACK",
        FEW,
        &everybodys,
        "FETCH ALL FROM c",
    ]);
    assert_eq!(text(recorded.only(FEW), "decision"), "stopped");
    assert_eq!(text(recorded.only(&everybodys), "decision"), "refused");
}

fn a_query_behind_a_cut(world: &World) {
    let mut trial = Trial::new(world, "query-behind-cut");
    let answers = trial.ask(
        Pipeline::new()
            .run(FEW)
            .run("select 2")
            .run("select 3")
            .sync(),
    );
    assert_eq!(answers.row_count(), CEILING, "{}", answers.summary());
    assert_eq!(trial.query("select 4").row_count(), 1);
    let recorded = trial.check(&[FEW, "select 2", "select 3", "select 4"]);
    assert_eq!(text(recorded.only("select 2"), "decision"), "refused");
}

fn an_unnamed_statement_parsed_behind_a_cut(world: &World) {
    let mut trial = Trial::new(world, "unnamed-behind-cut");
    trial.ask(Pipeline::new().parse("s", FEW).parse("", "select 1").sync());
    let pipeline = Pipeline::new()
        .bind("x", "s")
        .execute("x", 0)
        .parse("", PATIENTS);
    trial.ask(pipeline.sync());
    let answers = trial.ask(Pipeline::new().bind("", "").execute("", 0).sync());
    assert_eq!(answers.row_count(), 0, "{}", answers.summary());
    trial.check(&[FEW]);
}

fn a_commit_behind_a_cut(world: &World) {
    let mut trial = Trial::new(world, "commit-behind-cut");
    trial.query("BEGIN");
    let answers = trial.ask(Pipeline::new().run(FEW).run("COMMIT").sync());
    assert_eq!(answers.sqlstate(), "53400", "{}", answers.summary());
    assert_eq!(answers.status(), 'E', "the client is told that it failed");
    assert_eq!(trial.query("select 1").sqlstate(), "25P02");
    assert_eq!(trial.query("ROLLBACK").status(), 'I');
    trial.check(&["BEGIN", FEW, "COMMIT", "select 1", "ROLLBACK"]);
}

#[test]
fn every_statement_has_one_event_whatever_failed_before_it() {
    let world = tight();
    let mut trial = Trial::new(&world, "message-of-two");
    assert_eq!(trial.query("select 1/0; select 2").sqlstate(), "22012");
    trial.check(&["select 1/0", "select 2"]);

    let mut trial = Trial::new(&world, "pipeline-failed-at-the-database");
    let answers = trial.ask(Pipeline::new().run("select 1/0").run("select 2").sync());
    assert_eq!(answers.sqlstate(), "22012", "{}", answers.summary());
    trial.check(&["select 1/0", "select 2"]);

    let refused = "select diagnosis from clinic.patients";
    let mut trial = Trial::new(&world, "pipeline-refused");
    let pipeline = Pipeline::new().run("select 1").run(refused).run("select 2");
    let answers = trial.ask(pipeline.sync());
    assert_eq!(answers.sqlstate(), "42501", "{}", answers.summary());
    trial.check(&["select 1", refused, "select 2"]);

    // The client waits for the error before it sends more, and more is still skipped up to Sync.
    let mut trial = Trial::new(&world, "sent-after-the-error");
    trial
        .raw
        .send(&Pipeline::new().run(refused).flush())
        .unwrap();
    trial.take(1);
    trial.ask(Pipeline::new().run("select 2").sync());
    assert_eq!(trial.query("select 3").row_count(), 1);
    trial.check(&[refused, "select 2", "select 3"]);

    // A Query behind what failed, without a Sync between them, is skipped like the rest.
    let mut trial = Trial::new(&world, "query-behind-an-error");
    let pipeline = Pipeline::new().run("select 1/0").query("select 2");
    let answers = trial.ask(pipeline.run("select 3").sync());
    assert_eq!(answers.sqlstate(), "22012", "{}", answers.summary());
    assert_eq!(answers.row_count(), 0, "{}", answers.summary());
    assert_eq!(trial.query("select 4").row_count(), 1);
    trial.check(&["select 1/0", "select 2", "select 3", "select 4"]);

    let mut trial = Trial::new(&world, "refused-message-of-four");
    let message = format!("begin; select 4; {refused}; commit");
    assert_eq!(trial.query(&message).sqlstate(), "42501");
    // Not one of them was sent on, and each has its event.
    trial.check(&["begin", "select 4", refused, "commit"]);
}

#[test]
fn a_flood_behind_an_error_is_skipped_and_on_record() {
    const FLOOD: usize = 3000;
    let world = tight();
    let refused = "select diagnosis from clinic.patients";
    let mut trial = Trial::new(&world, "flood");
    let mut pipeline = Pipeline::new().run(refused);
    for _ in 0..FLOOD {
        pipeline = pipeline.run("select 2");
    }
    let answers = trial.ask(pipeline.sync());
    assert_eq!(answers.sqlstate(), "42501", "{}", answers.summary());
    assert_eq!(answers.messages.len(), 2, "{}", answers.summary());
    let mut sent = vec!["select 2"; FLOOD];
    sent.push(refused);
    trial.check(&sent);
}

#[test]
fn results_that_are_nobodys_arrive_whole_however_large() {
    let world = clinic(10, |contract| {
        with_budget(contract, CEILING as u32, 10_000)
            .replace("catalog   = {}", "catalog   = {}\nexport = {}")
    });
    let series = "select generate_series(1,100000)";
    let long = "select repeat('x',1000000)";
    let mut trial = Trial::new(&world, "large");
    let answers = trial.query(series);
    assert_eq!(answers.row_count(), 100_000, "{}", answers.summary());
    let answers = trial.query(long);
    let value = answers.rows()[0][0].clone().unwrap();
    assert_eq!(value.len(), 1_000_000);
    let mut recorded = vec![series, long];

    let short = "select generate_series(1,300)";
    let pipeline = Pipeline::new().parse("s", short).bind("", "s");
    trial.raw.send(&pipeline.execute("", 5).flush()).unwrap();
    // ParseComplete, BindComplete, five rows, PortalSuspended: without waiting for a Sync.
    assert_eq!(trial.take(8).row_count(), 5);
    trial.ask(Pipeline::new().sync());
    recorded.push(short);

    let catalog = "select a.attname from pg_attribute a, pg_class c limit 50000";
    let answers = trial.query(catalog);
    assert_eq!(answers.row_count(), 50_000, "{}", answers.summary());
    recorded.push(catalog);
    let events = trial.check(&recorded);
    assert_eq!(events.only(series)["rows"], 100_000);

    let copied = "copy (select generate_series(1,100000)) to stdout";
    let mut trial = Trial::new(&world, "large-copy");
    let answers = trial.query(copied);
    let lines = answers
        .messages
        .iter()
        .filter(|one| one.tag == b'd')
        .count();
    assert_eq!(lines, 100_000, "{}", answers.summary());
    trial.raw.leave();
    let recorded = crate::on_record::of_session(&world, "large-copy");
    assert_eq!(recorded.only(copied)["rows"], 100_000);
}
