//! SQL dumps: the rows of `INSERT INTO … VALUES` and of `COPY … FROM stdin`, as pg_dump and mysqldump
//! write them. Whatever else stands there is passed over.

use super::{Sink, Unreadable};
use crate::limits::{COLUMNS_MAX, LINE_BYTES_MAX};

pub(super) fn looks_like(start: &str) -> bool {
    start.lines().any(|line| {
        let line = line.trim_start();
        starts_with(line, "insert into ")
            || (starts_with(line, "copy ") && ends_with(line.trim_end(), "from stdin;"))
    })
}

fn starts_with(line: &str, word: &str) -> bool {
    line.get(..word.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(word))
}

fn ends_with(line: &str, word: &str) -> bool {
    let from = line.len().checked_sub(word.len());
    from.and_then(|from| line.get(from..))
        .is_some_and(|end| end.eq_ignore_ascii_case(word))
}

pub(super) fn read(text: &str, sink: &mut dyn Sink) -> Result<(), Unreadable> {
    let mut rest = text;
    while !rest.is_empty() {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        let start = line.trim_start();
        if starts_with(start, "copy ") && ends_with(line.trim_end(), "from stdin;") {
            rest = copy(start, after, sink)?;
        } else if starts_with(start, "insert into ") {
            let from = rest.len() - rest.trim_start().len() + "insert into ".len();
            rest = insert(rest.get(from..).unwrap_or_default(), sink)?;
        } else {
            rest = after;
        }
    }
    Ok(())
}

/// A block of COPY: tabs, `\N`, backslashes; ends with `\.`.
fn copy<'t>(line: &str, mut rest: &'t str, sink: &mut dyn Sink) -> Result<&'t str, Unreadable> {
    let mut head = Tokens(line.get("copy ".len()..).unwrap_or_default());
    let table = Table::read(&mut head);
    let mut columns = Vec::new();
    loop {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.len() > LINE_BYTES_MAX {
            return Err(Unreadable::LineTooLong(LINE_BYTES_MAX));
        }
        if line == "\\." || rest.is_empty() {
            return Ok(after);
        }
        for (at, value) in line.split('\t').enumerate().take(COLUMNS_MAX) {
            if value != "\\N" {
                table.cell(&mut columns, at, &unescaped(value), sink);
            }
        }
        sink.row();
        rest = after;
    }
}

/// `table (columns) VALUES (…), (…);`
fn insert<'t>(text: &'t str, sink: &mut dyn Sink) -> Result<&'t str, Unreadable> {
    let mut tokens = Tokens(text);
    let table = Table::read(&mut tokens);
    let mut columns = Vec::new();
    let mut depth = 0u32;
    let (mut at, mut value) = (0, None::<String>);
    let mut in_values = false;
    while let Some(token) = tokens.next() {
        match token {
            Token::Mark(';') => break,
            Token::Word(word) if !in_values && word.eq_ignore_ascii_case("values") => {
                in_values = true;
            }
            _ if !in_values => {}
            Token::Mark('(') => {
                depth += 1;
                if depth == 1 {
                    (at, value) = (0, None);
                }
            }
            Token::Mark(mark @ (',' | ')')) if depth == 1 => {
                if let Some(value) = value.take() {
                    table.cell(&mut columns, at, &value, sink);
                }
                at += 1;
                if mark == ')' {
                    depth = 0;
                    sink.row();
                }
            }
            Token::Mark(')') => depth = depth.saturating_sub(1),
            Token::Mark(_) => {}
            Token::Text(text) => value = Some(text),
            // `E'…'`, `N'…'`, `-7`, `'…'::text`: the value that came last before the comma, or the word.
            Token::Word(word) => {
                if value.is_none() && !word.eq_ignore_ascii_case("null") {
                    value = Some(word.to_owned());
                }
            }
        }
        if value
            .as_ref()
            .is_some_and(|value| value.len() > LINE_BYTES_MAX)
        {
            return Err(Unreadable::LineTooLong(LINE_BYTES_MAX));
        }
    }
    Ok(tokens.0)
}

struct Table {
    name: String,
    columns: Vec<String>,
}

