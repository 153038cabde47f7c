//! The names under which a client sees its session.

use portcullis_contract::AggregateRule;

use crate::Surface;

/// One identity for the client, whatever the server behind knows it as. The gate keeps it per session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionNames {
    /// What `current_user` and its like show.
    pub user: String,
    /// What `current_database()` shows.
    pub database: String,
    /// The client's own search path, as it was set; the server's stays pinned.
    pub search_path: Vec<String>,
    /// What the contract puts under aggregates, if known: spares a second reading of statements with
    /// groups. The permit's rule is what counts.
    pub rule: AggregateRule,
}

impl SessionNames {
    /// At the start of a session the path has `$user`, every schema in scope, then `public`: a bare
    /// table name finds its table.
    pub fn new(user: impl Into<String>, database: impl Into<String>, surface: &Surface) -> Self {
        let mut search_path = vec!["$user".to_owned()];
        search_path.extend(surface.schemas.iter().filter(|s| *s != "public").cloned());
        search_path.push("public".to_owned());
        Self {
            user: user.into(),
            database: database.into(),
            search_path,
            rule: AggregateRule::default(),
        }
    }

    /// Schemas of the path that exist for the client, in order: what `current_schemas(false)` shows.
    pub(crate) fn effective_path<'a>(
        &'a self,
        surface: &'a Surface,
    ) -> impl Iterator<Item = &'a str> {
        self.search_path
            .iter()
            .map(|entry| {
                if entry == "$user" {
                    self.user.as_str()
                } else {
                    entry.as_str()
                }
            })
            .filter(|name| {
                surface.schemas.iter().any(|s| s == name)
                    || *name == "public"
                    || *name == "pg_catalog"
                    || *name == "information_schema"
            })
    }

    /// What `SHOW search_path` shows.
    pub(crate) fn search_path_text(&self) -> String {
        let quoted: Vec<String> = self
            .search_path
            .iter()
            .map(|name| quote_identifier(name))
            .collect();
        quoted.join(", ")
    }
}

/// Quotes a name where PostgreSQL would.
pub(crate) fn quote_identifier(name: &str) -> String {
    let plain = name
        .chars()
        .next()
        .is_some_and(|c| c.is_ascii_lowercase() || c == '_')
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if plain {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

/// Splits a list of names as PostgreSQL's `SplitIdentifierString` does: quoted names keep their
/// case, others are folded. `None` = not a list of names.
pub(crate) fn split_identifiers(text: &str, separator: char) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut rest = text.trim_start();
    if rest.is_empty() {
        return Some(names);
    }
    loop {
        let name;
        if let Some(quoted) = rest.strip_prefix('"') {
            let (inner, after) = quoted_name(quoted)?;
            name = inner;
            rest = after;
        } else {
            let end = rest
                .find(|c: char| c == separator || c.is_whitespace() || c == '"')
                .unwrap_or(rest.len());
            let (word, after) = rest.split_at_checked(end)?;
            name = word.to_ascii_lowercase();
            rest = after;
        }
        if name.is_empty() {
            return None;
        }
        names.push(name);
        rest = rest.trim_start();
        if rest.is_empty() {
            return Some(names);
        }
        rest = rest.strip_prefix(separator)?.trim_start();
    }
}

fn quoted_name(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c != '"' {
            name.push(c);
        } else if chars.peek().is_some_and(|(_, next)| *next == '"') {
            chars.next();
            name.push('"');
        } else {
            return Some((name, text.get(at + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_split_as_postgresql_splits_them() {
        let split = |text| split_identifiers(text, ',');
        assert_eq!(
            split("\"$user\", Public"),
            Some(vec!["$user".to_owned(), "public".to_owned()])
        );
        assert_eq!(split(""), Some(vec![]));
        assert_eq!(split("\"a\"\"b\""), Some(vec!["a\"b".to_owned()]));
        assert_eq!(split("a,"), None);
        assert_eq!(split("\"open"), None);
        assert_eq!(
            split_identifiers("clinic.\"Patients\"", '.'),
            Some(vec!["clinic".to_owned(), "Patients".to_owned()])
        );
    }
}
