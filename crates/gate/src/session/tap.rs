//! Reading a tap: the hidden last columns that tell whom a row is about (`portcullis_sql::Tap`).

use portcullis_sql::{Tap, Tapped};

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tapped column holds what no tap can hold")]
pub struct NoTap;

/// Reads the column of a DataRow.
pub fn tap_value(field: Option<&[u8]>) -> Result<Tapped<'_>, NoTap> {
    Tap::read(field).ok_or(NoTap)
}

/// Turns a field of COPY (hex of the same, or `-` for none; in the binary format NULL too) into that
/// of a DataRow. `scratch` holds the bytes.
pub fn copy_tap<'a>(field: Option<&[u8]>, scratch: &'a mut Vec<u8>) -> Result<Tapped<'a>, NoTap> {
    match field {
        None | Some(b"-") => Ok(Tapped::Absent),
        Some(hexed) => {
            *scratch = hex::decode(hexed).map_err(|_| NoTap)?;
            tap_value(Some(scratch))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tap_is_read_strictly() {
        assert_eq!(tap_value(None), Ok(Tapped::Absent));
        assert_eq!(tap_value(Some(b"n")), Ok(Tapped::Unknown));
        assert_eq!(tap_value(Some(b"s")), Ok(Tapped::Subject(b"")));
        assert_eq!(tap_value(Some(b"s42")), Ok(Tapped::Subject(b"42")));
        for junk in [&b""[..], b"42", b"nn", b"S4"] {
            assert_eq!(tap_value(Some(junk)), Err(NoTap));
        }
        let mut scratch = Vec::new();
        assert_eq!(copy_tap(Some(b"-"), &mut scratch), Ok(Tapped::Absent));
        assert_eq!(
            copy_tap(Some(b"733432"), &mut scratch),
            Ok(Tapped::Subject(b"42"))
        );
        assert_eq!(copy_tap(Some(b"7"), &mut scratch), Err(NoTap));
    }
}
