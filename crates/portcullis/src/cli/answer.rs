//! Prints an answer: JSON as it came, or words.

use std::io::Write as _;

use serde_json::Value;

use super::Global;

/// To standard output, all of it or whatever is still read.
pub fn write(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// `words` is called only where the user reads for himself.
pub fn show(global: &Global, answer: &Value, words: impl FnOnce(&Value)) {
    if global.json {
        say!("{answer}");
    } else {
        words(answer);
    }
}

/// A list in the answer, empty where there is none.
pub fn rows<'v>(answer: &'v Value, key: &str) -> &'v [Value] {
    answer
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// A text in the answer, by path.
pub fn text(answer: &Value, pointer: &str) -> String {
    answer
        .pointer(pointer)
        .map(super::table::text)
        .unwrap_or_else(|| "-".to_owned())
}
