//! Takes everything of ours off a database for the owner's migrations, and puts it back.

use portcullis_sql::Surface;

use crate::{LockError, Plan, Steward, Swept, install, sweep};

/// Removes schemas and roles of this resource. Mask keys stay, so that hashes and subjects keep their
/// identity; they depend on no table of the owner's.
pub async fn detach(steward: &Steward) -> Result<Swept, LockError> {
    sweep(steward, &[]).await
}

/// Installs the plans again, made anew by [`crate::inspect`] and [`crate::plan`] from the migrated
/// catalog. Grants' roles come back with `ensure_grant_role`.
pub async fn attach(steward: &Steward, plans: &[Plan]) -> Result<Vec<Surface>, LockError> {
    let mut surfaces = Vec::with_capacity(plans.len());
    for plan in plans {
        surfaces.push(install(steward, plan).await?);
    }
    Ok(surfaces)
}
