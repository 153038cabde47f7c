//! How fast somebody's coverage grows, and when a ceiling would be reached at that pace.
//!
//! Pure: days in, figures out. Nothing is projected from fewer than [`DAYS_MIN`] days.

use jiff::civil::{Date, Weekday};
use portcullis_ledger::accounts::DayTally;
use serde::Serialize;

/// The pace is that of so many days, today among them.
const PACE_DAYS: i64 = 30;
/// A pace of fewer days, or of fewer days with disclosures, is chance.
const DAYS_MIN: i64 = 5;
const ACTIVE_DAYS_MIN: usize = 3;
/// Further ahead a date says nothing.
const AHEAD_DAYS_MAX: f64 = 3650.0;

/// New subjects within the last so many days.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Growth {
    pub over_days: i64,
    /// The first of them, or the account's first day if that is later.
    pub from: Date,
    pub subjects_new: u64,
    /// Monday to Friday, and weekend days on which something was disclosed.
    pub working_days: u64,
    pub per_working_day: f64,
}

/// When something would be reached.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Projection {
    /// `subjects_total`, `vendor_subjects_total`, or a share of a kind.
    pub of: String,
    pub limit: u64,
    pub used: u64,
    /// `null` where nothing can be said; then `why` says why.
    pub on: Option<Date>,
    pub why: Option<&'static str>,
    /// What the date rests on.
    pub pace: Option<String>,
    pub after_contract_end: bool,
}

/// An account's days, and what they say today.
pub struct Pace<'a> {
    pub days: &'a [DayTally],
    /// In the contract's time zone.
    pub today: Date,
    /// The contract's last day.
    pub until: Option<Date>,
}

impl Pace<'_> {
    /// `None` for an account without days.
    pub fn growth(&self, over_days: i64) -> Option<Growth> {
        let from = self.first()?.max(before(self.today, over_days - 1)?);
        let within = || {
            self.days
                .iter()
                .filter(|day| from <= day.day && day.day <= self.today)
        };
        let subjects_new: u64 = within().map(|day| day.subjects_new).sum();
        let active = |date: Date| within().any(|day| day.day == date && day.subjects > 0);
        let mut working_days = 0;
        let mut date = from;
        while date <= self.today {
            let weekend = matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
            working_days += u64::from(!weekend || active(date));
            date = date.tomorrow().ok()?;
        }
        Some(Growth {
            over_days,
            from,
            subjects_new,
            working_days,
            per_working_day: ratio(subjects_new, working_days),
        })
    }

    fn first(&self) -> Option<Date> {
        self.days.first().map(|day| day.day)
    }

    /// New subjects a calendar day over the last thirty, and over how many days that was measured.
    fn per_day(&self) -> Result<(f64, i64), &'static str> {
        let few = "fewer than a few days to go by";
        let from = self
            .first()
            .zip(before(self.today, PACE_DAYS - 1))
            .map(|(first, start)| first.max(start))
            .ok_or(few)?;
        let measured = days_between(from, self.today) + 1;
        let within = || {
            self.days
                .iter()
                .filter(|day| from <= day.day && day.day <= self.today)
        };
        let active = within().filter(|day| day.subjects > 0).count();
        let known_for = self
            .first()
            .map_or(0, |first| days_between(first, self.today) + 1);
        if known_for < DAYS_MIN {
            return Err(few);
        }
        let new: u64 = within().map(|day| day.subjects_new).sum();
        if new == 0 {
            return Err("nobody new in the last 30 days");
        }
        if active < ACTIVE_DAYS_MIN {
            return Err(few);
        }
        Ok((new as f64 / measured as f64, measured))
    }

    /// When `limit` would be reached at this pace.
    pub fn project(&self, of: &str, used: u64, limit: u64) -> Projection {
        let mut projection = Projection {
            of: of.to_owned(),
            limit,
            used,
            on: None,
            why: None,
            pace: None,
            after_contract_end: false,
        };
        if used >= limit {
            projection.why = Some("reached");
            return projection;
        }
        match self.per_day() {
            Err(why) => projection.why = Some(why),
            Ok((per_day, measured)) => {
                projection.pace = Some(format!("at the pace of the last {measured} days"));
                let ahead = ((limit - used) as f64 / per_day).ceil();
                projection.on = (ahead <= AHEAD_DAYS_MAX)
                    .then(|| before(self.today, -(ahead as i64)))
                    .flatten();
                if projection.on.is_none() {
                    projection.why = Some("not within ten years");
                }
            }
        }
        projection.after_contract_end = projection
            .on
            .zip(self.until)
            .is_some_and(|(on, until)| on > until);
        projection
    }
}

