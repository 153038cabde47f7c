//! admit: whoever breaks any single requirement is not admitted, with that requirement's reason.

use std::net::IpAddr;

use jiff::civil::{Date, date};
use jiff::{SignedDuration, Timestamp};
use portcullis_contract::*;
use proptest::prelude::*;

use crate::sample::document;

/// Everything that an admission looks at, owned, so that a test can break a piece of it.
#[derive(Clone, Debug)]
struct World {
    person: Person,
    vendor: Vendor,
    contract: Contract,
    grant: Grant,
    person_suspended: Option<String>,
    contract_suspended: Option<String>,
    contract_in_force: bool,
    client_addr: IpAddr,
    now: Timestamp,
}

impl World {
    fn admit(&self) -> Result<Admission, Refusal> {
        admit(&AdmissionRequest {
            person: &self.person,
            vendor: &self.vendor,
            contract: &self.contract,
            grant: &self.grant,
            person_suspended: self.person_suspended.as_deref(),
            contract_suspended: self.contract_suspended.as_deref(),
            contract_in_force: self.contract_in_force,
            client_addr: self.client_addr,
            now: self.now,
        })
    }

    #[track_caller]
    fn refused(&self, reason: &str) -> Refusal {
        let refusal = self.admit().expect_err(reason);
        assert_eq!(refusal.reason, reason, "{refusal}");
        assert_eq!(refusal.sqlstate.code(), "28000");
        assert!(refusal.detail.is_some());
        refusal
    }

    #[track_caller]
    fn until(&self) -> Timestamp {
        self.admit().unwrap().until()
    }
}

/// Wednesday 2026-11-18, 10:00 in Shanghai; all is well, the grant ends at 18:00.
fn world() -> World {
    let document = document();
    let now: Timestamp = "2026-11-18T10:00:00+08:00".parse().unwrap();
    World {
        person: document.persons[0].clone(),
        vendor: document.vendors[0].clone(),
        contract: document.contracts[0].clone(),
        grant: Grant {
            id: "g1".to_owned(),
            person: "li.wei".to_owned(),
            contract: "clinic-ops-2026".to_owned(),
            resource: "hospital".to_owned(),
            purpose: "tickets".to_owned(),
            ticket: None,
            state: GrantState::Live,
            requested_by: "li.wei".to_owned(),
            decided_by: Some("wang".to_owned()),
            for_seconds: 8 * 3600,
            expires_at: Some(now + SignedDuration::from_hours(8)),
            user: Some("li.wei".to_owned()),
            verifier: None,
        },
        person_suspended: None,
        contract_suspended: None,
        contract_in_force: true,
        client_addr: "10.8.3.4".parse().unwrap(),
        now,
    }
}

fn at(local: &str) -> Timestamp {
    format!("{local}+08:00").parse().unwrap()
}

#[test]
fn all_is_well_until_the_grant_ends() {
    assert_eq!(world().until(), at("2026-11-18T18:00:00"));
}

#[test]
fn each_part_of_the_request_is_checked() {
    type Break = fn(&mut World);
    let cases: [(&str, Break); 21] = [
        ("person.suspended", |w| {
            w.person_suspended = Some("badge lost".to_owned())
        }),
        ("contract.suspended", |w| {
            w.contract_suspended = Some("dispute".to_owned())
        }),
        ("contract.not_in_force", |w| w.contract_in_force = false),
        ("contract.not_in_force", |w| {
            w.contract.valid_from = date(2026, 11, 19)
        }),
        ("contract.ended", |w| {
            w.contract.valid_until = date(2026, 11, 17)
        }),
        ("grant.pending", |w| w.grant.state = GrantState::Pending),
        ("grant.denied", |w| w.grant.state = GrantState::Denied),
        ("grant.revoked", |w| w.grant.state = GrantState::Revoked),
        ("grant.ended", |w| w.grant.state = GrantState::Ended),
        ("grant.ended", |w| w.grant.expires_at = Some(w.now)),
        ("grant.ended", |w| w.grant.expires_at = None),
        ("grant.mismatch", |w| w.grant.person = "somebody".to_owned()),
        ("grant.mismatch", |w| w.grant.contract = "other".to_owned()),
        ("person.vendor", |w| w.person.vendor = "other".to_owned()),
        ("person.vendor", |w| w.vendor.id = "other".to_owned()),
        ("purpose.unlisted", |w| {
            w.grant.purpose = "curiosity".to_owned()
        }),
        ("scope.resource", |w| {
            w.grant.resource = "payroll".to_owned()
        }),
        ("vetting.missing", |w| w.person.vetting.clear()),
        ("vetting.expired", |w| {
            w.person.vetting[1].until = date(2026, 11, 17)
        }),
        ("access.network", |w| {
            w.client_addr = "192.0.2.1".parse().unwrap()
        }),
        ("access.timezone", |w| {
            w.contract.access.timezone = "Mars/Olympus".to_owned()
        }),
    ];
    for (reason, break_it) in cases {
        let mut world = world();
        break_it(&mut world);
        world.refused(reason);
    }
}

