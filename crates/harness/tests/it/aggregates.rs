//! Group floors against somebody who computes with the answers: differences of groups, solved as linear
//! equations, and any statement at all that declared dimensions let pass.
//!
//! Each table is there twice, as twins: they differ only in whose value stands in which group that is too
//! small to be shown. Whatever tells the twins apart is a disclosure, however it was computed.

use std::collections::{BTreeMap, BTreeSet};

use portcullis_harness::Gate;
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::world::{Seeded, World, clinic_with, run, session};

const SEED: u64 = 20_260_711;
const FLOOR: usize = 5;
const SEXES: [&str; 2] = ["F", "M"];
const WARDS: [&str; 4] = ["A", "B", "C", "D"];
const DECADES: [i32; 3] = [1950, 1960, 1970];
/// Pairs of statements asked of the twins.
const STATEMENTS: usize = 150;
/// Sums over random groups that the solver asks for.
const EQUATIONS: usize = 90;

/// A row of a twin: who, the group, and a value that is there or not.
#[derive(Clone, Debug)]
struct Row {
    person: i64,
    sex: usize,
    ward: usize,
    born: i32,
    cost: Option<i64>,
}

impl Row {
    fn cell(&self) -> (usize, usize, i32) {
        (self.sex, self.ward, self.born / 10 * 10)
    }
}

type Cells = BTreeMap<(usize, usize, i32), Vec<Row>>;

fn cells(rows: &[Row]) -> Cells {
    let mut cells = Cells::new();
    for row in rows {
        cells.entry(row.cell()).or_default().push(row.clone());
    }
    cells
}

fn subjects<'r>(rows: impl IntoIterator<Item = &'r Row>) -> usize {
    let persons: BTreeSet<i64> = rows.into_iter().map(|row| row.person).collect();
    persons.len()
}

/// Some cells of one to four rows, others large; `repeats`: persons come back, also in other cells.
fn rows(seeded: &mut Seeded, repeats: bool) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut next = 0;
    for sex in 0..SEXES.len() {
        for ward in 0..WARDS.len() {
            for decade in DECADES {
                let small = seeded.below(3) == 0;
                let count = if small {
                    1 + seeded.below(4)
                } else {
                    9 + seeded.below(9)
                };
                // In some large cells a value is known of few alone.
                let sparse = !small && seeded.below(3) == 0;
                for index in 0..count {
                    let person = if repeats && next > 0 && seeded.below(3) == 0 {
                        seeded.below(next)
                    } else {
                        next += 1;
                        next - 1
                    };
                    rows.push(Row {
                        person: person as i64,
                        sex,
                        ward,
                        born: decade + seeded.below(10) as i32,
                        cost: (!sparse || index < 2).then(|| 100 + seeded.below(9000) as i64),
                    });
                }
            }
        }
    }
    rows
}

/// The same figures for everything that may be shown, other values where nothing may.
fn twin(rows: &[Row], seeded: &mut Seeded) -> Vec<Row> {
    let large: BTreeSet<_> = cells(rows)
        .into_iter()
        .filter(|(_, rows)| subjects(rows) >= FLOOR)
        .map(|(cell, _)| cell)
        .collect();
    let mut twin = rows.to_vec();
    let small: Vec<usize> = (0..rows.len())
        .filter(|index| !large.contains(&rows[*index].cell()))
        .collect();
    // Whose value stands in which small group: a cycle over all of them.
    for (from, to) in small
        .iter()
        .zip(small.iter().cycle().skip(1 + seeded.below(3) as usize))
    {
        twin[*to].person = rows[*from].person;
        twin[*to].cost = rows[*from].cost;
    }
    // A value that few of a large group have.
    for (cell, of_cell) in cells(rows) {
        let known: Vec<&Row> = of_cell.iter().filter(|row| row.cost.is_some()).collect();
        if large.contains(&cell) && subjects(known.iter().copied()) < FLOOR {
            for row in twin.iter_mut().filter(|row| row.cell() == cell) {
                row.cost = row.cost.map(|cost| cost + 1 + seeded.below(500) as i64);
            }
        }
    }
    twin
}

