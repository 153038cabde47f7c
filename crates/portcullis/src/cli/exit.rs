//! How a command ends when it isn't done: 1 no, 2 invalid, 3 refused, 4 unreachable.

use std::process::ExitCode;

use serde_json::{Value, json};

#[derive(Debug)]
pub struct Exit {
    code: u8,
    /// What `--json` prints; `None` = the answer has been printed already.
    error: Option<Value>,
    text: String,
}

impl Exit {
    fn new(code: u8, name: &str, message: String) -> Self {
        Self {
            code,
            error: Some(json!({ "code": name, "message": message })),
            text: message,
        }
    }

    /// The answer is no, and has been printed.
    pub fn no() -> Self {
        Self {
            code: 1,
            error: None,
            text: String::new(),
        }
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(2, "input.invalid", message.into())
    }

    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(3, "authority.token", message.into())
    }

    /// The answer has been printed, and lacks what could not be reached.
    pub fn incomplete() -> Self {
        Self {
            code: 4,
            ..Self::no()
        }
    }

    pub fn unreachable(message: impl Into<String>) -> Self {
        Self::new(4, "unreachable", message.into())
    }

    /// An error as the admin API tells it.
    pub fn from_api(error: &Value) -> Self {
        let text = |key: &str| error.get(key).and_then(Value::as_str);
        let code = error
            .get("exit")
            .and_then(Value::as_u64)
            .and_then(|code| u8::try_from(code).ok())
            .unwrap_or(4);
        let mut shown = text("rendered").map(str::to_owned).unwrap_or_default();
        shown.push_str(text("message").unwrap_or("the server refused without words"));
        if let Some(hint) = text("hint") {
            shown.push_str("\n  hint: ");
            shown.push_str(hint);
        }
        let mut error = error.clone();
        if let Some(fields) = error.as_object_mut() {
            fields.remove("rendered");
        }
        Self {
            code,
            error: Some(error),
            text: shown,
        }
    }

    /// Tells the user and gives the process's exit code.
    pub fn report(self, json: bool) -> ExitCode {
        match &self.error {
            Some(error) if json => say!("{}", json!({ "error": error })),
            Some(_) if self.text.starts_with("error") => eprintln!("{}", self.text),
            Some(_) => eprintln!("error: {}", self.text),
            None => {}
        }
        ExitCode::from(self.code)
    }
}

impl From<anyhow::Error> for Exit {
    fn from(error: anyhow::Error) -> Self {
        Self::invalid(format!("{error:#}"))
    }
}
