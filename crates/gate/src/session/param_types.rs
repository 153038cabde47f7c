//! Parameter types that a Parse names by their OIDs.
//!
//! A type is not only a shape: reading a value can look a name up (`regrole`, `aclitem`) or run a
//! domain's check, and its error would tell what there is. So only types whose input touches nothing
//! but the value travel as they are named; the OIDs are those of `sql::lists::types`, and of their arrays.

use portcullis_contract::{Refusal, SqlState};

/// From here on OIDs are given by `initdb` and by `CREATE TYPE`: another database has others.
const FIRST_NOT_FIXED: u32 = 10_000;
/// The database infers the type from where the parameter stands.
const INFERRED: u32 = 0;

/// Ascending.
const FIXED: &[u32] = &[
    16, 17, 18, 19, 20, 21, 22, 23, 25, 26, 27, 28, 29, 30, 114, 142, 143, 199, 271, 600, 601, 602,
    603, 604, 628, 629, 650, 651, 700, 701, 705, 718, 719, 774, 775, 790, 791, 829, 869, 1000,
    1001, 1002, 1003, 1005, 1006, 1007, 1009, 1010, 1011, 1012, 1013, 1014, 1015, 1016, 1017, 1018,
    1019, 1020, 1021, 1022, 1027, 1028, 1040, 1041, 1042, 1043, 1082, 1083, 1114, 1115, 1182, 1183,
    1184, 1185, 1186, 1187, 1231, 1266, 1270, 1560, 1561, 1562, 1563, 1700, 2950, 2951, 3220, 3221,
    3614, 3615, 3643, 3645, 3802, 3807, 3904, 3905, 3906, 3907, 3908, 3909, 3910, 3911, 3912, 3913,
    3926, 3927, 4072, 4073, 4451, 4532, 4533, 4534, 4535, 4536, 5069, 6150, 6151, 6152, 6153, 6155,
    6157,
];

/// Types whose values print or take the names of objects, and their arrays: `reg…` and `aclitem`. Ascending.
const NAMING: &[u32] = &[
    24, 1008, 1033, 1034, 2202, 2203, 2204, 2205, 2206, 2207, 2208, 2209, 2210, 2211, 3734, 3735,
    3769, 3770, 4089, 4090, 4096, 4097, 4191, 4192,
];

/// Whether a value of the type would tell of objects out of scope. What is cleared has none: the walk in
/// `sql` tells each as text or as a number.
pub(super) fn names_objects(oid: u32) -> bool {
    NAMING.binary_search(&oid).is_ok()
}

/// What travels for the types that the client named: the owner's own are inferred instead.
pub(super) fn passable(named: &[u32], contract: &str) -> Result<Vec<u32>, Refusal> {
    named.iter().map(|oid| one(*oid, contract)).collect()
}

fn one(oid: u32, contract: &str) -> Result<u32, Refusal> {
    if oid == INFERRED || FIXED.binary_search(&oid).is_ok() {
        return Ok(oid);
    }
    if oid >= FIRST_NOT_FIXED {
        return Ok(INFERRED);
    }
    let message = format!("a parameter of the type with the OID {oid} is not passed");
    Err(Refusal::new(SqlState::OutOfScope, "scope.type", message)
        .clause(contract, "scope")
        .hint("leave the parameter's type out (0), or bind it as text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_can_be_searched() {
        assert!(FIXED.is_sorted_by(|a, b| a < b));
        assert!(NAMING.is_sorted_by(|a, b| a < b));
        assert!(!NAMING.iter().any(|oid| FIXED.contains(oid)));
    }

    #[test]
    fn own_types_are_inferred_and_names_are_not_looked_up() {
        assert_eq!(passable(&[23, 0, 16_500], "c").ok(), Some(vec![23, 0, 0]));
        for oid in [24, 1033, 1034, 2205, 2206, 3734, 4089, 4096, 2278] {
            let refusal = passable(&[oid], "c").err().map(|refusal| refusal.reason);
            assert_eq!(refusal.as_deref(), Some("scope.type"), "{oid}");
        }
    }
}
