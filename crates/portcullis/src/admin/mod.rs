//! The admin API: HTTP/1 and JSON over DIR/admin.sock, or over TLS. What it does is decided in
//! `store::state`; here requests are read, authorised by the one table, and answered.
//!
//! Invariant: every route names its act, and no handler runs before the act was allowed.

mod apply;
mod authorise;
mod changes;
mod disclosed;
mod doctor;
mod error;
mod explain;
mod findings;
mod grants;
mod input;
mod log;
mod parties;
mod resources;
mod sessions;
mod show;
mod state;
mod tls;
mod trace;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, on};
use portcullis_store::state::Act;

use crate::compose::server::Server;
use error::ApiError;
pub use tls::serve as serve_tls;

/// A request's body: a file may have 1 MiB, an `apply` some of them.
const BODY_BYTES_MAX: usize = 16 << 20;

/// Shared by all handlers.
type Shared = axum::extract::State<Arc<Server>>;

pub fn router(server: Arc<Server>) -> Router {
    use Act::*;
    let mut routes = Routes {
        server: Arc::clone(&server),
        router: Router::new(),
    };
    routes.add(Method::POST, "/v1/apply", Apply, apply::apply);
    routes.add(
        Method::GET,
        "/v1/contracts/draft",
        ContractDraft,
        resources::draft,
    );
    routes.add(Method::GET, "/v1/plan", Plan, resources::plan);
    routes.add(Method::GET, "/v1/changes", ChangeList, changes::list);
    routes.add(
        Method::POST,
        "/v1/changes/{id}/approve",
        ChangeApprove,
        changes::approve,
    );
    routes.add(
        Method::POST,
        "/v1/changes/{id}/deny",
        ChangeDeny,
        changes::deny,
    );
    routes.add(
        Method::POST,
        "/v1/persons/{id}/token",
        PersonToken,
        parties::person_token,
    );
    routes.add(
        Method::POST,
        "/v1/persons/{id}/suspend",
        Suspend,
        parties::suspend_person,
    );
    routes.add(
        Method::POST,
        "/v1/persons/{id}/resume",
        Resume,
        parties::resume_person,
    );
    routes.add(
        Method::POST,
        "/v1/contracts/{id}/suspend",
        Suspend,
        parties::suspend_contract,
    );
    routes.add(
        Method::POST,
        "/v1/contracts/{id}/resume",
        Resume,
        parties::resume_contract,
    );
    routes.add(
        Method::POST,
        "/v1/officers/{id}/token",
        OfficerToken,
        parties::officer_token,
    );
    routes.add(
        Method::POST,
        "/v1/resources/{id}/detach",
        ResourceDetach,
        resources::detach,
    );
    routes.add(
        Method::POST,
        "/v1/resources/{id}/attach",
        ResourceAttach,
        resources::attach,
    );
    routes.add(Method::POST, "/v1/grants", GrantRequest, grants::request);
    routes.add(Method::GET, "/v1/grants", GrantList, grants::list);
    routes.add(
        Method::POST,
        "/v1/grants/{id}/approve",
        GrantApprove,
        grants::approve,
    );
    routes.add(
        Method::POST,
        "/v1/grants/{id}/deny",
        GrantDeny,
        grants::deny,
    );
    routes.add(
        Method::POST,
        "/v1/grants/{id}/revoke",
        GrantRevoke,
        grants::revoke,
    );
    routes.add(Method::GET, "/v1/sessions", SessionList, sessions::list);
    routes.add(
        Method::POST,
        "/v1/sessions/{id}/end",
        SessionEnd,
        sessions::end,
    );
    routes.add(Method::GET, "/v1/findings", FindingRead, findings::list);
    routes.add(
        Method::GET,
        "/v1/findings/{id}",
        FindingRead,
        findings::show,
    );
    routes.add(Method::GET, "/v1/state", StateRead, state::read);
    routes.add(Method::GET, "/v1/log/export", LogExport, log::export);
    routes.add(Method::GET, "/v1/log/checkpoint", LogProve, log::checkpoint);
    routes.add(Method::GET, "/v1/log/prove/{seq}", LogProve, log::prove);
    routes.add(Method::GET, "/v1/doctor", Doctor, doctor::doctor);
    routes.add(Method::POST, "/v1/explain", Explain, explain::explain);
    routes.add(Method::POST, "/v1/trace/columns", Trace, trace::columns);
    routes.add(
        Method::POST,
        "/v1/trace",
        Trace,
        trace::trace.layer(DefaultBodyLimit::max(trace::BODY_BYTES_MAX)),
    );
    routes.add(Method::GET, "/v1/disclosed", Disclosed, disclosed::to);
    routes.add(
        Method::POST,
        "/v1/disclosed/subject",
        DisclosedSubject,
        disclosed::who,
    );
    routes.add(
        Method::POST,
        "/v1/disclosed/list",
        DisclosedList,
        disclosed::request,
    );
    routes.add(
        Method::POST,
        "/v1/disclosed/list/produce",
        DisclosedList,
        disclosed::produce,
    );
    routes
        .router
        .fallback(async || ApiError::unknown_route())
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(server)
}

struct Routes {
    server: Arc<Server>,
    router: Router<Arc<Server>>,
}

impl Routes {
    fn add<H, T>(&mut self, method: Method, path: &str, act: Act, handler: H)
    where
        H: Handler<T, Arc<Server>>,
        T: 'static,
    {
        let filter = if method == Method::GET {
            MethodFilter::GET
        } else {
            MethodFilter::POST
        };
        let guard = from_fn_with_state((Arc::clone(&self.server), act), authorise::authorise);
        let router = std::mem::take(&mut self.router);
        self.router = router.route(path, on(filter, handler).layer(guard));
    }
}
