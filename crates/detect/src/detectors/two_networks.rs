//! One person at two places: his sessions are used in turns from two networks. A laptop that moves
//! leaves its old session behind and never uses it again; two people with one password use both.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::event::Network;
use crate::suspicion::{Detector, Raised, Severity, Trail};
use crate::thresholds::TwoNetworks;

/// Changes of network remembered of a person.
const KEPT: usize = 3;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Memory {
    /// Stays in one network, the latest last.
    persons: BTreeMap<String, VecDeque<Stay>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Stay {
    network: Network,
    seq: u64,
    at: Timestamp,
}

/// Something done in a session: its opening, or a statement.
pub struct Active<'a> {
    pub seq: u64,
    pub at: Timestamp,
    pub person: &'a str,
    pub network: Option<Network>,
}

pub fn look(memory: &mut Memory, active: &Active<'_>, t: &TwoNetworks) -> Option<Raised> {
    let network = active.network?;
    let stays = memory.persons.entry(active.person.to_owned()).or_default();
    let now = Stay {
        network,
        seq: active.seq,
        at: active.at,
    };
    match stays.back_mut() {
        Some(last) if last.network == network => {
            *last = now;
            return None;
        }
        _ => stays.push_back(now),
    }
    if stays.len() > KEPT {
        stays.pop_front();
    }
    let [first, other, again] = [stays.front()?, stays.get(1)?, stays.get(2)?];
    let within = SignedDuration::from_mins(t.within_minutes);
    if first.network != again.network || again.at.duration_since(first.at) > within {
        return None;
    }
    let mut trail = Trail::default();
    for stay in [first, other, again] {
        trail.note(stay.seq, stay.at);
    }
    let reason = format!(
        "used from {} and from {} in turns within {} minutes: one person is not at two places",
        first.network, other.network, t.within_minutes
    );
    stays.drain(..2);
    Some(Raised {
        detector: Detector::TwoNetworks,
        severity: Severity::High,
        reason,
        trail,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(memory: &mut Memory, minute: i64, net: u8) -> Option<Raised> {
        let active = Active {
            seq: 1,
            at: Timestamp::from_second(minute * 60).unwrap_or_default(),
            person: "li",
            network: Some(Network::of([10, 8, net, 1].into())),
        };
        look(memory, &active, &crate::Thresholds::default().two_networks)
    }

    #[test]
    fn in_turns_is_heard_and_a_move_is_not() {
        let mut memory = Memory::default();
        for (minute, net) in [(0, 1), (5, 1), (6, 2), (9, 2), (30, 2), (60, 1), (61, 1)] {
            assert!(at(&mut memory, minute, net).is_none(), "{minute}");
        }
        assert!(at(&mut memory, 63, 2).is_none());
        assert!(at(&mut memory, 65, 1).is_some());
    }
}
