//! How well a set of persons explains the file: the likelihood that each subject came from one of them
//! or from elsewhere, against the chance that they were given it anyway.

use super::patterns::{Pattern, Scene};

const ROUNDS: usize = 40;
/// When a round gains less, in nats, no more will come.
const GAIN_LEAST: f64 = 0.01;

/// Greatest log-likelihood ratio over the shares of the sources: each subject counts
/// ln(θ₀ + Σ θᵢ·[i was given it]/pᵢ), pᵢ the chance that he was given it innocently; the shares by EM.
pub(super) fn ratio_ln(scene: &Scene, patterns: &[Pattern], members: &[usize]) -> f64 {
    // For each pattern: how many, and for each member 1/p or 0.
    let width = members.len();
    let mut weights = Vec::with_capacity(patterns.len() * width);
    for pattern in patterns {
        for member in members {
            let has = pattern.who >> member & 1 == 1;
            weights.push(if has {
                1.0 / scene.by_popularity(*member, pattern)
            } else {
                0.0
            });
        }
    }
    if width == 0 {
        return 0.0;
    }
    let mut shares = vec![1.0 / (width as f64 + 1.0); width + 1];
    let mut best = f64::NEG_INFINITY;
    for _ in 0..ROUNDS {
        let mut taken = vec![0.0; width + 1];
        let mut ratio = 0.0;
        for (pattern, weights) in patterns.iter().zip(weights.chunks(width)) {
            let count = pattern.count as f64;
            let elsewhere = shares.last().copied().unwrap_or(0.0);
            let sum: f64 = elsewhere
                + shares
                    .iter()
                    .zip(weights)
                    .map(|(share, weight)| share * weight)
                    .sum::<f64>();
            let sum = sum.max(1e-12);
            ratio += count * sum.ln();
            for ((taken, share), weight) in taken
                .iter_mut()
                .zip(&shares)
                .zip(weights.iter().chain([&1.0]))
            {
                *taken += count * share * weight / sum;
            }
        }
        let all: f64 = taken.iter().sum();
        if all <= 0.0 || ratio - best < GAIN_LEAST {
            best = best.max(ratio);
            break;
        }
        best = ratio;
        for (share, taken) in shares.iter_mut().zip(&taken) {
            // Never quite none, so that a share can come back.
            *share = (taken / all).max(1e-9);
        }
    }
    best.max(0.0)
}
