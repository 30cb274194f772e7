//! Where the faults go, as text: each place must be there exactly once.

mod product_core;
mod product_flows;
mod simulated_edge;
mod simulated_store;

use super::bugs::UNGUARDED;

/// One place, and what stands there in the copies.
pub(super) struct Edit {
    pub(super) file: &'static str,
    pub(super) find: &'static str,
    pub(super) put: &'static str,
}

const fn edit(file: &'static str, find: &'static str, put: &'static str) -> Edit {
    Edit { file, find, put }
}

/// Whose code a fault is planted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The code that is deployed: `shared/core` and `shared/flows`.
    Product,
    /// The simulator's, which stands for `shared/ledger`.
    Store,
    /// The simulator's, which stands for a handler.
    Edge,
}

impl Place {
    /// As the table has it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Store => "simulated store",
            Self::Edge => "simulated edge",
        }
    }
}

const PLACES: [(Place, &[Edit]); 4] = [
    (Place::Product, product_core::EDITS),
    (Place::Product, product_flows::EDITS),
    (Place::Store, simulated_store::EDITS),
    (Place::Edge, simulated_edge::EDITS),
];

/// All places.
pub(super) fn edits() -> impl Iterator<Item = &'static Edit> {
    PLACES.into_iter().flat_map(|(_, edits)| edits)
}

/// Where a fault is planted, as the edits themselves tell.
pub(super) fn places_of(bug: &str) -> Vec<Place> {
    let fault = bug.strip_suffix(UNGUARDED);
    let asks = format!("is(\"{}\")", fault.unwrap_or(bug));
    let asks_for_guard = "is_unguarded()";
    let is_its = |edit: &Edit| {
        edit.put.contains(&asks) || fault.is_some() && edit.put.contains(asks_for_guard)
    };
    let mut places: Vec<Place> = PLACES
        .into_iter()
        .filter_map(|(place, edits)| edits.iter().any(is_its).then_some(place))
        .collect();
    places.dedup();
    places
}
