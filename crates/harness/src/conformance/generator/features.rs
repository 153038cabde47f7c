//! What one generator uses of the language: a random subset, so that forms meet that a draw from
//! everything would seldom bring together.

use super::random::Random;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Feature {
    Joins,
    OuterJoins,
    NaturalJoins,
    MaskedJoins,
    SubQueries,
    Derived,
    Laterals,
    SetFunctions,
    ValuesLists,
    Windows,
    GroupingSets,
    Distinct,
    OrderForms,
    Limits,
    /// LIMIT without a total order.
    LooseLimits,
    /// Quoting, Unicode escapes, dollar quotes, comments, written operators.
    Lexical,
    /// Types of the owner's own, by name.
    OwnTypes,
    /// Guesses at masked and hidden values.
    Guesses,
    /// Deeply nested expressions.
    Deep,
    Errors,
    HiddenNames,
    Forbidden,
    WholeRows,
    Recursion,
    Stars,
}

impl Feature {
    pub const ALL: &[Self] = &[
        Self::Joins,
        Self::OuterJoins,
        Self::NaturalJoins,
        Self::MaskedJoins,
        Self::SubQueries,
        Self::Derived,
        Self::Laterals,
        Self::SetFunctions,
        Self::ValuesLists,
        Self::Windows,
        Self::GroupingSets,
        Self::Distinct,
        Self::OrderForms,
        Self::Limits,
        Self::LooseLimits,
        Self::Lexical,
        Self::OwnTypes,
        Self::Guesses,
        Self::Deep,
        Self::Errors,
        Self::HiddenNames,
        Self::Forbidden,
        Self::WholeRows,
        Self::Recursion,
        Self::Stars,
    ];

    /// Chances of a hundred that a seed has it.
    fn chances(self) -> usize {
        match self {
            Self::Joins => 80,
            Self::LooseLimits => 8,
            Self::OwnTypes => 30,
            Self::Deep => 25,
            Self::NaturalJoins | Self::Recursion | Self::WholeRows => 35,
            Self::Guesses => 70,
            Self::Limits => 70,
            _ => 50,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Features(Vec<Feature>);

impl Features {
    pub fn drawn(random: &mut Random) -> Self {
        let drawn = Feature::ALL
            .iter()
            .copied()
            .filter(|f| random.percent(f.chances()));
        Self(drawn.collect())
    }

    pub fn has(&self, feature: Feature) -> bool {
        self.0.contains(&feature)
    }
}
