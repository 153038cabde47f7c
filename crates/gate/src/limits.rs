//! Every limit of the gate, by name.

use std::time::Duration;

/// From accept to the end of the login, however slowly the packets come (reliability.md R7).
pub const LOGIN_DEADLINE: Duration = Duration::from_secs(10);

/// Connections that have not proved a password yet; the next one is closed at once.
pub const MAX_WAITING_LOGINS: usize = 8192;

/// Of these from one address, so that one peer cannot use up the places of all.
pub const MAX_WAITING_LOGINS_PER_ADDRESS: usize = 4096;

/// Live sessions of this gate.
pub const MAX_SESSIONS: usize = 4096;

/// Bytes of a result that are reserved, recorded and then released together.
pub const CHUNK_BYTES: usize = 256 * 1024;

/// One read from a socket.
pub const READ_BYTES: usize = 64 * 1024;

/// What an idle connection keeps ready for its client's next message.
pub const IDLE_READ_BYTES: usize = 2 * 1024;

/// What is collected for the database before it is sent, where the client asks for no answer yet.
pub const MAX_PIPELINED_BYTES: usize = 1024 * 1024;

/// Messages whose answers are awaited at once.
pub const MAX_EXPECTED: usize = 10_000;

pub const MAX_PREPARED: usize = 4096;
pub const MAX_PORTALS: usize = 1024;
pub const MAX_CURSORS: usize = 256;

/// Users whose cleared texts are kept for one contract; beyond, who was away longest is forgotten.
pub const MAX_CACHED_USERS: usize = 64;

/// Of one user: the names (search paths) that his texts were read under.
pub const MAX_CACHED_NAMES: usize = 8;

/// Of one user: texts, and as many templates.
pub const MAX_CACHED_TEXTS: usize = 4096;

/// Of one user: what all his texts and templates may take.
pub const MAX_CACHED_BYTES: usize = 4 << 20;

/// What an entry takes besides its texts, about.
pub const CACHED_ENTRY_BYTES: usize = 512;

/// Longer texts are understood each time, unless they are short without their lists of literals.
pub const MAX_CACHED_TEXT_BYTES: usize = 16 * 1024;

/// Longer texts are read where they hold up no other session.
pub const SHORT_TEXT_BYTES: usize = 2 * 1024;

/// A statement that takes longer leaves a `statement.begun` record, so that a crash cannot hide it.
pub const BEGUN_AFTER: Duration = Duration::from_millis(50);

/// After a cut, how long the database may take to answer the cancel.
pub const CUT_DEADLINE: Duration = Duration::from_secs(10);

/// The longest that a statement may run.
pub const MAX_STATEMENT_TIME: Duration = Duration::from_secs(15 * 60);

/// Login at the database.
pub const UPSTREAM_DEADLINE: Duration = Duration::from_secs(8);

/// Last words to a client that is cut off.
pub const FAREWELL_DEADLINE: Duration = Duration::from_millis(500);

/// How often live sessions are judged anew, besides at every change of the state.
pub const REVIEW_EVERY: Duration = Duration::from_millis(500);

/// Bound values kept in a record; more is cut and marked.
pub const MAX_PARAMS_RECORD_BYTES: usize = 1024 * 1024;

/// At SIGTERM, how long sessions may finish what they run.
pub const DRAIN_DEADLINE: Duration = Duration::from_secs(10);
