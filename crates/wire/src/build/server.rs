//! Messages to a client.

use bytes::{BufMut, BytesMut};

use super::{c_str, count, framed, small, value};
use crate::backend::{self, Column, CopyResponse, TransactionStatus};
use crate::error::WireError;
use crate::limits::MAX_REPORT_FIELD_BYTES;
use crate::startup::Negotiation;

/// The answer to `SSLRequest` and `GSSENCRequest` is a bare byte.
pub const TLS_ACCEPTED: &[u8] = b"S";
pub const ENCRYPTION_DECLINED: &[u8] = b"N";

pub fn authentication_ok(out: &mut BytesMut) {
    small(out, backend::AUTHENTICATION, &0_u32.to_be_bytes());
}

pub fn authentication_sasl(out: &mut BytesMut, mechanisms: &[&str]) -> Result<(), WireError> {
    framed(out, backend::AUTHENTICATION, |out| {
        out.put_u32(10);
        mechanisms
            .iter()
            .try_for_each(|name| c_str(out, "SASL mechanism", name))?;
        out.put_u8(0);
        Ok(())
    })
}

pub fn authentication_sasl_continue(out: &mut BytesMut, data: &[u8]) -> Result<(), WireError> {
    authentication_data(out, 11, data)
}

pub fn authentication_sasl_final(out: &mut BytesMut, data: &[u8]) -> Result<(), WireError> {
    authentication_data(out, 12, data)
}

fn authentication_data(out: &mut BytesMut, code: u32, data: &[u8]) -> Result<(), WireError> {
    framed(out, backend::AUTHENTICATION, |out| {
        out.put_u32(code);
        out.put_slice(data);
        Ok(())
    })
}

pub fn negotiate_protocol_version(
    out: &mut BytesMut,
    negotiation: Negotiation<'_>,
) -> Result<(), WireError> {
    framed(out, backend::NEGOTIATE_PROTOCOL_VERSION, |out| {
        // The whole version since 3.2's libpq; older ones read the minor number, which is its low half.
        out.put_u32((3 << 16) | u32::from(negotiation.minor));
        let options = negotiation.unsupported;
        out.put_u32(u32::try_from(options.len()).unwrap_or(u32::MAX));
        options
            .iter()
            .try_for_each(|name| c_str(out, "option", name))
    })
}

pub fn backend_key_data(out: &mut BytesMut, process_id: u32, key: &[u8]) -> Result<(), WireError> {
    framed(out, backend::BACKEND_KEY_DATA, |out| {
        out.put_u32(process_id);
        out.put_slice(key);
        Ok(())
    })
}

pub fn parameter_status(out: &mut BytesMut, name: &str, value: &str) -> Result<(), WireError> {
    framed(out, backend::PARAMETER_STATUS, |out| {
        c_str(out, "parameter name", name)?;
        c_str(out, "parameter value", value)
    })
}

pub fn ready_for_query(out: &mut BytesMut, status: TransactionStatus) {
    small(out, backend::READY_FOR_QUERY, &[status.code()]);
}

/// An `ErrorResponse` or `NoticeResponse` of our own.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// `ERROR`, `FATAL`, `NOTICE`, `WARNING`, …
    pub severity: &'a str,
    pub sqlstate: &'a str,
    pub message: &'a str,
    pub detail: Option<&'a str>,
    pub hint: Option<&'a str>,
    /// In characters of the client's text, from 1.
    pub position: Option<u32>,
}

pub fn error_response(out: &mut BytesMut, report: &Report<'_>) {
    write_report(out, backend::ERROR_RESPONSE, report);
}

pub fn notice_response(out: &mut BytesMut, report: &Report<'_>) {
    write_report(out, backend::NOTICE_RESPONSE, report);
}

fn write_report(out: &mut BytesMut, tag: u8, report: &Report<'_>) {
    let position = report.position.map(|position| position.to_string());
    let optional = [
        (b'D', report.detail),
        (b'H', report.hint),
        (b'P', position.as_deref()),
    ];
    let required = [
        (b'S', report.severity),
        (b'V', report.severity),
        (b'C', report.sqlstate),
        (b'M', report.message),
    ];
    let optional = optional
        .iter()
        .filter_map(|(kind, text)| text.map(|text| (*kind, text)));
    report_fields(out, tag, required.into_iter().chain(optional));
}

