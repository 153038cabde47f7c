use bytes::{BufMut, Bytes, BytesMut};
use portcullis_wire::WireError;
use portcullis_wire::build::client;
use portcullis_wire::frontend::{
    Format, Frame, Message, Phase, Target, decode, sasl_initial, take_frame,
};
use portcullis_wire::limits::{MAX_BIND_BYTES, MAX_LOGIN_FRAME_BYTES, MAX_QUERY_BYTES};
use proptest::prelude::*;

fn one(bytes: &mut BytesMut) -> Frame {
    take_frame(bytes, Phase::Session)
        .unwrap()
        .expect("a whole frame")
}

fn head(tag: u8, declared: u32) -> BytesMut {
    let mut out = BytesMut::new();
    out.put_u8(tag);
    out.put_u32(declared);
    out
}

/// One of each message that a client sends.
fn conversation() -> BytesMut {
    let mut out = BytesMut::new();
    client::query(&mut out, "select 'é'").unwrap();
    client::parse(&mut out, "s1", "select $1", &[23, 0]).unwrap();
    let params = [Some(&b"1"[..]), None, Some(&b""[..])];
    client::bind(
        &mut out,
        "p1",
        "s1",
        &[Format::Binary],
        params.into_iter(),
        &[Format::Text, Format::Binary],
    )
    .unwrap();
    client::describe(&mut out, Target::Portal, "p1").unwrap();
    client::execute(&mut out, "p1", 50).unwrap();
    client::close(&mut out, Target::Statement, "s1").unwrap();
    client::flush(&mut out);
    client::sync(&mut out);
    client::copy_data(&mut out, b"1\t2\n").unwrap();
    client::copy_done(&mut out);
    client::copy_fail(&mut out, "no").unwrap();
    client::sasl_initial(&mut out, "SCRAM-SHA-256", b"n,,n=,r=x").unwrap();
    client::terminate(&mut out);
    out
}

fn frames(bytes: &mut BytesMut) -> Vec<Bytes> {
    let mut found = Vec::new();
    while let Some(frame) = take_frame(bytes, Phase::Session).unwrap() {
        found.push(frame.raw().clone());
    }
    found
}

#[test]
fn each_message_round_trips() {
    let mut bytes = conversation();
    assert!(matches!(
        one(&mut bytes).decode().unwrap(),
        Message::Query { sql: "select 'é'" }
    ));
    let frame = one(&mut bytes);
    let Message::Parse(parse) = frame.decode().unwrap() else {
        panic!("no parse")
    };
    assert_eq!(
        (parse.name, parse.sql, &parse.param_types[..]),
        ("s1", "select $1", &[23, 0][..])
    );
    let frame = one(&mut bytes);
    let Message::Bind(bind) = frame.decode().unwrap() else {
        panic!("no bind")
    };
    assert_eq!((bind.portal, bind.statement), ("p1", "s1"));
    assert_eq!(bind.params, [Some(&b"1"[..]), None, Some(&b""[..])]);
    assert_eq!(
        (
            bind.param_format(2),
            bind.result_format(0),
            bind.result_format(1)
        ),
        (Format::Binary, Format::Text, Format::Binary)
    );
    assert_eq!(
        frame.share(bind.params[0].unwrap()),
        Bytes::from_static(b"1")
    );
    assert_eq!(frame.share(bind.params[2].unwrap()), Bytes::new());
    assert!(matches!(
        one(&mut bytes).decode().unwrap(),
        Message::Describe {
            target: Target::Portal,
            name: "p1"
        }
    ));
    assert!(matches!(
        one(&mut bytes).decode().unwrap(),
        Message::Execute {
            portal: "p1",
            max_rows: 50
        }
    ));
    assert!(matches!(
        one(&mut bytes).decode().unwrap(),
        Message::Close {
            target: Target::Statement,
            name: "s1"
        }
    ));
    assert!(matches!(one(&mut bytes).decode().unwrap(), Message::Flush));
    assert!(matches!(one(&mut bytes).decode().unwrap(), Message::Sync));
    assert!(matches!(
        one(&mut bytes).decode().unwrap(),
        Message::CopyData { data: b"1\t2\n" }
    ));
    assert!(matches!(
        one(&mut bytes).decode().unwrap(),
        Message::CopyDone
    ));
    assert!(matches!(
        one(&mut bytes).decode().unwrap(),
        Message::CopyFail { reason: "no" }
    ));
    let frame = one(&mut bytes);
    let Message::Credential { body } = frame.decode().unwrap() else {
        panic!("no credential")
    };
    let initial = sasl_initial(body).unwrap();
    assert_eq!(
        (initial.mechanism, initial.data),
        ("SCRAM-SHA-256", Some(&b"n,,n=,r=x"[..]))
    );
    assert!(matches!(
        one(&mut bytes).decode().unwrap(),
        Message::Terminate
    ));
    assert!(bytes.is_empty());
}

#[test]
fn a_stream_split_anywhere_gives_the_same_frames() {
    let whole = conversation();
    let expected = frames(&mut whole.clone());
    assert_eq!(expected.len(), 13);
    for cut in 0..=whole.len() {
        let mut bytes = BytesMut::from(&whole[..cut]);
        let mut found = frames(&mut bytes);
        bytes.extend_from_slice(&whole[cut..]);
        found.extend(frames(&mut bytes));
        assert_eq!(found, expected, "cut at {cut}");
    }
}