#[test]
fn a_refusal_says_what_to_do() {
    let mut world = world();
    world.now = at("2026-11-18T21:30:00");
    world.grant.expires_at = Some(at("2026-11-18T23:00:00"));
    let refusal = world.refused("access.hours");
    assert_eq!(
        refusal.message,
        "it is Wed 21:30 in Asia/Shanghai, outside the contract's hours"
    );
    assert_eq!(
        refusal.detail.as_deref(),
        Some("contract `clinic-ops-2026`, clause `access.hours`")
    );
    assert_eq!(
        refusal.hint.as_deref(),
        Some("connect within: Mon-Fri 08:00-20:00 (Asia/Shanghai)")
    );
}

#[test]
fn a_vetting_counts_from_its_first_to_its_last_day_in_the_contracts_zone() {
    let mut world = world();
    world.person.vetting[0].until = date(2026, 11, 18);
    world.grant.expires_at = Some(at("2026-11-19T09:00:00"));
    world.contract.access.hours.clear();
    assert_eq!(world.until(), at("2026-11-19T00:00:00"));
    // 23:59 in Shanghai is the 18th still; in UTC the day is younger.
    world.now = at("2026-11-18T23:59:59");
    assert_eq!(world.until(), at("2026-11-19T00:00:00"));
    world.now = at("2026-11-19T00:00:00");
    world.refused("vetting.expired");
    world.person.vetting[0] = Vetting {
        on: date(2026, 11, 20),
        until: date(2027, 1, 1),
        ..world.person.vetting[0].clone()
    };
    world.refused("vetting.missing");
    let gaps = vetting_gaps(&world.contract, &world.person, date(2026, 11, 19));
    assert_eq!(gaps.len(), 1);
}

#[test]
fn the_vetting_that_is_valid_longest_counts() {
    let mut world = world();
    let mut renewed = world.person.vetting[0].clone();
    world.person.vetting[0].until = date(2026, 11, 17);
    renewed.on = date(2026, 11, 1);
    world.person.vetting.push(renewed);
    assert!(world.admit().is_ok());
}

#[test]
fn the_contracts_first_and_last_day_count_wholly() {
    let mut world = world();
    world.contract.valid_from = date(2026, 11, 18);
    assert!(world.admit().is_ok());
    world.contract.valid_until = date(2026, 11, 18);
    world.contract.access.hours.clear();
    world.grant.expires_at = Some(at("2026-11-19T09:00:00"));
    assert_eq!(world.until(), at("2026-11-19T00:00:00"));
}

#[test]
fn the_end_of_hours_ends_the_session() {
    let mut world = world();
    world.grant.expires_at = Some(at("2026-11-18T23:00:00"));
    assert_eq!(world.until(), at("2026-11-18T20:00:00"));
    world.now = at("2026-11-18T20:00:00");
    world.refused("access.hours");
    world.now = at("2026-11-21T10:00:00");
    world.grant.expires_at = Some(at("2026-11-21T23:00:00"));
    world.refused("access.hours"); // Saturday
}

#[test]
fn hours_over_midnight_go_on_into_the_next_day() {
    let mut world = world();
    world.contract.access.hours = hours::parse("Wed 22:00-06:00").unwrap();
    world.grant.expires_at = Some(at("2026-11-19T12:00:00"));
    for now in [
        "2026-11-18T22:00:00",
        "2026-11-18T23:59:59",
        "2026-11-19T00:00:00",
        "2026-11-19T05:59:59",
    ] {
        world.now = at(now);
        assert_eq!(world.until(), at("2026-11-19T06:00:00"), "{now}");
    }
    for now in ["2026-11-18T05:00:00", "2026-11-19T06:00:00"] {
        world.now = at(now);
        world.refused("access.hours");
    }
}

