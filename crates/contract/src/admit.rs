//! admit: whether a person may be (and stay) connected now, and until when.

use std::net::IpAddr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::local_time::{HoursNow, day_end, hours_end, local_date, timezone};
use crate::model::{Access, Contract, Grant, GrantState, Person, Vendor, Vetting};
use crate::refusal::{Refusal, SqlState};

/// Everything that [`admit`] looks at. `suspended_*` say why, if so.
pub struct AdmissionRequest<'a> {
    pub person: &'a Person,
    pub vendor: &'a Vendor,
    pub contract: &'a Contract,
    pub grant: &'a Grant,
    pub person_suspended: Option<&'a str>,
    pub contract_suspended: Option<&'a str>,
    /// Whether the contract has been approved and not ended.
    pub contract_in_force: bool,
    pub client_addr: IpAddr,
    pub now: Timestamp,
}

/// Proof that a person was admitted under a grant; made by [`admit`] alone.
#[derive(Clone, Debug)]
pub struct Admission {
    /// When, at the latest, admission must be asked again: the grant's end, a vetting's end, the end of hours.
    until: Timestamp,
}

impl Admission {
    /// The earliest instant at which something of the admission lapses; always later than `now` was.
    pub fn until(&self) -> Timestamp {
        self.until
    }
}

/// Admits a person under a grant, or says why not (SQLSTATE 28000).
///
/// The same question is asked again while a session lives ([`still_admitted`]); every requirement
/// is checked each time, so that whatever lapses ends the session.
// INVARIANT: each check below can only refuse; the one `Admission` is made after the last of them.
pub fn admit(request: &AdmissionRequest<'_>) -> Result<Admission, Refusal> {
    let contract = request.contract;
    check_suspensions(request)?;
    check_parties(request)?;
    let zone = timezone(contract)?;
    let today = local_date(&zone, request.now);
    let contract_end = check_contract(request, &zone, today)?;
    let vetting_end = check_vetting(contract, request.person, &zone, today)?;
    let grant_end = check_grant(request)?;
    check_network(contract, request.client_addr)?;
    let hours_end = check_hours(contract, &zone, request.now)?;
    let until = [Some(contract_end), vetting_end, Some(grant_end), hours_end]
        .into_iter()
        .flatten()
        .min()
        .unwrap_or(grant_end);
    Ok(Admission { until })
}

/// The question of [`admit`] for a session that lives already: the refusal is the reason for its end.
pub fn still_admitted(request: &AdmissionRequest<'_>) -> Result<Admission, Refusal> {
    admit(request)
}

/// The vettings that a person lacks under a contract on a day, in the contract's order; empty = none.
///
/// For whoever looks at a grant request: [`admit`] would refuse with the first of them.
pub fn vetting_gaps(contract: &Contract, person: &Person, today: Date) -> Vec<Refusal> {
    contract
        .vetting
        .iter()
        .filter_map(|kind| valid_until(contract, person, kind, today).err())
        .collect()
}

fn not_admitted(contract: &Contract, clause: &str, reason: &str, message: String) -> Refusal {
    Refusal::new(SqlState::NotAdmitted, reason, message).clause(&contract.id, clause)
}

fn check_suspensions(request: &AdmissionRequest<'_>) -> Result<(), Refusal> {
    let contract = request.contract;
    // The officer's reason may be an inquiry's; it goes into the record, not to the person.
    if request.person_suspended.is_some() {
        let message = format!("`{}` is suspended", request.person.id);
        return Err(
            not_admitted(contract, "vetting", "person.suspended", message).hint(
                "ask the owner's security officer; two officers must agree before access resumes",
            ),
        );
    }
    if request.contract_suspended.is_some() {
        let message = format!("contract `{}` is suspended", contract.id);
        return Err(
            not_admitted(contract, "valid", "contract.suspended", message).hint(
                "ask the owner's security officer; two officers must agree before access resumes",
            ),
        );
    }
    Ok(())
}

