//! From bytes to text: a byte order mark is believed; else UTF-8 if it is, UTF-16 by where the zeros
//! stand, GB18030 if every byte fits, and what is left is Windows-1252, in which all bytes are
//! letters and digits are digits.

use encoding_rs::{Encoding, GB18030, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::Unreadable;
use crate::limits::FILE_BYTES_MAX;

const LOOKED_AT_BYTES: usize = 64 << 10;

pub(super) fn decoded(bytes: Vec<u8>) -> Result<String, Unreadable> {
    if bytes.is_empty() {
        return Err(Unreadable::Empty);
    }
    if let Some((encoding, mark)) = Encoding::for_bom(&bytes) {
        return decode(encoding, bytes.get(mark..).unwrap_or_default());
    }
    if let Some(encoding) = utf_16(&bytes) {
        return decode(encoding, &bytes);
    }
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => return Ok(text),
        Err(error) => error.into_bytes(),
    };
    // Cut in the middle of a letter is still UTF-8.
    if let Err(error) = std::str::from_utf8(&bytes)
        && bytes.len() - error.valid_up_to() < 4
        && error.error_len().is_none()
    {
        return decode(UTF_8, &bytes);
    }
    match GB18030.decode_without_bom_handling_and_without_replacement(&bytes) {
        Some(text) => Ok(text.into_owned()),
        None => decode(WINDOWS_1252, &bytes),
    }
}

fn decode(encoding: &'static Encoding, bytes: &[u8]) -> Result<String, Unreadable> {
    let (text, _) = encoding.decode_without_bom_handling(bytes);
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(Unreadable::TooLarge);
    }
    Ok(text.into_owned())
}

/// Digits, commas and line ends have a zero byte in UTF-16: where most bytes of one parity are zero,
/// it is that.
fn utf_16(bytes: &[u8]) -> Option<&'static Encoding> {
    let looked_at = bytes.get(..bytes.len().min(LOOKED_AT_BYTES))?;
    let (pairs, _) = looked_at.as_chunks::<2>();
    let zeros = |at: fn(&[u8; 2]) -> u8| pairs.iter().filter(|pair| at(pair) == 0).count();
    let (high, low) = (zeros(|[high, _]| *high), zeros(|[_, low]| *low));
    if low * 4 > pairs.len() && high * 20 < pairs.len() {
        return Some(UTF_16LE);
    }
    (high * 4 > pairs.len() && low * 20 < pairs.len()).then_some(UTF_16BE)
}