#[test]
fn hours_without_a_gap_never_end() {
    let mut world = world();
    world.contract.access.hours = hours::parse("Mon-Sun 00:00-12:00, Mon-Sun 12:00-24:00").unwrap();
    assert_eq!(world.until(), at("2026-11-18T18:00:00"));
}

/// In Berlin on 2026-10-25 the clock goes through 02:00–03:00 twice.
#[test]
fn an_end_within_the_doubled_hour_is_the_next_one() {
    let mut world = world();
    world.contract.access.timezone = "Europe/Berlin".to_owned();
    world.contract.access.hours = hours::parse("Sun 01:00-02:30").unwrap();
    world.grant.expires_at = Some("2026-10-25T12:00:00Z".parse().unwrap());
    world.now = "2026-10-25T00:10:00Z".parse().unwrap(); // 02:10, first time
    assert_eq!(world.until(), "2026-10-25T00:30:00Z".parse().unwrap());
    world.now = "2026-10-25T01:10:00Z".parse().unwrap(); // 02:10, second time
    assert_eq!(world.until(), "2026-10-25T01:30:00Z".parse().unwrap());
}

#[test]
fn mapped_ipv4_addresses_count_as_ipv4() {
    let mut world = world();
    world.client_addr = "::ffff:10.8.3.4".parse().unwrap();
    assert!(world.admit().is_ok());
    world.client_addr = "::ffff:192.0.2.1".parse().unwrap();
    world.refused("access.network");
    world.contract.access.networks.clear();
    assert!(world.admit().is_ok());
}

#[test]
fn grants_lie_within_their_contract() {
    let world = world();
    let check = |resource: &str, purpose: &str, seconds: u64, now: Timestamp| {
        check_grant_request(
            &world.contract,
            &world.person,
            resource,
            purpose,
            seconds,
            now,
        )
        .map_err(|refusal| refusal.reason)
    };
    let eight = 8 * 3600;
    assert_eq!(check("hospital", "tickets", eight, world.now), Ok(()));
    assert_eq!(check("hospital", "tickets", 12 * 3600, world.now), Ok(()));
    for (resource, purpose, seconds, now, reason) in [
        ("payroll", "tickets", eight, world.now, "scope.resource"),
        (
            "hospital",
            "curiosity",
            eight,
            world.now,
            "purpose.unlisted",
        ),
        (
            "hospital",
            "tickets",
            12 * 3600 + 1,
            world.now,
            "access.grant_at_most",
        ),
        ("hospital", "tickets", 0, world.now, "access.grant_at_most"),
        (
            "hospital",
            "tickets",
            u64::MAX,
            world.now,
            "access.grant_at_most",
        ),
        (
            "hospital",
            "tickets",
            eight,
            at("2028-01-01T00:00:00"),
            "contract.ended",
        ),
        (
            "hospital",
            "tickets",
            eight,
            at("2027-12-31T20:00:00"),
            "contract.ended",
        ),
        (
            "hospital",
            "tickets",
            eight,
            at("2025-12-31T20:00:00"),
            "contract.not_in_force",
        ),
    ] {
        assert_eq!(
            check(resource, purpose, seconds, now),
            Err(reason.to_owned())
        );
    }
    let mut stranger = world.person.clone();
    stranger.vendor = "other".to_owned();
    let refusal = check_grant_request(
        &world.contract,
        &stranger,
        "hospital",
        "tickets",
        eight,
        world.now,
    )
    .unwrap_err();
    assert_eq!(refusal.reason, "person.vendor");
}

#[test]
fn a_day_is_the_contracts_day() {
    let world = world();
    assert_eq!(
        local_day(&world.contract, at("2026-11-18T00:00:00")).unwrap(),
        date(2026, 11, 18)
    );
    assert_eq!(
        local_day(&world.contract, at("2026-11-17T23:59:59")).unwrap(),
        date(2026, 11, 17)
    );
}

