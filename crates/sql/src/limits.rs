//! Limits with names, and the stack that deep statements are read on.
//!
//! Parsing, decoding and dropping a tree recurse as deep as the statement is nested. What could be
//! deep is read on a thread with a large stack, a few at a time; what would be too deep even there
//! is refused before it is parsed.

use std::sync::{Condvar, Mutex, PoisonError};

use portcullis_contract::{Refusal, SqlState};

/// Longest text of one message.
pub const MAX_STATEMENT_BYTES: usize = 1 << 20;
/// Most statements in one message.
pub const MAX_STATEMENTS: usize = 1_000;
/// Most tokens that could nest in one message.
pub const MAX_NESTING_TOKENS: usize = 20_000;
/// Up to so many tokens that could nest, a statement is read on the caller's own stack (of 2 MiB).
pub const INLINE_NESTING_TOKENS: usize = 60;
/// Stack of a thread for deep statements.
const DEEP_STACK_BYTES: usize = 256 << 20;
/// So many deep statements are read at once; more wait.
const DEEP_READERS: usize = 2;

pub(crate) fn check_size(text: &str) -> Result<(), Refusal> {
    if text.len() > MAX_STATEMENT_BYTES {
        return Err(Refusal::new(
            SqlState::LimitExceeded,
            "limit.bytes",
            format!(
                "the text has {} bytes; at most {MAX_STATEMENT_BYTES} are read",
                text.len()
            ),
        ));
    }
    if text.contains('\0') {
        return Err(Refusal::new(
            SqlState::Syntax,
            "syntax",
            "the text has a zero byte",
        ));
    }
    Ok(())
}

/// Counts what could nest, quoted text and comments included: an upper bound that no quoting can lower.
pub(crate) fn nesting_tokens(text: &str) -> usize {
    let mut count = 0;
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
        count += usize::from(matches!(byte, b'(' | b'[') || (is_operator && !operator));
        // A run of operator characters may be several operators: signs nest.
        count += usize::from(
            is_operator && operator && matches!(byte, b'-' | b'+' | b'@' | b'~' | b'!'),
        );
        operator = is_operator;
        if byte.is_ascii_alphabetic() || *byte >= 0x80 {
            word += 1;
        } else {
            count += usize::from(word > 0 && nests(bytes.get(at - word..at).unwrap_or_default()));
            word = 0;
        }
    }
    count + usize::from(word > 0 && nests(bytes.get(bytes.len() - word..).unwrap_or_default()))
}

/// Keywords that can stand in a chain or open a nested form.
fn nests(word: &[u8]) -> bool {
    const WORDS: &[&[u8]] = &[
        b"and",
        b"or",
        b"not",
        b"case",
        b"union",
        b"except",
        b"intersect",
        b"join",
        b"is",
        b"isnull",
        b"notnull",
        b"like",
        b"ilike",
        b"similar",
        b"between",
        b"in",
        b"collate",
        b"at",
        b"operator",
        b"escape",
        b"explain",
        b"prepare",
        b"as",
    ];
    word.len() <= 9 && WORDS.iter().any(|w| w.eq_ignore_ascii_case(word))
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

/// Runs `work` where the text's nesting fits: here, or on a thread with a large stack.
pub(crate) fn on_fitting_stack<T: Send>(
    text: &str,
    work: impl FnOnce() -> Result<T, Refusal> + Send,
) -> Result<T, Refusal> {
    let tokens = nesting_tokens(text);
    if tokens <= INLINE_NESTING_TOKENS {
        return work();
    }
    if tokens > MAX_NESTING_TOKENS {
        return Err(crate::read::too_deep());
    }
    let _turn = Turn::wait();
    std::thread::scope(|scope| {
        let reader = std::thread::Builder::new()
            .name("deep-sql".to_owned())
            .stack_size(DEEP_STACK_BYTES)
            .spawn_scoped(scope, work);
        let unread = || {
            Refusal::new(
                SqlState::LimitExceeded,
                "limit.depth",
                "the statement could not be read",
            )
        };
        match reader {
            Ok(handle) => handle.join().unwrap_or_else(|_| Err(unread())),
            Err(_) => Err(unread()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_hides_nothing() {
        assert_eq!(nesting_tokens("select 1"), 0);
        assert_eq!(nesting_tokens("select '((' || a"), 3);
        assert_eq!(nesting_tokens("select - - 1"), 2);
        assert_eq!(nesting_tokens("select --1"), 2);
        assert_eq!(nesting_tokens("a AND b Or c"), 2);
    }
}
