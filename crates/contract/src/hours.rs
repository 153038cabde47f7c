//! Hours of access as people write them: `Mon-Fri 08:00-20:00, Sat 09:00-12:00`.

use std::collections::BTreeSet;

use thiserror::Error;

use crate::local_time::MINUTES_A_DAY;
use crate::model::HoursSpan;

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HoursError {
    #[error("it is empty")]
    Empty,
    #[error("`{0}` is not a day; days are Mon, Tue, Wed, Thu, Fri, Sat, Sun")]
    UnknownDay(String),
    #[error("`{0}` is not a span such as 08:00-20:00")]
    NotASpan(String),
    #[error("`{0}` is not a time such as 08:00")]
    NotATime(String),
    #[error("`{0}` begins and ends at the same time; write 00:00-24:00 for the whole day")]
    NoLength(String),
    #[error("`{0}` has days but no times")]
    NoTimes(String),
    #[error("it has more than {SPANS_AT_MOST} spans")]
    TooMany,
}

const SPANS_AT_MOST: usize = 64;
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// Spans separated by `,` or `;`; days before the times, `any` for no limit (an empty list).
/// A span over midnight (`22:00-06:00`) becomes two, the second on the following days.
pub fn parse(text: &str) -> Result<Vec<HoursSpan>, HoursError> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("any") {
        return Ok(Vec::new());
    }
    let mut spans = Vec::new();
    let mut days_before: BTreeSet<u8> = BTreeSet::new();
    let mut waiting: Option<&str> = None;
    for piece in text
        .split([',', ';'])
        .map(str::trim)
        .filter(|piece| !piece.is_empty())
    {
        let (days, times) = split_piece(piece)?;
        days_before.extend(&days);
        let Some(times) = times else {
            // `Mon,Wed 08:00-12:00`: days whose times come with a later piece.
            waiting = Some(piece);
            continue;
        };
        let days = if days_before.is_empty() {
            (1..=7).collect()
        } else {
            std::mem::take(&mut days_before)
        };
        waiting = None;
        push_span(&mut spans, days, times)?;
        if spans.len() > SPANS_AT_MOST {
            return Err(HoursError::TooMany);
        }
    }
    match waiting {
        Some(piece) => Err(HoursError::NoTimes(piece.to_owned())),
        None if spans.is_empty() => Err(HoursError::Empty),
        None => Ok(spans),
    }
}

fn split_piece(piece: &str) -> Result<(BTreeSet<u8>, Option<&str>), HoursError> {
    if piece.starts_with(|c: char| c.is_ascii_digit()) {
        return Ok((BTreeSet::new(), Some(piece)));
    }
    match piece.split_once(char::is_whitespace) {
        Some((days, times)) => Ok((parse_days(days)?, Some(times.trim()))),
        None => Ok((parse_days(piece)?, None)),
    }
}

fn parse_days(text: &str) -> Result<BTreeSet<u8>, HoursError> {
    if text.eq_ignore_ascii_case("daily") {
        return Ok((1..=7).collect());
    }
    let Some((first, last)) = text.split_once(['-', '–']) else {
        return Ok(BTreeSet::from([parse_day(text)?]));
    };
    let (first, last) = (parse_day(first)?, parse_day(last)?);
    // `Sat-Mon` goes round the week's end.
    let length = (last + 7 - first) % 7;
    Ok((0..=length)
        .map(|step| (first - 1 + step) % 7 + 1)
        .collect())
}

fn parse_day(text: &str) -> Result<u8, HoursError> {
    (1..)
        .zip(DAYS)
        .find(|(_, day)| day.eq_ignore_ascii_case(text.trim()))
        .map(|(number, _)| number)
        .ok_or_else(|| HoursError::UnknownDay(text.trim().to_owned()))
}

fn push_span(
    spans: &mut Vec<HoursSpan>,
    days: BTreeSet<u8>,
    times: &str,
) -> Result<(), HoursError> {
    let (from, to) = times
        .split_once(['-', '–'])
        .ok_or_else(|| HoursError::NotASpan(times.to_owned()))?;
    let (from_minute, to_minute) = (parse_time(from)?, parse_time(to)?);
    if from_minute == to_minute {
        return Err(HoursError::NoLength(times.to_owned()));
    }
    if from_minute < to_minute {
        spans.push(HoursSpan {
            days,
            from_minute,
            to_minute,
        });
        return Ok(());
    }
    let next_days = days.iter().map(|day| day % 7 + 1).collect();
    if from_minute < MINUTES_A_DAY {
        spans.push(HoursSpan {
            days,
            from_minute,
            to_minute: MINUTES_A_DAY,
        });
    }
    if to_minute > 0 {
        spans.push(HoursSpan {
            days: next_days,
            from_minute: 0,
            to_minute,
        });
    }
    Ok(())
}

fn parse_time(text: &str) -> Result<u16, HoursError> {
    let wrong = || HoursError::NotATime(text.trim().to_owned());
    let (hour, minute) = text.trim().split_once(':').ok_or_else(wrong)?;
    let two_digits = |part: &str| -> Option<u16> {
        (part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| part.parse().ok())
            .flatten()
    };
    let (hour, minute) = (
        two_digits(hour).ok_or_else(wrong)?,
        two_digits(minute).ok_or_else(wrong)?,
    );
    let total = hour * 60 + minute;
    if minute > 59 || total > MINUTES_A_DAY {
        return Err(wrong());
    }
    Ok(total)
}

/// The hours in the syntax that [`parse`] reads.
pub fn write(spans: &[HoursSpan]) -> String {
    if spans.is_empty() {
        return "any".to_owned();
    }
    spans.iter().map(write_span).collect::<Vec<_>>().join("; ")
}

fn write_span(span: &HoursSpan) -> String {
    let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    format!(
        "{} {}-{}",
        write_days(&span.days),
        time(span.from_minute),
        time(span.to_minute)
    )
}

fn write_days(days: &BTreeSet<u8>) -> String {
    let name = |day: u8| {
        DAYS.get(usize::from(day).saturating_sub(1))
            .copied()
            .unwrap_or("?")
    };
    match (days.first(), days.last()) {
        (Some(first), Some(last))
            if days.len() > 2 && usize::from(last - first) + 1 == days.len() =>
        {
            format!("{}-{}", name(*first), name(*last))
        }
        _ => days
            .iter()
            .map(|day| name(*day))
            .collect::<Vec<_>>()
            .join(","),
    }
}
