//! `EXPLAIN (PORTCULLIS)` in a session: any client may ask, nothing is run, charged or disclosed.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use portcullis_harness::cache_dir;
use portcullis_harness::raw::{Answers, Pipeline};
use serde_json::Value;

use crate::on_record::{Trial, text};
use crate::world::{World, clinic, run, session};

const PATIENTS: &str = "SELECT patient_id, name FROM clinic.patients";

fn ask(sql: &str) -> String {
    format!("EXPLAIN (PORTCULLIS) {sql}")
}

/// The answer's rows as one text.
fn page(answers: &Answers) -> String {
    let lines: Vec<String> = answers
        .rows()
        .into_iter()
        .map(|row| row.into_iter().flatten().collect())
        .collect();
    lines.join("\n")
}

fn json(answers: &Answers) -> Value {
    serde_json::from_str(&page(answers)).unwrap_or_else(|_| panic!("{}", answers.summary()))
}

#[test]
fn the_page_is_as_it_was_agreed() {
    let world = clinic(40, |contract| contract);
    let mut trial = Trial::new(&world, "golden");
    trial.query("SELECT patient_id, name FROM clinic.patients WHERE patient_id < 4");
    let asked = [
        "SELECT p.name, v.cost FROM clinic.patients p JOIN clinic.visits v USING (patient_id)",
        "SELECT sex, count(*) FROM clinic.patients GROUP BY sex",
        "SELECT '李伟 的 病房', diagnosis, name\n  FROM clinic.patients",
        "SELECT salary FROM clinic.staff_secrets",
        "SELECT name FROM clinic.patients WHERE",
        "COPY clinic.patients TO STDOUT",
        "EXPLAIN SELECT name FROM clinic.patients",
        "SET search_path = clinic",
        "VACUUM clinic.patients",
        "SELECT 1",
        "EXECUTE nobody(7)",
    ];
    let mut pages = String::new();
    for sql in asked {
        let answers = trial.query(&ask(sql));
        assert_eq!(answers.done(), ["EXPLAIN"], "{}", answers.summary());
        assert_eq!(answers.columns(), ["portcullis"]);
        pages.push_str(&format!("=# {}\n{}\n\n", ask(sql), page(&answers)));
    }
    golden("explain.txt", &pages);
}

/// Compared with `tests/golden`; `BLESS=1` writes it anew.
fn golden(name: &str, found: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, found).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, kept, "BLESS=1 writes {} anew", path.display());
}

#[test]
fn in_the_simple_protocol_it_stands_among_other_statements() {
    let world = clinic(40, |contract| contract);
    let mut trial = Trial::new(&world, "simple");
    let refused = ask("SELECT diagnosis FROM clinic.patients");
    let answers = trial.query(&format!(
        "SELECT name FROM clinic.patients WHERE patient_id = 1; {refused}; SELECT 2"
    ));
    assert_eq!(
        answers.done(),
        ["SELECT 1", "EXPLAIN", "SELECT 1"],
        "{}",
        answers.summary()
    );
    assert!(page(&answers).contains("refused [scope.column]"));

    // Another statement of the message that is refused refuses the message, as ever.
    let answers = trial.query(&format!(
        "{}; SELECT diagnosis FROM clinic.patients",
        ask("SELECT 1")
    ));
    assert_eq!(
        (answers.sqlstate().as_str(), answers.row_count()),
        ("42501", 0)
    );

    trial.query("BEGIN");
    trial.query("SELECT nothing");
    let answers = trial.query(&ask(PATIENTS));
    assert_eq!(
        (answers.done(), answers.status()),
        (vec!["EXPLAIN".to_owned()], 'E')
    );
    assert!(page(&answers).contains("the transaction has failed"));
    trial.query("ROLLBACK");

    trial.query(&format!("PREPARE p AS {PATIENTS} WHERE patient_id = $1"));
    let told = page(&trial.query(&ask("EXECUTE p(1)")));
    assert!(
        told.contains("clinic.patients") && told.contains("PREPARE p AS"),
        "{told}"
    );
    trial.query("BEGIN");
    trial.query("DECLARE c CURSOR FOR SELECT cost FROM clinic.visits");
    let told = page(&trial.query(&ask("FETCH 3 FROM c")));
    assert!(told.contains("clinic.visits"), "{told}");
    trial.query("COMMIT");
    let told = page(&trial.query(&ask("FETCH 3 FROM c")));
    assert!(told.contains("refused [portal.unknown]"), "{told}");

    // Every form is told in JSON too, and nothing of what was asked has run or was charged.
    let told = json(&trial.query(&format!("EXPLAIN (FORMAT JSON, PORTCULLIS) {PATIENTS}")));
    let left = |key: &str| {
        let ceilings = told["budgets"].as_array().unwrap();
        ceilings.iter().find(|c| c["key"] == key).unwrap()["used"].as_u64()
    };
    assert_eq!(left("subjects_per_day"), Some(1), "{told}");
    let events = world.gate.events("statement").unwrap();
    let asked: Vec<&Value> = events
        .iter()
        .filter(|event| text(event, "method") == "explain")
        .collect();
    assert_eq!(asked.len(), 7, "{asked:?}");
    for event in asked.iter().filter(|event| event["decision"] == "allowed") {
        assert_eq!(event["tables"], serde_json::json!([]));
        assert_eq!(event["subjects"], 0);
        assert!(text(event, "sql").contains("PORTCULLIS"));
    }
}

