//! `EXPLAIN (PORTCULLIS) …`: a question to the gate about a statement that is not run.
//!
//! INVARIANT: no text of a question travels. It is recognised before anything is parsed, so that a
//! statement of any kind may be asked about, one with a syntax error too; and it is never a prefix of
//! something that runs: what the question is about ends where PostgreSQL's scanner ends the statement.

use std::ops::Range;

use pg_query::protobuf::Token;
use portcullis_contract::Refusal;

use crate::rules::{self, Denial};

/// The option of EXPLAIN that makes it a question.
const OPTION: &str = "portcullis";

/// How the answer is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AnswerForm {
    /// Rows of text, for a reader.
    #[default]
    Text,
    /// One row of JSON, for a program.
    Json,
}

/// One statement of a message: a question, or something else.
pub(crate) struct Part {
    pub range: Range<usize>,
    pub question: Option<Question>,
}

/// What is asked.
pub(crate) struct Question {
    /// Where the statement that it is about begins, from the part's begin.
    pub asked_at: usize,
    pub form: AnswerForm,
}

/// A message's statements told apart, if one of them is a question; `None` = there is none.
pub(crate) fn parts(text: &str) -> Option<Result<Vec<Part>, Refusal>> {
    let mentioned = text
        .as_bytes()
        .windows(OPTION.len())
        .any(|word| word.eq_ignore_ascii_case(OPTION.as_bytes()));
    if !mentioned {
        return None;
    }
    let mut parts = Vec::new();
    for range in ranges(text) {
        let part = text.get(range.clone()).unwrap_or_default();
        match question(part) {
            Ok(question) => parts.push(Part { range, question }),
            Err(refusal) => {
                let at = refusal.position.map(|at| at + range.start);
                return Some(Err(Refusal {
                    position: at,
                    ..refusal
                }));
            }
        }
    }
    parts
        .iter()
        .any(|part| part.question.is_some())
        .then_some(Ok(parts))
}

/// Where the statements stand. A text that the scanner can't read is one.
fn ranges(text: &str) -> Vec<Range<usize>> {
    let Ok(scanned) = pg_query::scan(text) else {
        return std::iter::once(0..text.len()).collect();
    };
    let mut ranges = Vec::new();
    let (mut depth, mut atomic, mut begins) = (0_usize, false, false);
    let (mut from, mut any) = (0, false);
    for token in &scanned.tokens {
        let kind = token.token();
        match kind {
            Token::Ascii40 => depth += 1,
            Token::Ascii41 => depth = depth.saturating_sub(1),
            // The body of a function holds statements of its own: what follows is one.
            Token::Atomic if begins => atomic = true,
            _ => {}
        }
        begins = kind == Token::BeginP;
        if kind == Token::Ascii59 && depth == 0 && !atomic {
            let end = usize::try_from(token.start).unwrap_or(text.len());
            if any {
                ranges.push(from..end);
            }
            from = end + 1;
            any = false;
        } else if !matches!(kind, Token::SqlComment | Token::CComment) {
            any = true;
        }
    }
    if any {
        ranges.push(from..text.len());
    }
    ranges
}

/// Reads the head of one statement.
fn question(part: &str) -> Result<Option<Question>, Refusal> {
    let mut head = Head { text: part, at: 0 };
    if !head.word().eq_ignore_ascii_case("explain") || !head.takes('(') {
        return Ok(None);
    }
    let (mut asked, mut form, mut other) = (false, AnswerForm::Text, None);
    loop {
        let at = head.skipped();
        let name = head.name();
        let value = head.name();
        match name.as_str() {
            "portcullis" => {
                asked = matches!(value.as_str(), "" | "on" | "true" | "1");
                if !asked {
                    return Ok(None);
                }
            }
            "format" if value == "json" => form = AnswerForm::Json,
            "format" if value == "text" => form = AnswerForm::Text,
            _ => other = other.or(Some(at)),
        }
        if head.takes(',') {
            continue;
        }
        if head.takes(')') {
            break;
        }
        return Ok(None);
    }
    if !asked {
        return Ok(None);
    }
    if let Some(at) = other {
        Denial::new(
            &rules::ASK_OPTION,
            None,
            "`EXPLAIN (PORTCULLIS)` takes no other option than `FORMAT TEXT` or `FORMAT JSON`",
        )
        .hint("EXPLAIN (PORTCULLIS) and the statement")
        .at(Some(at))
        .stands()?;
    }
    let asked_at = head.skipped();
    if asked_at >= part.len() {
        Denial::new(
            &rules::ASK_STATEMENT,
            None,
            "`EXPLAIN (PORTCULLIS)` is asked about a statement, and there is none",
        )
        .hint("for instance EXPLAIN (PORTCULLIS) SELECT 1")
        .at(Some(part.trim_end().len()))
        .stands()?;
    }
    Ok(Some(Question { asked_at, form }))
}

