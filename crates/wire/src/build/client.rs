//! Messages to a server.

use bytes::{BufMut, BytesMut};

use super::{c_str, count, framed, small, value, with_length};
use crate::error::WireError;
use crate::frontend::{Format, Target};
use crate::startup::{CANCEL_REQUEST, SSL_REQUEST};

const PROTOCOL_3_0: u32 = 3 << 16;

pub fn ssl_request(out: &mut BytesMut) {
    out.put_u32(8);
    out.put_u32(SSL_REQUEST);
}

/// `StartupMessage` of protocol 3.0; `user` belongs among the parameters.
pub fn startup<'a>(
    out: &mut BytesMut,
    params: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<(), WireError> {
    let start = out.len();
    let done = with_length(out, |out| {
        out.put_u32(PROTOCOL_3_0);
        for (name, text) in params {
            // An empty name would end the list early.
            if name.is_empty() {
                return Err(WireError::Truncated {
                    what: "parameter name",
                });
            }
            c_str(out, "parameter name", name)?;
            c_str(out, "parameter value", text)?;
        }
        out.put_u8(0);
        Ok(())
    });
    if done.is_err() {
        out.truncate(start);
    }
    done
}

pub fn cancel_request(out: &mut BytesMut, process_id: u32, key: &[u8]) -> Result<(), WireError> {
    let start = out.len();
    let done = with_length(out, |out| {
        out.put_u32(CANCEL_REQUEST);
        out.put_u32(process_id);
        out.put_slice(key);
        Ok(())
    });
    if done.is_err() {
        out.truncate(start);
    }
    done
}

pub fn sasl_initial(out: &mut BytesMut, mechanism: &str, data: &[u8]) -> Result<(), WireError> {
    framed(out, b'p', |out| {
        c_str(out, "SASL mechanism", mechanism)?;
        value(out, Some(data))
    })
}

pub fn sasl_response(out: &mut BytesMut, data: &[u8]) -> Result<(), WireError> {
    framed(out, b'p', |out| {
        out.put_slice(data);
        Ok(())
    })
}

pub fn query(out: &mut BytesMut, sql: &str) -> Result<(), WireError> {
    framed(out, b'Q', |out| c_str(out, "query", sql))
}

pub fn parse(
    out: &mut BytesMut,
    name: &str,
    sql: &str,
    param_types: &[u32],
) -> Result<(), WireError> {
    framed(out, b'P', |out| {
        c_str(out, "statement name", name)?;
        c_str(out, "query", sql)?;
        count(out, "parameter types", param_types.len())?;
        param_types.iter().for_each(|oid| out.put_u32(*oid));
        Ok(())
    })
}

pub fn bind<'a, I>(
    out: &mut BytesMut,
    portal: &str,
    statement: &str,
    param_formats: &[Format],
    params: I,
    result_formats: &[Format],
) -> Result<(), WireError>
where
    I: ExactSizeIterator<Item = Option<&'a [u8]>>,
{
    framed(out, b'B', |out| {
        c_str(out, "portal", portal)?;
        c_str(out, "statement name", statement)?;
        formats(out, param_formats)?;
        count(out, "parameters", params.len())?;
        params.into_iter().try_for_each(|param| value(out, param))?;
        formats(out, result_formats)
    })
}

fn formats(out: &mut BytesMut, formats: &[Format]) -> Result<(), WireError> {
    count(out, "formats", formats.len())?;
    formats.iter().for_each(|format| out.put_i16(format.code()));
    Ok(())
}

pub fn describe(out: &mut BytesMut, target: Target, name: &str) -> Result<(), WireError> {
    named(out, b'D', target, name)
}

pub fn close(out: &mut BytesMut, target: Target, name: &str) -> Result<(), WireError> {
    named(out, b'C', target, name)
}

fn named(out: &mut BytesMut, tag: u8, target: Target, name: &str) -> Result<(), WireError> {
    framed(out, tag, |out| {
        out.put_u8(match target {
            Target::Statement => b'S',
            Target::Portal => b'P',
        });
        c_str(out, "name", name)
    })
}

/// `max_rows` 0 means all.
pub fn execute(out: &mut BytesMut, portal: &str, max_rows: u32) -> Result<(), WireError> {
    let out_of_range = WireError::CountOutOfRange {
        what: "row limit",
        count: i64::from(max_rows),
    };
    let max_rows = i32::try_from(max_rows).map_err(|_| out_of_range)?;
    framed(out, b'E', |out| {
        c_str(out, "portal", portal)?;
        out.put_i32(max_rows);
        Ok(())
    })
}

pub fn sync(out: &mut BytesMut) {
    small(out, b'S', &[]);
}

pub fn flush(out: &mut BytesMut) {
    small(out, b'H', &[]);
}

pub fn terminate(out: &mut BytesMut) {
    small(out, b'X', &[]);
}

pub fn copy_data(out: &mut BytesMut, data: &[u8]) -> Result<(), WireError> {
    framed(out, b'd', |out| {
        out.put_slice(data);
        Ok(())
    })
}

pub fn copy_done(out: &mut BytesMut) {
    small(out, b'c', &[]);
}

pub fn copy_fail(out: &mut BytesMut, reason: &str) -> Result<(), WireError> {
    framed(out, b'f', |out| c_str(out, "reason", reason))
}
