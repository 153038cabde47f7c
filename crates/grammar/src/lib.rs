//! PostgreSQL's own grammar: from a text to the tree that libpg_query's parser makes of it.
//!
//! Invariant: all unsafe code of the product is in `raw`; nothing that points into the parser's memory
//! leaves it. Start at [`parse`].
//!
//! The parser's tree is read where it lies. The other way, through protobuf, costs nine tenths of a
//! parse; it is taken wherever the direct way meets something that it does not know, so that both
//! give one and the same tree. A first statement is read both ways: if they differ, this build's
//! layout is not the parser's, and protobuf is used for good.

#[cfg(all(
    target_pointer_width = "64",
    target_endian = "little",
    target_family = "unix"
))]
mod raw;

#[cfg(not(all(
    target_pointer_width = "64",
    target_endian = "little",
    target_family = "unix"
)))]
mod raw {
    pub(super) fn parse(
        _: &str,
        _: super::Places,
    ) -> Option<Result<super::Statements, super::Fault>> {
        None
    }
}

use std::sync::OnceLock;

use pg_query::protobuf as pb;
use pg_query::{Error, ParserOptions};

/// The statements of a message, in order.
pub type Statements = Vec<pb::RawStmt>;

/// Whether a tree says where in the text each node stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Places {
    Kept,
    /// All are 0, so that the trees of two texts can be compared. Only what was read directly is so;
    /// [`Parsed::places`] says what came out.
    Dropped,
}

/// What a text was read to.
#[derive(Debug)]
pub struct Parsed {
    pub statements: Statements,
    pub places: Places,
}

/// Why a text has no tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The parser's own words.
    Refused(String),
    /// The text, or a piece of it after its escapes, is no text to us.
    Unreadable,
    /// More than [`MAX_STATEMENTS`].
    ManyStatements,
    /// Nested deeper than [`MAX_DEPTH`].
    TooDeep,
    /// One list has more than [`MAX_LIST_ELEMENTS`].
    LongList,
    /// More than [`MAX_NODES`].
    ManyNodes,
    /// Longer than [`MAX_OTHER_BYTES`], and of a form that is not read directly.
    LongOther,
}

/// Most statements in one message.
pub const MAX_STATEMENTS: usize = 1_000;

/// Most elements of one list: of IN, of a select list, of VALUES. In memory an element takes two
/// thirds of a kilobyte and more.
pub const MAX_LIST_ELEMENTS: usize = 50_000;

/// Deepest tree: nodes above a node. The parser itself gives up at ten thousand.
pub const MAX_DEPTH: usize = 8_000;

/// Most nodes of a message's trees.
pub const MAX_NODES: usize = 100_000;

/// Longest text of a form that is not read directly (nothing that passes is of such a form): what it
/// takes in memory is known only afterwards.
pub const MAX_OTHER_BYTES: usize = 64 << 10;

/// Reads a text as PostgreSQL's parser does.
pub fn parse(text: &str, places: Places) -> Result<Parsed, Fault> {
    if direct_agrees()
        && let Some(read) = raw::parse(text, places)
    {
        return read.map(|statements| Parsed { statements, places });
    }
    if text.len() > MAX_OTHER_BYTES {
        return Err(Fault::LongOther);
    }
    parse_by_protobuf(text).map(|statements| Parsed {
        statements,
        places: Places::Kept,
    })
}

/// As [`parse`], with libpg_query's own encoding: what the direct way is held against.
pub fn parse_by_protobuf(text: &str) -> Result<Statements, Fault> {
    match pg_query::parse(text, ParserOptions::DEFAULT) {
        Ok(parsed) => Ok(parsed.protobuf.stmts),
        Err(Error::Parse(message)) => Err(Fault::Refused(message)),
        Err(_) => Err(Fault::Unreadable),
    }
}

/// Has every form that is read directly, so that a parser of another layout shows itself.
const PROOF: &str = include_str!("proof.sql");

fn direct_agrees() -> bool {
    static AGREES: OnceLock<bool> = OnceLock::new();
    *AGREES.get_or_init(|| {
        let direct = raw::parse(PROOF, Places::Kept).and_then(Result::ok);
        direct.is_some() && direct == parse_by_protobuf(PROOF).ok()
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn this_build_reads_directly() {
        let direct = raw::parse(PROOF, Places::Kept).unwrap().unwrap();
        assert_eq!(direct, parse_by_protobuf(PROOF).unwrap());
        assert!(direct_agrees());
    }

    #[test]
    fn errors_are_the_parsers() {
        for text in [
            "selec 1",
            "select 'open",
            "select E'\\xff'",
            "select '\u{1}",
        ] {
            assert_eq!(
                parse(text, Places::Kept).unwrap_err(),
                parse_by_protobuf(text).unwrap_err(),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_not_known_goes_by_protobuf() {
        let text = "create table t (a int); select 1";
        assert!(raw::parse(text, Places::Kept).is_none());
        assert_eq!(parse(text, Places::Dropped).unwrap().places, Places::Kept);
    }

    #[test]
    fn what_would_take_too_much_memory_is_not_read() {
        let list = |n| format!("select 1 where 1 in ({})", vec!["1"; n].join(","));
        let fault = |text: &str| parse(text, Places::Kept).map(|_| ()).unwrap_err();
        assert!(parse(&list(MAX_LIST_ELEMENTS), Places::Kept).is_ok());
        assert_eq!(fault(&list(MAX_LIST_ELEMENTS + 1)), Fault::LongList);
        let wide = format!("select {}", vec!["a = b"; MAX_NODES / 5].join(","));
        assert_eq!(fault(&wide), Fault::ManyNodes);
        assert!(parse(&"select 1;".repeat(MAX_STATEMENTS), Places::Kept).is_ok());
        let many = "select 1;".repeat(MAX_STATEMENTS + 1);
        assert_eq!(fault(&many), Fault::ManyStatements);
        let other = format!(
            "create table t (a int default '{}')",
            "x".repeat(MAX_OTHER_BYTES)
        );
        assert_eq!(fault(&other), Fault::LongOther);
    }

    #[test]
    fn a_tree_is_as_deep_as_its_limit() {
        let read = |levels: usize| {
            let text = format!("select {}true", "not ".repeat(levels));
            parse(&text, Places::Kept).map(|read| std::mem::forget(read.statements))
        };
        let thread = std::thread::Builder::new().stack_size(256 << 20);
        let both = thread.spawn(move || (read(MAX_DEPTH - 10), read(MAX_DEPTH)));
        assert_eq!(both.unwrap().join().unwrap(), (Ok(()), Err(Fault::TooDeep)));
    }
}
