//! The statements of a message that was refused whole, told apart for the record.

use crate::limits::{MAX_SPLIT_STATEMENTS, MAX_STATEMENT_BYTES};

/// The texts of a message's statements, as PostgreSQL's scanner parts them. One text where they
/// can't be told apart, or are too many.
pub fn split(text: &str) -> Vec<&str> {
    let whole = vec![text];
    if text.len() > MAX_STATEMENT_BYTES {
        return whole;
    }
    match pg_query::split_with_scanner(text) {
        Ok(parts) if (1..=MAX_SPLIT_STATEMENTS).contains(&parts.len()) => {
            parts.into_iter().map(str::trim).collect()
        }
        _ => whole,
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn a_message_is_parted_where_its_statements_end() {
        assert_eq!(
            split("select 1; select ';' ;\n selec 3"),
            ["select 1", "select ';'", "selec 3"]
        );
        assert_eq!(split("select 1;"), ["select 1"]);
        assert_eq!(split("select 'open"), ["select 'open"]);
    }
}
