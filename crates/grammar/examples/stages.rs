//! What reading a text costs, each way: median and 95th percentile of microseconds.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a tool for developers"
)]
use portcullis_grammar::{Places, parse, parse_by_protobuf};
use std::hint::black_box;
use std::time::Instant;
fn time<T>(name: &str, mut work: impl FnMut() -> T) {
    let mut micros: Vec<f64> = (0..1001)
        .map(|_| {
            let s = Instant::now();
            drop(black_box(work()));
            s.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    micros.sort_by(f64::total_cmp);
    println!("  {name:<28} {:>9.2} {:>9.2}", micros[500], micros[950]);
}
fn main() {
    println!(
        "Node {} AConst {}",
        size_of::<pg_query::Node>(),
        size_of::<pg_query::protobuf::AConst>()
    );
    let small = "SELECT name FROM clinic.patients WHERE patient_id = 12345".to_owned();
    let join = "SELECT p.patient_id, p.name, p.phone, p.birth_date, v.visit_date, v.diagnosis, v.cost, d.name AS doctor, w.floor FROM clinic.patients p JOIN clinic.visits v ON v.patient_id = p.patient_id LEFT JOIN clinic.doctors d ON d.doctor_id = v.doctor_id LEFT JOIN clinic.wards w ON w.ward = d.ward LEFT JOIN clinic.visits o ON o.patient_id = p.patient_id AND o.visit_date < v.visit_date LEFT JOIN lab.samples s ON s.sample_id = v.visit_id WHERE v.visit_date BETWEEN '2026-01-01' AND '2026-06-30' AND v.cost > 100 AND (v.diagnosis LIKE 'J%' OR v.diagnosis LIKE 'K%' OR v.diagnosis IS NULL) AND p.sex = 'F' AND p.hospital_ward IN ('W1', 'W2', 'W3') AND d.name <> 'nobody' AND coalesce(w.floor, 0) BETWEEN 0 AND 9 AND o.visit_id IS NULL AND s.result IS NOT NULL AND p.birth_date < '1990-01-01' ORDER BY v.visit_date DESC, p.patient_id, v.cost LIMIT 100 OFFSET 20".to_owned();
    let list = format!(
        "SELECT name FROM clinic.patients WHERE patient_id IN ({})",
        (0..3400)
            .map(|n| (10_000 + n).to_string())
            .collect::<Vec<_>>()
            .join(",")
    );
    for text in [small, join, list] {
        println!("{} bytes", text.len());
        time("direct", || parse(&text, Places::Kept));
        time("protobuf and decode+summary", || parse_by_protobuf(&text));
        let tree = parse(&text, Places::Dropped).unwrap().statements;
        let tree = pg_query::protobuf::ParseResult {
            version: 180_000,
            stmts: tree,
        };
        time("deparse by protobuf", || {
            pg_query::deparse(&tree, pg_query::DeparseOptions::default())
        });
        time("clone", || tree.clone());
        time("raw only (split)", || {
            pg_query::split_with_parser(&text).map(|v| v.len()).unwrap()
        });
    }
}
