//! Understands every statement, or refuses it: method, tables, columns, functions, row-level or
//! aggregate; and rewrites what is permitted to the contract's views.
//!
//! Invariant: whatever node, function, operator, type or setting is not on a list is refused; what
//! travels is text made from our own tree. Start at [`understand`](fn@understand), then [`rewrite`](fn@rewrite).

// The unit tests read the same corpora, by the same code, as the tests from outside.
#[cfg(test)]
extern crate self as portcullis_sql;

pub mod limits;
pub mod rewrite;
pub mod rules;
pub mod session;
pub mod statement;
pub mod surface;
pub mod understand;

mod ask;
#[cfg(test)]
mod grammar;
mod lists;
mod literals;
#[cfg(test)]
mod mutation;
mod names;
mod node;
mod read;
mod split;
mod syntax;
mod utility;

pub use ask::AnswerForm;
pub use literals::compared_literals;
pub use names::{NAME_MARK, with_name};
pub use rewrite::rewrite;
pub use session::SessionNames;
pub use split::split;
pub use statement::*;
pub use surface::Surface;
pub use syntax::syntax_error_at;
pub use understand::{understand, understand_on};
pub use utility::PlanForm;
