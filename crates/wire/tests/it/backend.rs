use bytes::{BufMut, BytesMut};
use portcullis_wire::WireError;
use portcullis_wire::backend::{
    self, Authentication, Column, CopyResponse, Report, TransactionStatus, next_frame,
    next_login_frame,
};
use portcullis_wire::build::server;
use portcullis_wire::frontend::Format;
use portcullis_wire::limits::MAX_ROW_BYTES;
use proptest::prelude::*;

fn column(name: &str) -> Column {
    Column {
        name: name.to_owned(),
        table_oid: 16_385,
        attnum: 2,
        type_oid: 25,
        type_len: -1,
        typmod: -1,
        format: Format::Text,
    }
}

/// Builds one message and gives its body.
fn body(build: impl FnOnce(&mut BytesMut)) -> Vec<u8> {
    let mut out = BytesMut::new();
    build(&mut out);
    let frame = next_frame(&out, 0).unwrap().expect("a whole frame");
    assert_eq!(frame.end, out.len());
    frame.body(&out).to_vec()
}

/// A server's side of a login and a query.
fn conversation() -> BytesMut {
    let mut out = BytesMut::new();
    server::authentication_sasl(&mut out, &["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]).unwrap();
    server::authentication_sasl_continue(&mut out, b"r=x").unwrap();
    server::authentication_sasl_final(&mut out, b"v=x").unwrap();
    server::authentication_ok(&mut out);
    server::parameter_status(&mut out, "server_version", "15.20").unwrap();
    server::backend_key_data(&mut out, 7, &[9; 32]).unwrap();
    server::ready_for_query(&mut out, TransactionStatus::Idle);
    server::row_description(&mut out, &[column("a"), column("b")]).unwrap();
    server::data_row_texts(&mut out, &[Some("1"), None]).unwrap();
    server::command_complete(&mut out, "SELECT 1").unwrap();
    server::copy_out_response(
        &mut out,
        &CopyResponse {
            format: Format::Binary,
            columns: vec![Format::Binary; 2],
        },
    )
    .unwrap();
    server::copy_data(&mut out, b"1\n").unwrap();
    server::copy_done(&mut out);
    server::parse_complete(&mut out);
    server::bind_complete(&mut out);
    server::close_complete(&mut out);
    server::no_data(&mut out);
    server::portal_suspended(&mut out);
    server::empty_query_response(&mut out);
    server::parameter_description(&mut out, &[23]).unwrap();
    out
}

#[test]
fn each_message_round_trips() {
    let columns = vec![
        column("id"),
        Column {
            format: Format::Binary,
            table_oid: 0,
            attnum: 0,
            ..column("?column?")
        },
    ];
    let read = body(|out| server::row_description(out, &columns).unwrap());
    assert_eq!(backend::row_description(&read).unwrap(), columns);
    let read = body(|out| server::parameter_description(out, &[23, 25]).unwrap());
    assert_eq!(backend::parameter_description(&read).unwrap(), [23, 25]);
    let read = body(|out| server::command_complete(out, "SELECT 3").unwrap());
    assert_eq!(backend::command_complete(&read).unwrap(), "SELECT 3");
    for status in [
        TransactionStatus::Idle,
        TransactionStatus::InTransaction,
        TransactionStatus::Failed,
    ] {
        let read = body(|out| server::ready_for_query(out, status));
        assert_eq!(backend::ready_for_query(&read).unwrap(), status);
    }
    let read = body(|out| server::backend_key_data(out, 5, &[1; 256]).unwrap());
    assert_eq!(
        backend::backend_key_data(&read).unwrap(),
        (5, &[1; 256][..])
    );
    let read = body(|out| server::parameter_status(out, "TimeZone", "UTC").unwrap());
    assert_eq!(
        backend::parameter_status(&read).unwrap(),
        ("TimeZone", "UTC")
    );
    let response = CopyResponse {
        format: Format::Text,
        columns: vec![Format::Text; 3],
    };
    let read = body(|out| server::copy_out_response(out, &response).unwrap());
    assert_eq!(backend::copy_response(&read).unwrap(), response);
    let read = body(|out| server::authentication_sasl(out, &["A", "B"]).unwrap());
    assert_eq!(
        backend::authentication(&read).unwrap(),
        Authentication::Sasl {
            mechanisms: vec!["A", "B"]
        }
    );
    let read = body(|out| server::authentication_sasl_final(out, b"v=").unwrap());
    assert_eq!(
        backend::authentication(&read).unwrap(),
        Authentication::SaslFinal { data: b"v=" }
    );
}

#[test]
fn a_report_says_everything_and_never_fails() {
    let report = server::Report {
        severity: "ERROR",
        sqlstate: "53400",
        message: "portcullis[budget.subjects_per_day]: the day's budget is used up",
        detail: Some("contract `clinic-ops-2026`"),
        hint: Some("ask for\0more"),
        position: Some(8),
    };
    let read = Report::parse(&body(|out| server::error_response(out, &report))).unwrap();
    assert_eq!(
        (read.severity(), read.sqlstate(), read.message()),
        ("ERROR", "53400", report.message)
    );
    assert_eq!(
        (read.get(b'D'), read.get(b'H'), read.get(b'P')),
        (report.detail, Some("ask for"), Some("8"))
    );
    let long = "é".repeat(100_000);
    let read = Report::parse(&body(|out| {
        server::notice_response(
            out,
            &server::Report {
                message: &long,
                ..report
            },
        );
    }));
    assert_eq!(read.unwrap().message().len(), 16_384);
    let twice = [(b'M', "a"), (b'M', "b"), (0, "c")];
    let read = Report::parse(&body(|out| {
        server::report_fields(out, b'E', twice.into_iter())
    }))
    .unwrap();
    assert_eq!(read.fields(), [(b'M', "a".to_owned())]);
}

#[test]
fn frames_are_found_wherever_the_buffer_ends() {
    let whole = conversation();
    let mut tags = Vec::new();
    let mut at = 0;
    while let Some(frame) = next_frame(&whole, at).unwrap() {
        assert_eq!(next_frame(&whole[..frame.end - 1], at).unwrap(), None);
        tags.push(frame.tag);
        at = frame.end;
    }
    assert_eq!(at, whole.len());
    assert_eq!(tags, b"RRRRSKZTDCHdc123nsIt");
    assert_eq!(next_frame(&whole, at + 1).unwrap(), None);
}

#[test]
fn limits_hold_before_the_bytes_arrive() {
    let head = |tag: u8, declared: u32| {
        let mut out = BytesMut::new();
        out.put_u8(tag);
        out.put_u32(declared);
        out
    };
    let too_long = |tag, bytes, limit| Err(WireError::TooLong { tag, bytes, limit });
    let declared = u32::try_from(MAX_ROW_BYTES + 5).unwrap();
    assert_eq!(
        next_frame(&head(b'D', declared), 0),
        too_long(b'D', MAX_ROW_BYTES + 1, MAX_ROW_BYTES)
    );
    assert_eq!(
        next_login_frame(&head(b'E', 65_541), 0),
        too_long(b'E', 65_537, 65_536)
    );
    assert_eq!(
        next_frame(&head(b'Z', 65_541), 0),
        too_long(b'Z', 65_537, 1)
    );
    assert_eq!(
        next_frame(b"?", 0),
        Err(WireError::UnknownTag { tag: b'?' })
    );
    assert!(matches!(
        next_frame(&head(b'D', 3), 0),
        Err(WireError::ImpossibleLength { .. })
    ));
    assert!(matches!(
        next_frame(&head(b'D', u32::MAX), 0),
        Err(WireError::ImpossibleLength { declared: -1, .. })
    ));
}

#[test]
fn what_is_not_exactly_right_is_refused() {
    assert!(backend::row_description(b"\0\x01a\0").is_err());
    assert!(backend::row_description(b"\xff\xff").is_err());
    assert!(backend::backend_key_data(&[0; 7]).is_err());
    assert!(backend::backend_key_data(&[0; 261]).is_err());
    assert!(backend::ready_for_query(b"IT").is_err());
    assert!(backend::ready_for_query(b"X").is_err());
    assert!(backend::command_complete(b"SELECT 1").is_err());
    assert!(backend::parameter_status(b"a\0b\0c").is_err());
    assert!(backend::negotiate_protocol_version(b"\0\x03\0\0\xff\xff\xff\xff").is_err());
    assert!(backend::negotiate_protocol_version(b"\0\x03\0\0\x7f\xff\xff\xff").is_err());
    assert!(backend::authentication(b"\0\0\0\0x").is_err());
    assert!(backend::authentication(b"\0\0\0\x0aSCRAM").is_err());
    assert!(Report::parse(b"Mtext\0").is_err());
    assert_eq!(
        backend::authentication(b"\0\0\0\x03").unwrap(),
        Authentication::CleartextPassword
    );
    assert_eq!(
        backend::authentication(b"\0\0\0\x07").unwrap(),
        Authentication::Other { code: 7 }
    );
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(body in proptest::collection::vec(prop_oneof![Just(0_u8), Just(255), any::<u8>()], 0..80)) {
        let _ = backend::row_description(&body);
        let _ = backend::parameter_description(&body);
        let _ = Report::parse(&body);
        let _ = backend::command_complete(&body);
        let _ = backend::ready_for_query(&body);
        let _ = backend::backend_key_data(&body);
        let _ = backend::parameter_status(&body);
        let _ = backend::copy_response(&body);
        let _ = backend::negotiate_protocol_version(&body);
        let _ = backend::authentication(&body);
        let _ = next_frame(&body, 3);
    }
}
