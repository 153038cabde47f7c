//! Settings that a session may show or change.

/// What a value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Values {
    /// Any single constant.
    Any,
    /// One of these, in any case.
    OneOf(&'static [&'static str]),
    /// The client's own search path: the gate keeps it.
    SearchPath,
    /// Shown only.
    ReadOnly,
}

const UTF8: &[&str] = &["utf8", "utf-8", "unicode"];
const ON: &[&str] = &["on", "true", "yes", "1"];
const BOOL: &[&str] = &["on", "off", "true", "false", "yes", "no", "1", "0"];
const ISOLATION: &[&str] = &[
    "read uncommitted",
    "read committed",
    "repeatable read",
    "serializable",
];
/// Below `notice` the server would tell of its own log and of the text that travels.
const MESSAGES: &[&str] = &["notice", "warning", "error"];

const SETTINGS: &[(&str, Values)] = &[
    ("application_name", Values::Any),
    ("backslash_quote", Values::ReadOnly),
    ("bytea_output", Values::OneOf(&["hex", "escape"])),
    ("client_encoding", Values::OneOf(UTF8)),
    ("client_min_messages", Values::OneOf(MESSAGES)),
    ("cursor_tuple_fraction", Values::Any),
    ("datestyle", Values::Any),
    ("default_transaction_deferrable", Values::OneOf(BOOL)),
    ("default_transaction_isolation", Values::OneOf(ISOLATION)),
    ("default_transaction_read_only", Values::OneOf(BOOL)),
    ("extra_float_digits", Values::Any),
    ("idle_in_transaction_session_timeout", Values::Any),
    ("idle_session_timeout", Values::Any),
    ("in_hot_standby", Values::ReadOnly),
    ("integer_datetimes", Values::ReadOnly),
    (
        "intervalstyle",
        Values::OneOf(&["postgres", "postgres_verbose", "sql_standard", "iso_8601"]),
    ),
    ("is_superuser", Values::ReadOnly),
    ("jit", Values::OneOf(BOOL)),
    ("lc_collate", Values::ReadOnly),
    ("lc_ctype", Values::ReadOnly),
    ("lc_messages", Values::ReadOnly),
    ("lc_monetary", Values::ReadOnly),
    ("lc_numeric", Values::ReadOnly),
    ("lc_time", Values::ReadOnly),
    ("lock_timeout", Values::Any),
    ("max_identifier_length", Values::ReadOnly),
    ("max_index_keys", Values::ReadOnly),
    ("quote_all_identifiers", Values::OneOf(BOOL)),
    ("row_security", Values::OneOf(ON)),
    ("search_path", Values::SearchPath),
    ("server_encoding", Values::ReadOnly),
    ("server_version", Values::ReadOnly),
    ("server_version_num", Values::ReadOnly),
    ("standard_conforming_strings", Values::OneOf(ON)),
    ("statement_timeout", Values::Any),
    ("synchronize_seqscans", Values::OneOf(BOOL)),
    ("timezone", Values::Any),
    ("transaction_deferrable", Values::OneOf(BOOL)),
    ("transaction_isolation", Values::OneOf(ISOLATION)),
    ("transaction_read_only", Values::OneOf(BOOL)),
    ("transaction_timeout", Values::Any),
    ("xmlbinary", Values::OneOf(&["base64", "hex"])),
    ("xmloption", Values::OneOf(&["content", "document"])),
];

/// What a setting's value may be; `None` = not on the list.
pub(crate) fn values(name: &str) -> Option<Values> {
    let name = name.to_ascii_lowercase();
    SETTINGS
        .iter()
        .find(|(setting, _)| *setting == name)
        .map(|(_, values)| *values)
}

/// All listed names.
pub(crate) fn listed() -> impl Iterator<Item = (&'static str, Values)> {
    SETTINGS.iter().copied()
}

/// Whether `value` may be set.
pub(crate) fn accepts(values: Values, value: &str) -> Accepts {
    let yes = match values {
        Values::Any => value.len() <= MAX_SETTING_BYTES,
        Values::OneOf(choices) => choices
            .iter()
            .any(|choice| value.eq_ignore_ascii_case(choice)),
        Values::SearchPath => true,
        Values::ReadOnly => false,
    };
    if yes { Accepts::Yes } else { Accepts::No }
}

/// Whether no value of the setting does harm, so that it may be bound.
pub(crate) fn takes_any(values: Values) -> bool {
    match values {
        Values::Any => true,
        Values::OneOf(choices) => choices == BOOL,
        Values::SearchPath | Values::ReadOnly => false,
    }
}

/// Longest value of a setting.
pub(crate) const MAX_SETTING_BYTES: usize = 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accepts {
    Yes,
    No,
}
