//! The second lock on a real PostgreSQL.
