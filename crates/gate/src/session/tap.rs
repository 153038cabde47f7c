//! Reading a tap: the hidden last columns that tell whom a row is about (`portcullis_sql::Tap`).

/// `s` and the subject's text.
const SUBJECT_MARK: u8 = b's';
/// A row whose subject is NULL.
const NULL_MARK: u8 = b'n';

/// Whom one tapped column of one row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TapValue<'a> {
    /// An outer join found no row.
    Absent,
    /// There is a row, and its subject is NULL.
    Null,
    Value(&'a [u8]),
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tapped column holds what no tap can hold")]
pub struct NoTap;

/// Reads the column of a DataRow.
pub fn tap_value(field: Option<&[u8]>) -> Result<TapValue<'_>, NoTap> {
    match field {
        None => Ok(TapValue::Absent),
        Some([SUBJECT_MARK, text @ ..]) => Ok(TapValue::Value(text)),
        Some([NULL_MARK]) => Ok(TapValue::Null),
        Some(_) => Err(NoTap),
    }
}

/// Turns a field of COPY (hex of the same, or `-` for none; in the binary format NULL too) into that
/// of a DataRow. `scratch` holds the bytes.
pub fn copy_tap<'a>(field: Option<&[u8]>, scratch: &'a mut Vec<u8>) -> Result<TapValue<'a>, NoTap> {
    match field {
        None | Some(b"-") => Ok(TapValue::Absent),
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
        assert_eq!(tap_value(None), Ok(TapValue::Absent));
        assert_eq!(tap_value(Some(b"n")), Ok(TapValue::Null));
        assert_eq!(tap_value(Some(b"s")), Ok(TapValue::Value(b"")));
        assert_eq!(tap_value(Some(b"s42")), Ok(TapValue::Value(b"42")));
        for junk in [&b""[..], b"42", b"nn", b"S4"] {
            assert_eq!(tap_value(Some(junk)), Err(NoTap));
        }
        let mut scratch = Vec::new();
        assert_eq!(copy_tap(Some(b"-"), &mut scratch), Ok(TapValue::Absent));
        assert_eq!(
            copy_tap(Some(b"733432"), &mut scratch),
            Ok(TapValue::Value(b"42"))
        );
        assert_eq!(copy_tap(Some(b"7"), &mut scratch), Err(NoTap));
    }
}
