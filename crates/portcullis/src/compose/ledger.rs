//! The ledger's folds, beside the state's: the accounts and the work that a crash cut short.

use portcullis_gate::fold::LedgerFold;
use portcullis_store::state::Fold;

/// What the gate takes over at start.
pub type Ledger = LedgerFold;

pub fn fresh() -> Ledger {
    Ledger::default()
}

/// In the order in which a snapshot keeps them.
pub fn folds(ledger: &mut Ledger) -> Vec<&mut dyn Fold> {
    vec![ledger]
}
