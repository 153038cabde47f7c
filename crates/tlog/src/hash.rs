//! RFC 6962 section 2.1: leaf and node hashes, domain-separated so that neither passes for the other.

use sha2::{Digest, Sha256};

/// A SHA-256 Merkle hash.
pub type Hash = [u8; 32];

const LEAF_PREFIX: u8 = 0x00;
const NODE_PREFIX: u8 = 0x01;

/// The hash of an entry.
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([LEAF_PREFIX]);
    hasher.update(entry);
    hasher.finalize().into()
}

/// The hash of two neighbouring subtrees.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([NODE_PREFIX]);
    hasher.update(left);
    hasher.update(right);
    hasher.finalize().into()
}

/// The root of a tree without entries.
#[must_use]
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// The root over `hashes`, each the root of an equally large perfect subtree (or a leaf).
#[must_use]
pub fn root_over(hashes: &[Hash]) -> Hash {
    match hashes {
        [] => empty_root(),
        [one] => *one,
        _ => {
            let (left, right) = hashes.split_at(split_point(hashes.len()));
            node_hash(&root_over(left), &root_over(right))
        }
    }
}

/// The largest power of two below `n` (RFC 6962's `k`); `n` is at least 2.
fn split_point(n: usize) -> usize {
    let half = n.next_power_of_two() / 2;
    half.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of RFC 6962's reference implementation: eight inputs and their roots.
    pub(crate) const INPUTS: [&str; 8] = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    pub(crate) const ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    fn unhex(text: &str) -> Vec<u8> {
        (0..text.len() / 2)
            .map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap())
            .collect()
    }

    #[test]
    fn known_roots_of_rfc_6962() {
        let leaves: Vec<Hash> = INPUTS.iter().map(|i| leaf_hash(&unhex(i))).collect();
        for n in 1..=8 {
            assert_eq!(
                root_over(&leaves[..n]).to_vec(),
                unhex(ROOTS[n - 1]),
                "size {n}"
            );
        }
        assert_eq!(
            empty_root().to_vec(),
            unhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        );
    }
}
