//! Questions whose answer would be a hidden value, put into every clause of otherwise plain statements.

use super::features::Feature;
use super::writer::Writer;

/// A table with what is true of its rows on one side only, if hidden values were seen; `#` is its alias.
struct Target {
    table: &'static str,
    key: &'static str,
    subject: &'static str,
    group: &'static str,
    conditions: &'static [&'static str],
}

const TARGETS: &[Target] = &[
    Target {
        table: "clinic.patients",
        key: "patient_id",
        subject: "patient_id",
        group: "sex",
        conditions: &[
            "#.name LIKE '_zq1%'",
            "#.name ~ 'zq2'",
            "length(#.name) > 3",
            "substr(#.name, 2, 4) < 'zq15'",
            "#.nickname LIKE 'zq1%'",
            "#.nickname >= 'zq2'",
            "#.email LIKE 'zq1%@example.org'",
            "#.email IS NOT NULL",
            "split_part(#.email, '@', 1) < 'zq18'",
            "#.id_card LIKE '3%'",
            "substr(#.id_card, 9, 1) > '4'",
            "substr(#.id_card, 10, 2)::int > 40",
            "reverse(#.id_card) < '5'",
            "substr(#.phone, 4, 1) IN ('1', '3', '7')",
            "#.phone LIKE '138%'",
            "extract(month FROM #.birth_date) > 6",
            "to_char(#.birth_date, 'DD') < '15'",
            "#.birth_date > date '1970-05-05'",
            "extract(isodow FROM #.birth_date) = 3",
            "#.income % 1000 > 500",
            "#.income % 7 = 3",
            "#.income BETWEEN 20000 AND 20500",
            "#.income > 500000",
            "md5(#.name) < '8'",
            "md5(#.income::text) > '8'",
            "ascii(substr(#.nickname, 5)) > 53",
            "(#.name, #.id_card) < ('Lzq1c', '4')",
            "#.patient_id = 1015",
            "#.patient_id IN (1011, 1012, 1020)",
            "#.patient_id > 1000",
            "#.ward LIKE 'VIP%'",
            "#.ward = 'VIP' AND #.income > 400000",
            "#.note LIKE 'zq2%'",
            "#.tags[1] LIKE 'zq1%'",
            "#.attrs ->> 'lang' LIKE 'zq%'",
            "#.level = 'high' AND #.patient_id > 160",
            "to_jsonb(#.name)::text LIKE '%zq1%'",
            "format('%s', #.birth_date) LIKE '%-0%'",
            "concat(#.email, #.nickname) LIKE '%zq2%'",
            "#.id_card COLLATE \"C\" < '35'",
            "#.birth_date::text ~ '-0[1-6]-'",
            "hashtext(#.name) > 0",
            "#.secret LIKE 'zq1%'",
            "#.salary > 45000",
            "(#.home).city < 'zq18'",
            "#.code < 'zq18'",
            "#.diagnosis LIKE 'zq1%'",
        ],
    },
    Target {
        table: "clinic.visits",
        key: "visit_id",
        subject: "patient_id",
        group: "paid",
        conditions: &[
            "#.visit_id = 100030",
            "#.visit_id BETWEEN 100026 AND 100050",
            "#.visit_id >= 100000",
            "#.ward LIKE 'zq1%'",
            "length(#.ward) > 1",
            "#.cost > 8000 AND #.visit_id > 480",
            "#.patient_id > 1000",
            "#.patient_id BETWEEN 1001 AND 1005",
            "#.weight > 50",
            "#.started_at > '2026-01-15 00:00+00'",
        ],
    },
    Target {
        table: "lab.samples",
        key: "sample_id",
        subject: "patient_id",
        group: "result",
        conditions: &[
            "#.secret LIKE 'zq1%'",
            "md5(#.secret) < '8'",
            "to_jsonb(#)::text LIKE '%zq1%'",
            "#::text ~ 'zq2'",
            "#.ctid::text LIKE '(0,%'",
            "#.xmin::text::bigint % 2 = 0",
        ],
    },
];

/// What becomes of a condition: itself, or something that fails where it holds.
const WRAPPED: &[&str] = &[
    "%",
    "%",
    "%",
    "1 / (CASE WHEN % THEN 0 ELSE 1 END) = 1",
    "1 / (1 - (%)::int) > 0",
    "CASE WHEN % THEN 1 / 0 ELSE 1 END = 1",
    "CASE WHEN % THEN 'x'::text ELSE '1' END::int = 1",
    "(NOT (%))",
    "(%) IS TRUE",
    "coalesce(%, false)",
    "((%)::int + 1) % 2 = 0",
    "(ARRAY[1, 2])[1 + (%)::int] = 2",
    "sqrt(0 - (%)::int) = 0",
    "repeat('a', (%)::int * 3) <> ''",
    "(%) = ANY (ARRAY[true])",
];

