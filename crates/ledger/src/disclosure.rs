//! The disclosure set of a record: which subjects, by table. It lies beside the log (body part
//! `subjects`); the leaf commits to it.

use crate::subject::SubjectId;

/// Bytes: for each table `u16 name length, name, u32 count, count × 16 bytes of id`, big-endian.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DisclosureSet {
    /// (`schema.table`, ids first disclosed by this statement in this record).
    pub tables: Vec<(String, Vec<SubjectId>)>,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the disclosure set is malformed at byte {0}")]
pub struct Malformed(usize);

impl DisclosureSet {
    pub fn is_empty(&self) -> bool {
        self.tables.iter().all(|(_, ids)| ids.is_empty())
    }

    pub fn ids(&self) -> impl Iterator<Item = SubjectId> + '_ {
        self.tables.iter().flat_map(|(_, ids)| ids.iter().copied())
    }

    pub fn encode(&self) -> Vec<u8> {
        let size: usize = self
            .tables
            .iter()
            .map(|(name, ids)| 6 + name.len() + 16 * ids.len())
            .sum();
        let mut out = Vec::with_capacity(size);
        for (name, ids) in &self.tables {
            if ids.is_empty() {
                continue;
            }
            // PostgreSQL names are at most 63 bytes each; a longer one would be a bug of ours and is cut.
            let name_bytes = name
                .as_bytes()
                .get(..name.len().min(usize::from(u16::MAX)))
                .unwrap_or_default();
            out.extend_from_slice(&(name_bytes.len() as u16).to_be_bytes());
            out.extend_from_slice(name_bytes);
            out.extend_from_slice(&(ids.len() as u32).to_be_bytes());
            for id in ids {
                out.extend_from_slice(&id.to_bytes());
            }
        }
        out
    }

    /// The tables alone, without reading the ids.
    pub fn tables_of(bytes: &[u8]) -> Result<Vec<&str>, Malformed> {
        let mut tables = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let at = bytes.len() - rest.len();
            let (name, _, after) = split_table(rest).ok_or(Malformed(at))?;
            tables.push(name);
            rest = after;
        }
        Ok(tables)
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut tables = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let at = bytes.len() - rest.len();
            let (table, after) = decode_table(rest).ok_or(Malformed(at))?;
            tables.push(table);
            rest = after;
        }
        Ok(Self { tables })
    }
}

type DecodedTable<'a> = ((String, Vec<SubjectId>), &'a [u8]);

fn decode_table(bytes: &[u8]) -> Option<DecodedTable<'_>> {
    let (name, ids, rest) = split_table(bytes)?;
    let ids = ids
        .iter()
        .map(|id| SubjectId(u128::from_be_bytes(*id)))
        .collect();
    Some(((name.to_owned(), ids), rest))
}

type SplitTable<'a> = (&'a str, &'a [[u8; 16]], &'a [u8]);

fn split_table(bytes: &[u8]) -> Option<SplitTable<'_>> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    let (name, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    let name = std::str::from_utf8(name).ok()?;
    let (count, rest) = rest.split_first_chunk::<4>()?;
    let count = u32::from_be_bytes(*count) as usize;
    let (ids, rest) = rest.split_at_checked(count.checked_mul(16)?)?;
    Some((name, ids.as_chunks::<16>().0, rest))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn a_set_survives_its_encoding_and_no_cut_of_it_passes() {
        let set = DisclosureSet {
            tables: vec![
                (
                    "clinic.patients".into(),
                    vec![SubjectId(1), SubjectId(u128::MAX)],
                ),
                ("clinic.visits".into(), vec![SubjectId(7)]),
            ],
        };
        let bytes = set.encode();
        assert_eq!(DisclosureSet::decode(&bytes).unwrap(), set);
        let names: Vec<&str> = set.tables.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(DisclosureSet::tables_of(&bytes).unwrap(), names);
        let boundary = 6 + "clinic.patients".len() + 32;
        for cut in 1..bytes.len() {
            if cut != boundary {
                assert!(
                    DisclosureSet::decode(&bytes[..cut]).is_err(),
                    "cut at {cut}"
                );
            }
        }
    }
}
