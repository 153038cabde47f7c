//! The things that `apply` registers, parsed: what a file says, in types. Serialised into events,
//! so a change here must read what earlier versions wrote (`#[serde(default)]`).

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::budget::Budget;
use crate::dimension::{AggregateRule, Dimension};
pub use crate::mask::Mask;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vendor {
    pub id: String,
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub id: String,
    pub vendor: String,
    pub name: String,
    #[serde(default)]
    pub vetting: Vec<Vetting>,
}

/// A check on a person: kind, issuer, dates and the hash of its evidence; never the evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vetting {
    pub kind: String,
    #[serde(default)]
    pub by: Option<String>,
    pub on: Date,
    pub until: Date,
    #[serde(default)]
    pub evidence: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    pub id: String,
    pub kind: ResourceKind,
    /// Without a password.
    pub url: String,
    /// Absolute path; read at connect.
    #[serde(default)]
    pub password_file: Option<String>,
    /// Name of an environment variable of the server; read at connect.
    #[serde(default)]
    pub password_env: Option<String>,
    /// PEM file with the CA that the database's certificate must chain to (`sslmode=verify-full`).
    #[serde(default)]
    pub ca_file: Option<String>,
    /// Login roles besides the steward that the owner has explained (no `access.bypass` for them).
    #[serde(default)]
    pub explained_roles: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResourceKind {
    Postgresql,
    Mysql,
    Ssh,
    Website,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    Lookup,
    Aggregate,
    Catalog,
    Plan,
    Tuning,
    Schema,
    Modify,
    Export,
    Backup,
}

impl Method {
    pub const ALL: [Self; 9] = [
        Self::Lookup,
        Self::Aggregate,
        Self::Catalog,
        Self::Plan,
        Self::Tuning,
        Self::Schema,
        Self::Modify,
        Self::Export,
        Self::Backup,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Lookup => "lookup",
            Self::Aggregate => "aggregate",
            Self::Catalog => "catalog",
            Self::Plan => "plan",
            Self::Tuning => "tuning",
            Self::Schema => "schema",
            Self::Modify => "modify",
            Self::Export => "export",
            Self::Backup => "backup",
        }
    }
}

/// `enforce` refuses; `observe` decides and records everything and refuses nothing for the contract's sake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    #[default]
    Enforce,
    Observe,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contract {
    pub id: String,
    pub title: String,
    pub vendor: String,
    /// Profile of mandatory terms: `none`, `cn`, `eu`, `us-hipaa`.
    pub law: String,
    #[serde(default)]
    pub mode: Mode,
    pub purposes: BTreeMap<String, String>,
    pub valid_from: Date,
    /// Last day on which the contract is in force, in its time zone.
    pub valid_until: Date,
    /// Vetting kinds that every person needs.
    pub vetting: Vec<String>,
    pub access: Access,
    pub methods: Methods,
    #[serde(default)]
    pub budgets: Vec<Budget>,
    pub scope: Vec<ScopeTable>,
    #[serde(default)]
    pub joins: Joins,
    /// Bound values and texts are kept as keyed hashes only, not as text.
    #[serde(default)]
    pub params_hashed: bool,
    /// The terms that only people and law profiles read (subcontracting, at_end, …), as given.
    #[serde(default)]
    pub terms: BTreeMap<String, serde_json::Value>,
}

impl Contract {
    /// The scoped table of this name on a resource.
    pub fn table(&self, resource: &str, schema: &str, table: &str) -> Option<&ScopeTable> {
        self.scope.iter().find(|scope| {
            scope.resource == resource && scope.schema == schema && scope.table == table
        })
    }

    /// Replaces `columns = "*"` of one table by the columns that exist now; at approval, and before
    /// a new version is compared with the one in force.
    pub fn resolve_columns(
        &mut self,
        resource: &str,
        schema: &str,
        table: &str,
        existing: &[String],
    ) {
        let all = self.scope.iter_mut().filter(|scope| {
            scope.resource == resource
                && scope.schema == schema
                && scope.table == table
                && scope.columns == Columns::All
        });
        for scope in all {
            scope.columns = Columns::List(existing.to_vec());
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Access {
    /// IANA name.
    pub timezone: String,
    /// Empty = any hour.
    #[serde(default)]
    pub hours: Vec<HoursSpan>,
    /// Empty = any network.
    #[serde(default)]
    pub networks: Vec<IpNet>,
    /// Longest grant.
    pub grant_at_most_seconds: u64,
}

/// A span on the given days; `from`/`to` in minutes of the local day, `to` exclusive (1440 = midnight).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoursSpan {
    /// 1 = Monday … 7 = Sunday.
    pub days: BTreeSet<u8>,
    pub from_minute: u16,
    pub to_minute: u16,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Methods {
    /// What the contract names; what is absent is forbidden.
    pub allowed: BTreeSet<Method>,
    /// Least number of distinct subjects behind each aggregate; at least 1.
    #[serde(default)]
    pub aggregate_min_group: u64,
    /// The columns by which aggregate statements may group and filter; `None` = any in scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aggregate_dimensions: Option<Vec<Dimension>>,
}

impl Methods {
    /// What stands under every aggregate.
    pub fn aggregate_rule(&self) -> AggregateRule {
        AggregateRule {
            min_group: self.aggregate_min_group.max(1),
            dimensions: self.aggregate_dimensions.clone(),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Joins {
    /// Any tables in scope may be joined.
    #[default]
    Scoped,
    /// Only these pairs of `schema.table`.
    Pairs(BTreeSet<(String, String)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    General,
    Important,
    Core,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Personal {
    #[default]
    None,
    Personal,
    Sensitive,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Columns {
    /// The columns that existed when the contract was approved (resolved to `List` then).
    All,
    List(Vec<String>),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeTable {
    pub resource: String,
    pub schema: String,
    pub table: String,
    pub grade: Grade,
    #[serde(default)]
    pub personal: Personal,
    /// Column that says whom a row is about.
    #[serde(default)]
    pub subject: Option<String>,
    /// What the subject column identifies; `None` = derived from the catalog (interface.md).
    #[serde(default)]
    pub subject_kind: Option<String>,
    pub columns: Columns,
    #[serde(default)]
    pub mask: BTreeMap<String, Mask>,
    /// A SQL condition over the table's own columns.
    #[serde(default)]
    pub rows: Option<String>,
}

impl ScopeTable {
    pub fn qualified(&self) -> String {
        format!("{}.{}", self.schema, self.table)
    }
}

/// One person, one contract, one resource, one purpose, for hours; approved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grant {
    pub id: String,
    pub person: String,
    pub contract: String,
    pub resource: String,
    pub purpose: String,
    #[serde(default)]
    pub ticket: Option<String>,
    pub state: GrantState,
    pub requested_by: String,
    #[serde(default)]
    pub decided_by: Option<String>,
    pub for_seconds: u64,
    /// Set when approved; the grant's time starts then.
    #[serde(default)]
    pub expires_at: Option<jiff::Timestamp>,
    /// Login name, unique among live grants.
    #[serde(default)]
    pub user: Option<String>,
    /// SCRAM-SHA-256 verifier of the grant's password, in PostgreSQL's own text form.
    #[serde(default)]
    pub verifier: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GrantState {
    Pending,
    Live,
    Denied,
    Revoked,
    Ended,
}
