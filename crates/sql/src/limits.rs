//! Limits with names, and the stack that deep statements are read on.
//!
//! Parsing, decoding and dropping a tree recurse as deep as the statement is nested. What could be
//! deep is read on a thread with a large stack, a few at a time; what would be too deep even there
//! is refused before it is parsed.

use std::sync::{Condvar, Mutex, PoisonError};

use portcullis_contract::Refusal;

use crate::rules::{self, Denial};

/// Longest text of one message.
pub const MAX_STATEMENT_BYTES: usize = 1 << 20;

/// Statements of one message that are told apart when the message is refused.
pub const MAX_SPLIT_STATEMENTS: usize = 256;
/// Most statements of a message, elements of a list, nodes of all trees.
pub use portcullis_grammar::{MAX_LIST_ELEMENTS, MAX_NODES, MAX_STATEMENTS};
/// Most columns of one result, at every level: PostgreSQL's own limit. What `*` stands for counts, so
/// that nothing multiplies.
pub const MAX_COLUMNS: usize = 1_664;
/// Most that a statement's nodes may weigh, each as much as it is deep: bounds the time of writing what
/// is both deep and wide.
pub const MAX_WEIGHT: usize = 8_000_000;
/// Most steps of reading one message, for what costs beyond a text's size: columns that an entry of
/// FROM brings into a query, and those that a name is looked for among (sixty-four for one). A step takes
/// microseconds, so this bounds the time.
pub const MAX_STEPS: usize = 100_000;
/// Most nesting units (see [`nesting_units`]) of one message.
pub const MAX_NESTING_UNITS: usize = 20_000;
/// Stack that one nesting unit can cost: decoding, reading and dropping it. Measured in a build
/// without optimisation, with a margin; `examples/depth.rs` measures again.
const UNIT_STACK_BYTES: usize = 50 << 10;
/// What a reader needs besides.
const BASE_STACK_BYTES: usize = 512 << 10;
/// Stack of a caller of [`understand`](fn@crate::understand) who says nothing: a thread of Rust's or tokio's default.
pub const DEFAULT_CALLER_STACK_BYTES: usize = 2 << 20;
/// Stack of a thread for deep statements. The parser itself gives up before it is used up.
const DEEP_STACK_BYTES: usize = 256 << 20;
/// So many deep statements are read at once; more wait.
const DEEP_READERS: usize = 2;

pub(crate) fn check_size(text: &str) -> Result<(), Refusal> {
    if text.len() > MAX_STATEMENT_BYTES {
        Denial::new(
            &rules::TEXT_BYTES,
            None,
            format!(
                "the text has {} bytes; at most {MAX_STATEMENT_BYTES} are read",
                text.len()
            ),
        )
        .hint("send it in parts; pass long lists as an array: `= ANY($1)`")
        .stands()?;
    }
    if text.contains('\0') {
        Denial::new(&rules::TEXT_ZERO, None, "the text has a zero byte")
            .hint("PostgreSQL's texts have none; leave it out")
            .at(text.find('\0'))
            .stands()?;
    }
    Ok(())
}

/// Counts what could nest, quoted text and comments included: an upper bound that no quoting can lower.
pub(crate) fn nesting_units(text: &str) -> usize {
    let mut units = 0;
    let mut word = 0;
    let mut operator = false;
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        let is_operator = matches!(
            byte,
            b'+' | b'-'
                | b'*'
                | b'/'
                | b'<'
                | b'>'
                | b'='
                | b'~'
                | b'!'
                | b'@'
                | b'#'
                | b'%'
                | b'^'
                | b'&'
                | b'|'
                | b'`'
                | b'?'
                | b':'
        );
        units += usize::from(matches!(byte, b'(' | b'[') || (is_operator && !operator));
        // A run of operator characters may be several operators: signs nest.
        units += usize::from(
            is_operator && operator && matches!(byte, b'-' | b'+' | b'@' | b'~' | b'!'),
        );
        operator = is_operator;
        if byte.is_ascii_alphabetic() || *byte >= 0x80 {
            word += 1;
        } else if word > 0 {
            units += word_units(bytes.get(at - word..at).unwrap_or_default());
            word = 0;
        }
    }
    units + word_units(bytes.get(bytes.len() - word..).unwrap_or_default())
}

/// What a keyword that can stand in a chain or open a nested form costs.
fn word_units(word: &[u8]) -> usize {
    const WORDS: &[(&[u8], usize)] = &[
        (b"and", 1),
        (b"or", 1),
        (b"not", 1),
        (b"case", 3),
        (b"select", 2),
        (b"values", 2),
        (b"table", 2),
        (b"union", 2),
        (b"except", 2),
        (b"intersect", 2),
        (b"join", 1),
        (b"is", 1),
        (b"isnull", 1),
        (b"notnull", 1),
        (b"like", 1),
        (b"ilike", 1),
        (b"similar", 1),
        (b"between", 1),
        (b"in", 1),
        (b"collate", 1),
        (b"at", 1),
        (b"operator", 1),
        (b"explain", 2),
        (b"prepare", 2),
        (b"with", 1),
    ];
    if word.len() > 9 {
        return 0;
    }
    WORDS
        .iter()
        .find(|(keyword, _)| keyword.eq_ignore_ascii_case(word))
        .map_or(0, |(_, units)| *units)
}

static READERS: Mutex<usize> = Mutex::new(0);
static READER_DONE: Condvar = Condvar::new();

struct Turn;

impl Turn {
    fn wait() -> Self {
        let mut readers = READERS.lock().unwrap_or_else(PoisonError::into_inner);
        while *readers >= DEEP_READERS {
            readers = READER_DONE
                .wait(readers)
                .unwrap_or_else(PoisonError::into_inner);
        }
        *readers += 1;
        Self
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *READERS.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        READER_DONE.notify_one();
    }
}

/// Runs `work` where the text's nesting fits: on the caller's stack, or on a thread with a large one.
pub(crate) fn on_fitting_stack<T: Send>(
    text: &str,
    caller_stack_bytes: usize,
    work: impl FnOnce() -> Result<T, Refusal> + Send,
) -> Result<T, Refusal> {
    let units = nesting_units(text);
    if units.saturating_mul(UNIT_STACK_BYTES) + BASE_STACK_BYTES <= caller_stack_bytes {
        return work();
    }
    if units > MAX_NESTING_UNITS {
        crate::read::too_deep(&rules::DEPTH_TEXT).stands()?;
    }
    let _turn = Turn::wait();
    std::thread::scope(|scope| {
        let reader = std::thread::Builder::new()
            .name("deep-sql".to_owned())
            .stack_size(DEEP_STACK_BYTES)
            .spawn_scoped(scope, work);
        let read = reader.ok().and_then(|handle| handle.join().ok());
        read.unwrap_or_else(|| Err(crate::read::too_deep(&rules::DEPTH_TEXT).refusal()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_hides_nothing() {
        assert_eq!(nesting_units("select 1"), 2);
        assert_eq!(nesting_units("select '((' || a"), 5);
        assert_eq!(nesting_units("select - - 1"), 4);
        assert_eq!(nesting_units("select --1"), 4);
        assert_eq!(nesting_units("a AND b Or c"), 2);
    }
}