/// Statements round it: `@` the table with its alias, `^` the key, `$` the subject, `&` what groups, `%` the condition.
const CLAUSES: &[&str] = &[
    "SELECT ^ FROM @ WHERE % ORDER BY ^",
    "SELECT ^ FROM @ WHERE NOT (%) ORDER BY ^",
    "SELECT count(*) FROM @ WHERE %",
    "SELECT ^, % FROM @ ORDER BY ^",
    "SELECT ^ FROM @ ORDER BY (%), ^ LIMIT 5",
    "SELECT ^ FROM @ ORDER BY (%) DESC, ^ LIMIT 1 OFFSET 3",
    "SELECT %, count(*) FROM @ GROUP BY 1 ORDER BY 1",
    "SELECT &, count(*) FROM @ GROUP BY &, % ORDER BY 1, 2",
    "SELECT &, count(*) FILTER (WHERE %) FROM @ GROUP BY & ORDER BY 1",
    "SELECT &, count(*) FROM @ GROUP BY & HAVING bool_or(%) ORDER BY 1",
    "SELECT &, sum(CASE WHEN % THEN 1 ELSE 0 END) FROM @ GROUP BY & ORDER BY 1",
    "SELECT $, bool_and(%), count(*) FROM @ GROUP BY $ ORDER BY 1",
    "SELECT &, count(*) FROM @ GROUP BY ROLLUP (&, (%)) ORDER BY 1, 2",
    "SELECT ^, rank() OVER (ORDER BY (%)) FROM @ ORDER BY ^",
    "SELECT ^, count(*) OVER (PARTITION BY $, (%)) FROM @ ORDER BY ^",
    "SELECT ^, row_number() OVER (PARTITION BY % ORDER BY ^) FROM @ ORDER BY ^",
    "SELECT ^ FROM @ JOIN clinic.wards w ON (%) ORDER BY ^, w.ward LIMIT 20",
    "SELECT ^, w.ward FROM @ LEFT JOIN clinic.wards w ON w.ward = 'A' AND (%) ORDER BY ^",
    "SELECT w.ward, ^ FROM clinic.wards w FULL JOIN @ ON w.floor = ^ AND (%) ORDER BY 1, 2",
    "SELECT ^, CASE WHEN % THEN 'yes' ELSE 'no' END FROM @ ORDER BY ^",
    "SELECT count(*) FROM @ WHERE CASE WHEN % THEN true ELSE false END",
    "WITH c AS (SELECT * FROM @ WHERE %) SELECT count(*) FROM c",
    "WITH c AS MATERIALIZED (SELECT ^, % AS x FROM @) SELECT x, count(*) FROM c GROUP BY x ORDER BY 1",
    "SELECT x FROM (SELECT ^, (%) AS x FROM @ OFFSET 0) AS d ORDER BY 1",
    "SELECT ^ FROM @ WHERE % UNION ALL SELECT ^ FROM @ ORDER BY 1",
    "SELECT $ FROM @ WHERE % EXCEPT SELECT 1 ORDER BY 1",
    "SELECT $ FROM @ INTERSECT SELECT $ FROM @ WHERE % ORDER BY 1",
    "SELECT DISTINCT $ FROM @ WHERE % ORDER BY 1",
    "SELECT DISTINCT ON ((%)) ^ FROM @ ORDER BY (%), ^",
    "SELECT DISTINCT $, (%) FROM @ ORDER BY 1, 2",
    "SELECT ^ FROM @ WHERE (SELECT %) ORDER BY ^",
    "SELECT ^, (SELECT count(*) FROM clinic.wards WHERE %) FROM @ ORDER BY ^",
    "SELECT ^ FROM @, LATERAL (SELECT 1 AS one WHERE %) AS l ORDER BY ^",
    "SELECT ^ FROM @, generate_series(1, (%)::int) AS g ORDER BY ^, g",
    "SELECT ^ FROM @ WHERE EXISTS (SELECT 1 FROM clinic.visits v WHERE v.patient_id = $ AND (%)) ORDER BY ^",
    "SELECT ^ FROM @ WHERE $ IN (SELECT v.patient_id FROM clinic.visits v WHERE (%) AND v.patient_id = $) ORDER BY ^",
    "SELECT q.patient_id FROM clinic.patients q WHERE q.patient_id IN (SELECT $ FROM @ WHERE %) ORDER BY 1",
    "SELECT q.patient_id FROM clinic.patients q WHERE NOT EXISTS (SELECT FROM @ WHERE $ = q.patient_id AND %) ORDER BY 1",
    "SELECT q.patient_id, (SELECT count(*) FROM @ WHERE $ = q.patient_id AND %) FROM clinic.patients q ORDER BY 1",
    "SELECT d.doctor_id FROM clinic.doctors d WHERE EXISTS (SELECT 1 FROM @ WHERE %) ORDER BY 1",
    "SELECT json_build_object('k', ^, 'x', %) FROM @ ORDER BY ^",
    "SELECT ARRAY[^::text, (%)::text] FROM @ ORDER BY ^",
    "SELECT format('%s', (%)) FROM @ ORDER BY ^",
    "SELECT (%)::int + ^ FROM @ ORDER BY 1",
    "EXPLAIN (VERBOSE) SELECT ^ FROM @ WHERE %",
    "COPY (SELECT ^ FROM @ WHERE % ORDER BY ^) TO STDOUT (FORMAT csv)",
    "SELECT ^ FROM @ WHERE % ORDER BY ^ FETCH FIRST 1 ROW ONLY",
    "SELECT avg(^) FROM @ WHERE %",
    "SELECT bool_or(%), count(*) FROM @",
    "SELECT ^ FROM @ WHERE ^ < 100 AND (%) AND random() < 2 ORDER BY ^",
    "SELECT a.patient_id FROM clinic.patients a JOIN @ ON a.name = '*' OR (a.patient_id = $ AND (%)) ORDER BY 1, ^",
    "VALUES ((SELECT count(*) FROM @ WHERE %))",
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM @ WHERE %)",
    "SELECT g FROM generate_series(1, 3) AS g ORDER BY g LIMIT (SELECT count(*) FROM @ WHERE %)",
];