/// Whether the pieces belong together. A gate that mixed them up is told so here.
fn check_parties(request: &AdmissionRequest<'_>) -> Result<(), Refusal> {
    let (contract, grant, person) = (request.contract, request.grant, request.person);
    if grant.person != person.id || grant.contract != contract.id {
        let message = format!("grant `{}` is not for this person and contract", grant.id);
        return Err(not_admitted(contract, "grant", "grant.mismatch", message)
            .hint("request a grant of your own"));
    }
    check_vendor(contract, person)?;
    if request.vendor.id != contract.vendor {
        let message = format!("vendor `{}` is not the contract's party", request.vendor.id);
        return Err(not_admitted(contract, "vendor", "person.vendor", message)
            .hint("only the people of the contract's own vendor may work under it"));
    }
    check_resource(contract, &grant.resource)?;
    check_purpose(contract, &grant.purpose)
}

pub(crate) fn check_vendor(contract: &Contract, person: &Person) -> Result<(), Refusal> {
    if person.vendor == contract.vendor {
        return Ok(());
    }
    let message = format!(
        "`{}` works for vendor `{}`, the contract is with `{}`",
        person.id, person.vendor, contract.vendor
    );
    Err(not_admitted(contract, "vendor", "person.vendor", message)
        .hint("only the people of the contract's own vendor may work under it"))
}

pub(crate) fn check_resource(contract: &Contract, resource: &str) -> Result<(), Refusal> {
    if contract
        .scope
        .iter()
        .any(|table| table.resource == resource)
    {
        return Ok(());
    }
    let message = format!("resource `{resource}` is not in the contract's scope");
    let mut resources: Vec<&str> = contract
        .scope
        .iter()
        .map(|table| table.resource.as_str())
        .collect();
    resources.dedup();
    Err(not_admitted(contract, "scope", "scope.resource", message)
        .hint(format!("the contract covers: {}", listed(&resources))))
}

pub(crate) fn check_purpose(contract: &Contract, purpose: &str) -> Result<(), Refusal> {
    if contract.purposes.contains_key(purpose) {
        return Ok(());
    }
    let purposes: Vec<&str> = contract.purposes.keys().map(String::as_str).collect();
    Err(not_admitted(
        contract,
        "purposes",
        "purpose.unlisted",
        format!("`{purpose}` is not a purpose of the contract"),
    )
    .hint(format!(
        "the contract's purposes are: {}",
        listed(&purposes)
    )))
}

/// Answers the instant at which the contract ends.
fn check_contract(
    request: &AdmissionRequest<'_>,
    zone: &TimeZone,
    today: Date,
) -> Result<Timestamp, Refusal> {
    let contract = request.contract;
    if !request.contract_in_force {
        let message = format!("contract `{}` is not in force", contract.id);
        return Err(
            not_admitted(contract, "valid", "contract.not_in_force", message)
                .hint("the owner must approve it first, or has ended it"),
        );
    }
    check_dates(contract, zone, today)
}

pub(crate) fn check_dates(
    contract: &Contract,
    zone: &TimeZone,
    today: Date,
) -> Result<Timestamp, Refusal> {
    if today < contract.valid_from {
        let message = format!(
            "contract `{}` begins on {}",
            contract.id, contract.valid_from
        );
        return Err(
            not_admitted(contract, "valid.from", "contract.not_in_force", message)
                .hint("come back when the contract has begun"),
        );
    }
    if today > contract.valid_until {
        let message = format!(
            "contract `{}` ended on {}",
            contract.id, contract.valid_until
        );
        return Err(
            not_admitted(contract, "valid.until", "contract.ended", message)
                .hint("the owner must renew the contract before anybody works under it again"),
        );
    }
    day_end(zone, contract.valid_until).ok_or_else(|| {
        not_admitted(
            contract,
            "valid.until",
            "contract.ended",
            "the contract's last day is out of range".to_owned(),
        )
        .hint("the owner must correct the contract's last day")
    })
}

/// Answers the instant at which the first of the required vettings lapses.
fn check_vetting(
    contract: &Contract,
    person: &Person,
    zone: &TimeZone,
    today: Date,
) -> Result<Option<Timestamp>, Refusal> {
    let mut first_lapse: Option<Date> = None;
    for kind in &contract.vetting {
        let until = valid_until(contract, person, kind, today)?;
        first_lapse = Some(first_lapse.map_or(until, |earlier| earlier.min(until)));
    }
    // A last day beyond the calendar never comes; the contract's own end is nearer.
    Ok(first_lapse.and_then(|date| day_end(zone, date)))
}

