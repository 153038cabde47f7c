//! The parser under arbitrary text, and small syntaxes there and back.

use portcullis_contract::quantity::{
    QUANTITY_MAX, parse_duration, parse_size, write_duration, write_size,
};
use portcullis_contract::*;
use proptest::prelude::*;

use crate::sample::{SAMPLE, source};

/// Parses, shows and asks for JSON; the only thing asked of the outcome is that there is one.
fn parse_and_show(text: &str) {
    let files = [source(text)];
    if let Err(mistakes) = file::parse(&files, &Options::default()) {
        assert!(!mistakes.is_empty());
        let shown = file::render(&mistakes, &files, true);
        assert!(shown.len() > mistakes.len());
        for (mistake, json) in mistakes.iter().zip(file::to_json(&mistakes, &files)) {
            assert!(mistake.help.is_some(), "{mistake:?}");
            assert!(
                !mistake.message.is_empty() && !mistake.message.ends_with('.'),
                "{mistake:?}"
            );
            assert!(
                mistake.span.start <= mistake.span.end && mistake.span.end <= text.len() + 1,
                "{mistake:?}"
            );
            assert!(json.line >= 1 && json.column >= 1);
        }
    }
}

/// Pieces that files are made of, to be put where they don't belong.
const PIECES: [&str; 24] = [
    "\"",
    "'''",
    "[",
    "]",
    "[[",
    "{",
    "}",
    "=",
    ",",
    "\n",
    "#",
    "2026-13-45",
    "-1",
    "1e400",
    "9223372036854775808",
    "0x",
    "nan",
    "true",
    "\u{0}",
    "\u{feff}",
    "医院",
    "\u{202e}",
    "a.b.c",
    "password = \"s3cret\"",
];

