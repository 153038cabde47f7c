//! The piece of a statement that a reason points at: its place, and a line with a mark under it that
//! also stands right under wide characters.

use serde::{Deserialize, Serialize};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Columns of a terminal that the line may take.
const LINE_COLUMNS: usize = 96;
/// Columns that are shown before the piece where a line is too long.
const BEFORE_COLUMNS: usize = 40;
/// Longest mark under a piece.
const MARK_COLUMNS: usize = 40;

/// Where a reason stands. Counted in characters from 1, as PostgreSQL counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// In the statement.
    pub position: usize,
    /// In the text that was given.
    pub line: usize,
    pub column: usize,
    /// The word at that place.
    pub piece: String,
}

impl Place {
    /// Of the byte `at` of `sql`, which is a part of `text`.
    pub fn of(sql: &str, at: usize, text: &str) -> Self {
        let at = sql.floor_char_boundary(at);
        let before = sql.get(..at).unwrap_or_default();
        let begins = (sql.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
        let all = text.get(..begins + at).unwrap_or(before);
        let line_begins = all.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            position: before.chars().count() + 1,
            line: all.matches('\n').count() + 1,
            column: all.get(line_begins..).unwrap_or_default().chars().count() + 1,
            piece: word_at(sql.get(at..).unwrap_or_default()).to_owned(),
        }
    }

    /// The statement's line, and the mark under the piece.
    pub fn lines(&self, sql: &str) -> (String, String) {
        let at = sql
            .char_indices()
            .nth(self.position - 1)
            .map_or(sql.len(), |(at, _)| at);
        let begins = sql
            .get(..at)
            .and_then(|before| before.rfind('\n'))
            .map_or(0, |newline| newline + 1);
        let before = printable(sql.get(begins..at).unwrap_or_default());
        let after = sql.get(at..).unwrap_or_default();
        let after = printable(after.lines().next().unwrap_or_default());
        let (cut, before) = last_columns(&before, BEFORE_COLUMNS, LINE_COLUMNS / 2);
        let lead = if cut { "…" } else { "" };
        let room = LINE_COLUMNS.saturating_sub(before.width() + lead.width());
        let (after, tail) = first_columns(&after, room);
        let indent = before.width() + lead.width();
        let marked = first_columns(&printable(&self.piece), MARK_COLUMNS)
            .0
            .width();
        let mark = "^".repeat(marked.max(1));
        (
            format!("{lead}{before}{after}{tail}"),
            format!("{}{mark}", " ".repeat(indent)),
        )
    }
}

/// A name, a number or one sign.
fn word_at(text: &str) -> &str {
    let in_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '$' | '"');
    let end = text.find(|c: char| !in_word(c)).unwrap_or(text.len());
    match (end, text.chars().next()) {
        (0, Some(first)) => text.get(..first.len_utf8()).unwrap_or_default(),
        _ => text.get(..end).unwrap_or_default(),
    }
}

/// Foreign text reaches no terminal with control characters; each becomes one blank.
pub(super) fn printable(text: &str) -> String {
    let blank = |c: char| c.is_control() || is_directional(c);
    text.chars()
        .map(|c| if blank(c) { ' ' } else { c })
        .collect()
}

/// What makes a terminal show a line in another order than it is written.
fn is_directional(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The end of a text in so many columns, if it is wider than `most`; whether something was cut.
fn last_columns(text: &str, columns: usize, most: usize) -> (bool, &str) {
    if text.width() <= most {
        return (false, text);
    }
    let mut room = columns;
    let mut from = text.len();
    for (at, c) in text.char_indices().rev() {
        let width = c.width().unwrap_or(0);
        if width > room {
            break;
        }
        room -= width;
        from = at;
    }
    (true, text.get(from..).unwrap_or_default())
}

fn first_columns(text: &str, columns: usize) -> (&str, &'static str) {
    if text.width() <= columns {
        return (text, "");
    }
    // One for the sign that something was cut.
    let mut room = columns.saturating_sub(1);
    for (at, c) in text.char_indices() {
        let width = c.width().unwrap_or(0);
        if width > room {
            return (text.get(..at).unwrap_or_default(), "…");
        }
        room -= width;
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn shown(sql: &str, piece: &str) -> (String, String) {
        Place::of(sql, sql.find(piece).unwrap(), sql).lines(sql)
    }

    #[test]
    fn the_mark_stands_under_the_piece() {
        assert_eq!(
            shown("select x\nfrom clinic.t, y", "clinic.t"),
            ("from clinic.t, y".to_owned(), "     ^^^^^^^^".to_owned())
        );
        // Wide characters take two columns, an accent that combines none.
        let (line, mark) = shown("select '李伟', e\u{301}, 病房 from t", "病房");
        assert_eq!(line, "select '李伟', e\u{301}, 病房 from t");
        assert_eq!(
            mark,
            format!("{}^^^^", " ".repeat("select '".len() + 4 + "', e, ".len()))
        );
        assert_eq!(shown("select\t\u{202e}x", "x").0, "select  x");
    }

    #[test]
    fn a_long_line_is_cut_around_the_piece() {
        let sql = format!(
            "select {} secret, {}",
            "'李伟',".repeat(9000),
            "1,".repeat(9000)
        );
        let (line, mark) = shown(&sql, "secret");
        assert!(line.width() <= LINE_COLUMNS, "{line}");
        assert!(line.starts_with('…') && line.ends_with('…'), "{line}");
        let indent = mark.len() - mark.trim_start().len();
        let under: String = line
            .chars()
            .scan(0, |column, c| {
                let at = *column;
                *column += c.width().unwrap_or(0);
                Some((at, c))
            })
            .filter(|(at, _)| *at >= indent)
            .map(|(_, c)| c)
            .collect();
        assert!(under.starts_with("secret"), "{line}\n{mark}");
        assert_eq!(mark.trim_start(), "^^^^^^");
    }

    #[test]
    fn places_count_characters_in_the_statement_and_lines_in_the_text() {
        let text = "select 1;\n  select '李',\n y from t";
        let sql = &text[text.find("  select").unwrap() + 2..];
        let place = Place::of(sql, sql.find('y').unwrap(), text);
        assert_eq!((place.position, place.line, place.column), (14, 3, 2));
        assert_eq!(place.piece, "y");
        let end = Place::of(sql, 4096, text);
        assert_eq!(end.piece, "");
        assert_eq!(end.lines(sql).1.trim_start(), "^");
    }
}
