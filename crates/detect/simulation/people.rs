//! Honest engineers: tickets with heavy tails, on-call nights, migration weeks, holidays, newcomers,
//! changes of role, journeys, clumsy scripts.

use std::collections::HashSet;

use super::{Act, Deed, Dice, PATIENTS};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Tickets all day.
    Support,
    Developer,
    Dba,
    /// Reports: many sums, now and then a sample.
    Analyst,
}

pub struct Person {
    pub name: String,
    pub role: Role,
    /// Turns to another role on a day.
    pub change: Option<(i32, Role)>,
    pub pace: f64,
    pub starts_minute: i32,
    pub home: [u8; 4],
    pub program: &'static str,
    pub on_call: Option<i32>,
    pub joined: i32,
    pub left: i32,
    pub away: Vec<(i32, i32)>,
    pub migrations: Vec<i32>,
    pub seen: HashSet<u32>,
    /// New subjects today.
    pub today: u64,
    /// On the last day, for who wants to look like the others.
    pub yesterday: u64,
    pub collects: bool,
    /// What a planted one has taken so far.
    pub taken: u32,
}

const OFFICES: [[u8; 4]; 2] = [[10, 8, 1, 0], [10, 8, 2, 0]];

pub fn thirty(dice: &mut Dice, days: i32) -> Vec<Person> {
    (0..30).map(|index| one(index, dice, days)).collect()
}

fn one(index: usize, dice: &mut Dice, days: i32) -> Person {
    let role = match index {
        0..=15 => Role::Support,
        16..=20 => Role::Dba,
        21..=26 => Role::Developer,
        _ => Role::Analyst,
    };
    let mut away = vec![(120, 124), (267, 274)];
    for _ in 0..3 {
        let from = dice.range(0, i64::from(days)) as i32;
        away.push((from, from + dice.range(3, 22) as i32));
    }
    if index == 9 {
        // Parental leave.
        away.push((90, 190));
    }
    let migrates = matches!(role, Role::Dba | Role::Developer);
    Person {
        name: format!("p{index:02}"),
        role,
        change: match index {
            4 => Some((150, Role::Developer)),
            23 => Some((220, Role::Support)),
            _ => None,
        },
        pace: dice.lognormal(1.0, 0.35),
        starts_minute: 8 * 60 + 30 + (dice.normal() * 35.0) as i32,
        home: [10, 9, index as u8, 5],
        program: match dice.range(0, 4) {
            0 => "psql",
            1 => "Navicat",
            _ => "DBeaver 24.1.2 - SQLEditor",
        },
        on_call: index.is_multiple_of(4).then_some(index as i32 / 4),
        joined: if index % 7 == 3 {
            dice.range(40, 250) as i32
        } else {
            0
        },
        left: if index % 15 == 14 {
            dice.range(200, 330) as i32
        } else {
            i32::MAX
        },
        away,
        migrations: if migrates {
            (0..2)
                .map(|_| dice.range(20, i64::from(days)) as i32 / 7 * 7)
                .collect()
        } else {
            Vec::new()
        },
        seen: HashSet::new(),
        today: 0,
        yesterday: 0,
        collects: false,
        taken: 0,
    }
}

impl Person {
    pub fn role_on(&self, day: i32) -> Role {
        match self.change {
            Some((from, role)) if day >= from => role,
            _ => self.role,
        }
    }

    pub fn works_on(&self, day: i32) -> bool {
        day % 7 < 5 && self.here_on(day)
    }

    pub fn here_on(&self, day: i32) -> bool {
        let away = |(from, to): &(i32, i32)| (*from..*to).contains(&day);
        day >= self.joined && day < self.left && !self.away.iter().any(away)
    }

    /// Mostly the office; each his own home.
    fn network(&self, day: i32, dice: &mut Dice) -> [u8; 4] {
        if day % 7 == 4 || dice.chance(0.15) {
            return self.home;
        }
        let mut office = OFFICES[self.name.len() % 2];
        office[3] = self.home[2] + 10;
        office
    }
}

