//! Statements that differ only in their literals are understood once.
//!
//! A text is cut into the parts between its plain literals. If a text of the same parts was cleared
//! before with marked literals, and every literal there stood as the operand of a comparison, then
//! what may travel is known: the cleared parts with this text's own literal tokens between them.
//! Whatever this cutter does not know to the letter has no template and is understood anew.

use std::ops::Range;

/// More literals than these are understood anew.
const MAX_LITERALS: usize = 64;
/// Longer keys are not kept: such texts are understood anew.
const MAX_KEY_BYTES: usize = crate::limits::MAX_CACHED_TEXT_BYTES;
/// So that every integer keeps the type int4, whatever its digits.
const MAX_INTEGER_DIGITS: usize = 9;
/// Nine digits, none of which a client's text may hold.
const FIRST_MARK: u32 = 714_000_000;

/// Before the number in a text's mark.
const TEXT_MARK: &str = "x.";

/// Of a long list, so many elements stand for all when it is first understood.
const SAMPLE_ELEMENTS: usize = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Integer,
    Text,
}

/// A literal, or a whole `IN (…)` list of literals of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Literal {
    pub kind: Kind,
    /// From the first literal's first byte to the last one's last.
    pub range: Range<usize>,
    /// Elements of a list, at least one; `None` for a literal by itself.
    pub elements: Option<usize>,
}

/// A text cut at its literals.
#[derive(Debug, PartialEq, Eq)]
pub struct Cut {
    /// The text with a control character for each literal: which one tells its kind, and whether it
    /// is a list. Texts that differ in a list's length alone have one key.
    pub key: String,
    pub literals: Vec<Literal>,
}

impl Cut {
    /// Whether a list is so long that reading the text costs more than reading its sample.
    pub fn has_long_list(&self) -> bool {
        self.literals
            .iter()
            .any(|literal| literal.elements.is_some_and(|n| n > SAMPLE_ELEMENTS))
    }
}

/// Cuts a text; `None` where it holds anything but plain words, plain literals and plain operators.
pub fn cut(text: &str) -> Option<Cut> {
    let bytes = text.as_bytes();
    let mut key = String::with_capacity(text.len().min(MAX_KEY_BYTES));
    let mut literals = Vec::new();
    let mut at = 0;
    // What stands in the key already.
    let mut copied = 0;
    let mut after_in = false;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                let end = run(bytes, at, |b| b.is_ascii_alphanumeric() || b == b'_');
                // A word that touches a quote makes another token of it: E'…', B'…', N'…', date'…'.
                if bytes.get(end) == Some(&b'\'') {
                    return None;
                }
                after_in = bytes.get(at..end)?.eq_ignore_ascii_case(b"in");
                at = end;
                continue;
            }
            b'0'..=b'9' | b'\'' => {
                let (kind, end) = plain_literal(bytes, at)?;
                push(&mut key, text, copied..at, kind, false)?;
                literals.push(Literal {
                    kind,
                    range: at..end,
                    elements: None,
                });
                copied = end;
                at = end;
            }
            b'(' if after_in => match plain_list(bytes, at + 1) {
                Some((list, end)) => {
                    push(&mut key, text, copied..at + 1, list.kind, true)?;
                    literals.push(list);
                    copied = end;
                    at = end;
                }
                None => at += 1,
            },
            b' ' | b'\n' | b'\t' => {
                at += 1;
                continue;
            }
            b'(' | b')' | b',' | b'=' | b'<' | b'>' | b'*' | b'.' | b'+' => at += 1,
            // One at the end only: one statement a text.
            b';' if bytes
                .get(at + 1..)
                .is_some_and(|rest| rest.iter().all(u8::is_ascii_whitespace)) =>
            {
                at += 1;
            }
            _ => return None,
        }
        after_in = false;
        if literals.len() > MAX_LITERALS || key.len() > MAX_KEY_BYTES {
            return None;
        }
    }
    key.push_str(text.get(copied..)?);
    (!literals.is_empty() && key.len() <= MAX_KEY_BYTES).then_some(Cut { key, literals })
}

/// Puts the text before a literal, and the literal's sign, into the key.
fn push(key: &mut String, text: &str, before: Range<usize>, kind: Kind, list: bool) -> Option<()> {
    key.push_str(text.get(before)?);
    key.push(match (kind, list) {
        (Kind::Integer, false) => '\x01',
        (Kind::Text, false) => '\x02',
        (Kind::Integer, true) => '\x03',
        (Kind::Text, true) => '\x04',
    });
    Some(())
}

