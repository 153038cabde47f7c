//! react, without a statement: live sessions are judged anew at every change of the state and every
//! half second, so that whatever ends an admission ends the session within one second.

use std::sync::Arc;

use portcullis_store::state::Ending;
use tokio::sync::watch;

use crate::Gate;
use crate::limits::REVIEW_EVERY;

pub async fn review(gate: Arc<Gate>, mut stop: watch::Receiver<bool>) {
    let mut generation = gate.registry.generation();
    loop {
        tokio::select! {
            _ = tokio::time::sleep(REVIEW_EVERY) => {}
            changed = generation.changed() => if changed.is_err() { return },
            _ = stop.wait_for(|stop| *stop) => return,
        }
        review_once(&gate);
    }
}

fn review_once(gate: &Gate) {
    let now = gate.now();
    let sessions = gate.registry.sessions();
    for row in sessions.list() {
        let info = row.info;
        let ending = match gate
            .registry
            .admission(&info.grant, info.client_addr.ip(), now)
        {
            Err(refusal) => Some((refusal.reason, refusal.message)),
            Ok(admitted) => superseded(gate, &info.contract, &info.resource, &admitted),
        };
        if let Some((reason, why)) = ending {
            sessions.end(
                &info.id,
                Ending {
                    reason,
                    by: "server".to_owned(),
                    why,
                },
            );
        }
    }
}

/// A session reads under the contract and the views it began with; when either was replaced it ends.
fn superseded(
    gate: &Gate,
    contract: &str,
    resource: &str,
    admitted: &portcullis_store::state::Admitted,
) -> Option<(String, String)> {
    let known = gate
        .terms
        .lock()
        .get(&(contract.to_owned(), resource.to_owned()))
        .cloned()?;
    let surface = gate.registry.surface(contract, resource);
    let same = Arc::ptr_eq(&known.contract, &admitted.contract)
        && surface.is_some_and(|surface| Arc::ptr_eq(&surface, &known.surface));
    (!same).then(|| {
        (
            "contract.changed".to_owned(),
            "the contract was changed; connect again".to_owned(),
        )
    })
}
