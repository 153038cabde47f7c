//! Tuning statements run on a connection of the gate's own; the client is answered all the same.

use portcullis_harness::raw::Pipeline;

use crate::on_record::{Trial, text};
use crate::world::clinic_with;

#[test]
fn a_tuning_statement_is_answered_in_both_protocols() {
    let world = clinic_with(
        50,
        "alter table clinic.visits owner to steward",
        |contract| contract.replace("catalog   = {}", "catalog   = {}\ntuning = {}"),
    );
    let statements = [
        ("vacuum clinic.visits", "VACUUM"),
        ("analyze clinic.visits", "ANALYZE"),
        ("reindex table clinic.visits", "REINDEX"),
    ];
    let mut trial = Trial::new(&world, "simple");
    for (sql, tag) in statements {
        let answers = trial.query(sql);
        assert_eq!(answers.done(), [tag], "{sql}: {}", answers.summary());
        assert_eq!(answers.status(), 'I');
    }
    assert_eq!(trial.query("select 1").row_count(), 1);
    let mut sent: Vec<&str> = statements.iter().map(|(sql, _)| *sql).collect();
    sent.push("select 1");
    trial.check(&sent);

    let mut trial = Trial::new(&world, "extended");
    for (sql, tag) in statements {
        let answers = trial.ask(Pipeline::new().run(sql).sync());
        assert_eq!(answers.done(), [tag], "{sql}: {}", answers.summary());
    }
    assert_eq!(trial.query("select 1").row_count(), 1);
    trial.check(&sent);

    // Others before and behind it in one pipeline.
    let mut trial = Trial::new(&world, "between");
    let pipeline = Pipeline::new()
        .run("select 1")
        .run("analyze clinic.visits")
        .run("select 2");
    let answers = trial.ask(pipeline.sync());
    assert_eq!(answers.row_count(), 2, "{}", answers.summary());
    assert_eq!(answers.done(), ["SELECT 1", "ANALYZE", "SELECT 1"]);
    trial.check(&["select 1", "analyze clinic.visits", "select 2"]);

    // One that the steward may not do: an answer in words, and what follows is skipped up to Sync.
    let mut trial = Trial::new(&world, "failing");
    let failing = "reindex table clinic.patients";
    let pipeline = Pipeline::new().run(failing).run("select 2");
    let answers = trial.ask(pipeline.sync());
    assert_eq!(answers.errors().len(), 1, "{}", answers.summary());
    assert_eq!(answers.row_count(), 0, "{}", answers.summary());
    assert_eq!(trial.query(failing).errors().len(), 1);
    assert_eq!(trial.query("select 3").row_count(), 1);
    let recorded = trial.check(&[failing, "select 2", failing, "select 3"]);
    assert_eq!(text(recorded.only("select 2"), "decision"), "refused");

    // What was parsed behind it under no name may have come to be at the database: it is not run as
    // what had no name before.
    let people = "select patient_id, name from clinic.patients";
    let mut trial = Trial::new(&world, "unnamed-behind-failing");
    let parsed = Pipeline::new().parse("t", failing).parse("", "select 1");
    trial.ask(parsed.sync());
    let pipeline = Pipeline::new().bind("x", "t").execute("x", 0);
    let answers = trial.ask(pipeline.parse("", people).sync());
    assert_eq!(answers.errors().len(), 1, "{}", answers.summary());
    let answers = trial.ask(Pipeline::new().bind("", "").execute("", 0).sync());
    assert_eq!(answers.row_count(), 0, "{}", answers.summary());
    trial.check(&[failing]);
}
