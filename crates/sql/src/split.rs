//! The statements of a message that was refused whole, told apart for the record.

use crate::limits::{MAX_SPLIT_STATEMENTS, MAX_STATEMENT_BYTES};

/// The texts of a message's statements, as PostgreSQL's scanner parts them. One text where they
/// can't be told apart, are too many, or where the scanner would leave something out.
pub fn split(text: &str) -> Vec<&str> {
    let whole = vec![text];
    if text.len() > MAX_STATEMENT_BYTES {
        return whole;
    }
    match pg_query::split_with_scanner(text) {
        Ok(parts)
            if (1..=MAX_SPLIT_STATEMENTS).contains(&parts.len()) && are_all_of(&parts, text) =>
        {
            parts.into_iter().map(str::trim).collect()
        }
        _ => whole,
    }
}

/// Whether nothing but separators stands between the parts. The scanner drops what holds no keyword,
/// and a record must lose nothing of what was sent.
fn are_all_of(parts: &[&str], text: &str) -> bool {
    let written = |text: &str| {
        text.chars()
            .filter(|c| !c.is_whitespace() && *c != ';')
            .count()
    };
    parts.iter().map(|part| written(part)).sum::<usize>() == written(text)
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn a_message_is_parted_where_its_statements_end() {
        assert_eq!(
            split("select 1; select ';' ;\n select 3"),
            ["select 1", "select ';'", "select 3"]
        );
        assert_eq!(split("select 1;"), ["select 1"]);
        assert_eq!(split("select 'open"), ["select 'open"]);
    }

    #[test]
    fn what_the_scanner_would_drop_keeps_the_message_whole() {
        let text = "select 1; select 2; selec 3";
        assert_eq!(split(text), [text]);
    }
}
