//! Middle and spread that a few wild days don't move: median and MAD, on a logarithmic scale, because
//! honest work is a matter of factors ("three times as much"), not of differences.

/// Makes the MAD comparable to a standard deviation.
const MAD_SCALE: f64 = 1.4826;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usual {
    /// Of `ln(1 + x)`.
    pub middle: f64,
    pub spread: f64,
}

impl Usual {
    /// `None` of fewer than `at_least` values. The spread is never below `floor`: days that happened
    /// to be alike don't make the next one strange.
    pub fn of(values: &[u64], at_least: usize, floor: f64) -> Option<Self> {
        if values.len() < at_least.max(1) {
            return None;
        }
        let mut logs: Vec<f64> = values.iter().map(|x| (*x as f64).ln_1p()).collect();
        let middle = median(&mut logs)?;
        let mut away: Vec<f64> = logs.iter().map(|x| (x - middle).abs()).collect();
        let spread = (median(&mut away)? * MAD_SCALE).max(floor);
        Some(Self { middle, spread })
    }

    /// What is `times` spreads above the middle.
    pub fn above(&self, times: f64) -> u64 {
        // Saturates; a ceiling beyond all numbers is no ceiling.
        (self.middle + times * self.spread).exp_m1().ceil().max(0.0) as u64
    }

    pub fn middle(&self) -> u64 {
        self.middle.exp_m1().round().max(0.0) as u64
    }
}

fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = values.len() / 2;
    let high = *values.get(upper)?;
    if values.len() % 2 == 1 {
        return Some(high);
    }
    let low = *values.get(upper.checked_sub(1)?)?;
    Some((low + high) / 2.0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn wild_days_do_not_move_it() {
        let calm: Vec<u64> = (0..40).map(|day| 18 + day % 5).collect();
        let mut wild = calm.clone();
        wild.extend([5000, 9000, 0, 0]);
        let (a, b) = (
            Usual::of(&calm, 10, 0.1).unwrap(),
            Usual::of(&wild, 10, 0.1).unwrap(),
        );
        assert_eq!(a.middle(), 20);
        assert_eq!(b.middle(), 20);
        assert!(b.above(4.0) < 60, "{}", b.above(4.0));
        assert_eq!(Usual::of(&calm[..5], 10, 0.1), None);
    }
}