/// One day of somebody's honest work.
pub fn work(person: &Person, index: usize, day: i32, dice: &mut Dice, acts: &mut Vec<Act>) {
    on_call(person, index, day, dice, acts);
    let weekend_work = dice.chance(0.02);
    let works = person.works_on(day) || (weekend_work && person.here_on(day));
    if !works {
        return;
    }
    let role = person.role_on(day);
    let (tickets, alpha, most, table) = match role {
        Role::Support => (9.0, 1.5, 120.0, "clinic.patients"),
        Role::Developer => (2.0, 1.3, 150.0, "clinic.visits"),
        Role::Dba => (1.5, 1.2, 200.0, "clinic.patients"),
        Role::Analyst => (1.0, 1.0, 300.0, "clinic.visits"),
    };
    // Good days and bad days.
    let mood = dice.lognormal(1.0, 0.4);
    let mut network = person.network(day, dice);
    if dice.chance(0.006) {
        // A journey.
        network = [10, 77, dice.range(0, 250) as u8, 9];
    }
    let program = if dice.chance(0.03) {
        "psql"
    } else {
        person.program
    };
    let late = if dice.chance(0.1) { 180 } else { 0 };
    let mut minute = || person.starts_minute + dice.range(0, 540 + late) as i32;
    let minutes: Vec<i32> = (0..64).map(|_| minute()).collect();
    let when = |n: usize| minutes[n % minutes.len()];
    let base = |n: usize, deed: Deed| Act {
        minute: when(n),
        person: index,
        network,
        program,
        table,
        deed,
        collected: false,
    };
    let count = dice.poisson(tickets * person.pace * mood);
    for n in 0..count as usize {
        let size = dice.pareto(alpha, most);
        let keys = ticket(person, day, size, dice);
        let deed = if size <= 6 {
            Deed::Keys(keys)
        } else {
            Deed::List(keys)
        };
        let mut act = base(n, deed);
        if dice.chance(0.25) {
            act.table = "clinic.visits";
        }
        if dice.chance(0.04) && role != Role::Analyst {
            act.table = "clinic.lab";
        }
        acts.push(act);
        if dice.chance(0.05) {
            acts.push(base(
                n,
                Deed::Miss(dice.range(0, i64::from(PATIENTS)) as u32),
            ));
        }
        if dice.chance(0.03) {
            acts.push(base(
                n,
                Deed::Refused("scope.column", dice.range(0, 3) as u32),
            ));
        }
    }
    for n in 0..dice.poisson(6.0) as usize {
        acts.push(base(n + 20, Deed::Other));
    }
    habits(day, role, dice, acts, &base);
    migration(person, day, dice, acts, &base);
    // The network changes at noon: the old session is left behind.
    if dice.chance(0.01) {
        let from = acts.len().saturating_sub(40);
        for act in acts[from..]
            .iter_mut()
            .filter(|act| act.person == index && act.minute > 780)
        {
            act.network = person.home;
        }
    }
    // A script runs on the jump host while its owner works at his desk.
    if role == Role::Dba && dice.chance(0.002) {
        for n in 0..30 {
            let mut act = base(n, Deed::Other);
            act.network = [10, 8, 200, 4];
            act.program = "psql";
            acts.push(act);
        }
    }
}

/// Whom a ticket is about: known ones again, the newly registered, anybody.
fn ticket(person: &Person, day: i32, size: u64, dice: &mut Dice) -> Vec<u32> {
    let registered = i64::from(PATIENTS) - 60_000 + i64::from(day) * 160;
    let again: Vec<u32> = person.seen.iter().take(64).copied().collect();
    let mut again = again;
    again.sort_unstable();
    (0..size)
        .map(|_| match dice.unit() {
            x if x < 0.2 && !again.is_empty() => again[dice.range(0, again.len() as i64) as usize],
            x if x < 0.55 => dice.range(registered - 12_000, registered) as u32,
            _ => dice.range(0, registered) as u32,
        })
        .collect()
}

/// Clumsy moments.
fn habits(
    day: i32,
    role: Role,
    dice: &mut Dice,
    acts: &mut Vec<Act>,
    base: &dyn Fn(usize, Deed) -> Act,
) {
    // "Look at the patients from … on": a few in a row.
    if dice.chance(0.03) {
        let first = dice.range(0, 200_000) as u32;
        let run: Vec<u32> = (first..first + dice.range(5, 16) as u32).collect();
        acts.push(base(7, Deed::Keys(run)));
    }
    // A client looks around; a script repeats what is refused.
    if dice.chance(0.006) {
        for n in 0..dice.range(3, 8) {
            acts.push(base(9, Deed::Refused("scope.table", n as u32)));
        }
    }
    if dice.chance(0.006) {
        for _ in 0..dice.range(4, 19) {
            acts.push(base(11, Deed::Refused("scope.column", 1)));
        }
    }
    // Now and then another corner of the database.
    let corners = ["clinic.billing", "clinic.wards", "clinic.referrals"];
    if dice.chance(0.01) {
        let key = dice.range(0, 200_000) as u32;
        let mut act = base(13, Deed::List((key..key + 8).collect()));
        act.table = corners[dice.range(0, 3) as usize];
        acts.push(act);
    }
    // A report's sample.
    if role == Role::Analyst && day % 28 == 2 {
        let key = dice.range(0, 200_000) as u32;
        acts.push(base(
            15,
            Deed::List((0..150).map(|n| key + n * 31).collect()),
        ));
    }
}

fn migration(
    person: &Person,
    day: i32,
    dice: &mut Dice,
    acts: &mut Vec<Act>,
    base: &dyn Fn(usize, Deed) -> Act,
) {
    if !person
        .migrations
        .iter()
        .any(|from| (*from..from + 5).contains(&day))
    {
        return;
    }
    for n in 0..60 {
        acts.push(base(n, Deed::Other));
    }
    // Checked by samples, before and after.
    for n in 0..dice.range(1, 5) as usize {
        let first = dice.range(0, 200_000) as u32;
        acts.push(base(
            n,
            Deed::Range(first, first + dice.range(20, 60) as u32),
        ));
    }
}

fn on_call(person: &Person, index: usize, day: i32, dice: &mut Dice, acts: &mut Vec<Act>) {
    let Some(turn) = person.on_call else { return };
    if day / 7 % 8 != turn || !person.here_on(day) || !dice.chance(0.3) {
        return;
    }
    let hour = dice.range(0, 7) as i32;
    for n in 0..dice.range(1, 4) as i32 {
        let size = dice.pareto(1.5, 25.0);
        let keys = ticket(person, day, size, dice);
        acts.push(Act {
            minute: hour * 60 + n * 11,
            person: index,
            network: person.home,
            program: person.program,
            table: "clinic.patients",
            deed: Deed::Keys(keys),
            collected: false,
        });
    }
}