fn table_sql(name: &str, rows: &[Row], repeats: bool) -> String {
    let key = if repeats { "" } else { " primary key" };
    let values: Vec<String> = rows
        .iter()
        .map(|row| {
            let cost = row.cost.map_or("null".to_owned(), |cost| cost.to_string());
            let (sex, ward) = (SEXES[row.sex], WARDS[row.ward]);
            format!("({}, '{sex}', '{ward}', {}, {cost})", row.person, row.born)
        })
        .collect();
    format!(
        "create table clinic.{name} (person int not null{key}, sex text, ward text, born int, cost int);
         insert into clinic.{name} values {};
         grant select on clinic.{name} to steward;",
        values.join(", ")
    )
}

const TABLES: [&str; 4] = ["people_a", "people_b", "stays_a", "stays_b"];

/// A table that is about nobody.
const WINGS: &str = "create table clinic.wings (ward text primary key, floor int not null);
    insert into clinic.wings values ('A', 1), ('B', 1), ('C', 2), ('D', 3);
    grant select on clinic.wings to steward;";

struct Twins {
    rows: BTreeMap<&'static str, Vec<Row>>,
    sql: String,
}

fn twins(seed: u64) -> Twins {
    let mut seeded = Seeded(seed);
    let people = rows(&mut seeded, false);
    let stays = rows(&mut seeded, true);
    let (other_people, other_stays) = (twin(&people, &mut seeded), twin(&stays, &mut seeded));
    let all = [people, other_people, stays, other_stays];
    let tables: String = TABLES
        .iter()
        .zip(&all)
        .map(|(name, rows)| table_sql(name, rows, name.starts_with("stays")))
        .collect();
    let sql = format!("{tables}{WINGS}");
    Twins {
        rows: TABLES.into_iter().zip(all).collect(),
        sql,
    }
}

fn contract(text: String, dimensions: bool) -> String {
    let declared: Vec<String> = TABLES
        .iter()
        .flat_map(|table| ["sex", "ward", "born by 10"].map(|d| format!("\"clinic.{table}.{d}\"")))
        .collect();
    let aggregate = if dimensions {
        format!(
            "{{ min_group = {FLOOR}, dimensions = [{}] }}",
            declared.join(", ")
        )
    } else {
        format!("{{ min_group = {FLOOR} }}")
    };
    let scope: String = TABLES
        .iter()
        .map(|table| {
            format!(
                "\n[[contract.clinic-ops-2026.scope]]\nresource = \"hospital\"\ntable = \"clinic.{table}\"\ngrade = \"general\"\npersonal = \"personal\"\nsubject = \"person\"\ncolumns = \"*\"\n"
            )
        })
        .collect();
    let reference = "\n[[contract.clinic-ops-2026.scope]]\nresource = \"hospital\"\ntable = \"clinic.wings\"\ngrade = \"general\"\npersonal = \"none\"\ncolumns = \"*\"\n";
    text.replace(
        "aggregate = { min_group = 5 }",
        &format!("aggregate = {aggregate}"),
    )
    .replace("rows_per_statement = 500", "rows_per_statement = 5000")
    .replace("\"5 MB\"", "\"900 MB\"")
        + &scope
        + reference
}

fn world(twins: &Twins, dimensions: bool) -> World {
    clinic_with(50, &twins.sql, |text| contract(text, dimensions))
}

/// The answer's rows in a total order; or how it was refused.
async fn answer(client: &Client, sql: &str) -> Result<Vec<Vec<Option<String>>>, String> {
    let messages = client.simple_query(sql).await.map_err(|error| {
        let error = error.as_db_error().expect("an answer of the gate");
        format!("{}: {}", error.code().code(), error.message())
    })?;
    let mut rows: Vec<Vec<Option<String>>> = messages
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(
                (0..row.len())
                    .map(|i| row.get(i).map(str::to_owned))
                    .collect(),
            ),
            _ => None,
        })
        .collect();
    rows.sort();
    Ok(rows)
}

/// A random condition over the dimensions.
fn condition(seeded: &mut Seeded, depth: u64) -> String {
    if depth > 0 && seeded.below(2) == 0 {
        let (left, right) = (condition(seeded, depth - 1), condition(seeded, depth - 1));
        return match seeded.below(3) {
            0 => format!("({left} or {right})"),
            1 => format!("({left} and {right})"),
            _ => format!("(not ({left}) and {right})"),
        };
    }
    let ward = WARDS[seeded.below(4) as usize];
    let other = WARDS[seeded.below(4) as usize];
    let decade = DECADES[seeded.below(3) as usize];
    match seeded.below(8) {
        0 => format!("sex = '{}'", SEXES[seeded.below(2) as usize]),
        1 => format!("ward <> '{ward}'"),
        2 => format!("ward in ('{ward}', '{other}')"),
        3 => format!("ward not in ('{ward}', '{other}')"),
        4 => format!("born >= {decade}"),
        5 => format!("born between {} and {}", decade - 5, decade + 4),
        6 => "ward is null".to_owned(),
        _ => format!(
            "coalesce(lower(ward), 'z') || sex > '{}'",
            ward.to_lowercase()
        ),
    }
}