impl Table {
    /// `schema.table (a, b)`, as far as it is there; what follows is left in `tokens`.
    fn read(tokens: &mut Tokens<'_>) -> Self {
        let mut table = Self {
            name: String::new(),
            columns: Vec::new(),
        };
        let mut inside = false;
        loop {
            let before = tokens.0;
            match tokens.next() {
                Some(Token::Mark('(')) if !inside => inside = true,
                Some(Token::Mark(')')) if inside => return table,
                Some(Token::Mark('.')) if !inside => table.name.push('.'),
                Some(Token::Mark(',')) if inside => {}
                Some(Token::Word(word)) if !inside => {
                    if word.eq_ignore_ascii_case("values") || word.eq_ignore_ascii_case("from") {
                        tokens.0 = before;
                        return table;
                    }
                    table.name.push_str(word);
                }
                Some(Token::Text(word)) if !inside => table.name.push_str(&word),
                Some(Token::Word(word)) if table.columns.len() < COLUMNS_MAX => {
                    table.columns.push(word.to_owned());
                }
                Some(Token::Text(word)) if table.columns.len() < COLUMNS_MAX => {
                    table.columns.push(word);
                }
                None => return table,
                Some(_) => {}
            }
        }
    }

    fn cell(&self, known: &mut Vec<Option<usize>>, at: usize, value: &str, sink: &mut dyn Sink) {
        while known.len() <= at && known.len() < COLUMNS_MAX {
            let number = (known.len() + 1).to_string();
            let name = self.columns.get(known.len()).unwrap_or(&number);
            known.push(sink.column(&format!("{}.{name}", self.name)));
        }
        if let Some(Some(column)) = known.get(at) {
            sink.cell(*column, value);
        }
    }
}

enum Token<'t> {
    Mark(char),
    Word(&'t str),
    /// Quoted, by whichever quote.
    Text(String),
}

struct Tokens<'t>(&'t str);

impl<'t> Tokens<'t> {
    fn next(&mut self) -> Option<Token<'t>> {
        self.0 = self.0.trim_start();
        if let Some(rest) = self.0.strip_prefix("--") {
            self.0 = rest.split_once('\n').map_or("", |(_, after)| after);
            return self.next_after_comment();
        }
        let first = self.0.chars().next()?;
        if matches!(first, '\'' | '"' | '`') {
            return Some(Token::Text(self.quoted(first)));
        }
        if is_word(first) {
            let end = self.0.find(|c| !is_word(c)).unwrap_or(self.0.len());
            let (word, rest) = self.0.split_at_checked(end)?;
            // `1.5` is one word, `schema.table` are two.
            if word.bytes().all(|b| b.is_ascii_digit() || b == b'-')
                && let Some(fraction) = rest.strip_prefix('.')
            {
                let more = fraction
                    .find(|c: char| !is_word(c))
                    .unwrap_or(fraction.len());
                let (word, rest) = self.0.split_at_checked(end + 1 + more)?;
                self.0 = rest;
                return Some(Token::Word(word));
            }
            self.0 = rest;
            return Some(Token::Word(word));
        }
        self.0 = self.0.get(first.len_utf8()..).unwrap_or_default();
        Some(Token::Mark(first))
    }

    /// Comments in a row must not recurse.
    fn next_after_comment(&mut self) -> Option<Token<'t>> {
        loop {
            self.0 = self.0.trim_start();
            match self.0.strip_prefix("--") {
                Some(rest) => self.0 = rest.split_once('\n').map_or("", |(_, after)| after),
                None => return self.next(),
            }
        }
    }

    /// Doubled quotes and backslashes both stand for what follows: keys hold neither, so that the one
    /// reading serves both dialects.
    fn quoted(&mut self, quote: char) -> String {
        let mut text = String::new();
        let mut chars = self.0.char_indices();
        chars.next();
        while let Some((at, c)) = chars.next() {
            if c == '\\' && quote == '\'' {
                text.extend(chars.next().map(|(_, escaped)| escaped));
            } else if c == quote {
                let after = self.0.get(at + c.len_utf8()..).unwrap_or_default();
                if !after.starts_with(quote) {
                    self.0 = after;
                    return text;
                }
                text.push(quote);
                chars.next();
            } else {
                text.push(c);
            }
        }
        self.0 = "";
        text
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$' | '-' | '+')
}

fn unescaped(value: &str) -> String {
    if !value.contains('\\') {
        return value.to_owned();
    }
    let mut text = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => text.extend(chars.next().map(|escaped| match escaped {
                't' => '\t',
                'n' => '\n',
                'r' => '\r',
                other => other,
            })),
            other => text.push(other),
        }
    }
    text
}
