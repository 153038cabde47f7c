//! The second lock: what Portcullis keeps inside the protected database. For each contract revision
//! in force a schema of views with exactly the scoped columns, masks and rows; for each grant a role
//! that may use those views and nothing else.
//!
//! Invariant: a grant's role, logged in directly and without the gate, reaches no row, column or
//! unmasked value that its contract does not give. Start at [`plan`](fn@plan), then [`install`](fn@install).

mod attach;
mod bypass;
mod catalog;
mod check;
mod connect;
mod draft;
mod error;
mod exposure;
mod filter;
mod install;
mod lookalike;
mod masks;
mod names;
mod plan;
mod population;
mod roles;
mod subjects;
mod sweep;
mod tuning;
mod views;

pub use attach::{attach, detach};
pub use bypass::{Bypass, BypassKind, KnownSessions, bypass};
pub use catalog::{ForeignKey, LiveCatalog, LiveColumn, LiveTable, TableKind, TypeShape, inspect};
pub use check::{ScopeProblem, check_scope, resolve_columns};
pub use connect::{SslMode, Steward, Target, read_password, target};
pub use draft::draft;
pub use error::LockError;
pub use exposure::{PublicExposure, Severity, public_exposure};
pub use install::{install, surface};
pub use names::{grant_role_name, view_schema};
pub use plan::{Plan, plan};
pub use population::{
    Present, SubjectTable, canonical_key, count_subjects, send_subjects, subjects_of,
    subjects_shown,
};
pub use roles::{
    GrantRole, RoleSecret, drop_grant_role, ensure_grant_role, scram_verifier, terminate,
};
pub use subjects::{PRESENCE_COLUMN, SUBJECT_COLUMN, subject_identity};
pub use sweep::{LiveContract, Swept, remove_contract, sweep};
pub use tuning::tuning;
