//! Who may do what: one table, used by the commands, the admin API and the tests.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::denied::Denied;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Applies files, issues tokens, maintains resources.
    Admin,
    /// Approves changes and grants, ends and suspends.
    Approver,
    /// Reads everything, changes nothing.
    Auditor,
}

impl Role {
    pub const ALL: [Self; 3] = [Self::Admin, Self::Approver, Self::Auditor];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Approver => "approver",
            Self::Auditor => "auditor",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == text)
    }
}

/// Everything that somebody can ask of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    Apply,
    ContractDraft,
    Plan,
    ChangeList,
    ChangeApprove,
    ChangeDeny,
    PersonToken,
    OfficerToken,
    Suspend,
    Resume,
    ResourceDetach,
    ResourceAttach,
    GrantRequest,
    GrantApprove,
    GrantDeny,
    GrantRevoke,
    GrantList,
    SessionList,
    SessionEnd,
    StateRead,
    LogExport,
    LogProve,
    Doctor,
    Explain,
    /// Where a leaked file came from.
    Trace,
    /// How many subjects somebody was shown.
    Disclosed,
    /// Who was shown a subject.
    DisclosedSubject,
    /// Which subjects somebody was shown, by name: takes two officers.
    DisclosedList,
    FindingRead,
}

use Role::{Admin, Approver, Auditor};

/// One row: the act, the officers' roles that may do it, and whether a person may (his own things only).
pub const TABLE: [(Act, &[Role], bool); 29] = [
    (Act::Apply, &[Admin], false),
    (Act::ContractDraft, &[Admin], false),
    (Act::Plan, &[Admin, Approver, Auditor], false),
    (Act::ChangeList, &[Admin, Approver, Auditor], false),
    (Act::ChangeApprove, &[Approver], false),
    (Act::ChangeDeny, &[Admin, Approver], false),
    (Act::PersonToken, &[Admin, Approver], false),
    (Act::OfficerToken, &[Admin, Approver], false),
    (Act::Suspend, &[Admin, Approver], false),
    (Act::Resume, &[Admin, Approver], false),
    (Act::ResourceDetach, &[Admin], false),
    (Act::ResourceAttach, &[Admin], false),
    (Act::GrantRequest, &[Admin, Approver], true),
    (Act::GrantApprove, &[Approver], false),
    (Act::GrantDeny, &[Approver], false),
    (Act::GrantRevoke, &[Admin, Approver], false),
    (Act::GrantList, &[Admin, Approver, Auditor], true),
    (Act::SessionList, &[Admin, Approver, Auditor], false),
    (Act::SessionEnd, &[Admin, Approver], false),
    (Act::StateRead, &[Admin, Approver, Auditor], false),
    (Act::LogExport, &[Admin, Approver, Auditor], false),
    (Act::LogProve, &[Admin, Approver, Auditor], false),
    (Act::Doctor, &[Admin, Approver, Auditor], false),
    (Act::Explain, &[Admin, Approver, Auditor], true),
    (Act::Trace, &[Admin, Approver, Auditor], false),
    (Act::Disclosed, &[Admin, Approver, Auditor], true),
    (Act::DisclosedSubject, &[Admin, Approver, Auditor], false),
    (Act::DisclosedList, &[Admin, Approver, Auditor], false),
    (Act::FindingRead, &[Admin, Approver, Auditor], false),
];

/// Who asks. Made by [`super::State::actor`] from a token, or [`Actor::Server`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    Officer {
        name: String,
        roles: Vec<Role>,
        /// The officers who have seen the token in use (its issuer, and so on back): none of them is "another officer".
        token_by: BTreeSet<String>,
    },
    Person {
        id: String,
        token_by: BTreeSet<String>,
    },
    Server,
    /// Somebody without a valid token; for the record alone.
    Unknown,
}

impl Actor {
    /// Refuses unless the table has this act for this actor.
    pub fn may(&self, act: Act) -> Result<(), Denied> {
        let Some((_, roles, person)) = TABLE.iter().find(|(a, _, _)| *a == act) else {
            return Err(Denied::authority("authority.role", "nobody may do this"));
        };
        match self {
            Self::Server => Ok(()),
            Self::Officer { roles: held, .. } if held.iter().any(|role| roles.contains(role)) => {
                Ok(())
            }
            Self::Officer { name, .. } => {
                let needed: Vec<_> = roles
                    .iter()
                    .map(|role| format!("`{}`", role.name()))
                    .collect();
                Err(Denied::authority(
                    "authority.role",
                    format!("officer `{name}` lacks the role for this"),
                )
                .hint(format!("it takes {}", needed.join(" or "))))
            }
            Self::Unknown => Err(Denied::authority("authority.token", "no valid token")),
            Self::Person { .. } if *person => Ok(()),
            Self::Person { .. } => Err(Denied::authority(
                "authority.role",
                "a person's token cannot do this",
            )
            .hint("persons request grants, list their own and ask what their contracts allow; ask an officer")),
        }
    }

    /// Who stands behind this actor: himself, and whoever has seen the token in use.
    pub fn hands(&self) -> Hands {
        match self {
            Self::Officer { name, token_by, .. } => Hands {
                officer: Some(name.clone()),
                token_by: token_by.clone(),
            },
            Self::Person { token_by, .. } => Hands {
                officer: None,
                token_by: token_by.clone(),
            },
            Self::Server | Self::Unknown => Hands::default(),
        }
    }

    pub fn officer(&self) -> Option<&str> {
        match self {
            Self::Officer { name, .. } => Some(name),
            _ => None,
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Officer { name, .. } => write!(f, "officer:{name}"),
            Self::Person { id, .. } => write!(f, "person:{id}"),
            Self::Server => f.write_str("server"),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

/// The officers whose hands an act may have come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hands {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub officer: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub token_by: BTreeSet<String>,
}

impl Hands {
    // INVARIANT: nobody alone. Two acts count as two officers' only if no officer can have done both.
    /// Refuses when one officer may stand behind both acts.
    pub fn differ(&self, other: &Self) -> Result<(), Denied> {
        let of = |hands: &Self| -> BTreeSet<String> {
            hands
                .officer
                .iter()
                .chain(&hands.token_by)
                .cloned()
                .collect()
        };
        for mine in of(self) {
            if of(other).contains(&mine) {
                return Err(Denied::authority(
                    "authority.same_officer",
                    format!("`{mine}` stands behind both steps, and this takes two different officers"),
                )
                .hint("ask another approver; a token counts as its issuer's too until a third officer issues a new one"));
            }
        }
        Ok(())
    }
}
