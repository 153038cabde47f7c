//! Every mask on every type that takes it, on every server: no error, the type kept, NULL for NULL, the
//! same for the same; and what no mask but two takes.

use std::collections::BTreeMap;

use portcullis_contract::file::{parse_mask, write_mask};
use portcullis_contract::{Columns, Mask};

use super::hostile_values::{EDGES, Seeded, TEXTS};
use crate::world::{World, contract_of, scope};

const SEED: u64 = 20_260_301;
const RANDOM_TEXTS: usize = 90;

/// Text columns, narrow ones too; each value is cut to what its column takes.
const TEXT_COLUMNS: &[(&str, &str, Option<usize>)] = &[
    ("t", "text", None),
    ("v", "varchar", None),
    ("v20", "varchar(20)", Some(20)),
    ("v5", "varchar(5)", Some(5)),
    ("c18", "char(18)", Some(18)),
    ("bp", "bpchar", None),
    ("tc", "text COLLATE \"C\"", None),
];
const WIDE_TEXT: &[&str] = &["t", "v", "v20", "c18", "bp", "tc"];
const EVERY_TEXT: &[&str] = &["t", "v", "v20", "v5", "c18", "bp", "tc"];
const NUMBERS: &[&str] = &["i2", "i4", "i8", "n", "n102", "n22", "f4", "f8"];
const DATES: &[&str] = &["d", "ts", "ts0", "tz"];

/// Mask, its columns.
const FITTING: &[(&str, &[&str])] = &[
    ("first", EVERY_TEXT),
    ("first3", EVERY_TEXT),
    ("last4", EVERY_TEXT),
    ("head1", EVERY_TEXT),
    ("tail4", EVERY_TEXT),
    ("code3", EVERY_TEXT),
    ("code64", EVERY_TEXT),
    ("code2of5", EVERY_TEXT),
    ("fake-id", EVERY_TEXT),
    ("fake-phone", EVERY_TEXT),
    ("fake-name", EVERY_TEXT),
    ("hash", WIDE_TEXT),
    ("hash", &["i4", "i8", "n", "n22", "u", "b"]),
    ("fake-id", &["i8", "n", "n102", "n22"]),
    ("fake-phone", &["i8", "n", "n102", "n22"]),
    ("bucket2", NUMBERS),
    ("bucket10", NUMBERS),
    ("bucket1000000000000000000", NUMBERS),
    ("year", DATES),
    ("month", DATES),
];

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// One table of every column; row by row one value of each, then a row of NULLs.
fn table_of_values() -> String {
    let mut seeded = Seeded(SEED);
    let mut texts: Vec<String> = TEXTS.iter().map(|t| (*t).to_owned()).collect();
    texts.extend((0..RANDOM_TEXTS).map(|_| seeded.text()));
    let mut sql =
        "SET standard_conforming_strings = on; CREATE TABLE clinic.wide (id int PRIMARY KEY"
            .to_owned();
    for (name, kind, _) in TEXT_COLUMNS {
        sql += &format!(", {name} {kind}");
    }
    for (name, kind, _) in EDGES {
        sql += &format!(", {name} {kind}");
    }
    sql += ");";
    for (row, text) in texts.iter().enumerate() {
        sql += &format!("INSERT INTO clinic.wide VALUES ({row}");
        for (_, _, max) in TEXT_COLUMNS {
            let cut: String = text.chars().take(max.unwrap_or(usize::MAX)).collect();
            sql += &format!(", {}", quoted(&cut));
        }
        for (_, _, values) in EDGES {
            sql += &format!(", {}", quoted(values[row % values.len()]));
        }
        sql += ");";
    }
    sql += &format!(
        "INSERT INTO clinic.wide (id) VALUES ({}); GRANT SELECT ON clinic.wide TO steward;",
        texts.len()
    );
    sql
}

/// The view of the table with the mask of that number.
fn view(number: usize) -> String {
    format!("portcullis_clinic_ops_2026.\"clinic.w{number}\"")
}

#[tokio::test(flavor = "multi_thread")]
async fn no_value_makes_a_mask_fail_and_types_stay() {
    let versions = portcullis_harness::PgVersions::available();
    let each = versions
        .into_iter()
        .map(|version| tokio::spawn(async move { on(&version).await }));
    for done in each.collect::<Vec<_>>() {
        done.await.unwrap();
    }
}

