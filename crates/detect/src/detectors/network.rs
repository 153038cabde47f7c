//! A network that neither this person nor the colleagues ever came from, and much is taken through
//! it. A hotel on a journey is one thing; a hundred new people looked at from there another.

use super::Seen;
use super::novelty;
use crate::event::Network;
use crate::suspicion::{Detector, Raised, Severity};
use crate::thresholds::Novel;

pub type Memory = novelty::Memory<Network>;

pub fn look(memory: &mut Memory, seen: &Seen<'_>, t: &Novel) -> Option<Raised> {
    let network = seen.network?;
    let news = memory.look(&network, seen, t)?;
    Some(Raised {
        detector: Detector::NewNetwork,
        severity: Severity::Medium,
        reason: format!(
            "{} subjects shown to a client in {network}, where this person never worked in {} days \
             before and no two colleagues do",
            news.sum, news.days
        ),
        trail: news.trail,
    })
}

#[cfg(test)]
mod tests {
    use super::super::story::{Told, working_days};
    use super::*;

    fn from(memory: &mut Memory, who: &'static str, day: i32, net: u8, new: u64) -> Option<Raised> {
        let network = [10, 8, net];
        let told = Told {
            who,
            day,
            new,
            network,
            ..Told::default()
        };
        told.look(|seen| look(memory, seen, &crate::Thresholds::default().network))
    }

    #[test]
    fn much_through_a_new_network_is_heard_and_a_journey_is_not() {
        let mut memory = Memory::default();
        for day in working_days(0, 40) {
            for (who, home) in [("li", 1), ("wu", 2), ("xu", 2)] {
                assert!(from(&mut memory, who, day, home, 50).is_none());
            }
        }
        assert!(from(&mut memory.clone(), "li", 42, 9, 70).is_none());
        // Where two colleagues work every day.
        assert!(from(&mut memory.clone(), "li", 42, 2, 170).is_none());
        let told = from(&mut memory, "li", 42, 9, 120).map(|raised| raised.reason);
        assert!(told.is_some_and(|reason| reason.contains("10.8.9.0/24")));
    }
}
