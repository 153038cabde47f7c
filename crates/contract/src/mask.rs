//! What a masked column shows instead of its value, and which of two masks shows more.

use serde::{Deserialize, Serialize};

/// What a masked column shows instead of its value (`docs/formats/masks.md`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mask {
    Null,
    /// A fixed text (the column's type must take it).
    Constant(String),
    /// The first n characters, the rest as `*`: the length shows.
    First(u32),
    /// The last n characters, the rest as `*`: the length shows.
    Last(u32),
    /// The first n characters and a fixed number of `*`.
    Head(u32),
    /// A fixed number of `*` and the last n characters.
    Tail(u32),
    /// A code cut to its first n letters and digits; filled with zeros to a fixed width where one is given.
    Code {
        shown: u32,
        width: Option<u32>,
    },
    /// Keyed hash, joinable within the contract only.
    Hash,
    /// Keyed substitute of the same form: a number of an identity card or the like.
    FakeId,
    /// Keyed substitute of the same form: a telephone number.
    FakePhone,
    /// Keyed substitute: another person's name, Chinese or Latin.
    FakeName,
    /// Date or timestamp cut to its year.
    Year,
    /// Date or timestamp cut to its month.
    Month,
    /// Number rounded down to a multiple.
    Bucket(u64),
}

impl Mask {
    /// Whether whatever this mask shows of a value could be worked out from what `other` shows of it.
    /// Where that isn't plain, the answer is no: two officers look at it.
    ///
    /// Fewer characters of `first`, `last`, `head`, `tail` are not less: a value that was short enough
    /// to be all stars may now show some.
    pub fn shows_no_more_than(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null | Self::Constant(_), _) => true,
            (Self::Head(n), Self::First(m)) | (Self::Tail(n), Self::Last(m)) => n == m,
            (
                Self::Code { shown, width },
                Self::Code {
                    shown: before,
                    width: filled,
                },
            ) => shown <= before && filled.is_none_or(|filled| width.is_some_and(|w| w <= filled)),
            (Self::Year, Self::Month) => true,
            (Self::Bucket(width), Self::Bucket(before)) => {
                *before != 0 && width.checked_rem(*before) == Some(0)
            }
            (this, other) => this == other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_plainly_less_is_more() {
        let code = |shown, width| Mask::Code { shown, width };
        let constant = || Mask::Constant("x".into());
        for (less, more) in [
            (Mask::Null, Mask::Hash),
            (constant(), Mask::First(1)),
            (constant(), Mask::Null),
            (Mask::Null, constant()),
            (Mask::Head(2), Mask::First(2)),
            (Mask::Tail(4), Mask::Last(4)),
            (code(2, None), code(3, None)),
            (code(2, Some(6)), code(3, None)),
            (code(2, Some(6)), code(3, Some(6))),
            (Mask::Year, Mask::Month),
            (Mask::Bucket(100), Mask::Bucket(20)),
        ] {
            assert!(less.shows_no_more_than(&more), "{less:?} {more:?}");
        }
        for (this, other) in [
            (Mask::Hash, Mask::Null),
            (Mask::Hash, constant()),
            (Mask::First(1), Mask::First(3)),
            (Mask::First(3), Mask::First(1)),
            (Mask::Last(2), Mask::Last(4)),
            (Mask::Head(1), Mask::Head(2)),
            (Mask::First(2), Mask::Head(2)),
            (Mask::Head(1), Mask::First(2)),
            (Mask::Tail(4), Mask::First(4)),
            (code(4, None), code(3, None)),
            (code(2, None), code(3, Some(6))),
            (code(2, Some(9)), code(3, Some(6))),
            (Mask::Month, Mask::Year),
            (Mask::Bucket(20), Mask::Bucket(100)),
            (Mask::Bucket(30), Mask::Bucket(20)),
            (Mask::FakeId, Mask::Hash),
            (Mask::Hash, Mask::FakeName),
            (Mask::FakePhone, Mask::FakeId),
        ] {
            assert!(!this.shows_no_more_than(&other), "{this:?} {other:?}");
        }
    }
}
