//! Every limit on bytes of others, by name.

/// The first packet of a connection; PostgreSQL's own `MAX_STARTUP_PACKET_LENGTH`.
pub const MAX_STARTUP_BYTES: usize = 10_000;
/// Any frame of a client that has not proved its password yet.
pub const MAX_LOGIN_FRAME_BYTES: usize = 10_000;
/// `Query` and `Parse`: the text of statements.
pub const MAX_QUERY_BYTES: usize = 1_048_576;
/// `Bind`: all parameters of one execution.
pub const MAX_BIND_BYTES: usize = 16_777_216;
/// `CopyData` from a client.
pub const MAX_COPY_IN_BYTES: usize = 1_048_576;
/// `FunctionCall`: always refused, so it need only be skippable.
pub const MAX_FUNCTION_CALL_BYTES: usize = 65_536;
/// Client frames that carry a name or nothing: `Describe`, `Execute`, `Close`, `Sync`, …
pub const MAX_SMALL_FRAME_BYTES: usize = 10_000;

/// `DataRow` and `CopyData` from the server: one row, held in memory as a whole.
pub const MAX_ROW_BYTES: usize = 33_554_432;
/// `RowDescription`, `ParameterDescription`, `ErrorResponse`, `NoticeResponse`.
pub const MAX_DESCRIPTION_BYTES: usize = 1_048_576;
/// Server frames that are short by nature: `CommandComplete`, `ParameterStatus`, `ReadyForQuery`, …
pub const MAX_SMALL_ANSWER_BYTES: usize = 65_536;
/// Any frame of a server before its `ReadyForQuery`.
pub const MAX_SERVER_LOGIN_FRAME_BYTES: usize = 65_536;
/// Columns of a result; PostgreSQL's own `MaxTupleAttributeNumber`.
pub const MAX_COLUMNS: usize = 1_664;

/// A cancel key in protocol 3.2.
pub const MAX_CANCEL_KEY_BYTES: usize = 256;
/// A cancel key in protocol 3.0.
pub const MIN_CANCEL_KEY_BYTES: usize = 4;
/// Newest minor version of protocol 3 that is spoken here.
pub const NEWEST_MINOR: u16 = 2;

/// One text field of an `ErrorResponse` that we write ourselves.
pub const MAX_REPORT_FIELD_BYTES: usize = 16_384;

/// Iterations of PBKDF2 that a stored verifier may ask for.
pub const MAX_SCRAM_ITERATIONS: u32 = 100_000;
/// What RFC 7677 asks for at least, and what PostgreSQL uses unless told otherwise.
pub const MIN_SCRAM_ITERATIONS: u32 = 4_096;
/// A nonce of a client.
pub const MAX_SCRAM_NONCE_BYTES: usize = 512;
/// The salt of a verifier.
pub const MAX_SCRAM_SALT_BYTES: usize = 64;
