//! Plain text: every word may be a key.

use super::Sink;

pub(super) const COLUMN: &str = "words";

/// Words of letters and digits, with `-`, `_` and `.` within; the change from ASCII to another script
/// ends a word, since Chinese has no blanks. Of a word with marks in it the parts are words too.
pub(super) fn read(text: &str, sink: &mut dyn Sink) {
    let Some(column) = sink.column(COLUMN) else {
        return;
    };
    for line in text.lines() {
        for word in line.split(|c: char| {
            !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '０'..='９'))
        }) {
            let word = word.trim_matches(['-', '_', '.']);
            if word.is_empty() {
                continue;
            }
            sink.cell(column, word);
            if word.contains(['-', '_', '.']) {
                word.split(['-', '_', '.'])
                    .filter(|part| !part.is_empty())
                    .for_each(|part| sink.cell(column, part));
            }
        }
        sink.row();
    }
}