async fn on(version: &portcullis_harness::PgVersion) {
    let world = World::on(version).await;
    let mut sql = table_of_values();
    if version.major >= 14 {
        sql += "INSERT INTO clinic.wide (id, n) VALUES (-1, 'Infinity'), (-2, '-Infinity');";
    }
    let mut tables = Vec::new();
    for (number, (word, columns)) in FITTING.iter().enumerate() {
        let mask = parse_mask(word).unwrap();
        assert_eq!(write_mask(&mask), *word);
        sql += &format!(
            "CREATE TABLE clinic.w{number} AS SELECT id, {} FROM clinic.wide; GRANT SELECT ON clinic.w{number} TO steward;",
            columns.join(", ")
        );
        let mut table = scope(&format!("clinic.w{number}"), None, Columns::All);
        table.mask = columns
            .iter()
            .map(|c| ((*c).to_owned(), mask.clone()))
            .collect();
        tables.push(table);
    }
    world.sql(&sql).await;
    let surface = world.install(&contract_of(tables)).await;
    let client = world.login(&world.role(&surface, "g1").await).await;
    for (number, (word, columns)) in FITTING.iter().enumerate() {
        check(&world, &client, number, word, columns).await;
    }
}

async fn check(
    world: &World,
    client: &tokio_postgres::Client,
    number: usize,
    word: &str,
    columns: &[&str],
) {
    let view = view(number);
    let changed = world
        .sql(&format!(
            "SELECT b.attname, format_type(b.atttypid, b.atttypmod), format_type(v.atttypid, v.atttypmod) FROM pg_attribute b \
             JOIN pg_attribute v ON v.attname = b.attname AND v.attrelid = '{view}'::regclass WHERE b.attrelid = 'clinic.wide'::regclass \
             AND b.attnum > 0 AND (b.atttypid, b.atttypmod) <> (v.atttypid, v.atttypmod)"
        ))
        .await;
    assert!(changed.is_empty(), "{word} changes types: {changed:?}");
    let list = columns
        .iter()
        .map(|c| format!("{c}::text"))
        .collect::<Vec<_>>()
        .join(", ");
    let masked = format!("SELECT {list} FROM {view} ORDER BY id");
    let shown = client
        .query(&masked, &[])
        .await
        .unwrap_or_else(|e| panic!("{word}, seed {SEED}: {e:?}"));
    let again = client.query(&masked, &[]).await.unwrap();
    let clear = world
        .sql(&format!("SELECT {list} FROM clinic.w{number} ORDER BY id"))
        .await;
    assert_eq!(shown.len(), clear.len());
    for (at, column) in columns.iter().enumerate() {
        let mut by_value = BTreeMap::new();
        for ((row, repeated), clear) in shown.iter().zip(&again).zip(&clear) {
            let (value, masked): (&Option<String>, Option<String>) = (&clear[at], row.get(at));
            let told = || format!("{word} on {column} of {value:?}");
            assert_eq!(masked, repeated.get::<_, Option<String>>(at), "{}", told());
            assert_eq!(value.is_none(), masked.is_none(), "{}", told());
            let (Some(value), Some(masked)) = (value, masked) else {
                continue;
            };
            let first = by_value
                .entry(value.clone())
                .or_insert_with(|| masked.clone());
            assert_eq!(*first, masked, "{}", told());
            check_value(word, column, value, &masked);
        }
    }
}

