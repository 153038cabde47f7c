//! Statements that differ only in their literals are understood once.
//!
//! A text is cut into the parts between its plain literals. If a text of the same parts was cleared
//! before with marked literals, and every literal there stood as the operand of a comparison, then
//! what may travel is known: the cleared parts with this text's own literal tokens between them.
//! Whatever this cutter does not know to the letter has no template and is understood anew.

use std::ops::Range;

/// More literals than these are understood anew.
const MAX_LITERALS: usize = 64;
/// So that every integer keeps the type int4, whatever its digits.
const MAX_INTEGER_DIGITS: usize = 9;
/// Nine digits, none of which a client's text may hold.
const FIRST_MARK: u32 = 714_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Literal {
    Integer,
    Text,
}

/// A text cut at its literals.
#[derive(Debug, PartialEq, Eq)]
pub struct Cut {
    /// The text with `\x01` for each integer and `\x02` for each string.
    pub key: String,
    pub literals: Vec<(Literal, Range<usize>)>,
}

/// Cuts a text; `None` where it holds anything but plain words, plain literals and plain operators.
pub fn cut(text: &str) -> Option<Cut> {
    let bytes = text.as_bytes();
    let mut key = String::with_capacity(text.len());
    let mut literals = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let end = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                run(bytes, at, |b| b.is_ascii_alphanumeric() || b == b'_')
            }
            b'0'..=b'9' => {
                let end = run(bytes, at, |b| b.is_ascii_digit());
                // `1e5`, `1.5`, `0x1F`, `1_000`, `x.1` are other tokens.
                let joined = |b: Option<&u8>| {
                    b.is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.'))
                };
                let before = at.checked_sub(1).and_then(|before| bytes.get(before));
                if end - at > MAX_INTEGER_DIGITS || joined(bytes.get(end)) || joined(before) {
                    return None;
                }
                literals.push((Literal::Integer, at..end));
                key.push('\x01');
                at = end;
                continue;
            }
            b'\'' => {
                let end = plain_string(bytes, at)?;
                literals.push((Literal::Text, at..end));
                key.push('\x02');
                at = end;
                continue;
            }
            b' ' | b'\n' | b'\t' | b'(' | b')' | b',' | b'=' | b'<' | b'>' | b'*' | b'.' | b'+' => {
                at + 1
            }
            // One at the end only: one statement a text.
            b';' if bytes
                .get(at + 1..)
                .is_some_and(|rest| rest.iter().all(u8::is_ascii_whitespace)) =>
            {
                at + 1
            }
            _ => return None,
        };
        key.push_str(text.get(at..end)?);
        at = end;
        // A word that touches a quote makes another token of it: E'…', B'…', N'…', date'…'.
        if bytes.get(at) == Some(&b'\'') && byte.is_ascii_alphanumeric() {
            return None;
        }
    }
    (!literals.is_empty() && literals.len() <= MAX_LITERALS).then_some(Cut { key, literals })
}

fn run(bytes: &[u8], from: usize, is: impl Fn(u8) -> bool) -> usize {
    bytes
        .iter()
        .skip(from)
        .position(|b| !is(*b))
        .map_or(bytes.len(), |length| from + length)
}

/// The end of `'…'` with printable ASCII inside, no quote and no backslash.
fn plain_string(bytes: &[u8], from: usize) -> Option<usize> {
    let end = run(bytes, from + 1, |b| {
        matches!(b, b' '..=b'~') && b != b'\'' && b != b'\\'
    });
    // Two strings that meet are one (`'a''b'`), and after white space with a new line too.
    let after = run(bytes, end + 1, |b| b.is_ascii_whitespace());
    (bytes.get(end) == Some(&b'\'') && bytes.get(after) != Some(&b'\'')).then_some(end + 1)
}