/// The literal that begins here, and where it ends.
fn plain_literal(bytes: &[u8], at: usize) -> Option<(Kind, usize)> {
    if bytes.get(at) == Some(&b'\'') {
        return plain_string(bytes, at).map(|end| (Kind::Text, end));
    }
    let end = run(bytes, at, |b| b.is_ascii_digit());
    // `1e5`, `1.5`, `0x1F`, `1_000`, `x.1` are other tokens; `007` would travel as `7`.
    let joined = |b: Option<&u8>| {
        b.is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'\''))
    };
    let before = at.checked_sub(1).and_then(|before| bytes.get(before));
    let padded = end - at > 1 && bytes.get(at) == Some(&b'0');
    let plain =
        end - at <= MAX_INTEGER_DIGITS && !joined(bytes.get(end)) && !joined(before) && !padded;
    plain.then_some((Kind::Integer, end))
}

/// The list of plain literals of one kind that begins behind `(`, and where its `)` stands.
fn plain_list(bytes: &[u8], from: usize) -> Option<(Literal, usize)> {
    let space = |at| run(bytes, at, |b| matches!(b, b' ' | b'\n' | b'\t'));
    let start = space(from);
    let (kind, mut end) = plain_literal_at(bytes, start)?;
    let mut elements = 1;
    loop {
        let next = space(end);
        match bytes.get(next)? {
            b')' if elements <= portcullis_sql::limits::MAX_LIST_ELEMENTS => {
                let list = Literal {
                    kind,
                    range: start..end,
                    elements: Some(elements),
                };
                return Some((list, next));
            }
            b',' => {
                let (next_kind, next_end) = plain_literal_at(bytes, space(next + 1))?;
                if next_kind != kind {
                    return None;
                }
                elements += 1;
                end = next_end;
            }
            _ => return None,
        }
    }
}

fn plain_literal_at(bytes: &[u8], at: usize) -> Option<(Kind, usize)> {
    matches!(bytes.get(at)?, b'0'..=b'9' | b'\'')
        .then(|| plain_literal(bytes, at))
        .flatten()
}

/// The elements of a list, as they are written.
fn elements<'t>(text: &'t str, list: &Literal) -> Option<impl Iterator<Item = &'t str>> {
    let text = text.get(list.range.clone())?;
    let mut at = 0;
    Some(std::iter::from_fn(move || {
        let rest = text.as_bytes();
        at = run(rest, at, |b| matches!(b, b' ' | b'\n' | b'\t' | b','));
        let end = match rest.get(at)? {
            b'\'' => run(rest, at + 1, |b| b != b'\'') + 1,
            _ => run(rest, at, |b| b.is_ascii_digit()),
        };
        let element = text.get(at..end);
        at = end;
        element
    }))
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

/// The text with each long list cut to its first elements.
pub fn sample(text: &str, cut: &Cut) -> Option<String> {
    let mut out = String::new();
    let mut at = 0;
    for literal in &cut.literals {
        if literal.elements.is_none_or(|n| n <= SAMPLE_ELEMENTS) {
            continue;
        }
        out.push_str(text.get(at..literal.range.start)?);
        let first: Vec<&str> = elements(text, literal)?.take(SAMPLE_ELEMENTS).collect();
        out.push_str(&first.join(","));
        at = literal.range.end;
    }
    out.push_str(text.get(at..)?);
    Some(out)
}

/// The text with marks in place of its literals, one for a whole list; `None` if it holds something
/// that looks like one.
pub fn marked(text: &str, cut: &Cut) -> Option<String> {
    let mut out = String::with_capacity(text.len() + 16 * cut.literals.len());
    let mut at = 0;
    for (index, literal) in cut.literals.iter().enumerate() {
        out.push_str(text.get(at..literal.range.start)?);
        out.push_str(&mark(literal.kind, index));
        at = literal.range.end;
    }
    out.push_str(text.get(at..)?);
    (!text.contains("7140000")).then_some(out)
}

fn mark(kind: Kind, index: usize) -> String {
    let number = FIRST_MARK + index as u32;
    match kind {
        Kind::Integer => number.to_string(),
        // No number: where a number would pass and a name would not, the marked reading is refused.
        Kind::Text => format!("'{TEXT_MARK}{number}'"),
    }
}

/// Cleared parts, and which literal goes after each but the last.
#[derive(Debug, PartialEq, Eq)]
pub struct Template {
    parts: Vec<String>,
    order: Vec<usize>,
    parts_bytes: usize,
}