fn mutated() -> impl Strategy<Value = String> {
    let edit = (
        0usize..SAMPLE.len(),
        0usize..40,
        prop::sample::select(PIECES.to_vec()),
    );
    prop::collection::vec(edit, 1..4).prop_map(|edits| {
        let mut text = SAMPLE.to_owned();
        for (at, cut, piece) in edits {
            let start = text.floor_char_boundary(at.min(text.len()));
            let end = text.ceil_char_boundary((start + cut).min(text.len()));
            text.replace_range(start..end, piece);
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_taken_or_refused(text in any::<String>()) {
        parse_and_show(&text);
    }

    #[test]
    fn a_damaged_sample_is_taken_or_refused(text in mutated()) {
        parse_and_show(&text);
    }

    #[test]
    fn a_lost_line_is_taken_or_refused(lost in 0usize..80, doubled in 0usize..80) {
        let lines: Vec<&str> = SAMPLE.lines().enumerate().filter(|(number, _)| *number != lost).map(|(_, line)| line).collect();
        parse_and_show(&lines.join("\n"));
        let line = SAMPLE.lines().nth(doubled).unwrap_or_default();
        parse_and_show(&SAMPLE.replacen(line, &format!("{line}\n{line}"), 1));
    }

    #[test]
    fn a_password_is_never_shown(secret in "[a-zA-Z0-9!$%&*+,;=._~-]{12,20}") {
        for text in [
            SAMPLE.replace("steward@127", &format!("steward:{secret}@127")),
            SAMPLE.replace("?sslmode=prefer", &format!("?password={secret}")),
            SAMPLE.replace("password_file", &format!("password = \"{secret}\"\npassword_file")),
            SAMPLE.replace("steward@127", &format!("steward:{secret}@127")).replace("[resource.hospital]", "[resource.hospital"),
        ] {
            let files = [source(&text)];
            let mistakes = file::parse(&files, &Options::default()).unwrap_err();
            let shown = file::render(&mistakes, &files, false) + &format!("{:?}", file::to_json(&mistakes, &files));
            prop_assert!(!shown.contains(&secret), "{}", shown);
        }
    }

    #[test]
    fn sizes_and_durations_go_there_and_back(value in 0..=QUANTITY_MAX) {
        prop_assert_eq!(parse_size(&write_size(value)), Ok(value));
        prop_assert_eq!(parse_duration(&write_duration(value)), Ok(value));
    }

    #[test]
    fn round_amounts_go_there_and_back(count in 1u64..1000, unit in prop::sample::select(vec![1u64, 60, 3_600, 86_400, 604_800, 31_536_000, 1_000_000, 1 << 20])) {
        prop_assert_eq!(parse_size(&write_size(count * unit)), Ok(count * unit));
        prop_assert_eq!(parse_duration(&write_duration(count * unit)), Ok(count * unit));
    }

    #[test]
    fn hours_go_there_and_back(spans in prop::collection::vec((prop::collection::btree_set(1u8..=7, 1..=7), 0u16..1439, 1u16..=1440), 1..6)) {
        let spans: Vec<HoursSpan> = spans.into_iter().map(|(days, from, length)| HoursSpan {
            days, from_minute: from, to_minute: (from + length).min(1440),
        }).collect();
        prop_assert_eq!(hours::parse(&hours::write(&spans)), Ok(spans));
    }

    #[test]
    fn any_text_as_hours_size_mask_or_table_is_answered(text in ".{0,40}") {
        let _ = (hours::parse(&text), parse_size(&text), parse_duration(&text));
        if let Some(mask) = file::parse_mask(&text) {
            prop_assert_eq!(file::parse_mask(&file::write_mask(&mask)), Some(mask));
        }
        if let Some((schema, table)) = file::parse_table_name(&text) {
            prop_assert!(!schema.contains('.') && !table.contains('.') && !schema.is_empty() && !table.is_empty());
        }
    }
}

#[test]
fn amounts_are_read_as_people_write_them() {
    for (text, bytes) in [
        ("5 MB", 5_000_000),
        ("5MB", 5_000_000),
        ("1 kB", 1000),
        ("1 KiB", 1024),
        ("2 mib", 2 << 20),
        ("1_000 B", 1000),
    ] {
        assert_eq!(parse_size(text), Ok(bytes), "{text}");
    }
    for (text, seconds) in [
        ("12h", 43_200),
        ("30d", 2_592_000),
        ("14d", 1_209_600),
        ("3y", 94_608_000),
        ("90 min", 5_400),
    ] {
        assert_eq!(parse_duration(text), Ok(seconds), "{text}");
    }
    for wrong in [
        "",
        "MB",
        "5",
        "5 M",
        "-5 MB",
        "5.5 MB",
        "5 MB 3",
        "9999999999 TB",
        "99999999999999999999 B",
        "_ B",
    ] {
        assert!(parse_size(wrong).is_err(), "{wrong}");
    }
    for wrong in ["", "h", "12", "12m", "12 H", "1h30min", "999999999999 y"] {
        assert!(parse_duration(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn budget_keys_go_there_and_back() {
    assert_eq!(Budget::keys().count(), 23);
    for (key, (measure, window, holder)) in Budget::keys() {
        assert_eq!(Budget::parse_key(&key), Some((measure, window, holder)));
        assert_eq!(
            Budget {
                measure,
                window,
                holder,
                limit: 1
            }
            .key(),
            key
        );
    }
    for wrong in [
        "",
        "rows",
        "rows_per_week",
        "vendor_rows_per_statement",
        "vendor_bytes_per_session",
        "aggregates_per_statement",
    ] {
        assert_eq!(Budget::parse_key(wrong), None, "{wrong}");
    }
}

/// Nesting is bounded by the TOML reader; a deep file is an answer, not a stack overflow.
#[test]
fn deep_nesting_is_refused() {
    for (open, close) in [("[", "]"), ("{a=", "}")] {
        let text = format!(
            "vendor = {}1{}",
            open.repeat(100_000),
            close.repeat(100_000)
        );
        assert!(file::parse(&[source(&text)], &Options::default()).is_err());
        let text = format!("vendor = {}", open.repeat(100_000));
        assert!(file::parse(&[source(&text)], &Options::default()).is_err());
    }
    let header = format!("[{}b]", "a.".repeat(100_000));
    assert!(file::parse(&[source(&header)], &Options::default()).is_err());
}

#[test]
fn a_huge_file_is_refused_unread() {
    let text = "#".repeat(file::FILE_BYTES_MAX + 1);
    let mistakes = file::parse(&[source(&text)], &Options::default()).unwrap_err();
    assert!(mistakes[0].message.contains("larger than"));
}

#[test]
fn common_time_zones_are_known_whatever_the_machine_has() {
    for zone in [
        "UTC",
        "Asia/Shanghai",
        "Europe/Berlin",
        "America/New_York",
        "Asia/Hong_Kong",
        "Etc/UTC",
    ] {
        let text = SAMPLE.replace("Asia/Shanghai", zone);
        let files = [source(&text)];
        if let Err(mistakes) = file::parse(&files, &Options::default()) {
            panic!("{}", file::render(&mistakes, &files, false));
        }
    }
}
