//! A server's stream: walked, decoded, cut, and said again.

use bytes::BytesMut;
use portcullis_wire::backend::{self, Column, CopyResponse, Report, TransactionStatus};
use portcullis_wire::build::server;
use portcullis_wire::frontend::Format;
use portcullis_wire::row;

pub(crate) fn run(data: &[u8]) {
    walk(data, backend::next_login_frame);
    walk(data, backend::next_frame);
}

type Next = fn(&[u8], usize) -> Result<Option<backend::FrameAt>, portcullis_wire::WireError>;

fn walk(data: &[u8], next: Next) {
    let mut at = 0;
    while let Ok(Some(frame)) = next(data, at) {
        assert!(frame.start == at && frame.end > at && frame.end <= data.len());
        check(frame.tag, frame.body(data), frame.raw(data));
        at = frame.end;
    }
}

fn check(tag: u8, body: &[u8], raw: &[u8]) {
    let mut again = BytesMut::new();
    let read = match tag {
        backend::DATA_ROW => return check_row(body, raw),
        backend::ROW_DESCRIPTION => backend::row_description(body)
            .map(|columns| server::row_description(&mut again, &columns)),
        backend::PARAMETER_DESCRIPTION => backend::parameter_description(body)
            .map(|types| server::parameter_description(&mut again, &types)),
        backend::COMMAND_COMPLETE => {
            backend::command_complete(body).map(|tag| server::command_complete(&mut again, tag))
        }
        backend::PARAMETER_STATUS => backend::parameter_status(body)
            .map(|(name, value)| server::parameter_status(&mut again, name, value)),
        backend::BACKEND_KEY_DATA => backend::backend_key_data(body)
            .map(|(process_id, key)| server::backend_key_data(&mut again, process_id, key)),
        backend::COPY_OUT_RESPONSE => backend::copy_response(body)
            .map(|response| server::copy_out_response(&mut again, &response)),
        backend::READY_FOR_QUERY => backend::ready_for_query(body).map(|status| {
            server::ready_for_query(&mut again, status);
            Ok(())
        }),
        backend::ERROR_RESPONSE | backend::NOTICE_RESPONSE => return check_report(tag, body),
        backend::AUTHENTICATION => return drop(backend::authentication(body)),
        backend::NEGOTIATE_PROTOCOL_VERSION => {
            return drop(backend::negotiate_protocol_version(body));
        }
        _ => return,
    };
    if let Ok(said) = read {
        said.expect("what was read can be said");
        assert_eq!(raw, &again[..]);
    }
}

/// A row that is accepted, cut anywhere, gives back its parts; copied and in place alike.
fn check_row(body: &[u8], raw: &[u8]) {
    let read: Result<Vec<_>, _> = row::fields(body).and_then(Iterator::collect);
    let split = row::split_last(body, 0);
    assert_eq!(read.is_ok(), split.is_ok());
    let Ok(fields) = read else {
        return;
    };
    for tapped in [0, 1, 2, fields.len()] {
        let Ok(split) = row::split_last(body, tapped) else {
            assert!(tapped > fields.len());
            continue;
        };
        let (kept, tap) = fields.split_at(fields.len() - tapped);
        assert!(split.tap().eq(tap.iter().copied()));
        let mut expected = BytesMut::new();
        server::data_row(&mut expected, kept.iter().copied()).unwrap();
        let mut copied = BytesMut::new();
        split.write(&mut copied);
        assert_eq!(copied, expected);
        let mut buffer = [b"before", raw].concat();
        let frame = backend::FrameAt {
            tag: b'D',
            start: 6,
            end: buffer.len(),
        };
        let end = row::compact_row(&mut buffer, frame, split.kept(), 2).unwrap();
        assert_eq!(&buffer[2..end], &expected[..]);
    }
}

fn check_report(tag: u8, body: &[u8]) {
    let Ok(report) = Report::parse(body) else {
        return;
    };
    let mut again = BytesMut::new();
    server::report_fields(
        &mut again,
        tag,
        report
            .fields()
            .iter()
            .map(|(kind, text)| (*kind, text.as_str())),
    );
    Report::parse(&again[5..]).expect("what was said can be read");
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut login = BytesMut::new();
    server::authentication_sasl(&mut login, &["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]).unwrap();
    server::authentication_sasl_continue(&mut login, b"r=x,s=y,i=4096").unwrap();
    server::authentication_sasl_final(&mut login, b"v=x").unwrap();
    server::authentication_ok(&mut login);
    server::parameter_status(&mut login, "server_version", "15.20").unwrap();
    server::backend_key_data(&mut login, 7, &[9; 32]).unwrap();
    server::ready_for_query(&mut login, TransactionStatus::Idle);
    let column = |name: &str| Column {
        name: name.to_owned(),
        table_oid: 16_385,
        attnum: 2,
        type_oid: 25,
        type_len: -1,
        typmod: -1,
        format: Format::Text,
    };
    let mut result = BytesMut::new();
    server::row_description(&mut result, &[column("name"), column("phone")]).unwrap();
    server::data_row_texts(&mut result, &[Some("Wang"), None, Some("ab12")]).unwrap();
    server::data_row_texts(&mut result, &[Some(""), Some("5"), Some("-")]).unwrap();
    server::command_complete(&mut result, "SELECT 2").unwrap();
    server::parameter_description(&mut result, &[23]).unwrap();
    let columns = vec![Format::Text; 2];
    server::copy_out_response(
        &mut result,
        &CopyResponse {
            format: Format::Text,
            columns,
        },
    )
    .unwrap();
    let mut report = BytesMut::new();
    server::report_fields(
        &mut report,
        b'E',
        [(b'S', "ERROR"), (b'C', "42501"), (b'M', "no")].into_iter(),
    );
    let options = b"v\0\0\0\x11\0\x03\0\x02\0\0\0\x01_pq_\0".to_vec();
    vec![login.to_vec(), result.to_vec(), report.to_vec(), options]
}
