//! Names of statements, portals and cursors: however they are closed, rolled back, cut to length or made
//! anew, a result is on record as what it is.

use portcullis_harness::raw::Pipeline;

use crate::on_record::Trial;
use crate::world::{World, clinic, with_budget};

const PATIENTS: &str = "select patient_id, name from clinic.patients";
const DECLARE_P: &str = "DECLARE p CURSOR FOR select patient_id, name from clinic.patients";

fn wide_open() -> World {
    clinic(300, |contract| with_budget(contract, 100_000, 100_000))
}

fn a_portal_closed_as_a_cursor(world: &World, application: &'static str, close: &str) {
    let mut trial = Trial::new(world, application);
    trial.query("BEGIN");
    let bound = Pipeline::new().parse("s", "select 1 as x").bind("p", "s");
    trial.raw.send(&bound.flush()).unwrap();
    trial.take(2);
    trial.ask(Pipeline::new().sync());
    trial.query(close);
    trial.query(DECLARE_P);
    trial.ask(Pipeline::new().describe_portal("p").execute("p", 0).sync());
    trial.check(&["BEGIN", close, DECLARE_P, "select 1 as x"]);
}

#[test]
fn a_portal_that_is_closed_as_a_cursor_and_declared_anew() {
    let world = wide_open();
    a_portal_closed_as_a_cursor(&world, "close-p", "CLOSE p");
    a_portal_closed_as_a_cursor(&world, "close-all", "CLOSE ALL");
}

#[test]
fn a_transaction_or_a_part_of_it_that_takes_names_with_it() {
    let world = wide_open();
    portal_rolled_back_to(&world);
    cursor_rolled_back_to(&world);
    cursor_ended_by_a_chained_commit(&world);
    cursor_ended_in_a_pipeline(&world);
}

fn portal_rolled_back_to(world: &World) {
    let mut trial = Trial::new(world, "portal-rolled-back");
    trial.query("BEGIN");
    trial.query("SAVEPOINT a");
    trial.ask(
        Pipeline::new()
            .parse("s", "select 1 as x")
            .bind("p", "s")
            .sync(),
    );
    trial.query("ROLLBACK TO a");
    trial.query(DECLARE_P);
    trial.ask(Pipeline::new().execute("p", 0).sync());
    trial.check(&[
        "BEGIN",
        "SAVEPOINT a",
        "ROLLBACK TO a",
        DECLARE_P,
        "select 1 as x",
    ]);
}

fn cursor_rolled_back_to(world: &World) {
    let mut trial = Trial::new(world, "cursor-rolled-back");
    trial.query("BEGIN");
    trial.query("SAVEPOINT a");
    trial.query("DECLARE c CURSOR FOR select 1");
    trial.query("ROLLBACK TO a");
    trial.ask(Pipeline::new().parse("s", PATIENTS).bind("c", "s").sync());
    let fetched = trial.query("FETCH ALL FROM c");
    assert_eq!(fetched.sqlstate(), "34000", "{}", fetched.summary());
    let said = &fetched.errors()[0].message;
    assert!(said.contains("\"c\"") || said.contains("`c`"), "{said}");
    trial.check(&[
        "BEGIN",
        "SAVEPOINT a",
        "DECLARE c CURSOR FOR select 1",
        "ROLLBACK TO a",
        "FETCH ALL FROM c",
    ]);
}

fn cursor_ended_by_a_chained_commit(world: &World) {
    let mut trial = Trial::new(world, "chained");
    trial.query("BEGIN");
    trial.query("DECLARE c CURSOR FOR select 1");
    let chained = trial.query("COMMIT AND CHAIN");
    assert_eq!(chained.status(), 'T', "{}", chained.summary());
    trial.ask(Pipeline::new().parse("s", PATIENTS).bind("c", "s").sync());
    let fetched = trial.query("FETCH ALL FROM c");
    assert_eq!(fetched.row_count(), 0, "{}", fetched.summary());
    trial.check(&[
        "BEGIN",
        "DECLARE c CURSOR FOR select 1",
        "COMMIT AND CHAIN",
        "FETCH ALL FROM c",
    ]);
}

fn cursor_ended_in_a_pipeline(world: &World) {
    let mut trial = Trial::new(world, "commit-begin");
    trial.query("BEGIN");
    trial.query("DECLARE c CURSOR FOR select 1");
    let commit_begin = Pipeline::new().parse("k", "COMMIT").parse("b", "BEGIN");
    trial.ask(commit_begin.sync());
    let again = Pipeline::new()
        .bind("", "k")
        .execute("", 0)
        .bind("", "b")
        .execute("", 0);
    let answers = trial.ask(again.sync());
    assert_eq!(answers.done(), ["COMMIT", "BEGIN"]);
    trial.ask(Pipeline::new().parse("s", PATIENTS).bind("c", "s").sync());
    let fetched = trial.query("FETCH ALL FROM c");
    assert_eq!(fetched.row_count(), 0, "{}", fetched.summary());
    trial.check(&[
        "BEGIN",
        "DECLARE c CURSOR FOR select 1",
        "COMMIT",
        "BEGIN",
        "FETCH ALL FROM c",
    ]);
}