/// A figure with the thresholds that its attacker chooses: a step between two persons or two values, a
/// number that swallows small ones.
fn aimed(figure: &str, seeded: &mut Seeded) -> String {
    let threshold = seeded.below(400);
    let field = ["century", "year", "millennium", "epoch", "day"][seeded.below(5) as usize];
    let column = ["person", "cost", "born"][seeded.below(3) as usize];
    let step = match seeded.below(4) {
        0 => format!("extract({field} from date '2000-12-31' + ({column} - {threshold}))"),
        1 => format!("date_part('{field}', timestamp '2000-12-31' + {column} * interval '1 day')"),
        2 => format!("({column} / {})", threshold + 1),
        _ => format!("round(({column} - {threshold}.4) / 1000)"),
    };
    let huge = ["1e15", "1e17", "10000000000"][seeded.below(3) as usize];
    figure
        .replace("$STEP", &step)
        .replace("$HUGE", huge)
        .replace("$N", &threshold.to_string())
}

/// A statement of the permitted class; `$T` stands for the table.
fn statement(seeded: &mut Seeded) -> String {
    let figures = [
        "count(*)",
        "sum(cost)",
        "avg(cost)",
        "count(cost)",
        "stddev(cost)",
        "sum(cost * 2 + 1)",
        "sum(cost * cost)",
        "count(distinct sex)",
        "bool_and(cost is not null)",
        "corr(cost, born)",
        "sum(cost * born)",
        "avg((cost - born) * 2.5)",
        "sum(cost::numeric / 3)",
        "sum(cost * $STEP)",
        "sum($STEP)",
        "sum((cost::float8 + $HUGE) - $HUGE)",
        "sum((cost + $HUGE)::numeric)",
        "sum(cost::float8 * 1e-300 * 1e-20)",
        "sum(cost * person)",
        "regr_sxy(cost, (person - $N) * (person - 2))",
        "avg(person)",
        "sum(distinct (cost - $N) * (cost - $N))",
    ];
    let mut shown = Vec::new();
    for _ in 0..1 + seeded.below(2) {
        // One of them is no plain value and is refused, for both alike.
        let figure = aimed(figures[seeded.below(figures.len() as u64) as usize], seeded);
        shown.push(match seeded.below(4) {
            0 => format!("{figure} filter (where {})", condition(seeded, 1)),
            1 => format!("sum(case when {} then cost end)", condition(seeded, 1)),
            _ => figure,
        });
    }
    let keys: Vec<&str> = ["sex", "ward", "born", "born / 20", "ward || sex"]
        .into_iter()
        .filter(|_| seeded.below(3) == 0)
        .collect();
    let group = match (keys.is_empty(), seeded.below(4)) {
        (true, _) => String::new(),
        (_, 0) => format!(" group by cube ({})", keys.join(", ")),
        (_, 1) => format!(" group by grouping sets (({}), ())", keys.join(", ")),
        _ => format!(" group by {}", keys.join(", ")),
    };
    let filter = match seeded.below(3) {
        0 => format!(" where {}", condition(seeded, 2)),
        _ => String::new(),
    };
    let having = match seeded.below(5) {
        0 => format!(" having count(*) > {}", seeded.below(30)),
        _ => String::new(),
    };
    let mut columns: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
    columns.extend(shown);
    format!(
        "select {} from clinic.$T{filter}{group}{having}",
        columns.join(", ")
    )
}

