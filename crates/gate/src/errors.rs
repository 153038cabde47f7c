//! What a client is told: refusals in full, the database's own errors without anything that could
//! quote a value or name what is hidden.

use bytes::BytesMut;
use portcullis_contract::Refusal;
use portcullis_sql::Surface;
use portcullis_wire::backend::Report;
use portcullis_wire::build::server as build;

/// How bad it is for the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    Error,
    Fatal,
}

/// What to do about a refusal that is the same wherever it arises: of the gate, not of one statement.
fn general_hint(reason: &str) -> Option<&'static str> {
    Some(match reason {
        "access.timezone" => "ask the owner's administrator to correct `timezone` of the contract",
        "grant.ended" => "request a new grant",
        "internal.random" => "try again; tell the owner's engineer if it lasts",
        "limit.cursors" => {
            "close what is read through: `CLOSE name`, `CLOSE ALL`, or end the transaction"
        }
        "limit.options" => "leave settings out of the connection's options, and send them as `SET`",
        "limit.portals" => {
            "close what is read through, or send Sync: portals end with their transaction"
        }
        "limit.prepared" => {
            "`DEALLOCATE name` or `DEALLOCATE ALL`; drivers have a size for their cache of statements"
        }
        "limit.sessions" => "try again later, with fewer connections in the pool",
        "method.tuning" => {
            "what the database says against it stands above; if it seems right, ask the owner's engineer"
        }
        "portal.unknown" => {
            "declare it again: cursors end with their transaction, but those WITH HOLD"
        }
        "prepared.exists" => "`DEALLOCATE` it first, or take another name",
        "prepared.kind" => "send the statement itself, or prepare it in the protocol (Parse)",
        "prepared.unknown" => "prepare it again: names are the session's own, and end with it",
        "protocol.replication" => {
            "leave `replication` out; what the contract shows is read with SELECT"
        }
        "protocol.violation" => {
            "the client broke PostgreSQL's protocol; update the driver, or tell its makers"
        }
        "resource.tls" => "the owner's engineer finds the cause in the gate's log",
        "resource.unreachable" => "try again; tell the owner's engineer if it lasts",
        "syntax.several" => "prepare the statements one by one, or send them in a simple query",
        "trace.tap" => "write the statement in a simpler form, and tell the owner's administrator",
        "transaction.failed" => "send `ROLLBACK`, or `ROLLBACK TO` a savepoint",
        _ => return None,
    })
}

/// Whose the rule is, where no clause of a contract could say otherwise.
fn general_detail(reason: &str) -> Option<&'static str> {
    Some(match reason.split('.').next()? {
        "limit" => "a limit of the gate, the same under every contract",
        "protocol" => "the gate passes this under no contract",
        "setting" => "what a session's baseline does not take, no method adds",
        _ => return None,
    })
}

/// Writes a refusal as an ErrorResponse. `text` is the statement's message, for the position.
pub fn write_refusal(
    out: &mut BytesMut,
    severity: Severity,
    refusal: &Refusal,
    text: Option<&str>,
) {
    let message = refusal.client_message();
    let position = text
        .zip(refusal.position)
        .map(|(text, at)| character_position(text, at));
    let report = build::Report {
        severity: match severity {
            Severity::Error => "ERROR",
            Severity::Fatal => "FATAL",
        },
        sqlstate: refusal.sqlstate.code(),
        message: &message,
        detail: refusal
            .detail
            .as_deref()
            .or_else(|| general_detail(&refusal.reason)),
        hint: refusal
            .hint
            .as_deref()
            .or_else(|| general_hint(&refusal.reason)),
        position,
    };
    build::error_response(out, &report);
}

/// PostgreSQL counts characters from 1.
fn character_position(text: &str, byte_offset: usize) -> u32 {
    let before = text
        .char_indices()
        .take_while(|(at, _)| *at < byte_offset)
        .count();
    u32::try_from(before + 1).unwrap_or(u32::MAX)
}

/// What the client learns of an error of the database: its SQLSTATE, and a text that can quote nothing.
pub fn sanitised(report: &Report, surface: &Surface) -> (String, String, Option<String>) {
    let sqlstate = report.sqlstate().to_owned();
    // "Permission denied for X" and "X does not exist" would tell whether a hidden X is there.
    if matches!(sqlstate.as_str(), "42501" | "3F000" | "42704" | "42P01")
        || looked_up(&sqlstate, report.message())
    {
        return (
            "42704".to_owned(),
            "a name in the statement stands for nothing that this session may use".to_owned(),
            Some("types, schemas and roles of the owner are not in scope; if it worked before, the owner's engineer should look at `portcullis doctor`".to_owned()),
        );
    }
    let quoting = match sqlstate.get(..2).unwrap_or_default() {
        // Names and grammar: the text is about the statement, after our own names are taken out.
        "42" | "08" | "25" | "26" | "34" | "3D" | "3F" | "57" | "53" | "55" | "40" | "0A"
        | "01" | "2D" | "3B" | "54" => false,
        // Data exceptions, constraint violations, everything that functions raise: may quote a value.
        _ => true,
    };
    if quoting {
        let message = format!(
            "{} (the database's own words are withheld: they may quote data)",
            condition(&sqlstate)
        );
        let hint =
            "the statement failed on a value; narrow it down with simpler conditions".to_owned();
        return (sqlstate, message, Some(hint));
    }
    (sqlstate, in_clients_names(report.message(), surface), None)
}

