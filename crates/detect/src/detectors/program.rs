//! A client program that neither this person nor the colleagues use, and much is taken with it: a
//! script or a copying tool where there was a console.

use super::Seen;
use super::novelty;
use crate::suspicion::{Detector, Raised, Severity};
use crate::thresholds::Novel;

pub type Memory = novelty::Memory<String>;

/// Longest name remembered; a client may call itself anything.
const NAME_AT_MOST: usize = 24;

/// The program's name without what changes by itself: versions, windows, process numbers.
pub fn named(application: &str) -> String {
    let letters = application
        .trim()
        .split(|c: char| !c.is_alphabetic() && c != '_' && c != '-')
        .find(|word| !word.is_empty())
        .unwrap_or("unnamed");
    letters
        .chars()
        .take(NAME_AT_MOST)
        .collect::<String>()
        .to_lowercase()
}

pub fn look(memory: &mut Memory, seen: &Seen<'_>, t: &Novel) -> Option<Raised> {
    if seen.program.is_empty() {
        return None;
    }
    let news = memory.look(&seen.program.to_owned(), seen, t)?;
    Some(Raised {
        detector: Detector::NewProgram,
        severity: Severity::Low,
        reason: format!(
            "{} subjects shown to the client program `{}`, which this person never used in {} days \
             before and no two colleagues do",
            news.sum, seen.program, news.days
        ),
        trail: news.trail,
    })
}

#[cfg(test)]
mod tests {
    use super::super::story::{Told, working_days};
    use super::*;

    fn with(memory: &mut Memory, program: &'static str, day: i32, new: u64) -> Option<Raised> {
        let told = Told {
            program,
            day,
            new,
            ..Told::default()
        };
        told.look(|seen| look(memory, seen, &crate::Thresholds::default().program))
    }

    #[test]
    fn much_with_a_new_program_is_heard_and_a_try_is_not() {
        let mut memory = Memory::default();
        for day in working_days(0, 40) {
            assert!(with(&mut memory, "dbeaver", day, 50).is_none());
        }
        assert!(with(&mut memory.clone(), "psycopg", 42, 30).is_none());
        assert!(with(&mut memory.clone(), "dbeaver", 42, 300).is_none());
        assert!(with(&mut memory, "psycopg", 42, 120).is_some());
    }

    #[test]
    fn a_new_version_is_no_new_program() {
        assert_eq!(named("DBeaver 24.1.2 - SQLEditor <Script-3>"), "dbeaver");
        assert_eq!(named("psql"), "psql");
        assert_eq!(named(" 17 "), "unnamed");
        assert_eq!(named(""), "unnamed");
    }
}
