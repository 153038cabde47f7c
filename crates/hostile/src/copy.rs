//! A COPY stream in its three layouts, messages cut out of the input at byte 0xfe.

use bytes::BytesMut;
use portcullis_wire::backend::next_frame;
use portcullis_wire::copy::{Layout, Piece, Strip};

pub(crate) fn run(data: &[u8]) {
    let layouts = [
        Layout::Text { delimiter: b'\t' },
        Layout::Csv { delimiter: b',' },
        Layout::Binary,
    ];
    for layout in layouts {
        for (header, tapped) in [(false, 0), (true, 1), (false, 2)] {
            stream(layout, header, tapped, data);
        }
    }
}

fn stream(layout: Layout, header: bool, tapped: usize, data: &[u8]) {
    let mut strip = Strip::new(layout, header, tapped).unwrap();
    for message in data.split(|byte| *byte == 0xfe) {
        let mut out = BytesMut::new();
        let Ok(piece) = strip.strip(message, &mut out) else {
            return assert!(out.is_empty(), "a refused row was written");
        };
        let frame = next_frame(&out, 0).unwrap().expect("a whole frame");
        assert_eq!(frame.end, out.len());
        let kept = frame.body(&out);
        if let Piece::Row { tap } = piece {
            let taps: Vec<_> = tap.collect();
            assert_eq!(taps.len(), tapped);
            if layout != Layout::Binary {
                check_line(message, kept, &taps);
            }
        }
    }
}

/// Nothing is lost and nothing invented: kept, tap and ending are the line.
fn check_line(line: &[u8], kept: &[u8], taps: &[Option<&[u8]>]) {
    let tap_bytes: usize = taps
        .iter()
        .map(|tap| tap.expect("text has no NULL").len() + 1)
        .sum();
    assert_eq!(line.len(), kept.len() + tap_bytes);
    assert!(kept.ends_with(b"\n"));
    let is_tap = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-');
    assert!(
        taps.iter()
            .flatten()
            .all(|tap| !tap.is_empty() && tap.iter().all(is_tap))
    );
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let head = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
    let row = b"\0\x03\0\0\0\x01x\xff\xff\xff\xff\0\0\0\x02ab";
    vec![
        b"1\tWang\tab12\t-\n\xfe2\t\\N\t-\t00\n".to_vec(),
        b"id,_tap\n\xfe1,\"a,b\",0f,-\r\n".to_vec(),
        [&head[..], row, b"\xfe", row, b"\xfe\xff\xff"].concat(),
        [&head[..], b"\xff\xff"].concat(),
    ]
}
