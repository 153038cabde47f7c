//! Inclusion and consistency proofs: made from stored nodes, verified from hashes alone.

use crate::hash::{Hash, empty_root, node_hash};

/// Reads the root of the perfect subtree of `2^level` leaves that is the `index`th of its level.
pub trait Nodes {
    type Error;
    /// # Errors
    /// Whatever keeps the node from being read.
    fn node(&mut self, level: u8, index: u64) -> Result<Hash, Self::Error>;
}

impl<E, F: FnMut(u8, u64) -> Result<Hash, E>> Nodes for F {
    type Error = E;
    fn node(&mut self, level: u8, index: u64) -> Result<Hash, E> {
        self(level, index)
    }
}

/// Why no proof can be made.
#[derive(Debug, thiserror::Error)]
pub enum ProveError<E> {
    #[error("entry {seq} is not in a tree of {size} entries")]
    NotInTree { seq: u64, size: u64 },
    #[error("a tree of {to} entries cannot extend one of {from}")]
    Shrinks { from: u64, to: u64 },
    #[error(transparent)]
    Read(E),
}

/// The proof does not show what it was said to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the proof does not lead to the root")]
pub struct BadProof;

/// The root of the first `size` leaves.
///
/// # Errors
/// A node that can't be read.
pub fn root<N: Nodes>(nodes: &mut N, size: u64) -> Result<Hash, N::Error> {
    if size == 0 {
        Ok(empty_root())
    } else {
        subtree(nodes, 0, size)
    }
}

/// The proof that entry `seq` is in the tree of the first `size` leaves (RFC 6962, 2.1.1).
///
/// # Errors
/// An entry outside the tree, or a node that can't be read.
pub fn prove_inclusion<N: Nodes>(
    nodes: &mut N,
    seq: u64,
    size: u64,
) -> Result<Vec<Hash>, ProveError<N::Error>> {
    if seq >= size {
        return Err(ProveError::NotInTree { seq, size });
    }
    let (mut low, mut high) = (0, size);
    let mut path = Vec::new();
    while high - low > 1 {
        let middle = low + split(high - low);
        let (sibling, next) = if seq < middle {
            ((middle, high), (low, middle))
        } else {
            ((low, middle), (middle, high))
        };
        path.push(subtree(nodes, sibling.0, sibling.1).map_err(ProveError::Read)?);
        (low, high) = next;
    }
    path.reverse();
    Ok(path)
}

/// The proof that the tree of `to` leaves begins with the one of `from` (RFC 6962, 2.1.2).
///
/// # Errors
/// A tree that would shrink, or a node that can't be read.
pub fn prove_consistency<N: Nodes>(
    nodes: &mut N,
    from: u64,
    to: u64,
) -> Result<Vec<Hash>, ProveError<N::Error>> {
    if from > to {
        return Err(ProveError::Shrinks { from, to });
    }
    if from == 0 || from == to {
        return Ok(Vec::new());
    }
    let (mut low, mut high) = (0, to);
    let mut path = Vec::new();
    // Walk down to the subtree that ends at `from`; what was left behind on the way is the proof.
    while high != from {
        let middle = low + split(high - low);
        if from <= middle {
            path.push(subtree(nodes, middle, high).map_err(ProveError::Read)?);
            high = middle;
        } else {
            path.push(subtree(nodes, low, middle).map_err(ProveError::Read)?);
            low = middle;
        }
    }
    if low != 0 {
        path.push(subtree(nodes, low, high).map_err(ProveError::Read)?);
    }
    path.reverse();
    Ok(path)
}