/// Ways to break one requirement; each leaves all others whole.
fn broken() -> impl Strategy<Value = (World, &'static str)> {
    let any_now = (0i64..365 * 24 * 60)
        .prop_map(|minute| at("2026-01-06T00:00:00") + SignedDuration::from_mins(minute));
    (0u8..16, any_now, 0usize..3, 1i64..2000).prop_map(|(kind, now, which, days)| {
        let mut world = world();
        world.now = now;
        world.grant.expires_at = Some(now + SignedDuration::from_hours(8));
        world.contract.access.hours.clear();
        let today = local_day(&world.contract, now).unwrap();
        let before = |date: Date| date.checked_sub(jiff::Span::new().days(days)).unwrap();
        let after = |date: Date| date.checked_add(jiff::Span::new().days(days)).unwrap();
        let reason = match kind {
            0 => {
                world.person.vetting.remove(which);
                "vetting.missing"
            }
            1 => {
                world.person.vetting[which].until = before(today);
                "vetting.expired"
            }
            2 => {
                world.person.vetting[which].on = after(today);
                world.person.vetting[which].until = after(after(today));
                "vetting.missing"
            }
            3 => {
                world.contract.valid_until = before(today);
                "contract.ended"
            }
            4 => {
                world.contract.valid_from = after(today);
                "contract.not_in_force"
            }
            5 => {
                world.contract_in_force = false;
                "contract.not_in_force"
            }
            6 => {
                world.contract_suspended = Some(String::new());
                "contract.suspended"
            }
            7 => {
                world.person_suspended = Some(String::new());
                "person.suspended"
            }
            8 => {
                world.grant.state =
                    [GrantState::Pending, GrantState::Denied, GrantState::Revoked][which];
                "grant."
            }
            9 => {
                world.grant.expires_at = Some(now - SignedDuration::from_secs(days));
                "grant.ended"
            }
            10 => {
                world.grant.purpose.push('x');
                "purpose.unlisted"
            }
            11 => {
                world.grant.resource.push('x');
                "scope.resource"
            }
            12 => {
                world.person.vendor.push('x');
                "person.vendor"
            }
            13 => {
                world.client_addr = IpAddr::from([172, 16, which as u8, 1]);
                "access.network"
            }
            14 => {
                let closed = now
                    .to_zoned(jiff::tz::TimeZone::get("Asia/Shanghai").unwrap())
                    .weekday()
                    .to_monday_one_offset() as u8;
                world.contract.access.hours = vec![HoursSpan {
                    days: (1..=7).filter(|day| *day != closed).collect(),
                    from_minute: 0,
                    to_minute: 1440,
                }];
                "access.hours"
            }
            _ => {
                world.contract.vetting.push("security-clearance".to_owned());
                "vetting.missing"
            }
        };
        (world, reason)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_is_admitted_with_any_single_requirement_broken((world, reason) in broken()) {
        let refusal = world.admit().expect_err(reason);
        prop_assert!(refusal.reason.starts_with(reason), "{} for {reason}", refusal.reason);
        prop_assert_eq!(refusal.sqlstate, SqlState::NotAdmitted);
    }

    /// Whoever is admitted is so until the end that was told, and not at it.
    #[test]
    fn an_admission_holds_until_its_end_and_no_longer(minute in 0i64..3 * 365 * 24 * 60, hours in 1i64..48, spans in 0usize..5) {
        let mut world = world();
        world.now = at("2025-12-01T00:00:00") + SignedDuration::from_mins(minute);
        world.grant.expires_at = Some(world.now + SignedDuration::from_hours(hours));
        let text = ["any", "Mon-Fri 08:00-20:00", "daily 22:00-06:00", "Sat-Mon 00:00-24:00, Tue 00:00-03:00", "Mon 08:00-12:00; Mon 11:00-13:00; Wed-Thu 20:00-04:00"][spans];
        world.contract.access.hours = hours::parse(text).unwrap();
        if let Ok(admission) = world.admit() {
            let until = admission.until();
            prop_assert!(until > world.now);
            prop_assert!(until <= world.grant.expires_at.unwrap());
            world.now = until - SignedDuration::from_secs(1);
            prop_assert!(world.admit().is_ok());
            prop_assert_eq!(world.admit().unwrap().until(), until);
            world.now = until;
            prop_assert!(world.admit().is_err());
        }
    }
}