/// What each kind of mask promises of every value.
fn check_value(word: &str, column: &str, value: &str, masked: &str) {
    let told = || format!("{word} on {column}: {value:?} as {masked:?}");
    let chars = |text: &str| text.chars().count();
    let long = value.chars().count() > 128;
    match word {
        "fake-id" | "fake-phone" if EVERY_TEXT.contains(&column) && !long => {
            let exchanged = value.chars().any(|c| c.is_ascii_digit());
            assert!(!exchanged || masked != value, "{}", told());
            assert_eq!(chars(masked), chars(value), "{}", told());
            let other = |c: char| !c.is_ascii();
            assert!(!masked.contains(other), "{}", told());
        }
        "fake-name" if value.chars().any(char::is_alphanumeric) => {
            assert_ne!(masked, value, "{}", told());
        }
        "first" | "first3" | "last4" => {
            assert_eq!(chars(masked), chars(value), "{}", told());
            let shown = masked.chars().filter(|c| *c != '*').count();
            assert!(
                shown <= 4 && (value.is_empty() || masked.contains('*')),
                "{}",
                told()
            );
        }
        "head1" | "tail4" => assert!(
            masked.contains('*') && masked.chars().count() <= 7,
            "{}",
            told()
        ),
        "code2of5" => assert_eq!(chars(masked), 5, "{}", told()),
        "code3" => {
            let code = |c: &char| !" ./_-".contains(*c);
            assert!(value.starts_with(masked), "{}", told());
            assert!(masked.chars().filter(code).count() <= 3, "{}", told());
        }
        "hash" => assert_ne!(masked, value, "{}", told()),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn types_without_masks_of_their_own() {
    let world = World::start().await;
    null_and_a_constant_are_for_every_type(&world).await;
    what_does_not_fit_is_told_with_what_does(&world).await;
}

async fn null_and_a_constant_are_for_every_type(world: &World) {
    world
        .sql(
            "CREATE TYPE clinic.mood AS ENUM ('well', 'ill'); CREATE DOMAIN clinic.ward AS text CHECK (value ~ '^[A-Z]+$'); \
             CREATE DOMAIN clinic.must AS int NOT NULL; CREATE TYPE clinic.pair AS (a int, b text); \
             CREATE TABLE clinic.odd (id int PRIMARY KEY, a text[], j json, jb jsonb, e clinic.mood, ip inet, m macaddr, w clinic.ward, must clinic.must, \
             p clinic.pair, r int4range, iv interval, mo money, bt bit(3), vb varbit, x xml, ti time, tt timetz, pt point, ts tsvector, nm name, bo bool); \
             INSERT INTO clinic.odd VALUES (1, '{x}', '1', '2', 'ill', '10.0.0.1', '08:00:2b:01:02:03', 'WEST', 7, '(1,b)', '[1,2)', '1 day', 12.5, '101', '1', '<a/>', '10:00', '10:00+00', '(1,2)', 'a b', 'n', true); \
             GRANT SELECT ON clinic.odd TO steward; GRANT USAGE ON SCHEMA clinic TO steward",
        )
        .await;
    let constants = [
        ("a", "{}"),
        ("j", "\"x\""),
        ("jb", "{}"),
        ("e", "well"),
        ("ip", "0.0.0.0"),
        ("m", "00:00:00:00:00:00"),
        ("w", "X"),
        ("must", "0"),
        ("p", "(0,)"),
        ("r", "empty"),
        ("iv", "0"),
        ("mo", "0"),
        ("bt", "000"),
        ("vb", ""),
        ("x", "<x/>"),
        ("ti", "00:00"),
        ("tt", "00:00+00"),
        ("pt", "(0,0)"),
        ("ts", ""),
        ("nm", "x"),
        ("bo", "false"),
    ];
    let mut odd = scope("clinic.odd", None, Columns::All);
    odd.mask = constants
        .iter()
        .map(|(c, text)| ((*c).to_owned(), Mask::Constant((*text).to_owned())))
        .collect();
    let mut nulled = contract_of(vec![odd.clone()]);
    nulled.id = "nulled".into();
    for (column, mask) in &mut nulled.scope[0].mask {
        if column != "must" {
            *mask = Mask::Null;
        }
    }
    for (contract, grant) in [(contract_of(vec![odd]), "g1"), (nulled, "g2")] {
        let schema = format!("portcullis_{}", contract.id.replace('-', "_"));
        let surface = world.install(&contract).await;
        let client = world.login(&world.role(&surface, grant).await).await;
        let list = constants
            .iter()
            .map(|(c, _)| format!("{c}::text"))
            .collect::<Vec<_>>()
            .join(", ");
        let row = client
            .query_one(&format!("SELECT {list} FROM {schema}.\"clinic.odd\""), &[])
            .await
            .unwrap();
        let clear = world.sql(&format!("SELECT {list} FROM clinic.odd")).await;
        for (at, (column, _)) in constants.iter().enumerate() {
            let shown: Option<String> = row.get(at);
            assert_ne!(shown, clear[0][at], "{column}");
            assert_eq!(
                shown.is_none(),
                contract.id == "nulled" && *column != "must",
                "{column}"
            );
        }
    }
}

/// A mask that doesn't fit is told at the check, with what does; so is a constant that the type refuses.
async fn what_does_not_fit_is_told_with_what_does(world: &World) {
    world
        .sql(
            "CREATE DOMAIN clinic.filled AS text CHECK (value IS NOT NULL AND value <> ''); \
             CREATE TABLE clinic.odd2 (id int PRIMARY KEY, e clinic.mood, ip inet, w clinic.filled, v3 varchar(3)); GRANT SELECT ON clinic.odd2 TO steward",
        )
        .await;
    for (column, mask, what, help) in [
        (
            "ip",
            parse_mask("tail4").unwrap(),
            "mask `tail4` does not fit column `ip` of type `inet`",
            "`null` or a constant",
        ),
        (
            "e",
            Mask::Constant("dead".into()),
            "invalid input value for enum",
            "give a text that",
        ),
        (
            "w",
            Mask::Null,
            "violates check constraint",
            "give a text that",
        ),
        (
            "w",
            Mask::FakeName,
            "does not fit",
            "`null` or a constant that the domain takes",
        ),
        (
            "v3",
            parse_mask("head3").unwrap(),
            "mask `head3` does not fit",
            "show fewer",
        ),
        ("v3", Mask::Hash, "mask `hash` does not fit", "too short"),
        (
            "id",
            Mask::FakePhone,
            "mask `fake-phone` does not fit",
            "`bucketN`",
        ),
    ] {
        let mut odd = scope("clinic.odd2", None, Columns::All);
        odd.mask = BTreeMap::from([(column.to_owned(), mask)]);
        let contract = contract_of(vec![odd]);
        let problems = portcullis_lock::check_scope(&contract, &world.inspect(&contract).await);
        assert!(
            problems
                .iter()
                .any(|p| p.message.contains(what) && p.help.contains(help)),
            "{column}: {problems:?}"
        );
    }
}
