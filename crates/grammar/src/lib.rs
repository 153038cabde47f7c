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
}

/// Reads a text as PostgreSQL's parser does.
pub fn parse(text: &str, places: Places) -> Result<Parsed, Fault> {
    if direct_agrees()
        && let Some(read) = raw::parse(text, places)
    {
        return read.map(|statements| Parsed { statements, places });
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
    fn deep_trees_go_by_protobuf() {
        let read = || {
            let text = |levels| format!("select {}true", "not ".repeat(levels));
            assert!(raw::parse(&text(raw::MAX_DEPTH / 2), Places::Kept).is_some());
            assert!(raw::parse(&text(raw::MAX_DEPTH + 1), Places::Kept).is_none());
        };
        let thread = std::thread::Builder::new().stack_size(64 << 20);
        thread.spawn(read).unwrap().join().unwrap();
    }
}
