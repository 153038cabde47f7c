//! Start-up parameters: what SET takes is taken, the rest is refused in words; nothing is dropped silently.

use portcullis_harness::raw::Raw;

use crate::world::clinic;

#[test]
fn start_up_parameters_act_or_are_refused_in_words() {
    let world = clinic(20, |contract| contract);
    let by_key = "select patient_id from patients where patient_id = 1";

    // Without one the schemas in scope are on the path: to set another takes them off.
    let params = [("search_path", "pg_catalog")];
    let mut raw = Raw::try_connect(&world.connect, &params).unwrap().unwrap();
    let answers = raw.query(by_key).unwrap();
    assert_eq!(answers.row_count(), 0, "{}", answers.summary());

    for params in [
        [("search_path", "pg_catalog, clinic")],
        [("options", "-c search_path=clinic")],
    ] {
        let mut raw = Raw::try_connect(&world.connect, &params).unwrap().unwrap();
        let answers = raw.query(by_key).unwrap();
        assert_eq!(answers.row_count(), 1, "{params:?}: {}", answers.summary());
    }

    for (name, value) in [
        ("role", "postgres"),
        ("session_authorization", "postgres"),
        ("session_replication_role", "replica"),
        ("no_such_setting", "1"),
    ] {
        for params in [
            vec![(name, value.to_owned())],
            vec![("options", format!("-c {name}={value}"))],
        ] {
            let params: Vec<(&str, &str)> = params
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            let told = Raw::try_connect(&world.connect, &params)
                .unwrap()
                .expect_err(name);
            assert_eq!(told.sqlstate, "0A000", "{told}");
            assert!(told.message.contains(name), "{told}");
            assert!(!told.hint.is_empty(), "{told}");
        }
    }
}
