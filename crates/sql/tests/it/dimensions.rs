//! Declared dimensions: which statements form groups by them alone, and what is put in the table's place.

use portcullis_contract::AggregateRule;
use portcullis_sql::rewrite;

use crate::check::{Desk, dimensions, judge, permit_under};

fn rule() -> AggregateRule {
    dimensions()
}

fn desk() -> Desk {
    Desk::with_dimensions()
}

#[test]
fn what_is_a_function_of_the_dimensions_passes() {
    let desk = desk();
    let permit = permit_under(rule());
    for text in [
        "SELECT count(*) FROM patients",
        "SELECT sex, hospital_ward, count(*) FROM patients GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 5",
        "SELECT extract(year FROM birth_date) AS y, count(*) FROM patients GROUP BY y ORDER BY y",
        "SELECT upper(p.hospital_ward) AS ward, count(p.phone) FROM patients p WHERE p.sex = 'F' GROUP BY ward",
        "SELECT hospital_ward, sex, count(*) FROM patients GROUP BY ROLLUP (hospital_ward, sex) HAVING count(*) > 10",
        "SELECT count(*) FILTER (WHERE sex = 'F') AS f, count(*) FROM patients WHERE hospital_ward IN ('W1', $1)",
        "SELECT diagnosis, avg(cost), sum(cost * 2), stddev(cost), corr(cost, doctor_id) FROM visits GROUP BY diagnosis",
        "SELECT sum(CASE WHEN diagnosis = 'flu' THEN cost ELSE 0 END) FROM visits",
        "SELECT diagnosis, visit_date, doctor_id, count(DISTINCT patient_id) FROM visits GROUP BY diagnosis, visit_date, doctor_id",
        "SELECT count(DISTINCT diagnosis), count(visit_date) FROM visits",
        "SELECT count(DISTINCT patient_id) FROM patients",
        "SELECT sex, n, sum(n) OVER () FROM (SELECT sex, count(*) AS n FROM patients GROUP BY sex) q WHERE n > 9",
        "SELECT sex, count(*), rank() OVER (ORDER BY count(*) DESC) FROM patients GROUP BY sex",
        "SELECT name, (SELECT avg(cost) FROM visits v WHERE v.diagnosis = 'flu') FROM patients p",
        "SELECT 'w', count(*) FROM patients UNION ALL SELECT 'v', count(*) FROM visits",
        // Row-level work is not touched.
        "SELECT p.name, v.cost FROM patients p JOIN visits v USING (patient_id) WHERE v.cost > 10",
        "SELECT patient_id, count(*) FROM visits WHERE cost > 10 GROUP BY patient_id",
        "SELECT kind, count(*) FROM wards GROUP BY kind",
    ] {
        let read = desk
            .read(text)
            .unwrap_or_else(|refusal| panic!("{text}: {refusal} {:?}", refusal.hint));
        let cleared = rewrite(&read[0], &permit, &desk.surface, &desk.session).unwrap();
        judge(cleared.text(), &desk.surface);
        let touched = ["patients p JOIN", "GROUP BY patient_id", "FROM wards"];
        let pieces = !touched.iter().any(|row_level| text.contains(row_level));
        assert_eq!(
            cleared.text().contains("portcullis_size >= 5"),
            pieces,
            "{text}: {}",
            cleared.text()
        );
    }
}

#[test]
fn what_is_not_is_refused_and_says_what_would_pass() {
    let desk = desk();
    for text in [
        "SELECT count(*) FROM patients WHERE name = 'Li'",
        "SELECT count(*) FROM patients WHERE patient_id <> 7",
        "SELECT phone, count(*) FROM patients GROUP BY phone",
        "SELECT left(phone, 3) AS area, count(*) FROM patients GROUP BY area",
        "SELECT sex, count(*) FROM patients GROUP BY sex, name",
        "SELECT sex, count(*) FROM patients GROUP BY GROUPING SETS ((sex), (phone))",
        "SELECT count(*) FILTER (WHERE id_card IS NULL) FROM patients",
        "SELECT sum(CASE WHEN cost > 100 THEN cost ELSE 0 END) FROM visits",
        "SELECT count(CASE WHEN cost > 100 THEN 1 END) FROM visits",
        "SELECT sex, count(*) FROM patients WHERE random() < 0.5 GROUP BY sex",
        "SELECT sex, count(*) FROM patients WHERE date_part('us', clock_timestamp()) > 500 GROUP BY sex",
        "SELECT count(*) FROM patients WHERE sex IN (SELECT 'F')",
        "SELECT sex, count(*) FROM patients WHERE EXISTS (SELECT 1 FROM visits WHERE visits.patient_id = patients.patient_id) GROUP BY sex",
        "SELECT p.sex, count(*) FROM patients p JOIN visits v USING (patient_id) GROUP BY p.sex",
        "SELECT sex, count(*) FROM patients, generate_series(1, 3) g GROUP BY sex",
        "SELECT count(*) FROM (SELECT patient_id FROM patients WHERE name = 'Li') q",
        "WITH q AS (SELECT patient_id, sex FROM patients) SELECT sex, count(*) FROM q GROUP BY sex",
        "SELECT avg(n) FROM (SELECT patient_id, count(*) AS n FROM visits GROUP BY patient_id) q",
        "SELECT count(DISTINCT patient_id) FROM visits",
        "SELECT diagnosis, count(DISTINCT patient_id) FROM visits GROUP BY diagnosis",
        "SELECT sum(DISTINCT cost) FROM visits",
        "SELECT sex, count(*) FROM patients GROUP BY sex ORDER BY max(phone)",
        "SELECT sex, count(*) FROM patients GROUP BY sex HAVING bool_or(phone = '1')",
        "SELECT sex, count(*), sum(count(*)) OVER (PARTITION BY phone) FROM patients GROUP BY sex, phone",
        // No dimension of it is declared.
        "SELECT result, count(*) FROM lab.samples GROUP BY result",
    ] {
        let refusal = match desk.read(text) {
            Err(refusal) => refusal,
            Ok(_) => panic!("passes: {text}"),
        };
        assert!(
            refusal.reason.starts_with("aggregate."),
            "{text}: {refusal}"
        );
        assert!(refusal.hint.is_some(), "{text}");
    }
    let refusal = desk
        .read("SELECT count(*) FROM patients p WHERE p.phone = '1'")
        .unwrap_err();
    assert_eq!(refusal.reason, "aggregate.dimension");
    let hint = refusal.hint.unwrap();
    assert!(
        hint.contains("`p.sex`, `p.hospital_ward`, `p.birth_date`"),
        "{hint}"
    );
}

/// A statement that was read without dimensions is read again under the permit's.
#[test]
fn the_permits_dimensions_hold_whatever_the_session_thinks() {
    let mut lax = desk();
    lax.session.rule.dimensions = None;
    let permit = permit_under(rule());
    let clear = |text: &str| {
        let read = lax.read(text).unwrap();
        rewrite(&read[0], &permit, &lax.surface, &lax.session)
    };
    assert_eq!(
        clear("SELECT phone, count(*) FROM patients GROUP BY phone")
            .unwrap_err()
            .reason,
        "aggregate.dimension"
    );
    let cleared = clear("SELECT sex, count(*) FROM patients GROUP BY sex").unwrap();
    assert!(cleared.text().contains("portcullis_size"));
}