#[test]
fn under_dimensions_no_answer_tells_the_twins_apart() {
    let twins = twins(SEED);
    let world = world(&twins, true);
    run(async {
        let client = session(&world.connect, "twins").await.unwrap();
        let mut seeded = Seeded(SEED);
        let (mut answered, mut refused) = (0, 0);
        for _ in 0..STATEMENTS {
            let text = statement(&mut seeded);
            for kind in ["people", "stays"] {
                let ask = |twin: &str| text.replace("$T", &format!("{kind}_{twin}"));
                let one = answer(&client, &ask("a")).await;
                let other = answer(&client, &ask("b")).await;
                match (one, other) {
                    (Ok(one), Ok(other)) => {
                        assert_eq!(one, other, "{}", ask("a"));
                        answered += 1;
                    }
                    (Err(one), Err(other)) => {
                        let known =
                            ["argument", "dimension", "subject", "outer"]
                                .iter()
                                .any(|code| {
                                    one.starts_with(&format!("42501: portcullis[aggregate.{code}]"))
                                });
                        assert!(known, "{}: {one}", ask("a"));
                        assert_eq!(one.get(..40), other.get(..40));
                        refused += 1;
                    }
                    (one, other) => panic!("{}: {one:?} {other:?}", ask("a")),
                }
            }
        }
        println!("{answered} answers to twins equal, {refused} refused");
        assert!(
            answered > STATEMENTS / 2 && refused > STATEMENTS / 4,
            "{answered} answered, {refused} refused"
        );
    });
    honest_figures(&world, &twins);
}

/// Statements that would tell one person from the others, under the floor alone; `$P` is the person, `$C`
/// the person's value, `$W` some ward.
const PICKING: &[&str] = &[
    "select sum(cost) from clinic.$T where person <> $P",
    "select sum(v.cost) from clinic.$T v left join clinic.wings w on w.floor = v.person and w.floor = $P where w.floor is null",
    "select sum(v.cost) from clinic.$T v where v.person not in (select floor from clinic.wings where floor = $P)",
    "select sum(v.cost) from clinic.$T v join clinic.wings w on (v.person = w.floor) is not true",
    "select sum(v.cost) from clinic.$T v, lateral (select v.person + 0 as z) l where z <> $P",
    "select sum(v.cost) from clinic.$T v, lateral (values (v.person)) l(z) where z <> $P",
    "select sum(v.cost) from clinic.$T v, generate_series(v.person, v.person) z where z <> $P",
    "select sum(v.cost) from clinic.$T v, lateral generate_series(1, case when v.person = $P then 2 else 1 end) g",
    "select count(*) from (select (select case when v.person = $P then 1 end) k, person from clinic.$T v) x where k is null",
    "select count(*) from (select person from clinic.$T group by person having count(*) filter (where person = $P) = 0) x",
    "select count(*) from clinic.$T v join clinic.wings w on v.cost = $C or w.ward = '$W'",
    "select sum(v.cost) from clinic.$T v, generate_series(1, 2) g where v.cost = $C or g = 1",
    "select sum(v.cost * w.floor) from clinic.$T v join clinic.wings w on (w.floor = 1) = (v.cost = $C)",
    "select count(*) from (select person, cost from clinic.$T union all select person, cost from clinic.$T where cost = $C) x",
    "select sum(n) from (select p.person, count(v.cost) n from clinic.$T p left join clinic.$T v on v.person = p.person and v.cost = $C group by p.person) x",
    "select g, (select count(*) from clinic.$T v where v.cost > g) from generate_series(1, 3) g",
    "select sum(cost * extract(century from date '2000-12-31' + (person - $P))) from clinic.$T",
    "select sum(extract(century from timestamp '2000-12-31' + (cost - $C) * interval '1 day')) from clinic.$T",
    "select sum(cost * person) from clinic.$T",
];

#[test]
fn what_picks_one_person_is_refused_with_and_without_dimensions() {
    let twins = twins(SEED);
    for dimensions in [false, true] {
        let world = world(&twins, dimensions);
        run(async {
            let client = session(&world.connect, "picker").await.unwrap();
            let mut seeded = Seeded(SEED);
            for pattern in PICKING {
                for table in ["people_a", "stays_a"] {
                    let rows = &twins.rows[table];
                    let row = &rows[seeded.below(rows.len() as u64) as usize];
                    let text = pattern
                        .replace("$T", table)
                        .replace("$P", &row.person.to_string())
                        .replace("$C", &row.cost.unwrap_or(100).to_string())
                        .replace("$W", WARDS[row.ward]);
                    let refused = answer(&client, &text).await.expect_err(&text);
                    assert!(
                        refused.starts_with("42501: portcullis[aggregate."),
                        "{text}: {refused}"
                    );
                }
            }
        });
    }
}