fn ratio(count: u64, of: u64) -> f64 {
    if of == 0 {
        0.0
    } else {
        count as f64 / of as f64
    }
}

fn before(date: Date, days: i64) -> Option<Date> {
    let span = jiff::Span::new().try_days(days).ok()?;
    date.checked_sub(span).ok()
}

fn days_between(from: Date, to: Date) -> i64 {
    to.duration_since(from).as_hours() / 24
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn day(date: Date, subjects_new: u64) -> DayTally {
        DayTally {
            day: date,
            rows: subjects_new,
            bytes: 10,
            subjects: subjects_new,
            subjects_new,
            aggregates: 0,
        }
    }

    /// Monday 2 March 2026 and on, `per_day` new a working day, for so many calendar days.
    fn steady(calendar_days: i64, per_day: u64) -> (Vec<DayTally>, Date) {
        let mut days = Vec::new();
        let mut at = date("2026-03-02");
        for _ in 0..calendar_days {
            if !matches!(at.weekday(), Weekday::Saturday | Weekday::Sunday) {
                days.push(day(at, per_day));
            }
            at = at.tomorrow().unwrap();
        }
        (days, at.yesterday().unwrap())
    }

    #[test]
    fn growth_is_by_working_day() {
        let (days, today) = steady(28, 50);
        let pace = Pace {
            days: &days,
            today,
            until: None,
        };
        let week = pace.growth(7).unwrap();
        assert_eq!((week.working_days, week.subjects_new), (5, 250));
        assert_eq!(week.per_working_day, 50.0);
        // The account is younger than thirty days.
        let month = pace.growth(30).unwrap();
        assert_eq!((month.working_days, month.subjects_new), (20, 1000));
        assert_eq!(month.from, date("2026-03-02"));
    }

    #[test]
    fn a_weekend_that_was_worked_counts() {
        let days = [day(date("2026-03-07"), 10)];
        let pace = Pace {
            days: &days,
            today: date("2026-03-08"),
            until: None,
        };
        assert_eq!(pace.growth(7).unwrap().working_days, 1);
    }

    #[test]
    fn a_ceiling_is_reached_when_its_rest_is_used_up() {
        let (days, today) = steady(28, 50);
        let pace = Pace {
            days: &days,
            today,
            until: Some(date("2026-04-10")),
        };
        // 1,000 in 28 days; 500 more take 14.
        let projected = pace.project("subjects_total", 1000, 1500);
        assert_eq!(projected.on, Some(date("2026-04-12")));
        assert_eq!(
            projected.pace.as_deref(),
            Some("at the pace of the last 28 days")
        );
        assert!(projected.after_contract_end);
        assert!(
            !pace
                .project("subjects_total", 1000, 1100)
                .after_contract_end
        );
        let reached = pace.project("subjects_total", 1500, 1500);
        assert_eq!((reached.on, reached.why), (None, Some("reached")));
        let never = pace.project("subjects_total", 0, u64::MAX);
        assert_eq!(never.why, Some("not within ten years"));
    }

    #[test]
    fn an_old_burst_is_no_pace_and_few_days_are_none() {
        let (days, last) = steady(14, 500);
        let later = last.checked_add(jiff::Span::new().days(60)).unwrap();
        let quiet = Pace {
            days: &days,
            today: later,
            until: None,
        };
        let projected = quiet.project("subjects_total", 5000, 6000);
        assert_eq!(projected.on, None);
        assert_eq!(projected.why, Some("nobody new in the last 30 days"));

        let (days, today) = steady(3, 500);
        let young = Pace {
            days: &days,
            today,
            until: None,
        };
        assert_eq!(young.project("subjects_total", 1500, 2000).on, None);
        let none = Pace {
            days: &[],
            today,
            until: None,
        };
        assert_eq!(none.growth(7), None);
        assert_eq!(none.project("subjects_total", 0, 10).on, None);
    }
}
