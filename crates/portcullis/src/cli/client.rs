//! Asks the running server: HTTP over DIR/admin.sock, or over TLS at `--server URL`.

use std::path::Path;
use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;

use super::{Exit, Global};

/// Installing the second lock of a large contract takes a while; nothing takes longer than this.
const ANSWER_WITHIN: Duration = Duration::from_secs(300);

pub struct Client {
    http: reqwest::Client,
    base: String,
    token: String,
}

impl Client {
    pub fn new(global: &Global) -> Result<Self, Exit> {
        let token = global
            .token
            .clone()
            .filter(|token| !token.is_empty())
            .ok_or_else(|| {
                Exit::refused("who acts? give a token with `--token` or in PORTCULLIS_TOKEN")
            })?;
        let mut builder = reqwest::Client::builder().no_proxy();
        let base = match &global.server {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => {
                let socket = global.data.join("admin.sock");
                // No TLS there: the system's certificates need not even exist.
                builder = builder.unix_socket(socket).tls_certs_only([]);
                "http://portcullis".to_owned()
            }
        };
        if let Some(file) = &global.ca {
            builder = builder.tls_certs_only([certificate(file)?]);
        }
        let http = builder
            .build()
            .map_err(|error| Exit::unreachable(format!("no HTTP client: {error}")))?;
        Ok(Self { http, base, token })
    }

    pub async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, Exit> {
        let request = self
            .request(Method::GET, &with_query(path, query))
            .timeout(ANSWER_WITHIN);
        self.answer(request).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, Exit> {
        let request = self
            .request(Method::POST, path)
            .json(body)
            .timeout(ANSWER_WITHIN);
        self.answer(request).await
    }

    /// An answer that goes on for as long as the server has something.
    pub async fn stream(&self, path: &str, query: &[(&str, &str)]) -> Result<Response, Exit> {
        let sent = self
            .request(Method::GET, &with_query(path, query))
            .send()
            .await;
        let response = sent.map_err(|error| self.no_server(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(read(response).await.err().unwrap_or_else(Exit::no))
    }

    /// The same, for a question with a body.
    pub async fn post_stream(&self, path: &str, body: &Value) -> Result<Response, Exit> {
        let sent = self.request(Method::POST, path).json(body).send().await;
        let response = sent.map_err(|error| self.no_server(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(read(response).await.err().unwrap_or_else(Exit::no))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(&self.token)
    }

    async fn answer(&self, request: RequestBuilder) -> Result<Value, Exit> {
        let response = request
            .send()
            .await
            .map_err(|error| self.no_server(&error))?;
        read(response).await
    }

    fn no_server(&self, error: &reqwest::Error) -> Exit {
        let what = if error.is_timeout() {
            "did not answer in time"
        } else {
            "cannot be reached"
        };
        Exit::unreachable(format!(
            "the server at {} {what}; is `portcullis serve` running on this data directory?",
            if self.base == "http://portcullis" {
                "DIR/admin.sock"
            } else {
                &self.base
            }
        ))
    }
}

async fn read(response: Response) -> Result<Value, Exit> {
    let status = response.status();
    let value: Value = response.json().await.map_err(|error| {
        Exit::unreachable(format!("the server's answer could not be read: {error}"))
    })?;
    if status.is_success() {
        return Ok(value);
    }
    Err(Exit::from_api(value.get("error").unwrap_or(&Value::Null)))
}

fn certificate(file: &Path) -> Result<reqwest::Certificate, Exit> {
    let pem =
        std::fs::read(file).map_err(|e| Exit::invalid(format!("`{}`: {e}", file.display())))?;
    reqwest::Certificate::from_pem(&pem)
        .map_err(|_| Exit::invalid(format!("`{}` is not a PEM certificate", file.display())))
}

fn with_query(path: &str, query: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = query
        .iter()
        .map(|(key, value)| format!("{key}={}", super::segment(value)))
        .collect();
    if pairs.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", pairs.join("&"))
    }
}
