//! What the substitutes promise: their form, their spread, and whom they can be joined with.

use std::collections::{BTreeMap, BTreeSet};

use portcullis_contract::{Columns, Contract, Mask};
use tokio_postgres::Client;

use super::hostile_values::Seeded;
use crate::world::{World, contract_of, scope};

const SEED: u64 = 11_643;
const PEOPLE: usize = 2500;
const FAMILY_NAMES: [&str; 6] = ["王", "李", "欧阳", "张", "司马", "陈"];

/// `m` is also what the masks call a row of theirs: a table's name must not disturb them.
async fn people(world: &World) {
    let mut seeded = Seeded(SEED);
    let mut sql = "CREATE TABLE clinic.m (id int PRIMARY KEY, idc char(18), old text, phone varchar(11), intl text, cn text, latin varchar(40)); \
         INSERT INTO clinic.m VALUES "
        .to_owned();
    for id in 0..PEOPLE {
        let given: String = (0..1 + id % 2)
            .map(|_| char::from_u32(0x4e00 + u32::try_from(seeded.below(20_000)).unwrap()).unwrap())
            .collect();
        let separator = if id == 0 { "" } else { "," };
        sql += &format!(
            "{separator}({id}, '310104{}{:02}{:02}{:03}X', '310104{:02}0101{:03}', '1{}{:09}', '+44 20 {:04} {:04}', '{}{given}', '{} {}')",
            1940 + seeded.below(70),
            1 + seeded.below(12),
            1 + seeded.below(28),
            seeded.below(1000),
            seeded.below(100),
            seeded.below(1000),
            3 + seeded.below(7),
            seeded.below(1_000_000_000),
            seeded.below(10_000),
            seeded.below(10_000),
            seeded.pick(&FAMILY_NAMES),
            seeded.pick(&["John", "MARY", "ann-lee"]),
            if id % 3 == 0 {
                format!("O''NE{}", letters(&mut seeded).to_uppercase())
            } else {
                format!("Smi{}", letters(&mut seeded))
            },
        );
    }
    sql += "; GRANT SELECT ON clinic.m TO steward; CREATE TABLE clinic.m2 AS SELECT * FROM clinic.m; GRANT SELECT ON clinic.m2 TO steward";
    world.sql(&sql).await;
}

fn letters(seeded: &mut Seeded) -> String {
    (0..4)
        .map(|_| *seeded.pick(&['a', 'b', 'e', 'i', 'k', 'l', 'n', 'o']))
        .collect()
}

fn faked(table: &str) -> portcullis_contract::ScopeTable {
    let mut scope = scope(table, None, Columns::All);
    for (column, mask) in [
        ("idc", Mask::FakeId),
        ("old", Mask::FakeId),
        ("phone", Mask::FakePhone),
        ("intl", Mask::FakePhone),
        ("cn", Mask::FakeName),
        ("latin", Mask::FakeName),
    ] {
        scope.mask.insert(column.into(), mask);
    }
    scope
}

async fn client_of(world: &World, contract: &Contract, grant: &str) -> Client {
    let surface = world.install(contract).await;
    world.login(&world.role(&surface, grant).await).await
}

async fn rows(client: &Client, schema: &str) -> Vec<[String; 6]> {
    let sql =
        format!("SELECT idc, old, phone, intl, cn, latin FROM {schema}.\"clinic.m\" ORDER BY id");
    let rows = client.query(&sql, &[]).await.unwrap();
    rows.iter()
        .map(|row| std::array::from_fn(|at| row.get(at)))
        .collect()
}

/// GB 11643, by its formula: weights are powers of two modulo eleven, the sum with the check digit is 1.
fn resident_number_is_valid(number: &str) -> bool {
    let value = |c: char| c.to_digit(10).unwrap_or(10);
    let sum: u32 = number
        .chars()
        .rev()
        .enumerate()
        .map(|(at, c)| value(c) * (2_u32.pow(u32::try_from(at).unwrap()) % 11))
        .sum();
    number.len() == 18 && sum % 11 == 1
}