/// What is large is shown as it is, and a total is exact but for what the rest is too small to tell.
fn honest_figures(world: &World, twins: &Twins) {
    run(async {
        let client = session(&world.connect, "honest").await.unwrap();
        for table in TABLES {
            let rows = &twins.rows[table];
            let cells = cells(rows);
            let small: Vec<&Row> = cells
                .values()
                .filter(|rows| subjects(*rows) < FLOOR)
                .flatten()
                .collect();
            assert!(small.len() > FLOOR, "the seed gives small groups");
            let pooled = subjects(small.iter().copied()) >= FLOOR;
            let total = answer(&client, &format!("select count(*) from clinic.{table}")).await;
            let missing = if pooled { 0 } else { small.len() };
            assert_eq!(total.unwrap(), [[Some((rows.len() - missing).to_string())]]);

            let by_cell = answer(
                &client,
                &format!("select sex, ward, born, count(*), count(distinct person), sum(cost) from clinic.{table} where ward is not null group by 1, 2, 3"),
            )
            .await
            .unwrap();
            let mut expected: Vec<Vec<Option<String>>> = cells
                .iter()
                .filter(|(_, rows)| subjects(*rows) >= FLOOR)
                .map(|((sex, ward, born), rows)| {
                    let known: Vec<&Row> = rows.iter().filter(|row| row.cost.is_some()).collect();
                    let sum: i64 = known.iter().filter_map(|row| row.cost).sum();
                    let shown = subjects(known.iter().copied()) >= FLOOR;
                    vec![
                        Some(SEXES[*sex].to_owned()),
                        Some(WARDS[*ward].to_owned()),
                        Some(born.to_string()),
                        Some(rows.len().to_string()),
                        Some(subjects(rows).to_string()),
                        shown.then(|| sum.to_string()),
                    ]
                })
                .collect();
            expected.sort();
            assert_eq!(by_cell, expected, "{table}");
        }
    });
}

/// Sums over groups that are large enough, as equations over the cells: which cells' sums follow.
#[derive(Default)]
struct Solver {
    /// Reduced rows: coefficients, and the right side, modulo a prime.
    rows: Vec<(Vec<i128>, i128)>,
}

const PRIME: i128 = 2_305_843_009_213_693_951;

fn inverse(value: i128) -> i128 {
    let (mut result, mut base, mut power) = (1, value.rem_euclid(PRIME), PRIME - 2);
    while power > 0 {
        if power & 1 == 1 {
            result = result * base % PRIME;
        }
        base = base * base % PRIME;
        power >>= 1;
    }
    result
}

impl Solver {
    fn learn(&mut self, members: &[bool], total: i64) {
        let mut row: Vec<i128> = members.iter().map(|m| i128::from(*m)).collect();
        let mut right = i128::from(total);
        for (known, value) in &self.rows {
            let lead = known.iter().position(|c| *c != 0).unwrap();
            let factor = row[lead];
            for (cell, coefficient) in row.iter_mut().zip(known) {
                *cell = (*cell - factor * coefficient).rem_euclid(PRIME);
            }
            right = (right - factor * value).rem_euclid(PRIME);
        }
        let Some(lead) = row.iter().position(|c| *c != 0) else {
            return;
        };
        let scale = inverse(row[lead]);
        row.iter_mut().for_each(|c| *c = *c * scale % PRIME);
        right = right * scale % PRIME;
        for (known, value) in &mut self.rows {
            let factor = known[lead];
            for (cell, coefficient) in known.iter_mut().zip(&row) {
                *cell = (*cell - factor * coefficient).rem_euclid(PRIME);
            }
            *value = (*value - factor * right).rem_euclid(PRIME);
        }
        self.rows.push((row, right));
    }

    /// The cells whose value is determined.
    fn solved(&self) -> BTreeMap<usize, i64> {
        self.rows
            .iter()
            .filter(|(row, _)| row.iter().filter(|c| **c != 0).count() == 1)
            .map(|(row, value)| {
                let signed = if *value > PRIME / 2 {
                    *value - PRIME
                } else {
                    *value
                };
                (row.iter().position(|c| *c != 0).unwrap(), signed as i64)
            })
            .collect()
    }
}

