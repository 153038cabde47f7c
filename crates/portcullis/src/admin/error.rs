//! An error as the API tells it: `{"error":{"code","message","hint","exit","diagnostics"}}`.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use portcullis_contract::file::DiagnosticJson;
use portcullis_store::state::{Denied, Fault};
use serde_json::json;

#[derive(Debug)]
pub struct ApiError {
    denied: Denied,
    unauthenticated: bool,
    diagnostics: Vec<DiagnosticJson>,
    /// The diagnostics as a terminal shows them.
    rendered: Option<String>,
}

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> Self {
        Self {
            denied,
            unauthenticated: false,
            diagnostics: Vec::new(),
            rendered: None,
        }
    }
}

impl ApiError {
    pub fn unauthenticated(denied: Denied) -> Self {
        Self {
            unauthenticated: true,
            ..denied.into()
        }
    }

    pub fn unknown_route() -> Self {
        Denied::invalid("route.unknown", "no such thing can be asked of this server")
            .hint("the server may be older than the command")
            .into()
    }

    pub fn diagnosed(denied: Denied, diagnostics: Vec<DiagnosticJson>, rendered: String) -> Self {
        Self {
            diagnostics,
            rendered: Some(rendered),
            ..denied.into()
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = match self.denied.fault {
            _ if self.unauthenticated => StatusCode::UNAUTHORIZED,
            Fault::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            Fault::Authority => StatusCode::FORBIDDEN,
            Fault::Unreachable => StatusCode::SERVICE_UNAVAILABLE,
        };
        let denied = &self.denied;
        let mut error = json!({
            "code": denied.code, "message": denied.message, "hint": denied.hint,
            "exit": denied.fault.exit_code(), "diagnostics": self.diagnostics,
        });
        if let (Some(rendered), Some(fields)) = (&self.rendered, error.as_object_mut()) {
            fields.insert("rendered".to_owned(), rendered.as_str().into());
        }
        let mut response = (status, Json(json!({ "error": error }))).into_response();
        // For the guard, which records what was refused for want of authority.
        response.extensions_mut().insert(self.denied);
        response
    }
}
