//! admit: is this person let in now? Vetting, contract, grant, hours and network are judged by
//! `contract::admit`; then, and only then, the gate logs in to the database as the grant's own role.

use std::sync::Arc;

use bytes::BytesMut;
use portcullis_contract::{Refusal, SqlState};
use portcullis_sql::SessionNames;
use portcullis_store::log::Entry;
use portcullis_store::state::{Admitted, SessionInfo};
use portcullis_wire::build::server as build;

use crate::Gate;
use crate::identify::Principal;
use crate::session::client::Client;
use crate::session::running::Bearing;
use crate::session::{Opening, Session};
use crate::startup::{Connection, REPORTED_PARAMETERS};
use crate::upstream::{self, Upstream};

const APPLICATION_BYTES_MAX: usize = 64;

/// Admits and opens a session; a refusal is recorded, told, and the connection ended.
pub async fn admit(
    gate: &Arc<Gate>,
    mut connection: Connection,
    principal: &Principal,
) -> Option<Session> {
    match open(gate, &mut connection, principal).await {
        Ok(opened) => Some(finish(gate, connection, opened)),
        Err(refusal) => {
            let resource = connection.startup.database().to_owned();
            gate.record_refused_login(
                &principal.person,
                &resource,
                &refusal.reason,
                connection.peer,
            );
            connection.refuse(&refusal).await;
            None
        }
    }
}

struct Opened {
    admitted: Admitted,
    terms: Arc<crate::session::desk::Terms>,
    upstream: Upstream,
    cancel: crate::cancel::CancelSlot,
    guard: portcullis_store::state::sessions::SessionGuard,
    bearing: Bearing,
    names: SessionNames,
    zone: jiff::tz::TimeZone,
}

async fn open(
    gate: &Arc<Gate>,
    connection: &mut Connection,
    principal: &Principal,
) -> Result<Opened, Refusal> {
    let admitted =
        gate.registry
            .admission(&principal.grant_id, connection.peer.ip(), gate.now())?;
    named_resource(connection, &admitted)?;
    if gate.registry.sessions().len() >= crate::limits::MAX_SESSIONS {
        return Err(Refusal::new(
            SqlState::CannotConnectNow,
            "limit.sessions",
            "this gate has no place for another session",
        ));
    }
    let terms = gate.terms(&admitted)?;
    let mut names = SessionNames::new(
        connection.startup.user(),
        terms.surface.resource.clone(),
        &terms.surface,
    );
    // So that no text with groups need be read a second time.
    names.rule = admitted.contract.methods.aggregate_rule();
    let params = passed_parameters(connection, &mut names, &terms.surface)?;
    let target = Arc::new(gate.upstream_target(&admitted, &terms, params).await?);
    let upstream = match upstream::connect(&target).await {
        Ok(upstream) => upstream,
        Err(error) => {
            tracing::warn!(resource = %admitted.resource.id, %error, "login to the database failed");
            gate.forget_role(&admitted.grant.id);
            return Err(unreachable_database(&admitted.resource.id));
        }
    };
    let no_randomness = |_| {
        Refusal::new(
            SqlState::CannotConnectNow,
            "internal.random",
            "no randomness for a key",
        )
    };
    let key_bytes = connection.startup.cancel_key_bytes();
    let cancel = gate
        .cancel
        .open(
            key_bytes,
            target,
            upstream.process_id,
            upstream.secret_key.clone(),
        )
        .map_err(no_randomness)?;
    let session = gate.new_session_id().map_err(no_randomness)?;
    let bearing = Bearing {
        session: session.clone(),
        person: admitted.person.id.clone(),
        vendor: admitted.vendor.id.clone(),
        contract: admitted.contract.id.clone(),
        resource: admitted.resource.id.clone(),
        grant: admitted.grant.id.clone(),
        purpose: admitted.grant.purpose.clone(),
    };
    let application = connection
        .startup
        .get("application_name")
        .map(printable)
        .unwrap_or_default();
    let info = SessionInfo {
        id: session,
        person: bearing.person.clone(),
        vendor: bearing.vendor.clone(),
        contract: bearing.contract.clone(),
        resource: bearing.resource.clone(),
        grant: bearing.grant.clone(),
        purpose: bearing.purpose.clone(),
        client_addr: connection.peer,
        application: application.clone(),
        since: gate.now(),
    };
    // Entered before the record: from here on a suspension reaches this session.
    let guard = gate.registry.sessions().register(info);
    record_opened(gate, &bearing, connection, &application).await?;
    // What was revoked while the database was reached counts.
    gate.registry
        .admission(&principal.grant_id, connection.peer.ip(), gate.now())?;
    let zone = jiff::tz::TimeZone::get(&admitted.contract.access.timezone).map_err(|_| {
        Refusal::new(
            SqlState::NotAdmitted,
            "access.timezone",
            "the contract's time zone is not known here",
        )
    })?;
    Ok(Opened {
        admitted,
        terms,
        upstream,
        cancel,
        guard,
        bearing,
        names,
        zone,
    })
}