/// Statements under `figures` are about groups; these are their places in [`CLAUSES`].
const OF_GROUPS: &[&str] = &["count(", "bool_", "avg("];

impl Writer {
    /// One question in one clause; true if its rows come in one order.
    pub fn probe(&mut self) -> (String, bool) {
        // Of `lab.samples` nothing is masked: what is hidden is refused by name.
        let at = self.random.word(&[
            "patients", "patients", "patients", "visits", "visits", "samples",
        ]);
        let Some(target) = TARGETS.iter().find(|target| target.table.ends_with(at)) else {
            return (String::new(), true);
        };
        let alias = if self.random.one_in(3) { "q1" } else { "p" };
        let asked = self.random.word(target.conditions);
        let condition = if self.has(Feature::Guesses) && self.random.one_in(4) {
            let other = self.random.word(target.conditions);
            let both = self.random.word(&["AND", "OR", "IS DISTINCT FROM", "="]);
            format!("({asked}) {both} ({other})")
        } else {
            asked.to_owned()
        };
        let wrapped = self.random.word(WRAPPED).replacen('%', &condition, 1);
        let clause = loop {
            let clause = self.random.word(CLAUSES);
            if !self.figures || OF_GROUPS.iter().any(|word| clause.contains(word)) {
                break clause;
            }
        };
        let sql = assembled(clause, target, alias, &wrapped);
        let ordered = clause.contains("ORDER BY") || clause.contains("count(*) FROM");
        (sql, ordered)
    }
}

/// `%` is left as it stands in quotes and patterns of the condition: what is put in is not read again.
fn assembled(clause: &str, target: &Target, alias: &str, condition: &str) -> String {
    let mut sql = String::new();
    let mut letters = clause.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '@' => sql.push_str(&format!("{} AS {alias}", target.table)),
            '^' => sql.push_str(&format!("{alias}.{}", target.key)),
            '$' => sql.push_str(&format!("{alias}.{}", target.subject)),
            '&' => sql.push_str(&format!("{alias}.{}", target.group)),
            // `%s` of format().
            '%' if letters.peek() == Some(&'s') => sql.push('%'),
            '%' => sql.push_str(&condition.replace('#', alias)),
            other => sql.push(other),
        }
    }
    sql
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_probe_is_sql() {
        for target in TARGETS {
            for clause in CLAUSES {
                for wrap in WRAPPED {
                    let condition = wrap.replacen('%', target.conditions[0], 1);
                    let sql = assembled(clause, target, "p", &condition);
                    let parsed = pg_query::parse(&sql, pg_query::ParserOptions::default());
                    assert!(parsed.is_ok(), "{sql}: {:?}", parsed.err());
                }
            }
        }
    }
}
