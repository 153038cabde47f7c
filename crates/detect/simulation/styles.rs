//! Collectors, each in his own way; besides, they do their honest work.

use super::{Act, Deed, Dice, PATIENTS, Person, TURNS_ON};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    SlowDrip,
    NightCrawler,
    Enumerator,
    UnderTheCeiling,
    Copycat,
    TwoTogether,
    Dormant,
    Widening,
}

impl Style {
    pub const ALL: [Self; 8] = [
        Self::SlowDrip,
        Self::NightCrawler,
        Self::Enumerator,
        Self::UnderTheCeiling,
        Self::Copycat,
        Self::TwoTogether,
        Self::Dormant,
        Self::Widening,
    ];

    pub fn words(self) -> &'static str {
        match self {
            Self::SlowDrip => "slow drip: 30 a working day, in no order",
            Self::NightCrawler => "night crawler: 80 a night, three nights a week",
            Self::Enumerator => {
                "key enumerator: 40 a day in the order of their numbers, among tickets"
            }
            Self::UnderTheCeiling => "burst under the ceiling: 1,900 of 2,000 on one day a month",
            Self::Copycat => "copycat: a quiet one fills up to what the busy ones take",
            Self::TwoTogether => "two together: 15 a day each, no overlap",
            Self::Dormant => "dormant account: silent for 120 days, then 300 a day for a week",
            Self::Widening => "widening scope: 20 a day from tables not needed before",
        }
    }

    /// The first day on which something is taken, at the earliest.
    pub fn begins(self) -> i32 {
        match self {
            Self::Dormant => TURNS_ON + 30,
            Self::UnderTheCeiling => TURNS_ON + 16,
            _ => TURNS_ON,
        }
    }

    /// Who turns: a developer, for whom little is usual, or somebody from support among many alike.
    pub fn plant(self, people: &mut [Person], dice: &mut Dice) {
        let who: &[usize] = match self {
            Self::Copycat => &[22],
            Self::TwoTogether => &[6, 8],
            Self::Widening | Self::Enumerator => &[12],
            _ => &[if dice.chance(0.5) { 6 } else { 21 }],
        };
        for index in who {
            let person = &mut people[*index];
            person.collects = true;
            person.joined = 0;
            person.left = i32::MAX;
            person.change = None;
            if self == Self::Dormant {
                person.away.push((TURNS_ON - 120, TURNS_ON + 30));
            }
        }
    }

    pub fn collect(
        self,
        people: &mut [Person],
        index: usize,
        day: i32,
        dice: &mut Dice,
        acts: &mut Vec<Act>,
    ) {
        if day < TURNS_ON {
            return;
        }
        let works = people[index].works_on(day);
        // He sits where he sits: only at night is it always at home.
        let mut places: Vec<(i32, [u8; 4])> = acts
            .iter()
            .filter(|act| act.person == index && act.minute > 7 * 60)
            .map(|act| (act.minute, act.network))
            .collect();
        places.sort_unstable();
        let here = |minute: i32, home: [u8; 4]| {
            let before = places.iter().rev().find(|(at, _)| *at <= minute);
            before
                .or(places.first())
                .map_or(home, |(_, network)| *network)
        };
        let act = |minute: i32, deed: Deed, person: &Person| Act {
            minute,
            person: index,
            network: if minute < 7 * 60 {
                person.home
            } else {
                here(minute, person.home)
            },
            program: person.program,
            table: "clinic.patients",
            deed,
            collected: true,
        };
        let in_the_day = |n: i32, dice: &mut Dice| 570 + n * 400 / 60 + dice.range(0, 40) as i32;
        match self {
            Self::SlowDrip if works => {
                for n in 0..30 {
                    let deed = Deed::Keys(some(&mut people[index], 1));
                    acts.push(act(in_the_day(n, dice), deed, &people[index]));
                }
            }
            Self::TwoTogether if works => {
                for n in 0..15 {
                    let deed = Deed::Keys(some(&mut people[index], 1));
                    acts.push(act(in_the_day(n * 4, dice), deed, &people[index]));
                }
            }
            Self::NightCrawler if matches!(day % 7, 0 | 2 | 5) => {
                for n in 0..80 {
                    let deed = Deed::Keys(some(&mut people[index], 1));
                    acts.push(act(60 + n * 2, deed, &people[index]));
                }
            }
            Self::Enumerator if works => {
                for n in 0..40 {
                    let person = &mut people[index];
                    person.taken += 1;
                    let deed = Deed::Keys(vec![20_000 + person.taken]);
                    acts.push(act(in_the_day(n, dice), deed, person));
                }
            }
            Self::UnderTheCeiling if works && day % 28 < 2 && people[index].today < 1900 => {
                if day % 28 == 1 {
                    return;
                }
                for n in 0..19 {
                    let deed = Deed::List(some(&mut people[index], 100));
                    acts.push(act(840 + n * 3, deed, &people[index]));
                }
            }
            Self::Copycat if works => {
                let mut others: Vec<u64> = people
                    .iter()
                    .map(|person| person.today.max(person.yesterday))
                    .filter(|n| *n > 0)
                    .collect();
                others.sort_unstable();
                // What a busy colleague took on the last day.
                let aim = others.get(others.len() * 3 / 4).copied().unwrap_or(30);
                for n in 0..aim as i32 {
                    let deed = Deed::Keys(some(&mut people[index], 1));
                    acts.push(act(in_the_day(n, dice), deed, &people[index]));
                }
            }
            Self::Dormant if (TURNS_ON + 30..TURNS_ON + 37).contains(&day) => {
                for n in 0..30 {
                    let deed = Deed::List(some(&mut people[index], 10));
                    acts.push(act(in_the_day(n, dice), deed, &people[index]));
                }
            }
            Self::Widening if works => {
                let tables = [
                    "clinic.psychiatry",
                    "clinic.genetics",
                    "clinic.insurance",
                    "clinic.relatives",
                ];
                for n in 0..4 {
                    let deed = Deed::List(some(&mut people[index], 5));
                    let mut act = act(in_the_day(n * 10, dice), deed, &people[index]);
                    act.table = tables[n as usize];
                    acts.push(act);
                }
            }
            _ => {}
        }
    }
}

/// The next ones, in no order; two people take different ones.
fn some(person: &mut Person, count: u32) -> Vec<u32> {
    let odd = u32::from(person.name.ends_with('8'));
    (0..count)
        .map(|_| {
            person.taken += 1;
            let half = Dice::new(u64::from(person.taken)).range(0, i64::from(PATIENTS / 2)) as u32;
            half * 2 + odd
        })
        .collect()
}
