//! A chart in the terminal: how a total grew day by day.

use jiff::civil::Date;

/// Rows of the plot.
const HEIGHT: usize = 8;
const NARROWEST: usize = 20;
/// A wider one is harder to read, not easier.
const WIDEST: usize = 160;
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// How a terminal shows it.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    pub ascii: bool,
    pub width: usize,
}

/// Totals at the end of days, ascending; a day between two is as the one before it. Nothing where
/// there are fewer than two days.
pub fn draw(days: &[(Date, u64)], look: Look) -> Vec<String> {
    let (Some((first, _)), Some((last, top))) = (days.first(), days.last()) else {
        return Vec::new();
    };
    let (first, last, top) = (*first, *last, *top);
    let span = days_between(first, last) + 1;
    if span < 2 || top == 0 {
        return Vec::new();
    }
    let axis = thousands(top).chars().count().max(1);
    let room = look.width.clamp(NARROWEST, WIDEST).saturating_sub(axis + 3);
    let columns = span.min(room.max(1));
    let totals: Vec<u64> = (0..columns)
        .map(|column| total_at(days, first, (column + 1) * span / columns))
        .collect();
    let mut lines = Vec::new();
    for row in (0..HEIGHT).rev() {
        let label = match row {
            _ if row + 1 == HEIGHT => thousands(top),
            0 => "0".to_owned(),
            _ => String::new(),
        };
        let cells: String = totals
            .iter()
            .map(|total| cell(*total, top, row, look.ascii))
            .collect();
        let bar = if look.ascii { '|' } else { '│' };
        lines.push(format!("{label:>axis$} {bar}{}", cells.trim_end()));
    }
    let (corner, line) = if look.ascii {
        ('+', '-')
    } else {
        ('└', '─')
    };
    let rule: String = std::iter::repeat_n(line, columns).collect();
    lines.push(format!("{:>axis$} {corner}{rule}", ""));
    let (from, to) = (first.to_string(), last.to_string());
    let gap = columns.saturating_sub(from.len() + to.len()).max(1);
    lines.push(format!("{:>axis$}  {from}{}{to}", "", " ".repeat(gap)));
    lines
}

/// The total at the end of the `nth` day, counted from one.
fn total_at(days: &[(Date, u64)], first: Date, nth: usize) -> u64 {
    let until = days
        .iter()
        .take_while(|(day, _)| days_between(first, *day) < nth);
    until.last().map_or(0, |(_, total)| *total)
}

fn cell(total: u64, top: u64, row: usize, ascii: bool) -> char {
    let steps = HEIGHT * BLOCKS.len();
    // Whoever is there at all is seen.
    let filled = (total as f64 / top as f64 * steps as f64).ceil() as usize;
    let here = filled.saturating_sub(row * BLOCKS.len()).min(BLOCKS.len());
    match here.checked_sub(1).and_then(|at| BLOCKS.get(at)) {
        None => ' ',
        Some(_) if ascii && here * 2 < BLOCKS.len() => '.',
        Some(_) if ascii => '#',
        Some(block) => *block,
    }
}

fn days_between(from: Date, to: Date) -> usize {
    usize::try_from(to.duration_since(from).as_hours() / 24).unwrap_or(0)
}

/// `1234567` as `1,234,567`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    fn days(totals: &[(&str, u64)]) -> Vec<(Date, u64)> {
        totals
            .iter()
            .map(|(day, total)| (day.parse().unwrap(), *total))
            .collect()
    }

    #[test]
    fn a_steady_growth_is_a_staircase() {
        let days = days(&[
            ("2026-03-02", 100),
            ("2026-03-03", 200),
            ("2026-03-05", 400),
        ]);
        let look = Look {
            ascii: false,
            width: 60,
        };
        let lines = draw(&days, look);
        assert_eq!(
            lines,
            [
                "400 │   █",
                "    │   █",
                "    │   █",
                "    │   █",
                "    │ ███",
                "    │ ███",
                "    │████",
                "  0 │████",
                "    └────",
                "     2026-03-02 2026-03-05",
            ]
        );
        let plain = draw(
            &days,
            Look {
                ascii: true,
                width: 60,
            },
        );
        assert!(plain.iter().all(|line| line.is_ascii()));
        assert_eq!(plain[4], "    | ###");
    }

    #[test]
    fn a_long_time_fits_the_terminal() {
        let mut day: Date = "2025-01-01".parse().unwrap();
        let mut long = Vec::new();
        for n in 1..=700 {
            long.push((day, n));
            day = day.tomorrow().unwrap();
        }
        for width in [1, 40, 80, 1000] {
            let lines = draw(&long, Look { ascii: true, width });
            let widest = lines.iter().map(|line| line.chars().count()).max().unwrap();
            assert!(widest <= width.clamp(30, WIDEST), "{width}: {widest}");
            assert!(lines[0].ends_with('#'), "the last column is the top");
        }
    }

    #[test]
    fn one_day_is_no_course() {
        let look = Look {
            ascii: true,
            width: 80,
        };
        assert!(draw(&days(&[("2026-03-02", 5)]), look).is_empty());
        assert!(draw(&[], look).is_empty());
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(thousands(100), "100");
    }
}