#[test]
fn names_that_are_one_only_when_cut_to_63_bytes_or_made_anew() {
    let world = wide_open();
    names_longer_than_the_database_keeps(&world);
    portal_names_longer_than_the_database_keeps(&world);
    a_statement_closed_in_its_own_pipeline(&world);
    a_statement_prepared_anew_under_an_execute(&world);
}

fn names_longer_than_the_database_keeps(world: &World) {
    let long = |end: &str| format!("{}{end}", "x".repeat(63));
    let mut trial = Trial::new(world, "long-statements");
    let parsed = Pipeline::new()
        .parse(&long("A"), "select 1")
        .close_statement(&long("C"))
        .parse(&long("B"), PATIENTS);
    trial.ask(parsed.sync());
    let run = Pipeline::new().bind("", &long("A")).execute("", 0);
    let answers = trial.ask(run.sync());
    assert_eq!(answers.rows(), [[Some("1".to_owned())]]);
    trial.check(&["select 1"]);
}

fn portal_names_longer_than_the_database_keeps(world: &World) {
    let long = |end: &str| format!("{}{end}", "y".repeat(63));
    let mut trial = Trial::new(world, "long-portals");
    let bound = Pipeline::new()
        .parse("one", "select 1")
        .parse("all", PATIENTS)
        .bind(&long("A"), "one")
        .close_portal(&long("C"))
        .bind(&long("B"), "all")
        .execute(&long("A"), 0);
    let answers = trial.ask(bound.sync());
    assert_eq!(answers.rows(), [[Some("1".to_owned())]]);
    trial.check(&["select 1"]);
}

fn a_statement_closed_in_its_own_pipeline(world: &World) {
    let mut trial = Trial::new(world, "closed-in-pipeline");
    let first = Pipeline::new()
        .parse("a", "select 1")
        .close_statement("a")
        .parse("e", "EXECUTE a");
    let answers = trial.ask(first.sync());
    assert_eq!(answers.sqlstate(), "26000", "{}", answers.summary());
    let second = Pipeline::new()
        .parse("a", PATIENTS)
        .bind("p", "e")
        .execute("p", 0);
    trial.ask(second.sync());
    trial.check(&["EXECUTE a"]);
}

fn a_statement_prepared_anew_under_an_execute(world: &World) {
    let mut trial = Trial::new(world, "prepared-anew");
    let first = Pipeline::new()
        .parse("a", "select 1")
        .parse("e", "EXECUTE a");
    trial.ask(first.sync());
    let second = Pipeline::new()
        .close_statement("a")
        .parse("a", PATIENTS)
        .bind("p", "e")
        .execute("p", 0);
    let answers = trial.ask(second.sync());
    let recorded = trial.check(&["EXECUTE a"]);
    // PostgreSQL runs what is called `a` now.
    assert_eq!(answers.row_count(), 270, "{}", answers.summary());
    assert_eq!(recorded.sum("subjects"), 270);
}

#[test]
fn errors_of_the_database_call_things_as_the_client_does() {
    let world = wide_open();
    let mut trial = Trial::new(&world, "names-in-errors");
    let prepare = "PREPARE mine (int) AS select $1 + 1";
    trial.query(prepare);
    let answers = trial.query("EXECUTE mine(1, 2)");
    let said = format!("{:?}", answers.errors());
    assert!(said.contains("mine"), "{said}");

    let bound = Pipeline::new()
        .parse("several", "select $1::int + $2::int")
        .bind_with("p", "several", &["1"])
        .execute("p", 0);
    let answers = trial.ask(bound.sync());
    assert_eq!(answers.sqlstate(), "08P01", "{}", answers.summary());
    let said = &answers.errors()[0].message;
    assert!(said.contains("several"), "{said}");

    trial.query("BEGIN");
    trial.query("DECLARE held NO SCROLL CURSOR FOR select 1");
    trial.query("SAVEPOINT a");
    let closed = trial.query("CLOSE ALL");
    assert_eq!(closed.sqlstate(), "");
    let answers = trial.query("FETCH held");
    let said = &answers.errors()[0].message;
    assert!(said.contains("held"), "{said}");
    trial.check(&[
        prepare,
        "EXECUTE mine(1, 2)",
        "select $1::int + $2::int",
        "BEGIN",
        "DECLARE held NO SCROLL CURSOR FOR select 1",
        "SAVEPOINT a",
        "CLOSE ALL",
        "FETCH held",
    ]);
}