/// Checks that the entry with hash `leaf` is number `seq` of the tree (RFC 9162, 2.1.3.2).
///
/// # Errors
/// [`BadProof`].
pub fn verify_inclusion(
    leaf: &Hash,
    seq: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), BadProof> {
    if seq >= size {
        return Err(BadProof);
    }
    let (mut at, mut last) = (seq, size - 1);
    let mut hash = *leaf;
    for sibling in proof {
        if last == 0 {
            return Err(BadProof);
        }
        if at & 1 == 1 || at == last {
            hash = node_hash(sibling, &hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    if last == 0 && hash == *root {
        Ok(())
    } else {
        Err(BadProof)
    }
}

/// Checks that the tree `to`/`to_root` extends `from`/`from_root` (RFC 9162, 2.1.4.2).
///
/// # Errors
/// [`BadProof`].
pub fn verify_consistency(
    from: u64,
    from_root: &Hash,
    to: u64,
    to_root: &Hash,
    proof: &[Hash],
) -> Result<(), BadProof> {
    if from > to {
        return Err(BadProof);
    }
    if from == to {
        return if proof.is_empty() && from_root == to_root {
            Ok(())
        } else {
            Err(BadProof)
        };
    }
    if from == 0 {
        return if proof.is_empty() && *from_root == empty_root() {
            Ok(())
        } else {
            Err(BadProof)
        };
    }
    // A perfect old tree is itself the first node, and the prover leaves it out.
    let (first, rest) = if from.is_power_of_two() {
        (from_root, proof)
    } else {
        proof.split_first().ok_or(BadProof)?
    };
    let (mut at, mut last) = (from - 1, to - 1);
    while at & 1 == 1 {
        at >>= 1;
        last >>= 1;
    }
    let (mut old, mut new) = (*first, *first);
    for node in rest {
        if last == 0 {
            return Err(BadProof);
        }
        if at & 1 == 1 || at == last {
            old = node_hash(node, &old);
            new = node_hash(node, &new);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            new = node_hash(&new, node);
        }
        at >>= 1;
        last >>= 1;
    }
    if last == 0 && old == *from_root && new == *to_root {
        Ok(())
    } else {
        Err(BadProof)
    }
}

/// The root of leaves `low..high`, where `low` is aligned as RFC 6962's splits leave it.
fn subtree<N: Nodes>(nodes: &mut N, low: u64, high: u64) -> Result<Hash, N::Error> {
    let count = high - low;
    if count.is_power_of_two() {
        let level = count.trailing_zeros();
        #[expect(
            clippy::cast_possible_truncation,
            reason = "trailing_zeros of a u64 is below 64"
        )]
        return nodes.node(level as u8, low >> level);
    }
    let middle = low + split(count);
    let left = subtree(nodes, low, middle)?;
    let right = subtree(nodes, middle, high)?;
    Ok(node_hash(&left, &right))
}

/// The largest power of two below `count` (at least 2).
fn split(count: u64) -> u64 {
    1 << (63 - (count - 1).leading_zeros())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::{leaf_hash, root_over};
    use std::convert::Infallible;

    fn leaves(n: u64) -> Vec<Hash> {
        (0..n).map(|i| leaf_hash(&i.to_le_bytes())).collect()
    }

    fn nodes(leaves: &[Hash]) -> impl FnMut(u8, u64) -> Result<Hash, Infallible> {
        move |level, index| {
            let width = 1_usize << level;
            let start = usize::try_from(index).unwrap() * width;
            Ok(root_over(&leaves[start..start + width]))
        }
    }

    #[test]
    fn every_inclusion_up_to_70_verifies_and_no_other_place_does() {
        let all = leaves(70);
        for size in 1..=70_u64 {
            let root = root_over(&all[..size as usize]);
            assert_eq!(super::root(&mut nodes(&all), size).unwrap(), root);
            for seq in 0..size {
                let proof = prove_inclusion(&mut nodes(&all), seq, size).unwrap();
                let leaf = all[seq as usize];
                assert_eq!(verify_inclusion(&leaf, seq, size, &proof, &root), Ok(()));
                for other in 0..size {
                    if other != seq {
                        assert_eq!(
                            verify_inclusion(&leaf, other, size, &proof, &root),
                            Err(BadProof)
                        );
                    }
                }
                let mut longer = proof.clone();
                longer.push([7; 32]);
                assert!(verify_inclusion(&leaf, seq, size, &longer, &root).is_err());
                for i in 0..proof.len() {
                    let mut bad = proof.clone();
                    bad[i][0] ^= 1;
                    assert!(verify_inclusion(&leaf, seq, size, &bad, &root).is_err());
                }
            }
        }
    }

    #[test]
    fn every_growth_up_to_70_verifies_and_a_fork_does_not() {
        let all = leaves(70);
        let mut fork = all.clone();
        fork[0] = [9; 32];
        for to in 0..=70_u64 {
            let to_root = root_over(&all[..to as usize]);
            for from in 0..=to {
                let from_root = root_over(&all[..from as usize]);
                let proof = prove_consistency(&mut nodes(&all), from, to).unwrap();
                assert_eq!(
                    verify_consistency(from, &from_root, to, &to_root, &proof),
                    Ok(()),
                    "{from} {to}"
                );
                if from > 0 {
                    let other = root_over(&fork[..from as usize]);
                    assert!(verify_consistency(from, &other, to, &to_root, &proof).is_err());
                }
                for i in 0..proof.len() {
                    let mut bad = proof.clone();
                    bad[i][31] ^= 0x80;
                    assert!(verify_consistency(from, &from_root, to, &to_root, &bad).is_err());
                    assert!(
                        verify_consistency(from, &from_root, to, &to_root, &proof[..i]).is_err()
                    );
                }
            }
        }
    }

    #[test]
    fn impossible_questions_are_refused() {
        let all = leaves(3);
        assert!(matches!(
            prove_inclusion(&mut nodes(&all), 3, 3),
            Err(ProveError::NotInTree { seq: 3, size: 3 })
        ));
        assert!(matches!(
            prove_consistency(&mut nodes(&all), 3, 2),
            Err(ProveError::Shrinks { .. })
        ));
    }
}