#[test]
fn in_the_extended_protocol_it_takes_its_turn() {
    let world = clinic(40, |contract| contract);
    let mut trial = Trial::new(&world, "extended");
    let with_param = ask("SELECT name FROM clinic.patients WHERE patient_id = $1");
    let whole = page(&trial.query(&with_param));
    let lines = whole.lines().count();
    assert!(lines > 8, "{whole}");

    // Between two queries, without a value, described both ways.
    let pipeline = Pipeline::new()
        .run("SELECT name FROM clinic.patients WHERE patient_id = 1")
        .parse("q", &with_param)
        .describe_statement("q")
        .bind("p", "q")
        .describe_portal("p")
        .execute("p", 0)
        .execute("p", 0)
        .close_portal("p")
        .run("SELECT 3");
    let answers = trial.ask(pipeline.sync());
    assert_eq!(answers.sqlstate(), "", "{}", answers.summary());
    assert_eq!(
        answers.done(),
        ["SELECT 1", "EXPLAIN", "EXPLAIN", "SELECT 1"],
        "{}",
        answers.summary()
    );
    assert_eq!(answers.row_count(), lines + 2);
    assert_eq!(answers.columns(), ["portcullis", "portcullis"]);

    // In slices; with values; prepared once and asked again.
    let pipeline = Pipeline::new()
        .bind_with("p", "q", &["7"])
        .execute("p", 3)
        .execute("p", 3)
        .execute("p", 0);
    let answers = trial.ask(pipeline.sync());
    assert_eq!(answers.row_count(), lines, "{}", answers.summary());
    assert_eq!(answers.done(), ["EXPLAIN"]);
    assert_eq!(answers.messages.iter().filter(|m| m.tag == b's').count(), 2);

    // A failed transaction takes it; an error before it in the pipeline skips it.
    trial.query("BEGIN");
    trial.query("SELECT nothing");
    let answers = trial.ask(
        Pipeline::new()
            .bind("", "q")
            .execute("", 0)
            .run(&ask("SELEC 1"))
            .sync(),
    );
    assert_eq!(
        (answers.done().len(), answers.status()),
        (2, 'E'),
        "{}",
        answers.summary()
    );
    trial.query("ROLLBACK");
    let pipeline = Pipeline::new()
        .run("SELECT diagnosis FROM clinic.patients")
        .bind("", "q")
        .execute("", 0);
    let answers = trial.ask(pipeline.sync());
    assert_eq!(
        (answers.sqlstate().as_str(), answers.row_count()),
        ("42501", 0)
    );
    let answers = trial.query("DEALLOCATE q");
    assert_eq!(answers.done(), ["DEALLOCATE"], "{}", answers.summary());
    let answers = trial.ask(Pipeline::new().bind("", "q").sync());
    assert_eq!(answers.sqlstate(), "26000");
    let events = world.gate.events("statement").unwrap();
    let asked = events.iter().filter(|e| text(e, "method") == "explain");
    assert_eq!(
        asked.count(),
        6,
        "one each; the portal that was executed thrice is one"
    );
}

#[test]
fn clients_ask_it_as_they_are() {
    let world = clinic(40, |contract| contract);
    psql(&world);
    python(&world);
    run(async {
        let client = session(&world.connect, "driver").await.unwrap();
        let rows = client
            .query(
                &ask("SELECT name FROM clinic.patients WHERE patient_id = $1"),
                &[],
            )
            .await
            .unwrap();
        let told: Vec<String> = rows.iter().map(|row| row.get("portcullis")).collect();
        assert!(told.iter().any(|line| line.contains("allowed")), "{told:?}");

        // A mebibyte, and what is far too deep to be read.
        let list = vec!["7"; 40_000].join(",");
        let long = ask(&format!(
            "SELECT name FROM clinic.patients WHERE patient_id IN ({list})"
        ));
        let mebibyte = ask(&format!(
            "SELECT '{}', diagnosis FROM clinic.patients",
            "李".repeat(340_000)
        ));
        for (sql, told) in [(long, "allowed"), (mebibyte, "refused [scope.column]")] {
            let rows = client.query(&sql, &[]).await.unwrap();
            let found = rows
                .iter()
                .any(|row| row.get::<_, String>(0).contains(told));
            assert!(found, "{told}");
        }
        let deep = ask(&format!(
            "SELECT {}1{}",
            "(".repeat(60_000),
            ")".repeat(60_000)
        ));
        let rows = client.query(&deep, &[]).await.unwrap();
        assert!(
            rows.iter()
                .any(|row| row.get::<_, String>(0).contains("refused [limit.depth]"))
        );
        // The unbalanced, the wide and the odd: an answer, never a lost session.
        for odd in [
            "'",
            "$$",
            "/*",
            "E'\\",
            "((((",
            "\u{202e}李",
            ";;",
            "SELECT 1; DROP TABLE x",
        ] {
            let _ = client.simple_query(&ask(odd)).await;
            client.query("SELECT 1", &[]).await.unwrap();
        }
    });
}

fn client(world: &World, program: impl AsRef<OsStr>, args: &[&OsStr]) -> String {
    let connect = &world.connect;
    let output = Command::new("timeout")
        .arg("30")
        .arg(program)
        .args(args)
        .env("PGHOST", &connect.host)
        .env("PGPORT", connect.port.to_string())
        .env("PGUSER", &connect.user)
        .env("PGPASSWORD", &connect.password)
        .env("PGDATABASE", &connect.database)
        .env("PGSSLMODE", "disable")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output:?}");
    said
}

fn psql(world: &World) {
    let sql = ask("SELECT diagnosis FROM clinic.patients");
    let said = client(world, "psql", &["-X", "-At", "-c", &sql].map(OsStr::new));
    assert!(
        said.contains("refused [scope.column]") && said.contains("^^^^^^^^^"),
        "{said}"
    );
}

fn python(world: &World) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/clients/explain.py");
    let python = cache_dir().join("venv/bin/python");
    assert_eq!(client(world, python, &[script.as_os_str()]), "done\n");
}
