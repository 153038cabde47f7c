//! `doctor`: each check says what it found and, where it isn't well, what to do.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use portcullis_lock::BypassKind;
use serde::Serialize;
use serde_json::{Value, json};

use super::Shared;
use crate::compose::server::Server;

/// Below this the log will soon not be writable, and then nobody is served.
const DISK_LOW_BYTES: u64 = 1 << 30;
const DISK_FULL_BYTES: u64 = 64 << 20;

#[derive(Serialize)]
struct Check {
    check: String,
    state: &'static str,
    found: String,
    remedy: Option<String>,
}

fn ok(check: impl Into<String>, found: impl Into<String>) -> Check {
    Check {
        check: check.into(),
        state: "ok",
        found: found.into(),
        remedy: None,
    }
}

fn warn(check: impl Into<String>, found: impl Into<String>, remedy: impl Into<String>) -> Check {
    Check {
        check: check.into(),
        state: "warn",
        found: found.into(),
        remedy: Some(remedy.into()),
    }
}

fn fail(check: impl Into<String>, found: impl Into<String>, remedy: impl Into<String>) -> Check {
    Check {
        check: check.into(),
        state: "fail",
        found: found.into(),
        remedy: Some(remedy.into()),
    }
}

pub async fn doctor(State(server): Shared) -> Json<Value> {
    let mut checks = vec![
        installation(),
        permissions(&server),
        keys(&server),
        disk(&server),
        clock(&server),
        log(&server),
    ];
    checks.push(officers(&server));
    checks.extend(databases(&server).await);
    checks.extend(roads(&server).await);
    Json(json!({ "checks": checks }))
}

fn installation() -> Check {
    ok(
        "installation",
        format!("portcullis {}", env!("CARGO_PKG_VERSION")),
    )
}

fn permissions(server: &Server) -> Check {
    let open = server.dir.too_open();
    if open.is_empty() {
        return ok(
            "permissions",
            format!("`{}` is its owner's alone", server.dir.root().display()),
        );
    }
    fail(
        "permissions",
        format!("others can reach {}", open.join(", ")),
        "chmod go-rwx them; then treat the keys as seen",
    )
}

fn keys(server: &Server) -> Check {
    let read = || -> anyhow::Result<()> {
        server.dir.server_secret()?;
        server.dir.ledger_key()?;
        let signs = server.dir.log_key()?.verifying_key();
        let verifies = crate::compose::journal::verifier(&server.dir)?;
        anyhow::ensure!(
            *verifies.public() == signs,
            "`keys/log.vkey` is not the public half of `keys/log.pem`"
        );
        Ok(())
    };
    match read() {
        Ok(()) => ok("keys", "present and fitting"),
        Err(error) => fail(
            "keys",
            format!("{error:#}"),
            "restore DIR/keys from the backup",
        ),
    }
}

fn disk(server: &Server) -> Check {
    let remedy = "make room: what cannot be recorded is refused (58030)";
    match rustix::fs::statvfs(server.dir.root()) {
        Ok(stat) => {
            let free = stat.f_bavail.saturating_mul(stat.f_frsize);
            let found = format!("{} MB free", free / 1_000_000);
            match free {
                _ if free < DISK_FULL_BYTES => fail("disk", found, remedy),
                _ if free < DISK_LOW_BYTES => warn("disk", found, remedy),
                _ => ok("disk", found),
            }
        }
        Err(error) => fail("disk", error.to_string(), remedy),
    }
}

/// The server's time never goes behind its last event; a clock far behind is told here.
fn clock(server: &Server) -> Check {
    let clock = jiff::Timestamp::now();
    let behind = server.registry.now().duration_since(clock).as_secs();
    if behind > 5 {
        let found = format!("the clock is {behind} s behind the last event");
        return fail(
            "clock",
            found,
            "set the clock (NTP); until it has caught up, time stands still here",
        );
    }
    ok("clock", clock.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

fn log(server: &Server) -> Check {
    match server.log.checkpoint() {
        Ok(_) => ok("log", format!("{} events, signed", server.log.size())),
        Err(error) => fail(
            "log",
            error.to_string(),
            "see the server's log; restart when the disk is well",
        ),
    }
}

fn officers(server: &Server) -> Check {
    let vouched: Vec<String> = server.registry.read(|state| {
        state
            .officers
            .iter()
            .filter(|(_, officer)| !officer.token_by.is_empty())
            .map(|(name, officer)| {
                let by: Vec<&str> = officer.token_by.iter().map(String::as_str).collect();
                format!("{name} (by {})", by.join(", "))
            })
            .collect()
    });
    if vouched.is_empty() {
        return ok("officers", "every officer's token is his own");
    }
    warn(
        "officers",
        format!("tokens issued by another officer: {}", vouched.join(", ")),
        "such a token is no second pair of eyes towards its issuer; have a third officer issue it",
    )
}

async fn databases(server: &Arc<Server>) -> Vec<Check> {
    let resources: Vec<_> = server.registry.read(|state| {
        state
            .resources
            .values()
            .map(|entry| (Arc::clone(&entry.resource), entry.detached))
            .collect()
    });
    let mut checks = Vec::new();
    for (resource, detached) in resources {
        let name = format!("database {}", resource.id);
        if detached {
            checks.push(warn(
                &name,
                "detached",
                format!(
                    "`portcullis resource attach {}` when the migration is done",
                    resource.id
                ),
            ));
            continue;
        }
        if let Err(denied) = server.locks.steward(&resource).await {
            checks.push(fail(
                &name,
                denied.message,
                denied
                    .hint
                    .unwrap_or_else(|| "check the resource's url and password".to_owned()),
            ));
            continue;
        }
        match server.restore_lock(&resource.id).await {
            Ok(()) => checks.push(ok(&name, "reachable, second lock in place")),
            Err(denied) => checks.push(fail(
                &name,
                denied.message,
                denied.hint.unwrap_or_else(|| "see the message".to_owned()),
            )),
        }
        checks.extend(exposure(server, &resource).await);
    }
    checks
}

async fn exposure(server: &Server, resource: &portcullis_contract::Resource) -> Vec<Check> {
    let mut checks = Vec::new();
    let Ok(steward) = server.locks.steward(resource).await else {
        return checks;
    };
    for (contract, _) in server.contracts_on(&resource.id) {
        let name = format!("PUBLIC on {}", resource.id);
        match portcullis_lock::public_exposure(&steward, &contract).await {
            Ok(findings) => checks.extend(findings.into_iter().map(|finding| {
                let found = format!("{}: {}", finding.what, finding.consequence);
                match finding.severity {
                    portcullis_lock::Severity::Blocks => fail(&name, found, finding.remedy),
                    _ => warn(&name, found, finding.remedy),
                }
            })),
            Err(error) => checks.push(fail(&name, error.to_string(), "see the message")),
        }
    }
    checks
}

async fn roads(server: &Arc<Server>) -> Vec<Check> {
    let mut checks = Vec::new();
    for (resource, roads) in server.bypass().await {
        let name = format!("roads past {resource}");
        match roads {
            Ok(roads) if roads.is_empty() => checks.push(ok(name, "none found")),
            Ok(roads) => {
                checks.extend(roads.into_iter().map(|road| {
                    let found = format!("{}: {}", road.who, road.what);
                    match road.kind {
                        BypassKind::Unseen => warn(&name, found, road.hint),
                        _ => fail(&name, found, road.hint),
                    }
                }));
            }
            Err(denied) => checks.push(warn(
                name,
                denied.message,
                "it is looked at again at the next check",
            )),
        }
    }
    checks
}
