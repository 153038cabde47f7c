//! What can go wrong, and whose fault it is.

/// Texts are for the owner's engineer; none holds a password.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("resource `{resource}`: {what}")]
    Resource { resource: String, what: String },
    #[error("cannot reach the database of `{resource}`: {what}")]
    Unreachable { resource: String, what: String },
    /// The database refused; its own words, verbatim.
    #[error("database: {0}")]
    Database(String),
    #[error("contract `{contract}`: {what}")]
    Contract { contract: String, what: String },
    /// An object with our name that we did not make, or that another contract owns.
    #[error("`{name}` is not ours: {what}")]
    NotOurs { name: String, what: String },
    #[error("not done: {0}")]
    Refused(String),
}

impl From<tokio_postgres::Error> for LockError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(describe(&error))
    }
}

/// The server's message with its SQLSTATE, or the transport's.
pub(crate) fn describe(error: &tokio_postgres::Error) -> String {
    let Some(db) = error.as_db_error() else {
        return chain(error);
    };
    let mut text = format!("{} ({})", db.message(), db.code().code());
    if let Some(detail) = db.detail() {
        text.push_str("; ");
        text.push_str(detail);
    }
    if let Some(hint) = db.hint() {
        text.push_str("; hint: ");
        text.push_str(hint);
    }
    text
}

fn chain(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
