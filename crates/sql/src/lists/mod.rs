//! The lists: what is not on one is refused.

pub(crate) mod catalog;
pub(crate) mod functions;
pub(crate) mod settings;
pub(crate) mod types;