fn named_resource(connection: &Connection, admitted: &Admitted) -> Result<(), Refusal> {
    let named = connection.startup.database();
    if named == admitted.resource.id {
        return Ok(());
    }
    Err(Refusal::new(
        SqlState::NotAdmitted,
        "grant.resource",
        format!(
            "this grant is for `{}`, not for `{named}`",
            admitted.resource.id
        ),
    )
    .clause(&admitted.contract.id, "scope")
    .hint(format!("connect with `dbname={}`", admitted.resource.id)))
}

/// Start-up parameters and `options` may set what SET may, nothing else; a search path is the gate's own matter.
fn passed_parameters(
    connection: &Connection,
    names: &mut SessionNames,
    surface: &portcullis_sql::Surface,
) -> Result<Vec<(String, String)>, Refusal> {
    let mut passed = Vec::new();
    for (name, value) in connection.startup.params() {
        match name.as_str() {
            // Judged elsewhere, or nothing to the database.
            "user" | "database" | "client_encoding" | "replication" => {}
            "options" => passed.extend(crate::options::settings_of(value, names, surface)?),
            "application_name" => passed.push((name.clone(), printable(value))),
            _ => passed.extend(crate::options::setting_of(name, value, names, surface)?),
        }
    }
    Ok(passed)
}

fn printable(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_ascii_graphic() || *c == ' ')
        .take(APPLICATION_BYTES_MAX)
        .collect()
}

fn unreachable_database(resource: &str) -> Refusal {
    Refusal::new(
        SqlState::CannotConnectNow,
        "resource.unreachable",
        format!("the database `{resource}` cannot be reached now"),
    )
    .hint("try again; tell the owner's engineer if it lasts")
}

async fn record_opened(
    gate: &Arc<Gate>,
    bearing: &Bearing,
    connection: &Connection,
    application: &str,
) -> Result<(), Refusal> {
    let leaf = bearing
        .leaf("session.opened", gate.now())
        .str("client_addr", &connection.peer.to_string())
        .str("application", application)
        .finish();
    let unwritable = crate::session::records::unwritable;
    let entry = Entry::new(leaf, Vec::new()).map_err(|_| unwritable())?;
    let pending = gate.log.append(entry).map_err(|_| unwritable())?;
    // INVARIANT: no session begins that the log does not know of.
    let _recorded = pending.await.map_err(|_| unwritable())?;
    Ok(())
}

/// The greeting, then the session.
fn finish(gate: &Arc<Gate>, connection: Connection, opened: Opened) -> Session {
    let Opened {
        admitted,
        terms,
        upstream,
        cancel,
        guard,
        bearing,
        names,
        zone,
    } = opened;
    let mut greeting = BytesMut::new();
    build::authentication_ok(&mut greeting);
    for name in REPORTED_PARAMETERS {
        if let Some(value) = upstream.parameters.get(name) {
            // The database's own word, bounded by the login's limits; one that does not fit is left out.
            let _ = build::parameter_status(&mut greeting, name, value);
        }
    }
    let _ = build::parameter_status(
        &mut greeting,
        "session_authorization",
        connection.startup.user(),
    );
    let _ = build::backend_key_data(&mut greeting, cancel.process_id, &cancel.key);
    if admitted.contract.mode == portcullis_contract::Mode::Observe {
        observe_notice(&mut greeting, &admitted.contract.id);
    }
    build::ready_for_query(
        &mut greeting,
        portcullis_wire::backend::TransactionStatus::Idle,
    );
    let client = Client::new(connection.stream, connection.input);
    let gate = Arc::clone(gate);
    Session::new(Opening {
        gate,
        guard,
        bearing,
        terms,
        names,
        client,
        upstream,
        cancel,
        zone,
        greeting,
    })
}

fn observe_notice(out: &mut BytesMut, contract: &str) {
    let message = format!(
        "portcullis[mode.observe]: contract `{contract}` only observes: what it would refuse is recorded and passed"
    );
    let notice = build::Report {
        severity: "WARNING",
        sqlstate: "01000",
        message: &message,
        detail: None,
        hint: None,
        position: None,
    };
    build::notice_response(out, &notice);
}
