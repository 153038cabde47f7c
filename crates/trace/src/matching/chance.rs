//! The chance of at least so many successes in independent trials of unequal odds, in logarithms.

/// Up to so many trials the chance is exact; beyond it is Chernoff's bound, which is never too small.
const EXACT_TRIALS_MAX: u64 = 400;
/// Below this a double has too few digits left.
const EXACT_LEAST: f64 = 1e-280;
const BISECTIONS: usize = 80;
const TILT_MAX: f64 = 60.0;

/// Natural logarithm of P(at least `hits` successes), or of a bound above it. `trials`: (chance of
/// each, how many).
pub fn tail_ln(trials: &[(f64, u64)], hits: u64) -> f64 {
    let count: u64 = trials.iter().map(|(_, n)| n).sum();
    let mean: f64 = trials.iter().map(|(q, n)| q * *n as f64).sum();
    if hits == 0 {
        return 0.0;
    }
    if hits > count {
        return f64::NEG_INFINITY;
    }
    if hits == count {
        return trials
            .iter()
            .filter(|(_, n)| *n > 0)
            .map(|(q, n)| q.ln() * *n as f64)
            .sum();
    }
    if count <= EXACT_TRIALS_MAX {
        let exact = exact(trials, hits, count);
        if exact >= EXACT_LEAST {
            return exact.min(1.0).ln();
        }
    }
    if hits as f64 <= mean {
        return 0.0;
    }
    chernoff_ln(trials, hits as f64)
}

fn exact(trials: &[(f64, u64)], hits: u64, count: u64) -> f64 {
    let hits = usize::try_from(hits).unwrap_or(usize::MAX);
    // ways[k] = P(k successes so far); the last takes all from `hits` on.
    let mut ways = vec![0.0f64; usize::try_from(count).unwrap_or(0).min(hits) + 1];
    if let Some(first) = ways.first_mut() {
        *first = 1.0;
    }
    for (chance, n) in trials {
        for _ in 0..*n {
            let mut before = 0.0;
            let last = ways.len() - 1;
            for (k, way) in ways.iter_mut().enumerate() {
                let here = *way;
                let stays = if k == last { 1.0 } else { 1.0 - chance };
                *way = here * stays + before * chance;
                before = here;
            }
        }
    }
    ways.last().copied().unwrap_or(1.0)
}

/// min over t of Σ n·ln(1 − q + q·eᵗ) − t·hits: the derivative rises, so it is halved to its zero.
fn chernoff_ln(trials: &[(f64, u64)], hits: f64) -> f64 {
    let (mut low, mut high) = (0.0, TILT_MAX);
    for _ in 0..BISECTIONS {
        let t: f64 = (low + high) / 2.0;
        let tilted: f64 = trials
            .iter()
            .map(|(q, n)| {
                let up = q * t.exp();
                *n as f64 * up / (1.0 - q + up)
            })
            .sum();
        if tilted < hits {
            low = t;
        } else {
            high = t;
        }
    }
    let t = high;
    let grown: f64 = trials
        .iter()
        .map(|(q, n)| *n as f64 * (1.0 - q + q * t.exp()).ln())
        .sum();
    (grown - t * hits).min(0.0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use proptest::prelude::*;

    use super::*;

    fn by_counting(trials: &[(f64, u64)], hits: u64) -> f64 {
        let each: Vec<f64> = trials
            .iter()
            .flat_map(|(q, n)| std::iter::repeat_n(*q, usize::try_from(*n).unwrap()))
            .collect();
        let mut sum = 0.0;
        for way in 0u32..1 << each.len() {
            if u64::from(way.count_ones()) >= hits {
                let chance = |(at, q): (usize, &f64)| if way >> at & 1 == 1 { *q } else { 1.0 - q };
                sum += each.iter().enumerate().map(chance).product::<f64>();
            }
        }
        sum
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn small_tails_are_exact_and_bounds_lie_above(
            trials in prop::collection::vec((0.01f64..0.99, 1u64..4), 1..4),
            hits in 0u64..10,
        ) {
            let exact = by_counting(&trials, hits);
            let told = tail_ln(&trials, hits);
            prop_assert!((told.exp() - exact).abs() < 1e-9, "{} {}", told.exp(), exact);
            let mean: f64 = trials.iter().map(|(q, n)| q * *n as f64).sum();
            if hits as f64 > mean && exact > 0.0 {
                prop_assert!(chernoff_ln(&trials, hits as f64) >= exact.ln() - 1e-9);
            }
        }
    }

    #[test]
    fn large_tails_are_near_the_truth() {
        // P(at least 600 heads of 1,000): 1.36e-10.
        let told = tail_ln(&[(0.5, 1000)], 600) / std::f64::consts::LN_10;
        assert!((-10.0..-8.5).contains(&told), "{told}");
        assert!(tail_ln(&[(0.05, 100_000)], 99_000) < -280_000.0);
        assert_eq!(tail_ln(&[(0.5, 1000)], 400), 0.0);
        assert_eq!(tail_ln(&[(0.5, 3)], 4), f64::NEG_INFINITY);
    }
}