fn day_exists(text: &str) -> bool {
    format!("{}-{}-{}", &text[..4], &text[4..6], &text[6..])
        .parse::<jiff::civil::Date>()
        .is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn substitutes_keep_the_form_and_join_within_the_contract_only() {
    let world = World::start().await;
    people(&world).await;
    let first = contract_of(vec![faked("clinic.m"), faked("clinic.m2")]);
    let client = client_of(&world, &first, "g1").await;
    let began = std::time::Instant::now();
    let shown = rows(&client, "portcullis_clinic_ops_2026").await;
    // Six masks of 2500 rows: an eighth of a second; thirty times that on a busy machine.
    assert!(
        began.elapsed() < std::time::Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
    forms_and_spread(&world, &shown).await;
    every_clause(&client, &shown).await;
    joins(&world, &client, first, &shown).await;
}

async fn forms_and_spread(world: &World, shown: &[[String; 6]]) {
    assert!(
        resident_number_is_valid("11010519491231002X"),
        "the standard's own example"
    );
    let clear = world
        .sql("SELECT idc, old, phone, intl, cn, latin FROM clinic.m ORDER BY id")
        .await;
    assert_eq!(shown.len(), PEOPLE);
    let mut spread = Spread::default();
    for (shown, clear) in shown.iter().zip(&clear) {
        let clear: Vec<&str> = clear.iter().map(|v| v.as_deref().unwrap()).collect();
        let [idc, old, phone, intl, cn, latin] = shown.each_ref().map(String::as_str);
        assert!(resident_number_is_valid(idc), "{idc}");
        assert!(
            day_exists(&idc[6..14]) && (1930..=2009).contains(&idc[6..10].parse().unwrap()),
            "{idc}"
        );
        assert!(
            old.len() == 15 && day_exists(&format!("19{}", &old[6..12])) || old[8..12] == *"0229",
            "{old}"
        );
        assert!(
            phone.len() == 11 && phone.starts_with('1') && phone.as_bytes()[1] >= b'3',
            "{phone}"
        );
        assert!(
            intl.starts_with("+44 ") && intl.len() == 16 && intl.as_bytes()[6] == b' ',
            "{intl}"
        );
        assert_eq!(cn.chars().count(), clear[4].chars().count(), "{cn}");
        assert!(
            cn.chars().all(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)),
            "{cn}"
        );
        assert_same_case(latin, clear[5]);
        for (at, (shown, clear)) in shown.iter().zip(&clear).enumerate() {
            assert_ne!(shown, clear, "column {at}");
        }
        spread.count("province", &idc[..2]);
        spread.count("decade", &idc[8..9]);
        spread.count("sex", &(idc.as_bytes()[16] % 2).to_string());
        spread.count("check digit", &idc[17..]);
        for at in 2..11 {
            spread.count(&format!("phone digit {at}"), &phone[at..=at]);
        }
        spread.count("second phone digit", &phone[1..2]);
        spread.count("surname", &cn.chars().take(1).collect::<String>());
        spread.count("latin family name", latin.split(' ').next_back().unwrap());
    }
    spread.check("province", 30, 0.10);
    spread.check("decade", 8, 0.30);
    spread.check("sex", 2, 0.55);
    spread.check("check digit", 11, 0.12);
    spread.check("second phone digit", 7, 0.19);
    spread.check("surname", 90, 0.05);
    spread.check("latin family name", 250, 0.05);
    for at in 2..11 {
        spread.check(&format!("phone digit {at}"), 10, 0.13);
    }
    let different = |at: usize| {
        shown
            .iter()
            .map(|row| &row[at])
            .collect::<BTreeSet<_>>()
            .len()
    };
    let originals = |at: usize| {
        clear
            .iter()
            .map(|row| &row[at])
            .collect::<BTreeSet<_>>()
            .len()
    };
    // As many as there are originals, but for what chance lets fall together (`docs/formats/masks.md`).
    assert!(different(0) + 1 >= originals(0) && different(2) + 1 >= originals(2));
}

/// Word by word and in the same case; what stands between words stays.
fn assert_same_case(shown: &str, clear: &str) {
    let words =
        |text: &str| -> Vec<String> { text.split([' ', '-', '\'']).map(str::to_owned).collect() };
    let (shown_words, clear_words) = (words(shown), words(clear));
    assert_eq!(shown_words.len(), clear_words.len(), "{shown} for {clear}");
    for (shown_word, clear_word) in shown_words.iter().zip(&clear_words) {
        let upper = |word: &str| word.chars().all(char::is_uppercase);
        let lower = |word: &str| word.chars().all(char::is_lowercase);
        assert_eq!(
            (upper(shown_word), lower(shown_word)),
            (upper(clear_word), lower(clear_word)),
            "{shown} for {clear}"
        );
    }
}

#[derive(Default)]
struct Spread(BTreeMap<String, BTreeMap<String, usize>>);

impl Spread {
    fn count(&mut self, what: &str, value: &str) {
        *self
            .0
            .entry(what.to_owned())
            .or_default()
            .entry(value.to_owned())
            .or_default() += 1;
    }

    /// At least so many different values, none with a greater share.
    fn check(&self, what: &str, at_least: usize, share: f64) {
        let counts = &self.0[what];
        let most = counts.values().max().copied().unwrap();
        assert!(counts.len() >= at_least, "{what}: {counts:?}");
        #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
        let found = most as f64 / PEOPLE as f64;
        assert!(found < share, "{what}: {found} of {counts:?}");
    }
}

/// A substitute stands wherever a column does, and is the same everywhere.
async fn every_clause(client: &Client, shown: &[[String; 6]]) {
    let view = "portcullis_clinic_ops_2026.\"clinic.m\"";
    let one = &shown[7];
    for clause in [
        "SELECT id FROM V WHERE idc = $1 AND cn = $2",
        "SELECT id FROM (SELECT DISTINCT id, idc, cn FROM V) AS d WHERE (idc, cn) = ($1::char(18), $2)",
        "SELECT min(id) FROM V GROUP BY idc, cn HAVING idc = $1 AND cn = $2 ORDER BY idc",
        "SELECT a.id FROM V AS a LEFT JOIN V AS b USING (idc) WHERE b.idc = $1 AND b.cn = $2",
        "SELECT id FROM (SELECT id, idc, row_number() OVER (PARTITION BY cn, idc ORDER BY phone) AS n, cn FROM V) AS w WHERE idc = $1 AND cn = $2 AND n = 1",
        "SELECT id FROM V AS o WHERE EXISTS (SELECT FROM V AS i WHERE i.idc = o.idc AND i.cn = $2) AND idc = $1",
        "SELECT id FROM V WHERE idc = $1 INTERSECT SELECT id FROM V WHERE cn = $2",
    ] {
        let rows = client
            .query(
                &clause.replace(" V", &format!(" {view}")),
                &[&one[0], &one[4]],
            )
            .await
            .unwrap_or_else(|e| panic!("{clause}: {e:?}"));
        assert_eq!(rows.len(), 1, "{clause}");
        assert_eq!(rows[0].get::<_, i32>(0), 7, "{clause}");
    }
}

async fn joins(world: &World, client: &Client, mut first: Contract, mine: &[[String; 6]]) {
    let schema = "portcullis_clinic_ops_2026";
    let joined: i64 = client
        .query_one(
            &format!("SELECT count(*) FROM {schema}.\"clinic.m\" a JOIN {schema}.\"clinic.m2\" b USING (id, idc, old, phone, intl, cn, latin)"),
            &[],
        )
        .await
        .unwrap()
        .get(0);
    assert_eq!(joined, i64::try_from(PEOPLE).unwrap());
    let mut second = first.clone();
    second.id = "second".into();
    let other = client_of(world, &second, "g2").await;
    let theirs = rows(&other, "portcullis_second").await;
    let same = |at: usize| {
        mine.iter()
            .zip(&theirs)
            .filter(|(a, b)| a[at] == b[at])
            .count()
    };
    assert_eq!([same(0), same(1), same(2), same(3)], [0; 4]);
    assert!(same(4) < 40 && same(5) < 40, "{} {}", same(4), same(5));

    // A column with a hash can't be matched with a substitute of the same values.
    first.scope[1].mask.insert("old".into(), Mask::Hash);
    let client = client_of(world, &first, "g3").await;
    assert_eq!(
        rows(&client, schema).await,
        mine,
        "a new revision keeps the substitutes"
    );
    let byte_by_byte: i64 = client
        .query_one(
            &format!(
                "SELECT count(*) FROM {schema}.\"clinic.m\" a JOIN {schema}.\"clinic.m2\" b USING (id) \
                 WHERE substr(a.old, 1, 1) = (get_byte(decode(b.old, 'hex'), 0) % 10)::text"
            ),
            &[],
        )
        .await
        .unwrap()
        .get(0);
    assert!(
        byte_by_byte < i64::try_from(PEOPLE / 4).unwrap(),
        "{byte_by_byte}"
    );
}

/// A function that a view calls is one that its reader may call, with guesses.
#[tokio::test(flavor = "multi_thread")]
async fn no_mask_calls_a_function_that_is_not_the_servers_own() {
    let world = World::start().await;
    people(&world).await;
    let before = world
        .sql("SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace")
        .await;
    // Shadows that a careless path would call.
    world
        .sql(
            "CREATE FUNCTION public.chr(int8) RETURNS text LANGUAGE sql AS 'SELECT ''stolen'''; \
             CREATE FUNCTION public.left(varchar, int4) RETURNS text LANGUAGE sql AS 'SELECT ''stolen'''; \
             ALTER ROLE steward SET search_path = public, pg_catalog; ALTER DATABASE hospital SET search_path = public, pg_catalog",
        )
        .await;
    let mut table = faked("clinic.m");
    for (column, mask) in [
        ("latin", Mask::Hash),
        ("cn", Mask::Tail(1)),
        (
            "old",
            Mask::Code {
                shown: 2,
                width: Some(6),
            },
        ),
    ] {
        table.mask.insert(column.into(), mask);
    }
    let client = client_of(&world, &contract_of(vec![table]), "g1").await;
    let shown = rows(&client, "portcullis_clinic_ops_2026").await;
    assert!(
        shown
            .iter()
            .flatten()
            .all(|value| !value.contains("stolen"))
    );
    assert_eq!(shown[0][1], "310000");
    let foreign = world
        .sql(
            "SELECT p.oid::regprocedure::text FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass \
             JOIN pg_proc p ON p.oid = d.refobjid AND d.refclassid = 'pg_proc'::regclass WHERE r.ev_class = 'portcullis_clinic_ops_2026.\"clinic.m\"'::regclass",
        )
        .await;
    assert!(foreign.is_empty(), "{foreign:?}");
    assert_eq!(before[0][0].as_deref(), Some("0"));
}
