//! What a client sends, as data: corpora hold it, the generator makes it, shrinking takes it apart.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One step of a trial. Steps up to a `Query` or `Sync` are sent as one pipeline, as a client would; where
/// a `Query`, `Function` or `Owner` follows messages without a `Sync`, or a case ends without one, a `Sync` is put in between.
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
    /// The protocol's function call, with text arguments. Like `Query` it is answered by itself.
    Function {
        oid: u32,
        #[serde(default)]
        args: Vec<String>,
    },
    /// Not the client: the database's owner does this meanwhile, in a session that lasts as long as the
    /// case; `:side` is 1 or 2. Stands where nothing is under way.
    Owner(String),
}

/// One trial: what one client sends in one session under one contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub contract: String,
    pub steps: Vec<Step>,
    #[serde(default)]
    pub order: Order,
}

/// Whether the rows of a case's answers come in one order only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Some rows may come in any order: each answer's rows are compared as a multiset. Rows that came
    /// before an error may be others.
    #[default]
    Any,
    /// Compared byte for byte.
    Total,
}

impl Case {
    /// One simple query under the contract.
    pub fn query(contract: &str, sql: &str) -> Self {
        Self {
            contract: contract.to_owned(),
            steps: vec![Step::Query(sql.to_owned())],
            order: Order::Any,
        }
    }
}

impl Step {
    /// The text that PostgreSQL's parser would read.
    pub fn sql(&self) -> Option<&str> {
        match self {
            Self::Query(sql) | Self::Parse { sql, .. } => Some(sql),
            _ => None,
        }
    }

    /// Not part of a pipeline.
    pub(super) fn stands_alone(&self) -> bool {
        matches!(
            self,
            Self::Query(_) | Self::Function { .. } | Self::Owner(_)
        )
    }

    /// The same step with another text.
    #[must_use]
    pub fn with_sql(&self, text: &str) -> Self {
        let mut step = self.clone();
        if let Self::Query(sql) | Self::Parse { sql, .. } = &mut step {
            text.clone_into(sql);
        }
        step
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Query(sql) => write!(f, "Query  {sql}"),
            Self::Parse { name, sql, types } => write!(f, "Parse  {name:?} {types:?} {sql}"),
            other => write!(f, "{other:?}"),
        }
    }
}