/// The last day on which the person has a vetting of this kind that is valid today.
fn valid_until(
    contract: &Contract,
    person: &Person,
    kind: &str,
    today: Date,
) -> Result<Date, Refusal> {
    let of_kind = || person.vetting.iter().filter(|vetting| vetting.kind == kind);
    let valid = |vetting: &&Vetting| vetting.on <= today && today <= vetting.until;
    if let Some(until) = of_kind().filter(valid).map(|vetting| vetting.until).max() {
        return Ok(until);
    }
    let lapsed = of_kind()
        .filter(|vetting| vetting.until < today)
        .map(|vetting| vetting.until)
        .max();
    let (reason, message) = match lapsed {
        Some(until) => (
            "vetting.expired",
            format!("vetting `{kind}` of `{}` expired on {until}", person.id),
        ),
        None => (
            "vetting.missing",
            format!("`{}` has no valid vetting `{kind}`", person.id),
        ),
    };
    Err(not_admitted(contract, "vetting", reason, message).hint(
        "your employer submits the vetting, the owner's officers record it; then connect again",
    ))
}

/// Answers the instant at which the grant ends.
fn check_grant(request: &AdmissionRequest<'_>) -> Result<Timestamp, Refusal> {
    let grant = request.grant;
    let refuse = |reason: &str, what: &str| {
        not_admitted(request.contract, "grant", reason, format!("grant `{}` {what}", grant.id))
            .hint(format!("request a new one: portcullis grant request --person {} --contract {} --resource {} --purpose {} --for 1h",
                grant.person, grant.contract, grant.resource, grant.purpose))
    };
    match grant.state {
        GrantState::Pending => Err(refuse("grant.pending", "is not approved yet")
            .hint("an officer of the owner must approve it")),
        GrantState::Denied => Err(refuse("grant.denied", "was denied")),
        GrantState::Revoked => Err(refuse("grant.revoked", "was revoked")),
        GrantState::Ended => Err(refuse("grant.ended", "has ended")),
        GrantState::Live => match grant.expires_at {
            Some(end) if request.now < end => Ok(end),
            Some(end) => Err(refuse("grant.ended", &format!("ended at {end}"))),
            // Live without an end is a broken record: nothing is open without an end.
            None => Err(refuse("grant.ended", "has no end on record")),
        },
    }
}

fn check_network(contract: &Contract, client: IpAddr) -> Result<(), Refusal> {
    // A dual-stack listener sees IPv4 clients as ::ffff:a.b.c.d.
    let client = client.to_canonical();
    let networks = &contract.access.networks;
    if networks.is_empty() || networks.iter().any(|network| network.contains(&client)) {
        return Ok(());
    }
    let allowed: Vec<String> = networks.iter().map(ToString::to_string).collect();
    Err(not_admitted(
        contract,
        "access.networks",
        "access.network",
        format!("connections from `{client}` are not allowed"),
    )
    .hint(format!("connect from one of: {}", listed(&allowed))))
}

/// Answers the instant at which the hours' span ends; `None` = never.
fn check_hours(
    contract: &Contract,
    zone: &TimeZone,
    now: Timestamp,
) -> Result<Option<Timestamp>, Refusal> {
    match hours_end(&contract.access.hours, zone, now) {
        HoursNow::Always => Ok(None),
        HoursNow::Until(end) => Ok(Some(end)),
        HoursNow::Closed => {
            let local = now.to_zoned(zone.clone());
            let message = format!(
                "it is {} in {}, outside the contract's hours",
                local.strftime("%a %H:%M"),
                contract.access.timezone
            );
            Err(
                not_admitted(contract, "access.hours", "access.hours", message)
                    .hint(hours_hint(&contract.access)),
            )
        }
    }
}

fn hours_hint(access: &Access) -> String {
    format!(
        "connect within: {} ({})",
        crate::hours::write(&access.hours),
        access.timezone
    )
}

/// At most this many names are spelled out in a hint.
const LISTED_AT_MOST: usize = 12;

pub(crate) fn listed<T: AsRef<str>>(names: &[T]) -> String {
    if names.is_empty() {
        return "nothing".to_owned();
    }
    let mut text = names
        .iter()
        .take(LISTED_AT_MOST)
        .map(|name| format!("`{}`", name.as_ref()))
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > LISTED_AT_MOST {
        text.push_str(&format!(" and {} more", names.len() - LISTED_AT_MOST));
    }
    text
}
