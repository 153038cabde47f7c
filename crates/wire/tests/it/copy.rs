use bytes::BytesMut;
use portcullis_wire::WireError;
use portcullis_wire::copy::{Layout, Piece, Strip};
use proptest::prelude::*;

const TEXT: Layout = Layout::Text { delimiter: b'\t' };
const CSV: Layout = Layout::Csv { delimiter: b',' };

type Taps = Vec<Option<Vec<u8>>>;

/// Runs messages through one stream; gives what the client gets and what was tapped.
fn run(
    layout: Layout,
    header: bool,
    tapped: usize,
    messages: &[&[u8]],
) -> Result<(Vec<Vec<u8>>, Vec<Taps>), WireError> {
    let mut strip = Strip::new(layout, header, tapped)?;
    let (mut kept, mut taps) = (Vec::new(), Vec::new());
    for message in messages {
        let mut out = BytesMut::new();
        if let Piece::Row { tap } = strip.strip(message, &mut out)? {
            taps.push(tap.map(|value| value.map(<[u8]>::to_vec)).collect());
        }
        let frame = portcullis_wire::backend::next_frame(&out, 0)?.expect("a whole frame");
        assert_eq!((frame.tag, frame.end), (b'd', out.len()));
        kept.push(frame.body(&out).to_vec());
    }
    Ok((kept, taps))
}

fn values(taps: &[&str]) -> Taps {
    taps.iter()
        .map(|tap| Some(tap.as_bytes().to_vec()))
        .collect()
}

#[test]
fn text_lines_lose_their_last_columns() {
    let lines: [&[u8]; 3] = [
        b"1\tWang\\tLi\tab12\t-\n",
        b"\\N\t\tff\t00\n",
        b"a\\\\\t\\\\\t-\t-\n",
    ];
    let (kept, taps) = run(TEXT, false, 2, &lines).unwrap();
    assert_eq!(kept, [&b"1\tWang\\tLi\n"[..], b"\\N\t\n", b"a\\\\\t\\\\\n"]);
    assert_eq!(
        taps,
        [
            values(&["ab12", "-"]),
            values(&["ff", "00"]),
            values(&["-", "-"])
        ]
    );
}

#[test]
fn csv_lines_may_hold_anything_before_the_tap() {
    let lines: [&[u8]; 3] = [b"id,name,_tap_1\n", b"1,\"a,b\nc\"\"d,-\",0f\n", b",,-\r\n"];
    let (kept, taps) = run(CSV, true, 1, &lines).unwrap();
    assert_eq!(
        kept,
        [&b"id,name\n"[..], b"1,\"a,b\nc\"\"d,-\"\n", b",\r\n"]
    );
    assert_eq!(taps, [values(&["0f"]), values(&["-"])]);
}

#[test]
fn a_tap_in_any_other_form_is_refused() {
    for line in [
        &b"1\t\"-\"\n"[..],
        b"1\t\\N\n",
        b"1\t\n",
        b"ab12\n",
        b"1\tAB\n",
        b"1\tab",
        b"",
        b"\n",
        b"1\tab\tg\n",
    ] {
        assert!(
            run(TEXT, false, 1, &[line]).is_err(),
            "{}",
            line.escape_ascii()
        );
    }
    assert!(run(TEXT, false, 2, &[b"1\t\tab\n"]).is_err());
    assert!(run(CSV, true, 1, &[b"id,\"_tap\"\n"]).is_err());
    for delimiter in [b'-', b'a', b'0', b'z', b'_', b'\n', b'\r', b'"', 0] {
        assert_eq!(
            Strip::new(Layout::Csv { delimiter }, false, 1).err(),
            Some(WireError::TapDelimiter)
        );
    }
}

const HEAD: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

#[test]
fn binary_rows_lose_their_last_fields() {
    let row = b"\0\x03\0\0\0\x01x\xff\xff\xff\xff\0\0\0\x02ab";
    let short = b"\0\x01\0\0\0\x01x";
    let tap: Taps = vec![None, Some(b"ab".to_vec())];
    let (kept, taps) = run(
        Layout::Binary,
        false,
        2,
        &[&joined(&[HEAD, row]), row, b"\xff\xff"],
    )
    .unwrap();
    assert_eq!(
        kept,
        [joined(&[HEAD, short]), short.to_vec(), b"\xff\xff".to_vec()]
    );
    assert_eq!(taps, [tap.clone(), tap.clone()]);
    // Head and end mark may stand alone, or together where there is no row.
    let (kept, taps) = run(Layout::Binary, false, 2, &[HEAD, row, b"\xff\xff"]).unwrap();
    assert_eq!(
        (kept.concat(), taps),
        (joined(&[HEAD, short, b"\xff\xff"]), vec![tap])
    );
    let (kept, taps) = run(Layout::Binary, false, 2, &[&joined(&[HEAD, b"\xff\xff"])]).unwrap();
    assert_eq!(
        (kept.concat(), taps.len()),
        (joined(&[HEAD, b"\xff\xff"]), 0)
    );
}

#[test]
fn a_binary_stream_out_of_order_is_refused() {
    let row: &[u8] = b"\0\x01\0\0\0\x01x";
    assert!(run(Layout::Binary, false, 1, &[row]).is_err());
    assert!(run(Layout::Binary, false, 1, &[HEAD, b""]).is_err());
    assert!(run(Layout::Binary, false, 1, &[HEAD, b"\xff\xff", row]).is_err());
    assert!(run(Layout::Binary, false, 2, &[HEAD, row]).is_err());
    assert!(run(Layout::Binary, false, 1, &[HEAD, &joined(&[row, row])]).is_err());
    let mut flagged = HEAD.to_vec();
    flagged[13] = 1;
    assert_eq!(
        run(Layout::Binary, false, 1, &[&flagged]).err(),
        Some(WireError::CopyOutOfOrder)
    );
}

proptest! {
    #[test]
    fn the_kept_part_is_what_stood_before_the_tap(
        kept in proptest::collection::vec(any::<u8>(), 0..60),
        taps in proptest::collection::vec("[0-9a-f]{1,16}|-", 1..4),
    ) {
        let mut line = kept.clone();
        for tap in &taps {
            line.push(b',');
            line.extend_from_slice(tap.as_bytes());
        }
        line.push(b'\n');
        let (read, tapped) = run(CSV, false, taps.len(), &[&line]).unwrap();
        let expected = joined(&[&kept, b"\n"]);
        prop_assert_eq!(&read[0], &expected);
        let taps: Vec<&str> = taps.iter().map(String::as_str).collect();
        prop_assert_eq!(&tapped[0], &values(&taps));
    }

    #[test]
    fn arbitrary_bytes_never_panic(first in proptest::collection::vec(any::<u8>(), 0..60), second in proptest::collection::vec(any::<u8>(), 0..60)) {
        for layout in [TEXT, CSV, Layout::Binary] {
            let _ = run(layout, true, 1, &[&first, &second]);
            let _ = run(layout, false, 2, &[HEAD, &second]);
        }
    }
}
