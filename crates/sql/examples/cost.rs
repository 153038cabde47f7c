//! What understanding costs, cold: median microseconds of three texts (goal P6 of performance.md).
//! Figures of a build without optimisation say little; `cargo run --release --example cost`.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a tool for developers"
)]

#[path = "../tests/it/world.rs"]
mod world;

use std::time::Instant;

const ROUNDS: usize = 301;

fn main() {
    let surface = world::surface();
    let session = world::session(&surface);
    let join = "SELECT p.patient_id, p.name, p.phone, p.birth_date, v.visit_date, v.diagnosis, v.cost, d.name AS doctor, w.floor FROM clinic.patients p \
        JOIN clinic.visits v ON v.patient_id = p.patient_id LEFT JOIN clinic.doctors d ON d.doctor_id = v.doctor_id LEFT JOIN clinic.wards w ON w.ward = d.ward \
        LEFT JOIN clinic.visits o ON o.patient_id = p.patient_id AND o.visit_date < v.visit_date LEFT JOIN lab.samples s ON s.sample_id = v.visit_id \
        WHERE v.visit_date BETWEEN '2026-01-01' AND '2026-06-30' AND v.cost > 100 AND (v.diagnosis LIKE 'J%' OR v.diagnosis LIKE 'K%' OR v.diagnosis IS NULL) \
        AND p.sex = 'F' AND p.hospital_ward IN ('W1', 'W2', 'W3') AND d.name <> 'nobody' AND coalesce(w.floor, 0) BETWEEN 0 AND 9 \
        AND o.visit_id IS NULL AND s.result IS NOT NULL AND p.birth_date < '1990-01-01' ORDER BY v.visit_date DESC, p.patient_id, v.cost LIMIT 100 OFFSET 20";
    let list = format!(
        "SELECT name FROM clinic.patients WHERE patient_id IN ({})",
        (0..3400)
            .map(|n| (10_000 + n).to_string())
            .collect::<Vec<_>>()
            .join(",")
    );
    let texts = [
        (
            "57 B",
            "SELECT name FROM clinic.patients WHERE patient_id = 12345",
        ),
        ("join", join),
        ("list", &list),
    ];
    for (name, text) in texts {
        let mut micros: Vec<f64> = (0..ROUNDS)
            .map(|_| {
                let start = Instant::now();
                // A caller with a large stack, as the gate's workers have.
                std::hint::black_box(
                    portcullis_sql::understand_on(256 << 20, text, &surface, &session).unwrap(),
                );
                start.elapsed().as_secs_f64() * 1e6
            })
            .collect();
        micros.sort_by(f64::total_cmp);
        println!(
            "{name} ({} bytes): {:.1} us",
            text.len(),
            micros[ROUNDS / 2]
        );
    }
}