/// An `ErrorResponse` or `NoticeResponse` from single fields. It cannot fail: an answer that explains
/// a refusal must always reach the client, so a text is cut at [`MAX_REPORT_FIELD_BYTES`] or its first NUL.
pub fn report_fields<'a>(out: &mut BytesMut, tag: u8, fields: impl Iterator<Item = (u8, &'a str)>) {
    let start = out.len();
    out.put_u8(tag);
    out.put_u32(0);
    // At most one field of each kind: that bounds the whole.
    let mut written = [false; 256];
    for (kind, text) in fields {
        match written.get_mut(usize::from(kind)) {
            Some(seen) if kind != 0 && !*seen => *seen = true,
            _ => continue,
        }
        out.put_u8(kind);
        out.put_slice(printable(text).as_bytes());
        out.put_u8(0);
    }
    out.put_u8(0);
    let length = u32::try_from(out.len() - start - 1).unwrap_or(u32::MAX);
    if let Some(head) = out.get_mut(start + 1..start + 5) {
        head.copy_from_slice(&length.to_be_bytes());
    }
}

fn printable(text: &str) -> &str {
    let end = text.find('\0').unwrap_or(text.len());
    let end = text.floor_char_boundary(end.min(MAX_REPORT_FIELD_BYTES));
    text.get(..end).unwrap_or_default()
}

pub fn row_description(out: &mut BytesMut, columns: &[Column]) -> Result<(), WireError> {
    framed(out, backend::ROW_DESCRIPTION, |out| {
        count(out, "columns", columns.len())?;
        for column in columns {
            c_str(out, "column name", &column.name)?;
            out.put_u32(column.table_oid);
            out.put_i16(column.attnum);
            out.put_u32(column.type_oid);
            out.put_i16(column.type_len);
            out.put_i32(column.typmod);
            out.put_i16(column.format.code());
        }
        Ok(())
    })
}

pub fn data_row<'a, I>(out: &mut BytesMut, values: I) -> Result<(), WireError>
where
    I: ExactSizeIterator<Item = Option<&'a [u8]>>,
{
    framed(out, backend::DATA_ROW, |out| {
        count(out, "fields", values.len())?;
        values.into_iter().try_for_each(|field| value(out, field))
    })
}

/// A row of texts; `None` is NULL.
pub fn data_row_texts(out: &mut BytesMut, values: &[Option<&str>]) -> Result<(), WireError> {
    data_row(out, values.iter().map(|value| value.map(str::as_bytes)))
}

pub fn parameter_description(out: &mut BytesMut, types: &[u32]) -> Result<(), WireError> {
    framed(out, backend::PARAMETER_DESCRIPTION, |out| {
        count(out, "parameters", types.len())?;
        types.iter().for_each(|oid| out.put_u32(*oid));
        Ok(())
    })
}

pub fn command_complete(out: &mut BytesMut, tag: &str) -> Result<(), WireError> {
    framed(out, backend::COMMAND_COMPLETE, |out| {
        c_str(out, "command tag", tag)
    })
}

pub fn copy_out_response(out: &mut BytesMut, response: &CopyResponse) -> Result<(), WireError> {
    framed(out, backend::COPY_OUT_RESPONSE, |out| {
        out.put_u8(u8::from(response.format == crate::frontend::Format::Binary));
        count(out, "columns", response.columns.len())?;
        response
            .columns
            .iter()
            .for_each(|format| out.put_i16(format.code()));
        Ok(())
    })
}

pub fn copy_data(out: &mut BytesMut, data: &[u8]) -> Result<(), WireError> {
    framed(out, backend::COPY_DATA, |out| {
        out.put_slice(data);
        Ok(())
    })
}

pub fn copy_done(out: &mut BytesMut) {
    small(out, backend::COPY_DONE, &[]);
}

pub fn empty_query_response(out: &mut BytesMut) {
    small(out, backend::EMPTY_QUERY_RESPONSE, &[]);
}

pub fn parse_complete(out: &mut BytesMut) {
    small(out, backend::PARSE_COMPLETE, &[]);
}

pub fn bind_complete(out: &mut BytesMut) {
    small(out, backend::BIND_COMPLETE, &[]);
}

pub fn close_complete(out: &mut BytesMut) {
    small(out, backend::CLOSE_COMPLETE, &[]);
}

pub fn no_data(out: &mut BytesMut) {
    small(out, backend::NO_DATA, &[]);
}

pub fn portal_suspended(out: &mut BytesMut) {
    small(out, backend::PORTAL_SUSPENDED, &[]);
}
