use bytes::{BufMut, BytesMut};
use portcullis_wire::build::{client, server};
use portcullis_wire::startup::{First, StartupError, take_first};
use proptest::prelude::*;

fn packet(version: u32, body: &[u8]) -> BytesMut {
    let mut out = BytesMut::new();
    out.put_u32(u32::try_from(body.len() + 8).unwrap());
    out.put_u32(version);
    out.put_slice(body);
    out
}

const V3_0: u32 = 3 << 16;

#[track_caller]
fn check_refused(version: u32, body: &[u8], expected: StartupError) {
    assert_eq!(take_first(&mut packet(version, body)), Err(expected));
}

#[test]
fn a_plain_startup_is_read_in_its_order() {
    let mut bytes = packet(
        V3_0,
        b"user\0li.wei\0database\0hospital\0application_name\0psql\0\0",
    );
    let Some(First::Startup(startup)) = take_first(&mut bytes).unwrap() else {
        panic!("no startup")
    };
    assert_eq!(
        (startup.user(), startup.database(), startup.minor()),
        ("li.wei", "hospital", 0)
    );
    assert_eq!(startup.get("application_name"), Some("psql"));
    assert_eq!(startup.params().len(), 3);
    assert_eq!(startup.negotiation(), None);
    assert_eq!(startup.cancel_key_bytes(), 4);
    assert!(bytes.is_empty());
}

#[test]
fn the_database_defaults_to_the_user() {
    let Some(First::Startup(startup)) = take_first(&mut packet(V3_0, b"user\0li\0\0")).unwrap()
    else {
        panic!("no startup")
    };
    assert_eq!(startup.database(), "li");
}

#[test]
fn a_newer_minor_version_and_unknown_options_are_negotiated_down() {
    let mut bytes = packet(V3_0 | 9_999, b"user\0li\0_pq_.grease\0x\0\0");
    let Some(First::Startup(startup)) = take_first(&mut bytes).unwrap() else {
        panic!("no startup")
    };
    let negotiation = startup.negotiation().unwrap();
    assert_eq!(
        (negotiation.minor, negotiation.unsupported),
        (2, &["_pq_.grease".to_owned()][..])
    );
    assert_eq!(startup.get("_pq_.grease"), None);
    assert_eq!(startup.cancel_key_bytes(), 32);
    let mut out = BytesMut::new();
    server::negotiate_protocol_version(&mut out, negotiation).unwrap();
    let body = &out[5..];
    let answer = portcullis_wire::backend::negotiate_protocol_version(body).unwrap();
    assert_eq!(answer, (V3_0 | 2, vec!["_pq_.grease"]));
}

#[test]
fn requests_are_told_apart_and_what_follows_them_stays_visible() {
    let mut bytes = BytesMut::new();
    client::ssl_request(&mut bytes);
    bytes.put_slice(b"stuffed");
    assert_eq!(take_first(&mut bytes), Ok(Some(First::Ssl)));
    assert_eq!(&bytes[..], b"stuffed");

    assert_eq!(
        take_first(&mut packet(80_877_104, b"")),
        Ok(Some(First::GssEnc))
    );

    let mut bytes = BytesMut::new();
    client::cancel_request(&mut bytes, 7, &[1; 32]).unwrap();
    let Ok(Some(First::Cancel(cancel))) = take_first(&mut bytes) else {
        panic!("no cancel")
    };
    assert_eq!((cancel.process_id, &cancel.key[..]), (7, &[1; 32][..]));
    assert!(!format!("{cancel:?}").contains("key"));
}

#[test]
fn what_is_not_exactly_right_is_refused_by_name() {
    check_refused(80_877_103, b"x", StartupError::JunkInRequest { bytes: 1 });
    check_refused(80_877_104, b"xy", StartupError::JunkInRequest { bytes: 2 });
    check_refused(80_877_102, b"xy", StartupError::Truncated);
    check_refused(
        80_877_102,
        b"\0\0\0\x01xy",
        StartupError::CancelKey { bytes: 2 },
    );
    check_refused(
        80_877_102,
        &[0; 261],
        StartupError::CancelKey { bytes: 257 },
    );
    check_refused(
        2 << 16,
        b"user\0li\0\0",
        StartupError::Protocol { major: 2, minor: 0 },
    );
    check_refused(
        4 << 16,
        b"user\0li\0\0",
        StartupError::Protocol { major: 4, minor: 0 },
    );
    check_refused(V3_0, b"", StartupError::Truncated);
    check_refused(V3_0, b"user\0li\0", StartupError::Truncated);
    check_refused(V3_0, b"user\0li", StartupError::Truncated);
    check_refused(
        V3_0,
        b"user\0li\0\0x",
        StartupError::JunkAfterEnd { bytes: 1 },
    );
    check_refused(V3_0, b"\0", StartupError::NoUser);
    check_refused(V3_0, b"user\0\0\0", StartupError::NoUser);
    check_refused(V3_0, b"database\0x\0\0", StartupError::NoUser);
    check_refused(V3_0, b"user\0\xff\0\0", StartupError::NotUtf8);
    check_refused(
        V3_0,
        b"user\0a\0user\0b\0\0",
        StartupError::Duplicate {
            name: "user".into(),
        },
    );
    check_refused(
        V3_0,
        b"user\0a\0_pq_.x\0\0_pq_.x\0\0\0",
        StartupError::Duplicate {
            name: "_pq_.x".into(),
        },
    );
}

#[test]
fn a_length_is_refused_before_its_bytes_are_awaited() {
    for declared in [0, 7, 10_001, 0x1603_0100, u32::MAX] {
        let mut bytes = BytesMut::from(&declared.to_be_bytes()[..]);
        assert_eq!(
            take_first(&mut bytes),
            Err(StartupError::Length { declared })
        );
    }
}

#[test]
fn a_packet_may_come_in_pieces() {
    let whole = packet(V3_0, b"user\0li\0database\0d\0\0");
    let mut bytes = BytesMut::new();
    for (at, byte) in whole.iter().enumerate() {
        assert_eq!(take_first(&mut bytes), Ok(None), "after {at} bytes");
        bytes.put_u8(*byte);
    }
    assert!(matches!(
        take_first(&mut bytes),
        Ok(Some(First::Startup(_)))
    ));
}

proptest! {
    #[test]
    fn startup_round_trips(params in proptest::collection::btree_map("[a-z]{1,8}", "[^\0]{0,20}", 0..6), user in "[^\0]{1,20}") {
        let mut params = params;
        params.remove("user");
        let mut bytes = BytesMut::new();
        let all = [("user", user.as_str())].into_iter().chain(params.iter().map(|(n, v)| (n.as_str(), v.as_str())));
        client::startup(&mut bytes, all).unwrap();
        let Ok(Some(First::Startup(startup))) = take_first(&mut bytes) else { panic!("no startup") };
        prop_assert_eq!(startup.user(), user.as_str());
        for (name, value) in &params {
            prop_assert_eq!(startup.get(name), Some(value.as_str()));
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64), version in any::<u32>()) {
        let _ = take_first(&mut BytesMut::from(&bytes[..]));
        let _ = take_first(&mut packet(version, &bytes));
        let _ = take_first(&mut packet(V3_0, &bytes));
    }
}
