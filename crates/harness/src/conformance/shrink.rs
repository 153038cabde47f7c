//! A failing case made small: fewer steps, fewer statements, fewer words, as long as it still fails.

use std::time::{Duration, Instant};

use super::compare::Difference;
use super::step::{Case, Step};

/// What fails in an odd way may take long to say: enough is enough.
const TRIES_MAX: usize = 600;
const TIME_MAX: Duration = Duration::from_secs(10);

/// The smallest case found for which `still` finds a difference; `None` where the case itself doesn't
/// fail again.
pub fn shrink(
    case: &Case,
    still: impl FnMut(&Case) -> Option<Difference>,
) -> Option<(Case, Difference)> {
    let mut search = Search {
        still,
        tries: 0,
        until: Instant::now() + TIME_MAX,
    };
    let difference = search.fails(case)?;
    let mut best = (case.clone(), difference);
    loop {
        let before = size(&best.0);
        search.drop_pieces(
            &mut best,
            |case| case.steps.clone(),
            |case, steps| Case {
                order: case.order,
                contract: case.contract.clone(),
                steps: steps.to_vec(),
            },
        );
        for at in 0..best.0.steps.len() {
            search.shorten_step(&mut best, at);
        }
        if size(&best.0) >= before || search.is_over() {
            return Some(best);
        }
    }
}

fn size(case: &Case) -> usize {
    let text = |step: &Step| step.sql().map_or(1, |sql| 1 + sql.len());
    case.steps.iter().map(text).sum()
}

struct Search<F> {
    still: F,
    tries: usize,
    until: Instant,
}

impl<F: FnMut(&Case) -> Option<Difference>> Search<F> {
    fn is_over(&self) -> bool {
        self.tries >= TRIES_MAX || Instant::now() > self.until
    }

    fn fails(&mut self, case: &Case) -> Option<Difference> {
        self.tries += 1;
        (self.still)(case)
    }

    /// Delta debugging: runs of pieces are left out, long ones first.
    fn drop_pieces<P: Clone>(
        &mut self,
        best: &mut (Case, Difference),
        take_apart: impl Fn(&Case) -> Vec<P>,
        put_together: impl Fn(&Case, &[P]) -> Case,
    ) {
        let mut run = take_apart(&best.0).len();
        while run >= 1 {
            let mut from = 0;
            while !self.is_over() {
                let pieces = take_apart(&best.0);
                if from >= pieces.len() {
                    break;
                }
                let kept: Vec<P> = pieces
                    .iter()
                    .take(from)
                    .chain(pieces.iter().skip(from + run))
                    .cloned()
                    .collect();
                let smaller = put_together(&best.0, &kept);
                match (!kept.is_empty() && size(&smaller) < size(&best.0))
                    .then(|| self.fails(&smaller))
                    .flatten()
                {
                    Some(difference) => *best = (smaller, difference),
                    None => from += run,
                }
            }
            run /= 2;
        }
    }

    fn shorten_step(&mut self, best: &mut (Case, Difference), at: usize) {
        let cut_with = |cut: fn(&str) -> Vec<String>| {
            move |case: &Case| {
                case.steps
                    .get(at)
                    .and_then(Step::sql)
                    .map(cut)
                    .unwrap_or_default()
            }
        };
        let joined = |case: &Case, pieces: &[String]| {
            let mut case = case.clone();
            if let Some(step) = case.steps.get_mut(at) {
                *step = step.with_sql(&pieces.concat());
            }
            case
        };
        self.drop_pieces(best, cut_with(statements), joined);
        self.drop_pieces(best, cut_with(groups), joined);
        self.drop_pieces(best, cut_with(words), joined);
    }
}

fn statements(sql: &str) -> Vec<String> {
    match pg_query::split_with_scanner(sql) {
        Ok(all) if all.len() > 1 => all.iter().map(|one| format!("{one};")).collect(),
        _ => Vec::new(),
    }
}

/// The tokens as PostgreSQL's scanner cuts them, each with the space behind it.
fn words(sql: &str) -> Vec<String> {
    let Ok(scanned) = pg_query::scan(sql) else {
        return sql.split_inclusive(' ').map(str::to_owned).collect();
    };
    let starts = scanned
        .tokens
        .iter()
        .filter_map(|token| usize::try_from(token.start).ok());
    let mut starts: Vec<usize> = starts.collect();
    starts.push(sql.len());
    let pairs = starts.windows(2);
    pairs
        .filter_map(|pair| Some(sql.get(*pair.first()?..*pair.last()?)?.to_owned()))
        .collect()
}

/// Tokens, but what stands in brackets (without brackets in it) is one piece, with a comma before it.
fn groups(sql: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut depth = 0_usize;
    for word in words(sql) {
        let opens = word.trim_end() == "(";
        let closes = word.trim_end() == ")";
        match all.last_mut() {
            Some(last) if depth > 0 => last.push_str(&word),
            _ => all.push(word),
        }
        depth = if opens {
            depth + 1
        } else if closes {
            depth.saturating_sub(1)
        } else {
            depth
        };
    }
    all
}
