use bytes::BytesMut;
use portcullis_wire::WireError;
use portcullis_wire::backend::next_frame;
use portcullis_wire::build::server;
use portcullis_wire::row::{compact_frame, compact_row, fields, split_last};
use proptest::prelude::*;

type Row = Vec<Option<Vec<u8>>>;

fn row(values: &[Option<&[u8]>]) -> BytesMut {
    let mut out = BytesMut::new();
    server::data_row(&mut out, values.iter().copied()).unwrap();
    out
}

fn read(body: &[u8]) -> Result<Row, WireError> {
    fields(body)?
        .map(|field| field.map(|value| value.map(<[u8]>::to_vec)))
        .collect()
}

#[test]
fn the_tap_is_cut_off_and_the_rest_is_as_the_server_would_have_sent_it() {
    let whole = row(&[Some(b"1"), None, Some(b""), Some(b"\x00key"), None]);
    let split = split_last(&whole[5..], 2).unwrap();
    assert_eq!(
        split.tap().collect::<Vec<_>>(),
        [Some(&b"\x00key"[..]), None]
    );
    let mut out = BytesMut::new();
    split.write(&mut out);
    let expected = row(&[Some(b"1"), None, Some(b"")]);
    assert_eq!(out, expected);
    assert_eq!(split.kept().frame_bytes(), expected.len());
    assert_eq!(split.kept().fields(), 3);
}

#[test]
fn nothing_tapped_leaves_the_row_as_it_was() {
    let whole = row(&[Some(b"1"), None]);
    let split = split_last(&whole[5..], 0).unwrap();
    let mut out = BytesMut::new();
    split.write(&mut out);
    assert_eq!((split.tap().count(), out), (0, whole));
}

#[test]
fn what_is_not_exactly_right_is_refused_by_name() {
    for (body, tapped, expected) in [
        (
            &b""[..],
            0,
            WireError::Truncated {
                what: "field count",
            },
        ),
        (
            b"\0\x01",
            0,
            WireError::Truncated {
                what: "field length",
            },
        ),
        (
            b"\0\x01\0\0\0\x02x",
            0,
            WireError::Truncated { what: "field" },
        ),
        (
            b"\0\x01\xff\xff\xff\xfe",
            0,
            WireError::NegativeLength {
                what: "field",
                length: -2,
            },
        ),
        (
            b"\0\x01\0\0\0\x01xy",
            1,
            WireError::TrailingBytes { bytes: 1 },
        ),
        (
            b"\0\x01\0\0\0\x01x",
            2,
            WireError::TooFewFields {
                fields: 1,
                needed: 2,
            },
        ),
        (
            b"\xff\xff",
            0,
            WireError::CountOutOfRange {
                what: "fields",
                count: 65_535,
            },
        ),
    ] {
        assert_eq!(split_last(body, tapped).err(), Some(expected));
    }
    assert_eq!(
        read(b"\0\x01\0\0\0\x01xy"),
        Err(WireError::TrailingBytes { bytes: 1 })
    );
    assert_eq!(
        read(b"\0\x02\0\0\0\x09x"),
        Err(WireError::Truncated { what: "field" })
    );
}

#[test]
fn compacting_refuses_to_write_over_what_is_not_read_yet() {
    let mut bytes = row(&[Some(b"1"), Some(b"k")]);
    let frame = next_frame(&bytes, 0).unwrap().unwrap();
    let kept = split_last(frame.body(&bytes), 1).unwrap().kept();
    assert_eq!(compact_row(&mut bytes, frame, kept, 1), None);
    assert_eq!(compact_frame(&mut bytes, frame, 1), None);
    assert_eq!(compact_row(&mut bytes[..3], frame, kept, 0), None);
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let value = proptest::option::of(proptest::collection::vec(any::<u8>(), 0..20));
    proptest::collection::vec(proptest::collection::vec(value, 2..6), 1..8)
}

fn built(rows: &[Row]) -> BytesMut {
    let mut out = BytesMut::new();
    for row in rows {
        server::data_row(&mut out, row.iter().map(Option::as_deref)).unwrap();
    }
    out
}

proptest! {
    #[test]
    fn in_place_and_copied_agree_with_rows_built_without_the_tap(rows in rows(), tapped in 0_usize..3) {
        let mut bytes = built(&rows);
        server::command_complete(&mut bytes, "SELECT 1").unwrap();
        let (mut at, mut write_at, mut copied) = (0, 0, BytesMut::new());
        let mut taps = Vec::new();
        while let Some(frame) = next_frame(&bytes, at).unwrap() {
            at = frame.end;
            if frame.tag != b'D' {
                copied.extend_from_slice(frame.raw(&bytes));
                write_at = compact_frame(&mut bytes, frame, write_at).unwrap();
                continue;
            }
            let split = split_last(frame.body(&bytes), tapped).unwrap();
            taps.push(split.tap().map(|value| value.map(<[u8]>::to_vec)).collect::<Vec<_>>());
            split.write(&mut copied);
            let kept = split.kept();
            let mut again = BytesMut::new();
            split.write(&mut again);
            let mut unwalked = BytesMut::new();
            kept.write(frame.body(&bytes), &mut unwalked).unwrap();
            prop_assert_eq!(&again, &unwalked);
            prop_assert!(kept.write(&[], &mut unwalked).is_err());
            write_at = compact_row(&mut bytes, frame, kept, write_at).unwrap();
        }
        bytes.truncate(write_at);
        let shorter: Vec<Row> = rows.iter().map(|row| row[..row.len() - tapped].to_vec()).collect();
        let mut expected = built(&shorter);
        server::command_complete(&mut expected, "SELECT 1").unwrap();
        prop_assert_eq!(&bytes, &expected);
        prop_assert_eq!(&copied, &expected);
        let expected: Vec<Row> = rows.iter().map(|row| row[row.len() - tapped..].to_vec()).collect();
        prop_assert_eq!(taps, expected);
    }

    #[test]
    fn rows_round_trip(rows in rows()) {
        for row in rows {
            let bytes = built(std::slice::from_ref(&row));
            prop_assert_eq!(read(&bytes[5..]).unwrap(), row);
        }
    }

    #[test]
    fn a_split_accepts_exactly_what_the_fields_accept(body in proptest::collection::vec(prop_oneof![Just(0_u8), Just(1), Just(255), any::<u8>()], 0..40)) {
        let whole = read(&body);
        prop_assert_eq!(split_last(&body, 0).is_ok(), whole.is_ok());
        if let (Ok(split), Ok(whole)) = (split_last(&body, 1), whole) {
            let last = split.tap().next().unwrap().map(<[u8]>::to_vec);
            prop_assert_eq!(&last, whole.last().unwrap());
        }
    }
}