/// The text with marks in place of its literals; `None` if it holds something that looks like one.
pub fn marked(text: &str, cut: &Cut) -> Option<String> {
    let mut out = String::with_capacity(text.len() + 16 * cut.literals.len());
    let mut at = 0;
    for (index, (literal, range)) in cut.literals.iter().enumerate() {
        out.push_str(text.get(at..range.start)?);
        out.push_str(&mark(*literal, index));
        at = range.end;
    }
    out.push_str(text.get(at..)?);
    (!text.contains("7140000")).then_some(out)
}

fn mark(literal: Literal, index: usize) -> String {
    let number = FIRST_MARK + index as u32;
    match literal {
        Literal::Integer => number.to_string(),
        Literal::Text => format!("'{number}'"),
    }
}

/// Cleared parts, and which literal goes after each but the last.
#[derive(Debug, PartialEq, Eq)]
pub struct Template {
    parts: Vec<String>,
    order: Vec<usize>,
}

impl Template {
    /// From the cleared form of the marked text: each mark must be there exactly once.
    pub fn new(cleared: &str, cut: &Cut) -> Option<Self> {
        let mut places = Vec::new();
        for (index, (literal, _)) in cut.literals.iter().enumerate() {
            let mark = mark(*literal, index);
            let (at, _) = cleared.match_indices(&mark).next()?;
            if cleared
                .matches(&format!("{}", FIRST_MARK + index as u32))
                .count()
                != 1
            {
                return None;
            }
            places.push((at, mark.len(), index));
        }
        places.sort_unstable();
        let mut parts = Vec::new();
        let mut order = Vec::new();
        let mut from = 0;
        for (at, length, index) in places {
            parts.push(cleared.get(from..at)?.to_owned());
            order.push(index);
            from = at + length;
        }
        parts.push(cleared.get(from..)?.to_owned());
        Some(Self { parts, order })
    }

    /// The cleared form of another text with the same key.
    pub fn fill(&self, text: &str, cut: &Cut) -> Option<String> {
        let mut out =
            String::with_capacity(self.parts.iter().map(String::len).sum::<usize>() + text.len());
        let mut parts = self.parts.iter();
        out.push_str(parts.next()?);
        for (index, part) in self.order.iter().zip(parts) {
            let (_, range) = cut.literals.get(*index)?;
            out.push_str(text.get(range.clone())?);
            out.push_str(part);
        }
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn literals_are_cut_out_and_filled_in_again() {
        let text = "SELECT a FROM t WHERE id = 42 AND n = 'x y';";
        let cut = cut(text).unwrap();
        assert_eq!(cut.key, "SELECT a FROM t WHERE id = \x01 AND n = \x02;");
        let cleared = "SELECT v.a FROM s.v WHERE v.n = '714000001' AND v.id = 714000000";
        let template = Template::new(cleared, &cut).unwrap();
        assert_eq!(
            template.fill(text, &cut).unwrap(),
            "SELECT v.a FROM s.v WHERE v.n = 'x y' AND v.id = 42"
        );
        assert_eq!(
            marked(text, &cut).unwrap(),
            "SELECT a FROM t WHERE id = 714000000 AND n = '714000001';"
        );
    }

    #[test]
    fn what_is_not_plain_has_no_template() {
        for text in [
            "SELECT 1.5",
            "SELECT 1e5",
            "SELECT x1 FROM t",
            "SELECT E'a'",
            "SELECT U&'a' UESCAPE '!'",
            "SELECT 'a''b'",
            "SELECT 'a'\n'b'",
            "SELECT \"x\" FROM t WHERE a = 1",
            "SELECT $1",
            "SELECT $$a$$",
            "SELECT 1 -- x",
            "SELECT 1 /* x */",
            "SELECT 1; SELECT 2",
            "SELECT 'é'",
            "SELECT 'a\\'",
            "SELECT 12345678901",
            "SELECT date'2020'",
            "SELECT 'open",
            "SELECT 0x10",
            "SELECT 1_0",
            "SELECT .5",
            "SELECT -1",
            "SELECT 1::text",
            "SELECT a",
        ] {
            assert_eq!(cut(text), None, "{text}");
        }
    }
}