/// A value was read as a function's name. What a call finds missing has its arguments' types behind the
/// name, and no quotes around it: `function pg_catalog.lag(text, integer) does not exist`.
fn looked_up(sqlstate: &str, message: &str) -> bool {
    match sqlstate {
        "42883" => !message.contains('(') && !message.starts_with("operator"),
        "42725" => message.starts_with("more than one"),
        _ => false,
    }
}

/// Names of the second lock become the owner's.
pub fn in_clients_names(text: &str, surface: &Surface) -> String {
    let mut text = text.to_owned();
    for table in &surface.tables {
        for internal in [
            format!("{}.{}", surface.view_schema, table.view),
            format!("\"{}\".\"{}\"", surface.view_schema, table.view),
        ] {
            text = text.replace(&internal, &table.qualified());
        }
        text = text.replace(&table.view, &table.name);
    }
    text.replace(&format!("{}.", surface.view_schema), "")
}

/// The condition's name in PostgreSQL's appendix "Error Codes", for the classes that are withheld.
fn condition(sqlstate: &str) -> &'static str {
    match sqlstate {
        "22P02" => "invalid text representation",
        "22003" => "numeric value out of range",
        "22007" => "invalid datetime format",
        "22008" => "datetime field overflow",
        "22012" => "division by zero",
        "22001" => "string data right truncation",
        "22011" => "substring error",
        "22021" => "character not in repertoire",
        "22023" => "invalid parameter value",
        "2201B" => "invalid regular expression",
        "22P01" => "floating point exception",
        "22P03" => "invalid binary representation",
        "22P05" => "untranslatable character",
        "21000" => "cardinality violation",
        _ => match sqlstate.get(..2).unwrap_or_default() {
            "22" => "data exception",
            "23" => "integrity constraint violation",
            "XX" => "internal error of the database",
            _ => "the statement failed in the database",
        },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn what_is_hidden_and_what_is_missing_get_one_answer() {
        let surface = Surface {
            view_schema: "portcullis_c".to_owned(),
            ..Surface::default()
        };
        let told: Vec<_> = [
            ("42501", "permission denied for schema hr"),
            ("3F000", "schema \"hr\" does not exist"),
            ("42704", "role \"x\" does not exist"),
            ("42P01", "relation \"hr.salaries\" does not exist"),
            ("42883", "function \"public.nope\" does not exist"),
            ("42725", "more than one function named \"hr.pay\""),
        ]
        .iter()
        .map(|(code, text)| {
            let body = format!("SERROR\0VERROR\0C{code}\0M{text}\0\0");
            sanitised(&Report::parse(body.as_bytes()).unwrap(), &surface)
        })
        .collect();
        assert!(told.iter().all(|one| *one == told[0]), "{told:?}");
        for own in [
            "function pg_catalog.lag(text, integer, integer) does not exist",
            "operator does not exist: text = integer",
        ] {
            let body = format!("SERROR\0VERROR\0C42883\0M{own}\0\0");
            let (_, message, _) = sanitised(&Report::parse(body.as_bytes()).unwrap(), &surface);
            assert_eq!(message, own);
        }
    }

    #[test]
    fn what_the_gate_itself_refuses_says_what_to_do() {
        let refusal = Refusal::new(
            portcullis_contract::SqlState::InFailedTransaction,
            "transaction.failed",
            "current transaction is aborted",
        );
        let mut out = BytesMut::new();
        write_refusal(&mut out, Severity::Error, &refusal, None);
        let text = String::from_utf8_lossy(&out);
        assert!(text.contains("Hsend `ROLLBACK`"), "{text}");
        let own = refusal.hint("wait");
        out.clear();
        write_refusal(&mut out, Severity::Error, &own, None);
        let text = String::from_utf8_lossy(&out);
        assert!(
            text.contains("Hwait") && !text.contains("ROLLBACK"),
            "{text}"
        );
    }

    /// No refusal of this crate leaves the client without a hint: each has its own, or a general one.
    #[test]
    fn every_reason_of_the_gate_has_a_hint() {
        let sources = [
            include_str!("admit.rs"),
            include_str!("listen.rs"),
            include_str!("options.rs"),
            include_str!("roles.rs"),
            include_str!("startup.rs"),
            include_str!("session/ask.rs"),
            include_str!("session/desk.rs"),
            include_str!("session/extended.rs"),
            include_str!("session/names.rs"),
            include_str!("session/simple.rs"),
        ];
        let mut seen = 0;
        for made in sources
            .iter()
            .flat_map(|text| text.split("Refusal::new(").skip(1))
        {
            let Some(reason) = made.split('"').nth(1).filter(|word| word.contains('.')) else {
                continue;
            };
            seen += 1;
            let own = made.split("Refusal").next().unwrap().contains(".hint(");
            assert!(
                own || general_hint(reason).is_some(),
                "{reason} says nothing to do"
            );
        }
        assert!(seen >= 20, "{seen} refusals found");
    }

    #[test]
    fn a_position_counts_characters() {
        assert_eq!(character_position("SELECT '李伟', x", 0), 1);
        assert_eq!(character_position("李伟x", "李伟".len()), 3);
    }
}