/// What somebody derives of single cells who asks for sums over random groups of them.
async fn derived(client: &Client, table: &str, seed: u64) -> BTreeMap<usize, i64> {
    let all: Vec<(usize, usize, i32)> = (0..SEXES.len())
        .flat_map(|sex| {
            (0..WARDS.len()).flat_map(move |ward| DECADES.map(|born| (sex, ward, born)))
        })
        .collect();
    let mut seeded = Seeded(seed);
    let mut solver = Solver::default();
    for _ in 0..EQUATIONS {
        let members: Vec<bool> = all.iter().map(|_| seeded.below(2) == 0).collect();
        let named: Vec<String> = all
            .iter()
            .zip(&members)
            .filter(|(_, member)| **member)
            .map(|((sex, ward, born), _)| {
                format!(
                    "(sex = '{}' and ward = '{}' and born between {born} and {})",
                    SEXES[*sex],
                    WARDS[*ward],
                    born + 9
                )
            })
            .collect();
        let text = format!(
            "select sum(cost) from clinic.{table} where {}",
            if named.is_empty() {
                "false".to_owned()
            } else {
                named.join(" or ")
            }
        );
        let rows = answer(client, &text).await.unwrap();
        if let Some(Some(total)) = rows.first().map(|row| row[0].clone()) {
            solver.learn(&members, total.parse().unwrap());
        }
    }
    solver.solved()
}

/// Sums of the cells that are too small to be shown, by their place.
fn secrets(rows: &[Row]) -> BTreeMap<usize, i64> {
    cells(rows)
        .into_iter()
        .filter(|(_, rows)| subjects(rows) < FLOOR)
        .map(|((sex, ward, born), rows)| {
            let decade = DECADES.iter().position(|d| *d == born).unwrap();
            let place = (sex * WARDS.len() + ward) * DECADES.len() + decade;
            (place, rows.iter().filter_map(|row| row.cost).sum())
        })
        .collect()
}

/// Without dimensions, too: within one answer, totals tell of no part that is withheld.
async fn totals_are_of_what_is_shown(client: &Client, table: &str, rows: &[Row]) {
    let text = format!(
        "select sex, ward, born / 10 as decade, count(*), grouping(sex, ward, born / 10)
         from clinic.{table} where cost is not null or sex = 'F' group by rollup (sex, ward, born / 10)"
    );
    let of: Vec<Row> = rows
        .iter()
        .filter(|row| row.cost.is_some() || SEXES[row.sex] == "F")
        .cloned()
        .collect();
    let cells = cells(&of);
    let small: Vec<&Row> = cells
        .values()
        .filter(|rows| subjects(*rows) < FLOOR)
        .flatten()
        .collect();
    let rest = subjects(small.iter().copied());
    assert!(rest >= FLOOR);
    let answer = answer(client, &text).await.unwrap();
    let count = |row: &Vec<Option<String>>| row[3].as_ref().unwrap().parse::<usize>().unwrap();
    let finest: Vec<_> = answer
        .iter()
        .filter(|row| row[4].as_deref() == Some("0"))
        .collect();
    let shown: usize = finest
        .iter()
        .filter(|row| row[0].is_some())
        .map(|row| count(row))
        .sum();
    let rest_shown: Vec<usize> = finest
        .iter()
        .filter(|row| row[0].is_none())
        .map(|row| count(row))
        .collect();
    assert_eq!(shown, of.len() - small.len());
    assert_eq!(rest_shown, [small.len()]);
    for total in answer
        .iter()
        .filter(|row| row[4].as_deref() == Some("3") && row[0].is_some())
    {
        let parts: usize = finest
            .iter()
            .filter(|row| row[0] == total[0])
            .map(|row| count(row))
            .sum();
        assert_eq!(
            count(total),
            parts,
            "a total is the sum of its parts: {total:?}"
        );
    }
    let all: Vec<_> = answer
        .iter()
        .filter(|row| row[4].as_deref() == Some("7"))
        .collect();
    assert_eq!(count(all[0]), of.len());
}

