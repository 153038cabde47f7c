//! Whether a grant that somebody asks for lies within its contract.

use jiff::{SignedDuration, Timestamp};

use crate::admit::{check_dates, check_purpose, check_resource, check_vendor};
use crate::local_time::{local_date, timezone};
use crate::model::{Contract, Person};
use crate::quantity::write_duration;
use crate::refusal::{Refusal, SqlState};

/// Refuses what the contract would not cover: vendor, resource, purpose, length, dates.
///
/// Vetting is not asked here but at each connection; [`crate::vetting_gaps`] tells an approver what is missing.
pub fn check_grant_request(
    contract: &Contract,
    person: &Person,
    resource: &str,
    purpose: &str,
    for_seconds: u64,
    now: Timestamp,
) -> Result<(), Refusal> {
    check_vendor(contract, person)?;
    check_resource(contract, resource)?;
    check_purpose(contract, purpose)?;
    check_length(contract, for_seconds)?;
    let zone = timezone(contract)?;
    let contract_end = check_dates(contract, &zone, local_date(&zone, now))?;
    check_end(contract, for_seconds, contract_end, now)
}

fn check_length(contract: &Contract, for_seconds: u64) -> Result<(), Refusal> {
    let longest = contract.access.grant_at_most_seconds;
    if (1..=longest).contains(&for_seconds) {
        return Ok(());
    }
    let message = format!("a grant for {} is not allowed", write_duration(for_seconds));
    Err(
        Refusal::new(SqlState::NotAdmitted, "access.grant_at_most", message)
            .clause(&contract.id, "access.grant_at_most")
            .hint(format!(
                "ask for at least 1s and at most {}",
                write_duration(longest)
            )),
    )
}

fn check_end(
    contract: &Contract,
    for_seconds: u64,
    contract_end: Timestamp,
    now: Timestamp,
) -> Result<(), Refusal> {
    let end = i64::try_from(for_seconds)
        .ok()
        .and_then(|seconds| now.checked_add(SignedDuration::from_secs(seconds)).ok());
    if end.is_some_and(|end| end <= contract_end) {
        return Ok(());
    }
    let message = format!(
        "the grant would outlast the contract, which ends on {}",
        contract.valid_until
    );
    Err(
        Refusal::new(SqlState::NotAdmitted, "contract.ended", message)
            .clause(&contract.id, "valid.until")
            .hint("ask for a shorter time"),
    )
}
