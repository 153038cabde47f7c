//! A ceiling is nearly reached. It will hold; but who comes near it is either short of budget for
//! honest work, which the owner should decide about in time, or is filling his sack to the brim.

use crate::event::Meter;
use crate::suspicion::{Detector, Raised, Severity, Trail};
use crate::thresholds::Budget;

pub fn look(meter: &Meter<'_>, limits: &Budget) -> Option<Raised> {
    let reached =
        u128::from(meter.used) * 100 >= u128::from(meter.limit) * u128::from(limits.percent);
    if meter.limit == 0 || !reached {
        return None;
    }
    let share = u128::from(meter.used) * 100 / u128::from(meter.limit);
    let whose = if meter.budget.starts_with("vendor_") {
        format!("all people of {} together have", meter.vendor)
    } else {
        "this person has".to_owned()
    };
    let when = meter
        .day
        .map(|day| format!(" on {day}"))
        .unwrap_or_default();
    Some(Raised {
        detector: Detector::BudgetNear,
        severity: if meter.day.is_some() {
            Severity::Low
        } else {
            Severity::Medium
        },
        reason: format!(
            "{whose} used {share} % of the ceiling {}{when}: {} of {}",
            meter.budget, meter.used, meter.limit
        ),
        trail: Trail::of(meter.seq, meter.at),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(used: u64, limit: u64) -> Option<String> {
        let meter = Meter {
            seq: 7,
            at: jiff::Timestamp::UNIX_EPOCH,
            person: "li",
            vendor: "acme",
            contract: "ops",
            resource: "clinic",
            budget: "subjects_total",
            day: None,
            used,
            limit,
        };
        look(&meter, &crate::Thresholds::default().budget).map(|raised| raised.reason)
    }

    #[test]
    fn eighty_percent_speaks_and_less_does_not() {
        assert_eq!(at(799, 1000), None);
        let told = "this person has used 80 % of the ceiling subjects_total: 800 of 1000";
        assert_eq!(at(800, 1000).as_deref(), Some(told));
        assert_eq!(at(0, 0), None);
        assert!(at(u64::MAX, u64::MAX).is_some());
    }
}