#[test]
fn limits_hold_before_the_bytes_arrive() {
    let long = |limit: usize| u32::try_from(limit + 5).unwrap();
    for (tag, phase, limit) in [
        (b'Q', Phase::Session, MAX_QUERY_BYTES),
        (b'B', Phase::Session, MAX_BIND_BYTES),
        (b'Q', Phase::Login, MAX_LOGIN_FRAME_BYTES),
        (b'p', Phase::Login, MAX_LOGIN_FRAME_BYTES),
        (b'S', Phase::Session, 10_000),
    ] {
        let expected = WireError::TooLong {
            tag,
            bytes: limit + 1,
            limit,
        };
        assert_eq!(
            take_frame(&mut head(tag, long(limit)), phase),
            Err(expected)
        );
        assert_eq!(take_frame(&mut head(tag, long(limit - 1)), phase), Ok(None));
    }
    for declared in [0, 3, 0x8000_0000, u32::MAX] {
        let answer = take_frame(&mut head(b'Q', declared), Phase::Session);
        assert!(
            matches!(answer, Err(WireError::ImpossibleLength { .. })),
            "{declared}"
        );
    }
    // Judged by its first byte alone.
    assert_eq!(
        take_frame(&mut BytesMut::from(&[0x16][..]), Phase::Session),
        Err(WireError::UnknownTag { tag: 0x16 })
    );
}

#[track_caller]
fn check_refused(tag: u8, body: &[u8], expected: WireError) {
    assert_eq!(decode(tag, body).err(), Some(expected));
}

#[test]
fn what_is_not_exactly_right_is_refused_by_name() {
    check_refused(b'Q', b"select 1", WireError::Unterminated { what: "query" });
    check_refused(
        b'Q',
        b"select 1\0; drop\0",
        WireError::TrailingBytes { bytes: 7 },
    );
    check_refused(b'Q', b"\xff\0", WireError::NotUtf8 { what: "query" });
    check_refused(b'S', b"x", WireError::TrailingBytes { bytes: 1 });
    check_refused(
        b'D',
        b"X\0",
        WireError::UnknownCode {
            what: "target",
            code: i64::from(b'X'),
        },
    );
    check_refused(
        b'E',
        b"\0\xff\xff\xff\xff",
        WireError::CountOutOfRange {
            what: "row limit",
            count: -1,
        },
    );
    check_refused(
        b'P',
        b"\0\0\0\x02\0\0\0\x17",
        WireError::Truncated {
            what: "parameter types",
        },
    );
    check_refused(
        b'P',
        b"\0\0\xff\xff",
        WireError::Truncated {
            what: "parameter types",
        },
    );
    check_refused(
        b'B',
        b"\0\0\0\0\xff\xff",
        WireError::Truncated { what: "parameter" },
    );
    check_refused(
        b'B',
        b"\0\0\0\x01\0\x02\0\0\0\0",
        WireError::UnknownCode {
            what: "format",
            code: 2,
        },
    );
    let negative = WireError::NegativeLength {
        what: "parameter",
        length: -2,
    };
    check_refused(b'B', b"\0\0\0\0\0\x01\xff\xff\xff\xfe\0\0", negative);
    let too_long = WireError::Truncated { what: "parameter" };
    check_refused(b'B', b"\0\0\0\0\0\x01\0\0\0\x09x\0\0", too_long);
    let formats = WireError::CountOutOfRange {
        what: "parameter formats",
        count: 2,
    };
    check_refused(b'B', b"\0\0\0\x02\0\0\0\x01\0\x01\0\0\0\x01x\0\0", formats);
    check_refused(
        b'B',
        b"\0\0\0\0\0\0\0\0!",
        WireError::TrailingBytes { bytes: 1 },
    );
    assert!(sasl_initial(b"SCRAM-SHA-256\0\0\0\0\x05abc").is_err());
    assert!(sasl_initial(b"SCRAM-SHA-256\0\0\0\0\x03abcd").is_err());
}

#[test]
fn builders_refuse_a_nul_and_leave_the_buffer_as_it_was() {
    let mut out = BytesMut::from(&b"before"[..]);
    assert_eq!(
        client::query(&mut out, "select 1\0; drop"),
        Err(WireError::EmbeddedNul { what: "query" })
    );
    assert_eq!(&out[..], b"before");
    assert!(client::startup(&mut out, [("user", "a"), ("", "b")].into_iter()).is_err());
    assert!(client::startup(&mut out, [("user", "a\0database\0b")].into_iter()).is_err());
    assert_eq!(&out[..], b"before");
}

#[test]
fn frames_do_not_print_their_contents() {
    let mut out = BytesMut::new();
    client::query(&mut out, "select secret").unwrap();
    assert_eq!(format!("{:?}", one(&mut out)), "Frame(Q, 19 bytes)");
}

proptest! {
    #[test]
    fn bind_round_trips(params in proptest::collection::vec(proptest::option::of(proptest::collection::vec(any::<u8>(), 0..40)), 0..20)) {
        let mut out = BytesMut::new();
        client::bind(&mut out, "", "s", &[], params.iter().map(Option::as_deref), &[Format::Binary]).unwrap();
        let frame = one(&mut out);
        let Message::Bind(bind) = frame.decode().unwrap() else { panic!("no bind") };
        let read: Vec<_> = bind.params.iter().map(|param| param.map(<[u8]>::to_vec)).collect();
        prop_assert_eq!(read, params);
    }

    #[test]
    fn arbitrary_bytes_never_panic(tag in any::<u8>(), body in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = decode(tag, &body);
        let _ = sasl_initial(&body);
        let mut bytes = BytesMut::from(&body[..]);
        while let Ok(Some(frame)) = take_frame(&mut bytes, Phase::Session) {
            let _ = frame.decode();
        }
    }

    #[test]
    fn a_decoded_message_survives_being_mutated(at in 0_usize..200, to in any::<u8>()) {
        let mut bytes = conversation();
        let length = bytes.len();
        bytes[at % length] = to;
        while let Ok(Some(frame)) = take_frame(&mut bytes, Phase::Session) {
            let _ = frame.decode();
        }
    }
}
