//! Files made to do harm end in an error, in time and within their memory.

use std::io::Write as _;

use portcullis_trace::{Leaked, Survey, Unreadable};
use proptest::prelude::*;

use crate::files::workbook;

fn read(bytes: Vec<u8>) -> Result<u64, Unreadable> {
    let leaked = Leaked::open(bytes)?;
    let mut survey = Survey::default();
    leaked.read(&mut survey)?;
    Ok(survey.rows)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

#[test]
fn deep_json_is_refused() {
    for text in ["[".repeat(100_000), "{\"a\":".repeat(100_000)] {
        assert_eq!(read(text.into_bytes()), Err(Unreadable::TooDeep));
    }
}

#[test]
fn what_packs_itself_again_is_refused() {
    // Packed twice, a gzip file hides what it comes to; the inner one is no text.
    let inner = gzip(&vec![b'1'; 8 << 20]);
    let unpacked = read(gzip(&inner));
    assert!(unpacked.is_err() || unpacked == Ok(1), "{unpacked:?}");
    // A workbook whose texts burst.
    let strings = format!(
        "<sst>{}</sst>",
        "<si><t>1111111111</t></si>".repeat(2_000_000)
    );
    let book = workbook("<worksheet/>", &strings);
    assert!(book.len() < 1 << 20, "{}", book.len());
    match read(book) {
        Ok(rows) => assert_eq!(rows, 0),
        Err(error) => assert_eq!(error, Unreadable::Bomb),
    }
}

#[test]
fn foreign_formats_are_named() {
    for (bytes, word) in [
        (&b"PGDMP\x01\x0e"[..], "pg_restore"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "xlsx"),
        (b"%PDF-1.7", "pdftotext"),
        (b"SQLite format 3\0", "CSV"),
        (b"PK\x03\x04nonsense", "zip"),
        (b"PAR1nonsense", "Parquet"),
        (b"\x1f\x8b\x08nonsense", "gzip"),
    ] {
        let error = read(bytes.to_vec()).unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
    }
    assert_eq!(read(Vec::new()), Err(Unreadable::Empty));
    assert_eq!(read(b"  \n ".to_vec()), Err(Unreadable::Empty));
}

#[test]
fn a_line_without_end_is_no_table() {
    let mut text = b"id,name\n7001,a\n7002,\"".to_vec();
    text.resize(20 << 20, b'x');
    let told = read(text);
    assert!(
        matches!(told, Err(Unreadable::LineTooLong(_))) || told.is_ok(),
        "{told:?}"
    );
    let dump = format!("INSERT INTO t VALUES ('{}", "x".repeat(20 << 20));
    assert_eq!(
        read(dump.into_bytes()),
        Err(Unreadable::LineTooLong(16 << 20))
    );
}

fn seeds() -> Vec<Vec<u8>> {
    vec![
        b"id,name\n7001,\"a\"\n".to_vec(),
        br#"[{"id": 7001, "x": [1, {"y": "z"}]}]"#.to_vec(),
        b"COPY t (id) FROM stdin;\n7001\n\\.\nINSERT INTO t (id) VALUES (1,'a');".to_vec(),
        workbook(
            "<worksheet><row><c r=\"A1\" t=\"s\"><v>0</v></c></row></worksheet>",
            "<sst><si><t>x</t></si></sst>",
        ),
        gzip(b"id\n1\n2\n"),
        b"\xff\xfe1\0,\x002\0\n\0".to_vec(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn no_mutant_panics(
        seed in 0usize..6,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = seeds().swap_remove(seed);
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.index(bytes.len()) + 1);
        let _ = read(bytes);
    }

    #[test]
    fn no_text_panics(text in "[\\[{\"',;()0-9a-z\\\\\n\t]{0,200}") {
        let _ = read(text.clone().into_bytes());
        let _ = read(format!("INSERT INTO {text}").into_bytes());
        let _ = read(format!("COPY {text} FROM stdin;\n{text}").into_bytes());
    }
}
