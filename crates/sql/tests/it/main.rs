//! The corpora and properties of understanding, in one binary.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod world;

#[test]
fn a_look_up_is_understood_and_points_at_the_view() {
    let surface = world::surface();
    let session = world::session(&surface);
    let read = portcullis_sql::understand(
        "SELECT name FROM patients WHERE patient_id = 4",
        &surface,
        &session,
    )
    .unwrap();
    assert_eq!(read.len(), 1);
}
