//! Days and hours in a contract's time zone.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use crate::model::{Contract, HoursSpan};
use crate::refusal::{Refusal, SqlState};

/// Whether a session may be open by the clock on the wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoursNow {
    Always,
    Until(Timestamp),
    Closed,
}

/// The contract's time zone; an unknown one is refused, since no date could be judged.
pub(crate) fn timezone(contract: &Contract) -> Result<TimeZone, Refusal> {
    TimeZone::get(&contract.access.timezone).map_err(|_unknown| {
        let message = format!(
            "time zone `{}` is not known to the gate",
            contract.access.timezone
        );
        Refusal::new(SqlState::NotAdmitted, "access.timezone", message)
            .clause(&contract.id, "access.timezone")
            .hint("ask the owner to correct the contract")
    })
}

/// The calendar day of an instant, in the contract's time zone: the window of `…_per_day` budgets.
pub fn local_day(contract: &Contract, now: Timestamp) -> Result<Date, Refusal> {
    Ok(local_date(&timezone(contract)?, now))
}

pub(crate) fn local_date(zone: &TimeZone, now: Timestamp) -> Date {
    now.to_zoned(zone.clone()).date()
}

/// The first instant after a day; `None` beyond the calendar.
pub(crate) fn day_end(zone: &TimeZone, date: Date) -> Option<Timestamp> {
    let next = date.tomorrow().ok()?;
    instant(zone, next.to_datetime(Time::midnight()))
}

fn instant(zone: &TimeZone, local: DateTime) -> Option<Timestamp> {
    zone.to_ambiguous_timestamp(local).compatible().ok()
}

/// Adjoining spans count as one; a week without a gap is `Always`.
const DAYS_LOOKED_AHEAD: usize = 8;

/// Until when the hours last that are open now.
pub(crate) fn hours_end(hours: &[HoursSpan], zone: &TimeZone, now: Timestamp) -> HoursNow {
    if hours.is_empty() {
        return HoursNow::Always;
    }
    let local = now.to_zoned(zone.clone());
    let minute = minute_of(local.time());
    let mut date = local.date();
    let Some(mut end) = open_until(hours, date, minute) else {
        return HoursNow::Closed;
    };
    for _ in 0..DAYS_LOOKED_AHEAD {
        if end < MINUTES_A_DAY {
            return until(zone, date, end, now);
        }
        let Ok(next) = date.tomorrow() else {
            return HoursNow::Closed;
        };
        match open_until(hours, next, 0) {
            Some(next_end) => (date, end) = (next, next_end),
            None => return until(zone, date, MINUTES_A_DAY, now),
        }
    }
    HoursNow::Always
}

pub(crate) const MINUTES_A_DAY: u16 = 24 * 60;

fn minute_of(time: Time) -> u16 {
    // Both are never negative: hour is 0–23 and minute 0–59.
    u16::from(time.hour().unsigned_abs()) * 60 + u16::from(time.minute().unsigned_abs())
}

/// The end of the spans that cover this minute without a gap.
fn open_until(hours: &[HoursSpan], date: Date, minute: u16) -> Option<u16> {
    let weekday = date.weekday().to_monday_one_offset().unsigned_abs();
    let mut at = minute;
    // Each round takes one span's end further; no more rounds than spans are needed.
    for _ in 0..=hours.len() {
        let covering = hours.iter().filter(|span| {
            span.days.contains(&weekday) && span.from_minute <= at && at < span.to_minute
        });
        match covering.map(|span| span.to_minute).max() {
            Some(end) => at = end,
            None => break,
        }
    }
    (at > minute).then_some(at)
}

fn until(zone: &TimeZone, date: Date, minute: u16, now: Timestamp) -> HoursNow {
    let local = date
        .to_datetime(Time::midnight())
        .checked_add(Span::new().minutes(minute));
    let Ok(local) = local else {
        return HoursNow::Closed;
    };
    let ambiguous = zone.to_ambiguous_timestamp(local);
    // In the hour that a clock goes through twice the nearer end may have passed already.
    match (ambiguous.compatible(), ambiguous.later()) {
        (Ok(end), _) if end > now => HoursNow::Until(end),
        (_, Ok(end)) if end > now => HoursNow::Until(end),
        _ => HoursNow::Closed,
    }
}