impl Template {
    /// From the cleared form of the marked text: each mark must be there exactly once, a list's
    /// between parentheses.
    pub fn new(cleared: &str, cut: &Cut) -> Option<Self> {
        let mut places = Vec::new();
        for (index, literal) in cut.literals.iter().enumerate() {
            let mark = mark(literal.kind, index);
            let (at, _) = cleared.match_indices(&mark).next()?;
            let number = (FIRST_MARK + index as u32).to_string();
            if cleared.matches(&number).count() != 1 {
                return None;
            }
            let alone = cleared.get(..at)?.ends_with('(')
                && cleared.get(at + mark.len()..)?.starts_with(')');
            if literal.elements.is_some() && !alone {
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
        let parts_bytes = parts.iter().map(String::len).sum();
        Some(Self {
            parts,
            order,
            parts_bytes,
        })
    }

    /// About what it takes in memory.
    pub fn bytes(&self) -> usize {
        self.parts_bytes + self.parts.len() * (size_of::<String>() + size_of::<usize>())
    }

    /// The cleared form of another text with the same key.
    pub fn fill(&self, text: &str, cut: &Cut) -> Option<String> {
        let literals: usize = cut
            .literals
            .iter()
            .map(|literal| literal.range.len() + literal.elements.unwrap_or(0))
            .sum();
        let mut out = String::with_capacity(self.parts_bytes + literals);
        let mut parts = self.parts.iter();
        out.push_str(parts.next()?);
        for (index, part) in self.order.iter().zip(parts) {
            let literal = cut.literals.get(*index)?;
            if literal.elements.is_none() {
                out.push_str(text.get(literal.range.clone())?);
            } else {
                fill_list(&mut out, text, literal)?;
            }
            out.push_str(part);
        }
        Some(out)
    }
}

/// As the cleared form of a list is written.
fn fill_list(out: &mut String, text: &str, list: &Literal) -> Option<()> {
    for (index, element) in elements(text, list)?.enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        out.push_str(element);
    }
    Some(())
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
        let cleared = "SELECT v.a FROM s.v WHERE v.n = 'x.714000001' AND v.id = 714000000";
        let template = Template::new(cleared, &cut).unwrap();
        assert_eq!(
            template.fill(text, &cut).unwrap(),
            "SELECT v.a FROM s.v WHERE v.n = 'x y' AND v.id = 42"
        );
        assert_eq!(
            marked(text, &cut).unwrap(),
            "SELECT a FROM t WHERE id = 714000000 AND n = 'x.714000001';"
        );
    }

    #[test]
    fn a_list_is_one_literal_whatever_its_length() {
        let text = "SELECT a FROM t WHERE id In ( 1,22 ,\n333) AND n IN ('x, y','z') AND i IN(4)";
        let long = cut(text).unwrap();
        let key = "SELECT a FROM t WHERE id In (\x03) AND n IN (\x04) AND i IN(\x03)";
        assert_eq!(long.key, key);
        let short = cut("SELECT a FROM t WHERE id In (7) AND n IN ('') AND i IN(5 , 6)").unwrap();
        assert_eq!(short.key, key);
        assert!(long.has_long_list() && !short.has_long_list());
        assert_eq!(
            sample(text, &long).unwrap(),
            "SELECT a FROM t WHERE id In ( 1,22) AND n IN ('x, y','z') AND i IN(4)"
        );
        let cleared = "SELECT v.a FROM s.v WHERE v.id IN (714000000) AND v.n IN ('x.714000001') AND v.i IN (714000002)";
        let template = Template::new(cleared, &long).unwrap();
        assert_eq!(
            template.fill(text, &long).unwrap(),
            "SELECT v.a FROM s.v WHERE v.id IN (1, 22, 333) AND v.n IN ('x, y', 'z') AND v.i IN (4)"
        );
    }

    #[test]
    fn only_what_stands_behind_in_is_a_list() {
        for text in [
            "SELECT f(1, 2)",
            "VALUES (1, 2)",
            "SELECT a FROM t WHERE (a, b) = (1, 2)",
            "SELECT a FROM t WHERE a IN (1, 'x')",
            "SELECT a FROM t WHERE a IN (1, b)",
            "SELECT a FROM t WHERE a IN (1, (2))",
            "SELECT a FROM t WHERE a IN ((1), 2)",
        ] {
            let cut = cut(text).unwrap();
            assert!(cut.literals.iter().all(|l| l.elements.is_none()), "{text}");
        }
        // A mark that isn't alone between parentheses in the cleared text is no list's.
        let cut = cut("SELECT a FROM t WHERE a IN (1, 2)").unwrap();
        assert_eq!(Template::new("SELECT a = 714000000", &cut), None);
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
            "SELECT a FROM t WHERE id = 007",
            "SELECT a FROM t WHERE id IN (1, 02)",
            "SELECT a FROM t WHERE id IN (1, -2)",
            "SELECT a FROM t WHERE id IN ('a' 'b')",
            "SELECT -1",
            "SELECT 1::text",
            "SELECT a",
        ] {
            assert_eq!(cut(text), None, "{text}");
        }
    }
}
