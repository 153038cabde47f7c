//! Where in the log each holder's disclosures stand: the way from an account to its statements.
//!
//! A fold over the log like the accounts, but nothing that is charged depends on it: it may lag.
//! Exact times, statements and columns are read from the records that it points to.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::set::{put_varint, take_varint};

/// Ascending places in the log, as gaps in varints: some two bytes each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeqList {
    gaps: Vec<u8>,
    count: u64,
    next: u64,
}

impl SeqList {
    /// A place before the last one is left out.
    pub fn push(&mut self, seq: u64) {
        let Some(gap) = seq.checked_sub(self.next) else {
            return;
        };
        put_varint(&mut self.gaps, gap);
        self.count += 1;
        self.next = seq + 1;
    }

    pub fn len(&self) -> u64 {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        let mut rest = self.gaps.as_slice();
        let mut next = 0;
        std::iter::from_fn(move || {
            let (gap, after) = take_varint(rest)?;
            rest = after;
            let seq = next + gap;
            next = seq + 1;
            Some(seq)
        })
    }
}

/// Whose disclosures: a person under a contract.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Holder {
    pub contract: String,
    pub person: String,
}

/// What a holder was given of one table, by count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableUse {
    pub resource: String,
    pub table: String,
    pub statements: u64,
    pub first: Timestamp,
    pub last: Timestamp,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HolderIndex {
    pub vendor: String,
    /// Records that list subjects.
    pub records: SeqList,
    /// Statements that disclosed anybody.
    pub statements: u64,
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
    pub tables: Vec<TableUse>,
}

/// What the index needs of a record.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    pub seq: u64,
    pub at: Timestamp,
    pub contract: &'a str,
    pub vendor: &'a str,
    pub person: &'a str,
    pub resource: &'a str,
    /// The tables of its disclosure set.
    pub listed: &'a [&'a str],
    /// It is the outcome of a statement that showed subjects; all tables that the statement read.
    pub outcome_of: Option<&'a [&'a str]>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    holders: Vec<(Holder, HolderIndex)>,
    /// Entries of the log that were taken in.
    pub size: u64,
}

impl Index {
    pub fn holders(&self) -> impl Iterator<Item = (&Holder, &HolderIndex)> {
        self.holders.iter().map(|(holder, index)| (holder, index))
    }

    pub fn holder(&self, contract: &str, person: &str) -> Option<&HolderIndex> {
        let at = self.place(contract, person).ok()?;
        self.holders.get(at).map(|(_, index)| index)
    }

    fn place(&self, contract: &str, person: &str) -> Result<usize, usize> {
        self.holders.binary_search_by(|(holder, _)| {
            (holder.contract.as_str(), holder.person.as_str()).cmp(&(contract, person))
        })
    }

    /// Takes in a record that lists subjects, or the outcome of a statement that did.
    pub fn note(&mut self, record: &Record<'_>) {
        let at = match self.place(record.contract, record.person) {
            Ok(at) => at,
            Err(at) => {
                let holder = Holder {
                    contract: record.contract.to_owned(),
                    person: record.person.to_owned(),
                };
                let index = HolderIndex {
                    vendor: record.vendor.to_owned(),
                    ..HolderIndex::default()
                };
                self.holders.insert(at, (holder, index));
                at
            }
        };
        if let Some((_, holder)) = self.holders.get_mut(at) {
            holder.note(record);
        }
    }
}

impl HolderIndex {
    fn note(&mut self, record: &Record<'_>) {
        for table in record.listed {
            self.table(record, table).last = record.at;
        }
        if !record.listed.is_empty() {
            self.records.push(record.seq);
            self.first.get_or_insert(record.at);
            self.last = Some(record.at);
        }
        let Some(read) = record.outcome_of else {
            return;
        };
        self.statements += 1;
        for known in &mut self.tables {
            let counts = known.resource == record.resource && read.contains(&known.table.as_str());
            known.statements += u64::from(counts);
        }
    }

    fn table(&mut self, record: &Record<'_>, table: &str) -> &mut TableUse {
        let known = self
            .tables
            .iter()
            .position(|known| known.table == table && known.resource == record.resource);
        let at = known.unwrap_or_else(|| {
            self.tables.push(TableUse {
                resource: record.resource.to_owned(),
                table: table.to_owned(),
                statements: 0,
                first: record.at,
                last: record.at,
            });
            self.tables.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "found or just put there")]
        &mut self.tables[at]
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn places_survive_their_gaps() {
        let mut list = SeqList::default();
        let places = [0, 1, 2, 500, 501, 1 << 40];
        places.iter().for_each(|seq| list.push(*seq));
        list.push(7);
        assert!(list.iter().eq(places));
        assert_eq!(list.len(), 6);
    }

    #[test]
    fn a_statement_in_several_records_is_one() {
        let mut index = Index::default();
        let record = |seq, listed, outcome_of| Record {
            seq,
            at: Timestamp::from_second(i64::try_from(seq).unwrap()).unwrap(),
            contract: "c",
            vendor: "v",
            person: "p",
            resource: "r",
            listed,
            outcome_of,
        };
        index.note(&record(3, &["a", "b"], None));
        index.note(&record(4, &["a"], None));
        index.note(&record(9, &[], Some(&["a", "b", "unlisted"])));
        let holder = index.holder("c", "p").unwrap();
        assert!(holder.records.iter().eq([3, 4]));
        assert_eq!((holder.statements, holder.tables.len()), (1, 2));
        assert_eq!(holder.tables[0].statements, 1);
        assert_eq!(holder.tables[0].last.as_second(), 4);
        assert_eq!(holder.tables[1].last.as_second(), 3);
        assert!(index.holder("c", "q").is_none());
    }
}
