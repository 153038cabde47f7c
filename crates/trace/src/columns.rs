//! What is kept of a file while it is read: a sample of each column, or all values of one.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{Hash as _, Hasher as _};

use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;

use crate::limits::{
    COLUMN_NAME_BYTES_MAX, COLUMNS_MAX, SAMPLE_OF_COLUMN, SAMPLES_MAX, VALUE_BYTES_MAX,
    VALUES_BYTES_MAX, VALUES_MAX,
};
use crate::read::Sink;

/// One column, as the survey has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    /// Cells with a value.
    pub cells: u64,
    /// About how many distinct values (exact while all fit the sample).
    pub distinct: u64,
    /// Distinct values, drawn evenly.
    pub sample: Vec<String>,
}

/// Keeps of each column the values with the smallest hashes: an even draw of the distinct ones,
/// whatever their order, and how dense they lie tells how many there are.
#[derive(Debug, Default)]
pub struct Survey {
    names: HashMap<String, usize>,
    columns: Vec<Draw>,
    pub rows: u64,
}

#[derive(Debug, Default)]
struct Draw {
    name: String,
    cells: u64,
    smallest: BTreeMap<u64, String>,
    full: bool,
}

impl Survey {
    pub fn columns(self) -> Vec<Column> {
        let each = (SAMPLES_MAX / self.columns.len().max(1)).clamp(16, SAMPLE_OF_COLUMN);
        self.columns
            .into_iter()
            .filter(|draw| draw.cells > 0)
            .map(|draw| draw.column(each))
            .collect()
    }
}

impl Draw {
    fn column(self, keep: usize) -> Column {
        let kept = self.smallest.len();
        let distinct = match self.smallest.last_key_value() {
            // The share of the hash's range that holds `kept` values.
            Some((last, _)) if self.full => {
                (kept as f64 / ((*last as f64 + 1.0) / u64::MAX as f64)) as u64
            }
            _ => kept as u64,
        };
        Column {
            name: self.name,
            cells: self.cells,
            distinct,
            sample: self.smallest.into_values().take(keep).collect(),
        }
    }
}

impl Sink for Survey {
    fn column(&mut self, name: &str) -> Option<usize> {
        column_of(&mut self.names, name).map(|(at, name)| {
            if let Some(name) = name {
                self.columns.push(Draw {
                    name,
                    ..Draw::default()
                });
            }
            at
        })
    }

    fn cell(&mut self, column: usize, value: &str) {
        let value = value.trim();
        let Some(draw) = self.columns.get_mut(column) else {
            return;
        };
        if value.is_empty() || value.len() > VALUE_BYTES_MAX {
            return;
        }
        draw.cells += 1;
        let mut hasher = SipHasher13::new();
        value.hash(&mut hasher);
        let hash = hasher.finish();
        if draw.smallest.len() < SAMPLE_OF_COLUMN {
            draw.smallest
                .entry(hash)
                .or_insert_with(|| value.to_owned());
        } else if let Some((last, _)) = draw.smallest.last_key_value()
            && hash < *last
            && !draw.smallest.contains_key(&hash)
        {
            draw.full = true;
            draw.smallest.pop_last();
            draw.smallest.insert(hash, value.to_owned());
        } else if draw
            .smallest
            .last_key_value()
            .is_some_and(|(last, _)| hash > *last)
        {
            draw.full = true;
        }
    }

    fn row(&mut self) {
        self.rows += 1;
    }
}

/// All distinct values of one column.
#[derive(Debug, Default)]
pub struct Values {
    wanted: String,
    names: HashMap<String, usize>,
    at: Option<usize>,
    values: HashSet<String>,
    bytes: usize,
    /// More than [`VALUES_MAX`] or [`VALUES_BYTES_MAX`]: some were left out.
    pub full: bool,
    pub rows: u64,
}

impl Values {
    pub fn of(column: &str) -> Self {
        Self {
            wanted: column.to_owned(),
            ..Self::default()
        }
    }

    /// Sorted, so that nothing of the file's order is told.
    pub fn into_vec(self) -> Vec<String> {
        let mut values: Vec<String> = self.values.into_iter().collect();
        values.sort_unstable();
        values
    }
}

impl Sink for Values {
    fn column(&mut self, name: &str) -> Option<usize> {
        let (at, new) = column_of(&mut self.names, name)?;
        if new.is_some_and(|name| name == self.wanted) {
            self.at = Some(at);
        }
        Some(at)
    }

    fn cell(&mut self, column: usize, value: &str) {
        let value = value.trim();
        if self.at != Some(column) || value.is_empty() || value.len() > VALUE_BYTES_MAX {
            return;
        }
        if self.values.contains(value) {
            return;
        }
        if self.values.len() >= VALUES_MAX || self.bytes + value.len() > VALUES_BYTES_MAX {
            self.full = true;
            return;
        }
        self.bytes += value.len();
        self.values.insert(value.to_owned());
    }

    fn row(&mut self) {
        self.rows += 1;
    }
}

/// The column's place, and its name if it is new; `None` where there are too many.
fn column_of(names: &mut HashMap<String, usize>, name: &str) -> Option<(usize, Option<String>)> {
    let name = name.trim();
    let mut end = name.len().min(COLUMN_NAME_BYTES_MAX);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    let name = name.get(..end).unwrap_or_default();
    if let Some(at) = names.get(name) {
        return Some((*at, None));
    }
    if names.len() >= COLUMNS_MAX {
        return None;
    }
    let at = names.len();
    names.insert(name.to_owned(), at);
    Some((at, Some(name.to_owned())))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn a_survey_draws_evenly_and_tells_about_how_many_there_are() {
        let mut survey = Survey::default();
        let (many, few) = (
            survey.column("many").unwrap(),
            survey.column("few").unwrap(),
        );
        for n in 0..50_000 {
            survey.cell(many, &n.to_string());
            survey.cell(few, &(n % 7).to_string());
            survey.row();
        }
        let columns = survey.columns();
        assert_eq!(columns[1].distinct, 7);
        let about = columns[0].distinct;
        assert!((45_000..55_000).contains(&about), "{about}");
        assert_eq!(columns[0].sample.len(), SAMPLE_OF_COLUMN);
        let late = columns[0]
            .sample
            .iter()
            .filter(|value| value.parse::<u32>().unwrap() >= 25_000)
            .count();
        assert!((850..1150).contains(&late), "{late} of 2000");
    }

    #[test]
    fn values_are_those_of_the_column_once_each() {
        let mut values = Values::of("id");
        let (name, id) = (values.column("name").unwrap(), values.column("id").unwrap());
        for n in 0..10 {
            values.cell(name, "x");
            values.cell(id, &format!(" {} ", n % 3));
        }
        assert_eq!(values.into_vec(), ["0", "1", "2"]);
    }
}
