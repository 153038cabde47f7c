//! What a client sends, as data: corpora hold it, the generator makes it, shrinking takes it apart.

use serde::{Deserialize, Serialize};

/// One step of a trial. Steps up to a `Query` or `Sync` are sent as one pipeline, as a client would.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Step {
    /// A simple query; may hold several statements.
    Query(String),
    Parse {
        #[serde(default)]
        name: String,
        sql: String,
        /// Parameter types by OID; 0 or missing = the server infers.
        #[serde(default)]
        types: Vec<u32>,
    },
    Bind {
        #[serde(default)]
        portal: String,
        #[serde(default)]
        statement: String,
        /// Text parameters; `None` is NULL (in TOML: `{ null = true }` is not needed, leave such cases to SQL).
        #[serde(default)]
        params: Vec<Option<String>>,
        /// Results in binary.
        #[serde(default)]
        binary: bool,
    },
    DescribeStatement(String),
    DescribePortal(String),
    Execute {
        #[serde(default)]
        portal: String,
        /// 0: all.
        #[serde(default)]
        max_rows: i32,
    },
    CloseStatement(String),
    ClosePortal(String),
    Flush,
    Sync,
}
