//! Messages of our own, appended to a buffer.
//!
//! What has a bounded size is infallible; what carries somebody's text or values answers an error
//! when it could not be framed honestly (a NUL inside, a length that does not fit), and leaves the
//! buffer as it was.

use bytes::{BufMut, BytesMut};

use crate::error::WireError;

pub mod client;
pub mod server;

/// Appends one tagged message whose body `write` makes.
fn framed(
    out: &mut BytesMut,
    tag: u8,
    write: impl FnOnce(&mut BytesMut) -> Result<(), WireError>,
) -> Result<(), WireError> {
    let start = out.len();
    out.put_u8(tag);
    let done = with_length(out, write);
    if done.is_err() {
        out.truncate(start);
    }
    done
}

/// Appends a length and what it counts; the length counts itself.
fn with_length(
    out: &mut BytesMut,
    write: impl FnOnce(&mut BytesMut) -> Result<(), WireError>,
) -> Result<(), WireError> {
    let start = out.len();
    out.put_u32(0);
    write(out)?;
    let bytes = out.len() - start;
    // A length that wrapped round would let the rest be read as messages (CVE-2024-27304).
    let length = i32::try_from(bytes).map_err(|_| WireError::TooLongToSend { bytes })?;
    if let Some(head) = out.get_mut(start..start + 4) {
        head.copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}

/// A message of a few bytes.
fn small(out: &mut BytesMut, tag: u8, body: &[u8]) {
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
    out.reserve(body.len() + 5);
    out.put_u8(tag);
    out.put_u32(length);
    out.put_slice(body);
}

fn c_str(out: &mut BytesMut, what: &'static str, text: &str) -> Result<(), WireError> {
    if text.as_bytes().contains(&0) {
        return Err(WireError::EmbeddedNul { what });
    }
    out.put_slice(text.as_bytes());
    out.put_u8(0);
    Ok(())
}

fn value(out: &mut BytesMut, value: Option<&[u8]>) -> Result<(), WireError> {
    let Some(value) = value else {
        out.put_i32(-1);
        return Ok(());
    };
    let length =
        i32::try_from(value.len()).map_err(|_| WireError::TooLongToSend { bytes: value.len() })?;
    out.put_i32(length);
    out.put_slice(value);
    Ok(())
}

fn count(out: &mut BytesMut, what: &'static str, items: usize) -> Result<(), WireError> {
    let wide = i64::try_from(items).unwrap_or(i64::MAX);
    let short =
        u16::try_from(items).map_err(|_| WireError::CountOutOfRange { what, count: wide })?;
    out.put_u16(short);
    Ok(())
}