/// Where a statement's first word stands, after white space and comments.
pub(crate) fn first_word(text: &str) -> usize {
    Head { text, at: 0 }.skipped()
}

/// Reads plain tokens from the front of a text.
struct Head<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Head<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Where the next token begins: white space and comments mean nothing.
    fn skipped(&mut self) -> usize {
        loop {
            let rest = self.rest();
            let blank = rest.len()
                - rest
                    .trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c'])
                    .len();
            let comment = if rest.starts_with("--") {
                rest.find(['\n', '\r']).unwrap_or(rest.len())
            } else if rest.starts_with("/*") {
                block_comment(rest)
            } else {
                0
            };
            if blank + comment == 0 {
                return self.at;
            }
            self.at += blank.max(comment);
        }
    }

    fn takes(&mut self, c: char) -> bool {
        self.skipped();
        let taken = self.rest().starts_with(c);
        self.at += usize::from(taken);
        taken
    }

    /// The next word as it is written; empty where there is none.
    fn word(&mut self) -> &'t str {
        self.skipped();
        let rest = self.rest();
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii()))
            .unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    /// An option's name or value: a word, or one in quotes.
    fn name(&mut self) -> String {
        self.skipped();
        let rest = self.rest();
        for quote in ['"', '\''] {
            if let Some(quoted) = rest.strip_prefix(quote)
                && let Some((inside, _)) = quoted.split_once(quote)
            {
                self.at += inside.len() + 2;
                return if quote == '\'' {
                    inside.to_ascii_lowercase()
                } else {
                    inside.to_owned()
                };
            }
        }
        self.word().to_ascii_lowercase()
    }
}

/// The length of a comment; they nest.
fn block_comment(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0, 0_usize);
    while at < bytes.len() {
        match bytes.get(at..at + 2) {
            Some(b"/*") => {
                depth += 1;
                at += 2;
            }
            Some(b"*/") => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use super::*;

    /// Each part of a message: what is asked, or `-` for what is no question.
    fn asked(text: &str) -> Vec<String> {
        let Some(parts) = parts(text) else {
            return Vec::new();
        };
        let shown = |part: &Part| match &part.question {
            Some(question) => text[part.range.clone()][question.asked_at..]
                .trim()
                .to_owned(),
            None => "-".to_owned(),
        };
        parts.unwrap().iter().map(shown).collect()
    }

    #[test]
    fn a_question_is_told_from_everything_else() {
        assert_eq!(asked("EXPLAIN (PORTCULLIS) SELECT 1"), ["SELECT 1"]);
        for text in [
            "explain(portcullis)select 1",
            "-- why?\n/* a /* b */ c */ Explain /* x */ ( Portcullis on ) -- y\nselect 1;",
            "EXPLAIN (\"portcullis\" TRUE, FORMAT text) select 1",
            "EXPLAIN (FORMAT JSON, PORTCULLIS) select 1 ; ",
        ] {
            assert_eq!(asked(text), ["select 1"], "{text}");
        }
        for text in [
            "SELECT 'EXPLAIN (PORTCULLIS) SELECT 1'",
            "EXPLAIN (COSTS off) SELECT 'portcullis'",
            "EXPLAIN portcullis",
            "EXPLAIN (PORTCULLIS off) SELECT 1",
            "EXPLAIN (PORTCULLIS SELECT 1",
            "EXPLAIN (\"Portcullis\") SELECT 1",
            "SELECT 1 -- ; EXPLAIN (PORTCULLIS) SELECT 2",
            "explained (portcullis) select 1",
        ] {
            assert_eq!(asked(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn a_message_is_parted_as_postgresql_parts_it() {
        let text = "SET x = 1; EXPLAIN (PORTCULLIS) SELECT ';' ; /* ; */ ; SELECT 2;";
        assert_eq!(asked(text), ["-", "SELECT ';'", "-"]);
        let body = "EXPLAIN (PORTCULLIS) CREATE FUNCTION f() BEGIN ATOMIC SELECT 1; SELECT 2; END";
        assert_eq!(asked(body).len(), 1);
        let open = "EXPLAIN (PORTCULLIS) SELECT 'open; SELECT 2";
        assert_eq!(asked(open), ["SELECT 'open; SELECT 2"]);
    }

    #[test]
    fn options_and_an_empty_question_are_refused_at_their_place() {
        let refusal = |text| match parts(text) {
            Some(Err(refusal)) => refusal,
            _ => panic!("{text} is not refused"),
        };
        let option = refusal("EXPLAIN (PORTCULLIS, ANALYZE) SELECT 1");
        assert_eq!(
            (option.reason.as_str(), option.position),
            ("form.explain", Some(21))
        );
        let empty = refusal("select 1; EXPLAIN (PORTCULLIS) ;");
        assert_eq!(
            (empty.reason.as_str(), empty.position),
            ("syntax", Some(30))
        );
    }
}
