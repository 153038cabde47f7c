//! Which keys a statement looked up: the numbers that its text compares a column with.
//!
//! They are personal data. They are read here, handed to [`crate::Engine`], and there shifted by a
//! secret amount (each person's and column's own) before anything remembers them: distances between
//! keys are all that enumeration needs, and a distance is nobody's number. No suspicion tells a key.
//!
//! A small reading of its own, not the gate's: what stands here was allowed already, nothing is
//! decided by it, and a text that it misreads costs one detector one statement.

/// Of one text; more keys in one statement are a list, which is counted by its rows.
const PROBES_AT_MOST: usize = 64;
/// Longer texts are looked at this far.
const TEXT_AT_MOST: usize = 16 * 1024;

/// One column compared with a number, or with a range of numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    pub column: String,
    pub low: u64,
    /// The end of a range, itself included.
    pub high: Option<u64>,
}

/// The keys of a statement, with its bound values put in their places.
pub fn probes(sql: &str, params: &[Option<String>]) -> Vec<Probe> {
    let mut end = sql.len().min(TEXT_AT_MOST);
    while !sql.is_char_boundary(end) {
        end -= 1;
    }
    let tokens = tokens(sql.get(..end).unwrap_or_default(), params);
    let mut found = Vec::new();
    let mut bounds: Vec<(String, Option<u64>, Option<u64>)> = Vec::new();
    let (mut limit, mut offset) = (None, None);
    for at in 0..tokens.len() {
        if found.len() >= PROBES_AT_MOST {
            break;
        }
        match tokens.get(at..).unwrap_or_default() {
            [Token::Word(column), Token::Mark(b"="), rest @ ..] => {
                if let Some(key) = operand(rest) {
                    found.push(single(column, key));
                }
            }
            [
                Token::Word(column),
                Token::Word(is),
                Token::Mark(b"("),
                rest @ ..,
            ] if is == "in" => {
                let room = PROBES_AT_MOST - found.len();
                found.extend(list(rest).take(room).map(|key| single(column, key)));
            }
            [Token::Word(column), Token::Word(between), rest @ ..] if between == "between" => {
                if let Some(probe) = range(column, rest) {
                    found.push(probe);
                }
            }
            [
                Token::Word(column),
                Token::Mark(mark @ (b">" | b">=" | b"<" | b"<=")),
                rest @ ..,
            ] => {
                if let Some(key) = operand(rest) {
                    bound(&mut bounds, column, mark, key);
                }
            }
            [Token::Word(word), rest @ ..] if word == "limit" => limit = operand(rest).or(limit),
            [Token::Word(word), rest @ ..] if word == "offset" => offset = operand(rest).or(offset),
            _ => {}
        }
    }
    for (column, low, high) in bounds {
        match (low, high, limit) {
            (Some(low), Some(high), _) if low <= high => found.push(Probe {
                column,
                low,
                high: Some(high),
            }),
            // `key > 700 ORDER BY key LIMIT 100`: the next page begins where this one ended, which
            // its text doesn't say; the beginnings alone tell of pages.
            (Some(low), None, Some(_)) => found.push(single(&format!("{column} >"), low)),
            _ => {}
        }
    }
    if let (Some(limit), offset) = (limit.filter(|n| *n > 1), offset.unwrap_or(0))
        && tokens
            .iter()
            .any(|t| matches!(t, Token::Word(w) if w == "offset"))
    {
        found.push(Probe {
            column: "(page)".to_owned(),
            low: offset,
            high: Some(offset.saturating_add(limit - 1)),
        });
    }
    found
}

fn single(column: &str, key: u64) -> Probe {
    Probe {
        column: column.to_owned(),
        low: key,
        high: None,
    }
}

fn bound(
    bounds: &mut Vec<(String, Option<u64>, Option<u64>)>,
    column: &str,
    mark: &[u8],
    key: u64,
) {
    if !bounds.iter().any(|(name, ..)| name == column) {
        bounds.push((column.to_owned(), None, None));
    }
    let Some((_, low, high)) = bounds.iter_mut().find(|(name, ..)| name == column) else {
        return;
    };
    match mark {
        b">" => *low = Some(key.saturating_add(1)),
        b">=" => *low = Some(key),
        b"<" => *high = Some(key.saturating_sub(1)),
        _ => *high = Some(key),
    }
}

