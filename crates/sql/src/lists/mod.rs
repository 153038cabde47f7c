//! The lists: what is not on one is refused.

pub(crate) mod catalog;
pub(crate) mod functions;
pub(crate) mod settings;
pub(crate) mod types;

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used, reason = "tests")]

    /// The published table is the list.
    #[test]
    fn what_is_listed_is_published() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/formats/sql.md");
        let text = std::fs::read_to_string(path).expect("the published table");
        let missing: Vec<&str> = super::functions::listed()
            .chain(super::settings::listed().map(|(name, _)| name))
            .filter(|name| !text.contains(&format!("`{name}`")))
            .collect();
        assert!(
            missing.is_empty(),
            "not in docs/formats/sql.md: {missing:?}"
        );
    }
}
