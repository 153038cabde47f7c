//! rewrite: what a permit allows becomes the text that travels, made from our own tree and read
//! again to prove it.

use pg_query::protobuf as pb;
use pg_query::protobuf::Node;
use portcullis_contract::{Permit, Refusal, SqlState};

use crate::limits;
use crate::node::{Walked, strip_locations};
use crate::statement::{ClearedStatement, Statement};
use crate::understand::read_message;
use crate::{SessionNames, Surface};

/// Makes the text that travels. The permit's floor stands in it wherever groups are formed.
pub fn rewrite(
    statement: &Statement,
    permit: &Permit,
    surface: &Surface,
    session: &SessionNames,
) -> Result<ClearedStatement, Refusal> {
    let floor = permit.min_group().max(1);
    if statement.floor.is_none_or(|f| f == floor) {
        return Ok(ClearedStatement {
            text: statement.cleared.clone(),
            taps: statement.taps.clone(),
        });
    }
    // Read with another floor than the permit's: once more, with the permit's.
    let mut again = limits::on_fitting_stack(
        &statement.source,
        limits::DEFAULT_CALLER_STACK_BYTES,
        || read_message(&statement.source, surface, session, floor),
    )?;
    match again.pop() {
        Some(read)
            if again.is_empty() && read.kind == statement.kind && read.floor == Some(floor) =>
        {
            Ok(ClearedStatement {
                text: read.cleared,
                taps: read.taps,
            })
        }
        _ => Err(unproven()),
    }
}

fn unproven() -> Refusal {
    Refusal::new(
        SqlState::NotPassed,
        "form.unproven",
        "the cleared statement does not read back as what was understood",
    )
    .hint("write the statement in a simpler form, and tell the owner's administrator")
}

/// Text of a tree, proven: it reads back as the same tree.
///
/// INVARIANT: no text leaves this crate that was not compared here.
pub(crate) fn deparse(tree: &mut Node) -> Result<String, Refusal> {
    if strip_locations(tree) == Walked::Unknown {
        return Err(unproven());
    }
    let version = pb::ParseResult {
        version: 180_000,
        stmts: vec![pb::RawStmt {
            stmt: Some(Box::new(std::mem::take(tree))),
            stmt_location: 0,
            stmt_len: 0,
        }],
    };
    let text =
        pg_query::deparse(&version, pg_query::DeparseOptions::default()).map_err(|_| unproven())?;
    let back = pg_query::parse(&text, pg_query::ParserOptions::DEFAULT).map_err(|_| unproven())?;
    let (mut ours, mut theirs) = (version.stmts, back.protobuf.stmts);
    let (Some(ours), Some(theirs)) = (
        ours.pop().and_then(|s| s.stmt),
        theirs
            .pop()
            .filter(|_| theirs.is_empty())
            .and_then(|s| s.stmt),
    ) else {
        return Err(unproven());
    };
    let mut theirs = *theirs;
    if strip_locations(&mut theirs) == Walked::Unknown || theirs != *ours {
        return Err(unproven());
    }
    Ok(text)
}
