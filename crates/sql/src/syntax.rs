//! Where a text stops being SQL.

use crate::limits;

/// The byte at which the parser stops. Its message tells the token alone; where that token stands
/// more than once, the shortest beginning of the text that fails at it is looked for. Costs some
/// readings of the text: for those who ask, not for every refusal.
pub fn syntax_error_at(text: &str) -> Option<usize> {
    let found = limits::on_fitting_stack(text, limits::DEFAULT_CALLER_STACK_BYTES, || {
        Ok(stops_at(text))
    });
    found.ok().flatten()
}

fn stops_at(text: &str) -> Option<usize> {
    let message = failure(text)?;
    if message.ends_with(AT_END) {
        return Some(text.trim_end().len());
    }
    let (_, near) = message.split_once(" at or near \"")?;
    let near = near.strip_suffix('"')?;
    let mut places = text.match_indices(near).map(|(at, _)| at);
    let first = places.next()?;
    if places.next().is_none() {
        return Some(first);
    }
    let tokens = pg_query::scan(text).ok()?.tokens;
    let spans: Vec<(usize, usize)> = tokens
        .iter()
        .filter_map(|token| {
            let span = (
                usize::try_from(token.start).ok()?,
                usize::try_from(token.end).ok()?,
            );
            (text.get(span.0..span.1)? == near).then_some(span)
        })
        .collect();
    // A parser reads from the left: once a beginning fails in its middle, every longer one does.
    let at = spans.partition_point(|(_, end)| {
        let beginning = text.get(..*end).unwrap_or(text);
        failure(beginning).is_none_or(|message| message.ends_with(AT_END))
    });
    spans.get(at).map(|(start, _)| *start)
}

const AT_END: &str = "at end of input";

fn failure(text: &str) -> Option<String> {
    match pg_query::parse(text, pg_query::ParserOptions::DEFAULT) {
        Err(pg_query::Error::Parse(message)) => Some(message),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::syntax_error_at;

    #[test]
    fn the_place_is_that_of_the_token_that_does_not_fit() {
        let cases = [
            ("SELEC 1", Some(0)),
            ("SELECT a FROM t WHERE", Some(21)),
            ("SELECT a, FROM t; SELECT b FROM u", Some(10)),
            ("SELECT a FROM t; SELECT b FROM FROM u", Some(31)),
            ("SELECT '李', ) FROM t", Some(14)),
            ("SELECT 'open", Some(7)),
            ("SELECT 1", None),
        ];
        for (text, at) in cases {
            assert_eq!(syntax_error_at(text), at, "{text}");
        }
    }
}
