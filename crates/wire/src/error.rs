//! What can be wrong with a message. Texts of statements and values never appear in an error.

/// Why bytes are no message that we accept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    #[error("unknown message type `{}`", tag.escape_ascii())]
    UnknownTag { tag: u8 },
    #[error("message `{}` of {bytes} bytes is longer than the limit of {limit}", tag.escape_ascii())]
    TooLong { tag: u8, bytes: usize, limit: usize },
    #[error("message `{}` declares the impossible length {declared}", tag.escape_ascii())]
    ImpossibleLength { tag: u8, declared: i64 },
    #[error("message ends before its {what}")]
    Truncated { what: &'static str },
    #[error("message has {bytes} bytes after its end")]
    TrailingBytes { bytes: usize },
    #[error("{what} is not valid UTF-8")]
    NotUtf8 { what: &'static str },
    #[error("{what} has no terminating NUL")]
    Unterminated { what: &'static str },
    #[error("{what} contains a NUL")]
    EmbeddedNul { what: &'static str },
    #[error("{what} has the negative length {length}")]
    NegativeLength { what: &'static str, length: i32 },
    #[error("{what}: {count} is out of range")]
    CountOutOfRange { what: &'static str, count: i64 },
    #[error("{what} has the unknown code {code}")]
    UnknownCode { what: &'static str, code: i64 },
    #[error("a row has {fields} fields where at least {needed} are due")]
    TooFewFields { fields: usize, needed: usize },
    #[error("the tap of a COPY row is not in its expected form")]
    TapMalformed,
    #[error("a COPY delimiter may not be a character of the tap")]
    TapDelimiter,
    #[error("a binary COPY stream is out of its order")]
    CopyOutOfOrder,
    #[error("a message of {bytes} bytes is too long to be sent")]
    TooLongToSend { bytes: usize },
}
