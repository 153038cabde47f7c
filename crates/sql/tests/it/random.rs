//! Texts that nobody wrote: nothing panics, and whatever is understood travels within bounds.

use proptest::prelude::*;

use crate::check::Desk;

const WORDS: &[&str] = &[
    "SELECT",
    "FROM",
    "WHERE",
    "patients",
    "visits",
    "wards",
    "lab.samples",
    "clinic.doctors",
    "p",
    "v",
    "name",
    "patient_id",
    "secret",
    "cost",
    "*",
    ",",
    "(",
    ")",
    "=",
    "<>",
    "AND",
    "OR",
    "NOT",
    "IN",
    "EXISTS",
    "JOIN",
    "LEFT",
    "NATURAL",
    "USING",
    "(patient_id)",
    "ON",
    "GROUP BY",
    "ORDER BY",
    "HAVING",
    "LIMIT",
    "1",
    "'x'",
    "$1",
    "count",
    "sum",
    "(*)",
    "DISTINCT",
    "UNION ALL",
    "UNION",
    "EXCEPT",
    "WITH",
    "x AS",
    "AS",
    "LATERAL",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "END",
    "::text",
    "::regclass",
    ".",
    "pg_class",
    "generate_series(1,2)",
    "OVER",
    "PARTITION BY",
    ";",
    "NULL",
    "IS",
    "BETWEEN",
    "VALUES",
    "ARRAY[",
    "]",
    "row_number()",
    "max",
    "string_agg",
    "COPY",
    "TO STDOUT",
    "EXPLAIN",
    "SET",
    "search_path",
    "TO",
    "FETCH",
    "DECLARE c CURSOR FOR",
    "PREPARE q AS",
    "tableoid",
    "||",
    "-",
    "FILTER",
    "ROLLUP",
];

/// Statements near which most mistakes would lie.
const SEEDS: &[&str] = &[
    "SELECT p.name, v.cost FROM patients p JOIN visits v ON v.patient_id = p.patient_id WHERE v.cost > 5 ORDER BY 2 LIMIT 3",
    "SELECT sex, count(*), avg(cost) FILTER (WHERE cost > 3) FROM patients JOIN visits USING (patient_id) GROUP BY sex HAVING count(*) > 2",
    "WITH a AS (SELECT patient_id, sum(cost) s FROM visits GROUP BY 1) SELECT p.name, a.s FROM a JOIN patients p USING (patient_id)",
    "SELECT name FROM patients p WHERE EXISTS (SELECT 1 FROM visits v WHERE v.patient_id = p.patient_id) UNION ALL SELECT name FROM doctors",
    "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.oid = 'clinic.patients'::regclass",
    "COPY (SELECT patient_id, name FROM patients WHERE sex = 'F') TO STDOUT WITH (FORMAT csv, HEADER true)",
];

fn look(text: &str) {
    // `outcome` judges what would travel.
    let lines = Desk::new().outcome(text);
    assert!(!lines.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn words_in_any_order(words in proptest::collection::vec(proptest::sample::select(WORDS), 1..25)) {
        look(&format!("SELECT {}", words.join(" ")));
    }

    #[test]
    fn seeds_with_words_exchanged(seed in proptest::sample::select(SEEDS), changes in proptest::collection::vec((any::<prop::sample::Index>(), proptest::sample::select(WORDS), 0u8..3), 1..4)) {
        let mut words: Vec<&str> = seed.split(' ').collect();
        for (at, word, how) in changes {
            let at = at.index(words.len());
            match how {
                0 => words[at] = word,
                1 => words.insert(at, word),
                _ => { words.remove(at); if words.is_empty() { words.push(word); } }
            }
        }
        look(&words.join(" "));
    }

    #[test]
    fn any_text(text in "\\PC{0,60}") {
        look(&text);
    }
}