/// The attack is real: under the floor alone, differences give every small group away.
#[test]
fn differences_of_groups_give_away_small_ones_unless_dimensions_are_declared() {
    let twins = twins(SEED);
    let all_of = |dimensions: bool| {
        let world = world(&twins, dimensions);
        run(async {
            let client = session(&world.connect, "solver").await.unwrap();
            let mut found = BTreeMap::new();
            for table in ["people_a", "people_b"] {
                found.insert(table, derived(&client, table, SEED).await);
                if !dimensions {
                    totals_are_of_what_is_shown(&client, table, &twins.rows[table]).await;
                }
            }
            found
        })
    };
    let truth: BTreeMap<&str, BTreeMap<usize, i64>> = ["people_a", "people_b"]
        .into_iter()
        .map(|table| (table, secrets(&twins.rows[table])))
        .collect();
    assert!(truth["people_a"].len() >= 4);
    assert_ne!(truth["people_a"], truth["people_b"]);

    let without = all_of(false);
    for (table, secrets) in &truth {
        for (place, sum) in secrets {
            assert_eq!(without[table].get(place), Some(sum), "{table}: {place}");
        }
    }
    let with = all_of(true);
    assert_eq!(
        with["people_a"], with["people_b"],
        "what is derived does not depend on what is withheld"
    );
    let guessed = |table: &str| {
        truth[table]
            .iter()
            .filter(|(place, sum)| with[table].get(place) == Some(sum))
            .count()
    };
    assert_eq!((guessed("people_a"), guessed("people_b")), (0, 0));
}

/// One row, whatever is in it; the count of nobody and the count of too few look the same.
#[test]
fn a_total_below_the_floor_is_one_row_of_nulls() {
    let world = clinic_with(50, "", |text| {
        text.replace(
            "rows_per_statement = 500",
            "rows_per_statement = 500\naggregates_per_day = 10",
        )
    });
    let ask = |text: &'static str| {
        run(async {
            let client = session(&world.connect, "floor").await.unwrap();
            answer(&client, text).await
        })
    };
    let nulls = Ok(vec![vec![None, None, None]]);
    let figures = "select count(*), avg(extract(year from birth_date)), count(*) filter (where sex = 'F') from clinic.patients";
    assert_eq!(
        ask(
            "select count(*), avg(extract(year from birth_date)), count(*) filter (where sex = 'F') from clinic.patients where hospital_ward = 'A' and birth_date < '1941-01-01'"
        ),
        nulls
    );
    assert_eq!(
        ask(
            "select count(*), avg(extract(year from birth_date)), count(*) filter (where sex = 'F') from clinic.patients where hospital_ward = 'none'"
        ),
        nulls
    );
    assert_eq!(ask(figures).unwrap().len(), 1);
    // What a filter leaves out is as small as what it lets in.
    assert_eq!(
        ask(
            "select count(*) filter (where birth_date > '1940-04-01') is null from clinic.patients"
        ),
        Ok(vec![vec![Some("t".to_owned())]])
    );
    assert_eq!(
        ask("select sex, count(*) from clinic.patients where hospital_ward = 'none' group by sex"),
        Ok(Vec::new())
    );

    budget_outlives(world);
}

/// Nine were asked (a FILTER counts one, too), ten are allowed: one more, then no more, neither after a kill.
fn budget_outlives(mut world: World) {
    let text = "select sex, count(*) from clinic.patients group by sex";
    let ask = |world: &World| {
        run(async {
            let client = session(&world.connect, "budget").await.unwrap();
            answer(&client, text).await
        })
    };
    assert!(ask(&world).is_ok());
    world.gate.kill9();
    world.gate.restart().unwrap();
    let refused = ask(&world).unwrap_err();
    assert!(
        refused.starts_with("53400: portcullis[budget.aggregates_per_day]"),
        "{refused}"
    );
    // Row-level work goes on.
    run(async {
        let client = session(&world.connect, "rows").await.unwrap();
        let rows = answer(
            &client,
            "select patient_id from clinic.patients where patient_id = 7",
        );
        assert_eq!(rows.await.unwrap().len(), 1);
        // A prepared statement is charged when it runs.
        let prepared = client.prepare(text).await.unwrap();
        let error = client.query(&prepared, &[]).await.unwrap_err();
        assert_eq!(error.code().map(|code| code.code()), Some("53400"));
    });
    assert_refusals_on_record(&world.gate);
}

fn assert_refusals_on_record(gate: &Gate) {
    let statements = gate.events("statement").unwrap();
    let refused = statements
        .iter()
        .filter(|event| event["reason"] == "budget.aggregates_per_day")
        .inspect(|event| assert_eq!(event["decision"], "refused"))
        .count();
    assert_eq!(refused, 2);
}
