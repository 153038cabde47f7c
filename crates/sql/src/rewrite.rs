//! rewrite: what a permit allows becomes the text that travels, made from our own tree and read
//! again to prove it.

use pg_query::protobuf as pb;
use pg_query::protobuf::Node;
use portcullis_contract::{Permit, Refusal};
use portcullis_grammar::Places;

use crate::limits;
use crate::node::{Walked, strip_and_weigh, strip_locations};
use crate::rules::{self, Denial, Rule};
use crate::statement::{ClearedStatement, Statement};
use crate::understand::read_message;
use crate::{SessionNames, Surface};

/// Makes the text that travels. The permit's rule stands under every group in it.
pub fn rewrite(
    statement: &Statement,
    permit: &Permit,
    surface: &Surface,
    session: &SessionNames,
) -> Result<ClearedStatement, Refusal> {
    let rule = permit.aggregate_rule();
    if statement.rule.as_ref().is_none_or(|read| read == rule) {
        return Ok(ClearedStatement {
            text: statement.cleared.clone(),
            taps: statement.taps.clone(),
        });
    }
    // Read under another rule than the permit's: once more, under the permit's.
    let mut again = limits::on_fitting_stack(
        &statement.source,
        limits::DEFAULT_CALLER_STACK_BYTES,
        || read_message(&statement.source, surface, session, rule),
    )?;
    match again.pop() {
        Some(read)
            if again.is_empty()
                && read.kind == statement.kind
                && read.rule.as_ref() == Some(rule) =>
        {
            Ok(ClearedStatement {
                text: read.cleared,
                taps: read.taps,
            })
        }
        _ => Err(unproven(&rules::ROUND_TRIP).refusal()),
    }
}

fn unproven(rule: &'static Rule) -> Denial {
    Denial::new(
        rule,
        None,
        "the cleared statement does not read back as what was understood",
    )
    .hint("write the statement in a simpler form, and tell the owner's administrator")
}

/// Text of a tree, proven: it reads back as the same tree.
///
/// INVARIANT: no text leaves this crate that was not compared here.
pub(crate) fn deparse(tree: &mut Node) -> Result<String, Refusal> {
    let (walked, weight) = strip_and_weigh(tree);
    if walked == Walked::Unknown {
        unproven(&rules::ROUND_TRIP_WALK).stands()?;
    }
    if weight > limits::MAX_WEIGHT {
        crate::read::too_deep(&rules::DEPTH_WEIGHT).stands()?;
    }
    let version = pb::ParseResult {
        version: 180_000,
        stmts: vec![pb::RawStmt {
            stmt: Some(Box::new(std::mem::take(tree))),
            stmt_location: 0,
            stmt_len: 0,
        }],
    };
    let text = pg_query::deparse(&version, pg_query::DeparseOptions::default())
        .map_err(|_| unproven(&rules::ROUND_TRIP).refusal())?;
    let back = portcullis_grammar::parse(&text, Places::Dropped)
        .map_err(|_| unproven(&rules::ROUND_TRIP).refusal())?;
    let stripped = back.places == Places::Dropped;
    let (mut ours, mut theirs) = (version.stmts, back.statements);
    let (Some(ours), Some(theirs)) = (
        ours.pop().and_then(|s| s.stmt),
        theirs
            .pop()
            .filter(|_| theirs.is_empty())
            .and_then(|s| s.stmt),
    ) else {
        return Err(unproven(&rules::ROUND_TRIP).refusal());
    };
    let mut theirs = *theirs;
    let unknown = !stripped
        && strip_locations(&mut theirs) == Walked::Unknown
        && rules::ROUND_TRIP_WALK.stands();
    if unknown || theirs != *ours {
        unproven(&rules::ROUND_TRIP).stands()?;
    }
    Ok(text)
}