fn range(column: &str, rest: &[Token<'_>]) -> Option<Probe> {
    let low = operand(rest)?;
    let and = rest
        .iter()
        .take(6)
        .position(|token| matches!(token, Token::Word(word) if word == "and"))?;
    let high = operand(rest.get(and + 1..)?)?;
    (low <= high).then(|| Probe {
        column: column.to_owned(),
        low,
        high: Some(high),
    })
}

fn list<'t>(rest: &'t [Token<'_>]) -> impl Iterator<Item = u64> + 't {
    let inside = rest
        .iter()
        .take_while(|token| !matches!(token, Token::Mark(b")")));
    inside.filter_map(|token| match token {
        Token::Key(key) => *key,
        _ => None,
    })
}

/// The value that stands right here.
fn operand(rest: &[Token<'_>]) -> Option<u64> {
    match rest.first()? {
        Token::Key(key) => *key,
        _ => None,
    }
}

#[derive(Debug)]
enum Token<'a> {
    /// An unquoted or quoted name, folded; of `a.b` the last part.
    Word(String),
    Mark(&'a [u8]),
    /// A literal or a bound value; `None` where it is no number.
    Key(Option<u64>),
}

/// A key as people write them: digits, perhaps behind a short fixed beginning (`P0004711`).
fn key_of(text: &str) -> Option<u64> {
    let digits = text.trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == '-' || c == '_');
    let plain = !digits.is_empty()
        && digits.len() <= 19
        && text.len() - digits.len() <= 8
        && digits.bytes().all(|b| b.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

fn tokens<'a>(sql: &'a str, params: &[Option<String>]) -> Vec<Token<'a>> {
    let mut out: Vec<Token<'a>> = Vec::new();
    let bytes = sql.as_bytes();
    let mut at = 0;
    let upto = |from: usize, keep: &dyn Fn(u8) -> bool| {
        let rest = bytes.get(from..).unwrap_or_default();
        from + rest.iter().take_while(|b| keep(**b)).count()
    };
    while let Some(byte) = bytes.get(at).copied() {
        let next = bytes.get(at + 1).copied();
        match byte {
            b if b.is_ascii_whitespace() => at += 1,
            b'-' if next == Some(b'-') => at = upto(at, &|b| b != b'\n'),
            b'/' if next == Some(b'*') => at = after(sql, at + 2, "*/"),
            b'\'' => {
                let end = after(sql, at + 1, "'");
                let text = sql
                    .get(at + 1..end.saturating_sub(1).max(at + 1))
                    .unwrap_or_default();
                out.push(Token::Key(key_of(text)));
                at = end;
            }
            b'"' => {
                let end = after(sql, at + 1, "\"");
                let text = sql
                    .get(at + 1..end.saturating_sub(1).max(at + 1))
                    .unwrap_or_default();
                word(&mut out, text.to_owned());
                at = end;
            }
            b'$' if next.is_some_and(|b| b.is_ascii_digit()) => {
                let end = upto(at + 1, &|b| b.is_ascii_digit());
                let number: usize = sql
                    .get(at + 1..end)
                    .and_then(|n| n.parse().ok())
                    .unwrap_or(0);
                let value = number
                    .checked_sub(1)
                    .and_then(|n| params.get(n))
                    .and_then(Option::as_deref);
                out.push(Token::Key(value.and_then(key_of)));
                at = end;
            }
            b if b.is_ascii_digit() => {
                let end = upto(at, &|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'_');
                out.push(Token::Key(sql.get(at..end).and_then(key_of)));
                at = end;
            }
            b if b.is_ascii_alphabetic() || b == b'_' || b >= 0x80 => {
                let end = upto(at, &|b| {
                    b.is_ascii_alphanumeric() || b == b'_' || b == b'$' || b >= 0x80
                });
                word(
                    &mut out,
                    sql.get(at..end).unwrap_or_default().to_lowercase(),
                );
                at = end;
            }
            _ => {
                let width = if matches!(
                    (byte, next),
                    (b'<' | b'>', Some(b'=')) | (b'<', Some(b'>')) | (b'!', Some(b'='))
                ) {
                    2
                } else {
                    1
                };
                out.push(Token::Mark(bytes.get(at..at + width).unwrap_or_default()));
                at += width;
            }
        }
    }
    out
}

/// Just behind the next `end`, or behind everything.
fn after(sql: &str, from: usize, end: &str) -> usize {
    let rest = sql.get(from..).unwrap_or_default();
    rest.find(end)
        .map_or(sql.len(), |place| from + place + end.len())
}

fn word<'a>(out: &mut Vec<Token<'a>>, name: String) {
    if let [.., Token::Word(_), Token::Mark(b".")] = out.as_slice() {
        out.truncate(out.len() - 2);
    }
    out.push(Token::Word(name));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sql: &str, params: &[&str], expected: &[(&str, u64, Option<u64>)]) {
        let params: Vec<_> = params.iter().map(|p| Some((*p).to_owned())).collect();
        let found = probes(sql, &params);
        let found: Vec<_> = found
            .iter()
            .map(|p| (p.column.as_str(), p.low, p.high))
            .collect();
        assert_eq!(found, expected, "{sql}");
    }

    #[test]
    fn keys_are_found_where_a_column_is_compared() {
        check(
            "SELECT name FROM clinic.patients p WHERE p.patient_id = 4711",
            &[],
            &[("patient_id", 4711, None)],
        );
        check(
            "select 1 from t where \"Id\"='P000123' -- id = 9\n and x = 'Li 7'",
            &[],
            &[("Id", 123, None)],
        );
        check(
            "select a from t where id = $2 and b = $1",
            &["x", "17"],
            &[("id", 17, None)],
        );
        check(
            "select a from t where id in (3, '4', $1) /* id = 8 */",
            &["5"],
            &[("id", 3, None), ("id", 4, None), ("id", 5, None)],
        );
        check(
            "select a from t where id between 10 and 19",
            &[],
            &[("id", 10, Some(19))],
        );
        check(
            "select a from t where id >= 10 and id < 20",
            &[],
            &[("id", 10, Some(19))],
        );
        check(
            "select a from t order by b limit 50 offset 150",
            &[],
            &[("(page)", 150, Some(199))],
        );
        check(
            "select a from t where id > 700 order by id limit 100",
            &[],
            &[("id >", 701, None)],
        );
        check("select a from t limit 50", &[], &[]);
        check(
            "select a from t where born = '1980-01-01' and cost = 1.5",
            &[],
            &[],
        );
    }

    #[test]
    fn odd_texts_are_read_to_their_end() {
        for sql in [
            "",
            "'",
            "\"",
            "/*",
            "--",
            "$",
            "$1",
            "x =",
            "x in (",
            "x between 1 and",
            "李 = 7",
            "x = '李",
            "<",
            "a.b.c.",
        ] {
            let _ = probes(sql, &[]);
        }
        let many = format!("x in ({})", "7,".repeat(20_000));
        assert_eq!(probes(&many, &[]).len(), PROBES_AT_MOST);
    }
}
